"""That a start slides, and why, in a sentence: in English and in Chinese."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import Row

from api.answers.slipped import slip_view, told_first
from api.schemas.quotes import StartSlip
from scheduler.asking.slips import Overstayed, Slip, ToldFirst
from tests.acceptance.brokers import PARK
from tests.unit.api.answers.test_explaining import JOB

TOLD = ToldFirst(at_ms=1_767_225_600_000, start_ms=1_767_229_200_000, pool_id="west-k100")
LATE_MS = 1_767_243_600_000
RUNS = Overstayed(count=3, mine=1, cards=24, over_ms=720_000, until_ms=LATE_MS)


def a_row(**changes: Any) -> Row[Any]:
    told = {"told_at_ms": 1_000, "told_start_ms": 5_000, "told_pool_id": "west-k100"}
    return cast("Row[Any]", SimpleNamespace(**told, **{"planned_start_ms": 65_000} | changes))


def view(found: Slip | None, start_ms: int | None = LATE_MS) -> StartSlip:
    return slip_view(JOB.model_copy(update={"planned_start_ms": start_ms}), TOLD, found, PARK)


def told(found: Overstayed) -> tuple[str, str]:
    causes = view(Slip(overstayed=found)).causes
    assert causes is not None
    (cause,) = causes
    return cause.text, cause.text_zh


def test_only_what_starts_clearly_later_than_it_was_told_first_has_slipped() -> None:
    assert told_first(a_row()) == ToldFirst(at_ms=1_000, start_ms=5_000, pool_id="west-k100")
    assert told_first(a_row(planned_start_ms=64_999)) is None
    assert told_first(a_row(planned_start_ms=None)) is not None
    nothing = SimpleNamespace(told_at_ms=None, planned_start_ms=65_000)
    assert told_first(cast("Row[Any]", nothing)) is None


def test_what_it_was_told_and_is_told_now_is_one_sentence() -> None:
    known = view(Slip(overstayed=RUNS))

    assert known.text == (
        "told first, at 2026-01-01 08:00:00, to start about 2026-01-01 09:00:00 in west-k100; "
        "now about 2026-01-01 13:00:00"
    )
    assert known.text_zh == (
        "2026-01-01 08:00:00 首次告知约 2026-01-01 09:00:00 在 west-k100 启动；"
        "现为约 2026-01-01 13:00:00"
    )
    assert view(Slip(overstayed=RUNS), None).text.endswith("; now no start is known")
    assert view(Slip(overstayed=RUNS), None).text_zh.endswith("；现在无法预计")


@pytest.mark.parametrize(
    ("found", "causes", "english", "chinese"),
    [
        (Slip(overstayed=None), [], "no cause of that is established", "未能确定原因"),
        (None, None, "the broker that leads could not be asked", "原因暂时无法向主调度查询"),
    ],
)
def test_where_no_cause_is_known_that_is_said(
    found: Slip | None, causes: object, english: str, chinese: str
) -> None:
    answer = view(found)

    assert answer.causes == causes
    assert answer.text.endswith(english)
    assert answer.text_zh.endswith(chinese)


def test_runs_that_overstay_are_counted_in_both_languages() -> None:
    one = Overstayed(count=1, mine=0, cards=1, over_ms=720_000, until_ms=LATE_MS)

    english, chinese = told(RUNS)
    assert english == (
        "in west-k100 3 runs on 24 cards (1 yours) are past what was forecast then, the longest "
        "by 12m: they are counted on until about 2026-01-01 13:00:00 now"
    )
    assert chinese == (
        "west-k100 有 3 个运行（24 张卡，其中本企业 1 个）已超过当时的预计时长，"
        "最长超出 12m：现按约 2026-01-01 13:00:00 结束计"
    )
    english, chinese = told(one)
    assert english == (
        "in west-k100 1 run on 1 card is past what was forecast then, by 12m: it is counted on "
        "until about 2026-01-01 13:00:00 now"
    )
    assert chinese.startswith("west-k100 有 1 个运行（1 张卡）已超过当时的预计时长，最长超出 12m：")
