"""Operators take nodes out for maintenance, and back."""

from pathlib import Path

import pytest

from tests.acceptance.brokers import (
    Served,
    await_state,
    await_that,
    capacity,
    problem_of,
    state_of,
    submitted,
)
from tests.acceptance.in_process import brain

pytestmark = pytest.mark.xdist_group("drains")
NODE = "west-k100-n001"


def test_a_job_waits_while_its_centre_is_drained_and_starts_after_it(park: Served) -> None:
    drained = park.operator.post("/v1/nodes:drain", json={"centre": "west"}).json()["items"]
    job_id = submitted(park.steel, command="true", devices=8, device=["hygon-k100-ai"])

    await_that(lambda: capacity(park)["centres"][1]["schedulable_tflops"] == 0)
    waits = state_of(park.steel, job_id)
    told = [reader.get("/v1/nodes?centre=west").json() for reader in (park.operator, park.steel)]
    (node,) = park.operator.post("/v1/nodes:resume", json={"nodes": [NODE]}).json()["items"]

    assert [(one["id"], one["is_drained"]) for one in drained] == [(NODE, True)]
    assert waits == "queued"
    by_operator, by_tenant = (view["items"][0]["drained_by"] for view in told)
    assert by_operator.startswith("operator (")
    assert by_tenant is None
    assert not node["is_drained"]
    await_state(park.steel, job_id, "succeeded")


def test_what_is_not_there_is_not_drained(park: Served) -> None:
    problem_of(park.operator.post("/v1/nodes:drain", json={"nodes": ["nowhere"]}), 404)
    problem_of(park.operator.post("/v1/nodes:drain", json={"centre": "nowhere"}), 404)
    both = {"nodes": [NODE], "centre": "west"}
    problem_of(park.operator.post("/v1/nodes:drain", json=both), 422)


def test_an_operator_drains_by_a_command(data: Path) -> None:
    done = brain("drain", NODE, BRAIN_DATA=str(data))
    again = brain("drain", "--centre", "west", BRAIN_DATA=str(data))
    listed = brain("nodes", "--centre", "west", BRAIN_DATA=str(data))
    over = brain("drain", "--centre", "west", "--over", BRAIN_DATA=str(data))

    assert done.stdout == again.stdout == ("in maintenance: 1 of 1 node; what runs there goes on\n")
    heading, node = listed.stdout.splitlines()
    assert heading.split()[-1] == "state"
    assert "drained by operator (" in node
    assert over.stdout == "open to new work: 1 of 1 node\n"
    assert brain("drain").returncode == 2
