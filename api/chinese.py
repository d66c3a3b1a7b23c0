"""What is said in English, in Chinese: sentence by sentence, each known by its pattern.

Errors come from every layer, and those below know no languages. Here stands, beside each English
sentence, its Chinese one; what stands in it may be such a sentence itself, or a word.
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from string import Formatter

CATALOGUE = Path(__file__).with_name("chinese.json")
NAMES = frozenset(
    {"name", "names", "other_name", "word", "path", "tenant", "project", "cohort", "centre", "job"}
)
"""Holes for what is called so: a tenant `job`, or a field `project`, is no word of a sentence."""
PRIORITIES_ZH = {"low": "低", "normal": "普通", "high": "高"}
EDGE = "\ufdd0"
"""Where what is filled in begins and ends; no text has this character."""
_HAN = "[\u4e00-\u9fff]"
_SPACES = (
    (re.compile(f"(?<={_HAN}) {EDGE}(?={_HAN})"), ""),
    (re.compile(f"(?<={_HAN}){EDGE} (?={_HAN})"), ""),
    (re.compile(f"(?<={_HAN}){EDGE}(?=[A-Za-z0-9])"), " "),
    (re.compile(f"(?<=[A-Za-z0-9]){EDGE}(?={_HAN})"), " "),
)
LENGTH_MAX = 500
"""What is longer holds somebody's text: a search takes up to the fourth power of it."""


def chinese(text: str) -> str | None:
    """The same in Chinese; `None` for a sentence that is not in the catalogue."""
    if not text or len(text) > LENGTH_MAX:
        return None
    for pattern, words in _sentences():
        found = pattern.fullmatch(text)
        if found is not None:
            parts = ((name, _part(name, one)) for name, one in found.groupdict().items())
            return _spaced(words.format(**{name: f"{EDGE}{one}{EDGE}" for name, one in parts}))
    return None


def _part(name: str, part: str) -> str:
    return part if name in NAMES else chinese(part) or part


def _spaced(text: str) -> str:
    """A space stands between Chinese and what is not, and none within: whatever was filled in."""
    for edge, space in _SPACES:
        text = edge.sub(space, text)
    return text.replace(EDGE, "")


@cache
def _sentences() -> list[tuple[re.Pattern[str], str]]:
    """Those that say most by themselves first: `{text}: try again` would fit many."""
    known: dict[str, str] = json.loads(CATALOGUE.read_text(encoding="utf-8"))
    ordered = sorted(known, key=lambda english: (-len(_fixed(english)), english))
    return [(_pattern(english), known[english]) for english in ordered]


def _fixed(english: str) -> str:
    return "".join(literal for literal, _ in _pieces(english))


def _pattern(english: str) -> re.Pattern[str]:
    pieces = (
        re.escape(literal) + (f"(?P<{name}>.+?)" if name else "")
        for literal, name in _pieces(english)
    )
    return re.compile("".join(pieces))


def _pieces(english: str) -> Iterator[tuple[str, str | None]]:
    """Its own words, and the name of what stands after them."""
    return ((literal, name) for literal, name, _, _ in Formatter().parse(english))
