"""How months and a verification look in a terminal."""

from collections import Counter

from rich.table import Table

from api.cli.bill_tables import standing_text
from api.cli.language import both, colon, counted
from api.cli.terminal import console, errors, plain, say, table, told_here, year_text
from api.schemas.books import (
    GrantedTwice,
    MisfitView,
    MonthList,
    MonthView,
    ReconciliationLine,
    Verdict,
    VerificationLine,
)

PARTS_ZH = {
    "activity": "有效运行",
    "activity by the hour": "小时有效运行",
    "attempts": "尝试",
    "balances": "余额",
    "concessions": "折让",
    "daily roots": "每日根",
    "events": "事件",
    "months of usage": "用量所属月份",
    "overlaps": "用量重叠",
    "price_lists": "价格表",
    "settlements": "结算单",
    "statements": "对账单",
    "taxes": "税额",
    "transfers": "转账",
    "usage": "用量",
    "usage by the hour": "小时用量",
    "usage_credits": "退回",
}
"""Parts of the books; a chain's is told in a sentence, with whose it is."""
SHOWN = 16
"""So many figures of a hash are enough to tell two apart; JSON has all."""


def months_table(listed: MonthList) -> Table:
    made = table(
        both("month", "月份"),
        both("state", "状态"),
        both("closed at", "关账时间"),
        both("statements", "对账单"),
        both("confirmed", "已确认"),
        both("disputed", "有异议"),
        numbers=(3, 4, 5),
    )
    for month in listed.months:
        state = both("closed", "已关账") if month.state == "closed" else both("open", "未关账")
        at = "" if month.closed_at_ms is None else year_text(month.closed_at_ms)
        standings = Counter(one.standing for one in month.statements)
        counts = (len(month.statements), standings["confirmed"], standings["disputed"])
        made.add_row(month.month, state, at, *map(str, counts))
    return made


def month_table(month: MonthView) -> Table:
    made = table(
        both("tenant", "企业"),
        both("yuan", "金额（元）"),
        both("sha256", "校验和"),
        both("standing", "确认情况"),
        numbers=(1,),
    )
    for one in month.statements:
        checksum = f"[dim]{one.sha256[:SHOWN]}[/]"
        made.add_row(plain(one.tenant), one.gross, checksum, standing_text(one.standing))
    return made


def twice_text(one: GrantedTwice) -> str:
    """What stands beside what finance granted, for it to see whether both are meant."""
    whose = f"[yellow]{plain(one.tenant)}[/]"
    return both(
        f"{whose}: {one.granted} yuan were granted about {one.month}, and {one.given_back} of the "
        "same usage were given back after that: both stand, see whether both are meant",
        f"{whose}：{one.month} 的异议已给予折让 {one.granted} 元，"
        f"此后同一用量又退回 {one.given_back} 元：两者均有效，请核实",
    )


def part_text(part: str) -> str:
    return plain(both(part, PARTS_ZH.get(part) or told_here(part)))


def print_line(line: VerificationLine) -> None:
    if line.misfit:
        _print_misfit(line.misfit)
    elif line.verdict:
        _print_verdict(line.verdict)
    elif line.chain:
        whose = plain(line.chain.tenant or both("(the park)", "（园区）"))
        count = line.chain.facts
        facts = both(counted(count, "fact"), f"{count:,} 条")
        console.print(f"[green]✓[/] {whose}  {facts}  [dim]{line.chain.head[:SHOWN]}[/]")


def print_reconciled(line: ReconciliationLine) -> None:
    if line.events is not None:
        events = both(counted(line.events, "event"), f"{line.events:,} 条事件")
        errors.print(f"[dim]{events}[/]")
    elif line.difference:
        one = line.difference
        more = both(f" (one of {one.count:,})", f"（共 {one.count:,} 处）") if one.count > 1 else ""
        what = plain(told_here(one.what))
        told = f"{part_text(one.part)}{colon()}{what}{more}{colon()}{plain(one.row)}"
        console.print(f"[red]✗[/] {told}", soft_wrap=True)
    elif line.differences:
        text = both(counted(line.differences, "difference"), f"{line.differences:,} 处差异")
        console.print(f"[bold red]{text}[/]")
    else:
        console.print(both("books and event log agree", "账本与事件日志一致"))


def _print_misfit(misfit: MisfitView) -> None:
    told = [part_text(misfit.part), plain(told_here(misfit.row)), plain(told_here(misfit.what))]
    console.print(f"[red]✗[/] {colon().join(filter(None, told))}", soft_wrap=True)


def _print_verdict(verdict: Verdict) -> None:
    if verdict.is_intact:
        console.print(
            both(
                f"[bold]the books are whole[/]: {counted(verdict.facts, 'fact')} in "
                f"{counted(verdict.chains, 'chain')}",
                f"[bold]账本完整[/]：{verdict.chains} 条链，共 {verdict.facts:,} 条",
            )
        )
    else:
        count = verdict.misfits
        places = f"{counted(count, 'place')} {'does' if count == 1 else 'do'} not fit"
        text = both(f"the books were altered: {places}", f"账本被改动：{count:,} 处不符")
        console.print(f"[bold red]{text}[/]")
    if verdict.root:
        day = verdict.root_day
        say(both(f"root of {day}, to be kept elsewhere:", f"{day} 的根，请另行保存："), "")
        console.print(verdict.root)
