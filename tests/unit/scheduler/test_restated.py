"""A kind of devices that is stated anew while some of it runs."""

from dataclasses import replace

from cluster.driver import Activity
from scheduler.facts import events as ev
from tests.builders import PARK, a_kind
from tests.hand import Hand, a_run, ended, runs, say


def restated(tflops: int) -> ev.ParkDeclared:
    """The same park, with other cards of the kind `npu`."""
    kinds = (a_kind("npu", tflops), *PARK.device_kinds[1:])
    centres = tuple(replace(centre, stated_tflops=10**6) for centre in PARK.centres)
    park = replace(PARK, device_kinds=kinds, centres=centres, stated_tflops=10**7)
    return ev.ParkDeclared(at_ms=50_000, park=park)


def counted(hand: Hand) -> list[tuple[int, int]]:
    """With how many TFLOPS usage counts, and how long."""
    return [(usage.tflops, usage.to_ms - usage.from_ms) for usage in hand.log.usage.values()]


def test_what_was_used_before_a_kind_was_stated_anew_counts_as_it_was_stated_then() -> None:
    hand = a_run()
    say(hand, 60_000, runs("j1.1", 2_000))

    hand.ask(restated(500))
    hand.step(60_000)
    say(hand, 90_000, ended("j1.1", 2_000, 82_000))

    assert counted(hand) == [(313, 58_000), (500, 22_000)]


def test_so_does_what_is_only_heard_of_after_a_new_leader_took_the_park() -> None:
    """A leader that has just begun has heard nobody, and the park file is asked for at its start.

    The checkpoint of its successor knows as much.
    """
    hand = a_run()
    say(hand, 30_000, runs("j1.1", 2_000))
    hand.take_over(60_000)
    for at_ms, tflops in ((60_000, 500), (70_000, 600)):
        hand.ask(restated(tflops))
        hand.controller.take(hand.log.requests(1)[0], at_ms)
    hand.controller.checkpoint()

    hand.take_over(80_000)
    say(hand, 90_000, ended("j1.1", 2_000, 82_000))

    assert counted(hand) == [(313, 58_000), (500, 10_000), (600, 12_000)]


def test_what_was_watched_of_cards_counts_as_they_were_stated_when_it_began() -> None:
    hand = a_run()
    say(hand, 30_000, runs("j1.1", 2_000))
    hand.take_over(60_000)
    hand.ask(restated(500))
    hand.step(60_000)

    watched = Activity(measured_ms=8 * 80_000, active_ms=8 * 40_000)
    say(hand, 90_000, replace(ended("j1.1", 2_000, 82_000), activity=watched))

    assert [one.tflops for one in hand.log.activity.values()] == [313]
