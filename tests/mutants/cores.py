"""Deliberate bugs in what tells cores from cards, one a line."""

from tests.mutants.mutant import Mutant

_CORES = "tests/unit/test_cores.py"
_UNITS = "tests/unit/test_units.py"
_FILE = "tests/unit/test_park_file.py"

# fmt: off
MUTANTS = [
    Mutant("cluster/devices.py", "return self.tflops_fp16 or 1", "return self.tflops_fp16", _CORES),
    Mutant("cluster/inventory.py", "if kind.unit is Unit.CORE)", "if kind.unit is None)", _CORES),
    Mutant("api/park_machines.py", "if (tflops == 0) != (unit is Unit.CORE):", "if tflops == 0 and unit is Unit.CARD:", _FILE),
    Mutant("api/park_machines.py", 'if (name == "CORE") != (unit is Unit.CORE):', 'if name == "CORE" and unit is Unit.CARD:', _FILE),
    Mutant("scheduler/model/cores.py", "return kind_id in (kind_ids or park.card_kind_ids)", "return not kind_ids or kind_id in kind_ids", _CORES),
    Mutant("scheduler/model/cores.py", 'form.device_kind_ids or ("",)', "form.device_kind_ids", _CORES),
    Mutant("scheduler/model/cores.py", "for form in forms(job) for kind_id", "for form in forms(job)[:1] for kind_id", _CORES),
    Mutant("scheduler/model/cores.py", "return () if is_on_cores(job, park) else tree.quotas(job.tenant_id, job.project)", "return tree.quotas(job.tenant_id, job.project)", _CORES),
    Mutant("scheduler/sharing/allowance.py", "return () if is_on_cores(job, self._park) else self._quotas", "return self._quotas", _CORES),
    Mutant("scheduler/sharing/allowance.py", "0 if is_on_cores(job, self._park) else job.device_count", "job.device_count", _CORES),
    Mutant("scheduler/facts/holdings.py", "return 0 if is_of_cores else placement.card_count", "return placement.card_count", _CORES),
    Mutant("scheduler/facts/holdings.py", "return placement.card_count * self._kind(placement).tflops_fp16", "return placement.card_count * self._kind(placement).share_tflops", _CORES),
    Mutant("scheduler/facts/holdings.py", "return placement.card_count * self._kind(placement).share_tflops", "return placement.card_count * self._kind(placement).tflops_fp16", _CORES),
    Mutant("scheduler/model/entitlements.py", "return (kind_id,) if kind_id in self._park.core_kind_ids else (kind_id, P)", "return (kind_id, P)", _CORES),
    Mutant("scheduler/model/entitlements.py", "return unit != P and unit not in self._park.core_kind_ids", "return unit != P", _CORES),
    Mutant("scheduler/sharing/starving.py", "side = job.tenant_id, is_on_cores(job, state.park)", "side = job.tenant_id, False", _CORES),
    Mutant("scheduler/sharing/starving.py", "devices[pool.device_kind_id in park.core_kind_ids] += pool.card_count", "devices[False] += pool.card_count", _CORES),
    Mutant("scheduler/timing/outlook.py", "for timeline in () if is_on_cores(job, self.park) else self._of_all_kinds(job):", "for timeline in self._of_all_kinds(job):", _CORES),
    Mutant("scheduler/asking/alternatives.py", "replace(job, device_kind_ids=on_cores, centre_ids=())", "replace(job, device_kind_ids=(), centre_ids=())", _CORES),
    Mutant("api/submission.py", "        if is_mixed(job, declared.park):\n            raise _mixed(declared.park)\n", "        pass\n", "tests/acceptance/test_api_cores.py"),
    Mutant("api/routes/packages.py", "if package.device_kind_id in declared.park.core_kind_ids:", "if False:", "tests/acceptance/test_api_cores.py"),
    Mutant("accounting/units.py", "return Unit.CARD if tflops else Unit.CORE", "return Unit.CARD", _UNITS),
    Mutant("accounting/units.py", "return one.device_ms if one.unit is Unit.CARD else 0", "return one.device_ms", _UNITS),
    Mutant("accounting/units.py", "return one.device_ms if one.unit is Unit.CORE else 0", "return one.device_ms", _UNITS),
    Mutant("accounting/units.py", "    if any(one.unit is Unit.CORE for one in known):\n", "    if True:\n", _UNITS),
    Mutant("accounting/usage.py", "return unit_of(self.tflops_ms) if self.device_ms else Unit.CARD", "return unit_of(self.tflops_ms)", _UNITS),
    Mutant("accounting/export.py", '| ({"device_ms": 0} if unit == Unit.CORE else {})', "", _UNITS),
    Mutant("accounting/export.py", "self._core_ms += sign * core_ms(usage)", "self._core_ms += core_ms(usage)", _UNITS),
    Mutant("accounting/focus_lines.py", "pricing_unit=_PRICED_IN[self._unit]", "pricing_unit=PRICING_UNIT", _UNITS),
    Mutant("accounting/focus_lines.py", "sku_meter=_METERS[self._unit]", "sku_meter=_METERS[Unit.CARD]", _UNITS),
    Mutant("accounting/focus_lines.py", "    if usage.unit is Unit.CORE:\n", "    if False:\n", _UNITS),
    Mutant("accounting/invoice_lines.py", 'CORE_UNIT if "unit" in line else UNIT', "UNIT", _UNITS),
    Mutant("accounting/settlement.py", "by_month[entry.month] += card_ms(entry)", "by_month[entry.month] += entry.device_ms", _UNITS),
    Mutant("accounting/waterfall.py", "            return int(unit_of(tflops) is Unit.CORE)", "            return 1", _UNITS),
    Mutant("accounting/hours.py", "case((tflops > 0, device_ms), else_=0)", "device_ms", _UNITS),
    Mutant("accounting/tables.py", "device_count > 0 AND tflops >= 0", "device_count > 0 AND tflops > 0", "tests/unit/test_database.py"),
    Mutant("api/migrations/versions/0024_cores.py", '    op.create_check_constraint(NAME, "usage", "device_count > 0 AND tflops >= 0")\n', '    op.create_check_constraint(NAME, "usage", "device_count > 0 AND tflops > 0")\n', _UNITS),
    Mutant("api/documents/statement.typ", "([核时合计], totals.core_hours),", "([核时合计], totals.card_hours),", _UNITS),
    Mutant("scheduler/model/cores.py", "return f\"cores{unit.removeprefix('cards')}\" if unit.startswith(\"cards\") else unit", "return unit", _CORES),
    Mutant("scheduler/planning/planner.py", "        verdicts = in_units(verdicts, state)\n", "        pass\n", _CORES),
    Mutant("scheduler/placing/placement.py", "return in_its_unit(_impossible(job, park, tree, prices, now_ms), job, park)", "return _impossible(job, park, tree, prices, now_ms)", _CORES),
    Mutant("scheduler/asking/whatif.py", "reasons=in_its_unit(offer.reasons, form.job, desk.park)", "reasons=offer.reasons", _CORES),
    Mutant("api/reasons.py", '        case "cards" | "cores":\n', '        case "cards":\n', _CORES),
    Mutant("cluster/ray_watch.py", "self.is_logical or kind.unit is Unit.CORE", "self.is_logical", "tests/unit/test_ray_watch.py"),
    Mutant("cluster/supervisor.py", "        if self._settings.visible_devices_variable == CORES_VARIABLE:\n", "        if False:\n", "tests/unit/test_supervisor.py -k cores"),
    Mutant("scheduler/facts/declarations.py", "        if before.unit is not kind.unit:\n", "        if False:\n", _CORES),
]
