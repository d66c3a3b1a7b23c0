"""The nodes of a centre as its driver sees them: who is there, who speaks, who is surely gone."""

import logging
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cluster import ray_nodes
from cluster.activity import MeterKind
from cluster.devices import DeviceKind, Unit
from cluster.inventory import Centre
from cluster.member import Leasing, LogChunk, MemberKey, Seen
from cluster.ray_nodes import Answers, NodeFailed, SupervisorCalls
from cluster.supervisor import FENCED_AFTER_S, NodeSettings

WATCH_S = 1.0
LOOK_S = 0.5
RETRY_S = 0.3
ONLINE_S = 5.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class CentreRay:
    """A centre and where its Ray is; `data_dir` is the same folder on all of its nodes.

    `silence_ms_max` is how long its members may go on while no agent says anything. Members run as
    users numbered from `uid_from`, one for each tenant; `None`: all as the user of Ray. Nodes that
    cannot see to it run them so too, unless `is_uid_required`. Cards that are `is_logical` are as
    busy as cores are.
    """

    centre: Centre
    device_kind_by_id: Mapping[str, DeviceKind]
    address: str
    token_path: Path
    data_dir: Path
    silence_ms_max: int
    uid_from: int | None = None
    is_uid_required: bool = False
    is_logical: bool = False

    def ray_resource(self, device_kind_id: str) -> str:
        kind = self.device_kind_by_id.get(device_kind_id)
        if kind is None:
            raise NodeFailed(f"the agent's park file has no device kind {device_kind_id}")
        return kind.ray_resource

    def _meter(self, kind: DeviceKind) -> MeterKind:
        """A core computes as long as processes take its time, be it logical or not."""
        is_of_processors = self.is_logical or kind.unit is Unit.CORE
        return MeterKind.PROCESSOR if is_of_processors else MeterKind.CARDS

    def node_settings(self) -> dict[str, NodeSettings]:
        host, _, port = self.address.rpartition(":")
        return {
            node.id: NodeSettings(
                node_id=node.id,
                data_dir=str(self.data_dir),
                card_count=node.card_count,
                visible_devices_variable=kind.visible_devices_variable,
                head=(host, int(port)),
                silence_ms_max=self.silence_ms_max,
                meter=self._meter(kind).value,
            )
            for pool in self.centre.pools
            for kind in [self.device_kind_by_id[pool.device_kind_id]]
            for node in pool.nodes()
        }


@dataclass(slots=True, kw_only=True)
class _Node:
    """A node, and what its supervisor last said; `heard_at_s` is when it was last there."""

    calls: SupervisorCalls
    is_alive: bool
    heard_at_s: float
    is_heard: bool = False
    incarnation: str = ""
    version: int = 0
    is_missed: bool = False
    is_to_repeat: bool = False
    complaint: str = ""
    ask_again_at_s: float = 0.0


class Head:
    """The head of the centre's Ray, as far as looking at its address tells.

    That somebody answers there does not say who: the Ray may have gone, and another have come that
    does not let us in.
    """

    def __init__(self, address: str, silence_ms_max: int) -> None:
        self._address = address
        self._silence_s_max = silence_ms_max / 1_000
        self._began_at_s = self._seen_at_s = time.monotonic()
        self.misses = 0

    def look(self) -> None:
        if ray_nodes.head_answers(self._address):
            self._seen_at_s, self.misses = time.monotonic(), 0
        else:
            self.misses += 1

    @property
    def is_gone(self) -> bool:
        """Whether what ran under it has certainly ended, if it was not joined since we began.

        No lease is renewed where nobody answers, nor where no agent has spoken for so long.
        """
        now_s = time.monotonic()
        is_unseen = now_s - self._seen_at_s > FENCED_AFTER_S
        return is_unseen or now_s - self._began_at_s > self._silence_s_max + FENCED_AFTER_S


class NodeTable:
    """The centre's nodes by id, once its Ray has been joined."""

    def __init__(self, place: CentreRay) -> None:
        self._settings = place.node_settings()
        self._lock = threading.Lock()
        self._nodes: dict[str, _Node] = {}
        self._watches: Answers[Seen] = Answers()
        self._outputs: Answers[tuple[LogChunk, ...]] = Answers()
        self._begun_at_s: float | None = None

    def refresh(self) -> None:
        """Ask Ray which nodes there are, and where; each that is new gets its supervisor."""
        found = {node.node_id: node for node in ray_nodes.nodes()}
        now_s = time.monotonic()
        self._begun_at_s = self._begun_at_s or now_s
        for node_id in self._settings.keys() & found.keys():
            if node_id not in self._nodes and found[node_id].is_alive:
                calls = SupervisorCalls(self._settings[node_id], found[node_id].address)
                with self._lock:
                    self._nodes[node_id] = _Node(calls=calls, is_alive=True, heard_at_s=now_s)
        with self._lock:
            for node_id, node in self._nodes.items():
                node.is_alive = node_id in found and found[node_id].is_alive
                if node.is_alive:
                    node.calls.address = found[node_id].address

    def calls(self, node_id: str) -> SupervisorCalls | None:
        with self._lock:
            node = self._nodes.get(node_id)
            return node.calls if node else None

    def online(self) -> list[str]:
        """The nodes that could take work now: Ray has them, and their supervisors speak."""
        since_s = time.monotonic() - ONLINE_S
        return [
            node_id
            for node_id, node in self._snapshot().items()
            if node.is_alive and node.is_heard and node.heard_at_s > since_s
        ]

    def miss(self, node_ids: Iterable[str]) -> None:
        """The supervisor of one of these nodes was killed: until they speak, they are not there."""
        with self._lock:
            for node_id in node_ids:
                self._nodes[node_id].is_missed = True

    def are_there(self, node_ids: Iterable[str]) -> bool:
        """Whether all of them can be asked: each is known, and has spoken since it was missed."""
        with self._lock:
            nodes = [self._nodes.get(node_id) for node_id in node_ids]
        return all(node is not None and not node.is_missed for node in nodes)

    def living(self) -> set[str]:
        """The nodes that Ray has."""
        return {node_id for node_id, node in self._snapshot().items() if node.is_alive}

    def is_gone(self, node_id: str) -> bool:
        """Whether what ran there has certainly ended: nobody renewed its lease for long enough."""
        with self._lock:
            node = self._nodes.get(node_id)
        if node is not None and node.is_alive:
            return False
        last_s = node.heard_at_s if node else self._begun_at_s
        return last_s is not None and time.monotonic() - last_s > FENCED_AFTER_S

    def watch_anew(self, node_id: str) -> None:
        """Have the node say everything once more."""
        with self._lock:
            self._nodes[node_id].is_to_repeat = True

    def watch(self, leasing: Leasing) -> list[tuple[str, Seen]]:
        """What supervisors have to say, as soon as one has."""
        now_s = time.monotonic()
        for node_id, node in self._snapshot().items():
            if not self._watches.is_asked(node_id) and node.ask_again_at_s <= now_s:
                since = 0 if node.is_to_repeat else node.version
                node.is_to_repeat = False
                call = node.calls.watch(node.incarnation, since, leasing, WATCH_S)
                self._watches.ask(node_id, call)
        heard = []
        for node_id, seen in self._watches.take(LOOK_S):
            self._note(node_id, seen)
            if seen is not None:
                heard.append((node_id, seen))
        return heard

    def output(
        self, offsets: Mapping[MemberKey, int], done: set[MemberKey], wait_s: float
    ) -> list[LogChunk]:
        """Output from `offsets` on of all members but those `done`; for one caller at a time."""
        for node_id in self.online():
            calls = self.calls(node_id)
            if calls and not self._outputs.is_asked(node_id):
                self._outputs.ask(node_id, calls.read_logs(offsets, done, wait_s))
        answers = self._outputs.take(wait_s)
        return [chunk for _, chunks in answers for chunk in chunks or ()]

    def _note(self, node_id: str, seen: Seen | None) -> None:
        with self._lock:
            node = self._nodes[node_id]
            now_s = time.monotonic()
            if seen is None:
                node.ask_again_at_s = now_s + RETRY_S
            else:
                node.is_heard, node.heard_at_s = True, now_s
                node.is_missed = False
                node.incarnation, node.version = seen.incarnation, seen.version
                if seen.complaint not in {"", node.complaint}:
                    why = seen.complaint
                    _log.warning("node %s does not keep tenants' members apart: %s", node_id, why)
                node.complaint = seen.complaint

    def _snapshot(self) -> dict[str, _Node]:
        with self._lock:
            return dict(self._nodes)
