"""A scenario in which jobs would do with one gang or another."""

from dataclasses import replace
from random import Random

from scheduler.facts import events as ev
from scheduler.model.job import Job, Variant
from tests.simulation.scenario import Scenario


def varied(rng: Random, scenario: Scenario) -> Scenario:
    """The same, and every other job would do with one or two other gangs as well."""
    jobs = {
        job.id: job if job.roles else replace(job, variants=_variants(rng, job))
        for job in scenario.jobs
    }
    asked = tuple(
        replace(one, wish=replace(one.wish, job=jobs[one.wish.job.id]))
        if isinstance(one.wish, ev.Submitted)
        else one
        for one in scenario.asked
    )
    return replace(scenario, jobs=tuple(jobs.values()), asked=asked)


def _variants(rng: Random, job: Job) -> tuple[Variant, ...]:
    sizes = [size for size in (1, 2, 4, 8, 16) if size != job.device_count]
    return tuple(
        Variant(
            device_kind_ids=rng.choice(((), ("npu",), ("dcu",), ("gpu", "npu"))),
            device_count=size,
            limit_ms=rng.choice((job.limit_ms, 2 * job.limit_ms)),
            speed_permille=rng.choice((None, 500, 2_000)),
        )
        for size in rng.sample(sizes, rng.choice((0, 0, 1, 2)))
    )
