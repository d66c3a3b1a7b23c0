"""Who owes: tenants whose balance is below zero."""

from collections.abc import Mapping

from sqlalchemy import Connection, select

from accounting.ledger import available_account
from accounting.storage.tables import BalanceRow


def overdrafts(connection: Connection) -> Mapping[str, int]:
    """By how much each of them is below zero, in micro-yuan, by tenant."""
    below = select(BalanceRow.tenant_id, BalanceRow.account, BalanceRow.amount_micros)
    rows = connection.execute(below.where(BalanceRow.amount_micros < 0)).all()
    found = {
        tenant: -micros for tenant, account, micros in rows if account == available_account(tenant)
    }
    return dict(sorted(found.items()))
