"""A scenario in which branches borrow and lend less than all, by kind and over all kinds."""

from collections.abc import Iterable
from dataclasses import replace
from random import Random
from typing import Any

from scheduler.facts import events as ev
from scheduler.model.tenancy import Cohort, Entitlement, Project, Tenant
from tests.simulation.audit import Audit
from tests.simulation.scenario import KINDS, Asked, Scenario

TFLOPS = dict(KINDS)
LIFTED_MS = 120_000
"""After all that a scenario asks."""


def entitled(rng: Random, scenario: Scenario) -> Scenario:
    """The same, and each tenant, cohort and project has limits, whenever it is declared.

    In the end there are none, so that all may come to its end.
    """
    declarations = tuple(_limited(rng, wish) for wish in scenario.declarations)
    asked = tuple(replace(one, wish=_limited(rng, one.wish)) for one in scenario.asked)
    return replace(scenario, declarations=declarations, asked=(*asked, *_lifted(scenario)))


def _lifted(scenario: Scenario) -> Iterable[Asked]:
    """What was declared last, without limits."""
    last: dict[str, ev.Wish] = {}
    for wish in (*scenario.declarations, *(one.wish for one in scenario.asked)):
        match wish:
            case ev.TenantDeclared():
                last[f"tenant-{wish.tenant.id}"] = wish
            case ev.CohortDeclared():
                last["cohort"] = wish
            case ev.ProjectDeclared():
                last[f"project-{wish.project.tenant_id}-{wish.project.id}"] = wish
            case _:
                pass
    for name, wish in last.items():
        late = replace(wish, at_ms=LIFTED_MS)
        yield Asked(at_ms=LIFTED_MS, id=f"lift-{name}", wish=late)


def _limited(rng: Random, wish: ev.Wish) -> ev.Wish:
    match wish:
        case ev.TenantDeclared(tenant=tenant):
            nominal = tenant.nominal_cards or (("npu", 4),) * rng.choice((0, 1))
            lending = tuple((kind, rng.randint(0, cards)) for kind, cards in nominal)
            own = replace(tenant, nominal_cards=nominal, lending_cards=rng.choice(((), lending)))
            return replace(wish, tenant=replace(own, **_borrowing(rng)))
        case ev.CohortDeclared(cohort=cohort):
            return replace(wish, cohort=replace(cohort, **_borrowing(rng)))
        case ev.ProjectDeclared(project=project):
            return replace(wish, project=replace(project, **_borrowing(rng)))
        case _:
            return wish


def _borrowing(rng: Random) -> dict[str, Any]:
    cards = ((kind, rng.choice((8, 16))) for kind in TFLOPS)
    some = tuple(one for one in cards if rng.random() < 0.3)
    return {"borrowing_cards": some, "borrowing_tflops": rng.choice((None, None, 8_000))}


def check_limits(audit: Audit, lease: ev.Leased) -> None:
    """Of what the log says until this lease: nobody comes to claim more than it may by it."""
    kind = lease.placement.device_kind_id
    job = audit.jobs[lease.job_id]
    tenant = audit.tenants[job.tenant_id]
    chain: list[Entitlement | None] = [
        audit.projects.get((job.tenant_id, job.project)),
        tenant,
        audit.cohorts.get(tenant.cohort_id or ""),
        None,
    ]
    for of_kinds in ((kind,), tuple(TFLOPS)):
        is_tflops = len(of_kinds) > 1
        for branch in chain if chain[0] else chain[1:]:
            most = _most(audit, branch, kind, is_tflops=is_tflops)
            with_it = _inside(audit, branch, of_kinds, is_tflops, without="")
            before = _inside(audit, branch, of_kinds, is_tflops, without=lease.job_id)
            assert with_it <= most or with_it == before, f"{lease.attempt_id}: {with_it} of {most}"


def _most(audit: Audit, branch: Entitlement | None, kind: str, *, is_tflops: bool) -> float:
    if branch is None:
        assert audit.park is not None
        pools = [p for p in audit.park.pools if is_tflops or p.device_kind_id == kind]
        return sum(p.card_count * (TFLOPS[p.device_kind_id] if is_tflops else 1) for p in pools)
    nominal, borrowing = _of(branch, "nominal"), _of(branch, "borrowing")
    unit = "tflops" if is_tflops else kind
    return nominal.get(unit, 0) + borrowing.get(unit, float("inf"))


def _of(branch: Entitlement, name: str) -> dict[str, int]:
    found = dict(getattr(branch, f"{name}_cards"))
    tflops = getattr(branch, f"{name}_tflops")
    return found if tflops is None else {**found, "tflops": tflops}


def _inside(
    audit: Audit, branch: Entitlement | None, kinds: tuple[str, ...], is_tflops: bool, without: str
) -> int:
    """What runs in it, and what its tenants keep idle; nobody else lends less than all here."""
    held = 0
    for tenant in audit.tenants.values():
        is_part = branch is None or (isinstance(branch, Cohort) and tenant.cohort_id == branch.id)
        own = [*_amounts(audit, tenant, kinds, is_tflops, without)]
        if isinstance(branch, Project) and branch.tenant_id == tenant.id:
            held += sum(amount for project, amount in own if project == branch.id)
        elif isinstance(branch, Tenant) and branch.id == tenant.id:
            held += sum(amount for _, amount in own)
        elif is_part:
            unit = "tflops" if is_tflops else kinds[0]
            lending, nominal = _of(tenant, "lending"), _of(tenant, "nominal").get(unit, 0)
            kept = nominal - lending.get(unit, nominal)
            held += max(kept, sum(amount for _, amount in own))
    return held


def _amounts(
    audit: Audit, tenant: Tenant, kinds: tuple[str, ...], is_tflops: bool, without: str
) -> Iterable[tuple[str, int]]:
    for job_id, attempt in audit.live_by_job.items():
        job, placement = audit.jobs[job_id], attempt.leased.placement
        if job.tenant_id == tenant.id and placement.device_kind_id in kinds and job_id != without:
            factor = TFLOPS[placement.device_kind_id] if is_tflops else 1
            yield job.project, placement.card_count * factor
