"""Alibaba's GPU cluster of 2023 ("openb"): its machines, its pods, and in what order they arrive.

A pod may ask for a part of a GPU, in thousandths, and asks for processors and memory as well
(Weng et al., "Beware of fragmentation", USENIX ATC 2023).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from benchmarks.traces import BadTrace, read_rows

MILLI = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What a machine has; `cpu_milli` are thousandths of a processor."""

    device_type: str
    device_count: int
    cpu_milli: int
    memory_mib: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """What a pod asks for: of one GPU a part, of more all, and of none nothing."""

    gpu_count: int
    gpu_milli: int
    cpu_milli: int
    memory_mib: int

    @property
    def all_milli(self) -> int:
        return self.gpu_count * self.gpu_milli


def read_machines(path: Path) -> tuple[Machine, ...]:
    """All of them in their order; raises `BadTrace` where a row says no machine."""
    return tuple(
        Machine(
            device_type=row["device_type"],
            device_count=count,
            cpu_milli=cpu_milli,
            memory_mib=memory_mib,
        )
        for row, (count, cpu_milli, memory_mib) in _numbers(
            path, ("devices", "cpu_milli", "memory_mib")
        )
    )


def read_pods(path: Path) -> tuple[Pod, ...]:
    """All of them in their order; raises `BadTrace` where a row says no pod."""
    columns = ("num_gpu", "gpu_milli", "cpu_milli", "memory_mib")
    return tuple(
        Pod(gpu_count=count, gpu_milli=milli, cpu_milli=cpu_milli, memory_mib=memory_mib)
        for _, (count, milli, cpu_milli, memory_mib) in _numbers(path, columns)
    )


def arrivals(
    pods: tuple[Pod, ...], capacity_milli: int, percent: int, random: Random
) -> tuple[Pod, ...]:
    """All pods and random ones again, until they ask for so much of all GPUs; in random order.

    As the published figures were made.
    """
    asked_milli = sum(pod.all_milli for pod in pods)
    drawn = list(pods)
    while asked_milli * 100 < capacity_milli * percent:
        drawn.append(random.choice(pods))
        asked_milli += drawn[-1].all_milli
    random.shuffle(drawn)
    return tuple(drawn)


def published(path: Path, workload: str, column: str) -> dict[str, tuple[float, ...]]:
    """What others' policies allocated of all GPUs, in percent, one figure a seed."""
    found: dict[str, tuple[float, ...]] = {}
    for row in read_rows(path):
        if row["workload"] == workload:
            name = row["sc_policy"].partition("-")[2]
            found[name] = (*found.get(name, ()), float(row[column]))
    return found


def _numbers(
    path: Path, columns: tuple[str, ...]
) -> Iterator[tuple[dict[str, str], tuple[int, ...]]]:
    for number, row in enumerate(read_rows(path), start=2):
        try:
            yield row, tuple(int(row[column]) for column in columns)
        except (KeyError, ValueError, TypeError) as error:
            raise BadTrace(f"{path}, line {number}: {error!r}") from None
