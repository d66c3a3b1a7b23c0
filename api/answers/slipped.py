"""That a job starts later than it was told first, and why: as an answer and in sentences."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Row

from api.answers.reasons import counted, moment
from api.schemas.durations import about
from api.schemas.jobs import JobView
from api.schemas.quotes import SlipCause, StartSlip
from cluster.inventory import Park
from scheduler.asking.slips import Overstayed, Slip, ToldFirst


def told_first(row: Row[Any]) -> ToldFirst | None:
    """What a job that is to start clearly later than it was told first was told; None: no other."""
    if row.told_at_ms is None:
        return None
    told = ToldFirst(at_ms=row.told_at_ms, start_ms=row.told_start_ms, pool_id=row.told_pool_id)
    return told if told.is_missed(row.planned_start_ms) else None


def slip_view(job: JobView, told: ToldFirst, found: Slip | None, park: Park) -> StartSlip:
    """`found` is None where the leader could not be asked."""
    pool = park.pool_by_id.get(told.pool_id)
    unit = "cores" if pool and pool.device_kind_id in park.core_kind_ids else "cards"
    causes = None if found is None else list(_causes(told, found, unit))
    english, chinese = _summary(job, told)
    why, why_zh = _unexplained(causes)
    return StartSlip(
        told_at_ms=told.at_ms,
        told_start_ms=told.start_ms,
        told_pool=told.pool_id,
        start_ms=job.planned_start_ms,
        causes=causes,
        text=english + why,
        text_zh=chinese + why_zh,
    )


def _summary(job: JobView, told: ToldFirst) -> tuple[str, str]:
    at, start = moment(told.at_ms), moment(told.start_ms)
    now, now_zh = "now no start is known", "现在无法预计"
    if job.planned_start_ms is not None:
        now = f"now about {moment(job.planned_start_ms)}"
        now_zh = f"现为约 {moment(job.planned_start_ms)}"
    return (
        f"told first, at {at}, to start about {start} in {told.pool_id}; {now}",
        f"{at} 首次告知约 {start} 在 {told.pool_id} 启动；{now_zh}",
    )


def _unexplained(causes: list[SlipCause] | None) -> tuple[str, str]:
    if causes is None:
        return ": why, the broker that leads could not be asked", "：原因暂时无法向主调度查询"
    if not causes:
        return ": no cause of that is established", "：未能确定原因"
    return "", ""


def _causes(told: ToldFirst, found: Slip, unit: str) -> Iterator[SlipCause]:
    if found.overstayed is not None:
        yield _overstayed(told, found.overstayed, unit)


def _overstayed(told: ToldFirst, found: Overstayed, unit: str) -> SlipCause:
    cards, cards_zh = counted(found.cards, unit)
    over, until = about(found.over_ms), moment(found.until_ms)
    yours, yours_zh = _yours(found.mine)
    if found.count == 1:
        runs, are, longest, they = "1 run", "is", "", "it is"
    else:
        runs, are, longest, they = f"{found.count} runs", "are", "the longest ", "they are"
    return SlipCause(
        code="overstayed",
        count=found.count,
        yours=found.mine,
        cards=found.cards,
        over_ms=found.over_ms,
        until_ms=found.until_ms,
        text=f"in {told.pool_id} {runs} on {cards}{yours} {are} past what was forecast then, "
        f"{longest}by {over}: {they} counted on until about {until} now",
        text_zh=f"{told.pool_id} 有 {found.count} 个运行（{cards_zh}{yours_zh}）"
        f"已超过当时的预计时长，最长超出 {over}：现按约 {until} 结束计",
    )


def _yours(count: int) -> tuple[str, str]:
    return (f" ({count} yours)", f"，其中本企业 {count} 个") if count else ("", "")
