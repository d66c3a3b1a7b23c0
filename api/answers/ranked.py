"""Where a job stands in the queue, as an answer and in sentences."""

from collections.abc import Iterator, Mapping, Sequence

from api.answers.reasons import moment
from api.answers.reasons import views as reason_views
from api.chinese import PRIORITIES_ZH
from api.schemas.durations import about
from api.schemas.jobs import JobView
from api.schemas.quotes import PoolUseView, QueueItem, QueueStanding, QueueView, TermView
from scheduler.asking.ranking import Fork, Queue, Ranking, ShareTerm, Terms
from scheduler.facts.queue import SLOWDOWN
from scheduler.model.job import Reason

TFLOPS_MS_PER_PH = 1_000 * 3_600_000
QUOTAS = {
    None: ("none", "its tenant has no nominal quota", "企业没有额定配额"),
    True: ("within", "it is within its tenant's nominal quota", "在企业额定配额之内"),
    False: ("beyond", "it is beyond its tenant's nominal quota", "超出企业额定配额"),
}
LENT = (
    "within",
    "it is within its own nominal quota, but beyond its cohort's or tenant's: there it borrows",
    "在自身额定配额之内，但超出上级（互借组或企业）的额定配额：在上级按借用计",
)
FORKS = {
    Fork.COHORT: ("", "互借组"),
    Fork.TENANT: ("", "企业"),
    Fork.PROJECT: ("of its tenant ", "项目"),
}
HUNGER = {
    True: ("yes", "it has waited too long, and goes first in its class", "等待过久，同级优先"),
    False: ("no", "it has not waited too long yet", "尚未等待过久"),
}


def standing_view(found: Ranking, reasons: Sequence[Sequence[Reason]]) -> QueueStanding:
    """`reasons` are those of each pool, as the caller may know them."""
    return QueueStanding(
        at_ms=found.at_ms,
        job_id=found.job.id,
        position=found.position,
        waiting=found.queue_length,
        ahead_yours=found.ahead_mine,
        terms=list(_terms(found.terms)),
        pools=[
            PoolUseView(
                centre=use.pool.centre_id,
                pool=use.pool.id,
                device=use.pool.device_kind_id,
                cards=use.pool.card_count,
                needs=use.needed,
                free=use.free,
                down=use.down,
                yours=use.mine,
                others=dict(use.others),
                reasons=reason_views(some),
            )
            for use, some in zip(found.pools, reasons, strict=True)
        ],
    )


def queue_view(found: Queue, jobs: Mapping[str, JobView]) -> QueueView:
    """Of those that are jobs: a kept quote holds a place as well, and is none yet."""
    return QueueView(
        at_ms=found.at_ms,
        waiting=found.length,
        items=[
            QueueItem(position=one.position, terms=list(_terms(one.terms)), job=jobs[one.job_id])
            for one in found.items
            if one.job_id in jobs
        ],
    )


def _terms(terms: Terms) -> Iterator[TermView]:
    """The first in which two jobs differ decides."""
    value, english, chinese = LENT if terms.is_lent else QUOTAS[terms.is_owner]
    yield TermView(name="nominal_quota", value=value, text=english, text_zh=chinese)
    priority = terms.priority.value
    yield TermView(
        name="priority",
        value=priority,
        text=f"its priority is {priority}",
        text_zh=f"优先级为{PRIORITIES_ZH[terms.priority]}",
    )
    if terms.is_starving is not None:
        value, english, chinese = HUNGER[terms.is_starving]
        yield TermView(name="starving", value=value, text=english, text_zh=chinese)
    if terms.level is not None:
        yield TermView(
            name="level",
            value=str(terms.level),
            text=f"it is on level {terms.level} of 0 to 4 by what it has had",
            text_zh=f"按已获得的算力处于第 {terms.level} 级（0 至 4 级）",
        )
    yield from map(_share, terms.shares)
    yield _due(terms)


def _due(terms: Terms) -> TermView:
    """Who is patient is due before all who are not, the older first."""
    due, expected = moment(terms.due_ms), about(terms.expected_ms)
    if terms.is_patient:
        return TermView(
            name="patient",
            value=str(terms.due_ms),
            text=f"it has waited since {due}, a week or more: "
            "only older ones of its branch go first",
            text_zh=f"自 {due} 起已等待满一周：所属分支同级作业中仅更早者优先",
        )
    return TermView(
        name="due",
        value=str(terms.due_ms),
        text=f"it is due at {due}: {SLOWDOWN} times the {expected} that it is reckoned to run",
        text_zh=f"排序到期时间为 {due}：按运行 {expected} 估算的 {SLOWDOWN} 倍",
    )


def _share(term: ShareTerm) -> TermView:
    had = f"{term.had_tflops_ms / TFLOPS_MS_PER_PH:.2f}"
    name, (english, chinese) = term.fork.value, FORKS[term.fork]
    return TermView(
        name="fair_share" if term.fork is Fork.TENANT else f"{name}_share",
        value=had,
        place=term.place,
        count=term.count,
        text=f"its {name} has had {had} P.h lately for a weight of {term.weight}: "
        f"place {term.place} of the {term.count} {english}with jobs waiting, the least first",
        text_zh=f"{chinese}近期已用 {had} P·时（权重 {term.weight}）："
        f"在 {term.count} 个有排队作业的同级中由少到多排第 {term.place}",
    )
