"""A picture of load has few points, and keeps what was used."""

from accounting.usage.waterfall import Step
from api.answers.load import POINTS_MAX, Point, course


def step(pool_id: str, at_ms: int, allocated: int, online: int = 8) -> Step:
    return Step(
        pool_id=pool_id,
        at_ms=at_ms,
        tflops=100,
        registered_cards=8,
        online_cards=online,
        allocated_cards=allocated,
    )


def test_pools_are_added_up_at_each_change() -> None:
    steps = [step("a", 0, 2), step("b", 50, 4), step("a", 70, 0, online=4)]

    assert course(steps, 0, 100) == [
        Point(at_ms=0, allocated=200, online=800, stated=800),
        Point(at_ms=50, allocated=600, online=1600, stated=1600),
        Point(at_ms=70, allocated=400, online=1200, stated=1600),
    ]


def test_what_stood_before_the_window_stands_at_its_beginning() -> None:
    points = course([step("a", 10, 2), step("a", 500, 8), step("a", 900, 1)], 100, 900)

    assert [(point.at_ms, point.allocated) for point in points] == [(100, 200), (500, 800)]


def test_nothing_known_is_no_point() -> None:
    assert course([], 0, 100) == []


def test_many_changes_become_few_averages_that_keep_the_total() -> None:
    count, width_ms = 4 * POINTS_MAX, 10
    steps = [step("a", number * width_ms, 8 * (number % 2)) for number in range(count)]

    points = course(steps, 0, count * width_ms)

    assert len(points) == POINTS_MAX
    assert {point.allocated for point in points} == {400}
    assert {point.online for point in points} == {800}


def test_the_last_average_may_be_over_a_shorter_time() -> None:
    end_ms = 10 * POINTS_MAX + 3
    steps = [step("a", at_ms, 4) for at_ms in range(0, end_ms, 5)]

    points = course(steps, 0, end_ms)

    assert {point.allocated for point in points} == {400}
    assert points[-1].at_ms < end_ms
