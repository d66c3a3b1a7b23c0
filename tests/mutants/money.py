"""Deliberate bugs in holds, budgets and packages, one a line."""

from tests.mutants.mutant import Mutant

_EXTENDING = "tests/unit/test_extending.py"
_STOPS = "tests/unit/test_controller_stops.py -k money"
_BUDGETS = "tests/unit/test_budgets.py"
_STATEFUL = "tests/unit/test_ledger_stateful.py"
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
]
