"""Why a job waits or is refused, as a sentence: in English and in Chinese."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum

from accounting.money import MICROS_PER_FEN
from api.chinese import chinese
from api.schemas.durations import about
from api.schemas.jobs import ReasonView
from scheduler.model.job import Reason, ReasonCode

PARK_ZONE = timezone(timedelta(hours=8))
"""Times are told in the park's own: China has one, without summer time."""


class Language(StrEnum):
    """Languages that every text exists in."""

    EN = "en"
    ZH = "zh"


# {need}, {free}, {gap} carry their unit; {units} is what the job's devices are.
TEXTS: Mapping[ReasonCode, tuple[str, str]] = {
    ReasonCode.DEVICES_BUSY: (
        "needs {need} in {where}: {free} free, {gap} short",
        "在 {where} 需要 {need}：空闲 {free}，还差 {gap}",
    ),
    ReasonCode.FRAGMENTED: (
        "needs {need} in {where}: enough are free, but only {free} together as the job needs them",
        "在 {where} 需要 {need}：总数够，但按作业要求的分布只有 {free} 可用",
    ),
    ReasonCode.NODES_DOWN: (
        "needs {need} in {where}, where nodes are down or in maintenance: {free} free, {gap} short",
        "在 {where} 需要 {need}，但有节点离线或在维护：空闲 {free}，还差 {gap}",
    ),
    ReasonCode.CENTRE_SILENT: (
        "centre {where} is not heard of: nothing is started there until it reports again",
        "暂时收不到中心 {where} 的消息：恢复上报前不在该处启动作业",
    ),
    ReasonCode.CENTRE_CAPACITY: (
        "needs {need}, more than the {free} that centre {where} may still fill",
        "需要 {need}，超过中心 {where} 剩余的申报算力 {free}",
    ),
    ReasonCode.PARK_CAPACITY: (
        "needs {need}, more than the {free} that the park may still fill",
        "需要 {need}，超过园区剩余的申报算力 {free}",
    ),
    ReasonCode.TENANT_QUOTA: (
        "needs {need}, and tenant {where} may take {free} more of its quota: {gap} short",
        "需要 {need}，企业 {where} 的配额还可用 {free}，还差 {gap}",
    ),
    ReasonCode.PROJECT_QUOTA: (
        "needs {need}, and project {where} may take {free} more of its quota: {gap} short",
        "需要 {need}，项目 {where} 的配额还可用 {free}，还差 {gap}",
    ),
    ReasonCode.COHORT_QUOTA: (
        "needs {need}, and cohort {where} may take {free} more of its quota: {gap} short",
        "需要 {need}，互借组 {where} 的配额还可用 {free}，还差 {gap}",
    ),
    ReasonCode.LENT_OUT: (
        "needs {need}, and {free} are neither used nor kept by who owns them: {gap} short",
        "需要 {need}，而未使用且未被其所有者保留的为 {free}，还差 {gap}",
    ),
    ReasonCode.FUNDS: (
        "needs a hold of {need} for its time limit, and tenant {where} has {free}: {gap} short",
        "按时限需冻结 {need}，企业 {where} 可用余额为 {free}，还差 {gap}",
    ),
    ReasonCode.BUDGET: (
        "the budget of {where} has {free} left, and its hard stop is on",
        "{where} 的预算剩余 {free}，且已设置用完即停",
    ),
    ReasonCode.MAKING_ROOM: (
        "room is made for it in {where}: other work stops there",
        "{where} 的其他作业将停止，为它腾出位置",
    ),
    ReasonCode.RESERVED: (
        "{units} of {where} are kept for a job that is ahead",
        "{where} 有{units}已为排在前面的作业预留",
    ),
    ReasonCode.QUOTED: (
        "{need} are kept for its job in {where}",
        "已在 {where} 为其作业保留 {need}",
    ),
    ReasonCode.BACKOFF: (
        "waits a while before it is tried again",
        "上次启动未成功，稍后重试",
    ),
    ReasonCode.NO_PRICE: (
        "no price is in force for it in {where}",
        "{where} 没有适用的现行价格",
    ),
    ReasonCode.TOO_BIG: (
        "needs {need}, and {where} has {free} in all: {gap} short",
        "需要 {need}，而 {where} 总共只有 {free}，还差 {gap}",
    ),
    ReasonCode.UNKNOWN_DEVICE: (
        "there is no device kind {where} in the park",
        "园区没有型号为 {where} 的加速卡",
    ),
    ReasonCode.UNKNOWN_CENTRE: (
        "there is no centre {where} in the park",
        "园区没有名为 {where} 的中心",
    ),
    ReasonCode.UNKNOWN_TENANT: (
        "there is no tenant {where}",
        "没有名为 {where} 的企业",
    ),
    ReasonCode.UNKNOWN_FIELD: (
        "there is no field {where} in the park",
        "园区没有名为 {where} 的领域",
    ),
    ReasonCode.UNKNOWN_PROJECT: (
        "there is no project {where}: name one of the tenant's own, by --project or project:",
        "没有名为 {where} 的项目：请用 --project 或 project: 指明企业已有的项目",
    ),
    ReasonCode.UNEVEN_GANG: (
        "its {units} cannot be shared evenly by its nodes and members in {where}",
        "作业的{units}数无法在 {where} 的节点和进程间平均分配",
    ),
    ReasonCode.MEMBER_TOO_BIG: (
        "one member needs {need}, and a node of {where} has {free}: a member sits on one node",
        "一个成员需要 {need}，而 {where} 的一个节点只有 {free}：每个成员须在同一节点",
    ),
    ReasonCode.DEPENDENCY: (
        "job {where}, which it is to follow, has not ended",
        "前置作业 {where} 尚未结束",
    ),
    ReasonCode.ARRAY_LIMIT: (
        "array {where} has as many tasks in the queue or running as it may at once: {free}",
        "数组作业 {where} 已有 {free}在排队或运行，达到其同时进行的上限",
    ),
    ReasonCode.UNKNOWN_DATA: (
        "there is no dataset {where} for its tenant in the park",
        "园区没有该企业可用的数据集 {where}",
    ),
    ReasonCode.UNKNOWN_DATA_CLASS: (
        "there is no data class {where} in the park",
        "园区没有名为 {where} 的数据分级",
    ),
    ReasonCode.DATA_NOT_ALLOWED: (
        "data of class {where} may be in some centres alone",
        "{where} 级数据只能在指定的中心",
    ),
    ReasonCode.NEARER_DATA: (
        "its data would take {need} to come to {where}: it is ready sooner where its data is near",
        "其数据传到 {where} 需 {need}：在数据较近处可更早就绪",
    ),
    ReasonCode.NO_RACK: (
        "needs {need} in one rack, and a rack of {where} has {free}: {gap} short",
        "需要同一机柜内的 {need}，而 {where} 的一个机柜有 {free}，还差 {gap}",
    ),
    ReasonCode.OUTSIDE_HOURS: (
        "{where} is offered at some hours alone; it needs {need} at once, and {free} is left",
        "{where} 只在部分时段开放：作业需要连续 {need}，本时段剩余 {free}",
    ),
    ReasonCode.QUEUE_FULL: (
        "tenant {where} has {free} jobs waiting, as many as it may",
        "企业 {where} 已有 {free}在排队，达到上限",
    ),
}

OF_KIND = ("cards of ", "cores of ")
"""So units begin that are cards, or cores, of one device kind."""
COUNTERS = {"cards": "张", "cores": "个"}
IN_CHINESE = {"jobs": "个作业", "cards": "张卡", "cores": "个核", "nodes": "个节点"}
UNITS = {"cards": "卡", "cores": "核"}
_UNTIL = ("until about {until}", "预计到 {until}")
_FROM = ("the next that are long enough: from {until}", "下一个足够长的时段：{until} 起")
_NEVER = ("none are so long", "没有足够长的时段")
_WHERE_DETAIL_HELPS = frozenset(
    {
        ReasonCode.DATA_NOT_ALLOWED,
        ReasonCode.NEARER_DATA,
        ReasonCode.NODES_DOWN,
        ReasonCode.NO_PRICE,
        ReasonCode.NO_RACK,
        ReasonCode.OUTSIDE_HOURS,
        ReasonCode.RESERVED,
        ReasonCode.TOO_BIG,
        ReasonCode.UNEVEN_GANG,
        ReasonCode.UNKNOWN_CENTRE,
        ReasonCode.UNKNOWN_DATA,
        ReasonCode.UNKNOWN_DATA_CLASS,
        ReasonCode.UNKNOWN_DEVICE,
        ReasonCode.UNKNOWN_FIELD,
        ReasonCode.UNKNOWN_PROJECT,
    }
)


def text(reason: Reason, language: Language) -> str:
    """One sentence without a full stop: `needs 8 cards in qdaicc-910b3: 2 free, 6 short`."""
    is_zh = language is Language.ZH
    said = TEXTS[reason.code][is_zh].format(
        where=reason.where,
        need=amount(reason.need, reason.unit, language),
        free=_bare(reason.free, reason.unit, language),
        gap=_bare(reason.gap, reason.unit, language),
        units=UNITS.get(reason.unit, "卡") if is_zh else reason.unit,
    )
    beside = [text for text in (_detail(reason)[is_zh], _when(reason)[is_zh]) if text]
    if not beside:
        return said
    return f"{said}（{'；'.join(beside)}）" if is_zh else f"{said} ({'; '.join(beside)})"


def _detail(reason: Reason) -> tuple[str, str]:
    if reason.code not in _WHERE_DETAIL_HELPS:
        return "", ""
    return reason.detail, chinese(reason.detail) or reason.detail


def _when(reason: Reason) -> tuple[str, str]:
    """Until when about it is so; of hours when the next begin, if there are any for it."""
    of_hours = reason.code is ReasonCode.OUTSIDE_HOURS
    if reason.until_ms is None:
        return _NEVER if of_hours else ("", "")
    until = moment(reason.until_ms)
    english, chinese_text = _FROM if of_hours else _UNTIL
    return english.format(until=until), chinese_text.format(until=until)


def amount(number: int, unit: str, language: Language) -> str:
    """A number with its unit, as people write it."""
    is_zh = language is Language.ZH
    match unit:
        case "micro-yuan":
            return f"{_yuan(number)} {'元' if is_zh else 'CNY'}"
        case "ms":
            return about(number)
        case "tflops":
            return f"{number / 1_000:g} P"
        case _ if unit.startswith(OF_KIND):
            what, _, kind = unit.partition(" of ")
            return f"{number} {COUNTERS[what]} {kind}" if is_zh else f"{number} {kind}"
        case _ if is_zh and unit in IN_CHINESE:
            return f"{number} {IN_CHINESE[unit]}"
        case "cards" | "cores" | "nodes":
            return f"1 {unit[:-1]}" if number == 1 else f"{number} {unit}"
        case _:
            return f"{number} {unit}"


def counted(number: int, unit: str) -> tuple[str, str]:
    """`1 card`, `8 cores`: in English and in Chinese."""
    return amount(number, unit, Language.EN), amount(number, unit, Language.ZH)


def moment(at_ms: int) -> str:
    """A time as the park's clocks show it."""
    at = datetime.fromtimestamp(at_ms / 1_000, tz=UTC).astimezone(PARK_ZONE)
    return at.strftime("%Y-%m-%d %H:%M:%S")


def views(reasons: Iterable[Reason]) -> list[ReasonView]:
    """Each once: what keeps a job from several of its kinds is one thing to who reads it."""
    by_text: dict[str, ReasonView] = {}
    for reason in reasons:
        shown = view(reason)
        by_text.setdefault(shown.text, shown)
    return [*by_text.values()]


def view(reason: Reason) -> ReasonView:
    """A reason for the wire, with both its texts."""
    return ReasonView(
        code=reason.code,
        where=reason.where,
        need=reason.need,
        free=reason.free,
        gap=reason.gap,
        unit=reason.unit,
        until_ms=reason.until_ms,
        detail=reason.detail,
        text=text(reason, Language.EN),
        text_zh=text(reason, Language.ZH),
    )


def _bare(number: int, unit: str, language: Language) -> str:
    """What is free or short of the cards that were just named repeats no unit; money does."""
    if unit in IN_CHINESE and language is Language.EN:
        return str(number)
    return amount(number, unit, language)


def _yuan(micros: int) -> str:
    """To the fen, upwards: who pays in what is short has enough."""
    fen = -(-abs(micros) // MICROS_PER_FEN)
    return f"{'-' if micros < 0 else ''}{fen // 100:,}.{fen % 100:02}"


def by_quantiles(p50_ms: int | None, p90_ms: int | None) -> tuple[str, str]:
    """How late it may be, where enough have started to tell."""
    if p50_ms is None or p90_ms is None:
        return "", ""
    half, late = moment(p50_ms), moment(p90_ms)
    return (
        f" (half by {half}, nine of ten by {late})",
        f"（五成概率不晚于 {half}，九成概率不晚于 {late}）",
    )
