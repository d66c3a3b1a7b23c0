"""Commands about vouchers: list them, issue one."""

from typing import Annotated

import typer

from api.cli.language import both
from api.cli.options import Json, Tenant, permille, session_of
from api.cli.session import Identity, client
from api.cli.terminal import day_text, errors, plain, print_json, print_list, table

app = typer.Typer(
    invoke_without_command=True,
    help=both(
        """List vouchers and what is left of them; issue one.

    A voucher (算力券) pays a share of what its tenant uses, when a month is closed.

    Examples:

      brain vouchers

      brain vouchers issue QD-2026-0007 --tenant t03 --issuer Qingdao --contract HT-031 \\
      --amount 50000.00 --share 20 --from 2026-01-01 --until 2027-01-01""",
        """列出算力券及其余额；发放算力券。

    算力券在月度关账时抵扣企业用量费用的一部分。

    示例：

      brain vouchers

      brain vouchers issue QD-2026-0007 --tenant t03 --issuer 青岛市 --contract HT-031 \\
      --amount 50000.00 --share 20 --from 2026-01-01 --until 2027-01-01""",
    ),
)


@app.callback()
def vouchers(context: typer.Context, tenant: Tenant = None, as_json: Json = False) -> None:
    """List vouchers."""
    if context.invoked_subcommand is not None:
        return
    with client(session_of(context), Identity.BOOKS) as broker:
        found = broker.vouchers(tenant)
    if as_json:
        print_json(found)
        return
    made = table(
        both("voucher", "券号"),
        both("tenant", "企业"),
        both("issuer", "发放方"),
        both("contract", "合同"),
        both("share", "比例"),
        both("expires", "到期"),
        both("amount", "面额（元）"),
        both("left", "余额（元）"),
        numbers=(4, 6, 7),
    )
    for one in found.items:
        made.add_row(
            *(plain(word) for word in (one.id, one.tenant, one.issuer, one.contract)),
            f"{one.share_permille / 10:g} %",
            day_text(one.until_ms),
            one.amount,
            one.left,
        )
    print_list(made)


Number = Annotated[
    str, typer.Argument(metavar="NUMBER", help=both("as its issuer prints it", "券号"))
]
Yuan = Annotated[str, typer.Option(metavar="YUAN", help=both("like 50000.00", "面额（元）"))]
FirstDay = Annotated[
    str, typer.Option("--from", metavar="DAY", help=both("like 2026-01-01", "生效日"))
]
VoidDay = Annotated[
    str, typer.Option(metavar="DAY", help=both("the first day on which it is void", "失效日"))
]
Share = Annotated[
    float,
    typer.Option(
        min=0,
        max=100,
        metavar="PERCENT",
        help=both("of a month, at most", "每月最多抵扣的百分比"),
    ),
]
Field = Annotated[
    list[str] | None, typer.Option(help=both("only work of this field", "仅限行业领域"))
]
Device = Annotated[list[str] | None, typer.Option(help=both("only this kind", "仅限设备型号"))]
Centre = Annotated[list[str] | None, typer.Option(help=both("only there", "仅限算力中心"))]


@app.command(help=both("Issue a voucher, once for its number.", "发放算力券，同一券号只发放一次。"))
def issue(  # its options
    context: typer.Context,
    voucher: Number,
    *,
    tenant: Annotated[str, typer.Option(help=both("for whom", "企业"))],
    issuer: Annotated[str, typer.Option(help=both("who pays it", "发放方"))],
    contract: Annotated[str, typer.Option(help=both("what it is for", "合同编号"))],
    amount: Yuan,
    begin: FirstDay,
    until: VoidDay,
    share: Share = 100.0,
    field: Field = None,
    device: Device = None,
    centre: Centre = None,
    as_json: Json = False,
) -> None:
    """Issue a voucher."""
    from api.cli.book_tables import day_ms
    from api.cli.wanted import made as made_of
    from api.schemas.vouchers import VoucherIssue

    wanted = made_of(
        VoucherIssue,
        id=voucher,
        tenant=tenant,
        issuer=issuer,
        contract=contract,
        amount=amount,
        share_permille=permille(share),
        from_ms=day_ms(begin),
        until_ms=day_ms(until),
        fields=field or [],
        devices=device or [],
        centres=centre or [],
    )
    with client(session_of(context), Identity.BOOKS) as broker:
        issued = broker.issue_voucher(wanted)
    if as_json:
        print_json(issued)
    else:
        errors.print(both(f"voucher {issued.id} is issued", f"已发放算力券 {issued.id}"))
