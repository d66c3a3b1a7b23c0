"""Each level of the waterfall sums exactly to the one above it."""

from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from accounting.usage.waterfall import (
    Peak,
    Step,
    Watched,
    Waterfall,
    Weight,
    peaks,
    ratio_bp,
    watched_waterfalls,
    waterfall,
    waterfalls,
)

MINUTE_MS = 60_000
TWO_MS = 2 * MINUTE_MS
STEP = Step(pool_id="a", at_ms=0, tflops=313, registered_cards=8, online_cards=8, allocated_cards=4)


def steps() -> st.SearchStrategy[Step]:
    def step(pool_id: str, at_ms: int, cards: list[int]) -> Step:
        maintenance, healthy, registered = sorted(cards)
        return Step(
            pool_id=pool_id,
            at_ms=at_ms,
            tflops=313 if pool_id == "a" else 100,
            registered_cards=registered,
            online_cards=healthy,
            maintenance_cards=maintenance,
            allocated_cards=cards[0],
            reserved_cards=cards[1],
        )

    cards = st.lists(st.integers(0, 64), min_size=3, max_size=3)
    return st.builds(step, st.sampled_from(["a", "b"]), st.integers(0, 100), cards)


def series() -> st.SearchStrategy[list[Step]]:
    return st.lists(steps(), max_size=12, unique_by=lambda step: (step.pool_id, step.at_ms))


def test_a_step_lasts_until_the_next_one() -> None:
    changed = replace(STEP, at_ms=10, allocated_cards=8)

    by_cards = waterfall([changed, STEP], 5, 20, Weight.CARDS)

    assert by_cards.allocated == 5 * 4 + 10 * 8
    assert by_cards.schedulable == 15 * 8
    assert by_cards.utilisation_bp == 8_333


def test_before_its_first_step_a_pool_is_not_there() -> None:
    assert waterfall([replace(STEP, at_ms=100)], 0, 100, Weight.P) == Waterfall()


def test_maintenance_leaves_the_denominator_and_failure_does_not() -> None:
    maintained = replace(STEP, maintenance_cards=4)
    failed = replace(STEP, online_cards=4)

    assert waterfall([maintained], 0, 10, Weight.P).utilisation_bp == 10_000
    assert waterfall([failed], 0, 10, Weight.P).utilisation_bp == 5_000
    assert waterfall([failed], 0, 10, Weight.CARDS).down == 10 * 4


def test_what_is_allocated_on_failed_nodes_is_down() -> None:
    level = waterfall([replace(STEP, allocated_cards=8, online_cards=6)], 0, 1, Weight.CARDS)

    assert (level.allocated, level.idle, level.down) == (6, 0, 2)


def test_weights_differ_where_devices_do() -> None:
    slow = replace(STEP, pool_id="b", tflops=100, allocated_cards=0)

    assert waterfall([STEP, slow], 0, 1, Weight.CARDS).utilisation_bp == 2_500
    assert waterfall([STEP, slow], 0, 1, Weight.P).utilisation_bp == ratio_bp(4 * 313, 8 * 413)


def test_a_peak_is_of_all_pools_together_at_the_first_moment_it_was_reached() -> None:
    other = replace(STEP, pool_id="b", allocated_cards=0)
    rising = [replace(STEP, at_ms=MINUTE_MS, allocated_cards=8), replace(other, at_ms=TWO_MS)]
    falling = [replace(STEP, at_ms=TWO_MS, allocated_cards=4), replace(STEP, at_ms=TWO_MS + 1)]

    (best,) = peaks([STEP, other, *rising, *falling], (0, 5 * MINUTE_MS), Weight.CARDS)

    assert best == Peak(utilisation_bp=5_000, at_ms=MINUTE_MS)


def test_a_peak_outside_the_window_does_not_count() -> None:
    busy = replace(STEP, at_ms=MINUTE_MS, allocated_cards=8)
    idle = replace(STEP, at_ms=TWO_MS, allocated_cards=0)

    def found(*edges: int) -> Peak | None:
        (best,) = peaks([STEP, busy, idle], edges, Weight.P)
        return best

    assert found(TWO_MS, 2 * TWO_MS) == Peak(utilisation_bp=0, at_ms=TWO_MS)
    assert found(0, MINUTE_MS) == Peak(utilisation_bp=5_000, at_ms=0)
    assert peaks([], (0, TWO_MS), Weight.P) == [None]


def test_nothing_to_use_is_not_used() -> None:
    nothing = replace(STEP, registered_cards=0, online_cards=0, allocated_cards=0)

    assert waterfall([nothing], 0, 10, Weight.P).utilisation_bp == 0


@given(found=series(), cuts=st.sets(st.integers(1, 119)))
def test_windows_side_by_side_sum_to_the_whole(found: list[Step], cuts: set[int]) -> None:
    edges = [0, *sorted(cuts), 120]

    parts = Waterfall()
    for begin, end in pairwise(edges):
        parts += waterfall(found, begin, end, Weight.P)

    assert parts == waterfall(found, 0, 120, Weight.P)


@given(found=series(), weight=st.sampled_from(Weight))
def test_each_level_sums_to_the_one_above(found: list[Step], weight: Weight) -> None:
    whole = waterfall(found, 0, 120, weight)

    assert whole.stated == whole.down + whole.healthy
    assert whole.healthy == whole.maintenance + whole.schedulable
    assert whole.schedulable == whole.allocated + whole.reserved + whole.idle
    assert min(whole.down, whole.maintenance, whole.idle, whole.allocated) >= 0


def test_what_is_kept_for_a_promise_is_reserved_and_not_idle() -> None:
    total = waterfall([replace(STEP, reserved_cards=3)], 0, 10, Weight.CARDS)

    assert (total.allocated, total.reserved, total.idle) == (40, 30, 10)


def test_no_more_is_reserved_than_is_free() -> None:
    total = waterfall([replace(STEP, reserved_cards=7, maintenance_cards=2)], 0, 1, Weight.CARDS)

    assert (total.schedulable, total.allocated, total.reserved, total.idle) == (6, 4, 2, 0)


@given(series(), st.lists(st.integers(0, 120), min_size=2, max_size=6, unique=True))
def test_parts_of_a_window_add_up_to_it(some: list[Step], cuts: list[int]) -> None:
    edges = sorted(cuts)

    parts = waterfalls(some, edges, Weight.P)

    assert sum(parts, start=Waterfall()) == waterfall(some, edges[0], edges[-1], Weight.P)
    assert parts == [waterfall(some, *part, Weight.P) for part in pairwise(edges)]


def test_a_peak_by_samples_is_that_of_a_full_minute() -> None:
    busy = replace(STEP, at_ms=MINUTE_MS + 5, allocated_cards=8)
    calm = replace(STEP, at_ms=2 * MINUTE_MS - 5, allocated_cards=6)

    (found,) = peaks([STEP, busy, calm], (0, 3 * MINUTE_MS), Weight.P)

    assert found == Peak(utilisation_bp=7_500, at_ms=2 * MINUTE_MS)


def test_each_part_has_a_peak_of_its_own_or_none_where_it_has_no_full_minute() -> None:
    edges = (0, MINUTE_MS, MINUTE_MS + 10, MINUTE_MS + 20)

    found = peaks([STEP], edges, Weight.CARDS)

    half = Peak(utilisation_bp=5_000, at_ms=0)
    assert found == [half, replace(half, at_ms=MINUTE_MS), None]


# What allocated cards did.

HOUR_MS = 3_600_000


def hourly(pool_id: str, *hours: tuple[int, int]) -> Watched:
    return {(pool_id, number * HOUR_MS): hour for number, hour in enumerate(hours)}


def test_allocated_is_active_inactive_and_unmeasured() -> None:
    watched = hourly("a", (3 * HOUR_MS, HOUR_MS), (0, 0))

    first, second = watched_waterfalls(
        {"a": [STEP]}, (0, HOUR_MS, 2 * HOUR_MS), Weight.CARDS, watched
    )

    assert first.allocated == 4 * HOUR_MS
    did = first.division
    assert (did.active, did.inactive, did.unmeasured) == (HOUR_MS, 2 * HOUR_MS, HOUR_MS)
    assert (second.division.active, second.division.unmeasured) == (None, 4 * HOUR_MS)


def test_what_was_measured_on_nodes_that_left_counts_with_them_and_in_no_other_hour() -> None:
    """The cards were leased and then their nodes drained: what goes on is in maintenance."""
    drained = replace(STEP, maintenance_cards=8)
    watched = hourly("a", (4 * HOUR_MS, 2 * HOUR_MS), (2 * HOUR_MS, HOUR_MS))
    steps_by_pool = {"a": [drained, replace(STEP, at_ms=HOUR_MS)]}

    (whole,) = watched_waterfalls(steps_by_pool, (0, 2 * HOUR_MS), Weight.CARDS, watched)

    assert (whole.allocated, whole.measured, whole.active) == (4 * HOUR_MS, 2 * HOUR_MS, HOUR_MS)


@given(
    st.lists(st.tuples(st.integers(0, 9 * HOUR_MS), st.integers(0, 9 * HOUR_MS)), max_size=6),
    st.integers(0, 2 * HOUR_MS),
    st.integers(1, HOUR_MS),
)
def test_levels_with_activity_add_up_over_pools_and_hours(
    hours: list[tuple[int, int]], from_ms: int, beyond_ms: int
) -> None:
    to_ms = 3 * HOUR_MS + beyond_ms
    pools = {"a": [STEP], "b": [replace(STEP, pool_id="b", allocated_cards=8, at_ms=HOUR_MS // 2)]}
    watched = {**hourly("a", *hours[::2]), **hourly("b", *hours[1::2])}
    inner = [edge for edge in (HOUR_MS, 2 * HOUR_MS, 3 * HOUR_MS) if edge > from_ms]

    def told(names: str, edges: list[int]) -> Waterfall:
        some = {name: pools[name] for name in names}
        return sum(watched_waterfalls(some, edges, Weight.P, watched), start=Waterfall())

    whole = told("ab", [from_ms, to_ms])
    assert told("ab", [from_ms, *inner, to_ms]) == whole
    assert told("a", [from_ms, to_ms]) + told("b", [from_ms, to_ms]) == whole
    assert 0 <= whole.active <= whole.measured <= whole.allocated
    did = whole.division
    assert (did.active or 0) + (did.inactive or 0) + did.unmeasured == whole.allocated
    assert replace(whole, measured=0, active=0) == waterfall(
        [step for some in pools.values() for step in some], from_ms, to_ms, Weight.P
    )
