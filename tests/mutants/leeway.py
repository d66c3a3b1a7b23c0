"""Deliberate bugs in by when a start is promised, one a line."""

from tests.mutants.mutant import Mutant

_LEEWAY = "tests/unit/scheduler/timing/test_leeway.py"

# fmt: off
MUTANTS = [
    Mutant("scheduler/timing/backfill.py", "way_ms = 1 << max(away_ms, LEEWAY_LEAST_MS).bit_length() - 1", "way_ms = max(away_ms, LEEWAY_LEAST_MS)", _LEEWAY),
    Mutant("scheduler/timing/backfill.py", "max(away_ms, LEEWAY_LEAST_MS).bit_length()", "away_ms.bit_length()", _LEEWAY),
    Mutant("scheduler/timing/backfill.py", "max(1, opening.run_count).bit_length() - 1)", "max(1, opening.run_count).bit_length())", _LEEWAY),
    Mutant("scheduler/timing/backfill.py", "max(1, opening.run_count).bit_length() - 1)", "opening.run_count.bit_length() - 1)", _LEEWAY),
    Mutant("scheduler/timing/backfill.py", "AGAIN_MOST = 2", "AGAIN_MOST = 3", _LEEWAY),
    Mutant("scheduler/timing/backfill.py", "return min(leeway, max(0, opening.sure_ms - opening.at_ms))", "return leeway", _LEEWAY),
    Mutant("scheduler/timing/backfill.py", "max(0, opening.sure_ms - opening.at_ms)", "opening.sure_ms - opening.at_ms", _LEEWAY),
    Mutant("scheduler/timing/backfill.py", "if at_ms <= opening.at_ms and any(share.node_id in node_ids for share in shares)", "if at_ms <= opening.at_ms", _LEEWAY),
    Mutant("scheduler/timing/backfill.py", "if at_ms <= opening.at_ms and any(share.node_id in node_ids for share in shares)", "if any(share.node_id in node_ids for share in shares)", _LEEWAY),
    Mutant("scheduler/planning/survey.py", "if reservation is not None and firmness is Firmness.LIKELY:", "if reservation is not None:", _LEEWAY),
    Mutant("scheduler/planning/survey.py", "if kept is not None and kept.by_ms >= soonest.soonest_ms:", "if False:", _LEEWAY),
    Mutant("scheduler/planning/survey.py", "        if outside_hours(record.job, pool, by_ms):\n            return soonest\n", "", _LEEWAY),
    Mutant("scheduler/planning/survey.py", "if kept is not None and kept.by_ms >= soonest.soonest_ms:", "if kept is not None:", _LEEWAY),
    Mutant("scheduler/planning/survey.py", "                choice_ms = min(choice_ms, kept.likely_ms)\n", "                pass\n", _LEEWAY),
    Mutant("scheduler/planning/survey.py", "            if kept.pool_id == pool.id:\n", "            if True:\n", _LEEWAY),
    Mutant("scheduler/planning/rooms.py", "one is not None and room.is_passed and not one.is_firm:", "one is not None and room.is_passed:", _LEEWAY),
    Mutant("scheduler/planning/rooms.py", "one is not None and room.is_passed and not one.is_firm:", "one is not None and not one.is_firm:", _LEEWAY),
    Mutant("scheduler/planning/desk.py", "        self.rooms.note_passed()\n        self._allowances.take", "        self._allowances.take", _LEEWAY),
    Mutant("scheduler/planning/desk.py", "        self.rooms.note_passed()\n        for victim", "        for victim", _LEEWAY),
    Mutant("scheduler/planning/desk.py", "        self._turns.charge(form.job, tflops)\n", "        self._turns.charge(form.job, tflops)\n        self.rooms.note_passed()\n", _LEEWAY),
    Mutant("scheduler/planning/rooms.py", "if kept is None or (kept.by_ms, kept.pool_id) != (one.start_ms, pool_id):", "if True:", _LEEWAY),
    Mutant("scheduler/planning/desk.py", "option.ready_ms(reservation.choice_ms) + self", "option.ready_ms(reservation.start_ms) + self", _LEEWAY),
    Mutant("scheduler/facts/queue.py", "        record.promised = event.promise\n", "", _LEEWAY),
    Mutant("scheduler/facts/quotes.py", "            record.promised = quote.promised\n", "", _LEEWAY),
    Mutant("scheduler/facts/record.py", "self.attempt, self.state, self.promised = attempt, JobState.LEASED, None", "self.attempt, self.state = attempt, JobState.LEASED", _LEEWAY),
    Mutant("scheduler/storage/rows.py", "ev.QuoteCardsKept() | ev.QuoteEnded() | ev.StartPromised():", "ev.QuoteCardsKept() | ev.QuoteEnded():", _LEEWAY),
    Mutant("scheduler/asking/whatif.py", "        waiting = replace(waiting, promised=None)\n", "        pass\n", _LEEWAY),
    Mutant("scheduler/asking/whatif.py", "if waiting is not None and waiting.job != job:", "if waiting is not None:", _LEEWAY),
    Mutant("scheduler/controller.py", "        self._take_all(batch, self.state.queue.promises(self.plan.promised, now_ms))\n", "", _LEEWAY),
]
