"""What the books take in: slices rated and posted, transfers, each batch one durable commit."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, replace
from typing import TypeVar

from sqlalchemy import Connection, Engine, text

from accounting import ledger
from accounting.ledger import Transfer
from accounting.storage.store import book
from accounting.usage.slices import Charge, UsageSlice
from benchmarks.book_load import DEARER, PRICES, SLICE_MS, facts_of

T = TypeVar("T")
BATCH = 1_000
BATCHES = 20
SINGLES = 300
LISTS = {PRICES.id: PRICES, DEARER.id: DEARER}
BARE = "CREATE TABLE bare (kind text, reference text, tenant_id text, debit text, credit text,"
BARE += " amount bigint, at_ms bigint, PRIMARY KEY (kind, reference))"


def writes(database: Engine, tenant_count: int, seed: int) -> dict[str, object]:
    """Slices and transfers a second, and how fast the same transfers go in as bare rows."""
    slices = [*rated(tenant_count, seed)]
    rated_s = _seconds(database, [*_batches(slices)], _book_rated)
    many = [_batch(number) for number in range(BATCHES)]
    singles = [[_paid(f"single-{n}")] for n in range(SINGLES)]
    many_s = _seconds(database, many, lambda c, batch: book(c, [], [], batch))
    singles_s = _seconds(database, singles, lambda c, batch: book(c, [], [], batch))
    with database.begin() as connection:
        connection.execute(text(BARE))
    bare_s = _seconds(database, many, _put_bare)
    return {
        "rated_slices_per_s": round(len(slices) / rated_s),
        "transfers_per_s_batches_of_1000": round(BATCH * BATCHES / many_s),
        "transfers_per_s_one_a_commit": round(SINGLES / singles_s),
        "bare_rows_per_s_batches_of_1000": round(BATCH * BATCHES / bare_s),
        "times_bare_rows": round(many_s / bare_s, 2),
    }


def rated(tenant_count: int, seed: int) -> Iterator[UsageSlice]:
    """Slices of attempts that the month has not yet."""
    for one in facts_of(BATCH * BATCHES, tenant_count, seed + 1):
        if isinstance(one, UsageSlice):
            yield replace(one, reference=f"more-{one.reference}")


def _batches(slices: Sequence[UsageSlice]) -> Iterator[Sequence[UsageSlice]]:
    for begin in range(0, len(slices), BATCH):
        yield slices[begin : begin + BATCH]


def _book_rated(connection: Connection, usage: Sequence[UsageSlice]) -> None:
    """Each is priced by the list in force, charged, and posted, as the leader does."""
    priced = [replace(one, price_micros=_price(one)) for one in usage]
    book(connection, priced, [], [*_posts(priced)])


def _price(one: UsageSlice) -> int:
    return LISTS[one.price_list_id].price_micros(one.device_kind_id, one.qos, "standard")


def _posts(usage: Sequence[UsageSlice]) -> Iterator[Transfer]:
    for one in usage:
        micros = Charge(usage=one).amount_micros
        if micros:
            where = (one.tenant_id, one.centre_id, one.reference, one.from_ms)
            yield ledger.post(*where, micros, one.to_ms)


def _batch(number: int) -> list[Transfer]:
    return [_paid(f"many-{number}-{at}") for at in range(BATCH)]


def _paid(reference: str) -> Transfer:
    return ledger.top_up("t000", 1_000_000, reference, SLICE_MS)


def _put_bare(connection: Connection, batch: Sequence[Transfer]) -> None:
    driver = connection.connection.cursor()
    rows = [astuple(one) for one in batch]
    driver.executemany("INSERT INTO bare VALUES (%s, %s, %s, %s, %s, %s, %s)", rows)
    driver.close()


def _seconds(
    database: Engine,
    batches: Sequence[Sequence[T]],
    write: Callable[[Connection, Sequence[T]], None],
) -> float:
    began_s = time.perf_counter()
    for batch in batches:
        with database.begin() as connection:
            write(connection, batch)
    return time.perf_counter() - began_s
