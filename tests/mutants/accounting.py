"""Deliberate bugs in `accounting/`, one a line."""

from tests.mutants.mutant import Mutant

# fmt: off
MUTANTS = [
    Mutant("accounting/calendar.py", "timedelta(hours=8)", "timedelta(hours=0)", "tests/unit/test_calendar.py"),
    Mutant("accounting/calendar.py", "(at_ms + _OFFSET_MS) // _DAY_MS", "at_ms // _DAY_MS", "tests/unit/test_calendar.py"),
    Mutant("accounting/calendar.py", "while edge < to_ms:", "while edge <= to_ms:", "tests/unit/test_calendar.py"),
    Mutant("accounting/money.py", "(2 * abs(dividend) + divisor)", "(2 * abs(dividend))", "tests/unit/test_money.py"),
    Mutant("accounting/rating.py", "if price_list.from_ms <= at_ms:", "if price_list.from_ms < at_ms:", "tests/unit/test_rating.py"),
    Mutant("accounting/rating.py", "price_list.from_ms <= self.lists[-1].from_ms", "price_list.from_ms < self.lists[-1].from_ms", "tests/unit/test_rating.py"),
    Mutant("accounting/ledger.py", 'reference=f"{attempt_id}@{from_ms}"', "reference=attempt_id", "tests/unit/test_ledger.py"),
    Mutant("accounting/statement.py", "gross_fen[line.vat_permille] += line.amount_fen", "gross_fen[60] += line.amount_fen", "tests/unit/test_statement.py"),
    Mutant("accounting/hours.py", "begin = func.greatest(UsageRow.from_ms, from_ms)", "begin = UsageRow.from_ms", "tests/unit/test_accounting_store.py -k window"),
    Mutant("accounting/store.py", "*_quantities(from_ms, to_ms, -1)", "*_quantities(from_ms, to_ms, 1)", "tests/unit/test_accounting_store.py -k credits"),
    Mutant("accounting/hours.py", '    "price_micros",\n', "", "tests/unit/test_accounting_store.py -k lines"),
    Mutant("accounting/store.py", "sums.outerjoin(PriceListRow, priced)", "sums.join(PriceListRow, priced)", "tests/unit/test_accounting_store.py -k lunch"),
    Mutant("accounting/store.py", "CASE WHEN is_called THEN last_value ELSE 0 END", "last_value", "tests/unit/test_closing.py -k empty"),
    Mutant("accounting/store.py", "        savepoint.rollback()\n", "", "tests/unit/test_closing.py -k others"),
    Mutant("accounting/store.py", 'connection.execute(text("LOCK TABLE chain_heads IN SHARE MODE"))', "pass", "tests/unit/test_closing.py -k waits"),
    Mutant("accounting/store.py", "*within(UsageRow.seq, None, through_seq))\n    for", ")\n    for", "tests/unit/test_accounting_store.py -k moment"),
    Mutant("accounting/store.py", "*within(CREDITED_SEQ, None, through_seq))\n    for", ")\n    for", "tests/unit/test_accounting_store.py -k moment"),
    Mutant("accounting/store.py", "_PLACE = (UsageRow.from_ms, UsageRow.reference)", "_PLACE = (UsageRow.from_ms, UsageRow.from_ms)", "tests/unit/test_accounting_store.py -k pages"),
    Mutant("api/migrations/versions/0006_balances.py", "balances.amount_micros + EXCLUDED.amount_micros", "EXCLUDED.amount_micros", "tests/unit/test_accounting_store.py -k hold"),
    Mutant("api/migrations/versions/0006_balances.py", "    op.execute(BACKFILL)\n", "", "tests/unit/test_database.py -k before"),
    Mutant("accounting/store.py", "totals = totals.where(BalanceRow.tenant_id == tenant_id)", "pass", "tests/unit/test_accounting_store.py -k hold"),
    Mutant("accounting/closing.py", "after_seq=None if last is None else last.through_seq,", "after_seq=None,", "tests/unit/test_closing.py"),
    Mutant("accounting/closing.py", "next_month(last.month) != month:\n        return Scope()", "next_month(last.month) > month:\n        return Scope()", "tests/unit/test_closing.py -k open"),
    Mutant("accounting/sheet.py", '"=", "+", "-", "@"', '"=", "+", "@"', "tests/unit/test_export.py -k spreadsheet"),
    Mutant("accounting/export.py", "total.add(usage, charge.sign)", "total.add(usage, 1)", "tests/unit/test_export.py -k total"),
    Mutant("accounting/waterfall.py", "self.stated - self.maintenance", "self.stated", "tests/unit/test_waterfall.py"),
    Mutant("accounting/waterfall.py", "            return int(unit_of(tflops) is Unit.CARD)", "            return tflops", "tests/unit/test_waterfall.py"),
    Mutant("accounting/waterfall.py", "min(step.reserved_cards, schedulable_cards - allocated_cards)", "step.reserved_cards", "tests/unit/test_waterfall.py"),
    Mutant("accounting/waterfall.py", "- self.allocated - self.reserved", "- self.allocated", "tests/unit/test_waterfall.py"),
    Mutant("accounting/waterfall.py", "minute_ms = -(-from_ms // MINUTE_MS) * MINUTE_MS", "minute_ms = from_ms", "tests/unit/test_waterfall.py"),
    Mutant("accounting/waterfall.py", "bisect_left(edges, end_ms)", "bisect_right(edges, end_ms)", "tests/unit/test_waterfall.py"),
    Mutant("accounting/hours.py", "used = used.where(UsageHourRow.tenant_id == tenant_id)", "pass", "tests/unit/test_hours.py"),
]
