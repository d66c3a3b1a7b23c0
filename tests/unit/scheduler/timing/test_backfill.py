"""EASY: who is ahead is promised a start, and nothing that passes it moves that start."""

from dataclasses import replace

import pytest

from scheduler.facts import events as ev
from scheduler.facts.agenda import Ending
from scheduler.facts.state import State
from scheduler.forecast.ends import Ends
from scheduler.model.job import Job, NodeShare, Placement, Priority, ReasonCode
from scheduler.model.plan import Plan
from scheduler.model.policy import EASY, FIFO, Firmness
from scheduler.placing.placement import Fit, FreeCards
from scheduler.planning.planner import plan
from scheduler.timing.backfill import PoolRoom, Release, Reservation
from tests.builders import (
    HOUR_MS,
    a_job,
    a_lease,
    a_park,
    a_placement,
    a_pool,
    a_state,
    happen,
    promised_ms,
    submit,
)

NODE_CARDS = 8


class Running:
    """What a test says runs in a pool."""

    def __init__(self, *releases: Release) -> None:
        self._releases = releases

    def endings(self, *, is_firm: bool) -> list[Ending]:
        return sorted((r.ends.by(is_firm=is_firm), r.attempt_id, r.shares) for r in self._releases)


def at(end_ms: int) -> Ends:
    """Work ends then, as is likely and at the latest."""
    return Ends(end_ms, end_ms)


def a_room(cards: dict[str, int], *releases: Release) -> PoolRoom:
    return PoolRoom(FreeCards(NODE_CARDS, cards.items()), Running(*releases))


def shares(**cards: int) -> tuple[NodeShare, ...]:
    return tuple(NodeShare(node_id=node_id, card_count=count) for node_id, count in cards.items())


def release(at_ms: int, **cards: int) -> Release:
    return Release(at(at_ms), f"until-{at_ms}", shares(**cards))


def promise(room: PoolRoom, wanted: Fit, now_ms: int = 0) -> Reservation | None:
    return room.earliest("j", wanted, now_ms, Firmness.LIKELY)


def reserved(at_ms: int, spare: dict[str, int], **cards: int) -> Reservation:
    return Reservation(
        "j", at_ms, at_ms, at_ms, shares(**cards), spare, is_firm=False, choice_ms=at_ms
    )


@pytest.mark.parametrize(
    ("firmness", "start_ms", "likely_ms", "node_id", "spare"),
    [
        (Firmness.LIKELY, 10, 10, "n2", 2),
        (Firmness.FIRM, 150, 10, "n2", 0),
        (Firmness.SURE, 100, 30, "n1", 5),
    ],
)
def test_a_promise_is_of_what_is_likely_to_be_free_first_or_where_it_is_sure_of_what_surely_is(
    firmness: Firmness, start_ms: int, likely_ms: int, node_id: str, spare: int
) -> None:
    """What is spare goes by limits where they count."""
    room = a_room(
        {"n1": 0, "n2": 0},
        Release(Ends(30, 100), "a", shares(n1=8)),
        Release(Ends(10, 200), "b", shares(n2=5)),
        Release(Ends(40, 150), "c", shares(n2=3)),
    )

    found = room.earliest("j", Fit(1, 3), 0, firmness)

    assert found is not None
    assert (found.start_ms, found.likely_ms) == (start_ms, likely_ms)
    assert (found.shares, found.spare) == (shares(**{node_id: 3}), {node_id: spare})
    room.reserve(found)
    assert room.is_short(Ends(5, start_ms))
    assert room.is_short(Ends(5, start_ms + 1)) == (firmness is Firmness.LIKELY)
    assert not room.is_short(Ends(start_ms + 1, start_ms + 1))


def taken(**cards: int) -> Placement:
    return replace(a_placement("east-npu", 1), shares=shares(**cards))


# When the first could start.


def test_the_earliest_start_is_when_enough_has_ended() -> None:
    room = a_room({"n1": 2, "n2": 0}, release(30, n2=8), release(20, n1=3), release(10, n1=1))

    assert promise(room, Fit(1, 3)) == reserved(10, {"n1": 0}, n1=3)
    assert promise(room, Fit(1, 5)) == reserved(20, {"n1": 1}, n1=5)
    assert promise(room, Fit(1, 8)) == reserved(30, {"n2": 0}, n2=8)
    assert promise(room, Fit(2, 8)) is None


def test_what_ends_in_one_moment_comes_free_together() -> None:
    room = a_room({"n1": 0}, release(10, n1=4), Release(at(10), "other", shares(n1=4)))

    assert promise(room, Fit(1, 4)) == reserved(10, {"n1": 4}, n1=4)


def test_nodes_that_are_down_give_nothing_back() -> None:
    assert promise(a_room({"n1": 0}, release(10, n2=8)), Fit(1, 1)) is None


def test_no_promise_is_for_now_or_before() -> None:
    reservation = promise(a_room({"n1": 0}, release(10, n1=8)), Fit(1, 1), 50)

    assert reservation is not None
    assert reservation.start_ms == 51


def test_what_starts_now_gives_its_cards_back_at_its_own_limit() -> None:
    room = a_room({"n1": 8}, release(90, n1=0))

    room.take(taken(n1=8), "now", at(40))

    reservation = promise(room, Fit(1, 8))
    assert reservation is not None
    assert reservation.start_ms == 40


def test_what_starts_now_changes_what_was_found_before() -> None:
    room = a_room({"n1": 8, "n2": 0}, release(30, n2=8))
    before = promise(room, Fit(2, 8))

    room.take(taken(n1=8), "now", at(40))

    assert before == reserved(30, {"n1": 0, "n2": 0}, n1=8, n2=8)
    assert promise(room, Fit(2, 8)) == reserved(40, {"n1": 0, "n2": 0}, n1=8, n2=8)


# What may pass it.


def a_promise() -> PoolRoom:
    """6 cards of n1 are kept from 100 on, where it will have 8; n2 has 4 of its own."""
    room = a_room({"n1": 5, "n2": 4}, release(100, n1=3))
    reservation = promise(room, Fit(1, 6))
    assert reservation == reserved(100, {"n1": 2}, n1=6)
    room.reserve(reservation)
    return room


@pytest.mark.parametrize(
    ("cards", "end_ms", "node"),
    [(5, 100, "n1"), (5, 101, None), (2, 101, "n1"), (3, 101, "n2"), (4, 101, "n2")],
)
def test_what_ends_in_time_or_takes_what_is_spare_may_pass(
    cards: int, end_ms: int, node: str | None
) -> None:
    found = a_promise().find(Fit(1, cards), at(end_ms))

    assert (found[0].node_id if found else None) == node


def test_what_is_spare_is_spare_once() -> None:
    room = a_promise()

    room.take(taken(n1=2), "long", at(101))

    assert room.find(Fit(1, 1), at(101)) == shares(n2=1)
    room.take(taken(n2=4), "longer", at(101))
    assert room.find(Fit(1, 1), at(101)) is None
    assert room.find(Fit(1, 3), at(100)) == shares(n1=3), "short work may still pass"


def test_short_work_takes_nothing_of_what_is_spare_for_long() -> None:
    room = a_promise()

    room.take(taken(n1=3), "short", at(100))

    assert room.find(Fit(1, 2), at(101)) == shares(n1=2)
    room.take(taken(n1=1), "short, too", at(100))
    assert room.long.by_node["n1"] == 1, "no more than is free at all"


def test_a_pool_keeps_one_promise() -> None:
    room = a_promise()

    with pytest.raises(AssertionError, match="one reservation"):
        room.reserve(reserved(5, {"n2": 0}, n2=1))


# In a plan.


def a_blocked_park(*waiting: Job) -> State:
    """8 of 16 cards run until 1 h; `head` needs all 16."""
    state = a_state(park=a_park(a_pool("east-npu", 2, 8)))
    submit(state, a_job("runs"), a_job("head", device_count=16), *waiting)
    happen(state, a_lease("runs", a_placement("east-npu", 8)))
    happen(state, ev.Started(at_ms=0, attempt_id="runs.1"))
    return state


def behind(job_id: str, limit_ms: int, cards: int = 8) -> Job:
    return a_job(job_id, limit_ms=limit_ms, device_count=cards, submitted_at_ms=1)


def granted(result: Plan) -> list[str]:
    return [grant.job_id for grant in result.grants]


def test_the_head_is_told_when_it_starts_and_the_short_pass_it() -> None:
    state = a_blocked_park(behind("long", HOUR_MS - 4), behind("short", HOUR_MS - 5))

    result = plan(state, 5, EASY)

    assert promised_ms(result.verdicts["head"]) == HOUR_MS
    assert granted(result) == ["short"]
    (kept,) = result.verdicts["long"].reasons
    assert (kept.code, kept.until_ms) == (ReasonCode.RESERVED, HOUR_MS)
    assert kept.detail == "kept for job head"


def test_only_the_first_is_promised_a_start_in_a_pool() -> None:
    result = plan(a_blocked_park(behind("second", HOUR_MS, 16)), 5)

    assert promised_ms(result.verdicts["head"]) == HOUR_MS
    assert promised_ms(result.verdicts["second"]) is None


def test_each_pool_has_its_own_promise() -> None:
    state = a_state(park=a_park(a_pool("east-npu", 1, 8), a_pool("north-npu", 1, 8)))
    submit(state, a_job("r1"), a_job("r2", limit_ms=HOUR_MS // 2), a_job("a"), a_job("b"))
    for job_id, pool_id in (("r1", "east-npu"), ("r2", "north-npu")):
        happen(state, a_lease(job_id, a_placement(pool_id, 8)))

    verdicts = plan(state, 5).verdicts

    assert promised_ms(verdicts["a"]) == HOUR_MS // 2, "where it starts first"
    assert promised_ms(verdicts["b"]) == HOUR_MS


def test_a_job_without_a_limit_to_speak_of_passes_on_spare_cards_only() -> None:
    state = a_state(park=a_park(a_pool("east-npu", 2, 8)))
    longer = a_job("longer", device_count=6, limit_ms=2 * HOUR_MS)
    submit(state, a_job("runs", device_count=7), longer, a_job("head", priority=Priority.HIGH))
    happen(state, a_lease("runs", a_placement("east-npu", 7)))
    happen(state, a_lease("longer", a_placement("east-npu", 0, 6)))
    forever = 366 * 24 * HOUR_MS
    submit(state, behind("a-1", forever, 1), behind("b-2", forever, 2), behind("c-1", forever, 1))

    result = plan(state, 5)

    nodes = {grant.job_id: grant.placement.shares[0].node_id for grant in result.grants}
    assert nodes == {"a-1": "east-npu-n002", "c-1": "east-npu-n002"}, "the other is kept whole"
    assert promised_ms(result.verdicts["head"]) == HOUR_MS


def test_work_that_overstayed_is_expected_to_end_at_any_moment() -> None:
    state = a_blocked_park(behind("short", 1), behind("long", 2))

    result = plan(state, 5 * HOUR_MS, EASY)

    assert promised_ms(result.verdicts["head"]) == 5 * HOUR_MS + 1
    assert granted(result) == ["short"]


def test_all_that_overstayed_is_expected_to_end_together() -> None:
    state = a_state(park=a_park(a_pool("east-npu", 1, 8)))
    submit(state, a_job("r1", device_count=3), a_job("r2", device_count=3, limit_ms=9))
    happen(state, a_lease("r1", a_placement("east-npu", 3)))
    happen(state, a_lease("r2", a_placement("east-npu", 3)))
    submit(state, a_job("head", device_count=4), behind("long", HOUR_MS, 2))

    assert granted(plan(state, 2 * HOUR_MS)) == ["long"], "4 are spare once both have ended"


def test_what_is_leased_and_has_not_started_counts_from_its_lease() -> None:
    state = a_state(park=a_park(a_pool("east-npu", 1, 8)))
    submit(state, a_job("runs"), a_job("head"))
    happen(state, a_lease("runs", a_placement("east-npu", 8), at_ms=700))

    assert promised_ms(plan(state, 800).verdicts["head"]) == HOUR_MS + 700
    happen(state, ev.Started(at_ms=900, attempt_id="runs.1"))
    assert promised_ms(plan(state, 1_000).verdicts["head"]) == HOUR_MS + 900


def test_without_backfilling_nothing_passes_and_each_is_told_who_is_ahead() -> None:
    result = plan(a_blocked_park(behind("short", 1)), 5, FIFO)

    assert granted(result) == []
    (kept,) = result.verdicts["short"].reasons
    assert kept.code is ReasonCode.RESERVED
    assert kept.detail == "kept for job head"
    assert promised_ms(result.verdicts["head"]) is None


def test_what_was_found_out_is_found_out_anew_once_more_comes_free() -> None:
    room = a_room({"n1": 0, "n2": 0}, release(50, n1=8), release(70, n2=8))
    before = promise(room, Fit(1, 8))

    room.free_soon(Release(at(9), "until-70", shares(n2=8)))
    after = promise(room, Fit(1, 8))

    assert before is not None
    assert after is not None
    assert (before.start_ms, before.shares) == (50, shares(n1=8))
    assert (after.start_ms, after.shares) == (9, shares(n2=8))
