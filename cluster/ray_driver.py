"""A centre that is a Ray cluster: a `cluster.driver.Driver` which starts, follows and ends gangs.

An attempt's cards are set aside by a detached placement group of its name, on the nodes that the
planner chose. Which cards a member gets is decided by its node's supervisor, for Ray hands out
none with a placement group; so members start beside the group and not after it, because Ray
takes a second to find a place that was freed just before. A group that finds none ends its attempt.

All is level-triggered: what should be is in the journal, what is comes from the supervisors, and
the keeper makes the one like the other, again and again.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

from cluster import ray_nodes
from cluster.archive import BadArchive
from cluster.card_groups import CardGroups
from cluster.diary import Diary
from cluster.diary_file import DiaryFile
from cluster.driver import CentreReport, LaunchOrder, MemberOrder
from cluster.gang import FOUND_PORT, Attempt, Rendezvous, cards_by_node, member_start
from cluster.journal import Journal, TenantUids
from cluster.member import Leasing, LogChunk, MemberEnd, MemberKey, MemberState, Seen
from cluster.ray_nodes import ClusterFailed, NodeAway, NodeFailed, SupervisorCalls
from cluster.ray_watch import RETRY_S, CentreRay, Head, NodeTable
from cluster.roles import meeting_nodes
from cluster.run_files import FAILED_GANG_GRACE_MS, Stop
from cluster.runs import now_ms
from cluster.steady import failure, in_background
from cluster.supervisor import FENCED_AFTER_S
from cluster.wire import order_to_json

KEEP_S = 1.0
GROUP_PLACED_MS = 15_000
HEAD_MISSES_MAX = 3
CLOSE_S = 3.0
CALLERS = 16

_log = logging.getLogger(__name__)


class RayDriver:
    """Drives one Ray cluster; `on_change` is called, from any thread, when there is news.

    `fetch_archive` gives the bytes of an uploaded working directory by their sha256. `leasing` is
    whether members are still counted on; if not, their leases end.
    """

    def __init__(
        self,
        place: CentreRay,
        fetch_archive: Callable[[str], bytes],
        on_change: Callable[[], None],
    ) -> None:
        self._place = place
        self._fetch_archive = fetch_archive
        self._on_change = on_change
        self._journal = Journal(place.data_dir / "attempts")
        self._diary = DiaryFile(place.data_dir, now_ms())
        self._uids = TenantUids(place.data_dir / "tenant-uids.json", place.uid_from or 0)
        self._lock = threading.RLock()
        self._attempts = {attempt.attempt_id: attempt for attempt in self._journal.read()}
        self._earlier = set(self._attempts)
        self._nodes = NodeTable(place)
        self._callers = ThreadPoolExecutor(CALLERS, thread_name_prefix="ray-call")
        self._is_closed = threading.Event()
        self.leasing = Leasing.RENEW
        self._connected = threading.Event()
        self._head = Head(place.address, place.silence_ms_max)
        self._met: set[str] = set()
        self._groups = CardGroups()
        works = (self._look_at_head, self._keep, self._watch)
        self._threads = [in_background(work, self._is_closed) for work in works]

    # The port.

    @property
    def centre_id(self) -> str:
        return self._place.centre.id

    def launch(self, order: LaunchOrder) -> None:
        with self._lock:
            if order.attempt_id in self._attempts:
                return
            attempt = self._add(Attempt(attempt_id=order.attempt_id, order=order))
        self._submit(partial(self._begin, attempt))
        self._on_change()

    def stop(self, attempt_id: str, grace_ms: int) -> None:
        with self._lock:
            unknown = Attempt(attempt_id=attempt_id, noted_at_ms=now_ms())
            attempt = self._attempts.setdefault(attempt_id, unknown)  # also where the disk is full
            if attempt.stop_grace_ms is None or grace_ms < attempt.stop_grace_ms:
                attempt.stop_grace_ms = grace_ms
                self._journal.write(attempt)
        self._submit(partial(self._advance, attempt))

    def forget(self, attempt_id: str) -> None:
        with self._lock:
            attempt = self._attempts.get(attempt_id)
            if attempt is None or not attempt.is_over or attempt.is_forgotten:
                return
            attempt.is_forgotten = True
            self._journal.write(attempt)
        self._submit(partial(self._clear, attempt))

    def observe(self) -> CentreReport:
        with self._lock:
            attempts = [one for one in self._attempts.values() if not one.is_forgotten]
            takes_none = self._head.misses or self._journal.is_full
            return CentreReport(
                centre_id=self.centre_id,
                heard_at_ms=now_ms(),
                online_node_ids=frozenset(() if takes_none else self._nodes.online()),
                attempts=tuple(attempt.report() for attempt in attempts),
            )

    # Life.

    @property
    def is_cut_off(self) -> bool:
        """Whether the head went away: begin anew, before Ray ends this process."""
        return self._connected.is_set() and self._head.misses >= HEAD_MISSES_MAX

    @property
    def has_met_all(self) -> bool:
        """Whether every node has told what runs there: before, we may not know of all there is."""
        return self._connected.is_set() and self._nodes.living() <= self._met

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop driving; what runs goes on."""
        self._is_closed.set()
        for thread in self._threads:
            thread.join(CLOSE_S)
        self._callers.shutdown(wait=False, cancel_futures=True)
        if self._connected.is_set() and not self._head.misses:
            ray_nodes.disconnect()

    def known_ids(self) -> list[str]:
        return [one.attempt_id for one in self._snapshot() if not one.is_forgotten]

    def diary(self) -> Diary:
        """What runs, and what has ended: also what was forgotten long since."""
        with self._lock:
            noted = [attempt.noted() for attempt in self._attempts.values()]
        return self._diary.read(noted, now_ms())

    def stopping_ids(self) -> list[str]:
        """The attempts that need not be stopped again: they end, or have ended."""
        attempts = self._snapshot()
        return [one.attempt_id for one in attempts if one.is_over or one.stop_grace_ms is not None]

    # Output.

    def new_output(
        self, offsets: Mapping[MemberKey, int], done: set[MemberKey], wait_s: float
    ) -> list[LogChunk]:
        """Output from `offsets` on of all members but those `done`; for one caller at a time."""
        if not self._connected.is_set():
            self._is_closed.wait(wait_s)
            return []
        return self._nodes.output(offsets, done, wait_s)

    def release_output(self, attempt_id: str, done: set[MemberKey]) -> None:
        """What these members said has reached who reads it, and may be cleared away."""
        if (attempt := self._attempts.get(attempt_id)) and attempt.note_shipped(done):
            self._submit(partial(self._clear, attempt))

    # Steps of an attempt; each may be taken again.

    def _begin(self, attempt: Attempt) -> None:
        """Start all members, or none: whatever goes wrong ends the attempt."""
        if error := failure(partial(self._start, attempt)):
            self._refuse(attempt, f"the agent failed: {error!r}")
        self._advance(attempt)

    def _start(self, attempt: Attempt) -> None:
        try:
            for state in self._start_members(attempt):
                self._note(attempt, state)
        except NodeAway:
            self._nodes.miss(member.node_id for member in attempt.unfinished)
            attempt.is_away = True
        except (NodeFailed, BadArchive) as error:
            self._refuse(attempt, str(error))

    def _refuse(self, attempt: Attempt, why: str) -> None:
        """It cannot run as a whole; before a port was chosen no member can have been started."""
        with self._lock:
            attempt.refusal = why
            self._journal.write(attempt)
            for member in attempt.unfinished if attempt.master_port is None else ():
                attempt.lose(member.rank, MemberEnd.REFUSED, why, now_ms())

    def _start_members(self, attempt: Attempt) -> list[MemberState]:
        order = attempt.order
        assert order is not None
        nodes = {one.node_id: self._node(one.node_id) for one in order.members}
        if order.archive is not None and attempt.master_port is None:  # else its nodes have it
            data = ray_nodes.put(self._fetch_archive(order.archive))
            for node in nodes.values():
                node.provide_archive(order.archive, data)
        resource = self._place.ray_resource(order.device_kind_id)
        ray_nodes.hold_cards(order.attempt_id, resource, cards_by_node(order))
        if attempt.master_port is None:
            ports = [nodes[node_id].free_port() for node_id in meeting_nodes(order)]
            attempt.master_port, attempt.role_ports = ports[0], ports[1:]
            self._journal.write(attempt)
        gang = Rendezvous(
            address=nodes[order.members[0].node_id].address,
            port=attempt.master_port,
            order=order_to_json(order),
            uid=None if self._place.uid_from is None else self._uids.uid(order.tenant_id),
            is_uid_required=self._place.is_uid_required,
            addresses={node_id: calls.address for node_id, calls in nodes.items()},
            role_ports=attempt.role_ports,
        )
        if attempt.stop_grace_ms is not None:
            return []
        calls = [nodes[one.node_id].start(member_start(order, one, gang)) for one in order.members]
        return ray_nodes.start_all(calls)

    def _advance(self, attempt: Attempt) -> None:
        """What follows from what is known: nothing, the end of its members, or its own."""
        with self._lock:
            if attempt.final is not None:
                return
            if attempt.is_over:
                attempt.final = attempt.report()
                self._diary.note(attempt.noted(), now_ms())
                self._journal.write(attempt)
                if self._connected.is_set():
                    self._submit(partial(ray_nodes.release_cards, attempt.attempt_id))
            elif attempt.is_to_end:
                self._stop_members(attempt)
        self._on_change()

    def _stop_members(self, attempt: Attempt) -> None:
        for member in attempt.unfinished:
            if calls := self._nodes.calls(member.node_id):
                calls.stop(attempt.attempt_id, member.rank, attempt.how_to_stop)

    def _clear(self, attempt: Attempt) -> None:
        """Remove what the nodes keep of an attempt that nobody asks about any more."""
        if not (attempt.is_needless(now_ms()) and self._connected.is_set()):
            return
        for member in attempt.order.members if attempt.order else ():
            if calls := self._nodes.calls(member.node_id):
                calls.forget(attempt.attempt_id)
        with self._lock:
            self._journal.remove(attempt.attempt_id)
            self._attempts.pop(attempt.attempt_id, None)

    def _node(self, node_id: str) -> SupervisorCalls:
        """The node's supervisor; shortly after our own start it may not be known yet."""
        self._connected.wait(FENCED_AFTER_S)
        if calls := self._nodes.calls(node_id):
            return calls
        raise NodeFailed(f"node {node_id} is not there")

    # Work that goes on.

    def _look_at_head(self) -> None:
        self._head.look()
        self._on_change()
        self._is_closed.wait(KEEP_S)

    def _watch(self) -> None:
        if not self._connected.wait(RETRY_S):
            return
        for node_id, seen in self._nodes.watch(self.leasing):
            if failure(partial(self._hear_all, node_id, seen)):
                self._nodes.watch_anew(node_id)  # or it would never say again what we missed
                self._is_closed.wait(RETRY_S)
        if not self._nodes.online():
            self._is_closed.wait(RETRY_S)

    def _hear_all(self, node_id: str, seen: Seen) -> None:
        for state in seen.members:
            self._hear(node_id, state)
        self._met.add(node_id)

    def _hear(self, node_id: str, state: MemberState) -> None:
        attempt = self._attempts.get(state.attempt_id)
        if attempt is None:
            self._adopt(node_id)
        elif attempt.is_not_to_run(state):
            if calls := self._nodes.calls(node_id):
                calls.stop(state.attempt_id, state.rank, Stop(grace_ms=FAILED_GANG_GRACE_MS))
        elif self._note(attempt, state):
            self._advance(attempt)

    def _adopt(self, node_id: str) -> None:
        """Take over attempts of which this agent has no memory; what has no order was renounced."""
        for attempt_id, order in self._node(node_id).orders().items():
            with self._lock:
                if attempt_id not in self._attempts:
                    self._add(Attempt(attempt_id=attempt_id, order=order, master_port=FOUND_PORT))
        self._nodes.watch_anew(node_id)

    def _keep(self) -> None:
        """Make what is like what should be, once a second; one failure hinders no other."""
        self._is_closed.wait(KEEP_S)
        works: list[Callable[[], None]] = [self._nodes.refresh, self._keep_groups]
        if not self._connected.is_set():
            works = [self._join] if self._head.misses == 0 else []
        works += [self._journal.look, *(partial(self._keep_attempt, a) for a in self._snapshot())]
        for work in works:
            if not self._is_closed.is_set():
                failure(work)

    def _join(self) -> None:
        try:
            ray_nodes.connect(self._place.address, str(self._place.token_path))
        except ClusterFailed as error:
            _log.warning("%s", error)
            return
        self._nodes.refresh()
        self._connected.set()

    def _keep_attempt(self, attempt: Attempt) -> None:
        if attempt.final is not None:
            self._clear(attempt)
            return
        for member in attempt.unfinished:
            self._lose_where_gone(attempt, member)
        if attempt.is_to_end or attempt.is_over:
            self._advance(attempt)
        elif attempt.attempt_id in self._earlier or attempt.is_away:
            self._resume(attempt)
        elif attempt.is_half and self.has_met_all:
            self._give_up(attempt, "nobody knows where its other members were to meet it")

    def _resume(self, attempt: Attempt) -> None:
        """Go on with what was begun before, once all of its nodes are there."""
        if self._nodes.are_there(member.node_id for member in attempt.unfinished):
            if attempt.attempt_id in self._earlier:
                self._earlier.remove(attempt.attempt_id)
                attempt.noted_at_ms = now_ms()  # its nodes, or all of Ray, may have come just now
            attempt.is_away = False
            if attempt.is_to_begin:
                self._submit(partial(self._begin, attempt))
        elif attempt.is_away:
            self._give_up(attempt, "a supervisor was killed, and did not come back in time")

    def _lose_where_gone(self, attempt: Attempt, member: MemberOrder) -> None:
        """A member is over where nobody can have renewed its node's lease for too long."""
        is_gone, end = self._head.is_gone, MemberEnd.LEASE
        detail = f"the Ray of {self.centre_id} is not there"
        if self._connected.is_set():
            is_gone, end = self._nodes.is_gone(member.node_id), MemberEnd.NODE
            detail = f"node {member.node_id} was lost"
        if is_gone:
            with self._lock:
                attempt.lose(member.rank, end, detail, now_ms())

    def _keep_groups(self) -> None:
        """Remove placement groups that nobody needs; end attempts that got none."""
        live = {one.attempt_id: one for one in self._snapshot() if one.final is None}
        for attempt_id in self._groups.unplaced(live.keys()):
            self._give_up(live[attempt_id], "Ray has given its cards to somebody else")

    def _give_up(self, attempt: Attempt, why: str) -> None:
        """End it, once it has had time enough to become whole."""
        if now_ms() - attempt.noted_at_ms > GROUP_PLACED_MS and not attempt.is_to_end:
            attempt.refusal = why
            self._advance(attempt)

    # The table of attempts.

    def _add(self, attempt: Attempt) -> Attempt:
        attempt.noted_at_ms = now_ms()
        self._journal.write(attempt)
        self._attempts[attempt.attempt_id] = attempt
        return attempt

    def _note(self, attempt: Attempt, state: MemberState) -> bool:
        with self._lock:
            was_whole = attempt.started_at_ms is not None
            is_news = attempt.note(state)
            if not was_whole and attempt.started_at_ms is not None:
                self._journal.write(attempt)
            return is_news

    def _snapshot(self) -> list[Attempt]:
        with self._lock:
            return list(self._attempts.values())

    def _submit(self, work: Callable[[], None]) -> None:
        """Do this beside; what nobody expected of it is in the log, and the keeper tries again."""
        with suppress(RuntimeError):  # closed in the meantime
            self._callers.submit(failure, work)
