"""`synthesize`: a trace drawn from a published model of workloads, to replay and compare on.

The same seed gives the same bytes. Who fits policies to the traces that are at hand can see on
such a one, or on several, what is left of it. More than a node's devices are whole nodes.
"""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path
from random import Random

from benchmarks.hardware import conditions
from benchmarks.lublin import Wish, drawn
from benchmarks.options import add_count, add_seed
from benchmarks.traces import BadTrace, write_trace

LOAD_MAX = 10.0
MS_PER_DAY = 86_400_000

EXAMPLES = """examples:
  python -m benchmarks synthesize --nodes 16 --jobs 5000 --load 0.9 --seed 1 --out lublin1.csv.gz
  python -m benchmarks compare --trace lublin1.csv.gz --nodes 16"""


def add_arguments(parser: ArgumentParser) -> None:
    add_count(parser, "--jobs", 5_000, "how many")
    add_count(parser, "--nodes", 16, "of the park that they are to load")
    add_count(parser, "--cards", 8, "of each node")
    add_count(parser, "--largest", 64, "devices of the largest job")
    parser.add_argument(
        "--load", type=_load, default=0.9, help="work for each device and second (%(default)s)"
    )
    add_count(parser, "--users", 40, "who submit, by Zipf's law")
    add_count(parser, "--tenants", 8, "that they belong to")
    add_seed(parser, "the jobs")
    parser.add_argument("--out", type=Path, required=True, help="the trace: OUT.csv or OUT.csv.gz")


def run(arguments: Namespace) -> dict[str, object]:
    capacity = arguments.nodes * arguments.cards
    if arguments.largest > capacity:
        raise BadTrace(f"jobs of {arguments.largest} devices do not fit into {capacity}")
    wish = Wish(
        job_count=arguments.jobs,
        node_count=arguments.nodes,
        cards_per_node=arguments.cards,
        largest=arguments.largest,
        load=arguments.load,
        user_count=arguments.users,
        tenant_count=arguments.tenants,
    )
    jobs = drawn(wish, Random(arguments.seed))
    write_trace(arguments.out, jobs)
    return {
        "jobs": len(jobs),
        "days": (jobs[-1].submit_ms - jobs[0].submit_ms) / MS_PER_DAY,
        "largest": max(job.device_count for job in jobs),
        "tenants": len({job.tenant for job in jobs}),
        **conditions(arguments.seed),
    }


def _load(text: str) -> float:
    try:
        load = float(text)
    except ValueError:
        raise ArgumentTypeError(f"{text} is not a number") from None
    if not 0 < load <= LOAD_MAX:
        raise ArgumentTypeError(f"{text} is not above 0 and at most {LOAD_MAX}")
    return load
