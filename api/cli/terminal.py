"""What the terminal shows: tables that fit 80 columns, times, amounts of compute, and errors."""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from typing import NoReturn, Protocol

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from api.chinese import PRIORITIES_ZH, chinese
from api.cli.language import Language, both, colon, language
from api.cli.wrapping import wrapped

PARK_ZONE = timezone(timedelta(hours=8))
"""Times are told in the park's own zone: China has one, without summer time."""

TFLOPS_PER_P = 1_000
MS_PER_SECOND = 1_000
FEN = Decimal("0.01")

STATE_STYLES = {
    "queued": "yellow",
    "held": "yellow",
    "leased": "cyan",
    "starting": "cyan",
    "running": "bold cyan",
    "stopping": "magenta",
    "succeeded": "green",
    "failed": "red",
    "cancelled": "dim",
}
STATES_ZH = {
    "queued": "排队",
    "held": "挂起",
    "leased": "已分配",
    "starting": "启动中",
    "running": "运行中",
    "stopping": "停止中",
    "succeeded": "成功",
    "failed": "失败",
    "cancelled": "已取消",
}

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Signs that steer a terminal, or turn the direction of what stands around them."""


def plain(text: str) -> str:
    """Somebody else's text, which neither steers the terminal nor is taken for markup."""
    return escape(_UNSEEN.sub(lambda sign: sign[0].encode("unicode_escape").decode(), text))


def fail(text: str, code: int = 1) -> NoReturn:
    """Say what went wrong and end with `code`: 1 failed, 2 wrong use."""
    said = plain(told_here(text))
    errors.print(f"[red]{both('error', '错误')}{colon()}[/]{said}", soft_wrap=True)
    raise typer.Exit(code)


def told_here(text: str) -> str:
    """What comes from where no languages are known, in that of this run, line by line."""
    if language() is Language.EN:
        return text
    return "\n".join(map(_chinese, text.split("\n")))


def _chinese(line: str) -> str:
    """A sentence; or a field, which is one word, and what is wrong with it."""
    field, _, problem = line.partition(": ")
    told = chinese(problem)
    by_field = f"{field}{colon()}{told}" if told else line
    if told and " " not in field.strip():
        return by_field
    whole = chinese(line.strip())
    return line[: -len(line.lstrip())] + whole if whole else by_field


def note(text: str) -> None:
    """Say something beside the answer, which alone goes to standard output."""
    errors.print(plain(text), soft_wrap=True)


def say(markup: str, begin: str = "  ") -> None:
    """A sentence that fits the terminal: what does not fit in a line goes on below `begin`."""
    head = Text.from_markup(begin)
    lines = wrapped(Text.from_markup(markup), max(1, console.width - head.cell_len))
    below = Text("\n" + " " * head.cell_len)
    # At once: another thread may have something to say as well.
    console.print(head + below.join(lines), soft_wrap=True)


class Dumped(Protocol):
    """Anything of the wire; named so that help needs no pydantic."""

    def model_dump_json(self) -> str: ...


def print_json(value: Dumped | dict[str, object]) -> None:
    """Data for other programs, on standard output and nothing else with it."""
    plain = value if isinstance(value, dict) else json.loads(value.model_dump_json())
    typer.echo(json.dumps(plain, ensure_ascii=False, indent=2))


def table(*columns: str, numbers: Sequence[int] = ()) -> Table:
    """A table without lines; the columns whose index is in `numbers` stand to the right."""
    made = Table(
        box=None,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        header_style="bold",
        show_header=any(columns),
    )
    for index, name in enumerate(columns):
        made.add_column(name, justify="right" if index in numbers else "left", overflow="fold")
    return made


def print_list(made: Table) -> None:
    """A list; one of nothing says so, as a head alone looks like a fault."""
    console.print(made)
    if not made.row_count:
        note(both("none", "（无）"))


def state_text(state: str) -> str:
    style = STATE_STYLES.get(state, "")
    word = both(state, STATES_ZH.get(state, state))
    return f"[{style}]{word}[/]" if style else word


def priority_text(priority: str) -> str:
    """At which its price is, in the language of this run."""
    return both(priority, PRIORITIES_ZH.get(priority, priority))


def clock_text(at_ms: int | None) -> str:
    """A moment as the park's clocks show it."""
    return _moment_text(at_ms, "%m-%d %H:%M:%S")


def full_text(at_ms: int | None) -> str:
    """The same with its year, for what somebody may ask about in another."""
    return _moment_text(at_ms, "%Y-%m-%d %H:%M:%S")


def year_text(at_ms: int | None) -> str:
    """To the minute, for what is years away or ago."""
    return _moment_text(at_ms, "%Y-%m-%d %H:%M")


def day_text(at_ms: int) -> str:
    """The day of it, for what begins and ends with days."""
    return year_text(at_ms).partition(" ")[0]


def _moment_text(at_ms: int | None, form: str) -> str:
    if at_ms is None:
        return "-"
    return datetime.fromtimestamp(at_ms / MS_PER_SECOND, UTC).astimezone(PARK_ZONE).strftime(form)


def duration_text(duration_ms: int | None) -> str:
    """`3d 04:05:06`, `04:05:06` or `5.2s`."""
    if duration_ms is None:
        return "-"
    if duration_ms < 60 * MS_PER_SECOND:
        return f"{duration_ms / MS_PER_SECOND:.1f}s"
    minutes, seconds = divmod(duration_ms // MS_PER_SECOND, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return (f"{days}d " if days else "") + f"{hours:02}:{minutes:02}:{seconds:02}"


def p_text(tflops: int) -> str:
    """TFLOPS as P, with as many decimals as say something."""
    p = tflops / TFLOPS_PER_P
    return f"{p:,.0f}" if p >= TFLOPS_PER_P else f"{p:.3f}".rstrip("0").rstrip(".")


def hours_text(hours: str | float) -> str:
    """Card-hours and P.h: the wire has six decimals, four are enough for the eye."""
    return f"{float(hours):,.4f}"


def yuan_text(exact: str) -> str:
    """An amount to the fen; what was spent is known to the micro-yuan."""
    return str(Decimal(exact).quantize(FEN, ROUND_HALF_UP))


def share_text(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}%" if whole else "-"


def bar(part: int, whole: int, width: int) -> str:
    """A bar of `width` characters, filled as `part` fills `whole`."""
    filled = round(width * part / whole) if whole else 0
    return f"[cyan]{'█' * filled}[/][dim]{'░' * (width - filled)}[/]"
