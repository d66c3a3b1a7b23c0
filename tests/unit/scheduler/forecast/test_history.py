"""How long a job is expected to run, by what has run, worked by hand; and who is due first."""

from copy import deepcopy
from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from scheduler.facts import events as ev
from scheduler.facts.queue import SLOWDOWN
from scheduler.facts.state import State
from scheduler.forecast.history import RUNS_MAX, UNKNOWN_MS, WINDOW, History
from scheduler.model.job import Checkpoint, EndCause, Job
from scheduler.model.policy import EASY
from scheduler.planning.planner import plan
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

MINUTE_MS = 60_000
LONG_MS = 1_000 * HOUR_MS


def like(
    job_id: str = "j", cards: int = 1, user: str = "u", name: str = "n", tenant_id: str = "steel"
) -> Job:
    job = a_job(job_id, device_count=cards, limit_ms=LONG_MS, tenant_id=tenant_id)
    return replace(job, user=user, name=name)


def after(*runs: tuple[Job, int]) -> History:
    """These have run for so long, one after the other."""
    history = History()
    for number, (job, length_ms) in enumerate(runs):
        history.begin(job, f"{number}.1", number)
        history.end(f"{number}.1", length_ms)
    return history


# What is expected.


def test_where_nothing_has_run_an_hour_is_expected_or_the_limit() -> None:
    assert History().expected_ms(like(), 0) == UNKNOWN_MS == HOUR_MS
    assert History().expected_ms(replace(like(), limit_ms=5), 0) == 5


def test_what_begins_counts_though_its_group_was_asked_before() -> None:
    history = after((like(), 30))
    assert history.expected_ms(like(), 1) == 30

    history.begin(like(), "later.1", 1)

    assert history.expected_ms(like(), 1 + HOUR_MS) == 2 * HOUR_MS


def test_the_median_of_what_was_like_it_is_expected() -> None:
    assert after((like(), 30)).expected_ms(like(), 0) == 30
    assert after((like(), 30), (like(), 10), (like(), 20)).expected_ms(like(), 0) == 20
    assert after((like(), 30), (like(), 10)).expected_ms(like(), 0) == 30, "of two the longer"
    assert after((like(), 30)).expected_ms(replace(like(), limit_ms=7), 0) == 7


def test_who_is_most_like_it_counts_alone() -> None:
    runs = [
        (like(tenant_id="fish", user="w"), 50),
        (like(user="v"), 40),
        (like(cards=2), 30),
        (like(name="other"), 20),
        (like(), 10),
    ]
    asked = [like(tenant_id="coal"), like(user="x"), like(cards=3), like(name="new"), like()]

    for known, expected in ((1, 50), (2, 40), (3, 30), (4, 20), (5, 10)):
        history = after(*runs[:known])
        assert history.expected_ms(asked[known - 1], 0) == expected


def test_of_a_group_the_last_runs_count() -> None:
    old = [(like(), 99)] * WINDOW
    new = [(like(), 5)] * (WINDOW // 2 + 1)

    assert after(*old).expected_ms(like(), 0) == 99
    assert after(*old, *new).expected_ms(like(), 0) == 5


def test_what_runs_counts_as_long_as_what_ran_longer() -> None:
    """Of a campaign of six only the two short ones have ended, and four run for an hour."""
    history = after((like(), MINUTE_MS), (like(), 2 * MINUTE_MS))
    for number in range(4):
        history.begin(like(), f"runs-{number}", 0)

    assert history.expected_ms(like(), MINUTE_MS) == 2 * MINUTE_MS
    assert history.expected_ms(like(), HOUR_MS) == 2 * HOUR_MS


def test_of_several_that_ran_longer_it_counts_as_the_median() -> None:
    history = after((like(), 20), (like(), 30), (like(), 40))
    for attempt_id in ("one.1", "other.1"):
        history.begin(like(), attempt_id, 5)

    assert history.expected_ms(like(), 15) == 30, "of 20, 30, 30, 30 and 40"


def test_what_has_only_begun_says_nothing_where_nothing_has_ended() -> None:
    history = after(*[(like(tenant_id="fish"), 9)] * 3)
    history.begin(like(), "runs", 0)

    assert history.expected_ms(like(), 600_000 - 1) == 9
    assert history.expected_ms(like(), 600_000) == 1_200_000


def test_what_was_cut_off_says_nothing() -> None:
    history = after((like(), 30))
    for number in range(5):
        history.begin(like(), f"cut-{number}", 0)
        history.end(f"cut-{number}", None)

    assert history.expected_ms(like(), HOUR_MS) == 30


def test_what_was_cut_off_pushes_nothing_out() -> None:
    history = after(*[(like(), 60)] * WINDOW)
    for number in range(2 * WINDOW):
        history.begin(like(), f"cut-{number}", 0)
        history.end(f"cut-{number}", None)

    assert history.expected_ms(like(), HOUR_MS) == 60


def test_what_begins_after_the_moment_asked_about_has_run_for_nothing() -> None:
    history = History()
    for begins_ms in (0, 7 * HOUR_MS, 7 * HOUR_MS):
        history.begin(like(), str(begins_ms), begins_ms)

    assert history.expected_ms(like(), HOUR_MS) == 1
    assert history.forecast_ms(like(), HOUR_MS) == 0


def test_a_restored_state_expects_the_same_of_what_is_over_at_once() -> None:
    state = a_state()
    state.history = after((like(), 0))
    submit(state, like("waits"))

    again = State.restored(deepcopy(state.snapshot()))

    assert again.jobs["waits"].expected_ms == state.jobs["waits"].expected_ms == 1


def test_the_oldest_runs_are_forgotten() -> None:
    history = after((like(user="gone"), 7), *[(like(), 5)] * RUNS_MAX)

    assert len(history.runs) == RUNS_MAX
    assert not history.names(like(user="gone"))
    assert history.names(like())
    assert history.expected_ms(like(user="gone", tenant_id="steel"), 0) == 5


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["u", "v"]),
            st.sampled_from([1, 2]),
            st.one_of(st.none(), st.integers(0, 9)),
            st.booleans(),
        ),
        max_size=40,
    )
)
def test_what_a_checkpoint_keeps_forecasts_the_same(
    runs: list[tuple[str, int, int | None, bool]],
) -> None:
    history = History()
    for number, (user, cards, length_ms, has_ended) in enumerate(runs):
        history.begin(like(user=user, cards=cards), str(number), number)
        if has_ended:
            history.end(str(number), length_ms)

    again = History(list(history.runs))

    for user in ("u", "v", "w"):
        for cards in (1, 2, 3):
            job = like(user=user, cards=cards)
            assert again.expected_ms(job, HOUR_MS) == history.expected_ms(job, HOUR_MS)


# What the state learns.


def a_node() -> State:
    return a_state(a_tenant("steel"), a_tenant("fish"), park=a_park(a_pool("east-npu", 1, 8)))


def run(state: State, job: Job, *, until_ms: int, cause: EndCause, number: int = 1) -> None:
    if job.id not in state.jobs:
        submit(state, job)
    lease = a_lease(job.id, a_placement("east-npu", job.device_count), at_ms=0, number=number)
    happen(
        state,
        lease,
        ev.Started(at_ms=0, attempt_id=lease.attempt_id),
        ev.Ended(at_ms=until_ms, attempt_id=lease.attempt_id, cause=cause, exit_code=0),
    )


def test_ends_of_its_own_and_of_its_user_tell_how_long_it_runs() -> None:
    told = {}
    for cause in EndCause:
        state = a_node()
        run(state, like("old"), until_ms=77, cause=cause)
        told[cause] = state.history.expected_ms(like(), 0)

    own = {EndCause.FINISHED, EndCause.USER_ERROR, EndCause.CANCELLED, EndCause.LIMIT}
    assert told == {cause: 77 if cause in own else UNKNOWN_MS for cause in EndCause}


def test_what_it_had_before_it_made_room_belongs_to_its_run() -> None:
    state = a_node()
    saves = replace(like("old", cards=4), checkpoint=Checkpoint(dir="c"))
    run(state, saves, until_ms=70, cause=EndCause.PREEMPTED)
    run(state, saves, until_ms=30, cause=EndCause.FINISHED, number=2)

    assert state.history.expected_ms(like(cards=4), 0) == 100


def test_what_was_lost_does_not() -> None:
    state = a_node()
    run(state, like("old"), until_ms=70, cause=EndCause.PREEMPTED)
    run(state, like("old"), until_ms=30, cause=EndCause.FINISHED, number=2)

    assert state.history.expected_ms(like(), 0) == 30


def test_a_job_keeps_what_was_expected_of_it_and_a_checkpoint_keeps_all() -> None:
    state = a_node()
    run(state, like("old"), until_ms=77, cause=EndCause.FINISHED)
    submit(state, like("new"))

    again = State.restored(state.snapshot())

    assert again.jobs["new"].expected_ms == 77
    assert again.history.expected_ms(like(), 0) == 77


def test_what_it_can_go_on_from_counts_as_had_after_a_fault_as_well() -> None:
    state = a_node()
    saves = replace(like("saves"), checkpoint=Checkpoint(dir="c"), retry_count=1)
    run(state, saves, until_ms=70, cause=EndCause.NODE)
    run(state, replace(like("loses"), retry_count=1), until_ms=70, cause=EndCause.NODE)

    assert {record.job.id: record.served_card_ms for record in state.queue.records()} == {
        "saves": 70,
        "loses": 0,
    }


def test_jobs_of_an_older_checkpoint_are_expected_to_run_for_an_hour() -> None:
    state = a_node()
    submit(state, like("long"), replace(like("short"), limit_ms=MINUTE_MS))
    for record in state.jobs.values():
        record.expected_ms = 0

    again = State.restored(state.snapshot())

    assert [again.jobs[job_id].expected_ms for job_id in ("long", "short")] == [HOUR_MS, MINUTE_MS]


# Who is due first.


def order(state: State, now_ms: int = 0) -> list[str]:
    """Who starts, one after the other, on a node for one of them."""
    started = []
    while grants := plan(state, now_ms).grants:
        (grant,) = grants
        started.append(grant.job_id)
        happen(
            state,
            a_lease(grant.job_id, grant.placement, at_ms=now_ms, hold_micros=grant.hold_micros),
            ev.Ended(
                at_ms=now_ms, attempt_id=f"{grant.job_id}.1", cause=EndCause.FINISHED, exit_code=0
            ),
        )
    return started


def whole(job_id: str, minutes: int, at_ms: int, tenant_id: str = "steel") -> Job:
    """All of the node, for so long at most."""
    return a_job(
        job_id,
        device_count=8,
        limit_ms=minutes * MINUTE_MS,
        submitted_at_ms=at_ms,
        tenant_id=tenant_id,
    )


def test_the_short_go_first_and_the_rest_by_age() -> None:
    state = a_node()
    submit(state, whole("long", 60, 0), whole("b", 10, 2), whole("a", 10, 1))

    assert order(state, 5) == ["a", "b", "long"]


def test_nobody_is_passed_by_who_comes_too_late() -> None:
    late_ms = SLOWDOWN * 50 * MINUTE_MS
    for at_ms, first in ((late_ms - 1, "short"), (late_ms + 1, "long")):
        state = a_node()
        submit(state, whole("long", 60, 0), whole("short", 10, at_ms))
        assert order(state, 2 * late_ms)[0] == first


def test_the_share_of_tenants_comes_before_who_is_due() -> None:
    state = a_node()
    state.shares["steel"].used = 10.0**12
    submit(state, whole("short", 1, 0), whole("long", 60, 0, "fish"))

    assert order(state)[0] == "long"


def test_others_than_the_default_policy_go_by_age() -> None:
    state = a_node()
    submit(state, whole("long", 60, 0), whole("short", 10, 1))

    assert [grant.job_id for grant in plan(state, 2, EASY).grants] == ["long"]


def test_what_the_example_of_the_documentation_says() -> None:
    """`a`, 8 h, of 08:00, is due after 800 h; `b`, 10 min, of 09:00, after 16 h 40 min."""
    state = a_node()
    state.history = after(
        *[(replace(like(), name="ten minutes"), 10 * MINUTE_MS)], *[(like(), 8 * HOUR_MS)]
    )
    a = replace(like("a"), submitted_at_ms=8 * HOUR_MS)
    b = replace(like("b"), submitted_at_ms=9 * HOUR_MS, name="ten minutes")
    submit(state, a, b)

    dues_ms = {record.job.id: key[1] for key, record in state.queue.lanes["steel", "default", 0]}

    assert {one: round(at_ms / MINUTE_MS) for one, at_ms in dues_ms.items()} == {
        "a": 808 * 60,
        "b": 25 * 60 + 40,
    }
    assert list(dues_ms) == ["b", "a"]
    assert all(one <= other for one, other in pairwise(dues_ms.values()))


def test_what_was_asked_before_is_forgotten_with_every_run_that_changes_it() -> None:
    history, job = History(), like()

    def forecasts() -> tuple[int | None, int | None]:
        """As it is known, and as it would be learnt anew."""
        anew = History(history.runs)
        return history.forecast_ms(job, 2 * HOUR_MS), anew.forecast_ms(job, 2 * HOUR_MS)

    assert forecasts() == (None, None)
    history.begin(job, "1.1", HOUR_MS)
    assert forecasts() == (2 * HOUR_MS, 2 * HOUR_MS)
    history.end("1.1", 9)
    assert forecasts() == (9, 9)
    history.begin(job, "2.1", 2 * HOUR_MS - 8)
    assert forecasts() == (9, 9)
    history.end("2.1", 7)
    assert forecasts() == (9, 9)
    for number in range(RUNS_MAX - 1):
        history.begin(like(tenant_id="other"), f"others-{number}.1", 0)
    assert forecasts() == (7, 7)
