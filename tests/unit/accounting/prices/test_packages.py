"""What packages cover: up to so many cards at each moment, or until they are used up, exactly."""

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounting.prices.packages import (
    Commitment,
    Coverage,
    Covered,
    Package,
    PackageKind,
    Span,
    Stock,
    faults,
    spans,
)
from tests.builders import HOUR_MS, shanghai

FROM_MS, UNTIL_MS = shanghai("2026-10-01T00:00"), shanghai("2026-11-01T00:00")
NODES = Package(
    id="n1",
    tenant_id="steel",
    kind=PackageKind.NODES,
    device_kind_id="npu",
    card_count=8,
    device_ms=0,
    from_ms=FROM_MS,
    until_ms=UNTIL_MS,
    amount_fen=100_000,
    vat_permille=60,
    bought_at_ms=FROM_MS,
)


def nodes(package_id: str, cards: int, from_ms: int = 0, until_ms: int = 1_000) -> Package:
    return _of(package_id, PackageKind.NODES, (cards, 0), (from_ms, until_ms))


def hours(package_id: str, device_ms: int, from_ms: int = 0, until_ms: int = 1_000) -> Package:
    return _of(package_id, PackageKind.CARD_HOURS, (0, device_ms), (from_ms, until_ms))


def _of(
    package_id: str, kind: PackageKind, size: tuple[int, int], valid: tuple[int, int]
) -> Package:
    return Package(
        id=package_id,
        tenant_id="steel",
        kind=kind,
        device_kind_id="npu",
        card_count=size[0],
        device_ms=size[1],
        from_ms=valid[0],
        until_ms=valid[1],
        amount_fen=1,
        vat_permille=60,
        bought_at_ms=0,
    )


def a_span(from_ms: int, to_ms: int, **cards: int) -> Span:
    return Span(from_ms, to_ms, tuple(Covered(*one) for one in cards.items()))


def covered(stocks: list[Stock], from_ms: int, to_ms: int, cards: int) -> list[Span]:
    """What is covered, and is then gone."""
    found = [*spans(stocks, from_ms, to_ms, cards)]
    by_id = {stock.package.id: stock for stock in stocks}
    for span in found:
        for one in span.covered:
            refusal = by_id[one.package_id].refusal(span.from_ms, span.to_ms, one.card_count)
            assert refusal is None
            by_id[one.package_id].take(span.from_ms, span.to_ms, one.card_count, 0)
    return found


def test_what_no_package_is_for_is_one_span() -> None:
    assert [*spans([], 0, 100, 8)] == [a_span(0, 100)]


def test_nodes_cover_so_many_cards_at_each_moment_whosever() -> None:
    stocks = [Stock.of(nodes("n", 8))]

    assert covered(stocks, 0, 100, 6) == [a_span(0, 100, n=6)]
    assert covered(stocks, 50, 150, 4) == [a_span(50, 100, n=2), a_span(100, 150, n=4)]
    assert covered(stocks, 0, 200, 8) == [
        a_span(0, 50, n=2),
        a_span(50, 100),
        a_span(100, 150, n=4),
        a_span(150, 200, n=8),
    ]


def test_a_package_covers_from_its_beginning_to_its_end() -> None:
    stocks = [Stock.of(nodes("n", 8, 10, 20))]

    assert covered(stocks, 0, 30, 1) == [
        a_span(0, 10),
        a_span(10, 20, n=1),
        a_span(20, 30),
    ]


def test_card_hours_cover_until_the_last_card_millisecond_is_used_up() -> None:
    """100 are left: 12 ms of 8 cards, then 4 cards for one more."""
    stocks = [Stock.of(hours("h", 100))]

    assert covered(stocks, 0, 30, 8) == [
        a_span(0, 12, h=8),
        a_span(12, 13, h=4),
        a_span(13, 30),
    ]
    assert stocks[0].left_device_ms == 0


def test_nodes_go_before_card_hours_and_what_ends_sooner_before_what_ends_later() -> None:
    late, soon = hours("late", 10**6), hours("soon", 10, until_ms=500)
    stocks = [Stock.of(late), Stock.of(soon), Stock.of(nodes("n", 6))]

    assert covered(stocks, 0, 10, 8) == [
        a_span(0, 5, n=6, soon=2),
        a_span(5, 10, n=6, late=2),
    ]


def test_card_hours_of_usage_that_was_given_back_are_there_again() -> None:
    pack, node = Stock.of(hours("h", 100)), Stock.of(nodes("n", 8))
    covered([pack], 0, 10, 8)
    covered([node], 0, 10, 8)

    pack.give_back(80)
    node.give_back(80)

    assert pack.left_device_ms == 100
    assert node.free_cards(5) == 0, "that moment is over"


def test_what_is_known_of_long_ago_is_forgotten() -> None:
    stock = Stock.of(nodes("n", 8))
    stock.take(0, 10, 4, 0)
    stock.take(10, 20, 4, 0)
    assert stock.steps == [(0, 20, 4)]

    stock.take(30, 40, 8, 25)

    assert stock.steps == [(30, 40, 8)]


@pytest.mark.parametrize("cards", [9, 0, -1])
def test_a_package_covers_no_more_than_it_has(cards: int) -> None:
    stock = Stock.of(nodes("n", 8))

    assert stock.refusal(0, 10, cards) == f"package n has 8 cards there, not {cards}"
    assert stock.refusal(2_000, 2_001, 1) is not None


uses = st.lists(
    st.tuples(st.integers(0, 40), st.integers(1, 20), st.integers(1, 9)), min_size=1, max_size=6
)


@given(uses=uses, data=st.data())
def test_how_much_is_covered_does_not_depend_on_the_order(
    uses: list[tuple[int, int, int]], data: st.DataObject
) -> None:
    """Of nodes at each moment what they have or what is used; of card-hours the rest."""
    in_order, shuffled = _totals(uses), _totals(data.draw(st.permutations(uses)))

    assert in_order == shuffled
    cards_at: defaultdict[int, int] = defaultdict(int)
    for begin, length, cards in uses:
        for at in range(begin, begin + length):
            cards_at[at] += cards
    by_nodes = sum(min(8, cards) for at, cards in cards_at.items() if 5 <= at < 30)
    rest = sum(cards_at.values()) - by_nodes
    assert in_order == {"n": by_nodes, "h": min(60, rest)}


def _totals(uses: list[tuple[int, int, int]]) -> dict[str, int]:
    stocks = [Stock.of(nodes("n", 8, 5, 30)), Stock.of(hours("h", 60))]
    totals = {"n": 0, "h": 0}
    for begin, length, cards in uses:
        for span in covered(stocks, begin, begin + length, cards):
            for one in span.covered:
                totals[one.package_id] += one.card_count * (span.to_ms - span.from_ms)
    return totals


def test_what_is_committed_of_a_month_and_what_of_it_is_unused() -> None:
    month = Commitment(
        package=NODES, month="2026-10", used_device_ms=192 * HOUR_MS, earlier_device_ms=0
    )
    pack = Commitment(
        package=hours("h", 1_000 * HOUR_MS),
        month="2026-10",
        used_device_ms=250 * HOUR_MS,
        earlier_device_ms=100 * HOUR_MS,
    )

    assert month.committed_device_ms == 8 * 31 * 24 * HOUR_MS
    assert month.unused_device_ms == (5_952 - 192) * HOUR_MS
    assert (pack.committed_device_ms, pack.unused_device_ms) == (900 * HOUR_MS, 650 * HOUR_MS)


@pytest.mark.parametrize(
    ("package", "why"),
    [
        (nodes("n", 8, 10, 10), "it ends before it begins"),
        (nodes("n", 0), "nodes have cards, and no card-hours"),
        (hours("h", 0), "card-hours are more than none, and have no cards"),
    ],
)
def test_what_no_package_may_say(package: Package, why: str) -> None:
    assert [*faults(package)] == [why]


def test_a_package_that_is_whole_has_no_faults() -> None:
    assert [*faults(NODES)] == []


@pytest.mark.parametrize(
    ("device_ms", "fen"),
    [(8 * 744 * HOUR_MS, 100_000), (HOUR_MS, 17), (-HOUR_MS, -17), (0, 0)],
)
def test_what_a_package_covered_is_worth_its_part_of_the_price(device_ms: int, fen: int) -> None:
    """Eight cards for all of October, 5,952 card-hours, for 1,000.00."""
    part = Coverage(
        package=NODES, month="2026-10", centre_id="east", cause=None, device_ms=device_ms
    )

    assert part.value_fen == fen
