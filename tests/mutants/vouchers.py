"""Deliberate bugs in vouchers, one a line."""

from tests.mutants.mutant import Mutant

_PURE = "tests/unit/accounting/prices/test_vouchers.py"
_STORE = "tests/unit/accounting/storage/test_voucher_store.py"
_METER = "tests/unit/scheduler/facts/test_metering.py"
_API = "tests/acceptance/test_api_vouchers.py"

# fmt: off
MUTANTS = [
    Mutant("accounting/months/billed.py", "vouchers = balances(connection, tenant_id), payments(connection, tenant_id)", "vouchers = [(), ()]", "tests/unit/accounting/months/test_billed.py"),
    Mutant("accounting/months/closing.py", "[one for one in left if one.voucher.tenant_id == made.tenant_id]", "[*left]", "tests/unit/accounting/months/test_billed.py -k no_other"),
    Mutant("accounting/prices/vouchers.py", "_allows(self.fields, line.field)", "True", _PURE),
    Mutant("accounting/prices/vouchers.py", "_allows(self.centre_ids, line.centre_id)", "True", _PURE),
    Mutant("accounting/prices/vouchers.py", "_allows(self.device_kind_ids, line.device_kind_id)", "True", _PURE),
    Mutant("accounting/prices/vouchers.py", "return voucher.breadth, voucher.until_ms,", "return voucher.until_ms, voucher.breadth,", _PURE),
    Mutant("accounting/prices/vouchers.py", "voucher.until_ms, balance.left_fen,", "balance.left_fen, voucher.until_ms,", _PURE),
    Mutant("accounting/prices/vouchers.py", "balance.left_fen, voucher.id\n", "voucher.id\n", _PURE),
    Mutant("accounting/prices/vouchers.py", "min(balance.left_fen, share_fen, uncovered_fen, gross_fen)", "min(balance.left_fen, share_fen, uncovered_fen)", _PURE),
    Mutant("accounting/prices/vouchers.py", "amount_fen = min(balance.left_fen, share_fen,", "amount_fen = min(share_fen,", _PURE),
    Mutant("accounting/prices/vouchers.py", "= min(balance.left_fen, share_fen, uncovered_fen,", "= min(balance.left_fen, uncovered_fen,", _PURE),
    Mutant("accounting/prices/vouchers.py", "            _pay(open_fen, covered, amount_fen)\n", "", _PURE),
    Mutant("accounting/prices/vouchers.py", "voucher.from_ms <= at_ms < voucher.until_ms", "voucher.from_ms <= at_ms <= voucher.until_ms", _PURE),
    Mutant("accounting/prices/vouchers.py", "voucher.share_permille // PERMILLE", "voucher.share_permille // PERMILLE + 1", _PURE),
    Mutant("accounting/prices/vouchers.py", "            gross_fen -= amount_fen\n", "", _PURE),
    Mutant("accounting/prices/vouchers.py", "paid_fen.pop(one.voucher, 0)", "paid_fen.get(one.voucher, 0)", _PURE),
    Mutant("accounting/prices/vouchers.py", "in reversed(paid_fen.items())", "in paid_fen.items()", _PURE),
    Mutant("accounting/prices/vouchers.py", "            owed_fen -= amount_fen\n", "", _PURE),
    Mutant("accounting/prices/vouchers.py", "    if gross_fen < 0:\n", "    if False:\n", _PURE),
    Mutant("accounting/prices/vouchers.py", "if paid_fen < self.min_paid_fen:", "if paid_fen <= self.min_paid_fen:", _PURE),
    Mutant("accounting/prices/vouchers.py", "min(self.cap_fen, divide_half_up(paid_fen", "max(0, divide_half_up(paid_fen", _PURE),
    Mutant("accounting/prices/vouchers.py", "district_fen = amount_fen // 2", "district_fen = amount_fen - amount_fen // 2", _PURE),
    Mutant("accounting/storage/voucher_store.py", "(VoucherEntryRow.kind == EntryKind.BURNT.value, -1), else_=1", "(VoucherEntryRow.kind == EntryKind.BURNT.value, -1), else_=-1", _STORE),
    Mutant("accounting/storage/voucher_store.py", "        rows = rows.where(VoucherRow.tenant_id == tenant_id)\n", "        pass\n", _STORE),
    Mutant("accounting/storage/voucher_store.py", "    book(connection, [], [], [issued])\n", "", _STORE),
    Mutant("accounting/months/closing.py", "    vouchers.keep_entries(connection, entries, others)\n", "", _STORE),
    Mutant("accounting/months/closing.py", "settled(connection, made) if made.state is StatementState.DRAFT else made", "made", _STORE),
    Mutant("accounting/proof/verifying.py", '            _facts(connection, _of(VoucherRow, chain, span), Voucher, "vouchers"),\n', "", _STORE),
    Mutant("accounting/proof/verifying.py", '            _facts(connection, _of(VoucherEntryRow, chain, span), VoucherEntry, "voucher_entries"),\n', "", _STORE),
    Mutant("scheduler/facts/metering.py", "    if amount_micros > 0:\n        return ledger.burn_voucher", "    if True:\n        return ledger.burn_voucher", _METER),
    Mutant("api/closing.py", "    put_requests(connection, _voucher_payments(connection, month, now_ms), now_ms)\n", "", _API),
    Mutant("api/routes/vouchers.py", "balances(connection, caller.narrowed(tenant))", "balances(connection, tenant)", _API),
    Mutant("api/routes/vouchers.py", "        if known.voucher.contract == voucher.contract:\n", "        if False:\n", _API),
    Mutant("api/routes/vouchers.py", "            if word not in names:\n", "            if False:\n", _API),
    Mutant("accounting/prices/vouchers.py", "replace(line.emptied(), cause=None)", "line", _PURE),
    Mutant("accounting/months/closing.py", "(*made.lines, *made.credits),", "made.lines,", _STORE),
    Mutant("accounting/exports/export.py", "    yield from _paid_rows(statement, total)\n", "", "tests/unit/accounting/exports/test_export.py"),
    Mutant("accounting/exports/export.py", "yuan_of_fen(-fen)", "yuan_of_fen(fen)", "tests/unit/accounting/exports/test_export.py"),
]
