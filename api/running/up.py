"""A whole park on one machine: database, broker, a local Ray cluster and an agent for each centre.

What was started is told to a guard (`guard.py`), which stops it all when this process ends, even
by SIGKILL. Starting again with the same data folder goes on where it was: jobs and books are kept.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import psutil
from sqlalchemy.exc import SQLAlchemyError

from api.client.profile import Profile, ProfileInvalid, read_profile, write_profile
from api.clock import now_ms
from api.data_folder import DataFolderFailed, hold
from api.database import BadDatabaseUrl, migrate
from api.files.park_file import ParkFile, load
from api.files.park_machines import devices_text
from api.postgres import EmbeddedPostgres
from api.running.guard import centres_of, line_of, postgres_folder
from api.running.kept_database import KeptDatabase
from api.running.local_keys import agent_key_name, prepare_keys
from api.running.ports import HOST
from api.schemas.capacity import CentreCapacity
from api.sdk import Client
from cluster.local_ray import LocalRay, RayFailed

NODES_MAX = 16
READY_TIMEOUT_S = 60.0
HEARD_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 60.0
POLL_S = 0.1
LOG_BYTES_SHOWN = 1_500
RESTARTS_MAX = 5
RESTARTS_WITHIN_MS = 600_000
"""Who dies more often than that within this time does not get well by being started again."""

SETTINGS = frozenset(
    {
        "BRAIN_PREEMPTION",
        "BRAIN_PREEMPTION_PATIENCE_S",
        "BRAIN_PREEMPTION_MIN_RUN_S",
        "BRAIN_PREEMPTION_MAX_PER_DAY",
        "BRAIN_LOGS_KEPT_DAYS",
        "BRAIN_ARCHIVES_KEPT_DAYS",
        "BRAIN_UTILISATION_KEPT_DAYS",
        "BRAIN_MEMBER_USERS",
        "BRAIN_MEMBER_UID_FROM",
        "BRAIN_LOG_LEVEL",
    }
)
"""What says how a broker and its agents work, whichever they are; the rest says which."""

Say = Callable[[str, str], None]
"""Tells one line of progress: in English, in Chinese."""


class UpFailed(Exception):
    """The park cannot be brought up; the message says why and what to do."""


@dataclass(slots=True, kw_only=True)
class Child:
    """A process of ours, which is started again should it die."""

    name: str
    command: list[str]
    environment: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    restarts_ms: deque[int] = field(default_factory=lambda: deque(maxlen=RESTARTS_MAX))

    def may_start_again(self, now_ms: int) -> bool:
        """Whether it has not died too often lately; this time is one of them."""
        is_full = len(self.restarts_ms) == RESTARTS_MAX
        if is_full and now_ms - self.restarts_ms[0] < RESTARTS_WITHIN_MS:
            return False
        self.restarts_ms.append(now_ms)
        return True

    def has_ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def said(self) -> str:
        """The end of its log."""
        text = self.log.read_bytes()[-LOG_BYTES_SHOWN:].decode(errors="replace")
        return f"{text.strip()}\n(all of it: {self.log})"


class LocalPark:
    """Everything that one machine needs to be a park; `stop` ends all of it."""

    def __init__(self, data: Path, park_path: Path, port: int, say: Say) -> None:
        self.data = data
        self.park_path = park_path
        self.port = port
        self.url = f"http://{HOST}:{port}"
        self.park_file: ParkFile = load(park_path)
        self._say = say
        self._database: KeptDatabase | None = None
        self._children: list[Child] = []
        self._guard: subprocess.Popen[str] | None = None
        self._lock_file: int | None = None

    def start(self, database_url: str | None = None) -> Profile:
        """Bring all of it up; returns the keys. Raises `UpFailed`, with nothing left running."""
        self._check()
        self._take_lock()
        self._start_guard()
        try:
            return self._start_parts(database_url)
        except BaseException:
            self.stop()
            raise

    @contextmanager
    def running(self, database_url: str | None = None) -> Iterator[Profile]:
        """Up inside the block, and nothing left after it; a second Ctrl-C does not leave half."""
        profile = self.start(database_url)
        try:
            yield profile
        finally:
            self.stop()

    def stop(self) -> None:
        """End everything; returns when no process is left."""
        with _signals_ignored():
            self._end_processes()
            if self._lock_file is not None:
                os.close(self._lock_file)
                self._lock_file = None

    def _end_processes(self) -> None:
        if self._guard is not None:
            assert self._guard.stdin is not None
            with suppress(BrokenPipeError):
                self._guard.stdin.close()
            self._guard.wait(STOP_TIMEOUT_S)
            self._guard = None
        for child in self._children:
            if child.process is not None:
                child.process.wait(STOP_TIMEOUT_S)
        self._children.clear()

    def watch(self, stopping: threading.Event) -> None:
        """Start again what dies, until `stopping` is set; raises `UpFailed` where it dies again."""
        while not stopping.wait(POLL_S):
            if self._database is not None:
                self._database.look(self._say)
            for child in self._children:
                if child.has_ended():
                    self._restart(child)

    def _check(self) -> None:
        node_count = len(self.park_file.park.node_by_id)
        if node_count > NODES_MAX:
            raise UpFailed(
                f"{self.park_path} has {node_count} nodes, and each becomes a Ray node here: one "
                f"machine takes at most {NODES_MAX}. Use the local park (--park local), or run "
                "`brain serve` and an agent at each centre (docs/operations.md)"
            )
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, self.port))
            except OSError as error:
                raise UpFailed(
                    f"port {self.port} cannot be used ({error.strerror}): choose another by --port"
                ) from None

    def _take_lock(self) -> None:
        try:
            self._lock_file = hold(self.data)
        except DataFolderFailed as error:
            raise UpFailed(str(error)) from None

    def _start_guard(self) -> None:
        assert self._lock_file is not None
        with (self._logs() / "guard.log").open("ab") as log:
            self._guard = subprocess.Popen(
                [sys.executable, "-m", "api.running.guard", str(self.park_path), str(self.data)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                text=True,
                start_new_session=True,
                # While the guard cleans up, nobody else may start here.
                pass_fds=[self._lock_file],
            )

    def _start_parts(self, database_url: str | None) -> Profile:
        if database_url is not None:
            _migrate(database_url)  # what is wrong with it is told before anything takes long
        clusters = centres_of(self.park_path, self.data)
        names = ", ".join(cluster.centre.id for cluster in clusters)
        self._say(
            f"starting a Ray cluster for each of {names} ...", f"正在启动 {names} 的 Ray 集群…"
        )
        with self._threads(clusters) as threads:
            starting = {threads.submit(cluster.start): cluster for cluster in clusters}
            url = database_url or self._start_database()
            profile = self._prepare_keys(url)
            self._start_broker(url)
            self._start_agents(starting, profile)
        self._await_centres(profile)
        return profile

    @contextmanager
    def _threads(self, clusters: list[LocalRay]) -> Iterator[ThreadPoolExecutor]:
        """A thread for each cluster; an interrupted start ends at once, and leaves nothing."""
        threads = ThreadPoolExecutor(len(clusters))
        try:
            yield threads
        except BaseException:
            with _signals_ignored():
                for cluster in clusters:
                    cluster.give_up()
                try:
                    self._end_processes()  # among them those that the threads wait for
                finally:
                    threads.shutdown(cancel_futures=True)
                    for cluster in clusters:
                        cluster.stop()  # what a thread has begun meanwhile
            raise
        threads.shutdown()

    def _start_database(self) -> str:
        server = EmbeddedPostgres(postgres_folder(self.data))
        server.start()
        self._database = KeptDatabase(server)
        self._say("database: embedded PostgreSQL", "数据库：内置 PostgreSQL")
        _migrate(server.url())
        return server.url()

    def _prepare_keys(self, database_url: str) -> Profile:
        try:
            kept = read_profile(self.data)
        except ProfileInvalid as error:
            raise UpFailed(str(error)) from None
        profile = prepare_keys(database_url, self.url, self.park_file, kept)
        write_profile(self.data, profile)
        return profile

    def _start_broker(self, database_url: str) -> None:
        broker = self._spawn("serve", ["serve"], {"BRAIN_DATABASE_URL": database_url})
        self._await_ready(broker)
        self._say(f"broker: {self.url}", f"调度服务：{self.url}")

    def _start_agents(self, starting: dict[Future[None], LocalRay], profile: Profile) -> None:
        """An agent for each cluster, as it comes up."""
        waiting = set(starting)
        while waiting:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                cluster = starting[future]
                try:
                    future.result()
                except RayFailed as error:
                    raise UpFailed(f"centre {cluster.centre.id}: {error}") from None
                self._start_agent(cluster, profile)

    def _start_agent(self, cluster: LocalRay, profile: Profile) -> None:
        centre = cluster.centre
        key = profile.keys[agent_key_name(centre.id)]
        self._spawn(f"agent-{centre.id}", ["agent", "--centre", centre.id], {"BRAIN_API_KEY": key})
        english, chinese = devices_text(self.park_file.park, centre.pools)
        self._say(
            f"centre {centre.id} ({centre.name}): {english}",
            f"中心 {centre.id}（{centre.name}）：{chinese}",
        )

    def _await_centres(self, profile: Profile) -> None:
        """Until every centre is heard of and all its nodes are online."""
        never = threading.Event()
        silent: list[str] = []
        with Client(self.url, profile.keys["operator"]) as broker:
            for _ in range(int(HEARD_TIMEOUT_S / POLL_S)):
                view = broker.capacity()
                silent = [c.id for c in view.centres if _has_nodes_away(c)]
                if not silent:
                    return
                for child in self._children:
                    if child.has_ended():
                        raise UpFailed(f"{child.name} ended at once:\n{child.said()}")
                never.wait(POLL_S)
        raise UpFailed(f"not all nodes of {', '.join(silent)} came online: see {self._logs()}")

    # Processes

    def _logs(self) -> Path:
        folder = self.data / "logs"
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    def _spawn(self, name: str, arguments: list[str], more: Mapping[str, str]) -> Child:
        child = Child(
            name=name,
            command=[sys.executable, "-m", "api", *arguments],
            environment=self._environment() | dict(more),
            log=self._logs() / f"{name}.log",
        )
        self._children.append(child)
        self._launch(child)
        return child

    def _environment(self) -> dict[str, str]:
        """Nothing of what our own user has set for another broker or another Ray."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if name in SETTINGS or not name.startswith(("BRAIN_", "RAY_"))
        }
        return kept | {
            "BRAIN_DATA": str(self.data),
            "BRAIN_PARK": str(self.park_path),
            "BRAIN_URL": self.url,
        }

    def _launch(self, child: Child) -> None:
        assert self._guard is not None
        assert self._guard.stdin is not None
        with child.log.open("ab") as log:
            child.process = subprocess.Popen(
                child.command,
                env=child.environment,
                cwd=self.data,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C is for us; the guard then stops them in order.
                start_new_session=True,
            )
        self._guard.stdin.write(line_of(psutil.Process(child.process.pid)))
        self._guard.stdin.flush()

    def _restart(self, child: Child) -> None:
        code = child.process.returncode if child.process else None
        if not child.may_start_again(now_ms()):
            raise UpFailed(f"{child.name} ended with code {code} again and again:\n{child.said()}")
        self._say(
            f"{child.name} ended with code {code}: starting it again",
            f"{child.name} 退出（代码 {code}），正在重新启动",
        )
        self._launch(child)

    def _await_ready(self, broker: Child) -> None:
        never = threading.Event()
        for _ in range(int(READY_TIMEOUT_S / POLL_S)):
            if broker.has_ended():
                raise UpFailed(f"the broker ended at once:\n{broker.said()}")
            with suppress(httpx2.TransportError):
                if httpx2.get(f"{self.url}/readyz", trust_env=False).is_success:
                    return
            never.wait(POLL_S)
        raise UpFailed(f"the broker is not ready after {READY_TIMEOUT_S:.0f} s:\n{broker.said()}")


def _has_nodes_away(centre: CentreCapacity) -> bool:
    return any(pool.online_cards < pool.registered_cards for pool in centre.pools)


def _migrate(database_url: str) -> None:
    try:
        migrate(database_url)
    except BadDatabaseUrl as error:
        raise UpFailed(f"BRAIN_DATABASE_URL: {error}") from None
    except SQLAlchemyError as error:
        raise UpFailed(
            f"the database of BRAIN_DATABASE_URL: {str(error).splitlines()[0]}"
        ) from None


@contextmanager
def _signals_ignored() -> Iterator[None]:
    """Nothing interrupts what must be done to its end; only the main thread hears signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, signal.SIG_IGN) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
