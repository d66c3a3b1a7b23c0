"""How money and usage look in a terminal."""

import re
from datetime import UTC, datetime, timedelta

from rich.table import Table

from api.cli.activity_tables import activity_table, seconds_text
from api.cli.language import both
from api.cli.terminal import (
    PARK_ZONE,
    clock_text,
    console,
    fail,
    hours_text,
    plain,
    priority_text,
    table,
)
from api.schemas.jobs import UsageLine, UsageView

MS_PER_SECOND = 1_000

_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])", re.ASCII)


def month_bounds(month: str) -> tuple[int, int]:
    """A month of the park's calendar as epoch milliseconds, the end exclusive."""
    if not _MONTH.fullmatch(month) or not 1970 <= int(month[:4]) < 2170:
        fail(
            both(f"{month[:20]!r} is no month: 2026-10", f"{month[:20]!r} 不是月份，应如 2026-10"),
            2,
        )
    first = datetime(int(month[:4]), int(month[5:]), 1, tzinfo=PARK_ZONE)
    following = (first + timedelta(days=31)).replace(day=1)
    return _ms(first), _ms(following)


def day_ms(day: str) -> int:
    """The beginning of a day of the park's calendar, as epoch milliseconds."""
    try:
        return _ms(datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=PARK_ZONE))
    except ValueError:
        fail(
            both(f"{day[:20]!r} is no day: 2026-10-31", f"{day[:20]!r} 不是日期，应如 2026-10-31"),
            2,
        )


def _ms(moment: datetime) -> int:
    return int(moment.timestamp()) * MS_PER_SECOND


def print_usage(view: UsageView) -> None:
    begin = datetime.fromtimestamp(view.from_ms / MS_PER_SECOND, UTC).astimezone(PARK_ZONE)
    end = datetime.fromtimestamp(view.to_ms / MS_PER_SECOND, UTC).astimezone(PARK_ZONE)
    console.print(f"{begin:%Y-%m-%d %H:%M} – {end:%Y-%m-%d %H:%M}  (UTC+8)")
    console.print(usage_table(view))
    if any(line.active_device_ms is not None for line in view.activity_lines):
        console.print(activity_table(view))
    if view.disputed:
        console.print(disputed_table(view))


def disputed_table(view: UsageView) -> Table:
    """Attempts in centres that are not heard of; in none of the sums."""
    made = table(
        both("disputed, not billed", "待核实，未计费"),
        both("tenant", "企业"),
        both("centre", "中心"),
        both("since", "自"),
        both("device-s", "卡·秒"),
        numbers=(4,),
    )
    for one in view.disputed:
        since, used = clock_text(one.from_ms), seconds_text(one.device_ms)
        made.add_row(plain(one.attempt), plain(one.tenant), plain(one.centre), since, used)
    return made


def usage_table(view: UsageView) -> Table:
    """A line for each tenant, centre, kind and price; credits are negative, with their cause.

    Core-hours have a column where there are any.
    """
    has_cores = any(line.unit == "core" for line in view.lines)
    made = table(
        both("tenant", "企业"),
        both("centre", "中心"),
        both("kind", "型号"),
        both("device-s", "卡·秒"),
        both("card-h", "卡时"),
        both("P.h", "P·时"),
        both("price", "单价"),
        both("yuan", "金额（元）"),
        *([both("core-h", "核时")] if has_cores else []),
        numbers=(3, 4, 5, 6, 7, 8),
    )
    for line in view.lines:
        made.add_row(*_cells(line), *([hours_text(line.core_hours)] if has_cores else []))
    made.add_row(
        both("[bold]total[/]", "[bold]合计[/]"),
        "",
        "",
        seconds_text(view.device_ms),
        hours_text(view.card_hours),
        hours_text(view.p_hours),
        "",
        f"[bold]{view.amount}[/]",
        *([hours_text(view.core_hours)] if has_cores else []),
    )
    return made


def _cells(line: UsageLine) -> tuple[str, ...]:
    cause = f" [dim]({plain(line.cause)})[/]" if line.cause else ""
    return (
        plain(line.tenant),
        plain(line.centre),
        plain(line.device) + cause,
        seconds_text(line.device_ms) if line.unit == "card" else "-",
        hours_text(line.card_hours),
        hours_text(line.p_hours),
        price_text(line.price),
        line.amount,
    )


def price_text(price: str) -> str:
    """At least two decimals, and more only where they say something."""
    whole, _, decimals = price.partition(".")
    return f"{whole}.{decimals.rstrip('0').ljust(2, '0')}"


def print_statement(
    statement: dict[str, object], disputed: frozenset[int] | None = frozenset()
) -> None:
    """A statement as the broker's JSON has it; lines that are disputed (None: all) are marked."""
    state = str(statement["state"])
    said = both(f"({state})", {"draft": "（草稿）", "closed": "（已关账）"}[state])
    console.print(f"[bold]{statement['tenant']}  {statement['month']}[/]  {said}")
    (totals,) = _objects([statement["totals"]])
    has_cores = "core_hours" in totals
    made = table(
        both("line", "行"),
        both("project", "项目"),
        both("centre", "中心"),
        both("kind", "型号"),
        both("priority", "优先级"),
        both("card-h", "卡时"),
        both("P.h", "P·时"),
        both("price", "单价"),
        both("yuan", "金额（元）"),
        *([both("core-h", "核时")] if has_cores else []),
        numbers=(5, 6, 7, 8, 9),
    )
    number = 0
    for rows in ("lines", "credits", "corrections"):
        for line in _objects(statement[rows]):
            number += 1
            core_hours = [hours_text(str(line.get("core_hours", "0")))]
            made.add_row(
                _numbered(number, disputed),
                *(plain(str(line[key])) for key in ("project", "centre", "device")),
                plain(priority_text(str(line["qos"]))),
                hours_text(str(line["card_hours"])),
                hours_text(str(line["p_hours"])),
                price_text(str(line["price"])),
                str(line["amount"]),
                *(core_hours if has_cores else []),
            )
    console.print(made)
    console.print(
        both(
            f"total {totals['gross']} CNY = {totals['net']} + VAT {totals['tax']}",
            f"合计 {totals['gross']} 元 = 不含税 {totals['net']} + 税额 {totals['tax']}",
        )
    )
    _print_packages(statement, number, disputed)
    _print_concessions(statement)
    _print_vouchers(statement)
    if totals.get("due", totals["gross"]) != totals["gross"] or statement.get("vouchers"):
        console.print(
            both(f"[bold]due {totals['due']} CNY[/]", f"[bold]应付 {totals['due']} 元[/]")
        )


def _numbered(number: int, disputed: frozenset[int] | None) -> str:
    is_disputed = disputed is None or number in disputed
    return (
        both(f"[red]{number} disputed[/]", f"[red]{number} 有异议[/]")
        if is_disputed
        else f"{number}"
    )


def _print_packages(
    statement: dict[str, object], number: int, disputed: frozenset[int] | None
) -> None:
    """Packages that were bought, beside the total of usage, and what packages covered."""
    for place, one in enumerate(_objects(statement.get("purchases")), start=number + 1):
        name = plain(str(one["package"]))
        line = _numbered(place, disputed)
        english = (
            f"{line} bought: package {name}, {one['amount']} CNY = {one['net']} + VAT {one['tax']}"
        )
        amounts = f"{one['amount']} 元 = 不含税 {one['net']} + 税额 {one['tax']}"
        console.print(both(english, f"{line} 购买资源包 {name}：{amounts}"))
    for one in _objects(statement.get("packages")):
        name, used = plain(str(one["package"])), one["used_card_hours"]
        committed = one["committed_card_hours"]
        english = f"package {name}: {used} of {committed} card-hours used"
        console.print(both(english, f"资源包 {name}：承诺 {committed} 卡时，已用 {used} 卡时"))
    late = [one for one in _objects(statement.get("covered")) if one["month"] != statement["month"]]
    for one in late:
        name, hours, month = plain(str(one["package"])), one["card_hours"], one["month"]
        english = (
            f"package {name}: {hours} card-hours more were covered in {month}, which is closed"
        )
        console.print(both(english, f"资源包 {name}：更正 {month}，抵扣 {hours} 卡时"))


def _print_concessions(statement: dict[str, object]) -> None:
    """What was granted in disputes about closed statements, and about which of their lines."""
    for one in _objects(statement.get("concessions")):
        numbers = one["lines"]
        assert isinstance(numbers, list), "a concession names lines"
        lines = ", ".join(map(str, numbers))
        month, reason = one["month"], plain(str(one["reason"]))
        amounts = f"{one['amount']} CNY = {one['net']} + VAT {one['tax']}"
        amounts_zh = f"{one['amount']} 元 = 不含税 {one['net']} + 税额 {one['tax']}"
        where, where_zh = (f", lines {lines}", f" 第 {lines} 行") if lines else ("", "")
        console.print(
            both(
                f"granted in the dispute about {month}{where}: {amounts} ({reason})",
                f"更正 {month}{where_zh}，异议折让：{amounts_zh}（{reason}）",
            )
        )


def _print_vouchers(statement: dict[str, object]) -> None:
    """What vouchers pay, or get back; nothing where there are none."""
    for one in _objects(statement.get("vouchers")):
        name, contract = plain(str(one["voucher"])), plain(str(one["contract"]))
        console.print(
            both(
                f"voucher {name} for contract {contract}: {one['amount']} CNY",
                f"算力券 {name}（合同 {contract}）：{one['amount']} 元",
            )
        )


def _objects(found: object) -> list[dict[str, object]]:
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []
