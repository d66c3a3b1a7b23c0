"""Commands about payments of closed statements: what was paid, what is outstanding."""

from typing import Annotated

import typer

from api.cli.language import both
from api.cli.options import Json, Tenant, session_of
from api.cli.session import Identity, client
from api.cli.terminal import console, errors, print_json, yuan_text

app = typer.Typer(
    invoke_without_command=True,
    help=both(
        """What was paid of closed statements, and what is outstanding; record a payment.

    A payment says which bill was paid, and moves no balance: a top-up does.

    Examples:

      brain payments

      brain payments record bank-2026-1107 --tenant t03 --month 2026-10 --amount 16128.00 \\
      --paid 2026-11-07

      brain payments top-up bank-2026-1101 --tenant t03 --amount 50000.00""",
        """对账单的付款与未付金额；登记付款。

    付款记录说明支付了哪一张账单，不改变余额；余额由充值增加。

    示例：

      brain payments

      brain payments record bank-2026-1107 --tenant t03 --month 2026-10 --amount 16128.00 \\
      --paid 2026-11-07

      brain payments top-up bank-2026-1101 --tenant t03 --amount 50000.00""",
    ),
)


@app.callback()
def payments(context: typer.Context, tenant: Tenant = None, as_json: Json = False) -> None:
    """What was paid."""
    if context.invoked_subcommand is not None:
        return
    from api.cli.bill_tables import accounts_table, payments_table

    with client(session_of(context), Identity.BOOKS) as broker:
        found = broker.payments(tenant)
    if as_json:
        print_json(found)
        return
    if found.items:
        console.print(payments_table(found), "")
    console.print(accounts_table(found))


@app.command(
    help=both("Record a payment, once for its number.", "登记付款，同一流水号只登记一次。")
)
def record(
    context: typer.Context,
    reference: Annotated[
        str, typer.Argument(metavar="NUMBER", help=both("the payment's own", "付款流水号"))
    ],
    tenant: Annotated[str, typer.Option("--tenant", "-t", help=both("who paid", "企业"))],
    amount: Annotated[str, typer.Option(metavar="YUAN", help=both("how much", "金额"))],
    paid: Annotated[
        str, typer.Option(metavar="DAY", help=both("the day it came, like 2026-11-07", "到账日期"))
    ],
    month: Annotated[
        str | None, typer.Option(metavar="YYYY-MM", help=both("of which statement", "账期"))
    ] = None,
    invoice: Annotated[
        str | None, typer.Option(metavar="REQUEST", help=both("of which invoice", "发票申请编号"))
    ] = None,
    as_json: Json = False,
) -> None:
    """Record a payment."""
    from api.cli.book_tables import day_ms
    from api.cli.wanted import made
    from api.schemas.bills import PaymentRecord

    wanted = made(
        PaymentRecord,
        reference=reference,
        tenant=tenant,
        month=month,
        invoice=invoice,
        amount=amount,
        paid_at_ms=day_ms(paid),
    )
    with client(session_of(context), Identity.BOOKS) as broker:
        kept = broker.record_payment(wanted)
    if as_json:
        print_json(kept)
    else:
        errors.print(both(f"payment {kept.reference} is recorded", f"已登记付款 {kept.reference}"))


@app.command(
    "top-up",
    help=both(
        "Book what a tenant has paid in to its balance, once for its number.",
        "登记企业充值，增加其余额；同一流水号只登记一次。",
    ),
)
def top_up(
    context: typer.Context,
    reference: Annotated[
        str, typer.Argument(metavar="NUMBER", help=both("the payment's own", "付款流水号"))
    ],
    tenant: Annotated[str, typer.Option("--tenant", "-t", help=both("who paid", "企业"))],
    amount: Annotated[str, typer.Option(metavar="YUAN", help=both("how much", "金额"))],
    as_json: Json = False,
) -> None:
    """Book a top-up."""
    from api.cli.wanted import made
    from api.schemas.administration import TopUp

    wanted = made(TopUp, amount=amount, reference=reference)
    with client(session_of(context), Identity.BOOKS) as broker:
        found = broker.top_up(tenant, wanted.amount, wanted.reference)
    if as_json:
        print_json(found)
        return
    left = yuan_text(found.balance or "0")
    errors.print(both(f"{found.id}: balance {left} CNY", f"{found.id}：余额 {left} 元"))
