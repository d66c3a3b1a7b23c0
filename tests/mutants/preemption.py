"""Deliberate bugs in who is stopped for whom, one a line."""

from tests.mutants.mutant import Mutant

_HAND = "tests/unit/test_preemption.py"
_CLAIMS = "tests/unit/test_claims.py"
_ALWAYS = "tests/unit/test_preemption_invariants.py"
_STOPS = "tests/unit/test_controller_stops.py"
_TOLD = "tests/unit/test_preemption_told.py"
_SEEDS = "tests/simulation/test_seeds.py"
_WHATIF = "tests/unit/test_whatif.py"

# fmt: off
MUTANTS = [
    Mutant("scheduler/preemption.py", "return is_resumed or job.priority is Priority.LOW", "return True", _HAND),
    Mutant("scheduler/preemption.py", "victim.id in self._stopped or victim.standing >= taker:", "victim.standing >= taker:", f"{_HAND} {_ALWAYS}"),
    Mutant("scheduler/preemption.py", "in self._stopped or victim.standing >= taker:", "in self._stopped:", f"{_HAND} {_ALWAYS}"),
    Mutant("scheduler/preemption.py", "return victim.standing.rank < taker.rank or victim.job.checkpoint is not None", "return True", _HAND),
    Mutant("scheduler/preemption.py", "spared = -level(served_card_ms) if self._policy.is_shared else 0", "spared = -level(served_card_ms)", _HAND),
    Mutant("scheduler/preemption.py", "-level(served_card_ms) if self._policy.is_shared else 0", "0", _HAND),
    Mutant("scheduler/preemption.py", "served_card_ms = record.served_card_ms + running_card_ms", "served_card_ms = record.served_card_ms", _HAND),
    Mutant("scheduler/preemption.py", "record.served_card_ms + running_card_ms", "running_card_ms", _HAND),
    Mutant("scheduler/preemption.py", "return max(self._now_ms, record.waiting_since_ms + self._policy.patience_ms)", "return self._now_ms", _HAND),
    Mutant("scheduler/preemption.py", "started_ms is None or started_ms > begun_ms or", "started_ms is None or", f"{_HAND} {_ALWAYS}"),
    Mutant("scheduler/preemption.py", "if started_ms is None or started_ms > begun_ms", "if (started_ms or 0) > begun_ms", _HAND),
    Mutant("scheduler/preemption.py", "if attempt.stop_cause is not None or record.is_cancelled:", "if attempt.stop_cause is not None:", _HAND),
    Mutant("scheduler/preemption.py", "left_ms > self._policy.patience_ms and record", "record", _HAND),
    Mutant("scheduler/preemption.py", " and record.job.grace_ms <= SOON_MS", "", _HAND),
    Mutant("scheduler/preemption.py", "job.checkpoint is not None and job.checkpoint.signal is not None", "job.checkpoint is not None", _HAND),
    Mutant("scheduler/preemption.py", "sum(victim.lost_card_ms for victim in choice),", "0,", _HAND),
    Mutant("scheduler/preemption.py", "        if cards <= -missing:\n", "        if False:\n", _HAND),
    Mutant("scheduler/preemption.py", "needed -= room.view_soon(ends).whole_node_count()", "pass", _HAND),
    Mutant("scheduler/preemption.py", "if len(choices) < needed:\n            return ()", "if not choices:\n            return ()", f"{_HAND} {_ALWAYS}"),
    Mutant("scheduler/preemption.py", "return tuple(reversed(needed)) if missing <= 0 else ()", "return tuple(reversed(needed))", f"{_HAND} {_ALWAYS}"),
    Mutant("scheduler/preemption.py", "node_id in free and node_id not in kept:", "node_id in free:", _CLAIMS),
    Mutant("scheduler/desk.py", "or asks_ms > by_ms or", "or", _HAND),
    Mutant("scheduler/desk.py", "        candidate.room.claim(shares, job.id, self._claim_ends(record))\n", "", f"{_CLAIMS} {_HAND}"),
    Mutant("scheduler/desk.py", "        if room.soon is room.now:\n            return None\n        return room.find_soon", "        if True:\n            return None\n        return room.find_soon", _CLAIMS),
    Mutant("scheduler/desk.py", "if has_cards or job_id in self.state.claims:", "if has_cards:", _CLAIMS),
    Mutant("scheduler/desk.py", "return running is None or running.is_over(running.standing(record))", "return True", _HAND),
    Mutant("scheduler/desk.py", "gone_ms - SOON_MS <= self.now_ms < gone_ms + CLAIM_MS", "self.now_ms < gone_ms + CLAIM_MS", _CLAIMS),
    Mutant("scheduler/desk.py", "<= self.now_ms < gone_ms + CLAIM_MS", "<= self.now_ms", _CLAIMS),
    Mutant("scheduler/desk.py", "sorted(self.state.stopping.items())", "self.state.stopping.items()", _CLAIMS),
    Mutant("scheduler/desk.py", "room.now.on(node_ids)", "room.now", _CLAIMS),
    Mutant("scheduler/desk.py", "        if self._has_claim(record.job.id):\n            return None\n", "", _CLAIMS),
    Mutant("scheduler/desk.py", "        if self._allowances.quota_reason(record, SOON_MS) is not None:\n            return None\n        for option in payable:\n            if (shares :=", "        for option in payable:\n            if (shares :=", _CLAIMS),
    Mutant("scheduler/state.py", "max(claim, self.claims.get(event.for_job_id, claim))", "claim", _CLAIMS),
    Mutant("scheduler/preemption.py", "        if whole >= wanted.node_count:\n", "        if False:\n", _CLAIMS),
    Mutant("scheduler/state.py", "        if is_preempted or record.job.checkpoint:", "        if is_preempted:", "tests/unit/test_history.py"),
    Mutant("scheduler/state.py", "record.expected_ms = record.expected_ms or", "record.expected_ms = 0 and", "tests/unit/test_history.py"),
    Mutant("scheduler/history.py", "[-WINDOW:]", "", "tests/unit/test_history.py"),
    Mutant("scheduler/history.py", "max(0, now_ms - run.started_at_ms)", "now_ms - run.started_at_ms", "tests/unit/test_history.py"),
    Mutant("scheduler/whatif.py", "expected_ms=min(waiting.expected_ms, job.limit_ms)", "expected_ms=state.history.expected_ms(job, now_ms)", _WHATIF),
    Mutant("api/up.py", "name in SETTINGS or ", "", "tests/unit/test_interrupts.py"),
    Mutant("scheduler/desk.py", "stop_count=count", "stop_count=0", _WHATIF),
    Mutant("scheduler/backfill.py", "            (self.now, self.soon),\n", "", _CLAIMS),
    Mutant("scheduler/backfill.py", "            if one.attempt_id not in self._stopped\n", "", f"{_CLAIMS} {_ALWAYS} {_SEEDS}"),
    Mutant("scheduler/desk.py", "claim is not None and claim.until_ms > self.now_ms", "claim is not None", _CLAIMS),
    Mutant("scheduler/desk.py", "        if self.policy.preemption is None:\n            return []\n", "        return []\n", _CLAIMS),
    Mutant("scheduler/turns.py", "shared_level = level if self._policy.is_shared else 0", "shared_level = level", _HAND),
    Mutant("scheduler/turns.py", "level if self._policy.is_shared else 0", "0", _HAND),
    Mutant("scheduler/state.py", "        self.claims.pop(event.job_id, None)\n", "", f"{_CLAIMS} {_SEEDS}"),
    Mutant("scheduler/state.py", "        self.claims.pop(record.job.id, None)\n", "", f"{_CLAIMS} {_SEEDS}"),
    Mutant("scheduler/state.py", "        self.stopping.pop(attempt.id, None)\n", "", f"{_CLAIMS} {_SEEDS}"),
    Mutant("scheduler/state.py", "        state.claims = dict(snapshot.claims)\n", "", _CLAIMS),
    Mutant("scheduler/state.py", "            record.served_card_ms += attempt.served_card_ms(event.at_ms)\n", "            pass\n", _CLAIMS),
    Mutant("scheduler/record.py", "min(end_ms, attempt.gone_ms)", "end_ms", _CLAIMS),
    Mutant("scheduler/controller.py", "            if attempt.placement.centre_id in self._present:\n", "            if True:\n", _STOPS),
    Mutant("scheduler/controller.py", "stop, for_job_id=eviction.job_id, for_node_ids=eviction.node_ids", "stop", _STOPS),
    Mutant("scheduler/outlook.py", "gone_ms = self.stops.get(attempt.id)", "gone_ms = None", _CLAIMS),
    Mutant("api/routes/events.py", "hidden = _OTHERS if caller.role is Role.TENANT else ()", "hidden = ()", _TOLD),
    Mutant("api/quoting.py", "stops, stops_zh = _stops(first.stop_count)", "stops, stops_zh = _stops(0)", _TOLD),
    Mutant("api/wiring.py", 'is_shared=settings.preemption == "turns",', "is_shared=True,", _TOLD),
    Mutant("api/wiring.py", '    if settings.preemption == "off":\n        return replace(DEFAULT, preemption=None)\n', "", _TOLD),
    Mutant("benchmarks/simulate.py", "while log.inbox or pace.is_stopping():", "while log.inbox:", "tests/unit/test_simulate.py"),
    Mutant("benchmarks/simulate.py", "return now_ms + TICK_MS if is_shared and", "return NEVER_MS if is_shared and", "tests/unit/test_simulate.py"),
    Mutant("scheduler/levels.py", "return bisect_right(STEPS_CARD_MS, served_card_ms)", "return bisect_right(STEPS_CARD_MS, served_card_ms - 1)", _HAND),
]
