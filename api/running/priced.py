"""Whether price lists fit the kinds that a park has: what `brain doctor` says of them.

A list has no units: a price is for an hour of one card, or of one core, as the park says.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Literal

Units = Mapping[str, Literal["card", "core"]]
"""In what each kind is counted of which a pool has any."""


def price_warnings(list_id: str, yuan_by_kind: Mapping[str, str], units: Units) -> Iterator[str]:
    """What nobody can run by it, and a core that costs no less than a card."""
    for kind_id in sorted(units.keys() - yuan_by_kind.keys()):
        yield f"price list {list_id} has no price for {kind_id}: nothing starts on it by that list"
    priced = {kind: Decimal(yuan) for kind, yuan in yuan_by_kind.items() if kind in units}
    cards = {kind: yuan for kind, yuan in priced.items() if units[kind] == "card" and yuan}
    if not cards:
        return
    cheapest = min(cards, key=lambda kind: (cards[kind], kind))
    for kind_id, yuan in sorted(priced.items()):
        if units[kind_id] == "core" and yuan >= cards[cheapest]:
            yield (
                f"price list {list_id}: a core of {kind_id} costs {yuan_by_kind[kind_id]} an hour, "
                f"and a card of {cheapest} {yuan_by_kind[cheapest]}; is that for a core?"
            )


def unheld(yuan_by_kind: Mapping[str, str], units: Units) -> list[str]:
    """What has a price and is in no pool: a kind to come, or that has gone, or a slip."""
    return sorted(yuan_by_kind.keys() - units.keys())
