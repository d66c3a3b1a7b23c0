"""What a quote and its alternatives say: numbers agree with their words, in both languages."""

from dataclasses import replace

from api.answers.quoting import alternative_view, quote_of
from scheduler.asking.alternatives import Alternative, Change
from scheduler.asking.whatif import Prospect
from scheduler.model.job import Priority, Variant
from tests.builders import a_job, a_pool

ONE = Variant(device_kind_ids=(), device_count=1, limit_ms=3_600_000)
PROSPECT = Prospect(
    pool=a_pool("east-npu", 1, 8),
    form=a_job(device_count=1),
    length_ms=0,
    start_ms=0,
    cost_fen=None,
    reasons=(),
)


def test_one_card_is_no_cards() -> None:
    found = Alternative(change=Change.CARDS, job=a_job(device_count=1), prospect=PROSPECT)

    view = alternative_view(a_job(device_count=2), found)

    assert view.text == "1 card instead of 2: now in east-npu"
    assert view.text_zh == "2 张卡改为 1 张卡：可立即启动（east-npu）"


def test_who_is_on_cores_is_told_of_cores() -> None:
    found = Alternative(change=Change.CARDS, job=a_job(device_count=8), prospect=PROSPECT)
    job = a_job(device_count=16, variants=(ONE,))
    borrowed = replace(PROSPECT, is_borrowing=True)

    view = alternative_view(job, found, "cores")
    quote = quote_of(job, [borrowed], 300_000, unit="cores")

    assert view.text.startswith("8 cores instead of 16:")
    assert view.text_zh.startswith("16 个核改为 8 个核：")
    assert "in east-npu, on 1 core; on borrowed cores, which" in quote.summary
    assert "使用 1 个核；占用其他企业的额定配额" in quote.summary_zh


def test_a_priority_is_a_word_of_the_language() -> None:
    job = a_job(priority=Priority.HIGH)

    view = alternative_view(job, Alternative(change=Change.PRIORITY, job=job, prospect=PROSPECT))

    assert (view.value, view.text) == ("high", "priority high: now in east-npu")
    assert view.text_zh == "优先级改为高：可立即启动（east-npu）"
