"""A centre on one machine: a real Ray cluster of several raylets whose cards are only counted.

Each node has a loopback address of its own and ports that nobody else has: Ray binds most of them
on every address, so that addresses alone would not keep two clusters apart. Processes are found
by the cluster's own folder, because `ray stop` would end every Ray on the machine.
"""

import fcntl
import hashlib
import json
import os
import secrets
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TextIO

import psutil

from cluster.inventory import Centre, Node, Park
from cluster.local_machine import answers, end, family, is_free, processes_naming, words_of
from cluster.member import NODE_LABEL
from cluster.ray_start import DASHBOARD

START_TIMEOUT_S = 180
STOP_GRACE_S = 5
ROUNDS_MAX = 10
OBJECT_STORE_BYTES = 80 * 1024 * 1024
NODES_MAX = 32
CENTRES_MAX = 200
PORTS_FROM = 20_000
PORTS_TO = 32_000  # below what Linux gives to outgoing connections
PORT_BLOCK = 250
PORTS_FOR_HEAD = 10
PORTS_PER_NODE = 7
STARTS_MAX = 2
POLL_S = 0.05
WITH_DASHBOARD = (DASHBOARD,)
# Its dozen processes are most of what a head costs, and nobody here asks them anything.
WITHOUT_DASHBOARD = ("--include-dashboard=false", "--no-monitor")


class RayFailed(Exception):
    """The local Ray cluster cannot start; the message says why and where its log is."""


class LocalRay:
    """The Ray cluster of one centre; `index` tells the centres of one machine apart.

    What lasts lies in `data_dir`. Ray's own folder is under /tmp, because the paths of its
    sockets must be short.
    """

    def __init__(self, centre: Centre, park: Park, data_dir: Path, index: int) -> None:
        self.centre = centre
        self.data_dir = Path(os.path.abspath(data_dir))  # noqa: PTH100 - resolve() follows links
        self.token_path = self.data_dir / "ray-token"
        self.log_path = self.data_dir / "ray.log"
        self._index = index
        self._head_options: tuple[str, ...] = WITHOUT_DASHBOARD
        self._is_given_up = threading.Event()
        self._nodes = tuple(node for pool in centre.pools for node in pool.nodes())
        self._resource_by_pool = {
            pool.id: park.device_kind_by_id[pool.device_kind_id].ray_resource
            for pool in centre.pools
        }
        digest = hashlib.sha256(os.fsencode(self.data_dir)).hexdigest()[:12]
        # Not the temporary folder of the environment: every process must find the same one.
        self.temp_dir = Path(f"/tmp/brain-ray-{digest}")  # noqa: S108 - see _make_private

    @property
    def address(self) -> str:
        """Where a driver connects to, once the cluster runs."""
        return f"{self._ip(0)}:{self._first_port()}"

    @property
    def dashboard_url(self) -> str:
        """Where Ray's own jobs are submitted, if it was started `WITH_DASHBOARD`."""
        return f"http://{self._ip(0)}:{self._first_port() + 2}"

    def start(self, head_options: tuple[str, ...] = WITHOUT_DASHBOARD) -> None:
        """Start the cluster, or adopt it where it runs already; returns when all nodes are in.

        Of one that runs only those nodes are started that are not there.
        """
        self._head_options = head_options
        self._check_size()
        self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._alone(self.data_dir / "ray.lock"):
            with suppress(RayFailed):
                if self.is_running():
                    self._start_missing_patiently()
                    return
            self._end_processes()
            _make_private(self.temp_dir)
            self._write_token()
            self._start_nodes_patiently()

    def give_up(self) -> None:
        """A start that is under way in another thread begins nothing more, and fails."""
        self._is_given_up.set()

    def stop(self) -> None:
        """End the cluster's processes, and what the centre's supervisors still run."""
        self._end_processes()
        shutil.rmtree(self.temp_dir, ignore_errors=True)

    def start_missing(self) -> None:
        """Start those nodes again that are not there, where the head is."""
        with self._alone(self.data_dir / "ray.lock"):
            if self.is_running():
                self._start_missing_patiently()

    def is_running(self) -> bool:
        """Whether there is a cluster: its head, which takes all other nodes along when it goes."""
        with suppress(RayFailed):
            return 0 in self.raylets() and answers(self._ip(0), self._first_port())
        return False

    def raylets(self) -> dict[int, psutil.Process]:
        """The process of each node that is there, by the node's number."""
        numbers = {f"--node_ip_address={self._ip(n)}": n for n in range(len(self._nodes))}
        found: dict[int, psutil.Process] = {}
        for process in self.processes():
            with suppress(psutil.Error):
                words = process.cmdline() if process.name() == "raylet" else []
                found |= {numbers[word]: process for word in words if word in numbers}
        return found

    @property
    def node_count(self) -> int:
        return len(self._nodes)

    def processes(self) -> list[psutil.Process]:
        """The cluster's own processes: those whose command names its folder, or its head.

        A `ray start` whose caller was killed is one of them: it would go on starting others.
        """
        signs = [f"{self.temp_dir}/", f"--temp-dir={self.temp_dir}"]
        with suppress(RayFailed):  # it has not chosen its ports yet
            signs.append(f"--address={self.address}")
        return processes_naming(*signs)

    def environment(self) -> dict[str, str]:
        """The variables with which a driver joins this cluster and no other."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("RAY_", "BRAIN_"))
        }
        return kept | {
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(self.token_path),
            "RAY_USAGE_STATS_ENABLED": "0",
        }

    def end_node(self, node_id: str) -> None:
        """Kill one raylet, as a power cut would; for showing and testing what happens then."""
        number = [node.id for node in self._nodes].index(node_id)
        if raylet := self.raylets().get(number):
            raylet.kill()

    def start_node(self, node_id: str) -> None:
        """Start a node that was ended."""
        number = [node.id for node in self._nodes].index(node_id)
        self._ray_start(number)

    def _check_size(self) -> None:
        """Refuse a centre that is none of one machine, as those of a real park are."""
        if not (0 < len(self._nodes) <= NODES_MAX and 0 <= self._index < CENTRES_MAX):
            raise RayFailed(
                f"centre {self.centre.id} has {len(self._nodes)} nodes, and is number "
                f"{self._index + 1} of its park: a Ray on this machine takes 1 to {NODES_MAX} "
                f"nodes of one of the first {CENTRES_MAX} centres; name the centre's own Ray by "
                "--ray-address and --ray-token-path, or take a local park file"
            )

    def _start_nodes_patiently(self) -> None:
        self._try(self._start_nodes, self._end_processes)

    def _start_missing_patiently(self) -> None:
        self._try(self._start_missing, lambda: None)

    def _try(self, start: Callable[[], None], clear: Callable[[], None]) -> None:
        """On a busy machine a node may miss the 30 s that Ray gives it; the next try may not."""
        for tries_left in reversed(range(STARTS_MAX)):
            try:
                start()
            except RayFailed:
                clear()
                if tries_left == 0 or self._is_given_up.is_set():
                    raise
            else:
                return

    def _start_nodes(self) -> None:
        with ThreadPoolExecutor(len(self._nodes)) as starting:
            head = self._start_head(starting)
            others = [starting.submit(self._ray_start, n) for n in range(1, len(self._nodes))]
            for start in (head, *others):
                start.result()

    def _start_missing(self) -> None:
        """Without what is left of them: a node's ports are always the same."""
        missing = sorted(set(range(len(self._nodes))) - self.raylets().keys())
        if not missing:
            return
        options = {f"--node-ip-address={self._ip(number)}" for number in missing}
        end([one for one in self.processes() if options & set(words_of(one))], STOP_GRACE_S)
        with ThreadPoolExecutor(len(missing)) as starting:
            list(starting.map(self._ray_start, missing))

    def _start_head(self, starting: ThreadPoolExecutor) -> Future[None]:
        # Each user has one: others could not open it. Blocks of ports that two users choose at the
        # same moment are told apart by Ray, which then fails to start.
        # The link that somebody may have laid there is not followed.
        with self._alone(Path(f"/tmp/brain-ray-ports-{os.getuid()}.lock")):  # noqa: S108
            first_port = self._choose_ports()
            self._ports_path.write_text(str(first_port), encoding="utf-8")
            head = starting.submit(self._ray_start, 0)
            # The head holds its ports when it has started; then others may choose theirs.
            self._await_port(first_port, head)
        return head

    def _alone(self, path: Path) -> TextIO:
        """Keep others from doing the same until the file is closed; it stays empty.

        Raises `RayFailed` where the start is given up while others are at it.
        """
        lock = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600), "w")
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if self._is_given_up.wait(POLL_S):
                    lock.close()
                    raise RayFailed(f"the start of {self.centre.id} was given up") from None
            else:
                return lock

    def _ray_start(self, number: int) -> None:
        if self._is_given_up.is_set():
            raise RayFailed(f"the start of {self.centre.id} was given up")
        node = self._nodes[number]
        first = self._first_port()
        if number == 0:
            role = ["--head", f"--port={first}"]
            role += [f"--dashboard-port={first + 2}", f"--dashboard-host={self._ip(0)}"]
            role += self._head_options
            role += [f"--ray-client-server-port={first + 1}"] * (DASHBOARD in role)
        else:
            role = [f"--address={self.address}"]
        command = [sys.executable, "-m", "cluster.ray_start", *role]
        command += self._node_options(node, number)
        with self.log_path.open("ab") as log:
            said_from = log.tell()
            done = subprocess.run(
                command,
                env=self._ray_environment(),
                cwd=self.data_dir,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                timeout=START_TIMEOUT_S,
                check=False,
            )
        if done.returncode != 0:
            said = self.log_path.read_bytes()[said_from:].decode(errors="replace").split("\n")
            why = next((line.strip() for line in reversed(said) if line.strip()), "it says nothing")
            raise RayFailed(f"Ray's node {node.id} did not start: {why} (see {self.log_path})")

    def _node_options(self, node: Node, number: int) -> list[str]:
        ports = self._first_port() + PORTS_FOR_HEAD + number * PORTS_PER_NODE
        resource = self._resource_by_pool[node.pool_id]
        return [
            f"--node-ip-address={self._ip(number)}",
            *(f"--{name}-port={port}" for port, name in enumerate(_NODE_PORTS, start=ports)),
            "--min-worker-port=0",
            "--max-worker-port=0",
            f"--temp-dir={self.temp_dir}",
            f"--object-store-memory={OBJECT_STORE_BYTES}",
            f"--labels={NODE_LABEL}={node.id}",
            # Members are no Ray tasks: without CPUs Ray keeps no idle workers ready.
            "--num-cpus=0",
            # Ray wants this one resource in an option of its own.
            f"--num-gpus={node.card_count if resource == 'GPU' else 0}",
            f"--resources={json.dumps({} if resource == 'GPU' else {resource: node.card_count})}",
            "--disable-usage-stats",
            "--include-log-monitor=false",
        ]

    def _ray_environment(self) -> dict[str, str]:
        first = self._first_port()
        return self.environment() | {
            # Otherwise two heads on one machine want the same two.
            "AUTOSCALER_METRIC_PORT": str(first + 3),
            "DASHBOARD_METRIC_PORT": str(first + 4),
        }

    def _ip(self, number: int) -> str:
        return f"127.0.{10 + self._index}.{number + 1}"

    @property
    def _ports_path(self) -> Path:
        return self.data_dir / "ray-port"

    def _first_port(self) -> int:
        try:
            return int(self._ports_path.read_text("utf-8"))
        except (FileNotFoundError, ValueError):  # empty: it is just being written, or was
            raise RayFailed(f"the Ray of {self.centre.id} does not run: start it first") from None

    def _choose_ports(self) -> int:
        """The first port of a block in which nobody listens: the one of last time, if possible."""
        needed = PORTS_FOR_HEAD + len(self._nodes) * PORTS_PER_NODE
        blocks = list(range(PORTS_FROM, PORTS_TO - PORT_BLOCK, PORT_BLOCK))
        start = int(hashlib.sha256(str(self.temp_dir).encode()).hexdigest(), 16) % len(blocks)
        blocks = blocks[start:] + blocks[:start]
        with suppress(RayFailed):
            blocks.insert(0, self._first_port())
        for block in blocks:
            if all(is_free(port) for port in range(block, block + needed)):
                return block
        raise RayFailed(f"no {needed} free ports in a row between {PORTS_FROM} and {PORTS_TO}")

    def _write_token(self) -> None:
        with suppress(FileExistsError):
            descriptor = os.open(self.token_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(secrets.token_hex(32))

    def _await_port(self, port: int, head: Future[None]) -> None:
        pause = _Pause(START_TIMEOUT_S)
        while not answers(self._ip(0), port):
            if head.done():
                head.result()
            pause.once(f"Ray's head in {self.temp_dir} does not answer; see {self.log_path}")

    def _end_processes(self) -> None:
        """Kill the cluster, which keeps nothing, and end the members that its supervisors had run.

        Those are asked first, then killed; a member's processes are found under its shim, for they
        may have left everything else. What a starting cluster begins meanwhile takes another round.
        """
        for _ in range(ROUNDS_MAX):
            self._end_those_there_are()
            if not self.processes():
                break

    def _end_those_there_are(self) -> None:
        cluster = self.processes()
        cluster += [child for process in cluster for child in family(process)]
        shims = processes_naming(f"{self.data_dir}/runs/")
        for process in cluster:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        for process in shims:
            with suppress(psutil.NoSuchProcess):
                process.terminate()
        _, alive = psutil.wait_procs([*cluster, *shims], timeout=STOP_GRACE_S)
        alive += [child for process in alive for child in family(process)]
        end(alive, STOP_GRACE_S)


_NODE_PORTS = (
    "dashboard-agent-listen",
    "dashboard-agent-grpc",
    "runtime-env-agent",
    "metrics-export",
    "node-manager",
    "object-manager",
)


class _Pause:
    """Waits between two looks at something, and gives up in the end."""

    def __init__(self, timeout_s: float) -> None:
        self._looks_left = int(timeout_s / POLL_S)
        self._never = threading.Event()

    def once(self, complaint: str) -> None:
        if self._looks_left == 0:
            raise RayFailed(complaint)
        self._looks_left -= 1
        self._never.wait(POLL_S)


def _make_private(folder: Path) -> None:
    """Make Ray's folder, or refuse one in which others could have put something of theirs."""
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        raise RayFailed(f"{folder} belongs to somebody else: remove it, or move the data") from None
