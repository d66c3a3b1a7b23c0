"""Commands about subsidies that are claimed: contracts, rules, claims, packs."""

from typing import Annotated

import typer

from api.cli.files import Output, write_binary
from api.cli.language import both
from api.cli.options import Json, Tenant, permille, session_of
from api.cli.session import Identity, client
from api.cli.terminal import errors, plain, print_json, print_list, table, year_text

app = typer.Typer(
    invoke_without_command=True,
    help=both(
        """List claims of subsidies; register contracts, publish rules, claim, export packs.

    A tenant claims back a share of what it paid in a year, the operator a share of a contract.

    Examples:

      brain claims

      brain claims contract HT-2026-031 --tenant t03 --amount 800000.00 --district Huangdao \\
      --from 2026-01-01 --until 2027-01-01

      brain claims rule qd-2026 --issuer Qingdao --pool vouchers --year 2026 --budget 10000000 \\
      --share 20 --minimum 100000 --cap 1000000 --from 2027-04-01 --until 2027-06-01

      brain claims contracts --tenant t03

      brain claims rules

      brain claims assess qd-2026 HT-2026-031

      brain claims make qd-2026 HT-2026-031

      brain claims pack qd-2026.t03 -o t03.zip""",
        """列出补贴申报；登记合同、发布规则、申报、导出申报材料包。

    企业按年度实付金额申领补贴，运营方按合同金额申领补贴。

    示例：

      brain claims

      brain claims contract HT-2026-031 --tenant t03 --amount 800000.00 --district 黄岛区 \\
      --from 2026-01-01 --until 2027-01-01

      brain claims rule qd-2026 --issuer 青岛市 --pool 算力券 --year 2026 --budget 10000000 \\
      --share 20 --minimum 100000 --cap 1000000 --from 2027-04-01 --until 2027-06-01

      brain claims contracts --tenant t03

      brain claims rules

      brain claims assess qd-2026 HT-2026-031

      brain claims make qd-2026 HT-2026-031

      brain claims pack qd-2026.t03 -o t03.zip""",
    ),
)
RuleName = Annotated[str, typer.Argument(metavar="RULE", help=both("by which rule", "规则编号"))]
ContractName = Annotated[
    str, typer.Argument(metavar="CONTRACT", help=both("for which contract", "合同编号"))
]
Yuan = Annotated[str, typer.Option(metavar="YUAN", help=both("yuan", "金额（元）"))]
FirstDay = Annotated[
    str, typer.Option("--from", metavar="DAY", help=both("like 2026-01-01", "起始日"))
]
EndDay = Annotated[
    str, typer.Option("--until", metavar="DAY", help=both("the first day after it", "截止日的次日"))
]
Words = Annotated[list[str] | None, typer.Option(help=both("only this counts", "仅计入"))]


@app.callback()
def claims(context: typer.Context, tenant: Tenant = None, as_json: Json = False) -> None:
    """List claims."""
    if context.invoked_subcommand is not None:
        return
    with client(session_of(context), Identity.BOOKS) as broker:
        found = broker.claims(tenant)
    if as_json:
        print_json(found)
        return
    made = table(
        both("claim", "申报编号"),
        both("tenant", "企业"),
        both("contract", "合同"),
        both("counted", "计算基数（元）"),
        both("claimed", "申报金额（元）"),
        both("at", "时间"),
        numbers=(3, 4),
    )
    for one in found.items:
        words = (plain(word) for word in (one.id, one.tenant, one.contract))
        made.add_row(*words, one.base, one.amount, year_text(one.at_ms))
    print_list(made)


@app.command(
    help=both("Register a contract, once for its number.", "登记合同，同一编号只登记一次。")
)
def contract(
    context: typer.Context,
    number: ContractName,
    tenant: Annotated[str, typer.Option("--tenant", "-t", help=both("with whom", "企业"))],
    amount: Yuan,
    district: Annotated[str, typer.Option(help=both("of the tenant", "企业所在区市"))],
    begin: FirstDay,
    until: EndDay,
    related: Annotated[
        bool, typer.Option("--related", help=both("a related party", "关联方"))
    ] = False,
    as_json: Json = False,
) -> None:
    """Register a contract."""
    from api.cli.book_tables import day_ms
    from api.cli.wanted import made
    from api.schemas.claims import ContractRegister

    wanted = made(
        ContractRegister,
        number=number,
        tenant=tenant,
        amount=amount,
        district=district,
        is_related=related,
        from_ms=day_ms(begin),
        until_ms=day_ms(until),
    )
    with client(session_of(context), Identity.BOOKS) as broker:
        kept = broker.register_contract(wanted)
    if as_json:
        print_json(kept)
    else:
        errors.print(both(f"contract {kept.number} is registered", f"已登记合同 {kept.number}"))


@app.command(help=both("Publish what a fund pays, once for its number.", "发布补贴规则。"))
def rule(
    context: typer.Context,
    number: RuleName,
    issuer: Annotated[str, typer.Option(help=both("who pays", "发放方"))],
    pool: Annotated[str, typer.Option(help=both("of which budget", "资金池"))],
    year: Annotated[str, typer.Option(help=both("of which year", "年度"))],
    budget: Yuan,
    share: Annotated[
        float,
        typer.Option(min=0, max=100, metavar="PERCENT", help=both("how much", "补贴比例")),
    ],
    cap: Yuan,
    begin: FirstDay,
    until: EndDay,
    minimum: Yuan = "0",
    operator: Annotated[
        bool, typer.Option("--operator", help=both("of contracts, for the operator", "运营方补贴"))
    ] = False,
    allow_related: Annotated[
        bool, typer.Option("--allow-related", help=both("related parties too", "关联方可申领"))
    ] = False,
    field: Words = None,
    device: Words = None,
    centre: Words = None,
    as_json: Json = False,
) -> None:
    """Publish a rule."""
    from api.cli.book_tables import day_ms
    from api.cli.wanted import made
    from api.schemas.claims import RulePublish

    wanted = made(
        RulePublish,
        id=number,
        mode="operator_subsidy" if operator else "reimburse_after_payment",
        issuer=issuer,
        pool=pool,
        year=year,
        budget=budget,
        share_permille=permille(share),
        minimum=minimum,
        cap=cap,
        bars_related=not allow_related,
        from_ms=day_ms(begin),
        until_ms=day_ms(until),
        fields=field,
        devices=device,
        centres=centre,
    )
    with client(session_of(context), Identity.BOOKS) as broker:
        kept = broker.publish_claim_rule(wanted)
    if as_json:
        print_json(kept)
    else:
        errors.print(both(f"rule {kept.id} is published", f"已发布规则 {kept.id}"))


@app.command(help=both("List rules.", "列出补贴规则。"))
def rules(context: typer.Context, as_json: Json = False) -> None:
    """List rules."""
    with client(session_of(context), Identity.BOOKS) as broker:
        found = broker.claim_rules()
    if as_json:
        print_json(found)
        return
    made = table(
        both("rule", "规则"),
        both("issuer", "发放方"),
        both("pool", "资金池"),
        both("year", "年度"),
        both("share", "比例"),
        both("minimum", "起点（元）"),
        both("cap", "上限（元）"),
        both("budget", "预算（元）"),
        numbers=(4, 5, 6, 7),
    )
    for one in found.items:
        words = (plain(word) for word in (one.id, one.issuer, one.pool, one.year))
        share = f"{one.share_permille / 10:g} %"
        made.add_row(*words, share, one.minimum, one.cap, one.budget)
    print_list(made)


@app.command(help=both("List contracts.", "列出合同。"))
def contracts(context: typer.Context, tenant: Tenant = None, as_json: Json = False) -> None:
    """List contracts."""
    with client(session_of(context), Identity.BOOKS) as broker:
        found = broker.contracts(tenant)
    if as_json:
        print_json(found)
        return
    made = table(
        both("contract", "合同"),
        both("tenant", "企业"),
        both("district", "区市"),
        both("related", "关联方"),
        both("yuan", "金额（元）"),
        numbers=(4,),
    )
    for one in found.items:
        words = (plain(word) for word in (one.number, one.tenant, one.district))
        made.add_row(*words, both("yes", "是") if one.is_related else "", one.amount)
    print_list(made)


@app.command(help=both("What may be claimed now; nothing is written.", "测算可申报金额，不写入。"))
def assess(
    context: typer.Context, number: RuleName, contract: ContractName, as_json: Json = False
) -> None:
    """What may be claimed."""
    with client(session_of(context), Identity.BOOKS) as broker:
        found = broker.assess_claim(number, contract)
    if as_json:
        print_json(found)
        return
    made = table("", "", numbers=(1,))
    for name, value in (
        (both("counts", "计算基数"), found.base),
        (both("share of it", "按比例"), found.share),
        (both("left of the tenant's cap", "企业年度剩余额度"), found.cap_left),
        (both("left of the budget", "资金池余额"), found.pool_left),
        (both("may be claimed", "可申报"), f"[bold]{found.amount}[/]"),
    ):
        made.add_row(name, value)
    print_list(made)


@app.command(help=both("Claim what may be claimed now, once.", "申报，同一事项只申报一次。"))
def make(
    context: typer.Context, number: RuleName, contract: ContractName, as_json: Json = False
) -> None:
    """Claim a subsidy."""
    with client(session_of(context), Identity.BOOKS) as broker:
        made = broker.claim_subsidy(number, contract)
    if as_json:
        print_json(made)
    else:
        errors.print(
            both(f"claim {made.id}: {made.amount} CNY", f"申报 {made.id}：{made.amount} 元")
        )


@app.command(help=both("All that a funding office asks for, as a ZIP.", "导出申报材料包（ZIP）。"))
def pack(
    context: typer.Context,
    number: Annotated[str, typer.Argument(metavar="CLAIM", help=both("its number", "申报编号"))],
    output: Output = None,
) -> None:
    """Export a claim's pack."""
    with client(session_of(context), Identity.BOOKS) as broker:
        write_binary([broker.claim_pack(number)], output)
