"""What a job would meet, over HTTP: when, where, for how much; and nothing is submitted."""

from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.questions import QUESTIONS_MAX
from api.services import nobody_leads
from tests.acceptance.brokers import Served, await_state, await_that, job, problem_of, submitted

BOTH = ["hygon-k100-ai", "ascend-910b3"]


def quote(park: Served, **changes: Any) -> dict[str, Any]:
    answer = park.steel.post("/v1/quotes", json=job(**changes))
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


@pytest.fixture(scope="module")
def busy(park: Served) -> str:
    """Of the 8 cards of the west another tenant has 6 for two hours."""
    words = {"command": "sleep 7200", "limit": "2h", "device": BOTH[:1]}
    job_id = submitted(park.fish, devices=6, **words)
    await_state(park.fish, job_id, "running")
    return job_id


def test_a_quote_tells_each_pool_and_submits_nothing(park: Served, busy: str) -> None:
    before = park.operator.get("/v1/jobs").json()["items"]

    told = quote(park, devices=4, device=BOTH, limit="90m")

    now, later = told["options"]
    assert told["tenant"] == "steel"
    assert (now["pool"], now["device"], now["reasons"]) == ("east-910b3", "ascend-910b3", [])
    assert now["start_ms"] == pytest.approx(told["at_ms"], abs=2_000)
    assert now["end_ms"] - now["start_ms"] == 5_400_000
    assert (now["cost"], later["cost"]) == ("21.00", "16.80")
    started_ms = park.operator.get(f"/v1/jobs/{busy}").json()["started_at_ms"]
    assert (later["pool"], later["start_ms"]) == ("west-k100", started_ms + 7_200_000)
    assert [reason["code"] for reason in later["reasons"]] == ["devices_busy"]
    assert told["summary"] == (
        "it would start now in east-910b3; 21.00 yuan to its limit, at today's price"
    )
    assert told["summary_zh"] == "可立即在 east-910b3 启动；按当前价格运行到时限为 21.00 元"
    assert park.operator.get("/v1/jobs").json()["items"] == before


def test_a_quote_tells_no_tenant_of_the_jobs_of_others(park: Served, busy: str) -> None:
    ahead = submitted(park.fish, devices=8, device=BOTH[:1], limit="1h", command="sleep 1")
    await_that(lambda: park.fish.get(f"/v1/jobs/{ahead}/explain").json()["reasons"])
    wanted = job(devices=1, device=BOTH[:1], limit="3h", priority="low")

    (west,) = quote(park, **wanted)["options"]
    seen = park.operator.post("/v1/quotes", json=wanted | {"tenant": "steel"}).text

    assert [reason["code"] for reason in west["reasons"]] == ["reserved"]
    assert west["start_ms"] is not None
    assert ahead in seen
    assert ahead not in str(west)
    assert busy not in str(west)
    park.fish.post(f"/v1/jobs/{ahead}:cancel")


def test_what_could_never_run_is_refused_as_at_its_submission(park: Served) -> None:
    wanted = job(devices=25)

    quoted = problem_of(park.steel.post("/v1/quotes", json=wanted), 422)

    assert quoted == problem_of(park.steel.post("/v1/jobs", json=wanted), 422)


def test_an_operator_asks_for_a_tenant(park: Served) -> None:
    problem_of(park.operator.post("/v1/quotes", json=job()), 422)

    answer = park.operator.post("/v1/quotes", json=job(tenant="fish"))

    assert answer.json()["tenant"] == "fish"


def test_who_does_not_lead_names_who_does(park: Served) -> None:
    services = replace(park.broker.services, ask=nobody_leads)
    headers = {"Authorization": f"Bearer {park.keys['steel']}"}
    follower = TestClient(create_app(services), headers=headers, follow_redirects=False)

    problem_of(follower.post("/v1/quotes", json=job()), 503)  # it is the leader's own address
    other = replace(services, settings=services.settings.model_copy(update={"url": "http://me"}))
    follower = TestClient(create_app(other), headers=headers, follow_redirects=False)
    answer = follower.post("/v1/quotes", json=job())

    assert answer.status_code == 307
    assert answer.headers["location"] == f"{services.settings.url}/v1/quotes"


def test_who_asks_while_too_many_do_is_to_come_again(park: Served) -> None:
    def too_many(_: object) -> None:
        raise TimeoutError

    services = replace(park.broker.services, ask=too_many)
    headers = {"Authorization": f"Bearer {park.keys['steel']}"}

    answer = TestClient(create_app(services), headers=headers).post("/v1/quotes", json=job())

    problem_of(answer, 503)
    assert answer.headers["retry-after"] == "1"


@pytest.mark.usefixtures("busy")
def test_a_waiting_job_is_told_what_would_be_sooner(park: Served) -> None:
    job_id = submitted(park.steel, devices=4, device=BOTH[:1], limit="90m", name="waits")
    await_that(lambda: park.steel.get(f"/v1/jobs/{job_id}/explain").json()["reasons"])

    told = park.steel.get(f"/v1/jobs/{job_id}/alternatives").json()

    items = {item["change"]: item for item in told["items"]}
    assert (items["cards"]["value"], items["cards"]["text"]) == (
        "2",
        "2 cards instead of 4: now in west-k100",
    )
    assert items["cards"]["cost"] == "8.40"
    assert items["cards"]["text_zh"] == "4 张卡改为 2 张卡：可立即启动（west-k100）"
    assert items["place"]["value"] == "east-910b3"
    assert items["place"]["text"] == "ascend-910b3 in east as well: now in east-910b3"
    assert park.steel.get(f"/v1/jobs/{job_id}").json()["spec"]["devices"] == 4, "as it was"
    park.steel.post(f"/v1/jobs/{job_id}:cancel")


@pytest.mark.usefixtures("busy")
def test_a_waiting_job_is_told_where_it_stands_and_who_holds_what(park: Served) -> None:
    job_id = submitted(park.steel, devices=4, device=BOTH[:1], limit="90m", name="stands")
    await_that(lambda: park.steel.get(f"/v1/jobs/{job_id}/explain").json()["reasons"])

    told = park.steel.get(f"/v1/jobs/{job_id}/standing").json()

    assert (told["job_id"], told["position"], told["ahead_yours"]) == (job_id, 1, 0)
    assert told["waiting"] >= 1
    terms = {term["name"]: term for term in told["terms"]}
    assert list(terms) == ["nominal_quota", "priority", "fair_share", "due"]
    assert (terms["nominal_quota"]["value"], terms["priority"]["value"]) == ("none", "normal")
    assert "for a weight of 100: place" in terms["fair_share"]["text"]
    assert "权重 100" in terms["fair_share"]["text_zh"]
    (west,) = told["pools"]
    assert (west["pool"], west["cards"], west["free"], west["yours"]) == ("west-k100", 8, 2, 0)
    assert (west["down"], west["others"]) == (0, {"standard": 6})
    assert [reason["code"] for reason in west["reasons"]] == ["devices_busy"]
    problem_of(park.fish.get(f"/v1/jobs/{job_id}/standing"), 404)
    with park.broker.services.questions.admitted("tenant:steel"):
        briefly = park.steel.get(f"/v1/jobs/{job_id}/explain").json()
    assert briefly["reasons"]
    assert briefly["standing"] is None, "another question of its own is being answered"
    park.steel.post(f"/v1/jobs/{job_id}:cancel")


@pytest.mark.usefixtures("busy")
def test_of_one_that_waits_all_that_is_in_the_way_is_told(park: Served) -> None:
    path = f"/v1/jobs/{submitted(park.poor, devices=4, device=BOTH[:1], limit='90m')}"
    await_that(lambda: park.poor.get(path).json()["reasons"])

    first = park.poor.get(path).json()["reasons"]
    told = park.poor.get(f"{path}/explain").json()
    with ExitStack() as asking:
        for other in range(QUESTIONS_MAX):
            asking.enter_context(park.broker.services.questions.admitted(f"other {other}"))
        busy = park.poor.get(f"{path}/explain").json()
    over = park.poor.post(f"{path}:cancel").json()

    assert [one["code"] for one in first] == ["funds"]
    funds, cards = told["reasons"]
    assert (funds["code"], funds["unit"], funds["gap"]) == ("funds", "micro-yuan", 16_800_000)
    assert (cards["code"], cards["need"], cards["free"], cards["gap"]) == ("devices_busy", 4, 2, 2)
    (west,) = told["standing"]["pools"]
    assert west["reasons"] == told["reasons"]
    assert (busy["reasons"], busy["standing"]) == (first, None)
    assert over["state"] == "cancelled"
    assert park.poor.get(f"{path}/explain").json()["standing"] is None


def test_only_what_waits_has_a_standing(park: Served, busy: str) -> None:
    problem = problem_of(park.fish.get(f"/v1/jobs/{busy}/standing"), 409)

    assert problem["detail"] == f"job {busy} does not wait: it is running"


def test_only_what_waits_has_alternatives(park: Served, busy: str) -> None:
    problem = problem_of(park.fish.get(f"/v1/jobs/{busy}/alternatives"), 409)

    assert problem["detail"] == f"job {busy} does not wait: it is running"


def test_who_asks_twice_at_once_is_to_come_again(park: Served) -> None:
    with park.broker.services.questions.admitted("tenant:steel"):
        answer = park.steel.post("/v1/quotes", json=job())
        other = park.fish.post("/v1/quotes", json=job())

    problem_of(answer, 429)
    assert answer.headers["retry-after"] == "1"
    assert other.status_code == 200
    assert park.steel.post("/v1/quotes", json=job()).status_code == 200


def test_few_ask_at_once(park: Served) -> None:
    questions = park.broker.services.questions
    with ExitStack() as stack:
        for number in range(QUESTIONS_MAX):
            stack.enter_context(questions.admitted(str(number)))
        problem_of(park.steel.post("/v1/quotes", json=job()), 429)
