"""What is a branch's own, from the wire to the core and back."""

from typing_extensions import TypedDict

from api.schemas.entitled import Entitled
from scheduler.model.tenancy import Entitlement

Pairs = tuple[tuple[str, int], ...]


class EntitlementWords(TypedDict):
    """The fields of an `Entitlement`."""

    nominal_cards: Pairs
    nominal_tflops: int | None
    borrowing_cards: Pairs
    borrowing_tflops: int | None
    lending_cards: Pairs
    lending_tflops: int | None


class ViewWords(TypedDict):
    """The fields of an `EntitledView`."""

    nominal_cards: dict[str, int]
    nominal_tflops: int | None
    borrowing_cards: dict[str, int]
    borrowing_tflops: int | None
    lending_cards: dict[str, int]
    lending_tflops: int | None


def entitlement(wanted: Entitled) -> EntitlementWords:
    """As the core has it."""
    return EntitlementWords(
        nominal_cards=tuple(sorted(wanted.nominal_cards.items())),
        nominal_tflops=wanted.nominal_tflops,
        borrowing_cards=tuple(sorted(wanted.borrowing_cards.items())),
        borrowing_tflops=wanted.borrowing_tflops,
        lending_cards=tuple(sorted(wanted.lending_cards.items())),
        lending_tflops=wanted.lending_tflops,
    )


def entitled(own: Entitlement) -> ViewWords:
    """As the wire has it."""
    return ViewWords(
        nominal_cards=dict(own.nominal_cards),
        nominal_tflops=own.nominal_tflops,
        borrowing_cards=dict(own.borrowing_cards),
        borrowing_tflops=own.borrowing_tflops,
        lending_cards=dict(own.lending_cards),
        lending_tflops=own.lending_tflops,
    )
