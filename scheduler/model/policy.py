"""Policies as values: the order of the queue, who may pass whom, who is stopped for whom."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

BEFORE_ALL_MS = -1


class Order(StrEnum):
    """Who is considered first."""

    FAIR = "fair"
    AGE = "age"
    SHORTEST = "shortest"


class Firmness(IntEnum):
    """How far what is promised to a job goes by limits: not at all, what passes it, all of it."""

    LIKELY = 0
    FIRM = 1
    SURE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Preemption:
    """When work that runs may be stopped for work that waits, to go on later.

    Who waits has waited for `patience_ms`; who is stopped has run for `min_run_ms`, would not
    end within `patience_ms` anyway, and gives way at most `max_per_day` times in 24 hours, but for
    an owner, to whom it always does. Where `is_shared`, not only a higher class takes from a lower
    one, but also who has had less from who has had more.
    """

    is_shared: bool = False
    patience_ms: int = 10_000
    min_run_ms: int = 600_000
    max_per_day: int = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How the queue is ordered, whether later jobs may pass a blocked one, and preemption.

    What is promised to a job is as is likely by forecasts; once it has waited for `firm_after_ms`
    who passes it must be over in time by its limit, and after `sure_after_ms` all goes by
    limits, so that no forecast makes it wait for ever. From then on it is patient as well: of its
    class and branch only the older go before it. Where jobs take turns none is: there it starves.
    Where the first is 0 nothing is forecast.
    """

    name: str
    order: Order
    is_backfilling: bool
    preemption: Preemption | None = None
    firm_after_ms: int = 0
    sure_after_ms: int = 0

    def firmness(self, waited_ms: int) -> Firmness:
        """Of what is promised to a job that has waited for so long."""
        if waited_ms >= self.sure_after_ms:
            return Firmness.SURE
        return Firmness.FIRM if waited_ms >= self.firm_after_ms else Firmness.LIKELY

    def patient_by_ms(self, now_ms: int) -> int:
        """Who has waited since then, in all, is patient."""
        is_nobody = self.is_shared or not self.is_forecasting
        return BEFORE_ALL_MS if is_nobody else now_ms - self.sure_after_ms

    @property
    def is_forecasting(self) -> bool:
        """Whether anything goes by forecasts; else all is likely to end by its limit."""
        return self.firm_after_ms > 0

    @property
    def is_shared(self) -> bool:
        """Whether jobs of one class take turns."""
        return self.preemption is not None and self.preemption.is_shared


FIRM_AFTER_MS = 3 * 24 * 3_600_000
SURE_AFTER_MS = 7 * 24 * 3_600_000
DEFAULT = Policy(
    name="default",
    order=Order.FAIR,
    is_backfilling=True,
    preemption=Preemption(),
    firm_after_ms=FIRM_AFTER_MS,
    sure_after_ms=SURE_AFTER_MS,
)
FIFO = Policy(name="fifo", order=Order.AGE, is_backfilling=False)
EASY = Policy(name="easy", order=Order.AGE, is_backfilling=True)
SJF_ORACLE = Policy(name="sjf-oracle", order=Order.SHORTEST, is_backfilling=False)
POLICY_BY_NAME = {policy.name: policy for policy in (DEFAULT, FIFO, EASY, SJF_ORACLE)}
