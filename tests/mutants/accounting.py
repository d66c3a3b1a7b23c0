"""Deliberate bugs in `accounting/`, one a line."""

from tests.mutants.mutant import Mutant

# fmt: off
MUTANTS = [
    Mutant("accounting/calendar.py", "timedelta(hours=8)", "timedelta(hours=0)", "tests/unit/accounting/test_calendar.py"),
    Mutant("accounting/calendar.py", "(at_ms + _OFFSET_MS) // _DAY_MS", "at_ms // _DAY_MS", "tests/unit/accounting/test_calendar.py"),
    Mutant("accounting/calendar.py", "while edge < to_ms:", "while edge <= to_ms:", "tests/unit/accounting/test_calendar.py"),
    Mutant("accounting/money.py", "(2 * abs(dividend) + divisor)", "(2 * abs(dividend))", "tests/unit/accounting/test_money.py"),
    Mutant("accounting/prices/rating.py", "if price_list.from_ms <= at_ms:", "if price_list.from_ms < at_ms:", "tests/unit/accounting/prices/test_rating.py"),
    Mutant("accounting/prices/rating.py", "price_list.from_ms <= self.lists[-1].from_ms", "price_list.from_ms < self.lists[-1].from_ms", "tests/unit/accounting/prices/test_rating.py"),
    Mutant("accounting/ledger.py", 'reference=f"{attempt_id}@{from_ms}"', "reference=attempt_id", "tests/unit/accounting/test_ledger.py"),
    Mutant("accounting/bills/statement.py", "gross_fen[line.vat_permille] += line.amount_fen", "gross_fen[60] += line.amount_fen", "tests/unit/accounting/bills/test_statement.py"),
    Mutant("accounting/storage/hours.py", "begin = func.greatest(UsageRow.from_ms, from_ms)", "begin = UsageRow.from_ms", "tests/unit/accounting/test_accounting_store.py -k window"),
    Mutant("accounting/storage/store.py", "*_quantities(from_ms, to_ms, -1)", "*_quantities(from_ms, to_ms, 1)", "tests/unit/accounting/test_accounting_store.py -k credits"),
    Mutant("accounting/storage/hours.py", '    "price_micros",\n', "", "tests/unit/accounting/test_accounting_store.py -k lines"),
    Mutant("accounting/storage/store.py", "sums.outerjoin(PriceListRow, priced)", "sums.join(PriceListRow, priced)", "tests/unit/accounting/test_accounting_store.py -k lunch"),
    Mutant("accounting/storage/store.py", "CASE WHEN is_called THEN last_value ELSE 0 END", "last_value", "tests/unit/accounting/months/test_closing.py -k empty"),
    Mutant("accounting/storage/store.py", "        savepoint.rollback()\n", "", "tests/unit/accounting/months/test_closing.py -k others"),
    Mutant("accounting/storage/store.py", 'connection.execute(text("LOCK TABLE chain_heads IN SHARE MODE"))', "pass", "tests/unit/accounting/months/test_closing.py -k waits"),
    Mutant("accounting/storage/store.py", "*within(UsageRow.seq, None, through_seq))\n    for", ")\n    for", "tests/unit/accounting/test_accounting_store.py -k moment"),
    Mutant("accounting/storage/store.py", "*within(CREDITED_SEQ, None, through_seq))\n    for", ")\n    for", "tests/unit/accounting/test_accounting_store.py -k moment"),
    Mutant("accounting/storage/store.py", "_PLACE = (UsageRow.from_ms, UsageRow.reference)", "_PLACE = (UsageRow.from_ms, UsageRow.from_ms)", "tests/unit/accounting/test_accounting_store.py -k pages"),
    Mutant("api/migrations/versions/0006_balances.py", "balances.amount_micros + EXCLUDED.amount_micros", "EXCLUDED.amount_micros", "tests/unit/accounting/test_accounting_store.py -k hold"),
    Mutant("api/migrations/versions/0006_balances.py", "    op.execute(BACKFILL)\n", "", "tests/unit/api/test_database.py -k before"),
    Mutant("accounting/storage/store.py", "totals = totals.where(BalanceRow.tenant_id == tenant_id)", "pass", "tests/unit/accounting/test_accounting_store.py -k hold"),
    Mutant("accounting/months/closing.py", "after_seq=None if last is None else last.through_seq,", "after_seq=None,", "tests/unit/accounting/months/test_closing.py"),
    Mutant("accounting/months/closing.py", "next_month(last.month) != month:\n        return Scope()", "next_month(last.month) > month:\n        return Scope()", "tests/unit/accounting/months/test_closing.py -k open"),
    Mutant("accounting/exports/sheet.py", '"=", "+", "-", "@"', '"=", "+", "@"', "tests/unit/accounting/exports/test_export.py -k spreadsheet"),
    Mutant("accounting/exports/export.py", "total.add(usage, charge.sign)", "total.add(usage, 1)", "tests/unit/accounting/exports/test_export.py -k total"),
    Mutant("accounting/usage/waterfall.py", "self.stated - self.maintenance", "self.stated", "tests/unit/accounting/usage/test_waterfall.py"),
    Mutant("accounting/usage/waterfall.py", "            return int(unit_of(tflops) is Unit.CARD)", "            return tflops", "tests/unit/accounting/usage/test_waterfall.py"),
    Mutant("accounting/usage/waterfall.py", "min(step.reserved_cards, schedulable_cards - allocated_cards)", "step.reserved_cards", "tests/unit/accounting/usage/test_waterfall.py"),
    Mutant("accounting/usage/waterfall.py", "- self.allocated - self.reserved", "- self.allocated", "tests/unit/accounting/usage/test_waterfall.py"),
    Mutant("accounting/usage/waterfall.py", "minute_ms = -(-from_ms // MINUTE_MS) * MINUTE_MS", "minute_ms = from_ms", "tests/unit/accounting/usage/test_waterfall.py"),
    Mutant("accounting/usage/waterfall.py", "bisect_left(edges, end_ms)", "bisect_right(edges, end_ms)", "tests/unit/accounting/usage/test_waterfall.py"),
    Mutant("accounting/storage/hours.py", "used = used.where(UsageHourRow.tenant_id == tenant_id)", "pass", "tests/unit/accounting/storage/test_hours.py"),
]
