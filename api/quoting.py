"""What a job would meet that was submitted now, as an answer and in a sentence."""

from collections.abc import Sequence

from accounting.money import yuan_of_fen
from api.quote_schemas import Quote, QuoteOption
from api.reasons import moment
from api.reasons import view as reason_view
from scheduler.job import Job
from scheduler.whatif import Prospect


def quote_of(job: Job, prospects: Sequence[Prospect]) -> Quote:
    english, chinese = _summary(prospects)
    return Quote(
        at_ms=job.submitted_at_ms,
        tenant=job.tenant_id,
        options=[_option(job, prospect) for prospect in prospects],
        summary=english,
        summary_zh=chinese,
    )


def _option(job: Job, prospect: Prospect) -> QuoteOption:
    start_ms = prospect.start_ms
    return QuoteOption(
        centre=prospect.pool.centre_id,
        pool=prospect.pool.id,
        device=prospect.pool.device_kind_id,
        start_ms=start_ms,
        end_ms=None if start_ms is None else start_ms + job.limit_ms,
        cost=_cost(prospect),
        reasons=[reason_view(reason) for reason in prospect.reasons],
    )


def _cost(prospect: Prospect) -> str | None:
    return None if prospect.cost_fen is None else yuan_of_fen(prospect.cost_fen)


def _summary(prospects: Sequence[Prospect]) -> tuple[str, str]:
    first = prospects[0]
    if first.start_ms is None:
        view = reason_view(first.reasons[0])
        return (
            f"it would wait, and nobody knows how long: {view.text}",
            f"需要等待，时间未定：{view.text_zh}",
        )
    pool, cost = first.pool.id, _cost(first)
    price = f"; up to {cost} yuan, if it runs to its limit" if cost else ""
    price_zh = f"；运行到时限最多 {cost} 元" if cost else ""
    if not first.reasons:
        return f"it would start now in {pool}{price}", f"可立即在 {pool} 启动{price_zh}"
    start = moment(first.start_ms)
    return (
        f"it would start about {start} in {pool}{price}",
        f"预计 {start} 在 {pool} 启动{price_zh}",
    )
