"""Commands about a tenant's statement: read it, confirm or dispute it, resolve a dispute."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.files import Output, write_binary, write_out
from api.cli.language import both, colon
from api.cli.options import Json, Month, MonthArgument, Whose, session_of
from api.cli.session import Identity, client, whose
from api.cli.terminal import errors, fail, print_json

if TYPE_CHECKING:
    from api.cli.session import Session
    from api.schemas.bills import ReplyView
    from api.schemas.values import Decision
    from api.sdk import Client

app = typer.Typer(
    invoke_without_command=True,
    help=both(
        """A tenant's statement of a month: a draft until the month is closed.

    Once it is closed, its tenant confirms or disputes it, and finance resolves what is disputed.

    Examples:

      brain statement

      brain statement --tenant t03

      brain statement --tenant t03 --month 2026-10 --csv -o t03-2026-10.csv

      brain statement --tenant t03 --month 2026-10 --pdf -o t03-2026-10.pdf

      brain statement --centre qdaicc --month 2026-10

      brain statement --platform --month 2026-10 --xlsx -o 2026-10.xlsx

      brain --as t03 statement confirm 2026-10""",
        """企业的月度对账单；关账之前为草稿。

    关账之后由企业确认或提出异议，财务对异议作出处理。

    示例：

      brain statement

      brain statement --tenant t03

      brain statement --tenant t03 --month 2026-10 --csv -o t03-2026-10.csv

      brain statement --tenant t03 --month 2026-10 --pdf -o t03-2026-10.pdf

      brain statement --centre qdaicc --month 2026-10

      brain statement --platform --month 2026-10 --xlsx -o 2026-10.xlsx

      brain --as t03 statement confirm 2026-10""",
    ),
)


@app.callback()
def statement(
    context: typer.Context,
    tenant: Whose = None,
    month: Month = None,
    centre: Annotated[
        str | None,
        typer.Option(metavar="CENTRE", help=both("what a centre gets", "算力中心的结算单")),
    ] = None,
    platform: Annotated[
        bool, typer.Option("--platform", help=both("the whole platform's", "平台汇总单"))
    ] = False,
    csv: Annotated[bool, typer.Option("--csv", help=both("as CSV", "输出 CSV"))] = False,
    pdf: Annotated[
        bool, typer.Option("--pdf", help=both("as PDF, to be signed", "输出可签章的 PDF"))
    ] = False,
    xlsx: Annotated[bool, typer.Option("--xlsx", help=both("as a workbook", "输出 XLSX"))] = False,
    output: Output = None,
    as_json: Json = False,
) -> None:
    """A tenant's statement."""
    if context.invoked_subcommand is not None:
        return
    form = _form(csv=csv, pdf=pdf, xlsx=xlsx)
    session = session_of(context)
    if centre or platform:
        if tenant or (centre and platform) or csv:
            fail(both("one of --tenant, --centre, --platform", "只能选择一方的单据"), 2)
        _settlement(session, (centre, month, form), output, as_json=as_json)
        return
    with client(session, Identity.BOOKS) as broker:
        tenant = whose(session, broker, tenant)
        if form != "json":
            reads = {
                "csv": broker.statement_csv,
                "pdf": broker.statement_pdf,
                "xlsx": broker.statement_xlsx,
            }
            write = write_out if form == "csv" else write_binary
            write([reads[form](tenant, month)], output)
            return
        content = broker.statement(tenant, month)
        if output or as_json:
            write_out([content], output)
            return
        _show(broker, json.loads(content))


def _form(**asked: bool) -> str:
    """In which form it is wanted."""
    forms = [name for name, is_asked in asked.items() if is_asked]
    if len(forms) > 1:
        fail(both("one form at a time", "一次只能选择一种格式"), 2)
    return forms[0] if forms else "json"


def _settlement(
    session: "Session",
    asked: tuple[str | None, str | None, str],
    output: Path | None,
    *,
    as_json: bool,
) -> None:
    """What a centre gets, or the platform's statement where none is named."""
    from api.cli.settlement_tables import print_settlement

    with client(session, Identity.BOOKS) as broker:
        content = broker.settlement(*asked)
    if asked[2] != "json":
        write_binary([content], output)
    elif output or as_json:
        write_out([content], output)
    else:
        print_settlement(json.loads(content))


def _show(broker: "Client", shown: dict[str, object]) -> None:
    from api.cli.bill_tables import disputed_lines, print_replies
    from api.cli.book_tables import print_statement

    if shown["state"] != "closed":
        print_statement(shown)
        return
    said = broker.replies(str(shown["month"]), str(shown["tenant"]))
    print_statement(shown, disputed_lines(said))
    print_replies(said)


@app.command(
    help=both(
        """Agree with a closed statement, with the tenant's own key.

    Example:

      brain --as t03 statement confirm 2026-10""",
        """确认已关账的对账单，使用企业自己的密钥。

    示例：

      brain --as t03 statement confirm 2026-10""",
    )
)
def confirm(
    context: typer.Context,
    month: MonthArgument,
    reason: Annotated[str | None, typer.Option(help=both("a remark", "备注"))] = None,
    as_json: Json = False,
) -> None:
    """Confirm a statement."""
    with client(session_of(context), Identity.BOOKS) as broker:
        _told(broker.confirm_statement(month, reason), as_json=as_json)


@app.command(
    help=both(
        """Say what is wrong with a closed statement, with the tenant's own key.

    Example:

      brain --as t03 statement dispute 2026-10 --line 2 --reason "the node was down"
""",
        """对已关账的对账单提出异议，使用企业自己的密钥。

    示例：

      brain --as t03 statement dispute 2026-10 --line 2 --reason "该时段节点故障"
""",
    )
)
def dispute(
    context: typer.Context,
    month: MonthArgument,
    reason: Annotated[str, typer.Option(help=both("what is wrong", "异议内容"))],
    line: Annotated[
        list[int] | None,
        typer.Option(
            metavar="NUMBER",
            help=both("which line, from 1 on; all if not given", "行号，从 1 开始；默认整张"),
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Dispute a statement."""
    if line and min(line) < 1:
        fail(both("lines are counted from 1 on", "行号从 1 开始"), 2)
    with client(session_of(context), Identity.BOOKS) as broker:
        _told(broker.dispute_statement(month, reason, line), as_json=as_json)


@app.command(
    help=both(
        """Say what came of a dispute; what was wrong becomes a correction of a later month.

    Examples:

      brain statement resolve 2026-10 --tenant t03 --accept --reason "corrected in 2026-11"

      brain statement resolve 2026-10 --tenant t03 --accept --amount 7.00 --reason "it was down"

      brain statement resolve 2026-10 --tenant t03 --reject --reason "the node was up: see events"
""",
        """对异议作出处理；确有错误的，在以后的账期更正。

    示例：

      brain statement resolve 2026-10 --tenant t03 --accept --reason "已在 2026-11 更正"

      brain statement resolve 2026-10 --tenant t03 --accept --amount 7.00 --reason "该时段节点故障"

      brain statement resolve 2026-10 --tenant t03 --reject --reason "节点在线，见事件记录"
""",
    )
)
def resolve(
    context: typer.Context,
    month: MonthArgument,
    tenant: Annotated[str, typer.Option("--tenant", "-t", help=both("whose", "企业"))],
    reason: Annotated[str, typer.Option(help=both("what came of it", "处理结果"))],
    accept: Annotated[
        bool, typer.Option("--accept", help=both("the tenant is right", "异议成立"))
    ] = False,
    reject: Annotated[
        bool, typer.Option("--reject", help=both("the tenant is not right", "异议不成立"))
    ] = False,
    amount: Annotated[
        str | None,
        typer.Option(
            metavar="YUAN",
            help=both("what the tenant gets back, tax included", "退给企业的折让金额（元，含税）"),
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Resolve a dispute."""
    if accept and reject:
        fail(both("--accept or --reject, not both", "--accept 与 --reject 只能选一"), 2)
    decision: Decision = "accepted" if accept else "rejected" if reject else "resolved"
    with client(session_of(context), Identity.BOOKS) as broker:
        _told(broker.resolve_dispute(month, tenant, reason, decision, amount), as_json=as_json)


def _told(said: "ReplyView", *, as_json: bool) -> None:
    from api.cli.bill_tables import standing_text

    if as_json:
        print_json(said)
    else:
        errors.print(f"{said.tenant} {said.month}{colon()}{standing_text(said.kind)}")
