"""Commands about what centres get: list their terms, publish some."""

import re
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.language import both
from api.cli.options import Json, MonthArgument, permille, session_of
from api.cli.session import Identity, client
from api.cli.terminal import errors, fail, plain, print_json, print_list, table

if TYPE_CHECKING:
    from api.schemas.settlements import TermsView

app = typer.Typer(
    invoke_without_command=True,
    help=both(
        """List what the broker owes centres by which terms; publish terms from a month on.

    Examples:

      brain terms

      brain terms publish qdaicc 2027-01 --cost ascend-910b3=2.10 --cost ascend-910b4=2.30

      brain terms publish hzx 2027-01 --share 70

      brain terms publish hzx 2027-06 --tier 0=60 --tier 10000=70""",
        """列出与各算力中心的结算条件；发布自某月起的结算条件。

    示例：

      brain terms

      brain terms publish qdaicc 2027-01 --cost ascend-910b3=2.10 --cost ascend-910b4=2.30

      brain terms publish hzx 2027-01 --share 70

      brain terms publish hzx 2027-06 --tier 0=60 --tier 10000=70""",
    ),
)


@app.callback()
def terms(context: typer.Context, as_json: Json = False) -> None:
    """List terms."""
    if context.invoked_subcommand is not None:
        return
    with client(session_of(context), Identity.BOOKS) as broker:
        found = broker.terms()
    if as_json:
        print_json(found)
        return
    made = table(
        both("centre", "算力中心"),
        both("from", "起始账期"),
        both("by", "方式"),
        both("terms", "条件"),
        both("tax", "税率"),
        numbers=(4,),
    )
    for one in found.items:
        rate = f"{one.vat_permille / 10:g} %"
        made.add_row(plain(one.centre), one.month, KINDS[one.kind], _terms(one), rate)
    print_list(made)


KINDS = {
    "cost": both("cost", "成本价"),
    "share": both("share", "分成"),
    "tiered": both("tiered share", "阶梯分成"),
}


def _terms(one: "TermsView") -> str:
    if one.kind == "cost":
        return "  ".join(f"{plain(kind)} {price}" for kind, price in one.prices.items())
    return "  ".join(
        f">{tier.from_card_hours}: {tier.share_permille / 10:g} %"
        if tier.from_card_hours
        else f"{tier.share_permille / 10:g} %"
        for tier in one.tiers
    )


Pairs = list[str] | None


@app.command(help=both("Publish a centre's terms.", "发布算力中心的结算条件。"))
def publish(
    context: typer.Context,
    centre: Annotated[str, typer.Argument(help=both("whose", "算力中心"))],
    month: MonthArgument,
    cost: Annotated[
        Pairs,
        typer.Option(metavar="KIND=YUAN", help=both("for a card-hour of a kind", "每卡时成本价")),
    ] = None,
    share: Annotated[
        float | None,
        typer.Option(
            metavar="PERCENT", min=0, max=100, help=both("of what tenants pay", "收入分成百分比")
        ),
    ] = None,
    tier: Annotated[
        Pairs,
        typer.Option(
            metavar="HOURS=PERCENT",
            help=both("beyond so many card-hours of a month", "当月超过该卡时的分成百分比"),
        ),
    ] = None,
    tax: Annotated[
        float,
        typer.Option(metavar="PERCENT", min=0, max=100, help=both("inside of it", "其中的税率")),
    ] = 6.0,
    as_json: Json = False,
) -> None:
    """Publish terms."""
    from api.cli.wanted import made
    from api.schemas.settlements import TermsPublish

    if sum(given is not None for given in (cost, share, tier)) != 1:
        fail(
            both("give either --cost, --share or --tier", "请给出 --cost、--share 或 --tier 之一"),
            2,
        )
    shares = {"0": str(share)} if share is not None else _pairs(tier)
    wanted = made(
        TermsPublish,
        centre=centre,
        month=month,
        kind="cost" if cost else "share" if share is not None else "tiered",
        prices=_pairs(cost),
        tiers=[
            {"from_card_hours": _whole(begin), "share_permille": permille(percent)}
            for begin, percent in shares.items()
        ],
        vat_permille=permille(tax),
    )
    with client(session_of(context), Identity.BOOKS) as broker:
        published = broker.publish_terms(wanted)
    if as_json:
        print_json(published)
    else:
        text = f"terms of {published.centre} from {published.month} on are published"
        errors.print(both(text, f"已发布 {published.centre} 自 {published.month} 起的结算条件"))


def _pairs(given: Pairs) -> dict[str, str]:
    pairs = {}
    for text in given or []:
        name, sign, value = text.partition("=")
        if not sign:
            fail(both(f"{text[:40]!r} is no NAME=NUMBER", f"{text[:40]!r} 应如 NAME=NUMBER"), 2)
        pairs[name] = value
    return pairs


def _whole(text: str) -> int:
    if not re.fullmatch(r"\d{1,15}", text, re.ASCII):
        fail(both(f"{text[:40]!r} is no whole number", f"{text[:40]!r} 不是整数"), 2)
    return int(text)
