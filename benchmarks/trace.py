"""`trace`: what users asked of the broker in a period, as a trace to replay other policies on.

All jobs that came to the queue then, and are over. Left out, and counted, are those that are not
over, that never ran, and gangs of several roles. A trace says nothing of priorities, quotas, money,
hours, data, dependencies, arrays, racks and nodes asked for: who was held comes when it was
released.
"""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from api.clock import now_ms
from api.database import BadDatabaseUrl, engine
from api.guard import postgres_folder
from api.postgres import EmbeddedPostgres
from api.reasons import PARK_ZONE
from api.settings import Settings, SettingsInvalid
from benchmarks.arrivals import LeftOut, courses, from_zero, numbered, traced
from benchmarks.local_broker import BenchmarkFailed
from benchmarks.traces import BadTrace, TraceJob, write_trace, write_walltimes

MS_PER_S = 1_000
MS_PER_DAY = 86_400_000

EXAMPLES = """examples:
  python -m benchmarks trace --from 2026-11-01 --until 2026-12-01 --out nov.csv.gz \\
      --walltime nov_limits.csv.gz
  python -m benchmarks compare --trace nov.csv.gz --walltime nov_limits.csv.gz --park park.yaml"""


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--database", help="PostgreSQL's address (BRAIN_DATABASE_URL, else that of `brain up`)"
    )
    parser.add_argument(
        "--from",
        dest="from_ms",
        type=_moment,
        default=0,
        help="like 2026-11-01 or 2026-11-01T08:00, in UTC+8; the first job if not given",
    )
    parser.add_argument("--until", dest="until_ms", type=_moment, help="now if not given")
    parser.add_argument(
        "--names",
        choices=("kept", "numbered"),
        default="kept",
        help="of tenants, users and jobs (%(default)s)",
    )
    parser.add_argument("--out", type=Path, required=True, help="the trace: OUT.csv or OUT.csv.gz")
    parser.add_argument("--walltime", type=Path, help="write the jobs' limits: W.csv or W.csv.gz")


def _moment(text: str) -> int:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text} is no day or time like 2026-11-01T08:00") from None
    return int(at.replace(tzinfo=at.tzinfo or PARK_ZONE).timestamp() * MS_PER_S)


def run(arguments: Namespace) -> dict[str, object]:
    until_ms = now_ms() if arguments.until_ms is None else arguments.until_ms
    if arguments.from_ms >= until_ms:
        raise BadTrace("there is no period: --from must be before --until (now if not given)")
    try:
        with _connection(arguments.database) as connection:
            found = [traced(one) for one in courses(connection, arguments.from_ms, until_ms)]
    except (BadDatabaseUrl, SettingsInvalid, SQLAlchemyError) as error:
        raise BenchmarkFailed(f"the database cannot be read: {error}") from None
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


@contextmanager
def _connection(given: str | None) -> Iterator[Connection]:
    with _database_url(given) as url:
        database = engine(url)
        try:
            with database.connect() as connection:
                yield connection
        finally:
            database.dispose()


@contextmanager
def _database_url(given: str | None) -> Iterator[str]:
    """As is given or set, else of the database in the data folder, whether it runs or not."""
    settings = Settings.load()
    if given is None and settings.database_url is not None:
        given = settings.database_url.get_secret_value()
    if given is not None:
        yield given
        return
    embedded = EmbeddedPostgres(postgres_folder(settings.data))
    if embedded.process_id() is not None:
        yield embedded.url()
        return
    if not embedded.data.exists():
        raise BenchmarkFailed(f"{settings.data} has no database: name one by --database")
    with embedded:
        yield embedded.url()


def _report(jobs: Sequence[TraceJob]) -> dict[str, object]:
    return {
        "jobs": len(jobs),
        "days": jobs[-1].submit_ms / MS_PER_DAY,
        "largest": max(job.device_count for job in jobs),
        "tenants": len({job.tenant for job in jobs}),
    }
