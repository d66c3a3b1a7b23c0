"""What one seed asks of the broker: a small park, tenants, and wishes at random moments."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from random import Random

from accounting.prices.rating import PriceList
from cluster.datasets import DataClass, Dataset, Link
from cluster.devices import DeviceKind
from cluster.inventory import Centre, Park, Pool
from cluster.simulated import Faults
from scheduler.facts import events as ev
from scheduler.model.job import ArrayTask, Checkpoint, Job, Priority, Role, Topology
from scheduler.model.tenancy import Cohort, Project, Tenant
from scheduler.placing.placement import Fit, candidate_pools, fit, shape_of

YUAN = 1_000_000
KINDS = (("npu", 320), ("dcu", 400), ("gpu", 989))
CENTRES = {
    "east": (("npu", 2, 8, None), ("gpu", 2, 4, 2)),
    "north": (("npu", 1, 8, None), ("dcu", 3, 8, 2)),
}
"""The kind of each pool, its nodes, the cards of one, and the nodes of a rack."""
TENANTS = ("acme", "blue", "coal")
COHORT_ID = "coast"
PROJECTS = ("default", "vision")
NOMINAL_CARDS = ((), (("npu", 8),), (("npu", 8),), (("dcu", 4), ("gpu", 2), ("npu", 6)))
"""Of all tenants together never more than there is."""
RUN_MS_MAX = 40_000
DATASETS = tuple(
    Dataset(id=name, size_bytes=1_000 * ms, centre_ids=(centre_id,), data_class=data_class)
    for name, ms, centre_id, data_class in (
        ("scans", 1, "east", "medical"),
        ("waves", 20_000, "north", "sea"),
        ("web", 10_000, "north", None),
        ("words", 5_000, "east", None),
    )
)
"""Each comes to the other centre in so many ms."""
DATA: tuple[tuple[tuple[str, ...], str | None], ...] = (
    ((), None),
    ((), None),
    (("scans",), None),
    (("waves",), "sea"),
    (("web",), None),
    (("words",), "medical"),
    (("web", "words"), "sea"),
)


def _roles(*members: tuple[int, int]) -> tuple[Role, ...]:
    """Of each role so many members with so many cards."""
    return tuple(
        Role(name=f"r{number}", count=count, card_count=cards)
        for number, (count, cards) in enumerate(members)
    )


ROLES = {
    4: (_roles((1, 0), (2, 2)), _roles((1, 1), (1, 3))),
    8: (_roles((1, 0), (2, 3), (1, 2)), _roles((2, 4)), _roles((1, 5), (1, 3), (2, 0))),
    16: (_roles((1, 0), (3, 5), (1, 1)), _roles((2, 6), (1, 4)), _roles((4, 4))),
}
"""How a job of so many cards may be split."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A wish and the moment at which somebody has it; `id` is its request's."""

    at_ms: int
    id: str
    wish: ev.Wish


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """All that is asked, in order, and how long each job would run if let."""

    declarations: tuple[ev.Wish, ...]
    asked: tuple[Asked, ...]
    jobs: tuple[Job, ...]
    run_ms_by_job: dict[str, int]
    faults: Faults
    active_permille: int | None = None


def a_park(sea_centre_ids: tuple[str, ...] = ()) -> Park:
    """Medical data is of the east alone; that of the sea may be anywhere, or there."""
    kinds = tuple(
        DeviceKind(
            id=kind_id,
            name=kind_id,
            vendor="v",
            tflops_fp16=tflops,
            memory_gb=64,
            ray_resource=kind_id.upper(),
        )
        for kind_id, tflops in KINDS
    )
    centres = tuple(_centre(centre_id) for centre_id in CENTRES)
    return Park(
        id="park",
        name="Park",
        note="",
        is_logical=True,
        stated_tflops=sum(centre.stated_tflops for centre in centres),
        device_kinds=kinds,
        centres=centres,
        fields=(("ai", "AI"),),
        data_classes=(
            DataClass(id="medical", name="Medical", centre_ids=("east",)),
            DataClass(id="sea", name="Sea", centre_ids=sea_centre_ids),
        ),
        datasets=DATASETS,
        links=(Link(mbit_per_s=8),),
    )


def _centre(centre_id: str) -> Centre:
    pools = tuple(
        Pool(
            id=f"{centre_id}-{kind}",
            centre_id=centre_id,
            device_kind_id=kind,
            node_count=nodes,
            cards_per_node=cards,
            nodes_per_rack=nodes_per_rack,
        )
        for kind, nodes, cards, nodes_per_rack in CENTRES[centre_id]
    )
    stated = sum(pool.card_count * dict(KINDS)[pool.device_kind_id] for pool in pools)
    return Centre(id=centre_id, name=centre_id, operator="o", stated_tflops=stated, pools=pools)


def a_tenant(rng: Random, tenant_id: str, max_cards: int, weight: int = 100) -> Tenant:
    return Tenant(
        id=tenant_id,
        name=tenant_id,
        type="enterprise",
        field="ai",
        price_class="member",
        max_cards=max_cards,
        weight=weight,
        credit_limit_micros=5 * YUAN,
        nominal_cards=rng.choice(NOMINAL_CARDS),
        cohort_id=rng.choice((None, COHORT_ID, COHORT_ID)),
    )


def a_cohort(rng: Random) -> Cohort:
    weight, max_cards = rng.choice((50, 100, 300)), rng.choice((None, 24, 48))
    return Cohort(id=COHORT_ID, name="Coast", weight=weight, max_cards=max_cards)


def a_project(rng: Random, tenant_id: str, project_id: str) -> Project:
    weight, max_cards = rng.choice((50, 100, 300)), rng.choice((None, 16, 24))
    return Project(
        tenant_id=tenant_id, id=project_id, name=project_id, weight=weight, max_cards=max_cards
    )


def a_price_list(list_id: str, from_ms: int, yuan: int) -> PriceList:
    return PriceList(
        id=list_id,
        from_ms=from_ms,
        on_demand=tuple((kind, yuan * YUAN + index) for index, (kind, _) in enumerate(KINDS)),
        qos_permille=(("low", 500), ("normal", 1_000), ("high", 1_500)),
        class_permille=(("member", 877),),
    )


def a_scenario(rng: Random, job_count: int) -> Scenario:
    tenants = tuple(a_tenant(rng, tenant_id, rng.choice((16, 48))) for tenant_id in TENANTS)
    declarations: tuple[ev.Wish, ...] = (
        ev.ParkDeclared(at_ms=0, park=a_park()),
        *(ev.TenantDeclared(at_ms=0, tenant=tenant) for tenant in tenants),
        ev.PriceListPublished(at_ms=0, price_list=a_price_list("p1", 0, 30)),
    )
    drawn = [_job(rng, f"j{number:03}") for number in range(job_count)]
    # By chances of their own: what else a seed draws is as it was before there were these.
    words = _words(drawn)
    array_rng, data_rng = Random(f"arrays {words}"), Random(f"data {words}")
    split = _of_roles(Random(f"roles {words}"), _in_arrays(array_rng, drawn))
    near = _in_racks(Random(f"racks {words}"), _reading(data_rng, split))
    jobs = tuple(_following(rng, near))
    asked = [one for job in jobs for one in _asked_for(rng, job)] + list(_asked_for_park(rng))
    asked.append(_narrowed(data_rng.randrange(60_000)))
    asked += _quotes(Random(f"quotes {drawn}"), jobs)
    return Scenario(
        declarations=declarations,
        asked=tuple(sorted(asked, key=lambda one: (one.at_ms, one.id))),
        jobs=jobs,
        run_ms_by_job={job.id: rng.randint(1, RUN_MS_MAX) for job in jobs},
        faults=_faults(rng),
    )


def _words(jobs: list[Job]) -> str:
    """What was drawn, in the words of then: what fields a job has since makes no other chances."""
    newer = ", variants=(), min_device_count=None, step_device_count=None"
    return repr(jobs).replace(newer, "")


def _quotes(rng: Random, jobs: Iterable[Job]) -> Iterator[Asked]:
    """Some jobs have a quote kept before they come, in time or not; some quotes nobody takes."""
    for job in jobs:
        if rng.random() < 0.5:
            continue
        quote = job if rng.random() < 0.7 else replace(job, id=f"q{job.id}")
        at_ms = max(0, job.submitted_at_ms - rng.randrange(20_000))
        until_ms = at_ms + rng.choice((1, 5_000, 30_000))
        kept = ev.QuoteKept(at_ms=at_ms, until_ms=until_ms, job=replace(quote, submitted_at_ms=0))
        yield Asked(at_ms=at_ms, id=f"keep-{quote.id}", wish=kept)
        if rng.random() < 0.3:
            drop_ms = at_ms + rng.randrange(5_000)
            end = ev.QuoteEnded(at_ms=drop_ms, tenant_id=quote.tenant_id, quote_id=quote.id)
            yield Asked(at_ms=drop_ms, id=f"drop-{quote.id}", wish=end)


def _job(rng: Random, job_id: str) -> Job:
    kinds = rng.choice(((), ("npu",), ("gpu", "npu"), ("dcu",)))
    device_count, node_count, member_count = rng.choice(
        ((1, None, None), (1, None, None), (3, 1, 3), (4, 1, None), (8, None, None), (8, 1, 8))
        + (((16, 2, None),) if kinds != ("gpu", "npu") else ((8, 2, None),))
    )
    return Job(
        id=job_id,
        tenant_id=rng.choice(TENANTS),
        project=rng.choice(PROJECTS),
        user="u",
        name=job_id,
        field="ai",
        command="true",
        device_count=device_count,
        device_kind_ids=kinds if device_count < 8 or kinds else ("npu", "dcu"),
        limit_ms=rng.choice((5_000, RUN_MS_MAX, 2 * RUN_MS_MAX)),
        priority=rng.choice(tuple(Priority)),
        submitted_at_ms=rng.randrange(60_000),
        node_count=node_count,
        member_count=member_count,
        retry_count=rng.randrange(3),
        checkpoint=rng.choice((None, Checkpoint(dir="ckpt", grace_ms=3_000))),
    )


def _in_arrays(rng: Random, jobs: list[Job]) -> list[Job]:
    """In three of four scenarios the tasks of an array among them, which come one by one."""
    first, count = rng.randrange(1 + len(jobs) // 2), rng.choice((0, 2, 4, 12))
    tasks, at_most = range(len(jobs))[first : first + count], rng.choice((None, 1, 2, 3))
    for number in tasks:
        jobs[number] = replace(
            jobs[number],
            tenant_id=jobs[first].tenant_id,
            array=ArrayTask(
                id=f"a{first:03}",
                index=number,
                count=len(tasks),
                lowest=tasks[0],
                highest=tasks[-1],
                at_most=at_most,
            ),
        )
    return jobs


def _of_roles(rng: Random, jobs: list[Job]) -> list[Job]:
    """A third of those that could be are of several roles, with as many cards."""
    could = [ROLES.get(job.device_count, ()) if job.member_count is None else () for job in jobs]
    split = [
        replace(job, roles=rng.choice(roles), node_count=None)
        if roles and rng.random() < 0.33
        else job
        for job, roles in zip(jobs, could, strict=True)
    ]
    return [one if _fits(one) else job for job, one in zip(jobs, split, strict=True)]


def _reading(rng: Random, jobs: list[Job]) -> list[Job]:
    """Most read data, if they fit where it may be once the sea's is of the north alone."""
    reading = [_with_data(job, *rng.choice(DATA)) for job in jobs]
    return [reader if _fits(reader) else job for job, reader in zip(jobs, reading, strict=True)]


def _in_racks(rng: Random, jobs: list[Job]) -> list[Job]:
    """Half of them must be in one rack, if that can be."""
    near = [replace(job, topology=rng.choice(tuple(Topology))) for job in jobs]
    return [one if _fits(one) else job for job, one in zip(jobs, near, strict=True)]


def _fits(job: Job) -> bool:
    """Whether it could run once the sea's data is of the north alone."""
    shape = shape_of(job)
    pools = candidate_pools(shape, a_park(("north",)))
    return any(isinstance(fit(shape, pool), Fit) for pool in pools)


def _with_data(job: Job, data_ids: tuple[str, ...], data_class: str | None) -> Job:
    return replace(job, data_ids=data_ids, data_class=data_class)


def _following(rng: Random, jobs: list[Job]) -> Iterator[Job]:
    """Some follow others that were submitted before, one or two, whatever becomes of those.

    Where it was a task of another array, they follow that as a whole.
    """
    for number in range(len(jobs)):
        followed = rng.sample(jobs[:number], min(number, rng.choice((0, 0, 0, 0, 1, 2))))
        if followed:
            job, cut = jobs[number], rng.randint(0, len(followed))
            ids = [_id_to_follow(one, job) for one in followed]
            together = [job, *followed, *(o for o in jobs if o.array and o.array.id in ids)]
            jobs[number] = replace(
                job,
                after_ids=tuple(ids[:cut]),
                after_any_ids=tuple(ids[cut:]),
                submitted_at_ms=1 + max(one.submitted_at_ms for one in together),
            )
        yield jobs[number]


def _id_to_follow(followed: Job, job: Job) -> str:
    return followed.array.id if followed.array and not job.array else followed.id


def _asked_for(rng: Random, job: Job) -> Iterator[Asked]:
    """The submission, now and then twice under two requests, and now and then a cancel or two."""
    at_ms = job.submitted_at_ms
    submitted = ev.Submitted(at_ms=at_ms, job=job)
    yield Asked(at_ms=at_ms, id=f"submit-{job.id}", wish=submitted)
    if rng.random() < 0.1:
        again_ms = at_ms + rng.randrange(50_000)
        yield Asked(at_ms=again_ms, id=f"submit-{job.id}-again", wish=submitted)
    for number in range(rng.choice((0, 0, 0, 1, 2))):
        cancel_ms = at_ms + rng.randrange(60_000)
        wish = ev.CancelRequested(at_ms=cancel_ms, job_id=job.id, by="u")
        yield Asked(at_ms=cancel_ms, id=f"cancel-{job.id}-{number}", wish=wish)


def _asked_for_park(rng: Random) -> Iterator[Asked]:
    """Money, dearer prices, smaller and larger quotas, groups and parts, while work runs."""
    for tenant_id in TENANTS:
        for number in range(2):
            at_ms = rng.randrange(60_000)
            paid = ev.Credited(
                at_ms=at_ms,
                tenant_id=tenant_id,
                amount_micros=rng.randint(1, 20 * YUAN),
                reference=f"{tenant_id}-{number % rng.randint(1, 2)}",
            )
            yield Asked(at_ms=at_ms, id=f"credit-{tenant_id}-{number}", wish=paid)
        at_ms = rng.randrange(60_000)
        tenant = a_tenant(rng, tenant_id, rng.choice((16, 24, 48)), rng.choice((50, 100)))
        changed = ev.TenantDeclared(at_ms=at_ms, tenant=tenant)
        yield Asked(at_ms=at_ms, id=f"tenant-{tenant_id}", wish=changed)
        for number in range(rng.choice((0, 1, 3))):
            at_ms = rng.randrange(60_000)
            project = a_project(rng, tenant_id, rng.choice(PROJECTS))
            declared = ev.ProjectDeclared(at_ms=at_ms, project=project)
            yield Asked(at_ms=at_ms, id=f"project-{tenant_id}-{number}", wish=declared)
    for number in range(rng.choice((0, 2))):
        at_ms = rng.randrange(60_000)
        grouped = ev.CohortDeclared(at_ms=at_ms, cohort=a_cohort(rng))
        yield Asked(at_ms=at_ms, id=f"cohort-{number}", wish=grouped)
    at_ms = rng.randrange(60_000)
    prices = a_price_list("p2", at_ms + rng.randint(1, 10_000), rng.randint(1, 90))
    yield Asked(
        at_ms=at_ms, id="prices", wish=ev.PriceListPublished(at_ms=at_ms, price_list=prices)
    )


def _narrowed(at_ms: int) -> Asked:
    """The sea's data is to be in the north alone; refused while some is read in the east."""
    wish = ev.ParkDeclared(at_ms=at_ms, park=a_park(("north",)))
    return Asked(at_ms=at_ms, id="narrowed", wish=wish)


def _faults(rng: Random) -> Faults:
    """Each seed has its own bad luck: some kinds of it often, others never."""

    def chance(often: float) -> float:
        return rng.choice((0.0, often / 4, often))

    return Faults(
        call_lost=chance(0.4),
        call_late=chance(0.4),
        call_twice=chance(0.4),
        launch_refused=chance(0.1),
        member_fails=chance(0.2),
        stop_ignored=chance(0.8),
        report_lost=chance(0.4),
        silence=chance(0.02),
        silence_ms_max=60_000,
        node_loss=chance(0.02),
        node_down_ms_max=60_000,
        centre_loss=chance(0.01),
        centre_down_ms_max=60_000,
        start_ms_max=rng.choice((0, 3_000)),
    )
