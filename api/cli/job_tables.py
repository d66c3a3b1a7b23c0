"""How jobs look in a terminal."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.table import Table

from api.cli.activity_tables import active_text
from api.cli.language import both, colon, counted
from api.cli.terminal import (
    clock_text,
    console,
    duration_text,
    full_text,
    plain,
    priority_text,
    say,
    state_text,
    table,
    told_here,
    yuan_text,
)
from api.schemas.jobs import AttemptView, JobSpec, JobView, ReasonView
from api.schemas.quotes import Explanation, StartSlip

NAME_SHOWN = 10
SHA_SHOWN = 16
"""So much of a checksum is enough to tell two apart."""
MINUTE = len("11-26 10:00")
"""As much of a moment as tells its day and minute."""
CAUSES_ZH = {
    "finished": "正常结束",
    "user_error": "程序自身出错",
    "cancelled": "被取消",
    "preempted": "被抢占",
    "limit": "超过时限",
    "funds": "欠费停止",
    "budget": "预算用完",
    "node": "节点故障",
    "centre": "中心故障",
    "broker": "调度方故障",
}


def jobs_table(jobs: Sequence[JobView]) -> Table:
    made = table(
        both("job", "作业"),
        both("tenant", "企业"),
        both("name", "名称"),
        both("state", "状态"),
        both("count", "数量"),
        both("where", "去向"),
        both("at", "提交"),
        numbers=(4,),
    )
    made.columns[0].no_wrap = True
    for job in jobs:
        made.add_row(
            job.id,
            plain(job.tenant),
            plain(name_text(job)),
            state_text(job.state),
            str(job.spec.devices),
            _where(job),
            clock_text(job.submitted_at_ms)[:MINUTE],
        )
    return made


def name_text(job: JobView) -> str:
    """As much as there is room for; of a task its index stays."""
    index = f"[{job.array.index}]" if job.array else ""
    return (job.spec.name or "-")[: NAME_SHOWN - len(index)] + index


def _where(job: JobView) -> str:
    if job.attempts:
        return plain(job.attempts[-1].centre)
    return f"#{job.position}" if job.position else "-"


def print_job(job: JobView) -> None:
    shown = Table.grid(padding=(0, 2))
    for name, value in (*_asked_rows(job), *_told_rows(job)):
        if value:
            shown.add_row(f"[dim]{name}[/]", value)
    console.print(shown)
    for reason in job.reasons:
        say(plain(reason_text(reason)), "  [yellow]•[/] ")
    if job.attempts:
        console.print(attempts_table(job.attempts))
    if job.detail:
        console.print(f"[dim]{plain(told_here(job.detail))}[/]")


def _asked_rows(job: JobView) -> Iterator[tuple[str, str]]:
    """What was asked; of variables the names, as their values may be secrets."""
    spec = job.spec
    yield both("job", "作业"), job.id
    yield both("name", "名称"), plain(spec.name or "-")
    if job.array:
        which = f"{job.array.index} ({job.array.lowest}..{job.array.highest}), {job.array.id}"
        yield both("task, of array", "子任务，数组作业"), which
    yield both("tenant / project", "企业／项目"), plain(f"{job.tenant} / {spec.project}")
    yield both("state", "状态"), state_text(job.state) + _cause_text(job)
    yield both("priority", "优先级"), priority_text(spec.priority)
    yield both("asked", "请求"), plain(asked_text(job))
    yield both("roles", "角色"), plain(roles_text(spec)) if spec.roles else ""
    yield both("command", "命令"), plain(spec.command)
    shipped = both("shipped, ", "已上传，") + spec.archive[:SHA_SHOWN] if spec.archive else ""
    yield both("workdir", "工作目录"), plain(spec.workdir or shipped)
    yield both("variables", "环境变量"), plain(", ".join(spec.env))
    data = ", ".join([*spec.data, *([f"({spec.data_class})"] if spec.data_class else [])])
    yield both("data", "数据"), plain(data)
    followed = ", ".join([*spec.after, *(f"{job_id} *" for job_id in spec.after_any)])
    yield both("after (*: anyhow)", "前置（*：不论结果）"), plain(followed)


def _told_rows(job: JobView) -> Iterator[tuple[str, str]]:
    """How it went until now."""
    yield both("submitted", "提交"), full_text(job.submitted_at_ms)
    if job.planned_start_ms is not None:
        yield both("planned start", "预计开始"), plain(planned_text(job))
    yield both("started", "开始"), full_text(job.started_at_ms)
    saved_ms = job.attempts[-1].saved_at_ms if job.attempts else None
    yield both("last saved", "上次保存"), full_text(saved_ms) if saved_ms is not None else ""
    yield both("ended", "结束"), full_text(job.ended_at_ms)
    if job.cost is not None:
        yield both("cost so far, yuan", "已计费（元）"), yuan_text(job.cost)


def _cause_text(job: JobView) -> str:
    if job.end_cause is None:
        return ""
    cause = CAUSES_ZH.get(job.end_cause, job.end_cause)
    return both(f" [dim]({job.end_cause})[/]", f"[dim]（{cause}）[/]")


def asked_text(job: JobView) -> str:
    """`8 × nvidia-a800 on 2 nodes, at most 10m`, in the run's language."""
    spec = job.spec
    devices, devices_zh = _devices_text(spec.devices, spec.device)
    limit = duration_text(spec.limit)
    rack, rack_zh = (" in one rack", "，须同一机柜") if spec.topology == "rack" else ("", "")
    others, others_zh = _variants_text(spec)
    nodes = nodes_zh = ""
    if spec.nodes is not None:
        nodes = f" on {counted(spec.nodes, 'node')}"
        nodes_zh = f"{spec.nodes} 个节点共 "
    return both(
        f"{devices}{nodes}{rack}, at most {limit}{others}",
        f"{nodes_zh}{devices_zh}{rack_zh}，时限 {limit}{others_zh}",
    )


def _devices_text(count: int, kinds: Sequence[str]) -> tuple[str, str]:
    """Of kinds that are named, which have cards or cores; without one it is on cards."""
    if kinds:
        return f"{count} × {' or '.join(kinds)}", f"{count} × {' 或 '.join(kinds)}"
    return f"{counted(count, 'card')} of any kind", f"{count} 张卡，型号不限"


def roles_text(spec: JobSpec) -> str:
    """`launcher: 1 member without devices, worker: 2 members with 4 devices each`."""
    parts = []
    for role in spec.roles:
        members = counted(role.count, "member")
        each = "" if role.count == 1 else " each"
        devices = counted(role.devices, "device")
        own = f" with {devices}{each}" if role.devices else " without devices"
        own_zh = f"，每个 {role.devices} 个设备" if role.devices else "，不占设备"
        parts.append(
            both(f"{role.name}: {members}{own}", f"{role.name}：{role.count} 个成员{own_zh}")
        )
    ends = both(f"; ends with {spec.ends_with}", f"；以 {spec.ends_with} 的结束为准")
    return both(", ", "；").join(parts) + (ends if spec.ends_with else "")


def _variants_text(spec: JobSpec) -> tuple[str, str]:
    """`; or 16 × hygon-k100-ai, at most 8h`, or the least of an elastic job; in both."""
    english = chinese = ""
    if spec.min_devices is not None:
        english, chinese = f"; or down to {spec.min_devices}", f"；可减至 {spec.min_devices}"
    if spec.step_devices is not None:
        english += f" by {spec.step_devices}"
        chinese += f"，每档 {spec.step_devices}"
    for one in spec.variants:
        limit = duration_text(one.limit_ms(spec.limit))
        devices, devices_zh = _devices_text(one.devices, one.device or spec.device)
        english += f"; or {devices}, at most {limit}"
        chinese += f"；或 {devices_zh}，时限 {limit}"
    return english, chinese


def attempts_table(attempts: Sequence[AttemptView]) -> Table:
    made = table(
        both("attempt", "次"),
        both("centre", "中心"),
        both("nodes", "节点"),
        both("started", "开始"),
        both("ran", "时长"),
        both("end", "结果"),
        both("exit", "退出码"),
        both("active", "有效率"),
        numbers=(4, 6, 7),
    )
    for attempt in attempts:
        ran_ms = (
            attempt.ended_at_ms - attempt.started_at_ms
            if attempt.started_at_ms is not None and attempt.ended_at_ms is not None
            else None
        )
        made.add_row(
            attempt.id.rpartition(".")[2],
            plain(attempt.centre),
            plain(nodes_text(attempt)),
            clock_text(attempt.started_at_ms)[:MINUTE],
            duration_text(ran_ms),
            both(attempt.cause, CAUSES_ZH.get(attempt.cause, attempt.cause))
            if attempt.cause
            else "-",
            "-" if attempt.exit_code is None else str(attempt.exit_code),
            active_text(attempt.activity),
        )
    return made


def nodes_text(attempt: AttemptView) -> str:
    """`lsl-a800-n001×4 lsl-a800-n002×4`, with roles `lsl-a800-n001×4 (launcher 0, worker 0)`."""
    return " ".join(_node_text(node) for node in attempt.nodes)


def _node_text(node: Mapping[str, Any]) -> str:
    members = node.get("members") or {}
    here = ", ".join(f"{role} {numbers}" for role, numbers in members.items())
    return f"{node['node_id']}×{node['card_count']}" + (f" ({here})" if here else "")


def reason_text(reason: ReasonView) -> str:
    return both(reason.text, reason.text_zh) or reason.code


def print_explanation(explanation: Explanation) -> None:
    """Of who waits its standing says why, where it is known; else the summary says all."""
    is_standing = explanation.standing is not None
    state = f"  {state_text(explanation.state)}" if is_standing else ""
    console.print(explanation.job_id + state)
    if not is_standing:
        say(plain(both(explanation.summary, explanation.summary_zh)))
    elif explanation.earlier:
        say(plain(both(explanation.earlier, explanation.earlier_zh)))
    for note in explanation.data:
        say(plain(both(note.text, note.text_zh)), "  [blue]•[/] ")
    if is_standing:
        _print_start(explanation)
    if explanation.slip is not None:
        _print_slip(explanation.slip)


def _print_start(explanation: Explanation) -> None:
    """When it is likely to start, as far as that is known."""
    if explanation.planned_start_ms is not None:
        say(f"{both('planned start', '预计开始')}{colon()}{plain(planned_text(explanation))}")
    if explanation.start_p50_ms is not None:
        half = clock_text(explanation.start_p50_ms)
        say(f"{both('half start by', '五成概率不晚于')}{colon()}{half}")
    if explanation.start_p90_ms is not None:
        late = clock_text(explanation.start_p90_ms)
        say(f"{both('nine of ten start by', '九成概率不晚于')}{colon()}{late}")


def _print_slip(slip: StartSlip) -> None:
    """That it is to start later than it was told first, and what is known to be the cause."""
    say(plain(both(slip.text, slip.text_zh)))
    for cause in slip.causes or ():
        say(plain(both(cause.text, cause.text_zh)), "  [yellow]•[/] ")


def planned_text(job: JobView | Explanation) -> str:
    """`11-26 10:00:00 hzx-910b3 ×16 (kept for it)`: cards or cores, as its pool has them."""
    count = "" if job.planned_devices is None else f"×{job.planned_devices}"
    kept = both(" (kept for it)", "（已预留）") if job.is_start_promised else ""
    told = (clock_text(job.planned_start_ms), job.planned_pool, count)
    return " ".join(filter(None, told)) + kept
