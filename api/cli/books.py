"""Commands about money: usage, export."""

from enum import StrEnum
from typing import Annotated

import typer

from api.cli.files import Output, write_binary, write_out
from api.cli.language import both
from api.cli.options import Json, Month, Tenant, session_of
from api.cli.session import Identity, client
from api.cli.terminal import print_json

app = typer.Typer()


class Exported(StrEnum):
    """What can be exported."""

    USAGE = "usage"
    CHARGES = "charges"
    FOCUS = "focus"


class FileFormat(StrEnum):
    """How it is written."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"


@app.command(
    help=both(
        """What was used, and what it comes to: device-time, card-hours, P.h and yuan.

    Examples:

      brain usage

      brain usage --month 2026-10 --tenant t03

      brain usage --json""",
        """用量与费用：卡·秒、卡时、P·时与金额。

    示例：

      brain usage

      brain usage --month 2026-10 --tenant t03

      brain usage --json""",
    )
)
def usage(
    context: typer.Context, month: Month = None, tenant: Tenant = None, as_json: Json = False
) -> None:
    """What was used."""
    from api.cli.book_tables import month_bounds, print_usage

    from_ms, to_ms = month_bounds(month) if month else (None, None)
    with client(session_of(context), Identity.BOOKS) as broker:
        view = broker.usage(from_ms, to_ms, tenant)
    if as_json:
        print_json(view)
    else:
        print_usage(view)


@app.command(
    help=both(
        """A month as a file: every usage record, every charge, or all bills as FOCUS rows.

    FOCUS is the FinOps Open Cost and Usage Specification (1.2): its rows add up to what is due.

    Examples:

      brain export usage -o usage.csv

      brain export charges --month 2026-10 --tenant t03 > charges.csv

      brain export focus --month 2026-10 --format parquet -o focus.parquet""",
        """将某月导出为文件：全部用量、全部费用明细，或按 FOCUS 规范的全部账单明细。

    FOCUS 为 FinOps 开放成本与用量规范（1.2），其各行之和等于应付金额。

    示例：

      brain export usage -o usage.csv

      brain export charges --month 2026-10 --tenant t03 > charges.csv

      brain export focus --month 2026-10 --format parquet -o focus.parquet""",
    )
)
def export(
    context: typer.Context,
    what: Annotated[
        Exported,
        typer.Argument(
            metavar="usage|charges|focus", help=both("which of them", "用量、费用或 FOCUS")
        ),
    ],
    month: Month = None,
    tenant: Tenant = None,
    file_format: Annotated[
        FileFormat,
        typer.Option(
            "--format", metavar="csv|jsonl|parquet", help=both("how to write it", "文件格式")
        ),
    ] = FileFormat.CSV,
    output: Output = None,
) -> None:
    """A month as a file."""
    write = write_binary if file_format is FileFormat.PARQUET else write_out
    with client(session_of(context), Identity.BOOKS) as broker:
        write(broker.export(what.value, month, tenant, file_format.value), output)
