"""A centre that does again what the log says it did, and as is usual there where it says nothing.

An attempt that is leased as in the log, at that moment and on those nodes, goes the way that it
went then, losses included. Any other starts and stops as quickly as is usual, runs as long as its
work takes, and is lost with its node.
"""

from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush

from benchmarks.happened import Course, Happened, Told, Typical
from benchmarks.work_left import WorkLeft
from cluster.driver import (
    AttemptEnd,
    AttemptPhase,
    AttemptReport,
    CentreReport,
    LaunchOrder,
    News,
)
from scheduler.facts.events import CentreLinkChanged, NodesChanged
from scheduler.facts.record import Attempt
from scheduler.model.job import EndCause, NodeShare, Placement

NEVER_MS = 1 << 60
FAULTS = {
    EndCause.NODE: AttemptEnd.NODE,
    EndCause.CENTRE: AttemptEnd.CENTRE,
    EndCause.BROKER: AttemptEnd.REFUSED,
}


@dataclass(slots=True, kw_only=True)
class Run:
    """A launch; `course` where it goes as in the log, `end` what it will come to as things are."""

    order: LaunchOrder
    placement: Placement
    course: Course | None
    starts_ms: int = NEVER_MS
    end: AttemptReport | None = None
    is_stopping: bool = False

    def is_logged(self, now_ms: int) -> bool:
        """Whether all that comes of it until then is in the log."""
        course = self.course
        return course is not None and (course.told_ms is None or now_ms <= course.told_ms)


@dataclass(slots=True, kw_only=True)
class ToldCentre:
    """A `cluster.driver.Driver` whose time moves by `advance`.

    `told` is what is known of its nodes and of the link to it, in order and from when on: a link is
    lost before that is noted.
    """

    centre_id: str
    work: WorkLeft
    typical: Typical
    course_by_attempt: Mapping[str, Course]
    told: deque[tuple[int, Told]]
    online: frozenset[str]
    is_heard: bool
    suspect_after_ms: int
    now_ms: int = 0
    _known_ids: set[str] = field(default_factory=set)
    _runs: dict[str, Run] = field(default_factory=dict)
    _due: list[tuple[int, int, str, AttemptReport]] = field(default_factory=list)
    _due_count: int = 0
    _ends: list[tuple[int, int, str, AttemptReport]] = field(default_factory=list)
    _silent_ms: int | None = None
    _reports: dict[str, AttemptReport] = field(default_factory=dict)
    _changed: dict[str, AttemptReport | None] = field(default_factory=dict)
    _shown: tuple[AttemptReport, ...] = ()
    _news: News | None = None
    _heard: CentreReport | None = None

    # The port.

    def launch(self, order: LaunchOrder) -> None:
        if order.attempt_id not in self._known_ids:
            self.begin(order, self.now_ms)

    def stop(self, attempt_id: str, grace_ms: int) -> None:
        run = self._runs.get(attempt_id)
        if run is not None:
            self.end(run, self.now_ms, grace_ms)
        elif attempt_id not in self._known_ids:
            self._known_ids.add(attempt_id)
            self._show(attempt_id, _ended(attempt_id, None, self.now_ms, AttemptEnd.STOPPED))

    def forget(self, attempt_id: str) -> None:
        self._reports.pop(attempt_id, None)
        self._changed[attempt_id] = None

    def observe(self) -> CentreReport | None:
        if not self.is_heard or (self._silent_ms is not None and self._is_frozen()):
            return self._heard
        if self._changed:
            self._news, self._changed = News(self._shown, self._changed), {}
            self._shown = tuple(self._reports.values())
        self._heard = CentreReport(
            centre_id=self.centre_id,
            heard_at_ms=self._heard_ms() if self._silent_ms is None else self._silent_ms,
            online_node_ids=self.online,
            attempts=self._shown,
            news=self._news,
        )
        return self._heard

    def _heard_ms(self) -> int:
        """Not since something ended that it has not told of; but it is there all the same."""
        while self._ends and not self._is_so(*self._ends[0][2:]):
            heappop(self._ends)
        ended_ms = self._ends[0][0] if self._ends else NEVER_MS
        return max(min(ended_ms, self.now_ms), self.now_ms - self.suspect_after_ms + 1)

    def _is_frozen(self) -> bool:
        assert self._silent_ms is not None
        return self._heard is not None and self._heard.heard_at_ms >= self._silent_ms

    # Time.

    def next_ms(self) -> int:
        """When it will say something else, at the earliest."""
        while self._due and not self._is_so(*self._due[0][2:]):
            heappop(self._due)
        due_ms = self._due[0][0] if self._due else NEVER_MS
        told_ms = (at_ms for at_ms, event in self.told if not is_loss(event))
        return min(due_ms, next(told_ms, NEVER_MS))

    def advance(self, now_ms: int) -> None:
        """Let everything happen that is due until then."""
        self.now_ms = now_ms
        while self.told and self.told[0][0] <= now_ms:
            self._take(*self.told.popleft())
        while self._due and self._due[0][0] <= now_ms:
            _, _, attempt_id, report = heappop(self._due)
            if self._is_so(attempt_id, report):
                self._show(attempt_id, report)

    def _take(self, from_ms: int, event: Told) -> None:
        if isinstance(event, CentreLinkChanged):
            self.is_heard = self.is_heard or event.is_heard
            self._silent_ms = None if event.is_heard else from_ms
            return
        assert isinstance(event, NodesChanged)
        lost, self.online = self.online - {*event.online_node_ids}, frozenset(event.online_node_ids)
        for run in [*self._runs.values()] if lost else ():
            node_ids = lost & {share.node_id for share in run.placement.shares}
            if node_ids and not run.is_logged(self.now_ms):
                self._lose(run, min(node_ids))

    def _lose(self, run: Run, node_id: str) -> None:
        if run.end is None or (run.end.ended_at_ms or 0) > self.now_ms:
            started_ms = _until(run.starts_ms, self.now_ms)
            key = run.order.attempt_id
            end = _ended(key, started_ms, self.now_ms, AttemptEnd.NODE)
            self._plan_end(run, replace(end, node_id=node_id), 0)

    # Work.

    def begin(self, order: LaunchOrder, leased_ms: int) -> Run:
        """It was given the order at that moment."""
        key, placement = order.attempt_id, _placement(order)
        course = self.course_by_attempt.get(key)
        if course is not None and not _is_same(course, leased_ms, placement):
            course = None
        run = Run(order=order, placement=placement, course=course)
        self._known_ids.add(key)
        self._runs[key] = run
        known_ms, run.starts_ms, seen_ms = self._times(course, leased_ms)
        starting = AttemptReport(attempt_id=key, phase=AttemptPhase.STARTING)
        self._at(known_ms, key, starting)
        running = AttemptReport(
            attempt_id=key, phase=AttemptPhase.RUNNING, started_at_ms=run.starts_ms
        )
        self._at(seen_ms, key, running)
        for at_ms, saved_at_ms in course.saves if course is not None else ():
            self._at(max(at_ms, seen_ms), key, replace(running, saved_at_ms=saved_at_ms))
        if course is not None and course.is_fault:
            self._plan_logged_end(run, course, FAULTS)
        else:
            self._plan_own_end(run)
        return run

    def resume(self, order: LaunchOrder, attempt: Attempt) -> None:
        """It has the order already, and has been told to stop where the broker knows it."""
        run = self.begin(order, attempt.leased_at_ms)
        if attempt.stop_at_ms is not None:
            self.end(run, attempt.stop_at_ms, attempt.stop_grace_ms)

    def _times(self, course: Course | None, leased_ms: int) -> tuple[int, int, int]:
        """When it is known, starts, and is seen to; what never was in the log is after its end."""
        usual = self.typical
        usual_ms = usual.launching_ms, usual.starting_ms, usual.seeing_ms
        if course is None:
            known_ms, starts_ms, seen_ms = (leased_ms + one for one in usual_ms)
            return known_ms, starts_ms, max(starts_ms, seen_ms)
        over_ms = 1 + (self.work.end_ms if course.told_ms is None else course.told_ms)
        logged = course.launching_ms, course.started_ms, course.seen_ms
        known_ms, starts_ms, seen_ms = (
            max(over_ms, leased_ms + one) if at_ms is None else at_ms
            for at_ms, one in zip(logged, usual_ms, strict=True)
        )
        return known_ms, starts_ms, max(starts_ms, seen_ms)

    def _plan_logged_end(
        self, run: Run, course: Course, ends: Mapping[EndCause, AttemptEnd]
    ) -> None:
        """As it ended in the log."""
        ended, key = course.ended, run.order.attempt_id
        assert ended is not None
        assert course.told_ms is not None
        run.end = AttemptReport(
            attempt_id=key,
            phase=AttemptPhase.ENDED,
            started_at_ms=course.started_ms,
            ended_at_ms=ended.at_ms,
            exit_code=ended.exit_code,
            end=ends.get(ended.cause, AttemptEnd.STOPPED),
            detail=ended.detail,
            node_id=ended.node_id,
        )
        self._at(course.told_ms, key, run.end)

    def _plan_own_end(self, run: Run) -> None:
        order, course = run.order, run.course
        run_ms = self.work.run_ms(order.job_id, run.placement, course)
        if run_ms is None:
            return
        ended_ms, telling_ms = run.starts_ms + run_ms, self.typical.telling_ms
        if course is not None and course.is_own_end and course.ended is not None:
            telling_ms = (course.told_ms or 0) - course.ended.at_ms
        last = self.work.courses_by_job[order.job_id][-1].ended
        end = _ended(order.attempt_id, run.starts_ms, ended_ms, AttemptEnd.EXITED)
        code, detail = (last.exit_code, last.detail) if last is not None else (0, "")
        self._plan_end(run, replace(end, exit_code=code, detail=detail), telling_ms)

    def _plan_end(self, run: Run, end: AttemptReport, telling_ms: int) -> None:
        assert end.ended_at_ms is not None
        run.end = end
        self._at(end.ended_at_ms + telling_ms, run.order.attempt_id, end)

    def end(self, run: Run, now_ms: int, grace_ms: int) -> None:
        """It was told to stop at that moment: and does as in the log, if it was told then too."""
        if run.is_stopping:
            return
        run.is_stopping = True
        course = run.course
        if course is not None and course.stop_ms == now_ms and course.ended is not None:
            if not (course.is_own_end or course.is_fault):
                self._plan_logged_end(run, course, {})
            return
        run.course = None
        over_ms = now_ms + min(grace_ms, self.typical.stopping_ms)
        if run.end is None or (run.end.ended_at_ms or 0) > over_ms:
            key, started_ms = run.order.attempt_id, _until(run.starts_ms, over_ms)
            end = _ended(key, started_ms, over_ms, AttemptEnd.STOPPED)
            self._plan_end(run, end, self.typical.telling_ms)

    # What is said.

    def _at(self, at_ms: int, attempt_id: str, report: AttemptReport) -> None:
        self._due_count += 1
        heappush(self._due, (at_ms, self._due_count, attempt_id, report))
        if report.ended_at_ms is not None:
            heappush(self._ends, (report.ended_at_ms, self._due_count, attempt_id, report))

    def _is_so(self, attempt_id: str, report: AttemptReport) -> bool:
        """Whether it still comes to that."""
        run = self._runs.get(attempt_id)
        return run is not None and (report.phase is not AttemptPhase.ENDED or run.end is report)

    def _show(self, attempt_id: str, report: AttemptReport) -> None:
        self._reports[attempt_id] = self._changed[attempt_id] = report
        if report.phase is not AttemptPhase.ENDED:
            return
        run = self._runs.pop(attempt_id, None)
        if run is not None and report.started_at_ms is not None:
            assert report.ended_at_ms is not None
            ran_ms = report.ended_at_ms - report.started_at_ms
            self.work.note(run.order.job_id, run.placement, ran_ms)


def told_of(found: Happened, centre_id: str, suspect_after_ms: int) -> Iterator[tuple[int, Told]]:
    """What was committed of it, from when on; a silence from when it was heard of last.

    That is known where work was given up for it, or was gone after it: it counts until then.
    """
    courses = found.course_by_attempt.values()
    mine = [one.ended for one in courses if one.placement.centre_id == centre_id and one.ended]
    given_up_ms = sorted(one.at_ms for one in mine if one.cause in FAULTS and one.node_id is None)
    for at_ms, event in found.told:
        if event.centre_id == centre_id:
            latest_ms = at_ms - suspect_after_ms * is_loss(event)
            near = range(latest_ms - suspect_after_ms, latest_ms) if is_loss(event) else ()
            yield next((one for one in given_up_ms if one in near), latest_ms), event


def is_loss(event: Told) -> bool:
    return isinstance(event, CentreLinkChanged) and not event.is_heard


def _until(starts_ms: int, at_ms: int) -> int | None:
    """When it started, if it has by then."""
    return starts_ms if starts_ms <= at_ms else None


def _placement(order: LaunchOrder) -> Placement:
    cards: Counter[str] = Counter()
    for member in order.members:
        cards[member.node_id] += member.card_count
    shares = tuple(NodeShare(node_id=one, card_count=count) for one, count in cards.items())
    return Placement(
        centre_id=order.centre_id, pool_id="", device_kind_id=order.device_kind_id, shares=shares
    )


def _is_same(course: Course, leased_ms: int, placement: Placement) -> bool:
    return course.leased_ms == leased_ms and _cards(course.placement) == _cards(placement)


def _cards(placement: Placement) -> dict[str, int]:
    return {one.node_id: one.card_count for one in placement.shares if one.card_count}


def _ended(
    attempt_id: str, started_ms: int | None, ended_ms: int, end: AttemptEnd
) -> AttemptReport:
    return AttemptReport(
        attempt_id=attempt_id,
        phase=AttemptPhase.ENDED,
        started_at_ms=started_ms,
        ended_at_ms=ended_ms,
        end=end,
    )
