"""How the queue looks in a terminal: who is next and when, or by what."""

from collections.abc import Mapping, Sequence

from rich.table import Table
from rich.text import Text

from api.chinese import PRIORITIES_ZH
from api.cli.job_tables import name_text
from api.cli.language import both
from api.cli.reason_names import CHINESE
from api.cli.terminal import plain, table
from api.schemas.durations import about
from api.schemas.quotes import QueueItem, QueueView, TermView

VALUES_ZH: Mapping[str, str] = {
    "none": "无",
    "within": "以内",
    "beyond": "超出",
    **PRIORITIES_ZH,
    "yes": "是",
    "no": "否",
}


SHARE = "share"
COLUMNS: Mapping[str, tuple[str, str]] = {
    "nominal_quota": ("quota", "额定配额"),
    "priority": ("priority", "优先级"),
    "starving": ("starving", "久候"),
    "level": ("level", "级别"),
    SHARE: ("share", "份额"),
    "patient": ("patient", "满一周"),
    "due": ("due", "到期"),
}
"""The terms in the order in which they decide; those of all forks of the tree are one share."""
GIVES_WAY = {2, 3}
"""Tenant and name, where a terminal is too narrow: by its id a job is found all the same."""


def cut_text(found: QueueView, limit: int) -> str | None:
    """Where more wait than were asked for; of one tenant nobody has counted how many."""
    count, waiting = len(found.items), found.waiting
    if count < limit or found.items[-1].position >= waiting:
        return None
    place = found.items[-1].position
    english, chinese = f"first {count} of {waiting}", f"共 {waiting} 个排队，仅列前 {count} 个"
    if place > count:  # of one tenant alone
        english = f"first {count}, up to place {place} of {waiting}"
        chinese = f"仅列前 {count} 个，至第 {place} 位，共 {waiting} 个排队"
    return both(f"{english}: --limit shows up to 500", f"{chinese}：--limit 最多 500")


def queue_table(found: QueueView) -> Table:
    made = table(
        "#",
        both("job", "作业"),
        both("tenant", "企业"),
        both("name", "名称"),
        both("count", "数量"),
        both("start", "启动"),
        both("why not now", "等待原因"),
        numbers=(0, 4),
    )
    for index, column in enumerate(made.columns):
        column.no_wrap = index not in GIVES_WAY
        column.overflow = "ellipsis"
    for item in found.items:
        job = item.job
        made.add_row(
            str(item.position),
            job.id,
            _one_line(job.tenant),
            _one_line(name_text(job)),
            str(job.spec.devices),
            _when(job.planned_start_ms, found.at_ms),
            _why(item),
        )
    return made


def _one_line(text: str) -> Text:
    """Cut at the end, where there is no room for it, and not broken."""
    made = Text.from_markup(plain(text))
    made.no_wrap = True
    return made


def _why(item: QueueItem) -> str:
    """The first of its reasons by its code, and how many more there are."""
    reasons = item.job.reasons
    if not reasons:
        return "-"
    first, more = reasons[0].code, f" +{len(reasons) - 1}" if len(reasons) > 1 else ""
    return both(first, CHINESE.get(first, first)) + more


def _when(at_ms: int | None, now_ms: int) -> str:
    """`in 2h5m`; what should have begun already is due now."""
    if at_ms is None:
        return both("unknown", "未定")
    if at_ms <= now_ms:
        return both("now", "即刻")
    return both(f"in {about(at_ms - now_ms)}", f"{about(at_ms - now_ms)}后")


def terms_table(found: QueueView) -> Table:
    """A column for each term that any of them has."""
    cells = [_cells(item.terms, found.at_ms) for item in found.items]
    shown = [name for name in COLUMNS if any(name in one for one in cells)]
    made = table("#", both("job", "作业"), *(both(*COLUMNS[name]) for name in shown), numbers=(0,))
    for column, name in zip(made.columns, ("#", "job", *shown), strict=True):
        column.no_wrap = name != SHARE
    for item, one in zip(found.items, cells, strict=True):
        made.add_row(str(item.position), item.job.id, *(one.get(name, "-") for name in shown))
    return made


def _cells(terms: Sequence[TermView], now_ms: int) -> dict[str, str]:
    shares = [f"{term.place}/{term.count}" for term in terms if term.place is not None]
    words: dict[str, str] = {term.name: _cell(term, now_ms) for term in terms if term.place is None}
    return {**words, SHARE: " > ".join(shares)}


def _cell(term: TermView, now_ms: int) -> str:
    if term.name == "due":
        return _due(int(term.value) - now_ms)
    if term.name == "patient":
        waited = about(now_ms - int(term.value))
        return both(f"waits {waited}", f"已等{waited}")
    return both(term.value, VALUES_ZH.get(term.value, term.value))


def _due(left_ms: int) -> str:
    return (
        both("over", "已过")
        if left_ms <= 0
        else both(f"in {about(left_ms)}", f"{about(left_ms)}后")
    )
