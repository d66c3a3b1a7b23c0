"""An amount that cannot be is refused by its rule, or with the limit that it is above."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from api.chinese import chinese
from api.schemas.values import Fen, Limit, Yuan

OF_YUAN = TypeAdapter(Yuan)
OF_FEN = TypeAdapter(Fen)
OF_LIMIT = TypeAdapter(Limit)


def refused(adapter: TypeAdapter[Any], text: str) -> str:
    with pytest.raises(ValidationError) as told:
        adapter.validate_python(text)
    return told.value.errors()[0]["msg"].removeprefix("Value error, ")


def test_the_largest_amounts_are_taken() -> None:
    assert OF_YUAN.validate_python("999999999999.999999") == "999999999999.999999"
    assert OF_FEN.validate_python("9999999999.99") == "9999999999.99"


def test_an_amount_that_is_too_large_is_told_its_limit() -> None:
    most = refused(OF_YUAN, "1000000000000")

    assert most == "1000000000000 yuan is too much: it must be less than 1,000,000,000,000"
    assert chinese(most) == "1000000000000 元超出上限：应小于 1,000,000,000,000 元"
    assert "must be less than 10,000,000,000" in refused(OF_FEN, "010000000000.001")
    assert len(refused(OF_YUAN, "9" * 100_000)) < 200


def test_a_limit_that_cannot_be_is_told_its_bounds_as_durations_are_written() -> None:
    told = refused(OF_LIMIT, "99999h")

    assert OF_LIMIT.validate_python("366d") == 366 * 24 * 3_600_000
    assert OF_LIMIT.validate_python("1s") == 1_000
    assert told == refused(OF_LIMIT, "999ms") == "a duration from 1s to 366d is needed here"
    assert chinese(told) == "时长应为 1s 至 366d"


@pytest.mark.parametrize("text", ["", "-1", "1,000", "1.0000000", "0000000000001", "1\n", "1e13"])
def test_what_is_no_amount_is_told_how_one_is_written(text: str) -> None:
    assert "an amount is in yuan, such as 3.50: digits" in refused(OF_YUAN, text)
