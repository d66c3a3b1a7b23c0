"""The HTTP application: every route, every error answer, and the limits around them."""

from importlib.metadata import version

from fastapi import FastAPI, HTTPException
from fastapi.routing import APIRoute
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import console, errors
from api.auth import Touches
from api.describing import DescribedApp
from api.errors import Refused
from api.metrics import Timing
from api.routes import (
    agents,
    archives,
    books,
    capacity,
    events,
    health,
    jobs,
    keys,
    logs,
    prices,
    tenants,
)
from api.services import Services

BODY_BYTES_MAX = 1 << 20
ARCHIVE_BYTES_MAX = 64 << 20
REPORT_BYTES_MAX = 16 << 20
BYTES_MAX_BY_PREFIX = {"/v1/archives/": ARCHIVE_BYTES_MAX, "/v1/agents/": REPORT_BYTES_MAX}

ROUTERS = (
    jobs.router,
    logs.router,
    events.router,
    capacity.router,
    books.router,
    tenants.router,
    prices.router,
    keys.router,
    archives.router,
    agents.router,
    health.router,
)
DESCRIPTION = """\
One queue, one schedule and one set of books for the computing centres of an AI park.

Send `Authorization: Bearer brk_...`. Times are epoch milliseconds, amounts are yuan as text.
Errors are RFC 9457 problems that say what is wrong and what to do. A create may carry an
`Idempotency-Key`: sent again, it changes nothing and gets the same answer.
"""


def create_app(services: Services) -> FastAPI:
    """The application over `services`; it starts and stops nothing of its own."""
    app = DescribedApp(
        ROUTERS,
        title="industry-brain",
        version=version("industry-brain"),
        description=DESCRIPTION,
        license_info={"name": "Apache-2.0"},
        # Their pages load scripts from outside hosts; the description itself is at /openapi.json.
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=_operation_id,
    )
    app.state.services = services
    app.state.touches = Touches()
    errors.install(app)
    console.mount(app)
    app.add_middleware(Timing, metrics=services.metrics)
    app.add_middleware(Limits)
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name


class Limits:
    """Refuses a body that is larger than its address takes, whether it says so or not."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = _limit(scope["path"])
        if _declared_bytes(scope) > limit:
            refused = Refused(413, _too_large(limit), headers={"Connection": "close"})
            await errors.answer(refused.problem, refused.headers)(scope, receive, send)
            return
        await self._app(scope, _counting(receive, limit), send)


def _limit(path: str) -> int:
    for prefix, limit in BYTES_MAX_BY_PREFIX.items():
        if path.startswith(prefix):
            return limit
    return BODY_BYTES_MAX


def _declared_bytes(scope: Scope) -> int:
    """What the request says of itself; a chunked one says nothing, and is counted."""
    said = Headers(scope=scope).get("content-length", "")
    return int(said) if said.isdigit() and len(said) < 20 else 0


def _counting(receive: Receive, limit: int) -> Receive:
    count = 0

    async def counted() -> Message:
        nonlocal count
        message = await receive()
        count += len(message.get("body", b""))
        if count > limit:
            # Of the framework's own kind: it lets no other pass while it reads a body.
            raise HTTPException(413, _too_large(limit))
        return message

    return counted


def _too_large(limit: int) -> str:
    return f"the body may have {limit >> 20} MiB at most: send less at once"
