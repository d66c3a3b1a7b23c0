"""`trace`: what users asked of the broker in a period, as a trace to replay other policies on.

All jobs that came to the queue then, and are over. Left out, and counted, are those that are not
over, that never ran, and gangs of several roles. A trace says nothing of priorities, quotas, money,
hours, data, dependencies, arrays, racks and nodes asked for: who was held comes when it was
released.
"""

from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from api.clock import now_ms
from benchmarks.arrivals import LeftOut, courses, from_zero, numbered, traced
from benchmarks.own_log import NO_PERIOD, add_period, connected
from benchmarks.traces import BadTrace, TraceJob, write_trace, write_walltimes

MS_PER_DAY = 86_400_000

EXAMPLES = """examples:
  python -m benchmarks trace --from 2026-11-01 --until 2026-12-01 --out nov.csv.gz \\
      --walltime nov_limits.csv.gz
  python -m benchmarks compare --trace nov.csv.gz --walltime nov_limits.csv.gz --park park.yaml"""


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--database", help="PostgreSQL's address (BRAIN_DATABASE_URL, else that of `brain up`)"
    )
    add_period(parser)
    parser.add_argument(
        "--names",
        choices=("kept", "numbered"),
        default="kept",
        help="of tenants, users and jobs (%(default)s)",
    )
    parser.add_argument("--out", type=Path, required=True, help="the trace: OUT.csv or OUT.csv.gz")
    parser.add_argument("--walltime", type=Path, help="write the jobs' limits: W.csv or W.csv.gz")


def run(arguments: Namespace) -> dict[str, object]:
    until_ms = now_ms() if arguments.until_ms is None else arguments.until_ms
    if arguments.from_ms >= until_ms:
        raise BadTrace(NO_PERIOD)
    with connected(arguments.database) as connection:
        found = [traced(one) for one in courses(connection, arguments.from_ms, until_ms)]
    left_out = Counter(one for one in found if isinstance(one, LeftOut))
    counted = {why.value: left_out[why] for why in LeftOut}
    jobs = from_zero([one for one in found if isinstance(one, TraceJob)])
    if not jobs:
        raise BadTrace(f"no job of that period can be in a trace: {counted}")
    if arguments.names == "numbered":
        jobs = numbered(jobs)
    write_trace(arguments.out, jobs)
    if arguments.walltime:
        write_walltimes(arguments.walltime, jobs)
    return _report(jobs) | counted


def _report(jobs: Sequence[TraceJob]) -> dict[str, object]:
    return {
        "jobs": len(jobs),
        "days": jobs[-1].submit_ms / MS_PER_DAY,
        "largest": max(job.device_count for job in jobs),
        "tenants": len({job.tenant for job in jobs}),
    }
