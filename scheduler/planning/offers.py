"""What a plan in the making would say to a job of each pool: all in its way, and when it starts."""

from collections.abc import Iterator
from dataclasses import dataclass

from scheduler.facts.record import JobRecord
from scheduler.model.job import Reason, ReasonCode
from scheduler.model.policy import Policy
from scheduler.placing.placement import shape_of
from scheduler.planning.explain import making_room
from scheduler.planning.options import Candidate, Offer, Opening, Option
from scheduler.planning.rooms import Rooms
from scheduler.planning.stops import NEVER_MS, Stops
from scheduler.planning.survey import Survey
from scheduler.planning.victims import SOON_MS
from scheduler.sharing.allowance import Allowances
from scheduler.timing.forecasts import Forecasts


@dataclass(frozen=True, slots=True)
class Offers:
    """The plan as it is at that moment; nothing is taken."""

    now_ms: int
    policy: Policy
    forecasts: Forecasts
    allowances: Allowances
    rooms: Rooms
    survey: Survey
    stops: Stops

    def of(self, record: JobRecord) -> Iterator[Offer]:
        """Each pool that could hold it in one of its forms, and why not now."""
        for form in self.forecasts.forms(record):
            yield from self._of_form(form)

    def _of_form(self, form: JobRecord) -> Iterator[Offer]:
        job = form.job
        firsts = (form.backoff_reason(self.now_ms), *self.allowances.quota_reasons(form))
        before: list[Option] = []
        for candidate in self.survey.candidates(shape_of(job)):
            pool = candidate.pool
            caps = [*self.allowances.cap_reasons(form, pool.device_kind_id)]
            money = self.allowances.hold_micros(job, pool)
            closed = self.survey.why_closed(job, pool)
            full = self.survey.why_full(job, candidate, self.forecasts.ends(form))
            near = self.survey.nearer(form, candidate, before)
            unpaid = () if isinstance(money, int) else self.allowances.money_reasons(job, pool)
            there = self._there(form, candidate, closed, full)
            found = (*firsts, *caps, *unpaid, *there, near)
            reasons = tuple(reason for reason in found if reason is not None)
            offer = Offer(form, pool, candidate.wanted, reasons, candidate.transfer_ms)
            is_barred = any(firsts) or near is not None or closed is not None
            if not is_barred and not isinstance(money, Reason):
                if not caps:
                    before.append(Option(candidate, money))
                if (caps or full is not None) and self.policy.is_backfilling:
                    offer = self._promising(offer, candidate, is_capped=bool(caps))
            yield offer

    def _there(
        self, form: JobRecord, candidate: Candidate, closed: Reason | None, full: Reason | None
    ) -> Iterator[Reason]:
        """What is in the way of the cards: what is told first, and all that is behind it."""
        told = closed or full
        if told is not None:
            yield told
            if closed is not None:
                yield from self.survey.why_silent(form.job, candidate.pool)
            yield from self.rooms.hidden(told, candidate.pool, candidate.wanted)
            if told.code is not ReasonCode.RESERVED:
                yield from self.survey.why_kept(form, candidate)

    def _promising(self, offer: Offer, candidate: Candidate, *, is_capped: bool) -> Offer:
        """The same, with the start that the plan would promise, now or once the job has waited."""
        form = offer.form
        opening = next(self._openings(form, candidate), None)
        if opening is None:
            promise = None if is_capped else self.survey.promise(form, candidate)
            if promise is None:
                return offer
            return offer._replace(promise_ms=promise.likely_ms, sure_ms=promise.choice_ms)
        start_ms, victims = opening.start_ms, opening.victims
        reason = making_room(candidate.pool, candidate.room, form.job.device_count, start_ms)
        return Offer(*offer[:3], (reason,), offer.transfer_ms, start_ms, start_ms, victims)

    def _openings(self, form: JobRecord, candidate: Candidate) -> Iterator[Opening]:
        """What comes free anyway, else whom it may stop; where no limit forbids it then."""
        if self.survey.find_soon(form, candidate) is not None:
            found = [Opening(candidate.room.gone_ms(self.now_ms))]
        else:
            there = [(form, Option(candidate, 0))]
            found = [opening for *_, opening in self.stops.openings(there, NEVER_MS)]
        for opening in found:
            gone = [victim.attempt for victim in opening.victims]
            if self.allowances.is_within(form, candidate.pool.device_kind_id, SOON_MS, gone):
                yield opening
