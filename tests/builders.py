"""Values for tests: a test spells out only what its rule needs."""

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import replace
from datetime import datetime
from typing import Unpack

from typing_extensions import TypedDict

from accounting.prices.rating import PriceList
from accounting.usage.slices import UsageSlice, UsageSum
from cluster.datasets import DataClass, Dataset, Link
from cluster.devices import DeviceKind, Unit
from cluster.inventory import Centre, Park, Pool
from scheduler.facts import events as ev
from scheduler.facts.invariants import check
from scheduler.facts.state import State
from scheduler.model.job import (
    ArrayTask,
    Checkpoint,
    Job,
    NodeShare,
    Placement,
    Priority,
    Role,
    Topology,
    Variant,
)
from scheduler.model.plan import Verdict
from scheduler.model.tenancy import Cohort, Project, Tenant
from tests.entitled import Own

HOUR_MS = 3_600_000

USAGE = UsageSlice(
    reference="j1.1",
    from_ms=0,
    to_ms=HOUR_MS,
    tenant_id="steel",
    project="default",
    field="manufacturing",
    centre_id="qdaicc",
    device_kind_id="ascend-910b3",
    qos="normal",
    device_count=1,
    tflops=313,
    price_list_id="2026",
    price_micros=3_500_000,
    recorded_at_ms=0,
)
PRICES = PriceList(
    id="2026",
    from_ms=0,
    on_demand=(("ascend-910b3", 3_500_000),),
    qos_permille=(("normal", 1_000),),
    class_permille=(("standard", 1_000),),
)


class UsageChanges(TypedDict, total=False):
    """What a usage slice may differ in from `USAGE`."""

    reference: str
    tenant_id: str
    project: str
    centre_id: str
    device_kind_id: str
    qos: str
    device_count: int
    tflops: int
    price_list_id: str
    price_micros: int
    recorded_at_ms: int


def ms(iso: str) -> int:
    """A moment written with its offset, as `2026-10-31T20:00:00+08:00`."""
    moment = datetime.fromisoformat(iso)
    assert moment.tzinfo is not None, "a moment needs an offset"
    return int(moment.timestamp()) * 1_000


def used(begin: str, end: str, **changes: Unpack[UsageChanges]) -> UsageSlice:
    """A slice between two moments of Shanghai, as `2026-10-31T20:00`."""
    return replace(USAGE, from_ms=shanghai(begin), to_ms=shanghai(end), **changes)


def shanghai(local: str) -> int:
    return ms(f"{local}+08:00")


def summed(*slices: UsageSlice, vat_permille: int = 60, cause: str | None = None) -> UsageSum:
    """Slices of one line added up; negative where `cause` says why they are given back."""
    one, sign = slices[0], 1 if cause is None else -1
    return UsageSum(
        tenant_id=one.tenant_id,
        project=one.project,
        field=one.field,
        centre_id=one.centre_id,
        device_kind_id=one.device_kind_id,
        qos=one.qos,
        price_list_id=one.price_list_id,
        price_micros=one.price_micros,
        vat_permille=vat_permille,
        device_ms=sign * sum(part.device_ms for part in slices),
        tflops_ms=sign * sum(part.tflops_ms for part in slices),
        cause=cause,
    )


# The broker's own values. A price of 3.60 yuan for a card-hour is a micro-yuan for a millisecond.

YUAN = 1_000_000
TFLOPS_BY_KIND = {"npu": 313, "dcu": 400, "gpu": 989}
CORE = DeviceKind(
    id="core",
    name="core",
    vendor="v",
    tflops_fp16=0,
    memory_gb=4,
    ray_resource="CORE",
    unit=Unit.CORE,
)
"""Of pools such as `east-core`."""


def a_pool(
    pool_id: str, node_count: int, cards_per_node: int, nodes_per_rack: int | None = None
) -> Pool:
    """`east-npu` is the pool of kind `npu` in the centre `east`."""
    centre_id, kind_id = pool_id.split("-")
    return Pool(
        id=pool_id,
        centre_id=centre_id,
        device_kind_id=kind_id,
        node_count=node_count,
        cards_per_node=cards_per_node,
        nodes_per_rack=nodes_per_rack,
    )


def a_park(*pools: Pool) -> Park:
    """These pools, each in its centre, all kinds of `TFLOPS_BY_KIND`, and sums that fit.

    A pool of cores brings its kind along.
    """
    cores = (CORE,) if any(pool.device_kind_id == CORE.id for pool in pools) else ()
    cards = (a_kind(kind_id, tflops) for kind_id, tflops in TFLOPS_BY_KIND.items())
    centres = tuple(
        _centre(centre_id, tuple(pool for pool in pools if pool.centre_id == centre_id))
        for centre_id in dict.fromkeys(pool.centre_id for pool in pools)
    )
    return Park(
        id="park",
        name="Park",
        note="",
        is_logical=True,
        stated_tflops=sum(centre.stated_tflops for centre in centres),
        device_kinds=(*cards, *cores),
        centres=centres,
        fields=(("manufacturing", "Manufacturing"),),
    )


def a_kind(kind_id: str, tflops: int) -> DeviceKind:
    return DeviceKind(
        id=kind_id,
        name=kind_id,
        vendor="v",
        tflops_fp16=tflops,
        memory_gb=64,
        ray_resource=kind_id.upper(),
    )


def _centre(centre_id: str, pools: tuple[Pool, ...]) -> Centre:
    stated = sum(pool.card_count * TFLOPS_BY_KIND.get(pool.device_kind_id, 0) for pool in pools)
    return Centre(id=centre_id, name=centre_id, operator="o", stated_tflops=stated, pools=pools)


PARK = a_park(
    a_pool("east-npu", 2, 8),
    a_pool("east-gpu", 2, 4),
    a_pool("north-npu", 1, 8),
    a_pool("north-dcu", 2, 8),
)
PARK_PRICES = PriceList(
    id="2026",
    from_ms=0,
    on_demand=(("npu", 3_600_000), ("dcu", 7_200_000), ("gpu", 10_800_000)),
    qos_permille=(("low", 500), ("normal", 1_000), ("high", 1_500)),
    class_permille=(("standard", 1_000),),
)
TENANT = Tenant(
    id="steel",
    name="Steel",
    type="enterprise",
    field="manufacturing",
    price_class="standard",
    max_cards=64,
)
JOB = Job(
    id="j1",
    tenant_id="steel",
    project="default",
    user="u",
    name="digits",
    field="manufacturing",
    command="true",
    device_count=8,
    device_kind_ids=("npu",),
    limit_ms=HOUR_MS,
    priority=Priority.NORMAL,
    submitted_at_ms=0,
)


class JobChanges(TypedDict, total=False):
    """What a job may differ in from `JOB`."""

    tenant_id: str
    project: str
    device_count: int
    device_kind_ids: tuple[str, ...]
    limit_ms: int
    priority: Priority
    submitted_at_ms: int
    node_count: int | None
    member_count: int | None
    centre_ids: tuple[str, ...]
    env: tuple[tuple[str, str], ...]
    archive: str | None
    retry_count: int
    checkpoint: Checkpoint | None
    after_ids: tuple[str, ...]
    after_any_ids: tuple[str, ...]
    array: ArrayTask | None
    data_ids: tuple[str, ...]
    data_class: str | None
    topology: Topology
    ends_with: str | None
    variants: tuple[Variant, ...]
    min_device_count: int | None


def of_roles(job: Job, *members: tuple[int, int], ends_with: str | None = None) -> Job:
    """The same with roles `r0`, `r1`, ...: of each so many members with so many cards."""
    roles = tuple(
        Role(name=f"r{number}", count=count, card_count=cards)
        for number, (count, cards) in enumerate(members)
    )
    cards = sum(role.count * role.card_count for role in roles)
    return replace(job, roles=roles, device_count=cards, ends_with=ends_with)


def an_array(count: int, at_most: int | None = None, **changes: Unpack[JobChanges]) -> list[Job]:
    """Jobs `t0`, `t1`, ... of the array `a1`."""
    job = a_job(**changes)
    first = ArrayTask(id="a1", index=0, count=count, lowest=0, highest=count - 1, at_most=at_most)
    tasks = [replace(first, index=index) for index in range(count)]
    return [replace(job, id=f"t{task.index}", array=task) for task in tasks]


class TenantChanges(Own, total=False):
    """What a tenant may differ in from `TENANT`."""

    price_class: str
    max_cards: int
    weight: int
    credit_limit_micros: int
    cohort_id: str | None
    nominal_nodes: tuple[tuple[str, int], ...]


def with_data(
    *datasets: Dataset,
    classes: Iterable[DataClass] = (),
    links: Iterable[Link] = (),
    park: Park = PARK,
) -> Park:
    """The park with data, which comes at 8 Mbit/s, 1,000 bytes in a ms, where no link says else."""
    ways = (Link(mbit_per_s=8), *links)
    return replace(park, datasets=datasets, data_classes=tuple(classes), links=ways)


def a_dataset(
    dataset_id: str, *centre_ids: str, ms: int = HOUR_MS, data_class: str | None = None
) -> Dataset:
    """It takes so long to come to where it does not lie."""
    return Dataset(
        id=dataset_id, size_bytes=1_000 * ms, centre_ids=centre_ids, data_class=data_class
    )


def a_class(class_id: str, *centre_ids: str) -> DataClass:
    return DataClass(id=class_id, name=class_id, centre_ids=centre_ids)


def a_job(job_id: str = "j1", **changes: Unpack[JobChanges]) -> Job:
    return replace(JOB, id=job_id, **changes)


def a_tenant(tenant_id: str, **changes: Unpack[TenantChanges]) -> Tenant:
    return replace(TENANT, id=tenant_id, **changes)


def divide(state: State, tenant_id: str, **quotas: int | None) -> None:
    """The tenant has these projects, each with its quota."""
    for project_id, max_cards in quotas.items():
        project = Project(tenant_id=tenant_id, id=project_id, name=project_id, max_cards=max_cards)
        happen(state, ev.ProjectDeclared(at_ms=0, project=project))


def group(state: State, cohort_id: str, max_cards: int | None = None, weight: int = 100) -> None:
    """There is such a cohort; tenants say themselves that they are in it."""
    cohort = Cohort(id=cohort_id, name=cohort_id, max_cards=max_cards, weight=weight)
    happen(state, ev.CohortDeclared(at_ms=0, cohort=cohort))


def a_placement(pool_id: str, *cards: int) -> Placement:
    """So many cards of the pool's first node, its second, and so on; none of those with 0."""
    centre_id, kind_id = pool_id.split("-")
    shares = (
        NodeShare(node_id=f"{pool_id}-n{number:03}", card_count=count)
        for number, count in enumerate(cards, start=1)
        if count
    )
    return Placement(
        centre_id=centre_id, pool_id=pool_id, device_kind_id=kind_id, shares=tuple(shares)
    )


def a_lease(
    job_id: str, placement: Placement, *, at_ms: int = 0, number: int = 1, hold_micros: int = 0
) -> ev.Leased:
    return ev.Leased(
        at_ms=at_ms,
        job_id=job_id,
        attempt_id=f"{job_id}.{number}",
        epoch=1,
        placement=placement,
        hold_micros=hold_micros,
    )


def a_state(
    *tenants: Tenant, park: Park = PARK, prices: Iterable[PriceList] = (PARK_PRICES,)
) -> State:
    """A park that is wholly online, and rich tenants (`TENANT` where none is named)."""
    state = State()
    happen(state, ev.ParkDeclared(at_ms=0, park=park))
    for tenant in tenants or (TENANT,):
        paid = ev.Credited(
            at_ms=0, tenant_id=tenant.id, amount_micros=10**12, reference=f"opening:{tenant.id}"
        )
        happen(state, ev.TenantDeclared(at_ms=0, tenant=tenant), paid)
    happen(state, *(ev.PriceListPublished(at_ms=0, price_list=one) for one in prices))
    for centre in park.centres:
        online = tuple(node.id for pool in centre.pools for node in pool.nodes())
        happen(
            state,
            ev.NodesChanged(at_ms=0, centre_id=centre.id, online_node_ids=online),
            ev.CentreLinkChanged(at_ms=0, centre_id=centre.id, is_heard=True),
        )
    return state


def happen(state: State, *events: ev.Event) -> None:
    """These fit, and break no invariant."""
    for event in events:
        refusal = state.apply(event)
        assert refusal is None, refusal
        check(state)


def refused(state: State, event: ev.Event) -> str:
    """Why it does not fit, after seeing that nothing changed."""
    before = deepcopy(state)

    reason = state.apply(event)

    assert reason is not None, f"{event} was taken"
    assert state.snapshot() == before.snapshot(), "what is refused changes nothing"
    assert (state.free_cards, state.held_cards) == (before.free_cards, before.held_cards)
    check(state)
    return reason


def submit(state: State, *jobs: Job) -> None:
    happen(state, *(ev.Submitted(at_ms=job.submitted_at_ms, job=job) for job in jobs))


def promised_ms(verdict: Verdict) -> int | None:
    """When a waiting job is promised to start."""
    return verdict.start.at_ms if verdict.start and verdict.start.is_promised else None
