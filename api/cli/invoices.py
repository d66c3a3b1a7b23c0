"""Commands about invoices of closed statements: list them, ask for one, note what became of it."""

from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.files import Output, write_binary
from api.cli.language import both, colon
from api.cli.options import Json, Month, MonthArgument, Tenant, Whose, session_of
from api.cli.session import Identity, client, whose
from api.cli.terminal import errors, print_json, print_list

if TYPE_CHECKING:
    from api.schemas.bills import InvoiceView

app = typer.Typer(
    invoke_without_command=True,
    help=both(
        """List invoices of closed statements; ask for one, note its number, a credit note.

    The tax office's own system issues invoices: here they are asked for, and what became of them
    is noted.

    Examples:

      brain invoices

      brain invoices ask 2026-10 --tenant t03 --buyer "Qingdao Steel Ltd" --code 91370200163562681G

      brain invoices show t03-2026-10-1 --pdf -o request.pdf

      brain invoices issue t03-2026-10-1 --number 26372000000012345678

      brain invoices credit t03-2026-10-1 --number 26372000000087654321 --reason "wrong buyer"

      brain invoices withdraw t03-2026-10-2
""",
        """列出发票申请；申请开票，登记发票号码与红字发票。

    发票由税务系统开具：此处只登记申请及其结果。

    示例：

      brain invoices

      brain invoices ask 2026-10 --tenant t03 --buyer "青岛某钢铁有限公司" --code 91370200163562681G

      brain invoices show t03-2026-10-1 --pdf -o request.pdf

      brain invoices issue t03-2026-10-1 --number 26372000000012345678

      brain invoices credit t03-2026-10-1 --number 26372000000087654321 --reason "抬头有误"

      brain invoices withdraw t03-2026-10-2
""",
    ),
)
Which = Annotated[
    str, typer.Argument(metavar="REQUEST", help=both("the request's number", "申请编号"))
]
Yuan = Annotated[
    str | None,
    typer.Option(metavar="YUAN", help=both("all that is left if not given", "默认全部剩余金额")),
]


@app.callback()
def invoices(
    context: typer.Context, tenant: Tenant = None, month: Month = None, as_json: Json = False
) -> None:
    """List invoices."""
    if context.invoked_subcommand is not None:
        return
    from api.cli.bill_tables import invoices_table
    from api.schemas.bills import InvoiceList

    with client(session_of(context), Identity.BOOKS) as broker:
        found = page = broker.invoices(tenant, month)
        while page.next is not None:
            page = broker.invoices(tenant, month, cursor=page.next)
            found = InvoiceList(items=[*found.items, *page.items])
    print_json(found) if as_json else print_list(invoices_table(found))


@app.command(
    help=both(
        "Ask for an invoice of a closed statement, or of a part of it.",
        "就已关账的对账单（或其一部分）申请开票。",
    )
)
def ask(
    context: typer.Context,
    month: MonthArgument,
    buyer: Annotated[str, typer.Option(help=both("to whom it is made out", "购买方名称"))],
    code: Annotated[
        str, typer.Option(metavar="CODE", help=both("credit code", "统一社会信用代码"))
    ],
    tenant: Whose = None,
    amount: Yuan = None,
    request: Annotated[
        str | None,
        typer.Option(
            "--id",
            help=both("the request's number; one is made if not given", "申请编号，默认自动生成"),
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Ask for an invoice."""
    import secrets

    from api.cli.wanted import made
    from api.schemas.bills import InvoiceAsk

    session = session_of(context)
    with client(session, Identity.BOOKS) as broker:
        tenant = whose(session, broker, tenant)
        wanted = made(
            InvoiceAsk,
            id=request or f"{tenant}-{month}-{secrets.token_hex(3)}",
            tenant=tenant,
            month=month,
            buyer=buyer,
            credit_code=code,
            amount=amount,
        )
        _told(broker.ask_invoice(wanted), as_json=as_json)


@app.command(help=both("Note that an invoice is issued, and its number.", "登记已开具的发票号码。"))
def issue(
    context: typer.Context,
    request: Which,
    number: Annotated[
        str, typer.Option(metavar="NUMBER", help=both("the invoice's number", "发票号码"))
    ],
    as_json: Json = False,
) -> None:
    """Note an invoice's number."""
    with client(session_of(context), Identity.BOOKS) as broker:
        _told(broker.issue_invoice(request, number), as_json=as_json)


@app.command(
    help=both("Note a credit note, which takes an invoice back.", "登记红字发票，冲销原发票。")
)
def credit(
    context: typer.Context,
    request: Which,
    number: Annotated[
        str, typer.Option(metavar="NUMBER", help=both("the credit note's number", "红字发票号码"))
    ],
    reason: Annotated[str, typer.Option(help=both("why", "冲销原因"))],
    amount: Yuan = None,
    as_json: Json = False,
) -> None:
    """Note a credit note."""
    with client(session_of(context), Identity.BOOKS) as broker:
        _told(broker.credit_invoice(request, number, reason, amount), as_json=as_json)


@app.command(help=both("Take back a request that is not issued.", "撤回尚未开具的申请。"))
def withdraw(context: typer.Context, request: Which, as_json: Json = False) -> None:
    """Withdraw a request."""
    with client(session_of(context), Identity.BOOKS) as broker:
        _told(broker.withdraw_invoice(request), as_json=as_json)


@app.command(help=both("Show a request, line by line.", "逐行查看一份申请。"))
def show(
    context: typer.Context,
    request: Which,
    pdf: Annotated[
        bool, typer.Option("--pdf", help=both("as PDF, to be signed", "输出可签章的 PDF"))
    ] = False,
    output: Output = None,
    as_json: Json = False,
) -> None:
    """Show an invoice."""
    from api.cli.bill_tables import print_invoice

    with client(session_of(context), Identity.BOOKS) as broker:
        if pdf:
            write_binary([broker.invoice_document(request)], output)
            return
        found = broker.invoice(request)
    print_json(found) if as_json else print_invoice(found)


def _told(invoice: "InvoiceView", *, as_json: bool) -> None:
    from api.cli.bill_tables import invoice_state

    if as_json:
        print_json(invoice)
    else:
        gross = both(f"{invoice.gross} CNY, ", f"{invoice.gross} 元，")
        some = invoice.state == "issued" and any(one.kind == "credited" for one in invoice.steps)
        less = both(f", {invoice.credited} CNY credited", f"，已红冲 {invoice.credited} 元")
        errors.print(f"{invoice.id}{colon()}{gross}{invoice_state(invoice)}{less if some else ''}")
