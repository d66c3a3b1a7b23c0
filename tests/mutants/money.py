"""Deliberate bugs in holds, budgets and packages, one a line."""

from tests.mutants.mutant import Mutant

_EXTENDING = "tests/unit/test_extending.py"
_STOPS = "tests/unit/test_controller_stops.py -k money"
_BUDGETS = "tests/unit/test_budgets.py"
_STATEFUL = "tests/unit/test_ledger_stateful.py"
_PACKAGES = "tests/unit/test_packages.py"
_METERED = "tests/unit/test_packages_metered.py"
_PACKAGE_STORE = "tests/unit/test_package_store.py"
_TOLD = "tests/unit/test_controller_stops.py -k told"

# fmt: off
MUTANTS = [
    Mutant("scheduler/facts/extending.py", "    if missing_micros <= 0 or attempt.stop_cause is not None:\n", "    if missing_micros <= 0:\n", _EXTENDING),
    Mutant("scheduler/facts/extending.py", "    if missing_micros <= 0 or attempt", "    if attempt", _EXTENDING),
    Mutant("scheduler/facts/extending.py", "if stretch_micros <= funds.available_micros:", "if True:", _EXTENDING),
    Mutant("scheduler/facts/extending.py", "funds.available_micros and funds.is_hard_stop:", "funds.available_micros:", _EXTENDING),
    Mutant("scheduler/facts/extending.py", "elif missing_micros > funds.available_micros and funds.is_hard_stop:", "elif funds.is_hard_stop:", _EXTENDING),
    Mutant("scheduler/facts/extending.py", "min(begin_ms + stretch_ms, attempt.ends.latest_ms)", "begin_ms + stretch_ms", _EXTENDING),
    Mutant("scheduler/facts/extending.py", "    return comes_to - attempt.hold_left_micros\n", "    return comes_to\n", _EXTENDING),
    Mutant("scheduler/facts/metering.py", "            left_micros += missing_micros\n", "", _EXTENDING),
    Mutant("scheduler/facts/purses.py", "event.number != attempt.extension_count + 1", "event.number <= 0", _EXTENDING),
    Mutant("scheduler/facts/purses.py", "        attempt.hold_left_micros += event.amount_micros\n", "", _EXTENDING),
    Mutant("scheduler/facts/purses.py", "or funds.is_overdrawn or", "or", _EXTENDING),
    Mutant("scheduler/facts/alerts.py", "if funds.short_micros and not funds.is_overdrawn:", "if funds.short_micros:", _EXTENDING),
    Mutant("scheduler/facts/funds.py", "self.is_overdrawn = self.is_overdrawn and self.available_micros < 0", "pass", _EXTENDING),
    Mutant("accounting/ledger.py", 'reference=f"{attempt_id}+{number}"', "reference=attempt_id", _EXTENDING),
    Mutant("scheduler/controller.py", "                yield from ahead(self.state, attempt, now_ms, *limits)\n", "", _STOPS),
    Mutant("scheduler/controller.py", "self._ripe, told):", "self._ripe):", _TOLD),
    Mutant("scheduler/sharing/allowance.py", "free=free if saving is None else 0", "free=max(0, free) if saving is None else 0", "tests/unit/test_allowance.py -k missing"),
    Mutant("api/reasons.py", "{'-' if micros < 0 else ''}", "", "tests/unit/test_reasons.py -k owes"),
    Mutant("scheduler/model/budget.py", "100 * spent_micros >= one * self.amount_micros", "100 * spent_micros > one * self.amount_micros", _BUDGETS),
    Mutant("scheduler/facts/spending.py", "for level in LEVELS if told < level <= reached", "for level in LEVELS if level == reached", _BUDGETS),
    Mutant("scheduler/facts/spending.py", "        self.told[month] = level\n", "", _BUDGETS),
    Mutant("scheduler/facts/spending.py", "return self.budget.is_hard_stop and spent_micros >= self.budget.amount_micros", "return spent_micros >= self.budget.amount_micros", _BUDGETS),
    Mutant("scheduler/facts/spending.py", "        if budget.project is None:\n", "        if True:\n", _BUDGETS),
    Mutant("scheduler/facts/spending.py", "if one.budget.key != budget.key]", "]", _BUDGETS),
    Mutant("scheduler/facts/purses.py", "        self._spend(state, attempt, month, event.charge_micros)\n", "", _BUDGETS),
    Mutant("scheduler/facts/purses.py", "self._spend(state, attempt, month, -charged_micros)", "pass", _BUDGETS),
    Mutant("scheduler/facts/purses.py", "        record.spent_micros += amount_micros\n", "", _BUDGETS),
    Mutant("scheduler/facts/purses.py", "if event.level not in watched.news(month, spent_micros):", "if False:", _BUDGETS),
    Mutant("scheduler/facts/purses.py", "or record.job.tenant_id != budget.tenant_id:", "or False:", "tests/acceptance/test_api_budgets.py -k over"),
    Mutant("scheduler/facts/alerts.py", "if attempt.stop_cause is None and state", "if state", _BUDGETS),
    Mutant("scheduler/facts/alerts.py", "            yield from _stops(state, tenant_id, stop_grace_ms, now_ms)\n", "            pass\n", _BUDGETS),
    Mutant("scheduler/sharing/allowance.py", "if (closed := self._used_up(job, need)) is not None:", "if (closed := None) is not None:", _BUDGETS),
    Mutant("api/routes/budgets.py", "if budget.project in {None, line.project}]", "]", "tests/acceptance/test_api_budgets.py -k spent"),
    Mutant("accounting/store.py", "return (*_sums(connection, used), *_sums(connection, back))\n\n\ndef credit", "return _sums(connection, used)\n\n\ndef credit", "tests/unit/test_accounting_store.py -k attempts"),
    Mutant("scheduler/facts/purses.py", "        attempt.hold_left_micros -= from_hold\n", "", _STATEFUL),
    Mutant("scheduler/facts/funds.py", "        self.hold(-left_micros)\n", "", _STATEFUL),
    Mutant("scheduler/facts/metering.py", "    if attempt.hold_left_micros:\n", "    if attempt.hold_left_micros > 1_000_000:\n", _STATEFUL),
    Mutant("scheduler/facts/metering.py", "        if missing_micros > 0:\n", "        if False:\n", _STATEFUL),
    Mutant("accounting/packages.py", "return self.kind is PackageKind.CARD_HOURS, self.until_ms, self.from_ms, self.id", "return False, self.until_ms, self.from_ms, self.id", _PACKAGES),
    Mutant("accounting/packages.py", "self.kind is PackageKind.CARD_HOURS, self.until_ms, self.from_ms", "self.kind is PackageKind.CARD_HOURS, -self.until_ms, self.from_ms", _PACKAGES),
    Mutant("accounting/packages.py", "if begin_ms <= at_ms < end_ms)", "if begin_ms < at_ms < end_ms)", _PACKAGES),
    Mutant("accounting/packages.py", "            cards += known[2]\n", "", _PACKAGES),
    Mutant("accounting/packages.py", "one[0] < one[1] and one[1] > kept_from_ms", "one[0] < one[1]", _PACKAGES),
    Mutant("accounting/packages.py", "            left[one.package_id] -= one.card_count * (span.to_ms - at_ms)\n", "            pass\n", _PACKAGES),
    Mutant("accounting/packages.py", "        if not cards or not stock.is_valid(from_ms):\n", "        if not cards:\n", _PACKAGES),
    Mutant("accounting/packages.py", "            cards -= taken\n", "", _PACKAGES),
    Mutant("accounting/packages.py", "            self.left_device_ms += device_ms\n", "            pass\n", _PACKAGES),
    Mutant("accounting/packages.py", "return package.device_ms - self.earlier_device_ms", "return package.device_ms", _PACKAGES),
    Mutant("scheduler/facts/metering.py", "        rest -= cards\n", "", _METERED),
    Mutant("scheduler/facts/metering.py", "device_count=cards, price_micros=0)", "device_count=cards)", _METERED),
    Mutant("scheduler/facts/metering.py", "    return Booking(credits=(credit, *covered), transfers", "    return Booking(credits=(credit,), transfers", _METERED),
    Mutant("scheduler/facts/metering.py", "cards * ran_then_ms - covered_then_ms, price_micros", "cards * ran_then_ms, price_micros", _METERED),
    Mutant("scheduler/facts/purses.py", "        if package.id in self._package_ids:\n", "        if False:\n", _METERED),
    Mutant("scheduler/facts/purses.py", "        if price_micros > funds.available_micros:\n", "        if False:\n", _METERED),
    Mutant("scheduler/facts/purses.py", "        funds.add(-price_micros)\n", "", _METERED),
    Mutant("scheduler/facts/purses.py", "stock.give_back(attempt.covered.get(stock.package.id, 0))", "pass", _METERED),
    Mutant("scheduler/facts/funds.py", "if one.package.device_kind_id == device_kind_id]", "]", _METERED),
    Mutant("scheduler/facts/state.py", "(refusal := self.purses.refusal(self, attempt, event)) is not None", "(refusal := None) is not None", _METERED),
    Mutant("scheduler/sharing/allowance.py", "return whole_ms - min(whole_ms, with_it - without)", "return whole_ms", _METERED),
    Mutant("scheduler/sharing/allowance.py", "for cards in (beside + job.device_count, beside)", "for cards in (job.device_count, 0)", _METERED),
    Mutant("scheduler/storage/rows.py", "            keep(connection, event.package)\n", "            pass\n", "tests/acceptance/test_api_packages.py"),
    Mutant("accounting/package_store.py", "AND back.reference IS NULL", "", _PACKAGE_STORE),
    Mutant("accounting/package_store.py", "        found += facts(connection, Package, *known, *late)\n", "        pass\n", _PACKAGE_STORE),
    Mutant("accounting/closing.py", "if one.sums or one.purchases)", "if one.sums)", _PACKAGE_STORE),
    Mutant("accounting/fact_store.py", "    Package: PackageRow,\n", "", _PACKAGE_STORE),
    Mutant("accounting/focus.py", "        yield from _purchase_rows(_account(bills, package.tenant_id, names), package)\n", "        pass\n", _PACKAGE_STORE),
    Mutant("accounting/focus_lines.py", "return _committed(row, package_id, hours) if package_id else row", "return row", _PACKAGE_STORE),
    Mutant("accounting/export.py", "    yield from _package_rows(statement)\n", "", "tests/unit/test_export.py -k packages"),
]
