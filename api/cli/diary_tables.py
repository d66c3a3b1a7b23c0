"""How a terminal shows what log and books have otherwise than the diaries of the centres."""

from api.cli.language import both, colon, counted
from api.cli.terminal import clock_text, console, full_text, plain
from api.schemas.books import AttemptSide, CentreCompared, CentreDifference, CentresReconciled

MS_PER_S = 1_000


def print_centres(told: CentresReconciled) -> None:
    """A line for each centre, for each difference, and at last how many there are."""
    for centre in told.centres:
        console.print(_centre_text(centre))
    for one in told.differences:
        what, advice = _TEXTS[one.sort]()
        sides = both(
            f"log: {_side(one.log)}; centre: {_side(one.diary)}",
            f"日志：{_side(one.log)}；中心：{_side(one.diary)}",
        )
        which = f"{_whose(one)}{colon()}{one.sort}{colon()}{what}"
        console.print(f"[red]✗[/] {which}{both('; ', '；')}{sides} → {advice}")
    if told.count:
        differences = counted(told.count, "difference")
        text = both(f"{differences} to the centres", f"与中心有 {told.count:,} 处差异")
        console.print(f"[bold red]{text}[/]")
    elif all(centre.is_compared for centre in told.centres):
        console.print(both("log, books and centres agree", "日志、账本与各中心一致"))
    elif any(centre.is_compared for centre in told.centres):
        some = both(
            "the centres that answered agree; ask again for the others",
            "已答复的中心均一致；其余中心请稍后重新核对",
        )
        console.print(f"[yellow]{some}[/]")
    else:
        none = both(
            "no centre answered: nothing was compared with them",
            "没有中心答复：未能与任何中心核对",
        )
        console.print(f"[bold yellow]{none}[/]")


def _centre_text(centre: CentreCompared) -> str:
    name = plain(centre.id)
    if centre.why_not is not None:
        why = _WHY_NOT.get(centre.why_not, lambda: plain(centre.why_not or ""))()
        last = clock_text(centre.heard_at_ms)
        return both(
            f"[yellow]?[/] not reachable: {name}, {why} (last heard {last})",
            f"[yellow]?[/] 无法联系：{name}，{why}（最后消息 {last}）",
        )
    since = full_text(centre.whole_since_ms)
    kept = both(
        f"{counted(centre.attempts, 'attempt')}, all ends since {since}",
        f"{centre.attempts:,} 次尝试，自 {since} 起的结束记录完整",
    )
    return f"[green]✓[/] {name}  {kept}{_clock(centre.clock_ahead_ms or 0)}"


def _clock(ahead_ms: int) -> str:
    """Only where it is off by more than a second, which the way here seldom takes."""
    if abs(ahead_ms) <= MS_PER_S:
        return ""
    seconds = ahead_ms // MS_PER_S
    return both(f"; its clock is {seconds:+} s off", f"；其时钟偏差 {seconds:+} 秒")


def _whose(one: CentreDifference) -> str:
    job, tenant = plain(one.job) or "-", plain(one.tenant) or "-"
    whose = both(f"job {job}, tenant {tenant}", f"作业 {job}，企业 {tenant}")
    return f"{plain(one.centre)} {plain(one.attempt)} ({whose})"


def _side(side: AttemptSide | None) -> str:
    if side is None:
        return both("knows nothing of it", "无记录")
    nodes = ", ".join(f"{plain(node)}:{cards}" for node, cards in sorted(side.nodes.items()))
    words = [plain(side.state), f"{_moment(side.started_at_ms)} - {_moment(side.ended_at_ms)}"]
    if side.used_to_ms is not None:
        until = _moment(side.used_to_ms)
        words.append(both(f"billed until {until}", f"计费至 {until}"))
    return " ".join([*words, plain(side.device), nodes]).strip()


def _moment(at_ms: int | None) -> str:
    """To the millisecond: a difference may be a small one."""
    return "" if at_ms is None else f"{full_text(at_ms)}.{at_ms % MS_PER_S:03}"


_WHY_NOT = {
    "silent": lambda: both("no answer within 8 seconds", "8 秒内未答复"),
    "old_release": lambda: both(
        "its agent keeps no diary: install this release there",
        "其代理版本过旧，没有记录：请升级",
    ),
    "no_link": lambda: both("it is not in the park file", "不在园区文件中"),
    "busy": lambda: both("the leader is busy: ask again", "主控繁忙，请重试"),
}
_TEXTS = {
    "unknown": lambda: (
        both("it ran, and the log does not know it", "中心运行过，而日志无此尝试"),
        both(
            "nobody is billed: find out who started it, and stop it there if it runs",
            "未计费：查明由谁启动；若仍在运行，请在该中心停止",
        ),
    ),
    "goes_on": lambda: (
        both("it goes on, and the log has ended it", "日志已结束，而中心仍在运行"),
        both(
            "nobody is billed: the broker stops it; if it stays, stop it there",
            "未计费：调度服务会停止它；若仍在，请在该中心停止",
        ),
    ),
    "gone": lambda: (
        both("the log has it running, and the centre knows it not", "日志显示运行中，而中心无记录"),
        both(
            "it is billed though it does not run: cancel it; what is billed too much, "
            "the tenant disputes after the close, and finance grants",
            "未运行却在计费：请取消作业；多计部分由企业在关账后提出异议，财务折让",
        ),
    ),
    "over": lambda: (
        both("it has ended, and the log has it running", "中心已结束，而日志显示运行中"),
        both(
            "it is billed beyond its end: look why the broker does not take the report",
            "计费超过结束时间：请查明调度服务为何未采纳报告",
        ),
    ),
    "start": lambda: (
        both("it began at another moment", "开始时间不同"),
        both("compare the clocks of centre and broker", "请核对中心与调度服务的时钟"),
    ),
    "time": lambda: (
        both("it ran longer or shorter", "运行时长不同"),
        both(
            "see `brain evidence` of the job, and the centre's logs; what is billed too much, "
            "the tenant disputes after the close, and finance grants",
            "请查看该作业的 `brain evidence` 与中心日志；多计部分由企业在关账后提出异议，财务折让",
        ),
    ),
    "place": lambda: (
        both("it has other devices", "设备不同"),
        both(
            "see that one agent alone serves the centre, and from which park file",
            "请确认该中心只有一个代理，以及其园区文件",
        ),
    ),
    "usage": lambda: (
        both("it is billed beyond its end", "计费超过其结束时间"),
        both(
            "run `brain verify`: the books were altered, or wrong", "请运行 `brain verify` 检查账本"
        ),
    ),
    "never_ran": lambda: (
        both("it is billed, and the centre never ran it", "已计费，而中心从未运行"),
        both(
            "see the centre's folder and logs; the tenant disputes it after the close, "
            "and finance grants",
            "请检查中心的数据目录与日志；由企业在关账后提出异议，财务折让",
        ),
    ),
}
