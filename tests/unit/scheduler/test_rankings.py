"""Where jobs that are alike could be ready first, kept from one to the next."""

from dataclasses import dataclass

import pytest

from cluster.inventory import Pool
from scheduler.placing.placement import Fit
from scheduler.timing import ranking
from scheduler.timing.ranking import Place, Ranking, Rankings, Seat
from scheduler.timing.timeline import Timeline
from tests.builders import a_pool

HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Spot:
    """A place as `Rankings` sees it."""

    pool: Pool
    wanted: Fit
    transfer_ms: int


@dataclass(frozen=True, slots=True)
class Awaited:
    cards: Timeline
    last_start_ms: int = 0


SPOTS = [
    Spot(a_pool(pool_id, 1, 8), Fit(1, 8), ms) for pool_id, ms in (("near-npu", 0), ("far-npu", 5))
]


def rankings(soonest_ms: int, cards: Timeline, asked: list[str]) -> Rankings:
    def seat_of(place: Place, from_ms: int | None) -> Seat:
        asked.append(place.pool.id)
        return Seat(place, Awaited(cards), max(soonest_ms, from_ms or 0))

    return Rankings(seat_of)


def of(known: Rankings, length_ms: int) -> Ranking:
    """Of all who want a whole node for so long."""
    return known.of(known.wish(SPOTS, 8, length_ms, None))


def test_a_place_is_ready_no_sooner_than_it_has_room_and_its_data() -> None:
    found = of(rankings(3, Timeline(0, 8, []), []), HOUR_MS)

    assert found.ready == [(3, 0), (8, 1)]


def test_what_was_found_for_one_bounds_all_who_ask_for_as_much() -> None:
    cards = Timeline(0, 0, [(10, 8)])
    cards.earliest(8, HOUR_MS, 0)

    assert of(rankings(3, cards, []), HOUR_MS).ready == [(10, 0), (15, 1)]


def test_who_may_begin_later_is_told_apart() -> None:
    known = rankings(0, Timeline(0, 8, []), [])
    now, later = (known.wish(SPOTS, 8, HOUR_MS, from_ms) for from_ms in (None, 7))

    assert known.of(now).ready == [(0, 0), (5, 1)]
    assert known.of(later).ready == [(7, 0), (12, 1)]


def test_a_place_that_never_has_the_cards_is_left_out() -> None:
    cards = Timeline(0, 4, [])
    assert cards.earliest(8, HOUR_MS, 0) is None

    assert of(rankings(0, cards, []), HOUR_MS).ready == []


def test_places_are_looked_at_once_for_however_long_a_job_runs() -> None:
    asked: list[str] = []
    known = rankings(0, Timeline(0, 8, []), asked)

    for length_ms in range(1, 10):
        of(known, length_ms)

    assert asked == ["near-npu", "far-npu"]


def test_all_is_forgotten_where_it_grows_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranking, "RANKS_MAX", 10)
    asked: list[str] = []
    known = rankings(0, Timeline(0, 8, []), asked)

    for length_ms in range(1, 10):
        assert of(known, length_ms).ready == [(0, 0), (5, 1)]

    assert asked == ["near-npu", "far-npu"] * 2
