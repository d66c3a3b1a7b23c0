"""What a deliberate bug is."""

from typing import NamedTuple


class Mutant(NamedTuple):
    """In the module `path`, `old` (which stands there once) becomes `new`; `tests` must see it."""

    path: str
    old: str
    new: str
    tests: str  # pytest's own words: files, `file::test`, `-k word`
