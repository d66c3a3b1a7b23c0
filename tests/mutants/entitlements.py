"""Deliberate bugs in what branches own, borrow and lend, one a line."""

from tests.mutants.mutant import Mutant

_HAND = "tests/unit/test_entitlements.py"
_KEPT = "tests/unit/test_entitled.py"
_QUOTAS = "tests/unit/test_branch_quotas.py"
_BACK = "tests/unit/test_entitlements_reclaim.py"
_CELLS = "tests/unit/test_cells.py"
_PROMISES = "tests/unit/test_promises.py"
_LIMITS = "tests/unit/test_limits.py"
_API = "tests/acceptance/test_api_branches.py -k owned"

# fmt: off
MUTANTS = [
    Mutant("scheduler/model/entitlements.py", "self.most[branch, unit] = nominal.get(unit, 0) + more", "self.most[branch, unit] = more", _HAND),
    Mutant("scheduler/model/entitlements.py", "self.kept[branch, unit] = nominal[unit] - lent", "self.kept[branch, unit] = nominal[unit]", _HAND),
    Mutant("scheduler/model/entitlements.py", "if any(kept_unit == unit for _, kept_unit in self.kept):", "if False:", _HAND),
    Mutant("scheduler/model/entitlements.py", "self._park.device_kind_by_id[kind_id].tflops_fp16 if unit == P else cards", "1 if unit == P else cards", _HAND),
    Mutant("scheduler/model/entitlements.py", "found[pool.device_kind_id] = found.get(pool.device_kind_id, 0) + cards", "pass", _CELLS),
    Mutant("scheduler/model/entitlements.py", " and of[1] == tree.version and of[2] is park)", " and of[2] is park)", _KEPT),
    Mutant("scheduler/model/entitlements.py", " and of[2] is park)", ")", _KEPT),
    Mutant("scheduler/model/tree.py", "        self.version += 1\n        self.tenants", "        self.tenants", _KEPT),
    Mutant("scheduler/model/tree.py", "        self.version += 1\n        self.cohorts", "        self.cohorts", _KEPT),
    Mutant("scheduler/model/tree.py", "        self.version += 1\n        self.projects", "        self.projects", _KEPT),
    Mutant("scheduler/facts/takings.py", "return sum(state.held_cards[tenant_id] for tenant_id in state.tree.members(branch))", "return 0", _QUOTAS),
    Mutant("scheduler/facts/takings.py", "amount = max(taken + amount, kept) - max(taken, kept)", "pass", _HAND),
    Mutant("scheduler/facts/takings.py", "                    for above in _above(branch, entitlements):\n                        found.taken[above, unit] += idle\n", "                    pass\n", _HAND),
    Mutant("scheduler/facts/takings.py", "        for unit in (kind_id, P):\n            self.take", "        for unit in (kind_id,):\n            self.take", _HAND),
    Mutant("scheduler/sharing/allowance.py", "        cap = next(self.cap_reasons(record, pool.device_kind_id, delay_ms), None)\n", "        cap = None\n", _HAND),
    Mutant("scheduler/sharing/allowance.py", "        if any(next(self.cap_reasons(record, one), None) for one in kind_ids):\n            return False\n", "", _HAND),
    Mutant("scheduler/sharing/allowance.py", "                book.hold(path, kind_id, job.device_count)\n", "                pass\n", _HAND),
    Mutant("scheduler/sharing/allowance.py", "tenants = self._state.tenants if is_all else", "tenants = () if is_all else", _HAND),
    Mutant("scheduler/planning/desk.py", "            self._keep_caps(findings)\n", "", _HAND),
    Mutant("scheduler/planning/desk.py", "finding.capped.append(Option(candidate, hold))", "pass", _BACK),
    Mutant("scheduler/planning/desk.py", "if opening and self._is_within(form, option.candidate.pool, opening.victims):", "if opening:", _BACK),
    Mutant("scheduler/planning/desk.py", "        self._allowances.free_soon(one for one, _ in self._rooms.stopping())\n", "", _BACK),
    Mutant("scheduler/planning/desk.py", "if is_now and (shares := room.now", "if (shares := room.now", _BACK),
    Mutant("scheduler/planning/desk.py", "self._survey.find_cleared(form, option.candidate, victims)", "self._survey.find_soon(form, option.candidate)", _BACK),
    Mutant("scheduler/planning/offers.py", "is_barred = any(firsts) or", "is_barred = any((*firsts, *caps)) or", _BACK),
    Mutant("scheduler/sharing/allowance.py", "return [self._soon] if delay_ms else [self._live, self._soon]", "return [self._soon] if delay_ms else [self._live]", _BACK),
    Mutant("scheduler/timing/outlook.py", "            then.take(path, quota.unit, -amount)\n", "            then.taken[quota.key] -= amount\n", _HAND),
    Mutant("scheduler/planning/explain.py", "    if reasons and all(map(is_cap, reasons)):\n        return now_ms + 1\n", "", _HAND),
    Mutant("scheduler/placing/placement.py", "    if len(over) == len(possible):\n        return over\n", "", _HAND),
    Mutant("scheduler/sharing/standing.py", "key=lambda one: [not o for o in owning[one]]", "key=lambda one: one", _HAND),
    Mutant("scheduler/sharing/standing.py", "is_top = cohort if self._units(levels.cohort, kind_id) else tenant", "is_top = tenant", _HAND),
    Mutant("scheduler/sharing/standing.py", "return 2 if one.project != other.project else None", "return None", _HAND),
    Mutant("scheduler/sharing/standing.py", "    if one.tenant != other.tenant:\n        return 1\n", "    if one.tenant != other.tenant:\n        return 0\n", _HAND),
    Mutant("scheduler/sharing/standing.py", "return [unit for unit in units if (branch, unit)", "return [unit for unit in units[:1] if (branch, unit)", _HAND),
    Mutant("scheduler/model/tenancy.py", "return bool(cards) or (self.borrowing_tflops, self.lending_tflops) != (None, None)", "return bool(cards)", _HAND),
    Mutant("scheduler/planning/recount.py", "claimed > most and claimed > self._inside(branch, unit, self._held)", "claimed > most and False", _HAND),
    Mutant("scheduler/planning/recount.py", " if pool_id in by_id)\n", ")\n", _HAND),
    Mutant("scheduler/planning/recount.py", "        return max(kept, self._inside(branch, unit, held))\n", "        return self._inside(branch, unit, held)\n", _HAND),
    Mutant("scheduler/sharing/starving.py", "        hungry = _within_caps(state, hungry)\n", "        pass\n", "tests/unit/test_starving.py"),
    Mutant("scheduler/sharing/cells.py", "return used <= self._open[pool_id] or", "return True or", _CELLS),
    Mutant("scheduler/sharing/cells.py", "or self._kept.more(pool_id, tenant_id, node_ids) == 0", "or False", _CELLS),
    Mutant("scheduler/sharing/cells.py", "        if is_kept:\n            self._kept.add", "        if True:\n            self._kept.add", _CELLS),
    Mutant("scheduler/sharing/cells.py", "more = gained - self._own(pool_id, tenant_id, gained)", "more = gained - self._own(pool_id, tenant_id, 0)", _CELLS),
    Mutant("scheduler/sharing/standing.py", "            self._cells.take(pool.id, record.job.tenant_id, node_ids)\n", "            pass\n", _CELLS),
    Mutant("scheduler/sharing/standing.py", "self._owning[attempt.id] = owns if is_kept else NOTHING", "self._owning[attempt.id] = owns", _CELLS),
    Mutant("scheduler/planning/preemption.py", "        taker = self._standings.there(taker, pool_id, node_ids, is_whole=is_whole)\n", "", _CELLS),
    Mutant("scheduler/planning/verifier.py", "wants = standings.there(best, placement.pool_id, node_ids, is_whole=is_whole).standing", "wants = best.standing", _CELLS),
    Mutant("scheduler/planning/verifier.py", "is_whole = len(node_ids) > 1 and not taker.job.roles", "is_whole = len(node_ids) > 1", _CELLS),
    Mutant("scheduler/planning/preemption.py", "is_whole = wanted.node_count > 1 and not wanted.bundles", "is_whole = wanted.node_count > 1", _CELLS),
    Mutant("scheduler/planning/preemption.py", "            if there != taker:\n", "            if False:\n", _CELLS),
    Mutant("scheduler/model/promises.py", "if pool is not None and nodes > pool.node_count:", "if False:", _CELLS),
    Mutant("scheduler/model/promises.py", "if is_bound and promised > own:", "if False:", _PROMISES),
    Mutant("scheduler/model/promises.py", "        if promised > amount:\n", "        if False:\n", _PROMISES),
    Mutant("scheduler/model/promises.py", "        if kept > keeps:\n", "        if False:\n", _PROMISES),
    Mutant("scheduler/model/promises.py", "if lent > nominal.get(unit, 0):", "if False:", _PROMISES),
    Mutant("scheduler/model/promises.py", "return bool(tenant) and cohort in said and (unit == P", "return bool(tenant) and cohort in said and (False", _PROMISES),
    Mutant("scheduler/model/promises.py", "if not is_bound and promised > entitlements.cards[unit]:", "if False:", _LIMITS),
    Mutant("scheduler/model/limits.py", "if most is not None and owned > most:", "if False:", _LIMITS),
    Mutant("scheduler/model/limits.py", "        owned = max(owned, promised_of(own, unit, entitlements))\n", "", _LIMITS),
    Mutant("scheduler/model/limits.py", "if unit not in entitlements.nominal_of(own) and owned > most:", "if owned > most and False:", _LIMITS),
    Mutant("scheduler/model/limits.py", "if nominal <= bound < nominal + more:", "if False:", _LIMITS),
    Mutant("scheduler/model/limits.py", "if cards is not None and entitlements.is_of_cards(unit):", "if False:", _LIMITS),
    Mutant("scheduler/model/limits.py", "if most is not None and above != branch:", "if False:", _LIMITS),
    Mutant("api/park_file.py", "    found += limit_problems(tree, park)\n", "", "tests/unit/test_park_file.py"),
    Mutant("api/promised.py", "    yield from limit_problems(tree, park)\n", "", _API),
    Mutant("api/promised.py", "        if problem not in known:\n", "        if False:\n", _API),
    Mutant("api/cli/entitled.py", "        if text != NONE:\n            found[name] = int(text)\n", "        if text != NONE:\n            pass\n", _API),
    Mutant("api/reasons.py", 'return f"{number} {COUNTERS[what]} {kind}" if is_zh else f"{number} {kind}"', 'return f"{number}"', _API),
]
