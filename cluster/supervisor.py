"""The supervisor: runs the members of one node for the agent; one detached Ray actor a node.

It may be killed and started again at any time: what it must know lies in the runs' folders, and
members stand under their shims, not under it. It keeps the node's lease alive as long as somebody
counts on the members: the agent speaks, or is only silent while the centre's head is there. A
node that was cut off from both ends its members before the broker gives their work away.
"""

import asyncio
import os
import time
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cluster import saves, shim
from cluster.activity import MeterKind
from cluster.archive_store import ArchiveStore
from cluster.devices import CORES_VARIABLE
from cluster.meeting_ports import MeetingPorts
from cluster.member import (
    Leasing,
    LogChunk,
    MemberKey,
    MemberPhase,
    MemberStart,
    MemberState,
    Seen,
)
from cluster.member_folders import MemberFolders, is_own_fault
from cluster.meters import card_meter
from cluster.nursery import NurseryAsked, member_environment, sweep, terminate_shim
from cluster.run_files import Stop
from cluster.runs import Run, Runs, is_shim_alive, now_ms, output_size, read_output
from cluster.sampling import SAMPLE_S, Sampling
from cluster.users import NodeUsers, device_groups, let_pass

LEASE_TTL_MS = 10_000
LEASE_TOUCH_S = 1.0
HEARD_LATELY_S = 3.0
HEAD_TIMEOUT_S = 2.0
LOG_LOOK_S = 0.03
LOG_CHUNK_BYTES_MAX = 256 * 1024
LOG_ANSWER_BYTES_MAX = 4 * 1024 * 1024
BEGIN_S = 10.0
SAVES_LOOK_S = 60.0
ADOPTION_LOOKS = 5
ADOPTION_LOOK_S = 0.2

FENCED_AFTER_S = LEASE_TTL_MS / 1000 + HEARD_LATELY_S + HEAD_TIMEOUT_S
"""When a node that nobody can reach has certainly ended its members."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSettings:
    """What a supervisor is made with; `head` is where Ray's head listens.

    `data_dir` is the centre's: where a file system is shared, it is the same for all nodes.
    `silence_ms_max` is how long members may go on while the agent says nothing. `meter` is the word
    of a `MeterKind`, which a node of an older release need not know.
    """

    node_id: str
    data_dir: str
    card_count: int
    visible_devices_variable: str
    head: tuple[str, int]
    silence_ms_max: int
    meter: str = MeterKind.CARDS.value


class NotApart(Exception):
    """Members cannot run as users of their own here, and must not run otherwise."""


class Supervisor:
    """What runs on one node. Its methods are called by the centre's agent, and by nobody else."""

    def __init__(self, settings: NodeSettings) -> None:
        self._settings = settings
        self._data_dir = Path(settings.data_dir)
        root = runs_folder(self._data_dir, settings.node_id)
        meter = MeterKind(settings.meter)
        self._runs = Runs(root, settings.card_count, meter)
        find = partial(card_meter, os.environ, settings.visible_devices_variable)
        self._sampling = Sampling(meter, find)
        self._lease = self._runs.root / "lease"
        self._incarnation = f"{os.getpid()}-{time.time_ns()}"
        self._changed = asyncio.Event()
        self._version_told = self._runs.version
        self._nursery = NurseryAsked(self._runs.root)
        self._archives = ArchiveStore(self._data_dir / "archives" / settings.node_id)
        self._folders = MemberFolders(self._data_dir, self._archives)
        self._users = NodeUsers(self._data_dir)
        self._preparing: dict[str, asyncio.Lock] = {}
        self._ports = MeetingPorts()
        self._heard = self._runs.root / "heard"
        self._heard_at_s = time.monotonic() - _age_s(self._heard)
        self._leasing = Leasing.RENEW
        self._tasks: set[asyncio.Task[None]] = set()

    async def describe(self) -> str:
        """Which life of this supervisor answers; also brings it to life."""
        self._live()
        return self._incarnation

    async def free_port(self) -> int:
        """A port on which a gang may meet on this node."""
        return self._ports.free(time.monotonic())

    async def has_archive(self, sha256: str) -> bool:
        return self._archives.has(sha256)

    async def keep_archive(self, sha256: str, data: bytes) -> None:
        await asyncio.to_thread(self._archives.keep, sha256, data)

    async def start(self, start: MemberStart) -> MemberState:
        """Run this member, unless it was claimed before; what becomes of it comes by `watch`."""
        self._live()
        run = self._runs.claim(start)
        if run is None:
            known = self._runs.get(start.attempt_id, start.rank)
            assert known is not None, f"a folder of {start.attempt_id} that is in no table"
            return known.state
        if not run.is_over and self._follow(run) is not None:
            self._do(self._begin(run, start))
        self._tell()
        return run.state

    async def stop(self, attempt_id: str, rank: int, stop: Stop) -> None:
        """End a member: terminate, wait, kill; one that was never started never will be."""
        self._live()
        run = self._runs.get(attempt_id, rank)
        if run is None:
            self._runs.renounce(attempt_id, rank)
        elif not run.is_over:
            self._runs.stop(run, stop)
            terminate_shim(run.folder)
        self._tell()

    async def forget(self, attempt_id: str) -> None:
        """Remove what is left of an attempt that is over."""
        async with self._preparing.setdefault(attempt_id, asyncio.Lock()):
            if self._runs.forget(attempt_id):
                await asyncio.to_thread(self._runs.remove, attempt_id)
        self._preparing.pop(attempt_id, None)

    async def orders(self) -> dict[str, str]:
        return self._runs.orders()

    async def watch(self, incarnation: str, version: int, leasing: Leasing, wait_s: float) -> Seen:
        """What is new since `version`, at once or as soon as there is something.

        To be called again and again: it is how this node knows that the agent lives.
        """
        self._live()
        self._heard_at_s = time.monotonic()
        with suppress(OSError):
            self._heard.touch(mode=0o600)
        self._leasing = leasing
        since = version if incarnation == self._incarnation else 0
        if self._runs.version <= since:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), wait_s)
        return Seen(
            incarnation=self._incarnation,
            version=self._runs.version,
            members=self._runs.newer_than(since),
            complaint=self._users.complaint,
        )

    async def read_logs(
        self, offsets: dict[MemberKey, int], done: set[MemberKey], wait_s: float
    ) -> tuple[LogChunk, ...]:
        """New output of all members but those `done`, from their `offsets` or their beginning."""
        until_s = time.monotonic() + wait_s
        while True:
            chunks = self._new_output(offsets, done)
            left_s = until_s - time.monotonic()
            if chunks or left_s < 0:
                return chunks
            await self._may_write(done, left_s)

    async def _may_write(self, done: set[MemberKey], wait_s: float) -> None:
        """Look again soon while a member may write; while none may, once one was begun."""
        if any((run.state.attempt_id, run.state.rank) not in done for run in self._runs):
            await asyncio.sleep(LOG_LOOK_S)
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), wait_s)

    def _new_output(
        self, offsets: dict[MemberKey, int], done: set[MemberKey]
    ) -> tuple[LogChunk, ...]:
        chunks = []
        room = LOG_ANSWER_BYTES_MAX
        for run in self._runs:
            key = (run.state.attempt_id, run.state.rank)
            offset = offsets.get(key, 0)
            if key in done or room <= 0 or not (run.is_over or output_size(run) > offset):
                continue
            chunk = read_output(run, offset, LOG_CHUNK_BYTES_MAX)
            room -= len(chunk.data)
            chunks.append(chunk)
        return tuple(chunks)

    def _live(self) -> None:
        """Begin to keep the lease and to follow what runs already; once."""
        if self._tasks:
            return
        self._lease.touch(mode=0o600)
        self._do(self._keep_lease())
        self._do(self._sample())
        self._do(self._look_at_saves())
        for run in self._runs:
            if not run.is_over:
                self._do(self._adopt(run))

    def _do(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _keep_lease(self) -> None:
        while True:
            if await self._are_members_wanted():
                with suppress(OSError):
                    self._lease.touch(mode=0o600)
            self._runs.write_ends()
            await asyncio.sleep(LEASE_TOUCH_S)

    async def _sample(self) -> None:
        """What is counted is told with the next word that the agent asks for."""
        while True:
            await asyncio.sleep(SAMPLE_S)
            running = [run for run in self._runs if not run.is_over]
            await asyncio.to_thread(self._sampling.take, running, now_ms())
            for run in running:
                if not run.is_over:
                    self._runs.refresh(run)

    async def _look_at_saves(self) -> None:
        """Apart from the samples: where a file system hangs, what cards do is counted on."""
        while True:
            await asyncio.sleep(SAVES_LOOK_S)
            for run in self._runs:
                if not run.is_over:
                    await asyncio.to_thread(saves.look, run.folder, now_ms())

    async def _are_members_wanted(self) -> bool:
        silent_s = time.monotonic() - self._heard_at_s
        if self._leasing is Leasing.LET_END or silent_s * 1000 > self._settings.silence_ms_max:
            return False
        return silent_s <= HEARD_LATELY_S or await self._does_head_answer()

    async def _does_head_answer(self) -> bool:
        with suppress(OSError, TimeoutError):
            connecting = asyncio.open_connection(*self._settings.head)
            _, writer = await asyncio.wait_for(connecting, HEAD_TIMEOUT_S)
            writer.close()
            return True
        return False

    async def _adopt(self, run: Run) -> None:
        """Follow a run that an earlier life of this supervisor began; it may just be beginning."""
        alive = self._follow(run)
        for _ in range(ADOPTION_LOOKS):
            # A run that is over has closed what it was followed by.
            if run.is_over or alive is None or is_shim_alive(alive):
                return
            await asyncio.sleep(ADOPTION_LOOK_S)
        if not run.is_over:
            self._hear(run, alive)

    def _follow(self, run: Run) -> int | None:
        """Hear of it at once when the shim of this run has news, or is gone."""
        loop = asyncio.get_running_loop()
        try:
            alive = os.open(run.folder / "alive", os.O_RDONLY | os.O_NONBLOCK)
        except FileNotFoundError:  # the claim was made, and nothing more
            self._runs.lose(run)
            return None
        loop.add_reader(alive, self._hear, run, alive)
        return alive

    def _hear(self, run: Run, alive: int | None) -> None:
        if alive is None:
            return
        is_alive = is_shim_alive(alive)
        if not run.is_over:
            self._runs.refresh(run)
        if is_alive and (run.folder / "stop").exists():  # asked for before it had started
            terminate_shim(run.folder)
        if not is_alive:
            asyncio.get_running_loop().remove_reader(alive)
            os.close(alive)
            if not run.is_over:
                sweep(run.state.attempt_id, run.state.rank)
                self._runs.lose(run)
        self._tell()

    def _give_up_unbegun(self, run: Run) -> None:
        """End a run that could not begin, or whose request was lost with a killed nursery."""
        if run.state.phase is not MemberPhase.CLAIMED:
            return
        if self._runs.refuse(run, "it did not begin; the node's nursery.log may know why"):
            self._tell()
        else:  # it has begun and not said so, or nobody can tell now
            asyncio.get_running_loop().call_later(BEGIN_S, self._give_up_unbegun, run)

    def _tell(self) -> None:
        if self._runs.version > self._version_told:
            self._version_told = self._runs.version
            self._changed.set()
            self._changed = asyncio.Event()

    async def _begin(self, run: Run, start: MemberStart) -> None:
        """Prepare what the member needs, which may take long, and have it run."""
        try:
            async with self._preparing.setdefault(start.attempt_id, asyncio.Lock()):
                request = await asyncio.to_thread(self._request, run, start)
            if not run.is_over:  # stopped in the meantime
                self._nursery.run(request)
        except Exception as error:  # noqa: BLE001 - whatever it is, the member cannot run
            why = str(error) or repr(error)
            self._runs.refuse(run, why, is_own_fault=is_own_fault(error))
            self._tell()
        else:
            asyncio.get_running_loop().call_later(BEGIN_S, self._give_up_unbegun, run)

    def _request(self, run: Run, start: MemberStart) -> shim.Request:
        """What the nursery is asked; also makes the member's folders. For a thread."""
        uid = self._uid(start)
        attempt = run.folder.parent
        if uid is not None:
            let_pass([self._runs.root.parent, self._runs.root, attempt])
        cards = ",".join(map(str, run.state.cards))
        ours = self._folders.environment(start, uid)
        ours[self._settings.visible_devices_variable] = cards
        saves.note_folders(run.folder, self._folders.saves(start, uid))
        inherited = member_environment(dict(os.environ)) | self._folders.home(attempt, uid)
        if self._settings.visible_devices_variable == CORES_VARIABLE:
            # Libraries would take all cores of the node, and more threads than cores slow all down.
            inherited |= {"OMP_NUM_THREADS": str(max(1, len(run.state.cards)))}
        return shim.Request(
            run=str(run.folder),
            command=start.command,
            env=inherited | dict(start.env) | ours,
            cwd=str(self._folders.working(start, attempt, uid)),
            lease=str(self._lease),
            lease_ttl_ms=LEASE_TTL_MS,
            uid=uid,
            groups=() if uid is None else tuple(device_groups()),
        )

    def _uid(self, start: MemberStart) -> int | None:
        """As whom the member runs, `None` as ourselves; raises `NotApart` where it must not."""
        if start.uid is None:
            return None
        why = self._users.why_not(start.uid)
        if why and start.is_uid_required:
            raise NotApart(f"members must be kept apart here, and cannot be: {why}")
        return None if why else start.uid


def runs_folder(data_dir: Path, node_id: str) -> Path:
    """Where a node's runs lie; the nursery's command line names it, so that it can be found."""
    return data_dir / "runs" / node_id


def _age_s(mark: Path) -> float:
    """How long ago this file was touched, which an earlier life of ours may have done."""
    return max(0.0, time.time() - mark.stat().st_mtime) if mark.exists() else 0.0
