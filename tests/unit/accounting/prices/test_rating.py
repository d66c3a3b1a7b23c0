"""A price is the one in force, or none at all; a price list never changes the past."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounting.prices.rating import PriceBook, PriceList, PriceMissing, split_tax
from tests.builders import PRICES


def test_multipliers_apply_to_the_base_price_at_once() -> None:
    prices = replace(PRICES, qos_permille=(("high", 1_300),), class_permille=(("research", 800),))

    assert prices.price_micros("ascend-910b3", "high", "research") == 3_640_000


@pytest.mark.parametrize(
    "wanted", [("b200", "normal", "standard"), ("ascend-910b3", "urgent", "standard")]
)
def test_what_a_list_does_not_name_has_no_price(wanted: tuple[str, str, str]) -> None:
    with pytest.raises(PriceMissing, match="2026 has no entry for"):
        PRICES.price_micros(*wanted)


def test_a_list_is_in_force_until_the_next_begins() -> None:
    second = replace(PRICES, id="2027", from_ms=100)
    book = PriceBook().with_list(PRICES).with_list(second)

    assert [book.list_at(at_ms).id for at_ms in (0, 99, 100, 10**15)] == [
        "2026",
        "2026",
        "2027",
        "2027",
    ]
    assert book.edges(0, 101) == (100,)
    assert book.edges(100, 200) == ()
    assert book.edges(0, 100) == ()


def test_before_the_first_list_nothing_has_a_price() -> None:
    with pytest.raises(PriceMissing, match="no price list is in force at -1"):
        PriceBook((PRICES,)).list_at(-1)


@pytest.mark.parametrize("from_ms", [-1, 0])
def test_a_list_never_begins_at_or_before_another(from_ms: int) -> None:
    with pytest.raises(ValueError, match="would begin at or before"):
        PriceBook((PRICES,)).with_list(replace(PRICES, id="2027", from_ms=from_ms))


@pytest.mark.parametrize("from_ms", [PRICES.from_ms, PRICES.from_ms + 1])
def test_a_list_is_published_once(from_ms: int) -> None:
    with pytest.raises(ValueError, match=f"price list {PRICES.id} is published already"):
        PriceBook((PRICES,)).with_list(replace(PRICES, from_ms=from_ms))


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (replace(PRICES, on_demand=(("a", 1), ("a", 2))), "on_demand names a twice"),
        (
            replace(PRICES, on_demand=(("a", -1),)),
            "-0.000001 yuan is no price for a: 0 at least, and less than 1,000,000,000,000",
        ),
        (replace(PRICES, on_demand=(("a", 10**18),)), r"1000000000000.00 yuan is no price for a"),
        (
            replace(PRICES, on_demand=(("a", 10**16),), class_permille=(("sme", 10**5),)),
            r"a is 1000000000000.00 yuan by its highest multipliers: it must be less than 1,000",
        ),
        (
            replace(PRICES, qos_permille=(("low", -1),)),
            "-1 permille is no multiplier for low: from 0 to 100,000",
        ),
        (replace(PRICES, class_permille=(("sme", 10**6),)), "is no multiplier for sme"),
        (replace(PRICES, vat_permille=1_000), "1000 permille is no tax rate: from 0 to 999"),
    ],
)
def test_a_list_that_cannot_be_meant_is_refused(bad: PriceList, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        PriceBook().with_list(bad)


@given(gross_fen=st.integers(-(10**14), 10**14), vat_permille=st.sampled_from([0, 10, 30, 60, 130]))
def test_net_and_tax_add_up_to_the_gross(gross_fen: int, vat_permille: int) -> None:
    split = split_tax(gross_fen, vat_permille)

    assert split.net_fen + split.tax_fen == gross_fen
    assert abs(split.net_fen * (1_000 + vat_permille) - gross_fen * 1_000) * 2 <= (
        1_000 + vat_permille
    )
    assert split_tax(-gross_fen, vat_permille).net_fen == -split.net_fen
