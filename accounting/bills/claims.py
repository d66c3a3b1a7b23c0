"""Subsidies that are claimed: what may be claimed of which fund, for which contract, and once.

A tenant claims back a share of what it paid in a calendar year; the operator claims a share of a
contract. Rules are data, as the fund that pays has written them; contracts are registered, so that
nobody is subsidised twice for one.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from accounting.bills.invoice_lines import due_of, statement_lines
from accounting.bills.invoices import Receipt
from accounting.calendar import day_of
from accounting.money import FEN_PER_YUAN, amount_faults, divide_half_up, yuan_of_fen
from accounting.prices.rating import PERMILLE
from accounting.prices.vouchers import Reimbursement, operator_subsidy

MAX_FEN = 1_000_000_000_000 * FEN_PER_YUAN


class ClaimMode(StrEnum):
    """Who claims what: a tenant what it paid, or the operator a share of a contract."""

    REIMBURSEMENT = "reimburse_after_payment"
    OPERATOR = "operator_subsidy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """A contract with a tenant; `is_related` where it is a party related to the operator."""

    number: str
    tenant_id: str
    amount_fen: int
    district: str
    is_related: bool
    from_ms: int
    until_ms: int
    by: str
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimRule:
    """What an issuer pays of its budget `pool` for a calendar year; it never changes.

    `share_permille` of what was paid, or of the contract, from `min_fen` on; never more than
    `cap_fen` for a tenant, nor than `budget_fen` for all. It may be claimed in
    [`from_ms`, `until_ms`). Only what is in each of its lists that is not empty counts as paid.
    """

    id: str
    mode: ClaimMode
    issuer: str
    pool: str
    year: str
    budget_fen: int
    share_permille: int
    min_fen: int
    cap_fen: int
    bars_related: bool
    from_ms: int
    until_ms: int
    fields: tuple[str, ...]
    device_kind_ids: tuple[str, ...]
    centre_ids: tuple[str, ...]
    by: str
    at_ms: int

    def covers(self, line: Mapping[str, object]) -> bool:
        """Whether a line of a statement's JSON counts."""
        scopes = (
            (self.fields, "field"),
            (self.device_kind_ids, "device"),
            (self.centre_ids, "centre"),
        )
        return all(not words or line.get(name) in words for words, name in scopes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """So much was claimed by a rule, for a contract; once.

    `base_fen` is what counted as paid, or the contract's amount; `payments` are the receipts that
    counted. A subsidy of the operator is borne by city and district.
    """

    id: str
    rule_id: str
    tenant_id: str
    contract: str
    base_fen: int
    amount_fen: int
    city_fen: int
    district_fen: int
    payments: tuple[str, ...]
    by: str
    at_ms: int


class ClaimRefused(Exception):
    """It cannot be registered or claimed; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """What stands beside a claim: claims of the same rule, and who else pays for the contract.

    `voucher_id` is of a voucher for the contract, `other_claim_id` of a claim by another rule.
    """

    by_tenant_fen: int = 0
    of_pool_fen: int = 0
    voucher_id: str | None = None
    other_claim_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """How a claim comes out, step by step; fen.

    `counted` are receipts, with what of each counts.
    """

    base_fen: int
    share_fen: int
    cap_left_fen: int
    pool_left_fen: int
    counted: tuple[tuple[Receipt, int], ...] = ()

    @property
    def amount_fen(self) -> int:
        return max(0, min(self.share_fen, self.cap_left_fen, self.pool_left_fen))


def assess(
    rule: ClaimRule,
    contract: Contract,
    counted: tuple[tuple[Receipt, int], ...],
    claimed: Claimed,
    at_ms: int,
) -> Assessment:
    """What may be claimed now; raises `ClaimRefused` where nothing may."""
    for why in _bars(rule, contract, claimed, at_ms):
        raise ClaimRefused(f"rule {rule.id}, contract {contract.number}: {why}")
    is_operators = rule.mode is ClaimMode.OPERATOR
    base_fen = contract.amount_fen if is_operators else sum(fen for _, fen in counted)
    made = Assessment(
        base_fen=base_fen,
        share_fen=_share_fen(rule, base_fen),
        cap_left_fen=rule.cap_fen - claimed.by_tenant_fen,
        pool_left_fen=rule.budget_fen - claimed.of_pool_fen,
        counted=counted,
    )
    if base_fen < rule.min_fen:
        raise ClaimRefused(
            f"rule {rule.id} pays from {yuan_of_fen(rule.min_fen)} yuan on, and "
            f"{yuan_of_fen(base_fen)} count for tenant {contract.tenant_id} in {rule.year}"
        )
    if not made.amount_fen:
        raise ClaimRefused(
            f"rule {rule.id}: of its budget {yuan_of_fen(max(0, made.pool_left_fen))} yuan are "
            f"left, and {yuan_of_fen(max(0, made.cap_left_fen))} for tenant {contract.tenant_id}"
        )
    return made


def _share_fen(rule: ClaimRule, base_fen: int) -> int:
    if rule.mode is ClaimMode.OPERATOR:
        return operator_subsidy(base_fen, rule.share_permille).amount_fen
    formula = Reimbursement(
        issuer=rule.issuer,
        share_permille=rule.share_permille,
        min_paid_fen=rule.min_fen,
        cap_fen=rule.cap_fen,
    )
    return formula.claim_fen(base_fen)


def _bars(rule: ClaimRule, contract: Contract, claimed: Claimed, at_ms: int) -> Iterator[str]:
    if not rule.from_ms <= at_ms < rule.until_ms:
        yield f"it may be claimed from {day_of(rule.from_ms)} to {day_of(rule.until_ms - 1)}"
    if rule.bars_related and contract.is_related:
        yield f"tenant {contract.tenant_id} is a related party"
    if claimed.voucher_id is not None:
        yield f"voucher {claimed.voucher_id} is for it: no double subsidy"
    if claimed.other_claim_id is not None:
        yield f"claim {claimed.other_claim_id} is for it: no double subsidy"


def counted_of(
    rule: ClaimRule, receipts: Iterable[Receipt], bodies: Mapping[str, Mapping[str, Any]]
) -> tuple[tuple[Receipt, int], ...]:
    """Of each payment that came in the rule's year what counts: the part of what it covers.

    `bodies` are the tenant's closed statements by month.
    """
    found = []
    for receipt in receipts:
        if day_of(receipt.paid_at_ms)[:4] == rule.year:
            part_fen = _covered_fen(rule, receipt.amount_fen, bodies[receipt.month])
            if part_fen > 0:
                found.append((receipt, part_fen))
    return tuple(found)


def _covered_fen(rule: ClaimRule, amount_fen: int, body: Mapping[str, Any]) -> int:
    """What of a payment counts: of its part for usage, and of that for packages."""
    due = due_of(body)
    if sum(due) <= 0:
        return 0
    of_usage_fen = due.usage_fen + due.concessions_fen
    usage_fen = divide_half_up(amount_fen * of_usage_fen, sum(due))
    # Where more was given back than used, all that was paid is for packages.
    usage_fen = min(max(usage_fen, 0), amount_fen)
    sold = body["purchases"] if due.packages_fen else []
    return _part_covered(rule, usage_fen, [*statement_lines(body)]) + _part_covered(
        rule, amount_fen - usage_fen, sold
    )


def _part_covered(rule: ClaimRule, paid_fen: int, lines: Sequence[Mapping[str, Any]]) -> int:
    total = sum(line["amount_fen"] for line in lines)
    covered = sum(line["amount_fen"] for line in lines if rule.covers(line))
    # Where lines beside it are below zero, the covered ones come to more than was paid.
    return divide_half_up(paid_fen * min(covered, total), total) if total > 0 else 0


def halves(rule: ClaimRule, amount_fen: int) -> tuple[int, int]:
    """What city and district bear of the operator's subsidy; an odd fen is the city's."""
    if rule.mode is not ClaimMode.OPERATOR:
        return 0, 0
    both = operator_subsidy(amount_fen, PERMILLE)
    return both.city_fen, both.district_fen


def rule_faults(rule: ClaimRule) -> Iterator[str]:
    """What no rule may say."""
    if not 0 < rule.share_permille <= PERMILLE:
        yield f"it would pay {rule.share_permille} permille"
    if rule.from_ms >= rule.until_ms:
        yield "it ends before it begins"
    if not 0 < rule.cap_fen <= MAX_FEN or not 0 < rule.budget_fen <= MAX_FEN:
        yield "its cap and its budget are more than nothing"
    if rule.mode is ClaimMode.OPERATOR and _scopes(rule):
        yield "it pays for contracts as a whole: fields, devices and centres do not narrow it"


def _scopes(rule: ClaimRule) -> Collection[str]:
    return (*rule.fields, *rule.device_kind_ids, *rule.centre_ids)


def contract_faults(contract: Contract) -> Iterator[str]:
    """What no contract may say."""
    yield from amount_faults("amount", contract.amount_fen, MAX_FEN)
    if contract.from_ms >= contract.until_ms:
        yield "it ends before it begins"
