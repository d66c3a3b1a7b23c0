"""What a job would meet that was submitted now, as an answer and in a sentence."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from accounting.money import yuan_of_fen
from api.answers.reasons import by_quantiles, counted, moment
from api.answers.reasons import view as reason_view
from api.answers.reasons import views as reason_views
from api.chinese import PRIORITIES_ZH
from api.schemas.durations import about, duration_text
from api.schemas.quotes import AlternativeView, HonouredQuote, Quote, QuoteOption
from scheduler.asking.alternatives import Alternative, Change
from scheduler.asking.whatif import Prospect
from scheduler.model.job import Job

LATE_MS = 60_000
"""A start that is later by less is as was quoted: what makes room for it may take as long."""


class Quoted(NamedTuple):
    """Where a job would have gone by a quote, when, and for how many yuan."""

    pool_id: str
    start_ms: int | None
    cost: str | None


def quote_of(
    job: Job,
    prospects: Sequence[Prospect],
    valid_ms: int,
    *,
    unit: str = "cards",
    is_kept: bool = False,
) -> Quote:
    """For so long a job may take it; what is kept, no longer than its job may run.

    Its devices are of `unit`: cards or cores.
    """
    valid_ms = min(valid_ms, job.limit_ms) if is_kept else valid_ms
    english, chinese = _summary(job, prospects, unit)
    return Quote(
        id=job.id,
        at_ms=job.submitted_at_ms,
        expires_at_ms=job.submitted_at_ms + valid_ms,
        is_kept=is_kept,
        tenant=job.tenant_id,
        options=[_option(prospect) for prospect in prospects],
        summary=english,
        summary_zh=chinese,
    )


def honoured(quote_id: str, quoted: Quoted, now: Prospect | None, now_ms: int) -> HonouredQuote:
    """What is left of a quote now that its job is submitted; `now` is None where nobody knows."""
    is_kept = _is_kept(quoted, now, now_ms)
    english, chinese = _outcome(quoted, now, is_kept=is_kept)
    return HonouredQuote(
        id=quote_id,
        is_kept=is_kept,
        quoted_pool=quoted.pool_id,
        quoted_start_ms=quoted.start_ms,
        quoted_cost=quoted.cost,
        pool=now.pool.id if now else None,
        start_ms=now.start_ms if now else None,
        cost=_cost(now) if now else None,
        text=english,
        text_zh=chinese,
    )


def _is_kept(quoted: Quoted, now: Prospect | None, now_ms: int) -> bool | None:
    """Whether the job starts as early as it was told; None where it was told nothing."""
    if now is None or quoted.start_ms is None:
        return None
    return now.start_ms is not None and now.start_ms < max(quoted.start_ms, now_ms) + LATE_MS


def _outcome(quoted: Quoted, now: Prospect | None, *, is_kept: bool | None) -> tuple[str, str]:
    if now is None:
        return (
            "it has the place in the queue of its quote; when it starts is known in a moment",
            "按询价时的排队位置排队；启动时间稍后可查",
        )
    when, when_zh = _when(now)
    if is_kept is None:
        return f"no start was quoted; {when}", f"询价时未给出启动时间；{when_zh}"
    if is_kept:
        return f"as quoted: {when}", f"与询价一致：{when_zh}"
    start = moment(quoted.start_ms or 0)
    return (
        f"no longer as quoted (about {start} in {quoted.pool_id}): {when}",
        f"与询价不同（原为约 {start} 在 {quoted.pool_id} 启动）：{when_zh}",
    )


def _when(now: Prospect) -> tuple[str, str]:
    pool_id = now.pool.id
    if now.start_ms is None:
        view = reason_view(now.reasons[0])
        return f"it waits, and nobody knows how long: {view.text}", f"需要等待：{view.text_zh}"
    if not now.reasons:
        return f"it can start now in {pool_id}", f"可立即在 {pool_id} 启动"
    start = moment(now.start_ms)
    return f"it starts about {start} in {pool_id}", f"预计 {start} 在 {pool_id} 启动"


def _option(prospect: Prospect) -> QuoteOption:
    job = prospect.form
    start_ms = prospect.start_ms
    return QuoteOption(
        centre=prospect.pool.centre_id,
        pool=prospect.pool.id,
        device=prospect.pool.device_kind_id,
        devices=job.device_count,
        start_ms=start_ms,
        start_p50_ms=prospect.likely.p50_ms if prospect.likely else None,
        start_p90_ms=prospect.likely.p90_ms if prospect.likely else None,
        is_start_promised=prospect.is_promised,
        stops=len(prospect.stopped),
        stops_own=[one.job_id for one in prospect.stopped if one.tenant_id == job.tenant_id],
        stops_others=_others(job, prospect),
        is_borrowing=prospect.is_borrowing,
        transfer_ms=prospect.transfer_ms,
        end_ms=None if start_ms is None else start_ms + job.limit_ms,
        likely_end_ms=_likely_end_ms(prospect),
        cost=_cost(prospect),
        reasons=reason_views(prospect.reasons),
    )


def _others(job: Job, prospect: Prospect) -> dict[str, int]:
    """By price class alone: whose they are is no other tenant's business."""
    classes = [one.price_class for one in prospect.stopped if one.tenant_id != job.tenant_id]
    return dict(sorted(Counter(classes).items()))


def _likely_end_ms(prospect: Prospect) -> int | None:
    if prospect.start_ms is None or prospect.run_ms is None:
        return None
    return prospect.start_ms + prospect.run_ms


def _cost(prospect: Prospect) -> str | None:
    return None if prospect.cost_fen is None else yuan_of_fen(prospect.cost_fen)


def _summary(job: Job, prospects: Sequence[Prospect], unit: str) -> tuple[str, str]:
    first = prospects[0]
    if first.start_ms is None:
        view = reason_view(first.reasons[0])
        return (
            f"it would wait, and nobody knows how long: {view.text}",
            f"需要等待，时间未定：{view.text_zh}",
        )
    pool, cost = first.pool.id, _cost(first)
    at, at_zh = ("today's price", "当前价格")
    if first.price_count > 1:
        at, at_zh = ("the prices published", "已公布的各期价格")
    price = f"; {cost} yuan to its limit, at {at}" if cost else ""
    price_zh = f"；按{at_zh}运行到时限为 {cost} 元" if cost else ""
    if job.has_forms:
        count, count_zh = counted(first.form.device_count, unit)
        price, price_zh = f", on {count}{price}", f"，使用 {count_zh}{price_zh}"
    if first.is_borrowing:
        price += f"; on borrowed {unit}, which their owners may take back"
        price_zh += "；占用其他企业的额定配额，其所有者可随时收回"
    if first.transfer_ms:
        price += f"; its data takes {about(first.transfer_ms)} to come there"
        price_zh += f"；数据传输到该处需 {about(first.transfer_ms)}"
    if not first.reasons:
        return f"it would start now in {pool}{price}", f"可立即在 {pool} 启动{price_zh}"
    start = moment(first.start_ms)
    stops, stops_zh = _stops(len(first.stopped))
    late, late_zh = by_quantiles(*(first.likely or (None, None)))
    return (
        f"it would start about {start} in {pool}{late}{stops}{price}",
        f"预计 {start} 在 {pool} 启动{late_zh}{stops_zh}{price_zh}",
    )


def _stops(count: int) -> tuple[str, str]:
    if not count:
        return "", ""
    jobs = "1 running job" if count == 1 else f"{count} running jobs"
    return f", for which {jobs} would be stopped", f"，为此将停止 {count} 个正在运行的作业"


def alternative_view(job: Job, found: Alternative, unit: str = "cards") -> AlternativeView:
    """What to change of `job`, whose devices are of `unit`, and what that would bring."""
    value, english, chinese = _change(job, found, unit)
    prospect = found.prospect
    assert prospect.start_ms is not None, "an alternative is sooner than something"
    when, when_zh = ("now", "可立即启动")
    if prospect.reasons:
        start = moment(prospect.start_ms)
        when, when_zh = f"about {start}", f"约 {start} 启动"
    return AlternativeView(
        change=found.change.value,
        value=value,
        start_ms=prospect.start_ms,
        pool=prospect.pool.id,
        cost=_cost(prospect),
        text=f"{english}: {when} in {prospect.pool.id}",
        text_zh=f"{chinese}：{when_zh}（{prospect.pool.id}）",
    )


def _change(job: Job, found: Alternative, unit: str) -> tuple[str, str, str]:
    """The new value, and what it replaces, in both languages."""
    match found.change:
        case Change.CARDS:
            after, before = found.job.device_count, job.device_count
            (count, count_zh), (_, before_zh) = counted(after, unit), counted(before, unit)
            parts, parts_zh = _parts(found.job)
            return (
                str(after),
                f"{count}{parts} instead of {before}",
                f"{before_zh}改为 {count_zh}{parts_zh}",
            )
        case Change.LIMIT:
            limit, longer = duration_text(found.job.limit_ms), duration_text(job.limit_ms)
            return limit, f"a limit of {limit} instead of {longer}", f"时限 {longer} 改为 {limit}"
        case Change.PLACE:
            kind, centre = found.prospect.pool.device_kind_id, found.prospect.pool.centre_id
            pool_id = found.prospect.pool.id
            return pool_id, f"{kind} in {centre} as well", f"也接受 {centre} 的 {kind}"
        case Change.TOPOLOGY:
            return found.job.topology.value, "nodes of several racks", "节点可不在同一机柜"
        case Change.PRIORITY:
            priority = found.job.priority
            return priority.value, f"priority {priority}", f"优先级改为{PRIORITIES_ZH[priority]}"


def _parts(job: Job) -> tuple[str, str]:
    """What else of the job is given in numbers, and must change with its cards."""
    parts = [
        (f"{count} {english}{'s' if count > 1 else ''}", f"{count} 个{chinese}")
        for count, english, chinese in (
            (job.node_count, "node", "节点"),
            (job.member_count, "member", "进程"),
        )
        if count is not None
    ]
    if not parts:
        return "", ""
    return f" ({', '.join(one for one, _ in parts)})", f"（{'、'.join(one for _, one in parts)}）"
