"""Whom a plan may stop for a job that waits, looked up when first somebody finds no room."""

from collections.abc import Callable, Collection, Iterable, Iterator

from scheduler.facts.record import JobRecord
from scheduler.facts.state import State
from scheduler.model.job import Priority
from scheduler.model.offered import outside_hours
from scheduler.model.plan import Eviction
from scheduler.model.policy import Policy
from scheduler.placing.placement import Shape
from scheduler.planning.claims import has_claim
from scheduler.planning.options import Candidate, Opening, Option
from scheduler.planning.preemption import Victims
from scheduler.planning.survey import Shares, Survey
from scheduler.planning.vacancy import Way
from scheduler.planning.victims import Victim
from scheduler.sharing.standing import NOWHERE, Merit, Standing, Standings, Taker

NEVER_MS = 1 << 60


def may_stop_any(state: State, policy: Policy) -> bool:
    """Whether any that runs might be stopped for any that waits, as far as is known at once."""
    if policy.preemption is None or state.park is None:
        return False
    has_owners = bool(state.entitled.in_force(state.tree, state.park).nominal)
    return has_owners or policy.is_shared or bool(state.agenda.of_priority(Priority.LOW))


class Stops:
    """What one plan stops: `gone_ms` has when each of it is gone."""

    def __init__(
        self, state: State, now_ms: int, policy: Policy, standings: Standings, survey: Survey
    ) -> None:
        self.gone_ms: dict[str, int] = {}
        self._state = state
        self._now_ms = now_ms
        self._policy = policy.preemption
        self.standings = standings
        self._survey = survey
        self._victims: Victims | None = None
        self._ways: list[Way] | None = None
        self._seen: tuple[str, Taker, int, int] | None = None

    def may_ask(self, record: JobRecord, forms: Iterable[JobRecord]) -> bool:
        """Whether others might be stopped for the job in one of its forms, and were not yet."""
        is_served = record.quote or has_claim(self._state, record.job.id, self._now_ms)
        return not is_served and any(
            self.may_stop(record, self.standings.best(form)) for form in forms
        )

    def asks_now(self, record: JobRecord) -> bool:
        """Whether others might be stopped for the job, which has had patience for long enough."""
        running = self._running(record)
        has_waited = running is not None and running.asks_from_ms(record) <= self._now_ms
        return has_waited and self.may_ask(record, [record])

    def may_stop(self, record: JobRecord, standing: Standing) -> bool:
        """Whether anybody who runs is of a lower standing."""
        running = self._running(record)
        return running is not None and not running.is_over(standing)

    def is_any_below(self, record: JobRecord, merit: Merit) -> bool:
        """Whether anybody is of lower merit: else nobody may be stopped for the job.

        Where somebody owns cards that is not known by merit alone.
        """
        running = self._running(record)
        if self.standings.has_owners:
            return running is not None
        return running is not None and running.is_any_below(merit)

    def is_any_left(
        self, taker: JobRecord, standing: Standing, ways: Callable[[], Iterable[Way]]
    ) -> bool:
        """Whether anybody might be stopped for who waits and stands no better; `ways` as they sit.

        A way in which there is no room soon, nor would be if others were stopped, is not looked at
        again: what is free, and who may be stopped yet, only become fewer. Where somebody owns
        cards it goes by branches as well.
        """
        if not self.may_stop(taker, standing):
            return False
        if self.standings.has_owners:
            return True
        if self._ways is None:
            self._ways = [*ways()]
        wants = Taker(NOWHERE, standing)
        while self._ways and not self._may_clear(self._ways[-1], wants):
            self._ways.pop()
        return bool(self._ways)

    def _may_clear(self, way: Way, taker: Taker) -> bool:
        """Whether others might be stopped there for who has the patience; once for each change.

        Or would be, once others have claimed what comes free there and is enough as yet.
        """
        running = self._victims
        assert running is not None, "it was found who might be stopped"
        if not (running.is_any_in(way.pool.id) and self._survey.is_heard(way.pool)):
            return False
        if way.room.view_soon(way.ends).fits(way.wanted):
            return True
        seen = way.pool.id, taker, way.room.version, len(self.gone_ms)
        if self._seen != seen:
            if not running.choose(way.room, way.pool.id, way.wanted, taker, way.ends).victims:
                return False
            self._seen = seen
        return True

    def could_any(self, takers: Iterable[tuple[Shape, Merit]]) -> bool:
        """Whether one of them had room if all who stand below it were stopped, and nothing kept.

        Asked before the plan has given anything. Where somebody owns cards it may be.
        """
        first = next(self._state.queue.records(), None)
        running = self._running(first) if first else None
        if running is None or self.standings.has_owners:
            return running is not None
        return any(
            running.could_clear(one.room, one.pool.id, one.wanted, merit)
            for shape, merit in takers
            if not running.is_over(Standing(self.standings.most, merit))
            for one in self._survey.candidates(shape)
        )

    def openings(
        self, options: Collection[tuple[JobRecord, Option]], by_ms: int
    ) -> Iterator[tuple[JobRecord, Option, Opening]]:
        """Whom it may stop for room in each, if it may ask until then, and when it would start.

        First by what it owns as yet. Then, where others of its own branches have used that up, by
        what it owns once it runs.
        """
        takers = [
            (form, option, self.standings.taker(form, option.candidate.pool.device_kind_id))
            for form, option in options
        ]
        as_yet = [(form, option, taker.as_yet) for form, option, taker in takers]
        for form, option, taker in (*as_yet, *(one for one in takers if any(one[-1].gained))):
            opening = self._opening(form, option.candidate, by_ms, taker)
            if opening:
                yield form, option, opening

    def _opening(
        self, form: JobRecord, candidate: Candidate, by_ms: int, taker: Taker
    ) -> Opening | None:
        pool, room, wanted = candidate.pool, candidate.room, candidate.wanted
        running = self._running(form)
        asks_ms = running.asks_from_ms(form) if running else NEVER_MS
        if running is None or asks_ms > by_ms or not self._survey.is_heard(pool):
            return None
        ends = self._survey.claim_ends(form)
        may = self._survey.limits(form, pool)
        clearing = running.choose(room, pool.id, wanted, taker, ends, may)
        gone_ms = [asks_ms + victim.grace_ms for victim in clearing.victims]
        start_ms = max(room.soon_ms, *gone_ms) if gone_ms else NEVER_MS
        is_late = not gone_ms or outside_hours(form.job, pool, start_ms) is not None
        return None if is_late else Opening(start_ms, clearing)

    def carried_out(
        self, form: JobRecord, candidate: Candidate, shares: Shares, victims: Collection[Victim]
    ) -> list[Eviction]:
        """These are stopped for it, which is to be there."""
        assert self._victims is not None, "who is stopped was found among what runs"
        pool, node_ids = candidate.pool, tuple(share.node_id for share in shares)
        taker = self.standings.taker(form, pool.device_kind_id)
        is_whole = len(node_ids) > 1 and not candidate.wanted.bundles
        there = self.standings.there(taker, pool.id, node_ids, is_whole=is_whole)
        self._victims.working.change([one.attempt for one in victims], form.job.id, there)
        return [Eviction(victim.id, form.job.id, node_ids) for victim in victims]

    def _running(self, taker: JobRecord) -> Victims | None:
        """Who might be stopped."""
        if self._victims is None and self._policy is not None:
            self._victims = Victims(
                self._state, self._now_ms, self._policy, taker, self.gone_ms, self.standings
            )
        return self._victims
