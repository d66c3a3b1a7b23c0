"""What others were last told of the queue and the pools: only what has changed is written again."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from scheduler.asking.loads import loads
from scheduler.facts.log import Cycle, PoolLoad, Waiting
from scheduler.facts.state import State
from scheduler.forecast.punctuality import Foretold
from scheduler.model.job import JobState
from scheduler.model.plan import Verdict

SHORT_QUEUE = 1_000
NEAR_MS = 60_000
FAR_SHARE = 16


@dataclass(slots=True)
class Told:
    """New jobs are told within `pause_ms`, all others when it is time.

    A long queue is told less often: where one job starts all behind it move up, each a row.
    `foretold` is what each that waits was told first of its start.
    """

    pause_ms: int
    at_ms: int = 0
    planned_ms: int = 0
    answers: dict[str, Waiting] = field(default_factory=dict)
    loads: dict[str, PoolLoad] = field(default_factory=dict)
    foretold: dict[str, Foretold] = field(default_factory=dict)

    def is_due(self, queue_length: int, now_ms: int) -> bool:
        """Whether it is time to tell all who wait."""
        return now_ms - self.at_ms >= max(self.pause_ms, queue_length)

    def wants_all(self, queue_length: int, now_ms: int) -> bool:
        """Whether a plan needs more than who starts now, which of a long queue is found sooner."""
        is_pressing = self.owes(queue_length, now_ms) and now_ms - self.planned_ms >= self.pause_ms
        return queue_length <= SHORT_QUEUE or is_pressing or self.is_due(queue_length, now_ms)

    def owes(self, queue_length: int, now_ms: int) -> bool:
        """Whether anybody is to be told anything: who is new, or all, as it is time."""
        return len(self.answers) < queue_length or self.is_due(queue_length, now_ms)

    def new_answers(
        self, verdicts: Mapping[str, Verdict], now_ms: int, *, is_due: bool
    ) -> dict[str, Waiting]:
        """Answers that differ from what was told: new jobs at once, the others when it is time."""
        changed: dict[str, Waiting] = {}
        for position, (job_id, verdict) in enumerate(verdicts.items(), start=1):
            told = self.answers.get(job_id)
            if told is not None and not is_due:
                continue
            answer = Waiting(
                position=position,
                reasons=verdict.reasons,
                start=verdict.start,
            )
            if told is None or not _is_as_told(answer, told, now_ms):
                changed[job_id] = answer
        return changed

    def new_loads(self, state: State) -> tuple[PoolLoad, ...]:
        """Pools that stand otherwise than last told."""
        if state.park is None:
            return ()
        return tuple(load for load in loads(state) if self.loads.get(load.pool_id) != load)

    def remember(self, cycle: Cycle) -> None:
        """What was told is known only once it is committed."""
        self.answers.update(cycle.waiting)
        self.loads.update((load.pool_id, load) for load in cycle.loads)
        for job_id, answer in cycle.waiting.items():
            if answer.start is not None and job_id not in self.foretold:
                start = answer.start
                self.foretold[job_id] = Foretold(
                    cycle.now_ms, start.at_ms, start.p90_ms, start.p50_ms
                )
        for job_id, state in cycle.states.items():
            if state is not JobState.QUEUED:
                self.answers.pop(job_id, None)
                self.foretold.pop(job_id, None)


def _is_as_told(answer: Waiting, told: Waiting, now_ms: int) -> bool:
    """Whether nothing has changed but an estimate, and that by little: far off it counts less."""
    if answer == told or replace(answer, start=told.start) != told:
        return answer == told
    if answer.start is None or told.start is None or told.start.at_ms <= now_ms:
        return False
    new, old = answer.start, told.start
    if (new.pool_id, new.card_count, new.is_promised) != (
        old.pool_id,
        old.card_count,
        old.is_promised,
    ):
        return False
    if new.is_promised and new.at_ms != old.at_ms:
        return False
    return all(
        _is_near(newer, older, now_ms)
        for newer, older in (
            (new.at_ms, old.at_ms),
            (new.p50_ms, old.p50_ms),
            (new.p90_ms, old.p90_ms),
        )
    )


def _is_near(new_ms: int | None, old_ms: int | None, now_ms: int) -> bool:
    if new_ms is None or old_ms is None:
        return new_ms is old_ms
    slack_ms = max(NEAR_MS, (old_ms - now_ms) // FAR_SHARE)
    return abs(new_ms - old_ms) < slack_ms
