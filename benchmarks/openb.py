"""`openb`: how full this project's placement packs a real cluster, beside two plain peers and FGD.

Pods of Alibaba's cluster of 2023 come in random order until they have asked for 130 % of all GPUs;
who finds no room is gone, and nobody leaves. Some ask for a part of a GPU, in thousandths: to the
placement each GPU is a node of 1,000 cards and each machine a rack. The product leases whole cards,
and knows neither processors nor memory: it is offered the machines that have enough of them. In
`cards alone` nobody asks for those, in `whole cards` nobody for a part of a GPU either, as in the
product: only `placement` may be held to the figures of the others.
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from random import Random
from statistics import mean

from benchmarks.hardware import conditions, cpu_s
from benchmarks.openb_pods import (
    MILLI,
    Machine,
    Pod,
    arrivals,
    published,
    read_machines,
    read_pods,
)
from benchmarks.options import add_count, add_seed
from benchmarks.packing import BestFit, FirstFit, Packer, Placement

PERCENT = 130
WORKLOAD = "openb_pod_list_default"
COLUMN = f"alloc_pct_at_{PERCENT}"

EXAMPLES = """examples:
  python -m benchmarks openb --nodes openb_nodes.csv.gz --pods openb_pods_default.csv.gz
  python -m benchmarks openb --nodes N.csv.gz --pods P.csv.gz --expected fgd_expected.csv.gz"""


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--nodes", type=Path, required=True, help="the machines: N.csv.gz")
    parser.add_argument("--pods", type=Path, required=True, help="what asks for them: P.csv.gz")
    parser.add_argument("--expected", type=Path, help="what others published: E.csv.gz")
    add_count(parser, "--runs", 3, "each with an order of its own")
    add_seed(parser, "the first run's order; the others follow")


def run(arguments: Namespace) -> dict[str, object]:
    machines, pods = read_machines(arguments.nodes), read_pods(arguments.pods)
    capacity_milli = sum(one.device_count for one in machines) * MILLI
    seeds = range(arguments.seed, arguments.seed + arguments.runs)
    orders = [arrivals(pods, capacity_milli, PERCENT, Random(seed)) for seed in seeds]
    began_s = cpu_s()
    lines = [
        _line(name, packed(packer, machines, (map(asked, order) for order in orders)))
        for name, (packer, asked) in PACKERS.items()
    ]
    others = published(arguments.expected, WORKLOAD, COLUMN) if arguments.expected else {}
    return {
        "packers": lines + [_line(f"{name}, published", them) for name, them in others.items()],
        "gpus": capacity_milli // MILLI,
        "arrived_percent": PERCENT,
        "runs": arguments.runs,
        "cpu_s": round(cpu_s() - began_s, 1),
        **conditions(arguments.seed),
    }


def packed(
    packer: type[Packer], machines: tuple[Machine, ...], orders: Iterable[Iterable[Pod]]
) -> list[float]:
    """How much of all GPUs is allocated once all have come, in percent; one figure an order."""
    capacity_milli = sum(one.device_count for one in machines) * MILLI
    return [100 * _allocated(packer(machines), order) / capacity_milli for order in orders]


def _allocated(packer: Packer, order: Iterable[Pod]) -> int:
    for pod in order:
        packer.put(pod)
    return packer.allocated_milli


def _line(name: str, percents: Iterable[float]) -> dict[str, object]:
    known = list(percents)
    return {
        "packer": name,
        "allocated_percent": round(mean(known), 2),
        "least": round(min(known), 2),
        "most": round(max(known), 2),
    }


def _cards_alone(pod: Pod) -> Pod:
    """Nobody asks for processors or memory."""
    return replace(pod, cpu_milli=0, memory_mib=0)


def _as_it_asks(pod: Pod) -> Pod:
    return pod


def _whole(pod: Pod) -> Pod:
    """The same, and whoever asks for a part of a GPU gets all of it."""
    return replace(_cards_alone(pod), gpu_milli=MILLI if pod.gpu_count else 0)


PACKERS: dict[str, tuple[type[Packer], Callable[[Pod], Pod]]] = {
    "placement": (Placement, _as_it_asks),
    "best fit": (BestFit, _as_it_asks),
    "first fit": (FirstFit, _as_it_asks),
    "placement, cards alone": (Placement, _cards_alone),
    "best fit, cards alone": (BestFit, _cards_alone),
    "placement, whole cards": (Placement, _whole),
}
