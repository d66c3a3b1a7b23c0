"""Traces drawn from a published model: as large, busy and repetitive as asked, and reproducible."""

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from benchmarks.__main__ import main
from benchmarks.lublin import Wish, drawn
from benchmarks.traces import TraceJob, read_trace

WISH = Wish(
    job_count=3_000,
    node_count=16,
    cards_per_node=8,
    largest=64,
    load=0.9,
    user_count=40,
    tenant_count=8,
)
HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
def jobs() -> tuple[TraceJob, ...]:
    return drawn(WISH, Random(1))


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    paths = [tmp_path / f"{name}.csv.gz" for name in "abc"]

    for path, seed in zip(paths, "112", strict=True):
        assert main(["synthesize", "--jobs", "50", "--seed", seed, "--out", str(path)]) == 0

    first, again, other = (path.read_bytes() for path in paths)
    assert first == again != other
    assert len(read_trace(paths[0])) == 50


def test_a_trace_is_read_as_it_was_drawn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "t.csv"

    main(["synthesize", "--jobs", "3000", "--seed", "1", "--out", str(path), "--json"])

    read = read_trace(path)
    assert read == drawn(WISH, Random(1))
    report = json.loads(capsys.readouterr().out)
    assert (report["jobs"], report["seed"]) == (3_000, 1)


def test_it_keeps_the_park_as_busy_as_asked(jobs: tuple[TraceJob, ...]) -> None:
    span_ms = jobs[-1].submit_ms
    work_ms = sum(job.device_count * job.duration_ms for job in jobs)

    assert work_ms / (128 * span_ms) == pytest.approx(0.9, rel=0.05)
    submitted = [job.submit_ms for job in jobs]
    assert submitted == sorted(submitted)


def test_more_than_a_node_is_whole_nodes(jobs: tuple[TraceJob, ...]) -> None:
    sizes = Counter(job.device_count for job in jobs)

    assert max(sizes) == 64
    assert all(size <= 8 or size % 8 == 0 for size in sizes)
    assert 0.15 < sizes[1] / len(jobs) < 0.35
    assert {3, 5, 6, 7} & set(sizes), "not all are powers of two"


def test_more_come_by_day_than_by_night(jobs: tuple[TraceJob, ...]) -> None:
    hours = Counter(job.submit_ms // HOUR_MS % 24 for job in jobs)

    assert sum(hours[hour] for hour in range(10, 18)) > 2 * sum(hours[hour] for hour in range(8))


def test_users_run_again_what_they_ran(jobs: tuple[TraceJob, ...]) -> None:
    pairs = list(pairwise(jobs))
    again = [(a, b) for a, b in pairs if (a.user, a.device_count) == (b.user, b.device_count)]
    alike = [a for a, b in again if 0.8 < b.duration_ms / a.duration_ms < 1.25]

    assert len(alike) > len(pairs) / 5
    users = Counter(job.user for job in jobs)
    assert users["u0"] > 3 * users["u20"], "few submit most"
    assert {job.tenant for job in jobs} == {f"t{number}" for number in range(8)}


@pytest.mark.parametrize("load", ["0", "11", "nan", "much"])
def test_a_load_has_limits(load: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["synthesize", "--load", load, "--out", str(tmp_path / "t.csv")])

    assert load in capsys.readouterr().err


def test_what_cannot_fit_is_not_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["synthesize", "--nodes", "4", "--out", str(tmp_path / "t.csv")])

    assert code == 2
    assert "jobs of 64 devices do not fit into 32" in capsys.readouterr().err
