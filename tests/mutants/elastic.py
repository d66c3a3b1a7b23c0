"""Deliberate bugs in elastic jobs: their sizes, and when they grow, one a line."""

from tests.mutants.mutant import Mutant

_HAND = "tests/unit/scheduler/test_elastic.py"
_STEPS = "tests/unit/scheduler/test_elastic_steps.py"
_API = "tests/acceptance/test_api_variants.py"

# fmt: off
MUTANTS = [
    Mutant("scheduler/model/variants.py", "lambda size: size.device_count >= least, sizes)", "lambda size: size.device_count > 1, sizes)", _HAND),
    Mutant("scheduler/model/variants.py", "islice(smaller, SIZES_MAX - 1)", "smaller", _HAND),
    Mutant("scheduler/model/variants.py", "limit_ms=first.limit_ms * first.device_count // size.device_count", "limit_ms=first.limit_ms", _HAND),
    Mutant("scheduler/model/variants.py", "first = replace(job, variants=(), min_device_count=None, step_device_count=None)", "first = replace(job, variants=(), step_device_count=None)", _HAND),
    Mutant("scheduler/timing/forecasts.py", "gang = (job.device_count, job.node_count, job.member_count)", "gang = (job.device_count,)", _HAND),
    Mutant("scheduler/timing/forecasts.py", "sizes = (job.variants, job.min_device_count, job.step_device_count)", "sizes = (job.variants, job.min_device_count)", _STEPS),
    Mutant("scheduler/planning/vacancy.py", "sizes = job.variants, job.min_device_count, job.step_device_count", "sizes = job.variants, job.min_device_count", _STEPS),
    Mutant("scheduler/model/variants.py", "sizes = halves(first) if step is None else steps(first, step)", "sizes = halves(first)", _STEPS),
    Mutant("scheduler/model/variants.py", "count and count * cards // job.device_count for", "count for", _STEPS),
    Mutant("api/schemas/jobs.py", " or self.min_devices or self.step_devices", " or self.min_devices", "tests/acceptance/test_api_roles.py -k one_size"),
    Mutant("api/schemas/variant_spec.py", "    if least >= gang.devices:\n", "    if False:\n", _API),
    Mutant("api/schemas/variant_spec.py", "    if sizes[-1] != least:\n", "    if False:\n", _API),
    Mutant("api/schemas/variant_spec.py", "    if len(sizes) > SIZES_MAX:\n", "    if False:\n", _API),
    Mutant("api/schemas/variant_spec.py", "        if step * count % gang.devices:\n", "        if False:\n", _API),
    Mutant("api/schemas/variant_spec.py", "    elif gang.step_devices is not None:\n", "    elif False:\n", _API),
    Mutant("api/submission.py", "        step_device_count=spec.step_devices,\n", "", _API),
    Mutant("api/submission.py", "        step_devices=job.step_device_count,\n", "", _API),
    Mutant("scheduler/facts/agenda.py", "may_grow = is_settled and record.is_small and not record.is_cancelled", "may_grow = is_settled and record.is_small", _HAND),
    Mutant("scheduler/facts/agenda.py", "        may_grow = is_settled and record.is_small and", "        may_grow = is_settled and", _HAND),
    Mutant("scheduler/planning/planner.py", "not (state.queue or ripe(state, now_ms, policy))", "not state.queue", _HAND),
    Mutant("scheduler/planning/planner.py", "    desk.grow()\n", "", _HAND),
    Mutant("scheduler/planning/desk.py", "waiting = (one for one in self.state.queue if one not in self._granted)", "waiting = ()", _HAND),
    Mutant("scheduler/planning/growth.py", "    if policy.preemption is None or not small:\n        return []\n    begun_ms = now_ms - grows_after_ms(policy.preemption)", "    begun_ms = now_ms - GROW_AFTER_MS", _HAND),
    Mutant("scheduler/planning/growth.py", "if one.begin_ms <= begun_ms and", "if", _HAND),
    Mutant("scheduler/planning/growth.py", "checkpoint.signal is not None and job.grace_ms <= SOON_MS", "job.grace_ms <= SOON_MS", _HAND),
    Mutant("scheduler/planning/growth.py", "and checkpoint.signal is not None and job.grace_ms <= SOON_MS", "and checkpoint.signal is not None", _HAND),
    Mutant("scheduler/planning/growth.py", "found = {one.placement.pool_id for one in self._state.agenda.stopping.values()}", "found: set[str] = set()", _HAND),
    Mutant("scheduler/planning/growth.py", "                    return [Eviction(attempt.id, attempt.job_id, node_ids)]\n", "                    return [Eviction(attempt.id, attempt.job_id, node_ids)] * 2\n", _HAND),
    Mutant("scheduler/planning/growth.py", "if left_ms - then_ms <= RESTART_MS + record.job.grace_ms:", "if left_ms - then_ms <= RESTART_MS:", _HAND),
    Mutant("scheduler/planning/growth.py", "            if left_ms - then_ms <= RESTART_MS +", "            if left_ms <= RESTART_MS +", _HAND),
    Mutant("scheduler/planning/growth.py", "is_here = candidate.pool.id == attempt.placement.pool_id", "is_here = True", _HAND),
    Mutant("scheduler/planning/growth.py", "isinstance(hold, int) and self._allowances.has", "self._allowances.has", _HAND),
    Mutant("scheduler/planning/growth.py", "return isinstance(hold, int) and self._allowances.has_spare(form.job, candidate.pool, more)", "return isinstance(hold, int)", _HAND),
    Mutant("scheduler/planning/growth.py", "    give_back(free, attempt.placement.shares)\n", "", _HAND),
    Mutant("scheduler/sharing/allowance.py", "return free if kept is None else min(free, kept.spare)", "return free", _HAND),
    Mutant("scheduler/planning/verifier.py", '        if job.min_device_count is None or job.checkpoint is None:\n            yield "it is not elastic"\n', "", _HAND),
    Mutant("scheduler/planning/verifier.py", "self._granted.left(one.node_id) + own.get(one.node_id, 0)", "self._granted.left(one.node_id) + 8", _HAND),
    Mutant("scheduler/planning/verifier.py", "if more <= 0 or is_wrong or self._is_late(form, attempt):", "if more <= 0 or self._is_late(form, attempt):", _HAND),
    Mutant("scheduler/planning/verifier.py", "if has_room and not any(self._granted.over(job, pool, more, self._granted.recount)):", "if has_room:", _HAND),
    Mutant("scheduler/planning/verifier.py", "found = [*self._too_soon(attempt, policy), *self._wrong", "found = [*self._wrong", _HAND),
    Mutant("api/schemas/variant_spec.py", "    if gang.variants:\n", "    if False:\n", _API),
    Mutant("api/schemas/variant_spec.py", "    if gang.checkpoint is None:\n", "    if False:\n", _API),
    Mutant("api/schemas/variant_spec.py", "    if odd:\n", "    if False:\n", _API),
    Mutant("api/schemas/variant_spec.py", "gang.devices < 2 * least", "False", _API),
    Mutant("api/submission.py", "        min_device_count=spec.min_devices,\n", "", _API),
    Mutant("api/submission.py", "        min_devices=job.min_device_count,\n", "", _API),
    Mutant("api/answers/explaining.py", "cards_of(attempt) < job.spec.devices", "False", _API),
]
