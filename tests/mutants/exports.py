"""Bugs of files: sheets, FOCUS rows, Parquet; one a line."""

from tests.mutants.mutant import Mutant

_FOCUS = "tests/unit/accounting/exports/test_focus.py"
_BILLED = "tests/unit/accounting/months/test_billed.py"
_PARQUET = "tests/unit/api/documents/test_parquet.py"
_EXPORT = "tests/unit/accounting/exports/test_export.py"

# fmt: off
MUTANTS = [
    Mutant("accounting/calendar.py", '.replace("+00:00", "Z")', "", f"{_FOCUS} -k utc"),
    Mutant("accounting/prices/rating.py", "self._price_micros(device_kind_id, qos, PERMILLE)", "self._price_micros(device_kind_id, qos, 0)", f"{_FOCUS} -k everybody"),
    Mutant("accounting/exports/sheet.py", "_text if c.kind is Kind.TEXT else writing(c)", "writing(c)", f"{_EXPORT} -k spreadsheet"),
    Mutant("accounting/exports/sheet.py", ', "＝", "＋", "－", "＠")', ")", f"{_EXPORT} -k spreadsheet"),
    Mutant("accounting/exports/sheet.py", r"|true|false", r"", f"{_EXPORT} -k date"),
    Mutant("accounting/exports/sheet.py", r"{_MONTH}[-./ ]?\d{{1,4}}|", "", f"{_EXPORT} -k date"),
    Mutant("accounting/exports/sheet.py", r"[-./ ]?\d{{1,4}}|", r"[-./ ]?\d*|", f"{_EXPORT} -k other_text"),
    Mutant("accounting/exports/focus.py", "line_net_fen = net_fen[rate] - before_fen", "line_net_fen = split_tax(total.amount_fen, rate).net_fen", f"{_FOCUS} -k statement"),
    Mutant("accounting/exports/focus.py", "yield line.tax_row(total.amount_fen - line_net_fen)", "pass", f"{_FOCUS} -k amount"),
    Mutant("accounting/exports/focus.py", "micros = -payment.paid_fen * MICROS_PER_FEN", "micros = payment.paid_fen * MICROS_PER_FEN", f"{_FOCUS} -k voucher"),
    Mutant("accounting/exports/focus.py", 'invoice_id = f"{tenant_id}-{bills.month}" if bills.is_closed else None', 'invoice_id = f"{tenant_id}-{bills.month}"', f"{_FOCUS} -k draft"),
    Mutant("accounting/exports/focus.py", "if price_list_id not in bills.price_lists:", "if False:", f"{_FOCUS} -k lunch"),
    Mutant("accounting/exports/focus_lines.py", "if not net_micros and not gross_micros:", "if False:", f"{_FOCUS} -k needs"),
    Mutant("accounting/exports/focus_lines.py", 'None if self._shared.x_corrected_month is None else "Correction"', "None", f"{_FOCUS} -k corrects"),
    Mutant("accounting/exports/focus_lines.py", "if begin_ms < account.billing_period_start else None", "if begin_ms > account.billing_period_start else None", f"{_FOCUS} -k corrects"),
    Mutant("accounting/exports/focus_lines.py", "self._net_micros += net_micros", "self._net_micros += abs(net_micros)", f"{_FOCUS} -k 'back or statement'"),
    Mutant("accounting/exports/focus_lines.py", "list_cost=self._list_unit_price * hours", "list_cost=self._unit_price * hours", f"{_FOCUS} -k exactly"),
    Mutant("accounting/exports/focus_lines.py", "net_micros = self._net_of(device_ms, usage.price_micros)", "net_micros = charge.amount_micros", f"{_FOCUS} -k amount"),
    Mutant("accounting/exports/focus_lines.py", "return name if name.isascii() else id_", "return name", f"{_FOCUS} -k names"),
    Mutant("accounting/exports/focus_columns.py", '"list_cost": COST_SCALE', '"list_cost": MICRO_SCALE', f"{_FOCUS} -k float"),
    Mutant("accounting/months/billed.py", "if scope.through_seq is None:", "if False:", f"{_BILLED} -k begun"),
    Mutant("accounting/months/billed.py", "if scope.after_seq is not None:", "if False:", f"{_BILLED} -k statements"),
    Mutant("accounting/months/billed.py", "late = (scope.after_seq, scope.through_seq)", "late = (None, scope.through_seq)", f"{_BILLED} -k statements"),
    Mutant("accounting/months/billed.py", "payments=partial(_paid, connect) if is_closed else partial(", "payments=partial(", f"{_BILLED} -k voucher"),
    Mutant("accounting/months/closing.py", "        return _taken_in(connection, month)\n    except", "        return _scope(connection, month)\n    except", f"{_BILLED} -k statements"),
    Mutant("api/documents/parquet.py", "            total = batch.pop()\n", "            total = batch[-1]\n", f"{_PARQUET} -k total"),
    Mutant("api/documents/parquet.py", "::BIGINT * 1000)", "::BIGINT)", f"{_PARQUET} -k value"),
    Mutant("api/documents/parquet.py", "writing(column) if column.kind is Kind.DECIMAL else _same", "_same", f"{_PARQUET} -k value"),
    Mutant("api/routes/exports.py", "plain_csv if what is Exported.FOCUS else spreadsheet_csv", "plain_csv", "tests/acceptance/test_api_exports.py -k mark"),
    Mutant("accounting/storage/store.py", "        yield from rows\n", "            yield from rows\n", "tests/acceptance/test_slow_readers.py -k export"),
    Mutant("api/routes/exports.py", "services.parquets.admitted(caller.scope) if is_parquet else nullcontext()", "nullcontext()", "tests/acceptance/test_api_exports.py -k way"),
]
