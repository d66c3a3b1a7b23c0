"""Deliberate bugs in holds, budgets and packages, one a line."""

from tests.mutants.mutant import Mutant

_EXTENDING = "tests/unit/test_extending.py"
_STOPS = "tests/unit/test_controller_stops.py -k money"
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
    Mutant("scheduler/facts/purses.py", "if funds.short_micros and not funds.is_overdrawn:", "if funds.short_micros:", _EXTENDING),
    Mutant("scheduler/facts/funds.py", "self.is_overdrawn = self.is_overdrawn and self.available_micros < 0", "pass", _EXTENDING),
    Mutant("accounting/ledger.py", 'reference=f"{attempt_id}+{number}"', "reference=attempt_id", _EXTENDING),
    Mutant("scheduler/controller.py", "                yield from ahead(self.state, attempt, now_ms, *limits)\n", "", _STOPS),
    Mutant("scheduler/controller.py", "self._ripe, alerts):", "self._ripe):", _TOLD),
    Mutant("scheduler/sharing/allowance.py", "free=free if saving is None else 0", "free=max(0, free) if saving is None else 0", "tests/unit/test_allowance.py -k missing"),
    Mutant("api/reasons.py", "{'-' if micros < 0 else ''}", "", "tests/unit/test_reasons.py -k owes"),
]
