"""One plan in the making: each job comes up once, and what it takes is gone for the next."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from cluster.inventory import Park, Pool
from scheduler.facts.record import JobRecord
from scheduler.facts.state import State
from scheduler.forecast.ends import Ends
from scheduler.model.job import PlannedStart, Reason
from scheduler.model.plan import Eviction, Grant, Verdict
from scheduler.model.policy import Policy
from scheduler.placing.placement import Shape, misfits, placement_in, shape_of
from scheduler.planning.claims import claimants, has_claim
from scheduler.planning.explain import begin_ms, foreseen, making_room
from scheduler.planning.options import Candidate, Offer, Opening, Option
from scheduler.planning.preemption import SOON_MS, Victim, Victims
from scheduler.planning.rooms import Rooms
from scheduler.planning.settled import Settled
from scheduler.planning.survey import Shares, Survey
from scheduler.sharing.allowance import Allowances
from scheduler.sharing.standing import BEST_MERIT, Standing, Standings
from scheduler.sharing.starving import Starving, starving
from scheduler.sharing.turns import Turns
from scheduler.timing.backfill import Release
from scheduler.timing.forecasts import Forecasts
from scheduler.timing.outlook import Holding, Outlook

NEVER_MS = 1 << 60


@dataclass(slots=True)
class Desk:
    """One plan in the making: what is still free, and what was found out about each shape."""

    state: State
    park: Park
    now_ms: int
    policy: Policy
    evictions: list[Eviction] = field(default_factory=list)
    _settled: dict[Shape, Settled] = field(default_factory=dict)
    _holdings: list[Holding] = field(default_factory=list)
    _forecasts: Forecasts = field(init=False)
    _allowances: Allowances = field(init=False)
    _rooms: Rooms = field(init=False)
    _survey: Survey = field(init=False)
    _standings: Standings = field(init=False)
    _turns: Turns = field(init=False)
    _starving: Starving = field(default_factory=Starving)
    _victims: Victims | None = None
    _gone_ms: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._forecasts = Forecasts(self.state, self.now_ms, self.policy)
        self._allowances = Allowances(self.state, self.now_ms, self.policy, self._forecasts)
        self._rooms = Rooms(self.state, self.park, self.now_ms, self.policy, self._forecasts)
        plan = (self.park, self.now_ms, self.policy, self._forecasts)
        self._survey = Survey(*plan, self._rooms)

    def answers(self, until: str | None = None) -> Iterator[tuple[str, Grant | Verdict]]:
        """Consider every waiting job once, in the policy's order; `until` it is that job's turn.

        First those for whom room was made, where it was made; elsewhere they wait for their turn.
        """
        if self.policy.is_shared:
            self._starving = starving(self.state, self.now_ms)
        self._standings = Standings(self.state, self.now_ms, self.policy, self._starving)
        standings, is_first = self._standings, self._is_first
        self._turns = Turns(
            self.state, self.now_ms, self.policy, self._starving, standings, is_first
        )
        served: set[str] = set()
        for record in claimants(self.state, self.now_ms, self.policy):
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
        plan = (self._holdings, self.policy, self._forecasts, self._gone_ms)
        return Outlook(self.state, self.park, self.now_ms, *plan)

    def offers(self, record: JobRecord) -> Iterator[Offer]:
        """Each pool that could hold the job, what is in its way there now; nothing is taken."""
        job = record.job
        firsts = (record.backoff_reason(self.now_ms), *self._allowances.quota_reasons(record))
        is_free = not any(firsts)
        before: list[Option] = []
        for candidate in self._survey.candidates(shape_of(job)):
            money = self._allowances.hold_micros(job, candidate.pool)
            full = self._survey.why_full(job, candidate, self._forecasts.ends(record))
            near = self._survey.nearer(record, candidate, before)
            hidden = self._rooms.hidden(full, candidate.pool, candidate.wanted) if full else ()
            found = (*firsts, money, full or near, *hidden)
            reasons = tuple(reason for reason in found if isinstance(reason, Reason))
            offer = Offer(candidate.pool, candidate.wanted, reasons, candidate.transfer_ms)
            if is_free and near is None and not isinstance(money, Reason):
                before.append(Option(candidate, money))
                if full is not None and self.policy.is_backfilling:
                    offer = self._promising(record, candidate, offer)
            yield offer

    def _promising(self, record: JobRecord, candidate: Candidate, offer: Offer) -> Offer:
        """The same, with the start that the plan would promise, now or once the job has waited."""
        job = record.job
        if self._survey.find_soon(record, candidate) is not None:
            opening: Opening | None = Opening(candidate.room.gone_ms(self.now_ms))
        else:
            opening = self._stops(record, candidate, NEVER_MS)
        if opening is None:
            promise = self._survey.promise(record, candidate)
            if promise is None:
                return offer
            return offer._replace(promise_ms=promise.likely_ms, sure_ms=promise.start_ms)
        start_ms, count = opening.start_ms, len(opening.victims)
        reason = making_room(candidate.pool, candidate.room, job.device_count, start_ms)
        return Offer(*offer[:2], (reason,), offer.transfer_ms, start_ms, start_ms, count)

    def standing(self, record: JobRecord) -> Standing:
        """How the job stands in the order, by which its turn comes."""
        return Standing(self._is_first(record), self._standings.merit(record))

    def is_borrowing(self, record: JobRecord, pool: Pool) -> bool:
        """Whether the job would be stopped there for tenants whose nominal quota it uses."""
        return self._standings.is_borrowing(record, pool.device_kind_id)

    def _consider(self, record: JobRecord) -> Grant | Verdict:
        """Start the job where it fits first, or say all that is in its way."""
        first = record.backoff_reason(self.now_ms)
        reason = first or self._allowances.quota_reason(record)
        if reason is None:
            return self._find(record)
        if first is None:
            pools = (one.pool for one in self._survey.candidates(shape_of(record.job)))
            self._allowances.keep_for(record, filter(self._rooms.is_heard, pools))
        return Verdict(reasons=(reason,))

    def foresee(self, outlook: Outlook, verdicts: Mapping[str, Verdict]) -> dict[str, Verdict]:
        """The same, and when and where each job would start: in order, beside what is promised."""
        for job_id, verdict in verdicts.items():
            if verdict.start is not None:
                outlook.take(self.state.jobs[job_id], verdict.start)
        return {
            job_id: verdict if verdict.start else self._foreseen(outlook, job_id, verdict.reasons)
            for job_id, verdict in verdicts.items()
        }

    def is_full(self, job_id: str) -> bool:
        """Whether nobody behind this job might get as much as one card, or make room for it."""
        has_cards = any(
            not self._survey.is_closed(pool.id) and self._rooms.of(pool).soon.total
            for pool in self.park.pools
        )
        if has_cards or job_id in self.state.claims:
            return False
        record, is_owner = self.state.jobs[job_id], self._turns.is_of_owner
        # Behind an owner there may be a higher class, which takes from work of its own tenant.
        merit = BEST_MERIT if is_owner else self._standings.merit(record)
        return not self._may_stop(record, Standing(is_owner, merit))

    def _may_stop(self, record: JobRecord, standing: Standing) -> bool:
        """Whether anybody who runs is of a lower standing."""
        running = self._running(record)
        return running is not None and not running.is_over(standing)

    def _is_first(self, record: JobRecord) -> bool:
        """Whether it would be within its tenant's nominal quota wherever it fits."""
        kind_ids = {
            one.pool.device_kind_id for one in self._survey.candidates(shape_of(record.job))
        }
        return bool(kind_ids) and all(self._standings.owns(record, one) for one in kind_ids)

    def _running(self, taker: JobRecord) -> Victims | None:
        """Who might be stopped; looked up when first somebody finds no room."""
        policy = self.policy.preemption
        if self._victims is None and policy is not None:
            self._victims = Victims(
                self.state, self.now_ms, policy, taker, self._gone_ms, self._standings
            )
        return self._victims

    def _charge(self, record: JobRecord, pool: Pool) -> None:
        """Its branches have had so much as soon as it is given."""
        tflops = record.job.device_count * self.park.tflops_per_card(pool)
        self._turns.charge(record.job, tflops)
        self._standings.take(record, pool.device_kind_id)

    def _find(self, record: JobRecord) -> Grant | Verdict:
        job = record.job
        shape, survey = shape_of(job), self._survey
        candidates = survey.candidates(shape)
        if not candidates:  # the park has changed since the job was submitted
            return Verdict(reasons=misfits(shape, self.park))
        ends = self._forecasts.ends(record)
        settled = self._settled.get(shape)
        if settled is not None and (known := settled.of(ends)) is not None:
            is_paid = self._allowances.covers(job, settled.kind_ids)
            if is_paid and not self._may_ask(record):
                return known
        reasons: list[Reason] = []
        payable: list[Option] = []
        for candidate in candidates:
            money = self._allowances.hold_micros(job, candidate.pool)
            if isinstance(money, Reason):
                reasons.append(money)
                continue
            full = survey.why_full(job, candidate, ends)
            near = survey.nearer(record, candidate, payable) if candidate.transfer_ms else None
            why = full or near
            if why is None:
                shares = candidate.room.find(candidate.wanted, ends)
                assert shares is not None, f"{job.id} no longer fits into {candidate.pool.id}"
                return self._grant(record, Option(candidate, money), shares)
            reasons.append(why)
            if near is None:
                payable.append(Option(candidate, money))
        if not payable:
            self._allowances.save_for(job, reasons)
        verdict = self._with_openings(record, payable) if self.policy.is_backfilling else None
        verdict = verdict or self._wait(record, payable, reasons)
        if self.policy.is_backfilling and len(payable) == len(candidates) and not verdict.start:
            self._settled.setdefault(shape, Settled(candidates)).note(ends, verdict)
        return verdict

    def _may_ask(self, record: JobRecord) -> bool:
        """Whether others might be stopped for it, and were not yet."""
        is_served = has_claim(self.state, record.job.id, self.now_ms)
        return not is_served and self._may_stop(record, self._standings.best(record))

    def _with_openings(self, record: JobRecord, payable: list[Option]) -> Verdict | None:
        """What comes free anyway is claimed, and for one job others are stopped once."""
        if self._allowances.quota_reason(record, SOON_MS) is not None:
            return None
        for option in payable:
            if (shares := self._survey.find_soon(record, option.candidate)) is not None:
                return self._claim(record, option, shares)
        if not self._may_ask(record):
            return None
        for option in payable:
            opening = self._stops(record, option.candidate, self.now_ms)
            if opening is not None:
                return self._make_room(record, option, opening.victims)
        return None

    def _claimed(self, record: JobRecord) -> Grant | Verdict | None:
        """What was freed for the job is its own; None where that does not suffice."""
        job, node_ids = record.job, self.state.claims[record.job.id].node_ids
        if record.backoff_reason(self.now_ms) or self._allowances.quota_reason(record, SOON_MS):
            return None
        for candidate in self._survey.candidates(shape_of(job)):
            money = self._allowances.hold_micros(job, candidate.pool)
            if isinstance(money, Reason):
                continue
            option, room = Option(candidate, money), candidate.room
            if (shares := room.now.on(node_ids).find(candidate.wanted)) is not None:
                return self._grant(record, option, shares)
            if (shares := room.soon.on(node_ids).find(candidate.wanted)) is not None:
                return self._claim(record, option, shares)
        return None

    def _stops(self, record: JobRecord, candidate: Candidate, by_ms: int) -> Opening | None:
        """Whom it may stop for room there, if it may ask until then, and when it would start."""
        pool, room, wanted = candidate.pool, candidate.room, candidate.wanted
        running = self._running(record)
        asks_ms = running.asks_from_ms(record) if running else NEVER_MS
        if running is None or asks_ms > by_ms or not self._rooms.is_heard(pool):
            return None
        ends = self._survey.claim_ends(record)
        taker = self._standings.taker(record, pool.device_kind_id)
        victims = running.choose(room, pool.id, wanted, taker, ends)
        gone_ms = [asks_ms + victim.grace_ms for victim in victims]
        return Opening(max(room.soon_ms, *gone_ms), victims) if victims else None

    def _make_room(self, record: JobRecord, option: Option, victims: tuple[Victim, ...]) -> Verdict:
        room, job_id = option.candidate.room, record.job.id
        for victim in victims:
            assert victim.id not in self._gone_ms, f"{victim.id} is stopped already"
            gone_ms = self._gone_ms[victim.id] = self.now_ms + victim.grace_ms
            shares = victim.attempt.placement.shares
            self._settled.clear()
            room.free_soon(Release(Ends(gone_ms, gone_ms), victim.id, shares))
        found = self._survey.find_soon(record, option.candidate)
        assert found is not None, f"no room was made for {job_id} in {option.candidate.pool.id}"
        node_ids = tuple(share.node_id for share in found)
        self.evictions.extend(Eviction(victim.id, job_id, node_ids) for victim in victims)
        return self._claim(record, option, found)

    def _claim(self, record: JobRecord, option: Option, shares: Shares) -> Verdict:
        """It is to have what comes free, and nobody else."""
        job, candidate = record.job, option.candidate
        start_ms = candidate.room.gone_ms(self.now_ms)
        candidate.room.claim(shares, job.id, self._survey.claim_ends(record))
        self._allowances.take(record, option.hold_micros, SOON_MS)
        self._charge(record, candidate.pool)
        reason = making_room(candidate.pool, candidate.room, job.device_count, start_ms)
        start = PlannedStart(start_ms, candidate.pool.id, is_promised=True)
        return Verdict(reasons=(reason,), start=start)

    def _grant(self, record: JobRecord, option: Option, shares: Shares) -> Grant:
        job, pool, ends = record.job, option.candidate.pool, self._forecasts.ends(record)
        placement = placement_in(pool, shares)
        option.candidate.room.take(placement, job.id, ends)
        self._allowances.take(record, option.hold_micros)
        self._charge(record, pool)
        self._holdings.append(Holding(job, placement, ends.likely_ms))
        hungry, held = job.id in self._starving.job_ids, option.hold_micros
        return Grant(job_id=job.id, placement=placement, hold_micros=held, is_starving=hungry)

    def _wait(self, record: JobRecord, payable: list[Option], reasons: list[Reason]) -> Verdict:
        """The first job that a pool blocks is promised a start there, or closes it.

        Only where it can pay: nobody is kept out for one who cannot.
        """
        if not self.policy.is_backfilling:
            for option in payable:
                self._survey.close(option.candidate.pool.id, record.job.id)
            return Verdict(reasons=tuple(reasons))
        promises = [
            (reservation, option)
            for option in payable
            if (reservation := self._survey.promise(record, option.candidate)) is not None
        ]
        if not promises:
            return Verdict(reasons=tuple(reasons))
        reservation, option = min(promises, key=lambda one: one[1].ready_ms(one[0].start_ms))
        option.candidate.room.reserve(reservation)
        self._settled.clear()
        self._allowances.promise(record, reservation, option.hold_micros)
        # What fitted for long a moment ago may not fit beside the promise; short work still does.
        start = PlannedStart(reservation.likely_ms, option.candidate.pool.id, is_promised=True)
        return Verdict(reasons=tuple(reasons), start=start)

    def _foreseen(self, outlook: Outlook, job_id: str, reasons: tuple[Reason, ...]) -> Verdict:
        """No start where it depends on more than the ends of what runs: on money or prices."""
        record = self.state.jobs[job_id]
        places = foreseen(self._survey.candidates(shape_of(record.job)), reasons)
        from_ms = begin_ms(reasons, self.now_ms)
        return Verdict(reasons=reasons, start=outlook.start(record, places, from_ms))
