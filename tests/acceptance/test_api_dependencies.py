"""Jobs that follow others, over HTTP: held, released, given up, or refused at once."""

import threading

import pytest
from sqlalchemy import select

from scheduler.storage.queries import waiting_by_tenant
from scheduler.storage.tables import EventRow
from tests.acceptance.brokers import (
    Served,
    await_state,
    await_that,
    job,
    problem_of,
    refusal,
    submitted,
)

LONG = {"command": "sleep 3600", "limit": "2h"}


def test_a_job_waits_for_another_to_succeed_and_runs_after_it(park: Served) -> None:
    first = submitted(park.steel, command="sleep 2")
    second = submitted(park.steel, after=[first], after_any=[first])
    held = await_state(park.steel, second, "held")
    assert held["spec"]["after"] == held["spec"]["after_any"] == [first]
    (reason,) = held["reasons"]
    assert (reason["code"], reason["where"]) == ("dependency", first)
    told = park.steel.get(f"/v1/jobs/{second}/explain").json()
    assert told["summary"] == f"is held: job {first}, which it is to follow, has not ended"
    assert told["summary_zh"] == f"挂起：前置作业 {first} 尚未结束"

    after = await_state(park.steel, second, "succeeded")

    before = park.steel.get(f"/v1/jobs/{first}").json()
    assert before["state"] == "succeeded"
    assert before["ended_at_ms"] <= after["started_at_ms"]
    assert after["reasons"] == []


def test_what_was_held_is_in_the_queue_since_it_was_released(park: Served) -> None:
    first = submitted(park.steel, **LONG)
    full = submitted(park.steel, device=["hygon-k100-ai"], devices=8, **LONG)
    waits = submitted(park.steel, device=["hygon-k100-ai"], after_any=[first])
    await_state(park.steel, full, "running")
    await_state(park.steel, waits, "held")
    threading.Event().wait(0.2)
    park.steel.post(f"/v1/jobs/{first}:cancel")
    job = await_state(park.steel, waits, "queued")

    with park.broker.services.database.connect() as connection:
        ((tenant_id, count, queued_at_ms),) = waiting_by_tenant(connection)

    assert (tenant_id, count) == ("steel", 1)
    assert queued_at_ms is not None
    assert queued_at_ms >= job["submitted_at_ms"] + 200
    for job_id in (waits, full):
        park.steel.post(f"/v1/jobs/{job_id}:cancel")


def test_what_fails_takes_those_that_follow_it_along(park: Served) -> None:
    first = submitted(park.steel, **LONG)
    second = submitted(park.steel, after=[first])
    third = submitted(park.steel, after=[second])
    anyhow = submitted(park.steel, after_any=[first, second])
    await_state(park.steel, first, "running")
    await_state(park.steel, third, "held")
    gone = park.steel.get("/v1/jobs", params={"state": "held"}).json()["items"]
    assert {item["id"] for item in gone} >= {second, third, anyhow}

    park.steel.post(f"/v1/jobs/{first}:cancel")

    last = await_state(park.steel, third, "cancelled")
    assert last["detail"] == f"job {second}, which it was to follow, did not succeed"
    assert last["detail_zh"] == f"前置作业 {second} 未成功"
    assert (last["end_cause"], last["attempts"]) == ("cancelled", [])
    told = park.steel.get(f"/v1/jobs/{third}/explain").json()["summary"]
    assert told == f"was cancelled before it ran: {last['detail']}"
    assert await_state(park.steel, anyhow, "succeeded")["attempts"]


def test_a_held_job_is_cancelled_by_itself(park: Served) -> None:
    first = submitted(park.steel, **LONG)
    second = submitted(park.steel, after=[first])
    await_state(park.steel, second, "held")

    park.steel.post(f"/v1/jobs/{second}:cancel")

    assert await_state(park.steel, second, "cancelled")["detail"] == ""
    park.steel.post(f"/v1/jobs/{first}:cancel")


def test_what_has_ended_decides_at_once(park: Served) -> None:
    good, bad = submitted(park.steel), submitted(park.steel, **LONG)
    await_state(park.steel, good, "succeeded")
    await_state(park.steel, bad, "running")
    park.steel.post(f"/v1/jobs/{bad}:cancel")
    await_state(park.steel, bad, "cancelled")

    job_id = submitted(park.steel, after=[good], after_any=[bad])

    assert await_state(park.steel, job_id, "succeeded")["spec"]["after"] == []
    text = f"job {bad} did not succeed: it has cancelled"
    assert refusal(park, after=[good, bad]) == ("after", text)


def test_a_batch_may_follow_as_many_as_it_may_name(park: Served) -> None:
    """More than a statement of PostgreSQL has parameters, were each one of them."""
    ids = [[f"{number:03x}{which:02x}" for which in range(128)] for number in range(520)]
    jobs = [job(after=some[:64], after_any=some[64:]) for some in ids]

    problem = problem_of(park.steel.post("/v1/jobs:batch", json={"jobs": jobs}), 422)

    assert problem["errors"][0]["problem"] == "there is no job 00000"


def test_one_follows_only_jobs_of_its_own_tenant(park: Served) -> None:
    theirs = submitted(park.fish)

    assert refusal(park, after=["nobody"]) == ("after", "there is no job nobody")
    assert refusal(park, after_any=[theirs]) == ("after_any", f"there is no job {theirs}")


@pytest.mark.parametrize("wrong", [["A"], [""], ["a" * 65], [7], ["a"] * 65, {"a": "b"}])
def test_what_is_no_list_of_jobs_is_refused(wrong: object, park: Served) -> None:
    problem = problem_of(park.steel.post("/v1/jobs", json=job(after=wrong)), 422)

    assert all(error["field"].startswith("after") for error in problem["errors"])


def test_what_became_of_it_is_in_the_log(park: Served) -> None:
    first = submitted(park.steel, **LONG)
    second = submitted(park.steel, after=[first])
    third = submitted(park.steel, after_any=[first])
    park.steel.post(f"/v1/jobs/{first}:cancel")
    await_state(park.steel, third, "succeeded")

    def kinds(job_id: str) -> list[str]:
        statement = select(EventRow.kind).where(EventRow.job_id == job_id).order_by(EventRow.seq)
        with park.broker.services.database.connect() as connection:
            return list(connection.scalars(statement))

    await_that(lambda: kinds(second) == ["submitted", "dependency_failed"])
    assert kinds(third)[:3] == ["submitted", "released", "leased"]
