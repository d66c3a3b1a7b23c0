"""When each job that waits would start, by what a plan has found out of it and told it."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from cluster.inventory import Pool
from scheduler.facts.record import JobRecord
from scheduler.model.entitlements import Key
from scheduler.model.job import PlannedStart, Reason, ReasonCode
from scheduler.model.plan import KeptCards, Verdict
from scheduler.placing.placement import shape_of
from scheduler.planning.explain import MONEY_CODES, QUOTA_CODES, begin_ms
from scheduler.planning.options import Candidate, Finding
from scheduler.planning.survey import Survey
from scheduler.sharing.allowance import Allowances, Kept
from scheduler.timing.forecasts import Forecasts
from scheduler.timing.outlook import Bid, Outlook
from scheduler.timing.ranking import Place, Wish

BEFORE_MONEY = {ReasonCode.BACKOFF, *QUOTA_CODES}
"""Who is told this was not asked whether it could pay."""


class Told(NamedTuple):
    """For whom these very reasons were found: all for whom they were ask for the same."""

    reasons: tuple[Reason, ...]
    places: Sequence[Place]
    from_ms: int | None


class Alike(NamedTuple):
    """What all want who were told this very verdict: they are of one shape, and end at one time."""

    verdict: Verdict
    wish: Wish


@dataclass(frozen=True, slots=True)
class Foresight:
    """`findings` are of jobs with several forms, `promised` is in which form a start is promised.

    Both grow as the plan does, as does what is known of jobs that are told the same.
    """

    now_ms: int
    forecasts: Forecasts
    survey: Survey
    allowances: Allowances
    findings: dict[str, list[Finding]] = field(default_factory=dict)
    promised: dict[str, JobRecord] = field(default_factory=dict)
    _told: dict[int, Told] = field(default_factory=dict)
    _alike: dict[int, Alike] = field(default_factory=dict)
    _unpaid: dict[Hashable, bool] = field(default_factory=dict)
    _saved: set[str] = field(default_factory=set)

    def note(self, candidates: list[Candidate], verdict: Verdict) -> None:
        """Others of its shape will be told the same."""
        # The reasons are kept, as are verdicts: as long as they are, no others are at their place.
        from_ms = begin_ms(verdict.reasons, self.now_ms)
        self._told[id(verdict.reasons)] = Told(verdict.reasons, candidates, from_ms)

    def foresee(
        self, outlook: Outlook, waiting: Sequence[JobRecord], told: Sequence[Verdict]
    ) -> dict[str, Verdict]:
        """What each who waits was told, and when and where it would start.

        In order, beside what is promised.
        """
        self.promise(outlook, zip(waiting, told, strict=True))
        awaited = self._awaited()
        found: dict[str, Verdict] = {}
        for record, verdict in zip(waiting, told, strict=True):
            job_id, start = record.job.id, verdict.start
            if start is None:
                start = self._start(outlook, record, verdict)
                for key, kept in awaited.get(job_id, ()):
                    if start is None or start.at_ms > kept.start_ms:
                        outlook.keep(key, kept.need, kept.start_ms)
            found[job_id] = verdict if verdict.start else replace(verdict, start=start)
        return found

    def promise(self, outlook: Outlook, told: Iterable[tuple[JobRecord, Verdict]]) -> None:
        """Count with those to whom a start is promised."""
        for record, verdict in told:
            if verdict.start is not None and not isinstance(verdict, KeptCards):
                outlook.take(self.promised.get(record.job.id) or record, verdict.start)

    def _awaited(self) -> dict[str, list[tuple[Key, Kept]]]:
        """By job, what is kept of quotas for who waits for it."""
        found: dict[str, list[tuple[Key, Kept]]] = defaultdict(list)
        for key, kept in self.allowances.kept_by_key.items():
            found[kept.job_id].append((key, kept))
        return found

    def _start(self, outlook: Outlook, record: JobRecord, verdict: Verdict) -> PlannedStart | None:
        """Nowhere if that depends on more than the ends of what runs."""
        if self.allowances.saves_for(record.job):
            self._saved.add(record.job.tenant_id)
        alike = self._alike.get(id(verdict))
        if alike is None:
            told = self._told.get(id(verdict.reasons))
            if told is None:
                return self._start_alone(outlook, record, verdict.reasons)
            wish = outlook.wish(record, told.places, told.from_ms)
            alike = self._alike[id(verdict)] = Alike(verdict, wish)
        return outlook.start(record.job, alike.wish)

    def _start_alone(
        self, outlook: Outlook, record: JobRecord, reasons: tuple[Reason, ...]
    ) -> PlannedStart | None:
        """Of one that was told what no other was."""
        findings = self.findings.get(record.job.id)
        if findings is None:
            asked = [
                (form, self.survey.candidates(shape_of(form.job)), reasons)
                for form in self.forecasts.forms(record)
            ]
        else:
            asked = [(one.form, one.candidates, tuple(one.reasons)) for one in findings]
        is_only = len(asked) == 1
        return outlook.start_of(
            [bid for one in asked for bid in self._bids(outlook, *one, is_only=is_only)]
        )

    def _bids(
        self,
        outlook: Outlook,
        form: JobRecord,
        candidates: list[Candidate],
        reasons: tuple[Reason, ...],
        *,
        is_only: bool,
    ) -> Iterator[Bid]:
        """One for each moment from which on there may be room: in some pools that is sooner."""
        card_count = None if is_only else form.job.device_count
        for from_ms, hopes in self._hopes(form, candidates, reasons).items():
            places = candidates if len(hopes) == len(candidates) else hopes
            yield Bid(form.job, outlook.wish(form, places, from_ms), card_count)

    def _hopes(
        self, form: JobRecord, candidates: list[Candidate], reasons: tuple[Reason, ...]
    ) -> dict[int | None, list[Candidate]]:
        """Where only the ends of what runs are waited for, by from when on."""
        # One for each, in the same order, or one for all of them.
        whys = reasons if len(reasons) == len(candidates) else reasons[:1] * len(candidates)
        found: dict[int | None, list[Candidate]] = defaultdict(list)
        for one, why in zip(candidates, whys, strict=True):
            if not self.lacks_money(form, one.pool, why):
                found[begin_ms((why,), self.now_ms)].append(one)
        return found

    def lacks_money(self, form: JobRecord, pool: Pool, why: Reason) -> bool:
        """Whether more is waited for than the ends of what runs; `why` is told first."""
        if why.code not in BEFORE_MONEY:
            return why.code in MONEY_CODES
        job, own = form.job, form.job.id if form.watched else ""
        size = job.priority, job.device_count, job.longest_ms
        key = job.tenant_id, job.project, *size, pool.device_kind_id, own
        if key not in self._unpaid:
            self._unpaid[key] = not self.allowances.could_pay(job, pool)
        # What is saved for one that comes behind it is in nobody's way when its own turn comes.
        return job.tenant_id in self._saved or self._unpaid[key]
