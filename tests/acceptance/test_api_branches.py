"""Projects and cohorts over the API: who may declare and see them, and what they do to jobs."""

import json
from itertools import islice
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from api.commands import app
from tests.acceptance.brokers import Served, await_that, fields_of, job, newcomer, problem_of
from tests.acceptance.test_api_events import stream

VISION = {"name": "Vision", "weight": 200, "max_cards": 4}


NOTHING_OWN: dict[str, Any] = {
    f"{name}_{unit}": value
    for name in ("nominal", "borrowing", "lending")
    for unit, value in (("cards", {}), ("tflops", None))
}
TENANT = {
    "name": "A tenant",
    "field": "ocean",
    "price_class": "standard",
    "max_cards": 8,
    "credit_limit": "500.00",
}


def a_tenant(park: Served, tenant_id: str, cohort_id: str | None = None) -> TestClient:
    made = park.operator.put(f"/v1/tenants/{tenant_id}", json=TENANT | {"cohort": cohort_id})
    assert made.json()["cohort"] == cohort_id, made.text
    return newcomer(park, tenant_id)


def codes(answer: httpx2.Response) -> list[str]:
    return [reason["code"] for reason in problem_of(answer, 422)["reasons"]]


def test_a_tenant_is_divided_by_its_first_project(park: Served) -> None:
    tenant = a_tenant(park, "divided")
    assert tenant.post("/v1/jobs", json=job(project="anything")).status_code == 201

    made = tenant.put("/v1/projects/vision", json=VISION)

    assert made.status_code == 200, made.text
    assert made.json() == NOTHING_OWN | VISION | {"tenant": "divided", "id": "vision"}
    assert tenant.get("/v1/projects").json()["items"] == [made.json()]
    refused = tenant.post("/v1/jobs", json=job())
    assert codes(refused) == ["unknown_project"]
    assert "divided/default" in problem_of(refused, 422)["reasons"][0]["text"]
    assert "known: vision" in problem_of(refused, 422)["reasons"][0]["text"]
    assert codes(tenant.post("/v1/jobs", json=job(project="vision", devices=5))) == [
        "project_quota"
    ]
    assert tenant.post("/v1/jobs", json=job(project="vision", devices=4)).status_code == 201


def test_a_project_that_is_changed_keeps_its_jobs(park: Served) -> None:
    tenant = a_tenant(park, "changing")
    tenant.put("/v1/projects/vision", json=VISION)

    changed = tenant.put("/v1/projects/vision", json={"name": "Vision 2"}).json()

    assert (changed["name"], changed["weight"], changed["max_cards"]) == ("Vision 2", 100, None)
    assert tenant.post("/v1/jobs", json=job(project="vision", devices=8)).status_code == 201


def test_an_operator_names_the_tenant_and_a_tenant_knows_its_own_alone(park: Served) -> None:
    tenant = a_tenant(park, "named")
    assert "?tenant=" in problem_of(park.operator.put("/v1/projects/p", json=VISION), 422)["detail"]
    problem_of(park.operator.put("/v1/projects/p?tenant=nobody", json=VISION), 404)

    made = park.operator.put("/v1/projects/p?tenant=named", json=VISION)

    assert made.json()["tenant"] == "named"
    assert [one["id"] for one in tenant.get("/v1/projects").json()["items"]] == ["p"]
    assert "named" not in {one["tenant"] for one in park.fish.get("/v1/projects").json()["items"]}
    problem_of(park.fish.get("/v1/projects?tenant=named"), 404)
    problem_of(park.fish.put("/v1/projects/p?tenant=named", json=VISION), 404)
    everybody = park.operator.get("/v1/projects").json()["items"]
    assert "named" in {one["tenant"] for one in everybody}
    assert park.operator.get("/v1/projects?tenant=named").json()["items"] == [made.json()]


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"weight": 0}, "weight"), ({"max_cards": -1}, "max_cards"), ({"name": ""}, "name")],
)
def test_a_project_that_makes_no_sense_is_refused(
    changes: dict[str, Any], field: str, park: Served
) -> None:
    answer = park.fish.put("/v1/projects/odd", json=VISION | changes)

    assert fields_of(problem_of(answer, 422)) == [field]
    assert not park.operator.get("/v1/projects?tenant=fish").json()["items"]


def test_a_cohort_has_one_quota_and_its_tenants_know_of_themselves_alone(park: Served) -> None:
    made = park.operator.put("/v1/cohorts/coast", json={"name": "Coast", "max_cards": 4})
    assert made.json()["tenants"] == []
    first, second = (a_tenant(park, name, "coast") for name in ("net", "hook"))

    assert first.get("/v1/cohorts").json()["items"][0]["tenants"] == ["net"]
    (all_of_it,) = park.operator.get("/v1/cohorts").json()["items"]
    assert all_of_it["tenants"] == ["hook", "net"]
    assert park.fish.get("/v1/cohorts").json()["items"] == []
    assert codes(first.post("/v1/jobs", json=job(devices=5))) == ["cohort_quota"]

    running = first.post("/v1/jobs", json=job(devices=4, command="sleep 5", limit="1m")).json()
    await_that(lambda: first.get(f"/v1/jobs/{running['id']}").json()["state"] == "running")
    waits = second.post("/v1/jobs", json=job(limit="1m")).json()["id"]
    await_that(lambda: bool(second.get(f"/v1/jobs/{waits}").json()["reasons"]))

    (reason,) = second.get(f"/v1/jobs/{waits}").json()["reasons"]
    assert (reason["code"], reason["where"], reason["need"]) == ("cohort_quota", "coast", 1)
    terms = second.get(f"/v1/jobs/{waits}/standing").json()["terms"]
    assert [term["name"] for term in terms][2:4] == ["cohort_share", "fair_share"]


def told(*words: str, **variables: str) -> str:
    """What a command prints; run in this process, which is quicker."""
    done = CliRunner().invoke(app, list(words), env=variables, prog_name="brain")
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.enable_socket
def test_who_shares_the_park_is_declared_and_listed_on_the_command_line(
    park: Served, address: str
) -> None:
    a_tenant(park, "shell")
    operator = {"BRAIN_URL": address, "BRAIN_API_KEY": park.keys["operator"], "COLUMNS": "80"}
    options = ("--name", "Deep sea", "--weight", "3", "--max-cards", "2")

    assert told("projects", "set", "deep", *options, "-t", "shell", **operator).split() == [
        *("shell/deep:", "weight", "3,", "quota", "2")
    ]
    assert told("cohorts", "set", "reef", "--name", "Reef", **operator).split() == [
        *("reef:", "weight", "100,", "quota", "-")
    ]

    park.operator.put("/v1/tenants/shell", json=TENANT | {"cohort": "reef"})
    (project,) = json.loads(told("projects", "-t", "shell", "--json", **operator))["items"]
    assert project == NOTHING_OWN | {
        "tenant": "shell",
        "id": "deep",
        "name": "Deep sea",
        "weight": 3,
        "max_cards": 2,
    }
    rows = [line.split() for line in told("projects", **operator).splitlines()]
    assert ["shell", "deep", "Deep", "sea", "3", "2", "-"] in rows
    rows = [line.split() for line in told("cohorts", **operator).splitlines()]
    assert ["reef", "Reef", "100", "-", "-", "shell"] in rows
    assert "deep" in told("projects", "--json", **operator)


@pytest.mark.enable_socket
def test_what_is_not_named_stays_as_it_is(park: Served, address: str) -> None:
    a_tenant(park, "coral")
    operator = {"BRAIN_URL": address, "BRAIN_API_KEY": park.keys["operator"], "COLUMNS": "80"}
    own = ("projects", "set", "p", "-t", "coral")

    assert "weight 100, quota -" in told(*own, **operator)
    assert "weight 7, quota 2" in told(*own, "--weight", "7", "--max-cards", "2", **operator)
    assert "weight 7, quota 2" in told(*own, "--name", "Reef", **operator)
    assert "weight 9, quota 2" in told(*own, "--weight", "9", **operator)
    assert "weight 9, quota -" in told(*own, "--no-max-cards", **operator)
    (made,) = park.operator.get("/v1/projects?tenant=coral").json()["items"]
    assert made["name"] == "Reef"


@pytest.mark.enable_socket
def test_what_is_owned_borrowed_and_lent_is_declared_at_each_branch(
    park: Served, address: str
) -> None:
    a_tenant(park, "quay")
    operator = {"BRAIN_URL": address, "BRAIN_API_KEY": park.keys["operator"], "COLUMNS": "200"}
    npu, project = "ascend-910b3", ("projects", "set", "p", "-t", "quay")

    tenant = ("tenants", "set", "quay", "--nominal", f"{npu}=4", "--nominal", "tflops=2000")
    assert told(*tenant, **operator).strip() == f"quay: quota 8, own {npu} 4, tflops 2000"
    assert "8 own" not in told("tenants", "set", "quay", "--borrowing", f"{npu}=0", **operator)
    more = ("tenants", "set", "quay", "--max-cards", "24", "--nodes")
    assert "east-910b3 1 node\n" in told(*more, "east-910b3=1", **operator)
    assert "east-910b3" not in told(*more[:4], "8", "--nodes", "east-910b3=none", **operator)
    gone = CliRunner().invoke(app, [*more, "gone=1"], env=operator)
    assert "nominal_nodes names gone; the park has east-910b3" in gone.output
    park.operator.put("/v1/cohorts/pier", json={"name": "Pier"})
    own = ("--nominal", f"{npu}=4", "--lending", f"{npu}=4")
    assert told("cohorts", "set", "pier", *own, **operator).endswith(f"own {npu} 4 -4\n")
    assert f"own {npu} 2" in told(*project, "--nominal", f"{npu}=2", **operator)
    assert "own" not in told(*project, "--nominal", f"{npu}=none", **operator)
    assert f"{npu} 4 +0, tflops 2000" in told("tenants", **operator)
    refused = CliRunner().invoke(app, [*project, "--nominal", f"{npu}=5"], env=operator)
    assert f"nominal_cards of {npu} of its projects are 5 in all, more than its own 4" in (
        refused.output
    )
    beyond = CliRunner().invoke(app, [*project, "--borrowing", f"{npu}=5"], env=operator)
    assert f"borrowing_cards of {npu} 5 it may hold 5, and tenant quay holds at most 4" in (
        beyond.output
    )
    assert CliRunner().invoke(app, [*project, "--nominal", "x"], env=operator).exit_code == 2

    tenant_key = newcomer(park, "quay")
    told(*project, **operator)
    (reason,) = problem_of(
        tenant_key.post("/v1/jobs", json=job(project="p", devices=5, device=[npu])), 422
    )["reasons"]
    assert (reason["code"], reason["need"], reason["free"]) == ("tenant_quota", 5, 4)
    assert (
        reason["text"]
        == f"needs 5 {npu}, and tenant quay may take 4 {npu} more of its quota: 1 {npu} short"
    )


@pytest.mark.enable_socket
def test_no_tenant_reads_of_cohorts_in_the_stream(park: Served, address: str) -> None:
    after = park.broker.feed.last_seq
    park.operator.put("/v1/cohorts/deep", json={"name": "Deep"})
    tenant = a_tenant(park, "whale")
    tenant.put("/v1/projects/p", json=VISION)

    # What other jobs of the park do meanwhile is told as well.
    with stream(park, address, "operator", after=after) as told:
        declared = (event["kind"] for event in told if event["kind"].endswith("_declared"))
        kinds = list(islice(declared, 3))
    assert kinds == ["cohort_declared", "tenant_declared", "project_declared"]
    with stream(park, address, f"new-{len(park.clients) - 1}", after=after) as told:
        assert next(told)["kind"] == "tenant_declared"
