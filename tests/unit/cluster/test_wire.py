"""What agents and brokers say to one another survives whatever a centre may have to quote."""

import json
from dataclasses import replace

import pytest
from pydantic import ValidationError

from cluster.diary import Diary, Noted
from cluster.driver import Activity, AttemptEnd, AttemptPhase, AttemptReport
from cluster.wire import DETAIL_LENGTH_MAX, AttemptHeard, AttemptNoted, DiaryTold, Orders, Report

REFUSED = AttemptReport(
    attempt_id="j.1", phase=AttemptPhase.ENDED, end=AttemptEnd.REFUSED, detail="no", node_id="n1"
)


def heard(detail: str) -> str:
    """The detail that a broker keeps of what somebody posts."""
    attempt = {"attempt_id": "j.1", "phase": "ended", "detail": detail}
    report = {
        "agent_started_at_ms": 1,
        "number": 1,
        "online_node_ids": [],
        "attempts": [attempt],
    }
    # As a web framework does it: parsed by Python, which takes what PostgreSQL refuses.
    return Report.model_validate(json.loads(json.dumps(report))).attempts[0].detail


@pytest.mark.parametrize("sign", ["\0", "\x1b", "\x7f", "\x9b", "\r", "\ud800", "\uffff"])
def test_what_no_database_or_terminal_takes_is_replaced(sign: str) -> None:
    assert heard(f"bad {sign} name") == "bad \ufffd name"


def test_what_people_read_stays_as_it_is() -> None:
    assert heard("第一行\n\tsecond 😀 é") == "第一行\n\tsecond 😀 é"


def test_a_detail_that_is_too_long_is_cut_and_not_refused() -> None:
    assert heard("x" * (DETAIL_LENGTH_MAX + 1)) == "x" * DETAIL_LENGTH_MAX


def test_an_agent_can_say_whatever_a_file_system_called_a_file() -> None:
    said = AttemptHeard.of(replace(REFUSED, detail="no \udcff\0 there")).model_dump_json()

    assert AttemptHeard.model_validate_json(said).report() == replace(
        REFUSED, detail="no \ufffd\ufffd there"
    )


def test_a_detail_that_is_no_text_is_refused() -> None:
    with pytest.raises(ValidationError):
        AttemptHeard.model_validate({"attempt_id": "j.1", "phase": "ended", "detail": 7})


def test_what_cards_did_is_heard_and_no_more_active_than_measured() -> None:
    told = replace(REFUSED, activity=Activity(measured_ms=9, active_ms=4))
    said = AttemptHeard.of(told).model_dump(mode="json")

    assert AttemptHeard.model_validate(said).report() == told
    more = AttemptHeard.model_validate(said | {"active_device_ms": 10}).report()
    assert more.activity == Activity(measured_ms=9, active_ms=9)
    for name in ("measured_device_ms", "active_device_ms"):
        assert AttemptHeard.model_validate(said | {name: None}).report().activity is None


def test_an_older_agent_says_nothing_of_what_cards_did() -> None:
    said = {"attempt_id": "j.1", "phase": "running"}

    assert AttemptHeard.model_validate(said).report().activity is None


def test_what_is_wrong_with_orders_is_said_without_what_they_say() -> None:
    with pytest.raises(ValidationError) as caught:
        Orders.model_validate_json('{"launch": [{"env": [["TOKEN", "secret", 1]]}]}')

    assert "launch.0.env" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_diary_is_told_as_it_was_kept() -> None:
    noted = Noted(
        attempt_id="j.1",
        phase=AttemptPhase.ENDED,
        job_id="j",
        tenant_id="steel",
        device_kind_id="npu",
        cards=(("n1", 8), ("n2", 4)),
        started_at_ms=1,
        ended_at_ms=2,
        end=AttemptEnd.EXITED,
    )
    told = DiaryTold(
        asked=7,
        agent_started_at_ms=1,
        number=1,
        at_ms=3,
        whole_since_ms=0,
        attempts=[AttemptNoted.of(noted)],
    )

    read = DiaryTold.model_validate_json(told.model_dump_json())

    assert read.diary() == Diary(whole_since_ms=0, attempts=(noted,))
