"""Job traces: what real users asked of real parks, one row a job.

Columns: `job_id,tenant,user,submit_s,duration_s,devices,nodes,device_type,status`, an empty cell
where the source does not say. A walltime file (`job_id,walltime_req_s`) holds the users' limits.
"""

import csv
import gzip
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path

MS_PER_S = 1_000
COLUMNS = (
    *("job_id", "tenant", "user", "submit_s", "duration_s"),
    *("devices", "nodes", "device_type", "status"),
)
WALLTIME_COLUMNS = "job_id", "walltime_req_s"


class BadTrace(Exception):
    """A trace file cannot be used; says where and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceJob:
    """One job of a trace; `duration_ms` is its time on the devices, waiting not included."""

    id: str
    tenant: str
    user: str
    submit_ms: int
    duration_ms: int
    device_count: int
    device_type: str
    walltime_ms: int | None = None
    status: str = ""


def read_rows(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a CSV file, plain or gzipped."""
    with path.open("rb") as file:
        raw = gzip.GzipFile(fileobj=file) if path.suffix == ".gz" else file
        with TextIOWrapper(raw, encoding="utf-8", newline="") as text:
            yield from csv.DictReader(text)


def write_rows(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A CSV file, gzipped where its name says so; the same bytes for the same rows."""
    with path.open("wb") as file:
        is_zipped = path.suffix == ".gz"
        raw = gzip.GzipFile("", "wb", fileobj=file, mtime=0) if is_zipped else file
        with TextIOWrapper(raw, encoding="utf-8", newline="") as text:
            writer = csv.writer(text, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows(rows)


def write_trace(path: Path, jobs: Iterable[TraceJob]) -> None:
    write_rows(path, COLUMNS, (_cells(job) for job in jobs))


def _cells(job: TraceJob) -> tuple[object, ...]:
    times = seconds_of(job.submit_ms), seconds_of(job.duration_ms)
    rest = job.device_count, "", job.device_type, job.status
    return (job.id, job.tenant, job.user, *times, *rest)


def write_walltimes(path: Path, jobs: Iterable[TraceJob]) -> None:
    """Their limits, of those that have one."""
    stated = ((job.id, job.walltime_ms) for job in jobs)
    write_rows(
        path, WALLTIME_COLUMNS, ((one, seconds_of(ms)) for one, ms in stated if ms is not None)
    )


def read_trace(path: Path, walltimes: Path | None = None) -> tuple[TraceJob, ...]:
    """All jobs by time of submission; raises `BadTrace` for what cannot be replayed."""
    limits = _read_walltimes(walltimes) if walltimes else {}
    jobs: dict[str, TraceJob] = {}
    for number, row in enumerate(read_rows(path), start=2):
        try:
            job = _job(row, limits)
        except (KeyError, ValueError, TypeError) as error:
            raise BadTrace(f"{path}, line {number}: {error!r}") from None
        if job.id in jobs:
            raise BadTrace(f"{path}, line {number}: job {job.id} is there twice")
        jobs[job.id] = job
    if not jobs:
        raise BadTrace(f"{path} has no jobs")
    return tuple(sorted(jobs.values(), key=lambda job: job.submit_ms))


def _job(row: dict[str, str], limits: dict[str, int]) -> TraceJob:
    job = TraceJob(
        id=row["job_id"],
        tenant=row["tenant"] or "unknown",
        user=row["user"],
        submit_ms=ms_of(row["submit_s"]),
        duration_ms=ms_of(row["duration_s"]),
        device_count=int(row["devices"]),
        device_type=row["device_type"],
        walltime_ms=limits.get(row["job_id"]),
        status=row.get("status") or "",
    )
    if job.submit_ms < 0 or job.duration_ms <= 0 or job.device_count <= 0:
        raise ValueError(f"job {job.id} needs a submit time, a run time and devices")
    return job


def _read_walltimes(path: Path) -> dict[str, int]:
    try:
        return {row["job_id"]: ms_of(row["walltime_req_s"]) for row in read_rows(path)}
    except (KeyError, ValueError) as error:
        raise BadTrace(f"{path}: {error!r}") from None


def ms_of(seconds: str) -> int:
    return round(float(seconds) * MS_PER_S)


def seconds_of(at_ms: int) -> str:
    """Seconds as text, without a loss: `12`, `12.345`."""
    whole, rest = divmod(at_ms, MS_PER_S)
    return f"{whole}.{rest:03}" if rest else str(whole)
