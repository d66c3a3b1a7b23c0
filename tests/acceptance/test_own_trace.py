"""What users asked of this broker, once more: its own log, and a trace of it to give away."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from api.clock import now_ms
from benchmarks.__main__ import main
from benchmarks.score import read_schedule
from benchmarks.traces import read_trace
from tests.acceptance.brokers import Served, await_state, submitted

EAST = "ascend-910b3"


def told(words: Sequence[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert main([*words, "--json"]) == 0
    report: dict[str, Any] = json.loads(capsys.readouterr().out)
    return report


def test_what_was_asked_of_the_broker_is_replayed_under_another_policy(
    park: Served, module_database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = submitted(park.steel, command="sleep 1", devices=16, device=EAST, limit="2h")
    second = submitted(park.steel, command="sleep 0.5", devices=8, device=EAST, after=[first])
    third = submitted(park.fish, command="sleep 0.5", devices=8, device="hygon-k100-ai")
    never = submitted(park.fish, devices=8, after=[third], name="never")
    park.fish.post(f"/v1/jobs/{never}:cancel")
    runs = submitted(park.fish, command="sleep 600")
    for client, job_id in ((park.steel, second), (park.fish, third)):
        await_state(client, job_id, "succeeded")
    await_state(park.fish, runs, "running")
    trace, limits = tmp_path / "own.csv.gz", tmp_path / "limits.csv.gz"
    wanted = ["--database", module_database_url, "--out", str(trace), "--walltime", str(limits)]

    report = told(["trace", *wanted, "--names", "numbered"], capsys)

    assert (report["jobs"], report["tenants"], report["largest"]) == (3, 2, 16)
    assert (report["left_out_not_over"], report["left_out_never_ran"]) == (1, 1)
    jobs = read_trace(trace, limits)
    assert [(job.tenant, job.device_count, job.device_type) for job in jobs] == [
        ("t001", 16, EAST),
        ("t002", 8, "hygon-k100-ai"),
        ("t001", 8, EAST),
    ]
    assert jobs[0].submit_ms == 0
    assert jobs[0].walltime_ms == 7_200_000
    assert 1_000 <= jobs[0].duration_ms < 60_000
    assert jobs[2].submit_ms >= 1_000, "it came once the first had ended"
    for policy in ("default", "fifo"):
        replayed = ["replay", "--trace", str(trace), "--nodes", "3", "--policy", policy]
        assert told(replayed, capsys)["jobs"] == 3


def test_a_period_of_its_own_log_comes_as_it_came_and_is_laid_beside_other_policies(
    park: Served, module_database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    begin_ms = now_ms()
    first = submitted(park.steel, command="sleep 1", devices=8, device=EAST, priority="high")
    later = [
        submitted(park.steel, command="sleep 0.3", devices=8, device=EAST, priority=priority)
        for priority in ("low", "normal", "high")
    ]
    last = submitted(park.steel, command="sleep 0.2", devices=8, device=EAST, after=[first])
    gone = submitted(park.fish, command="sleep 600", devices=8)
    park.fish.post(f"/v1/jobs/{gone}:cancel")
    for job_id in later:
        await_state(park.steel, job_id, "succeeded")
    await_state(park.steel, last, "succeeded")
    begin = datetime.fromtimestamp(begin_ms / 1_000, UTC).isoformat()
    period = ["--log", module_database_url, "--from", begin]
    picture, schedule = tmp_path / "own.png", tmp_path / "own.csv"

    report = told(["replay", *period, "--schedule", str(schedule)], capsys)
    compared = told(["compare", *period, "--picture", str(picture)], capsys)

    assert (report["came"], report["parts_first"]) == (6, "")
    assert report["decided_alike"] == report["decided_in_the_log"]
    assert len(read_schedule(schedule)) >= report["jobs"] >= 5
    columns: list[dict[str, Any]] = compared["policies"]
    was, fifo, _, ours, _ = columns
    assert (was["policy"], fifo["policy"], ours["policy"]) == ("as it was", "fifo", "default")
    assert was["mean_wait_s"] == ours["mean_wait_s"] == report["mean_wait_s"]
    assert fifo["decided_in_the_log"] == ours["decided_alike"] == report["decided_alike"]
    assert picture.stat().st_size > 10_000


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (["--from", "2099-01-01"], 2, "no job of that period is in the log"),
        (["--from", "2026-01-02", "--until", "2026-01-01"], 2, "--from must be before --until"),
        (["--nodes", "4"], 2, "--nodes goes with --trace"),
        (["--cards", "8"], 2, "--cards goes with --trace"),
        (["--failures-per-node-day", "1"], 2, "--failures-per-node-day goes with --trace"),
        (["--foretell", "on"], 2, "--foretell goes with --trace"),
        (["--log", "mysql://x/y"], 1, "mysql cannot be used"),
    ],
)
def test_what_does_not_go_with_the_log_is_refused_with_why(
    words: list[str],
    code: int,
    why: str,
    module_database_url: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["replay", "--log", module_database_url, *words]) == code

    assert why in capsys.readouterr().err


def test_a_period_without_jobs_and_a_database_that_is_none_are_told_so(
    module_database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--out", str(tmp_path / "own.csv")]

    empty = main(["trace", "--database", module_database_url, "--until", "2020-01-01", *out])
    none = main(["trace", "--database", "mysql://x/y", *out])

    assert (empty, none) == (2, 1)
    said = capsys.readouterr().err
    assert "no job of that period can be in a trace" in said
    assert "mysql cannot be used" in said


@pytest.mark.parametrize("until", [[], ["--until", "2026-11-01"], ["--until", "2098-12-31"]])
def test_a_period_that_ends_before_it_begins_is_refused_by_both_its_ends(
    until: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    begin = "2026-11-01" if until == ["--until", "2026-11-01"] else "2099-01-01"
    nowhere = ["--database", "postgresql://u@127.0.0.1:1/d", "--out", str(tmp_path / "own.csv")]

    assert main(["trace", *nowhere, "--from", begin, *until]) == 2

    assert "--from must be before --until" in capsys.readouterr().err
