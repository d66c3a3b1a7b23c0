"""How full a park is while somebody waits, worked out by hand."""

from dataclasses import replace

import pytest

from benchmarks.saturation import Saturation, saturation
from benchmarks.score import RunRow
from benchmarks.workload import ideal_park
from tests.unit.benchmarks.test_score import a_run

PARK = ideal_park(2, 4)
FIRST, SECOND = PARK.node_ids("pool")


def on(row: RunRow, *shares: tuple[str, int]) -> RunRow:
    return replace(row, device_count=sum(cards for _, cards in shares), shares=shares)


def test_where_nobody_waits_nothing_is_said() -> None:
    found = saturation([on(a_run("a", 0, 0, 100), (FIRST, 2))], PARK)

    assert found == Saturation(saturated_s=0.0, saturated_util=None, saturated_of_allowed=None)


def test_only_the_time_in_which_somebody_waits_counts() -> None:
    """For 40 s of 100 a gang waits for both nodes, of which one is free: it fits nowhere."""
    rows = [
        on(a_run("a", 0, 0, 100), (FIRST, 4)),
        on(a_run("gang", 60, 100, 150), (FIRST, 4), (SECOND, 4)),
    ]

    found = saturation(rows, PARK)

    assert (found.saturated_s, found.saturated_util) == (40, 0.5)
    assert found.saturated_of_allowed == 1.0


@pytest.mark.parametrize(
    ("sizes", "usable"),
    [((3,), 3), ((3, 1), 4), ((1, 3), 4), ((4, 3), 4), ((3, 3), 3), ((5,), 0), ((5, 2), 2)],
)
def test_what_waits_and_would_fit_at_once_is_allowed(sizes: tuple[int, ...], usable: int) -> None:
    """One node is taken and four cards of the other are free, and stay so for 50 s."""
    rows = [on(a_run("a", 0, 0, 50), (FIRST, 4))]
    rows += [on(a_run(f"w{n}", 0, 50, 60), (FIRST, size)) for n, size in enumerate(sizes)]

    found = saturation(rows, ideal_park(2, 4))

    assert found.saturated_of_allowed == pytest.approx(4 / (4 + usable))


def test_parts_of_two_nodes_are_no_whole_node() -> None:
    """Two and one cards are free: a job of three waits in vain, of two and one it does not."""
    busy = [on(a_run("a", 0, 0, 50), (FIRST, 2)), on(a_run("b", 0, 0, 50), (SECOND, 3))]
    three = on(a_run("w", 0, 50, 60), (FIRST, 3))
    one = on(a_run("one", 0, 50, 60), (FIRST, 1))
    two = on(a_run("two", 0, 50, 60), (FIRST, 2))

    assert saturation([*busy, three], PARK).saturated_of_allowed == 1.0
    assert saturation([*busy, two, one], PARK).saturated_of_allowed == pytest.approx(5 / 8)


def test_each_goes_where_it_leaves_most_to_others() -> None:
    """Of four and three free cards the job of three takes the three, and both of two the four."""
    busy = on(a_run("a", 0, 0, 50), (SECOND, 1))
    rows = [on(a_run(f"w{n}", 0, 50, 60), (FIRST, size)) for n, size in enumerate((3, 2, 2))]

    assert saturation([busy, *rows], PARK).saturated_of_allowed == pytest.approx(1 / 8)


def test_a_gang_needs_whole_nodes_though_it_does_not_fill_them() -> None:
    busy = on(a_run("a", 0, 0, 50), (FIRST, 1))
    gang = replace(a_run("gang", 0, 50, 60), device_count=6, shares=((FIRST, 3), (SECOND, 3)))

    assert saturation([busy, gang], PARK).saturated_of_allowed == 1.0


def test_who_was_stopped_waits_again() -> None:
    rows = [on(a_run("a", 0, 0, 10), (FIRST, 4)), on(a_run("a", 0, 30, 40), (FIRST, 4))]

    found = saturation(rows, PARK)

    assert (found.saturated_s, found.saturated_util, found.saturated_of_allowed) == (20, 0.0, 0.0)
