"""When each job that waits would start, by what a plan has found out of it and told it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from scheduler.facts.record import JobRecord
from scheduler.facts.state import State
from scheduler.model.job import Reason
from scheduler.model.plan import KeptCards, Verdict
from scheduler.placing.placement import shape_of
from scheduler.planning.explain import begin_ms, foreseen
from scheduler.planning.options import Candidate, Finding
from scheduler.planning.survey import Survey
from scheduler.timing.forecasts import Forecasts
from scheduler.timing.outlook import Bid, Outlook
from scheduler.timing.ranking import Place


class Told(NamedTuple):
    """For whom these very reasons were found: all for whom they were ask for the same."""

    reasons: tuple[Reason, ...]
    places: Sequence[Place]
    from_ms: int | None


@dataclass(frozen=True, slots=True)
class Foresight:
    """`findings` are of jobs with several forms, `promised` is in which form a start is promised.

    Both grow as the plan does, as does what is known of jobs that are told the same.
    """

    state: State
    now_ms: int
    forecasts: Forecasts
    survey: Survey
    findings: dict[str, list[Finding]] = field(default_factory=dict)
    promised: dict[str, JobRecord] = field(default_factory=dict)
    _told: dict[int, Told] = field(default_factory=dict)

    def note(self, record: JobRecord, candidates: list[Candidate], verdict: Verdict) -> None:
        """Others of its shape will be told the same."""
        _, places, from_ms = self._bid(record, candidates, verdict.reasons)
        # The reasons are kept: as long as they are, no others are at their place.
        self._told[id(verdict.reasons)] = Told(verdict.reasons, places, from_ms)

    def foresee(self, outlook: Outlook, verdicts: Mapping[str, Verdict]) -> dict[str, Verdict]:
        """The same, and when and where each job would start: in order, beside what is promised."""
        for job_id, verdict in verdicts.items():
            if verdict.start is not None and not isinstance(verdict, KeptCards):
                form = self.promised.get(job_id) or self.state.jobs[job_id]
                outlook.take(form, verdict.start)
        return {
            job_id: verdict
            if verdict.start
            else Verdict(
                reasons=verdict.reasons, start=outlook.start(self._bids(job_id, verdict.reasons))
            )
            for job_id, verdict in verdicts.items()
        }

    def _bids(self, job_id: str, reasons: tuple[Reason, ...]) -> list[Bid]:
        """Where it could start; nowhere if that depends on more than the ends of what runs."""
        record, told = self.state.jobs[job_id], self._told.get(id(reasons))
        if told is not None:
            return [Bid(record, told.places, told.from_ms)]
        findings = self.findings.get(job_id)
        if findings is not None:
            return [self._bid(one.form, one.candidates, tuple(one.reasons)) for one in findings]
        return [
            self._bid(form, self.survey.candidates(shape_of(form.job)), reasons)
            for form in self.forecasts.forms(record)
        ]

    def _bid(
        self, form: JobRecord, candidates: list[Candidate], reasons: tuple[Reason, ...]
    ) -> Bid:
        return Bid(form, foreseen(candidates, reasons), begin_ms(reasons, self.now_ms))
