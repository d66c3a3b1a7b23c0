"""`month`: a month of a park, from its first job to closed books that are proven and exported.

The real controller in virtual time on simulated centres of the default park, into PostgreSQL: many
tenants, a price change in the middle, nodes that are lost, vouchers, packages, cores beside cards,
two centres that measure what cards do, and work whose last minutes become known only after the
close. Then the month is closed, a line of it disputed and some of that granted; all is verified,
reconciled and exported into a folder; the month after has the corrections and what was granted.
"""

import json
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, Engine, func, select

from accounting.bills.replies import Reply, ReplyKind
from accounting.calendar import month_bounds, next_month
from accounting.exports import focus_lines
from accounting.exports.export import charges_sheet, statement_sheet, usage_sheet
from accounting.exports.focus import focus_sheet
from accounting.exports.sheet import plain_csv, spreadsheet_csv
from accounting.months.billed import bills_of
from accounting.months.closing import StoredStatement, statement
from accounting.months.replying import reply
from accounting.proof.roots import draw_root
from accounting.proof.verifying import Misfit, Walked, verify
from accounting.storage.activity_tables import ActivityRow
from accounting.storage.store import charges, slices
from accounting.storage.tables import TransferRow, UsageCreditRow, UsageRow
from accounting.storage.voucher_store import balances, issue
from api.closing import close_once
from api.documents.parquet import parquet
from api.documents.statement import Names, statement_pdf
from api.granting import decide_once
from benchmarks.hardware import conditions, peak_rss_mib
from benchmarks.laps import bench_database
from benchmarks.month_park import MonthPark
from benchmarks.options import add_count, add_seed
from scheduler.storage.reconciling import Difference, reconcile

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
PDFS = 3
"""So many statements are set as documents as well: one looks like another."""

EXAMPLES = """examples:
  python -m benchmarks month --seed 7 --out month
  python -m benchmarks month --jobs 300 --tenants 10 --out small --json"""

T = TypeVar("T")


def add_arguments(parser: ArgumentParser) -> None:
    add_count(parser, "--jobs", 2_000, "submitted in the month")
    add_count(parser, "--tenants", 50, "of very different size")
    add_count(parser, "--meter-minutes", 60, "how often running work is metered")
    parser.add_argument("--month", default="2026-10", help="which month (%(default)s)")
    parser.add_argument("--out", type=Path, required=True, help="the folder that it is written to")
    add_seed(parser, "tenants, jobs, and what goes wrong")


@dataclass(slots=True)
class Clock:
    """How long each part took, in seconds."""

    seconds: dict[str, float] = field(default_factory=dict)

    def timed(self, part: str, act: Callable[[], T]) -> T:
        began_s = time.perf_counter()
        result = act()
        self.seconds[f"{part}_s"] = round(time.perf_counter() - began_s, 2)
        return result


def run(arguments: Namespace) -> dict[str, object]:
    out: Path = arguments.out
    (out / "statements").mkdir(parents=True, exist_ok=True)
    begin_ms, end_ms = month_bounds(arguments.month)
    clock = Clock()
    with bench_database() as database:
        park = MonthPark(
            database=database,
            begin_ms=begin_ms,
            end_ms=end_ms,
            seed=arguments.seed,
            tenant_count=arguments.tenants,
            job_count=arguments.jobs,
            meter_every_ms=arguments.meter_minutes * 60_000,
        )
        clock.timed("declare", park.declare)
        with database.begin() as connection:
            for voucher in park.vouchers():
                issue(connection, voucher)
        clock.timed("generate", park.run_the_month)
        with database.begin() as connection:
            # Before the loop takes another step: what ran over midnight is not known yet.
            book = clock.timed("close", lambda: close_once(connection, arguments.month, end_ms + 1))
            draw_root(connection, end_ms + DAY_MS)
            granted_fen = dispute(connection, book.statements, end_ms + HOUR_MS)
        clock.timed("go_on", park.run_two_days_more)
        found = clock.timed("verify", lambda: proven(database, out))
        differences = clock.timed("reconcile", lambda: reconciled(database, out))
        clock.timed("export", lambda: export(database, out, arguments.month))
        clock.timed("statements", lambda: write_statements(database, book.statements, park, out))
        counts = count(database)
        corrected = corrections(database, book.statements, next_month(arguments.month))
        left_fen = sum(one.left_fen for one in read(database, balances))
    totals = [json.loads(one.body)["totals"] for one in book.statements]
    return {
        "month": arguments.month,
        "tenants": arguments.tenants,
        "jobs": arguments.jobs,
        **counts,
        "statements": len(book.statements),
        "gross_yuan": sum(one["gross_fen"] for one in totals) / 100,
        "vouchers_yuan": sum(one["vouchers_fen"] for one in totals) / 100,
        "vouchers_left_yuan": left_fen / 100,
        "packages_yuan": sum(one["purchases_fen"] for one in totals) / 100,
        "core_hours": str(sum(Decimal(str(one.get("core_hours", 0))) for one in totals)),
        "granted_in_a_dispute_yuan": granted_fen / 100,
        "attempts_lost_with_their_node": park.attempts_lost,
        "corrections_in_the_next_month": corrected,
        "misfits": found,
        "differences": differences,
        **clock.seconds,
        "meter_minutes": arguments.meter_minutes,
        "peak_rss_mib": peak_rss_mib(),
        "out": str(out),
        **conditions(arguments.seed),
    }


def dispute(connection: Connection, statements: Iterable[StoredStatement], now_ms: int) -> int:
    """The tenant that owes most disputes its largest line, and gets a tenth of it; in fen."""
    largest = max(statements, key=lambda one: json.loads(one.body)["totals"]["due_fen"])
    fens: list[int] = [line["amount_fen"] for line in json.loads(largest.body)["lines"]]
    said = Reply(
        tenant_id=largest.tenant_id,
        month=largest.month,
        number=0,
        kind=ReplyKind.DISPUTED,
        sha256=largest.sha256,
        reason="a node was down",
        lines=(fens.index(max(fens)) + 1,),
        by="tenant",
        at_ms=now_ms,
    )
    reply(connection, said)
    amount_fen = max(fens) // 10
    accepted = replace(
        said, kind=ReplyKind.ACCEPTED, reason="so it was", lines=(), by="finance", at_ms=now_ms + 1
    )
    decide_once(connection, accepted, amount_fen)
    return amount_fen


def read(database: Engine, ask: Callable[[Connection], T]) -> T:
    with database.connect() as connection:
        return ask(connection)


def proven(database: Engine, out: Path) -> int:
    """How many misfits; what was found is in `verify.json`."""
    with database.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        found = list(verify(connection))
    chains = [one for one in found if isinstance(one, Walked)]
    misfits = [asdict(one) for one in found if isinstance(one, Misfit)]
    shown = [
        {"chain": one.chain, "facts": one.head.number, "head": one.head.hash.hex()}
        for one in chains
    ]
    write_json(out / "verify.json", {"chains": shown, "misfits": misfits})
    return len(misfits)


def reconciled(database: Engine, out: Path) -> int:
    """How many differences to the event log; they are in `reconciliation.json`."""
    with database.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        found = [asdict(one) for one in reconcile(connection) if isinstance(one, Difference)]
    write_json(out / "reconciliation.json", {"differences": found})
    return len(found)


def export(database: Engine, out: Path, month: str) -> None:
    window = (database.connect, *month_bounds(month))
    write_all(out / "usage.csv", spreadsheet_csv(usage_sheet(slices(*window))))
    write_all(out / "charges.csv", spreadsheet_csv(charges_sheet(charges(*window))))
    export_focus(database, out / "focus", month)
    export_focus(database, out / f"focus-{next_month(month)}", next_month(month))


def export_focus(database: Engine, path: Path, month: str) -> None:
    for suffix, write in ((".csv", plain_csv), (".parquet", parquet)):
        bills = bills_of(database.connect, month)
        sheet = focus_sheet(bills, focus_lines.Names(provider="AI park"))
        write_all(path.parent / f"{path.name}{suffix}", write(sheet))


def write_statements(
    database: Engine, statements: Iterable[StoredStatement], park: MonthPark, out: Path
) -> None:
    """Each as JSON and CSV, and the first few as PDF."""
    for number, one in enumerate(statements):
        path = out / "statements" / f"{one.tenant_id}-{one.month}"
        assert read_body(database, one) == one.body, f"{path} is not what it was closed with"
        path.with_suffix(".json").write_bytes(one.body)
        write_all(path.with_suffix(".csv"), spreadsheet_csv(statement_sheet(one.body)))
        if number < PDFS:
            names = Names(tenant=one.tenant_id, park=park.park)
            path.with_suffix(".pdf").write_bytes(statement_pdf(one.body, names))


def read_body(database: Engine, one: StoredStatement) -> bytes:
    return read(database, lambda c: statement(c, one.tenant_id, one.month)).body


def corrections(database: Engine, statements: Iterable[StoredStatement], month: str) -> int:
    """How many lines of the next month's drafts correct this one."""
    with database.connect() as connection:
        drafts = [statement(connection, one.tenant_id, month).body for one in statements]
    return sum(len(json.loads(draft)["corrections"]) for draft in drafts)


def count(database: Engine) -> dict[str, object]:
    tables = {
        "slices": UsageRow,
        "measured": ActivityRow,
        "credits": UsageCreditRow,
        "transfers": TransferRow,
    }
    with database.connect() as connection:
        return {
            name: connection.scalar(select(func.count()).select_from(table))
            for name, table in tables.items()
        }


def write_all(path: Path, parts: Iterable[bytes]) -> None:
    with path.open("wb") as target:
        for part in parts:
            target.write(part)


def write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
