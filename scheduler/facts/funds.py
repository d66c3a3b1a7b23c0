"""A tenant's money as the leader counts it: what it may still commit, and what is held."""

from dataclasses import dataclass, field

from accounting.prices.packages import Stock
from scheduler.facts.spending import Spending


@dataclass(slots=True, kw_only=True)
class Funds:
    """A tenant's money: what it may still commit, and what is set aside for running work.

    `is_hard_stop` where it has chosen that its work stops for want of money; `is_overdrawn` once it
    was told that it has committed more than it has, until it no longer has.
    """

    available_micros: int = 0
    held_micros: int = 0
    is_hard_stop: bool = False
    is_overdrawn: bool = False
    spending: Spending = field(default_factory=Spending)
    stocks: list[Stock] = field(default_factory=list)

    @property
    def short_micros(self) -> int:
        """What it has committed beyond what it has."""
        return max(0, -self.available_micros)

    def stocks_of(self, device_kind_id: str, from_ms: int) -> list[Stock]:
        """What covers usage of this kind from then on: nothing that is over by then."""
        return [
            one
            for one in self.stocks
            if one.package.device_kind_id == device_kind_id and one.package.until_ms > from_ms
        ]

    def add(self, amount_micros: int) -> None:
        """So much more may be committed, or less."""
        self.available_micros += amount_micros
        self.is_overdrawn = self.is_overdrawn and self.available_micros < 0

    def hold(self, amount_micros: int) -> None:
        self.add(-amount_micros)
        self.held_micros += amount_micros

    def settle(self, *, left_micros: int, given_back_micros: int) -> None:
        """Give back what is still held for an attempt, and what it was charged for nothing."""
        self.hold(-left_micros)
        self.add(given_back_micros)

    def post(self, amount_micros: int, *, from_hold_micros: int) -> None:
        """Charge an amount, of which a part was held; the rest comes out of what is available."""
        self.held_micros -= from_hold_micros
        self.add(from_hold_micros - amount_micros)
