"""With how long a run the order reckons: by what was submitted nearest, worked by hand."""

from copy import deepcopy
from dataclasses import replace

from hypothesis import example, given
from hypothesis import strategies as st

from scheduler.facts import events as ev
from scheduler.facts.state import State
from scheduler.forecast.history import UNKNOWN_MS, History, PastRun
from scheduler.forecast.siblings import NEAR_MS, NEAREST, SHORT_MS, Siblings, first_near
from scheduler.model.job import EndCause, Job
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


def sent(at_ms: int, job_id: str = "j", cards: int = 1, user: str = "u") -> Job:
    job = a_job(job_id, device_count=cards, limit_ms=1_000 * HOUR_MS, submitted_at_ms=at_ms)
    return replace(job, user=user, name=job_id)


def after(*runs: tuple[int, int | None]) -> History:
    """Submitted then, these ran for so long from 0 on; None: they still run."""
    history = History()
    for number, (at_ms, length_ms) in enumerate(runs):
        history.begin(sent(at_ms), f"{number}.1", 0)
        if length_ms is not None:
            history.end(f"{number}.1", length_ms)
    return history


def test_where_no_run_has_ended_it_is_an_hour_or_the_limit() -> None:
    assert History().reckoned_ms(sent(0), 0) == UNKNOWN_MS
    assert after((0, None)).reckoned_ms(sent(0), HOUR_MS) == UNKNOWN_MS
    assert History().reckoned_ms(replace(sent(0), limit_ms=5), 0) == 5


def test_what_is_sure_counts_as_it_is_and_at_most_its_limit() -> None:
    history = after(*[(0, HOUR_MS)] * 5)

    assert abs(history.reckoned_ms(sent(NEAR_MS), 0) - HOUR_MS) < 100
    assert history.reckoned_ms(replace(sent(0), limit_ms=7), 0) == 7


def test_the_example_of_the_documentation() -> None:
    """A run of a minute that came with it, and one of an hour that came ten minutes before."""
    history = after((0, HOUR_MS), (10 * MINUTE_MS, MINUTE_MS))

    reckoned_ms = history.reckoned_ms(sent(10 * MINUTE_MS), 10 * MINUTE_MS)

    mean_s, inverse = (60 + 3600 / 3 + 1830), (1 / 60 + 1 / 3600 / 3 + (1 / 60 + 1 / 3600) / 2)
    assert abs(reckoned_ms - 1_000 * (mean_s / inverse) ** 0.5) < 10
    assert reckoned_ms // 1_000 == 349


def test_what_is_forgotten_counts_no_more_among_all_that_ran() -> None:
    siblings, alone = Siblings(), Siblings()
    ended = [
        PastRun(
            attempt_id=f"{length_ms}.1",
            tenant_id="t",
            user="u",
            name="n",
            card_count=1,
            started_at_ms=0,
            length_ms=length_ms,
        )
        for length_ms in (HOUR_MS, MINUTE_MS)
    ]
    for run in ended:
        siblings.add(run)
    alone.add(ended[1])

    siblings.discard(ended[0])

    assert siblings == alone


def test_what_was_submitted_nearer_counts_for_more() -> None:
    history = after((0, MINUTE_MS), (HOUR_MS, HOUR_MS))

    reckoned = [history.reckoned_ms(sent(at), HOUR_MS) for at in (0, HOUR_MS // 2, HOUR_MS)]

    assert reckoned == sorted(set(reckoned))


def test_of_which_nothing_near_has_run_may_be_short() -> None:
    """So it goes before what is known to take as long as most do."""
    history = after((0, MINUTE_MS), *[(90 * HOUR_MS, HOUR_MS)] * 19)

    far, near = (history.reckoned_ms(sent(at), 0) for at in (900 * HOUR_MS, 90 * HOUR_MS))

    assert far < near < HOUR_MS


def test_only_the_nearest_count() -> None:
    far = [(MINUTE_MS, HOUR_MS)]
    near = [(0, MINUTE_MS)] * NEAREST

    counted = [after(*near, *far * n).reckoned_ms(sent(0), 0) for n in (0, 1)]

    assert counted[0] == MINUTE_MS
    assert MINUTE_MS < counted[1] < 2 * MINUTE_MS, "as a part of what its group ever ran"


@given(st.lists(st.integers(0, 60), max_size=3 * NEAREST), st.integers(-5, 65))
@example([0, *[1] * (NEAREST - 1), 2], 1)
@example([*range(2 * NEAREST)], NEAREST)
def test_the_nearest_stand_together_and_of_two_as_near_it_is_the_earlier(
    moments: list[int], at_ms: int
) -> None:
    entries = [(moment, "", None) for moment in sorted(moments)]

    first = first_near(entries, at_ms)

    found = [moment for moment, _, _ in entries[first : first + NEAREST]]
    by_distance = sorted(moments, key=lambda one: (abs(one - at_ms), one))
    assert found == sorted(by_distance[:NEAREST])


def test_what_still_runs_counts_as_those_that_ran_for_longer() -> None:
    ended = [(0, MINUTE_MS)] * 4
    fresh, late = ([*ended, *[(0, None)] * 8] for _ in range(2))

    assert after(*fresh).reckoned_ms(sent(0), 0) == MINUTE_MS
    assert after(*late).reckoned_ms(sent(0), HOUR_MS) > 4 * MINUTE_MS


def test_what_ran_for_longer_than_all_counts_as_half_over() -> None:
    history = after((0, MINUTE_MS), *[(0, None)] * (NEAREST - 1))

    assert (
        abs(
            history.reckoned_ms(sent(0), 10 * HOUR_MS)
            - 1_000 * (1_080_120 / (1 / 30 + 15 / 72_000)) ** 0.5
        )
        < 10
    )


def test_what_runs_for_longer_than_the_short_ones_is_none_of_them() -> None:
    """Of its group half ran for a minute; those near it run for two."""
    far = [(-900 * HOUR_MS, MINUTE_MS), (-900 * HOUR_MS, HOUR_MS)] * NEAREST
    history = after(*far, *[(0, None)] * NEAREST)

    assert history.reckoned_ms(sent(0), 2 * MINUTE_MS) > 15 * MINUTE_MS


def test_what_runs_counts_as_those_alone_that_ran_for_longer_than_it_has() -> None:
    history = after((0, MINUTE_MS), (0, HOUR_MS), *[(0, None)] * 8)

    fresh_ms, late_ms = (history.reckoned_ms(sent(0), at) for at in (0, 2 * MINUTE_MS))

    assert 2 * late_ms > 3 * fresh_ms


def test_what_runs_and_was_submitted_far_away_counts_for_little() -> None:
    history = after((0, MINUTE_MS), (HOUR_MS, None))

    assert history.reckoned_ms(sent(0), 10 * HOUR_MS) < 10 * MINUTE_MS


def test_what_is_trivial_counts_as_ten_seconds_in_the_inverse() -> None:
    assert after((0, 1)).reckoned_ms(sent(0), 0) == 100  # the root of 1 and 10,000 ms
    assert after((0, SHORT_MS)).reckoned_ms(sent(0), 0) == SHORT_MS


def test_what_was_cut_off_and_what_is_forgotten_count_for_nothing() -> None:
    history = after((0, HOUR_MS), (0, None))
    history.end("1.1", None)

    assert abs(history.reckoned_ms(sent(0), 9 * HOUR_MS) - HOUR_MS) < 100


RUNS = st.lists(
    st.tuples(
        st.sampled_from(["u", "v"]),
        st.integers(0, 9 * MINUTE_MS),
        st.one_of(st.none(), st.integers(0, HOUR_MS)),
        st.booleans(),
    ),
    max_size=40,
)


@given(RUNS)
def test_a_checkpoint_reckons_the_same(runs: list[tuple[str, int, int | None, bool]]) -> None:
    history = History()
    for number, (user, at_ms, length_ms, has_ended) in enumerate(runs):
        history.begin(sent(at_ms, user=user), str(number), number)
        if has_ended:
            history.end(str(number), length_ms)

    again = History(list(history.runs))

    for user in ("u", "v", "w"):
        for at_ms in (0, 5 * MINUTE_MS, HOUR_MS):
            job = sent(at_ms, user=user)
            assert again.reckoned_ms(job, HOUR_MS) == history.reckoned_ms(job, HOUR_MS)


@given(RUNS, st.lists(st.integers(0, 9 * MINUTE_MS), max_size=5))
def test_several_are_reckoned_as_each_alone(
    runs: list[tuple[str, int, int | None, bool]], moments: list[int]
) -> None:
    history = History()
    for number, (user, at_ms, length_ms, has_ended) in enumerate(runs):
        history.begin(sent(at_ms, user=user), str(number), number)
        if has_ended:
            history.end(str(number), length_ms)
    jobs = [sent(at_ms, user=user) for at_ms in moments for user in ("u", "v")]

    reckoned = history.all_reckoned_ms(jobs, HOUR_MS)

    assert reckoned == [history.reckoned_ms(job, HOUR_MS) for job in jobs]


# What the queue learns.


def ran(state: State, job: Job, until_ms: int) -> None:
    lease = a_lease(job.id, a_placement("east-npu", job.device_count), at_ms=0)
    happen(
        state,
        lease,
        ev.Started(at_ms=0, attempt_id=lease.attempt_id),
        ev.Ended(at_ms=until_ms, attempt_id=lease.attempt_id, cause=EndCause.FINISHED, exit_code=0),
    )


def test_once_one_of_a_campaign_has_run_the_others_are_due_by_it() -> None:
    state = a_state(a_tenant("steel"), park=a_park(a_pool("east-npu", 1, 8)))
    submit(state, sent(0, "other", cards=2), sent(1, "a"), sent(1, "b"), sent(1, "c"))
    lane = state.queue.lanes["steel", "default", 0]
    before = [record.job.id for _, record in lane]

    ran(state, state.jobs["c"].job, MINUTE_MS)

    assert before == ["other", "a", "b", "c"]
    assert [record.job.id for _, record in lane] == ["a", "b", "other"]
    assert state.jobs["a"].reckoned_ms == MINUTE_MS
    assert state.jobs["a"].expected_ms == HOUR_MS, "promises and starving go by what was expected"
    state.queue.check()
    again = State.restored(deepcopy(state.snapshot()))
    assert again.jobs["a"].reckoned_ms == MINUTE_MS
    assert [record.job.id for _, record in again.queue.lanes["steel", "default", 0]] == [
        "a",
        "b",
        "other",
    ]


def test_as_many_learn_as_were_submitted_nearest() -> None:
    state = a_state(a_tenant("steel"), park=a_park(a_pool("east-npu", 1, 8)))
    submit(state, *(sent(number, f"j{number:02}") for number in range(NEAREST + 4)))

    ran(state, state.jobs["j00"].job, MINUTE_MS)

    learnt = [one.job.id for one in state.queue.records() if one.reckoned_ms < HOUR_MS]
    assert learnt == [f"j{number:02}" for number in range(1, NEAREST + 1)]
