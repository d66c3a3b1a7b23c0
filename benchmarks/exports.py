"""`exports`: a month's bills as FOCUS rows in each format: lines a processor second, peak memory.

Charges are made up as they are asked for, so what is measured is the rows and their writing, not
the database. Each format has a process of its own, whose peak is its own.
"""

import re
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from random import Random

from accounting.calendar import month_bounds
from accounting.exports.focus import Bills, focus_sheet
from accounting.exports.focus_lines import Names
from accounting.exports.sheet import json_lines, plain_csv
from accounting.prices.rating import PriceList
from accounting.usage.slices import Charge, UsageSlice
from api.documents.parquet import parquet
from benchmarks.hardware import KIB_PER_MIB, conditions, cpu_s
from benchmarks.options import add_count, add_seed

EXAMPLES = """examples:
  python -m benchmarks exports
  python -m benchmarks exports --lines 100000 --json"""

WRITERS = {"csv": plain_csv, "jsonl": json_lines, "parquet": parquet}
MONTH = "2026-10"
SLICE_MS = 300_000
TENANTS = 50
PRICES = PriceList(
    id="2026",
    from_ms=0,
    on_demand=(("ascend-910b3", 3_500_000), ("hygon-k100", 1_200_000)),
    qos_permille=(("normal", 1_000), ("high", 1_300)),
    class_permille=(),
)


def add_arguments(parser: ArgumentParser) -> None:
    add_count(parser, "--lines", 1_000_000, "slices of the month")
    add_seed(parser, "who used what, and when")


def run(arguments: Namespace) -> dict[str, object]:
    # Spawned, so that none begins with another's memory.
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as processes:
        asked = [(name, arguments.lines, arguments.seed) for name in WRITERS]
        return {
            "lines": arguments.lines,
            "formats": list(processes.map(_written, asked)),
            **conditions(arguments.seed),
        }


def _written(asked: tuple[str, int, int]) -> dict[str, object]:
    name, lines, seed = asked
    bills = Bills(
        month=MONTH,
        is_closed=True,
        price_lists={PRICES.id: PRICES},
        charges=_charges(lines, Random(seed)),
        payments=lambda _: (),
    )
    before_mib, began_s = _peak_mib(), cpu_s()
    size = sum(map(len, WRITERS[name](focus_sheet(bills, Names(provider="park")))))
    used_s = cpu_s() - began_s
    return {
        "format": name,
        "file_mib": size / 2**20,
        "lines_per_cpu_s": lines / used_s,
        "rss_mib_before": before_mib,
        "peak_rss_mib": _peak_mib(),
    }


def _peak_mib() -> int:
    """Of this process alone: what `getrusage` says begins with its parent's."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (peak_kib,) = re.findall(r"VmHWM:\s+(\d+) kB", status)
    return int(peak_kib) // KIB_PER_MIB


def _charges(lines: int, random: Random) -> Iterator[Charge]:
    begin_ms, end_ms = month_bounds(MONTH)
    for number in range(lines):
        at_ms = begin_ms + number * (end_ms - begin_ms - SLICE_MS) // lines
        kind_id, qos = random.choice(PRICES.on_demand)[0], random.choice(PRICES.qos_permille)[0]
        yield Charge(
            usage=UsageSlice(
                reference=f"j{number // 9:07}.1",
                from_ms=at_ms,
                to_ms=at_ms + random.randint(1, SLICE_MS),
                tenant_id=f"t{random.randrange(TENANTS):02}",
                project=random.choice(("default", "ml")),
                field="manufacturing",
                centre_id=random.choice(("qdaicc", "hzx")),
                device_kind_id=kind_id,
                qos=qos,
                device_count=random.choice((1, 8, 64)),
                tflops=313,
                price_list_id=PRICES.id,
                price_micros=PRICES.list_micros(kind_id, qos),
                recorded_at_ms=at_ms + SLICE_MS,
            )
        )
