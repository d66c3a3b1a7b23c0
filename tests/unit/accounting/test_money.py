"""Money is integers, rounded by one rule."""

from decimal import ROUND_HALF_UP, Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounting.money import (
    MICROS_PER_FEN,
    card_hours,
    charge_fen,
    charge_micros,
    divide_half_up,
    p_hours,
    parse_yuan,
    yuan_of_fen,
    yuan_of_micros,
)

AMOUNTS = st.integers(-(10**18), 10**18)


@pytest.mark.parametrize(
    ("dividend", "divisor", "quotient"),
    [(5, 2, 3), (-5, 2, -3), (4, 3, 1), (5, 3, 2), (0, 7, 0), (-1, 3, 0)],
)
def test_halves_go_away_from_zero(dividend: int, divisor: int, quotient: int) -> None:
    assert divide_half_up(dividend, divisor) == quotient


@given(dividend=AMOUNTS, divisor=st.integers(1, 10**12))
def test_rounding_is_what_decimal_calls_half_up(dividend: int, divisor: int) -> None:
    with localcontext(prec=60):
        exact = (Decimal(dividend) / Decimal(divisor)).quantize(Decimal(1), ROUND_HALF_UP)

    assert divide_half_up(dividend, divisor) == int(exact)


@given(device_ms=st.integers(0, 10**13), price_micros=st.integers(0, 10**9))
def test_a_credit_is_exactly_the_charge_it_gives_back(device_ms: int, price_micros: int) -> None:
    assert charge_fen(-device_ms, price_micros) == -charge_fen(device_ms, price_micros)
    assert charge_micros(-device_ms, price_micros) == -charge_micros(device_ms, price_micros)


@pytest.mark.parametrize(
    ("text", "micros"),
    [("3.50", 3_500_000), ("0", 0), ("0.000001", 1), ("100", 100_000_000), ("5.2", 5_200_000)],
)
def test_an_amount_is_read_exactly(text: str, micros: int) -> None:
    assert parse_yuan(text) == micros


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-1",
        "+1",
        "1,000",
        "1e3",
        ".5",
        "5.",
        "0.0000001",
        "NaN",
        "３.50",
        "1_0",
        " 1",
        "9" * 13,
    ],
)
def test_what_is_no_amount_is_refused_in_words(text: str) -> None:
    with pytest.raises(
        ValueError, match=r"is no amount|yuan is too much: it must be less than 1,000,000,000,000$"
    ):
        parse_yuan(text)


@pytest.mark.parametrize(
    ("fen", "text"), [(0, "0.00"), (-29, "-0.29"), (5, "0.05"), (1_612_800, "16128.00")]
)
def test_fen_are_written_with_two_decimals(fen: int, text: str) -> None:
    assert yuan_of_fen(fen) == text


@given(micros=st.integers(0, 10**17))
def test_an_amount_is_written_as_it_is_read(micros: int) -> None:
    assert parse_yuan(yuan_of_micros(micros)) == micros


def test_a_fen_is_the_same_in_both_units() -> None:
    assert yuan_of_micros(29 * MICROS_PER_FEN) == yuan_of_fen(29)


@pytest.mark.parametrize(
    ("device_ms", "text"),
    [(0, "0"), (3_600_000, "1"), (4_608 * 3_600_000, "4608"), (1, "0"), (2, "0.000001")],
)
def test_card_hours_are_written_without_useless_zeros(device_ms: int, text: str) -> None:
    assert card_hours(device_ms) == text


def test_p_hours_weigh_by_tflops() -> None:
    assert p_hours(4_608 * 3_600_000 * 313) == "1442.304"
    assert p_hours(-3_600_000) == "-0.001"
