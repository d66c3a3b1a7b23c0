"""By when nine of ten start, by how the last ones came out; worked by hand."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.asking.whatif import what_if
from scheduler.facts.state import State
from scheduler.forecast.punctuality import (
    BURST_MS,
    ENOUGH,
    WINDOW,
    Foretold,
    Likely,
    Punctuality,
    Score,
    Start,
)
from scheduler.model.job import PlannedStart
from scheduler.planning.planner import plan
from scheduler.storage.codec import decode, decode_snapshot, encode, encode_snapshot
from tests.builders import (
    HOUR_MS,
    a_job,
    a_lease,
    a_park,
    a_placement,
    a_pool,
    a_state,
    happen,
    submit,
)

POOL = "east-npu"
MINUTE_MS = 60_000


def after(*waits: tuple[int, int], every_ms: int = BURST_MS) -> Punctuality:
    """These were foretold the first wait and had the second; each an hour after the last."""
    punctuality = Punctuality()
    for number, (foretold_ms, waited_ms) in enumerate(waits):
        told_ms = number * every_ms
        punctuality.note(Foretold(told_ms, told_ms + foretold_ms), told_ms + waited_ms)
    return punctuality


def p90(punctuality: Punctuality, wait_ms: int) -> int | None:
    likely = punctuality.outlook().of(wait_ms, 0)
    return likely.p90_ms if likely else None


def p50(punctuality: Punctuality) -> int | None:
    """Of a start in an hour."""
    likely = punctuality.outlook().of(HOUR_MS, 0)
    return likely.p50_ms if likely else None


def test_nothing_is_said_before_enough_have_started() -> None:
    assert p90(after(*[(HOUR_MS, 2 * HOUR_MS)] * (ENOUGH - 1)), HOUR_MS) is None
    assert p90(after(*[(HOUR_MS, 2 * HOUR_MS)] * ENOUGH), HOUR_MS) == 2 * HOUR_MS


def test_nine_of_ten_of_the_last_and_of_one_more_had_started_by_then() -> None:
    """Of 20 waits the 19th: 18.9 of 21 are nine of ten."""
    twenty = [(HOUR_MS, HOUR_MS * number) for number in range(1, 21)]
    assert p90(after(*twenty), HOUR_MS) == 19 * HOUR_MS
    assert p90(after(*reversed(twenty)), HOUR_MS) == 19 * HOUR_MS


def test_a_burst_counts_as_one_however_many_waited_in_it() -> None:
    """19 starts that were right, each in an hour of its own, and a hundred late ones of one hour.

    Of these 20 bursts and of one more 18.9 are nine of ten, and of them alone 10 are half.
    """
    right, late = [(HOUR_MS, HOUR_MS)] * 19, [(HOUR_MS, 5 * HOUR_MS)] * 100
    known = after(*right)
    for number, (foretold_ms, waited_ms) in enumerate(late):
        told_ms = 100 * BURST_MS + number
        known.note(Foretold(told_ms, told_ms + foretold_ms), told_ms + waited_ms)

    assert p90(known, HOUR_MS) == HOUR_MS
    assert p50(known) == HOUR_MS
    assert p90(after(*right[:18], *late[:2]), HOUR_MS) == 5 * HOUR_MS, "of 20 only 18"
    assert p90(after(*right, *late[:1], every_ms=0), HOUR_MS) == 5 * HOUR_MS, "the latest of one"


def test_half_of_the_last_had_started_by_then() -> None:
    """Of 20 waits the 10th; of 21 the 11th, as 10.5 of them are half."""
    waits = [(HOUR_MS, HOUR_MS * number) for number in range(1, 22)]
    assert p50(after(*waits[:20])) == 10 * HOUR_MS
    assert p50(after(*reversed(waits))) == 11 * HOUR_MS


def test_half_may_start_sooner_than_planned() -> None:
    assert p50(after(*[(HOUR_MS, HOUR_MS // 2)] * ENOUGH)) == HOUR_MS // 2
    assert p50(after(*[(HOUR_MS, HOUR_MS // 2)] * (ENOUGH - 1))) is None


def test_it_grows_with_the_wait() -> None:
    known = after(*[(HOUR_MS, 3 * HOUR_MS)] * ENOUGH)

    late_ms = 100 + HOUR_MS * 15 // 4
    assert known.outlook().of(100 + HOUR_MS * 5 // 4, 100) == Likely(late_ms, late_ms)


def test_it_is_no_sooner_than_the_planned_start() -> None:
    assert p90(after(*[(HOUR_MS, 0)] * ENOUGH), HOUR_MS) == HOUR_MS


@pytest.mark.parametrize(
    ("minutes", "is_known"),
    [(0, False), (7, False), (8, True), (31, True), (32, False), (1_000, False)],
)
def test_only_waits_of_about_that_length_tell(minutes: int, *, is_known: bool) -> None:
    known = after(*[(20 * MINUTE_MS, 40 * MINUTE_MS)] * ENOUGH)

    assert (p90(known, minutes * MINUTE_MS) is not None) is is_known


def test_a_wait_of_less_than_a_minute_is_taken_for_a_minute() -> None:
    known = after(*[(1, 5 * MINUTE_MS)] * ENOUGH)

    assert p90(known, 0) == 5 * MINUTE_MS
    assert p90(known, MINUTE_MS) == 5 * MINUTE_MS
    assert p90(known, MINUTE_MS + 1) == 5 * MINUTE_MS + 5


def test_who_is_late_by_a_moment_is_late() -> None:
    assert p90(after(*[(HOUR_MS, HOUR_MS + 1)] * ENOUGH), HOUR_MS) == HOUR_MS + HOUR_MS // 1_000


def test_the_last_ones_count() -> None:
    old, new = [(HOUR_MS, 9 * HOUR_MS)] * WINDOW, [(HOUR_MS, 2 * HOUR_MS)] * WINDOW

    assert p90(after(*old, *new), HOUR_MS) == 2 * HOUR_MS
    assert len(list(after(*old, *new).starts())) == WINDOW


def test_who_is_late_is_counted() -> None:
    punctuality = Punctuality()
    for started_ms in (10, 11, 20, 21):
        punctuality.note(Foretold(0, 10, 20, 11), started_ms)
    punctuality.note(Foretold(5, 10), 10)

    assert punctuality.score == Score(count=5, by_planned=2, p90_count=4, by_p90=3, by_p50=2)


@given(st.lists(st.tuples(st.integers(0, 10 * HOUR_MS), st.integers(0, 10 * HOUR_MS)), max_size=80))
def test_what_is_kept_says_the_same(waits: list[tuple[int, int]]) -> None:
    first = after(*waits)

    again = Punctuality(first.starts(), first.score)

    assert again.outlook() == first.outlook()
    assert again.score == first.score


def test_nine_of_ten_are_right_where_days_are_alike() -> None:
    """Waits of 1 to 100 minutes, each off by a factor of its own; the first 200 are not asked."""
    rng, right, count = Random(3), 0, 0
    punctuality = Punctuality()
    for number in range(4_000):
        told_ms = rng.randrange(MINUTE_MS, 100 * MINUTE_MS)
        waited_ms = int(told_ms * rng.lognormvariate(0.3, 0.8))
        late_ms = p90(punctuality, told_ms)
        if number >= WINDOW and late_ms is not None:
            count += 1
            right += waited_ms <= late_ms
        at_ms = number * BURST_MS
        punctuality.note(Foretold(at_ms, at_ms + told_ms), at_ms + waited_ms)

    assert count > 3_000
    assert 0.88 < right / count < 0.93


# In a state, a plan and a log.


def a_full_node() -> State:
    """8 cards, busy for an hour; of those foretold a wait of an hour some had two, most a half."""
    state = a_state(park=a_park(a_pool(POOL, 1, 8)))
    submit(state, a_job("runs"))
    happen(state, a_lease("runs", a_placement(POOL, 8)))
    for number in range(ENOUGH):
        waited_ms = 2 * HOUR_MS if number < ENOUGH // 4 else HOUR_MS // 2
        told_ms = number * BURST_MS
        state.punctuality.note(Foretold(told_ms, told_ms + HOUR_MS), told_ms + waited_ms)
    return state


def test_who_waits_is_told_its_start_and_by_when_at_half_and_nine_of_ten() -> None:
    state = a_full_node()
    submit(state, a_job("a"), a_job("b"), a_job("c"))

    starts = {job_id: verdict.start for job_id, verdict in plan(state, 0).verdicts.items()}

    assert starts == {
        "a": PlannedStart(HOUR_MS, POOL, is_promised=True, p90_ms=2 * HOUR_MS, p50_ms=HOUR_MS // 2),
        "b": PlannedStart(2 * HOUR_MS, POOL, p90_ms=4 * HOUR_MS, p50_ms=HOUR_MS),
        "c": PlannedStart(3 * HOUR_MS, POOL, p90_ms=None, p50_ms=None),
    }, "nobody was foretold three hours yet"


def test_a_quote_says_it_as_well() -> None:
    (npu,) = what_if(a_full_node(), 0, a_job("asked"))

    assert (npu.start_ms, npu.likely) == (HOUR_MS, Likely(HOUR_MS // 2, 2 * HOUR_MS))


def test_a_start_that_was_foretold_is_learned_from() -> None:
    state = a_state(park=a_park(a_pool(POOL, 1, 8)))
    submit(state, a_job("a"), a_job("b"))
    told = Foretold(0, HOUR_MS, 3 * HOUR_MS)
    lease = a_lease("a", a_placement(POOL, 4), at_ms=2 * HOUR_MS)

    happen(state, replace(lease, foretold=told), a_lease("b", a_placement(POOL, 1)))

    assert list(state.punctuality.starts()) == [Start(HOUR_MS, 2 * HOUR_MS)]
    assert state.punctuality.score == Score(count=1, by_planned=0, p90_count=1, by_p90=1)
    again = State.restored(decode_snapshot(encode_snapshot(state.snapshot())))
    assert list(again.punctuality.starts()) == [Start(HOUR_MS, 2 * HOUR_MS)]
    assert again.punctuality.score == state.punctuality.score


def test_an_event_of_before_has_nothing_foretold() -> None:
    lease = replace(a_lease("a", a_placement(POOL, 4)), foretold=Foretold(1, 2, 3))
    old = {key: value for key, value in encode(lease).items() if key != "foretold"}

    assert decode(encode(lease)) == lease
    assert decode(old) == replace(lease, foretold=None)
