"""Commands about machines: capacity, top."""

import threading
from typing import Annotated

import typer

from api.cli.language import both
from api.cli.options import Json, session_of
from api.cli.session import client
from api.cli.terminal import console, print_json

app = typer.Typer()

MIN_REFRESH_S = 0.5


@app.command(
    help=both(
        """Show each centre's capacity: stated, registered, online, schedulable and allocated.

    Examples:

      brain capacity

      brain capacity --json""",
        """各算力中心的算力：申报、登记、在线、可调度与已分配。

    示例：

      brain capacity

      brain capacity --json""",
    )
)
def capacity(context: typer.Context, as_json: Json = False) -> None:
    """Show the park's capacity."""
    from api.cli.park_tables import print_capacity

    with client(session_of(context)) as broker:
        view = broker.capacity()
    if as_json:
        print_json(view)
    else:
        print_capacity(view)


@app.command(
    help=both(
        """Watch the park: load of each centre, running and waiting jobs, until Ctrl-C.

    Examples:

      brain top

      brain top --every 5

      brain top --once""",
        """持续查看园区：各中心负载、运行与等待的作业，Ctrl-C 结束。

    示例：

      brain top

      brain top --every 5

      brain top --once""",
    )
)
def top(
    context: typer.Context,
    every: Annotated[
        float, typer.Option(min=MIN_REFRESH_S, help=both("seconds between looks", "刷新间隔秒数"))
    ] = 1.0,
    once: Annotated[
        bool, typer.Option("--once", help=both("print once and end", "只输出一次"))
    ] = False,
) -> None:
    """Watch the park."""
    from rich.live import Live

    from api.cli.park_tables import top_view

    never = threading.Event()
    with client(session_of(context)) as broker:
        if once:
            console.print(top_view(broker))
            return
        with Live(top_view(broker), console=console, screen=True, auto_refresh=False) as live:
            while not never.wait(every):
                live.update(top_view(broker), refresh=True)
