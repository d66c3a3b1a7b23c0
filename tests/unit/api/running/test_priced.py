"""Which price lists do not fit the kinds of a park."""

import pytest

from api.chinese import chinese
from api.running.priced import Units, price_warnings, unheld

UNITS: Units = {"npu": "card", "gpu": "card", "cpu": "core"}
FITS = {"npu": "3.50", "gpu": "9.00", "cpu": "0.05"}


def test_prices_of_all_that_a_park_has_are_well() -> None:
    assert [*price_warnings("2026", FITS, UNITS)] == []
    assert unheld(FITS, UNITS) == []


def test_a_kind_without_a_price_is_named() -> None:
    (said,) = price_warnings("2026", {"npu": "3.50", "cpu": "0.05"}, UNITS)

    assert said == "price list 2026 has no price for gpu: nothing starts on it by that list"
    assert chinese(said) == "价格表 2026 没有 gpu 的单价：按该价格表无法在其上启动作业"


@pytest.mark.parametrize("price", ["3.50", "112"])
def test_a_core_that_costs_no_less_than_a_card_is_named(price: str) -> None:
    """As where somebody wrote the price of a card, or of a node."""
    (said,) = price_warnings("2026", FITS | {"cpu": price}, UNITS)

    assert said == (
        f"price list 2026: a core of cpu costs {price} an hour, and a card of npu 3.50; "
        "is that for a core?"
    )
    assert chinese(said) == (
        f"价格表 2026：cpu 每核时 {price} 元，而 npu 每卡时 3.50 元；请确认所填为每核单价"
    )


def test_cards_for_nothing_are_no_measure_of_a_core() -> None:
    assert [*price_warnings("2026", FITS | {"npu": "0.00"}, UNITS)] == []
    assert [*price_warnings("2026", {"cpu": "9.00"}, {"cpu": "core"})] == []


def test_a_price_of_what_no_pool_has_is_no_fault_and_is_told() -> None:
    prices = FITS | {"npu-2": "4.00"}

    assert [*price_warnings("2026", prices, UNITS)] == []
    assert unheld(prices, UNITS) == ["npu-2"]
