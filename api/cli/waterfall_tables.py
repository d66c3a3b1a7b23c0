"""How a waterfall looks in a terminal."""

from rich.table import Table

from api.cli.language import both
from api.cli.terminal import clock_text, console, hours_text, plain, share_text, table
from api.schemas.capacity import Levels, UsedItem, WaterfallItem, WaterfallView

MS_PER_HOUR = 3_600_000
TFLOPS_PER_P = 1_000


def print_waterfall(view: WaterfallView) -> None:
    if view.used or not view.items:
        console.print(_used_table(view))
        return
    console.print(_levels_table(view))
    console.print()
    console.print(_rates_table(view))
    console.print()
    if any(item.p.active is not None for item in view.items):
        console.print(_activity_table(view))
    else:
        console.print(
            both(
                "[dim]active is not known: nothing measured it[/]",
                "[dim]实际使用时长未知：尚无测量[/]",
            )
        )


def _levels_table(view: WaterfallView) -> Table:
    made = table(
        both("P.h", "P·时"),
        both("stated", "申报"),
        both("down", "故障"),
        both("maint.", "维护"),
        both("alloc.", "已分配"),
        both("reserved", "预留"),
        both("idle", "空闲"),
        numbers=(1, 2, 3, 4, 5, 6),
    )
    for item in view.items:
        made.add_row(_name(view, item), *_row(item.p))
    return made


def _rates_table(view: WaterfallView) -> Table:
    has_cores = any(item.cores for item in view.items)
    made = table(
        both("utilisation", "分配率"),
        both("by P", "按算力"),
        both("by cards", "按卡"),
        both("peak", "峰值"),
        both("peak at", "峰值时刻"),
        *([both("by cores", "按核")] if has_cores else []),
        numbers=(1, 2, 3, 5),
    )
    for item in view.items:
        of_cores = (_rate(item.cores.utilisation_bp) if item.cores else "-",) if has_cores else ()
        made.add_row(_name(view, item), *_rates(item), *of_cores)
    return made


def _activity_table(view: WaterfallView) -> Table:
    made = table(
        both("P.h", "P·时"),
        both("alloc.", "已分配"),
        both("active", "实际使用"),
        both("inactive", "未计算"),
        both("unmeasured", "未测量"),
        both("active of measured", "有效率"),
        numbers=(1, 2, 3, 4, 5),
    )
    for item in view.items:
        p, active, inactive = item.p, item.p.active or 0, item.p.inactive or 0
        known = ("-", "-") if p.active is None else (_hours(active), _hours(inactive))
        parts = (_hours(p.allocated), *known, _hours(p.unmeasured or 0))
        made.add_row(_name(view, item), *parts, share_text(active, active + inactive))
    return made


def _row(p: Levels) -> tuple[str, ...]:
    return tuple(map(_hours, (p.stated, p.down, p.maintenance, p.allocated, p.reserved, p.idle)))


def _rates(item: WaterfallItem) -> tuple[str, ...]:
    peak = "-" if item.p.peak_bp is None else _rate(item.p.peak_bp)
    at = clock_text(item.p.peak_at_ms)
    return _rate(item.p.utilisation_bp), _rate(item.cards.utilisation_bp), peak, at


def _used_table(view: WaterfallView) -> Table:
    has_cores = any(item.core_ms for item in view.used)
    made = table(
        both("P.h", "P·时"),
        both("used", "用量"),
        both("card-hours", "卡时"),
        both("of the schedulable", "占可调度"),
        *([both("core-hours", "核时")] if has_cores else []),
        numbers=(1, 2, 3, 4),
    )
    for item in view.used:
        cards = hours_text(item.device_ms / MS_PER_HOUR)
        of_cores = (hours_text(item.core_ms / MS_PER_HOUR),) if has_cores else ()
        share = _rate(item.share_bp)
        made.add_row(_name(view, item), _hours(item.tflops_ms), cards, share, *of_cores)
    return made


def _name(view: WaterfallView, item: WaterfallItem | UsedItem) -> str:
    when = "" if view.each == "whole" else f" [dim]{clock_text(item.from_ms)}[/]"
    return f"{plain(item.key)}{when}"


def _hours(tflops_ms: int) -> str:
    return hours_text(tflops_ms / (TFLOPS_PER_P * MS_PER_HOUR))


def _rate(basis_points: int) -> str:
    return f"{basis_points / 100:.2f} %"
