"""From holdings to usage and money: what each event means to the books.

The meter runs from an attempt's start to its end, in half-open slices cut wherever the month, the
price list, or the metering interval changes. Slices are facts of the log; money follows from them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

from accounting import ledger
from accounting.calendar import month_edges
from accounting.ledger import Transfer
from accounting.money import MICROS_PER_FEN, charge_micros
from accounting.prices.packages import Covered, Package, Span, covered_reference, spans
from accounting.usage.activity import ActivitySlice, by_hour
from accounting.usage.slices import UsageCredit, UsageSlice
from cluster.devices import DeviceKind
from scheduler.facts.events import (
    Credited,
    Ended,
    Event,
    HoldExtended,
    Leased,
    Measured,
    Metered,
    PackageBought,
    TaxStated,
)
from scheduler.facts.record import Attempt
from scheduler.facts.state import State
from scheduler.model.job import FAULT_CAUSES, Job


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """What one event adds to the books."""

    usage: tuple[UsageSlice, ...] = ()
    activity: tuple[ActivitySlice, ...] = ()
    credits: tuple[UsageCredit, ...] = ()
    transfers: tuple[Transfer, ...] = ()


NOTHING = Booking()


def slices(
    state: State, attempt: Attempt, to_ms: int, now_ms: int
) -> Iterator[Metered | HoldExtended]:
    """The attempt's usage from where its meter stands until `to_ms`, cut at every edge.

    Before a slice that its hold does not cover, that is extended by what is missing: it has been
    used by then. Extending it in time is for `extending`.
    """
    left_micros, number = attempt.hold_left_micros, attempt.extension_count
    for piece in pieces(state, attempt, to_ms):
        missing_micros = piece.charge_micros - left_micros
        if missing_micros > 0:
            number += 1
            left_micros += missing_micros
            yield HoldExtended(
                at_ms=now_ms, attempt_id=attempt.id, number=number, amount_micros=missing_micros
            )
        left_micros -= piece.charge_micros
        yield Metered(
            at_ms=now_ms,
            attempt_id=attempt.id,
            from_ms=piece.from_ms,
            to_ms=piece.to_ms,
            price_micros=piece.price_micros,
            charge_micros=piece.charge_micros,
            covered=piece.covered,
        )


class Piece(NamedTuple):
    """A part of an attempt's time over which nothing changes, and what it comes to."""

    from_ms: int
    to_ms: int
    price_micros: int
    charge_micros: int
    covered: tuple[Covered, ...]


def pieces(state: State, attempt: Attempt, to_ms: int) -> Iterator[Piece]:
    """What the attempt's time comes to from where its meter stands until `to_ms`.

    The charge is the difference of the rounded running totals, so that however finely a holding is
    cut, its charges add up to the charge of the whole at that price.
    """
    begin = attempt.metered_to_ms
    if begin is None or to_ms <= begin:
        return
    prices, job = state.prices, state.jobs[attempt.job_id].job
    cuts = {*month_edges(begin, to_ms), *prices.edges(begin, to_ms)}
    cuts |= {until_ms for until_ms, _ in attempt.stated if begin < until_ms < to_ms}
    covered_ms = sum(attempt.covered.values())
    kind_id = attempt.placement.device_kind_id
    for from_ms, cut_ms, covered in _spans(state, attempt, to_ms, cuts):
        price_list = prices.list_at(from_ms)
        price = price_list.price_micros(kind_id, job.priority, attempt.price_class)
        before_ms = covered_ms
        if covered:
            covered_ms += Span(from_ms, cut_ms, covered).covered_device_ms
        charge = _charge(attempt, from_ms, before_ms, price, until=(cut_ms, covered_ms))
        yield Piece(from_ms, cut_ms, price, charge, covered)


def _spans(state: State, attempt: Attempt, to_ms: int, cuts: Iterable[int]) -> Iterator[Span]:
    """From where the meter stands, cut where packages cover more or less, and at these cuts."""
    begin = attempt.metered_to_ms
    assert begin is not None, f"{attempt.id} has not started"
    placement = attempt.placement
    stocks = state.purses.of_attempt(state, attempt).stocks_of(placement.device_kind_id, begin)
    edges = sorted(cuts)
    if not (stocks or edges):
        yield Span(begin, to_ms, ())
        return
    for span in spans(stocks, begin, to_ms, placement.card_count):
        inside = [edge for edge in edges if span.from_ms < edge < span.to_ms]
        for from_ms, cut_ms in pairwise([span.from_ms, *inside, span.to_ms]):
            yield Span(from_ms, cut_ms, span.covered)


def _charge(
    attempt: Attempt, from_ms: int, covered_ms: int, price_micros: int, *, until: tuple[int, int]
) -> int:
    """Of all cards from one moment `until` another, less what was covered until each of the two."""
    assert attempt.started_at_ms is not None
    cards, (to_ms, covered_then_ms) = attempt.placement.card_count, until
    ran_ms, ran_then_ms = from_ms - attempt.started_at_ms, to_ms - attempt.started_at_ms
    before = charge_micros(cards * ran_ms - covered_ms, price_micros)
    return charge_micros(cards * ran_then_ms - covered_then_ms, price_micros) - before


def fits(state: State, event: Event) -> bool:
    """Whether `book` can look up what the event speaks of; if not, it is refused anyway."""
    match event:
        case Leased():
            return event.job_id in state.jobs
        case Metered() | Measured() | HoldExtended() | Ended():
            return event.attempt_id in state.live
        case Credited():
            return event.amount_micros > 0 or event.voucher_id is not None
        case _:
            return True


def book(state: State, event: Event, now_ms: int) -> Booking:
    """What `event` adds to the books, learnt now; `state` is the one that it is about to change."""
    match event:
        case Credited() | TaxStated():
            return Booking(transfers=tuple(_moved(event)))
        case Leased() if event.hold_micros:
            tenant_id = state.jobs[event.job_id].job.tenant_id
            hold = ledger.hold(tenant_id, event.attempt_id, event.hold_micros, event.at_ms)
            return Booking(transfers=(hold,))
        case PackageBought():
            return Booking(transfers=(_bought(event.package, event.at_ms),))
        case HoldExtended():
            tenant_id = state.jobs[state.live[event.attempt_id].job_id].job.tenant_id
            of = (tenant_id, event.attempt_id, event.number)
            return Booking(transfers=(ledger.extend(*of, event.amount_micros, event.at_ms),))
        case Metered():
            return _book_slice(state, event)
        case Measured():
            return Booking(activity=tuple(by_hour(_activity(state, event))))
        case Ended():
            return _book_end(state, event, now_ms)
        case _:
            return NOTHING


def _bought(package: Package, at_ms: int) -> Transfer:
    price_micros = package.amount_fen * MICROS_PER_FEN
    return ledger.purchase(package.tenant_id, package.id, price_micros, at_ms)


def _moved(event: Credited | TaxStated) -> Iterator[Transfer]:
    if isinstance(event, Credited):
        yield _paid(event)
        return
    for account, micros in event.parts:
        yield ledger.move_tax(event.tenant_id, event.month, account, micros, event.at_ms)


def _paid(event: Credited) -> Transfer:
    tenant_id, amount_micros, at_ms = event.tenant_id, event.amount_micros, event.at_ms
    if event.concession_id is not None:
        return ledger.concede(tenant_id, event.concession_id, amount_micros, at_ms)
    if event.voucher_id is None:
        return ledger.top_up(tenant_id, amount_micros, event.reference, at_ms)
    assert event.voucher_month is not None, f"voucher {event.voucher_id} pays a month's statement"
    of_voucher = (tenant_id, event.voucher_id, event.voucher_month)
    if amount_micros > 0:
        return ledger.burn_voucher(*of_voucher, amount_micros, at_ms)
    return ledger.return_voucher(*of_voucher, -amount_micros, at_ms)


def _holding(state: State, attempt_id: str) -> tuple[Attempt, Job, DeviceKind]:
    """What runs, for whom, and on what."""
    attempt = state.live[attempt_id]
    assert state.park is not None
    kind = state.park.device_kind_by_id[attempt.placement.device_kind_id]
    return attempt, state.jobs[attempt.job_id].job, kind


def _book_slice(state: State, event: Metered) -> Booking:
    attempt, job, kind = _holding(state, event.attempt_id)
    usage = UsageSlice(
        reference=attempt.id,
        from_ms=event.from_ms,
        to_ms=event.to_ms,
        tenant_id=job.tenant_id,
        project=job.project,
        field=job.field,
        centre_id=attempt.placement.centre_id,
        device_kind_id=kind.id,
        qos=job.priority,
        device_count=attempt.placement.card_count,
        tflops=attempt.tflops_at(event.from_ms, kind.tflops_fp16),
        price_list_id=state.prices.list_at(event.from_ms).id,
        price_micros=event.price_micros,
        recorded_at_ms=event.at_ms,
    )
    return Booking(
        usage=tuple(_shares(usage, event.covered)), transfers=tuple(_posts(state, attempt, event))
    )


def _activity(state: State, event: Measured) -> ActivitySlice:
    attempt, job, kind = _holding(state, event.attempt_id)
    return ActivitySlice(
        reference=attempt.id,
        from_ms=event.from_ms,
        to_ms=event.to_ms,
        tenant_id=job.tenant_id,
        project=job.project,
        field=job.field,
        centre_id=attempt.placement.centre_id,
        pool_id=attempt.placement.pool_id,
        device_kind_id=kind.id,
        device_count=attempt.placement.card_count,
        tflops=attempt.tflops_at(event.from_ms, kind.tflops_fp16),
        measured_device_ms=event.measured_device_ms,
        active_device_ms=event.active_device_ms,
        recorded_at_ms=event.at_ms,
    )


def _shares(usage: UsageSlice, covered: Iterable[Covered]) -> Iterator[UsageSlice]:
    """The cards that a package covers are usage of their own, which costs nothing more."""
    rest = usage.device_count
    for package_id, cards in covered:
        reference = covered_reference(usage.reference, package_id)
        yield replace(usage, reference=reference, device_count=cards, price_micros=0)
        rest -= cards
    if rest:
        yield usage if rest == usage.device_count else replace(usage, device_count=rest)


def _posts(state: State, attempt: Attempt, event: Metered) -> Iterator[Transfer]:
    """The charge leaves the hold.

    In the log of an earlier release no extension precedes a slice beyond it: that is held here.
    """
    tenant_id = state.jobs[attempt.job_id].job.tenant_id
    missing = event.charge_micros - attempt.hold_left_micros
    if missing > 0:
        reference = f"{attempt.id}+{event.from_ms}"
        yield ledger.hold(tenant_id, reference, missing, event.at_ms)
    if event.charge_micros > 0:
        yield ledger.post(
            tenant_id,
            attempt.placement.centre_id,
            attempt.id,
            event.from_ms,
            event.charge_micros,
            event.at_ms,
        )


def _book_end(state: State, event: Ended, now_ms: int) -> Booking:
    """The rest of the hold goes back, and all that was charged where the park was at fault."""
    attempt = state.live[event.attempt_id]
    tenant_id = state.jobs[attempt.job_id].job.tenant_id
    centre_id = attempt.placement.centre_id
    transfers = []
    if attempt.hold_left_micros:
        left = attempt.hold_left_micros
        transfers.append(ledger.release(tenant_id, attempt.id, left, event.at_ms))
    if event.cause not in FAULT_CAUSES or attempt.started_at_ms is None:
        return Booking(transfers=tuple(transfers)) if transfers else NOTHING
    if attempt.charged_micros:
        charged = attempt.charged_micros
        transfers.append(ledger.credit(tenant_id, centre_id, attempt.id, charged, event.at_ms))
    credit = UsageCredit(
        reference=attempt.id,
        tenant_id=tenant_id,
        at_ms=event.at_ms,
        cause=event.cause,
        recorded_at_ms=now_ms,
    )
    references = (covered_reference(attempt.id, one) for one in sorted(attempt.covered))
    covered = (replace(credit, reference=reference) for reference in references)
    return Booking(credits=(credit, *covered), transfers=tuple(transfers))
