"""The event log of a broker in virtual time, by a seed: good days and bad ones."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random

from typing_extensions import override

from benchmarks.happened import Recorded, happened
from benchmarks.period import play
from cluster.driver import CentreReport
from cluster.simulated import NO_FAULTS, Faults, Run, SimulatedCentre, World
from scheduler.controller import Controller, Settings
from scheduler.facts.log import Cycle, MemoryLog, Request
from scheduler.facts.state import State
from scheduler.model.policy import DEFAULT, EASY, Policy, Preemption
from tests.simulation.scenario import a_park, a_scenario

NEVER_MS = 1 << 60
END_MS = 300_000
UNKIND = Faults(
    call_lost=0.1,
    call_late=0.1,
    launch_refused=0.05,
    member_fails=0.1,
    stop_ignored=0.4,
    report_lost=0.1,
    silence=0.004,
    silence_ms_max=90_000,
    node_loss=0.02,
    centre_loss=0.002,
    start_ms_max=3_000,
)


@dataclass(slots=True)
class TimedLog(MemoryLog):
    """Knows when each event was committed."""

    recorded: list[Recorded] = field(default_factory=list)

    @override
    def commit(self, epoch: int, cycle: Cycle) -> None:
        MemoryLog.commit(self, epoch, cycle)
        self.recorded += [Recorded(at_ms=cycle.now_ms, event=one) for one in cycle.events]


def settings_of(policy: Policy) -> Settings:
    return Settings(
        policy=policy,
        meter_every_ms=7_000,
        suspect_after_ms=5_000,
        lost_after_ms=50_000,
        stop_grace_ms=2_000,
        explain_every_ms=10_000,
        checkpoint_every=NEVER_MS,
    )


STOPPING = replace(DEFAULT, preemption=Preemption(patience_ms=200, min_run_ms=2_000))
TURNS = replace(DEFAULT, preemption=Preemption(patience_ms=0, min_run_ms=2_000, is_shared=True))


class SavingCentre(SimulatedCentre):
    """It sees its jobs save themselves each few seconds, each after a while of its own."""

    @override
    def observe(self) -> CentreReport | None:
        for run in self._live.values():
            self._save(run, self.now_ms)
        return SimulatedCentre.observe(self)

    def _save(self, run: Run, until_ms: int) -> None:
        every_ms = 3_000 + 700 * len(run.order.job_id)
        if run.started_at_ms is not None and until_ms - run.started_at_ms >= every_ms:
            saved_ms = until_ms - (until_ms - run.started_at_ms) % every_ms
            before = self._reports[run.order.attempt_id]
            if before.saved_at_ms != saved_ms:
                told = replace(before, saved_at_ms=saved_ms)
                self._reports[told.attempt_id] = self._changed[told.attempt_id] = told


def logged(
    seed: int,
    faults: Faults = NO_FAULTS,
    policy: Policy = STOPPING,
    make: Callable[..., SimulatedCentre] = SimulatedCentre,
) -> list[Recorded]:
    """What a broker has in its log once all is over that a seed asks of it."""
    rng = Random(seed)
    scenario = a_scenario(rng, 12)
    log, world = TimedLog(), World()
    centres = [
        make(
            centre=centre,
            run_ms=lambda order: scenario.run_ms_by_job[order.job_id],
            rng=rng,
            faults=faults,
            world=world,
        )
        for centre in a_park().centres
    ]
    controller = Controller(log, {one.centre_id: one for one in centres}, settings_of(policy))
    for number, wish in enumerate(scenario.declarations):
        log.ask(Request(id=f"declare-{number}", wish=wish))
    controller.lead(0)
    asked, now_ms = list(scenario.asked), 0
    while now_ms < END_MS and (asked or controller.state.jobs):
        now_ms += rng.choice((1, rng.randint(1, 500), rng.randint(1, 3_000)))
        while asked and asked[0].at_ms <= now_ms:
            one = asked.pop(0)
            log.ask(Request(id=one.id, wish=one.wish))
        for centre in centres:
            centre.advance(now_ms)
        controller.step(now_ms)
    return log.recorded


def digest() -> str:
    """Of all that comes of a log under another policy."""
    again = play(happened(State(), logged(3, UNKIND), 0), settings_of(EASY))
    return hashlib.sha256(repr(again.events).encode()).hexdigest()
