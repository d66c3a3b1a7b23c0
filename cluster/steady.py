"""Work that goes on whatever happens: what fails is said in the log, and tried again.

A thread that ends by an error nobody expected would leave a centre that still says it is well,
and does nothing.
"""

import logging
import threading
from collections.abc import Callable

PAUSE_S = 1.0
RETRY_S_MIN = 0.1
RETRY_S_MAX = 3.0

_log = logging.getLogger(__name__)


def failure(work: Callable[[], None]) -> Exception | None:
    """What went wrong with it, which is then in the log; `None` where it went well."""
    try:
        work()
    except Exception as error:  # noqa: BLE001 - whatever it is, the next try may go well
        _log.exception("something failed that never should; it is tried again")
        return error
    return None


def go_on(step: Callable[[], None], is_over: threading.Event) -> None:
    """Take this step again and again; after one that failed, pause."""
    while not is_over.is_set():
        if failure(step):
            is_over.wait(PAUSE_S)


def in_background(step: Callable[[], None], is_over: threading.Event) -> threading.Thread:
    """A thread that takes this step again and again, yet to be started."""
    return threading.Thread(
        target=go_on, args=(step, is_over), name=getattr(step, "__name__", None), daemon=True
    )


class Pause:
    """Between two calls to a broker that does not answer: longer each time, and said once."""

    def __init__(self, ending: threading.Event) -> None:
        self._ending = ending
        self._s = RETRY_S_MIN

    def take(self, why: str) -> None:
        if self._s == RETRY_S_MIN:
            _log.warning("the broker is not heard: %s", why)
        self._ending.wait(self._s)
        self._s = min(2 * self._s, RETRY_S_MAX)

    def end(self) -> None:
        self._s = RETRY_S_MIN
