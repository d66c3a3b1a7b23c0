"""Every reason for waiting has its sentence, in both languages, with its numbers."""

import re
from dataclasses import replace

import pytest

from api.answers.reasons import TEXTS, Language, text, view
from scheduler.model.job import Job, Reason, ReasonCode, Topology
from scheduler.placing.placement import fit, shape_of
from tests.builders import a_job, a_pool

EVERY_CODE = pytest.mark.parametrize("code", list(ReasonCode))


def test_every_code_has_both_texts_and_no_other_has_one() -> None:
    assert TEXTS.keys() == set(ReasonCode)


@EVERY_CODE
def test_both_texts_say_where_or_how_much_alike(code: ReasonCode) -> None:
    english, chinese = (set(re.findall(r"\{\w+\}", words)) for words in TEXTS[code])

    assert english == chinese


@EVERY_CODE
def test_each_text_is_written_in_its_language(code: ReasonCode) -> None:
    reason = Reason(code=code, where="qdaicc", need=8, free=2, detail="known: x")

    assert not re.search(r"[\u4e00-\u9fff]", text(reason, Language.EN))
    assert re.search(r"[\u4e00-\u9fff]", text(reason, Language.ZH))


def test_a_busy_pool_is_told_in_numbers() -> None:
    busy = Reason(code=ReasonCode.DEVICES_BUSY, where="qdaicc-910b3", need=8, free=2)

    assert text(busy, Language.EN) == "needs 8 cards in qdaicc-910b3: 2 free, 6 short"
    assert text(busy, Language.ZH) == "在 qdaicc-910b3 需要 8 张卡：空闲 2 张卡，还差 6 张卡"


def test_money_is_told_in_yuan_rounded_so_that_paying_it_in_suffices() -> None:
    poor = Reason(
        code=ReasonCode.FUNDS, where="steel", need=1_234_560_001, free=560_000, unit="micro-yuan"
    )

    said = text(poor, Language.EN)

    assert "a hold of 1,234.57 CNY" in said
    assert "0.56 CNY" in said
    assert "1,234.01 CNY short" in said


def test_who_owes_is_told_so() -> None:
    owing = Reason(
        code=ReasonCode.FUNDS, where="steel", need=10_000, free=-505_000, unit="micro-yuan"
    )

    assert "has -0.51 CNY: 0.52 CNY short" in text(owing, Language.EN)


def test_a_time_is_told_by_the_clock_of_the_park() -> None:
    reserved = Reason(code=ReasonCode.RESERVED, where="p", until_ms=1_767_225_600_000)

    assert text(reserved, Language.EN).endswith("(until about 2026-01-01 08:00:00)")


def test_of_hours_it_is_told_when_the_next_begin_or_that_none_are_so_long() -> None:
    hours = Reason(code=ReasonCode.OUTSIDE_HOURS, where="p", need=7_200_000, unit="ms")
    later = replace(hours, until_ms=1_767_225_600_000)

    assert text(later, Language.EN).endswith(
        "(the next that are long enough: from 2026-01-01 08:00:00)"
    )
    assert text(later, Language.ZH).endswith("（下一个足够长的时段：2026-01-01 08:00:00 起）")
    assert text(hours, Language.EN).endswith("(none are so long)")
    assert text(hours, Language.ZH).endswith("（没有足够长的时段）")


def test_what_is_beside_a_reason_stands_in_one_pair_of_brackets() -> None:
    kept = Reason(
        code=ReasonCode.RESERVED, where="p", until_ms=1_767_225_600_000, detail="kept for job j"
    )
    hours = Reason(code=ReasonCode.OUTSIDE_HOURS, where="p", unit="ms", detail="daily 19:00-07:00")

    assert text(kept, Language.EN) == (
        "cards of p are kept for a job that is ahead "
        "(kept for job j; until about 2026-01-01 08:00:00)"
    )
    assert text(kept, Language.ZH) == (
        "p 有卡已为排在前面的作业预留（为作业 j 保留；预计到 2026-01-01 08:00:00）"
    )
    assert text(hours, Language.EN).endswith(" left (daily 19:00-07:00; none are so long)")
    assert text(replace(kept, unit="cores"), Language.EN).startswith("cores of p are kept")
    assert text(replace(kept, unit="cores"), Language.ZH).startswith("p 有核已为")


def test_what_is_beside_a_reason_is_told_in_its_language_too() -> None:
    unknown = Reason(code=ReasonCode.UNKNOWN_CENTRE, where="x", detail="known: east, west")

    assert text(unknown, Language.EN) == "there is no centre x in the park (known: east, west)"
    assert text(unknown, Language.ZH) == "园区没有名为 x 的中心（现有：east, west）"


@pytest.mark.parametrize(
    ("job", "told", "told_zh"),
    [
        (
            a_job(device_count=4, node_count=4),
            "needs 4 nodes, and east-npu has 3 in all: 1 short",
            "需要 4 个节点，而 east-npu 总共只有 3 个节点，还差 1 个节点",
        ),
        (
            a_job(device_count=9, node_count=1),
            "needs 9 cards, and east-npu has 8 in all: 1 short (on 1 node)",
            "需要 9 张卡，而 east-npu 总共只有 8 张卡，还差 1 张卡（在 1 个节点上）",
        ),
        (
            a_job(device_count=12),
            "in east-npu (more than one node means whole nodes, which have 8 each)",
            "平均分配（多于一个节点时须占用整节点，每个节点 8）",
        ),
        (
            a_job(device_count=6, member_count=4),
            "by its nodes and members in east-npu (6 on 1 nodes, for 4 members)",
            "作业的卡数无法在 east-npu 的节点和进程间平均分配（1 个节点共 6，分给 4 个进程）",
        ),
        (
            a_job(device_count=16, topology=Topology.RACK),
            "needs 16 cards in one rack, and a rack of east-npu has 0: 16 short (it has no racks)",
            "需要同一机柜内的 16 张卡，而 east-npu 的一个机柜有 0 张卡，还差 16 张卡（没有机柜）",
        ),
    ],
)
def test_why_a_gang_fits_nowhere_is_told_in_both_languages(
    job: Job, told: str, told_zh: str
) -> None:
    answer = fit(shape_of(job), a_pool("east-npu", 3, 8))

    assert isinstance(answer, Reason)
    assert text(answer, Language.EN).endswith(told)
    assert text(answer, Language.ZH).endswith(told_zh)


def test_the_wire_carries_numbers_and_both_texts() -> None:
    shown = view(Reason(code=ReasonCode.TOO_BIG, where="p", need=32, free=16))

    assert (shown.code, shown.need, shown.free, shown.gap) == ("too_big", 32, 16, 16)
    assert shown.text.startswith("needs 32 cards")
    assert shown.text_zh.startswith("需要 32 张卡")
