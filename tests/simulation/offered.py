"""A scenario in which pools are offered at some hours, and tenants are guaranteed whole nodes."""

from dataclasses import replace
from random import Random

from cluster.hours import Hours, hours_of
from cluster.inventory import Park
from cluster.simulated import NO_FAULTS
from scheduler.facts import events as ev
from scheduler.model.job import Job
from scheduler.model.tenancy import Tenant
from tests.simulation.harness import Harness
from tests.simulation.scenario import Scenario

HoursByPool = dict[str, Hours]

HOURS = (
    hours_of(["daily 08:00-08:13", "daily 08:15-08:32", "daily 08:35-20:00"]),
    hours_of(["daily 08:00-08:03", "daily 08:05-08:30", "daily 08:31-20:00"]),
    hours_of(["daily 08:01-20:00"]),
)
"""A scenario begins at 08:00."""
LONG_MS, LIMIT_MS = 18 * 60_000, 30 * 60_000
"""Of some work that can save itself: it begins where ten minutes are left, and may not end."""
GUARANTEED = {"acme": ("east-npu", 1), "blue": ("east-npu", 1), "coal": ("north-npu", 1)}
"""In the place of as many cards: of all tenants together never more than there is."""


def offered(rng: Random, scenario: Scenario) -> Scenario:
    """The same; in every other one nothing goes wrong, so that nobody outstays the hours."""
    hours = {pool_id: rng.choice(HOURS) for pool_id in ("east-npu", "north-dcu", "north-npu")}
    left_out = rng.choice((None, *hours))
    hours = {pool_id: one for pool_id, one in hours.items() if pool_id != left_out}
    long_ids = {job.id for job in scenario.jobs if job.checkpoint and rng.random() < 0.7}

    def with_these(wish: ev.Wish) -> ev.Wish:
        return _with(rng, hours, long_ids, wish)

    return replace(
        scenario,
        declarations=tuple(map(with_these, scenario.declarations)),
        asked=tuple(replace(one, wish=with_these(one.wish)) for one in scenario.asked),
        jobs=tuple(_lengthened(job, long_ids) for job in scenario.jobs),
        run_ms_by_job=scenario.run_ms_by_job | dict.fromkeys(sorted(long_ids), LONG_MS),
        faults=rng.choice((scenario.faults, NO_FAULTS)),
    )


def _lengthened(job: Job, long_ids: set[str]) -> Job:
    return replace(job, limit_ms=LIMIT_MS) if job.id in long_ids else job


def _with(rng: Random, hours: HoursByPool, long_ids: set[str], wish: ev.Wish) -> ev.Wish:
    match wish:
        case ev.Submitted(job=job) | ev.QuoteKept(job=job):
            return replace(wish, job=_lengthened(job, long_ids))
        case ev.ParkDeclared(park=park):
            return replace(wish, park=_at_hours(park, hours))
        case ev.TenantDeclared(tenant=tenant):
            return replace(wish, tenant=_guaranteed(rng, tenant))
        case _:
            return wish


def _at_hours(park: Park, hours: HoursByPool) -> Park:
    centres = tuple(
        replace(
            centre,
            pools=tuple(replace(pool, hours=hours.get(pool.id)) for pool in centre.pools),
        )
        for centre in park.centres
    )
    return replace(park, centres=centres)


def _guaranteed(rng: Random, tenant: Tenant) -> Tenant:
    if tenant.nominal_cards != (("npu", 8),) or rng.random() < 0.2:
        return tenant
    return replace(tenant, nominal_cards=(), nominal_nodes=(GUARANTEED[tenant.id],))


def check_nothing_runs_outside_its_hours(harness: Harness) -> int:
    """Of what really ran; how many of it were in a pool with hours."""
    park = harness.audit.park
    assert park is not None
    offered_count = 0
    for run in harness.world.runs:
        attempt_id = run.order.attempt_id
        hours = park.pool_by_id[harness.audit.tries[attempt_id].leased.placement.pool_id].hours
        if hours is None or run.started_at_ms is None:
            continue
        assert run.ended_at_ms is not None
        closes_ms = hours.closes_ms(run.started_at_ms)
        assert closes_ms is not None, f"{attempt_id} started outside its pool's hours"
        assert run.ended_at_ms <= closes_ms, f"{attempt_id} outstays its pool's hours"
        offered_count += 1
    return offered_count
