"""After a failure: each request by itself, so that one which cannot be taken stops nobody else.

A cycle is committed as a whole or not at all, and what made it fail would make the next one fail.
"""

import logging
import threading
from collections.abc import Callable
from typing import TypeVar

from psycopg import Error as PgError
from sqlalchemy.exc import SQLAlchemyError

from scheduler.controller import Controller
from scheduler.facts.log import Asked, Cycle, Deposed, Unwritable, not_kept

C = TypeVar("C", bound=Controller)

LOG = logging.getLogger(__name__)

SURROUNDINGS = (Deposed, SQLAlchemyError, PgError, OSError, MemoryError)
"""What fails so is not to blame on anything that was asked: it may well be done later."""

DEFECT = "defect"
"""The code where it is the broker that fails at a request, and not the database."""

REFUSALS_MAX = 3
"""Of one go: what makes all fail is soon seen, and each costs as long as a new lead."""


def sift(
    lead: Callable[[], C],
    clock: Callable[[], int],
    stop: threading.Event,
    on_refusal: Callable[[], None],
) -> C:
    """Take the requests that wait one by one, until some were refused; who leads on.

    After each failure the state is what the log says again. Raises one of `SURROUNDINGS`.
    """
    controller, failed_count = lead(), 0
    for request in controller.log.requests(controller.settings.request_limit):
        if stop.is_set() or failed_count == REFUSALS_MAX:
            break
        code = _tried(controller, request, clock())
        if code is not None:
            controller = lead()
            failed_count += 1
            if _is_refused(controller, request, code, clock()):
                on_refusal()
    return controller


def _tried(controller: Controller, request: Asked, now_ms: int) -> str | None:
    """Take it alone; why it cannot be, and then the state is not to be trusted any more."""
    try:
        controller.take(request, now_ms)
    except SURROUNDINGS:
        raise
    except Unwritable as refusal:
        LOG.error("request %s is refused, the database takes it not: %s", request.id, refusal)  # noqa: TRY400 - where it was raised says nothing
        return refusal.code
    except Exception:
        LOG.exception("request %s is refused, a defect of the broker: report it", request.id)
        return DEFECT
    return None


def _is_refused(controller: Controller, request: Asked, code: str, now_ms: int) -> bool:
    """Of a refused request no event is left, as of one that does not fit the state.

    Where even the refusal cannot be written it stays in the inbox, and the others go on.
    """
    refused = {request.id: not_kept(request.id, code)}
    cycle = Cycle(now_ms=now_ms, events=(), request_ids=(request.id,), refused=refused)
    try:
        controller.log.commit(controller.epoch, cycle)
    except Unwritable:
        LOG.exception("request %s cannot even be refused: mend the database", request.id)
        return False
    return True
