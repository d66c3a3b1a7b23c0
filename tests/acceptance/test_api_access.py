"""Who may do what, and that one tenant never learns of another."""

import gzip
import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.clock import now_ms
from api.routes import keys
from tests.acceptance.access import AGENTS, MATRIX, ROLES, template_of
from tests.acceptance.brokers import (
    Served,
    await_state,
    await_that,
    job,
    newcomer,
    problem_of,
    submitted,
)

ARCHIVE = gzip.compress(b"a working directory", mtime=0)
DIGEST = hashlib.sha256(ARCHIVE).hexdigest()


@pytest.mark.parametrize(("method", "path"), MATRIX, ids=" ".join)
def test_each_role_may_do_its_part_and_no_more(method: str, path: str, park: Served) -> None:
    statuses = {role: getattr(park, role).request(method, path).status_code for role in ROLES}

    assert statuses == dict(zip(ROLES, MATRIX[method, path], strict=True))


def test_every_route_is_in_the_matrix(park: Served) -> None:
    described = park.nobody.get("/openapi.json").json()["paths"]

    known = {(method, template_of(path)) for method, path in MATRIX}
    routes = {(m.upper(), path) for path, methods in described.items() for m in methods}
    assert routes - known - AGENTS == set()


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic brk_x_y",
        "Bearer brk_000000000000_nothing",
        "Bearer brk__",
        "Bearer x",
        "Bearer brk_\x00_x",
        "Bearer " + "x" * 10_000,
        "Bearer brk_ключ_x",
    ],
)
def test_what_is_no_key_opens_nothing(header: str, park: Served) -> None:
    answer = park.nobody.get("/v1/me", headers=[(b"Authorization", header.encode())])

    problem_of(answer, 401)
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_key_with_another_secret_opens_nothing(park: Served) -> None:
    forged = park.keys["steel"][:-1] + ("A" if park.keys["steel"][-1] != "A" else "B")

    problem_of(park.nobody.get("/v1/me", headers={"Authorization": f"Bearer {forged}"}), 401)


def test_a_revoked_key_opens_nothing_at_once(park: Served) -> None:
    made = park.operator.post("/v1/keys", json={"role": "tenant", "tenant": "fish"}).json()
    headers = {"Authorization": f"Bearer {made['secret']}"}
    assert park.nobody.get("/v1/me", headers=headers).json()["tenant"] == "fish"

    assert park.operator.delete(f"/v1/keys/{made['id']}").status_code == 204

    problem_of(park.nobody.get("/v1/me", headers=headers), 401)
    assert park.operator.delete(f"/v1/keys/{made['id']}").status_code == 204


def test_a_secret_is_shown_once_even_if_the_create_is_sent_again(park: Served) -> None:
    headers = {"Idempotency-Key": "key-once"}
    wanted = {"role": "tenant", "label": "mine"}
    made = park.steel.post("/v1/keys", json=wanted, headers=headers).json()

    again = park.steel.post("/v1/keys", json=wanted, headers=headers)

    assert made["id"] in problem_of(again, 409)["detail"]
    assert made["secret"] not in park.steel.get("/v1/keys").text
    labels = [key["label"] for key in park.steel.get("/v1/keys").json()["items"]]
    assert labels.count("mine") == 1


def test_the_last_use_of_a_key_is_noted(park: Served) -> None:
    before_ms = now_ms()
    made = park.operator.post("/v1/keys", json={"role": "finance", "label": "noted"}).json()
    assert made["last_used_at_ms"] is None

    park.nobody.get("/v1/me", headers={"Authorization": f"Bearer {made['secret']}"})

    listed = {key["id"]: key for key in park.operator.get("/v1/keys").json()["items"]}
    assert listed[made["id"]]["last_used_at_ms"] >= before_ms


@pytest.mark.parametrize(
    "wanted",
    [
        {"role": "operator"},
        {"role": "finance"},
        {"role": "agent", "centre": "east"},
        {"role": "tenant", "tenant": "fish"},
    ],
)
def test_a_tenant_makes_keys_for_itself_alone(wanted: dict[str, str], park: Served) -> None:
    problem_of(park.steel.post("/v1/keys", json=wanted), 403)


@pytest.mark.parametrize(
    "wanted",
    [
        {"role": "tenant"},
        {"role": "tenant", "tenant": "nobody"},
        {"role": "agent"},
        {"role": "agent", "centre": "moon"},
        {"role": "operator", "tenant": "fish"},
    ],
)
def test_a_key_is_for_somebody_who_exists(wanted: dict[str, str], park: Served) -> None:
    assert problem_of(park.operator.post("/v1/keys", json=wanted), 422)["errors"]


def test_a_tenant_has_so_many_keys_and_no_more(
    park: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "KEYS_PER_TENANT_MAX", 2)
    made = park.poor.post("/v1/keys", json={"role": "tenant"}).json()

    refused = park.poor.post("/v1/keys", json={"role": "tenant"})
    for_it = park.operator.post("/v1/keys", json={"role": "tenant", "tenant": "poor"})
    other = park.operator.post("/v1/keys", json={"role": "finance"})

    assert "tenant poor has 2 keys" in problem_of(refused, 409)["detail"]
    problem_of(for_it, 409)
    assert other.status_code == 201
    park.poor.delete(f"/v1/keys/{made['id']}")
    again = park.poor.post("/v1/keys", json={"role": "tenant"})
    assert again.status_code == 201
    park.poor.delete(f"/v1/keys/{again.json()['id']}")


def test_a_key_cannot_revoke_itself(park: Served) -> None:
    mine = park.operator.get("/v1/me").json()["key_id"]

    problem_of(park.operator.delete(f"/v1/keys/{mine}"), 409)


# What fish is told must be the same whatever steel does.
QUIET = [
    "/v1/me",
    "/v1/jobs",
    "/v1/usage",
    "/v1/statements",
    "/v1/months",
    "/v1/vouchers",
    "/v1/invoices",
    "/v1/payments",
    "/v1/contracts",
    "/v1/claims",
    "/v1/exports/usage",
    "/v1/exports/charges",
    "/v1/exports/focus",
    "/v1/exports/focus?format=jsonl",
    "/v1/exports/focus?format=parquet",
    "/v1/tenants",
    "/v1/tenants/fish",
    "/v1/keys",
    "/v1/prices",
    "/v1/nodes",
]


def test_a_tenants_answers_do_not_depend_on_another_tenant(park: Served) -> None:
    own = submitted(park.fish)
    await_state(park.fish, own, "succeeded")
    before = answers(park.fish)

    act_as_steel(park)

    after = answers(park.fish)
    assert after == before
    assert "steel" not in "".join(after.values())


def answers(client: TestClient) -> dict[str, str]:
    found = {path: client.get(path) for path in QUIET}
    assert {answer.status_code for answer in found.values()} == {200}
    return {path: answer.text for path, answer in found.items()}


def act_as_steel(park: Served) -> None:
    done = submitted(park.steel, command="sleep 1", name="steel's own")
    park.steel.put(f"/v1/archives/{DIGEST}", content=ARCHIVE)
    park.steel.post("/v1/keys", json={"role": "tenant", "label": "steel's"})
    park.finance.post("/v1/tenants/steel:top-up", json={"amount": "1.00", "reference": "s-1"})
    await_state(park.steel, done, "succeeded")


@pytest.mark.parametrize("other", ["steel", "nobody"])
def test_asking_for_another_tenant_finds_nothing(other: str, park: Served) -> None:
    """Wherever a tenant may be named."""
    described = park.nobody.get("/openapi.json").json()["paths"]

    def takes_tenant(path: str) -> bool:
        parameters = described.get(template_of(path), {}).get("get", {}).get("parameters", [])
        return ("tenant", "query") in [(one["name"], one["in"]) for one in parameters]

    asked = [path for method, path in MATRIX if method == "GET" and takes_tenant(path)]
    answers = {path: park.fish.get(path, params={"tenant": other}) for path in asked}

    details = {path: problem_of(answer, 404)["detail"] for path, answer in answers.items()}
    assert details == dict.fromkeys(asked, f"there is no tenant {other}")
    assert {"/v1/jobs", "/v1/usage", "/v1/statements"} <= {*asked}


def test_what_is_another_tenants_does_not_exist(park: Served) -> None:
    job_id = submitted(park.steel)
    key_id = park.steel.post("/v1/keys", json={"role": "tenant"}).json()["id"]
    park.steel.put(f"/v1/archives/{DIGEST}", content=ARCHIVE)
    attempts: dict[str, Callable[[], Any]] = {
        f"job {job_id}": lambda: park.fish.get(f"/v1/jobs/{job_id}"),
        f"job {job_id} ": lambda: park.fish.get(f"/v1/jobs/{job_id}/explain"),
        f"job   {job_id}": lambda: park.fish.get(f"/v1/jobs/{job_id}/logs"),
        f"job  {job_id}": lambda: park.fish.post(f"/v1/jobs/{job_id}:cancel"),
        f"key {key_id}": lambda: park.fish.delete(f"/v1/keys/{key_id}"),
        "tenant steel": lambda: park.fish.get("/v1/tenants/steel"),
        f"archive {DIGEST}": lambda: park.fish.get(f"/v1/archives/{DIGEST}"),
    }

    for what, attempt in attempts.items():
        detail = problem_of(attempt(), 404)["detail"]

        assert detail == f"there is no {' '.join(what.split())}"
    assert park.steel.get(f"/v1/jobs/{job_id}").json()["state"] != "cancelled"


def test_the_same_idempotency_key_of_two_tenants_are_two(park: Served) -> None:
    headers = {"Idempotency-Key": "shared"}
    one = park.steel.post("/v1/jobs", json=job(), headers=headers).json()

    other = park.fish.post("/v1/jobs", json=job(), headers=headers).json()

    assert one["id"] != other["id"]
    assert (one["tenant"], other["tenant"]) == ("steel", "fish")


def test_a_job_may_not_use_what_another_tenant_uploaded(park: Served) -> None:
    park.steel.put(f"/v1/archives/{DIGEST}", content=ARCHIVE)

    refused = park.fish.post("/v1/jobs", json=job(archive=DIGEST))

    assert "upload it first" in problem_of(refused, 422)["detail"]
    assert park.steel.post("/v1/jobs", json=job(archive=DIGEST)).status_code == 201


def test_money_is_told_to_its_owner_and_to_finance(park: Served) -> None:
    own = park.poor.get("/v1/tenants/poor").json()

    assert own["balance"] is not None
    assert park.finance.get("/v1/tenants/poor").json() == own
    assert park.operator.get("/v1/tenants/poor").json()["balance"] is None


def test_a_tenant_is_told_of_no_job_of_another_that_is_ahead(park: Served) -> None:
    fish, steel = newcomer(park, "fish"), newcomer(park, "steel")
    big = {"devices": 16, "nodes": 2, "device": "ascend-910b3", "limit": "1h"}
    runs = submitted(fish, command="sleep 600", devices=8, device="ascend-910b3", limit="1h")
    await_state(park.fish, runs, "running")
    ahead = submitted(park.fish, command="sleep 600", priority="high", **big)
    await_that(lambda: park.fish.get(f"/v1/jobs/{ahead}").json()["reasons"])
    small = {"devices": 4, "device": "ascend-910b3", "limit": "4h"}
    own = submitted(fish, command="sleep 9", **small)
    others = submitted(steel, command="sleep 9", **small)
    for job_id in (own, others):
        await_that(lambda job_id=job_id: ahead in park.operator.get(f"/v1/jobs/{job_id}").text)

    told = {
        "fish": park.fish.get(f"/v1/jobs/{own}").text,
        "steel": park.steel.get(f"/v1/jobs/{others}").text,
        "list": park.steel.get("/v1/jobs").text,
        "explained": park.steel.get(f"/v1/jobs/{others}/explain").text,
        "operator": park.operator.get(f"/v1/jobs/{others}").text,
    }
    for job_id, client in (
        (own, park.fish),
        (others, park.steel),
        (ahead, park.fish),
        (runs, park.fish),
    ):
        client.post(f"/v1/jobs/{job_id}:cancel")

    assert [who for who, text in told.items() if ahead in text] == ["fish", "operator"]
    assert "kept for a job that is ahead" in told["steel"]
    assert "kept for a job that is ahead" in told["explained"]
