"""The ledger: append-only transfers between accounts, so that all accounts sum to zero.

Money is held in two phases: a launch sets aside what it may cost at most, what was used is posted
out of that, and the rest is released once. Where the hold does not suffice it is extended first.
What would move nothing is no transfer: callers leave it out.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum


class TransferKind(StrEnum):
    """Why money moved."""

    TOP_UP = "top_up"
    HOLD = "hold"
    EXTEND = "extend"
    POST = "post"
    RELEASE = "release"
    CREDIT = "credit"
    PURCHASE = "purchase"
    VOUCHER_ISSUED = "voucher_issued"
    VOUCHER_BURNT = "voucher_burnt"
    VOUCHER_RETURNED = "voucher_returned"
    CONCESSION = "concession"
    TAX = "tax"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """`amount_micros` > 0 from one account to another; unique by (`kind`, `reference`)."""

    kind: TransferKind
    reference: str
    tenant_id: str
    debit_account: str
    credit_account: str
    amount_micros: int
    at_ms: int


def available_account(tenant_id: str) -> str:
    """What a tenant may still commit."""
    return f"tenant:{tenant_id}:available"


def held_account(tenant_id: str) -> str:
    """What is set aside for a tenant's running work."""
    return f"tenant:{tenant_id}:held"


def income_account(centre_id: str) -> str:
    """What was earned with a centre's machines."""
    return f"income:{centre_id}"


def voucher_account(tenant_id: str, voucher_id: str) -> str:
    """What is left of a voucher."""
    return f"tenant:{tenant_id}:voucher:{voucher_id}"


def subsidy_account(issuer: str) -> str:
    """What an issuer of vouchers owes for those that it issued."""
    return f"subsidy_receivable:{issuer}"


PREPAID_ACCOUNT = "prepaid"
"""What was paid for packages, whichever centre works it off."""

CONCESSIONS_ACCOUNT = "concessions"
"""What was granted in disputes: the operator's, and taken off its income."""

TAX_ACCOUNT = "tax"
"""The tax that closed statements state: owed to the tax office, and no income."""

PAID_IN_ACCOUNT = "paid_in"
"""Where top-ups come from: the outside."""


def top_up(tenant_id: str, amount_micros: int, reference: str, at_ms: int) -> Transfer:
    """A tenant paid in; `reference` is the payment's own number, unique for ever."""
    return Transfer(
        kind=TransferKind.TOP_UP,
        reference=reference,
        tenant_id=tenant_id,
        debit_account=PAID_IN_ACCOUNT,
        credit_account=available_account(tenant_id),
        amount_micros=_positive(amount_micros),
        at_ms=at_ms,
    )


def hold(tenant_id: str, attempt_id: str, amount_micros: int, at_ms: int) -> Transfer:
    """Set aside what an attempt may cost at most; once for each attempt."""
    return Transfer(
        kind=TransferKind.HOLD,
        reference=attempt_id,
        tenant_id=tenant_id,
        debit_account=available_account(tenant_id),
        credit_account=held_account(tenant_id),
        amount_micros=_positive(amount_micros),
        at_ms=at_ms,
    )


def extend(
    tenant_id: str, attempt_id: str, number: int, amount_micros: int, at_ms: int
) -> Transfer:
    """Set aside more for an attempt that goes on beyond its hold; once for each `number`."""
    return replace(
        hold(tenant_id, attempt_id, amount_micros, at_ms),
        kind=TransferKind.EXTEND,
        reference=f"{attempt_id}+{number}",
    )


def post(
    tenant_id: str,
    centre_id: str,
    attempt_id: str,
    from_ms: int,
    amount_micros: int,
    at_ms: int,
) -> Transfer:
    """Take the charge of the slice that begins at `from_ms` out of the attempt's hold."""
    return Transfer(
        kind=TransferKind.POST,
        reference=f"{attempt_id}@{from_ms}",
        tenant_id=tenant_id,
        debit_account=held_account(tenant_id),
        credit_account=income_account(centre_id),
        amount_micros=_positive(amount_micros),
        at_ms=at_ms,
    )


def release(tenant_id: str, attempt_id: str, amount_micros: int, at_ms: int) -> Transfer:
    """Give back what is left of an attempt's hold; once for each attempt."""
    return Transfer(
        kind=TransferKind.RELEASE,
        reference=attempt_id,
        tenant_id=tenant_id,
        debit_account=held_account(tenant_id),
        credit_account=available_account(tenant_id),
        amount_micros=_positive(amount_micros),
        at_ms=at_ms,
    )


def credit(
    tenant_id: str, centre_id: str, attempt_id: str, amount_micros: int, at_ms: int
) -> Transfer:
    """Give posted amounts back: the park's own fault ended the attempt; once for each attempt."""
    return Transfer(
        kind=TransferKind.CREDIT,
        reference=attempt_id,
        tenant_id=tenant_id,
        debit_account=income_account(centre_id),
        credit_account=available_account(tenant_id),
        amount_micros=_positive(amount_micros),
        at_ms=at_ms,
    )


def purchase(tenant_id: str, package_id: str, amount_micros: int, at_ms: int) -> Transfer:
    """A tenant pays for a package; once for each package."""
    return Transfer(
        kind=TransferKind.PURCHASE,
        reference=package_id,
        tenant_id=tenant_id,
        debit_account=available_account(tenant_id),
        credit_account=PREPAID_ACCOUNT,
        amount_micros=_positive(amount_micros),
        at_ms=at_ms,
    )


def concede(tenant_id: str, concession_id: str, amount_micros: int, at_ms: int) -> Transfer:
    """A tenant has back what a decision about its dispute grants; once for each decision."""
    return Transfer(
        kind=TransferKind.CONCESSION,
        reference=concession_id,
        tenant_id=tenant_id,
        debit_account=CONCESSIONS_ACCOUNT,
        credit_account=available_account(tenant_id),
        amount_micros=_positive(amount_micros),
        at_ms=at_ms,
    )


def move_tax(tenant_id: str, month: str, account: str, amount_micros: int, at_ms: int) -> Transfer:
    """So much in an account is tax, a closed statement states; below zero: was, and is back.

    Once for each statement and account.
    """
    accounts = (account, TAX_ACCOUNT) if amount_micros > 0 else (TAX_ACCOUNT, account)
    return Transfer(
        kind=TransferKind.TAX,
        reference=f"{tenant_id}@{month}:{account}",
        tenant_id=tenant_id,
        debit_account=accounts[0],
        credit_account=accounts[1],
        amount_micros=_positive(abs(amount_micros)),
        at_ms=at_ms,
    )


def issue_voucher(
    tenant_id: str, voucher_id: str, issuer: str, amount_micros: int, at_ms: int
) -> Transfer:
    """An issuer stands for so much of what a tenant will use; once for each voucher."""
    return Transfer(
        kind=TransferKind.VOUCHER_ISSUED,
        reference=voucher_id,
        tenant_id=tenant_id,
        debit_account=subsidy_account(issuer),
        credit_account=voucher_account(tenant_id, voucher_id),
        amount_micros=_positive(amount_micros),
        at_ms=at_ms,
    )


def burn_voucher(
    tenant_id: str, voucher_id: str, month: str, amount_micros: int, at_ms: int
) -> Transfer:
    """A month's statement was paid by a voucher: its tenant has the money back."""
    return Transfer(
        kind=TransferKind.VOUCHER_BURNT,
        reference=f"{voucher_id}@{month}",
        tenant_id=tenant_id,
        debit_account=voucher_account(tenant_id, voucher_id),
        credit_account=available_account(tenant_id),
        amount_micros=_positive(amount_micros),
        at_ms=at_ms,
    )


def return_voucher(
    tenant_id: str, voucher_id: str, month: str, amount_micros: int, at_ms: int
) -> Transfer:
    """What a voucher had paid was given back to the tenant: it goes back to the voucher."""
    paid = burn_voucher(tenant_id, voucher_id, month, amount_micros, at_ms)
    return replace(
        paid,
        kind=TransferKind.VOUCHER_RETURNED,
        debit_account=paid.credit_account,
        credit_account=paid.debit_account,
    )


def balances(transfers: Iterable[Transfer]) -> Mapping[str, int]:
    """What each account holds, in micro-yuan; all together they are zero."""
    micros_by_account: defaultdict[str, int] = defaultdict(int)
    for transfer in transfers:
        micros_by_account[transfer.debit_account] -= transfer.amount_micros
        micros_by_account[transfer.credit_account] += transfer.amount_micros
    assert sum(micros_by_account.values()) == 0, "the accounts do not sum to zero"
    return dict(micros_by_account)


def _positive(amount_micros: int) -> int:
    assert amount_micros > 0, f"a transfer moves more than nothing, not {amount_micros}"
    return amount_micros
