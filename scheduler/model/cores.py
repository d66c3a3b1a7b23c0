"""Jobs on cores of CPUs beside jobs on cards: which kinds each may be on, and which quotas bind it.

A job names kinds of cores to be on cores; who names no kind is on cards. So it is known of each job
what it counts as before it has a place, and cores are never taken from a quota of cards.
"""

from collections.abc import Iterable
from dataclasses import replace

from cluster.inventory import Park
from scheduler.model.job import Job, Reason
from scheduler.model.tree import Quota, Tree
from scheduler.model.variants import forms


def is_on_cores(job: Job, park: Park) -> bool:
    """Whether its devices are cores; those of a job that could run at all are all of one unit."""
    return are_cores(job.device_kind_ids, park)


def are_cores(kind_ids: Iterable[str], park: Park) -> bool:
    """Whether who names these kinds is on cores."""
    return not park.core_kind_ids.isdisjoint(kind_ids)


def unit_of(job: Job, park: Park) -> str:
    """What its devices are called, many of them."""
    return "cores" if is_on_cores(job, park) else "cards"


def accepts(kind_ids: tuple[str, ...], kind_id: str, park: Park) -> bool:
    """Whether who names these kinds may be on this one; who names none is on any sort of card."""
    return kind_id in (kind_ids or park.card_kind_ids)


def is_mixed(job: Job, park: Park) -> bool:
    """Whether it would do with cards as well as with cores, of which one is no number of others."""
    named = [kind_id for form in forms(job) for kind_id in form.device_kind_ids or ("",)]
    return len({kind_id in park.core_kind_ids for kind_id in named}) > 1


def quotas_of(job: Job, tree: Tree, park: Park) -> tuple[Quota, ...]:
    """Of cards of all kinds: those that bind the job, the narrowest first; none binds cores."""
    return () if is_on_cores(job, park) else tree.quotas(job.tenant_id, job.project)


def in_its_unit(reasons: Iterable[Reason], job: Job, park: Park) -> tuple[Reason, ...]:
    """The same, told of cores to who is on cores; whoever works them out counts cards."""
    if not is_on_cores(job, park):
        return tuple(reasons)
    return tuple(replace(one, unit=_of_cores(one.unit)) for one in reasons)


def _of_cores(unit: str) -> str:
    return f"cores{unit.removeprefix('cards')}" if unit.startswith("cards") else unit
