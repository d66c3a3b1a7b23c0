"""A real Slurm controller on this machine, for measuring: its processes in a temporary folder.

Nodes are simulated: all have the address of one socket that listens and never answers. So Slurm
takes them for idle, and sends out what is to run there, but nothing comes to run.
"""

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from api.running.ports import free_port
from benchmarks.local_broker import BenchmarkFailed
from benchmarks.slurm_conf import Place, slurm_conf
from benchmarks.slurm_said import QUEUE_FORMAT, Diagnosis, Queue, diagnosis, queue, start_times
from cluster.inventory import Park

PACKAGE_BY_PROGRAM = {
    "munged": "munge",
    "slurmctld": "slurmctld",
    **dict.fromkeys(("sbatch", "scontrol", "sdiag", "squeue"), "slurm-client"),
}
SEARCHED = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"))
"""Daemons lie where only root looks for programs."""
CLIENTS = 4
COMMAND_TIMEOUT_S = 900.0
READY_TIMEOUT_S = 60.0
END_TIMEOUT_S = 60.0
LOOK_S = 0.1
SAID_CHARS = 2_000
KEY_BYTES = 128
NODES_WAITING_MAX = 4_096


@dataclass(frozen=True, slots=True)
class Site:
    """A folder with munged at work and a script to submit; controllers come and go in it."""

    folder: Path
    park: Park
    programs: Mapping[str, str]
    jobs_max: int


def programs() -> dict[str, str]:
    """Paths by name; raises `BenchmarkFailed`, with what to install, where one is missing."""
    found = {name: shutil.which(name, path=SEARCHED) for name in PACKAGE_BY_PROGRAM}
    missing = sorted({PACKAGE_BY_PROGRAM[name] for name, path in found.items() if path is None})
    if missing:
        raise BenchmarkFailed(
            f"Slurm is not installed; on Debian, as root: apt-get install {' '.join(missing)}"
        )
    return {name: path for name, path in found.items() if path}


@contextmanager
def slurm_site(park: Park, jobs_max: int) -> Iterator[Site]:
    """A munged with a key of its own until the block ends; then nothing of it is left."""
    found = programs()
    with tempfile.TemporaryDirectory(prefix="brain-slurm-") as name:
        site = Site(Path(name), park, found, jobs_max)
        site.folder.chmod(0o711)  # munged insists that others could reach its socket
        (site.folder / "state").mkdir()
        (site.folder / "gres.conf").touch()
        (site.folder / "job.sh").write_text("#!/bin/sh\ntrue\n", encoding="utf-8")
        key = site.folder / "munge.key"
        key.write_bytes(secrets.token_bytes(KEY_BYTES))
        key.chmod(0o600)
        with _process(_munged(site), site.folder / "munged.out", {}) as process:
            _await(site.folder / "munge.socket", process, site.folder / "munged.out")
            yield site


def _munged(site: Site) -> list[str]:
    file_by_option = {
        "key-file": "munge.key",
        "socket": "munge.socket",
        "pid-file": "munged.pid",
        "log-file": "munged.log",
        "seed-file": "munged.seed",
    }
    options = [f"--{option}={site.folder / name}" for option, name in file_by_option.items()]
    return [site.programs["munged"], "--foreground", *options]


@contextmanager
def controller(site: Site, parameters: str) -> Iterator["Slurm"]:
    """A slurmctld that goes on from what the folder holds; all partitions are closed."""
    with socket.create_server(("127.0.0.1", 0), backlog=NODES_WAITING_MAX) as nodes:
        place = Place(
            folder=site.folder,
            host=socket.gethostname().partition(".")[0],
            port=free_port(),
            node_port=nodes.getsockname()[1],
            user=pwd.getpwuid(os.geteuid()).pw_name,
        )
        conf = site.folder / "slurm.conf"
        conf.write_text(slurm_conf(site.park, place, parameters, site.jobs_max), encoding="utf-8")
        (site.folder / "slurmctld.log").unlink(missing_ok=True)
        variables = _clean() | {"SLURM_CONF": str(conf)}
        command = [site.programs["slurmctld"], "-D", "-f", str(conf)]
        with _process(command, site.folder / "slurmctld.out", variables) as process:
            slurm = Slurm(site, process.pid, variables)
            slurm.await_ready()
            yield slurm


@contextmanager
def kept_state(site: Site) -> Iterator[None]:
    """Puts the folder's state back at the end: the next controller begins where this one did."""
    kept = site.folder / "kept"
    shutil.copytree(site.folder / "state", kept)
    try:
        yield
    finally:
        shutil.rmtree(site.folder / "state")
        kept.rename(site.folder / "state")


class Slurm:
    """A controller by its own commands."""

    def __init__(self, site: Site, pid: int, variables: Mapping[str, str]) -> None:
        self._site = site
        self._process = psutil.Process(pid)
        self._variables = variables

    def await_ready(self) -> None:
        deadline_s = time.monotonic() + READY_TIMEOUT_S
        while self._call("sdiag").returncode:
            if self._process.status() == psutil.STATUS_ZOMBIE or time.monotonic() > deadline_s:
                raise BenchmarkFailed(f"slurmctld is not ready:\n{self._log()[-SAID_CHARS:]}")
            time.sleep(LOOK_S)

    def submit(self, lines: Iterable[str]) -> None:
        """One `sbatch` for each line of arguments, four at a time."""
        script, sbatch = self._site.folder / "job.sh", self._site.programs["sbatch"]
        text = "".join(f"{line} --output=/dev/null {script}\n" for line in lines)
        self._checked(self._run(["xargs", "-P", str(CLIENTS), "-L", "1", sbatch], text))

    def set_pools(self, state: str) -> None:
        """UP lets jobs start, DOWN lets them only wait."""
        for pool in self._site.park.pools:
            self._say("scontrol", "update", f"PartitionName={pool.id}", f"State={state}")

    def reset(self) -> None:
        self._say("sdiag", "--reset")

    def diagnosis(self) -> Diagnosis:
        return diagnosis(self._say("sdiag"))

    def queue(self) -> Queue:
        return queue(self._say("squeue", "--noheader", f"--format={QUEUE_FORMAT}"))

    def start_times(self) -> list[float]:
        return start_times(self._log())

    def cpu_s(self) -> float:
        """Processor seconds of the controller so far, in user and in system."""
        times = self._process.cpu_times()
        return times.user + times.system

    def _log(self) -> str:
        path = self._site.folder / "slurmctld.log"
        return path.read_text("utf-8", errors="replace") if path.exists() else ""

    def _say(self, program: str, *words: str) -> str:
        return self._checked(self._call(program, *words))

    def _call(self, program: str, *words: str) -> subprocess.CompletedProcess[str]:
        return self._run([self._site.programs[program], *words], "")

    def _run(self, command: list[str], text: str) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                command,
                env=self._variables,
                cwd=self._site.folder,
                input=text,
                capture_output=True,
                text=True,
                timeout=COMMAND_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise BenchmarkFailed(f"Slurm does not answer: {error}") from None

    @staticmethod
    def _checked(done: subprocess.CompletedProcess[str]) -> str:
        if done.returncode:
            raise BenchmarkFailed(f"{' '.join(done.args[:6])}: {done.stderr[-SAID_CHARS:]}")
        return done.stdout


@contextmanager
def _process(
    command: list[str], said: Path, variables: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """A daemon that stays in the foreground until the block ends."""
    with said.open("wb") as file:
        process = subprocess.Popen(
            command, env=variables, stdin=subprocess.DEVNULL, stdout=file, stderr=file
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            with suppress(subprocess.TimeoutExpired):
                process.wait(END_TIMEOUT_S)
        finally:
            process.kill()
            process.wait()


def _await(path: Path, process: subprocess.Popen[bytes], said: Path) -> None:
    deadline_s = time.monotonic() + READY_TIMEOUT_S
    while not path.exists():
        if process.poll() is not None or time.monotonic() > deadline_s:
            text = said.read_text("utf-8", errors="replace")[-SAID_CHARS:]
            raise BenchmarkFailed(f"munged is not ready:\n{text}")
        time.sleep(LOOK_S)


def _clean() -> dict[str, str]:
    """Our environment without what would choose another Slurm."""
    foreign = ("SLURM_", "SBATCH_", "SQUEUE_")
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
