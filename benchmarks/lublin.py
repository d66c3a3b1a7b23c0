"""Jobs from a published model of real workloads: for questions that no trace at hand answers.

Sizes, run times and arrivals by day and night are those of Lublin and Feitelson, "The workload on
parallel supercomputers: modeling the characteristics of rigid jobs", JPDC 63, 2003, with the
parameters for jobs of all types. It knows no users: here each job is that of a user, by Zipf's law,
who runs it again as often as in Feitelson, "Packing schemes for gang scheduling", JSSPP 1996.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from math import ceil, exp, log2
from random import Random

from benchmarks.traces import MS_PER_S, TraceJob

SERIAL, POWER_OF_TWO = 0.244, 0.576
"""So many of all jobs take one device, and so many a power of two."""
LOWEST_LOG2, BELOW_HIGHEST_LOG2, SMALLER = 0.8, 2.5, 0.86
"""Of the others' sizes: where they begin, where the larger begin, and how many are not larger."""
SHORT, LONG = (4.2, 0.94), (312.0, 0.03)
"""Two gamma distributions of the logarithm of seconds."""
SHORT_PART, SHORT_PART_A_DEVICE = 0.78, -0.0054
LONGEST_LN_S = 12.0
GAP, LONGEST_GAP_LN_S = (10.2303 * 1.0225, 0.4871), 13.0
DAY, DAY_BEGINS, BUCKETS, BUCKET_S = (8.1737, 3.9631), 11, 48, 1_800
"""How much of a day comes in which half hour: a gamma distribution from half past five on."""
RERUNS_ORDER, RERUNS_MAX, RERUN_SPREAD = 2.5, 100, 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A trace to draw: so much work for `node_count` nodes that they are busy by `load`."""

    job_count: int
    node_count: int
    cards_per_node: int
    largest: int
    load: float
    user_count: int
    tenant_count: int


def drawn(wish: Wish, rng: Random) -> tuple[TraceJob, ...]:
    """By time of submission; more devices than a node has are whole nodes."""
    jobs = tuple(islice(_runs(wish, rng), wish.job_count))
    work_ms = sum(job.device_count * job.duration_ms for job in jobs)
    span_s = work_ms / MS_PER_S / (wish.node_count * wish.cards_per_node * wish.load)
    arrivals = _arrivals(len(jobs), span_s, rng)
    return tuple(
        replace(job, id=f"{number:07}", submit_ms=round(at_s * MS_PER_S))
        for number, (job, at_s) in enumerate(zip(jobs, arrivals, strict=True))
    )


def _runs(wish: Wish, rng: Random) -> Iterator[TraceJob]:
    """All runs of a job one after the other, each a little longer or shorter than the first."""
    users = range(wish.user_count)
    weights = [1 / (user + 1) for user in users]
    reruns = range(1, RERUNS_MAX + 1)
    repeating = [count**-RERUNS_ORDER for count in reruns]
    while True:
        (user,) = rng.choices(users, weights)
        device_count = _size(wish, rng)
        run_s = _run_s(device_count, rng)
        (count,) = rng.choices(reruns, repeating)
        for _ in range(count):
            length_s = run_s * rng.uniform(1 - RERUN_SPREAD, 1 + RERUN_SPREAD)
            yield TraceJob(
                id="",
                tenant=f"t{user % wish.tenant_count}",
                user=f"u{user}",
                submit_ms=0,
                duration_ms=max(MS_PER_S, round(length_s * MS_PER_S)),
                device_count=device_count,
                device_type="",
            )


def _size(wish: Wish, rng: Random) -> int:
    kind = rng.random()
    if kind <= SERIAL:
        return 1
    highest = log2(wish.largest)
    middle = max(LOWEST_LOG2, highest - BELOW_HIGHEST_LOG2)
    is_small = rng.random() <= SMALLER
    size = rng.uniform(LOWEST_LOG2, middle) if is_small else rng.uniform(middle, highest)
    size = round(size) if kind <= SERIAL + POWER_OF_TWO else size
    device_count = min(wish.largest, round(2**size))
    if device_count <= wish.cards_per_node:
        return device_count
    return ceil(device_count / wish.cards_per_node) * wish.cards_per_node


def _run_s(device_count: int, rng: Random) -> float:
    """The larger a job, the rarer is it a short one."""
    short_part = max(0.0, SHORT_PART + SHORT_PART_A_DEVICE * device_count)
    drawn_from = SHORT if rng.random() < short_part else LONG
    return exp(_below(LONGEST_LN_S, drawn_from, rng))


def _below(most: float, shape: tuple[float, float], rng: Random) -> float:
    """From a gamma distribution without what is above."""
    while (value := rng.gammavariate(*shape)) > most:
        pass
    return value


def _arrivals(count: int, span_s: float, rng: Random) -> Iterator[float]:
    """Gaps as in the busiest hours, stretched to the span, and longer where the day is quiet."""
    gaps = [exp(_below(LONGEST_GAP_LN_S, GAP, rng)) for _ in range(count)]
    busy_s = span_s / sum(gaps)
    weights = _day()
    bucket, left_s, now_s = 0, weights[0] * BUCKET_S, 0.0
    for gap in gaps:
        points_s = gap * busy_s
        while points_s > left_s:
            points_s -= left_s
            bucket += 1
            left_s = weights[bucket % BUCKETS] * BUCKET_S
            now_s = bucket * BUCKET_S
        left_s -= points_s
        now_s += points_s / weights[bucket % BUCKETS]
        yield now_s


def _day() -> list[float]:
    """How busy each half hour from midnight on is; one on average."""
    shape, scale = DAY
    weights = [0.0] * BUCKETS
    for number in range(DAY_BEGINS, DAY_BEGINS + BUCKETS):
        weights[(number - 1) % BUCKETS] = number ** (shape - 1) * exp(-number / scale)
    mean = sum(weights) / BUCKETS
    return [weight / mean for weight in weights]
