"""`books`: a month of many usage slices: rated, stated, closed, exported; DuckDB beside it.

The slices of a month are made up by a seed, as an agent's five minutes would be, linked into their
chains, and copied into PostgreSQL with fsync on; the same rows go into Parquet files. Then more are
rated and booked as the leader does, a statement is asked for again and again beside DuckDB adding
up the same tenant's rows, and the month is closed and exported.
"""

import json
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from statistics import median

from sqlalchemy import Engine, func, select, text

from accounting.calendar import month_bounds, next_month
from accounting.exports.export import charges_sheet
from accounting.exports.sheet import spreadsheet_csv
from accounting.months.closing import statement
from accounting.storage.hours import unfit
from accounting.storage.store import charges, month_sums, publish_price_list, usage_sums
from accounting.storage.tables import UsageHourRow
from api.closing import close_once
from benchmarks.book_load import DEARER, MONTH, PRICES, BookLoad
from benchmarks.book_writes import writes
from benchmarks.hardware import conditions, peak_rss_mib
from benchmarks.laps import bench_database
from benchmarks.options import add_count, add_seed

EXAMPLES = """examples:
  python -m benchmarks books
  python -m benchmarks books --slices 100000 --json"""

GOAL_S = 1.0
GOAL_TIMES = 3.0


def add_arguments(parser: ArgumentParser) -> None:
    add_count(parser, "--slices", 1_000_000, "usage slices of the month")
    add_count(parser, "--tenants", 50, "of very different size")
    add_count(parser, "--repeats", 5, "of each question; the median counts")
    add_count(parser, "--exported", 200_000, "charges are exported at most")
    add_seed(parser, "who used what, and when")


def run(arguments: Namespace) -> dict[str, object]:
    with tempfile.TemporaryDirectory(prefix="brain-books-") as folder, bench_database() as database:
        with database.begin() as connection:
            publish_price_list(connection, PRICES)
            publish_price_list(connection, DEARER)
        load = BookLoad(
            database=database,
            folder=Path(folder),
            tenant_count=arguments.tenants,
            seed=arguments.seed,
        )
        load_s = seconds(lambda: load.write(arguments.slices))
        settle(database)
        asked = questions(load, arguments.repeats)
        written = writes(database, arguments.tenants, arguments.seed)
        close_s = seconds(lambda: close(database))
        exported, exported_per_s = export(database, arguments.exported)
        check_s = seconds(lambda: check_hours(database))
    return {
        "slices": arguments.slices,
        "tenants": arguments.tenants,
        "load_s": round(load_s, 1),
        "loaded_slices_per_s": round(arguments.slices / load_s),
        **asked,
        **written,
        "close_s": round(close_s, 2),
        "exported_charges": exported,
        "exported_charges_per_s": round(exported_per_s),
        "check_hours_s": round(check_s, 2),
        "peak_rss_mib": peak_rss_mib(),
        **conditions(arguments.seed),
    }


def seconds(act: Callable[[], object]) -> float:
    began_s = time.perf_counter()
    act()
    return time.perf_counter() - began_s


def warm(repeats: int, act: Callable[[], object]) -> float:
    """The median of so many, after one that does not count."""
    act()
    return median(seconds(act) for _ in range(repeats))


def settle(database: Engine) -> None:
    """As autovacuum would have left it."""
    with database.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


def questions(load: BookLoad, repeats: int) -> dict[str, object]:
    """One tenant's month, of the largest and of the one in the middle; and the whole park's."""
    by_size = load.by_size()
    report: dict[str, object] = {}
    for name, tenant_id in (("largest", by_size[0]), ("middle", by_size[len(by_size) // 2])):
        report |= of_tenant(load, name, tenant_id, repeats)
    with load.database.connect() as connection:
        report["hour_rows"] = connection.scalar(select(func.count()).select_from(UsageHourRow))
    ours_s = warm(repeats, lambda: park_lines(load.database))
    peer_s = warm(repeats, lambda: load.added_up(None))
    return report | {
        "park_usage_s": round(ours_s, 3),
        "park_duckdb_s": round(peer_s, 3),
        "park_times_duckdb": round(ours_s / peer_s, 2),
    }


def of_tenant(load: BookLoad, name: str, tenant_id: str, repeats: int) -> dict[str, object]:
    assert_same(load, tenant_id)
    ours_s = warm(repeats, lambda: read_statement(load.database, tenant_id))
    slices_s = warm(1, lambda: from_slices(load.database, tenant_id))
    peer_s = warm(repeats, lambda: load.added_up(tenant_id))
    return {
        f"{name}_tenant_slices": load.counts[tenant_id],
        f"{name}_statement_s": round(ours_s, 4),
        f"{name}_from_slices_s": round(slices_s, 3),
        f"{name}_duckdb_s": round(peer_s, 4),
        f"{name}_times_duckdb": round(ours_s / peer_s, 2),
        f"{name}_meets_both_goals": ours_s < GOAL_S and ours_s < GOAL_TIMES * peer_s,
    }


def assert_same(load: BookLoad, tenant_id: str) -> None:
    """The peer adds up the same rows to the same lines, or its time means nothing."""
    lines = json.loads(read_statement(load.database, tenant_id))["lines"]
    ours = sorted(line["device_ms"] for line in lines)
    theirs = sorted(int(str(row[-2])) for row in load.added_up(tenant_id))
    assert ours == theirs, f"the statement of {tenant_id} and its rows in Parquet differ"


def read_statement(database: Engine, tenant_id: str) -> bytes:
    with database.connect() as connection:
        return statement(connection, tenant_id, MONTH).body


def from_slices(database: Engine, tenant_id: str) -> None:
    """The same lines without the hours: what has been written after the first fact."""
    with database.connect() as connection:
        month_sums(connection, MONTH, tenant_id, 0, None)


def park_lines(database: Engine) -> None:
    with database.connect() as connection:
        usage_sums(connection, *month_bounds(MONTH))


def close(database: Engine) -> None:
    with database.begin() as connection:
        close_once(connection, MONTH, month_bounds(next_month(MONTH))[0])


def export(database: Engine, count_max: int) -> tuple[int, float]:
    """So many charges of the month as CSV: how many, and how many a second."""
    began_s = time.perf_counter()
    month = islice(charges(database.connect, *month_bounds(MONTH)), count_max)
    lines = sum(part.count(b"\n") for part in spreadsheet_csv(charges_sheet(month)))
    return lines, lines / (time.perf_counter() - began_s)


def check_hours(database: Engine) -> None:
    with database.connect() as connection:
        assert not [*unfit(connection)], "an hour is not the sum of its slices"
