"""Runs one seed: controllers that crash and are doubted, centres with bad luck, and an audit.

An agent obeys one broker at a time: it turns to the newest leader, but some time after that one has
taken over. Until then the old leader, which does not know, is still obeyed.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from random import Random
from typing import TypeVar

from cluster.driver import CentreReport, LaunchOrder
from cluster.simulated import SimulatedCentre, World
from scheduler.controller import Controller, Settings
from scheduler.facts.events import Credited, Event
from scheduler.facts.log import Cycle, Deposed, MemoryLog, Request
from scheduler.facts.record import Snapshot
from scheduler.facts.state import State
from scheduler.model.job import FINAL_STATES, EndCause, Job, JobState
from scheduler.model.policy import DEFAULT, Preemption
from tests.simulation.audit import MIN_RUN_MS, Audit
from tests.simulation.charged import check_money, check_usage_is_what_ran
from tests.simulation.diaries import check_centres_agree
from tests.simulation.quiet import is_quiet
from tests.simulation.scenario import TENANTS, YUAN, Scenario, a_park, a_scenario

T = TypeVar("T")

FENCE_MS = 30_000
TURN_MS_MAX = 10_000
ASKING_MS = 130_000
END_MS = 4 * 3_600_000
STEP_MS_MAX = 2_000
STEPS_MAX = 5_000
SETTINGS = Settings(
    meter_every_ms=7_000,
    suspect_after_ms=5_000,
    lost_after_ms=50_000,
    stop_grace_ms=2_000,
    explain_every_ms=1,
    checkpoint_every=60,
    request_limit=7,
    is_checked=True,
)
PREEMPTIONS = (
    None,
    Preemption(patience_ms=200, min_run_ms=MIN_RUN_MS),
    Preemption(patience_ms=0, min_run_ms=MIN_RUN_MS, is_shared=True),
)


class Crash(Exception):
    """The process of a controller is gone, here and now."""


@dataclass(slots=True)
class Chaos:
    """Where a controller may crash: anywhere around what it does to others.

    `countdown` makes it crash at a chosen one of the moments to come, once.
    """

    rng: Random
    chance: float
    countdown: int | None = None

    def strike(self) -> None:
        if self.countdown is not None:
            self.countdown = self.countdown - 1 if self.countdown else None
            if self.countdown is None:
                raise Crash
        if self.chance and self.rng.random() < self.chance:
            raise Crash


@dataclass(slots=True)
class FragileLog:
    """The log as a controller sees it that may crash before and after each access."""

    log: MemoryLog
    chaos: Chaos

    def lead(self, now_ms: int) -> int:
        return self._around(lambda: self.log.lead(now_ms))

    def requests(self, limit: int) -> tuple[Request, ...]:
        return self._around(lambda: self.log.requests(limit))

    def replay(self) -> tuple[Snapshot, Iterator[Event]]:
        return self._around(self.log.replay)

    def commit(self, epoch: int, cycle: Cycle) -> None:
        assert not cycle.flaws, f"the planner broke a rule: {cycle.flaws}"
        self._around(lambda: self.log.commit(epoch, cycle))

    def save(self, epoch: int, snapshot: Snapshot) -> None:
        self._around(lambda: self.log.save(epoch, snapshot))

    def _around(self, act: Callable[[], T]) -> T:
        self.chaos.strike()
        result = act()
        self.chaos.strike()
        return result


@dataclass(slots=True)
class Link:
    """One broker's end of the way to a centre; nothing passes while the agent obeys another."""

    centre: SimulatedCentre
    chaos: Chaos
    is_obeyed: bool = False
    report: CentreReport | None = None

    @property
    def centre_id(self) -> str:
        return self.centre.centre_id

    def launch(self, order: LaunchOrder) -> None:
        self._tell(lambda: self.centre.launch(order))

    def stop(self, attempt_id: str, grace_ms: int) -> None:
        self._tell(lambda: self.centre.stop(attempt_id, grace_ms))

    def forget(self, attempt_id: str) -> None:
        self._tell(lambda: self.centre.forget(attempt_id))

    def observe(self) -> CentreReport | None:
        if self.is_obeyed:
            self.report = self.centre.observe()
        return self.report

    def _tell(self, tell: Callable[[], None]) -> None:
        self.chaos.strike()
        if self.is_obeyed:
            tell()
        self.chaos.strike()


@dataclass(slots=True)
class Leader:
    """A controller that believes that it leads, with its links."""

    controller: Controller
    links: dict[str, Link]
    since_ms: int


@dataclass(slots=True)
class Harness:
    """Everything of one seed, and how often what happened."""

    rng: Random
    scenario: Scenario
    log: MemoryLog = field(default_factory=MemoryLog)
    world: World = field(default_factory=World)
    audit: Audit = field(default_factory=Audit)
    leaders: list[Leader] = field(default_factory=list)
    centres: list[SimulatedCentre] = field(default_factory=list)
    old_links: list[dict[str, Link]] = field(default_factory=list)
    chaos: Chaos = field(init=False)
    failover_chance: float = 0.01
    now_ms: int = 0
    is_healed: bool = False
    crash_count: int = 0
    quiet_count: int = 0
    deposed_count: int = 0
    settings: Settings = field(init=False)

    def __post_init__(self) -> None:
        preemption = self.rng.choice(PREEMPTIONS)
        self.settings = replace(SETTINGS, policy=replace(DEFAULT, preemption=preemption))
        self.chaos = Chaos(self.rng, self.rng.choice((0.0, 0.002, 0.01)))
        self.centres = [
            SimulatedCentre(
                centre=centre,
                run_ms=lambda order: self.scenario.run_ms_by_job[order.job_id],
                rng=self.rng,
                faults=self.scenario.faults,
                world=self.world,
                fence_ms=FENCE_MS,
                active_permille=self.scenario.active_permille,
            )
            for centre in a_park().centres
        ]
        for number, wish in enumerate(self.scenario.declarations):
            self.log.ask(Request(id=f"declare-{number}", wish=wish))

    def run(self) -> None:
        """Until every job is over: first with bad luck, then without, so that all must end."""
        asked = list(self.scenario.asked)
        for _ in range(STEPS_MAX):
            while asked and asked[0].at_ms <= self.now_ms:
                one = asked.pop(0)
                self.log.ask(Request(id=one.id, wish=one.wish))
            self.step(self.now_ms + self._pause_ms())
            if self.now_ms > ASKING_MS:
                self.heal()
            if self.is_over() and not asked:
                self.check_end()
                return
        raise AssertionError(f"does not end: {self.unfinished()}")

    def step(self, now_ms: int) -> None:
        """Time passes, and every controller that believes that it leads makes one step."""
        self.now_ms = now_ms
        for centre in self.centres:
            centre.advance(now_ms)
        if not self.leaders or self.rng.random() < self.failover_chance:
            self.elect()
        self._turn_agents()
        for leader in list(self.leaders):
            self._step(leader)
        self.audit.read(self.log)
        self._check_waiting()

    def _pause_ms(self) -> int:
        if self.now_ms > ASKING_MS:
            return 10 * STEP_MS_MAX
        return self.rng.choice((0, self.rng.randint(1, 50), self.rng.randint(1, STEP_MS_MAX)))

    def elect(self) -> None:
        """Somebody takes over, whether or not the old leader is gone.

        It may be a process that led before and was deposed: its links hold what they heard then.
        """
        if self.old_links and self.rng.random() < 0.5:
            links = self.old_links.pop()
        else:
            links = {centre.centre_id: Link(centre, self.chaos) for centre in self.centres}
        controller = Controller(FragileLog(self.log, self.chaos), links, self.settings)
        try:
            controller.lead(self.now_ms)
        except Crash:
            self.crash_count += 1
        else:
            self.leaders.append(Leader(controller, links, self.now_ms))

    def _turn_agents(self) -> None:
        """Each agent turns to the newest leader, sooner or later."""
        if not self.leaders:
            return
        newest = self.leaders[-1]
        is_time = self.now_ms - newest.since_ms >= TURN_MS_MAX
        for centre_id, link in newest.links.items():
            if not link.is_obeyed and (is_time or self.rng.random() < 0.3):
                for leader in self.leaders:
                    leader.links[centre_id].is_obeyed = False
                link.is_obeyed = True

    def _step(self, leader: Leader) -> None:
        try:
            leader.controller.step(self.now_ms)
            self.quiet_count += is_quiet(leader.controller, self.now_ms)
        except Crash:
            self.crash_count += 1
            self.leaders.remove(leader)
        except Deposed:
            self.deposed_count += 1
            self.leaders.remove(leader)
            self.old_links.append(leader.links)

    def heal(self) -> None:
        """No more bad luck, and money for everybody: what is left must come to its end."""
        if self.is_healed:
            return
        self.is_healed = True
        self.chaos.countdown = None
        self.chaos.chance = self.failover_chance = 0.0
        for centre in self.centres:
            centre.heal()
        for tenant_id in TENANTS:
            paid = Credited(
                at_ms=self.now_ms,
                tenant_id=tenant_id,
                amount_micros=10_000 * YUAN,
                reference=f"heal-{tenant_id}",
            )
            self.log.ask(Request(id=f"heal-{tenant_id}", wish=paid))

    # What must hold.

    def _leading(self) -> Controller | None:
        """The one controller whose epoch is the log's, if it lives."""
        for leader in self.leaders:
            if leader.controller.epoch == self.log.epoch:
                return leader.controller
        return None

    def _check_waiting(self) -> None:
        """Whoever waits is told why, and a live leader's state is what the log says."""
        controller = self._leading()
        if controller is None:
            return
        state = controller.state
        for job_id in state.queue:
            if job_id in controller.plan.verdicts and state.jobs[job_id].quote is None:
                assert self.log.waiting[job_id].reasons, f"{job_id} waits and nobody says why"
        if self.rng.random() < 0.1:
            assert self._replayed().snapshot() == state.snapshot(), "replay is not the live state"

    def _replayed(self) -> State:
        snapshot, tail = self.log.replay()
        state = State.restored(snapshot)
        for event in tail:
            assert state.apply(event) is None, f"the log holds what does not fit: {event}"
        return state

    def is_over(self) -> bool:
        controller = self._leading()
        return controller is not None and not self.unfinished() and not self.log.inbox

    def unfinished(self) -> dict[str, JobState | None]:
        controller = self._leading()
        if controller is None:
            return dict.fromkeys((job.id for job in self.scenario.jobs), None)
        over, live = controller.state.final_states, controller.state.jobs
        return {
            job.id: live[job.id].state if job.id in live else None
            for job in self.scenario.jobs
            if job.id not in over and not self._is_refused(job)
        }

    def _is_refused(self, job: Job) -> bool:
        """What it was to follow has failed before, or was refused itself."""
        return bool(job.followed_ids) and f"submit-{job.id}" in self.log.refused

    def check_end(self) -> None:
        controller = self._leading()
        assert controller is not None
        state = controller.state
        assert not state.live, "something still runs"
        assert not self.world.live_by_job, "something runs that nobody knows of"
        assert set(state.final_states.values()) <= FINAL_STATES
        from_zero = State()
        for event in self.log.events:
            assert from_zero.apply(event) is None, f"the log holds what does not fit: {event}"
        assert from_zero.snapshot() == state.snapshot(), "the checkpoint bent the replay"
        self._check_outcomes(state)
        check_usage_is_what_ran(self.audit, self.log, self.world)
        check_centres_agree(self.audit, self.log, self.world)
        available = {
            tenant_id: funds.available_micros - state.tenants[tenant_id].credit_limit_micros
            for tenant_id, funds in state.funds.items()
        }
        check_money(self.log, available)

    def _check_outcomes(self, state: State) -> None:
        """A success ran to its end exactly once; a cancelled job was asked to go."""
        finished = [
            attempt.leased.job_id
            for attempt in self.audit.tries.values()
            if attempt.ended is not None and attempt.ended.cause is EndCause.FINISHED
        ]
        self._check_arrays(state)
        for job_id in self.audit.jobs.keys() & state.final_states.keys():
            final = state.final_states[job_id]
            if final is JobState.SUCCEEDED:
                assert finished.count(job_id) == 1, f"{job_id} finished {finished.count(job_id)} x"
            if final is JobState.CANCELLED:
                cancelled = self.audit.cancelled | self.audit.given_up
                assert job_id in cancelled, f"{job_id} was never cancelled"

    def _check_arrays(self, state: State) -> None:
        """An array is over with its last task, and has succeeded where all of them have."""
        for array_id, job_ids in self.audit.tasks_by_array.items():
            ends = {state.final_states[job_id] for job_id in job_ids}
            outcome = JobState.SUCCEEDED if ends == {JobState.SUCCEEDED} else JobState.FAILED
            assert state.final_states[array_id] is outcome, f"array {array_id}: {ends}"


Change = Callable[[Random, Scenario], Scenario]


def run_seed(
    seed: int, log: MemoryLog | None = None, change: Change = lambda _, scenario: scenario
) -> Harness:
    """One seed from its scenario, or what is made of it, to its audit; a failure names the seed."""
    rng = Random(seed)
    scenario = change(Random(f"change {seed}"), a_scenario(rng, rng.randint(3, 20)))
    harness = Harness(rng, scenario, log or MemoryLog())
    try:
        harness.run()
    except Exception as error:
        error.add_note(f"seed {seed}, at {harness.now_ms} ms, epoch {harness.log.epoch}")
        raise
    return harness
