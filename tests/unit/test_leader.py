"""Rules of the leader's loop: it leaves time to those who share its process."""

from scheduler.leader import Pace


def test_after_a_step_the_loop_rests_longer_than_the_step_took() -> None:
    assert Pace().rest_s(step_ms=10) == 0.02
    assert Pace(rests_per_step=3).rest_s(step_ms=10) == 0.03


def test_a_long_plan_never_makes_the_loop_rest_longer_than_its_limit() -> None:
    assert Pace().rest_s(step_ms=60_000) == Pace().rest_s_max


def test_a_clock_that_is_set_back_makes_no_negative_rest() -> None:
    assert Pace().rest_s(step_ms=-5) == 0
