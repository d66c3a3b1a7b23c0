"""Deliberate bugs in the second look at a plan, one a line."""

from tests.mutants.mutant import Mutant

_VERIFIER = "tests/unit/scheduler/planning/test_verifier.py"
_STOPS = "tests/unit/scheduler/planning/test_verifier_stops.py"

# fmt: off
MUTANTS = [
    Mutant("scheduler/planning/verifier.py", "if record is None or grant.job_id in self._started:", "if record is None:", _VERIFIER),
    Mutant("scheduler/planning/granted.py", '        if record.not_before_ms > self._now_ms:\n            yield "it failed', '        if False:\n            yield "it failed', _VERIFIER),
    Mutant("scheduler/planning/granted.py", "        yield from self.wrong_place(job, pool, placement)\n", "", _VERIFIER),
    Mutant("scheduler/planning/granted.py", "        yield from self._wrong_gang(job, pool, placement)\n", "", _VERIFIER),
    Mutant("scheduler/planning/granted.py", "        yield from self._overfull(placement, pool)\n", "", _VERIFIER),
    Mutant("scheduler/planning/granted.py", "        yield from self.over(job, pool, job.device_count)\n", "", _VERIFIER),
    Mutant("scheduler/planning/granted.py", "        yield from self._wrong_hold(job, pool, grant.hold_micros)\n", "", _VERIFIER),
    Mutant("scheduler/planning/granted.py", "if not least <= hold_micros <= most:", "if not hold_micros <= most:", _VERIFIER),
    Mutant("scheduler/planning/granted.py", "if not least <= hold_micros <= most:", "if not least <= hold_micros:", _VERIFIER),
    Mutant("scheduler/planning/granted.py", "least = 0 if self._state.funds[tenant.id].stocks else most", "least = most", "tests/unit/scheduler/test_packages_metered.py"),
    Mutant("scheduler/planning/verifier.py", "        if self._now_ms < taker.waiting_since_ms + policy.patience_ms:\n", "        if False:\n", _VERIFIER),
    Mutant("scheduler/planning/verifier.py", "if all(any(wrong_place(form, pool, attempt.placement))", "if all(False", _STOPS),
    Mutant("scheduler/planning/verifier.py", " and is_rested and is_soon_gone\n", " and is_rested\n", _STOPS),
    Mutant("scheduler/planning/granted.py", "if hold_micros > funds:", "if False:", _VERIFIER),
    Mutant("scheduler/planning/granted.py", "if stated != (pool.centre_id, pool.device_kind_id):", "if False:", _VERIFIER),
    Mutant("scheduler/planning/granted.py", "if job.centre_ids and pool.centre_id not in job.centre_ids:", "if False:", _VERIFIER),
    Mutant("scheduler/planning/granted.py", "if not accepts(job.device_kind_ids, pool.device_kind_id, self._park):", "if False:", _VERIFIER),
    Mutant("scheduler/planning/granted.py", "if pool.centre_id not in self._state.heard_centre_ids:", "if False:", _VERIFIER),
    Mutant("scheduler/planning/granted.py", "cards != wanted.cards_by_node():", "sum(cards) != job.device_count:", _VERIFIER),
    Mutant("scheduler/planning/granted.py", "if len(node_ids) != len(placement.shares):", "if False:", _VERIFIER),
    Mutant("scheduler/planning/granted.py", "away = sorted(node_ids - self._state.drains.open(self._state.online_node_ids))", "away = sorted(set[str]())", _VERIFIER),
    Mutant("scheduler/planning/granted.py", "return node is not None and node.pool_id == pool.id", "return True", _VERIFIER),
    Mutant("scheduler/planning/granted.py", "if share.card_count > free:", "if False:", _VERIFIER),
    Mutant("scheduler/planning/granted.py", " + need > centre.stated_tflops:", " > centre.stated_tflops:", _VERIFIER),
    Mutant("scheduler/planning/granted.py", " + need > self._park.stated_tflops:", " > self._park.stated_tflops:", _VERIFIER),
    Mutant("scheduler/planning/granted.py", " - self._held_of(quota.branch) - self._held[quota.branch]", " - self._held_of(quota.branch)", _VERIFIER),
    Mutant("scheduler/planning/granted.py", "            self._cards[share.node_id] += share.card_count\n", "            pass\n", _VERIFIER),
    Mutant("scheduler/planning/granted.py", "        self._tflops[pool.centre_id] += placement", "        self._tflops[pool.centre_id] -= placement", _VERIFIER),
    Mutant("scheduler/planning/granted.py", "        self._micros[job.tenant_id] += grant.hold_micros\n", "", _VERIFIER),
    Mutant("scheduler/planning/verifier.py", "attempt.stop_cause is not None or attempt.id in self._stopped:", "attempt.stop_cause is not None:", _VERIFIER),
    Mutant("scheduler/planning/verifier.py", "if attempt.stop_cause is not None or attempt.id in self._stopped:", "if attempt.id in self._stopped:", _VERIFIER),
    Mutant("scheduler/planning/verifier.py", "if taker.job.id in self._started:", "if False:", _VERIFIER),
    Mutant("scheduler/planning/verifier.py", "self._now_ms - began_ms < policy.min_run_ms:", "False:", _VERIFIER),
    Mutant("scheduler/planning/verifier.py", "if not {share.node_id for share in attempt.placement.shares} & {*eviction.node_ids}:", "if False:", _VERIFIER),
    Mutant("scheduler/planning/verifier.py", "if level is not None and owns[level] != wants.owns[level]:", "if False:", _VERIFIER),
    Mutant("scheduler/planning/verifier.py", "level = parting(standings.levels(taker.job), standings.levels(victim.job))", "level = 0", _STOPS),
    Mutant("scheduler/planning/verifier.py", "return merit < wants.merit and (is_low or is_resumed)", "return (is_low or is_resumed)", _VERIFIER),
    Mutant("scheduler/planning/verifier.py", " and (is_low or is_resumed) and is_rested", " and is_rested", _VERIFIER),
    Mutant("scheduler/planning/verifier.py", "is_resumed = policy.is_shared and ", "is_resumed = ", _VERIFIER),
    Mutant("scheduler/planning/verifier.py", "plan = replace(plan, grants=grants, evictions=evictions)", "pass", _VERIFIER),
    Mutant("scheduler/drafts.py", "return verified(state, found, now_ms, self.policy)", "return found, ()", _VERIFIER),
    Mutant("scheduler/controller.py", "            flaws=batch.flaws,\n", "", _VERIFIER),
    Mutant("scheduler/planning/planner.py", "            told.append(answer)\n", "            told.append(answer)\n            break\n", "tests/unit/scheduler/test_isolation.py"),
    Mutant("scheduler/leader.py", "        self.flaw_count += len(cycle.flaws)\n", "", "tests/acceptance/test_metrics.py"),
]
