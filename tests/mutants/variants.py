"""Deliberate bugs in jobs that are content with one gang or another, one a line."""

from tests.mutants.mutant import Mutant

_HAND = "tests/unit/test_variants.py"
_TOLD = "tests/unit/test_variants_told.py"
_SPEEDS = "tests/unit/test_speeds.py"
_ALWAYS = "tests/unit/test_variants_invariants.py"
_API = "tests/acceptance/test_api_variants.py"
_CLI = "tests/unit/test_cli_variants.py"

# fmt: off
MUTANTS = [
    Mutant("scheduler/model/variants.py", "                node_count=variant.node_count,\n", "", _HAND),
    Mutant("scheduler/model/variants.py", "                member_count=variant.member_count,\n", "", _HAND),
    Mutant("scheduler/model/variants.py", "                limit_ms=variant.limit_ms,\n", "", _HAND),
    Mutant("scheduler/model/variants.py", "return is_kind and placement.card_count == form.device_count", "return is_kind", _HAND),
    Mutant("scheduler/model/variants.py", "return is_kind and placement", "return placement", _HAND),
    Mutant("scheduler/forecast/speeds.py", "if len(lengths_ms) >= LEAST else None", "if lengths_ms else None", _SPEEDS),
    Mutant("scheduler/forecast/speeds.py", "speed = first_ms * 1_000 // max(1, length_ms)", "speed = length_ms * 1_000 // max(1, first_ms)", _SPEEDS),
    Mutant("scheduler/forecast/speeds.py", "        one = other = 1\n", "        return 1_000\n", _SPEEDS),
    Mutant("scheduler/forecast/speeds.py", "min(max(1, speed), PERMILLE_MAX)", "min(speed, PERMILLE_MAX)", _SPEEDS),
    Mutant("scheduler/forecast/speeds.py", "tuple(min(max(1, speed), PERMILLE_MAX)", "tuple(max(1, speed)", _SPEEDS),
    Mutant("scheduler/forecast/speeds.py", "return -(-own_ms * 1_000 // speed_permille)", "return own_ms * 1_000 // speed_permille", _SPEEDS),
    Mutant("scheduler/forecast/history.py", "run.held_count == form.device_count", "True", _SPEEDS),
    Mutant("scheduler/forecast/history.py", "(not kind_ids or run.device_kind_id in kind_ids)", "True", _SPEEDS),
    Mutant("scheduler/forecast/history.py", "            and run.device_kind_id\n", "", _SPEEDS),
    Mutant("scheduler/forecast/history.py", "run.length_ms * 1_000 // run.speed_permille\n", "run.length_ms\n", _SPEEDS),
    Mutant("scheduler/forecast/history.py", '    return "", tenant_id, user, name\n', '    return "", tenant_id, user\n', _SPEEDS),
    Mutant("scheduler/facts/record.py", 'kind_id = "" if self.had_ms else', 'kind_id = "" if False else', _SPEEDS),
    Mutant("scheduler/facts/record.py", "return run_ms * self.speed_permille // 1_000", "return run_ms", _SPEEDS),
    Mutant("scheduler/facts/record.py", "at_speed(self.had_ms, self.speed_permille) + max", "self.had_ms + max", _SPEEDS),
    Mutant("scheduler/facts/record.py", "None if own_ms is None else at_speed(own_ms, self.speed_permille)", "own_ms", _SPEEDS),
    Mutant("scheduler/facts/record.py", "[form_number(job, attempt.placement)]", "[0]", _SPEEDS),
    Mutant("scheduler/facts/record.py", "form_in(self.job, attempt.placement).longest_ms", "self.job.longest_ms", _HAND),
    Mutant("scheduler/facts/agenda.py", "attempt.started_at_ms + record.form.limit_ms", "attempt.started_at_ms + record.job.limit_ms", _HAND),
    Mutant("scheduler/facts/state.py", "record.done_ms or record.served_card_ms // record.job.device_count", "record.done_ms", _SPEEDS),
    Mutant("scheduler/timing/forecasts.py", "None if own_ms is None else at_speed(own_ms, form.speed_permille)", "own_ms", _SPEEDS),
    Mutant("scheduler/timing/outlook.py", "over_ms = ready_ms + self.forecasts.length_ms(bid.form)", "over_ms = ready_ms", _HAND),
    Mutant("scheduler/timing/outlook.py", "best = over_ms, first, bid.form", "best = over_ms, first, next(iter(bids)).form", _HAND),
    Mutant("scheduler/planning/desk.py", "option.ready_ms(reservation.start_ms) + self._forecasts.length_ms(form)", "option.ready_ms(reservation.start_ms)", _HAND),
    Mutant("scheduler/planning/desk.py", "                over.append(form)\n", "", _HAND),
    Mutant("scheduler/planning/desk.py", "self._keep_quota(min(over,", "self._keep_quota(max(over,", _HAND),
    Mutant("scheduler/planning/desk.py", "form = self._promised.get(job_id) or self.state.jobs[job_id]", "form = self.state.jobs[job_id]", _HAND),
    Mutant("scheduler/planning/desk.py", "                finding.reasons.append(reason)\n                over", "                over", _HAND),
    Mutant("scheduler/planning/desk.py", "                finding.reasons.extend(misfits(shape, self.park))\n", "                pass\n", f"{_HAND} {_ALWAYS}"),
    Mutant("scheduler/planning/desk.py", "        tflops = form.job.device_count * self", "        tflops = self.state.jobs[form.job.id].job.device_count * self", _HAND),
    Mutant("scheduler/planning/verifier.py", "        job = form_in(record.job, placement)\n", "        job = record.job\n", _TOLD),
    Mutant("scheduler/planning/verifier.py", "self._take(form_in(record.job, grant.placement), grant)", "self._take(record.job, grant)", _TOLD),
    Mutant("scheduler/planning/verifier.py", "replace(taker, job=least)", "taker", _TOLD),
    Mutant("scheduler/sharing/starving.py", "least = min(form.device_count for form in forms(job))", "least = job.device_count", _TOLD),
    Mutant("scheduler/sharing/starving.py", "state.jobs[attempt.job_id].form)", "state.jobs[attempt.job_id].job)", _TOLD),
    Mutant("scheduler/asking/whatif.py", "0 if prospect.reasons else rank,", "0,", _TOLD),
    Mutant("scheduler/asking/whatif.py", "offer.transfer_ms + prospect.length_ms", "offer.transfer_ms", _TOLD),
    Mutant("scheduler/asking/ranking.py", "needed=offer.form.job.device_count", "needed=offer.pool.card_count", _TOLD),
    Mutant("scheduler/orders.py", "    job = form_in(job, attempt.placement)\n", "", "tests/unit/test_orders.py"),
    Mutant("scheduler/orders.py", "            *_gang_env(attempt.placement),\n", "", "tests/unit/test_orders.py"),
    Mutant("api/variant_spec.py", "permille = min(1_000, self.speed_permille or 1_000)", "permille = self.speed_permille or 1_000", _API),
    Mutant("api/variant_spec.py", "-(-own_ms // permille) * 1_000 if permille < 1_000 else own_ms", "own_ms", _API),
    Mutant("api/variant_spec.py", "if one.devices == other.devices and shared:", "if False:", _API),
    Mutant("api/variant_spec.py", "one.device or device, other.device or device", "one.device, other.device", _API),
    Mutant("api/values.py", '"a number is needed, such as 0.6")', '"a number")', _API),
    Mutant("api/submission.py", "device_kind_ids=tuple(dict.fromkeys(stated.device or spec.device))", "device_kind_ids=tuple(stated.device)", f"{_API} tests/unit/test_submission.py"),
    Mutant("api/submission.py", 'f"{which} {_as_form(jobs[number], variant, form)}" if variant else which', "which", _API),
    Mutant("api/submission.py", "for one in enumerate(forms(job))]", "for one in enumerate([job])]", _API),
    Mutant("api/explaining.py", "    if number:\n", "    if False:\n", _API),
    Mutant("api/quoting.py", "devices=job.device_count", "devices=prospect.pool.card_count", _API),
    Mutant("api/quoting.py", "    if job.has_forms:\n", "    if False:\n", _API),
    Mutant("api/ranked.py", "needs=use.needed", "needs=use.free", _API),
    Mutant("api/cli/job_tables.py", "    for one in spec.variants:\n", "    for one in ():\n", _CLI),
    Mutant("api/cli/job_tables.py", "*([str(option.devices)] if has_sizes else []),", "*([option.device] if has_sizes else []),", _CLI),
]
