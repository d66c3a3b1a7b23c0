"""Machines, tenants, prices and metrics over HTTP."""

from typing import Any

import pytest
from sqlalchemy import insert

from api.clock import now_ms
from api.logs import Piece, append
from api.routes import capacity as capacity_route
from api.routes import logs
from scheduler.storage.tables import UtilisationRow
from tests.acceptance.brokers import (
    PARK,
    Served,
    await_state,
    await_that,
    capacity,
    fields_of,
    job,
    problem_of,
    submitted,
)
from tests.acceptance.promtool import promtool

HOUR_MS = 3_600_000
TENANT = {
    "name": "新企业",
    "field": "ocean",
    "price_class": "standard",
    "max_cards": 4,
    "credit_limit": "500.00",
}


def test_capacity_is_told_at_each_level_in_cards_and_in_tflops(park: Served) -> None:
    job_id = submitted(park.steel, command="sleep 3600", devices=4, device=["ascend-910b3"])
    await_state(park.steel, job_id, "running")

    await_that(lambda: capacity(park)["allocated_tflops"] == 4 * 313)

    now = capacity(park)
    east, west = now["centres"]
    assert (now["park"], now["is_logical"], now["note"]) == ("small", True, "for tests")
    assert now["stated_tflops"] == now["registered_tflops"] == 16 * 313 + 8 * 200
    assert now["running_jobs"] == 1
    assert east["is_heard"]
    assert east["heard_at_ms"] <= now["at_ms"]
    assert east["pools"] == [
        {
            "id": "east-910b3",
            "device": "ascend-910b3",
            "unit": "card",
            "tflops": 313,
            "nodes": 2,
            "registered_cards": 16,
            "online_cards": 16,
            "schedulable_cards": 16,
            "allocated_cards": 4,
            "drained_nodes": 0,
            "hours": [],
        }
    ]
    assert west["allocated_tflops"] == 0
    listed = park.steel.get("/v1/centres").json()["items"]
    assert [centre["pools"] for centre in listed] == [east["pools"], west["pools"]]
    park.steel.post(f"/v1/jobs/{job_id}:cancel")


def test_a_node_that_is_down_is_not_online(park: Served) -> None:
    park.centres["west"].lose_node("west-k100-n001", 1_000)

    await_that(lambda: online(park) == {"east-910b3-n001", "east-910b3-n002"})

    assert capacity(park)["online_tflops"] == 16 * 313
    await_that(lambda: len(online(park)) == 3)


def online(park: Served) -> set[str]:
    nodes = park.steel.get("/v1/nodes").json()["items"]
    assert [node["id"] for node in nodes] == list(PARK.node_by_id)
    return {node["id"] for node in nodes if node["is_online"]}


def test_nodes_are_narrowed_by_centre_and_pool(park: Served) -> None:
    def ids(**parameters: str) -> list[str]:
        nodes = park.steel.get("/v1/nodes", params=parameters).json()["items"]
        return [node["id"] for node in nodes]

    assert ids(centre="west") == ["west-k100-n001"]
    assert ids(pool="east-910b3") == ["east-910b3-n001", "east-910b3-n002"]
    assert ids(centre="west", pool="east-910b3") == []


def test_utilisation_is_averaged_over_time_and_its_peak_is_dated(park: Served) -> None:
    begin_ms = HOUR_MS  # long before anything else in this park
    rows = [
        # online, schedulable (the centre is silent at the end, and its jobs go on), allocated
        ("east-910b3", "east", begin_ms, 313, 16, 16, 0),
        ("east-910b3", "east", begin_ms + HOUR_MS, 313, 16, 16, 8),
        ("east-910b3", "east", begin_ms + 2 * HOUR_MS, 313, 16, 0, 12),
        ("west-k100", "west", begin_ms, 200, 8, 8, 8),
    ]
    with park.broker.services.database.begin() as connection:
        connection.execute(insert(UtilisationRow), [load(*row) for row in rows])

    window = {"from_ms": begin_ms, "to_ms": begin_ms + 3 * HOUR_MS}
    view = park.steel.get("/v1/utilisation", params=window).json()

    assert view["average_bp"]["east"] == round(10_000 * (8 + 12) / (3 * 16))
    assert view["average_bp"]["west"] == 10_000
    east, west = 313 * (8 + 12), 200 * 8 * 3
    assert view["average_bp"]["park"] == round(
        10_000 * (east + west) / (313 * 3 * 16 + 200 * 3 * 8)
    )
    assert view["peak_bp"]["east"] == 10_000 * 12 / 16
    assert view["peak_at_ms"]["east"] == begin_ms + 2 * HOUR_MS
    assert [
        (point["at_ms"], point["allocated_tflops"], point["online_tflops"])
        for point in view["points"]
        if point["centre"] == "east"
    ] == [
        (begin_ms, 0, 16 * 313),
        (begin_ms + HOUR_MS, 8 * 313, 16 * 313),
        (begin_ms + 2 * HOUR_MS, 12 * 313, 16 * 313),
    ]


def test_a_window_with_many_changes_is_told_in_steps(
    park: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin_ms = 100 * HOUR_MS
    rows = [
        load("east-910b3", "east", begin_ms + 1_000 * second, 313, 16, 16, second % 2)
        for second in range(600)
    ]
    # How the pool stood before the window, whatever another test wrote still earlier.
    rows.append(load("east-910b3", "east", begin_ms - HOUR_MS, 313, 16, 16, 8))
    with park.broker.services.database.begin() as connection:
        connection.execute(insert(UtilisationRow), rows)
    window = {"from_ms": begin_ms, "to_ms": begin_ms + 600_000}

    exact = park.steel.get("/v1/utilisation", params=window).json()
    monkeypatch.setattr(capacity_route, "CHANGES_MAX", 100)
    coarse = park.steel.get("/v1/utilisation", params=window).json()

    def at_ms(view: dict[str, Any]) -> list[int]:
        return [point["at_ms"] for point in view["points"] if point["centre"] == "east"]

    assert (exact["step_ms"], exact["average_bp"]["east"]) == (1, 313)
    assert coarse["step_ms"] == 12_000
    assert len(at_ms(exact)) > 400
    assert at_ms(coarse) == [begin_ms, *range(begin_ms + 11_000, begin_ms + 600_000, 12_000)]


def test_a_window_that_is_too_long_is_refused_with_one_that_is_not(park: Served) -> None:
    refused = problem_of(park.steel.get("/v1/utilisation", params={"from_ms": 0}), 422)

    assert "100 days" in refused["detail"]
    fix = refused["errors"][0]["fix"]
    from_ms = int(fix.split()[1])
    window = {"from_ms": from_ms, "to_ms": from_ms + 100 * 86_400_000}
    assert park.steel.get("/v1/utilisation", params=window).status_code == 200


def load(  # noqa: PLR0913, PLR0917 - the columns of a row
    pool: str, centre: str, at_ms: int, tflops: int, online: int, usable: int, used: int
) -> dict[str, Any]:
    return {
        "pool_id": pool,
        "centre_id": centre,
        "at_ms": at_ms,
        "tflops": tflops,
        "registered_cards": online,
        "online_cards": online,
        "schedulable_cards": usable,
        "allocated_cards": used,
    }


def test_a_tenant_is_declared_and_may_use_its_credit(park: Served) -> None:
    made = park.operator.put("/v1/tenants/new", json=TENANT)

    assert made.status_code == 200
    assert made.json()["credit_limit"] == "500.00"
    key = park.operator.post("/v1/keys", json={"role": "tenant", "tenant": "new"}).json()
    headers = {"Authorization": f"Bearer {key['secret']}"}
    accepted = park.nobody.post("/v1/jobs", json=job(limit="10m"), headers=headers).json()
    assert accepted["spec"]["field"] == "ocean"
    await_state(park.operator, accepted["id"], "succeeded")
    too_many = park.nobody.post("/v1/jobs", json=job(devices=5), headers=headers)
    assert problem_of(too_many, 422)["reasons"][0]["code"] == "tenant_quota"
    park.operator.put("/v1/tenants/new", json={**TENANT, "max_cards": 5})
    again = park.nobody.post("/v1/jobs", json=job(devices=5, limit="1m"), headers=headers)
    assert again.status_code == 201


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"field": "alchemy"}, "field"),
        ({"price_class": "royal"}, "price_class"),
        ({"max_cards": -1}, "max_cards"),
        ({"nominal_cards": {"ascend-910b3": 5}}, "nominal_cards"),
        ({"nominal_cards": {"tpu": 1}}, "nominal_cards"),
        ({"nominal_cards": {"ascend-910b3": 0}}, "nominal_cards.ascend-910b3"),
        ({"nominal_cards": {"ascend-910b3": 17}, "max_cards": 24}, "nominal_cards"),
        ({"weight": 0}, "weight"),
        ({"cohort": "nobody"}, "cohort"),
        ({"credit_limit": "1e9"}, "credit_limit"),
        ({"credit_limit": "-5"}, "credit_limit"),
        ({"name": ""}, "name"),
    ],
)
def test_a_tenant_that_makes_no_sense_is_refused(
    changes: dict[str, Any], field: str, park: Served
) -> None:
    answer = park.operator.put("/v1/tenants/odd", json={**TENANT, **changes})

    assert fields_of(problem_of(answer, 422)) == [field]
    problem_of(park.operator.get("/v1/tenants/odd"), 404)


def test_an_owner_is_told_its_nominal_quota_and_others_that_they_would_borrow(
    park: Served,
) -> None:
    nominal = {"ascend-910b3": 16}
    owner = {**TENANT, "max_cards": 16, "nominal_cards": nominal}
    made = park.operator.put("/v1/tenants/owner", json=owner)
    assert made.json()["nominal_cards"] == nominal
    assert park.operator.get("/v1/tenants/owner").json()["nominal_cards"] == nominal
    refused = park.operator.put(
        "/v1/tenants/second", json={**TENANT, "nominal_cards": {"ascend-910b3": 1}}
    )
    assert "are 17 over all tenants, and the park has 16" in problem_of(refused, 422)["detail"]

    quote = park.steel.post("/v1/quotes", json=job(device=["ascend-910b3"])).json()

    assert quote["options"][0]["is_borrowing"] is True
    assert "on borrowed cards, which their owners may take back" in quote["summary"]
    assert "其所有者可随时收回" in quote["summary_zh"]
    park.operator.put("/v1/tenants/owner", json={**owner, "nominal_cards": {}})
    again = park.steel.post("/v1/quotes", json=job(device=["ascend-910b3"])).json()
    assert again["options"][0]["is_borrowing"] is False
    assert "borrowed" not in again["summary"]


def test_a_payment_is_booked_once_for_its_reference(park: Served) -> None:
    payment = {"amount": "12.34", "reference": "bank-1"}
    before = balance(park)

    first = park.finance.post("/v1/tenants/poor:top-up", json=payment)
    again = park.finance.post("/v1/tenants/poor:top-up", json=payment)

    assert first.status_code == 200
    assert "booked already" in problem_of(again, 409)["detail"]
    assert round(balance(park) - before, 6) == 12.34


def test_a_payment_sent_again_gets_the_same_answer(park: Served) -> None:
    payment = {"amount": "1.00", "reference": "bank-2"}
    headers = {"Idempotency-Key": "pay"}
    before = balance(park)

    answers = [
        park.finance.post("/v1/tenants/poor:top-up", json=payment, headers=headers)
        for _ in range(3)
    ]

    assert {answer.status_code for answer in answers} == {200}
    assert round(balance(park) - before, 6) == 1.0


def balance(park: Served) -> float:
    return float(park.finance.get("/v1/tenants/poor").json()["balance"])


def test_a_payment_to_nobody_or_of_nothing_is_refused(park: Served) -> None:
    payment = {"amount": "1.00", "reference": "x"}
    problem_of(park.finance.post("/v1/tenants/none:top-up", json=payment), 404)
    nothing = park.finance.post("/v1/tenants/poor:top-up", json={**payment, "amount": "0"})

    assert "more than zero" in problem_of(nothing, 409)["detail"]


def test_prices_are_published_for_the_future_and_never_for_the_past(park: Served) -> None:
    listed = park.steel.get("/v1/prices").json()["items"]
    assert [(prices["id"], prices["is_in_force"]) for prices in listed] == [("2026", True)]
    wanted = {
        "id": "next",
        "from_ms": now_ms() + HOUR_MS,
        "on_demand": {"ascend-910b3": "4.00", "hygon-k100-ai": "3.00"},
        "qos_permille": {"low": 500, "normal": 1_000, "high": 1_500},
        "class_permille": {"standard": 1_000},
    }

    published = park.finance.post("/v1/prices", json=wanted)

    assert published.status_code == 201
    listed = park.steel.get("/v1/prices").json()["items"]
    assert [(prices["id"], prices["is_in_force"]) for prices in listed] == [
        ("2026", True),
        ("next", False),
    ]
    assert listed[1]["on_demand"] == {"ascend-910b3": "4.00", "hygon-k100-ai": "3.00"}
    past = park.finance.post("/v1/prices", json={**wanted, "id": "past", "from_ms": 1})
    assert "past" in problem_of(past, 409)["detail"]
    gap = {**wanted, "id": "gap", "from_ms": now_ms() + 2 * HOUR_MS}
    gap["on_demand"] = {"ascend-910b3": "4.00"}
    assert "hygon-k100-ai" in problem_of(park.finance.post("/v1/prices", json=gap), 409)["detail"]


def test_a_log_is_read_from_a_byte_on_for_each_member(
    park: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "LATE_MS", 300)
    job_id = submitted(park.steel, command="sleep 3600", devices=3, members=3)
    await_state(park.steel, job_id, "running")
    with park.broker.services.database.begin() as connection:
        append(
            connection,
            [
                Piece(attempt_id=f"{job_id}.1", member=0, offset=0, data="损失 0.5\n".encode()),
                Piece(attempt_id=f"{job_id}.1", member=1, offset=0, data=b"one\n"),
            ],
        )
    path = f"/v1/jobs/{job_id}/logs"

    assert park.steel.get(path).text == "损失 0.5\n"
    assert park.steel.get(path, params={"offset": 7}).text == "0.5\n"
    assert park.steel.get(path, params={"member": 1, "attempt": 1}).text == "one\n"
    assert park.steel.get(path, params={"member": 2}).text == ""
    problem_of(park.steel.get(path, params={"attempt": 2}), 404)
    park.steel.post(f"/v1/jobs/{job_id}:cancel")
    assert park.steel.get(path, params={"follow": "true"}).text == "损失 0.5\n"


def test_a_statement_is_json_or_csv_with_one_total(park: Served) -> None:
    job_id = submitted(park.fish, command="sleep 1", devices=8, project="billed")
    await_state(park.fish, job_id, "succeeded")

    as_json = park.fish.get("/v1/statements")
    by_header = park.fish.get("/v1/statements", headers={"Accept": "text/csv"})
    by_parameter = park.finance.get("/v1/statements", params={"tenant": "fish", "format": "csv"})

    statement = as_json.json()
    assert statement["tenant"] == "fish"
    assert statement["state"] == "draft"
    assert by_header.content == by_parameter.content
    assert by_header.headers["content-type"].startswith("text/csv")
    last = by_header.text.strip().splitlines()[-1]
    assert last.startswith("total,fish,")
    assert statement["totals"]["gross"] in last
    usage = park.fish.get("/v1/usage").json()
    assert usage["device_ms"] == statement["totals"]["device_ms"]
    assert usage["amount"] == statement["totals"]["gross"]


def test_an_export_has_each_slice_of_the_callers_tenants(park: Served) -> None:
    for who in (park.steel, park.fish):
        await_state(who, submitted(who), "succeeded")

    own = park.fish.get("/v1/exports/charges").text
    whole = park.finance.get("/v1/exports/charges").text
    narrowed = park.finance.get("/v1/exports/charges", params={"tenant": "fish"}).text

    assert ",steel," not in own
    assert ",steel," in whole
    assert narrowed == own
    assert own.strip().splitlines()[-1].startswith("total,")


def test_the_metrics_are_what_promtool_likes(park: Served) -> None:
    await_state(park.steel, submitted(park.steel), "succeeded")
    text = park.operator.get("/metrics").text

    for name in (
        'brain_capacity_cards{centre="east",device="ascend-910b3",level="online"',
        'brain_jobs_ended_total{cause="finished",state="succeeded"}',
        'brain_month_charges_yuan{tenant="steel"}',
        'brain_http_request_duration_seconds_count{method="POST",route="/v1/jobs",status="201"}',
        "brain_commit_duration_seconds_count",
        "brain_plan_duration_seconds_count",
        'brain_agent_report_age_seconds{centre="west"}',
        "brain_leading 1.0",
    ):
        assert name in text
    assert promtool("check", "metrics", text=text) == ""
