"""Commands about what limits spending: the hard stop."""

from enum import StrEnum
from typing import Annotated

import typer

from api.cli.language import both
from api.cli.options import Json, session_of
from api.cli.session import client
from api.cli.terminal import console, fail, plain, print_json

app = typer.Typer(
    no_args_is_help=True,
    help=both(
        """Limit what a tenant spends.

    Examples:

      brain --as t03 budgets hard-stop on

      brain --as operator budgets hard-stop off --tenant t03""",
        """限制企业的支出。

    示例：

      brain --as t03 budgets hard-stop on

      brain --as operator budgets hard-stop off --tenant t03""",
    ),
)


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
    switch: Annotated[Switch, typer.Argument(metavar="on|off", help=both("chosen?", "是否启用"))],
    tenant: Whose = None,
    as_json: Json = False,
) -> None:
    """Choose, or no longer."""
    session = session_of(context)
    with client(session) as broker:
        whose = tenant or broker.me().tenant or session.default_tenant
        if whose is None:
            fail(both("whose? add --tenant", "请用 --tenant 指明企业"), 2)
        made = broker.set_hard_stop(whose, is_on=switch is Switch.ON)
    if as_json:
        print_json(made)
        return
    on, off = both("on", "已启用"), both("off", "已停用")
    console.print(
        f"{plain(made.tenant)}: {both('hard stop', '欠费即停')} {on if made.is_on else off}"
    )
