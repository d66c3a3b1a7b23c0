"""What others are told of preemption, and how it is set."""

from dataclasses import replace
from typing import Literal

import pytest

from api.answers.quoting import quote_of
from api.auth import Caller, Role
from api.routes.events import _frame
from api.running.wiring import policy_of
from api.settings import Settings
from scheduler.asking.whatif import Prospect, Stopped
from scheduler.model.policy import DEFAULT, Preemption
from scheduler.planning.explain import making_room
from scheduler.storage.queries import EventRecord
from tests.builders import a_job, a_pool
from tests.unit.scheduler.timing.test_backfill import a_room

STOP = EventRecord(
    seq=1,
    kind="stop_decided",
    tenant_id="steel",
    job_id="j1",
    at_ms=0,
    recorded_at_ms=0,
    body={"attempt_id": "j1.1", "cause": "preempted", "for_job_id": "theirs"},
)


@pytest.mark.parametrize(
    ("role", "is_told"), [(Role.TENANT, False), (Role.OPERATOR, True), (Role.FINANCE, True)]
)
def test_a_tenant_is_not_told_for_whom_its_job_was_stopped(role: Role, is_told: bool) -> None:
    caller = Caller(key_id="k", role=role, label="", tenant_id="steel")

    frame = _frame(STOP, caller)

    assert ("theirs" in frame) == is_told
    assert '"cause":"preempted"' in frame


@pytest.mark.parametrize(
    ("count", "english", "chinese"),
    [
        (0, "", ""),
        (1, ", for which 1 running job would be stopped", "，为此将停止 1 个正在运行的作业"),
        (3, ", for which 3 running jobs would be stopped", "，为此将停止 3 个正在运行的作业"),
    ],
)
def test_a_quote_says_how_many_would_be_stopped(count: int, english: str, chinese: str) -> None:
    pool = a_pool("east-npu", 1, 8)
    reason = making_room(pool, a_room({"n1": 0}), 8, 0)
    whose = ("steel", "fish", "coal")
    prospect = Prospect(
        pool=pool,
        form=a_job(),
        length_ms=0,
        start_ms=0,
        cost_fen=None,
        reasons=(reason,),
        is_promised=True,
        stopped=tuple(
            Stopped(job_id=f"of-{one}", tenant_id=one, price_class="key") for one in whose[:count]
        ),
    )

    quote = quote_of(a_job(), [prospect], 300_000)

    (option,) = quote.options
    assert option.stops == count
    assert option.stops_own == ["of-steel"][:count]
    assert option.stops_others == ({"key": count - 1} if count > 1 else {})
    assert quote.summary.endswith(f" in east-npu{english}")
    assert quote.summary_zh.endswith(f"启动{chinese}")


@pytest.mark.parametrize(
    ("word", "is_on", "is_shared"),
    [("off", False, False), ("classes", True, False), ("turns", True, True)],
)
def test_preemption_is_as_it_is_set(
    word: Literal["off", "classes", "turns"], is_on: bool, is_shared: bool
) -> None:
    settings = Settings(
        preemption=word,
        preemption_patience_s=3,
        preemption_min_run_s=5,
        preemption_max_per_day=7,
    )
    as_set = Preemption(is_shared=is_shared, patience_ms=3_000, min_run_ms=5_000, max_per_day=7)

    assert policy_of(settings).preemption == (as_set if is_on else None)
    assert policy_of(Settings()) == DEFAULT


def test_a_quote_says_where_prices_change_meanwhile() -> None:
    pool = a_pool("east-npu", 1, 8)
    plain = Prospect(pool=pool, form=a_job(), length_ms=0, start_ms=0, cost_fen=1_200, reasons=())

    one, two = (quote_of(a_job(), [replace(plain, price_count=n)], 300_000) for n in (1, 2))

    assert one.summary.endswith("12.00 yuan to its limit, at today's price")
    assert two.summary.endswith("12.00 yuan to its limit, at the prices published")
    assert two.summary_zh.endswith("按已公布的各期价格运行到时限为 12.00 元")
