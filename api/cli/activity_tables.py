"""How it looks in a terminal what cards did that were allocated."""

from rich.table import Table

from api.cli.language import both
from api.cli.terminal import plain, share_text, table
from api.schemas.jobs import Activity, UsageView

MS_PER_SECOND = 1_000


def activity_table(view: UsageView) -> Table:
    """What the cards did that were allocated; what nobody measured is told apart."""
    made = table(
        both("device-s", "卡·秒"),
        both("centre", "中心"),
        both("kind", "型号"),
        both("allocated", "已分配"),
        both("active", "实际使用"),
        both("inactive", "未计算"),
        both("unmeasured", "未测量"),
        both("rate", "有效率"),
        numbers=(3, 4, 5, 6, 7),
    )
    for line in view.activity_lines:
        made.add_row(plain(line.tenant), plain(line.centre), plain(line.device), *_parts(line))
    totals = (
        (both("total, cards", "合计（卡）"), view.activity),
        (both("total, cores", "合计（核）"), view.core_activity),
    )
    for name, total in totals:
        if total is not None and total.allocated_device_ms:
            made.add_row(f"[bold]{name}[/]", "", "", *_parts(total))
    return made


def _parts(one: Activity) -> tuple[str, ...]:
    parts = (one.active_device_ms, one.inactive_device_ms)
    return (
        seconds_text(one.allocated_device_ms),
        *("-" if part is None else seconds_text(part) for part in parts),
        seconds_text(one.unmeasured_device_ms),
        active_text(one),
    )


def active_text(one: Activity | None) -> str:
    """Of the time that was measured; a dash where nobody measured."""
    if one is None or one.active_device_ms is None:
        return "-"
    return share_text(one.active_device_ms, one.active_device_ms + (one.inactive_device_ms or 0))


def seconds_text(device_ms: int) -> str:
    return f"{device_ms / MS_PER_SECOND:,.1f}"
