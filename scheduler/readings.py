"""What centres report of their attempts, read once: most reports say what the last one said."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from cluster.driver import Activity, AttemptPhase, AttemptReport, CentreReport
from scheduler.facts.agenda import Agenda
from scheduler.facts.events import HoldExtended, Metered
from scheduler.facts.measured import Measured
from scheduler.facts.measuring import measured
from scheduler.facts.metering import slices
from scheduler.facts.record import Attempt
from scheduler.facts.state import State


@dataclass(frozen=True, slots=True)
class Reading:
    """A report's attempts by id, and those that run."""

    attempts: tuple[AttemptReport, ...]
    known: Mapping[str, AttemptReport]
    running_ids: frozenset[str]

    def unsure_ids(self, agenda: Agenda, centre_id: str) -> list[str]:
        """What is live there and may stand otherwise than the log says, in order."""
        live = agenda.of_centre(centre_id).keys()
        return agenda.in_order((live - self.running_ids) | (live & agenda.unsettled.keys()))

    def strays(self, live_ids: Mapping[str, object]) -> list[AttemptReport]:
        """Those that are not live, in the order of the report."""
        stray_ids = self.known.keys() - live_ids.keys()
        return [told for told in self.attempts if told.attempt_id in stray_ids] if stray_ids else []


@dataclass(slots=True)
class Readings:
    """The newest of each centre; what says the same is not read again."""

    _by_centre: dict[str, Reading] = field(default_factory=dict)

    def of(self, report: CentreReport) -> Reading:
        reading = self._by_centre.get(report.centre_id)
        if reading is None or reading.attempts is not report.attempts:
            reading = self._by_centre[report.centre_id] = _read(report.attempts)
        return reading

    def used(
        self, state: State, attempt: Attempt, to_ms: int, now_ms: int
    ) -> Iterator[Metered | HoldExtended | Measured]:
        """What an attempt has used until then, and what was measured of its cards in that time."""
        from_ms = attempt.metered_to_ms
        yield from slices(state, attempt, to_ms, now_ms)
        yield from measured(attempt, self._activity_of(attempt), from_ms, now_ms)

    def _activity_of(self, attempt: Attempt) -> Activity | None:
        """What its centre told last of what its cards do; None where nobody measures it."""
        reading = self._by_centre.get(attempt.placement.centre_id)
        told = reading.known.get(attempt.id) if reading else None
        return told.activity if told else None


def _read(attempts: tuple[AttemptReport, ...]) -> Reading:
    known = {told.attempt_id: told for told in attempts}
    running = {told.attempt_id for told in attempts if told.phase is AttemptPhase.RUNNING}
    return Reading(attempts, known, frozenset(running))
