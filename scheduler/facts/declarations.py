"""Whether a new park, tenant, price list or payment fits what there is, and why not."""

from collections import Counter
from collections.abc import Collection, Container, Iterable, Mapping
from dataclasses import replace
from itertools import product, zip_longest

from accounting.calendar import iso_time
from accounting.prices.rating import PriceBook, PriceMissing
from cluster.data_rules import DATASETS_MAX, dataset_problems, with_dataset
from cluster.inventory import Park
from scheduler.facts.events import (
    Credited,
    DatasetDeclared,
    ParkDeclared,
    PriceListPublished,
)
from scheduler.facts.record import Attempt, JobRecord
from scheduler.model.custody import custody_refusal
from scheduler.model.job import Placement, Priority
from scheduler.model.tenancy import Tenant


def declared_park(
    event: ParkDeclared | DatasetDeclared,
    known: Park | None,
    tenant_ids: Collection[str],
    live: Iterable[Attempt],
    jobs: Mapping[str, JobRecord],
) -> Park | str:
    """The park from now on, or why it cannot be."""
    if isinstance(event, ParkDeclared):
        other_unit = known and _other_unit(known, event.park)
        return other_unit or park_refusal(event.park, live, jobs) or event.park
    if known is None:
        return "no park is declared yet"
    for problem in dataset_problems(known, event.dataset, tenant_ids):
        return problem
    park = with_dataset(known, event.dataset)
    if len(park.datasets) > DATASETS_MAX:
        return f"the park has {DATASETS_MAX} datasets, as many as it may"
    return park_refusal(park, live, jobs) or park


def restate(
    event: ParkDeclared | DatasetDeclared, known: Park | None, live: Iterable[Attempt]
) -> None:
    """What runs on a kind that is stated anew remembers how it was stated until then."""
    if known is None or isinstance(event, DatasetDeclared) or event.from_ms is None:
        return
    kinds = event.park.device_kind_by_id
    for attempt in live:
        kind_id = attempt.placement.device_kind_id
        before = known.device_kind_by_id[kind_id].tflops_fp16
        if kinds[kind_id].tflops_fp16 != before:
            attempt.stated.append((event.from_ms, before))


def _other_unit(known: Park, park: Park) -> str | None:
    """Cards do not become cores: a line of a bill would have both, under one name."""
    for kind in park.device_kinds:
        before = known.device_kind_by_id.get(kind.id, kind)
        if before.unit is not kind.unit:
            return (
                f"device kind {kind.id} is counted in {before.unit}s, and in the new park in "
                f"{kind.unit}s: give what is new another id"
            )
    return None


def park_refusal(park: Park, live: Iterable[Attempt], jobs: Mapping[str, JobRecord]) -> str | None:
    """A park keeps what is in use: cards of their nodes, in their pool, centre and kind.

    And it allows the data of what runs where it runs.
    """
    used_by_node: Counter[str] = Counter()
    for attempt in live:
        placement = attempt.placement
        if not _has_place(park, placement):
            return (
                f"the new park has no pool {placement.pool_id} of {placement.device_kind_id} "
                f"in centre {placement.centre_id}, where attempt {attempt.id} runs"
            )
        refusal = custody_refusal(jobs[attempt.job_id].job, placement, park)
        if refusal is not None:
            return f"in the new park {refusal}, where it runs"
        for share in placement.shares:
            used_by_node[share.node_id] += share.card_count
    for node_id, used in sorted(used_by_node.items()):
        node = park.node_by_id.get(node_id)
        there = node.card_count if node else 0
        if there < used:
            return f"cards of node {node_id}: {there} in the new park, and {used} are in use"
    return None


def credit_refusal(
    event: Credited, tenants: Container[str], booked_references: Container[str]
) -> str | None:
    """A payment is of a tenant that is known, is more than nothing, and is booked once."""
    if event.tenant_id not in tenants:
        return f"there is no tenant {event.tenant_id}"
    if event.amount_micros <= 0 and event.voucher_id is None:
        return "an amount paid in is more than zero"
    if event.reference in booked_references:
        return f"payment {event.reference} is booked already"
    return None


def _has_place(park: Park, placement: Placement) -> bool:
    pool = park.pool_by_id.get(placement.pool_id)
    return (
        pool is not None
        and pool.centre_id == placement.centre_id
        and pool.device_kind_id == placement.device_kind_id
        and pool.device_kind_id in park.device_kind_by_id
    )


def tenant_refusal(tenant: Tenant, prices: PriceBook, at_ms: int) -> str | None:
    """Its class is in the list in force and in each to come; what runs keeps the class it had."""
    for price_list, following in zip_longest(prices.lists, prices.lists[1:]):
        is_over = following is not None and following.from_ms <= at_ms
        if not is_over and tenant.price_class not in dict(price_list.class_permille):
            return (
                f"price list {price_list.id} has no price class {tenant.price_class}, "
                f"by which work of tenant {tenant.id} may have to be priced"
            )
    return None


def published_now(event: PriceListPublished, now_ms: int) -> PriceListPublished:
    """A price list is judged by the clock of who takes it, not of who asked.

    Between the two it may have begun, and work after its beginning have been sold at other prices.
    """
    return replace(event, at_ms=now_ms)


def with_prices(
    prices: PriceBook, event: PriceListPublished, park: Park | None, classes: set[str]
) -> PriceBook | str:
    """The book with the list that is published, or why it cannot be.

    `classes` are all by which work may have to be priced.
    """
    price_list = event.price_list
    if prices.lists and price_list.from_ms < event.at_ms:
        return (
            f"price list {price_list.id} would begin in the past: at "
            f"{iso_time(price_list.from_ms)}, and it is {iso_time(event.at_ms)} now; "
            "choose a later beginning"
        )
    kinds = park.device_kinds if park else ()
    try:
        for kind, qos, price_class in product(kinds, Priority, sorted(classes)):
            price_list.price_micros(kind.id, qos, price_class)
        return prices.with_list(price_list)
    except (PriceMissing, ValueError) as error:
        return str(error)
