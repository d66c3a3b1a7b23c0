"""Where a sentence goes on in the next line: at a space, and between any two Chinese signs.

A number stays with what it counts, a day with its time, and a mark with what it ends or opens.
"""

import re
from collections.abc import Iterator

from rich.cells import cell_len, chop_cells
from rich.text import Text

_HAN = "\u3400-\u9fff"
_OPENS, _ENDS = "（《“", "，。；：、）》”！？…"
_MOMENT = r"(?:\d{4}-)?\d\d-\d\d \d\d:\d\d(?::\d\d)?"
_UNITS = (
    r"P(?:·时|\.h)?|[KMGT]i?B|TFLOPS|%|yuan|CNY|ms|min|[shd]"
    r"|(?:card|core|device|node|job|task|member|place|time|day|hour|minute|second)s?"
)
_COUNTED = rf"(?<=\d)(?: ?[{_HAN}]| (?:{_UNITS})(?!\w))"
_PIECES = re.compile(
    rf"[{_OPENS}]*(?:第 ?)?(?:{_MOMENT}|[^\s{_HAN}{_OPENS}{_ENDS}]+|[{_HAN}])(?:{_COUNTED})?"
    rf"[{_ENDS}]*\s*|.",
    re.DOTALL,
)


def wrapped(text: Text, width: int) -> list[Text]:
    """The lines of a text, none of which is wider; what is wider by itself is broken anywhere."""
    own_lines = text.split("\n", allow_blank=True)
    return [line for one in own_lines for line in _wrapped(one, width)]


def _wrapped(text: Text, width: int) -> list[Text]:
    breaks, at, used = [], 0, 0
    for piece in _pieces(text.plain, width):
        if used and used + cell_len(piece.rstrip()) > width:
            breaks.append(at)
            used = 0
        at, used = at + len(piece), used + cell_len(piece)
    lines = list(text.divide(breaks))
    for line in lines:
        line.rstrip()
    return lines


def _pieces(plain: str, width: int) -> Iterator[str]:
    for found in _PIECES.finditer(plain):
        piece = found[0]
        is_wide = cell_len(piece.rstrip()) > width
        yield from chop_cells(piece, width) if is_wide else (piece,)
