"""From a lease to the order that its centre gets, and back from what the centre says to a cause."""

from collections import Counter
from dataclasses import dataclass

from cluster.driver import (
    AttemptEnd,
    AttemptPhase,
    AttemptReport,
    LaunchOrder,
    MemberOrder,
    RoleOrder,
)
from cluster.inventory import Park
from scheduler.facts.record import Attempt
from scheduler.model.job import EndCause, Job, NodeShare, Placement
from scheduler.model.variants import form_in
from scheduler.placing.bundles import seats


@dataclass(frozen=True, slots=True)
class End:
    """How an attempt came to its end, before the books are asked."""

    cause: EndCause
    at_ms: int
    exit_code: int | None = None
    detail: str = ""
    node_id: str | None = None


def order(job: Job, attempt: Attempt, epoch: int, park: Park | None) -> LaunchOrder:
    assert park is not None, f"{attempt.id} runs in no park"
    job = form_in(job, attempt.placement)
    checkpoint = job.checkpoint
    return LaunchOrder(
        attempt_id=attempt.id,
        job_id=job.id,
        tenant_id=job.tenant_id,
        epoch=epoch,
        centre_id=attempt.placement.centre_id,
        device_kind_id=attempt.placement.device_kind_id,
        command=job.command,
        env=(
            *job.env,
            *_gang_env(attempt.placement),
            *_array_env(job),
            *_data_env(job, attempt.placement.centre_id, park),
        ),
        members=members(job, attempt),
        archive=job.archive,
        workdir=job.workdir,
        checkpoint_dir=checkpoint.dir if checkpoint else None,
        checkpoint_signal=checkpoint.signal if checkpoint else None,
        roles=tuple(
            RoleOrder(name=role.name, count=role.count, command=role.command or job.command)
            for role in job.roles
        ),
        ends_with=job.ends_with,
    )


def _gang_env(placement: Placement) -> tuple[tuple[str, str], ...]:
    """On how many cards of which kind it runs: a job may have asked for one thing or another."""
    return (
        ("BRAIN_DEVICES", str(placement.card_count)),
        ("BRAIN_DEVICE", placement.device_kind_id),
    )


def _array_env(job: Job) -> tuple[tuple[str, str], ...]:
    """What tells a task of an array which it is; a user's own variables have other names."""
    task = job.array
    if task is None:
        return ()
    values = {"ID": task.id, "INDEX": task.index, "COUNT": task.count}
    values |= {"LOWEST": task.lowest, "HIGHEST": task.highest}
    return tuple((f"BRAIN_ARRAY_{name}", str(value)) for name, value in values.items())


def _data_env(job: Job, centre_id: str, park: Park) -> tuple[tuple[str, str], ...]:
    """Which datasets it reads, and which of them its command has to fetch; ids have no spaces."""
    if not job.data_ids:
        return ()
    here = {one.id for one in park.datasets if centre_id in one.centre_ids}
    elsewhere = (data_id for data_id in job.data_ids if data_id not in here)
    return (
        ("BRAIN_DATASETS", " ".join(job.data_ids)),
        ("BRAIN_DATASETS_ELSEWHERE", " ".join(elsewhere)),
    )


def members(job: Job, attempt: Attempt) -> tuple[MemberOrder, ...]:
    """The gang's processes: ranks follow the nodes, cards are shared evenly; or as roles say."""
    shares = attempt.placement.shares
    if job.roles:
        return _members_of_roles(job, shares)
    per_node = (job.member_count or len(shares)) // len(shares)
    return tuple(
        MemberOrder(
            rank=index * per_node + local_rank,
            local_rank=local_rank,
            node_id=share.node_id,
            card_count=share.card_count // per_node,
        )
        for index, share in enumerate(shares)
        for local_rank in range(per_node)
    )


def _members_of_roles(job: Job, shares: tuple[NodeShare, ...]) -> tuple[MemberOrder, ...]:
    """Ranks follow the roles; on each node its members are counted in their order."""
    node_ids = seats(job.roles, shares)
    assert node_ids is not None, f"{job.id} was given {shares}, which its members do not fill"
    here: Counter[str] = Counter()
    found = []
    cards = (role.card_count for role in job.roles for _ in range(role.count))
    for rank, (node_id, card_count) in enumerate(zip(node_ids, cards, strict=True)):
        local_rank = here[node_id]
        here[node_id] += 1
        found.append(
            MemberOrder(rank=rank, local_rank=local_rank, node_id=node_id, card_count=card_count)
        )
    return tuple(found)


def ended_at_ms(attempt: Attempt, told: AttemptReport) -> int | None:
    """When it ended by the log's time: a centre's clock may be wrong, what it measures is not."""
    ended_ms, told_ms, started_ms = told.ended_at_ms, told.started_at_ms, attempt.started_at_ms
    if ended_ms is None or told_ms is None or started_ms is None:
        return ended_ms
    return ended_ms - told_ms + started_ms


def cause_of(attempt: Attempt, told: AttemptReport) -> EndCause:
    """Why it ended: what the broker asked for explains a stop, the centre explains the rest."""
    match told.end:
        case AttemptEnd.NODE:
            return EndCause.NODE
        case AttemptEnd.CENTRE:
            return EndCause.CENTRE
        case AttemptEnd.REFUSED:
            return EndCause.BROKER
        case AttemptEnd.STOPPED:
            return attempt.stop_cause or EndCause.BROKER
        case AttemptEnd.EXITED | None:
            return EndCause.FINISHED if told.exit_code == 0 else EndCause.USER_ERROR


def is_as_known(attempt: Attempt, told: AttemptReport) -> bool:
    """It runs and the log says so: what most reports say of most attempts."""
    return attempt.started_at_ms is not None and told.phase is AttemptPhase.RUNNING


def is_unknown_start(attempt: Attempt, told: AttemptReport) -> bool:
    """The centre was asked to stop what it no longer knew, and reports that it never started."""
    return attempt.started_at_ms is not None and told.started_at_ms is None
