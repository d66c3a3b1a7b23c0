"""The controller of a real park: what may be done without does not stop the rest.

Ends, usage, payments and stops must go on where no plan can be drawn up, and a checkpoint only
saves the next leader time. In simulations and replays such failures are for whoever started them.
"""

import logging

from typing_extensions import override

from scheduler.controller import Batch, Controller
from scheduler.drafts import NOTHING_NEW
from scheduler.facts.log import Deposed
from scheduler.model.plan import Plan

LOG = logging.getLogger(__name__)

UNPLANNED_MS = 5_000
"""How long after a plan that could not be drawn up none is tried."""


class SturdyController(Controller):
    """As any other, but that it goes on without a plan or a checkpoint."""

    _unplanned_until_ms = 0

    @override
    def _planned(self, batch: Batch) -> tuple[Plan, tuple[str, ...]]:
        if batch.now_ms < self._unplanned_until_ms:
            return NOTHING_NEW, ()
        try:
            return super()._planned(batch)
        except Exception as error:
            LOG.exception("no plan can be drawn up: nothing starts, all else goes on")
            self._unplanned_until_ms = batch.now_ms + UNPLANNED_MS
            return NOTHING_NEW, (f"no plan can be drawn up: {error!r}",)

    @override
    def checkpoint(self) -> None:
        try:
            super().checkpoint()
        except Deposed:
            raise
        except Exception:
            LOG.exception("no checkpoint can be kept: the next leader has more to replay")
            self._events_since_checkpoint = 0
