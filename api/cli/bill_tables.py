"""How what was said and written about closed months looks in a terminal."""

from api.bill_schemas import ReplyList
from api.cli.language import both
from api.cli.terminal import clock_text, console, plain

_STANDINGS = {
    "open": ("not confirmed", "未确认", "yellow"),
    "confirmed": ("confirmed", "已确认", "green"),
    "disputed": ("disputed", "有异议", "bold red"),
    "resolved": ("resolved", "异议已处理", "cyan"),
}


def standing_text(standing: str) -> str:
    english, chinese, style = _STANDINGS[standing]
    return f"[{style}]{both(english, chinese)}[/]"


def print_replies(said: ReplyList) -> None:
    """How a statement stands, and who said what of it."""
    if not said.items:
        console.print(standing_text(said.standing))
    for one in said.items:
        lines = ", ".join(map(str, one.lines))
        where = both(f" (lines {lines})", f"（第 {lines} 行）") if lines else ""
        reason = f": {plain(one.reason)}" if one.reason else ""
        when = f"{clock_text(one.at_ms)} {plain(one.by)}"
        console.print(f"{standing_text(one.kind)}{where}{reason}  [dim]{when}[/]")
