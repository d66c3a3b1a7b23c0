"""From what a user states to a job in the queue, in one durable transaction."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, update

from api.answers.reasons import views as reason_views
from api.auth import Caller
from api.clock import new_array_id, new_job_ids
from api.declared import Declared
from api.errors import Refused
from api.schemas.array_spec import ArraySpec, ArrayTaskView
from api.schemas.checkpoint_spec import CheckpointSpec
from api.schemas.jobs import JobAsked, JobSpec
from api.schemas.role_spec import RoleSpec
from api.schemas.variant_spec import VariantSpec
from api.services import Services
from api.tables import ArchiveRow
from cluster.inventory import Park
from scheduler.facts.events import Submitted
from scheduler.model.cores import is_mixed, unit_of
from scheduler.model.job import ArrayTask, Checkpoint, Job, Priority, Role, Topology, Variant
from scheduler.model.variants import forms
from scheduler.placing.placement import impossible
from scheduler.storage.array_queries import Predecessor, predecessors
from scheduler.storage.codec import encode_job
from scheduler.storage.store import put_submits

NAME_LENGTH = 128
ARRAY_BYTES_MAX = 64 << 20
"""What the tasks of one array may come to, as the queue keeps them."""

OPERATORS = ""
"""Owner of the archives that operators upload for the jobs they submit for others."""


def jobs_of(
    specs: Sequence[JobAsked], caller: Caller, services: Services, declared: Declared
) -> list[Job]:
    """Jobs with their new ids, in order; raises `Refused` for a tenant that is not the caller's."""
    at_ms = services.clock()
    ids = new_job_ids(at_ms, len(specs), services.random)
    return [
        _job(spec, tenant_of(caller, spec), job_id, caller, at_ms, declared)
        for spec, job_id in zip(specs, ids, strict=True)
    ]


def tasks_of(
    spec: JobAsked, array: ArraySpec, caller: Caller, services: Services, declared: Declared
) -> list[Job]:
    """One job for each index of the array, in their order; raises `Refused` as `jobs_of` does.

    Also where they would be too large together: each carries all that its user stated.
    """
    (job,) = jobs_of([spec], caller, services, declared)
    indices, at_ms = array.tasks(), job.submitted_at_ms
    _check_size(job, len(indices))
    task = ArrayTask(
        id=new_array_id(at_ms, services.random),
        index=indices[0],
        count=len(indices),
        lowest=indices[0],
        highest=indices[-1],
        at_most=array.at_most,
    )
    ids = new_job_ids(at_ms, len(indices), services.random)
    return [
        replace(job, id=job_id, array=replace(task, index=index))
        for job_id, index in zip(ids, indices, strict=True)
    ]


def _check_size(job: Job, count: int) -> None:
    size = len(json.dumps(encode_job(job), ensure_ascii=False).encode())
    if size * count <= ARRAY_BYTES_MAX:
        return
    problem = f"{count} tasks of {size} bytes each are more than {ARRAY_BYTES_MAX >> 20} MiB"
    fix = "put what is long into the working directory, or submit fewer tasks at once"
    error = {"field": "array", "in": "body", "problem": problem, "fix": fix}
    raise Refused(422, f"the array is too large: {problem}", errors=[error])


def tenant_of(caller: Caller, spec: JobAsked) -> str:
    """Who is charged: a tenant's key says it, an operator names it."""
    if caller.tenant_id is None:
        if spec.tenant is None:
            fix = "name the tenant that the job is for"
            error = {"field": "tenant", "in": "body", "problem": "Field required", "fix": fix}
            raise Refused(422, "an operator submits for a tenant", errors=[error])
        return spec.tenant
    if spec.tenant not in {None, caller.tenant_id}:
        raise Refused(403, f"this key submits for tenant {caller.tenant_id} alone")
    return caller.tenant_id


def _job(
    spec: JobAsked, tenant_id: str, job_id: str, caller: Caller, at_ms: int, declared: Declared
) -> Job:
    tenant = declared.tenants.get(tenant_id)
    return Job(
        id=job_id,
        tenant_id=tenant_id,
        project=spec.project,
        user=caller.label,
        name=spec.name or _name_of(spec.command),
        field=spec.field or (tenant.field if tenant else ""),
        command=spec.command,
        device_count=spec.devices,
        device_kind_ids=tuple(dict.fromkeys(spec.device)),
        limit_ms=spec.limit,
        priority=Priority(spec.priority),
        submitted_at_ms=at_ms,
        node_count=spec.nodes,
        member_count=spec.members,
        centre_ids=tuple(dict.fromkeys(spec.centres)),
        env=tuple(spec.env.items()),
        archive=spec.archive,
        workdir=spec.workdir,
        retry_count=spec.retries,
        checkpoint=_checkpoint(spec.checkpoint),
        after_ids=tuple(dict.fromkeys(spec.after)),
        after_any_ids=tuple(dict.fromkeys(spec.after_any)),
        data_ids=tuple(dict.fromkeys(spec.data)),
        data_class=spec.data_class,
        topology=Topology(spec.topology),
        roles=tuple(
            Role(name=one.name, count=one.count, card_count=one.devices, command=one.command)
            for one in spec.roles
        ),
        ends_with=spec.ends_with,
        variants=tuple(_variant(spec, one) for one in spec.variants),
        min_device_count=spec.min_devices,
        step_device_count=spec.step_devices,
    )


def _variant(spec: JobSpec, stated: VariantSpec) -> Variant:
    return Variant(
        device_kind_ids=tuple(dict.fromkeys(stated.device or spec.device)),
        device_count=stated.devices,
        limit_ms=stated.limit_ms(spec.limit),
        node_count=stated.nodes,
        member_count=stated.members,
        speed_permille=stated.speed_permille,
    )


def _name_of(command: str) -> str:
    """What a job without a name is called: the beginning of its command, on one line."""
    words = " ".join(command.split())
    return "".join(sign for sign in words if sign.isprintable())[:NAME_LENGTH].strip()


def _checkpoint(spec: CheckpointSpec | None) -> Checkpoint | None:
    if spec is None:
        return None
    return Checkpoint(dir=spec.dir, signal=spec.signal, grace_ms=spec.grace)


def spec_of(job: Job) -> JobSpec:
    """A job as its user stated it, so that it can be submitted again.

    Not looked at again: it is told as it was taken, by whatever rules there were then.
    """
    return JobSpec.model_construct(
        command=job.command,
        devices=job.device_count,
        name=job.name or None,
        device=list(job.device_kind_ids),
        nodes=job.node_count,
        members=job.member_count,
        limit=job.limit_ms,
        priority=job.priority.value,
        project=job.project,
        field=job.field or None,
        centres=list(job.centre_ids),
        env=dict(job.env),
        workdir=job.workdir,
        archive=job.archive,
        retries=job.retry_count,
        checkpoint=_checkpoint_spec(job.checkpoint),
        after=list(job.after_ids),
        after_any=list(job.after_any_ids),
        # Submitted again it is this task alone.
        array=ArraySpec.model_construct(indices=str(job.array.index)) if job.array else None,
        data=list(job.data_ids),
        data_class=job.data_class,
        topology=job.topology.value,
        roles=[
            RoleSpec.model_construct(
                name=role.name, count=role.count, devices=role.card_count, command=role.command
            )
            for role in job.roles
        ],
        ends_with=job.ends_with,
        variants=[_variant_spec(one) for one in job.variants],
        min_devices=job.min_device_count,
        step_devices=job.step_device_count,
    )


def _variant_spec(kept: Variant) -> VariantSpec:
    speed = kept.speed_permille
    return VariantSpec.model_construct(
        devices=kept.device_count,
        device=list(kept.device_kind_ids),
        nodes=kept.node_count,
        members=kept.member_count,
        limit=kept.limit_ms,
        speed=None if speed is None else speed / 1_000,
    )


def task_view(job: Job) -> ArrayTaskView | None:
    """Which task it is, where it is one."""
    task = job.array
    if task is None:
        return None
    return ArrayTaskView(
        id=task.id,
        index=task.index,
        count=task.count,
        lowest=task.lowest,
        highest=task.highest,
        at_most=task.at_most,
    )


def _checkpoint_spec(kept: Checkpoint | None) -> CheckpointSpec | None:
    if kept is None:
        return None
    signal: Any = kept.signal
    return CheckpointSpec.model_construct(dir=kept.dir, signal=signal, grace=kept.grace_ms)


def put(
    connection: Connection,
    jobs: Sequence[Job],
    caller: Caller,
    services: Services,
    declared: Declared,
) -> None:
    """Into the queue with all of them, or `Refused` and none."""
    now_ms = services.clock()
    # The tasks of an array differ by their index alone.
    check_possible([one for one in jobs if one.array is None or one is jobs[0]], declared, now_ms)
    jobs = _without_ended(connection, jobs)
    _check_archives(connection, jobs, caller, now_ms)
    for tenant_id, count in sorted(Counter(job.tenant_id for job in jobs).items()):
        services.gauge.admit(connection, tenant_id, count, now_ms)
    # Who takes a quote was submitted now, and is older.
    wishes = [Submitted(at_ms=now_ms, job=job) for job in jobs]
    put_submits(connection, wishes, now_ms)


def check_possible(jobs: Sequence[Job], declared: Declared, now_ms: int) -> None:
    """Raise `Refused` with the reasons where one of them could never run."""
    for job in jobs:
        if is_mixed(job, declared.park):
            raise _mixed(declared.park)
    asked = [(number, one) for number, job in enumerate(jobs) for one in enumerate(forms(job))]
    for number, (variant, form) in asked:
        reasons = impossible(form, declared.park, declared.tree, declared.prices, now_ms)
        if reasons:
            which = f"job {number + 1} of {len(jobs)}" if len(jobs) > 1 else "the job"
            count = f"{form.device_count} {unit_of(form, declared.park)}"
            which = f"{which} {_as_form(jobs[number], variant, count)}" if variant else which
            views = reason_views(reasons)
            raise Refused(
                422, f"{which} could never run: {views[0].text}", title=_NEVER, reasons=views
            )


def _mixed(park: Park) -> Refused:
    kinds = ", ".join(sorted(park.core_kind_ids))
    problem = f"it would do with cards and with cores ({kinds}), of which neither is the other"
    fix = "name kinds of cards or kinds of cores, in `device` and in all variants; none means cards"
    error = {"field": "device", "in": "body", "problem": problem, "fix": fix}
    return Refused(422, f"the job could never run: {problem}", title=_NEVER, errors=[error])


def _as_form(job: Job, number: int, count: str) -> str:
    return f"as its variant {number}, {count}," if job.variants else f"on {count}"


_NEVER = "The job could never run"


def _without_ended(connection: Connection, jobs: Sequence[Job]) -> list[Job]:
    """The same jobs, which follow only what has not ended; `Refused` where one never could run.

    Another tenant's job does not exist.
    """
    asked = {job_id for job in jobs for job_id in job.followed_ids}
    known = predecessors(connection, asked)
    return [_following(job, known) if job.followed_ids else job for job in jobs]


def _following(job: Job, known: Mapping[str, Predecessor]) -> Job:
    for job_id in job.followed_ids:
        found = known.get(job_id)
        field = "after" if job_id in job.after_ids else "after_any"
        if found is None or found.tenant_id != job.tenant_id:
            raise _not_to_follow(field, f"there is no job {job_id}")
        if field == "after" and found.has_failed:
            raise _not_to_follow(field, f"job {job_id} did not succeed: it has {found.state}")
    return replace(
        job,
        after_ids=tuple(one for one in job.after_ids if not known[one].is_over),
        after_any_ids=tuple(one for one in job.after_any_ids if not known[one].is_over),
    )


def _not_to_follow(field: str, problem: str) -> Refused:
    fix = "name jobs of the same tenant that may still succeed"
    error = {"field": field, "in": "body", "problem": problem, "fix": fix}
    return Refused(422, f"the job could never run: {problem}", title=_NEVER, errors=[error])


def _check_archives(
    connection: Connection, jobs: Sequence[Job], caller: Caller, now_ms: int
) -> None:
    """A job may name only what its submitter has uploaded: the hash alone opens nothing.

    Each is noted as used now, so that it is not thrown away as old before the job is there.
    """
    owner = caller.tenant_id or OPERATORS
    asked = sorted({job.archive for job in jobs if job.archive})
    if not asked:
        return
    used = (
        update(ArchiveRow)
        .where(ArchiveRow.tenant_id == owner, ArchiveRow.sha256.in_(asked))
        .values(created_at_ms=now_ms)
        .returning(ArchiveRow.sha256)
    )
    unknown = sorted(set(asked) - set(connection.scalars(used)))
    if unknown:
        raise Refused(422, f"archive {unknown[0]} is not here: upload it first")
