"""A job's standing in a sentence, in English and in Chinese."""

import re

import pytest

from api.answers.explaining import explanation
from api.answers.reasons import view
from api.schemas.jobs import AttemptView, JobSpec, JobView
from api.schemas.variant_spec import VariantSpec
from scheduler.model.job import EndCause, JobState, Reason, ReasonCode

ATTEMPT = AttemptView(
    id="j1.1",
    centre="east",
    pool="east-910b3",
    device="ascend-910b3",
    nodes=[{"node_id": "east-910b3-n001", "card_count": 8}],
    leased_at_ms=1_000,
    started_at_ms=2_000,
    ended_at_ms=None,
    cause=None,
    exit_code=None,
    detail="",
)
JOB = JobView(
    id="j1",
    tenant="steel",
    state="queued",
    spec=JobSpec(command="true", devices=8, device=["hygon-k100-ai", "ascend-910b3"]),
    submitted_at_ms=0,
    started_at_ms=None,
    ended_at_ms=None,
    position=None,
    planned_start_ms=None,
    end_cause=None,
    detail="",
    reasons=[],
)
BUSY = view(Reason(code=ReasonCode.DEVICES_BUSY, where="east-910b3", need=8, free=2))


def summaries(**changes: object) -> tuple[str, str]:
    answer = explanation(JOB.model_copy(update=changes))
    assert not re.search(r"[\u4e00-\u9fff]", answer.summary)
    assert re.search(r"[\u4e00-\u9fff]", answer.summary_zh)
    return answer.summary, answer.summary_zh


def test_a_job_that_just_came_waits_for_the_plan() -> None:
    assert summaries()[0] == "just arrived: the next plan places it"


def test_a_waiting_job_tells_its_place_its_reasons_and_its_start() -> None:
    start = {"planned_start_ms": 1_767_225_600_000, "planned_pool": "east-910b3"}
    english, chinese = summaries(position=3, reasons=[BUSY], **start)

    assert english == (
        "waits at place 3: needs 8 cards in east-910b3: 2 free, 6 short. "
        "By the present plan it starts about 2026-01-01 08:00:00 in east-910b3"
    )
    assert "第 3 位" in chinese
    english, chinese = summaries(reasons=[BUSY], is_start_promised=True, **start)
    assert english.endswith(". Cards are kept for it in east-910b3 from about 2026-01-01 08:00:00")
    assert "已在 east-910b3 为其预留资源，约 2026-01-01 08:00:00 启动" in chinese
    late = {"start_p50_ms": 1_767_229_200_000, "start_p90_ms": 1_767_232_800_000}
    english, chinese = summaries(reasons=[BUSY], is_start_promised=True, **start, **late)
    assert english.endswith(
        "about 2026-01-01 08:00:00 "
        "(half by 2026-01-01 09:00:00, nine of ten by 2026-01-01 10:00:00)"
    )
    assert chinese.endswith(
        "启动（五成概率不晚于 2026-01-01 09:00:00，九成概率不晚于 2026-01-01 10:00:00）"
    )
    english, chinese = summaries(
        reasons=[BUSY], is_start_promised=True, planned_devices=16, **start
    )
    assert english.endswith("from about 2026-01-01 08:00:00, on 16 cards")
    assert chinese.endswith("启动，使用 16 张卡")
    assert ", nine of ten by 2026" in summaries(reasons=[BUSY], **start, **late)[0]
    english, chinese = summaries(reasons=[BUSY], **start | {"planned_pool": None})
    assert "None" not in english + chinese


def test_a_job_that_waits_again_tells_what_became_of_it_before() -> None:
    lost = ATTEMPT.model_copy(update={"cause": "node", "ended_at_ms": 3_000})

    assert (
        "Attempt 1 in east ended because a node failed"
        in summaries(reasons=[BUSY], attempts=[lost])[0]
    )
    again = JOB.model_copy(update={"reasons": [BUSY], "attempts": [lost]})
    assert explanation(again).earlier == "Attempt 1 in east ended because a node failed"
    assert explanation(again).earlier_zh == "第 1 次运行（east）结束原因：节点故障"
    assert explanation(again.model_copy(update={"state": "failed"})).earlier == ""


def test_a_running_job_tells_where_and_which_choice_that_was() -> None:
    english, _ = summaries(state="running", attempts=[ATTEMPT])

    assert english == (
        "runs in east, pool east-910b3, on east-910b3-n001×8. "
        "ascend-910b3 is choice 2 of 2: the ones before had no room"
    )


def test_a_held_job_is_told_to_be_held_in_both_languages() -> None:
    follows = view(Reason(code=ReasonCode.DEPENDENCY, where="j0", need=1, unit="jobs"))

    english, chinese = summaries(state="held", reasons=[follows])

    assert english == "is held: job j0, which it is to follow, has not ended"
    assert chinese == "挂起：前置作业 j0 尚未结束"
    assert summaries(reasons=[follows])[1].startswith("排队中：")


def test_who_runs_by_a_variant_or_on_cores_is_told_so() -> None:
    one = ATTEMPT.model_copy(update={"nodes": [{"node_id": "n1", "card_count": 1}]})
    variant = VariantSpec(devices=1, device=["ascend-910b3"])
    spec = JOB.spec.model_copy(update={"variants": [variant]})
    elastic = JOB.spec.model_copy(update={"min_devices": 1})
    running = JOB.model_copy(update={"state": "running", "attempts": [one]})

    by_variant = explanation(running.model_copy(update={"spec": spec}))
    cores = explanation(
        running.model_copy(update={"spec": elastic}), core_kind_ids=["ascend-910b3"]
    )

    tail = "It has 1 ascend-910b3, by variant 1 of 1: what it asks before had no room"
    assert by_variant.summary.endswith(tail)
    assert "按第 1 个备选规格（共 1 个）使用 1 张 ascend-910b3：" in by_variant.summary_zh
    assert "It has 1 of the 8 cores that it asks for" in cores.summary
    assert "当前使用 1 个核（最多 8 个核）" in cores.summary_zh


def test_what_is_kept_for_a_job_on_cores_is_cores() -> None:
    start = {"planned_start_ms": 1_767_225_600_000, "planned_pool": "east-cpu"}
    waiting = JOB.model_copy(update={"reasons": [BUSY], "is_start_promised": True, **start})

    told = explanation(waiting, core_kind_ids=["ascend-910b3"])

    assert ". Cores are kept for it in east-cpu from about" in told.summary


@pytest.mark.parametrize("cause", list(EndCause))
def test_a_failed_job_tells_its_cause(cause: EndCause) -> None:
    ended = ATTEMPT.model_copy(update={"cause": cause, "exit_code": 7, "ended_at_ms": 62_000})

    english, chinese = summaries(
        state="failed",
        end_cause=cause,
        started_at_ms=2_000,
        ended_at_ms=62_000,
        attempts=[ended],
        detail="out of memory",
    )

    assert "exit code 7" in english
    assert english.endswith("after 1m in east: out of memory")
    assert "退出码 7" in chinese


@pytest.mark.parametrize(
    ("detail", "told"),
    [
        ("member 0: exit code 1", "已失败：程序自身出错（未曾运行）：成员 0：退出码 1"),
        ("member 3 (worker 2): exit code 1", "（未曾运行）：成员 3（worker 2）：退出码 1"),
        ("member 0: the node was started anew", "（未曾运行）：成员 0：节点已重新启动"),
        ("member 0: node east-n001 was lost", "（未曾运行）：成员 0：节点 east-n001 失联"),
        (
            "member 0: 4 cards wanted, 2 are free on the node",
            "（未曾运行）：成员 0：需要 4 张卡，该节点空闲 2 张",
        ),
        ("its centre was silent for 1200 s", "（未曾运行）：其算力中心失联 1200 秒"),
        ("Killed", "（未曾运行）：Killed"),
    ],
)
def test_what_is_said_of_an_end_is_told_in_chinese_as_far_as_it_is_known(
    detail: str, told: str
) -> None:
    _, chinese = summaries(state="failed", end_cause="user_error", detail=detail)

    assert chinese.endswith(told)


def test_how_long_a_job_ran_is_told_in_two_units() -> None:
    english, chinese = summaries(
        state="cancelled", started_at_ms=2_000, ended_at_ms=495_274, attempts=[ATTEMPT]
    )

    assert english == "was cancelled after 8m14s in east"
    assert chinese == "已取消，在 east 历时 8m14s"


@pytest.mark.parametrize("state", list(JobState))
def test_every_state_has_its_sentence(state: JobState) -> None:
    summaries(state=state, attempts=[ATTEMPT])
