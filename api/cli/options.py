"""Options that several commands share."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.language import both
from api.cli.terminal import fail

if TYPE_CHECKING:
    from api.cli.session import Session

Json = Annotated[
    bool,
    typer.Option("--json", help=both("print data for other programs", "输出供程序读取的 JSON")),
]
Tenant = Annotated[
    str | None,
    typer.Option(
        "--tenant", "-t", metavar="TENANT", help=both("of this tenant only", "只看该企业的")
    ),
]

Whose = Annotated[
    str | None,
    typer.Option(
        "--tenant",
        "-t",
        metavar="TENANT",
        help=both("whose; your own if not given", "企业编号，默认自己的"),
    ),
]


def parser(pattern: str, english: str, chinese: str) -> Callable[[str], str]:
    """Takes what looks like `pattern`; of anything else it says what it is not."""

    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text, re.ASCII):
            shown = repr(text[:64])
            raise typer.BadParameter(both(f"{shown} {english}", f"{shown} {chinese}"))
        return text

    return parse


month_of = parser(r"20\d\d-(0[1-9]|1[0-2])", "is no month: 2026-10", "不是月份，应如 2026-10")
MonthArgument = Annotated[
    str, typer.Argument(parser=month_of, metavar="MONTH", help=both("like 2026-10", "如 2026-10"))
]


MOST_PERCENT = 100


def permille(percent: str | float) -> int:
    """A share, or a rate of tax, as it was given: with more decimals it would be another."""
    text = str(percent)
    if not re.fullmatch(r"\d{1,3}(\.\d)?", text, re.ASCII) or float(text) > MOST_PERCENT:
        english = f"{text[:40]!r} is no percentage: 0 to 100, at most 1 decimal"
        fail(both(english, f"{text[:40]!r} 不是百分数：应为 0 至 100，最多 1 位小数"), 2)
    return round(float(text) * 10)


def this_month() -> str:
    """The month of Asia/Shanghai that it is now."""
    from api.cli.terminal import day_text
    from api.clock import now_ms

    return day_text(now_ms())[: len("2026-10")]


_id = parser(
    r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}",
    "is no id: letters, digits, . _ -",
    "不是编号：只能用字母、数字与 . _ -",
)
Id = Annotated[str, typer.Argument(parser=_id, metavar="ID", help=both("its id", "编号"))]

Month = Annotated[
    str | None,
    typer.Option(
        parser=month_of,
        metavar="YYYY-MM",
        help=both("a month of Asia/Shanghai; this month if not given", "北京时间的月份，默认本月"),
    ),
]


def session_of(context: typer.Context) -> "Session":
    """The settings of this run, read when a command first needs them."""
    from api.cli.session import Session

    url, key_name = context.obj or (None, None)
    return Session(url, key_name)
