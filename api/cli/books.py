"""Commands about money: usage, statement, export."""

import json
import sys
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from api.cli.language import both
from api.cli.options import Json, Month, Tenant, session_of
from api.cli.session import Identity, client
from api.cli.terminal import errors, fail, print_json

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


Output = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", metavar="FILE", help=both("write there", "写入该文件"), dir_okay=False
    ),
]


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
        """A tenant's statement of a month: a draft until the month is closed.

    Examples:

      brain statement

      brain statement --tenant t03

      brain statement --tenant t03 --month 2026-10 --csv -o t03-2026-10.csv

      brain statement --tenant t03 --month 2026-10 --pdf -o t03-2026-10.pdf""",
        """企业的月度对账单；关账之前为草稿。

    示例：

      brain statement

      brain statement --tenant t03

      brain statement --tenant t03 --month 2026-10 --csv -o t03-2026-10.csv

      brain statement --tenant t03 --month 2026-10 --pdf -o t03-2026-10.pdf""",
    )
)
def statement(
    context: typer.Context,
    tenant: Annotated[
        str | None,
        typer.Option(
            "--tenant",
            "-t",
            metavar="TENANT",
            help=both("whose; your own if not given", "企业编号，默认自己的"),
        ),
    ] = None,
    month: Month = None,
    csv: Annotated[bool, typer.Option("--csv", help=both("as CSV", "输出 CSV"))] = False,
    pdf: Annotated[
        bool, typer.Option("--pdf", help=both("as PDF, to be signed", "输出可签章的 PDF"))
    ] = False,
    output: Output = None,
    as_json: Json = False,
) -> None:
    """A tenant's statement."""
    from api.cli.book_tables import print_statement

    session = session_of(context)
    tenant = tenant or session.default_tenant
    with client(session, Identity.BOOKS) as broker:
        if csv or pdf:
            read = broker.statement_pdf if pdf else broker.statement_csv
            _write([read(tenant, month)], output)
            return
        content = broker.statement(tenant, month)
    if output or as_json:
        _write([content], output)
    else:
        print_statement(json.loads(content))


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
    if file_format is FileFormat.PARQUET and output is None and sys.stdout.isatty():
        fail(both("Parquet is no text: name a file with -o", "Parquet 不是文本：请用 -o 指定文件"))
    with client(session_of(context), Identity.BOOKS) as broker:
        _write(broker.export(what.value, month, tenant, file_format.value), output)


def _write(content: Iterable[bytes], output: Path | None) -> None:
    """To the file, whole or not at all; or to standard output, byte for byte."""
    if output is None:
        sys.stdout.buffer.writelines(content)
        sys.stdout.buffer.flush()
        return
    new = output.with_name(f".{output.name}.new")
    try:
        with new.open("wb") as file:
            file.writelines(content)
        new.replace(output)
    except OSError as error:
        fail(f"{output}: {error.strerror}")
    finally:
        new.unlink(missing_ok=True)
    errors.print(both(f"written: {output}", f"已写入：{output}"))
