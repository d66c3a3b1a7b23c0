"""The loop: take in what was asked and seen, plan, commit, and only then act.

Everything it believes can be dropped at any moment and replayed from the log; everything it tells
a centre is repeated until the centre is seen to know it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from cluster.driver import AttemptPhase, AttemptReport, CentreReport, Driver
from scheduler.drafts import NOTHING_NEW, Drafts
from scheduler.facts import events as ev
from scheduler.facts.alerts import alerts
from scheduler.facts.declarations import published_now
from scheduler.facts.extending import ahead
from scheduler.facts.invariants import check
from scheduler.facts.log import Asked, Cycle, Log, PoolLoad, Unreadable, Waiting, not_kept
from scheduler.facts.metering import NOTHING, Booking, book, fits
from scheduler.facts.opening import by_time
from scheduler.facts.record import Attempt
from scheduler.facts.state import State
from scheduler.model.job import GRACE_MS, EndCause, Job
from scheduler.model.plan import Answers, Plan
from scheduler.model.policy import DEFAULT, Policy
from scheduler.orders import End, cause_of, ended_at_ms, is_as_known, is_unknown_start, order
from scheduler.planning.victims import SOON_MS
from scheduler.readings import Readings
from scheduler.storage.told import Told

READINGS = ev.Metered, ev.Measured, ev.Saved


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How often, how long, and how many: every limit of the loop.

    `lost_after_ms` is longer than any agent's fence, after which a cut-off centre has ended its
    work by itself. `is_checked` checks the invariants on every event.
    """

    policy: Policy = DEFAULT
    answers: Answers = Answers.ALL
    meter_every_ms: int = 300_000
    suspect_after_ms: int = 15_000
    lost_after_ms: int = 1_200_000
    stop_grace_ms: int = GRACE_MS
    explain_every_ms: int = 1_000
    checkpoint_every: int = 20_000
    request_limit: int = 1_000
    is_checked: bool = False


@dataclass(slots=True)
class Batch:
    """The cycle in the making: events that fitted, and what they mean to the books."""

    now_ms: int
    events: list[ev.Event] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    bookings: list[Booking] = field(default_factory=list)
    job_ids: dict[str, None] = field(default_factory=dict)
    loads: tuple[PoolLoad, ...] = ()
    flaws: tuple[str, ...] = ()


class Controller:
    """One leader's loop over one log and its centres."""

    def __init__(
        self, log: Log, drivers: Mapping[str, Driver], settings: Settings | None = None
    ) -> None:
        self.log = log
        self.drivers = drivers
        self.settings = settings or Settings()
        self.epoch = 0
        self.state = State()
        self.plan = Plan(grants=(), verdicts={})
        self._led_ms = 0
        self._heard_ms: dict[str, int] = {}
        self._present: set[str] = set()
        self._told = Told(self.settings.explain_every_ms)
        self._drafts = Drafts(self.settings.policy, self.settings.answers, self._told)
        self._readings = Readings()
        self._events_since_checkpoint = 0

    def lead(self, now_ms: int) -> None:
        """Take over: a new epoch, and the state as the log tells it."""
        self.epoch = self.log.lead(now_ms)
        snapshot, tail = self.log.replay()
        self.state = State.restored(snapshot)
        count = 0
        for count, event in enumerate(tail, start=1):  # noqa: B007 - the last count is the number
            refusal = self.state.apply(event)
            assert refusal is None, f"the log holds an event that does not fit: {refusal}"
        self._events_since_checkpoint = count
        self._drafts.quiet_until_ms = 0
        self._led_ms = now_ms
        self._heard_ms = {}
        self._present = set()

    def step(self, now_ms: int) -> Cycle:
        """One cycle; raises `Deposed` where another leads, and then the state must be dropped."""
        requests = self.log.requests(self.settings.request_limit)
        batch = Batch(now_ms)
        self._take_requests(batch, requests)
        reports = self._observe()
        for report in reports:
            self._take_all(batch, self._seen(report, now_ms))
        expired, released = self.state.quotes.expired, self.state.held.released
        told = partial(alerts, self.state, self.settings.stop_grace_ms)
        away = partial(by_time, self.state)
        for due in (expired, self._silences, self._stops, away, self._meter, released, told):
            self._take_all(batch, due(now_ms))
        is_due = self._told.is_due(len(self.state.queue), now_ms)
        self.plan, batch.flaws = self._planned(batch)
        if is_due:
            self._told.at_ms = now_ms
        if self.plan is not NOTHING_NEW:  # else what is kept for quotes stays as it is
            news = self.state.quotes.news(self.plan.verdicts, self.state.park, now_ms)
            self._take_all(batch, news)
        self._take_all(batch, self.state.queue.promises(self.plan.promised, now_ms))
        self._take_all(batch, self._evictions(now_ms))
        self._take_all(batch, self._leases(now_ms))
        batch.loads = self._told.new_loads(self.state) if batch.events else ()
        cycle = self._committed(batch, requests, is_due=is_due)
        self._act(reports)
        return cycle

    def take(self, request: Asked, now_ms: int) -> None:
        """A cycle of this request alone, and of nothing beside it; raises as `step` does."""
        batch = Batch(now_ms)
        self._take_requests(batch, [request])
        self._committed(batch, [request], is_due=False)

    def checkpoint(self) -> None:
        """Whoever leads next begins here, and need not replay what an older version wrote."""
        if self._events_since_checkpoint:
            self.log.save(self.epoch, self.state.snapshot())
            self._events_since_checkpoint = 0

    # Taking in.

    def _take(self, batch: Batch, event: ev.Event) -> str | None:
        """Apply one event and note what it means; the reason where it does not fit."""
        booking = book(self.state, event, batch.now_ms) if fits(self.state, event) else NOTHING
        if (refusal := self.state.apply(event)) is not None:
            return refusal
        batch.events.append(event)
        if booking is not NOTHING:
            batch.bookings.append(booking)
        # With a reading of its meter a job stands as before.
        is_reading = isinstance(event, READINGS)
        if not is_reading and (job_id := ev.job_of(event)) is not None:
            batch.job_ids[job_id] = None
        if self.settings.is_checked:
            check(self.state)
        return None

    def _take_all(self, batch: Batch, events: Iterable[ev.Event]) -> None:
        for event in events:
            self._take(batch, event)

    def _take_requests(self, batch: Batch, requests: Iterable[Asked]) -> None:
        for request in requests:
            if isinstance(request, Unreadable):
                batch.refused[request.id] = not_kept(request.id, "unreadable")
                continue
            wish = request.wish
            if isinstance(wish, ev.ParkDeclared):
                # What was used until now counts with the TFLOPS that were stated until now.
                self._take_all(batch, self._meter(batch.now_ms, 1))
                wish = replace(wish, from_ms=batch.now_ms)
            if isinstance(wish, ev.PriceListPublished) and self._has_sold():
                wish = published_now(wish, batch.now_ms)
            if (refusal := self._take(batch, wish)) is not None:
                batch.refused[request.id] = refusal

    def _has_sold(self) -> bool:
        """Whether there was ever a job; before that, price lists may begin in the past."""
        return bool(self.state.jobs or self.state.final_states)

    # What the centres say.

    def _observe(self) -> list[CentreReport]:
        reports = [self.drivers[centre_id].observe() for centre_id in sorted(self.drivers)]
        return [report for report in reports if report is not None]

    def _seen(self, report: CentreReport, now_ms: int) -> Iterator[ev.Event]:
        """What a centre's report tells that the log does not know yet, of what is live there."""
        centre_id = report.centre_id
        if self.state.park is None or centre_id not in self.state.park.centre_by_id:
            return
        before_ms = self._heard_ms.get(centre_id, 0)
        # A report from before this lead may be older than what the log holds: it proves no absence.
        is_news = report.heard_at_ms > max(before_ms, self._led_ms)
        if is_news:
            self._heard_ms[centre_id] = report.heard_at_ms
        if report.heard_at_ms >= self._led_ms:
            self._present.add(centre_id)
        is_heard = centre_id in self.state.heard_centre_ids
        if not is_heard and now_ms - report.heard_at_ms < self.settings.suspect_after_ms:
            yield ev.CentreLinkChanged(at_ms=now_ms, centre_id=centre_id, is_heard=True)
        mine = self.state.park.node_ids_by_centre[centre_id]
        if self._readings.has_other_nodes(report, self.state.online_node_ids, mine):
            online = tuple(sorted(report.online_node_ids))
            yield ev.NodesChanged(at_ms=now_ms, centre_id=centre_id, online_node_ids=online)
        reading = self._readings.of(report, self.state.agenda)
        for attempt_id in reading.unsure_ids():
            attempt, told = self.state.live[attempt_id], reading.known.get(attempt_id)
            if told is not None and is_as_known(attempt, told):
                continue
            if told is not None and not is_unknown_start(attempt, told):
                yield from self._progress(attempt, told, report, now_ms)
            elif attempt.is_seen and is_news:
                # A complete report without it: the centre has lost what it once ran, at the latest
                # when it was heard of with it for the last time.
                end = End(EndCause.NODE, before_ms, detail="its centre lost it")
                yield from self._end(attempt, end, now_ms)
        yield from self._readings.saves(self.state, centre_id, now_ms)

    def _progress(
        self, attempt: Attempt, told: AttemptReport, report: CentreReport, now_ms: int
    ) -> Iterator[ev.Event]:
        if not attempt.is_seen:
            yield ev.Launching(at_ms=now_ms, attempt_id=attempt.id)
        if told.started_at_ms is not None and attempt.started_at_ms is None:
            at_ms = max(min(told.started_at_ms, now_ms), attempt.leased_at_ms)
            yield ev.Started(at_ms=at_ms, attempt_id=attempt.id)
        if told.phase is AttemptPhase.ENDED:
            ended_ms = ended_at_ms(attempt, told)
            at_ms = min(report.heard_at_ms if ended_ms is None else ended_ms, now_ms)
            cause = cause_of(attempt, told)
            end = End(cause, at_ms, told.exit_code, told.detail, told.node_id)
            yield from self._end(attempt, end, now_ms)

    def _end(self, attempt: Attempt, end: End, now_ms: int) -> Iterator[ev.Event]:
        """Count the last usage, then end; an end is never before what was already counted."""
        at_ms = max(end.at_ms, attempt.metered_to_ms or attempt.leased_at_ms)
        yield from self._readings.used(self.state, attempt, at_ms, now_ms)
        yield ev.Ended(
            at_ms=at_ms,
            attempt_id=attempt.id,
            cause=end.cause,
            exit_code=end.exit_code,
            detail=end.detail,
            node_id=end.node_id,
        )

    # What time alone decides.

    def _silences(self, now_ms: int) -> Iterator[ev.Event]:
        """A silent centre gets no leases; after long its work is given up, unless all are silent.

        Where nobody is heard of it is the broker that is cut off, and expiry is frozen.
        """
        in_park = self.state.park.centre_by_id if self.state.park else {}
        silent = {
            # Silence counts from the lead: nobody could be heard while nobody led.
            centre_id: now_ms - max(self._heard_ms.get(centre_id, 0), self._led_ms)
            for centre_id in sorted({*self.drivers, *in_park})
        }
        for centre_id, silent_ms in silent.items():
            is_heard = centre_id in self.state.heard_centre_ids
            if is_heard and silent_ms >= self.settings.suspect_after_ms:
                yield ev.CentreLinkChanged(at_ms=now_ms, centre_id=centre_id, is_heard=False)
        if all(ms >= self.settings.suspect_after_ms for ms in silent.values()):
            return
        for centre_id, silent_ms in silent.items():
            if silent_ms >= self.settings.lost_after_ms:
                self._readings.forget(centre_id)
                for attempt in tuple(self.state.agenda.of_centre(centre_id).values()):
                    detail = f"its centre was silent for {silent_ms // 1000} s"
                    end = End(EndCause.CENTRE, self._heard_ms.get(centre_id, 0), detail=detail)
                    yield from self._end(attempt, end, now_ms)

    def _stops(self, now_ms: int) -> Iterator[ev.Event]:
        """Cancelled work and work over its limit is to stop."""
        for attempt_id in self.state.agenda.to_stop(now_ms):
            attempt = self.state.live[attempt_id]
            record = self.state.jobs[attempt.job_id]
            cause = EndCause.CANCELLED if record.is_cancelled else EndCause.LIMIT
            yield self._stop(attempt, record.job, cause, now_ms)

    def _stop(self, attempt: Attempt, job: Job, cause: EndCause, now_ms: int) -> ev.StopDecided:
        grace = job.checkpoint.grace_ms if job.checkpoint else self.settings.stop_grace_ms
        return ev.StopDecided(at_ms=now_ms, attempt_id=attempt.id, cause=cause, grace_ms=grace)

    def _meter(self, now_ms: int, at_least_ms: int | None = None) -> Iterator[ev.Event]:
        """Running work accrues as it runs, as far as its centre was heard of and no further."""
        at_least_ms = at_least_ms or self.settings.meter_every_ms
        for attempt_id in self.state.agenda.to_meter(now_ms - at_least_ms):
            attempt = self.state.live[attempt_id]
            to_ms = min(now_ms, self._heard_ms.get(attempt.placement.centre_id, 0))
            if to_ms - (attempt.metered_to_ms or 0) >= at_least_ms:
                yield from self._readings.used(self.state, attempt, to_ms, now_ms)
                limits = self.settings.meter_every_ms, self.settings.stop_grace_ms
                yield from ahead(self.state, attempt, now_ms, *limits)

    # What the plan decides.

    def _planned(self, batch: Batch) -> tuple[Plan, tuple[str, ...]]:
        return self._drafts.next(self.state, batch.now_ms, has_news=bool(batch.events))

    def _evictions(self, now_ms: int) -> Iterator[ev.Event]:
        for eviction in self.plan.evictions:
            attempt = self.state.live[eviction.attempt_id]
            if attempt.placement.centre_id in self._present:
                job = self.state.jobs[attempt.job_id].job
                stop = self._stop(attempt, job, EndCause.PREEMPTED, now_ms)
                yield replace(
                    stop,
                    grace_ms=min(stop.grace_ms, SOON_MS),
                    for_job_id=eviction.job_id,
                    for_node_ids=eviction.node_ids,
                )

    def _leases(self, now_ms: int) -> Iterator[ev.Event]:
        """What the log last knew of a centre is no news: nothing goes where nobody was heard."""
        for grant in self.plan.grants:
            if grant.placement.centre_id not in self._present:
                continue
            record = self.state.jobs[grant.job_id]
            yield ev.Leased(
                at_ms=now_ms,
                job_id=grant.job_id,
                attempt_id=f"{grant.job_id}.{record.attempt_count + 1}",
                epoch=self.epoch,
                placement=grant.placement,
                hold_micros=grant.hold_micros,
                foretold=self._told.foretold.get(grant.job_id),
                is_starving=grant.is_starving,
            )

    # What is committed.

    def _committed(self, batch: Batch, requests: Iterable[Asked], *, is_due: bool) -> Cycle:
        cycle = self._cycle(batch, requests, is_due=is_due)
        if not cycle.is_empty:
            self.log.commit(self.epoch, cycle)
        self._remember(cycle)
        return cycle

    def _cycle(self, batch: Batch, requests: Iterable[Asked], *, is_due: bool) -> Cycle:
        bookings = batch.bookings
        return Cycle(
            now_ms=batch.now_ms,
            events=tuple(batch.events),
            request_ids=tuple(request.id for request in requests),
            refused=batch.refused,
            states={job_id: self.state.state_of(job_id) for job_id in batch.job_ids},
            waiting=self._news(batch.now_ms, is_due=is_due),
            loads=batch.loads,
            usage=tuple(usage for booking in bookings for usage in booking.usage),
            activity=tuple(one for booking in bookings for one in booking.activity),
            credits=tuple(credit for booking in bookings for credit in booking.credits),
            transfers=tuple(moved for booking in bookings for moved in booking.transfers),
            flaws=batch.flaws,
        )

    def _news(self, now_ms: int, *, is_due: bool) -> Mapping[str, Waiting]:
        """A plan for grants alone knows no starts: who is new is told by the next that does."""
        if self.plan.answers is Answers.GRANTS:
            return {}
        verdicts = self.state.quotes.others(self.plan.verdicts)
        return self._told.new_answers(verdicts, now_ms, is_due=is_due)

    def _remember(self, cycle: Cycle) -> None:
        self._told.remember(cycle)
        self._events_since_checkpoint += len(cycle.events)
        if self._events_since_checkpoint >= self.settings.checkpoint_every:
            self.checkpoint()

    # Effects, only after the commit.

    def _act(self, reports: Iterable[CentreReport]) -> None:
        agenda = self.state.agenda
        for attempt_id in agenda.in_order(agenda.unsettled):
            attempt = agenda.unsettled[attempt_id]
            driver = self.drivers.get(attempt.placement.centre_id)
            if driver is None:
                continue
            if attempt.stop_cause is not None:
                driver.stop(attempt.id, attempt.stop_grace_ms)
            elif not attempt.is_seen:
                job = self.state.jobs[attempt.job_id].job
                driver.launch(order(job, attempt, self.epoch, self.state.park))
        for report in reports:
            self._answer_strays(report)

    def _answer_strays(self, report: CentreReport) -> None:
        """What a centre reports and the log has ended: stop it if it runs, else forget it."""
        driver = self.drivers[report.centre_id]
        for told in self._readings.of(report, self.state.agenda).strays(self.state.live):
            if told.phase is AttemptPhase.ENDED:
                driver.forget(told.attempt_id)
            else:
                driver.stop(told.attempt_id, 0)
