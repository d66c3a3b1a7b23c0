"""What a period came to under a policy, beside what it came to in the log."""

import time
from argparse import Namespace
from collections import Counter
from collections.abc import Container, Iterable, Mapping
from dataclasses import asdict, replace

from accounting.calendar import iso_time
from api.running.wiring import policy_of
from api.settings import Settings
from benchmarks.happened import Course, Happened, follow
from benchmarks.hardware import conditions, cpu_s, peak_rss_mib
from benchmarks.own_log import NO_PERIOD, connected, read_period
from benchmarks.period import Again, play, settings_of
from benchmarks.score import Measured, RunRow, score
from benchmarks.traces import BadTrace
from benchmarks.work_left import WorkLeft
from benchmarks.workload import TAKING_TURNS
from cluster.inventory import Park
from scheduler.facts import events as ev
from scheduler.model.policy import DEFAULT, Policy

ONLY_TRACES = ("walltime", "park", "nodes", "centres", "cards")
LEAST_S = 0.001


def read(arguments: Namespace) -> Happened:
    """The period that the command line names."""
    given = [name for name in ONLY_TRACES if getattr(arguments, name) is not None]
    if given:
        raise BadTrace(f"--{given[0]} goes with --trace: the log has the park and the limits")
    if arguments.failures_per_node_day:
        raise BadTrace("--failures-per-node-day goes with --trace: the log has what was lost")
    if arguments.until_ms is not None and arguments.from_ms >= arguments.until_ms:
        raise BadTrace(NO_PERIOD)
    with connected(arguments.log or None) as connection:
        return read_period(connection, arguments.from_ms, arguments.until_ms)


def policy_in(policy: Policy, preemption: str | None) -> Policy:
    """The broker's own as it is set here; with `on` jobs take turns, with `off` none is stopped."""
    if policy.preemption is None:
        return policy
    if preemption is None:
        return policy_of(Settings.load()) if policy is DEFAULT else policy
    return replace(policy, preemption=TAKING_TURNS if preemption == "on" else None)


def measured(found: Happened, policy: Policy, restart_ms: int) -> Measured:
    """The period under a policy: the runs of the jobs that came in it, and its figures."""
    began_s, began_cpu_s = time.perf_counter(), cpu_s()
    again = play(found, settings_of(policy, found), restart_ms)
    used_s, wall_s = cpu_s() - began_cpu_s, time.perf_counter() - began_s
    courses = {key: Course.of_live(one) for key, one in found.before.live().items()}
    for event in again.events:
        follow(courses, event.at_ms, event)
    rows, figures = _measured(found, courses, _arrivals(found, again.events), again.end_ms)
    return rows, {
        **figures,
        "not_over": _count(rows, again.open_ids),
        "refused": sum(one.startswith("submitted ") for one in again.refused),
        **beside_the_log(found, again),
        "wall_s": round(wall_s, 3),
        "cpu_s": round(used_s, 3),
        "jobs_per_cpu_s": round(len(found.arrived_ids) / max(used_s, LEAST_S), 1),
        "peak_rss_mib": peak_rss_mib(),
        "policy": policy.name,
    }


def as_it_was(found: Happened) -> Measured:
    """The same of the log itself."""
    arrivals = _arrivals(found, ()) | found.released_ms
    rows, figures = _measured(found, found.course_by_attempt, arrivals, found.end_ms)
    count = len(found.decided)
    return rows, {
        **figures,
        "not_over": _count(rows, found.state.jobs),
        "refused": 0,
        "decided_in_the_log": count,
        "decided_alike": count,
    }


def _count(rows: Iterable[RunRow], open_ids: Container[str]) -> int:
    """How many jobs ran and are not over: they run still, or wait again."""
    return len({row.job_id for row in rows if row.job_id in open_ids})


def _arrivals(found: Happened, events: Iterable[ev.Event]) -> dict[str, int]:
    """When each job came to the queue: who was held, when it was released."""
    arrived = {key: job.submitted_at_ms for key, job in found.job_by_id.items()}
    released = {one.job_id: one.at_ms for one in events if isinstance(one, ev.Released)}
    return arrived | released


def _measured(
    found: Happened, courses: Mapping[str, Course], arrivals: Mapping[str, int], end_ms: int
) -> Measured:
    all_rows = [
        _row(found, key, course, arrivals[course.job_id], end_ms)
        for key, course in courses.items()
        if course.started_ms is not None and course.job_id in found.job_by_id
    ]
    came = {*found.arrived_ids}
    rows = tuple(row for row in all_rows if row.job_id in came)
    if not rows:
        raise BadTrace("no job of that period ever ran")
    ran = {row.job_id for row in rows}
    capacity = capacity_of(found)
    return rows, {
        **asdict(score(rows, capacity)),
        "util_arrivals": _utilisation(found, all_rows, capacity),
        "never_started": len(came - ran),
        "preemptions": sum(one.is_preempted for one in courses.values() if one.job_id in ran),
    }


def _row(found: Happened, key: str, course: Course, arrived_ms: int, end_ms: int) -> RunRow:
    """Its times count from the period's begin."""
    assert course.started_ms is not None
    placement, from_ms = course.placement, found.from_ms
    ended_ms = end_ms if course.ended is None else course.ended.at_ms
    return RunRow(
        job_id=course.job_id,
        tenant=found.job_by_id[course.job_id].tenant_id,
        submit_ms=arrived_ms - from_ms,
        start_ms=course.started_ms - from_ms,
        end_ms=max(ended_ms, course.started_ms) - from_ms,
        device_count=placement.card_count,
        pool=placement.pool_id,
        attempt=int(key.rpartition(".")[2]),
        shares=tuple((one.node_id, one.card_count) for one in placement.shares),
    )


def _utilisation(found: Happened, rows: Iterable[RunRow], capacity: int) -> float:
    """Of all cards over the whole period, what ran before it came included."""
    span_ms = found.until_ms - found.from_ms
    used = sum(
        row.device_count * max(0, min(row.end_ms, span_ms) - max(row.start_ms, 0)) for row in rows
    )
    return used / (capacity * span_ms)


def capacity_of(found: Happened) -> int:
    """The cards of the park as it was declared when the period began, or else first."""
    return sum(pool.card_count for pool in _park(found).pools)


def _park(found: Happened) -> Park:
    if found.before.park is not None:
        return found.before.park
    wishes = (wish for turn in found.turns for wish in turn.wishes)
    park = next((one.park for one in wishes if isinstance(one, ev.ParkDeclared)), None)
    if park is None:
        raise BadTrace("no park was declared before that period, nor in it")
    return park


def beside_the_log(found: Happened, again: Again) -> dict[str, object]:
    """How many decisions of the log came again, and the first at which they part."""
    logged, played = (
        [_said(one) for one in events] for events in (found.decided, again.decided(found.until_ms))
    )
    alike = Counter(logged) & Counter(played)
    others = (Counter(logged) | Counter(played)) - alike
    first = min(others, default=None)
    return {
        "decided_in_the_log": len(logged),
        "decided_alike": sum(alike.values()),
        "parts_first": f"{iso_time(first[0])} {first[1]}" if first else "",
    }


def _said(event: ev.Event) -> tuple[int, str]:
    match event:
        case ev.Leased():
            shares = (f"{one.node_id}x{one.card_count}" for one in event.placement.shares)
            what = f"{event.attempt_id} on {' '.join(sorted(shares))}"
        case ev.StopDecided() | ev.Ended():
            what = f"{event.attempt_id} {event.cause}"
        case ev.Started():
            what = event.attempt_id
        case _:
            what = ev.job_of(event) or ""
    return event.at_ms, f"{event.kind} {what}"


def about(found: Happened, seed: int) -> dict[str, object]:
    """Which period it is, and what of it no replay can know."""
    work = WorkLeft.of(found)
    return {
        "capacity": capacity_of(found),
        "came": len(found.arrived_ids),
        "there_before": len(found.before.jobs),
        "length_unknown": sum(work.whole(one) is None for one in found.arrived_ids),
        "leads_changed": found.lead_count,
        "log": period_of(found),
        **conditions(seed),
    }


def period_of(found: Happened) -> str:
    return f"{iso_time(found.from_ms)} until {iso_time(found.until_ms)}"
