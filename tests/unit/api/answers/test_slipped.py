"""That a start slides, and why, in a sentence: in English and in Chinese."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import Row

from api.answers.slipped import Gone, gone_since, slip_view, told_first
from api.schemas.quotes import StartSlip
from scheduler.asking.slips import Group, Overstayed, Slip, ToldFirst
from tests.unit.api.answers.test_explaining import JOB

TOLD = ToldFirst(at_ms=1_767_225_600_000, start_ms=1_767_229_200_000, pool_id="west-k100")
LATE_MS = 1_767_243_600_000
RUNS = Overstayed(count=3, mine=1, cards=24, over_ms=720_000, until_ms=LATE_MS)


def a_row(**changes: Any) -> Row[Any]:
    told = {"told_at_ms": 1_000, "told_start_ms": 5_000, "told_pool_id": "west-k100"}
    return cast("Row[Any]", SimpleNamespace(**told, **{"planned_start_ms": 65_000} | changes))


def view(
    found: Slip | None, start_ms: int | None = LATE_MS, gone: tuple[Gone, ...] = ()
) -> StartSlip:
    job = JOB.model_copy(update={"planned_start_ms": start_ms})
    return slip_view(job, TOLD, found, gone, "cards")


def told(found: Slip, *gone: Gone) -> tuple[str, str]:
    causes = view(found, gone=gone).causes
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
        (Slip(), [], "no cause of that is established", "未能确定原因"),
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


def test_that_it_is_promised_for_later_is_told_where_it_is_promised_so() -> None:
    found, told_so = Slip(likely_ms=TOLD.start_ms), {"is_start_promised": True}
    job = JOB.model_copy(update={"planned_start_ms": LATE_MS, "planned_pool": TOLD.pool_id})
    here, elsewhere, promised_nothing = (
        slip_view(one, TOLD, found, (), "cards").causes
        for one in (job.model_copy(update=told_so), JOB.model_copy(update=told_so), job)
    )

    assert here is not None
    (cause,) = here
    assert cause.code == "leeway"
    assert cause.text == (
        "its start is promised for later than is likely, as several runs must end: perhaps "
        "2026-01-01 09:00:00"
    )
    assert cause.text_zh == (
        "须等多个运行结束，预留的启动时间含宽限：可能约 2026-01-01 09:00:00 即启动"
    )
    assert elsewhere == promised_nothing == []


def test_runs_that_overstay_are_counted_in_both_languages() -> None:
    one = Overstayed(count=1, mine=0, cards=1, over_ms=720_000, until_ms=LATE_MS)

    english, chinese = told(Slip(overstayed=RUNS))
    assert english == (
        "in west-k100 3 runs on 24 cards (1 yours) are past what was forecast then, the longest "
        "by 12m: they are counted on until about 2026-01-01 13:00:00 now"
    )
    assert chinese == (
        "west-k100 有 3 个运行（24 张卡，其中本企业 1 个）已超过当时的预计时长，"
        "最长超出 12m：现按约 2026-01-01 13:00:00 结束计"
    )
    english, chinese = told(Slip(overstayed=one))
    assert english == (
        "in west-k100 1 run on 1 card is past what was forecast then, by 12m: it is counted on "
        "until about 2026-01-01 13:00:00 now"
    )
    assert chinese.startswith("west-k100 有 1 个运行（1 张卡）已超过当时的预计时长，最长超出 12m：")


def test_who_came_later_and_goes_first_is_counted_in_both_languages() -> None:
    one, some = Group(count=1, mine=0, cards=8), Group(count=2, mine=1, cards=16)

    english, chinese = told(Slip(started=one))
    assert english == (
        "1 job that came after that went first: 8 cards in west-k100 beyond 2026-01-01 09:00:00"
    )
    assert chinese == (
        "此后提交的 1 个作业先行启动：在 west-k100 占用 8 张卡，至 2026-01-01 09:00:00 之后"
    )
    english, chinese = told(Slip(is_full=True, ahead=some))
    assert english == (
        "2 jobs that came after that (1 yours) are ahead of it in the queue: 16 cards in west-k100"
    )
    assert chinese == (
        "此后提交的 2 个作业按排队次序在前：在 west-k100 共需 16 张卡，其中本企业 1 个"
    )


@pytest.mark.parametrize(
    ("code", "english", "chinese"),
    [
        ("nodes_down", "8 cards of west-k100 have gone since: nodes are down", "少了 8 张卡"),
        ("maintenance", "8 cards of west-k100 have come into maintenance", "8 张卡 转入维护"),
        (
            "centre_silent",
            "the centre of west-k100 with its 8 cards is not",
            "（8 张卡）已失去联系",
        ),
    ],
)
def test_cards_that_are_gone_are_told_where_there_is_no_room(
    code: str, english: str, chinese: str
) -> None:
    gone = Gone(code, 8)

    text, text_zh = told(Slip(is_full=True), gone)

    assert text.startswith(english)
    assert chinese in text_zh
    assert view(Slip(), gone=(gone,)).causes == []


def stood(online: int, schedulable: int, maintenance: int = 0) -> Row[Any]:
    cards = {"online_cards": online, "schedulable_cards": schedulable}
    return cast("Row[Any]", SimpleNamespace(**cards, maintenance_cards=maintenance))


@pytest.mark.parametrize(
    ("now", "has_hours", "gone"),
    [
        (stood(32, 32), False, []),
        (stood(24, 24), False, [("nodes_down", 8)]),
        (stood(32, 24, 8), False, [("maintenance", 8)]),
        (stood(24, 16, 8), False, [("nodes_down", 8), ("maintenance", 8)]),
        (stood(32, 0, 32), False, [("maintenance", 32)]),
        (stood(32, 0, 32), True, []),
        (stood(24, 0), False, [("centre_silent", 32)]),
    ],
)
def test_what_is_gone_is_what_the_pool_had_then_and_has_not_now(
    now: Row[Any], has_hours: bool, gone: list[Gone]
) -> None:
    assert [*gone_since(stood(32, 32), now, has_hours=has_hours)] == gone


def test_a_centre_that_was_silent_already_is_no_news() -> None:
    assert [*gone_since(stood(32, 0), stood(32, 0), has_hours=False)] == []
