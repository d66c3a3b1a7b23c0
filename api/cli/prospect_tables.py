"""What a job would meet, and where it stands, in a terminal: each pool, and what is in the way."""

import shlex
from collections.abc import Iterator, Sequence

from rich.table import Table

from api.cli.job_tables import MINUTE, reason_text
from api.cli.language import both, colon
from api.cli.terminal import clock_text, console, plain, say, table
from api.schemas.durations import about
from api.schemas.jobs import ReasonView
from api.schemas.quotes import Alternatives, PoolUseView, QueueStanding, Quote, QuoteOption


def print_standing(standing: QueueStanding) -> None:
    """Its place, by what, who holds each pool that could hold it, and all that is in its way."""
    others = standing.position - 1 - standing.ahead_yours
    ahead = both(
        f"of {standing.waiting} that wait it is {standing.position}; ahead of it: "
        f"{standing.ahead_yours} of yours, {others} of others",
        f"共 {standing.waiting} 个作业排队，此作业第 {standing.position}；"
        f"前面有本企业 {standing.ahead_yours} 个、其他企业 {others} 个",
    )
    say(ahead)
    console.print(
        f"  {both('its turn, the first that differs decides:', '排序依据（依次比较）：')}"
    )
    for term in standing.terms:
        say(plain(both(term.text, term.text_zh)), "    [green]•[/] ")
    console.print(_uses_table(standing.pools))
    console.print(f"  {both('all that is in its way:', '全部等待原因：')}")
    _print_blockers([(use.pool, use.reasons) for use in standing.pools])


def _uses_table(pools: Sequence[PoolUseView]) -> Table:
    has_forms = len({use.needs for use in pools}) > 1
    has_down = any(use.down for use in pools)
    made = table(
        both("pool", "资源池"),
        *([both("would have", "将占用")] if has_forms else []),
        both("devices", "设备"),
        both("free", "空闲"),
        *([both("off", "不可用")] if has_down else []),
        both("yours", "本企业"),
        both("others", "其他企业"),
        numbers=range(1, 4 + has_forms + has_down),
    )
    for use in pools:
        made.add_row(
            plain(use.pool),
            *([str(use.needs)] if has_forms else []),
            str(use.cards),
            str(use.free),
            *([str(use.down)] if has_down else []),
            str(use.yours),
            plain(", ".join(f"{name} {cards}" for name, cards in use.others.items()) or "-"),
        )
    return made


def _print_blockers(by_pool: Sequence[tuple[str, Sequence[ReasonView]]]) -> None:
    """Each once, with where it is so: what names its pool itself need not be told that."""
    names = dict.fromkeys(name for name, _ in by_pool)
    found: dict[str, list[str]] = {}
    named: set[str] = set()
    for name, reasons in by_pool:
        for reason in reasons:
            text = reason_text(reason)
            pools = found.setdefault(text, [])
            if name not in pools:
                pools.append(name)
            if reason.where == name:
                named.add(text)
    for text, pools in found.items():
        where = ""
        if len(names) > 1 and text not in named:
            everywhere = len(pools) == len(names)
            place = both("everywhere", "各资源池") if everywhere else ", ".join(pools)
            where = f"{place}{colon()}"
        say(plain(where + text), "    [yellow]•[/] ")


def print_alternatives(found: Alternatives) -> None:
    if found.items:
        console.print(f"  {both('it would start sooner with:', '如作以下改动可更早开始：')}")
    for item in found.items:
        cost = both(f", {item.cost} yuan", f"，{item.cost} 元") if item.cost else ""
        say(f"{plain(both(item.text, item.text_zh))}{cost}", "    [green]•[/] ")


def print_quote(quote: Quote, words: Sequence[str] = ()) -> None:
    """The last line submits it: `words` are its job file and what was said besides.

    Without a file it is as was quoted, and only what it runs is to be added.
    """
    say(plain(both(quote.summary, quote.summary_zh)), "")
    console.print(_options_table(quote.options))
    if any(option.reasons for option in quote.options):
        console.print(f"  {both('why not now:', '不能立即开始的原因：')}")
        _print_blockers([(option.pool, option.reasons) for option in quote.options])
    for option in quote.options:
        for text in _prices_of(option):
            say(plain(text), "  [magenta]•[/] ")
    until = clock_text(quote.expires_at_ms)[-8:]
    told = both(f"until {until}", f"{until} 前有效")
    if quote.is_kept:
        told = both(f"kept until {until}", f"保留至 {until}")
    command = plain(shlex.join(["brain", "submit", *words, "--quote", quote.id]))
    console.print(f"[dim]{told}{colon()}[/]{command}", soft_wrap=True)


def _options_table(options: Sequence[QuoteOption]) -> Table:
    has_transfers = any(option.transfer_ms for option in options)
    has_sizes = len({option.devices for option in options}) > 1
    made = table(
        both("pool", "资源池"),
        *([both("devices", "设备")] if has_sizes else []),
        both("start", "开始"),
        *([both("data takes", "数据传输")] if has_transfers else []),
        both("likely over", "预计结束"),
        both("at most until", "最晚结束"),
        both("cost, yuan", "费用（元）"),
        both("stops", "抢占"),
        numbers=_numbers(has_sizes=has_sizes, has_transfers=has_transfers),
    )
    for option in options:
        taken = about(option.transfer_ms) if option.transfer_ms else "-"
        made.add_row(
            plain(option.pool),
            *([str(option.devices)] if has_sizes else []),
            _start_text(option),
            *([taken] if has_transfers else []),
            _minute(option.likely_end_ms),
            _minute(option.end_ms),
            option.cost or "-",
            str(option.stops) if option.stops else "-",
        )
    return made


def _numbers(*, has_sizes: bool, has_transfers: bool) -> list[int]:
    """Which columns of the table are numbers."""
    cost = 4 + has_sizes + has_transfers
    sizes = [1] if has_sizes else []
    transfers = [2 + has_sizes] if has_transfers else []
    return [*sizes, *transfers, cost, cost + 1]


def _prices_of(option: QuoteOption) -> Iterator[str]:
    """What else a start there would cost: whom it stops, and who may stop it."""
    if option.stops:
        own = [*option.stops_own]
        others = [f"{count} x {name}" for name, count in option.stops_others.items()]
        whom = ", ".join(own + others)
        yield both(f"{option.pool}: it would stop {whom}", f"{option.pool}：将停止 {whom}")
    if option.is_borrowing:
        yield both(
            f"{option.pool}: on borrowed cards, which their owners may take back",
            f"{option.pool}：占用其他企业的额定配额，其所有者可随时收回",
        )


def _start_text(option: QuoteOption) -> str:
    if option.start_ms is not None and not option.reasons:
        return f"[green]{both('now', '立即')}[/]"
    return _minute(option.start_ms)


def _minute(at_ms: int | None) -> str:
    """A moment to the minute: nobody plans by seconds."""
    return clock_text(at_ms)[:MINUTE]
