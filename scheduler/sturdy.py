"""The controller of a real park: what may be done without does not stop the rest.

Ends, usage, payments and stops must go on where no plan can be drawn up, and a checkpoint only
saves the next leader time. In simulations and replays such failures are for whoever started them.
"""

import logging
from collections.abc import Callable

from typing_extensions import override

from cluster.driver import CentreReport
from scheduler.controller import Batch, Controller
from scheduler.drafts import NOTHING_NEW
from scheduler.facts.log import Deposed, Unwritable
from scheduler.model.plan import Plan
from scheduler.sifting import SURROUNDINGS

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

    def hear(self, report: CentreReport, now_ms: int) -> None:
        """A cycle of what this centre reports alone; raises as `step` does."""
        batch = Batch(now_ms)
        self._take_all(batch, self._seen(report, now_ms))
        self._committed(batch, (), is_due=False)


def hear_each(
    controller: SturdyController,
    lead: Callable[[], SturdyController],
    clock: Callable[[], int],
) -> SturdyController:
    """Take what each centre reports in a cycle of its own; who leads on.

    What cannot be kept of a centre is not left out: it is heard again, and nothing else of it
    goes on until then. Raises one of `SURROUNDINGS`.
    """
    for centre_id in sorted(controller.drivers):
        try:
            report = controller.drivers[centre_id].observe()
            if report is not None:
                controller.hear(report, clock())
        except SURROUNDINGS:
            raise
        except Unwritable as refusal:
            LOG.error("what centre %s reports cannot be kept: %s", centre_id, refusal)  # noqa: TRY400 - where it was raised says nothing
            controller = lead()
        except Exception:
            LOG.exception("the broker fails at what centre %s reports: report it", centre_id)
            controller = lead()
    return controller
