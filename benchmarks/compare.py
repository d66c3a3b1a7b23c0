"""`compare`: several policies on the same arrivals, side by side, as a table and a picture.

Each is a replay of its own (see `replay`), one after the other; default+preemption may stop and
resume every job. With --log it is a period of the broker's own log, beside what was then. Where
nodes fail, they are the same ones under every policy. The picture shows devices in use and jobs
that wait over time, how long jobs of each size waited, and what each tenant got of the devices
while jobs arrived. With `easy` among them each says which sizes and tenants wait for longer than
under it.
"""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from benchmarks import period_report
from benchmarks.failures import add_failures, failure_rate
from benchmarks.happened import Happened
from benchmarks.hardware import conditions
from benchmarks.options import add_restart, add_seed
from benchmarks.payers import payers
from benchmarks.picture import draw
from benchmarks.replay import CAPACITY_KEY, Replay, add_workload, measured, park_of
from benchmarks.score import Measured, RunRow, nearest_rank, waits_by_class
from benchmarks.traces import MS_PER_S
from scheduler.model.policy import EASY, POLICY_BY_NAME

PREEMPTION = "+preemption"
AS_IT_WAS = "as it was"
PICTURES = (".png", ".svg", ".pdf")
SHOWN = (
    "mean_wait_s",
    "p95_wait_s",
    "mean_bsld",
    "mean_jct_s",
    "util_arrivals",
    "saturated_of_allowed",
    "jain_bsld",
    "preemptions",
    "cpu_s",
)
LOST = ("node_failures", "attempts_lost", "lost_device_h")
"""What is told as well where nodes fail."""
OF_LOG = ("never_started", "not_over", "refused", "decided_in_the_log", "decided_alike")
"""And of a period of the log."""

EXAMPLES = """examples:
  python -m benchmarks compare --trace philly_14d.csv.gz --nodes 64 --picture philly.png
  python -m benchmarks compare --trace theta.csv.gz --walltime theta_walltime.csv.gz --nodes 1 \\
      --cards 4392 --policies easy default --report theta.json
  python -m benchmarks compare --trace philly_14d.csv.gz --nodes 64 --seed 1 \\
      --failures-per-node-day 0.05 --repair-h 4
  python -m benchmarks compare --log --from 2026-11-01 --until 2026-12-01 --picture nov.png"""


def add_arguments(parser: ArgumentParser) -> None:
    add_workload(parser)
    parser.add_argument(
        "--policies",
        nargs="+",
        type=_policy,
        default=["fifo", "easy", "default", "default+preemption"],
        metavar="NAME",
        help=f"of {', '.join(sorted(POLICY_BY_NAME))}, and default{PREEMPTION}",
    )
    add_restart(parser)
    add_failures(parser)
    add_seed(parser, "which nodes fail when")
    parser.add_argument("--picture", type=_picture, help="draw them: OUT.png, OUT.svg or OUT.pdf")


def run(arguments: Namespace) -> dict[str, object]:
    names = dict.fromkeys(arguments.policies)
    if arguments.trace is None:
        found = period_report.read(arguments)
        about = period_report.about(found, arguments.seed)
        return _compared(arguments, _of_log(arguments, found, names), about, str(about["log"]))
    park = park_of(arguments)
    about = {
        CAPACITY_KEY: sum(pool.card_count for pool in park.pools),
        "trace": arguments.trace.name,
        **conditions(arguments.seed),
    }
    each = ((name, measured(_replay(arguments, name))) for name in names)
    return _compared(arguments, each, about, arguments.trace.name)


def _of_log(
    arguments: Namespace, found: Happened, names: Iterable[str]
) -> Iterator[tuple[str, Measured]]:
    yield AS_IT_WAS, period_report.as_it_was(found)
    for name in names:
        known = POLICY_BY_NAME[name.removesuffix(PREEMPTION)]
        preemption = "on" if name != known.name else None
        policy = period_report.policy_in(known, preemption)
        yield name, period_report.measured(found, policy, arguments.restart_s * MS_PER_S)


def _compared(
    arguments: Namespace,
    each: Iterable[tuple[str, Measured]],
    about: dict[str, object],
    title: str,
) -> dict[str, object]:
    schedules: dict[str, tuple[RunRow, ...]] = {}
    lines: list[dict[str, object]] = []
    for name, (rows, report) in each:
        schedules[name] = rows
        lines.append(_line(name, rows, report))
    if EASY.name in schedules:
        for line, rows in zip(lines, schedules.values(), strict=True):
            line.update(payers(rows, schedules[EASY.name]))
    if arguments.picture:
        capacity = int(str(about[CAPACITY_KEY]))
        draw(arguments.picture, schedules, capacity, f"{title}, {capacity} devices")
    return {"policies": lines, **about}


def _policy(text: str) -> str:
    name = text.removesuffix(PREEMPTION)
    if name not in POLICY_BY_NAME:
        known = ", ".join(sorted(POLICY_BY_NAME))
        raise ArgumentTypeError(f"no policy is called {name}: known are {known}")
    if name != text and POLICY_BY_NAME[name].preemption is None:
        raise ArgumentTypeError(f"{name} stops nobody: leave {PREEMPTION} out")
    return text


def _picture(text: str) -> Path:
    path = Path(text)
    if path.suffix not in PICTURES:
        raise ArgumentTypeError(f"{text} is none of {', '.join(PICTURES)}")
    if not path.parent.is_dir():
        raise ArgumentTypeError(f"there is no folder {path.parent}")
    return path


def _replay(arguments: Namespace, name: str) -> Replay:
    return Replay(
        trace=arguments.trace,
        walltimes=arguments.walltime,
        park=park_of(arguments),
        policy=POLICY_BY_NAME[name.removesuffix(PREEMPTION)],
        restart_ms=arguments.restart_s * MS_PER_S if name.endswith(PREEMPTION) else None,
        seed=arguments.seed,
        failing=failure_rate(arguments),
    )


def _line(name: str, rows: Sequence[RunRow], report: dict[str, object]) -> dict[str, object]:
    by_class = {
        f"p95_wait_s, {label}": nearest_rank(waits, 95) / MS_PER_S
        for label, waits in waits_by_class(rows).items()
    }
    figures = {key: report[key] for key in (*SHOWN, *LOST, *OF_LOG) if key in report}
    return {"policy": name.replace("+", " +"), **figures, **by_class}
