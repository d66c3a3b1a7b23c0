"""From a trace to the broker's own words: a park to run it on, tenants, and jobs.

Money takes no part in a replay: every device costs nothing, so no job waits for funds.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from accounting.prices.rating import PERMILLE, PriceList
from benchmarks.traces import BadTrace, TraceJob, read_rows
from cluster.datasets import Dataset, Link
from cluster.devices import DeviceKind
from cluster.inventory import Centre, Park, Pool
from scheduler.facts import events as ev
from scheduler.facts.state import State
from scheduler.model.job import Checkpoint, Job, Priority, Reason
from scheduler.model.policy import Preemption
from scheduler.model.tenancy import Tenant
from scheduler.placing.placement import impossible

UNKNOWN_LIMIT_MS = 366 * 24 * 3_600_000
"""The limit of a job whose user stated none: it tells the planner nothing."""
NO_QUOTA = 1 << 40
"""More cards than any park has: a tenant at its quota would not block those behind it."""
PRICE_CLASS = "replay"
RESTARTS_MAX = 100
"""After as many runs lost to failing nodes a job would never end."""
TAKING_TURNS = Preemption(is_shared=True)
RESUMABLE = Checkpoint(dir="checkpoint", signal="SIGUSR1", grace_ms=0)
REFUSALS_SHOWN = 5
KINDS = 4
CARDS_PER_NODE = 8
"""Where nobody says how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """Trace jobs by the ids under which they are submitted; these sort as the trace does."""

    park: Park
    declarations: tuple[ev.Wish, ...]
    trace_job_by_id: dict[str, TraceJob]
    jobs: tuple[Job, ...]


DEVICE = DeviceKind(
    id="device", name="Device", vendor="-", tflops_fp16=1, memory_gb=0, ray_resource="GPU"
)


def ideal_park(node_count: int, cards_per_node: int) -> Park:
    """One centre with one pool; with a single node, devices are one fungible heap."""
    return _park("ideal", (_centre("centre", "pool", node_count, cards_per_node),))


def wide_park(node_count: int, cards_per_node: int, centre_count: int) -> Park:
    """Centres of one pool each, as large as can be alike, of four device kinds by turns."""
    kinds = tuple(replace(DEVICE, id=f"device-{n}", tflops_fp16=n) for n in range(1, KINDS + 1))
    bounds = [node_count * number // centre_count for number in range(centre_count + 1)]
    centres = tuple(
        _centre(f"c{n:03}", f"p{n:03}", upper - lower, cards_per_node, kinds[n % KINDS])
        for n, (lower, upper) in enumerate(pairwise(bounds))
    )
    return _park("wide", centres, kinds)


def park_of_centres(path: Path, cards_per_node: int) -> Park:
    """A centre of one pool for each row of a CSV file with the columns `pool,capacity`.

    Raises `BadTrace` where a capacity is not so many nodes.
    """
    centres = []
    for number, row in enumerate(read_rows(path), start=2):
        try:
            name, node_count = row["pool"], int(row["capacity"]) / cards_per_node
        except (KeyError, ValueError, TypeError) as error:
            raise BadTrace(f"{path}, line {number}: {error!r}") from None
        if node_count < 1 or node_count % 1:
            raise BadTrace(f"{path}, line {number}: {name} is not nodes of {cards_per_node} cards")
        centres.append(_centre(name, name, int(node_count), cards_per_node))
    if len({centre.id for centre in centres}) < max(1, len(centres)):
        raise BadTrace(f"{path}: no centres, or one is there twice")
    return _park(path.stem, tuple(centres))


def _centre(
    centre_id: str, pool_id: str, node_count: int, cards_per_node: int, kind: DeviceKind = DEVICE
) -> Centre:
    pool = Pool(
        id=pool_id,
        centre_id=centre_id,
        device_kind_id=kind.id,
        node_count=node_count,
        cards_per_node=cards_per_node,
    )
    tflops = pool.card_count * kind.tflops_fp16
    return Centre(id=centre_id, name=centre_id, operator="-", stated_tflops=tflops, pools=(pool,))


def _park(
    park_id: str, centres: tuple[Centre, ...], kinds: tuple[DeviceKind, ...] = (DEVICE,)
) -> Park:
    return Park(
        id=park_id,
        name=park_id,
        note="for replays",
        is_logical=True,
        stated_tflops=sum(centre.stated_tflops for centre in centres),
        device_kinds=kinds,
        centres=centres,
        fields=(("replay", "Replay"),),
    )


def workload(
    trace: tuple[TraceJob, ...], park: Park, *, is_length_known: bool, is_resumable: bool = False
) -> Workload:
    """All jobs and what must be declared before them; raises `BadTrace` if one could never run.

    A job's limit is its run time if `is_length_known`, else its walltime where the trace has one,
    else none to speak of. Where some ran for longer than their walltimes, each may do so by as much
    as any did: a limit of its own would tell how long it runs. If `is_resumable`, each can be
    stopped and go on from where it was.
    """
    park = _with_homes(park, {job.tenant for job in trace})
    beyond_ms = _beyond_ms(trace)
    trace_job_by_id = {f"{number:07}": job for number, job in enumerate(trace)}
    jobs = tuple(
        _job(
            job_id,
            trace_job,
            trace_job.duration_ms if is_length_known else _walltime_ms(trace_job) + beyond_ms,
            park,
            RESUMABLE if is_resumable else None,
        )
        for job_id, trace_job in trace_job_by_id.items()
    )
    result = Workload(
        park=park,
        declarations=tuple(declarations({job.tenant for job in trace}, park)),
        trace_job_by_id=trace_job_by_id,
        jobs=jobs,
    )
    _check(result)
    return result


def _with_homes(park: Park, tenant_ids: set[str]) -> Park:
    """A tenant that is called as a centre is at home there: elsewhere it is ready 1 ms later.

    A park that says itself where data lies is left as it is.
    """
    at_home = sorted(tenant_ids & park.centre_by_id.keys())
    if not at_home or park.datasets or park.links:
        return park
    return replace(park, datasets=tuple(map(_home, at_home)), links=(Link(mbit_per_s=8),))


def _home(tenant_id: str) -> Dataset:
    return Dataset(id=tenant_id, size_bytes=1, centre_ids=(tenant_id,))


def _beyond_ms(trace: Iterable[TraceJob]) -> int:
    """By how much some ran beyond their walltimes."""
    return max((max(0, job.duration_ms - _walltime_ms(job)) for job in trace), default=0)


def _walltime_ms(job: TraceJob) -> int:
    return job.walltime_ms or UNKNOWN_LIMIT_MS


def _job(
    job_id: str, trace_job: TraceJob, limit_ms: int, park: Park, checkpoint: Checkpoint | None
) -> Job:
    is_kind_known = trace_job.device_type in park.device_kind_by_id
    home = _home(trace_job.tenant)
    return Job(
        id=job_id,
        tenant_id=trace_job.tenant,
        project="default",
        user=trace_job.user,
        name=trace_job.id,
        field=park.fields[0][0],
        command="true",
        device_count=trace_job.device_count,
        device_kind_ids=(trace_job.device_type,) if is_kind_known else (),
        limit_ms=limit_ms,
        priority=Priority.NORMAL,
        submitted_at_ms=trace_job.submit_ms,
        data_ids=(home.id,) if home in park.datasets else (),
        checkpoint=checkpoint,
        retry_count=RESTARTS_MAX + 1,
    )


def declarations(tenant_ids: Iterable[str], park: Park) -> Iterator[ev.Wish]:
    """A park in which these tenants have no quota and everything is free of charge."""
    yield ev.ParkDeclared(at_ms=0, park=park)
    for tenant_id in sorted(tenant_ids):
        tenant = Tenant(
            id=tenant_id,
            name=tenant_id,
            type="replay",
            field=park.fields[0][0],
            price_class=PRICE_CLASS,
            max_cards=NO_QUOTA,
        )
        yield ev.TenantDeclared(at_ms=0, tenant=tenant)
    yield ev.PriceListPublished(at_ms=0, price_list=_free_of_charge(park))


def _free_of_charge(park: Park) -> PriceList:
    return PriceList(
        id="free",
        from_ms=0,
        on_demand=tuple((kind.id, 0) for kind in park.device_kinds),
        qos_permille=tuple((priority.value, PERMILLE) for priority in Priority),
        class_permille=((PRICE_CLASS, PERMILLE),),
    )


def declared_state(declarations: Iterable[ev.Wish]) -> State:
    """The state after nothing but these."""
    state = State()
    for wish in declarations:
        refusal = state.apply(wish)
        assert refusal is None, refusal
    return state


def _check(load: Workload) -> None:
    """Every shape of job must fit into the empty park."""
    state = declared_state(load.declarations)
    found: dict[tuple[str, int, tuple[str, ...]], tuple[Reason, ...]] = {}
    refused = []
    for job in load.jobs:
        key = (job.tenant_id, job.device_count, job.device_kind_ids)
        if key not in found:
            any_limit = replace(job, limit_ms=1)
            found[key] = impossible(any_limit, load.park, state.tree, state.prices, 0)
        if found[key]:
            refused.append(f"{job.name} ({found[key][0].code}: {job.device_count} devices)")
    if refused:
        shown = ", ".join(refused[:REFUSALS_SHOWN])
        raise BadTrace(f"{len(refused)} jobs could never run in park {load.park.id}: {shown}")
