"""Jobs that read data, over HTTP: kept in where it may be, and sent where it is there first."""

from typing import Any

import pytest

from tests.acceptance.brokers import (
    Served,
    await_state,
    await_that,
    job,
    newcomer,
    problem_of,
    submitted,
)
from tests.acceptance.test_api_events import stream

NPU, DCU = "ascend-910b3", "hygon-k100-ai"
WEB_TO_EAST_MS = 720_000


def reasons(park: Served, tenant: str, **changes: Any) -> list[dict[str, Any]]:
    problem = problem_of(getattr(park, tenant).post("/v1/jobs", json=job(**changes)), 422)
    told: list[dict[str, Any]] = problem["reasons"]
    return told


def test_it_runs_where_its_data_lies_and_is_told_as_it_was_asked(park: Served) -> None:
    job_id = submitted(park.steel, data=["web", "web"])

    done = await_state(park.steel, job_id, "succeeded")

    assert (done["spec"]["data"], done["spec"]["data_class"]) == (["web"], None)
    assert [attempt["centre"] for attempt in done["attempts"]] == ["west"]


@pytest.mark.parametrize("words", [{"data": "scans"}, {"data_class": "medical"}], ids=str)
def test_it_never_runs_where_its_data_may_not_be(park: Served, words: dict[str, Any]) -> None:
    kinds = [DCU, NPU]
    assert submitted(park.steel, device=kinds)  # the west would be its first choice
    job_id = submitted(park.steel, device=kinds, **words)

    done = await_state(park.steel, job_id, "succeeded")

    assert [attempt["centre"] for attempt in done["attempts"]] == ["east"]


def test_where_no_centre_is_left_it_is_refused(park: Served) -> None:
    (reason,) = reasons(park, "steel", data="scans", device=DCU)

    assert (reason["code"], reason["where"]) == ("data_not_allowed", "medical")
    assert reason["text"] == "data of class medical may be in some centres alone (east)"
    assert reason["text_zh"] == "medical 级数据只能在指定的中心（east）"
    by_centre = reasons(park, "steel", data_class="medical", centres="west")
    assert [one["code"] for one in by_centre] == ["data_not_allowed"]


def test_unknown_data_is_refused_and_so_is_another_tenants(park: Served) -> None:
    (gone,) = reasons(park, "fish", data=["web", "gone"])
    (theirs,) = reasons(park, "fish", data=["scans"])
    (a_class,) = reasons(park, "fish", data_class="secret")

    assert (gone["code"], gone["where"], gone["detail"]) == ("unknown_data", "gone", "known: web")
    assert (theirs["code"], theirs["detail"]) == ("unknown_data", "known: web")
    assert (a_class["code"], a_class["where"]) == ("unknown_data_class", "secret")


def test_too_many_datasets_or_none_at_all_are_no_list(park: Served) -> None:
    for wrong in (["web"] * 65, 5, [""]):
        problem = problem_of(park.steel.post("/v1/jobs", json=job(data=wrong)), 422)
        assert problem["errors"][0]["field"].startswith("data")


def test_it_waits_at_home_and_says_why_it_is_not_elsewhere(park: Served, filled: str) -> None:
    """In the west it is ready in five minutes, in the east after the transfer of twelve."""
    user = newcomer(park, "steel")
    quoted = user.post("/v1/quotes", json=job(devices=8, data="web", limit="1h")).json()
    job_id = submitted(user, devices=8, data="web", limit="1h")
    await_that(lambda: user.get(f"/v1/jobs/{job_id}").json()["planned_pool"])

    told = user.get(f"/v1/jobs/{job_id}/explain").json()

    home_ms = park.operator.get(f"/v1/jobs/{filled}").json()["started_at_ms"] + 300_000
    west, east = quoted["options"]
    assert (west["pool"], west["transfer_ms"], west["start_ms"]) == ("west-k100", 0, home_ms)
    assert (east["pool"], east["transfer_ms"]) == ("east-910b3", WEB_TO_EAST_MS)
    assert [one["code"] for one in east["reasons"]] == ["nearer_data"]
    assert (told["state"], told["planned_pool"]) == ("queued", "west-k100")
    assert (told["planned_start_ms"], told["is_start_promised"]) == (home_ms, True)
    busy, nearer = told["reasons"]
    assert (busy["code"], nearer["code"]) == ("devices_busy", "nearer_data")
    assert nearer["text"].startswith(
        "its data would take 12m to come to east-910b3: it is ready sooner where its data is near "
        "(west-k100; until about "
    )
    (note,) = told["data"]
    assert note["text"] == "dataset web: 83.8 GiB in west; 12m to east"
    assert note["text_zh"] == "数据集 web：83.8 GiB，位于 west；到 east 需 12m"
    assert (note["centres"], note["transfer_ms"]) == (["west"], {"east": WEB_TO_EAST_MS})
    user.post(f"/v1/jobs/{job_id}:cancel")


def test_it_goes_elsewhere_where_home_is_free_too_late(park: Served) -> None:
    user = newcomer(park, "fish")
    long = submitted(user, devices=8, device=DCU, limit="13m", command="sleep 780")
    await_state(user, long, "running")

    quoted = park.steel.post("/v1/quotes", json=job(devices=8, data="web")).json()
    job_id = submitted(park.steel, devices=8, data="web")
    done = await_state(park.steel, job_id, "succeeded")

    assert "; its data takes 12m to come there" in quoted["summary"]
    assert "；数据传输到该处需 12m" in quoted["summary_zh"]
    assert [attempt["centre"] for attempt in done["attempts"]] == ["east"]
    user.post(f"/v1/jobs/{long}:cancel")


def test_what_keeps_it_out_of_a_centre_is_told_until_it_is_over(park: Served) -> None:
    user = newcomer(park, "steel")
    words = {"data": ["scans"], "data_class": "medical", "command": "sleep 600", "limit": "20m"}
    job_id = submitted(user, **words)
    await_state(user, job_id, "running")

    notes = user.get(f"/v1/jobs/{job_id}/explain").json()["data"]
    user.post(f"/v1/jobs/{job_id}:cancel")
    await_state(user, job_id, "cancelled")

    assert [note["text"] for note in notes] == [
        "data class medical: only east",
        "dataset scans: 931.3 GiB in east",
    ]
    assert notes[0]["text_zh"] == "数据分级 medical：仅限 east"
    assert user.get(f"/v1/jobs/{job_id}/explain").json()["data"] == []


@pytest.mark.enable_socket
def test_no_tenant_reads_of_anothers_datasets_in_the_stream(park: Served, address: str) -> None:
    for who, known in (
        ("fish", {"web"}),
        ("steel", {"scans", "web"}),
        ("operator", {"scans", "web"}),
    ):
        with stream(park, address, who, after=0) as told:
            declared = next(event for event in told if event["kind"] == "park_declared")

        assert {one["id"] for one in declared["body"]["park"]["datasets"]} == known


def test_a_tenant_sees_its_own_datasets_and_those_of_all(park: Served) -> None:
    seen = {
        name: getattr(park, name).get("/v1/datasets").json()
        for name in ("steel", "fish", "operator")
    }

    ids = {name: [one["id"] for one in told["items"]] for name, told in seen.items()}
    assert ids == {"steel": ["scans", "web"], "fish": ["web"], "operator": ["scans", "web"]}
    scans, _ = seen["steel"]["items"]
    assert scans == {
        "id": "scans",
        "tenant": "steel",
        "size_bytes": 10**12,
        "data_class": "medical",
        "centres": ["east"],
    }
    assert seen["fish"]["classes"] == [{"id": "medical", "name": "医疗数据", "centres": ["east"]}]
