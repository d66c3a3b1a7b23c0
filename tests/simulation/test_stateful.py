"""Hypothesis drives the same harness: it chooses what happens next, and shrinks what it breaks."""

from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from typing_extensions import override

from cluster.simulated import NO_FAULTS
from scheduler.facts import events as ev
from scheduler.facts.log import Request
from scheduler.model.job import Job, Priority, Role
from tests.simulation.harness import STEPS_MAX, Harness
from tests.simulation.scenario import CENTRES, ROLES, TENANTS, Scenario, a_scenario

CENTRE_NUMBERS = st.integers(0, len(CENTRES) - 1)
DOWN_MS = st.sampled_from([10, 4_000, 29_000, 70_000])
PASSED_MS = st.sampled_from([0, 1, 900, 6_000, 20_000])
JOBS_MAX = 12


class Loss(StrEnum):
    """What a centre may lose for a while."""

    NODES = "nodes"
    MEMORY = "memory"
    VOICE = "voice"


@dataclass(frozen=True)
class Asked:
    """What Hypothesis chooses of a job."""

    device_count: int
    split: int
    run_ms: int
    limit_ms: int
    priority: Priority


JOBS = st.lists(
    st.builds(
        Asked,
        device_count=st.sampled_from([1, 2, 4, 8]),
        split=st.integers(0, 3),
        run_ms=st.sampled_from([1, 500, 20_000, 100_000]),
        limit_ms=st.sampled_from([5_000, 30_000, 200_000]),
        priority=st.sampled_from(Priority),
    ),
    min_size=1,
    max_size=4,
)


def roles_of(asked: Asked) -> tuple[Role, ...]:
    """None, or one of the ways to split so many cards."""
    ways = ((), *ROLES.get(asked.device_count, ()))
    return ways[asked.split % len(ways)]


class Broker(RuleBasedStateMachine):
    """Two centres without any luck of their own, and one broker or two."""

    def __init__(self) -> None:
        super().__init__()
        # Jobs come from a scenario; everything else that happens is chosen here.
        source = a_scenario(Random(0), JOBS_MAX)
        self.to_submit = list(source.jobs)
        scenario = Scenario(
            declarations=source.declarations,
            asked=(),
            jobs=(),
            run_ms_by_job=dict(source.run_ms_by_job),
            faults=NO_FAULTS,
        )
        self.harness = Harness(Random(0), scenario, failover_chance=0.0)
        self.harness.chaos.chance = 0.0
        self.harness.step(0)

    @property
    def now_ms(self) -> int:
        return self.harness.now_ms

    @property
    def submitted(self) -> tuple[Job, ...]:
        return self.harness.scenario.jobs

    def ask(self, request_id: str, wish: ev.Wish) -> None:
        self.harness.log.ask(Request(id=request_id, wish=wish))

    @initialize(jobs=JOBS)
    def begin(self, jobs: list[Asked]) -> None:
        self.submit(jobs)

    @rule(jobs=JOBS)
    def submit(self, jobs: list[Asked]) -> None:
        for asked in jobs[: len(self.to_submit)]:
            job = replace(
                self.to_submit.pop(),
                device_count=asked.device_count,
                node_count=None,
                member_count=None,
                roles=roles_of(asked),
                device_kind_ids=("npu", "dcu"),
                limit_ms=asked.limit_ms,
                priority=asked.priority,
                submitted_at_ms=self.now_ms,
            )
            scenario = self.harness.scenario
            scenario.run_ms_by_job[job.id] = asked.run_ms
            self.harness.scenario = replace(scenario, jobs=(*scenario.jobs, job))
            self.ask(f"submit-{job.id}", ev.Submitted(at_ms=self.now_ms, job=job))
        self.wait(900, 3)

    @rule(index=st.integers(0, JOBS_MAX - 1), passed_ms=PASSED_MS)
    def cancel(self, index: int, passed_ms: int) -> None:
        job = self.submitted[index % len(self.submitted)]
        wish = ev.CancelRequested(at_ms=self.now_ms, job_id=job.id, by="u")
        self.ask(f"cancel-{job.id}-{self.now_ms}", wish)
        self.wait(passed_ms, 2)

    @rule(tenant_id=st.sampled_from(TENANTS), amount_micros=st.sampled_from([1, 5_000_000]))
    def pay(self, tenant_id: str, amount_micros: int) -> None:
        paid = ev.Credited(
            at_ms=self.now_ms,
            tenant_id=tenant_id,
            amount_micros=amount_micros,
            reference=f"{tenant_id}-{self.now_ms // 10_000}",
        )
        self.ask(f"pay-{tenant_id}-{self.now_ms}", paid)

    @rule(passed_ms=PASSED_MS, times=st.integers(1, 6))
    def wait(self, passed_ms: int, times: int) -> None:
        for _ in range(times):
            self.harness.step(self.now_ms + passed_ms)

    @rule(moment=st.integers(0, 12), is_doubted=st.booleans(), passed_ms=PASSED_MS)
    def trouble_the_broker(self, moment: int, is_doubted: bool, passed_ms: int) -> None:
        """The next controller that comes to that moment is gone; or two believe that they lead."""
        if is_doubted:
            self.harness.elect()
        else:
            self.harness.chaos.countdown = moment
        self.wait(passed_ms, 3)

    @rule(number=CENTRE_NUMBERS, loss=st.sampled_from(Loss), down_ms=DOWN_MS, passed_ms=PASSED_MS)
    def trouble_a_centre(self, number: int, loss: Loss, down_ms: int, passed_ms: int) -> None:
        centre = self.harness.centres[number]
        match loss:
            case Loss.NODES:
                for pool in centre.centre.pools:
                    centre.lose_node(next(pool.nodes()).id, down_ms)
            case Loss.MEMORY:
                centre.lose_centre(down_ms)
            case Loss.VOICE:
                centre.fall_silent(down_ms)
        self.wait(passed_ms, 6)

    @override
    def teardown(self) -> None:
        """Whatever happened, everything comes to its end, and the books agree with what ran."""
        self.harness.heal()
        for _ in range(STEPS_MAX):
            self.harness.step(self.now_ms + 20_000)
            if self.harness.is_over():
                self.harness.check_end()
                return
        raise AssertionError(f"does not end: {self.harness.unfinished()}")


TestBroker = Broker.TestCase
TestBroker.settings = settings(max_examples=120, stateful_step_count=25)
