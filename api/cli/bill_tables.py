"""How what was said and written about closed months looks in a terminal."""

from decimal import Decimal

from rich.table import Table

from api.cli.language import both, colon
from api.cli.terminal import console, day_text, plain, table, year_text
from api.schemas.bills import InvoiceList, InvoiceView, PaymentList, ReplyList

_STANDINGS = {
    "open": ("not confirmed", "未确认", "yellow"),
    "confirmed": ("confirmed", "已确认", "green"),
    "disputed": ("disputed", "有异议", "bold red"),
    "resolved": ("resolved", "异议已处理", "cyan"),
    "accepted": ("accepted", "异议成立", "cyan"),
    "rejected": ("rejected", "异议不成立", "magenta"),
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
        granted = both(f" {one.granted} CNY granted", f" 折让 {one.granted} 元")
        why = f"{colon()}{plain(one.reason)}" if one.reason else ""
        reason = (granted if one.granted else "") + why
        when = f"{year_text(one.at_ms)} {plain(one.by)}"
        console.print(f"{standing_text(one.kind)}{where}{reason}  [dim]{when}[/]")


def disputed_lines(said: ReplyList) -> frozenset[int] | None:
    """Which lines of a statement are disputed now; None for all of them."""
    if said.standing != "disputed":
        return frozenset()
    return frozenset(said.items[-1].lines) or None


_INVOICE_STATES = {
    "requested": ("requested", "已申请", "yellow"),
    "issued": ("issued", "已开具", "green"),
    "withdrawn": ("withdrawn", "已撤回", "dim"),
    "credited": ("credited", "已红冲", "magenta"),
}


def invoice_state(invoice: InvoiceView) -> str:
    return _state_text(invoice.state)


def _state_text(state: str) -> str:
    english, chinese, style = _INVOICE_STATES[state]
    return f"[{style}]{both(english, chinese)}[/]"


def invoices_table(found: InvoiceList) -> Table:
    """What is copied from it, a request's id and an invoice's number, is never broken."""
    made = table(
        both("request", "申请编号"),
        both("tenant", "企业"),
        both("month", "账期"),
        both("buyer", "购买方"),
        both("state, number", "状态与号码"),
        both("gross", "价税合计"),
        both("unpaid", "未付"),
        numbers=(5, 6),
    )
    for column in (made.columns[0], *made.columns[4:]):
        column.no_wrap = True
    for one in found.items:
        made.add_row(
            *(plain(word) for word in (one.id, one.tenant, one.month, one.buyer)),
            "\n".join(filter(None, (invoice_state(one), plain(one.number or "")))),
            one.gross,
            _unpaid(one),
        )
    return made


def _unpaid(one: InvoiceView) -> str:
    if one.state == "withdrawn":
        return "-"
    return str(Decimal(one.gross) - Decimal(one.credited) - Decimal(one.paid))


def print_invoice(one: InvoiceView) -> None:
    """An invoice line by line, and what became of it."""
    console.print(f"[bold]{plain(one.id)}[/]  {plain(one.buyer)} {one.credit_code}")
    made = table(
        both("item", "项目名称"),
        both("kind", "规格型号"),
        both("unit", "单位"),
        both("quantity", "数量"),
        both("price", "单价（含税）"),
        both("net", "金额"),
        both("rate", "税率"),
        both("tax", "税额"),
        both("gross", "价税合计"),
        numbers=(3, 4, 5, 6, 7, 8),
    )
    for line in one.lines:
        rate = f"{line.vat_permille / 10:g} %"
        words = (line.item, plain(line.device), line.unit, line.quantity, line.price)
        made.add_row(*words, line.net, rate, line.tax, line.gross)
    total = both("[bold]total[/]", "[bold]合计[/]")
    made.add_row(total, "", "", "", "", one.net, "", one.tax, f"[bold]{one.gross}[/]")
    console.print(made)
    console.print(invoice_state(one))
    for step in one.steps:
        said = f"{plain(step.number)} {step.amount} {plain(step.reason)}".rstrip()
        console.print(
            f"{_state_text(step.kind)} {said}  [dim]{year_text(step.at_ms)} {plain(step.by)}[/]"
        )


def payments_table(found: PaymentList) -> Table:
    made = table(
        both("payment", "流水号"),
        both("tenant", "企业"),
        both("month", "账期"),
        both("invoice request", "发票申请"),
        both("came", "到账时间"),
        both("yuan", "金额（元）"),
        numbers=(5,),
    )
    for one in found.items:
        words = (one.reference, one.tenant, one.month, one.invoice or "")
        made.add_row(*map(plain, words), day_text(one.paid_at_ms), one.amount)
    return made


def accounts_table(found: PaymentList) -> Table:
    """How each closed statement stands, and what is outstanding of all."""
    made = table(
        both("tenant", "企业"),
        both("month", "账期"),
        both("due", "应付"),
        both("requested", "已申请开票"),
        both("issued", "已开票"),
        both("credited", "已红冲"),
        both("paid", "已付"),
        both("outstanding", "未付"),
        numbers=(2, 3, 4, 5, 6, 7),
    )
    for one in found.accounts:
        sums = (one.due, one.requested, one.issued, one.credited, one.paid, one.outstanding)
        made.add_row(plain(one.tenant), one.month, *sums)
    total = both("[bold]total[/]", "[bold]合计[/]")
    made.add_row(total, "", "", "", "", "", "", f"[bold]{found.outstanding}[/]")
    return made
