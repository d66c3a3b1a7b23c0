"""Arrays over HTTP: one submission, many jobs, so many at once, followed and ended as a whole."""

from typing import Any

import pytest
from sqlalchemy import func, select

from api import submission
from scheduler.storage.array_queries import unfinished_tasks
from scheduler.storage.tables import InboxRow, JobRow
from tests.acceptance.brokers import (
    Served,
    await_state,
    await_that,
    fields_of,
    job,
    newcomer,
    problem_of,
    refusal,
    submitted,
)

NO_ARRAYS = ["", "a", "5-3", "0-", "-1", "1;2", "0-9%0", "0-9:0", "1000000", -2, True, 0.5, [1], {}]
NO_MORE: list[dict[str, Any]] = [{"indices": "0-9%2"}, {"at_most": 0}, {"most": 1}]
LONG = {"command": "sleep 3600", "limit": "2h"}


def array_of(park: Served, client: Any = None, **changes: Any) -> tuple[str, list[str]]:
    """The id of a new array, and those of its tasks in the order of their indices."""
    client = client or park.steel
    answer = client.post("/v1/jobs", json=job(**changes))
    assert answer.status_code == 201, answer.text
    array = answer.json()["array"]
    page = client.get("/v1/jobs", params={"array": array["id"], "limit": 500}).json()
    tasks = sorted(page["items"], key=lambda one: one["array"]["index"])
    assert tasks[0]["id"] == answer.json()["id"]
    assert answer.headers["Location"] == f"/v1/arrays/{array['id']}"
    return array["id"], [one["id"] for one in tasks]


def array(park: Served, array_id: str) -> dict[str, Any]:
    body: dict[str, Any] = park.steel.get(f"/v1/arrays/{array_id}").json()
    return body


def count_of(park: Served, array_id: str, *states: str) -> int:
    counts = array(park, array_id)["states"]
    return sum(counts.get(state, 0) for state in states)


def cancel(park: Served, array_id: str) -> dict[str, Any]:
    answer = park.steel.post(f"/v1/arrays/{array_id}:cancel")
    assert answer.status_code in {200, 202}, answer.text
    await_that(lambda: array(park, array_id)["is_over"])
    return array(park, array_id)


def test_one_submission_is_many_jobs_that_differ_by_their_index(park: Served) -> None:
    array_id, job_ids = array_of(park, array="1,5,9-13:2", name="sweep")

    await_that(lambda: array(park, array_id)["is_over"])

    whole = array(park, array_id)
    assert whole["states"] == {"succeeded": 5}
    assert (whole["count"], whole["lowest"], whole["highest"]) == (5, 1, 13)
    assert (whole["tenant"], whole["name"], whole["failed"]) == ("steel", "sweep", [])
    tasks = [park.steel.get(f"/v1/jobs/{job_id}").json() for job_id in job_ids]
    assert [task["array"]["index"] for task in tasks] == [1, 5, 9, 11, 13]
    assert [task["spec"]["array"]["indices"] for task in tasks] == ["1", "5", "9", "11", "13"]
    assert {task["spec"]["name"] for task in tasks} == {"sweep"}
    assert len({task["attempts"][0]["id"] for task in tasks}) == 5
    assert whole["submitted_at_ms"] == tasks[0]["submitted_at_ms"]
    assert whole["started_at_ms"] == min(task["started_at_ms"] for task in tasks)
    assert whole["ended_at_ms"] == max(task["ended_at_ms"] for task in tasks)


def test_no_more_than_so_many_run_at_once_and_the_rest_say_so(park: Served) -> None:
    array_id, job_ids = array_of(park, array="0-4%2", **LONG)
    await_that(lambda: count_of(park, array_id, "running") == 2)
    held = await_state(park.steel, job_ids[2], "held")

    (reason,) = held["reasons"]
    assert (reason["code"], reason["where"]) == ("array_limit", array_id)
    assert (reason["need"], reason["free"], reason["gap"]) == (3, 2, 1)
    told = park.steel.get(f"/v1/jobs/{job_ids[2]}/explain").json()
    most = "as many tasks in the queue or running as it may at once: 2"
    assert told["summary"] == f"is held: array {array_id} has {most}"
    assert told["summary_zh"].startswith(f"挂起：数组作业 {array_id} 已有 2 个作业")
    whole = array(park, array_id)
    assert whole["states"] == {"held": 3, "running": 2}
    assert (whole["is_over"], whole["ended_at_ms"]) == (False, None)

    park.steel.post(f"/v1/jobs/{job_ids[0]}:cancel")

    await_state(park.steel, job_ids[2], "running")
    assert count_of(park, array_id, "running", "stopping") <= 2
    over = cancel(park, array_id)
    assert over["states"] == {"cancelled": 5}
    assert over["failed"] == [0, 1, 2, 3, 4]
    assert over["ended_at_ms"] is not None


def test_the_last_tasks_of_an_array_are_cancelled_first(park: Served) -> None:
    """Else a place came free for a held one, which would start yet."""
    array_id, tasks = array_of(park, array="0-3%1", **LONG)
    with park.broker.services.database.connect() as connection:
        job_ids = unfinished_tasks(connection, array_id)
    cancel(park, array_id)

    assert job_ids == tasks[::-1]


def test_an_array_is_cancelled_as_a_whole_and_again_changes_nothing(park: Served) -> None:
    array_id, job_ids = array_of(park, array="0-2", **LONG)
    await_state(park.steel, job_ids[0], "running")
    assert cancel(park, array_id)["states"] == {"cancelled": 3}

    again = park.steel.post(f"/v1/arrays/{array_id}:cancel")

    assert again.status_code == 200
    assert again.json()["states"] == {"cancelled": 3}


def test_another_tenants_array_does_not_exist(park: Served) -> None:
    array_id, _ = array_of(park, array="0-1%1", **LONG)

    for address in (f"/v1/arrays/{array_id}", "/v1/arrays/a0"):
        assert problem_of(park.fish.get(address), 404)["detail"].startswith("there is no array")
    assert park.fish.post(f"/v1/arrays/{array_id}:cancel").status_code == 404
    assert park.fish.get("/v1/jobs", params={"array": array_id}).json()["items"] == []
    assert park.operator.get(f"/v1/arrays/{array_id}").status_code == 200
    problem = problem_of(park.fish.post("/v1/jobs", json=job(after=[array_id])), 422)
    assert problem["errors"][0]["problem"] == f"there is no job {array_id}"
    assert cancel(park, array_id)["is_over"]


def test_others_follow_the_whole_array(park: Served) -> None:
    array_id, job_ids = array_of(park, array="0-2%1", **LONG)
    last = submitted(park.steel, after_any=[array_id])
    never = submitted(park.steel, after=[array_id])
    held = await_state(park.steel, last, "held")
    assert [reason["where"] for reason in held["reasons"]] == [array_id]

    park.steel.post(f"/v1/jobs/{job_ids[0]}:cancel")

    assert (await_state(park.steel, never, "cancelled"))["detail"] == (
        f"job {array_id}, which it was to follow, did not succeed"
    )
    assert refusal(park, after=[array_id]) == (
        "after",
        f"job {array_id} did not succeed: it has cancelled",
    )
    assert await_state(park.steel, last, "held")["reasons"]
    cancel(park, array_id)
    await_state(park.steel, last, "succeeded")


def test_what_follows_an_array_that_has_succeeded_runs_at_once(park: Served) -> None:
    array_id, _ = array_of(park, array="0-1")
    await_that(lambda: array(park, array_id)["is_over"])

    job_id = submitted(park.steel, after=[array_id])

    assert await_state(park.steel, job_id, "succeeded")["spec"]["after"] == []


def test_an_array_follows_a_job(park: Served) -> None:
    first = submitted(park.steel, **LONG)
    array_id, _ = array_of(park, array="0-2%1", after_any=[first])
    await_that(lambda: count_of(park, array_id, "held") == 3)
    page = park.steel.get("/v1/jobs", params={"array": array_id, "state": "held"}).json()
    assert {one["reasons"][0]["code"] for one in page["items"]} == {"dependency"}

    park.steel.post(f"/v1/jobs/{first}:cancel")

    await_that(lambda: array(park, array_id)["states"] == {"succeeded": 3})


def test_the_same_submission_again_is_the_same_array(park: Served) -> None:
    headers = {"Idempotency-Key": "array-once"}
    body = job(array={"indices": "0-1", "at_most": 1})
    first = park.steel.post("/v1/jobs", json=body, headers=headers)

    again = park.steel.post("/v1/jobs", json=body, headers=headers)

    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["Location"] == first.headers["Location"]
    other = park.steel.post("/v1/jobs", json=job(array="0-2%1"), headers=headers)
    assert other.status_code == 422


def test_all_or_none(park: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """A task that could never run, a queue that is full, a body that is too large together."""
    problem = problem_of(park.steel.post("/v1/jobs", json=job(array="0-9", devices=999)), 422)
    assert problem["reasons"][0]["code"] == "tenant_quota"
    client = newcomer(park, "steel")
    monkeypatch.setattr("api.gauge.MAX_WAITING", 9)
    full = problem_of(client.post("/v1/jobs", json=job(array="0-9", name="none")), 429)
    assert full["reasons"][0]["code"] == "queue_full"
    monkeypatch.setattr(submission, "ARRAY_BYTES_MAX", 4 << 20)
    long = {f"V{number}": "x" * 32_000 for number in range(14)}
    text = refusal(park, array="0-9", env=long)

    assert text[0] == "array"
    assert "more than 4 MiB" in text[1]
    with park.broker.services.database.connect() as connection:
        name = JobRow.spec["name"].astext
        assert connection.scalar(select(func.count()).where(name == "none")) == 0


def test_a_large_array_is_in_the_inbox_as_a_whole_and_goes_as_a_whole(park: Served) -> None:
    answer = park.steel.post("/v1/jobs", json=job(array="0-149%1", **LONG))
    array_id = answer.json()["array"]["id"]
    with park.broker.services.database.connect() as connection:
        wishes = InboxRow.body["job"]["array"]["id"].astext == array_id
        assert connection.scalar(select(func.count()).where(wishes)) == 150
    await_that(lambda: count_of(park, array_id, "held") == 149)

    over = cancel(park, array_id)

    assert over["states"] == {"cancelled": 150}
    assert over["failed"] == list(range(100))
    too_many = "10001 tasks are more than the 10000 that an array may have"
    assert refusal(park, array="0-10000")[1].endswith(too_many)


@pytest.mark.parametrize("wrong", [*NO_ARRAYS, *({"indices": "0-9"} | one for one in NO_MORE)])
def test_what_is_no_array_is_refused(wrong: object, park: Served) -> None:
    problem = problem_of(park.steel.post("/v1/jobs", json=job(array=wrong)), 422)

    assert all(field.startswith("array") for field in fields_of(problem))


def test_a_batch_takes_no_array(park: Served) -> None:
    problem = problem_of(park.steel.post("/v1/jobs:batch", json={"jobs": [job(array="0-1")]}), 422)

    assert "by itself" in problem["errors"][0]["problem"]


def test_a_quote_for_an_array_is_that_of_one_task(park: Served) -> None:
    one, many = (
        park.steel.post("/v1/quotes", json=job(**more)).json() for more in ({}, {"array": "0-99"})
    )

    assert [o["cost"] for o in many["options"]] == [o["cost"] for o in one["options"]]
