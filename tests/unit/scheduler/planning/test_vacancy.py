"""How far a plan of grants alone goes: as long as anybody who waits could still be given cards."""

from dataclasses import replace

from scheduler.facts import events as ev
from scheduler.facts.state import State
from scheduler.forecast.history import Pace
from scheduler.model.job import Job, Priority
from scheduler.model.plan import Answers, Plan
from scheduler.model.policy import DEFAULT, EASY, FIFO
from scheduler.planning.planner import plan
from tests.builders import HOUR_MS, a_job, a_lease, a_park, a_placement, a_pool, a_state, happen
from tests.builders import submit as ask

POOL = "east-npu"


def a_node_with(free: int) -> State:
    """One node of 8 cards, of which so many are free and the others until an hour from now."""
    state = a_state(park=a_park(a_pool(POOL, 1, 8)))
    ask(state, wants("runs", 8 - free, HOUR_MS))
    happen(state, a_lease("runs", a_placement(POOL, 8 - free)))
    happen(state, ev.Started(at_ms=0, attempt_id="runs.1"))
    return state


def wants(job_id: str, cards: int, limit_ms: int = 10 * HOUR_MS) -> Job:
    """In the order of their ids."""
    return a_job(job_id, device_count=cards, limit_ms=limit_ms)


def planned(state: State, *jobs: Job) -> tuple[list[str], list[str]]:
    """Who starts, and who was looked at in vain."""
    ask(state, *jobs)
    result = plan(state, 1, EASY, Answers.GRANTS)
    return [grant.job_id for grant in result.grants], [*result.verdicts]


def test_nobody_else_is_looked_at_once_no_shape_fits_into_what_is_free() -> None:
    jobs = [wants(f"j{number}", 4 + number % 2) for number in range(9)]

    assert planned(a_node_with(3), *jobs) == ([], [])
    assert planned(a_node_with(4), *jobs) == (["j0"], [])


def test_where_all_is_taken_in_one_pool_others_are_looked_at() -> None:
    state = a_state(park=a_park(a_pool(POOL, 1, 8), a_pool("west-npu", 1, 8)))
    ask(state, wants("runs", 8))
    happen(state, a_lease("runs", a_placement(POOL, 8)))

    assert planned(state, wants("a", 8), wants("b", 8))[0] == ["a"]


def test_where_all_is_taken_who_may_be_stopped_is() -> None:
    state = a_state(park=a_park(a_pool(POOL, 1, 8)))
    ask(state, replace(wants("runs", 8), priority=Priority.LOW))
    happen(state, a_lease("runs", a_placement(POOL, 8)))
    happen(state, ev.Started(at_ms=0, attempt_id="runs.1"))
    ask(state, wants("a", 8), wants("b", 8))

    result = plan(state, HOUR_MS, DEFAULT, Answers.GRANTS)

    assert [one.attempt_id for one in result.evictions] == ["runs.1"]


def test_whoever_fits_is_reached_behind_many_who_do_not() -> None:
    jobs = [wants(f"j{number}", 4, 2 * HOUR_MS) for number in range(5)]

    grants, in_vain = planned(a_node_with(3), *jobs, wants("last", 1, HOUR_MS // 2))

    assert grants == ["last"]
    assert len(in_vain) == 5


def test_what_is_kept_for_the_first_is_left_only_for_who_is_over_in_time() -> None:
    long = [wants(f"long-{number}", 2, 2 * HOUR_MS) for number in range(4)]
    brief = wants("zz-brief", 2, HOUR_MS // 2)

    assert planned(a_node_with(2), wants("first", 8), *long) == ([], ["first"])
    assert planned(a_node_with(2), wants("first", 8), *long, brief)[0] == ["zz-brief"]


def test_shapes_of_one_size_are_over_when_the_first_of_any_of_them_is() -> None:
    brief = wants("brief", 2, HOUR_MS // 2)
    long = replace(wants("long", 2, 2 * HOUR_MS), node_count=1)

    assert planned(a_node_with(2), wants("a", 8), brief, long)[0] == ["brief"]


def test_who_is_over_in_time_and_was_given_cards_keeps_nobody_else_in_view() -> None:
    long = [wants(f"long-{number}", 2, 2 * HOUR_MS) for number in range(4)]
    brief = wants("brief", 2, HOUR_MS // 2)

    assert planned(a_node_with(4), wants("a", 8), brief, *long) == (["brief"], ["a"])


def test_where_it_goes_by_forecasts_who_is_likely_to_be_over_in_time_is_reached() -> None:
    state = a_node_with(2)
    brief, long = (replace(wants(name, 2), name=name) for name in ("brief", "long"))
    for job, length_ms in ((brief, HOUR_MS // 2), (long, 2 * HOUR_MS)):
        state.history.begin(job, f"{job.name}-before.1", 0)
        state.history.end(f"{job.name}-before.1", length_ms)
    ask(state, replace(wants("first", 8), priority=Priority.HIGH), brief, long)

    result = plan(state, 1, DEFAULT, Answers.GRANTS)

    assert [grant.job_id for grant in result.grants] == ["brief"]


def test_of_jobs_alike_but_for_their_names_each_of_which_its_like_ran_is_looked_at() -> None:
    state = a_node_with(2)
    ran(state, ("brief", HOUR_MS // 2), *[("other", 2 * HOUR_MS)] * 3)
    strange, brief = (replace(wants(name, 2), name=name) for name in ("a-strange", "brief"))
    ask(state, replace(wants("first", 8), priority=Priority.HIGH), strange, brief)

    result = plan(state, 1, DEFAULT, Answers.GRANTS)

    assert [grant.job_id for grant in result.grants] == ["brief"]


def test_and_one_of_all_others() -> None:
    state = a_node_with(2)
    ran(state, ("a-long", 2 * HOUR_MS), *[("other", HOUR_MS // 2)] * 3)
    long, strange = (replace(wants(name, 2), name=name) for name in ("a-long", "strange"))
    ask(state, replace(wants("first", 8), priority=Priority.HIGH), long, strange)

    result = plan(state, 1, DEFAULT, Answers.GRANTS)

    assert [grant.job_id for grant in result.grants] == ["strange"]


def test_so_they_are_where_the_limits_differ_as_well() -> None:
    state = a_node_with(2)
    ran(state, ("a-long", 2 * HOUR_MS), ("brief", HOUR_MS // 2))
    long, brief = replace(wants("a-long", 2, 9 * HOUR_MS), name="a-long"), wants("brief", 2)
    ask(state, replace(wants("first", 8), priority=Priority.HIGH))
    ask(state, long, replace(brief, name="brief"))

    result = plan(state, 1, DEFAULT, Answers.GRANTS)

    assert [grant.job_id for grant in result.grants] == ["brief"]


def test_what_one_user_ran_says_nothing_of_the_namesakes_of_another() -> None:
    state = a_node_with(2)
    long, brief = wants("a-long", 2, 9 * HOUR_MS), replace(wants("brief", 2), user="other")
    for job, length_ms in ((long, 2 * HOUR_MS), (brief, HOUR_MS // 2)):
        state.history.begin(job, f"{job.id}-before.1", 0)
        state.history.end(f"{job.id}-before.1", length_ms)
    ask(state, replace(wants("first", 8), priority=Priority.HIGH), long, brief)

    result = plan(state, 1, DEFAULT, Answers.GRANTS)

    assert [grant.job_id for grant in result.grants] == ["brief"]


def ran(state: State, *runs: tuple[str, int]) -> None:
    """On two cards, so named and for so long, one begun after the other."""
    for number, (name, length_ms) in enumerate(runs):
        state.history.begin(replace(wants(name, 2), name=name), f"before-{number}.1", 0)
        state.history.end(f"before-{number}.1", length_ms)


def test_what_is_spare_beside_the_first_is_left_for_all() -> None:
    long = [wants(f"long-{number}", 1) for number in range(2)]
    others = [wants(f"others-{number}", 8) for number in range(3)]

    grants, in_vain = planned(a_node_with(2), wants("first", 7), *long, *others)

    assert grants == ["long-0"]
    assert in_vain == ["first"], "one card is free, and kept"


def test_who_is_granted_something_is_not_waited_for_again() -> None:
    others = [wants(f"others-{number}", 8) for number in range(3)]

    assert planned(a_node_with(4), wants("first", 1), *others) == (["first"], [])
    kept = wants("brief", 1, HOUR_MS // 2)
    assert planned(a_node_with(4), wants("a", 8), kept, *others) == (["brief"], ["a"])


def test_where_nobody_passes_nobody_is_looked_at_behind_who_is_blocked() -> None:
    state = a_node_with(3)
    ask(state, wants("first", 4), wants("second", 1), wants("third", 1))

    result = plan(state, 1, FIFO, Answers.GRANTS)

    assert result == Plan(grants=(), verdicts=result.verdicts, answers=Answers.GRANTS)
    assert [*result.verdicts] == ["first"]


def test_who_is_over_in_time_on_a_faster_kind_is_reached_behind_its_like_of_another_shape() -> None:
    state = a_node_with(2)
    ran_on_two_kinds(state)
    slow, fast = wants("slow", 2), replace(wants("fast", 2), device_kind_ids=("npu", "dcu"))
    strange = replace(fast, id="another", name="strange")
    first = replace(wants("first", 8), priority=Priority.HIGH)
    ask(state, first, slow, strange, fast)

    result = plan(state, 1, DEFAULT, Answers.GRANTS)

    assert [grant.job_id for grant in result.grants] == ["fast"]


def test_and_may_have_others_stopped_there() -> None:
    state = a_node_with(2)
    ran_on_two_kinds(state)
    ask(state, replace(wants("low", 2, HOUR_MS), priority=Priority.LOW))
    happen(state, a_lease("low", a_placement(POOL, 2)))
    happen(state, ev.Started(at_ms=0, attempt_id="low.1"))
    first = replace(wants("first", 8), priority=Priority.HIGH)
    ask(state, first, wants("a-slow", 2), replace(wants("fast", 2), device_kind_ids=("npu", "dcu")))

    result = plan(state, HOUR_MS // 4, DEFAULT, Answers.GRANTS)

    assert [(one.attempt_id, one.job_id) for one in result.evictions] == [("low.1", "fast")]


def ran_on_two_kinds(state: State) -> None:
    """On two cards, for half an hour on the one kind and for two hours on the other."""
    for number in range(6):
        kind_id, length_ms = ("dcu", 2 * HOUR_MS) if number % 2 else ("npu", HOUR_MS // 2)
        attempt_id = f"digits-{number}.1"
        state.history.begin(wants("digits", 2), attempt_id, 0, Pace(kind_id, 2, 1_000))
        state.history.end(attempt_id, length_ms)


def test_who_fits_in_another_of_its_forms_alone_is_reached() -> None:
    elastic = replace(wants("zz-elastic", 4, HOUR_MS // 4), min_device_count=2)
    others = [wants(f"others-{number}", 5) for number in range(3)]

    grants, in_vain = planned(a_node_with(2), *others, elastic)

    assert grants == ["zz-elastic"]
    assert len(in_vain) == 3


def test_who_would_be_over_in_time_and_finds_no_card_any_more_keeps_nobody_else_in_view() -> None:
    brief = [wants(f"brief-{number}", 2, HOUR_MS // 2) for number in range(3)]

    assert planned(a_node_with(2), wants("a", 8), *brief) == (["brief-0"], ["a"])


def test_where_it_goes_by_limits_whose_limit_comes_in_time_is_reached() -> None:
    """The promise of who has waited for days is firm."""
    state, now_ms = a_state(park=a_park(a_pool(POOL, 1, 8))), 73 * HOUR_MS
    ask(state, wants("runs", 6, 240 * HOUR_MS))
    happen(state, a_lease("runs", a_placement(POOL, 6)))
    happen(state, ev.Started(at_ms=0, attempt_id="runs.1"))
    long = replace(wants("long", 2, 200 * HOUR_MS), user="other")
    ask(state, replace(wants("first", 8), priority=Priority.HIGH), long)
    ask(state, wants("zz-brief", 2, 100 * HOUR_MS))

    result = plan(state, now_ms, DEFAULT, Answers.GRANTS)

    assert [grant.job_id for grant in result.grants] == ["zz-brief"]
