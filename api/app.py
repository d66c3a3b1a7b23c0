"""The HTTP application: every route, every error answer, and the limits around them."""

from importlib.metadata import version

from fastapi import FastAPI

from api import console, errors
from api.auth import Keys
from api.bodies import Bodies
from api.describing import DescribedApp
from api.metrics import Timing
from api.routes import (
    agents,
    archives,
    arrays,
    books,
    branches,
    budgets,
    capacity,
    claims,
    datasets,
    drains,
    events,
    evidence,
    exports,
    health,
    invoices,
    jobs,
    keys,
    logs,
    months,
    packages,
    payments,
    prices,
    quotes,
    replies,
    reports,
    settlements,
    tenants,
    verification,
    vouchers,
    waterfall,
)
from api.services import Services

ROUTERS = (
    jobs.router,
    arrays.router,
    quotes.router,
    logs.router,
    events.router,
    capacity.router,
    drains.router,
    waterfall.router,
    datasets.router,
    books.router,
    exports.router,
    months.router,
    replies.router,
    reports.router,
    invoices.router,
    payments.router,
    settlements.router,
    claims.router,
    verification.router,
    evidence.router,
    vouchers.router,
    budgets.router,
    packages.router,
    tenants.router,
    branches.router,
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
        # Ray brings OpenTelemetry along: nobody set it up here, and each request would ask for it.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.services = services
    app.state.keys = Keys()
    errors.install(app)
    console.mount(app)
    app.add_middleware(Timing, metrics=services.metrics)
    app.add_middleware(Bodies, services=services, keys=app.state.keys)
    return app
