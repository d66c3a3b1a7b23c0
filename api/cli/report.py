"""The industry brain's monthly report in a terminal."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from api.cli.language import both, counted
from api.cli.options import Json, month_of, session_of, this_month
from api.cli.session import Identity, client
from api.cli.terminal import console, hours_text, plain, print_json, table, year_text

if TYPE_CHECKING:
    from api.schemas.reports import BrainReport, ReportedUsage, ReportedWaits

app = typer.Typer()
MS_PER_MINUTE = 60_000


@app.command(
    help=both(
        """A month of the park: use and revenue by field, price class and centre, waits, ends.

    No tenant is named. For operators and finance. A month that is not over is told as far as it
    has come.

    Examples:

      brain report

      brain report 2026-10""",
        """园区月报：按行业领域、价格等级与算力中心的用量与收入，等待时间，结束原因。

    不列企业名称。供运营与财务使用。未结束的月份按截至目前的数据给出。

    示例：

      brain report

      brain report 2026-10""",
    )
)
def report(
    context: typer.Context,
    month: Annotated[
        str | None,
        typer.Argument(
            parser=month_of,
            metavar="MONTH",
            help=both("like 2026-10; this month if not given", "如 2026-10，默认本月"),
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show a month of the park."""
    with client(session_of(context), Identity.BOOKS) as broker:
        found = broker.report(month or this_month())
    if as_json:
        print_json(found)
    else:
        _print(found)


def _print(found: "BrainReport") -> None:
    from api.cli.job_tables import CAUSES_ZH

    console.print(f"[bold]{plain(found.name)}  {found.month}[/]{_so_far(found)}")
    for title, lines in (
        (both("field", "行业领域"), found.by_field),
        (both("price class", "价格等级"), found.by_class),
        (both("centre", "算力中心"), found.by_centre),
    ):
        console.print(_used(title, lines, found.total), "")
    console.print(_waited(found.waits), "")
    ends = both(", ", "、").join(
        f"{both(plain(cause), CAUSES_ZH.get(cause, cause))} {count}"
        for cause, count in sorted(found.ends.items())
    )
    failures = f"{found.failures}"
    jobs = counted(found.submitted_jobs, "job")
    console.print(
        both(
            f"{jobs} submitted; attempts ended: {ends or 'none'}; by the park's fault: {failures}",
            f"提交作业 {found.submitted_jobs} 个；结束原因：{ends or '无'}；园区原因：{failures}",
        )
    )


def _so_far(found: "BrainReport") -> str:
    if found.until_ms >= found.to_ms:
        return ""
    at = year_text(found.until_ms)
    return both(f"  [dim]until {at}[/]", f"  [dim]截至 {at}[/]")


def _used(title: str, lines: "list[ReportedUsage]", total: "ReportedUsage") -> Table:
    made = table(
        title,
        both("tenants", "企业数"),
        both("P.h", "P·时"),
        both("card-h", "卡时"),
        both("revenue", "收入（元）"),
        numbers=(1, 2, 3, 4),
    )
    for name, one in (
        *((plain(line.key), line) for line in lines),
        (both("[bold]total[/]", "[bold]合计[/]"), total),
    ):
        hours = (hours_text(one.p_hours), hours_text(one.card_hours))
        made.add_row(name, str(one.tenants), *hours, one.revenue)
    return made


def _waited(waits: "list[ReportedWaits]") -> Table:
    made = table(
        both("waits, minutes", "等待（分钟）"),
        both("jobs", "作业数"),
        both("mean", "平均"),
        both("P50", "P50"),
        both("P95", "P95"),
        numbers=(1, 2, 3, 4),
    )
    for one in waits:
        name = both("all", "全部") if one.field is None else plain(one.field)
        times = (one.mean_ms, one.p50_ms, one.p95_ms)
        made.add_row(name, str(one.jobs), *(f"{ms / MS_PER_MINUTE:,.1f}" for ms in times))
    return made
