"""Deliberate bugs in how tax leaves income, one a line."""

from tests.mutants.mutant import Mutant

_TAXES = "tests/unit/accounting/bills/test_taxes.py"
_API = "tests/acceptance/test_api_bills.py"

# fmt: off
MUTANTS = [
    Mutant("accounting/bills/taxes.py", "        before_fen = split_tax(reached_fen[rate], rate).tax_fen\n        reached_fen[rate] += fen\n", "        before_fen = 0\n        reached_fen[rate] = fen\n", f"{_TAXES} -k 'add_up or adds'"),
    Mutant("accounting/bills/taxes.py", "    for (rate, centre_id), fen in sorted(gross_fen.items()):\n", "    for (rate, centre_id), fen in [((60, one), fen) for (_, one), fen in sorted(gross_fen.items())]:\n", f"{_TAXES} -k rate_is"),
    Mutant("accounting/bills/taxes.py", 'totals.get("purchases_tax_fen", 0)', "0", f"{_TAXES} -k own"),
    Mutant("accounting/bills/taxes.py", 'totals.get("concessions_tax_fen", 0)', "0", f"{_TAXES} -k own"),
    Mutant("accounting/bills/taxes.py", "        if tax_fen\n", "", f"{_TAXES} -k nothing"),
    Mutant("accounting/ledger.py", "(account, TAX_ACCOUNT) if amount_micros > 0 else (TAX_ACCOUNT, account)", "(account, TAX_ACCOUNT)", f"{_TAXES} -k bought"),
    Mutant("accounting/storage/transfers.py", ".where(TransferRow.kind == kind)", "", _TAXES),
    Mutant("accounting/storage/tax_store.py", "        if reference not in stated:\n", "        if reference not in stated and not moved:\n", f"{_TAXES} -k otherwise"),
    Mutant("accounting/storage/tax_store.py", "        elif transfer != stated[reference][1]:\n", "        elif False:\n", f"{_TAXES} -k otherwise"),
    Mutant("accounting/storage/tax_store.py", "if reference not in moved and keys and min(keys) <= key <= max(keys):", "if False:", f"{_TAXES} -k left_out"),
    Mutant("accounting/storage/tax_store.py", "if reference not in moved and keys and min(keys) <= key <= max(keys):", "if reference not in moved:", f"{_TAXES} -k earlier"),
    Mutant("accounting/storage/tax_store.py", "        if sha256_of(row.body) != row.sha256:\n            continue\n", "", f"{_TAXES} -k states_no"),
    Mutant("accounting/proof/verifying.py", "    for row, what in tax_store.unfit(connection):\n", "    for row, what in ():\n", f"{_TAXES} -k otherwise"),
    Mutant("scheduler/facts/purses.py", '        if event.reference in self.references:\n            return f"the tax', '        if False:\n            return f"the tax', f"{_TAXES} -k leads"),
    Mutant("scheduler/facts/purses.py", '        if event.tenant_id not in self.funds:\n            return f"there is no tenant {event.tenant_id}"\n        if event.reference', "        if event.reference", f"{_TAXES} -k nobody_knows"),
    Mutant("api/closing.py", "    put_requests(connection, _taxes(book), now_ms)\n", "", f"{_TAXES} -k leaves"),
    Mutant("api/closing.py", "            at_ms=book.closed_at_ms,\n", "            at_ms=0,\n", f"{_TAXES} -k 'leaves or nothing_more'"),
    Mutant("api/closing.py", "        if wish.parts:\n", "        if True:\n", f"{_TAXES} -k without"),
    Mutant("scheduler/storage/rows.py", "            case ev.Credited() | ev.TaxStated() | ev.Overdrawn()", "            case ev.Credited() | ev.Overdrawn()", f"{_API} -k 'leader_moves or disputes'"),
]
