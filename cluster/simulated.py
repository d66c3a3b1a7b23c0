"""A centre in virtual time: does as it is told, has bad luck by a seed, and asserts the impossible.

It stands for an agent, its Ray cluster and the way to them: calls get lost, come late or twice;
nodes and whole centres go away; the agent falls silent and ends its work before the broker may
give it away. What must never happen in the real world (a job twice at once, a node overfull, a
forgotten attempt started again) is asserted at the moment it would happen.
"""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from heapq import heappop, heappush
from random import Random

from cluster.driver import (
    Activity,
    AttemptEnd,
    AttemptPhase,
    AttemptReport,
    CentreReport,
    LaunchOrder,
    News,
)
from cluster.inventory import Centre

SAMPLE_MS = 5_000
KILLED = -9
TERMINATED = -15
FENCE_MS = 30_000
"""How long an agent that hears nobody lets its work run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """How unkind the world is: chances per call, per launch or per advance, and for how long.

    A late call arrives with the next advance, in order. `start_ms_max` is how long members may take
    to start, `clock_ahead_ms` how much the centre's clock is ahead of the broker's.
    """

    call_lost: float = 0.0
    call_late: float = 0.0
    call_twice: float = 0.0
    launch_refused: float = 0.0
    member_fails: float = 0.0
    stop_ignored: float = 0.0
    report_lost: float = 0.0
    silence: float = 0.0
    silence_ms_max: int = 60_000
    node_loss: float = 0.0
    node_down_ms_max: int = 60_000
    centre_loss: float = 0.0
    centre_down_ms_max: int = 60_000
    start_ms_max: int = 0
    clock_ahead_ms: int = 0


NO_FAULTS = Faults()


@dataclass(slots=True, kw_only=True)
class Run:
    """What really happened to one launch; `started_at_ms` None: its members never ran.

    `due_ms` is its next change by itself. Times are true, whatever the centre's clock says.
    """

    order: LaunchOrder
    launched_at_ms: int
    due_ms: int
    started_at_ms: int | None = None
    ended_at_ms: int | None = None
    end: AttemptEnd | None = None
    exit_code: int | None = None
    stop_at_ms: int | None = None

    @property
    def card_count(self) -> int:
        return sum(member.card_count for member in self.order.members)


@dataclass(slots=True)
class World:
    """What runs and ran in all centres together: the truth that no report can bend.

    `amnesias` are the moments at which a centre forgot everything, with its id.
    """

    runs: list[Run] = field(default_factory=list)
    runs_by_job: defaultdict[str, list[Run]] = field(default_factory=lambda: defaultdict(list))
    live_by_job: dict[str, Run] = field(default_factory=dict)
    amnesias: list[tuple[str, int]] = field(default_factory=list)

    def begin(self, run: Run) -> None:
        order = run.order
        other = self.live_by_job.get(order.job_id)
        assert other is None, (
            f"job {order.job_id} twice at once: {order.attempt_id} at {order.centre_id} "
            f"beside {other.order.attempt_id} at {other.order.centre_id}"
        )
        self.live_by_job[order.job_id] = run
        self.runs.append(run)
        self.runs_by_job[order.job_id].append(run)

    def end(self, run: Run) -> None:
        del self.live_by_job[run.order.job_id]


@dataclass(slots=True, kw_only=True)
class SimulatedCentre:
    """A `cluster.driver.Driver` whose time moves by `advance`; `run_ms`: how long an order runs."""

    centre: Centre
    run_ms: Callable[[LaunchOrder], int]
    rng: Random
    faults: Faults = NO_FAULTS
    world: World = field(default_factory=World)
    fence_ms: int = FENCE_MS
    active_permille: int | None = None  # for so much of its time a card computes; None: unknown
    now_ms: int = 0
    is_silent: bool = False
    _cards_by_node: dict[str, int] = field(init=False)
    _used_by_node: Counter[str] = field(default_factory=Counter)
    _online: frozenset[str] = field(init=False)
    _live: dict[str, Run] = field(default_factory=dict)
    _reports: dict[str, AttemptReport] = field(default_factory=dict)
    _told: tuple[AttemptReport, ...] = ()
    _news: News | None = None
    _changed: dict[str, AttemptReport | None] = field(default_factory=dict)
    _forgotten: set[str] = field(default_factory=set)
    _late: list[Callable[[], None]] = field(default_factory=list)
    _due: list[tuple[int, int, Callable[[], None]]] = field(default_factory=list)
    _due_count: int = 0
    _silence_count: int = 0
    _is_heard: bool = False
    _heard: CentreReport | None = None

    def __post_init__(self) -> None:
        nodes = [node for pool in self.centre.pools for node in pool.nodes()]
        self._cards_by_node = {node.id: node.card_count for node in nodes}
        self._online = frozenset(self._cards_by_node)

    # The port.

    @property
    def centre_id(self) -> str:
        return self.centre.id

    def launch(self, order: LaunchOrder) -> None:
        self._call(partial(self._launch, order))

    def stop(self, attempt_id: str, grace_ms: int) -> None:
        self._call(partial(self._stop, attempt_id, grace_ms))

    def forget(self, attempt_id: str) -> None:
        self._call(partial(self._forget, attempt_id))

    def observe(self) -> CentreReport | None:
        if self._is_heard:
            for run in self._live.values() if self.active_permille is not None else ():
                self._measure(run, self.now_ms - self.now_ms % SAMPLE_MS)
            if self._changed:
                self._news, self._changed = News(self._told, self._changed), {}
                self._told = tuple(self._reports.values())
            self._heard = CentreReport(
                centre_id=self.centre.id,
                heard_at_ms=self.now_ms,
                online_node_ids=self._online,
                attempts=self._told,
                news=self._news,
            )
        return self._heard

    # Time.

    def advance(self, now_ms: int) -> None:
        """Let everything happen that is due until `now_ms`, and then some bad luck."""
        assert now_ms >= self.now_ms, f"time goes back from {self.now_ms} to {now_ms}"
        if self.faults is not NO_FAULTS:
            self.observe()  # what was heard so far, for the case that nothing more is heard
        while self._due and self._due[0][0] <= now_ms:
            self.now_ms, _, happen = heappop(self._due)
            happen()
        self.now_ms = now_ms
        late, self._late = self._late, []
        for call in late:
            self._deliver(call)
        if self.faults is not NO_FAULTS:
            self._have_bad_luck()
        self._is_heard = not self.is_silent and not self._happens(self.faults.report_lost)

    def next_ms(self) -> int | None:
        """When something will happen here by itself, at the earliest."""
        return self._due[0][0] if self._due else None

    def heal(self) -> None:
        """No more bad luck from now on; what is broken comes back in its time."""
        self.faults = NO_FAULTS

    # Bad luck.

    def lose_node(self, node_id: str, down_ms: int) -> None:
        """A node goes away, with all gangs that have a member on it."""
        self._online -= {node_id}
        for run in list(self._live.values()):
            if any(member.node_id == node_id for member in run.order.members):
                self._end(run, AttemptEnd.NODE, None, node_id)
        self._at(self.now_ms + down_ms, partial(self._return_node, node_id))

    def lose_centre(self, down_ms: int) -> None:
        """Everything ends, and nothing is remembered: the agent's memory is gone as well."""
        self.fall_silent(down_ms)
        self._end_all()
        self._changed.update(dict.fromkeys(self._reports))
        self._reports.clear()
        self.world.amnesias.append((self.centre.id, self.now_ms))

    def fall_silent(self, silent_ms: int) -> None:
        """The agent neither hears nor is heard; after `fence_ms` it ends its work by itself."""
        self.observe()
        self._is_heard = False
        self.is_silent = True
        self._late.clear()
        self._silence_count += 1
        if silent_ms > self.fence_ms:
            self._at(self.now_ms + self.fence_ms, self._end_all)
        self._at(self.now_ms + silent_ms, partial(self._speak, self._silence_count))

    def _have_bad_luck(self) -> None:
        if self._happens(self.faults.node_loss) and self._online:
            node_id = self.rng.choice(sorted(self._online))
            self.lose_node(node_id, self._some_ms(self.faults.node_down_ms_max))
        if self._happens(self.faults.centre_loss):
            self.lose_centre(self._some_ms(self.faults.centre_down_ms_max))
        if not self.is_silent and self._happens(self.faults.silence):
            self.fall_silent(self._some_ms(self.faults.silence_ms_max))

    def _return_node(self, node_id: str) -> None:
        self._online |= {node_id}

    def _speak(self, silence_count: int) -> None:
        self.is_silent = self.is_silent and silence_count != self._silence_count

    def _happens(self, chance: float) -> bool:
        return chance > 0 and self.rng.random() < chance

    def _some_ms(self, ms_max: int) -> int:
        return self.rng.randint(1, ms_max) if ms_max else 0

    # Calls.

    def _call(self, call: Callable[[], None]) -> None:
        if self.is_silent or self._happens(self.faults.call_lost):
            return
        if self._late or self._happens(self.faults.call_late):
            self._late.append(call)
            return
        self._deliver(call)

    def _deliver(self, call: Callable[[], None]) -> None:
        call()
        if self._happens(self.faults.call_twice):
            call()

    def _launch(self, order: LaunchOrder) -> None:
        if order.attempt_id in self._reports:
            return
        self._check_order(order)
        offline = {member.node_id for member in order.members} - self._online
        if offline or self._happens(self.faults.launch_refused):
            node_id = min(offline, default=order.members[0].node_id)
            self._report_end(order.attempt_id, None, AttemptEnd.REFUSED, None, node_id)
            return
        run = Run(
            order=order,
            launched_at_ms=self.now_ms,
            due_ms=self.now_ms + self._some_ms(self.faults.start_ms_max),
        )
        self.world.begin(run)
        self._take_cards(run)
        self._live[order.attempt_id] = run
        if run.due_ms == self.now_ms:
            self._start(run)
        else:
            self._report(order.attempt_id, AttemptPhase.STARTING, None)
            self._at(run.due_ms, partial(self._change, run, run.due_ms))

    def _check_order(self, order: LaunchOrder) -> None:
        assert order.centre_id == self.centre.id, f"{order.attempt_id} is for {order.centre_id}"
        assert order.attempt_id not in self._forgotten, f"{order.attempt_id} was over and forgotten"
        ranks = [member.rank for member in order.members]
        assert ranks == list(range(len(ranks))), f"{order.attempt_id} has ranks {ranks}: no gang"
        assert ranks, f"{order.attempt_id} has no member"

    def _take_cards(self, run: Run) -> None:
        for member in run.order.members:
            self._used_by_node[member.node_id] += member.card_count
        for member in run.order.members:
            used, there = self._used_by_node[member.node_id], self._cards_by_node[member.node_id]
            assert used <= there, f"{member.node_id} overfull: {used} of {there} cards are taken"

    def _stop(self, attempt_id: str, grace_ms: int) -> None:
        run = self._live.get(attempt_id)
        if run is None:
            if attempt_id not in self._reports:  # so that an order on its way is never obeyed
                self._report_end(attempt_id, None, AttemptEnd.STOPPED, None)
            return
        if run.stop_at_ms is not None:
            return
        is_deaf = self._happens(self.faults.stop_ignored)
        run.stop_at_ms = self.now_ms + (grace_ms if is_deaf else 0)
        if not is_deaf:
            self._end(run, AttemptEnd.STOPPED, TERMINATED)
        elif run.started_at_ms is None or run.stop_at_ms < run.due_ms:
            run.due_ms = run.stop_at_ms
            self._at(run.due_ms, partial(self._change, run, run.due_ms))

    def _forget(self, attempt_id: str) -> None:
        assert attempt_id not in self._live, f"{attempt_id} is to be forgotten while it runs"
        self._forgotten.add(attempt_id)
        self._reports.pop(attempt_id, None)
        self._changed[attempt_id] = None

    # Work.

    def _at(self, at_ms: int, happen: Callable[[], None]) -> None:
        self._due_count += 1
        heappush(self._due, (at_ms, self._due_count, happen))

    def _change(self, run: Run, due_ms: int) -> None:
        """A run comes to its next step, unless that was put off or done away with."""
        if run.ended_at_ms is not None or run.due_ms != due_ms:
            return
        if run.stop_at_ms == due_ms:
            self._end(run, AttemptEnd.STOPPED, KILLED)
        elif run.started_at_ms is None:
            self._start(run)
        else:
            self._end(run, AttemptEnd.EXITED, run.exit_code)

    def _start(self, run: Run) -> None:
        run_ms, run.exit_code = self.run_ms(run.order), 0
        if self._happens(self.faults.member_fails):
            run_ms, run.exit_code = self.rng.randint(0, run_ms), 1
        run.started_at_ms = self.now_ms
        run.due_ms = self.now_ms + run_ms
        self._report(run.order.attempt_id, AttemptPhase.RUNNING, run.started_at_ms)
        self._at(run.due_ms, partial(self._change, run, run.due_ms))

    def _end_all(self) -> None:
        for run in list(self._live.values()):
            self._end(run, AttemptEnd.CENTRE, None)

    def _end(
        self, run: Run, end: AttemptEnd, exit_code: int | None, node_id: str | None = None
    ) -> None:
        attempt_id = run.order.attempt_id
        run.ended_at_ms, run.end, run.exit_code = self.now_ms, end, exit_code
        del self._live[attempt_id]
        self.world.end(run)
        for member in run.order.members:
            self._used_by_node[member.node_id] -= member.card_count
        self._report_end(attempt_id, run.started_at_ms, end, exit_code, node_id)
        self._measure(run, self.now_ms)

    def _measure(self, run: Run, until_ms: int) -> None:
        if self.active_permille is not None and run.started_at_ms is not None:
            ran_ms = run.card_count * max(0, until_ms - run.started_at_ms)
            counted = Activity(measured_ms=ran_ms, active_ms=ran_ms * self.active_permille // 1_000)
            told = replace(self._reports[run.order.attempt_id], activity=counted)
            self._reports[told.attempt_id] = self._changed[told.attempt_id] = told

    def _report(self, attempt_id: str, phase: AttemptPhase, started_at_ms: int | None) -> None:
        self._reports[attempt_id] = self._changed[attempt_id] = AttemptReport(
            attempt_id=attempt_id, phase=phase, started_at_ms=self._clock(started_at_ms)
        )

    def _report_end(
        self,
        attempt_id: str,
        started_at_ms: int | None,
        end: AttemptEnd,
        exit_code: int | None,
        node_id: str | None = None,
    ) -> None:
        self._reports[attempt_id] = self._changed[attempt_id] = AttemptReport(
            attempt_id=attempt_id,
            phase=AttemptPhase.ENDED,
            started_at_ms=self._clock(started_at_ms),
            ended_at_ms=self._clock(self.now_ms),
            exit_code=exit_code,
            end=end,
            node_id=node_id,
        )

    def _clock(self, true_ms: int | None) -> int | None:
        return None if true_ms is None else true_ms + self.faults.clock_ahead_ms
