"""An attempt at its centre: what its members did, put together. All or nothing."""

import signal
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from cluster.diary import Noted
from cluster.driver import (
    Activity,
    AttemptEnd,
    AttemptPhase,
    AttemptReport,
    LaunchOrder,
    MemberOrder,
)
from cluster.member import MemberEnd, MemberKey, MemberPhase, MemberStart, MemberState
from cluster.roles import command_of, deciding_ranks, named, role_variables
from cluster.run_files import FAILED_GANG_GRACE_MS, Stop

KILLED = -9
OUTPUT_KEPT_MS = 600_000
"""How long output waits on its node for a broker that does not take it."""

FOUND_PORT = 0
"""In place of the port of a gang that was found on its nodes: where it meets is not known."""

_PHASES = list(MemberPhase)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendezvous:
    """What all members of a gang have in common: where they meet, and as whom they run.

    `order` is the launch order as it is written; for `uid` see `MemberStart`. `address` and `port`
    are of rank 0; `role_ports` of the first member of each role, `addresses` of all its nodes.
    """

    address: str
    port: int
    order: str
    uid: int | None = None
    is_uid_required: bool = False
    addresses: Mapping[str, str] = field(default_factory=dict)
    role_ports: Sequence[int] = ()


# A lost node makes its peers fail first and is noticed last: the worst end is what happened.
_BY_WEIGHT = (
    (MemberEnd.NODE, AttemptEnd.NODE),
    (MemberEnd.LEASE, AttemptEnd.CENTRE),
    (MemberEnd.REFUSED, AttemptEnd.REFUSED),
)


@dataclass(slots=True, kw_only=True)
class Attempt:
    """One attempt and the states of its members, by rank, as far as they are known.

    `order` None: it was to be stopped before anybody had ordered it. `refusal` says why it could
    not be started as a whole. `started_at_ms` is when all members ran, once they did. `final` is
    what was reported of its end, which never changes. `is_away`: its start waits for a supervisor.
    """

    attempt_id: str
    noted_at_ms: int = 0
    order: LaunchOrder | None = None
    master_port: int | None = None
    role_ports: list[int] = field(default_factory=list)
    started_at_ms: int | None = None
    stop_grace_ms: int | None = None
    refusal: str = ""
    is_away: bool = False
    is_forgotten: bool = False
    is_output_shipped: bool = False
    final: AttemptReport | None = None
    members: dict[int, MemberState] = field(default_factory=dict)

    def note(self, state: MemberState) -> bool:
        """Take in what a node says of a member, unless it is known to be further on already.

        The answer to a start may come after the news of what became of it. Whether it was news.
        """
        known = self.members.get(state.rank)
        if known is not None and _PHASES.index(known.phase) >= _PHASES.index(state.phase):
            if known.phase is state.phase:
                self.members[state.rank] = _counted_on(known, state)
            return False
        self.members[state.rank] = state
        if self.started_at_ms is None:
            self.started_at_ms = self._whole_since_ms()
        return True

    def lose(self, rank: int, end: MemberEnd, detail: str, now_ms: int) -> None:
        """This member is over, although its node will not say so."""
        known = self.members.get(rank)
        self.note(
            MemberState(
                attempt_id=self.attempt_id,
                rank=rank,
                phase=MemberPhase.ENDED,
                started_at_ms=known.started_at_ms if known else None,
                ended_at_ms=now_ms,
                end=end,
                detail=detail,
                activity=known.activity if known else None,
                saved_at_ms=known.saved_at_ms if known else None,
            )
        )

    @property
    def activity(self) -> Activity | None:
        """What its members' cards did together, as far as somebody measures it."""
        states = self.members.values()
        known = [state.activity for state in states if state.activity is not None]
        return sum(known, start=Activity()) if known else None

    @property
    def saved_at_ms(self) -> int | None:
        """When one of them last wrote into the checkpoint folder, as far as that is seen."""
        times = [state.saved_at_ms for state in self.members.values()]
        return max((time for time in times if time is not None), default=None)

    @property
    def unfinished(self) -> tuple[MemberOrder, ...]:
        """The members that run or may yet run."""
        orders = self.order.members if self.order and self.final is None else ()
        return tuple(order for order in orders if not self._is_over(order.rank))

    @property
    def is_over(self) -> bool:
        return not self.unfinished

    @property
    def is_to_begin(self) -> bool:
        """Whether members may not have been asked for yet; what ran as a whole needs nothing."""
        is_ours = self.started_at_ms is None and self.master_port != FOUND_PORT
        return is_ours and not (self.is_over or self.is_to_end)

    @property
    def is_half(self) -> bool:
        """Whether it was found on its nodes, and some of its members on none, nor ever.

        Those cannot be started: they would wait for the others at another port.
        """
        count = len(self.order.members) if self.order else 0
        is_found = self.started_at_ms is None and self.master_port == FOUND_PORT
        return is_found and len(self.members) < count

    @property
    def has_succeeded(self) -> bool:
        """Whether all members ended well that decide on it, and none had failed before.

        Whatever becomes of the others then.
        """
        ranks = deciding_ranks(self.order) if self.order else ()
        deciding = [self.members[rank] for rank in ranks if rank in self.members]
        if not ranks or len(deciding) < len(ranks) or not all(map(_is_done, deciding)):
            return False
        done_ms = max(state.ended_at_ms or 0 for state in deciding)
        return not any(
            _has_failed(state) and (state.ended_at_ms or 0) < done_ms
            for state in self.members.values()
        )

    @property
    def is_to_end(self) -> bool:
        """Whether members that still run are to be stopped.

        One failed, all ended well that decide on success, or a stop was asked for.
        """
        is_unwanted = self.stop_grace_ms is not None or bool(self.refusal) or self.has_succeeded
        ends = [state for state in self.members.values() if state.phase is MemberPhase.ENDED]
        return is_unwanted or any(
            state.end is MemberEnd.STOPPED or _has_failed(state) for state in ends
        )

    @property
    def how_to_stop(self) -> Stop:
        """As was asked; the rest of a gang that is over otherwise has little time."""
        if self.stop_grace_ms is None:
            return Stop(grace_ms=FAILED_GANG_GRACE_MS)
        return Stop(grace_ms=self.stop_grace_ms, signal=_signal_number(self.order))

    def is_not_to_run(self, state: MemberState) -> bool:
        """Whether a member goes on of what was reported as over: it may run elsewhere by now.

        So it is where an agent that lost its memory was told to stop before a node has told it.
        """
        return self.final is not None and state.phase is not MemberPhase.ENDED

    def note_shipped(self, done: set[MemberKey]) -> bool:
        """Take in which members' output has wholly reached who reads it; whether this is all.

        By the order: after a restart of the agent not all members may have been heard of yet.
        """
        members = self.order.members if self.order else ()
        if members and {(self.attempt_id, member.rank) for member in members} <= done:
            self.is_output_shipped = True
        return self.is_output_shipped

    def is_needless(self, now_ms: int) -> bool:
        """Whether nobody wants what its nodes keep of it: also its output, after a long time."""
        if self.final is None or not self.is_forgotten:
            return False
        is_old = now_ms - (self.final.ended_at_ms or 0) > OUTPUT_KEPT_MS
        return self.order is None or self.is_output_shipped or is_old

    def report(self) -> AttemptReport:
        if self.final is not None:
            return self.final
        return self._final_report() if self.is_over else self._report_so_far()

    def noted(self) -> Noted:
        """What its centre writes down of it."""
        told, order = self.report(), self.order
        return Noted(
            attempt_id=self.attempt_id,
            phase=told.phase,
            job_id=order.job_id if order else "",
            tenant_id=order.tenant_id if order else "",
            device_kind_id=order.device_kind_id if order else "",
            cards=self._cards(),
            started_at_ms=told.started_at_ms,
            ended_at_ms=told.ended_at_ms,
            end=told.end,
        )

    def _cards(self) -> tuple[tuple[str, int], ...]:
        """How many its members have of each node: as they were given, else as was ordered."""
        cards: Counter[str] = Counter()
        for member in self.order.members if self.order else ():
            given = self.members[member.rank].cards if member.rank in self.members else ()
            cards[member.node_id] += len(given) or member.card_count
        return tuple(sorted((node_id, count) for node_id, count in cards.items() if count))

    def _is_over(self, rank: int) -> bool:
        state = self.members.get(rank)
        return state is not None and state.phase is MemberPhase.ENDED

    def _whole_since_ms(self) -> int | None:
        """When the last member began, once all have."""
        times = [state.started_at_ms for state in self.members.values()]
        known = [time for time in times if time is not None]
        is_whole = self.order is not None and len(known) == len(self.order.members)
        return max(known) if is_whole else None

    def _report_so_far(self) -> AttemptReport:
        is_running = self.started_at_ms is not None
        return AttemptReport(
            attempt_id=self.attempt_id,
            phase=AttemptPhase.RUNNING if is_running else AttemptPhase.STARTING,
            started_at_ms=self.started_at_ms,
            activity=self.activity,
            saved_at_ms=self.saved_at_ms,
        )

    def _final_report(self) -> AttemptReport:
        end, exit_code, detail = self._verdict()
        times = [state.ended_at_ms for state in self.members.values()]
        return AttemptReport(
            attempt_id=self.attempt_id,
            phase=AttemptPhase.ENDED,
            started_at_ms=self.started_at_ms,
            ended_at_ms=max((time for time in times if time is not None), default=self.noted_at_ms),
            exit_code=exit_code,
            end=end,
            detail=detail,
            node_id=self._node_at_fault(end),
            activity=self.activity,
            saved_at_ms=self.saved_at_ms,
        )

    def _node_at_fault(self, end: AttemptEnd) -> str | None:
        """Where the first member was whose node was lost, or that its node could not start.

        None where the whole was refused: it says of no member which node that is about.
        """
        at_fault = {AttemptEnd.NODE: MemberEnd.NODE, AttemptEnd.REFUSED: MemberEnd.REFUSED}
        if self.order is None or end not in at_fault:
            return None
        if self.refusal and end is AttemptEnd.REFUSED:
            return None
        for member in self.order.members:
            state = self.members.get(member.rank)
            if state is None or state.is_own_fault:
                continue
            if state.end is at_fault[end]:
                return member.node_id
        return None

    def _verdict(self) -> tuple[AttemptEnd, int | None, str]:
        if self.has_succeeded and not self.refusal:
            return AttemptEnd.EXITED, 0, ""
        ended = sorted(
            self.members.values(), key=lambda state: (state.ended_at_ms or 0, state.rank)
        )
        for member_end, end in _BY_WEIGHT:
            if self.refusal and end is AttemptEnd.REFUSED:
                return end, None, self.refusal
            for state in ended:
                if state.end is member_end:
                    why = state.detail or "its node did not renew its lease in time"
                    return end, None, f"{self._named(state)}: {why}"
        failed = [state for state in ended if _has_failed(state)]
        if failed:
            what = failed[0].detail or f"exit code {_exit_code(failed[0])}"
            return AttemptEnd.EXITED, _exit_code(failed[0]), f"{self._named(failed[0])}: {what}"
        if any(state.end is MemberEnd.STOPPED for state in ended) or not ended:
            codes = [state.exit_code for state in ended if state.exit_code is not None]
            first = next((code for code in codes if code != 0), 0)
            if ended and self.stop_grace_ms is None:
                return AttemptEnd.CENTRE, None, "somebody at the centre stopped it"
            return AttemptEnd.STOPPED, first if codes else None, ""
        return AttemptEnd.EXITED, 0, ""

    def _named(self, state: MemberState) -> str:
        return named(self.order, state.rank)


def cards_by_node(order: LaunchOrder) -> dict[str, int]:
    """How many cards a gang takes on each of its nodes that it takes any of."""
    cards: Counter[str] = Counter()
    for member in order.members:
        cards[member.node_id] += member.card_count
    return {node_id: count for node_id, count in cards.items() if count > 0}


def member_start(order: LaunchOrder, member: MemberOrder, gang: Rendezvous) -> MemberStart:
    """What a member's node is asked; what we set wins over what the user sets."""
    ours = {
        "BRAIN_JOB_ID": order.job_id,
        "BRAIN_ATTEMPT": order.attempt_id,
        "RANK": str(member.rank),
        "LOCAL_RANK": str(member.local_rank),
        "WORLD_SIZE": str(len(order.members)),
        "MASTER_ADDR": gang.address,
        "MASTER_PORT": str(gang.port),
        **role_variables(order, member.rank, gang.addresses, gang.role_ports),
    }
    return MemberStart(
        attempt_id=order.attempt_id,
        job_id=order.job_id,
        rank=member.rank,
        card_count=member.card_count,
        command=command_of(order, member.rank),
        env=tuple((dict(order.env) | ours).items()),
        archive=order.archive,
        workdir=order.workdir,
        checkpoint_dir=order.checkpoint_dir,
        order=gang.order,
        uid=gang.uid,
        is_uid_required=gang.is_uid_required,
    )


def _is_done(state: MemberState) -> bool:
    """Whether a member ended well by itself."""
    return state.end is MemberEnd.EXITED and state.exit_code == 0


def _has_failed(state: MemberState) -> bool:
    """Whether a member ended badly by itself, which ends its gang."""
    if state.phase is not MemberPhase.ENDED or state.end is MemberEnd.STOPPED:
        return False
    return state.end is not MemberEnd.EXITED or state.exit_code != 0


def _counted_on(known: MemberState, state: MemberState) -> MemberState:
    """What was known, with what has been counted and saved since; neither ever falls back."""
    activity = state.activity if _measured_ms(known) < _measured_ms(state) else known.activity
    saved_at_ms = max(known.saved_at_ms or 0, state.saved_at_ms or 0) or None
    return replace(known, activity=activity, saved_at_ms=saved_at_ms)


def _measured_ms(state: MemberState) -> int:
    return state.activity.measured_ms if state.activity else 0


def _exit_code(state: MemberState) -> int:
    return KILLED if state.exit_code is None else state.exit_code


def _signal_number(order: LaunchOrder | None) -> int | None:
    """The number of the signal by which an order's members save themselves, if there is one."""
    signals = {one.name: one.value for one in signal.Signals}
    return signals.get(order.checkpoint_signal or "") if order else None
