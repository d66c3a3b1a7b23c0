"""Commands about prepaid packages: list them, sell one."""

from typing import Annotated

import typer

from api.cli.language import both
from api.cli.options import Json, Tenant, session_of
from api.cli.session import Identity, client
from api.cli.terminal import day_text, errors, fail, plain, print_json, print_list, table

app = typer.Typer(
    invoke_without_command=True,
    help=both(
        """List prepaid packages and what they cover this month; sell one.

    Nodes are cards for a time, card-hours are used up. What they cover costs nothing more.

    Examples:

      brain packages

      brain packages sell HT-044 --tenant t03 --device ascend-910b3 --cards 32 \\
      --from 2026-11-01 --until 2026-12-01 --amount 56000.00

      brain packages sell HT-045 --tenant t03 --device ascend-910b3 --card-hours 1000 \\
      --from 2026-11-01 --until 2027-11-01 --amount 3000.00""",
        """列出预付资源包及本月抵扣情况；销售资源包。

    包月、包年为一段时间内的卡数，卡时包用完为止；所覆盖的用量不再收费。

    示例：

      brain packages

      brain packages sell HT-044 --tenant t03 --device ascend-910b3 --cards 32 \\
      --from 2026-11-01 --until 2026-12-01 --amount 56000.00

      brain packages sell HT-045 --tenant t03 --device ascend-910b3 --card-hours 1000 \\
      --from 2026-11-01 --until 2027-11-01 --amount 3000.00""",
    ),
)


@app.callback()
def packages(context: typer.Context, tenant: Tenant = None, as_json: Json = False) -> None:
    """List packages."""
    if context.invoked_subcommand is not None:
        return
    with client(session_of(context), Identity.BOOKS) as broker:
        found = broker.packages(tenant)
    if as_json:
        print_json(found)
        return
    made = table(
        both("package", "资源包"),
        both("tenant", "企业"),
        both("kind", "型号"),
        both("cards", "卡数"),
        both("ends", "到期"),
        both("committed", "承诺卡时"),
        both("used", "已用"),
        both("unused", "未用"),
        numbers=(3, 5, 6, 7),
    )
    for one in found.items:
        made.add_row(
            *(plain(word) for word in (one.id, one.tenant, one.device)),
            str(one.cards) if one.cards else "-",
            day_text(one.until_ms),
            one.committed,
            one.used,
            one.unused,
        )
    print_list(made)


@app.command(help=both("Sell a package, once for its number.", "销售资源包，同一编号只售一次。"))
def sell(
    context: typer.Context,
    package: Annotated[
        str, typer.Argument(metavar="NUMBER", help=both("such as its contract's", "编号，如合同号"))
    ],
    *,
    tenant: Annotated[str, typer.Option(help=both("for whom", "企业"))],
    device: Annotated[str, typer.Option(help=both("which kind it covers", "设备型号"))],
    amount: Annotated[
        str, typer.Option(metavar="YUAN", help=both("tax included", "含税金额（元）"))
    ],
    begin: Annotated[
        str, typer.Option("--from", metavar="DAY", help=both("like 2026-11-01", "生效日"))
    ],
    until: Annotated[
        str, typer.Option(metavar="DAY", help=both("the first day without it", "失效日"))
    ],
    cards: Annotated[int, typer.Option(help=both("cards of all its nodes", "全部节点的卡数"))] = 0,
    hours: Annotated[int, typer.Option("--card-hours", help=both("to be used up", "卡时数"))] = 0,
    as_json: Json = False,
) -> None:
    """Sell a package."""
    from api.cli.book_tables import day_ms
    from api.cli.wanted import made as made_of
    from api.schemas.packages import PackageSell

    if bool(cards) == bool(hours):
        fail(both("give either --cards or --card-hours", "请指定 --cards 或 --card-hours 之一"), 2)
    wanted = made_of(
        PackageSell,
        id=package,
        tenant=tenant,
        kind="nodes" if cards else "card_hours",
        device=device,
        cards=cards,
        card_hours=hours,
        from_ms=day_ms(begin),
        until_ms=day_ms(until),
        amount=amount,
    )
    with client(session_of(context), Identity.BOOKS) as broker:
        sold = broker.sell_package(wanted)
    if as_json:
        print_json(sold)
    else:
        errors.print(both(f"package {sold.id} is sold", f"已售出资源包 {sold.id}"))
