"""Who leads: a thread that takes the lead when it is free, steps while it has it, and lets go."""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from psycopg import Connection as PgConnection
from psycopg import Error as PgError
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from cluster.driver import Driver
from scheduler.controller import Controller, Settings
from scheduler.facts.log import FILE_PREFIX, Deposed
from scheduler.facts.state import State
from scheduler.model.policy import Policy
from scheduler.sifting import REFUSALS_MAX, SURROUNDINGS, sift
from scheduler.storage.store import INBOX_CHANNEL, SqlLog
from scheduler.sturdy import SturdyController, hear_each

T = TypeVar("T")

LOG = logging.getLogger(__name__)

LOOKS_OF_OTHERS = 4
"""For so many of their looks at the lead whoever gave it up leaves it to others."""


class GaveUp(Exception):
    """Whoever led has failed too often in a row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long the loop waits for what.

    Where no job is known and none quoted only time goes on: then it looks `idles_of_none` times as
    seldom, but for what wakes it. After a step it rests `rests_per_step` times as long as the step
    took, `rest_s_max` at most. `turn_s` is how long a question waits for its turn between steps,
    `failed_s`, less than a lead lasts, how long a step that fails by itself is not tried again;
    after `failures_max` of them in a row it lets whoever fares better lead, if there is anybody.
    """

    idle_s: float = 0.25
    idles_of_none: int = 4
    renew_ms: int = 2_000
    retry_s: float = 0.5
    rests_per_step: int = 2
    rest_s_max: float = 0.25
    turn_s: float = 2.0
    failed_s: float = 5.0
    failures_max: int = 3

    def wait_s(self, state: State) -> float:
        """How long nothing may wake it until it looks by itself."""
        return self.idle_s if state.jobs or state.quotes else self.idles_of_none * self.idle_s

    def rest_s(self, step_ms: int) -> float:
        return min(self.rests_per_step * max(0, step_ms) / 1_000, self.rest_s_max)


class LeaderLoop:
    """One broker's candidate for the lead. `wake` makes it step at once; `stop` ends `run`.

    Whoever holds `turn` may read the state: no step changes it. `flaw_count` is how many parts of
    plans broke a rule and were not carried out. `step_count` is how many steps are over,
    `failure_count` how many failed through no request, `is_failing` whether the last one did, and
    `unwritable_count` how many requests were refused as they would have made each step fail.
    """

    def __init__(
        self,
        log: SqlLog,
        drivers: Mapping[str, Driver],
        settings: Settings,
        clock: Callable[[], int],
        pace: Pace | None = None,
    ) -> None:
        self.log = log
        self.drivers = drivers
        self.settings = settings
        self.wake = threading.Event()
        self.stop = threading.Event()
        self.controller: Controller | None = None
        self.pace = pace or Pace()
        self._clock = clock
        self.flaw_count = 0
        self.step_count = 0
        self.failure_count = 0
        self.is_failing = False
        self.unwritable_count = 0
        self._failed_in_row = 0
        self._renewed_ms = 0
        self._lead_seen = (0, 0)
        self.turn = threading.Lock()
        self._is_calm = threading.Event()
        self._is_calm.set()

    def ask(self, question: Callable[[State, int, Policy], T]) -> T | None:
        """What is so now, which no step may change meanwhile; None where we lead not.

        The question is given the state, the moment and the policy, and changes nothing. A step that
        wants to begin goes first. Raises `TimeoutError` where it is not our turn in time.
        """
        wait_s = self.pace.turn_s
        if not (self._is_calm.wait(wait_s) and self.turn.acquire(timeout=wait_s)):
            raise TimeoutError("the leader is busy")
        try:
            controller = self.controller
            if controller is None:
                return None
            return question(controller.state, self._clock(), self.settings.policy)
        finally:
            self.turn.release()

    @property
    def is_leading(self) -> bool:
        return self.controller is not None

    def run(self) -> None:
        """Lead whenever nobody does, until stopped; any failure costs the state, never the log."""
        while not self.stop.is_set():
            try:
                if self._is_free():
                    self._lead()
            except Deposed as deposed:
                LOG.warning("deposed: %s", deposed)
            except GaveUp:
                LOG.warning("it gave up the lead for now: another broker may fare better")
                self.stop.wait(LOOKS_OF_OTHERS * self.pace.retry_s)
            except DBAPIError as error:
                # In a line: twice a second for as long as it lasts, and its own text has values.
                said = str(error.orig).partition("\n")[0]
                LOG.error("the database fails the leader's loop, which starts again: %s", said)  # noqa: TRY400
                self._count_failure()
            except Exception:
                LOG.exception("the leader's loop failed; it starts again from the log")
                self._count_failure()
            finally:
                self.controller = None
            self.stop.wait(self.pace.retry_s)

    def _is_free(self) -> bool:
        """The lead has expired by our clock, or was not renewed for as long as a lead lasts.

        The second counts where the clock of whoever led was ahead of ours.
        """
        until_ms, now_ms = self.log.leads_until_ms(), self._clock()
        if until_ms != self._lead_seen[0]:
            self._lead_seen = (until_ms, now_ms)
        return now_ms >= until_ms or now_ms - self._lead_seen[1] >= self.log.lease_ms

    def _lead(self) -> None:
        controller: Controller = self._led()
        self.controller = controller
        while not self.stop.is_set():
            self.wake.wait(self.pace.wait_s(controller.state))
            self.wake.clear()
            with self._own_turn():
                controller, rest_s = self._stepped(controller)
                self.controller = controller
            # Requests are answered by this process too, and Python runs one thread at a time:
            # without a rest a stream of submits would wait for a plan each. Together they are one.
            self.stop.wait(rest_s)
        with self._own_turn():
            controller.checkpoint()
        self.log.resign(controller.epoch, self._clock())

    def _led(self) -> SturdyController:
        """A new lead, with the state as the log tells it."""
        controller = SturdyController(self.log, self.drivers, self.settings)
        controller.lead(self._clock())
        self._renewed_ms = self._clock()
        LOG.info("leading under epoch %d", controller.epoch)
        return controller

    def _stepped(self, controller: Controller) -> tuple[Controller, float]:
        """Who leads on after a step, and for how long to rest; a failure costs no lead."""
        began_ms = self._clock()
        try:
            self._step(controller)
        except SURROUNDINGS:
            raise
        except Exception:
            LOG.exception("a step failed; from the log on, each request is taken by itself")
            self.log.renew(controller.epoch, self._clock())  # whoever is deposed takes nothing back
            return self._sifted()
        self._failed_in_row, self.is_failing = 0, False
        return controller, self.pace.rest_s(self._clock() - began_ms)

    def _sifted(self) -> tuple[Controller, float]:
        before = self.unwritable_count
        controller = sift(self._led, self._clock, self.stop, self._count_refusal)
        if self.unwritable_count - before == REFUSALS_MAX:
            return controller, self.pace.failed_s
        if self.unwritable_count > before or self.stop.is_set():
            return controller, 0
        self._count_failure()
        self._failed_in_row += 1
        LOG.error("no request is to blame: nothing starts, until a step succeeds again")
        if self._failed_in_row >= self.pace.failures_max:
            self._failed_in_row = 0
            self.log.resign(controller.epoch, self._clock())
            raise GaveUp
        return hear_each(controller, self._led, self._clock), self.pace.failed_s

    def _count_failure(self) -> None:
        self.failure_count += 1
        self.is_failing = True

    def _count_refusal(self) -> None:
        self.unwritable_count += 1

    @contextmanager
    def _own_turn(self) -> Iterator[None]:
        """Before all who ask; what a step has left half done after a failure nobody may see."""
        self._is_calm.clear()
        with self.turn:
            self._is_calm.set()
            try:
                yield
            except BaseException:
                self.controller = None
                raise

    def _step(self, controller: Controller) -> None:
        now_ms = self._clock()
        cycle = controller.step(now_ms)
        self.step_count += 1
        for flaw in cycle.flaws:
            LOG.error("the plan broke a rule, and was not carried out there: %s", flaw)
        self.flaw_count += len(cycle.flaws)
        for request_id, why in cycle.refused.items():
            if request_id.startswith(FILE_PREFIX):
                LOG.error("the park file is refused, and stays as it was there: %s", why)
        if not cycle.is_empty:
            self._renewed_ms = now_ms
        elif now_ms - self._renewed_ms >= self.pace.renew_ms:
            self.log.renew(controller.epoch, now_ms)
            self._renewed_ms = now_ms


class InboxListener:
    """Wakes the leader when a request is committed, by whichever process."""

    def __init__(self, engine: Engine, wake: threading.Event, stop: threading.Event) -> None:
        self._engine = engine
        self._wake = wake
        self._stop = stop

    def run(self) -> None:
        while not self._stop.is_set():
            try:
                self._listen()
            except (SQLAlchemyError, PgError) as error:
                LOG.warning("cannot listen for requests, trying again: %s", error)
                self._stop.wait(1.0)

    def _listen(self) -> None:
        options = {"isolation_level": "AUTOCOMMIT"}
        with self._engine.connect().execution_options(**options) as connection:
            connection.execute(text(f"LISTEN {INBOX_CHANNEL}"))
            self._wake.set()  # what came before we listened
            driver = connection.connection.driver_connection
            assert isinstance(driver, PgConnection)
            while not self._stop.is_set():
                for _ in driver.notifies(timeout=0.5, stop_after=1):
                    self._wake.set()
