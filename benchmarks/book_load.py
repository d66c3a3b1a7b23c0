"""A month of usage slices by a seed: linked, copied into PostgreSQL, and as Parquet for a peer."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heapreplace
from itertools import islice
from operator import attrgetter
from pathlib import Path
from random import Random
from typing import NamedTuple

import duckdb
from psycopg import Connection as PgConnection
from psycopg.sql import SQL, Identifier
from sqlalchemy import Connection, Engine, insert

from accounting.calendar import month_bounds
from accounting.chain import links
from accounting.link import Link
from accounting.prices.rating import PriceList
from accounting.storage.tables import ChainHeadRow
from accounting.usage.slices import UsageCredit, UsageSlice

MONTH = "2026-10"
SLICE_MS = 300_000
SLICES_OF_A_HOLDING = 31 * 288 - 2
"""So many five minutes are in the month, with room for where in them a holding begins."""

CHUNK_FACTS = 50_000
LOST_ATTEMPTS = 0.005
TFLOPS = {"ascend-910b3": 313, "hygon-k100-ai": 400, "nvidia-a800": 312}
PRICES = PriceList(
    id="first",
    from_ms=0,
    on_demand=(
        ("ascend-910b3", 3_500_000),
        ("hygon-k100-ai", 2_000_000),
        ("nvidia-a800", 5_200_000),
    ),
    qos_permille=(("low", 600), ("normal", 1_000), ("high", 1_300)),
    class_permille=(("standard", 1_000), ("member", 800)),
)
DEARER = PriceList(
    id="second",
    from_ms=sum(month_bounds(MONTH)) // 2,
    on_demand=tuple((kind_id, price * 11 // 10) for kind_id, price in PRICES.on_demand),
    qos_permille=PRICES.qos_permille,
    class_permille=PRICES.class_permille,
)
PLACES = (("qdaicc", "ascend-910b3"), ("hzx", "hygon-k100-ai"), ("lsl", "nvidia-a800"))

_SLICE = (
    "reference", "from_ms", "to_ms", "tenant_id", "project", "field", "centre_id",
    "device_kind_id", "qos", "device_count", "tflops", "price_list_id", "price_micros",
    "recorded_at_ms",
)  # fmt: skip
_CREDIT = ("reference", "tenant_id", "at_ms", "cause", "recorded_at_ms")
_ADDED_UP = """
SELECT project, field, centre_id, device_kind_id, qos, price_list_id, price_micros,
    sum(device_count * (to_ms - from_ms)) AS device_ms,
    sum(device_count * (to_ms - from_ms) * tflops) AS tflops_ms
FROM read_parquet('{files}') WHERE {whose} GROUP BY ALL
"""


class Attempt(NamedTuple):
    """What is held from `from_ms` on until `ends_ms`, by whom, and at which price then."""

    from_ms: int
    number: int
    ends_ms: int
    like: UsageSlice
    price_class: str


@dataclass(kw_only=True)
class BookLoad:
    """The slices of a month; `counts` are how many each tenant has."""

    database: Engine
    folder: Path
    tenant_count: int
    seed: int
    counts: Counter[str] = field(default_factory=Counter)
    _chunks: int = 0

    def write(self, slice_count: int) -> None:
        """Into PostgreSQL, chunk by chunk, each a transaction; and the same rows as Parquet."""
        facts = facts_of(slice_count, self.tenant_count, self.seed)
        heads: dict[str, Link] = {}
        while chunk := list(islice(facts, CHUNK_FACTS)):
            made, heads = links(heads, chunk)
            linked = [*zip(chunk, made, strict=True)]
            usage = [(one, link) for one, link in linked if isinstance(one, UsageSlice)]
            back = [(one, link) for one, link in linked if isinstance(one, UsageCredit)]
            self.counts.update(one.tenant_id for one, _ in usage)
            rows = b"".join(_lines(_SLICE, usage, f",{MONTH}"))
            with self.database.begin() as connection:
                copy(connection, "usage", (*_SLICE, "month", "link", "hash"), rows)
                credited = b"".join(_lines(_CREDIT, back, ""))
                copy(connection, "usage_credits", (*_CREDIT, "link", "hash"), credited)
            self._keep_parquet(rows)
        ends = [{"chain": c, "number": at.number, "hash": at.hash} for c, at in heads.items()]
        with self.database.begin() as connection:
            connection.execute(insert(ChainHeadRow), ends)

    def _keep_parquet(self, rows: bytes) -> None:
        self._chunks += 1
        read = self.folder / "chunk.csv"
        read.write_bytes(rows)
        names = [*_SLICE, "month", "link", "hash"]
        made = self.folder / f"part-{self._chunks:05}.parquet"
        # Only names and paths of our own are in it.
        duckdb.execute(
            f"COPY (SELECT * FROM read_csv('{read}', header = false, names = {names}))"  # noqa: S608
            f" TO '{made}' (FORMAT parquet)"
        )
        read.unlink()

    def added_up(self, tenant_id: str | None) -> list[tuple[object, ...]]:
        """The lines of a tenant, or of the whole park, by DuckDB."""
        whose = "true" if tenant_id is None else f"tenant_id = '{tenant_id}'"
        asked = _ADDED_UP.format(files=self.folder / "part-*.parquet", whose=whose)
        return duckdb.execute(asked).fetchall()

    def by_size(self) -> list[str]:
        """The tenants, the one with most slices first."""
        return [tenant_id for tenant_id, _ in self.counts.most_common()]


def copy(connection: Connection, table: str, names: Sequence[str], rows: bytes) -> None:
    driver = connection.connection.driver_connection
    assert isinstance(driver, PgConnection), "the database is PostgreSQL"
    columns = SQL(", ").join(map(Identifier, names))
    into = SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(Identifier(table), columns)
    with driver.cursor() as cursor, cursor.copy(into) as copying:
        copying.write(rows)


def _lines(
    names: Sequence[str], facts: Sequence[tuple[UsageSlice | UsageCredit, Link]], more: str
) -> Iterator[bytes]:
    values = attrgetter(*names)
    for fact, link in facts:
        cells = ",".join(map(str, values(fact)))
        yield f"{cells}{more},{link.number},\\x{link.hash.hex()}\n".encode()


def facts_of(slice_count: int, tenant_count: int, seed: int) -> Iterator[UsageSlice | UsageCredit]:
    """So many slices of five minutes at most, nearly in order of time, and what is given back.

    As many holdings as that takes, each of which is one attempt after another.
    """
    random = Random(seed)
    begin_ms = month_bounds(MONTH)[0]
    holdings = -(-slice_count // SLICES_OF_A_HOLDING)
    tenants = [f"t{number:03}" for number in range(tenant_count)]
    weights = [1 / (1 + number) for number in range(tenant_count)]

    def attempt(number: int, from_ms: int) -> Attempt:
        (tenant_id,) = random.choices(tenants, weights)
        return _attempt(random, number, from_ms, tenant_id)

    running = [attempt(n, begin_ms + random.randrange(SLICE_MS)) for n in range(holdings)]
    heapify(running)
    started = holdings
    for _ in range(slice_count):
        one = running[0]
        usage = _slice(one)
        yield usage
        if usage.to_ms < one.ends_ms:
            heapreplace(running, one._replace(from_ms=usage.to_ms))
            continue
        if random.random() < LOST_ATTEMPTS:
            yield _given_back(usage)
        heapreplace(running, attempt(started, usage.to_ms))
        started += 1


def _attempt(random: Random, number: int, from_ms: int, tenant_id: str) -> Attempt:
    centre_id, kind_id = random.choice(PLACES)
    tenant_number = int(tenant_id[1:])
    like = UsageSlice(
        reference=f"j{number:09}.1",
        from_ms=0,
        to_ms=0,
        tenant_id=tenant_id,
        project=random.choice(("default", "speech", "vision")),
        field=("manufacturing", "ocean", "health")[tenant_number % 3],
        centre_id=centre_id,
        device_kind_id=kind_id,
        qos=random.choice(("low", "normal", "high")),
        device_count=random.choice((1, 1, 1, 2, 4, 8, 8, 16, 32)),
        tflops=TFLOPS[kind_id],
        price_list_id="",
        price_micros=0,
        recorded_at_ms=0,
    )
    runs_ms = max(1_000, round(random.lognormvariate(16.0, 1.2)))
    price_class = "member" if tenant_number % 2 else "standard"
    return Attempt(from_ms, number, from_ms + runs_ms, like, price_class)


def _slice(one: Attempt) -> UsageSlice:
    """Its next five minutes, or what is left of it; cut where the price changes."""
    to_ms = min(one.from_ms + SLICE_MS, one.ends_ms)
    if one.from_ms < DEARER.from_ms < to_ms:
        to_ms = DEARER.from_ms
    prices = PRICES if one.from_ms < DEARER.from_ms else DEARER
    like = one.like
    price = prices.price_micros(like.device_kind_id, like.qos, one.price_class)
    return UsageSlice(
        reference=like.reference,
        from_ms=one.from_ms,
        to_ms=to_ms,
        tenant_id=like.tenant_id,
        project=like.project,
        field=like.field,
        centre_id=like.centre_id,
        device_kind_id=like.device_kind_id,
        qos=like.qos,
        device_count=like.device_count,
        tflops=like.tflops,
        price_list_id=prices.id,
        price_micros=price,
        recorded_at_ms=to_ms,
    )


def _given_back(last: UsageSlice) -> UsageCredit:
    return UsageCredit(
        reference=last.reference,
        tenant_id=last.tenant_id,
        at_ms=last.to_ms,
        cause="node",
        recorded_at_ms=last.to_ms,
    )
