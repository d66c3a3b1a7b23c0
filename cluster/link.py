"""The broker's end of a centre's agent: a `cluster.driver.Driver` that lives in memory.

What should be is told to the agent as long as the controller repeats it: what it no longer
repeats (another leads, or it changed its mind) is no longer told. So a link that begins knowing
nothing says nothing, and one whose leader was deposed soon falls silent. What the agent would not
understand is not told, and reported as refused.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from cluster.driver import AttemptEnd, AttemptPhase, AttemptReport, CentreReport, LaunchOrder
from cluster.wire import DIARY, ROLES, UNIFORM, DiaryTold, Orders, OrdersWanted, Report, StopWanted

WISH_KEPT_MS = 10_000
"""How long something is wanted that is not wanted again."""


@dataclass(slots=True)
class _Wishes:
    """What the controller wants of attempts, and when it last said so."""

    launch: dict[str, LaunchOrder] = field(default_factory=dict)
    stop: dict[str, int] = field(default_factory=dict)
    forget: dict[str, None] = field(default_factory=dict)
    said_at_ms: dict[str, int] = field(default_factory=dict)

    def drop(self, attempt_id: str) -> None:
        self.launch.pop(attempt_id, None)
        self.stop.pop(attempt_id, None)
        self.forget.pop(attempt_id, None)
        self.said_at_ms.pop(attempt_id, None)

    def drop_older_than(self, at_ms: int) -> None:
        for attempt_id in [one for one, said_ms in self.said_at_ms.items() if said_ms < at_ms]:
            self.drop(attempt_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class DiaryHeard:
    """A diary, and when it came, by the broker's clock."""

    told: DiaryTold
    heard_at_ms: int

    @property
    def clock_ahead_ms(self) -> int:
        """How far the centre's clock is ahead, but for the way here."""
        return self.told.at_ms - self.heard_at_ms


class CentreLink:
    """One centre's link, to be used from any thread; `clock` gives the broker's time.

    `on_report` is called after each report with news, so that the controller can look at once.
    """

    def __init__(
        self,
        centre_id: str,
        clock: Callable[[], int],
        on_report: Callable[[], None] = lambda: None,
    ) -> None:
        self._centre_id = centre_id
        self._clock = clock
        self._on_report = on_report
        lock = threading.RLock()
        self._changed, self._told = threading.Condition(lock), threading.Condition(lock)
        self._diary_asked = 0
        self._diary: DiaryHeard | None = None
        self._wishes = _Wishes()
        self._report: CentreReport | None = None
        self._phases: dict[str, AttemptPhase] = {}
        self._refused: dict[str, AttemptReport] = {}
        self._understands: int | None = None
        self._heard = (0, 0)
        self._is_closed = False

    @property
    def centre_id(self) -> str:
        return self._centre_id

    def launch(self, order: LaunchOrder) -> None:
        with self._changed:
            if order.attempt_id not in self._phases and order.attempt_id not in self._refused:
                self._wishes.launch[order.attempt_id] = order
                self._say(order.attempt_id)
                self._refuse_what_is_not_understood()

    def stop(self, attempt_id: str, grace_ms: int) -> None:
        with self._changed:
            is_over = self._phases.get(attempt_id) is AttemptPhase.ENDED
            if not is_over and attempt_id not in self._refused:
                self._wishes.stop[attempt_id] = grace_ms
                self._say(attempt_id)

    def forget(self, attempt_id: str) -> None:
        with self._changed:
            self._refused.pop(attempt_id, None)
            self._wishes.drop(attempt_id)
            self._wishes.forget[attempt_id] = None
            self._say(attempt_id)

    def observe(self) -> CentreReport | None:
        with self._changed:
            if self._report is None or not self._refused:
                return self._report
            attempts = (*self._report.attempts, *self._refused.values())
            return replace(self._report, attempts=attempts)

    def hear(self, report: Report) -> bool:
        """Take in what the agent knows; whether it was: one that is older than another is not."""
        with self._changed:
            if (report.agent_started_at_ms, report.number) <= self._heard:
                return False
            self._heard = (report.agent_started_at_ms, report.number)
            before = self._report
            now = self._report = CentreReport(
                centre_id=self._centre_id,
                heard_at_ms=self._clock(),
                online_node_ids=frozenset(report.online_node_ids),
                attempts=tuple(attempt.report() for attempt in report.attempts),
            )
            self._phases = {one.attempt_id: one.phase for one in report.attempts}
            self._understands = report.understands
            self._drop_done()
            self._refuse_what_is_not_understood()
            self._told.notify_all()
        # That it was heard again is news to nobody who looks now and then.
        if before is None or replace(before, heard_at_ms=now.heard_at_ms) != now:
            self._on_report()
        return True

    @property
    def keeps_diary(self) -> bool:
        """Whether its agent is of a release that does; also while it was not heard yet."""
        return (self._understands or DIARY) >= DIARY

    def ask_diary(self) -> int:
        """Have the agent tell its diary; the number to wait for, like none of another link."""
        with self._changed:
            self._diary, self._diary_asked = None, max(self._clock(), self._diary_asked + 1)
            self._changed.notify_all()
            return self._diary_asked

    def take_diary(self, told: DiaryTold) -> None:
        with self._told:
            if 0 < told.asked == self._diary_asked:
                self._diary = DiaryHeard(told=told, heard_at_ms=self._clock())
                self._told.notify_all()

    def diary(self, asked: int, wait_s: float) -> DiaryHeard | None:
        """The answer, once a report was heard that says no less than it; None where none came.

        It is kept here no longer than that: it may be of megabytes.
        """
        with self._told:
            self._told.wait_for(lambda: self._is_closed or self._has_told(asked), timeout=wait_s)
            heard = self._diary if self._has_told(asked) else None
            if asked == self._diary_asked:
                self._diary, self._diary_asked = None, 0
            return heard

    def orders(self, wanted: OrdersWanted) -> Orders:
        """What the agent lacks of what should be: at once, or as soon as there is something."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._is_closed or not self._lacking(wanted).is_empty,
                timeout=wanted.wait_ms / 1000,
            )
            return self._lacking(wanted)

    def close(self) -> None:
        """Let nobody wait here any more."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
            self._told.notify_all()

    def _say(self, attempt_id: str) -> None:
        self._wishes.said_at_ms[attempt_id] = self._clock()
        self._changed.notify_all()

    def _lacking(self, wanted: OrdersWanted) -> Orders:
        self._wishes.drop_older_than(self._clock() - WISH_KEPT_MS)
        known, stopping = set(wanted.known), set(wanted.stopping)
        wishes = self._wishes
        return Orders(
            launch=[
                order
                for attempt_id, order in wishes.launch.items()
                if attempt_id not in known
                and attempt_id not in wishes.stop
                and _needs(order) <= (self._understands or UNIFORM)
            ],
            stop=[
                StopWanted(attempt_id=attempt_id, grace_ms=grace_ms)
                for attempt_id, grace_ms in wishes.stop.items()
                if attempt_id not in stopping
            ],
            forget=[attempt_id for attempt_id in wishes.forget if attempt_id in known],
            diary=self._diary_asked if self._diary is None and self.keeps_diary else 0,
        )

    def _has_told(self, asked: int) -> bool:
        if self._diary is None or self._diary.told.asked != asked:
            return False
        told = self._diary.told
        return self._heard >= (told.agent_started_at_ms, told.number)

    def _refuse_what_is_not_understood(self) -> None:
        """As soon as the agent has been heard: an older one would run all members alike."""
        if self._understands is None:
            return
        for order in list(self._wishes.launch.values()):
            if _needs(order) > self._understands:
                self._wishes.drop(order.attempt_id)
                self._refused[order.attempt_id] = AttemptReport(
                    attempt_id=order.attempt_id,
                    phase=AttemptPhase.ENDED,
                    ended_at_ms=self._clock(),
                    end=AttemptEnd.REFUSED,
                    detail=f"the agent of {self._centre_id} is of a release that knows no roles: "
                    "install the broker's release there and start it again",
                )

    def _drop_done(self) -> None:
        """Drop what the report shows to be so: else a centre that loses its disk starts it anew."""
        wishes = self._wishes
        for attempt_id, phase in self._phases.items():
            wishes.launch.pop(attempt_id, None)
            if phase is AttemptPhase.ENDED:
                wishes.stop.pop(attempt_id, None)
        for attempt_id in [one for one in wishes.forget if one not in self._phases]:
            wishes.forget.pop(attempt_id)


def _needs(order: LaunchOrder) -> int:
    """What an agent must understand to carry it out."""
    return ROLES if order.roles else UNIFORM
