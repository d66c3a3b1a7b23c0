"""The command that shows who waits, in which order, and by what."""

from typing import Annotated

import typer

from api.cli.language import both
from api.cli.options import Json, Tenant, session_of
from api.cli.session import client
from api.cli.terminal import note, print_json, print_list

app = typer.Typer()

HELP = both(
    """Who waits, in the order of the plan: when each would start, and why not now.

    Examples:

      brain queue

      brain queue --terms

      brain queue --tenant t03 --limit 200 --json

    With --terms, by what each stands where it stands, like `sprio` of Slurm: from left to right,
    the first in which two jobs differ decides. Of a share it is the place of its branch among
    those with jobs waiting, the least first, at each fork of the tree: `3/3 > 1/2`.
    `brain why JOB_ID` tells all of one job. Held jobs are not in the queue:
    `brain jobs --state held`.""",
    """按排程顺序列出排队作业：各自预计何时开始、为何不能立即开始。

    示例：

      brain queue

      brain queue --terms

      brain queue --tenant t03 --limit 200 --json

    --terms 列出各作业的排序依据（类似 Slurm 的 `sprio`）：从左到右依次比较，先出现差别者决定先后；
    份额一栏是自上而下各级分支在有排队作业的同级中由少到多的名次，如 `3/3 > 1/2`。
    `brain why JOB_ID` 给出单个作业的全部原因。
    挂起的作业不在队列中：`brain jobs --state held`。""",
)


@app.command(help=HELP)
def queue(
    context: typer.Context,
    terms: Annotated[
        bool, typer.Option("--terms", help=both("by what they stand so", "显示排序依据"))
    ] = False,
    tenant: Tenant = None,
    limit: Annotated[
        int, typer.Option(min=1, max=500, help=both("how many at most", "最多条数"))
    ] = 50,
    as_json: Json = False,
) -> None:
    """Show the queue."""
    from api.cli.queue_tables import cut_text, queue_table, terms_table

    with client(session_of(context)) as broker:
        found = broker.queue(tenant=tenant, limit=limit)
    if as_json:
        print_json(found)
        return
    print_list(terms_table(found) if terms else queue_table(found))
    if cut := cut_text(found, limit):
        note(cut)
