"""Every error as RFC 9457 `problem+json`: what is wrong, which part, and what to do about it."""

import logging
import secrets
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from api.chinese import chinese
from api.schemas.complaints import guess, is_about_text, place, problem
from api.schemas.jobs import Problem, ReasonView, Wire

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 2
ERRORS_SHOWN = 50
INPUT_SHOWN = 80

_log = logging.getLogger(__name__)

TITLES = {
    307: "Another broker leads",
    400: "The request cannot be read",
    401: "A valid API key is needed",
    403: "This key may not do that",
    404: "There is no such thing here",
    405: "This address knows no such method",
    409: "That does not fit how things stand",
    411: "The request must say how long it is",
    413: "The request is too large",
    422: "The request does not make sense",
    429: "Too much at once",
    500: "Something went wrong on our side",
    503: "Not now",
}

_FIXES = {
    "missing": "add it",
    "extra_forbidden": "remove it, or check its spelling",
    "greater_than_equal": "choose a larger value",
    "greater_than": "choose a larger value",
    "less_than_equal": "choose a smaller value",
    "less_than": "choose a smaller value",
    "string_too_long": "shorten it",
    "string_too_short": "say more",
    "string_pattern_mismatch": "use the characters that are allowed",
    "too_long": "send fewer of them",
    "too_short": "send at least one",
    "literal_error": "use one of the words named",
    "enum": "use one of the words named",
    "string_type": "send text",
    "list_type": "send a list",
    "dict_type": "send an object",
    "model_type": "send an object",
    "int_type": "send a whole number",
    "int_parsing": "send a whole number",
}


class Refused(Exception):
    """The request is answered with `status` and this problem."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        title: str | None = None,
        errors: Sequence[Mapping[str, Any]] = (),
        reasons: Sequence[ReasonView] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.headers = dict(headers or {})
        self.problem = Problem(
            title=title or TITLES.get(status, "The request was refused"),
            status=status,
            detail=detail,
            errors=[dict(error) for error in errors],
            reasons=list(reasons),
        )


def missing(what: str, name: str) -> Refused:
    """The same answer for what does not exist and for what is somebody else's."""
    return Refused(404, f"there is no {what} {name[:INPUT_SHOWN]}")


def answer(problem: Problem, headers: Mapping[str, str] | None = None) -> JSONResponse:
    body = problem.model_dump(mode="json", exclude_none=True)
    body |= _chinese(body, ("title", "detail"))
    body["errors"] = [error | _chinese(error, ("problem", "fix")) for error in body["errors"]]
    if problem.reasons:  # each has its own words
        said = "；".join(reason.text_zh for reason in problem.reasons)
        which = chinese(problem.detail.removesuffix(f": {problem.reasons[0].text}"))
        body["detail_zh"] = f"{which or body['title_zh']}：{said}"
    for empty in ("title_zh", "detail_zh", "errors", "reasons"):
        if not body[empty]:
            del body[empty]
    return JSONResponse(body, problem.status, headers, media_type=MEDIA_TYPE)


def _chinese(said: Mapping[str, Any], names: Sequence[str]) -> dict[str, str]:
    """Each of these in Chinese, as far as there is such a sentence."""
    found = {f"{name}_zh": chinese(str(said.get(name, ""))) for name in names}
    return {name: text for name, text in found.items() if text}


def install(app: FastAPI) -> None:
    """Answer every exception of `app` in this way, and never with a stack trace."""
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(DBAPIError, _database)
    app.add_exception_handler(PoolTimeout, _busy)
    app.add_exception_handler(Exception, _unexpected)


def answer_to(request: Request, error: Exception) -> JSONResponse:
    """The same answer for who stands outside of `install`: a middleware."""
    match error:
        case Refused():
            return _refused(request, error)
        case PoolTimeout():
            return _busy(request, error)
        case DBAPIError():
            return _database(request, error)
        case _:
            return _unexpected(request, error)


def _refused(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Refused)
    return answer(error.problem, error.headers)


def _http(request: Request, error: Exception) -> JSONResponse:
    """What the framework refuses by itself: unknown addresses, wrong methods, broken bodies."""
    assert isinstance(error, HTTPException)
    detail = str(error.detail)
    match error.status_code:
        case 404:
            detail = f"there is nothing at {request.url.path[:INPUT_SHOWN]}: see /openapi.json"
        case 405:
            allowed = _methods(request)
            detail = f"{request.method} is not known here; use {allowed}"
            return answer(Refused(405, detail).problem, {"Allow": allowed})
        case 400:
            detail = "the body must be JSON in UTF-8"
        case _:
            pass
    refused = Refused(error.status_code, detail, headers=error.headers)
    return answer(refused.problem, refused.headers)


def _methods(request: Request) -> str:
    """All that the address knows: the framework itself names those of its first route alone."""
    known = {
        method.upper()
        for template, methods in request.app.openapi()["paths"].items()
        if compile_path(template)[0].match(request.url.path)
        for method in methods
    }
    return ", ".join(sorted(known))


def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    details = error.errors()
    broken = [detail for detail in details if detail["type"] == "json_invalid"]
    if broken:
        place = broken[0]["loc"][-1]
        why = broken[0].get("ctx", {}).get("error", "")
        return answer(Refused(400, f"the body is no JSON: {why} at character {place}").problem)
    count = len(details)
    more = f", of which {ERRORS_SHOWN} are shown" if count > ERRORS_SHOWN else ""
    noun = "1 error" if count == 1 else f"{count} errors"
    sent = {"query": _query(request), "body": error.body}
    errors = [_described(detail, sent) for detail in details[:ERRORS_SHOWN]]
    return answer(Refused(422, f"{noun} in the request{more}", errors=errors).problem)


def _query(request: Request) -> dict[str, str | list[str]]:
    """Each parameter of the address, once or several times."""
    given = {name: request.query_params.getlist(name) for name in request.query_params}
    return {name: values if len(values) > 1 else values[0] for name, values in given.items()}


def _described(detail: Mapping[str, Any], sent: Mapping[str, object]) -> dict[str, str]:
    """Which field, what is wrong with it, and what to do."""
    where, *path = detail["loc"]
    field = place(path, sent.get(where)) or where
    kind = f"string_{detail['type']}" if is_about_text(detail) else detail["type"]
    fix = _FIXES.get(kind, "correct it")
    if kind == "extra_forbidden":
        fix = _spelling(str(path[-1])) or fix
    return {"field": field, "in": where, "problem": problem(detail), "fix": fix}


@cache
def _known_words() -> list[str]:
    return sorted({name for model in Wire.__subclasses__() for name in model.model_fields})


def _spelling(word: str) -> str | None:
    # A word of another request may be the very one that is refused here.
    return guess(word, (known for known in _known_words() if known != word))


def _database(request: Request, error: Exception) -> JSONResponse:
    """A database that is away for a moment is no fault of the request."""
    assert isinstance(error, DBAPIError)
    is_read_only = isinstance(error.orig, psycopg.errors.ReadOnlySqlTransaction)
    is_away = isinstance(error, OperationalError) or error.connection_invalidated or is_read_only
    if not is_away:
        return _unexpected(request, error)
    if is_read_only:
        _log.warning("the database takes no changes: %s", error.orig)
        return _not_now("the database takes no changes at the moment: try again soon")
    if isinstance(error.orig, psycopg.errors.LockNotAvailable):
        return answer(Refused(409, "the same is being done at this moment: try again").problem)
    _log.warning("the database is away: %s", error.orig)
    return _not_now("the database cannot be reached: try again soon")


def _busy(_: Request, error: Exception) -> JSONResponse:
    """Every connection of the pool is in use, and has been for as long as we wait for one."""
    _log.warning("no connection to the database was free: %s", error)
    return _not_now("the broker is busy: try again soon")


def _not_now(detail: str) -> JSONResponse:
    return answer(Refused(503, detail).problem, {"Retry-After": str(RETRY_AFTER_S)})


def _unexpected(request: Request, error: Exception) -> JSONResponse:
    """Our own mistake: the log has all of it, the caller a number to ask about."""
    number = secrets.token_hex(6)
    _log.error("incident %s at %s %s", number, request.method, request.url.path, exc_info=error)
    return answer(Refused(500, f"incident {number}: the broker's log says more").problem)
