"""Jobs over HTTP: submitted once, found again, explained, cancelled."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.acceptance.brokers import (
    Served,
    await_state,
    await_that,
    fields_of,
    job,
    problem_of,
    submitted,
)

LONG = "sleep 3600"


def test_a_job_runs_where_its_kind_is_and_is_charged(park: Served) -> None:
    wanted = job(
        command="sleep 36",
        devices=8,
        device=["hygon-k100-ai"],
        limit="1h",
        project="charged",
        env={"B": "2", "A": "1"},
        checkpoint={"dir": "ckpt", "signal": "SIGUSR1", "grace": "5s"},
    )

    answer = park.steel.post("/v1/jobs", json=wanted)

    assert answer.status_code == 201
    job_id = answer.json()["id"]
    assert answer.headers["location"] == f"/v1/jobs/{job_id}"
    running = await_state(park.steel, job_id, "running")
    assert {name: running["spec"][name] for name in wanted} == wanted
    assert [attempt["centre"] for attempt in running["attempts"]] == ["west"]
    assert running["attempts"][0]["nodes"] == [{"node_id": "west-k100-n001", "card_count": 8}]
    park.steel.post(f"/v1/jobs/{job_id}:cancel")
    ended = await_state(park.steel, job_id, "cancelled")
    assert ended["attempts"][0]["cause"] == "cancelled"
    line = next(
        line for line in park.steel.get("/v1/usage").json()["lines"] if line["project"] == "charged"
    )
    ran_ms = ended["ended_at_ms"] - ended["started_at_ms"]
    assert (line["centre"], line["device_ms"], line["price"]) == ("west", 8 * ran_ms, "2.80")


def test_a_job_as_it_is_shown_can_be_submitted_again(park: Served) -> None:
    shown = park.steel.get(f"/v1/jobs/{submitted(park.steel, limit='1h30m')}").json()["spec"]

    again = park.steel.post("/v1/jobs", json=shown)

    assert again.status_code == 201
    assert again.json()["spec"] == shown


def test_the_same_create_sent_again_is_one_job(park: Served) -> None:
    headers = {"Idempotency-Key": "once"}
    first = park.steel.post("/v1/jobs", json=job(name="once"), headers=headers)

    again = park.steel.post("/v1/jobs", json=job(name="once"), headers=headers)

    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["location"] == first.headers["location"]
    names = [item["spec"]["name"] for item in every(park, limit=500)]
    assert names.count("once") == 1


def test_one_idempotency_key_for_two_different_jobs_is_refused(park: Served) -> None:
    headers = {"Idempotency-Key": "twice"}
    park.steel.post("/v1/jobs", json=job(), headers=headers)

    other = park.steel.post("/v1/jobs", json=job(devices=2), headers=headers)

    assert "twice" in problem_of(other, 422)["detail"]


def test_creates_sent_at_the_same_moment_are_one_job(park: Served) -> None:
    def create(_: int) -> str:
        answer = park.steel.post(
            "/v1/jobs", json=job(name="race"), headers={"Idempotency-Key": "race"}
        )
        job_id: str = answer.json()["id"]
        return job_id

    with ThreadPoolExecutor(6) as pool:
        ids = set(pool.map(create, range(12)))

    assert len(ids) == 1


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 201, "schlüssel"])
def test_an_idempotency_key_is_printable_and_short(key: str, park: Served) -> None:
    headers = [(b"Idempotency-Key", key.encode())]

    answer = park.steel.post("/v1/jobs", json=job(), headers=headers)

    assert fields_of(problem_of(answer, 422)) == ["Idempotency-Key"]


def test_a_batch_keeps_its_order(park: Served) -> None:
    batch = {"jobs": [job(name=f"part {number}", project="batch") for number in range(20)]}

    answer = park.steel.post("/v1/jobs:batch", json=batch, headers={"Idempotency-Key": "b"})

    assert answer.status_code == 201
    ids = [item["id"] for item in answer.json()["items"]]
    listed = every(park, project="batch")
    assert [item["id"] for item in reversed(listed)] == ids
    assert [item["spec"]["name"] for item in reversed(listed)] == [
        one["name"] for one in batch["jobs"]
    ]
    again = park.steel.post("/v1/jobs:batch", json=batch, headers={"Idempotency-Key": "b"})
    assert again.json() == answer.json()


def test_a_batch_with_one_impossible_job_queues_none(park: Served) -> None:
    batch = {"jobs": [job(project="none"), job(project="none", devices=17)]}

    answer = park.steel.post("/v1/jobs:batch", json=batch)

    problem = problem_of(answer, 422)
    assert problem["detail"].startswith("job 2 of 2 could never run: ")
    assert problem["detail_zh"].startswith("第 2 个作业（共 2 个）无法运行：")
    assert every(park, project="none") == []


def test_a_job_says_whether_it_must_be_in_one_rack(park: Served) -> None:
    """One node is in one rack, also where the pool has none; there is nothing between."""
    job_id = submitted(park.steel, topology="rack")

    assert park.steel.get(f"/v1/jobs/{job_id}").json()["spec"]["topology"] == "rack"
    problem = problem_of(park.steel.post("/v1/jobs", json=job(topology="shelf")), 422)
    assert problem["errors"][0]["field"] == "topology"


def test_a_job_too_big_for_any_centre_is_refused_with_the_numbers(park: Served) -> None:
    answer = park.steel.post("/v1/jobs", json=job(devices=20))

    problem = problem_of(answer, 422)
    by_pool = {reason["where"]: reason for reason in problem["reasons"]}
    assert by_pool["east-910b3"]["code"] == "too_big"
    assert (by_pool["east-910b3"]["need"], by_pool["east-910b3"]["free"]) == (20, 16)
    assert by_pool["east-910b3"]["gap"] == 4
    assert "20 张卡" in by_pool["west-k100"]["text_zh"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"device": ["abacus"]}, "unknown_device"),
        ({"centres": ["moon"]}, "unknown_centre"),
        ({"field": "alchemy"}, "unknown_field"),
        ({"devices": 9, "nodes": 2}, "uneven_gang"),
        ({"devices": 16, "device": ["ascend-910b3"], "topology": "rack"}, "no_rack"),
        ({"devices": 25}, "tenant_quota"),
    ],
)
def test_what_the_park_does_not_know_is_named(
    changes: dict[str, Any], code: str, park: Served
) -> None:
    answer = park.steel.post("/v1/jobs", json=job(**changes))

    assert code in {reason["code"] for reason in problem_of(answer, 422)["reasons"]}


def test_a_waiting_job_says_why_in_both_languages(park: Served) -> None:
    first = submitted(park.fish, command=LONG, devices=8, device=["hygon-k100-ai"], limit="2h")
    await_state(park.fish, first, "running")
    second = submitted(park.fish, command=LONG, devices=4, device=["hygon-k100-ai"], limit="1h")

    await_that(lambda: park.fish.get(f"/v1/jobs/{second}/explain").json()["reasons"])

    answer = park.fish.get(f"/v1/jobs/{second}/explain").json()
    assert answer["state"] == "queued"
    assert answer["position"] == 1
    assert answer["reasons"][0]["code"] == "devices_busy"
    assert "needs 4 cards in west-k100: 0 free, 4 short" in answer["summary"]
    assert "需要 4 张卡" in answer["summary_zh"]
    assert answer["planned_start_ms"] is not None
    assert (answer["planned_pool"], answer["is_start_promised"]) == ("west-k100", True)
    for job_id in (second, first):
        assert park.fish.post(f"/v1/jobs/{job_id}:cancel").status_code == 200


def test_a_running_job_says_where_it_went_and_why(park: Served) -> None:
    kinds = ["hygon-k100-ai", "ascend-910b3"]
    job_id = submitted(park.fish, command=LONG, devices=2, device=kinds)
    await_state(park.fish, job_id, "running")

    answer = park.fish.get(f"/v1/jobs/{job_id}/explain").json()

    assert "runs in west" in answer["summary"]
    assert "first choice" in answer["summary"]
    park.fish.post(f"/v1/jobs/{job_id}:cancel")


def test_a_tenant_without_money_waits_for_funds(park: Served) -> None:
    job_id = submitted(park.poor, limit="1h")
    await_that(lambda: park.poor.get(f"/v1/jobs/{job_id}").json()["reasons"])

    reason = park.poor.get(f"/v1/jobs/{job_id}").json()["reasons"][0]

    assert reason["code"] == "funds"
    assert "a hold of 3.50 CNY" in reason["text"]
    paid = park.finance.post(
        "/v1/tenants/poor:top-up", json={"amount": "100.00", "reference": "poor-1"}
    )
    assert paid.status_code == 200
    await_state(park.poor, job_id, "succeeded")


def test_a_running_job_is_cancelled_and_stays_so(park: Served) -> None:
    job_id = submitted(park.steel, command=LONG, retries=5)
    await_state(park.steel, job_id, "running")

    answer = park.steel.post(f"/v1/jobs/{job_id}:cancel")

    assert answer.status_code == 200
    assert await_state(park.steel, job_id, "cancelled")["end_cause"] == "cancelled"
    again = park.steel.post(f"/v1/jobs/{job_id}:cancel")
    assert (again.status_code, again.json()["state"]) == (200, "cancelled")


def test_what_is_over_cannot_be_cancelled(park: Served) -> None:
    job_id = submitted(park.steel)
    await_state(park.steel, job_id, "succeeded")

    answer = park.steel.post(f"/v1/jobs/{job_id}:cancel")

    assert "succeeded" in problem_of(answer, 409)["detail"]


def test_pages_show_each_job_once_newest_first(park: Served) -> None:
    batch = {"jobs": [job(project="pages") for _ in range(11)]}
    ids = [item["id"] for item in park.steel.post("/v1/jobs:batch", json=batch).json()["items"]]

    seen: list[str] = []
    cursor: str | None = None
    sizes = []
    while True:
        parameters: dict[str, str | int] = {"project": "pages", "limit": 4}
        if cursor:
            parameters["cursor"] = cursor
        page = park.steel.get("/v1/jobs", params=parameters).json()
        seen += [item["id"] for item in page["items"]]
        sizes.append(len(page["items"]))
        cursor = page["next"]
        # What arrives meanwhile is newer than every page to come.
        submitted(park.steel, project="pages")
        if cursor is None:
            break

    assert seen == sorted(ids, reverse=True)
    assert sizes == [4, 4, 3]


def test_a_list_is_narrowed_by_state(park: Served) -> None:
    done = submitted(park.steel, project="states")
    await_state(park.steel, done, "succeeded")
    runs = submitted(park.steel, project="states", command=LONG)
    await_state(park.steel, runs, "running")

    def ids(*states: str) -> list[str]:
        return [one["id"] for one in every(park, project="states", state=list(states))]

    assert ids("succeeded") == [done]
    assert ids("running") == [runs]
    assert ids("running", "succeeded") == [runs, done]
    assert ids("failed") == []
    park.steel.post(f"/v1/jobs/{runs}:cancel")


def test_an_operator_submits_for_a_tenant_and_sees_all(park: Served) -> None:
    answer = park.operator.post("/v1/jobs", json=job(tenant="fish", project="for"))

    assert answer.status_code == 201
    job_id = answer.json()["id"]
    assert park.fish.get(f"/v1/jobs/{job_id}").status_code == 200
    listed = park.operator.get("/v1/jobs", params={"project": "for"}).json()["items"]
    assert [one["tenant"] for one in listed] == ["fish"]
    assert park.steel.get("/v1/jobs", params={"project": "for"}).json()["items"] == []


def test_an_operator_must_say_for_whom(park: Served) -> None:
    assert fields_of(problem_of(park.operator.post("/v1/jobs", json=job()), 422)) == ["tenant"]


def test_a_tenant_submits_for_itself_alone(park: Served) -> None:
    assert park.steel.post("/v1/jobs", json=job(tenant="steel")).status_code == 201
    problem_of(park.steel.post("/v1/jobs", json=job(tenant="fish")), 403)


def every(park: Served, **parameters: Any) -> Sequence[dict[str, Any]]:
    page = park.steel.get("/v1/jobs", params={"limit": 500, **parameters}).json()
    assert page["next"] is None
    items: list[dict[str, Any]] = page["items"]
    return items
