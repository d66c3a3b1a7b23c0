"""Jobs of several roles over HTTP: what is taken, refused and told, and whose output is read."""

from typing import Any

import pytest

from tests.acceptance.brokers import Served, await_state, problem_of, submitted
from tests.unit.api.schemas.test_role_spec import LAUNCHER, WORKER


def of_roles(*roles: dict[str, Any], **fields: object) -> dict[str, object]:
    return {"command": "sleep 3600", "limit": "1h", "roles": [*roles], **fields}


def test_a_job_of_roles_runs_and_is_told_as_it_was_stated(park: Served) -> None:
    answer = park.steel.post("/v1/jobs", json=of_roles(LAUNCHER, WORKER, ends_with="launcher"))

    assert answer.status_code == 201
    running = await_state(park.steel, answer.json()["id"], "running")
    spec = running["spec"]
    assert (spec["devices"], spec["ends_with"]) == (8, "launcher")
    assert spec["roles"] == [
        {"name": "launcher", "count": 1, "devices": 0, "command": None},
        {"name": "worker", "count": 2, "devices": 4, "command": None},
    ]
    (node,) = running["attempts"][0]["nodes"]
    assert node["members"] == {"launcher": "0", "worker": "0-1"}
    again = park.steel.post("/v1/jobs", json=spec)
    assert (again.status_code, again.json()["spec"]) == (201, spec)
    for job_id in (answer.json()["id"], again.json()["id"]):
        park.steel.post(f"/v1/jobs/{job_id}:cancel")


def test_what_roles_would_meet_can_be_asked(park: Served) -> None:
    asked = of_roles(LAUNCHER, {**WORKER, "devices": 5}, {"name": "eval", "devices": 3})

    answer = park.steel.post("/v1/quotes", json=asked)

    assert answer.status_code == 200, answer.text
    assert answer.json()["options"]
    assert all(option["cost"] for option in answer.json()["options"])


def test_a_batch_may_have_roles_and_none_is_taken_where_one_never_could_run(park: Served) -> None:
    fine, huge = of_roles(LAUNCHER, WORKER), of_roles({**WORKER, "count": 1, "devices": 16})

    answer = park.steel.post("/v1/jobs:batch", json={"jobs": [fine, huge]})

    assert "job 2 of 2 could never run: one member needs 16" in problem_of(answer, 422)["detail"]


def test_tasks_of_an_array_may_have_roles(park: Served) -> None:
    wanted = of_roles(LAUNCHER, {**WORKER, "count": 1, "devices": 1}, array="0-1")

    first = park.steel.post("/v1/jobs", json=wanted).json()

    tasks = park.steel.get("/v1/jobs", params={"array": first["array"]["id"]}).json()["items"]
    assert [len(task["spec"]["roles"]) for task in tasks] == [2, 2]
    park.steel.post(f"/v1/arrays/{first['array']['id']}:cancel")


def test_a_member_larger_than_any_node_is_refused_in_both_languages(park: Served) -> None:
    answer = park.steel.post("/v1/jobs", json=of_roles({**WORKER, "count": 1, "devices": 16}))

    problem = problem_of(answer, 422)
    assert {reason["code"] for reason in problem["reasons"]} == {"member_too_big"}
    assert "one member needs 16 cards, and a node of" in problem["detail"]
    assert "一个成员需要 16 张卡" in problem["reasons"][0]["text_zh"]


def test_what_is_wrong_with_roles_is_named(park: Served) -> None:
    answer = park.steel.post("/v1/jobs", json=of_roles(WORKER, nodes=2))

    assert "give roles, or nodes and members, not both" in str(problem_of(answer, 422)["errors"])


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"role": "worker", "member": "1"}, None),
        ({"role": "worker", "member": "2"}, "there is no worker 2 of job {}: it has 2, numbered"),
        ({"role": "boss"}, "there is no role boss of job {}: it has launcher, worker"),
        ({"member": "2"}, None),
        ({"member": "3"}, "there is no member 3 of job {}: it has 3, numbered from 0"),
    ],
    ids=str,
)
def test_output_is_asked_for_by_role(park: Served, asked: dict[str, str], says: str | None) -> None:
    job_id = submitted(park.steel, **of_roles(LAUNCHER, {**WORKER, "devices": 1}, devices=2))
    await_state(park.steel, job_id, "running")

    answer = park.steel.get(f"/v1/jobs/{job_id}/logs", params=asked)

    park.steel.post(f"/v1/jobs/{job_id}:cancel")
    if says is None:
        assert answer.status_code == 200
    else:
        assert problem_of(answer, 404)["detail"].startswith(says.format(job_id))
    problem_of(park.steel.get(f"/v1/jobs/{job_id}/logs", params={"role": "Worker 1"}), 422)


@pytest.mark.parametrize(
    "more", [{"variants": [{"devices": 2}]}, {"min_devices": 1}, {"step_devices": 1}]
)
def test_a_gang_of_roles_has_one_size(more: dict[str, Any], park: Served) -> None:
    asked = {
        "roles": [{"name": "worker", "count": 4, "devices": 1, "command": "true"}],
        "checkpoint": {"dir": "ckpt", "signal": "SIGUSR1"},
        **more,
    }

    refused = problem_of(park.steel.post("/v1/jobs", json=asked), 422)

    assert "one size: leave out variants, min_devices, step_devices" in str(refused["errors"])
