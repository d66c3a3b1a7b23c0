"""Rules of reading traces: what is in them, and what cannot be used."""

import gzip
from pathlib import Path

import pytest

from benchmarks.traces import BadTrace, TraceJob, ms_of, read_trace, seconds_of

DATA = Path(__file__).parents[2] / "data"
HEADER = "job_id,tenant,user,submit_s,duration_s,devices,nodes,device_type,status\n"


def test_a_trace_is_read_plain_or_gzipped(tmp_path: Path) -> None:
    zipped = tmp_path / "tiny.csv.gz"
    zipped.write_bytes(gzip.compress((DATA / "tiny.csv").read_bytes()))

    jobs = read_trace(DATA / "tiny.csv")

    assert read_trace(zipped) == jobs
    assert jobs[1] == TraceJob(
        id="b",
        tenant="y",
        user="u2",
        submit_ms=10_000,
        duration_ms=50_000,
        device_count=2,
        device_type="gpu",
        status="pass",
    )


def test_walltimes_are_read_beside_their_jobs() -> None:
    jobs = read_trace(DATA / "tiny.csv", DATA / "tiny_walltime.csv")

    assert [job.walltime_ms for job in jobs] == [120_000, 60_000, 10_000, None]


def test_jobs_are_in_the_order_of_their_submission(tmp_path: Path) -> None:
    trace = tmp_path / "t.csv"
    trace.write_text(HEADER + "late,t,,5,1,1,,,\nearly,t,,1.5,1,1,,,\nalso,t,,1.5,1,1,,,\n")

    assert [job.id for job in read_trace(trace)] == ["early", "also", "late"]


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ("a,t,,0,1,1,,,\na,t,,0,1,1,,,\n", "line 3: job a is there twice"),
        ("a,t,,0,1,0.5,,,\n", "line 2"),
        ("a,t,,0,1,0,,,\n", "line 2.*devices"),
        ("a,t,,0,0,1,,,\n", "line 2.*run time"),
        ("a,t,,-1,1,1,,,\n", "line 2.*submit time"),
        ("a,t,,0,x,1,,,\n", "line 2"),
        ("a\n", "line 2"),
        ("", "has no jobs"),
    ],
)
def test_what_cannot_be_replayed_is_refused_by_its_line(
    tmp_path: Path, rows: str, why: str
) -> None:
    trace = tmp_path / "t.csv"
    trace.write_text(HEADER + rows)

    with pytest.raises(BadTrace, match=why):
        read_trace(trace)


def test_a_file_of_other_columns_is_refused(tmp_path: Path) -> None:
    trace = tmp_path / "t.csv"
    trace.write_text("job,gpus\n1,2\n")

    with pytest.raises(BadTrace, match="job_id"):
        read_trace(trace)


@pytest.mark.parametrize("text", ["0", "12", "12.5", "0.001"])
def test_seconds_survive_as_milliseconds(text: str) -> None:
    assert float(seconds_of(ms_of(text))) == float(text)
