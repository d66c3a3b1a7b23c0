"""Which tasks an array has, as users write it."""

import pytest
from pydantic import ValidationError

from api.schemas.array_spec import MAX_TASKS, ArraySpec, indices_of
from api.schemas.jobs import JobCreate


def array(written: object) -> ArraySpec:
    spec = JobCreate.model_validate({"command": "true", "devices": 1, "array": written})
    assert spec.array is not None
    return spec.array


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("0-3", [0, 1, 2, 3]),
        ("7", [7]),
        ("1,5,9-20:4", [1, 5, 9, 13, 17]),
        ("5,0-2,1", [0, 1, 2, 5]),
        ("3-3", [3]),
        ("999999", [999_999]),
    ],
)
def test_indices_are_numbers_and_ranges_each_once_in_order(text: str, found: list[int]) -> None:
    assert indices_of(text) == found


def test_as_many_as_may_be_and_no_more() -> None:
    assert len(indices_of(f"1-{MAX_TASKS}")) == MAX_TASKS
    with pytest.raises(ValueError, match=f"{MAX_TASKS + 1} tasks are more than"):
        indices_of(f"0-{MAX_TASKS}")
    with pytest.raises(ValueError, match="more than"):
        indices_of("0-999999," * 8 + "0-999999")


def test_the_short_form_stands_for_the_long_one() -> None:
    assert array("0-99%4") == array({"indices": "0-99", "at_most": 4})
    assert array("0-99") == array({"indices": "0-99"})
    assert array(5) == array("5") == array({"indices": "5", "at_most": None})


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("5-3", "5-3 runs backwards: write 3-5"),
        ("0..9", "'0..9' is no array: write numbers and ranges such as 0-99, 1,5,9 or 0-20:2"),
        ("0-9%", "'0-9%' is no array"),
        ("0-9\n", "is no array"),
        ({"indices": "0-9", "at_most": MAX_TASKS + 1}, "less than or equal to 10000"),
    ],
)
def test_what_is_wrong_is_told_and_what_to_write(wrong: object, told: str) -> None:
    with pytest.raises(ValidationError) as refused:
        array(wrong)

    assert told in refused.value.errors()[0]["msg"]
