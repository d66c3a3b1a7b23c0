"""Commands about who shares the park: projects and cohorts, listed and declared."""

from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.language import both
from api.cli.options import Json, Tenant, parser, session_of
from api.cli.session import client
from api.cli.terminal import console, fail, plain, print_json, table

if TYPE_CHECKING:
    from api.administration import BranchPut

projects_app = typer.Typer(
    invoke_without_command=True,
    help=both(
        """List a tenant's projects; make them, and change their weight or quota.

    The first project divides its tenant: each new job must then name one of its projects.

    Examples:

      brain projects

      brain projects set vision --name Vision --weight 200 --max-cards 32

      brain --as operator projects set vision --tenant t03 --name Vision""",
        """列出企业的项目；创建项目，或修改其权重与配额。

    首个项目会划分企业：此后每个作业都须指明其中一个项目。

    示例：

      brain projects

      brain projects set vision --name 视觉质检 --weight 200 --max-cards 32

      brain --as operator projects set vision --tenant t03 --name 视觉质检""",
    ),
)
cohorts_app = typer.Typer(
    invoke_without_command=True,
    help=both(
        """List cohorts, tenants that share as one; make them, and change their weight or quota.

    Examples:

      brain cohorts

      brain --as operator cohorts set group-a --name "Group A" --weight 300 --max-cards 128""",
        """列出互借组（共享一份份额的企业）；创建互借组，或修改其权重与配额。

    示例：

      brain cohorts

      brain --as operator cohorts set group-a --name 集团甲 --weight 300 --max-cards 128""",
    ),
)

_id = parser(
    r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}",
    "is no id: letters, digits, . _ -",
    "不是编号：只能用字母、数字与 . _ -",
)
Id = Annotated[str, typer.Argument(parser=_id, metavar="ID", help=both("its id", "编号"))]
Name = Annotated[str, typer.Option(help=both("its name, as people read it", "名称"))]
Weight = Annotated[
    int, typer.Option(help=both("share beside the others of its kind", "相对同级的份额"))
]
MaxCards = Annotated[
    int | None,
    typer.Option(help=both("what all of it may hold at once; none if left out", "配额，缺省不限")),
]
Whose = Annotated[
    str | None,
    typer.Option("--tenant", "-t", help=both("whose: for operators", "所属企业（运营方使用）")),
]


@projects_app.callback()
def projects(context: typer.Context, tenant: Tenant = None, as_json: Json = False) -> None:
    """List projects."""
    if context.invoked_subcommand is not None:
        return
    with client(session_of(context)) as broker:
        found = broker.projects(tenant)
    if as_json:
        print_json(found)
        return
    made = table(both("tenant", "企业"), *_columns())
    for one in found.items:
        made.add_row(one.tenant, one.id, plain(one.name), str(one.weight), _quota(one.max_cards))
    console.print(made)


@cohorts_app.callback()
def cohorts(context: typer.Context, as_json: Json = False) -> None:
    """List cohorts."""
    if context.invoked_subcommand is not None:
        return
    with client(session_of(context)) as broker:
        found = broker.cohorts()
    if as_json:
        print_json(found)
        return
    made = table(*_columns(), both("tenants", "企业"))
    for one in found.items:
        cells = (one.id, plain(one.name), str(one.weight), _quota(one.max_cards))
        made.add_row(*cells, ", ".join(one.tenants) or "-")
    console.print(made)


def _columns() -> tuple[str, ...]:
    return both("id", "编号"), both("name", "名称"), both("weight", "权重"), both("quota", "配额")


def _quota(max_cards: int | None) -> str:
    return "-" if max_cards is None else str(max_cards)


@projects_app.command("set", help=both("Make a project, or change it.", "创建或修改项目。"))
def set_project(
    context: typer.Context,
    project_id: Id,
    name: Name,
    weight: Weight = 100,
    max_cards: MaxCards = None,
    tenant: Whose = None,
) -> None:
    """Declare a project."""
    wanted = _wanted(name, weight, max_cards)
    with client(session_of(context)) as broker:
        made = broker.declare_project(project_id, wanted, tenant)
    _say(f"{made.tenant}/{made.id}", made.weight, made.max_cards)


@cohorts_app.command("set", help=both("Make a cohort, or change it.", "创建或修改互借组。"))
def set_cohort(
    context: typer.Context,
    cohort_id: Id,
    name: Name,
    weight: Weight = 100,
    max_cards: MaxCards = None,
) -> None:
    """Declare a cohort."""
    wanted = _wanted(name, weight, max_cards)
    with client(session_of(context)) as broker:
        made = broker.declare_cohort(cohort_id, wanted)
    _say(made.id, made.weight, made.max_cards)


def _wanted(name: str, weight: int, max_cards: int | None) -> "BranchPut":
    from pydantic import ValidationError

    from api.administration import BranchPut

    try:
        return BranchPut(name=name, weight=weight, max_cards=max_cards)
    except ValidationError as error:
        detail = error.errors()[0]
        option = str(detail["loc"][0]).replace("_", "-")
        fail(f"--{option}: {detail['msg']}", 2)


def _say(name: str, weight: int, max_cards: int | None) -> None:
    quota = _quota(max_cards)
    text = both(f"weight {weight}, quota {quota}", f"权重 {weight}，配额 {quota}")
    console.print(f"{plain(name)}: {text}", soft_wrap=True)
