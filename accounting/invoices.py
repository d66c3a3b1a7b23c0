"""Requests for invoices (发票申请), what became of them, and the payments of what is due.

We ask for invoices and never issue one: that is the tax office's own system. A request follows a
closed statement, for all that is due of it or for a part: each of the statement's lines then has
its part of the amount, so that lines, net and tax add up to the fen.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from stdnum.cn import uscc
from stdnum.exceptions import InvalidChecksum, InvalidLength, ValidationError

from accounting.money import MICROS_PER_FEN, MS_PER_HOUR, divide_half_up, parse_yuan
from accounting.rating import split_tax

ITEM = "*信息技术服务*算力服务费"
UNIT = "卡时"
CORE_UNIT = "核时"
PACKAGE_ITEM = "*信息技术服务*算力资源包"
PACKAGE_UNIT = "个"
_QUANTITY_UNITS = 10**6


class InvoiceLine(NamedTuple):
    """Card-hours or core-hours at a price, or packages; in millionths, micro-yuan, fen."""

    item: str
    device_kind_id: str
    unit: str
    quantity_micros: int
    price_micros: int
    vat_permille: int
    net_fen: int
    gross_fen: int

    @property
    def tax_fen(self) -> int:
        return self.gross_fen - self.net_fen


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceRequest:
    """An invoice that is asked for: to whom, for what of which closed statement; never changed."""

    id: str
    tenant_id: str
    month: str
    sha256: str
    buyer_name: str
    credit_code: str
    lines: tuple[InvoiceLine, ...]
    by: str
    at_ms: int

    @property
    def gross_fen(self) -> int:
        return sum(line.gross_fen for line in self.lines)

    @property
    def net_fen(self) -> int:
        return sum(line.net_fen for line in self.lines)


class StepKind(StrEnum):
    """What became of a request."""

    ISSUED = "issued"
    WITHDRAWN = "withdrawn"
    CREDITED = "credited"


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceStep:
    """An invoice was issued, its request withdrawn, or some of it credited (红字).

    `number` is that of the invoice, or of the credit note. A withdrawal has none: it is kept under
    `withdrawn_number`, which no invoice can have, and read by `said_number`.
    """

    number: str
    kind: StepKind
    invoice_id: str
    tenant_id: str
    amount_fen: int
    reason: str
    by: str
    at_ms: int

    @property
    def said_number(self) -> str:
        """The number as people read it: of a withdrawal the request's own id."""
        return self.invoice_id if self.kind is StepKind.WITHDRAWN else self.number


def withdrawn_number(invoice_id: str) -> str:
    """Under what a withdrawal is kept; tenants choose ids, and no number may have a colon."""
    return f"withdrawn:{invoice_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A tenant paid so much of a closed statement; `reference` is the payment's own, unique.

    `invoice_id` is empty where it was not for an invoice. `paid_at_ms` is when the money came,
    `at_ms` when we wrote it down. What it pays stands on no account: a top-up moves the balance.
    """

    reference: str
    tenant_id: str
    month: str
    invoice_id: str
    amount_fen: int
    paid_at_ms: int
    by: str
    at_ms: int


class InvoiceState(StrEnum):
    """How a request stands; `CREDITED` is one of which nothing is left."""

    REQUESTED = "requested"
    ISSUED = "issued"
    WITHDRAWN = "withdrawn"
    CREDITED = "credited"


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """A request, with all that became of it and all that was paid for it."""

    request: InvoiceRequest
    steps: tuple[InvoiceStep, ...] = ()
    receipts: tuple[Receipt, ...] = ()

    @property
    def state(self) -> InvoiceState:
        kinds = {step.kind for step in self.steps}
        if StepKind.WITHDRAWN in kinds:
            return InvoiceState.WITHDRAWN
        if StepKind.ISSUED not in kinds:
            return InvoiceState.REQUESTED
        return InvoiceState.ISSUED if self.open_fen else InvoiceState.CREDITED

    @property
    def number(self) -> str | None:
        """The invoice's own number, once it is issued."""
        issued = [step.number for step in self.steps if step.kind is StepKind.ISSUED]
        return issued[0] if issued else None

    @property
    def open_fen(self) -> int:
        """What it still asks for, or says: nothing once it is withdrawn or wholly credited."""
        if any(step.kind is StepKind.WITHDRAWN for step in self.steps):
            return 0
        return self.request.gross_fen - self.credited_fen

    @property
    def credited_fen(self) -> int:
        return sum(step.amount_fen for step in self.steps if step.kind is StepKind.CREDITED)

    @property
    def paid_fen(self) -> int:
        return sum(receipt.amount_fen for receipt in self.receipts)


class BillRefused(Exception):
    """It cannot be asked for, noted or paid; the message says which, why, and what to do."""


def check_credit_code(code: str) -> None:
    """Raise `BillRefused` for what is no unified social credit code (GB 32100-2015)."""
    try:
        is_plain = uscc.validate(code) == code
    except InvalidLength:
        raise BillRefused(f"credit code {code} has {len(code)} characters, and needs 18") from None
    except InvalidChecksum:
        digit = uscc.calc_check_digit(code[:-1])
        raise BillRefused(
            f"credit code {code} is mistyped: its last character would be {digit}"
        ) from None
    except ValidationError:
        is_plain = False
    if not is_plain:
        raise BillRefused(
            f"{code} is no credit code: 18 digits and capitals, without I, O, S, V, Z"
        )


class Due(NamedTuple):
    """What is due of a statement: of its usage, less what vouchers pay, and of its packages."""

    usage_fen: int
    packages_fen: int


def due_of(body: Mapping[str, Any]) -> Due:
    """Of a statement's JSON; those of earlier forms knew no vouchers, or left packages out."""
    totals = body["totals"]
    packages_fen = totals.get("purchases_fen", 0)
    return Due(totals.get("due_fen", totals["gross_fen"]) - packages_fen, packages_fen)


def lines_of(body: Mapping[str, Any], amount_fen: int) -> tuple[InvoiceLine, ...]:
    """So much of what is due of a statement (its JSON), line by line.

    Usage and packages have their parts of the amount; of each, a line's part is what the parts up
    to it come to, less those before it: nothing is lost by rounding. So are the nets of usage at a
    tax rate; each package has a net of its own, as on the statement.
    """
    due = due_of(body)
    assert 0 < amount_fen <= sum(due), f"{amount_fen} of {sum(due)} fen"
    wanted = _parts(due, amount_fen, sum(due))
    used = [*_shared_out(_used(body), wanted[0])]
    sold = [*_shared_out(_sold(body) if due.packages_fen else [], wanted[1])]
    lines = (*map(_line, used, _nets_used(used)), *map(_line, sold, _nets_sold(sold)))
    return tuple(line for line in lines if line.gross_fen)


class _Group(NamedTuple):
    """What one line of an invoice has in common, and what it comes to: `amount` / `per_unit`."""

    item: str
    device_kind_id: str
    unit: str
    price_micros: int
    vat_permille: int
    amount: int
    per_unit: int
    gross_fen: int


class _Part(NamedTuple):
    """So much of a group: `gross_fen` of its own, as `amount_fen` of the `total_fen` of all."""

    group: _Group
    gross_fen: int
    amount_fen: int
    total_fen: int


def _used(body: Mapping[str, Any]) -> list[_Group]:
    """All lines of a statement by device kind and price; what was given back is taken off."""
    sums: defaultdict[tuple[str, int, int, str], list[int]] = defaultdict(lambda: [0, 0])
    for line in statement_lines(body):
        price, rate = parse_yuan(str(line["price"])), _int(line["vat_permille"])
        key = (str(line["device"]), price, rate, CORE_UNIT if "unit" in line else UNIT)
        sums[key][0] += _int(line["device_ms"])
        sums[key][1] += _int(line["amount_fen"])
    return [
        _Group(ITEM, device, unit, price, rate, sums[key][0], MS_PER_HOUR, sums[key][1])
        for key in sorted(sums)
        for device, price, rate, unit in [key]
    ]


def _sold(body: Mapping[str, Any]) -> list[_Group]:
    """Its packages, those alike in one line."""
    counts: defaultdict[tuple[str, int, int], int] = defaultdict(int)
    for one in body["purchases"]:
        counts[str(one["device"]), _int(one["amount_fen"]), _int(one["vat_permille"])] += 1
    return [
        _Group(
            PACKAGE_ITEM, device, PACKAGE_UNIT, fen * MICROS_PER_FEN, rate, count, 1, count * fen
        )
        for (device, fen, rate), count in sorted(counts.items())
    ]


def statement_lines(body: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    """Every line of a statement's JSON: lines, credits, corrections."""
    for part in ("lines", "credits", "corrections"):
        lines = body[part]
        assert isinstance(lines, list), f"a statement's {part} are a list"
        yield from lines


def _int(value: object) -> int:
    assert isinstance(value, int), "a line has whole numbers"
    return value


def _parts(amounts: Iterable[int], amount: int, total: int) -> list[int]:
    """`amount` divided as `amounts` divide their `total`."""
    reached, parts = 0, []
    for one in amounts:
        before = divide_half_up(reached * amount, total)
        reached += one
        parts.append(divide_half_up(reached * amount, total) - before)
    return parts


def _shared_out(groups: Sequence[_Group], amount_fen: int) -> Iterator[_Part]:
    total_fen = sum(group.gross_fen for group in groups)
    if total_fen == 0:
        assert amount_fen == 0, f"{amount_fen} fen of nothing"
        return
    if total_fen < 0:  # more was given back than used: the same part, as a fraction of above 0
        amount_fen, total_fen = -amount_fen, -total_fen
    fens = _parts([group.gross_fen for group in groups], amount_fen, total_fen)
    for group, fen in zip(groups, fens, strict=True):
        yield _Part(group, fen, amount_fen, total_fen)


def _nets_used(parts: Iterable[_Part]) -> Iterator[int]:
    """Of each tax rate the net is split off once, as the statement's is."""
    reached: defaultdict[int, int] = defaultdict(int)
    for part in parts:
        rate = part.group.vat_permille
        before = split_tax(reached[rate], rate).net_fen
        reached[rate] += part.gross_fen
        yield split_tax(reached[rate], rate).net_fen - before


def _nets_sold(parts: Iterable[_Part]) -> Iterator[int]:
    """Of packages it is split off one by one, as it is where they are sold."""
    for group, gross_fen, *_ in parts:
        one_fen = group.gross_fen // group.amount
        net_fen = split_tax(one_fen, group.vat_permille).net_fen * group.amount
        yield divide_half_up(net_fen * gross_fen, group.gross_fen)


def _line(part: _Part, net_fen: int) -> InvoiceLine:
    group, gross_fen, amount_fen, total_fen = part
    quantity = group.amount * amount_fen * _QUANTITY_UNITS
    return InvoiceLine(
        item=group.item,
        device_kind_id=group.device_kind_id,
        unit=group.unit,
        quantity_micros=divide_half_up(quantity, group.per_unit * total_fen),
        price_micros=group.price_micros,
        vat_permille=group.vat_permille,
        net_fen=net_fen,
        gross_fen=gross_fen,
    )


def check_step(invoice: Invoice, step: InvoiceStep) -> None:
    """Raise `BillRefused` for what cannot become of an invoice as it stands."""
    request, state = invoice.request, invoice.state
    needed = InvoiceState.ISSUED if step.kind is StepKind.CREDITED else InvoiceState.REQUESTED
    if state is not needed:
        raise BillRefused(f"invoice request {request.id} is {state}: it cannot be {step.kind}")
    if step.kind is StepKind.CREDITED and not 0 < step.amount_fen <= invoice.open_fen:
        raise BillRefused(
            f"credit note {step.number} is over {step.amount_fen} fen, "
            f"and {invoice.open_fen} fen of invoice {invoice.number} are left"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """How a tenant's closed statement stands: due, asked for, issued and paid; fen."""

    tenant_id: str
    month: str
    due_fen: int
    requested_fen: int
    issued_fen: int
    credited_fen: int
    paid_fen: int

    @property
    def unrequested_fen(self) -> int:
        """For how much an invoice may still be asked."""
        return max(0, self.due_fen) - self.requested_fen

    @property
    def outstanding_fen(self) -> int:
        """What is still to be paid; below zero where the tenant has something to come."""
        return self.due_fen - self.paid_fen


def account(
    tenant_id: str, month: str, due_fen: int, invoices: Sequence[Invoice], paid_fen: int
) -> Account:
    """A statement's account, of all invoices of it."""
    issued = [one for one in invoices if one.number is not None]
    return Account(
        tenant_id=tenant_id,
        month=month,
        due_fen=due_fen,
        requested_fen=sum(one.open_fen for one in invoices),
        issued_fen=sum(one.request.gross_fen for one in issued),
        credited_fen=sum(one.credited_fen for one in issued),
        paid_fen=paid_fen,
    )
