"""What a card-hour costs those who wait, what packages cover, and what a budget forbids."""

from collections.abc import Sequence

from accounting.calendar import month_bounds, month_of
from accounting.prices.packages import Stock, spans
from accounting.prices.rating import PriceBook, PriceMissing
from scheduler.model.budget import Budget
from scheduler.model.job import Job, Reason, ReasonCode

MICROS_UNIT = "micro-yuan"
LEAST_MICROS = 1
"""Who costs nothing, or nobody knows how much, needs something of a budget all the same."""


class Prices:
    """By the list in force; where one lacks a price, now or to come, it is said why."""

    def __init__(self, book: PriceBook, now_ms: int) -> None:
        self._book = book
        self._now_ms = now_ms
        self._known: dict[tuple[str, str, str], int | str] = {}

    def of(self, kind_id: str, qos: str, price_class: str) -> int | str:
        """In micro-yuan, or why there is none."""
        key = kind_id, qos, price_class
        price = self._known.get(key)
        if price is None:
            price = self._known[key] = self._listed(*key)
        return price

    def _listed(self, kind_id: str, qos: str, price_class: str) -> int | str:
        prices = self._book
        to_come = (later for later in prices.lists if later.from_ms > self._now_ms)
        try:
            # A list to come that lacks the kind would leave work that still runs without a price.
            price, *_ = (
                price_list.price_micros(kind_id, qos, price_class)
                for price_list in (prices.list_at(self._now_ms), *to_come)
            )
        except PriceMissing as error:
            return str(error)
        return price


def uncovered_ms(job: Job, stocks: Sequence[Stock], beside: int, now_ms: int) -> int:
    """Its cards over its longest run, less what packages cover beside so many cards of its tenant.

    All that is taken to go on. Where that is too much, as others start as well, the hold is
    extended.
    """
    whole_ms, until_ms = job.device_count * job.longest_ms, now_ms + job.longest_ms
    with_it, without = (
        sum(span.covered_device_ms for span in spans(stocks, now_ms, until_ms, cards))
        for cards in (beside + job.device_count, beside)
    )
    return whole_ms - min(whole_ms, with_it - without)


def over_budget(budget: Budget, spent_micros: int, need: int, now_ms: int) -> Reason:
    """Why nothing more is set aside by it: a month's until the next, a job's for ever."""
    return Reason(
        code=ReasonCode.BUDGET,
        where=budget.where,
        need=max(need, LEAST_MICROS),
        free=budget.amount_micros - spent_micros,
        unit=MICROS_UNIT,
        until_ms=None if budget.job_id else month_bounds(month_of(now_ms))[1],
    )
