"""What tests of a centre on real Ray stand on: a broker's end over HTTP, and looks at processes."""

import hashlib
import io
import os
import signal
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import uvicorn
from sqlalchemy import delete, insert

from api.app import create_app
from api.logs import read_log
from api.services import Services
from api.tables import ArchiveChunkRow, ArchiveRow
from cluster.driver import AttemptEnd, AttemptPhase, AttemptReport, LaunchOrder
from cluster.gang import cards_by_node
from cluster.link import CentreLink
from cluster.local_ray import PORT_BLOCK, LocalRay
from scheduler.asking.diaries import Logged
from scheduler.model.job import EndCause
from scheduler.storage.tables import AttemptRow, JobRow

ROOT = Path(__file__).resolve().parents[2]
FENCE_MS = 900_000
PATIENCE_S = 30.0


@dataclass(slots=True)
class Bed:
    """A broker's end, over HTTP, of the centre's agent, which is a process of its own."""

    link: CentreLink
    services: Services
    cluster: LocalRay
    url: str
    key: str
    agent: subprocess.Popen[bytes] | None = None
    orders: dict[str, LaunchOrder] = field(default_factory=dict)
    heard: dict[str, AttemptReport] = field(default_factory=dict)

    def hear(self) -> None:
        """Remember what was reported last of each attempt, as a log would."""
        seen = self.link.observe()
        self.heard |= {one.attempt_id: one for one in seen.attempts} if seen else {}

    def logged(self) -> dict[str, Logged]:
        """What a log would have of all that was launched here."""
        reports = {one: self.heard[one] for one in self.orders}
        return {one: _logged(order, reports[one]) for one, order in self.orders.items()}

    def launch(self, order: LaunchOrder) -> None:
        """Order an attempt that the database knows as well, so that its output is taken."""
        job = {
            "id": order.job_id,
            "tenant_id": order.tenant_id,
            "state": "running",
            "submitted_at_ms": 0,
            "spec": {},
        }
        attempt = {
            "id": order.attempt_id,
            "job_id": order.job_id,
            "centre_id": order.centre_id,
            "device_kind_id": order.device_kind_id,
            "placement": {},
            "leased_at_ms": 0,
        }
        with self.services.database.begin() as connection:
            connection.execute(insert(JobRow), job)
            connection.execute(insert(AttemptRow), attempt)
        self.orders[order.attempt_id] = order
        self.link.launch(order)

    def output(self, attempt_id: str, member: int = 0) -> bytes:
        with self.services.database.connect() as connection:
            return read_log(connection, attempt_id, member, 0)

    def start_agent(self, fence_ms: int = FENCE_MS) -> None:
        words = [self.url, self.key, str(self.cluster.data_dir), self.cluster.address]
        with (self.cluster.data_dir / "agent.log").open("ab") as log:
            self.agent = subprocess.Popen(
                [sys.executable, "-m", "tests.ray_agent", *words, str(fence_ms)],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def end_agent(self, number: int = signal.SIGKILL) -> None:
        if self.agent is not None:
            self.agent.send_signal(number)
            self.agent.wait(PATIENCE_S)
            self.agent = None


_FAULTS = {
    AttemptEnd.NODE: EndCause.NODE,
    AttemptEnd.CENTRE: EndCause.CENTRE,
    AttemptEnd.REFUSED: EndCause.BROKER,
}


def _logged(order: LaunchOrder, told: AttemptReport) -> Logged:
    is_over = told.phase is AttemptPhase.ENDED
    cause = _FAULTS.get(told.end, EndCause.CANCELLED) if told.end else None
    return Logged(
        attempt_id=order.attempt_id,
        job_id=order.job_id,
        tenant_id=order.tenant_id,
        centre_id=order.centre_id,
        device_kind_id=order.device_kind_id,
        cards=tuple(sorted(cards_by_node(order).items())),
        started_at_ms=told.started_at_ms,
        ended_at_ms=told.ended_at_ms if is_over else None,
        cause=cause if is_over else None,
        used_to_ms=told.ended_at_ms if is_over else None,
    )


@contextmanager
def serving(services: Services) -> Iterator[str]:
    server = uvicorn.Server(
        uvicorn.Config(create_app(services), port=0, log_level="error", lifespan="off")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        eventually(lambda: server.started, "the broker serves")
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        for link in services.links.values():
            assert isinstance(link, CentreLink)
            link.close()
        thread.join()


def upload(bed: Bed, content_by_path: dict[str, bytes]) -> str:
    """Keep a working directory at the broker; its sha256."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for path, content in content_by_path.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    packed = buffer.getvalue()
    sha256 = hashlib.sha256(packed).hexdigest()
    row = {"tenant_id": "t", "sha256": sha256, "byte_count": len(packed), "created_at_ms": 0}
    chunk = {"sha256": sha256, "number": 0, "body": packed}
    with bed.services.database.begin() as connection:
        connection.execute(insert(ArchiveRow), row)
        connection.execute(insert(ArchiveChunkRow), chunk)
    return sha256


def lose_archive(bed: Bed, sha256: str) -> None:
    with bed.services.database.begin() as connection:
        connection.execute(delete(ArchiveChunkRow).where(ArchiveChunkRow.sha256 == sha256))
        connection.execute(delete(ArchiveRow).where(ArchiveRow.sha256 == sha256))


def eventually(is_so: Callable[[], bool], what: str) -> None:
    pause = threading.Event()
    for _ in range(int(PATIENCE_S / 0.02)):
        if is_so():
            return
        pause.wait(0.02)
    raise AssertionError(f"after {PATIENCE_S:.0f} s it is not so that {what}")


def processes_of(attempt_id: str) -> list[psutil.Process]:
    """The attempt's processes that still carry its name."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get("BRAIN_ATTEMPT") == attempt_id:
                found.append(process)
    return found


def shim_of(attempt_id: str) -> psutil.Process:
    eventually(lambda: bool(leaders(attempt_id)), "the member has become its command")
    shim = leaders(attempt_id)[0].parent()
    assert shim is not None
    return shim


def leaders(attempt_id: str) -> list[psutil.Process]:
    return [one for one in processes_of(attempt_id) if os.getsid(one.pid) == one.pid]


def whole_tree(attempt_id: str, count: int) -> list[psutil.Process]:
    shim = shim_of(attempt_id)
    eventually(lambda: len(shim.children(recursive=True)) == count, "the whole tree runs")
    return shim.children(recursive=True)


def living(tree: list[psutil.Process]) -> list[psutil.Process]:
    return [process for process in tree if process.is_running()]


def listening_on(cluster: LocalRay) -> list[int]:
    """The ports of the cluster's that somebody still listens on."""
    first = int(cluster.address.rpartition(":")[2])
    listening = [one for one in psutil.net_connections("tcp") if one.status == psutil.CONN_LISTEN]
    ports = [one.laddr.port for one in listening if one.laddr]
    return [port for port in ports if first <= port < first + PORT_BLOCK]


def supervisors_of(cluster: LocalRay) -> list[psutil.Process]:
    """Those of this cluster alone: another worker's tests may run one of their own."""
    raylets = [process for process in cluster.processes() if process.name() == "raylet"]
    children = [child for raylet in raylets for child in raylet.children()]
    return [child for child in children if child.name().startswith("ray::Supervisor")]
