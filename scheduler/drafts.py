"""The loop's plans: one a step, but where nothing has happened and none could decide anything."""

from dataclasses import dataclass

from scheduler.facts.state import State
from scheduler.model.plan import Answers, Plan
from scheduler.model.policy import Policy
from scheduler.planning.planner import plan
from scheduler.planning.quiet import quiet_until_ms
from scheduler.planning.verifier import verified
from scheduler.storage.told import Told

NOTHING_NEW = Plan(grants=(), verdicts={}, answers=Answers.GRANTS)


@dataclass(slots=True)
class Drafts:
    """`answers` is for whom a plan has an answer where it is time to tell those who wait.

    Until `quiet_until_ms` none need be drawn up as long as nothing happens.
    """

    policy: Policy
    answers: Answers
    told: Told
    quiet_until_ms: int = 0

    def next(self, state: State, now_ms: int, *, has_news: bool) -> tuple[Plan, tuple[str, ...]]:
        """What to do now, after a second look, which may find flaws; `has_news` of the state."""
        if has_news:
            self.quiet_until_ms = 0
        elif self._is_quiet(state, now_ms):
            return NOTHING_NEW, ()
        found = plan(state, now_ms, self.policy, self._answers(state, now_ms))
        return verified(state, found, now_ms, self.policy)

    def _is_quiet(self, state: State, now_ms: int) -> bool:
        """Whoever waits is told as often as ever."""
        if self.answers is Answers.ALL and self.told.owes(_waiting_count(state), now_ms):
            return False
        if now_ms >= self.quiet_until_ms:
            self.quiet_until_ms = quiet_until_ms(state, now_ms, self.policy)
        return now_ms < self.quiet_until_ms

    def _answers(self, state: State, now_ms: int) -> Answers:
        if not self.told.wants_all(_waiting_count(state), now_ms):
            return Answers.GRANTS
        self.told.planned_ms = now_ms
        return self.answers


def _waiting_count(state: State) -> int:
    return len(state.queue) - len(state.quotes)
