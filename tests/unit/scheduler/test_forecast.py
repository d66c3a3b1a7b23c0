"""What is promised and planned by forecasts, worked by hand: what is likely, and what is sure."""

from dataclasses import replace

import pytest

from scheduler.asking.whatif import what_if
from scheduler.facts import events as ev
from scheduler.facts.record import JobRecord
from scheduler.facts.state import State
from scheduler.forecast.ends import Ends, left_ms
from scheduler.model.job import Checkpoint, EndCause, Job, PlannedStart, Priority
from scheduler.model.policy import DEFAULT, EASY, FIRM_AFTER_MS, SURE_AFTER_MS, Policy
from scheduler.planning.planner import plan
from scheduler.timing.forecasts import Forecasts
from tests.builders import (
    HOUR_MS,
    a_job,
    a_lease,
    a_park,
    a_placement,
    a_pool,
    a_state,
    a_tenant,
    happen,
    submit,
)

POOL = "east-npu"
FIRM_MS = FIRM_AFTER_MS
LIMIT_MS = 240 * HOUR_MS


# How long it is likely to run.


@pytest.mark.parametrize(
    ("had_ms", "left"),
    [(0, 10), (9, 1), (10, 70), (19, 61), (40, 40), (79, 1), (80, 560), (639, 1), (640, 4480)],
)
def test_what_overstays_its_forecast_is_given_eight_times_as_long(had_ms: int, left: int) -> None:
    assert left_ms(10, had_ms) == left


def test_only_who_is_alike_in_all_that_decides_it_is_told_the_end_of_another() -> None:
    state = a_state()
    job = a_job("j", limit_ms=LIMIT_MS, checkpoint=Checkpoint(dir="c"))
    state.history.begin(job, "before.1", 0)
    state.history.end("before.1", 10 * HOUR_MS)
    records = [
        JobRecord(job=job),
        JobRecord(job=job, done_ms=HOUR_MS),
        JobRecord(job=job, done_ms=HOUR_MS, speed_permille=500),
        JobRecord(job=replace(job, limit_ms=HOUR_MS)),
    ]
    together = Forecasts(state, 1, DEFAULT)

    ends = [together.ends(record) for record in records]

    assert ends == [Forecasts(state, 1, DEFAULT).ends(record) for record in records]
    assert len({*ends}) == len(records)


def test_what_was_over_at_once_is_expected_to_run_for_a_moment() -> None:
    assert left_ms(0, 0) == 1
    assert left_ms(0, 5) == 3


def ends(
    forecast_ms: int | None,
    begin_ms: int,
    now_ms: int,
    *,
    served_ms: int = 0,
    is_saved: bool = True,
) -> Ends:
    checkpoint = Checkpoint(dir="c", grace_ms=0) if is_saved else None
    job = a_job(device_count=4, limit_ms=100, checkpoint=checkpoint)
    record = JobRecord(job=job, served_card_ms=4 * served_ms, done_ms=served_ms)
    return record.ends(begin_ms, now_ms, forecast_ms)


def test_where_nothing_is_foretold_it_runs_to_its_limit() -> None:
    assert ends(None, 5, 50) == Ends(105, 105)


def test_it_is_likely_to_end_by_its_forecast_and_at_the_latest_by_its_limit() -> None:
    assert ends(10, 5, 5) == Ends(15, 105)
    assert ends(10, 5, 14) == Ends(15, 105)
    assert ends(10, 5, 15) == Ends(85, 105)
    assert ends(10, 5, 85) == Ends(105, 105), "not after its limit"


def test_what_it_had_before_it_was_stopped_counts_as_run() -> None:
    assert ends(10, 0, 0, served_ms=5) == Ends(5, 100)
    assert ends(10, 0, 5, served_ms=5) == Ends(75, 100)


def test_what_is_lost_does_not() -> None:
    assert ends(30, 0, 0, served_ms=20, is_saved=False) == Ends(30, 100)


def test_a_clock_that_was_ahead_makes_nothing_longer() -> None:
    assert ends(30, 50, 40) == Ends(70, 150)


# Who runs for how long, in a state.


def runs(state: State, job: Job, at_ms: int) -> None:
    """It begins to run then, on the first node, whether it waits already or not."""
    if job.id not in state.jobs:
        submit(state, job)
    lease = a_lease(job.id, a_placement(POOL, job.device_count), at_ms=at_ms)
    happen(state, lease, ev.Started(at_ms=at_ms, attempt_id=lease.attempt_id))


def has_run(state: State, job: Job, length_ms: int, cause: EndCause = EndCause.FINISHED) -> None:
    """It has run since the beginning, and ended."""
    runs(state, job, 0)
    happen(state, ev.Ended(at_ms=length_ms, attempt_id=f"{job.id}.1", cause=cause, exit_code=0))


def lasting(job_id: str, cards: int = 8, user: str = "u") -> Job:
    """Its limit says nothing; what it is likely to take only its user's like can tell."""
    job = a_job(job_id, device_count=cards, limit_ms=LIMIT_MS, submitted_at_ms=HOUR_MS)
    return replace(job, user=user, name="like")


def a_node_of(*lengths: tuple[str, int], node_count: int = 1) -> State:
    """One node, and for each of these users a run that took so long."""
    state = a_state(park=a_park(a_pool(POOL, node_count, 8)))
    for user, length_ms in lengths:
        has_run(state, lasting(f"before-{user}", user=user), length_ms)
    return state


def test_a_job_is_foretold_by_what_its_own_user_ran() -> None:
    state = a_node_of(("u", 5), ("other", 7))
    submit(state, lasting("a"), lasting("b", user="other"), lasting("c", user="new"))

    assert [foretold(state, job_id) for job_id in "abc"] == [5, 7, LIMIT_MS]


def test_who_begins_later_ends_later() -> None:
    state = a_node_of(("u", 5))
    submit(state, lasting("a"))
    forecasts = Forecasts(state, HOUR_MS, DEFAULT)

    assert forecasts.ends(state.jobs["a"], 3) == Ends(HOUR_MS + 8, HOUR_MS + 3 + LIMIT_MS)
    assert forecasts.ends(state.jobs["a"]) == Ends(HOUR_MS + 5, HOUR_MS + LIMIT_MS)


def foretold(state: State, job_id: str, now_ms: int = HOUR_MS) -> int:
    """How long one that waits is likely to run."""
    return Forecasts(state, now_ms, DEFAULT).ends(state.jobs[job_id]).likely_ms - now_ms


def test_what_has_ended_while_it_waited_counts_for_who_waits_and_who_starts() -> None:
    state = a_node_of()
    submit(state, lasting("a"))
    before = foretold(state, "a")
    has_run(state, lasting("b"), 60)

    assert (before, foretold(state, "a")) == (LIMIT_MS, 60)
    runs(state, lasting("a"), 60)
    assert state.jobs["a"].forecast_ms == 60
    assert State.restored(state.snapshot()).jobs["a"].forecast_ms == 60


def test_who_came_before_its_like_had_run_may_pass_as_well() -> None:
    state = a_node_of(("u", HOUR_MS))
    submit(state, lasting("quick", 4, "quick"))
    has_run(state, lasting("like", 4, "quick"), HOUR_MS // 2)
    runs(state, lasting("runs", 4), HOUR_MS)
    submit(state, replace(lasting("head", user="new"), priority=Priority.HIGH))

    assert [grant.job_id for grant in plan(state, HOUR_MS + 1).grants] == ["quick"]


def test_what_is_being_stopped_ends_when_it_is_gone() -> None:
    state = a_node_of(("u", 5))
    runs(state, lasting("a"), 10)
    stop = ev.StopDecided(at_ms=20, attempt_id="a.1", cause=EndCause.CANCELLED, grace_ms=100)
    happen(state, stop)

    assert live_ends(state, 30) == Ends(120, 120)
    assert live_ends(state, 500) == Ends(501, 501)


def live_ends(state: State, now_ms: int) -> Ends:
    return Forecasts(state, now_ms, DEFAULT).live_ends(state.live["a.1"])


def test_before_it_starts_its_lease_counts() -> None:
    state = a_node_of(("u", 50))
    submit(state, lasting("a"))
    happen(state, a_lease("a", a_placement(POOL, 8), at_ms=100))

    assert live_ends(state, 120) == Ends(150, 100 + LIMIT_MS)
    latest = Ends(100 + LIMIT_MS, 100 + LIMIT_MS)
    assert Forecasts(state, 120, EASY).live_ends(state.live["a.1"]) == latest


# What is promised.


def waits(state: State, *jobs: Job, policy: Policy = DEFAULT, now_ms: int) -> dict[str, int | None]:
    """When each is planned to start; 0 for who starts now."""
    submit(state, *(job for job in jobs if job.id not in state.jobs))
    result = plan(state, now_ms, policy)
    starts = {
        job_id: one.start.at_ms if one.start else None for job_id, one in result.verdicts.items()
    }
    return starts | {grant.job_id: 0 for grant in result.grants}


def test_who_is_ahead_is_promised_a_start_when_the_others_are_likely_to_end() -> None:
    state = a_node_of(("u", HOUR_MS))
    runs(state, lasting("runs"), HOUR_MS)
    submit(state, lasting("head", user="new"))

    start = plan(state, HOUR_MS + 1).verdicts["head"].start

    assert start == PlannedStart(2 * HOUR_MS, POOL, is_promised=True)
    later = plan(state, 2 * HOUR_MS).verdicts["head"].start
    assert later == PlannedStart(9 * HOUR_MS, POOL, is_promised=True), (
        "what overstays is planned anew"
    )


def test_easy_knows_no_forecasts() -> None:
    state = a_node_of(("u", HOUR_MS))
    runs(state, lasting("runs"), HOUR_MS)

    assert waits(state, lasting("head"), lasting("next"), policy=EASY, now_ms=HOUR_MS + 1) == {
        "head": HOUR_MS + LIMIT_MS,
        "next": HOUR_MS + 2 * LIMIT_MS,
    }


def test_under_easy_what_starts_now_is_told_to_end_by_its_limit() -> None:
    state = a_node_of(("u", HOUR_MS))

    assert waits(state, lasting("first"), lasting("head"), policy=EASY, now_ms=HOUR_MS) == {
        "first": 0,
        "head": HOUR_MS + LIMIT_MS,
    }


def test_who_is_likely_to_be_over_in_time_may_pass() -> None:
    """`runs` is likely to end in an hour, `quick` in half of one, `slow` in two."""
    state = a_node_of(("u", HOUR_MS), ("quick", HOUR_MS // 2), ("slow", 2 * HOUR_MS))
    runs(state, lasting("runs", 4), HOUR_MS)
    head = replace(lasting("head", user="new"), priority=Priority.HIGH)
    others = (lasting("quick", 4, "quick"), lasting("slow", 4, "slow"))

    assert waits(state, head, *others, now_ms=HOUR_MS + 1) == {
        "head": 2 * HOUR_MS,
        "quick": 0,
        "slow": 2 * HOUR_MS + LIMIT_MS,
    }


def test_nobody_passes_by_a_forecast_who_has_waited_for_days() -> None:
    """It is still told when it is likely to start; cards are kept until that is sure."""
    state = a_node_of(("u", HOUR_MS), ("quick", HOUR_MS // 2))
    runs(state, lasting("runs", 4), FIRM_MS + HOUR_MS // 2)
    head = replace(lasting("head", user="new"), priority=Priority.HIGH)
    quick, brief = (
        lasting("quick", 4, "quick"),
        replace(lasting("brief", 4, "new"), limit_ms=HOUR_MS),
    )
    submit(state, head, quick, brief)

    before = plan(state, HOUR_MS + FIRM_MS - 1)
    after = plan(state, HOUR_MS + FIRM_MS)

    assert [grant.job_id for grant in before.grants] == ["quick"]
    assert [grant.job_id for grant in after.grants] == ["brief"]
    likely_ms = FIRM_MS + HOUR_MS // 2 + HOUR_MS
    assert after.verdicts["head"].start == PlannedStart(likely_ms, POOL, is_promised=True)
    (kept,) = after.verdicts["quick"].reasons
    assert kept.until_ms == FIRM_MS + HOUR_MS // 2 + LIMIT_MS


def test_after_a_week_what_is_free_first_by_limits_is_promised() -> None:
    """`slow` has come to its limit first, and is likely to end last."""
    state = a_node_of(("u", HOUR_MS), ("slow", LIMIT_MS), node_count=2)
    start_ms = SURE_AFTER_MS - HOUR_MS // 2
    slow, runs_now = lasting("slow", user="slow"), lasting("runs")
    submit(state, slow, runs_now)
    for node, job, at_ms in ((1, slow, 3 * HOUR_MS), (2, runs_now, start_ms)):
        lease = a_lease(job.id, a_placement(POOL, *[0] * (node - 1), 8), at_ms=at_ms)
        happen(state, lease, ev.Started(at_ms=at_ms, attempt_id=lease.attempt_id))
    submit(state, lasting("head", user="new"))

    before = plan(state, HOUR_MS + SURE_AFTER_MS - 1).verdicts["head"].start
    after = plan(state, HOUR_MS + SURE_AFTER_MS).verdicts["head"].start

    assert before == PlannedStart(start_ms + 8 * HOUR_MS, POOL, is_promised=True)
    assert after == PlannedStart(3 * HOUR_MS + LIMIT_MS, POOL, is_promised=True)


def test_a_job_that_went_back_to_the_queue_has_waited_since_then() -> None:
    state = a_node_of(("u", HOUR_MS), ("quick", HOUR_MS // 2))
    cut_off = replace(lasting("head", user="new"), retry_count=1, priority=Priority.HIGH)
    has_run(state, cut_off, 2 * FIRM_MS, EndCause.NODE)
    runs(state, lasting("runs", 4), 2 * FIRM_MS)
    submit(state, lasting("quick", 4, "quick"))

    result = plan(state, 2 * FIRM_MS + 1)

    assert list(result.verdicts) == ["head"]
    assert [grant.job_id for grant in result.grants] == ["quick"]


# What is kept of a quota.


def test_a_quota_is_kept_until_its_own_work_is_likely_to_end() -> None:
    state = a_state(a_tenant("steel", max_cards=8), park=a_park(a_pool(POOL, 4, 8)))
    has_run(state, lasting("before"), HOUR_MS)
    has_run(state, lasting("before-quick", user="quick"), HOUR_MS // 2)
    runs(state, lasting("runs", 4), HOUR_MS)
    head = replace(lasting("head", user="new"), priority=Priority.HIGH)
    others = (lasting("quick", 4, "quick"), lasting("slow", 4))
    submit(state, head, *others)

    first = plan(state, HOUR_MS + 1)
    second = plan(state, HOUR_MS + FIRM_MS)

    assert [grant.job_id for grant in first.grants] == ["quick"]
    assert [grant.job_id for grant in second.grants] == [], "by limits nobody is over in time"
    assert waits(state, now_ms=HOUR_MS + 1)["head"] == 2 * HOUR_MS


# What is planned for the rest, and asked about.


def test_all_who_wait_are_planned_for_as_long_as_they_are_likely_to_run() -> None:
    state = a_node_of(("u", HOUR_MS))
    runs(state, lasting("runs"), HOUR_MS)

    assert waits(state, lasting("a"), lasting("b"), lasting("c"), now_ms=HOUR_MS + 1) == {
        "a": 2 * HOUR_MS,
        "b": 3 * HOUR_MS,
        "c": 4 * HOUR_MS,
    }


def test_a_quote_goes_by_forecasts_as_the_plan_would() -> None:
    state = a_node_of(("u", HOUR_MS), ("quick", HOUR_MS // 2))
    runs(state, lasting("runs", 4), HOUR_MS)
    submit(state, replace(lasting("head", user="new"), priority=Priority.HIGH))

    (quick,) = what_if(state, HOUR_MS + 1, lasting("quick", 4, "quick"))
    (slow,) = what_if(state, HOUR_MS + 1, lasting("slow", 4, "u"))

    assert (quick.reasons, quick.start_ms) == ((), HOUR_MS + 1)
    assert slow.start_ms == 2 * HOUR_MS + LIMIT_MS


def test_what_should_have_ended_is_other_work_than_what_is_still_to_end() -> None:
    state = a_node_of()
    runs(state, lasting("runs"), 0)
    before, same, after = (
        Forecasts(state, now_ms, EASY).runs(POOL) for now_ms in (1, LIMIT_MS - 2, LIMIT_MS + 1)
    )

    assert before == same
    assert before != after
    assert before != Forecasts(state, 1, DEFAULT).runs(POOL), "it goes by limits, not by forecasts"
