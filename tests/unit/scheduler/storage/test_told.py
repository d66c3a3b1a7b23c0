"""What is told again, and what is not: queues and pools that stand as they stood."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from scheduler.facts import events as ev
from scheduler.facts.log import Cycle, PoolLoad, Waiting
from scheduler.facts.state import State
from scheduler.forecast.punctuality import Foretold
from scheduler.model.job import JobState, PlannedStart, Reason, ReasonCode
from scheduler.model.plan import Verdict
from scheduler.storage.told import SHORT_QUEUE, Told
from tests.builders import a_job, a_lease, a_placement, a_state, happen, submit

BUSY = Reason(code=ReasonCode.DEVICES_BUSY, where="east-npu", need=8, free=2)
LATER = Verdict(reasons=(BUSY,), start=PlannedStart(9, "east-npu"))
PAUSE_MS = 1_000
FAR_MS = 3_600_000


def told_of(*job_ids: str) -> Told:
    """These were told at the moment 0."""
    told = Told(PAUSE_MS)
    answers = told.new_answers(dict.fromkeys(job_ids, LATER), 0, is_due=True)
    told.remember(a_cycle(answers))
    return told


def a_cycle(
    waiting: Mapping[str, Waiting] | None = None,
    *,
    now_ms: int = 0,
    loads: tuple[PoolLoad, ...] = (),
    states: Mapping[str, JobState] | None = None,
) -> Cycle:
    """What was committed."""
    return Cycle(now_ms=now_ms, events=(), waiting=waiting or {}, loads=loads, states=states or {})


def test_new_jobs_are_told_at_once_and_others_when_it_is_time() -> None:
    told = told_of("a", "b")
    verdicts = dict.fromkeys(("c", "a", "b"), LATER)

    now = told.new_answers(verdicts, 0, is_due=False)
    in_time = told.new_answers(verdicts, 0, is_due=True)

    assert [(job_id, answer.position) for job_id, answer in now.items()] == [("c", 1)]
    assert [(job_id, a.position) for job_id, a in in_time.items()] == [("c", 1), ("a", 2), ("b", 3)]
    assert in_time["a"].reasons == (BUSY,)
    assert in_time["a"].start == LATER.start


def test_the_same_answer_is_not_told_twice() -> None:
    assert told_of("a").new_answers({"a": LATER}, 0, is_due=True) == {}


def test_what_was_not_committed_was_not_told() -> None:
    told = Told(PAUSE_MS)
    verdicts = {"a": LATER}

    assert told.new_answers(verdicts, 0, is_due=True) == told.new_answers(verdicts, 0, is_due=True)


def test_a_job_that_comes_back_is_told_as_a_new_one() -> None:
    told = told_of("a")

    told.remember(a_cycle(states={"a": JobState.LEASED}))

    assert told.new_answers({"a": LATER}, 0, is_due=False).keys() == {"a"}


def test_a_job_that_goes_on_waiting_is_no_new_one() -> None:
    told = told_of("a")

    told.remember(a_cycle(states={"a": JobState.QUEUED}))

    assert told.new_answers({"a": LATER}, 0, is_due=False) == {}


def test_a_long_queue_is_told_less_often() -> None:
    told = Told(PAUSE_MS)

    assert not told.is_due(5, PAUSE_MS - 1)
    assert told.is_due(5, PAUSE_MS)
    assert not told.is_due(3 * PAUSE_MS, 3 * PAUSE_MS - 1)
    assert told.is_due(3 * PAUSE_MS, 3 * PAUSE_MS)


def test_of_a_long_queue_a_plan_is_asked_for_all_only_where_there_is_news() -> None:
    told = Told(10 * PAUSE_MS, at_ms=0, planned_ms=0)

    assert told.wants_all(SHORT_QUEUE, 1)
    assert not told.wants_all(SHORT_QUEUE + 1, 1)
    assert told.wants_all(SHORT_QUEUE + 1, 10 * PAUSE_MS), "somebody has not been told yet"


def test_a_pool_is_told_when_it_stands_otherwise() -> None:
    told = Told(PAUSE_MS)
    state = a_state()
    first = told.new_loads(state)
    told.remember(a_cycle(loads=first))
    assert told.new_loads(state) == ()

    submit(state, a_job())
    happen(state, a_lease("j1", a_placement("east-npu", 8)))
    (load,) = told.new_loads(state)

    assert [one.pool_id for one in first] == ["east-npu", "east-gpu", "north-npu", "north-dcu"]
    assert (load.pool_id, load.allocated_cards) == ("east-npu", 8)


def test_what_may_be_leased_is_online_and_heard_of() -> None:
    state = a_state()
    happen(
        state,
        ev.NodesChanged(at_ms=1, centre_id="east", online_node_ids=("east-npu-n002",)),
        ev.CentreLinkChanged(at_ms=1, centre_id="north", is_heard=False),
    )

    loads = {load.pool_id: load for load in Told(PAUSE_MS).new_loads(state)}

    def cards(pool_id: str) -> tuple[int, int, int]:
        load = loads[pool_id]
        return load.registered_cards, load.online_cards, load.schedulable_cards

    assert cards("east-npu") == (16, 8, 8)
    assert cards("east-gpu") == (8, 0, 0)
    assert cards("north-npu") == (8, 8, 0)
    assert (loads["north-dcu"].tflops, loads["north-dcu"].centre_id) == (400, "north")


def test_without_a_park_no_pool_stands_anyhow() -> None:
    assert Told(PAUSE_MS).new_loads(State()) == ()


@pytest.mark.parametrize(
    ("start", "is_told"),
    [
        (PlannedStart(FAR_MS, "east-npu"), False),
        (PlannedStart(FAR_MS + 224_999, "east-npu"), False),
        (PlannedStart(FAR_MS + 225_000, "east-npu"), True),
        (PlannedStart(FAR_MS, "north-npu"), True),
        (PlannedStart(FAR_MS, "east-npu", is_promised=True), True),
        (PlannedStart(FAR_MS, "east-npu", card_count=8), True),
        (None, True),
    ],
)
def test_an_estimate_that_hardly_moved_is_not_told_again(
    start: PlannedStart | None, is_told: bool
) -> None:
    """It is an hour away: a sixteenth of that is hardly."""
    told = Told(PAUSE_MS)
    before = Verdict(reasons=(BUSY,), start=PlannedStart(FAR_MS, "east-npu"))
    told.remember(a_cycle(told.new_answers({"a": before}, 0, is_due=True)))

    now = told.new_answers({"a": Verdict(reasons=(BUSY,), start=start)}, 0, is_due=True)

    assert bool(now) is is_told


def test_a_promise_that_moved_at_all_is_told() -> None:
    told = Told(PAUSE_MS)
    before, after = (
        Verdict(reasons=(BUSY,), start=PlannedStart(at_ms, "east-npu", is_promised=True))
        for at_ms in (FAR_MS, FAR_MS - 1)
    )
    told.remember(a_cycle(told.new_answers({"a": before}, 0, is_due=True)))

    assert told.new_answers({"a": after}, 0, is_due=True).keys() == {"a"}


@pytest.mark.parametrize(
    ("p90_ms", "is_told"),
    [(2 * FAR_MS + 449_999, False), (2 * FAR_MS + 450_000, True), (None, True)],
)
@pytest.mark.parametrize("is_promised", [False, True])
@pytest.mark.parametrize("is_p50", [False, True])
def test_a_quantile_that_hardly_moved_is_not_told_again(
    p90_ms: int | None, *, is_told: bool, is_promised: bool, is_p50: bool
) -> None:
    """It is two hours away."""
    told = Told(PAUSE_MS)
    start = PlannedStart(FAR_MS, "east-npu", is_promised, 2 * FAR_MS, 2 * FAR_MS)
    moved = replace(start, p50_ms=p90_ms) if is_p50 else replace(start, p90_ms=p90_ms)
    before, after = (Verdict(reasons=(BUSY,), start=one) for one in (start, moved))
    told.remember(a_cycle(told.new_answers({"a": before}, 0, is_due=True)))

    assert bool(told.new_answers({"a": after}, 0, is_due=True)) is is_told


def test_what_a_job_was_told_first_is_kept_until_it_starts() -> None:
    told = Told(PAUSE_MS)
    unknown, later, sooner = (
        Verdict(reasons=(BUSY,), start=start)
        for start in (
            None,
            PlannedStart(FAR_MS, "east-npu", p90_ms=2 * FAR_MS, p50_ms=7),
            LATER.start,
        )
    )
    for now_ms, verdict in ((1, unknown), (2, later), (3, sooner)):
        answers = told.new_answers({"a": verdict}, now_ms, is_due=True)
        told.remember(a_cycle(answers, now_ms=now_ms))

    assert told.foretold == {"a": Foretold(2, FAR_MS, 2 * FAR_MS, 7)}
    told.remember(a_cycle(states={"a": JobState.LEASED}))
    assert told.foretold == {}


def test_an_estimate_that_has_passed_is_told_anew() -> None:
    told = Told(PAUSE_MS)
    before, after = (
        Verdict(reasons=(BUSY,), start=PlannedStart(at_ms, "east-npu")) for at_ms in (5_000, 5_001)
    )
    told.remember(a_cycle(told.new_answers({"a": before}, 0, is_due=True)))

    assert told.new_answers({"a": after}, 4_999, is_due=True) == {}
    assert told.new_answers({"a": after}, 5_000, is_due=True).keys() == {"a"}
