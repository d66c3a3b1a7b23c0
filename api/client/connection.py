"""A connection to one broker: every call is safe to repeat, every refusal has a clear text."""

import secrets
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from random import Random
from typing import TypeVar, Unpack
from urllib.parse import quote, urlsplit

import httpx2
from pydantic import BaseModel, ValidationError
from typing_extensions import TypedDict

from api.client.sdk_errors import ApiError, checked, no_broker
from api.settings import is_sendable

TIMEOUT_S = 30.0
FOLLOW_TIMEOUT_S = 60.0
TRIES_MAX = 6
PAUSE_FIRST_S = 0.1
PAUSE_MAX_S = 5.0

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_REPEATED_STATUSES = frozenset({429, 502, 503, 504})

Model = TypeVar("Model", bound=BaseModel)


class Sent(TypedDict, total=False):
    """What a request may have besides its address."""

    content: bytes
    headers: Mapping[str, str]
    tries: int


class Connection:
    """A key's way to one broker; use it in one thread, and close it.

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

    def close(self) -> None:
        self._http.close()

    def get(self, path: str, model: type[Model], **parameters: str | int | None) -> Model:
        return read(self.request("GET", path, parameters=parameters), model)

    def put(
        self, path: str, body: BaseModel, model: type[Model], **parameters: str | None
    ) -> Model:
        content = body.model_dump_json(exclude_unset=True).encode()
        headers = {"Content-Type": "application/json"}
        answer = self.request("PUT", path, parameters=parameters, content=content, headers=headers)
        return read(answer, model)

    def create(
        self, path: str, body: BaseModel, model: type[Model], idempotency_key: str | None
    ) -> Model:
        return read(self.send("POST", path, body, idempotency_key or new_key()), model)

    def send(
        self, method: str, path: str, body: BaseModel | None, idempotency_key: str
    ) -> httpx2.Response:
        content = body.model_dump_json(exclude_unset=True).encode() if body else None
        headers = {"Idempotency-Key": idempotency_key}
        if content:
            headers["Content-Type"] = "application/json"
        return self.request(method, path, content=content, headers=headers)

    def request(
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

    def ask_leader(self, method: str, path: str, **more: Unpack[Sent]) -> httpx2.Response:
        """An answer of the broker that leads: the one we know names it, where it is another.

        The key goes with it, so not from a protected connection to an open one.
        """
        try:
            return self.request(method, path, **more)
        except ApiError as error:
            leader = error.location
            if error.status != httpx2.codes.TEMPORARY_REDIRECT or leader is None:
                raise
        if self.url.startswith("https:") and not leader.startswith("https:"):
            raise ApiError(f"the leader is at {leader}, where the key would be sent in the open")
        return self.request(method, leader, **more)

    def lines(
        self, path: str, accept: str, place: Callable[[], Mapping[str, str | int | None]]
    ) -> Generator[str]:
        """The lines of a stream, for ever: after an interruption it is asked for at its place."""
        failures = 0
        while True:
            try:
                with self._opened(path, accept, None, **place()) as answer:
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
    def stream(
        self,
        path: str,
        accept: str,
        silence_s: float | None = None,
        /,
        **parameters: str | int | None,
    ) -> Iterator[httpx2.Response]:
        """An answer that is read while it comes; a refusal is read whole and raised.

        The broker may be silent for `silence_s`.
        """
        try:
            with self._opened(path, accept, silence_s, **parameters) as answer:
                yield answer
        except httpx2.TransportError as error:
            raise self._unreachable(error) from error

    @contextmanager
    def _opened(
        self, path: str, accept: str, silence_s: float | None, /, **parameters: str | int | None
    ) -> Iterator[httpx2.Response]:
        """The same, for who goes on where the connection breaks."""
        timeout = httpx2.Timeout(TIMEOUT_S, read=silence_s or FOLLOW_TIMEOUT_S)
        headers, given = {"Accept": accept}, _given(parameters)
        asked = self._http.stream("GET", path, params=given, headers=headers, timeout=timeout)
        with asked as answer:
            if not answer.is_success:
                answer.read()
                checked(answer)
            if accept not in {"*/*", answer.headers.get("Content-Type", "").partition(";")[0]}:
                raise no_broker(answer)
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


def new_key() -> str:
    return secrets.token_hex(16)


def quoted(name: str) -> str:
    return quote(name, safe="")


def _given(parameters: Mapping[str, str | int | None]) -> dict[str, str | int]:
    return {name: value for name, value in parameters.items() if value is not None}


def read(answer: httpx2.Response, model: type[Model]) -> Model:
    """The answer as `model`; fields that a newer broker adds are passed over."""
    try:
        return model.model_validate_json(answer.content, extra="ignore")
    except ValidationError:
        raise no_broker(answer) from None
