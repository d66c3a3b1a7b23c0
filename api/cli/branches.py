"""Commands about who shares the park: projects and cohorts, listed and declared."""

from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.entitled import Borrowing, Lending, Nominal, also_own, changed, own, refuse
from api.cli.language import both, colon
from api.cli.options import Id, Json, Tenant, session_of
from api.cli.session import client
from api.cli.terminal import console, fail, plain, print_json, print_list, table

if TYPE_CHECKING:
    from api.schemas.administration import BranchPut, CohortView, ProjectView

    Branch = ProjectView | CohortView

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

Name = Annotated[
    str | None, typer.Option(help=both("its name; at first its id", "名称，缺省为编号"))
]
Weight = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=1_000_000,
        help=both("share beside the others of its kind; at first 100", "相对份额，缺省 100"),
    ),
]
MaxCards = Annotated[
    int | None,
    typer.Option(
        min=0,
        max=10_000_000,
        help=both("what all of it may hold at once; at first any", "配额，缺省不限"),
    ),
]
NoQuota = Annotated[
    bool, typer.Option("--no-max-cards", help=both("take its quota away", "取消配额"))
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
        cells = (one.tenant, one.id, plain(one.name), str(one.weight), _quota(one.max_cards))
        made.add_row(*cells, own(one))
    print_list(made)


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
        cells = (one.id, plain(one.name), str(one.weight), _quota(one.max_cards), own(one))
        made.add_row(*cells, ", ".join(one.tenants) or "-")
    print_list(made)


def _columns() -> tuple[str, ...]:
    return (
        both("id", "编号"),
        both("name", "名称"),
        both("weight", "权重"),
        both("quota", "配额"),
        both("own +borrows -lends", "额定 +借用 -借出"),
    )


def _quota(max_cards: int | None) -> str:
    return "-" if max_cards is None else str(max_cards)


@projects_app.command(
    "set",
    help=both(
        "Make a project, or change it: what is not named stays as it is.",
        "创建或修改项目：未指明的保持不变。",
    ),
)
def set_project(
    context: typer.Context,
    project_id: Id,
    name: Name = None,
    weight: Weight = None,
    max_cards: MaxCards = None,
    no_max_cards: NoQuota = False,
    nominal: Nominal = None,
    borrowing: Borrowing = None,
    lending: Lending = None,
    tenant: Whose = None,
) -> None:
    """Declare a project."""
    session = session_of(context)
    tenant = tenant or session.default_tenant
    with client(session) as broker:
        known = {one.id: one for one in broker.projects(tenant).items}.get(project_id)
        own_now = changed(known, nominal, borrowing, lending)
        cards = _cards(known, max_cards, no_max_cards)
        wanted = _wanted(project_id, known, name, weight, {"max_cards": cards, **own_now})
        made = broker.declare_project(project_id, wanted, tenant)
    _say(f"{made.tenant}/{made.id}", made)


@cohorts_app.command(
    "set",
    help=both(
        "Make a cohort, or change it: what is not named stays as it is. "
        "Which tenants are in it, the park file says, and PUT /v1/tenants/{id}.",
        "创建或修改互借组：未指明的保持不变。成员由园区文件或 PUT /v1/tenants/{id} 指定。",
    ),
)
def set_cohort(
    context: typer.Context,
    cohort_id: Id,
    name: Name = None,
    weight: Weight = None,
    max_cards: MaxCards = None,
    no_max_cards: NoQuota = False,
    nominal: Nominal = None,
    borrowing: Borrowing = None,
    lending: Lending = None,
) -> None:
    """Declare a cohort."""
    with client(session_of(context)) as broker:
        known = {one.id: one for one in broker.cohorts().items}.get(cohort_id)
        own_now = changed(known, nominal, borrowing, lending)
        cards = _cards(known, max_cards, no_max_cards)
        wanted = _wanted(cohort_id, known, name, weight, {"max_cards": cards, **own_now})
        made = broker.declare_cohort(cohort_id, wanted)
    _say(made.id, made)


def _cards(
    known: "Branch | None",
    max_cards: int | None,
    is_unbound: bool,
) -> int | None:
    if is_unbound and max_cards is not None:
        text = "--max-cards and --no-max-cards exclude each other"
        fail(both(text, "--max-cards 与 --no-max-cards 不能同用"), 2)
    if is_unbound or max_cards is not None:
        return max_cards
    return known.max_cards if known else None


def _wanted(
    branch_id: str,
    known: "Branch | None",
    name: str | None,
    weight: int | None,
    quotas: "dict[str, object]",
) -> "BranchPut":
    from pydantic import ValidationError

    from api.schemas.administration import BranchPut

    name = name if name is not None else (known.name if known else branch_id)
    weight = weight if weight is not None else (known.weight if known else 100)
    try:
        return BranchPut.model_validate({"name": name, "weight": weight, **quotas})
    except ValidationError as error:
        refuse(dict(error.errors()[0]))
        raise


def _say(name: str, made: "Branch") -> None:
    weight, quota = made.weight, _quota(made.max_cards)
    text = both(f"weight {weight}, quota {quota}", f"权重 {weight}，配额 {quota}")
    console.print(f"{plain(name)}{colon()}{text}{also_own(made)}", soft_wrap=True)
