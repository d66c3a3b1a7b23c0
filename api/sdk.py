"""A typed client of the broker: every call is safe to repeat, every refusal has a clear text."""

import json
from collections.abc import Iterator
from contextlib import closing
from random import Random
from types import TracebackType
from typing import Self
from urllib.parse import urlencode

import httpx2

from api.client.bill_calls import BillCalls
from api.client.claim_calls import ClaimCalls
from api.client.connection import PAUSE_FIRST_S, TRIES_MAX, Connection, Model, new_key, quoted, read
from api.client.machine_calls import MachineCalls
from api.client.sdk_errors import ApiError
from api.client.streamed import LINES, EventReader, LogReader, StreamedEvent
from api.schemas.administration import (
    BranchPut,
    CohortList,
    CohortView,
    KeyCreate,
    KeyCreated,
    KeyList,
    Me,
    ProjectList,
    ProjectView,
    TenantList,
    TenantPut,
    TenantView,
)
from api.schemas.array_spec import ArrayView
from api.schemas.books import (
    CentresReconciled,
    MonthList,
    MonthView,
    ReconciliationLine,
    VerificationLine,
)
from api.schemas.budgets import BudgetList, BudgetPut, BudgetView, HardStopPut, HardStopView
from api.schemas.jobs import (
    JobAsked,
    JobBatch,
    JobCreate,
    JobPage,
    JobsAccepted,
    JobView,
    UsageView,
)
from api.schemas.packages import PackageList, PackageSell, PackageView
from api.schemas.quotes import (
    Alternatives,
    Explanation,
    JobSubmitted,
    QueueStanding,
    QueueView,
    Quote,
    QuoteTerms,
)
from api.schemas.vouchers import VoucherIssue, VoucherList, VoucherView

__all__ = ["TRIES_MAX", "ApiError", "Client"]

PAGE = 100
EVENTS = "text/event-stream"
EXPORT_SILENCE_S = 1800.0


class Client(BillCalls, ClaimCalls, MachineCalls):
    """What a broker offers, with one key; use it in one thread, and close it.

    Raises `ApiError` for a key that cannot be one.
    """

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        random: Random | None = None,
        pause_first_s: float = PAUSE_FIRST_S,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        self._wire = Connection(
            url, key, random=random, pause_first_s=pause_first_s, transport=transport
        )

    @property
    def url(self) -> str:
        return self._wire.url

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._wire.close()

    # Jobs

    def submit(self, job: JobCreate, idempotency_key: str | None = None) -> JobSubmitted:
        """Put a job, or an array, into the queue; the same `idempotency_key` twice is once.

        With `quote_id` it takes that quote, and `quote` of the answer says what became of it.
        """
        return self._wire.create("/v1/jobs", job, JobSubmitted, idempotency_key)

    def submit_batch(
        self, jobs: list[JobCreate], idempotency_key: str | None = None
    ) -> JobsAccepted:
        """Put many jobs into the queue in one durable write; the answer is in their order."""
        return self._wire.create(
            "/v1/jobs:batch", JobBatch(jobs=jobs), JobsAccepted, idempotency_key
        )

    def job(self, job_id: str) -> JobView:
        return self._wire.get(f"/v1/jobs/{quoted(job_id)}", JobView)

    def jobs(
        self,
        *,
        state: str | None = None,
        tenant: str | None = None,
        project: str | None = None,
        array: str | None = None,
        limit: int = PAGE,
        cursor: str | None = None,
    ) -> JobPage:
        """One page of jobs, newest first; `cursor` is `next` of the page before."""
        return self._wire.get(
            "/v1/jobs",
            JobPage,
            state=state,
            tenant=tenant,
            project=project,
            array=array,
            limit=limit,
            cursor=cursor,
        )

    def cancel(self, job_id: str) -> JobView:
        """Ask for a job's end; it wins against every later retry."""
        answer = self._wire.send("POST", f"/v1/jobs/{quoted(job_id)}:cancel", None, new_key())
        return read(answer, JobView)

    def array(self, array_id: str) -> ArrayView:
        """How many tasks of an array stand how."""
        return self._wire.get(f"/v1/arrays/{quoted(array_id)}", ArrayView)

    def cancel_array(self, array_id: str) -> ArrayView:
        """Ask for the end of all its tasks."""
        answer = self._wire.send("POST", f"/v1/arrays/{quoted(array_id)}:cancel", None, new_key())
        return read(answer, ArrayView)

    def explain(self, job_id: str) -> Explanation:
        """Why a job waits, or where it went."""
        return self._wire.get(f"/v1/jobs/{quoted(job_id)}/explain", Explanation)

    def quote(
        self, job: JobAsked, *, keep: bool = False, idempotency_key: str | None = None
    ) -> Quote:
        """When the job would start in each pool, and what it would cost; nothing is submitted.

        With `keep` its place in the queue, and what it would get, are kept until the quote expires.
        """
        asked = job.model_dump(mode="json", exclude_unset=True, exclude={"quote_id"})
        content = json.dumps(asked | ({"keep": True} if keep else {})).encode()
        headers = {"Content-Type": "application/json"}
        if keep or idempotency_key:
            headers["Idempotency-Key"] = idempotency_key or new_key()
        answer = self._wire.ask_leader("POST", "/v1/quotes", content=content, headers=headers)
        return read(answer, Quote)

    def quote_terms(self, quote_id: str) -> QuoteTerms:
        """The job that a quote is for, where it would have gone, and who has taken it."""
        return self._wire.get(f"/v1/quotes/{quoted(quote_id)}", QuoteTerms)

    def give_up_quote(self, quote_id: str) -> None:
        """What was kept for the quote is free for others."""
        self._wire.request("DELETE", f"/v1/quotes/{quoted(quote_id)}")

    def alternatives(self, job_id: str) -> Alternatives:
        """What would let a waiting job start sooner; nothing is changed. Asked but once."""
        return self._ask_about(job_id, "alternatives", Alternatives)

    def standing(self, job_id: str) -> QueueStanding:
        """Where a waiting job stands in the queue, and who holds what it waits for; asked once."""
        return self._ask_about(job_id, "standing", QueueStanding)

    def queue(self, *, tenant: str | None = None, limit: int = 50) -> QueueView:
        """The first that wait, in their order, each with the terms that decide it; asked once."""
        query = urlencode({"limit": limit} | ({"tenant": tenant} if tenant else {}))
        return read(self._wire.ask_leader("GET", f"/v1/queue?{query}", tries=1), QueueView)

    def _ask_about(self, job_id: str, what: str, model: type[Model]) -> Model:
        path = f"/v1/jobs/{quoted(job_id)}/{what}"
        return read(self._wire.ask_leader("GET", path, tries=1), model)

    def upload(self, content: bytes, sha256: str) -> None:
        """Store a packed working directory under its sha256; again changes nothing."""
        self._wire.request(
            "PUT",
            f"/v1/archives/{sha256}",
            content=content,
            headers={"Content-Type": "application/gzip"},
        )

    def logs(
        self,
        job_id: str,
        *,
        member: int = 0,
        role: str | None = None,
        attempt: int | None = None,
        follow: bool = False,
    ) -> Iterator[str]:
        """What a member has written, part by part; with `follow` on to the job's end.

        `member` is its rank, or its number in its `role`. Of the newest attempt, and of those after
        it, unless one is named.
        """
        reader = LogReader(attempt, is_followed=follow)
        path = f"/v1/jobs/{quoted(job_id)}/logs"
        wanted = {"member": member, "role": role, "follow": "true" if follow else None}
        lines = self._wire.lines(path, LINES, lambda: {**wanted, **reader.place})
        with closing(lines):
            for line in lines:
                if text := reader.read(line):
                    yield text
                if reader.is_over:
                    return

    def events(self, after: int | None = None) -> Iterator[StreamedEvent]:
        """What happens, as it happens, for ever: an interruption is bridged without a gap.

        `after` is the last `seq` that is known; 0 is from the beginning, None from now on.
        """
        reader = EventReader(after)
        with closing(self._wire.lines("/v1/events", EVENTS, lambda: reader.place)) as lines:
            for line in lines:
                if (event := reader.read(line)) is not None:
                    yield event

    # Books

    def usage(
        self,
        from_ms: int | None = None,
        to_ms: int | None = None,
        tenant: str | None = None,
    ) -> UsageView:
        return self._wire.get("/v1/usage", UsageView, from_ms=from_ms, to_ms=to_ms, tenant=tenant)

    def months(self) -> MonthList:
        return self._wire.get("/v1/months", MonthList)

    def close_month(self, month: str) -> MonthView:
        """Close a month for all tenants; closed twice is closed once."""
        answer = self._wire.request("POST", f"/v1/months/{quoted(month)}:close")
        return read(answer, MonthView)

    def vouchers(self, tenant: str | None = None) -> VoucherList:
        return self._wire.get("/v1/vouchers", VoucherList, tenant=tenant)

    def issue_voucher(self, voucher: VoucherIssue) -> VoucherView:
        """Issue a voucher; the same again changes nothing."""
        return self._wire.create("/v1/vouchers", voucher, VoucherView, voucher.id)

    def reconcile(self) -> Iterator[ReconciliationLine]:
        """The books beside what the event log comes to; at last how many differences there are."""
        with self._wire.stream("/v1/reconciliation", LINES) as answer:
            for line in answer.iter_lines():
                yield ReconciliationLine.model_validate_json(line, extra="ignore")

    def reconcile_centres(self) -> CentresReconciled:
        """Log and books beside what the centres themselves have kept."""
        answer = self._wire.ask_leader("GET", "/v1/reconciliation/centres")
        return read(answer, CentresReconciled)

    def verify(self) -> Iterator[VerificationLine]:
        """The books, worked out again by the broker: a line for each chain, at last a verdict."""
        with self._wire.stream("/v1/verification", LINES) as answer:
            for line in answer.iter_lines():
                yield VerificationLine.model_validate_json(line, extra="ignore")

    def evidence_of_job(self, job_id: str) -> Iterator[bytes]:
        """What proves a job's usage and money, as a zip file that is checked offline."""
        return self._file(f"/v1/evidence/jobs/{quoted(job_id)}")

    def evidence_of_line(self, month: str, line: int, tenant: str | None = None) -> Iterator[bytes]:
        """The same of a line of a statement, counted from 1 on."""
        path = f"/v1/evidence/statements/{quoted(month)}/lines/{line}"
        return self._file(path, tenant=tenant)

    def _file(self, path: str, **asked: str | None) -> Iterator[bytes]:
        with self._wire.stream(path, "*/*", EXPORT_SILENCE_S, **asked) as answer:
            yield from answer.iter_bytes()

    def export(
        self,
        what: str,
        month: str | None = None,
        tenant: str | None = None,
        file_format: str = "csv",
    ) -> Iterator[bytes]:
        """The `usage`, `charges` or `focus` rows of a month, part by part: it may exceed memory.

        As `csv`, `jsonl` or `parquet`; the last begins to come when the broker has read all rows.
        """
        path = f"/v1/exports/{quoted(what)}"
        asked = {"month": month, "tenant": tenant, "format": file_format}
        with self._wire.stream(path, "*/*", EXPORT_SILENCE_S, **asked) as answer:
            yield from answer.iter_bytes()

    # Packages and limits of spending

    def packages(self, tenant: str | None = None) -> PackageList:
        return self._wire.get("/v1/packages", PackageList, tenant=tenant)

    def sell_package(self, package: PackageSell) -> PackageView:
        """A tenant buys a package out of its balance, once for its number."""
        return self._wire.create("/v1/packages", package, PackageView, None)

    def set_hard_stop(self, tenant: str, *, is_on: bool) -> HardStopView:
        """Whether work of the tenant stops where its balance does not cover what comes next."""
        path = f"/v1/tenants/{quoted(tenant)}/hard-stop"
        return self._wire.put(path, HardStopPut(is_on=is_on), HardStopView)

    def budgets(self, tenant: str | None = None) -> BudgetList:
        return self._wire.get("/v1/budgets", BudgetList, tenant=tenant)

    def set_budget(self, budget: BudgetPut, tenant: str | None = None) -> BudgetView:
        """Set a budget of the tenant (the key's own if not given); 0 is none any more."""
        return self._wire.put("/v1/budgets", budget, BudgetView, tenant=tenant)

    # Who shares the park

    def tenants(self) -> TenantList:
        return self._wire.get("/v1/tenants", TenantList)

    def declare_tenant(self, tenant_id: str, tenant: TenantPut) -> TenantView:
        """Make a tenant, or say anew what it is: what is left out is as if it were new."""
        return self._wire.put(f"/v1/tenants/{quoted(tenant_id)}", tenant, TenantView)

    def projects(self, tenant: str | None = None) -> ProjectList:
        return self._wire.get("/v1/projects", ProjectList, tenant=tenant)

    def declare_project(
        self, project_id: str, project: BranchPut, tenant: str | None = None
    ) -> ProjectView:
        """Make a project of the tenant (the key's own if not given), or change it."""
        path = f"/v1/projects/{quoted(project_id)}"
        return self._wire.put(path, project, ProjectView, tenant=tenant)

    def cohorts(self) -> CohortList:
        return self._wire.get("/v1/cohorts", CohortList)

    def declare_cohort(self, cohort_id: str, cohort: BranchPut) -> CohortView:
        """Make a cohort, or change it; which tenants are in it, they say themselves."""
        return self._wire.put(f"/v1/cohorts/{quoted(cohort_id)}", cohort, CohortView)

    # Keys

    def me(self) -> Me:
        """Who this client's key is."""
        return self._wire.get("/v1/me", Me)

    def keys(self) -> KeyList:
        return self._wire.get("/v1/keys", KeyList)

    def create_key(self, key: KeyCreate) -> KeyCreated:
        """A new key; the answer is the one moment at which its secret is shown."""
        return self._wire.create("/v1/keys", key, KeyCreated, None)

    def revoke_key(self, key_id: str) -> None:
        self._wire.request("DELETE", f"/v1/keys/{quoted(key_id)}")
