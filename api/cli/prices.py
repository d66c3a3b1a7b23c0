"""Commands about prices: the price lists, and a new one from a day on."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.language import both
from api.cli.options import Id, Json, session_of
from api.cli.session import Identity, client
from api.cli.terminal import (
    console,
    errors,
    fail,
    note,
    plain,
    print_json,
    priority_text,
    say,
    table,
    year_text,
)

if TYPE_CHECKING:
    from api.schemas.administration import PriceListView

app = typer.Typer(
    invoke_without_command=True,
    help=both(
        """List the price lists, yuan for a card-hour, tax included; publish a new one.

    What was used is charged by the list that was in force then: a list never changes the past.

    Examples:

      brain prices

      brain prices publish 2027 --from 2027-01-01 --price ascend-910b3=3.80""",
        """列出价格表（元每卡时，含税）；发布新的价格表。

    用量按使用时生效的价格表计费：新价格表不改变过去。

    示例：

      brain prices

      brain prices publish 2027 --from 2027-01-01 --price ascend-910b3=3.80""",
    ),
)


@app.callback()
def prices(context: typer.Context, as_json: Json = False) -> None:
    """List price lists."""
    if context.invoked_subcommand is not None:
        return
    with client(session_of(context), Identity.BOOKS) as broker:
        found = broker.prices()
    if as_json:
        print_json(found)
        return
    made = table(
        both("list", "价格表"),
        both("from", "起始"),
        both("state", "状态"),
        both("kind", "型号"),
        both("yuan", "单价（元）"),
        numbers=(4,),
    )
    for one in found.items:
        state = both("in force", "生效中") if one.is_in_force else "-"
        for kind, price in one.on_demand.items():
            made.add_row(plain(one.id), year_text(one.from_ms), state, plain(kind), price)
    console.print(made)
    for one in found.items[-1:]:
        say(_factors(one), "")


def _factors(one: "PriceListView") -> str:
    """By what its prices are multiplied, for priorities and for classes of tenants."""
    priorities = _times({priority_text(name): by for name, by in one.qos_permille.items()})
    classes = _times(one.class_permille)
    tax = f"{one.vat_permille / 10:g} %"
    return plain(
        both(
            f"{one.id}: priority {priorities}; class {classes}; tax {tax}",
            f"{one.id}：优先级 {priorities}；价格等级 {classes}；税率 {tax}",
        )
    )


def _times(permille_by_name: Mapping[str, int]) -> str:
    """`low ×0.70, high ×1.30`."""
    return both(", ", "、").join(
        f"{name} ×{permille / 1_000:.2f}" for name, permille in permille_by_name.items()
    )


@app.command(
    help=both(
        "Publish a price list; what is not named is as in the last one.",
        "发布价格表；未指明的与上一个价格表相同。",
    )
)
def publish(
    context: typer.Context,
    number: Id,
    begin: Annotated[
        str, typer.Option("--from", metavar="DAY", help=both("like 2027-01-01", "如 2027-01-01"))
    ],
    price: Annotated[
        list[str],
        typer.Option(metavar=both("KIND=YUAN", "型号=元"), help=both("of a card-hour", "每卡时")),
    ],
    as_json: Json = False,
) -> None:
    """Publish a price list."""
    from api.cli.book_tables import day_ms
    from api.cli.wanted import made
    from api.schemas.administration import PriceListCreate

    named = dict(map(_named, price))
    with client(session_of(context), Identity.BOOKS) as broker:
        lists = broker.prices().items
        if not lists:
            fail(both("there is no price list to begin with", "尚无价格表可作为基础"))
        last = lists[-1].model_dump(include={*PriceListCreate.model_fields})
        on_demand = {**lists[-1].on_demand, **named}
        changes = {"id": number, "from_ms": day_ms(begin), "on_demand": on_demand}
        published = broker.publish_prices(made(PriceListCreate, **(last | changes)))
    _warn(sorted(named.keys() & {*published.not_in_park}), published)
    if as_json:
        print_json(published)
        return
    told = year_text(published.from_ms)
    errors.print(both(f"{number} is published, from {told}", f"已发布 {number}，自 {told} 起"))


def _warn(strangers: Sequence[str], published: "PriceListView") -> None:
    """A kind may be to come; one that is mistyped leaves the price that was meant as it was."""
    there = ", ".join(kind for kind in published.on_demand if kind not in published.not_in_park)
    for kind in strangers:
        note(
            both(
                f"the park has no device kind {kind}: its price waits for it (there: {there})",
                f"园区没有设备型号 {kind}：该单价待其加入后才会用到（现有：{there}）",
            )
        )


def _named(text: str) -> tuple[str, str]:
    kind, sign, yuan = text.partition("=")
    if not (kind and sign and yuan):
        shown = repr(text[:64])
        raise typer.BadParameter(both(f"{shown} is no KIND=YUAN", f"{shown} 应为 型号=元"))
    return kind, yuan
