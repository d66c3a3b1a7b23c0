"""Deliberate bugs in where data may be and what it does to where jobs go, one a line."""

from tests.mutants.mutant import Mutant

_PARK = "tests/unit/test_park_data.py"
_LOCALITY = "tests/unit/test_locality.py"
_API = "tests/acceptance/test_api_data.py"
_CLI = "tests/acceptance/test_cli_refusals.py -k broker_refuses"
_TOLD = "tests/unit/test_cli.py -k data"
_DURATIONS = "tests/unit/test_durations.py"
_CUSTODY = "tests/unit/test_custody.py"

# fmt: off
MUTANTS = [
    Mutant("cluster/inventory.py", "        if centre_id in dataset.centre_ids:\n            return 0\n", "", _PARK),
    Mutant("cluster/inventory.py", "mbit_per_s = max(speed or 0 for speed in speeds)", "mbit_per_s = min(speed or 0 for speed in speeds)", _PARK),
    Mutant("cluster/inventory.py", "return -(-dataset.size_bytes * 8 //", "return (dataset.size_bytes * 8 //", _PARK),
    Mutant("cluster/inventory.py", "self._mbit_per_s_by_ends.get(tuple(sorted((centre_id, other_id))))", "self._mbit_per_s_by_ends.get((centre_id, other_id))", _PARK),
    Mutant("api/park_data.py", "if allowed and centre_id not in allowed:", "if False:", _PARK),
    Mutant("api/park_data.py", "dataset.tenant_id is not None and dataset.tenant_id not in tenant_ids", "False", _PARK),
    Mutant("api/park_data.py", "yield from _unreachable(park, dataset, allowed or tuple(park.centre_by_id))", "yield from _unreachable(park, dataset, tuple(park.centre_by_id))", _PARK),
    Mutant("api/park_data.py", "if centre_id in held_in or any(", "if any(", _PARK),
    Mutant("api/park_data.py", "if len(link.centre_ids) != len(set(link.centre_ids)):", "if False:", _PARK),
    Mutant("api/park_data.py", "centre_ids=tuple(sorted(self.between or ()))", "centre_ids=tuple(self.between or ())", _PARK),
    Mutant("api/park_data.py", "MAX_GBIT_PER_S * MBIT_PER_GBIT or mbit != int(mbit)", "MAX_GBIT_PER_S * MBIT_PER_GBIT", _PARK),
    Mutant("api/values.py", "if not _BYTES.fullmatch(str(value)):", "if False:", _PARK),
    Mutant("scheduler/model/locality.py", "    if any(_unknown(data_class, data_ids, park)):\n        return ()\n", "", _LOCALITY),
    Mutant("scheduler/model/locality.py", "if all(one in of_class for of_class in allowed)", "if not allowed or any(one in of_class for of_class in allowed)", _LOCALITY),
    Mutant("scheduler/model/locality.py", "class_ids = [data_class, *(dataset.data_class for dataset in datasets if dataset)]", "class_ids = [data_class]", _LOCALITY),
    Mutant("scheduler/model/locality.py", "class_ids = [data_class, *(", "class_ids = [*(", _LOCALITY),
    Mutant("scheduler/model/locality.py", "if one is not None and one.centre_ids)", "if one is not None)", "tests/unit/test_locality_invariants.py"),
    Mutant("scheduler/model/locality.py", "return sum(park.transfer_ms(park.dataset_by_id", "return max(park.transfer_ms(park.dataset_by_id", f"{_LOCALITY} tests/unit/test_locality_invariants.py"),
    Mutant("scheduler/placing/placement.py", "if not shape.centre_ids or one in shape.centre_ids)", ")", _LOCALITY),
    Mutant("scheduler/placing/placement.py", "(transfers[p.centre_id], rank", "(0, rank", _LOCALITY),
    Mutant("scheduler/placing/placement.py", "if one.tenant_id in (None, job.tenant_id)]", "]", _LOCALITY),
    Mutant("scheduler/placing/placement.py", "    if of_data:\n        return of_data\n", "", _LOCALITY),
    Mutant("scheduler/placing/placement.py", "if isinstance(answer, Reason)), *of_data)", "if isinstance(answer, Reason)),)", _LOCALITY),
    Mutant("scheduler/placing/placement.py", "*sorted(words)[:WORDS_SHOWN], *more", "*sorted(words)", _LOCALITY),
    Mutant("scheduler/model/custody.py", "if job.centre_ids and centre_id not in job.centre_ids:", "if False:", _CUSTODY),
    Mutant("scheduler/model/custody.py", "class_ids = [] if job.data_class is None else [job.data_class]", "class_ids = []", _CUSTODY),
    Mutant("scheduler/model/custody.py", "            class_ids.append(dataset.data_class)\n", "            pass\n", _CUSTODY),
    Mutant("scheduler/model/custody.py", "if data_class.centre_ids and centre_id not in data_class.centre_ids:", "if False:", _CUSTODY),
    Mutant("scheduler/facts/state.py", "        if (refusal := custody_refusal(record.job, event.placement, self.park)) is not None:\n            return refusal\n", "", _CUSTODY),
    Mutant("scheduler/orders.py", "if centre_id in one.centre_ids}", "}", "tests/unit/test_orders.py"),
    Mutant("scheduler/orders.py", "    if not job.data_ids:\n        return ()\n", "", "tests/unit/test_orders.py"),
    Mutant("scheduler/planning/verifier.py", "        refusal = custody_refusal(job, placement, self._park)\n        if refusal is not None:\n            yield refusal\n", "", _CUSTODY),
    Mutant("scheduler/facts/declarations.py", '        if refusal is not None:\n            return f"in the new park', '        if False:\n            return f"in the new park', _CUSTODY),
    Mutant("scheduler/planning/options.py", "if promise.start_ms + near.transfer_ms > start_ms + self.transfer_ms:", "if promise.start_ms + near.transfer_ms >= start_ms + self.transfer_ms:", _LOCALITY),
    Mutant("scheduler/planning/options.py", "promise.start_ms + near.transfer_ms > start_ms + self.transfer_ms:", "promise.start_ms > start_ms + self.transfer_ms + near.transfer_ms:", _LOCALITY),
    Mutant("scheduler/planning/options.py", "return start_ms + self.candidate.transfer_ms", "return start_ms", _LOCALITY),
    Mutant("scheduler/planning/survey.py", "for near, _ in before if self._policy.is_backfilling else ():", "for near, _ in before:", _LOCALITY),
    Mutant("scheduler/planning/desk.py", "            if near is None:\n                payable.append(", "            if True:\n                payable.append(", _LOCALITY),
    Mutant("scheduler/planning/offers.py", "                before.append(Option(candidate, money))\n", "", _LOCALITY),
    Mutant("scheduler/planning/desk.py", "near = survey.nearer(form, candidate, payable) if candidate.transfer_ms else None", "near = None", _LOCALITY),
    Mutant("scheduler/timing/outlook.py", "first, ready_ms = PlannedStart(at_ms, place.pool.id), at_ms + place.transfer_ms", "first, ready_ms = PlannedStart(at_ms, place.pool.id), at_ms", _LOCALITY),
    Mutant("scheduler/asking/whatif.py", "start_ms + offer.transfer_ms + prospect.length_ms", "start_ms + prospect.length_ms", _LOCALITY),
    Mutant("scheduler/asking/whatif.py", "None if self.start_ms is None else self.start_ms + self.transfer_ms", "self.start_ms", _LOCALITY),
    Mutant("scheduler/planning/explain.py", "        if only.code is ReasonCode.NEARER_DATA:\n            return now_ms\n", "", _LOCALITY),
    Mutant("scheduler/asking/alternatives.py", "if not prospect.reasons and prospect.transfer_ms <= present.transfer_ms:", "if not prospect.reasons:", _LOCALITY),
    Mutant("api/submission.py", "data_ids=tuple(dict.fromkeys(spec.data)),", "data_ids=tuple(spec.data),", _API),
    Mutant("api/submission.py", "        data_class=spec.data_class,\n", "", _API),
    Mutant("api/submission.py", "        data=list(job.data_ids),\n", "", _API),
    Mutant("api/data_notes.py", "if centre_id not in dataset.centre_ids", "if True", _API),
    Mutant("api/data_notes.py", "for centre_id in allowed\n", "for centre_id in park.centre_by_id\n", _API),
    Mutant("api/routes/jobs.py", "() if job.state in FINAL_STATES else data_notes(job.spec, park)", "data_notes(job.spec, park)", _API),
    Mutant("api/quoting.py", "        transfer_ms=prospect.transfer_ms,\n", "", _API),
    Mutant("api/quoting.py", "    if first.transfer_ms:\n", "    if False:\n", _API),
    Mutant("api/routes/datasets.py", "            if one.tenant_id is None or caller.may_see(one.tenant_id)\n", "", _API),
    Mutant("api/routes/datasets.py", "one.tenant_id is None or caller", "caller", _API),
    Mutant("api/durations.py", "parts = -(-duration_ms // _UNIT_MS[part])", "parts = duration_ms // _UNIT_MS[part]", _DURATIONS),
    Mutant("api/cli/quote.py", '        "data": data,\n', "", _CLI),
    Mutant("api/cli/quote.py", '        "data_class": data_class,\n', "", _CLI),
    Mutant("api/cli/submit.py", '        "data": data,\n', "", _CLI),
    Mutant("api/cli/submit.py", '        "data_class": data_class,\n', "", _CLI),
    Mutant("api/cli/job_tables.py", "taken = about(option.transfer_ms) if option.transfer_ms else", "taken = about(option.transfer_ms) if False else", _TOLD),
    Mutant("api/cli/job_tables.py", "    for note in explanation.data:\n", "    for note in ():\n", _TOLD),
]
