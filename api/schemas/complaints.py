"""What pydantic says is wrong with a value, without what only its own classes explain."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_LENGTHS = {"too_short": ("least", "min_length"), "too_long": ("most", "max_length")}

_IN_WORDS = {
    r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$": "needs 1 to 64 letters, digits, dots, _ or -, "
    "beginning with a letter or a digit",
    r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$": "needs 1 to 128 letters, digits, dots, _ or -, "
    "beginning with a letter or a digit",
    r"^[a-z0-9]{1,64}$": "needs 1 to 64 small letters or digits",
    r"^[a-z][a-z0-9-]{0,31}$": "needs 1 to 32 small letters, digits or -, beginning with a letter",
    r"^20[0-9]{2}-(0[1-9]|1[0-2])$": "needs a month, such as 2026-10",
    r"^20[0-9]{2}$": "needs a year, such as 2026",
    r"^[0-9A-HJ-NPQRTUWXY]{18}$": "needs 18 digits and capitals, without I, O, S, V, Z",
}
"""What a pattern asks for, as who reads no regular expressions understands it."""


def problem(detail: Mapping[str, Any]) -> str:
    """Of one error of a `ValidationError`: what is wrong."""
    if detail["type"] == "model_type":
        return "Input should be a valid dictionary"
    if is_about_text(detail):
        bound, name = _LENGTHS[detail["type"]]
        count = detail["ctx"][name]
        return f"String should have at {bound} {count} character{'' if count == 1 else 's'}"
    pattern = detail.get("ctx", {}).get("pattern")
    return _IN_WORDS.get(pattern) or str(detail["msg"]).removeprefix("Value error, ")


def place(path: Sequence[str | int], sent: object) -> str:
    """Which part of what was sent an error is about: one text in place of a list has no index."""
    names = []
    for part in path:
        if isinstance(part, int) and isinstance(sent, str):
            continue
        names.append(str(part))
        sent = _part(sent, part)
    return ".".join(names)


def _part(sent: object, part: str | int) -> object:
    match sent:
        case Mapping():
            return sent.get(part)
        case list() if isinstance(part, int) and part < len(sent):
            return sent[part]
        case _:
            return None


def is_about_text(detail: Mapping[str, Any]) -> bool:
    """Whether the value is a text that pydantic calls items, because of a check before."""
    return detail["type"] in _LENGTHS and isinstance(detail.get("input"), str)


def guess(word: str, words: Iterable[str]) -> str | None:
    """Which of the words that there are may have been meant."""
    guesses = difflib.get_close_matches(word, [*words], n=2)
    return f"did you mean {' or '.join(guesses)}?" if guesses else None
