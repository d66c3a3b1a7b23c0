"""Commands about machines: capacity, utilisation, top."""

import threading
from enum import StrEnum
from typing import Annotated

import typer

from api.cli.language import both, counted
from api.cli.options import Json, Month, session_of
from api.cli.session import client
from api.cli.terminal import console, fail, print_json

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
        """Show each node, and whether work may start there; if not, why.

    A node on which two jobs in a row could not be started is kept out for five minutes, then for
    ten, and so on; `brain drain NODE --over` takes it back at once.

    Examples:

      brain nodes

      brain nodes --pool qdaicc-910b3""",
        """列出各节点及其能否启动作业：正常、离线、维护中、隔离、不在开放时段。

    连续两个作业在某节点启动失败时，该节点隔离五分钟，再犯则依次加倍。
    `brain drain NODE --over` 可立即恢复。

    示例：

      brain nodes

      brain nodes --pool qdaicc-910b3""",
    )
)
def nodes(
    context: typer.Context,
    centre: Annotated[
        str | None, typer.Option("--centre", help=both("its nodes alone", "仅该中心"))
    ] = None,
    pool: Annotated[
        str | None, typer.Option("--pool", help=both("its nodes alone", "仅该资源池"))
    ] = None,
    as_json: Json = False,
) -> None:
    """Show the nodes."""
    from api.cli.park_tables import print_nodes

    with client(session_of(context)) as broker:
        listed = broker.nodes(centre, pool)
    if as_json:
        print_json(listed)
    else:
        print_nodes(listed.items)


@app.command(
    help=both(
        """Take nodes, or a whole centre, out for planned maintenance: nothing new starts there.

    What runs there goes on. Planned maintenance leaves the denominator of utilisation.

    Examples:

      brain drain qdaicc-910b3-n001 qdaicc-910b3-n002

      brain drain --centre qdaicc

      brain drain --centre qdaicc --over       (maintenance is over)""",
        """将节点或整个中心转入计划维护：不再启动新作业。

    正在运行的作业继续运行；计划维护不计入分配率的分母。

    示例：

      brain drain qdaicc-910b3-n001 qdaicc-910b3-n002

      brain drain --centre qdaicc

      brain drain --centre qdaicc --over       （维护结束）""",
    )
)
def drain(
    context: typer.Context,
    nodes: Annotated[
        list[str] | None, typer.Argument(metavar="NODE...", help=both("which", "节点"))
    ] = None,
    centre: Annotated[
        str | None, typer.Option("--centre", help=both("all of its nodes", "该中心全部节点"))
    ] = None,
    over: Annotated[
        bool, typer.Option("--over", help=both("maintenance is over", "维护结束"))
    ] = False,
    as_json: Json = False,
) -> None:
    """Take nodes out for maintenance."""
    if bool(nodes) == (centre is not None):
        fail(both("name nodes, or a --centre", "请指定节点，或 --centre"), 2)
    with client(session_of(context)) as broker:
        listed = broker.drain(nodes or [], centre, is_over=over)
    if as_json:
        print_json(listed)
        return
    out, count = sum(one.is_drained for one in listed.items), len(listed.items)
    if over:
        text = both(
            f"open to new work: {count - out} of {counted(count, 'node')}",
            f"可接新作业：{count} 个节点中 {count - out} 个",
        )
    else:
        text = both(
            f"in maintenance: {out} of {counted(count, 'node')}; what runs there goes on",
            f"已转入维护：{count} 个节点中 {out} 个；正在运行的作业继续",
        )
    console.print(text)


class Divided(StrEnum):
    """By what capacity is divided."""

    PARK = "park"
    CENTRE = "centre"
    POOL = "pool"
    DEVICE = "device"
    TENANT = "tenant"
    FIELD = "field"


class Each(StrEnum):
    """In which parts of time."""

    WHOLE = "whole"
    HOUR = "hour"
    DAY = "day"


@app.command(
    help=both(
        """Where capacity went: stated, healthy, schedulable, allocated; average and peak.

    By tenant and field it is what was metered. Of allocated cards it is told for how long they
    computed, as far as that was measured; what nobody has measured is told apart, and is not 0.

    Examples:

      brain utilisation

      brain utilisation --month 2026-10 --by pool --each day

      brain utilisation --month 2026-10 --by tenant""",
        """算力去向：申报、健康、可调度、已分配，平均与峰值。

    按企业和领域统计时为计量所得。已分配的卡实际计算了多久，以测量所得为准；
    未测量的部分单独列出，不计为 0。

    示例：

      brain utilisation

      brain utilisation --month 2026-10 --by pool --each day

      brain utilisation --month 2026-10 --by tenant""",
    )
)
def utilisation(
    context: typer.Context,
    by: Annotated[
        Divided, typer.Option("--by", help=both("how it is divided", "统计维度"))
    ] = Divided.CENTRE,
    each: Annotated[
        Each, typer.Option("--each", help=both("in which parts of time", "时间粒度"))
    ] = Each.WHOLE,
    month: Month = None,
    as_json: Json = False,
) -> None:
    """Where capacity went."""
    from api.cli.book_tables import month_bounds
    from api.cli.waterfall_tables import print_waterfall

    from_ms, to_ms = month_bounds(month) if month else (None, None)
    with client(session_of(context)) as broker:
        view = broker.waterfall(by.value, each.value, from_ms, to_ms)
    if as_json:
        print_json(view)
    else:
        print_waterfall(view)


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
