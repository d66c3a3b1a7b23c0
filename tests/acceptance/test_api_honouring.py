"""A quote is good for some minutes: who takes it stands where it was quoted."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from api.app import create_app
from api.services import Services, nobody_leads
from tests.acceptance.brokers import Served, await_state, await_that, job, problem_of, submitted

KIND = "hygon-k100-ai"
VALID_MS = 300_000


def quoted(client: TestClient, **changes: Any) -> dict[str, Any]:
    answer = client.post("/v1/quotes", json=job(**changes))
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def taken(client: TestClient, quote_id: str, **changes: Any) -> dict[str, Any]:
    answer = client.post("/v1/jobs", json=job(**changes, quote_id=quote_id))
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


def steel_of(park: Served, **changes: Any) -> TestClient:
    """The tenant's client of a broker that differs in some of its services."""
    services: Services = replace(park.broker.services, **changes)
    headers = {"Authorization": f"Bearer {park.keys['steel']}"}
    return TestClient(create_app(services), headers=headers)


def after(park: Served, later_ms: int) -> TestClient:
    clock = park.broker.services.clock
    return steel_of(park, clock=lambda: clock() + later_ms)


@contextmanager
def full_west(park: Served, user: TestClient) -> Iterator[None]:
    """All of its 8 cards are another tenant's for two hours; no work of this user ended before."""
    words = {"command": "sleep 7200", "limit": "2h", "device": [KIND], "tenant": "fish"}
    job_id = submitted(user, devices=8, **words)
    await_state(park.fish, job_id, "running")
    try:
        yield
    finally:
        park.fish.post(f"/v1/jobs/{job_id}:cancel")
        await_state(park.fish, job_id, "cancelled")


def test_who_takes_a_quote_is_as_old_as_that(park: Served) -> None:
    quote = quoted(park.steel, device=[KIND])
    assert quote["expires_at_ms"] == quote["at_ms"] + VALID_MS

    told = taken(park.steel, quote["id"], device=[KIND])

    assert (told["id"], told["submitted_at_ms"]) == (quote["id"], quote["at_ms"])
    assert park.steel.get(f"/v1/jobs/{told['id']}").json()["submitted_at_ms"] == quote["at_ms"]
    honoured = told["quote"]
    assert (honoured["id"], honoured["is_kept"]) == (quote["id"], True)
    assert honoured["quoted_cost"] == honoured["cost"] == quote["options"][0]["cost"]
    assert honoured["text"] == "as quoted: it can start now in west-k100"
    assert honoured["text_zh"] == "与询价一致：可立即在 west-k100 启动"
    terms = park.steel.get(f"/v1/quotes/{quote['id']}").json()
    assert (terms["job_id"], terms["pool"]) == (told["id"], "west-k100")


def test_who_takes_a_quote_goes_before_who_came_after_it(park: Served) -> None:
    with full_west(park, park.fish):
        quote = quoted(park.steel, device=[KIND])
        later = submitted(park.steel, device=[KIND])

        earlier = taken(park.steel, quote["id"], device=[KIND])["id"]

        def place(job_id: str) -> int | None:
            position: int | None = park.steel.get(f"/v1/jobs/{job_id}").json()["position"]
            return position

        await_that(lambda: place(earlier) is not None and place(later) == 2)
        assert place(earlier) == 1
        for job_id in (earlier, later):
            park.steel.post(f"/v1/jobs/{job_id}:cancel")


def test_who_comes_too_late_for_the_start_is_told_so(park: Served) -> None:
    quote = quoted(park.steel, device=[KIND])
    with full_west(park, park.operator):
        told = taken(park.steel, quote["id"], device=[KIND])

        honoured = told["quote"]
        assert honoured["is_kept"] is False
        assert honoured["start_ms"] > honoured["quoted_start_ms"] + 3_600_000
        assert honoured["text"].startswith("no longer as quoted (about ")
        assert "): it starts about " in honoured["text"]
        assert honoured["text_zh"].startswith("与询价不同")
        park.steel.post(f"/v1/jobs/{told['id']}:cancel")


def test_a_quote_is_for_the_job_that_was_asked_about(park: Served) -> None:
    quote = quoted(park.steel, device=[KIND], limit="1h")
    other = job(device=[KIND], limit="2h", devices=2, quote_id=quote["id"])

    refused = problem_of(park.steel.post("/v1/jobs", json=other), 422)

    errors = {error["field"]: error["problem"] for error in refused["errors"]}
    assert errors == {
        "devices": "1 was quoted, and not 2",
        "limit": "1h was quoted, and not 2h",
    }
    assert refused["detail"] == f"quote {quote['id']} is for another job: not for devices, limit"
    what_runs = {"command": "sleep 1", "name": "else", "env": {"A": "b"}}
    assert taken(park.steel, quote["id"], device=[KIND], limit="1h", **what_runs)


def test_a_quote_is_for_the_tenant_that_was_asked_for(park: Served) -> None:
    quote = quoted(park.operator, tenant="fish")
    wanted = job(tenant="steel", quote_id=quote["id"])

    refused = problem_of(park.operator.post("/v1/jobs", json=wanted), 422)

    assert [error["field"] for error in refused["errors"]] == ["tenant"]
    assert taken(park.fish, quote["id"])["tenant"] == "fish"


def test_another_tenants_quote_does_not_exist(park: Served) -> None:
    quote_id = quoted(park.fish)["id"]

    refused = problem_of(park.steel.post("/v1/jobs", json=job(quote_id=quote_id)), 422)
    nothing = problem_of(park.steel.post("/v1/jobs", json=job(quote_id="jnone")), 422)

    assert refused["detail"] == f"there is no quote {quote_id}"
    assert nothing["detail"] == "there is no quote jnone"
    assert refused["errors"][0]["fix"] == "ask for a new quote, or submit without quote_id"
    problem_of(park.steel.get(f"/v1/quotes/{quote_id}"), 404)
    assert park.operator.get(f"/v1/quotes/{quote_id}").json()["tenant"] == "fish"


def test_a_quote_is_good_for_some_minutes(park: Served) -> None:
    quote = quoted(park.steel)
    wanted = job(quote_id=quote["id"])

    refused = problem_of(after(park, VALID_MS).post("/v1/jobs", json=wanted), 409)

    assert refused["detail"].startswith(f"quote {quote['id']} was good until 20")
    assert refused["detail"].endswith(": ask for a new quote, or submit without quote_id")
    answer = after(park, VALID_MS - 60_000).post("/v1/jobs", json=wanted)
    assert answer.status_code == 201


def test_one_job_takes_a_quote_and_the_same_again_is_once(park: Served) -> None:
    quote = quoted(park.steel)
    wanted, headers = job(quote_id=quote["id"]), {"Idempotency-Key": "takes-a-quote"}

    def post(client: TestClient) -> Response:
        return client.post("/v1/jobs", json=wanted, headers=headers)

    first, again, late = (post(one) for one in (park.steel, park.steel, after(park, VALID_MS)))

    assert first.status_code == 201
    assert first.json() == again.json() == late.json()
    refused = problem_of(park.steel.post("/v1/jobs", json=wanted), 409)
    assert refused["detail"].startswith(f"job {quote['id']} has taken quote {quote['id']} already")


def test_a_refused_job_leaves_its_quote_to_be_taken(park: Served) -> None:
    quote = quoted(park.steel)
    wanted = job(quote_id=quote["id"], archive="0" * 64)
    problem_of(park.steel.post("/v1/jobs", json=wanted), 422)

    assert taken(park.steel, quote["id"])["id"] == quote["id"]


def test_tasks_of_an_array_are_as_old_as_their_quote(park: Served) -> None:
    quote = quoted(park.steel, array="0-1")

    first = taken(park.steel, quote["id"], array="0-1")

    array_id = first["array"]["id"]
    tasks = park.steel.get("/v1/jobs", params={"array": array_id}).json()["items"]
    assert [task["submitted_at_ms"] for task in tasks] == [quote["at_ms"]] * 2
    assert park.steel.get(f"/v1/quotes/{quote['id']}").json()["job_id"] == array_id


@pytest.mark.parametrize("is_busy", [True, False])
def test_who_cannot_know_whether_the_start_holds_takes_the_job_all_the_same(
    is_busy: bool,
    park: Served,
) -> None:
    quote = quoted(park.steel)
    client = park.steel if is_busy else steel_of(park, ask=nobody_leads)
    with park.broker.services.questions.admitted("tenant:steel" if is_busy else "nobody"):
        answer = client.post("/v1/jobs", json=job(quote_id=quote["id"]))

    honoured = answer.json()["quote"]
    assert (honoured["is_kept"], honoured["start_ms"]) == (None, None)
    assert "when it starts is known in a moment" in honoured["text"]


def test_a_batch_takes_no_quotes(park: Served) -> None:
    quote = quoted(park.steel)

    answer = park.steel.post("/v1/jobs:batch", json={"jobs": [job(quote_id=quote["id"])]})

    assert (
        "who takes a quote, is submitted by itself"
        in problem_of(answer, 422)["errors"][0]["problem"]
    )
