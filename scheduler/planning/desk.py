"""One plan in the making: each job comes up once, and what it takes is gone for the next."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import chain

from cluster.inventory import Park, Pool
from scheduler.facts.record import JobRecord
from scheduler.facts.state import State
from scheduler.forecast.ends import Ends
from scheduler.model.job import PlannedStart, Reason
from scheduler.model.plan import Eviction, Grant, Verdict
from scheduler.model.policy import Policy
from scheduler.placing.placement import misfits, placement_in, shape_of
from scheduler.planning import claims
from scheduler.planning.explain import is_cap, making_room
from scheduler.planning.foresight import Foresight
from scheduler.planning.groups import Groups
from scheduler.planning.growth import Growth, ripe
from scheduler.planning.offers import Offers
from scheduler.planning.options import Finding, Offer, Option, Until
from scheduler.planning.repeats import Repeats
from scheduler.planning.rooms import Rooms
from scheduler.planning.settled import Settled
from scheduler.planning.stops import Stops
from scheduler.planning.survey import Shares, Survey
from scheduler.planning.vacancy import Vacancy
from scheduler.planning.victims import SOON_MS, Clearing, Victim
from scheduler.sharing.allowance import Allowances
from scheduler.sharing.standing import BEST_MERIT, Standing, Standings
from scheduler.sharing.turns import Turns
from scheduler.timing.backfill import Release, Reservation
from scheduler.timing.forecasts import Forecasts
from scheduler.timing.outlook import Outlook
from scheduler.timing.prospects import Holding


@dataclass(slots=True)
class Desk:
    """One plan in the making: what is still free, and what was found out about each shape."""

    state: State
    park: Park
    now_ms: int
    policy: Policy
    evictions: list[Eviction] = field(default_factory=list)
    _holdings: list[Holding] = field(default_factory=list)
    _forecasts: Forecasts = field(init=False)
    _allowances: Allowances = field(init=False)
    rooms: Rooms = field(init=False)
    _survey: Survey = field(init=False)
    _standings: Standings = field(init=False)
    _turns: Turns = field(init=False)
    _stops: Stops = field(init=False)
    _repeats: Repeats = field(init=False)
    vacancy: Vacancy = field(init=False)
    _granted: set[str] = field(default_factory=set)
    foresight: Foresight = field(init=False)
    _is_begun: bool = False

    def __post_init__(self) -> None:
        self._forecasts = Forecasts(self.state, self.now_ms, self.policy)
        self._allowances = Allowances(self.state, self.now_ms, self.policy, self._forecasts)
        self.rooms = Rooms(self.state, self.park, self.now_ms, self.policy, self._forecasts)
        self._allowances.free_soon(one for one, _ in self.rooms.stopping())
        plan = (self.park, self.now_ms, self.policy, self._forecasts)
        self._survey = one = Survey(*plan, self.rooms, self._allowances)
        self.foresight = Foresight(self.now_ms, self._forecasts, one, self._allowances)
        waiting = (self.state.queue, self._forecasts, self.rooms)
        self.vacancy = Vacancy(*waiting, self._granted, one.closed_by)

    def answers(self, until: Until | None = None) -> Iterator[tuple[JobRecord, Grant | Verdict]]:
        """Consider every waiting job once, in the policy's order, as far as `until` one's turn.

        First who lost a node, and those for whom room was made, where it was made.
        """
        self.begin()
        # Not a method of its own: who holds one holds the desk, which would hold itself.
        standings, owns = self._standings, partial(self._survey.owns, standings=self._standings)
        self._turns = Turns(self.state, self.now_ms, self.policy, standings, owns)
        groups = Groups(self._forecasts, self._survey, standings)
        self._repeats = Repeats(groups, self._allowances, self._stops)
        served: set[str] = set()
        for record in claims.claimants(self.state, self.now_ms, self.policy):
            if until is not None and until(record):
                return
            is_repair = self.state.claims[record.job.id].is_repair
            answer = self._consider(record) if is_repair else self._claimed(record)
            if answer is not None:
                served.add(record.job.id)
                yield record, answer
        for record in self._turns:
            if until is not None and until(record):
                return
            if record.job.id not in served:
                yield record, self._consider(record)

    def begin(self) -> Stops:
        """How all stand, and whom the plan may stop: worked out when first it is asked for."""
        if not self._is_begun:
            self._is_begun, plan = True, (self.state, self.now_ms, self.policy)
            self._standings = Standings(*plan)
            self._stops = Stops(*plan, self._standings, self._survey)
        return self._stops

    def outlook(self) -> Outlook:
        """What is to come of what runs, and of what was granted until now."""
        plan = (self._holdings, self.policy, self._forecasts, self._stops.gone_ms)
        return Outlook(self.state, self.park, self.now_ms, *plan)

    def offers(self, record: JobRecord) -> Iterator[Offer]:
        """Each pool that could hold it in one of its forms, and why not now; nothing is taken."""
        plan = (self.now_ms, self.policy, self._forecasts, self._allowances)
        return Offers(*plan, self.rooms, self._survey, self._stops).of(record)

    @property
    def forecasts(self) -> Forecasts:
        return self._forecasts

    def standing(self, record: JobRecord) -> Standing:
        """How the job stands in the order, by which its turn comes."""
        return Standing(self._survey.owns(record, self._standings), self._standings.merit(record))

    def has_quota(self, record: JobRecord) -> bool:
        """Whether anything is its branches' own."""
        return self._standings.has_quota(record.job)

    def is_borrowing(self, form: JobRecord, pool: Pool) -> bool:
        """Whether the job would be stopped there for tenants whose nominal quota it uses."""
        return self._standings.is_borrowing(form, pool.device_kind_id)

    def _consider(self, record: JobRecord) -> Grant | Verdict:
        """Start the job where it fits first, or say all that is in its way."""
        first = record.backoff_reason(self.now_ms)
        if first is not None:
            return Verdict(reasons=(first,))
        if len(self._forecasts.forms(record)) > 1:
            return self._find_form(record)
        told = self._repeats.told(record)
        if told is not None:
            return told
        reason = self._allowances.quota_reason(record)
        if reason is None:
            return self._find(record)
        self._keep_quota(record)
        return Verdict(reasons=(reason,))

    def _keep_quota(self, form: JobRecord) -> None:
        self._repeats.forget()
        pools = (one.pool for one in self._survey.candidates(shape_of(form.job)))
        self._allowances.keep_for(form, filter(self.rooms.is_heard, pools))

    def grow(self) -> None:
        """One job that runs small is asked to go on larger, if nobody who waits wants the cards."""
        waiting = (one for one in self.state.queue if one not in self._granted)
        plan = (self.state, self.now_ms, self._forecasts, self._survey, self._allowances)
        self.evictions.extend(Growth(*plan).first(ripe(*plan[:2], self.policy), waiting))

    def is_full(self, job_id: str) -> bool:
        """Whether nobody behind this job might be given cards, or make room for itself."""
        if self.vacancy.is_left() or job_id in self.state.claims:
            return False
        record, is_owner = self.state.jobs[job_id], self._turns.is_of_owner
        # Behind an owner there may be a higher class, which takes from work of its own tenant.
        merit = BEST_MERIT if is_owner else self._standings.merit(record)
        # One that owns on some of its kinds comes in the order of all, and takes back on those.
        most = Standing(self._standings.most, merit)
        return not self._stops.is_any_left(record, most, self.vacancy.ways)

    def _charge(self, form: JobRecord, pool: Pool, shares: Shares) -> None:
        """Its branches have had so much as soon as it is given."""
        tflops = form.job.device_count * self.park.share_tflops_per_card(pool)
        self._turns.charge(form.job, tflops)
        self._standings.take(form, pool, [share.node_id for share in shares])

    def _find(self, record: JobRecord) -> Grant | Verdict:
        """Of a job without variants, which no quota forbids."""
        shape = shape_of(record.job)
        ends = self._forecasts.ends(record)
        candidates = self._survey.candidates(shape)
        if not candidates:  # the park has changed since the job was submitted
            return Verdict(reasons=misfits(shape, self.park))
        finding = Finding(record, candidates)
        found = self._now(finding) or self._later(record, [finding])
        is_whole = self.policy.is_backfilling and len(finding.payable) == len(candidates)
        is_whole = is_whole and not any(one.is_open for one in candidates)
        if is_whole and isinstance(found, Verdict) and found.start is None:
            settled = self._repeats.settled.get(shape) or Settled(candidates)
            self._repeats.settled[shape] = settled
            is_like_all = self._is_like_all(record)
            if is_like_all or not settled.has_soon:
                settled.note(record.job, ends, found)
            if is_like_all and self._stops.asks_now(record):
                merit = self._standings.merit(record)
                settled.note_vain(self._survey.claim_ends(record), merit)
            self.foresight.note(candidates, found)
        return found

    def _is_like_all(self, record: JobRecord) -> bool:
        """Whether it may have what comes free, and its class and turn alone decide who stops."""
        is_own = self._standings.has_owners or self._allowances.is_bounding
        return not is_own and self._allowances.quota_reason(record, SOON_MS) is None

    def _find_form(self, record: JobRecord) -> Grant | Verdict:
        """Of a job with several forms: in the first of them that can start now."""
        findings, over = self.foresight.findings.setdefault(record.job.id, []), []
        for form in self._forecasts.forms(record):
            shape = shape_of(form.job)
            finding = Finding(form, self._survey.candidates(shape))
            findings.append(finding)
            reason = self._allowances.quota_reason(form)
            if reason is not None:
                finding.reasons.append(reason)
                over.append(form)
            elif not finding.candidates:  # the park has changed since the job was submitted
                finding.reasons.extend(misfits(shape, self.park))
            elif (grant := self._now(finding)) is not None:
                return grant
        verdict = self._later(record, findings)
        if over and verdict.start is None:
            self._keep_quota(min(over, key=lambda form: form.job.device_count))
        return verdict

    def _now(self, finding: Finding) -> Grant | Verdict | None:
        """Where it fits first; else it is noted why not."""
        form, survey, ends = finding.form, self._survey, self._forecasts.ends(finding.form)
        for candidate in finding.candidates:
            money = survey.terms(form, candidate.pool)
            if isinstance(money, Reason):
                finding.reasons.append(money)
                if survey.why_closed(form.job, candidate.pool) is None:
                    finding.refused.append(money)
                hold = self._allowances.hold_micros(form.job, candidate.pool)
                if is_cap(money) and isinstance(hold, int):
                    finding.capped.append(Option(candidate, hold))
                continue
            full, payable = survey.why_full(form.job, candidate, ends), finding.payable
            near = survey.nearer(form, candidate, payable) if candidate.transfer_ms else None
            why = full or near
            if why is None:
                shares = candidate.room.find(candidate.wanted, ends)
                assert shares is not None, f"{form.job.id} no longer fits into {candidate.pool.id}"
                return self._grant(form, Option(candidate, money), shares)
            finding.reasons.append(why)
            if near is None:
                payable.append(Option(candidate, money))
        return None

    def _later(self, record: JobRecord, findings: list[Finding]) -> Verdict:
        """What it waits for, and what is kept or freed for it meanwhile."""
        reasons = [reason for finding in findings for reason in finding.reasons]
        verdict = self._with_openings(record, findings) if self.policy.is_backfilling else None
        if verdict is None and not any(finding.payable for finding in findings):
            refused = chain.from_iterable(finding.refused for finding in findings)
            self._allowances.save_for(record.job, refused)
            self._repeats.forget()
            self._keep_caps(findings)
        return verdict or self._wait(record, findings, reasons)

    def _keep_caps(self, findings: list[Finding]) -> None:
        """Of the form that needs least of those that a limit forbids on some kind."""
        over = [one.form for one in findings if any(map(is_cap, one.reasons))]
        if over:
            self._keep_quota(min(over, key=lambda form: form.job.device_count))

    def _with_openings(self, record: JobRecord, findings: list[Finding]) -> Verdict | None:
        """What comes free anyway is claimed, and for one job others are stopped once."""
        options = [
            (finding.form, option)
            for finding in findings
            if (finding.payable or finding.capped)
            and self._allowances.quota_reason(finding.form, SOON_MS) is None
            for option in (*finding.payable, *finding.capped)
        ]
        for form, option in options:
            shares = self._survey.find_soon(form, option.candidate)
            if shares is not None and self._is_within(form, option.candidate.pool):
                return self._claim(form, option, shares)
        if not options or not self._stops.may_ask(record, self._forecasts.forms(record)):
            return None
        for form, option, opening in self._stops.openings(options, self.now_ms):
            if self._is_within(form, option.candidate.pool, opening.victims):
                return self._make_room(form, option, opening.clearing)
        return None

    def _is_within(self, form: JobRecord, pool: Pool, victims: Iterable[Victim] = ()) -> bool:
        """Whether no limit forbids it once what stops, and these, are gone."""
        gone = [victim.attempt for victim in victims]
        return self._allowances.is_within(form, pool.device_kind_id, SOON_MS, gone)

    def _claimed(self, record: JobRecord) -> Grant | Verdict | None:
        """What was freed is its own, first in a form that borrows nothing there; None if short."""
        kind_id = claims.kind_id_of(self.state.claims[record.job.id].node_ids, self.park)
        if kind_id is None or record.backoff_reason(self.now_ms):
            return None
        owns = partial(self._standings.owns, kind_id=kind_id)
        forms = sorted(self._forecasts.forms(record), key=owns, reverse=True)
        done_ids = {*self._granted, *self.foresight.promised}
        for form, left in claims.forms_beside(self.state, record, forms, done_ids, self.now_ms):
            is_over = self._allowances.quota_reason(form, SOON_MS) is not None
            if not is_over and (found := self._claimed_on(form, left)) is not None:
                return found
        return None

    def _claimed_on(self, form: JobRecord, left: claims.Left) -> Grant | Verdict | None:
        for candidate in self._survey.candidates(shape_of(form.job)):
            money = self._allowances.terms(form, candidate.pool, SOON_MS)
            if isinstance(money, Reason) or self._survey.why_closed(form.job, candidate.pool):
                continue
            option, (now, soon) = Option(candidate, money), left.of(candidate.room)
            is_now = isinstance(self._allowances.terms(form, candidate.pool), int)
            if is_now and (shares := now.find(candidate.wanted)) is not None:
                return self._grant(form, option, shares)
            shares = soon.find(candidate.wanted)
            if shares is not None and not self._survey.is_late(form, candidate):
                return self._claim(form, option, shares)
        return None

    def _make_room(self, form: JobRecord, option: Option, clearing: Clearing) -> Verdict:
        room, job_id, victims = option.candidate.room, form.job.id, clearing.victims
        self._allowances.free_soon(victim.attempt for victim in victims)
        self.rooms.note_passed()
        for victim in victims:
            assert victim.id not in self._stops.gone_ms, f"{victim.id} is stopped already"
            gone_ms = self._stops.gone_ms[victim.id] = self.now_ms + victim.grace_ms
            shares = victim.attempt.placement.shares
            self._repeats.settled.clear()
            room.free_soon(Release(Ends(gone_ms, gone_ms), victim.id, shares))
        found = self._survey.find_cleared(form, option.candidate, clearing)
        assert found is not None, f"no room was made for {job_id} in {option.candidate.pool.id}"
        self.evictions.extend(self._stops.carried_out(form, option.candidate, found, victims))
        return self._claim(form, option, found)

    def _claim(self, form: JobRecord, option: Option, shares: Shares) -> Verdict:
        """It is to have what comes free, and nobody else."""
        job, candidate = form.job, option.candidate
        start_ms = candidate.room.gone_ms(self.now_ms)
        candidate.room.claim(shares, job.id, self._survey.claim_ends(form))
        self._allowances.take(form, candidate.pool, option.hold_micros, SOON_MS)
        self._repeats.forget()
        self._charge(form, candidate.pool, shares)
        self.foresight.promised[job.id] = form
        reason = making_room(candidate.pool, candidate.room, job.device_count, start_ms)
        start = self._promised_start(form, candidate.pool, start_ms)
        return Verdict(reasons=(reason,), start=start)

    def _grant(self, form: JobRecord, option: Option, shares: Shares) -> Grant | Verdict:
        job, pool, ends = form.job, option.candidate.pool, self._forecasts.ends(form)
        placement = placement_in(pool, shares)
        option.candidate.room.take(placement, job.id, ends)
        self.rooms.note_passed()
        self._allowances.take(form, pool, option.hold_micros)
        self._repeats.forget()
        self._charge(form, pool, shares)
        self._granted.add(job.id)
        self._holdings.append(Holding(job, placement, ends.likely_ms))
        if form.quote is not None:
            return claims.kept_cards(form, placement, self.now_ms)
        hungry, held = job.id in self._standings.starving.job_ids, option.hold_micros
        return Grant(job_id=job.id, placement=placement, hold_micros=held, is_starving=hungry)

    def _promised_start(self, form: JobRecord, pool: Pool, at_ms: int) -> PlannedStart:
        """Cards are kept for it from then on; of several forms it is told in which."""
        is_only = form is self.state.jobs.get(form.job.id)
        cards = None if is_only else form.job.device_count
        return PlannedStart(at_ms, pool.id, is_promised=True, card_count=cards)

    def _wait(self, record: JobRecord, findings: list[Finding], reasons: list[Reason]) -> Verdict:
        """The first job that a pool blocks is promised a start there, or closes it.

        Only where it can pay: nobody is kept out for one who cannot. In one pool, and in one form.
        """
        options = [(finding.form, option) for finding in findings for option in finding.payable]
        if not self.policy.is_backfilling:
            for _, option in options:
                self._survey.close(option.candidate, record.job.id)
            return Verdict(reasons=tuple(reasons))
        promises = [
            (reservation, option, form)
            for form, option in options
            if (reservation := self._survey.promise(form, option.candidate)) is not None
        ]
        if not promises:
            return Verdict(reasons=tuple(reasons))
        reservation, option, form = min(promises, key=self._over_ms)
        option.candidate.room.reserve(reservation)
        self._repeats.settled.clear()
        self._repeats.forget()
        self._allowances.promise(form, option.candidate.pool, reservation, option.hold_micros)
        self.foresight.promised[record.job.id] = form
        start = self._promised_start(form, option.candidate.pool, reservation.likely_ms)
        return Verdict(reasons=tuple(reasons), start=start)

    def _over_ms(self, promise: tuple[Reservation, Option, JobRecord]) -> int:
        """When a job that begins as is promised is likely to be over."""
        reservation, option, form = promise
        return option.ready_ms(reservation.choice_ms) + self._forecasts.length_ms(form)
