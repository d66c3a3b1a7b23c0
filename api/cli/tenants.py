"""Commands about tenants: listed, and what of the park is whose."""

from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.entitled import (
    Borrowing,
    Lending,
    Nodes,
    Nominal,
    also_own,
    changed,
    own,
    refuse,
    with_amounts,
)
from api.cli.language import both, colon
from api.cli.options import Json, parser, session_of
from api.cli.session import client
from api.cli.terminal import console, fail, plain, print_json, table

if TYPE_CHECKING:
    from api.schemas.administration import TenantPut, TenantView

tenants_app = typer.Typer(
    invoke_without_command=True,
    help=both(
        """List tenants; change what of the park is theirs.

    Examples:

      brain tenants

      brain --as operator tenants set t03 --nominal ascend-910b3=64 --borrowing ascend-910b3=32

      brain --as operator tenants set t03 --nominal tflops=20000 --lending ascend-910b3=none""",
        """列出企业；修改其额定配额与借用、借出上限。

    示例：

      brain tenants

      brain --as operator tenants set t03 --nominal ascend-910b3=64 --borrowing ascend-910b3=32

      brain --as operator tenants set t03 --nominal tflops=20000 --lending ascend-910b3=none""",
    ),
)
_id = parser(
    r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}",
    "is no id: letters, digits, . _ -",
    "不是编号：只能用字母、数字与 . _ -",
)
Id = Annotated[str, typer.Argument(parser=_id, metavar="ID", help=both("its id", "编号"))]
Weight = Annotated[
    int | None, typer.Option(min=1, max=1_000_000, help=both("its share", "相对份额"))
]
MaxCards = Annotated[
    int | None,
    typer.Option(
        min=0,
        max=10_000_000,
        help=both("what it may hold at once, borrowed cards included", "配额，含借用"),
    ),
]


@tenants_app.callback()
def tenants(context: typer.Context, as_json: Json = False) -> None:
    """List tenants."""
    if context.invoked_subcommand is not None:
        return
    with client(session_of(context)) as broker:
        found = broker.tenants()
    if as_json:
        print_json(found)
        return
    made = table(
        both("id", "编号"),
        both("name", "名称"),
        both("cohort", "互借组"),
        both("weight", "权重"),
        both("quota", "配额"),
        both("own +borrows -lends", "额定 +借用 -借出"),
    )
    for one in found.items:
        cells = (one.id, plain(one.name), one.cohort or "-", str(one.weight), str(one.max_cards))
        made.add_row(*cells, own(one))
    console.print(made)


@tenants_app.command(
    "set",
    help=both(
        "Change a tenant: what is not named stays as it is. PUT /v1/tenants/{id} makes one.",
        "修改企业：未指明的保持不变。新建企业用 PUT /v1/tenants/{id}。",
    ),
)
def set_tenant(
    context: typer.Context,
    tenant_id: Id,
    weight: Weight = None,
    max_cards: MaxCards = None,
    nominal: Nominal = None,
    borrowing: Borrowing = None,
    lending: Lending = None,
    nodes: Nodes = None,
) -> None:
    """Declare a tenant anew."""
    with client(session_of(context)) as broker:
        known = {one.id: one for one in broker.tenants().items}.get(tenant_id)
        if known is None:
            fail(both(f"there is no tenant {tenant_id}", f"没有企业 {tenant_id}"))
        own_now = changed(known, nominal, borrowing, lending)
        own_now["nominal_nodes"] = with_amounts(known.nominal_nodes, nodes)
        made = broker.declare_tenant(tenant_id, _wanted(known, weight, max_cards, own_now))
    quota = made.max_cards
    text = both(f"quota {quota}", f"配额 {quota}")
    console.print(f"{plain(made.id)}{colon()}{text}{also_own(made)}", soft_wrap=True)


def _wanted(
    known: "TenantView", weight: int | None, max_cards: int | None, own_now: dict[str, object]
) -> "TenantPut":
    from pydantic import ValidationError

    from api.schemas.administration import TenantPut

    kept = known.model_dump(include={*TenantPut.model_fields})
    asked = {"weight": weight, "max_cards": max_cards}
    named = {name: value for name, value in asked.items() if value is not None}
    try:
        return TenantPut.model_validate({**kept, **own_now, **named})
    except ValidationError as error:
        refuse(dict(error.errors()[0]))
        raise
