"""A typed client of the broker: every call is safe to repeat, every refusal has a clear text."""

import secrets
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from random import Random
from types import TracebackType
from typing import Self, TypeVar, Unpack
from urllib.parse import quote, urlsplit

import httpx2
from pydantic import BaseModel
from typing_extensions import TypedDict

from api.administration import DatasetList, KeyCreate, KeyCreated, KeyList, Me
from api.array_spec import ArrayView
from api.quote_schemas import Alternatives, QueueStanding, Quote
from api.schemas import (
    CapacityView,
    Explanation,
    JobBatch,
    JobCreate,
    JobPage,
    JobsAccepted,
    JobView,
    UsageView,
    UtilisationView,
)
from api.sdk_errors import ApiError, checked
from api.settings import is_sendable
from api.streamed import LINES, EventReader, LogReader, StreamedEvent

__all__ = ["TRIES_MAX", "ApiError", "Client"]

TIMEOUT_S = 30.0
FOLLOW_TIMEOUT_S = 60.0
TRIES_MAX = 6
PAUSE_FIRST_S = 0.1
PAUSE_MAX_S = 5.0
PAGE = 100
EVENTS = "text/event-stream"
CSV = "text/csv"

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_REPEATED_STATUSES = frozenset({429, 502, 503, 504})

Model = TypeVar("Model", bound=BaseModel)


class Sent(TypedDict, total=False):
    """What a request may have besides its address."""

    content: bytes
    headers: Mapping[str, str]
    tries: int


class Client:
    """A connection to one broker with one key; use it in one thread, and close it.

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
        if key and not is_sendable(key):
            raise ApiError("this is no key: a key is one word of ASCII, such as brk_...")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self.url = url.rstrip("/")
        self._http = httpx2.Client(
            base_url=self.url,
            headers=headers,
            timeout=TIMEOUT_S,
            transport=transport,
            # A proxy for the outside world is none for this machine.
            trust_env=urlsplit(self.url).hostname not in _LOOPBACK,
        )
        self._pause_first_s = pause_first_s
        self._random = random or Random()  # noqa: S311 - spreads retries, hides nothing
        self._never = threading.Event()

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
        self._http.close()

    # Jobs

    def submit(self, job: JobCreate, idempotency_key: str | None = None) -> JobView:
        """Put a job, or an array, into the queue; the same `idempotency_key` twice is once."""
        return self._create("/v1/jobs", job, JobView, idempotency_key)

    def submit_batch(
        self, jobs: list[JobCreate], idempotency_key: str | None = None
    ) -> JobsAccepted:
        """Put many jobs into the queue in one durable write; the answer is in their order."""
        return self._create("/v1/jobs:batch", JobBatch(jobs=jobs), JobsAccepted, idempotency_key)

    def job(self, job_id: str) -> JobView:
        return self._get(f"/v1/jobs/{_quoted(job_id)}", JobView)

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
        return self._get(
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
        answer = self._send("POST", f"/v1/jobs/{_quoted(job_id)}:cancel", None, _new_key())
        return _read(answer, JobView)

    def array(self, array_id: str) -> ArrayView:
        """How many tasks of an array stand how."""
        return self._get(f"/v1/arrays/{_quoted(array_id)}", ArrayView)

    def cancel_array(self, array_id: str) -> ArrayView:
        """Ask for the end of all its tasks."""
        answer = self._send("POST", f"/v1/arrays/{_quoted(array_id)}:cancel", None, _new_key())
        return _read(answer, ArrayView)

    def explain(self, job_id: str) -> Explanation:
        """Why a job waits, or where it went."""
        return self._get(f"/v1/jobs/{_quoted(job_id)}/explain", Explanation)

    def quote(self, job: JobCreate) -> Quote:
        """When the job would start in each pool, and what it would cost; nothing is submitted."""
        content = job.model_dump_json(exclude_unset=True).encode()
        headers = {"Content-Type": "application/json"}
        answer = self._ask_leader("POST", "/v1/quotes", content=content, headers=headers)
        return _read(answer, Quote)

    def alternatives(self, job_id: str) -> Alternatives:
        """What would let a waiting job start sooner; nothing is changed. Asked but once."""
        return self._ask_about(job_id, "alternatives", Alternatives)

    def standing(self, job_id: str) -> QueueStanding:
        """Where a waiting job stands in the queue, and who holds what it waits for; asked once."""
        return self._ask_about(job_id, "standing", QueueStanding)

    def _ask_about(self, job_id: str, what: str, model: type[Model]) -> Model:
        path = f"/v1/jobs/{_quoted(job_id)}/{what}"
        return _read(self._ask_leader("GET", path, tries=1), model)

    def upload(self, content: bytes, sha256: str) -> None:
        """Store a packed working directory under its sha256; again changes nothing."""
        self._request(
            "PUT",
            f"/v1/archives/{sha256}",
            content=content,
            headers={"Content-Type": "application/gzip"},
        )

    def logs(
        self, job_id: str, *, member: int = 0, attempt: int | None = None, follow: bool = False
    ) -> Iterator[str]:
        """What a member has written, part by part; with `follow` on to the job's end.

        Of the newest attempt, and of those after it, unless one is named.
        """
        reader = LogReader(attempt, is_followed=follow)
        path = f"/v1/jobs/{_quoted(job_id)}/logs"
        wanted = {"member": member, "follow": "true" if follow else None}
        lines = self._lines(path, LINES, lambda: {**wanted, **reader.place})
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
        with closing(self._lines("/v1/events", EVENTS, lambda: reader.place)) as lines:
            for line in lines:
                if (event := reader.read(line)) is not None:
                    yield event

    # Machines

    def capacity(self) -> CapacityView:
        return self._get("/v1/capacity", CapacityView)

    def utilisation(self, from_ms: int | None = None, to_ms: int | None = None) -> UtilisationView:
        return self._get("/v1/utilisation", UtilisationView, from_ms=from_ms, to_ms=to_ms)

    def datasets(self) -> DatasetList:
        return self._get("/v1/datasets", DatasetList)

    # Books

    def usage(
        self,
        from_ms: int | None = None,
        to_ms: int | None = None,
        tenant: str | None = None,
    ) -> UsageView:
        return self._get("/v1/usage", UsageView, from_ms=from_ms, to_ms=to_ms, tenant=tenant)

    def statement(self, tenant: str | None = None, month: str | None = None) -> bytes:
        """A tenant's month (this one if not given) as JSON, exactly as it was closed."""
        return self._statement(tenant, month, "json")

    def statement_csv(self, tenant: str | None = None, month: str | None = None) -> bytes:
        return self._statement(tenant, month, "csv")

    def _statement(self, tenant: str | None, month: str | None, form: str) -> bytes:
        parameters = {"tenant": tenant, "month": month, "format": form}
        return self._request("GET", "/v1/statements", parameters=parameters).content

    def export(
        self, what: str, month: str | None = None, tenant: str | None = None
    ) -> Iterator[bytes]:
        """The `usage` or `charges` of a month as CSV, part by part: it may exceed memory."""
        with self._stream(f"/v1/exports/{what}", CSV, month=month, tenant=tenant) as answer:
            yield from answer.iter_bytes()

    # Keys

    def me(self) -> Me:
        """Who this client's key is."""
        return self._get("/v1/me", Me)

    def keys(self) -> KeyList:
        return self._get("/v1/keys", KeyList)

    def create_key(self, key: KeyCreate) -> KeyCreated:
        """A new key; the answer is the one moment at which its secret is shown."""
        return self._create("/v1/keys", key, KeyCreated, None)

    def revoke_key(self, key_id: str) -> None:
        self._request("DELETE", f"/v1/keys/{_quoted(key_id)}")

    # The wire

    def _get(self, path: str, model: type[Model], **parameters: str | int | None) -> Model:
        return _read(self._request("GET", path, parameters=parameters), model)

    def _create(
        self, path: str, body: BaseModel, model: type[Model], idempotency_key: str | None
    ) -> Model:
        return _read(self._send("POST", path, body, idempotency_key or _new_key()), model)

    def _send(
        self, method: str, path: str, body: BaseModel | None, idempotency_key: str
    ) -> httpx2.Response:
        content = body.model_dump_json(exclude_unset=True).encode() if body else None
        headers = {"Idempotency-Key": idempotency_key}
        if content:
            headers["Content-Type"] = "application/json"
        return self._request(method, path, content=content, headers=headers)

    def _request(
        self,
        method: str,
        path: str,
        *,
        parameters: Mapping[str, str | int | None] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        tries: int = TRIES_MAX,
    ) -> httpx2.Response:
        """One answer, after so many tries at most; nothing sent here does harm twice."""
        request = self._http.build_request(
            method, path, params=_given(parameters or {}), content=content, headers=headers
        )
        for attempt in range(1, tries + 1):
            try:
                answer = self._http.send(request)
            except httpx2.TransportError as error:
                if attempt == tries:
                    raise self._unreachable(error) from None
                self._pause(attempt, None)
                continue
            if answer.status_code not in _REPEATED_STATUSES or attempt == tries:
                return checked(answer)
            self._pause(attempt, answer.headers.get("Retry-After"))
        raise AssertionError("the last try returns or raises")

    def _ask_leader(self, method: str, path: str, **more: Unpack[Sent]) -> httpx2.Response:
        """An answer of the broker that leads: the one we know names it, where it is another.

        The key goes with it, so not from a protected connection to an open one.
        """
        try:
            return self._request(method, path, **more)
        except ApiError as error:
            leader = error.location
            if error.status != httpx2.codes.TEMPORARY_REDIRECT or leader is None:
                raise
        if self.url.startswith("https:") and not leader.startswith("https:"):
            raise ApiError(f"the leader is at {leader}, where the key would be sent in the open")
        return self._request(method, leader, **more)

    def _lines(
        self, path: str, accept: str, place: Callable[[], Mapping[str, str | int | None]]
    ) -> Generator[str]:
        """The lines of a stream, for ever: after an interruption it is asked for at its place."""
        failures = 0
        while True:
            try:
                with self._stream(path, accept, **place()) as answer:
                    for line in answer.iter_lines():
                        failures = 0
                        yield line
                lost = ApiError(f"{self.url} ends what is followed: look whether it runs")
            except httpx2.TransportError as error:
                lost = self._unreachable(error)
            except ApiError as refused:
                if refused.status not in _REPEATED_STATUSES:
                    raise
                lost = refused
            failures += 1
            if failures == TRIES_MAX:
                raise lost
            self._pause(failures, None)

    @contextmanager
    def _stream(
        self, path: str, accept: str, **parameters: str | int | None
    ) -> Iterator[httpx2.Response]:
        """An answer that is read while it comes; a refusal is read whole and raised."""
        timeout = httpx2.Timeout(TIMEOUT_S, read=FOLLOW_TIMEOUT_S)
        headers, given = {"Accept": accept}, _given(parameters)
        asked = self._http.stream("GET", path, params=given, headers=headers, timeout=timeout)
        with asked as answer:
            if not answer.is_success:
                answer.read()
                checked(answer)
            yield answer

    def _unreachable(self, error: httpx2.TransportError) -> ApiError:
        return ApiError(
            f"no broker answers at {self.url} ({type(error).__name__}): start one with `brain up`, "
            "or set BRAIN_URL to where it is"
        )

    def _pause(self, attempt: int, retry_after: str | None) -> None:
        """Wait twice as long each time, spread by chance so that clients do not come in step."""
        pause_s = min(self._pause_first_s * 2**attempt, PAUSE_MAX_S) * self._random.uniform(
            0.5, 1.0
        )
        if retry_after and retry_after.isdigit():
            pause_s = min(max(pause_s, int(retry_after)), PAUSE_MAX_S)
        self._never.wait(pause_s)


def _new_key() -> str:
    return secrets.token_hex(16)


def _quoted(name: str) -> str:
    return quote(name, safe="")


def _given(parameters: Mapping[str, str | int | None]) -> dict[str, str | int]:
    return {name: value for name, value in parameters.items() if value is not None}


def _read(answer: httpx2.Response, model: type[Model]) -> Model:
    """The answer as `model`; fields that a newer broker adds are passed over."""
    return model.model_validate_json(answer.content, extra="ignore")
