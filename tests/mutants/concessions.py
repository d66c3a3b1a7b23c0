"""Deliberate bugs in what finance grants in disputes, one a line."""

from tests.mutants.mutant import Mutant

_CONCESSIONS = "tests/unit/accounting/bills/test_concessions.py tests/unit/accounting/test_concession_limits.py"
_INVOICES = "tests/unit/accounting/bills/test_invoices.py"
_API = "tests/acceptance/test_api_bills.py -k 'disputes or granted'"

# fmt: off
MUTANTS = [
    Mutant("accounting/bills/concessions.py", "left_fen = min(disputed_fen - of_lines, due_fen", "left_fen = min(1 << 60, due_fen", f"{_CONCESSIONS} -k 'never or anew'"),
    Mutant("accounting/bills/concessions.py", "due_fen - sum(one.amount_fen for one in known))", "1 << 60)", f"{_CONCESSIONS} -k vouchers"),
    Mutant("accounting/bills/concessions.py", "    if not 0 < amount_fen <= left_fen:\n", "    if not amount_fen <= left_fen:\n", f"{_CONCESSIONS} -k nothing"),
    Mutant("accounting/bills/concessions.py", "decision.kind not in DECISIONS - {ReplyKind.REJECTED}", "decision.kind not in DECISIONS", f"{_CONCESSIONS} -k rejected"),
    Mutant("accounting/bills/concessions.py", "for one in known if one.is_about(lines))", "for one in ())", f"{_CONCESSIONS} -k twice"),
    Mutant("accounting/bills/concessions.py", "return not lines or not self.lines or bool({*lines} & {*self.lines})", "return self.lines == tuple(lines)", f"{_CONCESSIONS} -k twice"),
    Mutant("accounting/bills/concessions.py", "fens = divided(weights, amount_fen, sum(weights))", "fens = [amount_fen, *[0] * len(rates)][: len(rates)]", f"{_CONCESSIONS} -k rates"),
    Mutant("accounting/bills/concessions.py", "sorted(rate for rate, fen in by_rate.items() if fen > 0)", "sorted(by_rate)", f"{_CONCESSIONS} -k rate"),
    Mutant("accounting/bills/concessions.py", "for number, row in numbered if not lines or number in lines]", "for number, row in numbered]", f"{_CONCESSIONS} -k never"),
    Mutant("accounting/bills/concessions.py", "for row in (*beside, *since) if", "for row in since if", f"{_CONCESSIONS} -k back"),
    Mutant("accounting/bills/concessions.py", "for row in (*beside, *since) if", "for row in beside if", f"{_CONCESSIONS} -k back"),
    Mutant("accounting/bills/concessions.py", "(row for row in back if _usage_of(row, body) in usage)", "back", f"{_CONCESSIONS} -k back"),
    Mutant("accounting/bills/concessions.py", 'if row["amount_fen"] < 0]', "]", f"{_CONCESSIONS} -k never"),
    Mutant("accounting/bills/concessions.py", "[row for row in since if _usage_of(row, body) in usage]", "[*since]", f"{_CONCESSIONS} -k back"),
    Mutant("accounting/bills/concessions.py", 'totals["gross_fen"]) - back_fen', 'totals["gross_fen"])', f"{_CONCESSIONS} -k back"),
    Mutant("accounting/storage/concession_store.py", "later = (UsageRow.seq <= seq, UsageCreditRow.seq > seq)", "later = (UsageCreditRow.seq > seq,)", f"{_CONCESSIONS} -k gave"),
    Mutant("accounting/storage/concession_store.py", "later = (UsageRow.seq <= seq, UsageCreditRow.seq > seq)", "later = (UsageRow.seq <= seq,)", f"{_CONCESSIONS} -k gave"),
    Mutant("accounting/months/replying.py", ', *(row["month"] for row in body["corrections"])}', "}", f"{_CONCESSIONS} -k later"),
    Mutant("accounting/months/replying.py", "body, granted, back)", "body, granted)", f"{_CONCESSIONS} -k gave"),
    Mutant("accounting/storage/concession_store.py", "    if after_seq is None:\n        return ()\n", "", f"{_CONCESSIONS} -k names"),
    Mutant("accounting/storage/concession_store.py", "*mine, *within(ConcessionRow.seq, after_seq, through_seq)", "*mine", f"{_CONCESSIONS} -k only"),
    Mutant("accounting/storage/concession_store.py", "elif moved != transfer_of(one, moved.at_ms):", "elif False:", f"{_CONCESSIONS} -k otherwise"),
    Mutant("accounting/storage/concession_store.py", "        if one is None:\n", "        if not moved:\n", f"{_CONCESSIONS} -k otherwise"),
    Mutant("accounting/storage/concession_store.py", "        if one.id in late:\n", "        if not late:\n", f"{_CONCESSIONS} -k stated"),
    Mutant("accounting/bills/statement.py", "self.purchases or self.concessions)", "self.purchases)", f"{_CONCESSIONS} -k only"),
    Mutant("accounting/bills/statement.py", " + conceded_fen(self.concessions)", "", f"{_CONCESSIONS} -k names"),
    Mutant("accounting/months/closing.py", "for one in concessions.unmoved(connection):", "for one in ():", f"{_CONCESSIONS} -k before"),
    Mutant("accounting/months/closing.py", "    through = moment(connection)\n    # Not before: what is granted until that moment is on these statements.\n    for one in concessions.unmoved(connection):\n", "    unmoved = [*concessions.unmoved(connection)]\n    through = moment(connection)\n    for one in unmoved:\n", f"{_CONCESSIONS} -k while"),
    Mutant("accounting/bills/statement.py", "return FORMAT_CONCEDED if has_concessions else FORMAT", "return FORMAT", f"{_CONCESSIONS} -k form"),
    Mutant("accounting/bills/statement.py", "return FORMAT_CONCEDED if has_concessions else FORMAT", "return FORMAT_CONCEDED", f"{_CONCESSIONS} -k form"),
    Mutant("accounting/months/closing.py", 'format_of(has_concessions="concessions" in said)', "format_of(has_concessions=False)", f"{_CONCESSIONS} -k form"),
    Mutant("accounting/months/closing.py", "(*packages.buyers(connection), *(one.tenant_id for one in granted))", "packages.buyers(connection)", f"{_CONCESSIONS} -k only"),
    Mutant("accounting/proof/verifying.py", "    for row, what in concession_store.unfit(connection):\n", "    for row, what in ():\n", f"{_CONCESSIONS} -k otherwise"),
    Mutant("accounting/months/replying.py", "if (known.amount_fen if known else None) != amount_fen:", "if False:", f"{_CONCESSIONS} -k again"),
    Mutant("accounting/months/replying.py", "    keep(connection, fitting, made)\n", "    keep(connection, made)\n", f"{_CONCESSIONS} -k again"),
    Mutant("accounting/months/replying.py", 'or "concessions" in json.loads(stored.body)', "", f"{_CONCESSIONS} -k only"),
    Mutant("accounting/ledger.py", "debit_account=CONCESSIONS_ACCOUNT", "debit_account=PAID_IN_ACCOUNT", f"{_CONCESSIONS} -k operators"),
    Mutant("accounting/storage/fact_store.py", "    Concession: ConcessionRow,\n", "", f"{_CONCESSIONS} -k names"),
    Mutant("accounting/exports/focus.py", "        yield from _concession_rows(_account(bills, one.tenant_id, names), one)\n", "        pass\n", f"{_CONCESSIONS} -k focus"),
    Mutant("accounting/exports/focus.py", 'charge_class="Correction", x_corrected_month=one.month', "x_corrected_month=one.month", f"{_CONCESSIONS} -k focus"),
    Mutant("accounting/bills/platform_month.py", ' + sums.get("concessions_net", 0)', "", f"{_CONCESSIONS} -k margin"),
    Mutant("accounting/exports/export.py", 'yield _statement_row("concession", {**_heading(statement), **one})', "pass", f"{_CONCESSIONS} -k table"),
    Mutant("accounting/bills/invoice_lines.py", "granted = [*_shared_out(_granted(body), wanted[2], whole)]", "granted = list[_Part]()", f"{_CONCESSIONS} -k table"),
    Mutant("accounting/bills/invoice_lines.py", "        amount_fen, total_fen = whole\n", "        return\n", f"{_INVOICES} -k rate_is"),
    Mutant("scheduler/facts/metering.py", "    if event.concession_id is not None:\n", "    if event is None:\n", _API),
    Mutant("api/granting.py", "        put_requests(connection, [_credit(granted)], granted.at_ms)\n", "        pass\n", _API),
]
