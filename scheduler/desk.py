"""One plan in the making: each job comes up once, and what it takes is gone for the next."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from cluster.inventory import Park, Pool
from scheduler.allowance import Allowances
from scheduler.backfill import PoolRoom, Release, Reservation
from scheduler.explain import begin_ms, closed_reason, is_unforeseen, making_room, pool_reason
from scheduler.job import Job, NodeShare, Placement, PlannedStart, Reason, ReasonCode
from scheduler.options import Candidate, Offer, Opening, Option
from scheduler.outlook import Holding, Outlook
from scheduler.placement import Fit, FreeCards, Shape, candidate_pools, fit, misfits, shape_of
from scheduler.plan import Eviction, Grant, Verdict
from scheduler.policy import Policy
from scheduler.preemption import SOON_MS, Victim, Victims
from scheduler.record import JobRecord
from scheduler.state import CLAIM_MS, State
from scheduler.turns import Turns

NEVER_MS = 1 << 60

Shares = tuple[NodeShare, ...]


@dataclass(slots=True)
class Desk:
    """One plan in the making: what is still free, and what was found out about each shape."""

    state: State
    park: Park
    now_ms: int
    policy: Policy
    evictions: list[Eviction] = field(default_factory=list)
    _rooms: dict[str, PoolRoom] = field(default_factory=dict)
    _candidates_by_shape: dict[Shape, list[Candidate]] = field(default_factory=dict)
    _closed_by: dict[str, str] = field(default_factory=dict)
    _holdings: list[Holding] = field(default_factory=list)
    _allowances: Allowances = field(init=False)
    _turns: Turns = field(init=False)
    _victims: Victims | None = None
    _ends: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._allowances = Allowances(self.state, self.now_ms)

    def answers(self, until: str | None = None) -> Iterator[tuple[str, Grant | Verdict]]:
        """Consider every waiting job once, in the policy's order; `until` it is that job's turn.

        First those for whom room was made, where it was made; elsewhere they wait for their turn.
        """
        self._turns = Turns(self.state, self.now_ms, self.policy)
        served: set[str] = set()
        for record in self._claimants():
            if record.job.id == until:
                return
            answer = self._claimed(record)
            if answer is not None:
                served.add(record.job.id)
                yield record.job.id, answer
        for record in self._turns:
            if record.job.id == until:
                return
            if record.job.id not in served:
                yield record.job.id, self._consider(record)

    def outlook(self) -> Outlook:
        """What is to come of what runs, and of what was granted until now."""
        return Outlook(self.state, self.park, self.now_ms, self._holdings, self.policy, self._ends)

    def offers(self, record: JobRecord) -> Iterator[Offer]:
        """Each pool that could hold the job, what is in its way there now; nothing is taken."""
        job = record.job
        first = self._backoff(record) or self._allowances.quota_reason(job)
        for candidate in self._candidates(shape_of(job)):
            money = self._allowances.hold_micros(job, candidate.pool)
            full = self._why_full(job, candidate, self.now_ms + job.longest_ms)
            others = (first, money if isinstance(money, Reason) else None)
            reasons = tuple(filter(None, (*others, full)))
            offer = Offer(candidate.pool, candidate.wanted, reasons, None)
            if full is not None and others == (None, None) and self.policy.is_backfilling:
                offer = self._promising(record, candidate, offer)
            yield offer

    def _promising(self, record: JobRecord, candidate: Candidate, offer: Offer) -> Offer:
        """The same, with the start that the plan would promise, now or once the job has waited."""
        job = record.job
        if self._find_soon(job, candidate) is not None:
            opening: Opening | None = Opening(self._soon_ms(candidate.room))
        else:
            opening = self._stops(record, candidate, NEVER_MS)
        if opening is None:
            promise = self._promise(job, candidate)
            return offer._replace(promise_ms=promise.start_ms if promise else None)
        start_ms, count = opening.start_ms, len(opening.victims)
        reason = making_room(candidate.pool, candidate.room, job.device_count, start_ms)
        return offer._replace(reasons=(reason,), promise_ms=start_ms, stop_count=count)

    def _consider(self, record: JobRecord) -> Grant | Verdict:
        """Start the job where it fits first, or say all that is in its way."""
        job = record.job
        reason = self._backoff(record) or self._allowances.quota_reason(job)
        return self._find(record) if reason is None else Verdict(reasons=(reason,))

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

    def is_full(self, job_id: str) -> bool:
        """Whether nobody behind this job might get as much as one card, or make room for it."""
        has_cards = any(
            pool.id not in self._closed_by and self._room(pool).soon.total
            for pool in self.park.pools
        )
        if has_cards or job_id in self.state.claims:
            return False
        record = self.state.jobs[job_id]
        running = self._running(record)
        return running is None or running.is_over(running.standing(record))

    def _running(self, taker: JobRecord) -> Victims | None:
        """Who might be stopped; looked up when first somebody finds no room."""
        policy = self.policy.preemption
        if self._victims is None and policy is not None:
            self._victims = Victims(self.state, self.now_ms, policy, taker, self._ends)
        return self._victims

    def _charge(self, job: Job, pool: Pool) -> None:
        """Its tenant has had so much as soon as it is given."""
        tflops = job.device_count * self.park.tflops_per_card(pool)
        self._turns.charge(job.tenant_id, tflops)

    def _find(self, record: JobRecord) -> Grant | Verdict:
        job = record.job
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
                shares = candidate.room.find(candidate.wanted, end_ms)
                assert shares is not None, f"{job.id} no longer fits into {candidate.pool.id}"
                return self._grant(job, Option(candidate, money), shares)
            reasons.append(full)
            payable.append(Option(candidate, money))
        if not payable:
            self._allowances.save_for(job, reasons)
        verdict = self._with_openings(record, payable) if self.policy.is_backfilling else None
        return verdict or self._wait(job, payable, reasons)

    def _with_openings(self, record: JobRecord, payable: list[Option]) -> Verdict | None:
        """What comes free anyway is claimed, and for one job others are stopped once."""
        job = record.job
        if self._allowances.quota_reason(job, SOON_MS) is not None:
            return None
        for option in payable:
            if (shares := self._find_soon(job, option.candidate)) is not None:
                return self._claim(job, option, shares)
        if self._has_claim(job.id):
            return None
        for option in payable:
            opening = self._stops(record, option.candidate, self.now_ms)
            if opening is not None:
                return self._make_room(job, option, opening.victims)
        return None

    def _claimants(self) -> list[JobRecord]:
        """The oldest claim first; none where nobody is stopped for others."""
        if self.policy.preemption is None:
            return []
        claims = self.state.claims.items()
        valid = sorted(
            (claim.until_ms, job_id) for job_id, claim in claims if self._has_claim(job_id)
        )
        return [self.state.jobs[job_id] for _, job_id in valid]

    def _has_claim(self, job_id: str) -> bool:
        claim = self.state.claims.get(job_id)
        return claim is not None and claim.until_ms > self.now_ms

    def _claimed(self, record: JobRecord) -> Grant | Verdict | None:
        """What was freed for the job is its own; None where that does not suffice."""
        job, node_ids = record.job, self.state.claims[record.job.id].node_ids
        if self._backoff(record) or self._allowances.quota_reason(job, SOON_MS):
            return None
        for candidate in self._candidates(shape_of(job)):
            money = self._allowances.hold_micros(job, candidate.pool)
            if isinstance(money, Reason):
                continue
            option, room = Option(candidate, money), candidate.room
            if (shares := room.now.on(node_ids).find(candidate.wanted)) is not None:
                return self._grant(job, option, shares)
            if (shares := room.soon.on(node_ids).find(candidate.wanted)) is not None:
                return self._claim(job, option, shares)
        return None

    def _find_soon(self, job: Job, candidate: Candidate) -> Shares | None:
        """Where there is room once all that is being stopped has gone."""
        room = candidate.room
        if room.soon is room.now:
            return None
        return room.find_soon(candidate.wanted, self._claim_end_ms(job))

    def _soon_ms(self, room: PoolRoom) -> int:
        """When all that is being stopped has gone; what is late goes at any moment."""
        return max(room.soon_ms, self.now_ms + 1)

    def _stops(self, record: JobRecord, candidate: Candidate, by_ms: int) -> Opening | None:
        """Whom it may stop for room there, if it may ask until then, and when it would start."""
        pool, room, wanted = candidate.pool, candidate.room, candidate.wanted
        running = self._running(record)
        asks_ms = running.asks_from_ms(record) if running else NEVER_MS
        if running is None or asks_ms > by_ms or pool.centre_id not in self.state.heard_centre_ids:
            return None
        end_ms = self._claim_end_ms(record.job)
        victims = running.choose(room, pool.id, wanted, running.standing(record), end_ms)
        gone_ms = [asks_ms + victim.job.grace_ms for victim in victims]
        return Opening(max(room.soon_ms, *gone_ms), victims) if victims else None

    def _claim_end_ms(self, job: Job) -> int:
        """When a claim is over at the latest: the job starts once the others are gone."""
        return self.now_ms + SOON_MS + job.longest_ms

    def _make_room(self, job: Job, option: Option, victims: tuple[Victim, ...]) -> Verdict:
        room = option.candidate.room
        for victim in victims:
            assert victim.id not in self._ends, f"{victim.id} is stopped already"
            gone_ms = self._ends[victim.id] = self.now_ms + victim.job.grace_ms
            room.free_soon(Release(gone_ms, victim.id, victim.attempt.placement.shares))
        shares = self._find_soon(job, option.candidate)
        assert shares is not None, f"no room was made for {job.id} in {option.candidate.pool.id}"
        node_ids = tuple(share.node_id for share in shares)
        self.evictions.extend(Eviction(victim.id, job.id, node_ids) for victim in victims)
        return self._claim(job, option, shares)

    def _claim(self, job: Job, option: Option, shares: Shares) -> Verdict:
        """It is to have what comes free, and nobody else."""
        candidate, start_ms = option.candidate, self._soon_ms(option.candidate.room)
        candidate.room.claim(shares, job.id, self._claim_end_ms(job))
        self._allowances.take(job, option.hold_micros, SOON_MS)
        self._charge(job, candidate.pool)
        reason = making_room(candidate.pool, candidate.room, job.device_count, start_ms)
        start = PlannedStart(start_ms, candidate.pool.id, is_promised=True)
        return Verdict(reasons=(reason,), start=start)

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
            return closed_reason(candidate.pool, job.device_count, closed_by)
        is_short = candidate.room.is_short(end_ms)
        reason = candidate.full.get(is_short)
        if reason is None and candidate.room.find(candidate.wanted, end_ms) is None:
            reason = candidate.full[is_short] = pool_reason(
                candidate.pool,
                candidate.room,
                candidate.wanted,
                job.device_count,
                is_heard=candidate.pool.centre_id in self.state.heard_centre_ids,
            )
        return reason

    def _grant(self, job: Job, option: Option, shares: Shares) -> Grant:
        pool, end_ms = option.candidate.pool, self.now_ms + job.longest_ms
        placement = Placement(
            centre_id=pool.centre_id,
            pool_id=pool.id,
            device_kind_id=pool.device_kind_id,
            shares=shares,
        )
        option.candidate.room.take(placement, job.id, end_ms)
        self._allowances.take(job, option.hold_micros)
        self._charge(job, pool)
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
            stopping = self._stopping(pool.id) if self.policy.is_backfilling else ()
            room = self._rooms[pool.id] = PoolRoom(cards, self._releases(pool.id), stopping)
        return room

    def _stopping(self, pool_id: str) -> Iterator[Release]:
        """What is being stopped and is gone soon; not what should have gone long ago."""
        for _, attempt in sorted(self.state.stopping.items()):
            placement, gone_ms = attempt.placement, self.state.latest_end_ms(attempt)
            is_soon = gone_ms - SOON_MS <= self.now_ms < gone_ms + CLAIM_MS
            if placement.pool_id == pool_id and is_soon:
                yield Release(gone_ms, attempt.id, placement.shares)

    def _releases(self, pool_id: str) -> Iterator[Release]:
        """Running work ends by its limit; what has overstayed is expected to end at any moment."""
        soonest_ms = self.now_ms + 1
        for attempt in self.state.live.values():
            placement = attempt.placement
            if placement.pool_id == pool_id:
                end_ms = self.state.latest_end_ms(attempt)
                yield Release(max(end_ms, soonest_ms), attempt.id, placement.shares)
