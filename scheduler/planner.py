"""The one planner: a pure function of the state; who starts now, where, and why not yet."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from cluster.inventory import Park, Pool
from scheduler.allowance import Allowances
from scheduler.backfill import PoolRoom, Release, Reservation
from scheduler.job import Job, Placement, PlannedStart, Reason, ReasonCode
from scheduler.outlook import Holding, Outlook
from scheduler.placement import Fit, FreeCards, Shape, candidate_pools, fit, misfits, shape_of
from scheduler.policy import DEFAULT, Policy
from scheduler.record import JobRecord
from scheduler.state import State
from scheduler.turns import Turns


class Answers(StrEnum):
    """For whom a plan has an answer: for all who wait, or only for who starts now.

    The second ends as soon as nothing more can start, and says nothing to those behind.
    """

    ALL = "all"
    GRANTS = "grants"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A job may start now, there, with so much money set aside."""

    job_id: str
    placement: Placement
    hold_micros: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Why a job waits, and when and where it would start; `start` is None where that is unknown."""

    reasons: tuple[Reason, ...]
    start: PlannedStart | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to start now, and for each job that stays, in the order of the queue, why."""

    grants: tuple[Grant, ...]
    verdicts: Mapping[str, Verdict]
    answers: Answers = Answers.ALL


def plan(
    state: State, now_ms: int, policy: Policy = DEFAULT, answers: Answers = Answers.ALL
) -> Plan:
    """Consider every waiting job once, in the policy's order."""
    if state.park is None or not state.queue:
        return Plan(grants=(), verdicts={})
    desk = Desk(state, state.park, now_ms, policy)
    grants: list[Grant] = []
    verdicts: dict[str, Verdict] = {}
    for job_id, answer in desk.answers():
        if isinstance(answer, Grant):
            grants.append(answer)
        else:
            verdicts[job_id] = answer
        if answers is Answers.GRANTS and desk.is_full():
            break
    if answers is Answers.ALL:
        verdicts = desk.foresee(desk.outlook(), verdicts)
    return Plan(grants=tuple(grants), verdicts=verdicts, answers=answers)


@dataclass(slots=True)
class Candidate:
    """A pool that could hold a shape, and what the plan has found out about the two.

    `full` says why it does not fit now, by whether it would end before the pool's reservation;
    `is_hopeless` that nothing that runs will make room for it.
    """

    pool: Pool
    wanted: Fit
    room: PoolRoom
    full: dict[bool, Reason] = field(default_factory=dict)
    is_hopeless: bool = False


class Offer(NamedTuple):
    """A pool that could hold a job, how, and why not now; it could now where there is no reason.

    `promise_ms` is when the plan would promise it a start there.
    """

    pool: Pool
    wanted: Fit
    reasons: tuple[Reason, ...]
    promise_ms: int | None


class Option(NamedTuple):
    """Where a job could be, and what it would cost at most."""

    candidate: Candidate
    hold_micros: int


@dataclass(slots=True)
class Desk:
    """One plan in the making: what is still free, and what was found out about each shape."""

    state: State
    park: Park
    now_ms: int
    policy: Policy
    _rooms: dict[str, PoolRoom] = field(default_factory=dict)
    _candidates_by_shape: dict[Shape, list[Candidate]] = field(default_factory=dict)
    _closed_by: dict[str, str] = field(default_factory=dict)
    _holdings: list[Holding] = field(default_factory=list)
    _allowances: Allowances = field(init=False)

    def __post_init__(self) -> None:
        self._allowances = Allowances(self.state, self.now_ms)

    def answers(self, until: str | None = None) -> Iterator[tuple[str, Grant | Verdict]]:
        """Consider every waiting job once, in the policy's order; `until` it is that job's turn."""
        queue = Turns(self.state, self.now_ms, self.policy)
        for record in queue:
            if record.job.id == until:
                return
            answer = self._consider(record)
            if isinstance(answer, Grant):
                queue.charge(record.job.tenant_id, self._tflops(answer.placement))
            yield record.job.id, answer

    def outlook(self) -> Outlook:
        """What is to come of what runs, and of what was granted until now."""
        return Outlook(self.state, self.park, self.now_ms, self._holdings, self.policy)

    def offers(self, record: JobRecord) -> Iterator[Offer]:
        """Each pool that could hold the job, what is in its way there now; nothing is taken."""
        job = record.job
        first = self._backoff(record) or self._allowances.quota_reason(job)
        for candidate in self._candidates(shape_of(job)):
            money = self._allowances.hold_micros(job, candidate.pool)
            full = self._why_full(job, candidate, self.now_ms + job.longest_ms)
            others = (first, money if isinstance(money, Reason) else None)
            reasons = tuple(filter(None, (*others, full)))
            promise = None
            if full is not None and others == (None, None) and self.policy.is_backfilling:
                promise = self._promise(job, candidate)
            promise_ms = promise.start_ms if promise else None
            yield Offer(candidate.pool, candidate.wanted, reasons, promise_ms)

    def _consider(self, record: JobRecord) -> Grant | Verdict:
        """Start the job where it fits first, or say all that is in its way."""
        job = record.job
        reason = self._backoff(record) or self._allowances.quota_reason(job)
        return self._find(job) if reason is None else Verdict(reasons=(reason,))

    def _backoff(self, record: JobRecord) -> Reason | None:
        until_ms = record.not_before_ms
        if until_ms <= self.now_ms:
            return None
        where = record.job.id
        return Reason(code=ReasonCode.BACKOFF, where=where, unit="ms", until_ms=until_ms)

    def foresee(self, outlook: Outlook, verdicts: Mapping[str, Verdict]) -> dict[str, Verdict]:
        """The same, and when and where each job would start: in order, beside what is promised."""
        for job_id, verdict in verdicts.items():
            if verdict.start is not None:
                outlook.take(self.state.jobs[job_id].job, verdict.start)
        return {
            job_id: verdict if verdict.start else self._foreseen(outlook, job_id, verdict.reasons)
            for job_id, verdict in verdicts.items()
        }

    def is_full(self) -> bool:
        """Whether no pool has as much as one card left that somebody might be given now."""
        return all(
            pool.id in self._closed_by or self._room(pool).now.total == 0
            for pool in self.park.pools
        )

    def _tflops(self, placement: Placement) -> int:
        kind = self.park.device_kind_by_id[placement.device_kind_id]
        return placement.card_count * kind.tflops_fp16

    def _find(self, job: Job) -> Grant | Verdict:
        shape = shape_of(job)
        candidates = self._candidates(shape)
        if not candidates:  # the park has changed since the job was submitted
            return Verdict(reasons=misfits(shape, self.park))
        end_ms = self.now_ms + job.longest_ms
        reasons: list[Reason] = []
        payable: list[Option] = []
        for candidate in candidates:
            money = self._allowances.hold_micros(job, candidate.pool)
            if isinstance(money, Reason):
                reasons.append(money)
                continue
            full = self._why_full(job, candidate, end_ms)
            if full is None:
                return self._grant(job, Option(candidate, money), end_ms)
            reasons.append(full)
            payable.append(Option(candidate, money))
        if not payable:
            self._allowances.save_for(job, reasons)
        return self._wait(job, payable, reasons)

    def _candidates(self, shape: Shape) -> list[Candidate]:
        known = self._candidates_by_shape.get(shape)
        if known is None:
            answers = [(pool, fit(shape, pool)) for pool in candidate_pools(shape, self.park)]
            known = self._candidates_by_shape[shape] = [
                Candidate(pool, answer, self._room(pool))
                for pool, answer in answers
                if isinstance(answer, Fit)
            ]
        return known

    def _why_full(self, job: Job, candidate: Candidate, end_ms: int) -> Reason | None:
        """Free cards only shrink while a plan is made: what did not fit once is not tried again."""
        closed_by = self._closed_by.get(candidate.pool.id)
        if closed_by is not None:
            return Reason(
                code=ReasonCode.RESERVED,
                where=candidate.pool.id,
                need=job.device_count,
                detail=f"job {closed_by} is ahead and nothing may pass it",
            )
        is_short = candidate.room.is_short(end_ms)
        reason = candidate.full.get(is_short)
        if reason is None and candidate.room.find(candidate.wanted, end_ms) is None:
            reason = candidate.full[is_short] = self._describe(job.device_count, candidate)
        return reason

    def _describe(self, need: int, candidate: Candidate) -> Reason:
        pool, wanted, room = candidate.pool, candidate.wanted, candidate.room
        where = pool.id
        if pool.centre_id not in self.state.heard_centre_ids:
            return Reason(code=ReasonCode.CENTRE_SILENT, where=pool.centre_id, need=need)
        if room.reservation is not None and room.now.find(wanted) is not None:
            return Reason(
                code=ReasonCode.RESERVED,
                where=where,
                need=need,
                free=room.long.total,
                until_ms=room.reservation.start_ms,
                detail=f"kept for job {room.reservation.job_id}",
            )
        down = pool.node_count - len(room.now.by_node)
        if need > len(room.now.by_node) * pool.cards_per_node:
            return Reason(
                code=ReasonCode.NODES_DOWN,
                where=where,
                need=need,
                free=room.now.total,
                detail=f"{down} of {pool.node_count} nodes are down",
            )
        if room.now.total >= need:
            usable = _usable(room.now, wanted)
            return Reason(code=ReasonCode.FRAGMENTED, where=where, need=need, free=usable)
        return Reason(code=ReasonCode.DEVICES_BUSY, where=where, need=need, free=room.now.total)

    def _grant(self, job: Job, option: Option, end_ms: int) -> Grant:
        pool, room = option.candidate.pool, option.candidate.room
        shares = room.find(option.candidate.wanted, end_ms)
        assert shares is not None, f"{job.id} no longer fits into {pool.id}"
        placement = Placement(
            centre_id=pool.centre_id,
            pool_id=pool.id,
            device_kind_id=pool.device_kind_id,
            shares=shares,
        )
        room.take(placement, job.id, end_ms)
        self._allowances.take(job, option.hold_micros)
        self._holdings.append(Holding(job.tenant_id, placement, end_ms))
        return Grant(job_id=job.id, placement=placement, hold_micros=option.hold_micros)

    def _wait(self, job: Job, payable: list[Option], reasons: list[Reason]) -> Verdict:
        """The first job that a pool blocks is promised a start there, or closes it.

        Only where it can pay: nobody is kept out for one who cannot.
        """
        if not self.policy.is_backfilling:
            for option in payable:
                self._closed_by.setdefault(option.candidate.pool.id, job.id)
            return Verdict(reasons=tuple(reasons))
        promises = [
            (reservation, option)
            for option in payable
            if (reservation := self._promise(job, option.candidate)) is not None
        ]
        if not promises:
            return Verdict(reasons=tuple(reasons))
        reservation, option = min(promises, key=lambda promise: promise[0].start_ms)
        option.candidate.room.reserve(reservation)
        self._allowances.promise(job, reservation.start_ms, option.hold_micros)
        # What fitted for long a moment ago may not fit beside the promise; short work still does.
        start = PlannedStart(reservation.start_ms, option.candidate.pool.id, is_promised=True)
        return Verdict(reasons=tuple(reasons), start=start)

    def _promise(self, job: Job, candidate: Candidate) -> Reservation | None:
        """What takes a placement gives it back later: a shape without hope stays without it."""
        room = candidate.room
        if room.reservation is not None or candidate.is_hopeless:
            return None
        if candidate.pool.centre_id not in self.state.heard_centre_ids:
            return None
        reservation = room.earliest(job.id, candidate.wanted, self.now_ms)
        candidate.is_hopeless = reservation is None
        return reservation

    def _foreseen(self, outlook: Outlook, job_id: str, reasons: tuple[Reason, ...]) -> Verdict:
        """No start where it depends on more than the ends of what runs: on money or prices."""
        job = self.state.jobs[job_id].job
        places: Sequence[Candidate] = self._candidates(shape_of(job))
        if is_unforeseen(reasons):  # then each pool has a reason of its own, in the same order
            answers = zip(places, reasons, strict=True)
            places = [place for place, reason in answers if not is_unforeseen([reason])]
        from_ms = begin_ms(reasons, self.now_ms)
        return Verdict(reasons=reasons, start=outlook.start(job, places, from_ms))

    def _room(self, pool: Pool) -> PoolRoom:
        room = self._rooms.get(pool.id)
        if room is None:
            is_heard = pool.centre_id in self.state.heard_centre_ids
            online = self.state.online_node_ids if is_heard else frozenset()
            free = self.state.free_cards
            nodes = ((n, free[n]) for n in self.park.node_ids(pool.id) if n in online)
            cards = FreeCards(pool.cards_per_node, nodes)
            room = self._rooms[pool.id] = PoolRoom(cards, self._releases(pool.id))
        return room

    def _releases(self, pool_id: str) -> Iterator[Release]:
        """Running work ends by its limit; what has overstayed is expected to end at any moment."""
        soonest_ms = self.now_ms + 1
        for attempt in self.state.live.values():
            placement = attempt.placement
            if placement.pool_id == pool_id:
                end_ms = self.state.latest_end_ms(attempt)
                yield Release(max(end_ms, soonest_ms), attempt.id, placement.shares)


def is_unforeseen(reasons: Iterable[Reason]) -> bool:
    """Whether what is in the way ends of itself at no known moment."""
    for reason in reasons:  # asked of everybody who waits: an enumeration's hash would cost more
        if reason.code is ReasonCode.FUNDS or reason.code is ReasonCode.NO_PRICE:
            return True
    return False


def begin_ms(reasons: tuple[Reason, ...], now_ms: int) -> int | None:
    """From when on there may be room; None where something must end first."""
    if len(reasons) == 1:
        (only,) = reasons
        if only.code is ReasonCode.BACKOFF:
            return only.until_ms
        if only.code is ReasonCode.TENANT_QUOTA:
            return now_ms + 1
    return None


def _usable(free: FreeCards, wanted: Fit) -> int:
    """Cards that this shape could use of what is free: what is stranded is left out."""
    if wanted.node_count > 1:
        return free.whole_node_count() * wanted.card_count
    return free.most_on_a_node()
