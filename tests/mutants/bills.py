"""Deliberate bugs in what follows a month's close, one a line."""

from tests.mutants.mutant import Mutant

_REPLIES = "tests/unit/test_replies.py"
_REPLYING = "tests/unit/test_replying.py"
_INVOICES = "tests/unit/test_invoices.py"
_BILLING = "tests/unit/test_billing.py"
_TERMS = "tests/unit/test_terms.py"
_SETTLING = "tests/unit/test_settling.py"
_XLSX = "tests/unit/test_xlsx.py"
_SIGNED = "tests/unit/test_signed.py"
_SUBSIDIES = "tests/unit/test_subsidies.py"
_CLAIMING = "tests/unit/test_claiming.py"
_API = "tests/acceptance/test_api_bills.py"

# fmt: off
MUTANTS = [
    Mutant("accounting/replies.py", "ReplyKind.DISPUTED: {None, *DECISIONS}", "ReplyKind.DISPUTED: {None, *DECISIONS, ReplyKind.CONFIRMED}", _REPLIES),
    Mutant("accounting/replies.py", "**{decision: {ReplyKind.DISPUTED} for decision in DECISIONS},", "**{decision: {ReplyKind.DISPUTED, *DECISIONS} for decision in DECISIONS},", _REPLIES),
    Mutant("api/cli/bill_tables.py", 'if said.standing != "disputed":', 'if said.standing == "open":', "tests/unit/test_book_tables.py"),
    Mutant("api/cli/book_tables.py", "is_disputed = disputed is None or number in disputed", "is_disputed = disputed is None", "tests/unit/test_book_tables.py"),
    Mutant("api/cli/statements.py", 'decision: Decision = "accepted" if accept else', 'decision: Decision = "rejected" if accept else', _API),
    Mutant("accounting/replies.py", "not 1 <= line <= line_count", "not 0 <= line <= line_count", _REPLIES),
    Mutant("accounting/replies.py", "if reply.kind is not ReplyKind.CONFIRMED and not reply.reason:", "if not reply:", _REPLIES),
    Mutant("accounting/replying.py", "if earlier and earlier[-1].says_the_same(numbered):", "if not numbered:", _REPLYING),
    Mutant("accounting/replying.py", "is not StatementState.CLOSED or not line_count(stored)", "is not StatementState.CLOSED", _REPLYING),
    Mutant("accounting/replying.py", '"corrections", "purchases")', '"corrections")', _REPLYING),
    Mutant("accounting/replying.py", 'said.sha256 not in {"", stored.sha256}', "not said", _REPLYING),
    Mutant("accounting/verifying.py", "*(_kept(connection, _of(row, chain, span), kind) for kind, row in OF_TENANTS.items()),", "", _REPLYING),
    Mutant("api/routes/replies.py", "tenant_id = one_tenant(caller, tenant)", 'tenant_id = tenant or ""', _API),
    Mutant("accounting/invoices.py", "parts.append(divide_half_up(reached * amount, total) - before)", "parts.append(divide_half_up(one * amount, total))", _INVOICES),
    Mutant("accounting/invoices.py", "is_plain = uscc.validate(code) == code", "is_plain = bool(uscc.validate(code))", _INVOICES),
    Mutant("accounting/invoices.py", "return self.request.gross_fen - self.credited_fen", "return self.request.gross_fen", _INVOICES),
    Mutant("accounting/invoices.py", "not 0 < step.amount_fen <= invoice.open_fen", "not 0 < step.amount_fen", _INVOICES),
    Mutant("accounting/invoices.py", "before = split_tax(reached[rate], rate).net_fen", "before = 0", _INVOICES),
    Mutant("accounting/billing.py", "if not 0 < wanted_fen <= left_fen:", "if not 0 < wanted_fen:", _BILLING),
    Mutant("accounting/billing.py", "    check_credit_code(asked.credit_code)\n", "", _API),
    Mutant("accounting/billing.py", "if not 0 < paid.amount_fen <= open_fen:", "if not 0 < paid.amount_fen:", _BILLING),
    Mutant("accounting/billing.py", "if step.kind is StepKind.WITHDRAWN and known.receipts:", "if not step:", _BILLING),
    Mutant("accounting/billing.py", "if _again(step, of_number[0], is_all=is_all) == of_number[0]:", "if step:", _BILLING),
    Mutant("accounting/billing.py", "step = replace(step, number=withdrawn_number(step.invoice_id))", "pass", _BILLING),
    Mutant("accounting/billing.py", "amount_fen = before.amount_fen if is_all else step.amount_fen", "amount_fen = step.amount_fen", _BILLING),
    Mutant("api/routes/invoices.py", "if known is None or not caller.may_see(known.request.tenant_id):", "if known is None:", _API),
    Mutant("accounting/terms.py", "begun = [terms for terms in known if terms.month <= month]", "begun = [terms for terms in known if terms.month < month]", _TERMS),
    Mutant("accounting/terms.py", "    if device_ms <= 0:\n        return Share(parts=tiers[0][1], whole=PERMILLE)\n", "", _TERMS),
    Mutant("accounting/terms.py", "max(0, min(end_ms, device_ms) - begin * MS_PER_HOUR)", "max(0, device_ms - begin * MS_PER_HOUR)", _TERMS),
    Mutant("accounting/terms.py", "if terms.kind is TermsKind.SHARE and len(terms.tiers) != 1:", "if terms.kind is TermsKind.SHARE and not terms.tiers:", _TERMS),
    Mutant("accounting/platform_month.py", 'margin=sums["net"] + sums["purchases_net"] - cost_net_fen', 'margin=sums["gross"] + sums["purchases_net"] - cost_fen', _SETTLING),
    Mutant("accounting/platform_month.py", 'margin=sums["net"] + sums["purchases_net"] - cost_net_fen', 'margin=sums["net"] - cost_net_fen', _SETTLING),
    Mutant("accounting/platform_month.py", '"sales_agree": sold_micros == purchases_fen * MICROS_PER_FEN,', '"sales_agree": True,', _SETTLING),
    Mutant("accounting/platform_month.py", 'if "purchases_fen" in _totals(source)', 'if "lines" in _totals(source)', _SETTLING),
    Mutant("accounting/statement.py", "return self.gross_fen + self.purchases_fen - self.vouchers_fen", "return self.gross_fen - self.vouchers_fen", "tests/unit/test_package_store.py"),
    Mutant("accounting/invoices.py", "sold = _sold(body) if due.packages_fen else []", "sold = []", _INVOICES),
    Mutant("accounting/invoices.py", "wanted = _parts(due, amount_fen, sum(due))", "wanted = (amount_fen - due.packages_fen, due.packages_fen)", _INVOICES),
    Mutant("accounting/invoices.py", 'packages_fen = totals.get("purchases_fen", 0)', "packages_fen = 0", _INVOICES),
    Mutant("accounting/invoices.py", "        amount_fen, total_fen = -amount_fen, -total_fen\n", "        return\n", _INVOICES),
    Mutant("accounting/claims.py", 'sold = body["purchases"] if due.packages_fen else []', "sold = []", _SUBSIDIES),
    Mutant("accounting/claims.py", "usage_fen = divide_half_up(amount_fen * due.usage_fen, sum(due))", "usage_fen = amount_fen", _SUBSIDIES),
    Mutant("api/cli/book_tables.py", 'if totals.get("due", totals["gross"]) != totals["gross"] or statement.get("vouchers"):', 'if statement.get("vouchers"):', "tests/unit/test_book_tables.py"),
    Mutant("accounting/export.py", 'if total.get("due", total["gross"]) != total["gross"] or paid:', "if paid:", "tests/unit/test_export.py"),
    Mutant("accounting/platform_month.py", '"agrees": abs(rounding) <= bound,', '"agrees": True,', _SETTLING),
    Mutant("accounting/settlement.py", 'str(line.get("month") or month), ', "month, ", _SETTLING),
    Mutant("accounting/settlement.py", "revenue_fen=paid_fen + covered_fen,", "revenue_fen=paid_fen,", _SETTLING),
    Mutant("accounting/package_store.py", "    WHERE seq <= :through AND (month = :month OR seq > :after)", "    WHERE seq <= :through AND month = :month", _SETTLING),
    Mutant("accounting/package_store.py", "greatest(usage.seq, back.seq)", "usage.seq", _SETTLING),
    Mutant("accounting/packages.py", "whole = self.package.committed_device_ms", "whole = self.package.device_ms", "tests/unit/test_packages.py"),
    Mutant("accounting/export.py", 'yield _statement_row("covered", {**_heading(statement), **one})', "pass", "tests/unit/test_export.py"),
    Mutant("accounting/settling.py", "if closed is not None and wanted.month <= closed:", "if closed is None:", _SETTLING),
    Mutant("accounting/settling.py", "OR from_ms < :from_ms AND seq > CAST(:after_seq AS bigint)", "OR from_ms < :from_ms", _SETTLING),
    Mutant("accounting/settling.py", "        raise CannotClose(str(error)) from None", "        raise", _SETTLING),
    Mutant("accounting/settling.py", "elif noted.get(row.month, {}).get(row.party) != row.sha256:", "elif not row:", _SETTLING),
    Mutant("accounting/settling.py", "if is_current and again.get(party) != body:", "if not is_current:", _SETTLING),
    Mutant("api/closing.py", "    settle_month(connection, month, now_ms)\n", "", _SETTLING),
    Mutant("api/xlsx.py", "page.write_string(*place, text, styles", "page.write(*place, text, styles", _XLSX),
    Mutant("api/xlsx.py", 'book.set_properties({"created": _CREATED})', "pass", _XLSX),
    Mutant("api/xlsx.py", 'is_marked = text.startswith(FORMULA_SIGNS) and "quoted" in styles', "is_marked = False", _XLSX),
    Mutant("api/xlsx.py", "write_number(*place, _Exact(said),", "write_number(*place, float(said),", _XLSX),
    Mutant("accounting/settlement_export.py", '"gross": totals["cost"],', '"gross": totals["gross"],', _XLSX),
    Mutant("api/documents/settlement.py", 'words = in_words(json.loads(body)["totals"]["gross"])', 'words = in_words(json.loads(body)["totals"]["net"])', _SIGNED),
    Mutant("accounting/claims.py", "max(0, min(self.share_fen, self.cap_left_fen, self.pool_left_fen))", "max(0, min(self.share_fen, self.cap_left_fen))", _SUBSIDIES),
    Mutant("accounting/claims.py", "if base_fen < rule.min_fen:", "if not rule:", _SUBSIDIES),
    Mutant("accounting/claims.py", "if not rule.from_ms <= at_ms < rule.until_ms:", "if not rule.from_ms <= at_ms <= rule.until_ms:", _SUBSIDIES),
    Mutant("accounting/claims.py", "if rule.bars_related and contract.is_related:", "if contract.is_related:", _SUBSIDIES),
    Mutant("accounting/claims.py", "if day_of(receipt.paid_at_ms)[:4] == rule.year:", "if receipt.month[:4] == rule.year:", _SUBSIDIES),
    Mutant("accounting/claims.py", "divide_half_up(paid_fen * min(covered, total), total) if total > 0 else 0", "paid_fen if covered else 0", _SUBSIDIES),
    Mutant("accounting/claims.py", "min(covered, total)", "covered", _SUBSIDIES),
    Mutant("accounting/voucher_store.py", "    for claim in facts(connection, Claim, row_of(Claim).contract == voucher.contract):", "    for claim in ():", _CLAIMING),
    Mutant("accounting/claiming.py", "if one[0].reference not in gone", "if one", _CLAIMING),
    Mutant("accounting/claims.py", "if claimed.voucher_id is not None:", "if claimed is None:", _SUBSIDIES),
    Mutant("accounting/claiming.py", "if one.contract == contract_.number and one.id != own]", "if not one]", _CLAIMING),
    Mutant("accounting/claiming.py", "pools = {one.id for one in rules(connection) if _budget(one) == _budget(by)}", "pools = {by.id}", _CLAIMING),
    Mutant("accounting/claiming.py", "steps=tuple(step for step in one.steps if step.at_ms <= at_ms),", "steps=one.steps,", _CLAIMING),
    Mutant("accounting/claiming.py", "        if known.contract != contract_.number:", "        if not known:", _CLAIMING),
    Mutant("api/claim_pack.py", "zipfile.ZipInfo(name, _MOMENT)", "zipfile.ZipInfo(name[:4], _MOMENT)", _CLAIMING),
    Mutant("api/routes/claims.py", "if made is None or not caller.may_see(made.tenant_id):", "if made is None:", _API),
    Mutant("accounting/settling.py", "posted.keys() | back.keys()", "posted.keys()", _SETTLING),
    Mutant("accounting/settling.py", '    connection.execute(text("LOCK TABLE closings IN SHARE MODE"))\n', "", _SETTLING),
]
