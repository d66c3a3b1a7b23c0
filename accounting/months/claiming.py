"""Contracts, rules and claims of subsidies in the books: registered, assessed, claimed once."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import chain, count
from typing import TypeVar

from sqlalchemy import Connection, select

from accounting.bills.claims import (
    Assessment,
    Claim,
    Claimed,
    ClaimMode,
    ClaimRefused,
    ClaimRule,
    Contract,
    assess,
    contract_faults,
    counted_of,
    halves,
    rule_faults,
)
from accounting.bills.invoices import Invoice, Receipt
from accounting.calendar import month_of
from accounting.months.billing import invoices, receipts
from accounting.months.closing import StoredStatement, statement
from accounting.storage.fact_store import alone, facts, keep, row_of
from accounting.storage.tables import StatementRow
from accounting.storage.voucher_store import balances

Kept = TypeVar("Kept", Contract, ClaimRule)


def register_contract(connection: Connection, wanted: Contract) -> Contract:
    """Keep a contract; the same again changes nothing. Raises `ClaimRefused`."""
    for fault in contract_faults(wanted):
        raise ClaimRefused(f"contract {wanted.number}: {fault}")
    known = contract(connection, wanted.number, is_writing=True)
    return _once(connection, known, wanted, f"contract {wanted.number}")


def publish_rule(connection: Connection, wanted: ClaimRule) -> ClaimRule:
    """Keep a rule; the same again changes nothing. Raises `ClaimRefused`."""
    for fault in rule_faults(wanted):
        raise ClaimRefused(f"rule {wanted.id}: {fault}")
    known = rule(connection, wanted.id, is_writing=True)
    return _once(connection, known, wanted, f"rule {wanted.id}")


def _once(connection: Connection, known: Kept | None, wanted: Kept, what: str) -> Kept:
    if known is None:
        keep(connection, wanted)
        return wanted
    if replace(wanted, by=known.by, at_ms=known.at_ms) != known:
        raise ClaimRefused(f"{what} is there already, and is another")
    return known


def contracts(connection: Connection, tenant_id: str | None = None) -> tuple[Contract, ...]:
    where = () if tenant_id is None else (row_of(Contract).tenant_id == tenant_id,)
    return facts(connection, Contract, *where)


def contract(connection: Connection, number: str, *, is_writing: bool = False) -> Contract | None:
    if is_writing:
        alone(connection, Contract)
    found = facts(connection, Contract, row_of(Contract).number == number)
    return found[0] if found else None


def rules(connection: Connection) -> tuple[ClaimRule, ...]:
    return facts(connection, ClaimRule)


def rule(connection: Connection, rule_id: str, *, is_writing: bool = False) -> ClaimRule | None:
    if is_writing:
        alone(connection, ClaimRule)
    found = facts(connection, ClaimRule, row_of(ClaimRule).id == rule_id)
    return found[0] if found else None


def claims(connection: Connection, tenant_id: str | None = None) -> tuple[Claim, ...]:
    where = () if tenant_id is None else (row_of(Claim).tenant_id == tenant_id,)
    return facts(connection, Claim, *where)


def claim(connection: Connection, claim_id: str) -> Claim | None:
    found = facts(connection, Claim, row_of(Claim).id == claim_id)
    return found[0] if found else None


def _own(by: ClaimRule, contract_: Contract, made: Iterable[Claim]) -> Claim | None:
    """A tenant claims once by a rule and so for its year, the operator once for a contract."""
    for one in made:
        is_same = (
            one.contract == contract_.number
            if by.mode is ClaimMode.OPERATOR
            else one.tenant_id == contract_.tenant_id
        )
        if one.rule_id == by.id and is_same:
            return one
    return None


def _new_id(by: ClaimRule, contract_: Contract, made: Iterable[Claim]) -> str:
    """`RULE.WHAT`, and a number behind it where names with dots have made it another's."""
    what = contract_.number if by.mode is ClaimMode.OPERATOR else contract_.tenant_id
    taken = {one.id for one in made}
    plain = f"{by.id}.{what}"
    numbered = (f"{plain}.{number}" for number in count(2))
    return next(name for name in chain([plain], numbered) if name not in taken)


def assessed(connection: Connection, by: ClaimRule, contract_: Contract, at_ms: int) -> Assessment:
    """What may be claimed now; raises `ClaimRefused`."""
    made = claims(connection)
    own = _own(by, contract_, made)
    others = [one for one in made if one.contract == contract_.number and one != own]
    of_contract = [
        one.voucher.id for one in balances(connection) if one.voucher.contract == contract_.number
    ]
    # One budget may pay by several rules.
    pools = {one.id for one in rules(connection) if _budget(one) == _budget(by)}
    beside = Claimed(
        by_tenant_fen=sum(
            one.amount_fen
            for one in made
            if one.rule_id == by.id and one.tenant_id == contract_.tenant_id
        ),
        of_pool_fen=sum(one.amount_fen for one in made if one.rule_id in pools),
        voucher_id=of_contract[0] if of_contract else None,
        other_claim_id=others[0].id if others else None,
    )
    gone = {reference for one in made if one != own for reference in one.payments}
    counted = tuple(
        one for one in _counted(connection, by, contract_.tenant_id) if one[0].reference not in gone
    )
    return assess(by, contract_, counted, beside, at_ms)


def _budget(by: ClaimRule) -> tuple[str, str, str]:
    return by.issuer, by.pool, by.year


def _counted(
    connection: Connection, by: ClaimRule, tenant_id: str
) -> tuple[tuple[Receipt, int], ...]:
    if by.mode is ClaimMode.OPERATOR:
        return ()
    paid = receipts(connection, tenant_id)
    months = sorted({one.month for one in paid})
    bodies = {month: json.loads(statement(connection, tenant_id, month).body) for month in months}
    return counted_of(by, paid, bodies)


def make_claim(connection: Connection, by: ClaimRule, contract_: Contract, said: Claim) -> Claim:
    """Claim what may be claimed now, once; again, it is what was claimed. Raises `ClaimRefused`.

    `said` has by whom and when; its figures follow.
    """
    alone(connection, Claim)
    made_before = claims(connection)
    known = _own(by, contract_, made_before)
    if known is not None:
        if known.contract != contract_.number:
            raise ClaimRefused(f"claim {known.id} is made already, for contract {known.contract}")
        return known
    assessment = assessed(connection, by, contract_, said.at_ms)
    city_fen, district_fen = halves(by, assessment.amount_fen)
    made = replace(
        said,
        id=_new_id(by, contract_, made_before),
        rule_id=by.id,
        tenant_id=contract_.tenant_id,
        contract=contract_.number,
        base_fen=assessment.base_fen,
        amount_fen=assessment.amount_fen,
        city_fen=city_fen,
        district_fen=district_fen,
        payments=tuple(receipt.reference for receipt, _ in assessment.counted),
    )
    keep(connection, made)
    return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """All that a claim rests on, as it was when it was made."""

    claim: Claim
    rule: ClaimRule
    contract: Contract
    counted: tuple[tuple[Receipt, int], ...]
    invoices: tuple[Invoice, ...]
    statements: tuple[StoredStatement, ...]


def basis_of(connection: Connection, made: Claim) -> Basis:
    """What a claim rests on: payments that counted, the statements that they paid, their invoices.

    Of the operator it is the statements of the contract's months that were closed.
    """
    by, of = rule(connection, made.rule_id), contract(connection, made.contract)
    assert by is not None, f"claim {made.id} is by a rule"
    assert of is not None, f"claim {made.id} is for a contract"
    counted = tuple(
        one for one in _counted(connection, by, of.tenant_id) if one[0].reference in made.payments
    )
    months = {one.month for one, _ in counted} or _months(connection, of, made.at_ms)
    return Basis(
        claim=made,
        rule=by,
        contract=of,
        counted=counted,
        invoices=tuple(
            _until(one, made.at_ms)
            for one in invoices(connection, of.tenant_id)
            if one.request.month in months and one.request.at_ms <= made.at_ms
        ),
        statements=tuple(statement(connection, of.tenant_id, month) for month in sorted(months)),
    )


def _until(one: Invoice, at_ms: int) -> Invoice:
    """An invoice as it stood at a moment."""
    return Invoice(
        request=one.request,
        steps=tuple(step for step in one.steps if step.at_ms <= at_ms),
        receipts=tuple(paid for paid in one.receipts if paid.at_ms <= at_ms),
    )


def _months(connection: Connection, of: Contract, at_ms: int) -> set[str]:
    """The months of a contract that its tenant had closed statements of."""
    first, last = month_of(of.from_ms), month_of(of.until_ms - 1)
    rows = select(StatementRow.month).where(
        StatementRow.tenant_id == of.tenant_id,
        StatementRow.month >= first,
        StatementRow.month <= last,
        StatementRow.closed_at_ms <= at_ms,
    )
    return {*connection.scalars(rows)}
