"""The whole product under `kill -9`: whatever dies, each job ends once, and is billed as it ran."""

import csv
import json
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from api.postgres import EmbeddedPostgres
from api.running.guard import postgres_folder
from api.schemas.jobs import JobView
from tests.acceptance.product import MARKS, NORTH, NORTH_NODES, SOUTH, Product, product_in
from tests.acceptance.ray_bed import shim_of

pytestmark = MARKS

UNTIL_TOLD = """
i=0
while [ ! -e "$BRAIN_OUTPUT_DIR/go" ]; do echo $i; i=$((i+1)); sleep 0.1; done
"""
FOR_EVER = "exec sleep 1000"


def tell_to_end(product: Product, job_id: str) -> None:
    (folder,) = product.data.glob(f"centres/*/outputs/{job_id}")
    (folder / "go").touch()


def slices_of(product: Product, job_id: str) -> list[dict[str, str]]:
    """The job's part of the export of usage."""
    lines = product.brain("export", "usage").stdout.removeprefix("\ufeff").splitlines()
    head = [name.partition(" ")[0] for name in next(csv.reader(lines[:1]))]
    rows = [dict(zip(head, row, strict=True)) for row in csv.reader(lines[1:])]
    return [row for row in rows if row["reference"].startswith(f"{job_id}.")]


def assert_ran_once(product: Product, job: JobView, cards: int) -> None:
    """One attempt, each line of its log once, and usage without a gap and without doubles."""
    (attempt,) = job.attempts
    assert attempt.started_at_ms is not None
    assert attempt.ended_at_ms is not None
    assert (job.state, attempt.cause, attempt.exit_code) == ("succeeded", "finished", 0)
    lines = product.brain("logs", job.id, "-f").stdout.split()
    assert lines == [str(number) for number in range(len(lines))]
    slices = sorted(slices_of(product, job.id), key=lambda row: row["from"])
    assert all(before["to"] == after["from"] for before, after in pairwise(slices))
    assert sum(int(row["device_ms"]) for row in slices) == cards * (
        attempt.ended_at_ms - attempt.started_at_ms
    )


@pytest.mark.parametrize("killed", [["serve"], ["agent", "--centre", "north"]], ids="-".join)
def test_a_job_outlives_what_started_it(product: Product, killed: list[str]) -> None:
    job_id = product.submit("--device", NORTH, "--devices", "2", command=UNTIL_TOLD)
    product.await_attempt(job_id, 1)

    product.kill(*killed)
    product.await_state(job_id, "running")
    tell_to_end(product, job_id)
    job = product.await_end(job_id)

    assert_ran_once(product, job, cards=2)
    assert "ended with code -9: starting it again" in product.up.said()


def test_a_job_outlives_broker_agent_and_database_at_once(product: Product) -> None:
    job_id = product.submit("--device", NORTH, command=UNTIL_TOLD)
    product.await_attempt(job_id, 1)

    for words in (["serve"], ["agent", "--centre", "north"]):
        part = product.part(*words)
        assert part is not None
        part.kill()
    psutil.Process(EmbeddedPostgres(postgres_folder(product.data)).process_id()).kill()
    tell_to_end(product, job_id)  # nobody is there to see it end
    job = product.await_end(job_id)

    assert_ran_once(product, job, cards=1)


def test_a_member_that_is_killed_fails_its_job_and_is_billed(product: Product) -> None:
    job_id = product.submit("--device", NORTH, "--retries", "3", command=FOR_EVER)
    product.await_attempt(job_id, 1)

    shim_of(f"{job_id}.1").children()[0].kill()
    job = product.await_end(job_id)

    (attempt,) = job.attempts
    assert (job.state, job.end_cause, attempt.exit_code) == ("failed", "user_error", -9)
    assert "member 0: exit code -9" in product.brain("show", job_id).stdout
    assert sum(int(row["device_ms"]) for row in slices_of(product, job_id)) > 0
    assert credited(product, job_id) == 0


@pytest.fixture(scope="module")
def lost(product: Product) -> dict[str, str]:
    """Jobs by name, when a node of one centre and all of another are gone, and work with them."""
    names = {
        # The first takes the head's node, so that the second stands on the one that is killed.
        "near": ["--device", NORTH],
        "on_node": ["--device", NORTH, "--retries", "1"],
        "in_centre": ["--device", SOUTH, "--retries", "1"],
    }
    jobs = {
        name: product.submit("--devices", "2", *options, command=FOR_EVER)
        for name, options in names.items()
    }
    placed = {name: product.await_attempt(job_id, 1).nodes for name, job_id in jobs.items()}
    assert [node["node_id"] for node in placed["on_node"]] == [NORTH_NODES[1]]

    north = product.clusters()["north"]
    with north._alone(north.data_dir / "ray.lock"):  # else the node may be back before that
        north.end_node(NORTH_NODES[1])
        product.clusters()["south"].stop()
        product.await_state(jobs["on_node"], "queued")
    return jobs


def test_a_job_whose_node_is_lost_starts_again_when_it_is_back_and_the_lost_time_is_free(
    product: Product, lost: dict[str, str]
) -> None:
    job_id = lost["on_node"]

    second = product.await_attempt(job_id, 2)
    first = product.client.job(job_id).attempts[0]
    near = product.client.job(lost["near"])
    for started in (job_id, near.id):
        product.client.cancel(started)

    assert first.cause == "node"
    assert [node["node_id"] for node in second.nodes] == [NORTH_NODES[1]]
    assert (near.state, len(near.attempts)) == ("running", 1)
    assert credited(product, job_id) == billed(first.started_at_ms, first.ended_at_ms, cards=2)


def test_a_job_whose_centre_is_gone_starts_again_when_it_is_back(
    product: Product, lost: dict[str, str]
) -> None:
    job_id = lost["in_centre"]

    product.await_attempt(job_id, 2)
    first = product.client.job(job_id).attempts[0]
    product.client.cancel(job_id)

    assert first.cause == "centre"
    assert credited(product, job_id) == billed(first.started_at_ms, first.ended_at_ms, cards=2)


def billed(from_ms: int | None, to_ms: int | None, cards: int) -> int:
    assert from_ms is not None
    assert to_ms is not None
    return cards * (to_ms - from_ms)


def credited(product: Product, job_id: str) -> int:
    """Card-milliseconds of the job that were given back."""
    lines = product.brain("export", "charges").stdout.removeprefix("\ufeff").splitlines()
    headers, *rows = csv.reader(lines)
    keys = [header.partition(" ")[0] for header in headers]
    charges = [dict(zip(keys, row, strict=True)) for row in rows]
    own = [one for one in charges if one["reference"].startswith(f"{job_id}.")]
    return -sum(int(one["device_ms"]) for one in own if one["cause"])


def test_a_park_that_is_killed_leaves_nothing_running_and_comes_back_with_its_books(
    product: Product, lost: dict[str, str]
) -> None:
    job_id = product.submit("--device", NORTH, command=FOR_EVER)
    product.await_attempt(job_id, 1)
    before = product.data_of("usage")["device_ms"]

    product.up.process.kill()
    product.up.process.wait()
    product.await_nothing_left()
    product.start()

    job = product.await_end(job_id)
    assert (job.state, job.end_cause) == ("failed", "centre")
    assert product.data_of("usage")["device_ms"] >= before > 0
    known = {one["id"] for one in product.data_of("jobs", "--limit", "500")["items"]}
    assert {job_id, *lost.values()} <= known
    again = product.submit("--device", NORTH, command="true")
    assert product.await_end(again).state == "succeeded"


def test_after_all_of_it_books_log_and_centres_agree_and_a_ghost_is_found(
    product: Product, lost: dict[str, str]
) -> None:
    """Whatever was killed before: the parts, a node, a centre, the park."""
    assert lost
    agreeing = product.brain("reconcile")
    diary = product.data / "centres" / "north" / "diary.jsonl"
    kept = diary.read_bytes()
    ghost = {"attempt_id": "ghost.1", "phase": "ended", "job_id": "ghost", "tenant_id": "fish"}
    ran = {"started_at_ms": 1, "ended_at_ms": 60_000, "end": "exited", "device_kind_id": NORTH}
    diary.write_bytes(kept + b"\n" + json.dumps(ghost | ran).encode())
    haunted = product.brain("reconcile", COLUMNS="400")
    diary.write_bytes(kept)
    again = product.data_of("reconcile")

    assert agreeing.returncode == 0, agreeing.stdout
    assert "books and event log agree" in agreeing.stdout
    assert "log, books and centres agree" in agreeing.stdout
    assert haunted.returncode == 1
    assert (
        "✗ north ghost.1 (job ghost, tenant fish): unknown: it ran, and the log" in haunted.stdout
    )
    assert again["centres"]["count"] == again["lines"][-1]["differences"] == 0
    assert all(centre["is_compared"] for centre in again["centres"]["centres"])
    assert again["centres"]["centres"][0]["attempts"] > len(lost)


def test_a_start_that_is_killed_leaves_nothing_running(tmp_path: Path) -> None:
    with product_in(tmp_path) as other:
        other.begin().await_words("database: embedded PostgreSQL")

        other.up.process.kill()
        other.up.process.wait()

        other.await_nothing_left()


def test_a_start_that_is_interrupted_twice_leaves_nothing_running(tmp_path: Path) -> None:
    with product_in(tmp_path) as other:
        other.begin().await_words("starting a Ray cluster")

        other.up.process.send_signal(2)
        code = other.stop()

        assert (code, other.left()) == (0, [])
        assert "everything is stopped" in other.up.said()
        assert "Traceback" not in other.up.said()
