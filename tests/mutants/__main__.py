"""Put each deliberate bug into a copy, and see its tests turn red: `make mutants`.

`python -m tests.mutants WORD` runs only those whose path or text contains the word. `--seen FILE`
notes what was red, and passes it over as long as neither its module nor its tests change.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from tests.mutants import MUTANTS, Mutant
from tests.mutants.bench import PASSES, RED, Bench, is_on_ray
from tests.mutants.seen import Seen

WORKERS = 2
T = TypeVar("T")


def main() -> int:
    options = _options()
    chosen = [mutant for mutant in MUTANTS if options.word in " ".join(mutant)]
    seen = Seen(options.seen)
    mutants = [mutant for mutant in chosen if not seen.has(mutant)]
    if len(mutants) < len(chosen):
        print(f"{len(chosen) - len(mutants)} were red before and are passed over")
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        bench = Bench(Path(folder))
        findings = [
            *_found([one for one in mutants if not is_on_ray(one)], bench, seen, options.workers),
            # Each run starts the one Ray cluster of the tests at the same address.
            *_found([one for one in mutants if is_on_ray(one)], bench, seen, 1),
        ]
    survived = len(findings) - findings.count(RED)
    print(f"{len(findings)} mutants, {survived} of them not found by the tests")
    return 1 if survived or not chosen else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("word", nargs="?", default="")
    parser.add_argument("--workers", type=int, default=WORKERS)
    parser.add_argument("--seen", type=Path)
    return parser.parse_args()


def _found(mutants: Sequence[Mutant], bench: Bench, seen: Seen, workers: int) -> list[str]:
    """What became of each; red would mean nothing where its tests fail without it."""
    with ThreadPoolExecutor(workers) as pool:
        tests = sorted({mutant.tests for mutant in mutants})
        unchanged = dict(zip(tests, _told(tests, pool, bench.unchanged, str), strict=True))

        def find(mutant: Mutant) -> str:
            if unchanged[mutant.tests] != PASSES:
                return "NOT RUN"
            finding = bench.finding(mutant)
            if finding == RED:
                seen.add(mutant)
            return finding

        return _told(mutants, pool, find, _in_one_line)


def _told(
    items: Sequence[T], pool: ThreadPoolExecutor, do: Callable[[T], str], name: Callable[[T], str]
) -> list[str]:
    """The same, said of each as it comes, and how long the rest will take."""
    results: list[str] = []
    began_s = time.perf_counter()
    for item, result in zip(items, pool.map(do, items), strict=True):
        results.append(result)
        done, took_s = len(results), time.perf_counter() - began_s
        left_min = took_s * (len(items) - done) / done / 60
        print(
            f"{done}/{len(items)} {left_min:4.0f} min left  {result:<10} {name(item)}", flush=True
        )
    return results


def _in_one_line(mutant: Mutant) -> str:
    return f"{mutant.path:<28} {' '.join(mutant.old.split())}  ->  {' '.join(mutant.new.split())}"


if __name__ == "__main__":
    sys.exit(main())
