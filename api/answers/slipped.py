"""That a job starts later than it was told first, and why: as an answer and in sentences."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Row

from api.answers.reasons import counted, moment
from api.schemas.durations import about
from api.schemas.jobs import JobView
from api.schemas.quotes import SlipCause, StartSlip
from scheduler.asking.slips import Group, Overstayed, Slip, ToldFirst

STARTED = (
    "{jobs} that came after that{yours} went first: {cards} in {pool} beyond {start}",
    "此后提交的 {jobs} 个作业先行启动：在 {pool} 占用 {cards}{yours}，至 {start} 之后",
)
LEEWAY = (
    "its start is promised for later than is likely, as several runs must end: perhaps {likely}",
    "须等多个运行结束，预留的启动时间含宽限：可能约 {likely} 即启动",
)
AHEAD = (
    "{jobs} that came after that{yours} {are} ahead of it in the queue: {cards} in {pool}",
    "此后提交的 {jobs} 个作业按排队次序在前：在 {pool} 共需 {cards}{yours}",
)
GONE = {
    "nodes_down": (
        "{cards} of {pool} have gone since: nodes are down, or no longer in the park",
        "此后 {pool} 少了 {cards}：节点离线或已移出园区",
    ),
    "maintenance": (
        "{cards} of {pool} have come into maintenance since",
        "此后 {pool} 有 {cards} 转入维护",
    ),
    "centre_silent": (
        "the centre of {pool} with its {cards} is not heard of any more",
        "{pool} 所在中心（{cards}）已失去联系",
    ),
}


class Gone(NamedTuple):
    """Cards of the pool that could be had when the job was told, and not now."""

    code: str
    cards: int


def gone_since(then: Row[Any], now: Row[Any], *, has_hours: bool) -> Iterator[Gone]:
    """By how the pool stood then and stands now; that its hours are over was known before."""
    if now.schedulable_cards == 0 < now.online_cards - now.maintenance_cards:
        if then.schedulable_cards:
            yield Gone("centre_silent", then.schedulable_cards)
        return
    if (down := then.online_cards - now.online_cards) > 0:
        yield Gone("nodes_down", down)
    if (away := now.maintenance_cards - then.maintenance_cards) > 0 and not has_hours:
        yield Gone("maintenance", away)


def told_first(row: Row[Any]) -> ToldFirst | None:
    """What a job that is to start clearly later than it was told first was told; None: no other."""
    if row.told_at_ms is None:
        return None
    told = ToldFirst(at_ms=row.told_at_ms, start_ms=row.told_start_ms, pool_id=row.told_pool_id)
    return told if told.is_missed(row.planned_start_ms) else None


def slip_view(
    job: JobView, told: ToldFirst, found: Slip | None, gone: Sequence[Gone], unit: str
) -> StartSlip:
    """`found` is None where the leader could not be asked; `unit` is what the pool has."""
    causes = None if found is None else [*_causes(job, told, found, gone, unit)]
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


def _causes(
    job: JobView, told: ToldFirst, found: Slip, gone: Sequence[Gone], unit: str
) -> Iterator[SlipCause]:
    """Cards that are gone have a part in it where the pool has no room."""
    is_there = job.is_start_promised and job.planned_pool == told.pool_id
    if is_there and found.likely_ms is not None:
        yield _leeway(found.likely_ms)
    if found.overstayed is not None:
        yield _overstayed(told, found.overstayed, unit)
    if found.started is not None:
        yield _since("started_since", STARTED, told, found.started, unit)
    if found.ahead is not None:
        yield _since("ahead_since", AHEAD, told, found.ahead, unit)
    if found.is_full:
        yield from (_gone(told, one, unit) for one in gone)


def _leeway(likely_ms: int) -> SlipCause:
    text, text_zh = (one.format(likely=moment(likely_ms)) for one in LEEWAY)
    return SlipCause(code="leeway", count=0, yours=0, cards=0, text=text, text_zh=text_zh)


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


def _since(
    code: str, texts: tuple[str, str], told: ToldFirst, found: Group, unit: str
) -> SlipCause:
    """Those that came after it was told, and go before it all the same."""
    cards, cards_zh = counted(found.cards, unit)
    yours, yours_zh = _yours(found.mine)
    jobs, are = ("1 job", "is") if found.count == 1 else (f"{found.count} jobs", "are")
    words = {"pool": told.pool_id, "start": moment(told.start_ms), "are": are}
    english, chinese = texts
    return SlipCause(
        code=code,
        count=found.count,
        yours=found.mine,
        cards=found.cards,
        text=english.format(jobs=jobs, cards=cards, yours=yours, **words),
        text_zh=chinese.format(jobs=found.count, cards=cards_zh, yours=yours_zh, **words),
    )


def _gone(told: ToldFirst, gone: Gone, unit: str) -> SlipCause:
    cards, cards_zh = counted(gone.cards, unit)
    english, chinese = GONE[gone.code]
    return SlipCause(
        code=gone.code,
        count=0,
        yours=0,
        cards=gone.cards,
        text=english.format(cards=cards, pool=told.pool_id),
        text_zh=chinese.format(cards=cards_zh, pool=told.pool_id),
    )


def _yours(count: int) -> tuple[str, str]:
    return (f" ({count} yours)", f"，其中本企业 {count} 个") if count else ("", "")
