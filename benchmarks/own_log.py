"""The broker's own database, as a command line names it, and its event log in a period."""

from argparse import ArgumentParser, ArgumentTypeError, _MutuallyExclusiveGroup
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from pydantic import ValidationError
from sqlalchemy import Connection, select
from sqlalchemy.exc import ProgrammingError, SQLAlchemyError

from api.answers.reasons import PARK_ZONE
from api.database import BadDatabaseUrl, engine
from api.postgres import EmbeddedPostgres
from api.running.guard import postgres_folder
from api.settings import Settings, SettingsInvalid
from benchmarks.happened import Happened, Recorded, Unplayable, happened
from benchmarks.local_broker import BenchmarkFailed
from benchmarks.traces import BadTrace
from scheduler.facts.state import State
from scheduler.storage.codec import decode, decode_snapshot
from scheduler.storage.tables import CheckpointRow, EventRow

MS_PER_S = 1_000
BATCH = 5_000
NO_PERIOD = "there is no period: --from must be before --until (now if not given)"


def add_log(group: _MutuallyExclusiveGroup) -> None:
    """The broker's own log in place of a trace."""
    group.add_argument(
        "--log",
        nargs="?",
        const="",
        metavar="DATABASE_URL",
        help="a period of the broker's own log, with all that is in it "
        "(BRAIN_DATABASE_URL, else that of `brain up`)",
    )


def add_period(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--from",
        dest="from_ms",
        type=_moment,
        default=0,
        help="like 2026-11-01 or 2026-11-01T08:00, in UTC+8; the first job if not given",
    )
    parser.add_argument("--until", dest="until_ms", type=_moment, help="now if not given")


def _moment(text: str) -> int:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text} is no day or time like 2026-11-01T08:00") from None
    return int(at.replace(tzinfo=at.tzinfo or PARK_ZONE).timestamp() * MS_PER_S)


@contextmanager
def connected(given: str | None) -> Iterator[Connection]:
    """To the database that is given or set, else to that in the data folder, running or not.

    All that is read is of one moment. Raises `BenchmarkFailed` where it cannot be read.
    """
    try:
        with _database_url(given) as url:
            database = engine(url)
            try:
                with database.connect() as connection:
                    yield connection.execution_options(isolation_level="REPEATABLE READ")
            finally:
                database.dispose()
    except ProgrammingError:
        raise BenchmarkFailed(
            "the database has no broker's log of this release: see `brain migrate`, or name another"
        ) from None
    except (BadDatabaseUrl, SettingsInvalid, SQLAlchemyError) as error:
        raise BenchmarkFailed(f"the database cannot be read: {error}") from None


@contextmanager
def _database_url(given: str | None) -> Iterator[str]:
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
        raise BenchmarkFailed(
            f"{settings.data} has no database: name one, or set BRAIN_DATABASE_URL"
        )
    with embedded:
        yield embedded.url()


def read_period(connection: Connection, from_ms: int, until_ms: int | None) -> Happened:
    """From the newest checkpoint before the period, else from the first event of all.

    Raises `BadTrace` where nothing was committed in the period, and `BenchmarkFailed` where this
    release cannot play what an earlier one wrote.
    """
    state, seq = _checkpoint_before(connection, from_ms)
    try:
        found = happened(state, _events_after(connection, seq), from_ms, until_ms)
    except (Unplayable, ValidationError) as error:
        raise BenchmarkFailed(
            f"an earlier release wrote what this one cannot play: {error}\n"
            f"begin after a checkpoint, at {_checkpoints(connection)} or later"
        ) from None
    if not found.arrived_ids:
        raise BadTrace("no job of that period is in the log")
    return found


def _checkpoint_before(connection: Connection, from_ms: int) -> tuple[State, int]:
    newest = select(CheckpointRow).where(CheckpointRow.recorded_at_ms < from_ms)
    row = connection.execute(newest.order_by(CheckpointRow.seq.desc()).limit(1)).one_or_none()
    return (State(), 0) if row is None else (State.restored(decode_snapshot(row.body)), row.seq)


def _checkpoints(connection: Connection) -> str:
    times = connection.scalars(select(CheckpointRow.recorded_at_ms).order_by(CheckpointRow.seq))
    said = [datetime.fromtimestamp(ms / MS_PER_S, PARK_ZONE).isoformat() for ms in times]
    return ", ".join(said) or "none, of which there are"


def _events_after(connection: Connection, seq: int) -> Iterator[Recorded]:
    while True:
        page = select(EventRow.seq, EventRow.recorded_at_ms, EventRow.epoch, EventRow.body)
        page = page.where(EventRow.seq > seq).order_by(EventRow.seq).limit(BATCH)
        rows = connection.execute(page).all()
        for row in rows:
            yield Recorded(at_ms=row.recorded_at_ms, event=decode(row.body), epoch=row.epoch)
        if len(rows) < BATCH:
            return
        seq = rows[-1].seq
