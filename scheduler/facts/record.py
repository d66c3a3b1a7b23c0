"""What `State` remembers of jobs, attempts and money; changed only by `State.apply`."""

from dataclasses import dataclass, field

from accounting.prices.rating import PriceList
from cluster.driver import Activity
from cluster.inventory import Park
from scheduler.facts.events import Ended, Leased
from scheduler.facts.funds import Funds
from scheduler.facts.spending import Watched
from scheduler.facts.suspects import Suspect
from scheduler.forecast.ends import Ends, left_ms
from scheduler.forecast.history import History, Pace, PastRun
from scheduler.forecast.punctuality import Score, Start
from scheduler.forecast.speeds import at_speed, foretold
from scheduler.model.fairshare import Share
from scheduler.model.job import (
    CUT_OFF_CAUSES,
    FAULT_CAUSES,
    FINAL_STATES,
    EndCause,
    Job,
    JobState,
    Placement,
    Reason,
    ReasonCode,
)
from scheduler.model.levels import STARVING_MS, STARVING_RUNS
from scheduler.model.plan import Promise
from scheduler.model.tenancy import Cohort, Project, Tenant
from scheduler.model.variants import form_in

FIRST_BACKOFF_MS = 5_000
REPAIR_MS = 600_000
"""So long whoever lost a node comes first for another."""
UNKNOWN_ENDS = Ends(0, 0)
NOT_MEASURED = Activity()
MAX_LAUNCH_FAILURES = 5
DAY_MS = 24 * 3_600_000


@dataclass(slots=True, kw_only=True)
class Attempt:
    """A live try: it holds its placement until it ends.

    `price_class` is its tenant's at the lease, and stays. `metered_to_ms` is how far its usage is
    in the log, `charged_micros` what that came to, by month in `charges`, `covered` the
    device-milliseconds that packages covered, and `hold_left_micros`
    what is still set aside for it, which was extended `extension_count` times. `activity` is what
    was measured of its cards until `measured_to_ms`, `saved_at_ms` when its job was last seen to
    save itself. `stop_cause` is set once the broker wants it gone. `is_starving` as at its lease.
    `ends` is when it ends as was foretold at its lease, by its limit and by a stop: kept, as each
    plan asks it of all that runs.
    `stated` has until when its kind was stated with how many TFLOPS, where that has changed.
    """

    id: str
    job_id: str
    placement: Placement
    epoch: int
    leased_at_ms: int
    price_class: str
    hold_left_micros: int
    is_launching: bool = False
    started_at_ms: int | None = None
    metered_to_ms: int | None = None
    charged_micros: int = 0
    extension_count: int = 0
    charges: dict[str, int] = field(default_factory=dict)
    covered: dict[str, int] = field(default_factory=dict)
    measured_to_ms: int | None = None
    activity: Activity = NOT_MEASURED
    saved_at_ms: int | None = None
    stop_cause: EndCause | None = None
    stop_at_ms: int | None = None
    stop_grace_ms: int = 0
    is_starving: bool = False
    ends: Ends = UNKNOWN_ENDS
    stated: list[tuple[int, int]] = field(default_factory=list)

    @classmethod
    def leased(cls, event: Leased, price_class: str) -> "Attempt":
        return cls(
            id=event.attempt_id,
            job_id=event.job_id,
            placement=event.placement,
            epoch=event.epoch,
            leased_at_ms=event.at_ms,
            price_class=price_class,
            hold_left_micros=event.hold_micros,
            is_starving=event.is_starving,
        )

    @property
    def is_seen(self) -> bool:
        """Whether its centre has ever said that it knows this attempt."""
        return self.is_launching or self.started_at_ms is not None

    @property
    def begin_ms(self) -> int:
        """Since when it counts: it started, or else it was leased."""
        return self.started_at_ms or self.leased_at_ms

    @property
    def gone_ms(self) -> int:
        """When the broker's stop has taken effect at the latest; it must be stopping."""
        assert self.stop_at_ms is not None, f"{self.id} is not to stop"
        return self.stop_at_ms + self.stop_grace_ms

    def tflops_at(self, at_ms: int, tflops: int) -> int:
        """With how many its kind was stated then; now it is with `tflops`."""
        return next((before for until_ms, before in self.stated if at_ms < until_ms), tflops)

    @property
    def kept_ms(self) -> int:
        """Until when what it does outlives it: to its last checkpoint, else not at all."""
        return self.saved_at_ms or self.begin_ms

    def served_card_ms(self, until_ms: int) -> int:
        """What it has given its job until then, in cards x time."""
        return self.placement.card_count * self.run_ms(until_ms)

    def run_ms(self, until_ms: int) -> int:
        """How long it has run until then."""
        return 0 if self.started_at_ms is None else max(0, until_ms - self.started_at_ms)


@dataclass(slots=True, kw_only=True)
class KeptQuote:
    """How long a quote stands in the place of its job, and what is kept for it.

    That is cards of `tflops` on `node_ids` since `since_ms`; `used_tflops_ms` is what was kept
    before that.
    """

    from_ms: int
    until_ms: int
    tflops: int = 0
    node_ids: tuple[str, ...] = ()
    since_ms: int = 0
    used_tflops_ms: int = 0

    def keep(self, tflops: int, node_ids: tuple[str, ...], at_ms: int) -> None:
        """From then on so much is kept for it."""
        at_ms = min(at_ms, self.until_ms)
        self.used_tflops_ms += self.tflops * max(0, at_ms - self.since_ms)
        self.tflops, self.node_ids, self.since_ms = tflops, node_ids, at_ms


@dataclass(slots=True, kw_only=True)
class JobRecord:
    """A job that is not over yet.

    `failure_count` counts attempts that the park's faults ended, `launch_failure_count` those that
    never started; after such a one the job is not considered before `not_before_ms`.
    `served_card_ms` is what it has had, in cards x time, in attempts from which it can go on, and
    `done_ms` the time of those, in its first form (see `forms`); `speed_permille` is how fast it is
    against that in the form of its last lease. `expected_ms` is how long it was expected to run, in
    its first form, when it was submitted, and `reckoned_ms` how long a run its order reckons with;
    0 is as long as expected. `forecast_ms` is what its user's own runs foretold at its last lease,
    as it was placed; None where there were none. A held job waits for
    those of `awaited_ids` to end, unless `broken_by` has, as it must not; it came to the queue at
    `released_at_ms`. With a `quote` it is no job yet, and may not start.
    `promised` is what others who passed it in this wait left it; None where nobody did.
    `spent_micros` is what all its attempts were charged, and `watched` its own budget. `stops_ms`
    has when it was stopped to go on later, as far back as a day before the last time.
    """

    job: Job
    state: JobState = JobState.QUEUED
    attempt: Attempt | None = None
    attempt_count: int = 0
    failure_count: int = 0
    launch_failure_count: int = 0
    not_before_ms: int = 0
    served_card_ms: int = 0
    done_ms: int = 0
    speed_permille: int = 1_000
    expected_ms: int = 0
    reckoned_ms: int = 0
    forecast_ms: int | None = None
    is_cancelled: bool = False
    awaited_ids: list[str] = field(default_factory=list)
    broken_by: str = ""
    released_at_ms: int = 0
    quote: KeptQuote | None = None
    promised: Promise | None = None
    spent_micros: int = 0
    watched: Watched | None = None
    stops_ms: tuple[int, ...] = ()

    @property
    def is_final(self) -> bool:
        return self.state in FINAL_STATES

    @property
    def queued_at_ms(self) -> int:
        """When it came to the queue first; what it was held before does not make it older."""
        return self.released_at_ms or self.job.submitted_at_ms

    @property
    def waiting_since_ms(self) -> int:
        """Since when it might start: it came to the queue, or went back to it."""
        return max(self.queued_at_ms, self.not_before_ms)

    @property
    def backoff_ms(self) -> int:
        """Twice as long after each launch failure; none where nothing failed."""
        failed = self.launch_failure_count
        return FIRST_BACKOFF_MS << (failed - 1) if failed else 0

    def backoff_reason(self, now_ms: int) -> Reason | None:
        """Why it is not to be tried again yet, if it is not."""
        until_ms = self.not_before_ms
        if until_ms <= now_ms:
            return None
        return Reason(code=ReasonCode.BACKOFF, where=self.job.id, unit="ms", until_ms=until_ms)

    @property
    def form(self) -> Job:
        """The job as it was placed; as its user asked first where it was not."""
        return self.job if self.attempt is None else form_in(self.job, self.attempt.placement)

    @property
    def is_small(self) -> bool:
        """Whether it is elastic, and runs on fewer cards than it asks for."""
        if self.job.min_device_count is None or self.attempt is None:
            return False
        return self.attempt.placement.card_count < self.job.device_count

    @property
    def had_ms(self) -> int:
        """How long it has run, if it can go on from there; what is lost counts as waited."""
        return self.done_ms if self.job.checkpoint else 0

    @property
    def waited_from_ms(self) -> int:
        """Since when it would have waited, had it waited in one piece: what it ran is no wait."""
        return self.queued_at_ms + self.had_ms

    @property
    def starving_from_ms(self) -> int:
        """If it waited until then, it would have waited too long (see `starving`)."""
        long_ms = max(STARVING_MS, STARVING_RUNS * self.expected_ms, self.had_ms)
        return self.waited_from_ms + long_ms

    def ends(self, begin_ms: int, now_ms: int, forecast_ms: int | None) -> Ends:
        """When it would end as it is, had it begun then; where nothing is foretold, by its limit.

        What it had before it was stopped, and can go on from, counts as run.
        """
        latest_ms = begin_ms + self.job.longest_ms
        if forecast_ms is None:
            return Ends(latest_ms, latest_ms)
        return Ends(min(self.likely_end_ms(begin_ms, now_ms, forecast_ms), latest_ms), latest_ms)

    def likely_end_ms(self, begin_ms: int, now_ms: int, forecast_ms: int) -> int:
        """The same, by the forecast alone."""
        had_ms = at_speed(self.had_ms, self.speed_permille) + max(0, now_ms - begin_ms)
        return now_ms + left_ms(forecast_ms, had_ms)

    def whole_run_ms(self, attempt: Attempt, cause: EndCause, at_ms: int) -> int | None:
        """How long it ran, with what it had before it was stopped; None where it was cut off.

        In the time of its first form.
        """
        if attempt.started_at_ms is None or cause in CUT_OFF_CAUSES:
            return None
        return self.had_ms + self._own_ms(at_ms - attempt.started_at_ms)

    def may_retry(self, attempt: Attempt, event: Ended) -> bool:
        """Count how its attempt ended, and what it has had; whether it goes back to the queue."""
        is_fault = event.cause in FAULT_CAUSES
        was_to_go = is_fault and attempt.stop_cause is EndCause.PREEMPTED
        is_preempted = was_to_go or event.cause is EndCause.PREEMPTED
        if is_preempted or self.job.checkpoint:
            self.served_card_ms += attempt.served_card_ms(event.at_ms)
            self.done_ms += self._own_ms(attempt.run_ms(event.at_ms))
        if is_preempted:
            last_day = (at_ms for at_ms in self.stops_ms if at_ms > event.at_ms - DAY_MS)
            self.stops_ms = (*last_day, event.at_ms)
        if is_preempted or not is_fault:
            return is_preempted
        if attempt.started_at_ms is None:
            self.launch_failure_count += 1
            return self.launch_failure_count < MAX_LAUNCH_FAILURES
        self.failure_count += 1
        return self.failure_count <= self.job.retry_count

    def requeue(self, attempt: Attempt, event: Ended) -> "dict[str, Claim]":
        """It waits again; what ran, and lost a node, has the first claim on another for a while."""
        self.state = JobState.QUEUED
        self.not_before_ms = event.at_ms + self.backoff_ms
        if event.cause is not EndCause.NODE or event.node_id is None:
            return {}
        if attempt.started_at_ms is None or attempt.stop_cause is not None:
            return {}
        return {self.job.id: Claim(event.at_ms + REPAIR_MS, (), is_repair=True)}

    def yields_from_ms(self, max_per_day: int) -> int:
        """From when on it may be stopped again, if so often in 24 hours it may be."""
        is_enough = len(self.stops_ms) >= max_per_day
        return self.stops_ms[-max_per_day] + DAY_MS if is_enough else 0

    def expect(self, history: History, at_ms: int) -> None:
        """It came to the queue; what the order reckons with is learnt anew while it waits."""
        self.expected_ms = history.expected_ms(self.job, at_ms)
        self.reckoned_ms = history.reckoned_ms(self.job, at_ms)

    def note_lease(self, attempt: Attempt, history: History, park: Park | None) -> None:
        """It gets this attempt, of which is foretold now how fast it is and how long it runs."""
        job, at_ms = self.job, attempt.leased_at_ms
        self.attempt, self.state, self.promised = attempt, JobState.LEASED, None
        self.attempt_count += 1
        self.speed_permille, self.forecast_ms = foretold(
            job, attempt.placement, history, park, at_ms
        )

    def pace(self) -> Pace:
        """How what it has now tells how fast it is; where it goes on from before, not."""
        assert self.attempt is not None, f"{self.job.id} has no attempt"
        placement = self.attempt.placement
        kind_id = "" if self.had_ms else placement.device_kind_id
        return Pace(kind_id, placement.card_count, self.speed_permille)

    def _own_ms(self, run_ms: int) -> int:
        """What so long in its present form is in its first."""
        return run_ms * self.speed_permille // 1_000

    def note_ends(self) -> None:
        """Work out anew when its attempt ends, which was leased, started or told to stop."""
        attempt = self.attempt
        assert attempt is not None, f"{self.job.id} has no attempt"
        latest_ms = likely_ms = self.latest_end_ms(attempt)
        if self.forecast_ms is not None and attempt.stop_at_ms is None:
            begin_ms = attempt.begin_ms
            likely_ms = min(self.likely_end_ms(begin_ms, begin_ms, self.forecast_ms), latest_ms)
        attempt.ends = Ends(likely_ms, latest_ms)

    def latest_end_ms(self, attempt: Attempt) -> int:
        """When its limit or a stop ends its attempt; before it starts its lease counts."""
        end_ms = attempt.begin_ms + form_in(self.job, attempt.placement).longest_ms
        return end_ms if attempt.stop_at_ms is None else min(end_ms, attempt.gone_ms)


@dataclass(frozen=True, slots=True, order=True)
class Claim:
    """Nodes on which room was made for a job, which comes first there until then.

    `is_repair`: it ran and lost a node, and comes first wherever it could go on.
    """

    until_ms: int
    node_ids: tuple[str, ...]
    is_repair: bool = False


@dataclass(slots=True, kw_only=True)
class Snapshot:
    """All of a `State`, as a checkpoint keeps it; indices are rebuilt from it."""

    park: Park | None = None
    tenants: list[Tenant] = field(default_factory=list)
    cohorts: list[Cohort] = field(default_factory=list)
    projects: list[Project] = field(default_factory=list)
    price_lists: list[PriceList] = field(default_factory=list)
    jobs: list[JobRecord] = field(default_factory=list)
    queued_ids: list[str] = field(default_factory=list)
    live_ids: list[str] = field(default_factory=list)
    final_states: dict[str, JobState] = field(default_factory=dict)
    funds: dict[str, Funds] = field(default_factory=dict)
    shares: dict[str, Share] = field(default_factory=dict)
    claims: dict[str, Claim] = field(default_factory=dict)
    quote_pauses: dict[str, int] = field(default_factory=dict)
    runs: list[PastRun] = field(default_factory=list)
    starts: list[Start] = field(default_factory=list)
    start_score: Score = field(default_factory=Score)
    array_failures: dict[str, str] = field(default_factory=dict)
    credit_references: list[str] = field(default_factory=list)
    online_node_ids: list[str] = field(default_factory=list)
    drained_node_ids: list[str] = field(default_factory=list)
    closed_node_ids: list[str] = field(default_factory=list)
    suspects: dict[str, Suspect] = field(default_factory=dict)
    heard_centre_ids: list[str] = field(default_factory=list)

    def live(self) -> dict[str, Attempt]:
        """In the order of their leases, which older checkpoints do not say."""
        found = {one.attempt.id: one.attempt for one in self.jobs if one.attempt is not None}
        return {attempt_id: found[attempt_id] for attempt_id in self.live_ids or found}
