"""A tenant's statement of one month, from usage that was added up: pure, and always the same bytes.

Quantities are added exactly, each line is rounded once, the total is the sum of the lines. A fact
that came too late for its own month is a correction here, and names the month that it corrects.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from accounting.bills.concessions import Concession, concessions_json, totals_json
from accounting.bills.concessions import gross_fen as conceded_fen
from accounting.calendar import SHANGHAI, iso_time, month_bounds
from accounting.link import Link
from accounting.money import card_hours, p_hours, yuan_of_fen, yuan_of_micros
from accounting.prices.packages import Commitment, Coverage, Package
from accounting.prices.rating import TaxSplit, split_tax
from accounting.prices.vouchers import Payment
from accounting.units import said_of, said_of_all
from accounting.usage.slices import UsageSum

FORMAT = "industry-brain/statement/4"
FORMAT_CONCEDED = "industry-brain/statement/5"
"""Of one with concessions: what is due has a term that readers of the form before do not know."""
CURRENCY = "CNY"
ROUNDING_EN = (
    "Metered to the millisecond; quantities are added exactly; each line is rounded once, half up,"
    " to the fen; the total is the sum of the lines. Net = gross / (1 + tax rate), rounded half up"
    " to the fen; tax = gross - net. Card-hours and P.h are shown to six decimals."
)
ROUNDING_ZH = (
    "按毫秒计量，数量精确累加；每行金额仅四舍五入一次至分，合计为各行之和。"
    "不含税金额 = 含税金额 ÷ (1 + 税率)，四舍五入至分；税额 = 含税金额 - 不含税金额。"
    "卡时与 P·h 显示至六位小数。"
)

Json = dict[str, object]


class StatementState(StrEnum):
    """A draft is computed afresh each time; a closed statement is stored, and never changes."""

    DRAFT = "draft"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """A line for what was used in `month`, but learnt after that month was closed."""

    month: str
    usage: UsageSum


@dataclass(frozen=True, kw_only=True)
class Statement:
    """Lines for usage, negative lines for credits with their cause, corrections, and totals.

    `payments` are what vouchers pay of the total: of a draft, what they would pay now.
    `purchases` are packages that were bought: no part of the total, which is of usage, but of what
    is due. `commitments` are packages that are valid, and what they cover; `coverage` says where
    that was, and what they covered of closed months that is known only now.
    `concessions` are what was granted in disputes about closed statements, beside the total too.
    `head` is where the chain of the tenant's facts ended when it was closed; a draft has none, so
    that it is the same in whatever order its facts came.
    """

    tenant_id: str
    month: str
    closed_at_ms: int | None
    lines: tuple[UsageSum, ...]
    credits: tuple[UsageSum, ...]
    corrections: tuple[Correction, ...]
    head: Link | None = None
    payments: tuple[Payment, ...] = ()
    purchases: tuple[Package, ...] = ()
    commitments: tuple[Commitment, ...] = ()
    coverage: tuple[Coverage, ...] = ()
    concessions: tuple[Concession, ...] = ()

    @property
    def state(self) -> StatementState:
        return StatementState.DRAFT if self.closed_at_ms is None else StatementState.CLOSED

    @cached_property
    def sums(self) -> tuple[UsageSum, ...]:
        """Every line of whatever sort."""
        return tuple(line for _, line in self.dated_sums)

    @property
    def dated_sums(self) -> Iterator[tuple[str, UsageSum]]:
        """Every line with the month in which it was used, in the statement's order."""
        yield from ((self.month, line) for line in (*self.lines, *self.credits))
        yield from ((correction.month, correction.usage) for correction in self.corrections)

    @property
    def tflops_ms(self) -> int:
        return sum(line.tflops_ms for line in self.sums)

    @cached_property
    def taxes(self) -> Mapping[int, TaxSplit]:
        """The total of each tax rate (in permille), split."""
        gross_fen: defaultdict[int, int] = defaultdict(int)
        for line in self.sums:
            gross_fen[line.vat_permille] += line.amount_fen
        return {rate: split_tax(gross_fen[rate], rate) for rate in sorted(gross_fen)}

    @property
    def gross_fen(self) -> int:
        return sum(split.gross_fen for split in self.taxes.values())

    @property
    def net_fen(self) -> int:
        return sum(split.net_fen for split in self.taxes.values())

    @property
    def tax_fen(self) -> int:
        return self.gross_fen - self.net_fen

    @property
    def vouchers_fen(self) -> int:
        """What vouchers pay of the total; below zero where they get something back."""
        return sum(payment.paid_fen for payment in self.payments)

    @property
    def says_something(self) -> bool:
        return bool(self.sums or self.purchases or self.concessions)

    @property
    def purchases_fen(self) -> int:
        return sum(package.amount_fen for package in self.purchases)

    @property
    def purchases_net_fen(self) -> int:
        return sum(package.price.net_fen for package in self.purchases)

    @property
    def due_fen(self) -> int:
        """Usage and purchases, less what vouchers pay of the usage and what was granted."""
        return (
            self.gross_fen + self.purchases_fen + conceded_fen(self.concessions) - self.vouchers_fen
        )


def make_statement(
    tenant_id: str,
    month: str,
    closed_at_ms: int | None,
    own: Iterable[UsageSum],
    late: Mapping[str, Sequence[UsageSum]],
    head: Link | None = None,
) -> Statement:
    """`own` is the month's own usage and credits, `late` what corrects each earlier month."""
    ordered = sorted(own, key=order_of)
    return Statement(
        tenant_id=tenant_id,
        month=month,
        closed_at_ms=closed_at_ms,
        lines=tuple(line for line in ordered if line.cause is None),
        credits=tuple(line for line in ordered if line.cause is not None),
        corrections=tuple(
            Correction(month=corrected, usage=line)
            for corrected in sorted(late)
            for line in sorted(late[corrected], key=order_of)
        ),
        head=head,
    )


def order_of(line: UsageSum) -> tuple[str, str, str, str, str, str, int, int, str]:
    """Where a line stands on its statement."""
    return (
        line.project,
        line.field,
        line.centre_id,
        line.device_kind_id,
        line.qos,
        line.price_list_id,
        line.price_micros,
        line.vat_permille,
        line.cause or "",
    )


def body_of(statement: Statement) -> bytes:
    """The statement as JSON: the same statement is the same bytes."""
    return json_bytes(to_json(statement))


def json_bytes(said: Json) -> bytes:
    """A statement's JSON as it is stored and hashed."""
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()


def format_of(*, has_concessions: bool) -> str:
    """Those without concessions keep their form, and so their bytes."""
    return FORMAT_CONCEDED if has_concessions else FORMAT


def sha256_of(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def to_json(statement: Statement) -> Json:
    """Plain values in a fixed order; amounts are text in yuan, and again integers in fen."""
    from_ms, to_ms = month_bounds(statement.month)
    closed_at_ms = statement.closed_at_ms
    return {
        "format": format_of(has_concessions=bool(statement.concessions)),
        "tenant": statement.tenant_id,
        "month": statement.month,
        "from": iso_time(from_ms),
        "to": iso_time(to_ms),
        "time_zone": str(SHANGHAI),
        "currency": CURRENCY,
        "state": statement.state.value,
        "closed_at": None if closed_at_ms is None else iso_time(closed_at_ms),
        "lines": [_line(line) for line in statement.lines],
        "credits": [_line(line) | {"cause": line.cause} for line in statement.credits],
        "corrections": [correction_json(one) for one in statement.corrections],
        **concessions_json(statement.concessions),
        "totals": _totals(statement),
        "purchases": [_purchase(package) for package in statement.purchases],
        "packages": [_commitment(one) for one in statement.commitments],
        "covered": [_coverage(one) for one in statement.coverage],
        "vouchers": [_payment(payment) for payment in statement.payments],
        "chain": _chain(statement.head),
        "rounding": {"zh": ROUNDING_ZH, "en": ROUNDING_EN},
    }


def correction_json(one: Correction) -> Json:
    return {"month": one.month, **_line(one.usage), "cause": one.usage.cause}


def _purchase(package: Package) -> Json:
    split = package.price
    return {
        **_package(package),
        "month": package.month,
        "vat_permille": package.vat_permille,
        "amount": yuan_of_fen(split.gross_fen),
        "net": yuan_of_fen(split.net_fen),
        "tax": yuan_of_fen(split.tax_fen),
        "amount_fen": package.amount_fen,
    }


def _package(package: Package) -> Json:
    return {
        "package": package.id,
        "kind": package.kind.value,
        "device": package.device_kind_id,
        "cards": package.card_count,
        "device_ms": package.device_ms,
        "card_hours": card_hours(package.device_ms),
        "from": iso_time(package.from_ms),
        "to": iso_time(package.until_ms),
    }


def _commitment(one: Commitment) -> Json:
    return {
        **_package(one.package),
        "committed_device_ms": one.committed_device_ms,
        "used_device_ms": one.used_device_ms,
        "unused_device_ms": one.unused_device_ms,
        "committed_card_hours": card_hours(one.committed_device_ms),
        "used_card_hours": card_hours(one.used_device_ms),
        "unused_card_hours": card_hours(one.unused_device_ms),
    }


def _coverage(one: Coverage) -> Json:
    return {
        "month": one.month,
        "package": one.package.id,
        "device": one.package.device_kind_id,
        "centre": one.centre_id,
        "cause": one.cause,
        "device_ms": one.device_ms,
        "card_hours": card_hours(one.device_ms),
        "value": yuan_of_fen(one.value_fen),
        "value_fen": one.value_fen,
    }


def _payment(payment: Payment) -> Json:
    voucher = payment.voucher
    return {
        "voucher": voucher.id,
        "issuer": voucher.issuer,
        "contract": voucher.contract,
        "kind": payment.kind.value,
        "amount": yuan_of_fen(payment.paid_fen),
        "amount_fen": payment.paid_fen,
    }


def _chain(head: Link | None) -> Json | None:
    return None if head is None else {"facts": head.number, "head": head.hash.hex()}


def _line(line: UsageSum) -> Json:
    return {
        "project": line.project,
        "field": line.field,
        "centre": line.centre_id,
        "device": line.device_kind_id,
        "qos": line.qos,
        "price_list": line.price_list_id,
        "price": yuan_of_micros(line.price_micros),
        "vat_permille": line.vat_permille,
        **said_of(line),
        "p_hours": p_hours(line.tflops_ms),
        "amount": yuan_of_fen(line.amount_fen),
        "amount_fen": line.amount_fen,
    }


def _totals(statement: Statement) -> Json:
    return {
        **said_of_all(statement.sums),
        "p_hours": p_hours(statement.tflops_ms),
        "gross": yuan_of_fen(statement.gross_fen),
        "net": yuan_of_fen(statement.net_fen),
        "tax": yuan_of_fen(statement.tax_fen),
        "gross_fen": statement.gross_fen,
        "net_fen": statement.net_fen,
        "tax_fen": statement.tax_fen,
        "vouchers": yuan_of_fen(statement.vouchers_fen),
        "vouchers_fen": statement.vouchers_fen,
        **_purchased(statement),
        **totals_json(statement.concessions),
        "due": yuan_of_fen(statement.due_fen),
        "due_fen": statement.due_fen,
        "taxes": [
            {
                "vat_permille": rate,
                "gross": yuan_of_fen(split.gross_fen),
                "net": yuan_of_fen(split.net_fen),
                "tax": yuan_of_fen(split.tax_fen),
            }
            for rate, split in statement.taxes.items()
        ],
    }


def _purchased(statement: Statement) -> Json:
    gross_fen, net_fen = statement.purchases_fen, statement.purchases_net_fen
    return {
        "purchases": yuan_of_fen(gross_fen),
        "purchases_net": yuan_of_fen(net_fen),
        "purchases_tax": yuan_of_fen(gross_fen - net_fen),
        "purchases_fen": gross_fen,
        "purchases_net_fen": net_fen,
        "purchases_tax_fen": gross_fen - net_fen,
    }
