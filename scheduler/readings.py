"""What centres report of their attempts, kept from report to report: most say what the last said.

A report that tells what has changed since the one before it costs that, and not what runs.
"""

from collections.abc import Container, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from operator import is_

from cluster.driver import Activity, AttemptPhase, AttemptReport, CentreReport
from scheduler.facts.agenda import Agenda
from scheduler.facts.events import HoldExtended, Metered
from scheduler.facts.measured import Measured, Saved
from scheduler.facts.measuring import measured, saved
from scheduler.facts.metering import slices
from scheduler.facts.record import Attempt
from scheduler.facts.state import State


class Reading:
    """What one centre says, beside what the log says is live there.

    Both differ for the ids in `_suspects` alone: what has changed in the report since they agreed,
    and what did not agree when it was last looked at. What is new in the log is `unsettled` there.
    """

    def __init__(self, centre_id: str, attempts: tuple[AttemptReport, ...], agenda: Agenda) -> None:
        self.attempts = attempts
        self.known = {told.attempt_id: told for told in attempts}
        self._centre_id = centre_id
        self._agenda = agenda
        self._suspects = {*self.known, *agenda.of_centre(centre_id)}
        self._saved = [told for told in attempts if told.saved_at_ms is not None]

    def follow(self, report: CentreReport) -> bool:
        """Take in what it says otherwise; whether that can be told."""
        news = report.news
        if report.attempts is self.attempts:
            return True
        if news is None or news.before is not self.attempts:
            return False
        self.attempts = report.attempts
        for attempt_id, told in news.changed.items():
            if told is None:
                self.known.pop(attempt_id, None)
            else:
                self.known[attempt_id] = told
                if told.saved_at_ms is not None:
                    self._saved.append(told)
        self._suspects.update(news.changed)
        return True

    def is_of(self, agenda: Agenda) -> bool:
        """Whether it is by this one that it knows what is live."""
        return self._agenda is agenda

    def unsure_ids(self) -> list[str]:
        """What is live there and may stand otherwise than the log says, in order."""
        live, unsettled = self._agenda.of_centre(self._centre_id), self._agenda.unsettled
        if not (self._suspects or unsettled):
            return []
        self._suspects.update(one for one in unsettled if one in live)
        self._suspects = {one for one in self._suspects if self._is_odd(one, live)}
        return self._agenda.in_order(one for one in self._suspects if one in live)

    def _is_odd(self, attempt_id: str, live: Container[str]) -> bool:
        told = self.known.get(attempt_id)
        if attempt_id not in live:
            return told is not None
        is_running = told is not None and told.phase is AttemptPhase.RUNNING
        return not is_running or attempt_id in self._agenda.unsettled

    def newly_saved(self) -> list[AttemptReport]:
        """Those that tell of a checkpoint and were not asked for since they told it."""
        told, self._saved = self._saved, []
        return told

    def strays(self, live_ids: Container[str]) -> list[AttemptReport]:
        """Those that are not live, in the order of the report."""
        stray_ids = {one for one in self._suspects if one in self.known and one not in live_ids}
        if len(stray_ids) > 1:
            return [told for told in self.attempts if told.attempt_id in stray_ids]
        return [self.known[one] for one in stray_ids]


@dataclass(slots=True)
class Readings:
    """The newest of each centre; what says the same is not read again."""

    _by_centre: dict[str, Reading] = field(default_factory=dict)
    _agreed: dict[str, tuple[AbstractSet[str], ...]] = field(default_factory=dict)

    def of(self, report: CentreReport, agenda: Agenda) -> Reading:
        """By this report, beside what is live by this agenda."""
        reading = self._by_centre.get(report.centre_id)
        if reading is None or not (reading.is_of(agenda) and reading.follow(report)):
            reading = Reading(report.centre_id, report.attempts, agenda)
            self._by_centre[report.centre_id] = reading
        return reading

    def has_other_nodes(
        self, report: CentreReport, online: AbstractSet[str], mine: AbstractSet[str]
    ) -> bool:
        """Whether others of the centre's nodes are online than are by the log.

        The same three sets, which nobody changes, are compared once.
        """
        sets = report.online_node_ids, online, mine
        agreed = self._agreed.get(report.centre_id, ())
        if agreed and all(map(is_, sets, agreed)):
            return False
        if online & mine != report.online_node_ids & mine:
            return True
        self._agreed[report.centre_id] = sets
        return False

    def forget(self, centre_id: str) -> None:
        """What was live there is not, whatever its reports say."""
        self._by_centre.pop(centre_id, None)

    def used(
        self, state: State, attempt: Attempt, to_ms: int, now_ms: int
    ) -> Iterator[Metered | HoldExtended | Measured]:
        """What an attempt has used until then, and what was measured of its cards in that time."""
        from_ms = attempt.metered_to_ms
        yield from slices(state, attempt, to_ms, now_ms)
        yield from measured(attempt, self._activity_of(attempt), from_ms, now_ms)

    def saves(self, state: State, centre_id: str, now_ms: int) -> Iterator[Saved]:
        """The checkpoints that the centre has told of since it was asked for them last."""
        for told in self._by_centre[centre_id].newly_saved():
            yield from saved(state.live.get(told.attempt_id), told.saved_at_ms, now_ms)

    def _activity_of(self, attempt: Attempt) -> Activity | None:
        """What its centre told last of what its cards do; None where nobody measures it."""
        reading = self._by_centre.get(attempt.placement.centre_id)
        told = reading.known.get(attempt.id) if reading else None
        return told.activity if told else None
