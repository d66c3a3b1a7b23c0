"""Schedules as a picture: over time, by size of job, and by tenant, a colour for each."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from benchmarks.score import RunRow, waits_by_class

Schedules = Mapping[str, Sequence[RunRow]]
Steps = tuple[list[float], list[int]]

INCHES = (13.0, 12.0)
MS_PER_DAY = 86_400_000
MS_PER_HOUR = 3_600_000
FIRST_WAIT_H = 1 / 3_600
TENANTS_SHOWN = 8


def draw(path: Path, schedules: Schedules, capacity: int, title: str) -> None:
    """Write the picture; the end of its name says of which kind."""
    picture(schedules, capacity, title).savefig(path)


def picture(schedules: Schedules, capacity: int, title: str) -> Figure:
    """All of it; what is over time is over the same time, and no words stand on a line."""
    figure = Figure(figsize=INCHES, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title)
    classes = list(waits_by_class(next(iter(schedules.values()))))
    rows: list[list[str]] = [["use"] * len(classes), ["queue"] * len(classes), classes]
    axes = figure.subplot_mosaic([*rows, ["share"] * len(classes)])  # type: ignore[list-item]
    _over_time(axes["use"], {n: in_use(rows) for n, rows in schedules.items()}, "devices in use")
    axes["use"].axhline(capacity, color="grey", linewidth=0.8, linestyle="--")
    axes["use"].legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(schedules))
    _over_time(axes["queue"], {n: waiting(rows) for n, rows in schedules.items()}, "jobs waiting")
    for name in ("use", "queue"):
        axes[name].set_xlim(0, _last_start_days(schedules))
    for label in classes:
        _distribution(axes[label], schedules, label)
    _shares(axes["share"], schedules)
    return figure


def _last_start_days(schedules: Schedules) -> float:
    """Until then somebody waits; what is left only drains, often for weeks."""
    last_ms = max(row.start_ms for rows in schedules.values() for row in rows)
    return max(1, last_ms) / MS_PER_DAY


def in_use(rows: Iterable[RunRow]) -> Steps:
    """How many devices are in use, from each moment on."""
    changes: dict[int, int] = defaultdict(int)
    for row in rows:
        changes[row.start_ms] += row.device_count
        changes[row.end_ms] -= row.device_count
    return _steps(changes)


def waiting(rows: Iterable[RunRow]) -> Steps:
    """How many jobs wait, from each moment on: between their submission, their runs, their end."""
    changes: dict[int, int] = defaultdict(int)
    since: dict[str, int] = {}
    for row in sorted(rows, key=lambda row: row.start_ms):
        changes[since.get(row.job_id, row.submit_ms)] += 1
        changes[row.start_ms] -= 1
        since[row.job_id] = row.end_ms
    return _steps(changes)


def shares(rows: Sequence[RunRow]) -> dict[str, float]:
    """What part of the device time each tenant got of that used until the last submission."""
    until_ms = max(row.submit_ms for row in rows)
    used: dict[str, int] = defaultdict(int)
    for row in rows:
        used[row.tenant] += row.device_count * max(0, min(row.end_ms, until_ms) - row.start_ms)
    total = sum(used.values()) or 1
    return {tenant: ms / total for tenant, ms in used.items()}


def _steps(changes: Mapping[int, int]) -> Steps:
    moments = sorted(changes)
    values = list(accumulate(changes[moment] for moment in moments))
    return [moment / MS_PER_DAY for moment in moments], values


def _over_time(axes: Axes, steps: Mapping[str, Steps], what: str) -> None:
    for name, (days, values) in steps.items():
        axes.step(days, values, where="post", label=name, linewidth=0.9)
    axes.set_xlabel("days, until the last job has started")
    axes.set_ylabel(what)
    axes.set_ylim(bottom=0)


def _distribution(axes: Axes, schedules: Schedules, label: str) -> None:
    """Which part of the jobs of this size waited for no longer than so long."""
    for name, rows in schedules.items():
        waits = sorted(waits_by_class(rows).get(label, ()))
        hours = [max(wait_ms / MS_PER_HOUR, FIRST_WAIT_H) for wait_ms in waits]
        parts = [number / len(waits) for number in range(1, len(waits) + 1)]
        axes.step(hours, parts, where="post", label=name)
        axes.set_title(f"{label} ({len(waits)} jobs)", fontsize=10)
    axes.set_xscale("log")
    axes.set_ylim(0, 1.02)
    axes.set_xlabel("hours waited")
    axes.set_ylabel("part of the jobs")


def _shares(axes: Axes, schedules: Schedules) -> None:
    """Each tenant's part, the largest first; those beyond the first few together."""
    parts = {name: shares(rows) for name, rows in schedules.items()}
    first = next(iter(parts.values()))
    tenants = sorted(first, key=lambda tenant: -first[tenant])
    shown, rest = tenants[:TENANTS_SHOWN], tenants[TENANTS_SHOWN:]
    names = list(reversed(parts))
    left = [0.0] * len(names)
    for label, group in [(tenant, [tenant]) for tenant in shown] + [("others", rest)] * bool(rest):
        widths = [sum(parts[name].get(tenant, 0.0) for tenant in group) for name in names]
        axes.barh(names, widths, left=left, label=label)
        left = [before + width for before, width in zip(left, widths, strict=True)]
    axes.set_xlabel("part of the device time used while jobs arrived, by tenant")
    axes.set_xlim(0, 1)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.25), ncols=TENANTS_SHOWN + 1)
