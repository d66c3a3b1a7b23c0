"""What only the leader knows of a job: what it would meet, why it waits, what would be sooner."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Annotated, TypeVar

from fastapi import APIRouter, Body, Query

from api.answers.data_notes import data_notes
from api.answers.explaining import explanation
from api.answers.quoting import alternative_view, quote_of
from api.answers.ranked import queue_view, standing_view
from api.answers.slipped import gone_since, slip_view, told_first
from api.asking import IdempotencyKey, Once, once, remember
from api.auth import Caller, WorkerDep
from api.errors import Refused, missing
from api.examples.requests import JOB_EXAMPLES
from api.honouring import Given, check_keepable, find, give_up, keep, kept, write_down
from api.routes.books import check_known
from api.routes.jobs import own_job, told_reasons, view_of, views_of
from api.routes.leading import elsewhere
from api.routes.parameters import JobId, QuoteParameter, TenantQuery, problems
from api.schemas.jobs import JobView
from api.schemas.quotes import (
    Alternatives,
    Explanation,
    QueueStanding,
    QueueView,
    Quote,
    QuoteCreate,
    QuoteList,
    QuoteTerms,
    StartSlip,
)
from api.services import Services, ServicesDep
from api.submission import check_possible, jobs_of
from scheduler.asking.alternatives import alternatives as sooner
from scheduler.asking.ranking import Queue, Ranking, ranking
from scheduler.asking.ranking import queue as in_order
from scheduler.asking.slips import Slip, ToldFirst
from scheduler.asking.whatif import Prospect, what_if
from scheduler.facts.state import State
from scheduler.model.cores import unit_of
from scheduler.model.job import FINAL_STATES, Job, JobState
from scheduler.model.policy import Policy
from scheduler.storage import queries
from scheduler.storage.codec import decode_job

T = TypeVar("T")
QUEUE_SHOWN, QUEUE_MAX = 50, 500

router = APIRouter(prefix="/v1", tags=["jobs"])


@router.post(
    "/quotes", responses=problems(307, 409, 429), summary="What if this job was submitted now?"
)
def quote(
    spec: Annotated[QuoteCreate, Body(openapi_examples=JOB_EXAMPLES)],
    caller: WorkerDep,
    services: ServicesDep,
    key: IdempotencyKey = None,
) -> Quote:
    """When it would start in each pool, and what it would cost; nothing is submitted.

    Until `expires_at_ms` the same job may be submitted with the quote's id as its `quote_id`: it is
    then as old as the quote, and so stands in the queue where it was quoted. With `keep` the quote
    stands there itself until then, and what its job would get is kept for it; 409 where another is
    kept for the tenant, or was a while ago. 422 with the reasons where it could never run. Only the
    broker that leads knows: another names it.
    """
    create = once(caller, key, "quotes", spec)
    if spec.keep:
        check_keepable(spec)
    declared = services.read_declared()
    (job,) = jobs_of([spec], caller, services, declared)
    check_possible([job], declared, services.clock())
    with services.questions.admitted(caller.scope):
        prospects = _prospects(services, job, "/v1/quotes")
    if not prospects:  # between the check and the answer the park has changed
        raise Refused(503, "the park has just changed", headers={"Retry-After": "1"})
    with services.database.connect() as connection:
        told = told_reasons(connection, [one.reasons for one in prospects], caller)
    seen = [replace(one, reasons=tuple(some)) for one, some in zip(prospects, told, strict=True)]
    valid_ms = services.settings.quote_valid_s * 1_000
    told_quote = quote_of(job, seen, valid_ms, unit=unit_of(job, declared.park), is_kept=spec.keep)
    answer = _noted(told_quote, spec, create, services)
    if spec.keep:
        placed = replace(job, id=answer.id, submitted_at_ms=answer.at_ms)
        keep(services, placed, answer.expires_at_ms)
    return answer


def _noted(answer: Quote, spec: QuoteCreate, create: Once | None, services: Services) -> Quote:
    """The quote as it is written down; the earlier one for the same question sent again."""
    with services.database.begin() as connection:
        if create is not None:
            body = answer.model_dump(mode="json")
            earlier = remember(connection, create, 200, body, services.clock())
            if earlier is not None:
                return Quote.model_validate(earlier[1])
        write_down(connection, answer, spec)
    return answer


@router.get("/quotes", responses=problems(404), summary="Which quotes are kept?")
def list_quotes(
    caller: WorkerDep, services: ServicesDep, tenant_id: TenantQuery = None
) -> QuoteList:
    """Those of the tenant, or of all for operators, that are kept and that no job has taken."""
    wanted = caller.narrowed(tenant_id)
    with services.database.connect() as connection:
        found = kept(connection, wanted, services.clock())
    return QuoteList(items=[one.terms() for one in found])


@router.get("/quotes/{quote_id}", responses=problems(404), summary="What was quoted")
def get_quote(quote_id: QuoteParameter, caller: WorkerDep, services: ServicesDep) -> QuoteTerms:
    """The job that was asked about, where it would have gone, and who has taken the quote."""
    return _own_quote(quote_id, caller, services).terms()


@router.delete(
    "/quotes/{quote_id}",
    status_code=204,
    responses=problems(404, 409),
    summary="Give up a kept quote",
)
def give_up_quote(quote_id: QuoteParameter, caller: WorkerDep, services: ServicesDep) -> None:
    """What was kept for it is free for others; 409 where nothing is kept, or no longer."""
    give_up(services, _own_quote(quote_id, caller, services))


def _own_quote(quote_id: str, caller: Caller, services: Services) -> Given:
    """Another tenant's quote does not exist."""
    with services.database.connect() as connection:
        given = find(connection, quote_id, caller)
    if given is None:
        raise missing("quote", quote_id)
    return given


QueueLimit = Annotated[int, Query(ge=1, le=QUEUE_MAX, description="how many at most")]


@router.get(
    "/queue", responses=problems(307, 404, 429), summary="Who waits, in which order, and by what?"
)
def queue(
    caller: WorkerDep,
    services: ServicesDep,
    tenant_id: TenantQuery = None,
    limit: QueueLimit = QUEUE_SHOWN,
) -> QueueView:
    """The first of those that wait, of the tenant or (for operators) of all, each with its terms.

    Held jobs are not in the queue yet. Only the broker that leads knows: another names it.
    """
    wanted = caller.narrowed(tenant_id)
    with services.database.connect() as connection:
        check_known(connection, services, wanted)

    def question(state: State, now_ms: int, policy: Policy) -> Queue:
        return in_order(state, now_ms, wanted, limit, policy)

    path = f"/v1/queue?limit={limit}" + (f"&tenant={tenant_id}" if tenant_id else "")
    with services.questions.admitted(caller.scope):
        found = _ask(services, question, path)
    with services.database.connect() as connection:
        rows = queries.jobs_of(connection, [one.job_id for one in found.items])
        return queue_view(found, {job.id: job for job in views_of(connection, rows, caller)})


@router.get(
    "/jobs/{job_id}/alternatives",
    responses=problems(307, 404, 409, 429),
    summary="What would let it start sooner?",
)
def alternatives(job_id: JobId, caller: WorkerDep, services: ServicesDep) -> Alternatives:
    """The present plan again, with one thing of the waiting job changed; nothing is changed.

    409 where it does not wait. Only the broker that leads knows: another names it.
    """
    with services.database.connect() as connection:
        row = own_job(connection, job_id, caller)
        park = services.declared.read(connection).park
    if row.state != JobState.QUEUED:
        raise _waits_not(job_id, row.state)
    job, now_ms, path = decode_job(row.spec), services.clock(), f"/v1/jobs/{job_id}/alternatives"
    with services.questions.admitted(caller.scope):
        found = sooner(
            job, now_ms, lambda changed: _prospects(services, changed, path), park.core_kind_ids
        )
    items = [alternative_view(job, one, unit_of(job, park)) for one in found]
    return Alternatives(at_ms=now_ms, job_id=job_id, items=items)


@router.get(
    "/jobs/{job_id}/explain",
    responses=problems(404),
    summary="Why it waits, or where it went",
)
def explain(job_id: JobId, caller: WorkerDep, services: ServicesDep) -> Explanation:
    """All that is in the way of a waiting job, its place, and when the plan would start it.

    As the last plan has told it; what is in the way is looked up anew by the broker that leads.
    Where that is busy, or another, there is the first reason of each pool, and no `standing`.
    """
    with services.database.connect() as connection:
        row = own_job(connection, job_id, caller)
        job = view_of(connection, row, caller)
        park = services.declared.read(connection).park
    notes = () if job.state in FINAL_STATES else data_notes(job.spec, park)
    told = told_first(row)
    found = _ranked_if_known(job, caller, services, told)
    standing = _as_told(found, caller, services) if found else None
    slip = _slip(job, told, found.slip if found else None, services) if told else None
    return explanation(job, notes, standing, park.core_kind_ids).model_copy(update={"slip": slip})


def _slip(job: JobView, told: ToldFirst, found: Slip | None, services: Services) -> StartSlip:
    """What is established of it: the leader knows what runs, and the database how the pool was."""
    with services.database.connect() as connection:
        park = services.declared.read(connection).park
        then = queries.loads_at(connection, [told.pool_id], told.at_ms + 1)
        now = queries.loads_now(connection, [told.pool_id])
    pool = park.pool_by_id.get(told.pool_id)
    has_hours = pool is not None and pool.hours is not None
    both = zip(then, now, strict=False)
    gone = [one for stood in both for one in gone_since(*stood, has_hours=has_hours)]
    unit = "cores" if pool and pool.device_kind_id in park.core_kind_ids else "cards"
    return slip_view(job, told, found, gone, unit)


def _ranked_if_known(
    job: JobView, caller: Caller, services: Services, told: ToldFirst | None
) -> Ranking | None:
    """Of a job that waits, and that a plan has told so."""
    if job.state != JobState.QUEUED or not job.reasons:
        return None
    try:
        return _ranked(job.id, caller, services, told)
    except Refused:
        return None


@router.get(
    "/jobs/{job_id}/standing",
    responses=problems(307, 404, 409, 429),
    summary="Where does it stand in the queue, and by what?",
)
def standing(job_id: JobId, caller: WorkerDep, services: ServicesDep) -> QueueStanding:
    """Its place, the terms that decide it, who holds what it waits for, and all that is in its way.

    Other tenants are told apart by their price class alone. 409 where it does not wait. Only the
    broker that leads knows: another names it.
    """
    with services.database.connect() as connection:
        own_job(connection, job_id, caller)
    found = _ranked(job_id, caller, services)
    if found is not None:
        return _as_told(found, caller, services)
    with services.database.connect() as connection:
        state = own_job(connection, job_id, caller).state
    if state == JobState.QUEUED:
        raise Refused(503, f"job {job_id} is just coming in", headers={"Retry-After": "1"})
    raise _waits_not(job_id, state)


def _ranked(
    job_id: str, caller: Caller, services: Services, told: ToldFirst | None = None
) -> Ranking | None:
    """How the leader finds it in the queue; None where it is not there."""

    def question(state: State, now_ms: int, policy: Policy) -> tuple[Ranking | None]:
        return (ranking(state, now_ms, job_id, policy, told),)

    with services.questions.admitted(caller.scope):
        (found,) = _ask(services, question, f"/v1/jobs/{job_id}/standing")
    return found


def _as_told(found: Ranking, caller: Caller, services: Services) -> QueueStanding:
    with services.database.connect() as connection:
        told = told_reasons(connection, [use.reasons for use in found.pools], caller)
    return standing_view(found, told)


def _waits_not(job_id: str, state: str) -> Refused:
    return Refused(409, f"job {job_id} does not wait: it is {state}")


def _prospects(services: Services, job: Job, path: str) -> Sequence[Prospect]:
    return _ask(services, lambda state, now_ms, policy: what_if(state, now_ms, job, policy), path)


def _ask(services: Services, question: Callable[[State, int, Policy], T], path: str) -> T:
    """What the leader answers, or `Refused` where we cannot know now."""
    try:
        answer = services.ask(question)
    except TimeoutError:
        raise Refused(503, "the leader is busy", headers={"Retry-After": "1"}) from None
    if answer is None:
        raise elsewhere(services, path)
    return answer
