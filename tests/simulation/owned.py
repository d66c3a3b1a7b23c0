"""Scenarios in which tenants are guaranteed whole racks, and in which nobody owns anything."""

from collections.abc import Callable
from dataclasses import replace
from random import Random

from cluster.inventory import Park
from scheduler.facts import events as ev
from scheduler.model.job import Job, Priority, Topology
from scheduler.model.tenancy import Tenant
from tests.simulation.scenario import RUN_MS_MAX, Scenario

GUARANTEED = {"acme": (("north-dcu", 2),), "blue": (("east-gpu", 2),)}
"""All whole racks of these pools; cards of others are owned as well, and never more than all."""

Shape = tuple[str, int, int, Priority | None]
"""A kind, so many cards on so many nodes, and perhaps a class."""
GANGS: dict[str, Shape] = {"acme": ("dcu", 16, 2, None), "blue": ("gpu", 8, 2, None)}
PARTS: tuple[Shape, ...] = (("dcu", 8, 1, None), ("gpu", 4, 1, None), ("dcu", 4, 1, None))
"""What may be in the way of those."""


def racked(rng: Random, scenario: Scenario) -> Scenario:
    """The same, and racks are guaranteed, mostly to somebody, and asked for, or parts of them."""
    shapes = {
        job.id: GANGS.get(job.tenant_id, PARTS[0]) if rng.random() < 0.3 else rng.choice(PARTS)
        for job in _free(rng, scenario)
    }

    def of_tenant(tenant: Tenant) -> Tenant:
        cards = tuple(one for one in tenant.nominal_cards if one[0] == "npu")
        racks = GUARANTEED.get(tenant.id, ()) if rng.random() < 0.8 else ()
        return replace(tenant, nominal_cards=cards, nominal_nodes=racks)

    return _changed(scenario, of_tenant, shapes)


def unowned(rng: Random, scenario: Scenario) -> Scenario:
    """The same, but nobody owns anything: most ask for one gang, and others are low elsewhere.

    So work runs that might be stopped for them, and makes no room.
    """

    def of_tenant(tenant: Tenant) -> Tenant:
        return replace(tenant, nominal_cards=(), max_cards=48)

    gang, part = ("npu", 16, 2, Priority.NORMAL), ("dcu", 8, 1, Priority.LOW)
    ways: tuple[Shape, ...] = (gang, gang, part)
    shapes = {job.id: rng.choice(ways) for job in _free(rng, scenario)}
    return _changed(scenario, of_tenant, shapes)


def _free(rng: Random, scenario: Scenario) -> list[Job]:
    """Most of those that are neither of an array nor of several roles."""
    return [one for one in scenario.jobs if not (one.array or one.roles) and rng.random() < 0.8]


def _changed(
    scenario: Scenario, of_tenant: Callable[[Tenant], Tenant], shapes: dict[str, Shape]
) -> Scenario:
    def of_job(job: Job) -> Job:
        """Quotes that nobody takes have a letter before the id of the job."""
        shape = shapes.get(job.id.removeprefix("q"))
        return job if shape is None else _shaped(job, *shape)

    def with_these(wish: ev.Wish) -> ev.Wish:
        match wish:
            case ev.ParkDeclared(park=park):
                return replace(wish, park=_guaranteeing(park))
            case ev.TenantDeclared(tenant=tenant):
                return replace(wish, tenant=of_tenant(tenant))
            case ev.Submitted(job=job) | ev.QuoteKept(job=job):
                return replace(wish, job=of_job(job))
            case _:
                return wish

    return replace(
        scenario,
        declarations=tuple(map(with_these, scenario.declarations)),
        asked=tuple(replace(one, wish=with_these(one.wish)) for one in scenario.asked),
        jobs=tuple(map(of_job, scenario.jobs)),
        run_ms_by_job=scenario.run_ms_by_job | dict.fromkeys(sorted(shapes), RUN_MS_MAX),
    )


def _shaped(job: Job, kind_id: str, cards: int, nodes: int, priority: Priority | None) -> Job:
    return replace(
        job,
        device_count=cards,
        node_count=nodes,
        priority=priority or job.priority,
        member_count=None,
        device_kind_ids=(kind_id,),
        data_ids=(),
        data_class=None,
        topology=Topology.POOL,
        limit_ms=2 * RUN_MS_MAX,
    )


def _guaranteeing(park: Park) -> Park:
    centres = tuple(
        replace(
            centre,
            pools=tuple(
                replace(pool, guarantees_racks=pool.nodes_per_rack is not None)
                for pool in centre.pools
            ),
        )
        for centre in park.centres
    )
    return replace(park, centres=centres)
