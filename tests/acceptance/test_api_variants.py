"""Jobs that are content with one gang or another, over HTTP: told, quoted, placed and refused."""

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

NPU, DCU = "ascend-910b3", "hygon-k100-ai"
HALF = {"devices": 4, "device": [NPU], "limit": "20m", "speed": 0.5}


def test_it_runs_as_its_variant_where_what_it_asks_first_is_taken(
    park: Served, filled: str
) -> None:
    words = {"devices": 8, "device": DCU, "limit": "10m", "variants": [HALF]}
    told = park.steel.post("/v1/quotes", json=job(**words)).json()
    job_id = submitted(park.steel, **words)

    done = await_state(park.steel, job_id, "succeeded")

    (attempt,) = done["attempts"]
    assert (attempt["centre"], attempt["device"]) == ("east", NPU)
    assert sum(node["card_count"] for node in attempt["nodes"]) == 4
    assert done["spec"]["devices"] == 8
    assert done["spec"]["variants"] == [HALF | {"nodes": None, "members": None}]
    first, second = told["options"]
    assert (first["pool"], first["devices"], first["reasons"]) == ("east-910b3", 4, [])
    assert first["end_ms"] - first["start_ms"] == 20 * 60_000
    assert (second["pool"], second["devices"]) == ("west-k100", 8)
    assert "it would start now in east-910b3, on 4 cards; " in told["summary"]
    assert "可立即在 east-910b3 启动，使用 4 张卡；" in told["summary_zh"]
    assert filled


def test_what_runs_as_a_variant_says_so(park: Served, filled: str) -> None:
    words = {"command": "sleep 300", "limit": "5m", "devices": 8, "device": DCU}
    job_id = submitted(park.steel, **words, variants=[HALF])
    await_state(park.steel, job_id, "running")

    told = park.steel.get(f"/v1/jobs/{job_id}/explain").json()

    variant = f"It has 4 {NPU}, by variant 1 of 1: what it asks before had no room"
    assert told["summary"].endswith(variant)
    assert f"按第 1 个备选规格（共 1 个）使用 4 张 {NPU}：" in told["summary_zh"]
    park.steel.post(f"/v1/jobs/{job_id}:cancel")
    await_state(park.steel, job_id, "cancelled")
    assert filled


def test_who_waits_is_told_what_each_of_its_gangs_lacks(park: Served, filled: str) -> None:
    words = {"devices": 8, "device": DCU, "variants": [{"devices": 6, "limit": "2h"}]}
    job_id = submitted(park.steel, **words)
    path = f"/v1/jobs/{job_id}"

    await_that(lambda: park.steel.get(f"{path}/explain").json()["reasons"])

    reasons = park.steel.get(f"{path}/explain").json()["reasons"]
    assert [(one["where"], one["need"]) for one in reasons] == [("west-k100", 8), ("west-k100", 6)]
    pools = park.steel.get(f"{path}/standing").json()["pools"]
    assert [(one["pool"], one["needs"]) for one in pools] == [("west-k100", 8), ("west-k100", 6)]
    park.steel.post(f"{path}:cancel")
    await_state(park.steel, job_id, "cancelled")
    assert filled


def test_a_job_is_refused_where_one_of_its_variants_could_never_run(park: Served) -> None:
    small, large = {"devices": 1, "device": DCU}, {"devices": 25}

    problem = problem_of(
        park.steel.post("/v1/jobs", json=job(devices=2, variants=[small, large])), 422
    )

    assert problem["detail"].startswith("the job as its variant 2, 25 cards, could never run: ")
    assert problem["detail_zh"].startswith("作业的第 2 个备选规格（25 张卡）无法运行：")
    assert {one["code"] for one in problem["reasons"]} == {"tenant_quota"}


@pytest.mark.parametrize(
    ("variants", "problem"),
    [
        ([{"devices": 8, "device": [DCU, NPU]}], f"8 cards of {NPU}, and so is the job itself"),
        ([{"devices": 8}], f"variant 1 is 8 cards of {NPU}, and so is the job itself"),
        ([{"devices": 4}, {"devices": 4, "device": NPU}], f"4 cards of {NPU}, and so is variant 1"),
        ([{"device": DCU}], "Field required"),
        ([{"devices": 4, "speed": 0}], "greater than or equal to 0.001"),
        ([{"devices": 4, "speed": 1_001}], "less than or equal to 1000"),
        ([{"devices": 4, "speed": "fast"}], "a number is needed, such as 0.6"),
        ([{"devices": 4, "speed": True}], "a number is needed, such as 0.6"),
        ([{"devices": 4, "limit": "0s"}], "a duration from 1s to 366d is needed here"),
        ([{"devices": 4, "cards": 4}], "Extra inputs are not permitted"),
        ([{"devices": count} for count in range(9, 18)], "at most 8 items"),
    ],
    ids=str,
)
def test_what_is_no_variant_is_refused(
    park: Served, variants: list[dict[str, Any]], problem: str
) -> None:
    wanted = job(devices=8, device=NPU, variants=variants)

    told = problem_of(park.steel.post("/v1/jobs", json=wanted), 422)

    assert problem in str(told["errors"])


def test_as_many_cards_of_another_kind_are_another_variant(park: Served) -> None:
    wanted = job(devices=8, device=NPU, variants=[{"devices": 4}, {"devices": 4, "device": DCU}])

    told = park.steel.post("/v1/quotes", json=wanted)

    assert {(one["pool"], one["devices"]) for one in told.json()["options"]} == {
        ("east-910b3", 8),
        ("east-910b3", 4),
        ("west-k100", 4),
    }


def test_a_variant_without_a_limit_has_that_of_the_job_over_its_speed(park: Served) -> None:
    slow, fast, plain = ({"devices": 1, "speed": 0.3}, {"devices": 2, "speed": 3}, {"devices": 3})
    job_id = submitted(park.steel, devices=4, limit="10m", variants=[slow, fast, plain])

    done = await_state(park.steel, job_id, "succeeded")

    assert [one["limit"] for one in done["spec"]["variants"]] == ["2000s", "10m", "10m"]


CKPT = {"dir": "ckpt", "signal": "SIGUSR1"}


def test_an_elastic_job_starts_on_as_many_cards_as_are_free(park: Served, filled: str) -> None:
    user = newcomer(park, "fish")
    user.post(f"/v1/jobs/{filled}:cancel")
    held = submitted(user, devices=3, device=DCU, limit="5m", command="sleep 300")
    await_state(user, held, "running")
    words = {"command": "sleep 300", "limit": "5m", "device": DCU, "checkpoint": CKPT}
    asked = words | {"devices": 8, "min_devices": 2}
    told = park.steel.post("/v1/quotes", json=job(**asked)).json()
    job_id = submitted(park.steel, **asked)

    running = await_state(park.steel, job_id, "running")
    why = park.steel.get(f"/v1/jobs/{job_id}/explain").json()

    assert running["spec"]["min_devices"] == 2
    assert [one["card_count"] for one in running["attempts"][0]["nodes"]] == [4]
    assert why["summary"].endswith(
        "It has 4 of the 8 cards that it asks for: for more there was no room"
    )
    assert "当前使用 4 张卡（最多 8 张卡）" in why["summary_zh"]
    first, *others = told["options"]
    assert (first["devices"], first["end_ms"] - first["start_ms"]) == (4, 600_000)
    assert {one["devices"] for one in others} == {2, 8}
    for client, one in ((park.steel, job_id), (user, held)):
        client.post(f"/v1/jobs/{one}:cancel")
        await_state(client, one, "cancelled")


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ({"checkpoint": None}, "goes on from a checkpoint on other cards: give checkpoint"),
        ({"variants": [{"devices": 1}]}, "give min_devices or variants, not both"),
        ({"min_devices": 5}, "the next size below 8 cards is 4: give 4 or less"),
        ({"nodes": 2, "devices": 16, "min_devices": 4}, "end at 8: give 8 or more"),
        ({"devices": 24, "min_devices": 1}, "end at 3: give 3 or more"),
        ({"devices": 9}, "sizes are halves, and devices 9 has none"),
        ({"members": 1}, "sizes are halves, and members 1 has none"),
        ({"nodes": 1}, "sizes are halves, and nodes 1 has none"),
        ({"devices": 9, "step_devices": 3}, "9 cards, less 3 each time, are never 2: give another"),
        ({"step_devices": 8}, "8 cards, less 8 each time, are never 2: give another"),
        ({"min_devices": 8, "step_devices": 2}, "the fewest, 8, is not less than its devices, 8"),
        ({"devices": 10, "step_devices": 1}, "9 sizes, and 8 is the most"),
        ({"members": 4, "step_devices": 1}, "1 cards are no whole part of members 4 on 8 cards"),
        ({"min_devices": None, "step_devices": 2}, "give min_devices, the fewest, as well"),
        ({"min_devices": 0}, "greater than or equal to 1"),
        ({"min_devices": "2"}, "a whole number is needed"),
    ],
    ids=str,
)
def test_what_cannot_be_elastic_is_refused(
    park: Served, words: dict[str, Any], problem: str
) -> None:
    wanted = job(**({"devices": 8, "device": NPU, "min_devices": 2, "checkpoint": CKPT} | words))

    told = problem_of(park.steel.post("/v1/jobs", json=wanted), 422)

    assert problem in str(told["errors"])


def test_the_sizes_of_an_elastic_job_may_be_so_many_cards_apart(park: Served) -> None:
    words = {"devices": 8, "device": NPU, "min_devices": 2, "step_devices": 3}
    wanted = job(**words, checkpoint=CKPT)

    sizes = park.steel.post("/v1/quotes", json=wanted).json()["options"]
    job_id = submitted(park.steel, **words, checkpoint=CKPT, command="true")
    spec = park.steel.get(f"/v1/jobs/{job_id}").json()["spec"]

    assert {one["devices"] for one in sizes} == {8, 5, 2}
    assert (spec["min_devices"], spec["step_devices"]) == (2, 3)
    await_state(park.steel, job_id, "succeeded")


def test_all_of_an_elastic_job_is_halved_or_it_could_never_run(park: Served) -> None:
    wanted = job(devices=16, nodes=2, members=2, device=NPU, min_devices=8, checkpoint=CKPT)

    sizes = park.steel.post("/v1/quotes", json=wanted).json()["options"]
    problem = problem_of(park.steel.post("/v1/jobs", json=wanted | {"members": 6}), 422)

    assert {one["devices"] for one in sizes} == {16, 8}
    assert problem["reasons"][0]["code"] == "uneven_gang"
