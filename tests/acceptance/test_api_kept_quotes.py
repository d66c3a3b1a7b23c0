"""Quotes that are kept: what their jobs would get is theirs for some minutes, and nobody else's."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from scheduler.facts.quotes import KeptQuotes
from tests.acceptance.brokers import Served, await_state, await_that, job, problem_of, submitted

WORDS = {"device": ["hygon-k100-ai"], "devices": 8}
VALID_MS = 300_000


def keep(client: TestClient, key: str | None = None, **changes: Any) -> Response:
    headers = {"Idempotency-Key": key} if key else {}
    body = job(**(WORDS | changes), keep=True)
    return client.post("/v1/quotes", json=body, headers=headers)


def reasons(client: TestClient, job_id: str) -> list[str]:
    told = client.get(f"/v1/jobs/{job_id}/explain").json()["reasons"]
    return [reason["code"] for reason in told]


def quotes_of(park: Served) -> KeptQuotes:
    found: KeptQuotes | None = park.broker.services.ask(lambda state, _, __: state.quotes)
    assert found is not None
    return found


@pytest.fixture(autouse=True)
def _no_pause(park: Served) -> Iterator[None]:
    """What one test keeps makes no other wait for an hour."""
    yield
    for client in (park.steel, park.fish):
        for item in client.get("/v1/jobs", params={"state": "queued"}).json()["items"]:
            client.post(f"/v1/jobs/{item['id']}:cancel")
    quotes_of(park).pauses.clear()


def test_what_is_kept_nobody_else_gets_and_who_takes_it_starts_at_once(park: Served) -> None:
    quote = keep(park.steel, limit="1h").json()
    assert quote["is_kept"] is True
    assert quote["expires_at_ms"] == quote["at_ms"] + VALID_MS
    late = submitted(park.fish, **WORDS)
    await_that(lambda: reasons(park.fish, late) == ["devices_busy"])

    taken = park.steel.post("/v1/jobs", json=job(**WORDS, limit="1h", quote_id=quote["id"])).json()

    assert taken["id"] == quote["id"]
    assert taken["quote"]["text"] == "as quoted: it can start now in west-k100"
    await_state(park.steel, taken["id"], "succeeded")
    await_state(park.fish, late, "succeeded")
    terms = park.steel.get(f"/v1/quotes/{quote['id']}").json()
    assert (terms["is_kept"], terms["job_id"]) == (True, quote["id"])
    assert listed(park.steel) == []
    problem_of(park.steel.delete(f"/v1/quotes/{quote['id']}"), 409)


def listed(who: TestClient) -> list[str]:
    return [one["id"] for one in who.get("/v1/quotes").json()["items"]]


def test_what_is_given_up_is_free_for_others(park: Served) -> None:
    quote_id = keep(park.steel).json()["id"]
    late = submitted(park.fish, **WORDS)
    await_that(lambda: reasons(park.fish, late) == ["devices_busy"])
    assert listed(park.steel) == listed(park.operator) == [quote_id]
    assert listed(park.fish) == []

    problem_of(park.fish.delete(f"/v1/quotes/{quote_id}"), 404)
    first, again = (park.steel.delete(f"/v1/quotes/{quote_id}") for _ in range(2))

    assert (first.status_code, again.status_code) == (204, 204)
    assert listed(park.steel) == []
    await_state(park.fish, late, "succeeded")


def test_of_a_tenant_one_is_kept_at_a_time_and_the_next_not_at_once(park: Served) -> None:
    quote_id = keep(park.steel).json()["id"]

    refused = problem_of(keep(park.steel), 409)
    park.steel.delete(f"/v1/quotes/{quote_id}")
    soon = problem_of(keep(park.steel), 409)

    assert refused["detail"].startswith(f"quote {quote_id} is kept for tenant steel until 20")
    way_out = f": submit its job with it, or give it up (brain quote --drop {quote_id})"
    assert refused["detail"].endswith(way_out)
    assert refused["detail_zh"].endswith(
        f"请用它提交作业，或放弃它（brain quote --drop {quote_id}）"
    )
    assert soon["detail"].startswith("a quote was kept for tenant steel a while ago: the next may")
    other = keep(park.fish)
    assert park.fish.delete(f"/v1/quotes/{other.json()['id']}").status_code == 204
    assert park.steel.post("/v1/quotes", json=job(**WORDS)).status_code == 200


def test_a_kept_quote_that_is_asked_for_again_is_the_same(park: Served) -> None:
    first, again = (keep(park.steel, "keeps-once") for _ in range(2))

    assert first.json() == again.json()
    assert len(quotes_of(park)) == 1
    problem_of(keep(park.steel, "keeps-once", devices=4), 422)
    park.steel.delete(f"/v1/quotes/{first.json()['id']}")


def test_a_quote_is_kept_no_longer_than_its_job_may_run(park: Served) -> None:
    quote = keep(park.steel, limit="1s").json()

    assert quote["expires_at_ms"] == quote["at_ms"] + 1_000
    await_that(lambda: len(quotes_of(park)) == 0)
    refused = problem_of(park.steel.delete(f"/v1/quotes/{quote['id']}"), 409)
    assert refused["detail"] == f"quote {quote['id']} is not kept, or no longer"


@pytest.mark.parametrize("more", [{"array": "0-1"}, {"after": ["j1"]}, {"after_any": ["j1"]}])
def test_what_is_no_job_by_itself_is_not_kept(more: dict[str, Any], park: Served) -> None:
    refused = problem_of(keep(park.steel, **more), 422)

    assert [error["field"] for error in refused["errors"]] == [*more]
