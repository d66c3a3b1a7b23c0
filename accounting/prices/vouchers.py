"""Compute vouchers (算力券) and subsidies: what they pay, in which order, and never twice.

A voucher never changes what was used or what it costs: it is a means of payment, a line after the
total. Three modes: `deduct_at_settlement` is taken off at a month's close (`Voucher`),
`reimburse_after_payment` is claimed back for what was paid in a calendar year (`Reimbursement`),
`operator_subsidy` is a share of a contract (`Subsidy`).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from accounting.money import FEN_PER_YUAN, amount_faults, divide_half_up
from accounting.prices.rating import PERMILLE
from accounting.usage.slices import UsageSum


@dataclass(frozen=True, slots=True, kw_only=True)
class Voucher:
    """Issued to one tenant, for one contract, and nobody else's; fen.

    It may pay `share_permille` of what it covers in each month whose last moment is in
    [`from_ms`, `until_ms`). It covers what is in each of its lists that is not empty.
    """

    id: str
    tenant_id: str
    issuer: str
    contract: str
    amount_fen: int
    share_permille: int
    from_ms: int
    until_ms: int
    issued_at_ms: int
    fields: tuple[str, ...] = ()
    device_kind_ids: tuple[str, ...] = ()
    centre_ids: tuple[str, ...] = ()

    def covers(self, line: UsageSum) -> bool:
        return (
            _allows(self.fields, line.field)
            and _allows(self.device_kind_ids, line.device_kind_id)
            and _allows(self.centre_ids, line.centre_id)
        )

    @property
    def breadth(self) -> int:
        """In how many ways it is open; of the narrowest it is 0."""
        return sum(not one for one in (self.fields, self.device_kind_ids, self.centre_ids))


def _allows(words: tuple[str, ...], word: str) -> bool:
    return not words or word in words


class EntryKind(StrEnum):
    """What happened to a voucher's balance."""

    BURNT = "burnt"
    RETURNED = "returned"


@dataclass(frozen=True, slots=True, kw_only=True)
class VoucherEntry:
    """A month's statement took so much of a voucher, or gave it back; once each."""

    voucher_id: str
    tenant_id: str
    month: str
    kind: EntryKind
    amount_fen: int
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What is left of a voucher."""

    voucher: Voucher
    left_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """What a statement takes of a voucher, or gives back to it."""

    voucher: Voucher
    kind: EntryKind
    amount_fen: int

    @property
    def paid_fen(self) -> int:
        return self.amount_fen if self.kind is EntryKind.BURNT else -self.amount_fen


def settle(
    lines: Iterable[UsageSum],
    gross_fen: int,
    balances: Iterable[Balance],
    earlier: Sequence[Payment],
    at_ms: int,
) -> tuple[Payment, ...]:
    """What vouchers pay of a month's lines and total; what they get back of one below zero.

    `earlier` is what the tenant's earlier months took and gave back, in order.
    """
    if gross_fen < 0:
        return give_back(-gross_fen, earlier)
    return burn(lines, gross_fen, balances, at_ms)


def burn(
    lines: Iterable[UsageSum], gross_fen: int, balances: Iterable[Balance], at_ms: int
) -> tuple[Payment, ...]:
    """What vouchers that are valid at `at_ms` pay of lines: all together never above the total.

    What was given back of a line is not there to be paid. First the narrowest scope, then the
    soonest to expire, then the smallest balance.
    """
    whole_fen = _charged(lines)
    open_fen = dict(whole_fen)
    burns = []
    for balance in sorted(balances, key=_burn_order):
        voucher = balance.voucher
        covered = [line for line in open_fen if voucher.covers(line)]
        share_fen = sum(whole_fen[line] for line in covered) * voucher.share_permille // PERMILLE
        uncovered_fen = sum(open_fen[line] for line in covered)
        amount_fen = min(balance.left_fen, share_fen, uncovered_fen, gross_fen)
        if amount_fen > 0 and voucher.from_ms <= at_ms < voucher.until_ms:
            burns.append(Payment(voucher=voucher, kind=EntryKind.BURNT, amount_fen=amount_fen))
            gross_fen -= amount_fen
            _pay(open_fen, covered, amount_fen)
    return tuple(burns)


def _charged(lines: Iterable[UsageSum]) -> dict[UsageSum, int]:
    """What each line comes to, less what was given back of it, by the line without its amounts."""
    charged_fen: defaultdict[UsageSum, int] = defaultdict(int)
    for line in lines:
        charged_fen[replace(line.emptied(), cause=None)] += line.amount_fen
    return {line: fen for line, fen in charged_fen.items() if fen > 0}


def _burn_order(balance: Balance) -> tuple[int, int, int, str]:
    voucher = balance.voucher
    return voucher.breadth, voucher.until_ms, balance.left_fen, voucher.id


def _pay(open_fen: dict[UsageSum, int], lines: Sequence[UsageSum], amount_fen: int) -> None:
    for line in lines:
        paid_fen = min(amount_fen, open_fen[line])
        open_fen[line] -= paid_fen
        amount_fen -= paid_fen


def give_back(owed_fen: int, earlier: Sequence[Payment]) -> tuple[Payment, ...]:
    """What of earlier payments a credit of `owed_fen` gives back, of the last that paid first."""
    paid_fen: dict[Voucher, int] = {}
    for one in earlier:
        # Whoever paid last stands last.
        paid_fen[one.voucher] = paid_fen.pop(one.voucher, 0) + one.paid_fen
    returned = []
    for voucher, left_fen in reversed(paid_fen.items()):
        amount_fen = min(owed_fen, left_fen)
        if amount_fen > 0:
            owed_fen -= amount_fen
            payment = Payment(voucher=voucher, kind=EntryKind.RETURNED, amount_fen=amount_fen)
            returned.append(payment)
    return tuple(returned)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reimbursement:
    """A rule for what is claimed back of what was paid in a calendar year; fen.

    Nothing below `min_paid_fen`, and never more than `cap_fen` for a tenant and year.
    """

    issuer: str
    share_permille: int
    min_paid_fen: int
    cap_fen: int

    def claim_fen(self, paid_fen: int) -> int:
        """The claim for a year in which so much was paid."""
        if paid_fen < self.min_paid_fen:
            return 0
        return min(self.cap_fen, divide_half_up(paid_fen * self.share_permille, PERMILLE))


@dataclass(frozen=True, slots=True, kw_only=True)
class Subsidy:
    """The operator's subsidy of a contract: what two budgets bear, in fen."""

    city_fen: int
    district_fen: int

    @property
    def amount_fen(self) -> int:
        return self.city_fen + self.district_fen


def operator_subsidy(contract_fen: int, share_permille: int) -> Subsidy:
    """A share of a contract, borne one to one; an odd fen is the city's."""
    amount_fen = divide_half_up(contract_fen * share_permille, PERMILLE)
    district_fen = amount_fen // 2
    return Subsidy(city_fen=amount_fen - district_fen, district_fen=district_fen)


MAX_VOUCHER_FEN = 1_000_000_000 * FEN_PER_YUAN


def faults(voucher: Voucher) -> Iterable[str]:
    """What no voucher may say."""
    yield from amount_faults("amount", voucher.amount_fen, MAX_VOUCHER_FEN)
    if not 0 < voucher.share_permille <= PERMILLE:
        yield f"it would pay {voucher.share_permille} permille of what it covers"
    if voucher.from_ms >= voucher.until_ms:
        yield "it ends before it begins"
