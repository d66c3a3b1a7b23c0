"""Quotes that were given: each may be taken by one job, which then stands where it was quoted."""

from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, insert, inspect, select, update

from api.answers.quoting import Quoted, honoured
from api.answers.reasons import moment
from api.asking import DROP_PREFIX, KEEP_PREFIX, ask, heard
from api.auth import Caller
from api.errors import Refused
from api.schemas.jobs import JobAsked, JobCreate, JobSpec
from api.schemas.quotes import HonouredQuote, Quote, QuoteTerms
from api.services import Services
from api.submission import jobs_of, tenant_of
from api.tables import QuoteRow
from scheduler.asking.whatif import Prospect, what_if
from scheduler.facts.events import QuoteEnded, QuoteKept
from scheduler.facts.log import Request
from scheduler.model.job import Job

WHAT_RUNS = frozenset({"command", "name", "env", "workdir", "archive"})
"""What need not be known for a quote; in all else the job is what was quoted."""

KEPT_MAX = 500
"""So many are listed; of a tenant one is kept at a time."""
ASK_AGAIN = "ask for a new quote, or submit without quote_id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A quote as it is written down; `spec` is the job that was asked about, as JSON."""

    id: str
    tenant_id: str
    at_ms: int
    expires_at_ms: int
    spec: dict[str, Any]
    pool_id: str
    start_ms: int | None
    cost: str | None
    is_kept: bool = False
    job_id: str | None = None

    def terms(self) -> QuoteTerms:
        return QuoteTerms(
            id=self.id,
            tenant=self.tenant_id,
            at_ms=self.at_ms,
            expires_at_ms=self.expires_at_ms,
            spec=JobSpec.model_validate(self.spec),
            pool=self.pool_id,
            start_ms=self.start_ms,
            cost=self.cost,
            is_kept=self.is_kept,
            job_id=self.job_id,
        )

    def stands_for(self, job: Job) -> Job:
        """The job in the place of its quote: as old as that, and under its id.

        Tasks of an array have ids of their own.
        """
        if job.array is not None:
            return replace(job, submitted_at_ms=self.at_ms)
        return replace(job, submitted_at_ms=self.at_ms, id=self.id)


def write_down(connection: Connection, quote: Quote, spec: JobAsked) -> None:
    """A quote that is given, so that a job can take it."""
    first = quote.options[0]
    given = Given(
        id=quote.id,
        tenant_id=quote.tenant,
        at_ms=quote.at_ms,
        expires_at_ms=quote.expires_at_ms,
        spec=_asked(spec),
        pool_id=first.pool,
        start_ms=first.start_ms,
        cost=first.cost,
    )
    connection.execute(insert(QuoteRow).values(**asdict(given)))


def keep(services: Services, job: Job, until_ms: int) -> None:
    """Have the leader keep the place of the job of a quote, and what it would get.

    Raises `Refused`: 409 where the leader says no, 503 where nobody leads just now.
    """
    wish = QuoteKept(at_ms=job.submitted_at_ms, until_ms=until_ms, job=job)
    heard(ask(services, Request(id=KEEP_PREFIX + job.id, wish=wish)).is_consumed)
    with services.database.begin() as connection:
        connection.execute(update(QuoteRow).where(QuoteRow.id == job.id).values(is_kept=True))


def give_up(services: Services, given: Given) -> None:
    """What was kept for the quote is free; raises `Refused` where nothing is, as `keep` does."""
    wish = QuoteEnded(at_ms=services.clock(), tenant_id=given.tenant_id, quote_id=given.id)
    heard(ask(services, Request(id=DROP_PREFIX + given.id, wish=wish)).is_consumed)
    with services.database.begin() as connection:
        connection.execute(update(QuoteRow).where(QuoteRow.id == given.id).values(is_kept=False))


def kept(connection: Connection, tenant_id: str | None, now_ms: int) -> list[Given]:
    """Those of the tenant, or of all, that are kept and that no job has taken; the first to end."""
    is_open = (QuoteRow.is_kept, QuoteRow.job_id.is_(None), QuoteRow.expires_at_ms > now_ms)
    asked = select(*inspect(QuoteRow).columns).where(*is_open).limit(KEPT_MAX)
    if tenant_id is not None:
        asked = asked.where(QuoteRow.tenant_id == tenant_id)
    rows = connection.execute(asked.order_by(QuoteRow.expires_at_ms, QuoteRow.id))
    return [_given(row) for row in rows]


def check_keepable(spec: JobAsked) -> None:
    """Raise `Refused` (422) for what is no job by itself."""
    fields = [name for name in ("array", "after", "after_any") if getattr(spec, name)]
    if fields:
        problem = "no quote is kept for an array, or for a job that follows others"
        fix = "ask without it, or without keep"
        errors = [{"field": name, "problem": problem, "fix": fix} for name in fields]
        raise _refused(problem, errors)


def find(connection: Connection, quote_id: str, caller: Caller) -> Given | None:
    """None for what does not exist, and for another tenant's."""
    asked = select(*inspect(QuoteRow).columns).where(QuoteRow.id == quote_id)
    row = connection.execute(asked).one_or_none()
    if row is None or not caller.may_see(row.tenant_id):
        return None
    return _given(row)


def _given(row: Row[Any]) -> Given:
    return Given(**row._mapping)  # noqa: SLF001 - its documented name


def to_take(spec: JobCreate, caller: Caller, services: Services) -> Given | None:
    """The quote that a job wants to take; None where it names none.

    Raises `Refused` where it cannot. Whether another has taken it meanwhile, `take` says.
    """
    if spec.quote_id is None:
        return None
    with services.database.connect() as connection:
        given = find(connection, spec.quote_id, caller)
    if given is None:
        problem = f"there is no quote {spec.quote_id}"
        raise _refused(problem, [{"field": "quote_id", "problem": problem, "fix": ASK_AGAIN}])
    if given.job_id is None:
        _check(given, spec, caller, services.clock())
    return given


def take(connection: Connection, given: Given, job: Job) -> None:
    """The quote is this job's, in the caller's transaction; `Refused` (409) where it is another's.

    Who is about to take it as well waits here for the end of the other's transaction.
    """
    name = job.array.id if job.array else job.id
    unused = (QuoteRow.id == given.id, QuoteRow.job_id.is_(None))
    taken = update(QuoteRow).where(*unused).values(job_id=name)
    if connection.execute(taken).rowcount == 0:
        asked = select(QuoteRow.job_id).where(QuoteRow.id == given.id)
        other = connection.scalar(asked)
        raise Refused(409, f"job {other} has taken quote {given.id} already: {ASK_AGAIN}")


def honour(
    given: Given, spec: JobCreate, caller: Caller, services: Services
) -> HonouredQuote | None:
    """Whether the start that was quoted holds, by the present plan; None where it is taken."""
    if given.job_id is not None:
        return None
    (job,) = jobs_of([spec], caller, services, services.read_declared())
    now = _first_prospect(given.stands_for(job), caller, services)
    quoted = Quoted(given.pool_id, given.start_ms, given.cost)
    return honoured(given.id, quoted, now, services.clock())


def _first_prospect(job: Job, caller: Caller, services: Services) -> Prospect | None:
    """Where the job would go; None where that cannot be known just now, which holds nobody up."""
    try:
        with services.questions.admitted(caller.scope):
            found = services.ask(lambda state, now_ms, policy: what_if(state, now_ms, job, policy))
    except (Refused, TimeoutError):
        return None
    return found[0] if found else None


def _check(given: Given, spec: JobCreate, caller: Caller, now_ms: int) -> None:
    if now_ms >= given.expires_at_ms:
        text = f"quote {given.id} was good until {moment(given.expires_at_ms)}: {ASK_AGAIN}"
        raise Refused(409, text)
    wanted = _asked(spec) | {"tenant": tenant_of(caller, spec)}
    quoted = given.spec | {"tenant": given.tenant_id}
    names = [name for name in wanted if name not in WHAT_RUNS and wanted[name] != quoted[name]]
    if names:
        errors = [
            {
                "field": name,
                "problem": f"{quoted[name]} was quoted, and not {wanted[name]}",
                "fix": f"submit what was quoted, or {ASK_AGAIN}",
            }
            for name in names
        ]
        raise _refused(f"quote {given.id} is for another job: not for {', '.join(names)}", errors)


def _asked(spec: JobAsked) -> dict[str, Any]:
    """All that the job says of itself, in the form in which two are compared."""
    return spec.model_dump(mode="json", include={*JobSpec.model_fields})


def _refused(detail: str, errors: list[dict[str, str]]) -> Refused:
    return Refused(422, detail, errors=[{"in": "body", **error} for error in errors])
