"""Commands about what limits spending: budgets, and the hard stop."""

from enum import StrEnum
from typing import Annotated

import typer

from api.cli.language import both, colon
from api.cli.options import Json, Tenant, session_of
from api.cli.session import Identity, client, whose
from api.cli.terminal import console, note, plain, print_json, print_list, table, yuan_text

app = typer.Typer(
    invoke_without_command=True,
    help=both(
        """List budgets and what is spent of them; set them, and the hard stop.

    A budget is for each month, of a tenant or of one of its projects, or for a job in all.
    Its tenant is told at 80 and 100 %.

    Examples:

      brain budgets

      brain budgets list --tenant t03

      brain --as t03 budgets set 20000 --project vision

      brain --as t03 budgets set 500 --job 01k2m3n4p5 --hard-stop

      brain --as t03 budgets hard-stop on""",
        """列出预算及其已用金额；设置预算与欠费即停。

    预算可按月（整个企业或其项目）或按作业设置，用到 80% 与 100% 时各提醒一次。

    示例：

      brain budgets

      brain budgets list --tenant t03

      brain --as t03 budgets set 20000 --project vision

      brain --as t03 budgets set 500 --job 01k2m3n4p5 --hard-stop

      brain --as t03 budgets hard-stop on""",
    ),
)


@app.callback()
def budgets(context: typer.Context, tenant: Tenant = None, as_json: Json = False) -> None:
    """List budgets."""
    if context.invoked_subcommand is None:
        _list(context, tenant, as_json=as_json)


@app.command("list", help=both("List budgets and what is spent of them.", "列出预算及其已用金额。"))
def list_budgets(context: typer.Context, tenant: Tenant = None, as_json: Json = False) -> None:
    """The same by its name."""
    _list(context, tenant, as_json=as_json)


def _list(context: typer.Context, tenant: str | None, *, as_json: bool) -> None:
    with client(session_of(context), Identity.BOOKS) as broker:
        found = broker.budgets(tenant)
    if as_json:
        print_json(found)
        return
    made = table(
        both("tenant", "企业"),
        both("of", "范围"),
        both("month", "账期"),
        both("yuan", "预算（元）"),
        both("spent", "已用（元）"),
        "%",
        both("hard stop", "用完即停"),
        numbers=(3, 4, 5),
    )
    for one in found.items:
        of = one.job_id or one.project or both("all", "全部")
        stop = both("yes", "是") if one.hard_stop else "-"
        money = (one.amount, yuan_text(one.spent))
        cells = (plain(one.tenant), plain(of), one.month or "-", *money)
        made.add_row(*cells, str(one.percent), stop)
    print_list(made)


@app.command(
    "set",
    help=both(
        "Set a budget in yuan; 0 is none any more. Set again, it is told anew.",
        "设置预算（元）；0 表示取消。重新设置后会重新提醒。",
    ),
)
def set_budget(
    context: typer.Context,
    amount: Annotated[
        str, typer.Argument(metavar="YUAN", help=both("like 20000.00", "金额（元）"))
    ],
    *,
    project: Annotated[
        str | None, typer.Option(help=both("of this project alone", "仅限项目"))
    ] = None,
    job: Annotated[str | None, typer.Option(help=both("of this job, in all", "仅限作业"))] = None,
    hard: Annotated[
        bool,
        typer.Option(
            "--hard-stop", help=both("stop what it is for once it is used up", "用完即停")
        ),
    ] = False,
    tenant: Annotated[
        str | None,
        typer.Option("--tenant", "-t", help=both("whose: for finance", "所属企业（财务使用）")),
    ] = None,
    as_json: Json = False,
) -> None:
    """Set a budget."""
    from api.cli.wanted import made as made_of
    from api.schemas.budgets import BudgetPut

    wanted = made_of(BudgetPut, amount=amount, project=project, job_id=job, hard_stop=hard)
    session = session_of(context)
    with client(session, Identity.BOOKS) as broker:
        made = broker.set_budget(wanted, whose(session, broker, tenant))
        is_label = made.project is not None and not broker.projects(made.tenant).items
    if is_label and not is_nothing(made.amount):
        note(
            both(
                f"{made.tenant} is not divided into projects: of its jobs those count that name "
                f"{made.project}",
                f"企业 {made.tenant} 未划分项目：只计作业中写明 project 为 {made.project} 的费用",
            )
        )
    if as_json:
        print_json(made)
        return
    of = made.job_id or made.project or made.tenant
    if is_nothing(made.amount):
        console.print(f"{plain(of)}{colon()}{both('its budget is removed', '预算已取消')}")
        return
    done, most = yuan_text(made.spent), made.amount
    share = both(f" ({made.percent} %)", f"（{made.percent}%）")
    spent = both(f"{done} of {most} CNY spent", f"已用 {done} / {most} 元")
    console.print(f"{plain(of)}{colon()}{spent}{share}")


def is_nothing(yuan: str) -> bool:
    return not yuan.strip("0.")


class Switch(StrEnum):
    """Chosen or not."""

    ON = "on"
    OFF = "off"


Whose = Annotated[
    str | None,
    typer.Option("--tenant", "-t", help=both("whose: for operators", "所属企业（运营方使用）")),
]


@app.command(
    "hard-stop",
    help=both(
        "Whether running work is stopped, with its grace, where the balance does not cover more; "
        "at first it is not, and the balance goes below zero.",
        "余额不足以继续时是否停止运行中的作业（有宽限期）；缺省不停止，余额将为负。",
    ),
)
def hard_stop(
    context: typer.Context,
    switch: Annotated[
        Switch,
        typer.Argument(metavar="on|off", help=both("stop, or go on", "欠费即停")),
    ],
    tenant: Whose = None,
    as_json: Json = False,
) -> None:
    """Choose, or no longer."""
    session = session_of(context)
    with client(session) as broker:
        made = broker.set_hard_stop(whose(session, broker, tenant), is_on=switch is Switch.ON)
    if as_json:
        print_json(made)
        return
    on, off = both("on", "已启用"), both("off", "已停用")
    told = f"{both('hard stop', '欠费即停')} {on if made.is_on else off}"
    console.print(f"{plain(made.tenant)}{colon()}{told}")
