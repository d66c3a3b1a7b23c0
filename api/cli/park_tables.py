"""How the park's machines look in a terminal."""

from pydantic import ByteSize
from rich.console import Group, RenderableType
from rich.table import Table

from api.cli.job_tables import jobs_table
from api.cli.language import both
from api.cli.terminal import (
    bar,
    clock_text,
    console,
    p_text,
    plain,
    print_list,
    share_text,
    table,
)
from api.schemas.administration import DatasetList, NodeView
from api.schemas.capacity import CapacityView, CentreCapacity, PoolCapacity
from api.schemas.values import DeviceUnit
from api.sdk import Client

BAR_WIDTH = 20
JOBS_SHOWN = 10


def print_capacity(view: CapacityView) -> None:
    console.print(headline(view))
    console.print(centres_table(view))
    console.print(_pools_table(view, "card"))
    if any(pool.unit == "core" for centre in view.centres for pool in centre.pools):
        console.print(_pools_table(view, "core"))
    console.print(f"[dim]{plain(view.note)}[/]")


def headline(view: CapacityView) -> str:
    used = share_text(view.allocated_tflops, view.stated_tflops)
    logical = (
        both(" [yellow](logical cards)[/]", "[yellow]（逻辑卡）[/]") if view.is_logical else ""
    )
    return (
        f"[bold]{plain(view.name)}[/]{logical}\n"
        f"{p_text(view.allocated_tflops)} / {p_text(view.stated_tflops)} P ({used})"
    )


def centres_table(view: CapacityView) -> Table:
    made = table(
        both("P (FP16)", "P（FP16）"),
        both("stated", "申报"),
        both("registered", "登记"),
        both("online", "在线"),
        both("schedulable", "可调度"),
        both("allocated", "已分配"),
        both("load", "负载"),
        numbers=(1, 2, 3, 4, 5, 6),
    )
    for centre in view.centres:
        made.add_row(
            plain(centre.id) + _silence(centre),
            p_text(centre.stated_tflops),
            p_text(centre.registered_tflops),
            p_text(centre.online_tflops),
            p_text(centre.schedulable_tflops),
            p_text(centre.allocated_tflops),
            share_text(centre.allocated_tflops, centre.stated_tflops),
        )
    made.add_row(
        both("[bold]park[/]", "[bold]园区[/]"),
        p_text(view.stated_tflops),
        p_text(view.registered_tflops),
        p_text(view.online_tflops),
        p_text(view.schedulable_tflops),
        p_text(view.allocated_tflops),
        share_text(view.allocated_tflops, view.stated_tflops),
    )
    return made


def _silence(centre: CentreCapacity) -> str:
    return "" if centre.is_heard else both(" [red]silent[/]", " [red]失联[/]")


def _pools_table(view: CapacityView, unit: DeviceUnit) -> Table:
    made = table(
        both("cards", "卡") if unit == "card" else both("cores", "核"),
        both("kind", "型号"),
        both("nodes", "节点"),
        both("registered", "登记"),
        both("online", "在线"),
        both("schedulable", "可调度"),
        both("allocated", "已分配"),
        numbers=(2, 3, 4, 5, 6),
    )
    for centre in view.centres:
        for pool in [one for one in centre.pools if one.unit == unit]:
            made.add_row(
                plain(pool.id) + _hours(pool),
                plain(pool.device),
                str(pool.nodes),
                str(pool.registered_cards),
                str(pool.online_cards),
                str(pool.schedulable_cards),
                str(pool.allocated_cards),
            )
    return made


def _hours(pool: PoolCapacity) -> str:
    if not pool.hours:
        return ""
    hours = plain("; ".join(pool.hours))
    return both(f"\n[dim]  at {hours}[/]", f"\n[dim]  开放 {hours}[/]")


def print_nodes(nodes: list[NodeView]) -> None:
    """One line each, with why nothing would start there."""
    made = table(
        both("node", "节点"),
        both("pool", "资源池"),
        both("kind", "型号"),
        both("count", "数量"),
        both("state", "状态"),
        numbers=(3,),
    )
    for node in nodes:
        words = (plain(node.id), plain(node.pool), plain(node.device), str(node.cards))
        made.add_row(*words, _stands(node))
    print_list(made)


def _stands(node: NodeView) -> str:
    """The first that keeps work from it."""
    if not node.is_online:
        return both("[red]down[/]", "[red]离线[/]")
    if node.is_drained:
        english, chinese = "[yellow]drained[/]", "[yellow]维护中[/]"
        who = plain(node.drained_by or "")
        return both(english + (f" by {who}" if who else ""), chinese + (f"：{who}" if who else ""))
    if node.kept_out_until_ms is not None:
        until = clock_text(node.kept_out_until_ms)
        english = f"[red]nothing could be started: kept out until {until}[/]"
        return both(english, f"[red]多次启动失败：隔离至 {until}[/]")
    if not node.is_offered:
        return both("[dim]outside its hours[/]", "[dim]不在开放时段[/]")
    return both("[green]up[/]", "[green]正常[/]")


def top_view(broker: Client) -> RenderableType:
    """One look at the park: how full each centre is, and its newest jobs."""
    view = broker.capacity()
    made = table(both("centre", "中心"), both("allocated", "已分配"), "", "P", numbers=(3,))
    for centre in view.centres:
        made.add_row(
            plain(centre.id) + _silence(centre),
            bar(centre.allocated_tflops, centre.stated_tflops, BAR_WIDTH),
            share_text(centre.allocated_tflops, centre.stated_tflops),
            f"{p_text(centre.allocated_tflops)} / {p_text(centre.stated_tflops)}",
        )
    counts = both(
        f"{view.running_jobs} running, {view.queued_jobs} waiting",
        f"运行 {view.running_jobs}，等待 {view.queued_jobs}",
    )
    heading = f"{headline(view)}  {counts}  {clock_text(view.at_ms)}"
    newest = broker.jobs(limit=JOBS_SHOWN).items
    return Group(heading, made, "", jobs_table(newest))


def print_datasets(found: DatasetList) -> None:
    made = table(
        both("dataset", "数据集"),
        both("size", "大小"),
        both("class", "分级"),
        both("lies in", "所在中心"),
        numbers=(1,),
    )
    for one in found.items:
        size = ByteSize(one.size_bytes).human_readable(separator=" ")
        made.add_row(
            plain(one.id), size, plain(one.data_class or "-"), plain(", ".join(one.centres))
        )
    print_list(made)
    for kind in found.classes:
        centres, name = plain(", ".join(kind.centres)), plain(f"{kind.id} {kind.name}")
        may_be = both(f"{name}: only {centres}", f"{name}：仅限 {centres}")
        console.print(f"  {may_be}", soft_wrap=True)
