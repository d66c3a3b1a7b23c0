"""What a plan finds out of jobs and pools before it takes anything: where, why not, and when."""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain

from cluster.inventory import Park, Pool
from scheduler.facts.record import JobRecord
from scheduler.forecast.ends import Ends
from scheduler.model.job import Job, NodeShare, Reason
from scheduler.model.offered import outside_hours
from scheduler.model.policy import Firmness, Policy
from scheduler.placing.placement import Shape, shape_of
from scheduler.placing.racks import free_cards
from scheduler.planning.explain import closed_reason, kept_reason, pool_reason, silent_reason
from scheduler.planning.options import Candidate, Option, candidates_of
from scheduler.planning.rooms import Rooms
from scheduler.planning.victims import SOON_MS, Allowed, Clearing, Victim
from scheduler.sharing.allowance import Allowances
from scheduler.sharing.standing import NOTHING, Owns, Standings
from scheduler.timing.backfill import Reservation
from scheduler.timing.forecasts import Forecasts

Shares = tuple[NodeShare, ...]


class Survey:
    """The pools of one plan as they are at each moment of it; jobs of a shape are answered once."""

    def __init__(
        self,
        park: Park,
        now_ms: int,
        policy: Policy,
        forecasts: Forecasts,
        rooms: Rooms,
        allowances: Allowances,
    ) -> None:
        self._park = park
        self._now_ms = now_ms
        self._policy = policy
        self._forecasts = forecasts
        self._rooms = rooms
        self._allowances = allowances
        self._candidates_by_shape: dict[Shape, list[Candidate]] = {}
        self.closed_by: dict[str, str] = {}

    def candidates(self, shape: Shape) -> list[Candidate]:
        """The pools that could hold it, in its order of preference."""
        known = self._candidates_by_shape.get(shape)
        if known is None:
            known = candidates_of(shape, self._park, self._rooms.of)
            self._candidates_by_shape[shape] = known
        return known

    def kind_ids(self, job: Job) -> set[str]:
        """Of the pools that could hold the job."""
        return {one.pool.device_kind_id for one in self.candidates(shape_of(job))}

    def owns(self, record: JobRecord, standings: Standings) -> Owns:
        """What of the job would be within nominal quotas wherever it fits."""
        if not standings.has_owners:
            return NOTHING
        forms = self._forecasts.forms(record)
        kinds = [(form, one) for form in forms for one in self.kind_ids(form.job)]
        found = [standings.owns(*one) for one in kinds]
        return Owns(*map(all, zip(*found, strict=True))) if found else NOTHING

    def is_heard(self, pool: Pool) -> bool:
        """Whether anything is given there."""
        return self._rooms.is_heard(pool)

    def why_closed(self, job: Job, pool: Pool) -> Reason | None:
        """Whether it could not be gone before the pool's hours end."""
        return outside_hours(job, pool, self._now_ms)

    def why_silent(self, job: Job, pool: Pool) -> Iterator[Reason]:
        """Whether nothing is given there as its centre is not heard of."""
        if not self.is_heard(pool):
            yield silent_reason(pool, job.device_count)

    def terms(self, form: JobRecord, pool: Pool) -> int | Reason:
        """What to set aside, or why it may not be there: who cannot pay waits for no hours."""
        closed = self.why_closed(form.job, pool)
        if closed is None:
            return self._allowances.terms(form, pool)
        hold = self._allowances.hold_micros(form.job, pool)
        return hold if isinstance(hold, Reason) else closed

    def limits(self, form: JobRecord, pool: Pool) -> Allowed | None:
        """Whether none forbids it once some are gone as well; None where none does anyway.

        It is asked node by node: of as many cards of the same branches it is found out once.
        """
        kind_id, known = pool.device_kind_id, dict[Hashable, bool]()

        def may(gone: Sequence[Victim]) -> bool:
            like = tuple(
                (one.job.tenant_id, one.job.project, one.attempt.placement.card_count)
                for one in gone
            )
            if like not in known:
                attempts = [one.attempt for one in gone]
                known[like] = self._allowances.is_within(form, kind_id, SOON_MS, attempts)
            return known[like]

        return None if may(()) else may

    def is_late(self, form: JobRecord, candidate: Candidate) -> bool:
        """Whether it could not be gone by then if it started once all has gone that is stopped."""
        gone_ms = candidate.room.gone_ms(self._now_ms)
        return outside_hours(form.job, candidate.pool, gone_ms) is not None

    def close(self, candidate: Candidate, job_id: str) -> None:
        """Nobody may pass this job there."""
        self.closed_by.setdefault(candidate.pool.id, job_id)
        candidate.room.version += 1

    def why_full(self, job: Job, candidate: Candidate, ends: Ends) -> Reason | None:
        """Free cards only shrink while a plan is made: what did not fit once is not tried again."""
        closed_by = self.closed_by.get(candidate.pool.id)
        if closed_by is not None:
            return closed_reason(candidate.pool, job.device_count, closed_by)
        is_short = candidate.room.is_short(ends)
        reason = candidate.full.get(is_short)
        if reason is None and not candidate.room.fits(candidate.wanted, ends):
            pool, room, wanted = candidate.pool, candidate.room, candidate.wanted
            is_heard = self.is_heard(pool)
            reason = pool_reason(pool, room, wanted, job.device_count, is_heard=is_heard)
            candidate.full[is_short] = reason
        return reason

    def why_kept(self, form: JobRecord, candidate: Candidate) -> Iterator[Reason]:
        """Whether what is kept for one that is ahead is in its way as well, behind what is told.

        It is where some of what is free is kept, or where the pool would not hold both.
        """
        room, pool, wanted = candidate.room, candidate.pool, candidate.wanted
        kept, need = room.reservation, form.job.device_count
        if kept is None or room.is_short(self._forecasts.ends(form)):
            return
        emptied = ((node_id, pool.cards_per_node) for node_id in self._park.node_ids(pool.id))
        beside = free_cards(self._park, pool, emptied)
        for share in kept.shares:
            beside.set(share.node_id, pool.cards_per_node - share.card_count)
        if room.long.total < room.now.total or not beside.fits(wanted):
            yield kept_reason(pool, kept, room.long, wanted, need)

    def find_cleared(
        self, form: JobRecord, candidate: Candidate, clearing: Clearing
    ) -> Shares | None:
        """Where it has room once they are stopped: cards of each, though others be free already.

        These are where a limit was in the way and not cards.
        """
        victims, shares = clearing
        if shares is not None:
            return shares
        found = candidate.room.find_soon(candidate.wanted, self.claim_ends(form))
        cleared = [{one.node_id for one in victim.attempt.placement.shares} for victim in victims]
        taken = {share.node_id for share in found or ()}
        if all(taken & nodes for nodes in cleared):
            return found
        view = candidate.room.view_soon(self.claim_ends(form))
        return view.on(sorted(set().union(*cleared))).find(candidate.wanted)

    def find_soon(self, record: JobRecord, candidate: Candidate) -> Shares | None:
        """Where there is room once all that is being stopped has gone, if it may start then."""
        room = candidate.room
        if room.soon is room.now or self.is_late(record, candidate):
            return None
        return room.find_soon(candidate.wanted, self.claim_ends(record))

    def claim_ends(self, record: JobRecord) -> Ends:
        """When a claim is over: the job starts once the others are gone."""
        return self._forecasts.ends(record, SOON_MS)

    def nearer(self, record: JobRecord, far: Candidate, before: Iterable[Option]) -> Reason | None:
        """Why it waits for a pool to which its data comes sooner, even if it could start here."""
        for near, _ in before if self._policy.is_backfilling else ():
            promise = self.promise(record, near) if near.transfer_ms < far.transfer_ms else None
            if promise and (why := far.nearer_data(near, promise, self._now_ms)):
                return why
        return None

    def promise(self, record: JobRecord, candidate: Candidate) -> Reservation | None:
        """What takes a placement gives it back later: a shape without hope stays without it.

        Nothing is promised to whom a quota that is kept for another would forbid it then.
        """
        room = candidate.room
        if room.reservation is not None or candidate.is_hopeless:
            return None
        if not self.is_heard(candidate.pool):
            return None
        firmness = self._policy.firmness(self._now_ms - record.waiting_since_ms)
        reservation = room.earliest(record.job.id, candidate.wanted, self._now_ms, firmness)
        candidate.is_hopeless = reservation is None
        if reservation and outside_hours(record.job, candidate.pool, reservation.start_ms):
            return None
        if reservation is not None and firmness is Firmness.LIKELY:
            reservation = self._with_leeway(record, candidate.pool, reservation)
        if reservation and self._is_kept_then(record, candidate.pool, reservation):
            candidate.is_barred = True
            return None
        return reservation

    def _with_leeway(self, record: JobRecord, pool: Pool, soonest: Reservation) -> Reservation:
        """As it was promised before, as long as that is likely to be kept; else for later.

        Where the pool is not offered then, it is promised for as soon as is likely.
        """
        kept, choice_ms = record.promised, soonest.choice_ms
        by_ms = soonest.soonest_ms + soonest.leeway_ms
        if kept is not None and kept.by_ms >= soonest.soonest_ms:
            by_ms = kept.by_ms
            if kept.pool_id == pool.id:
                choice_ms = min(choice_ms, kept.likely_ms)
        if outside_hours(record.job, pool, by_ms):
            return soonest
        return replace(soonest, start_ms=by_ms, likely_ms=by_ms, choice_ms=choice_ms)

    def _is_kept_then(self, record: JobRecord, pool: Pool, then: Reservation) -> bool:
        """Whether a quota that has room for it now would be kept for another yet."""
        delay_ms, allowances = then.start_ms - self._now_ms, self._allowances
        of_kind = allowances.cap_reasons(record, pool.device_kind_id, delay_ms)
        reasons = chain(allowances.quota_reasons(record, delay_ms), of_kind)
        return any((one.until_ms or 0) > then.start_ms for one in reasons)
