"""In which language the command line speaks: every text of it exists in English and Chinese."""

import os
from enum import StrEnum
from functools import cache

VARIABLE = "BRAIN_LANG"
VARIABLES = (VARIABLE, "LC_ALL", "LC_MESSAGES", "LANG")


class Language(StrEnum):
    """Languages that every text exists in."""

    EN = "en"
    ZH = "zh"


@cache
def language() -> Language:
    """What the first of `VARIABLES` that is set says; the same for all of a run."""
    chosen = next((value for name in VARIABLES if (value := os.environ.get(name))), "")
    return Language.ZH if chosen.lower().startswith("zh") else Language.EN


def both(english: str, chinese: str) -> str:
    """One text in the language of this run."""
    return chinese if language() is Language.ZH else english


def counted(count: int, noun: str) -> str:
    """`1 place`, `1,204 places`: in English; Chinese words have no plural."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def colon() -> str:
    """Between a name and what is said of it: Chinese has a wide one, without a space behind."""
    return both(": ", "：")
