"""How a job stands, and why, in a sentence or two: in English and in Chinese."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from api.answers.reasons import by_quantiles, counted, moment
from api.chinese import chinese as in_chinese
from api.schemas.durations import about
from api.schemas.jobs import AttemptView, DataNote, JobSpec, JobView, ReasonView
from api.schemas.quotes import Explanation, QueueStanding
from scheduler.model.job import EndCause, JobState, Reason

CAUSES = {
    EndCause.FINISHED: ("it finished", "正常结束"),
    EndCause.USER_ERROR: ("its own program failed", "程序自身出错"),
    EndCause.CANCELLED: ("it was cancelled", "被取消"),
    EndCause.PREEMPTED: ("it was preempted", "被抢占"),
    EndCause.LIMIT: ("it ran past its time limit", "超过时限"),
    EndCause.FUNDS: (
        "its tenant's balance did not cover more, and its hard stop is on",
        "企业余额不足，且已设置欠费即停",
    ),
    EndCause.BUDGET: (
        "a budget was used up, and its hard stop is on",
        "预算已用完，且已设置用完即停",
    ),
    EndCause.NODE: ("a node failed", "节点故障"),
    EndCause.CENTRE: ("its centre failed", "中心故障"),
    EndCause.BROKER: ("the broker refused it", "被调度方拒绝"),
}
DOING = {
    JobState.LEASED: ("has its devices and is being sent to", "已获得资源，正在发往"),
    JobState.STARTING: ("is starting in", "正在启动于"),
    JobState.RUNNING: ("runs in", "正在运行于"),
    JobState.STOPPING: ("is being stopped in", "正在停止于"),
}


_KEPT_FOR = "kept for job "


def named_jobs(reasons: Iterable[Reason]) -> set[str]:
    """The jobs that cards are kept for, as the planner writes it."""
    return {
        reason.detail.removeprefix(_KEPT_FOR)
        for reason in reasons
        if reason.detail.startswith(_KEPT_FOR)
    }


def without_strangers(reason: Reason, known_ids: Collection[str]) -> Reason:
    """The reason without a job that is another tenant's: that there is one is all to be told."""
    return reason if named_jobs([reason]) <= set(known_ids) else replace(reason, detail="")


def explanation(
    job: JobView,
    notes: Sequence[DataNote] = (),
    standing: QueueStanding | None = None,
    core_kind_ids: Collection[str] = (),
) -> Explanation:
    """`notes` is what is to be told of its data; `standing` has all reasons, where it is known.

    Devices of `core_kind_ids` are cores; who is on cores names their kind.
    """
    unit = "cards" if {*core_kind_ids}.isdisjoint(job.spec.device) else "cores"
    english, chinese = _summary(job, unit)
    is_waiting = job.state in {JobState.QUEUED, JobState.HELD}
    earlier, earlier_zh = _earlier(job.attempts) if is_waiting else ("", "")
    return Explanation(
        job_id=job.id,
        state=job.state,
        position=job.position,
        planned_start_ms=job.planned_start_ms,
        planned_pool=job.planned_pool,
        planned_devices=job.planned_devices,
        start_p50_ms=job.start_p50_ms,
        start_p90_ms=job.start_p90_ms,
        is_start_promised=job.is_start_promised,
        reasons=(_all_reasons(standing) if standing else []) or job.reasons,
        standing=standing,
        data=list(notes),
        summary=english,
        summary_zh=chinese,
        earlier=earlier,
        earlier_zh=earlier_zh,
    )


def _all_reasons(standing: QueueStanding) -> list[ReasonView]:
    """Each once, as the pools come in its order of preference."""
    found = (reason for pool in standing.pools for reason in pool.reasons)
    return [*{reason.text: reason for reason in found}.values()]


def _summary(job: JobView, unit: str) -> tuple[str, str]:
    state = JobState(job.state)
    if state in {JobState.QUEUED, JobState.HELD}:
        return _waiting(job, unit)
    if state in DOING:
        return _holding(job, state, unit)
    return _over(job, state)


def _waiting(job: JobView, unit: str) -> tuple[str, str]:
    if not job.reasons and job.state == JobState.HELD:
        return (
            "all that it was to follow has ended: it comes to the queue",
            "前置作业已结束，即将排队",
        )
    if not job.reasons:
        return "just arrived: the next plan places it", "刚刚提交，等待下一次排程"
    doing, doing_zh = ("is held", "挂起") if job.state == JobState.HELD else ("waits", "排队中")
    place = "" if job.position is None else f" at place {job.position}"
    place_zh = "" if job.position is None else f"第 {job.position} 位，"
    english = f"{doing}{place}: " + "; ".join(reason.text for reason in job.reasons)
    chinese = f"{doing_zh}：{place_zh}" + "；".join(reason.text_zh for reason in job.reasons)
    tries = _earlier(job.attempts)
    start = _start(job, unit)
    told, told_zh = (english + start[0], tries[0]), (chinese + start[1], tries[1])
    return ". ".join(filter(None, told)), "。".join(filter(None, told_zh))


def _start(job: JobView, unit: str) -> tuple[str, str]:
    if job.planned_start_ms is None:
        return "", ""
    at, pool = moment(job.planned_start_ms), job.planned_pool
    late, late_zh = by_quantiles(job.start_p50_ms, job.start_p90_ms)
    if job.planned_devices is not None:  # in one of its forms
        count, count_zh = counted(job.planned_devices, unit)
        late, late_zh = f", on {count}{late}", f"，使用 {count_zh}{late_zh}"
    if job.is_start_promised:
        return (
            f". {unit.capitalize()} are kept for it in {pool} from about {at}{late}",
            f"。已在 {pool} 为其预留资源，约 {at} 启动{late_zh}",
        )
    where, where_zh = (f" in {pool}", f"在 {pool} ") if pool else ("", "")
    return (
        f". By the present plan it starts about {at}{where}{late}",
        f"。按当前计划约 {at} {where_zh}启动{late_zh}",
    )


def _earlier(attempts: list[AttemptView]) -> tuple[str, str]:
    """What became of the attempt before, where there was one; a sentence without a full stop."""
    last = attempts[-1] if attempts else None
    if last is None or last.cause is None:
        return "", ""
    english, chinese = CAUSES[EndCause(last.cause)]
    return (
        f"Attempt {len(attempts)} in {last.centre} ended because {english}",
        f"第 {len(attempts)} 次运行（{last.centre}）结束原因：{chinese}",
    )


def _holding(job: JobView, state: JobState, unit: str) -> tuple[str, str]:
    attempt = job.attempts[-1]
    nodes = ", ".join(f"{node['node_id']}×{node['card_count']}" for node in attempt.nodes)
    doing, doing_zh = DOING[state]
    choice, choice_zh = _choice(job, attempt, unit)
    return (
        f"{doing} {attempt.centre}, pool {attempt.pool}, on {nodes}. {choice}",
        f"{doing_zh} {attempt.centre} 的 {attempt.pool}：{nodes}。{choice_zh}",
    )


def _choice(job: JobView, attempt: AttemptView, unit: str) -> tuple[str, str]:
    """Why there: the order of preference decides, then where room was first."""
    if job.spec.min_devices is not None and cards_of(attempt) < job.spec.devices:
        has, (most, most_zh) = cards_of(attempt), counted(job.spec.devices, unit)
        _, now_zh = counted(has, unit)
        return (
            f"It has {has} of the {most} that it asks for: for more there was no room",
            f"当前使用 {now_zh}（最多 {most_zh}）：更大规模当时没有空闲",
        )
    number = variant_number(job.spec, attempt)
    if number:
        cards, cards_zh = counted(cards_of(attempt), f"{unit} of {attempt.device}")
        count = len(job.spec.variants)
        return (
            f"It has {cards}, by variant {number} of {count}: what it asks before had no room",
            f"按第 {number} 个备选规格（共 {count} 个）使用 {cards_zh}：更优先的规格当时没有空闲",
        )
    kinds = job.spec.device
    if not kinds:
        return (
            "Any kind would do: there was room here first",
            "未限定型号：此处最先有足够的空闲资源",
        )
    rank = kinds.index(attempt.device) + 1 if attempt.device in kinds else 1
    if rank > 1 and job.spec.data:
        before = "the ones before had no room, or its data there later"
        before_zh = "更优先的型号当时没有空闲，或数据到达更晚"
        return (
            f"{attempt.device} is choice {rank} of {len(kinds)}: {before}",
            f"{attempt.device} 是第 {rank} 选择（共 {len(kinds)} 个）：{before_zh}",
        )
    if rank == 1:
        return (
            f"{attempt.device} is its first choice, and there was room here",
            f"{attempt.device} 是首选型号，此处资源足够",
        )
    return (
        f"{attempt.device} is choice {rank} of {len(kinds)}: the ones before had no room",
        f"{attempt.device} 是第 {rank} 选择（共 {len(kinds)} 个）：更优先的型号当时没有空闲",
    )


def variant_number(spec: JobSpec, attempt: AttemptView) -> int:
    """As which of its variants the job runs, from 1; 0 where it runs as it asks first."""
    cards = cards_of(attempt)
    gangs = [(spec.devices, spec.device), *((one.devices, one.device) for one in spec.variants)]
    found = (
        number
        for number, (devices, kinds) in enumerate(gangs)
        if devices == cards and (not kinds or attempt.device in kinds)
    )
    return next(found, 0)


def cards_of(attempt: AttemptView) -> int:
    return sum(int(node["card_count"]) for node in attempt.nodes)


def _over(job: JobView, state: JobState) -> tuple[str, str]:
    ran, ran_zh = _run(job)
    detail, detail_zh = _detail(job)
    if state is JobState.SUCCEEDED:
        return f"succeeded{ran}", f"已成功{ran_zh}"
    if state is JobState.CANCELLED:
        return f"was cancelled{ran}{detail}", f"已取消{ran_zh}{detail_zh}"
    english, chinese = CAUSES[EndCause(job.end_cause or EndCause.BROKER)]
    codes = [a.exit_code for a in job.attempts if a.exit_code is not None]
    code = f" (exit code {codes[-1]})" if codes and codes[-1] else ""
    code_zh = f"（退出码 {codes[-1]}）" if codes and codes[-1] else ""
    return (
        f"failed because {english}{code}{ran}{detail}",
        f"已失败：{chinese}{code_zh}{ran_zh}{detail_zh}",
    )


def _detail(job: JobView) -> tuple[str, str]:
    """What the centre or the leader said of its end, if anything."""
    if not job.detail:
        return "", ""
    return f": {job.detail}", f"：{in_chinese(job.detail) or job.detail}"


def _run(job: JobView) -> tuple[str, str]:
    if job.started_at_ms is None or job.ended_at_ms is None:
        return " before it ran", "（未曾运行）"
    span = about(job.ended_at_ms - job.started_at_ms)
    where = job.attempts[-1].centre if job.attempts else "?"
    return f" after {span} in {where}", f"，在 {where} 历时 {span}"
