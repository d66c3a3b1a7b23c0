"""The numbers for Prometheus: there, well named, and the same as what users are told."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import delete, insert, text

from api.routes.health import FAILS
from scheduler import drafts
from scheduler.storage.tables import CheckpointRow, InboxRow
from tests.acceptance.brokers import PARK, Served, await_state, await_that, problem_of, submitted
from tests.acceptance.promtool import promtool

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]
UNITS = (
    "cards",
    "cores",
    "pflops",
    "ratio",
    "seconds",
    "yuan",
    "jobs",
    "requests",
    "bytes",
    "info",
    "total",
)
UNITLESS = {
    "brain_jobs",
    "brain_leading",
    "brain_leader_epoch",
    "brain_log_events",
    "brain_log_tail_events",
    "brain_plan_flaws",
    "brain_leader_failures",
}
CHANGES = re.compile(r"_(total|count|sum|bucket)$")


def scrape(park: Served) -> Samples:
    answer = park.operator.get("/metrics")
    assert answer.status_code == 200
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples[f"brain_{name}", tuple(sorted(labels.items()))]


@pytest.fixture(scope="module")
def busy(park: Served) -> Iterator[Served]:
    """One job runs in each centre, two wait, one is held, and four have ended in different ways."""
    for command, devices in (("sleep 2", 16), ("true", 2)):
        await_state(
            park.steel, submitted(park.steel, command=command, devices=devices), "succeeded"
        )
    waits = {"command": "sleep 3600", "devices": 8, "device": ["hygon-k100-ai"], "limit": "2h"}
    running = [
        submitted(park.steel, command="sleep 3600", devices=8, device=["ascend-910b3"]),
        submitted(park.fish, **waits),
    ]
    for client, job_id in zip((park.steel, park.fish), running, strict=True):
        await_state(client, job_id, "running")
    waiting = [submitted(park.fish, **waits) for _ in range(3)]
    park.fish.post(f"/v1/jobs/{waiting[0]}:cancel")
    await_state(park.fish, waiting[0], "cancelled")
    await_state(park.fish, submitted(park.fish, device=["ascend-910b3"]), "succeeded")
    await_state(park.steel, submitted(park.steel, after=running[:1]), "held")
    await_that(lambda: park.operator.get("/v1/capacity").json()["running_jobs"] == 2)
    yield park
    for job_id in (*waiting[1:], *running):
        park.operator.post(f"/v1/jobs/{job_id}:cancel")


def test_promtool_finds_nothing_to_say(busy: Served) -> None:
    assert promtool("check", "metrics", text=busy.operator.get("/metrics").text) == ""


def test_a_name_ends_in_its_unit(busy: Served) -> None:
    families = text_string_to_metric_families(busy.operator.get("/metrics").text)
    ours = {family.name for family in families if family.name.startswith("brain_")}

    odd = {name for name in ours if not CHANGES.sub("", name).endswith(UNITS)}

    assert odd - UNITLESS - {"brain_jobs_ended"} == set()


def test_each_pool_is_told_at_each_level_as_capacity_tells_it(busy: Served) -> None:
    samples = scrape(busy)
    view = busy.operator.get("/v1/capacity").json()

    for centre in view["centres"]:
        stated = value(samples, "centre_stated_pflops", centre=centre["id"])
        assert stated == centre["stated_tflops"] / 1_000
        for pool in centre["pools"]:
            place = {"centre": centre["id"], "pool": pool["id"], "device": pool["device"]}
            for level in ("registered", "online", "schedulable", "allocated"):
                cards = pool[f"{level}_cards"]
                assert value(samples, "capacity_cards", **place, level=level) == cards
                pflops = value(samples, "capacity_pflops", **place, level=level)
                assert pflops == cards * pool["tflops"] / 1_000
            ratio = pool["allocated_cards"] / pool["registered_cards"]
            assert value(samples, "utilisation_ratio", **place) == ratio
    assert (
        value(
            samples,
            "capacity_cards",
            centre="east",
            pool="east-910b3",
            device="ascend-910b3",
            level="allocated",
        )
        == 8
    )


def test_the_queue_is_as_long_and_as_old_as_it_is(busy: Served) -> None:
    queued = busy.operator.get("/v1/jobs", params={"state": "queued"}).json()["items"]
    samples = scrape(busy)
    asked_ms = busy.operator.get("/v1/capacity").json()["at_ms"]

    assert value(samples, "queue_jobs", tenant="fish") == len(queued) == 2
    oldest_ms = min(job["submitted_at_ms"] for job in queued)
    waited_s = value(samples, "queue_oldest_wait_seconds", tenant="fish")
    assert 0 < waited_s <= (asked_ms - oldest_ms) / 1_000
    assert value(samples, "queue_jobs", tenant="steel") == 1
    waited_s = value(samples, "queue_oldest_wait_seconds", tenant="steel")
    assert waited_s == 0, "what is held is not in the queue yet"
    assert ("brain_queue_jobs", (("tenant", "poor"),)) not in samples


def test_jobs_are_counted_by_state_and_by_what_ended_them(busy: Served) -> None:
    samples = scrape(busy)

    assert value(samples, "jobs", state="running") == 2
    assert value(samples, "jobs", state="queued") == 2
    assert value(samples, "jobs", state="held") == 1
    assert value(samples, "jobs_ended_total", state="succeeded", cause="finished") == 3
    cancelled = [
        count
        for (name, labels), count in samples.items()
        if name == "brain_jobs_ended_total" and ("state", "cancelled") in labels
    ]
    assert cancelled == [1]


def test_usage_and_charges_are_those_of_the_books(busy: Served) -> None:
    samples = scrape(busy)

    for tenant in ("steel", "fish"):
        view = busy.operator.get("/v1/usage", params={"tenant": tenant}).json()
        used = sum(
            number
            for (name, labels), number in samples.items()
            if name == "brain_month_usage_device_seconds" and ("tenant", tenant) in labels
        )
        assert used == pytest.approx(view["device_ms"] / 1_000)
        assert used > 0
        assert value(samples, "month_charges_yuan", tenant=tenant) == float(view["amount"])
    assert value(samples, "month_charges_yuan", tenant="steel") > 0, "else any unit would do"


def test_the_loop_the_log_and_the_agents_are_told_of(busy: Served) -> None:
    before = scrape(busy)
    await_state(busy.steel, submitted(busy.steel, device=["ascend-910b3"]), "succeeded")
    after = scrape(busy)

    assert value(after, "leading") == 1
    assert value(after, "leader_epoch") >= 1
    assert value(after, "inbox_pending_requests") == 0
    facts = value(after, "log_events_total") - value(before, "log_events_total")
    assert facts >= 3, "submitted, leased, ended"
    for name in ("plan_duration_seconds_count", "commit_duration_seconds_count"):
        assert value(after, name) >= value(before, name) + 2
    assert 0 < value(after, "commit_duration_seconds_sum") < 60
    for centre in PARK.centres:
        assert 0 <= value(after, "agent_report_age_seconds", centre=centre.id) < 10


def test_each_request_is_timed_once_under_its_route(busy: Served) -> None:
    asked: dict[str, Any] = {"method": "GET", "route": "/v1/jobs/{job_id}", "status": "404"}
    busy.steel.get("/v1/jobs/none")
    before = scrape(busy)

    busy.steel.get("/v1/jobs/nobody")

    after = scrape(busy)
    name = "http_request_duration_seconds_count"
    assert value(after, name, **asked) == value(before, name, **asked) + 1
    assert not [labels for _, labels in after if "nobody" in dict(labels).get("route", "")]


def test_what_of_a_plan_was_not_carried_out_is_counted(
    park: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert value(scrape(park), "plan_flaws_total") == 0
    monkeypatch.setattr(drafts, "verified", lambda _, plan, *__: (plan, ("a flaw",)))

    submitted(park.steel, command="true")

    await_that(lambda: value(scrape(park), "plan_flaws_total") > 0)

    assert "the plan broke a rule, and was not carried out there: a flaw" in caplog.text


def test_a_request_that_the_database_refuses_is_answered_and_counted(park: Served) -> None:
    with park.broker.services.database.begin() as connection:
        rule = "ALTER TABLE transfers ADD CONSTRAINT odd CHECK (amount_micros <> 13000000)"
        connection.execute(text(rule))
    pays = {"reference": "thirteen", "amount": "13.00"}

    told = problem_of(park.finance.post("/v1/tenants/poor:top-up", json=pays), 409)

    assert told["detail"].startswith("it cannot be kept (23514), and nothing of it is done")
    assert told["detail_zh"].startswith("该请求无法保存（23514），未执行任何操作")
    again = park.finance.post("/v1/tenants/poor:top-up", json={**pays, "amount": "14.00"})
    assert again.is_success, "under the same reference, as nothing was done"
    samples = scrape(park)
    assert value(samples, "unwritable_requests_total") == 1
    assert value(samples, "leader_failures_total") == 0


def test_a_request_that_this_release_cannot_read_is_refused_and_counted(park: Served) -> None:
    before = value(scrape(park), "unwritable_requests_total")
    row = {"id": "odd", "tenant_id": None, "body": {"kind": "of a later release"}}
    with park.broker.services.database.begin() as connection:
        connection.execute(insert(InboxRow), {**row, "received_at_ms": 1})

    await_that(lambda: value(scrape(park), "inbox_pending_requests") == 0)

    await_that(lambda: value(scrape(park), "unwritable_requests_total") == before + 1)


def test_what_the_next_leader_replays_is_what_came_after_the_newest_checkpoint(
    park: Served,
) -> None:
    def counts() -> tuple[float, float]:
        samples = scrape(park)
        return value(samples, "log_events_total"), value(samples, "log_tail_events")

    (all_events, tail), database = counts(), park.broker.services.database
    assert tail == all_events > 3, "there is no checkpoint yet"
    row = {"seq": 3, "recorded_at_ms": 1, "body": b"never read"}
    with database.begin() as connection:
        connection.execute(insert(CheckpointRow), row)
    all_events, tail = counts()
    with database.begin() as connection:
        connection.execute(delete(CheckpointRow))

    assert tail == all_events - 3


def test_where_each_step_fails_the_leader_says_so_and_answers_on(park: Served) -> None:
    def says() -> tuple[int, str, str]:
        answer = park.nobody.get("/readyz")
        return answer.status_code, answer.json()["status"], answer.json()["leader"]

    with park.broker.services.database.begin() as connection:
        connection.execute(
            text("ALTER TABLE attempts ADD CONSTRAINT odd CHECK (id = '') NOT VALID")
        )
    job_id = submitted(park.steel, command="true")

    await_that(lambda: says()[1] != "ok")
    told = says()
    with park.broker.services.database.begin() as connection:
        connection.execute(text("ALTER TABLE attempts DROP CONSTRAINT odd"))
    await_state(park.steel, job_id, "succeeded")

    assert told == (200, "failing", FAILS)
    assert says() == (200, "ok", "ok")
