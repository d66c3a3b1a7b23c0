"""What centres count of their cards comes into the log with the meter, and into the books."""

from dataclasses import replace

from cluster.driver import Activity, AttemptReport, CentreReport, News
from scheduler.controller import Settings
from scheduler.facts.measured import Measured, Saved
from scheduler.readings import Reading, Readings
from tests.hand import Hand, a_run, ended, runs, say

METER_MS = Settings().meter_every_ms
CARDS = 8


def counted(attempt: AttemptReport, measured_ms: int, active_ms: int) -> AttemptReport:
    """The same, with what was counted of each of its cards."""
    activity = Activity(measured_ms=CARDS * measured_ms, active_ms=CARDS * active_ms)
    return replace(attempt, activity=activity)


def facts(hand: Hand) -> list[tuple[int, int, int, int]]:
    """From when to when, and how much of each card was measured and active."""
    return [
        (one.from_ms, one.to_ms, one.measured_device_ms // CARDS, one.active_device_ms // CARDS)
        for one in hand.log.events
        if isinstance(one, Measured)
    ]


def test_what_is_counted_is_a_fact_with_each_reading_of_the_meter_and_none_between() -> None:
    hand = a_run()

    for passed_ms in (METER_MS // 2, METER_MS, METER_MS + 1):
        told = counted(runs("j1.1", 2_000), passed_ms, passed_ms // 2)
        say(hand, 2_000 + passed_ms, told)

    assert facts(hand) == [(2_000, 2_000 + METER_MS, METER_MS, METER_MS // 2)]
    assert sum(one.active_device_ms for one in hand.log.activity.values()) == CARDS * METER_MS // 2


def test_the_end_has_what_was_counted_since_the_last_reading() -> None:
    hand = a_run()
    say(hand, 2_000 + METER_MS, counted(runs("j1.1", 2_000), METER_MS, 9_000))

    end = counted(ended("j1.1", 2_000, 12_000 + METER_MS), METER_MS + 10_000, 19_000)
    say(hand, 13_000 + METER_MS, end)
    say(hand, 14_000 + METER_MS, end)

    assert facts(hand)[1:] == [(2_000 + METER_MS, 12_000 + METER_MS, 10_000, 10_000)]


def test_nodes_are_compared_again_once_a_report_or_the_log_has_others() -> None:
    readings, ours = Readings(), {"n1", "n2"}
    both, one = frozenset(ours), frozenset({"n1"})
    told = CentreReport(centre_id="east", heard_at_ms=0, online_node_ids=both, attempts=())
    fewer = replace(told, online_node_ids=one)

    seen = [
        readings.has_other_nodes(report, log, ours)
        for report, log in ((told, ours), (told, ours), (fewer, ours), (fewer, one), (told, one))
    ]

    assert seen == [False, False, True, False, True]


def test_reports_that_are_lost_change_nothing_of_what_is_counted_in_the_end() -> None:
    silent, heard = a_run(), a_run()
    for hand, minutes in ((silent, (1,)), (heard, (1, 5, 6, 10, 11))):
        for minute in minutes:
            told = counted(runs("j1.1", 2_000), minute * 60_000, minute * 20_000)
            say(hand, 2_000 + minute * 60_000, told)
        say(hand, 722_000, counted(ended("j1.1", 2_000, 720_000), 718_000, 240_000))

    for hand in (silent, heard):
        measured = sum(one[2] for one in facts(hand))
        active = sum(one[3] for one in facts(hand))
        assert (measured, active) == (718_000, 240_000)


def test_another_leader_counts_on_from_what_the_log_has() -> None:
    hand = a_run()
    say(hand, 2_000 + METER_MS, counted(runs("j1.1", 2_000), METER_MS, 9_000))
    hand.controller.checkpoint()

    hand.take_over(3_000 + METER_MS)
    say(hand, 2_000 + 2 * METER_MS, counted(runs("j1.1", 2_000), 2 * METER_MS, 10_000))

    assert facts(hand)[1:] == [(2_000 + METER_MS, 2_000 + 2 * METER_MS, METER_MS, 1_000)]


def test_no_bill_follows_from_what_cards_did() -> None:
    measured, unmeasured = a_run(), a_run()
    for hand, told in (
        (measured, counted(runs("j1.1", 2_000), METER_MS, 9_000)),
        (unmeasured, runs("j1.1", 2_000)),
    ):
        say(hand, 2_000 + METER_MS, told)

    assert measured.log.usage == unmeasured.log.usage
    assert measured.log.transfers == unmeasured.log.transfers
    assert not unmeasured.log.activity


def test_when_a_job_saved_itself_is_noted_once_and_known_to_the_next_leader() -> None:
    hand, saved_ms = a_run(), 390_000
    say(hand, 380_000, runs("j1.1", 2_000))
    for at_ms in (400_000, 401_000):
        say(hand, at_ms, replace(runs("j1.1", 2_000), saved_at_ms=saved_ms))
    hand.controller.checkpoint()
    hand.take_over(402_000)
    say(hand, 403_000, replace(runs("j1.1", 2_000), saved_at_ms=saved_ms))

    saves = [one for one in hand.log.events if isinstance(one, Saved)]
    assert [(one.at_ms, one.saved_at_ms) for one in saves] == [(400_000, saved_ms)]
    assert hand.controller.state.live["j1.1"].saved_at_ms == saved_ms


def test_a_report_that_tells_its_news_is_asked_for_checkpoints_once() -> None:
    told = replace(runs("j1.1", 2_000), saved_at_ms=90_000)
    before, after = (runs("j1.1", 2_000),), (told,)
    reading = Reading("east", before, a_run().controller.state.agenda)
    report = CentreReport(
        centre_id="east",
        heard_at_ms=0,
        online_node_ids=frozenset(),
        attempts=after,
        news=News(before, {"j1.1": told}),
    )

    assert reading.newly_saved() == []
    assert reading.follow(report)
    assert reading.newly_saved() == [told]
    assert reading.newly_saved() == []
