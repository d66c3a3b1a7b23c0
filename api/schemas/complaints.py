"""What pydantic says is wrong with a value, without what only its own classes explain."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

_LENGTHS = {"too_short": ("least", "min_length"), "too_long": ("most", "max_length")}


def problem(detail: Mapping[str, Any]) -> str:
    """Of one error of a `ValidationError`: what is wrong."""
    if detail["type"] == "model_type":
        return "Input should be a valid dictionary"
    if is_about_text(detail):
        bound, name = _LENGTHS[detail["type"]]
        count = detail["ctx"][name]
        return f"String should have at {bound} {count} character{'' if count == 1 else 's'}"
    return str(detail["msg"]).removeprefix("Value error, ")


def is_about_text(detail: Mapping[str, Any]) -> bool:
    """Whether the value is a text that pydantic calls items, because of a check before."""
    return detail["type"] in _LENGTHS and isinstance(detail.get("input"), str)


def guess(word: str, words: Iterable[str]) -> str | None:
    """Which of the words that there are may have been meant."""
    guesses = difflib.get_close_matches(word, [*words], n=2)
    return f"did you mean {' or '.join(guesses)}?" if guesses else None
