"""A period of the broker's own log once more, under any policy: the real loop in virtual time."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from benchmarks.happened import DECIDED, Happened
from benchmarks.told_centre import NEVER_MS, ToldCentre, told_of
from benchmarks.work_left import PERMILLE, WorkLeft
from scheduler.controller import Controller, Settings
from scheduler.facts import events as ev
from scheduler.facts.log import MemoryLog, Request
from scheduler.facts.record import Snapshot
from scheduler.model.job import Job
from scheduler.model.plan import Answers
from scheduler.model.policy import SJF_ORACLE, Policy
from scheduler.orders import order

TICK_MS = 60_000
"""Time alone may bring somebody's turn, or end it: looked at so often where nothing happens."""
BEAT_MS = 5_000
"""But not so soon before the broker itself did something: until then it had seen nothing to do."""
STILL_MS = 86_400_000
"""Who waits when nothing has happened for so long, and nobody comes any more, waits for ever."""
OVERTIME_MS = 30 * STILL_MS
"""So long after the period it is over at the latest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """How it went this time: all that was committed, until when, and which requests did not fit.

    `open_ids` are the jobs that were not over then.
    """

    events: tuple[ev.Event, ...]
    end_ms: int
    refused: dict[str, str]
    open_ids: frozenset[str]

    def decided(self, until_ms: int) -> list[ev.Event]:
        """What was decided before then."""
        return [one for one in self.events if isinstance(one, DECIDED) and one.at_ms < until_ms]


def settings_of(policy: Policy, found: Happened) -> Settings:
    """The loop as the broker has it; nobody is told when it starts, unless quotes are kept."""
    is_quoting = any(record.quote is not None for record in found.before.jobs) or any(
        isinstance(wish, ev.QuoteKept) for turn in found.turns for wish in turn.wishes
    )
    return Settings(
        policy=policy,
        answers=Answers.ALL if is_quoting else Answers.GRANTS,
        explain_every_ms=Settings().explain_every_ms if is_quoting else NEVER_MS,
        checkpoint_every=NEVER_MS,
    )


def play(found: Happened, settings: Settings, restart_ms: int = 0, tick_ms: int = TICK_MS) -> Again:
    """The period from the state before it on, and further until all that came in it is over."""
    work = WorkLeft.of(found, restart_ms)
    is_told = settings.policy.order is SJF_ORACLE.order
    log = MemoryLog(checkpoint=_with_lengths(found.before, work) if is_told else found.before)
    centres = {one.centre_id: one for one in _centres(found, work, settings)}
    controller = Controller(log, centres, settings)
    controller.lead(found.from_ms - settings.suspect_after_ms)  # who falls silent was so before
    for attempt in controller.state.live.values():
        if (centre := centres.get(attempt.placement.centre_id)) is not None:
            job = controller.state.jobs[attempt.job_id].job
            centre.resume(order(job, attempt, attempt.epoch, controller.state.park), attempt)
    pace = Pace(found=found, controller=controller, centres=[*centres.values()], tick_ms=tick_ms)
    for number, (now_ms, wishes) in enumerate(pace.moments()):
        for index, wish in enumerate(wishes):
            asked = _with_length(wish, work) if is_told else wish
            log.ask(Request(id=f"{wish.kind} {number}-{index}", wish=asked))
        for centre in pace.centres:
            centre.advance(now_ms)
        if not controller.step(now_ms).is_empty:
            pace.changed_ms = now_ms
    return Again(
        events=tuple(log.events),
        end_ms=pace.now_ms,
        refused=log.refused,
        open_ids=frozenset(controller.state.jobs),
    )


def _centres(found: Happened, work: WorkLeft, settings: Settings) -> Iterator[ToldCentre]:
    """All that were in the park in that time, as they stand before it."""
    declared = [wish for turn in found.turns for wish in turn.wishes]
    parks = [wish.park for wish in declared if isinstance(wish, ev.ParkDeclared)]
    parks += [found.before.park] if found.before.park else []
    node_ids = {one: ids for park in parks for one, ids in park.node_ids_by_centre.items()}
    typical = found.typical()
    for centre_id in sorted(node_ids):
        yield ToldCentre(
            centre_id=centre_id,
            work=work,
            typical=typical,
            course_by_attempt=found.course_by_attempt,
            told=deque(told_of(found, centre_id, settings.suspect_after_ms)),
            online=frozenset(found.before.online_node_ids) & node_ids[centre_id],
            is_heard=centre_id in found.before.heard_centre_ids,
            suspect_after_ms=settings.suspect_after_ms,
            now_ms=found.from_ms,
        )


def _with_lengths(before: Snapshot, work: WorkLeft) -> Snapshot:
    """The same for an oracle: whose limit is how long it runs."""
    jobs = [replace(record, job=_told(record.job, work)) for record in before.jobs]
    return replace(before, jobs=jobs)


def _with_length(wish: ev.Wish, work: WorkLeft) -> ev.Wish:
    return replace(wish, job=_told(wish.job, work)) if isinstance(wish, ev.Submitted) else wish


def _told(job: Job, work: WorkLeft) -> Job:
    whole = work.whole(job.id)
    return job if whole is None else replace(job, limit_ms=max(1, -(-whole // PERMILLE)))


@dataclass(slots=True, kw_only=True)
class Pace:
    """When there is something to do: as the log says, as centres say, and now and then anyway."""

    found: Happened
    controller: Controller
    centres: list[ToldCentre]
    tick_ms: int
    now_ms: int = 0
    changed_ms: int = 0
    _beats: deque[int] = field(init=False)

    def __post_init__(self) -> None:
        self.now_ms = self.changed_ms = self.found.from_ms
        self._beats = deque(self.found.beats)

    def moments(self) -> Iterator[tuple[int, list[ev.Wish]]]:
        """Each moment at which the loop steps, and what it is asked for then."""
        turns = deque(self.found.turns)
        while True:
            asked_ms = turns[0].at_ms if turns else NEVER_MS
            next_ms = min([asked_ms, self._own_ms(), *(one.next_ms() for one in self.centres)])
            if self._is_over(next_ms):
                return
            self.now_ms = max(self.now_ms, next_ms)
            while self._beats and self._beats[0] <= self.now_ms:
                self._beats.popleft()
            is_asked = asked_ms <= self.now_ms
            yield self.now_ms, turns.popleft().wishes if is_asked else []

    def _own_ms(self) -> int:
        """The broker's next step by itself: where it did something, and else by the tick."""
        beat_ms = self._beats[0] if self._beats else NEVER_MS
        tick_ms = self.now_ms + self.tick_ms if self._is_working() else NEVER_MS
        return beat_ms if beat_ms <= tick_ms + BEAT_MS else tick_ms

    def _is_working(self) -> bool:
        return bool(self.controller.state.queue or self.controller.state.live)

    def _is_over(self, next_ms: int) -> bool:
        until_ms, is_live = self.found.until_ms, bool(self.controller.state.live)
        if next_ms < until_ms:
            return False
        is_still = not is_live and next_ms - self.changed_ms > STILL_MS
        return not self._is_working() or is_still or next_ms > until_ms + OVERTIME_MS
