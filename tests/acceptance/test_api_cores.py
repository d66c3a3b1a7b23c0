"""Core-hours by the interface: asked for, run, billed and told, apart from card-hours."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from api.clock import now_ms
from cluster.inventory import Pool
from tests.acceptance.brokers import (
    HYGON,
    PARK_FILE,
    PRICES,
    WEST,
    Served,
    await_state,
    fields_of,
    job,
    problem_of,
    served,
    submitted,
)
from tests.builders import CORE, HOUR_MS

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("cores")]

CPU = replace(CORE, id="cpu-x", name="CPU X")
POOL = Pool(id="west-cpu", centre_id="west", device_kind_id=CPU.id, node_count=2, cards_per_node=32)
_PARK = PARK_FILE.park
CORES = replace(
    PARK_FILE,
    park=replace(
        _PARK,
        device_kinds=(*_PARK.device_kinds, CPU),
        centres=(_PARK.centres[0], replace(WEST, pools=(*WEST.pools, POOL))),
    ),
    price_lists=(replace(PRICES, on_demand=(*PRICES.on_demand, (CPU.id, 50_000))),),
)


@pytest.fixture(scope="module")
def cores(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(module_database_url, tmp_path_factory.mktemp("cores"), park_file=CORES) as park:
        yield park


def answered(park: Served, path: str) -> dict[str, Any]:
    answer = park.finance.get(path)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def test_what_ran_on_cores_is_billed_by_the_core_hour(cores: Served) -> None:
    """More cores than its quota of cards, and more than a node: two whole nodes."""
    on_cores = submitted(cores.steel, device="cpu-x", devices=64)
    on_cards = submitted(cores.steel, device=HYGON.id, devices=8)
    for job_id in (on_cores, on_cards):
        await_state(cores.steel, job_id, "succeeded")

    usage = answered(cores, "/v1/usage?tenant=steel")
    by_device = {line["device"]: line for line in usage["lines"]}
    assert [line["unit"] for line in usage["lines"]] == ["core", "card"]
    assert by_device["cpu-x"]["price"] == "0.05"
    assert usage["core_ms"] == by_device["cpu-x"]["device_ms"] == 64 * 100
    assert usage["device_ms"] == by_device[HYGON.id]["device_ms"] == 8 * 100
    assert usage["activity"]["allocated_device_ms"] == 8 * 100, "of cards alone"
    totals = answered(cores, "/v1/statements?tenant=steel")["totals"]
    assert (totals["device_ms"], totals["core_ms"]) == (800, 6_400)
    assert cores.steel.get("/v1/statements?format=pdf").content.startswith(b"%PDF")


def test_machines_tell_cores_from_cards(cores: Served) -> None:
    view = answered(cores, "/v1/capacity")
    pools = {pool["id"]: pool for centre in view["centres"] for pool in centre["pools"]}

    assert (pools["west-cpu"]["unit"], pools["west-cpu"]["registered_cards"]) == ("core", 64)
    assert view["stated_tflops"] == _PARK.stated_tflops
    (park,) = answered(cores, "/v1/utilisation/waterfall?by=park")["items"]
    assert park["cores"]["stated"] / park["cards"]["stated"] == 64 / 24
    said = cores.operator.get("/metrics").text.splitlines()
    told = {line.partition("{")[0] for line in said if 'pool="west-cpu"' in line}
    assert "brain_capacity_cores" in told
    assert "brain_capacity_cards" not in told


@pytest.mark.parametrize(
    "wanted",
    [
        {"device": ["cpu-x", HYGON.id], "devices": 8},
        {"device": "cpu-x", "devices": 8, "variants": [{"device": HYGON.id, "devices": 1}]},
    ],
)
def test_a_job_that_would_do_with_either_is_refused(wanted: dict[str, Any], cores: Served) -> None:
    refused = problem_of(cores.steel.post("/v1/jobs", json={"command": "true", **wanted}), 422)

    assert fields_of(refused) == ["device"]
    assert "with cards and with cores (cpu-x)" in refused["detail"]


def test_a_size_that_could_never_run_is_told_in_cores(cores: Served) -> None:
    """48 cores are more than a node, and no whole nodes."""
    sizes = {"device": "cpu-x", "devices": 64, "min_devices": 48, "step_devices": 16}
    saves = {"checkpoint": {"dir": "ckpt", "signal": "SIGUSR1"}}

    refused = problem_of(cores.steel.post("/v1/jobs", json=job(**sizes, **saves)), 422)

    assert refused["detail"].startswith("the job on 48 cores could never run: ")
    assert refused["detail_zh"].startswith("48 个核的作业无法运行：")


def test_packages_are_of_cards(cores: Served) -> None:
    pack: dict[str, Any] = {
        "id": "HT-1",
        "tenant": "steel",
        "kind": "card_hours",
        "device": "cpu-x",
    }
    pack |= {"card_hours": 100, "from_ms": 0, "until_ms": now_ms() + HOUR_MS, "amount": "1.00"}

    refused = problem_of(cores.finance.post("/v1/packages", json=pack), 422)

    assert "cpu-x is a kind of cores, and packages are of cards" in refused["detail"]
