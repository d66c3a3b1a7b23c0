"""Deliberate bugs in what is known of what cards did, one a line."""

from tests.mutants.mutant import Mutant

_FACTS = "tests/unit/accounting/usage/test_activity.py"
_HOURS = "tests/unit/accounting/storage/test_activity_hours.py"
_MEASURING = "tests/unit/scheduler/facts/test_measuring.py"
_SAMPLING = "tests/unit/cluster/test_sampling.py"
_GANG = "tests/unit/cluster/test_gang.py"
_READINGS = "tests/unit/scheduler/test_readings.py"
_METERS = "tests/unit/cluster/test_meters.py"
_WIRE = "tests/unit/cluster/test_wire.py"
_API = "tests/acceptance/test_api_activity.py"

# fmt: off
MUTANTS = [
    Mutant("accounting/usage/activity.py", "    measured = min(measured, allocated)\n", "", _FACTS),
    Mutant("accounting/usage/activity.py", "if measured <= 0:", "if measured < 0:", _FACTS),
    Mutant("accounting/usage/activity.py", "    active = min(active, measured)\n", "", _FACTS),
    Mutant("accounting/usage/activity.py", "* watched_then_ms // whole.measured_device_ms", "* passed_ms // lasted_ms", _FACTS),
    Mutant("accounting/usage/activity.py", "(whole.from_ms // MS_PER_HOUR + 1) * MS_PER_HOUR", "whole.to_ms", _FACTS),
    Mutant("accounting/storage/activity_hours.py", "cast(func.div(measured, row.to_ms - row.from_ms), BigInteger)", "cast(measured / (row.to_ms - row.from_ms), BigInteger)", f"{_HOURS} -k down"),
    Mutant("accounting/storage/activity_hours.py", "begin_ms = -(-from_ms // MS_PER_HOUR) * MS_PER_HOUR", "begin_ms = from_ms // MS_PER_HOUR * MS_PER_HOUR", _HOURS),
    Mutant("accounting/storage/activity_hours.py", "((from_ms, begin_ms), (end_ms, to_ms))", "((from_ms, begin_ms),)", _HOURS),
    Mutant("accounting/storage/activity_hours.py", "for weight in (1, part.c.tflops)", "for weight in (1, 313)", _HOURS),
    Mutant("accounting/storage/activity_hours.py", "asked = asked.where(part.c.tenant_id == tenant_id)", "pass", _HOURS),
    Mutant("accounting/storage/activity_hours.py", "UNION ALL SELECT concat(attempt_id, '/', packages.id) FROM packages", "", _HOURS),
    Mutant("accounting/storage/activity_hours.py", "func.greatest(0, func.least(at_ms, row.to_ms) - row.from_ms)", "func.least(at_ms, row.to_ms) - row.from_ms", _HOURS),
    Mutant("api/migrations/versions/0023_activity.py", "activity_hours.active_device_ms + EXCLUDED.active_device_ms", "EXCLUDED.active_device_ms", _HOURS),
    Mutant("accounting/storage/activity_hours.py", "it says {self.kept_measured_ms} device", "it says {self.measured_ms} device", _HOURS),
    Mutant("accounting/proof/verifying.py", "    for watched in unfit_hours(connection):", "    for watched in ():", _HOURS),
    Mutant("accounting/storage/fact_store.py", "    ActivitySlice: ActivityRow,\n", "", _HOURS),
    Mutant("scheduler/facts/measuring.py", "min(new_ms, attempt.placement.card_count * (to_ms - from_ms))", "new_ms", _MEASURING),
    Mutant("scheduler/facts/measuring.py", "active_ms * taken_ms // new_ms", "active_ms", _MEASURING),
    Mutant("scheduler/facts/measuring.py", "min(max(0, told.active_ms - attempt.activity.active_ms), new_ms)", "told.active_ms - attempt.activity.active_ms", _MEASURING),
    Mutant("scheduler/facts/measuring.py", "if taken_ms > 0:", "if taken_ms:", _MEASURING),
    Mutant("scheduler/facts/measuring.py", "begin_ms <= event.from_ms < event.to_ms", "event.from_ms < event.to_ms", _MEASURING),
    Mutant("scheduler/facts/measuring.py", "event.to_ms <= attempt.metered_to_ms:", "event.to_ms:", _MEASURING),
    Mutant("scheduler/facts/measuring.py", "event.measured_device_ms <= device_ms:", "event.measured_device_ms:", _MEASURING),
    Mutant("scheduler/facts/measuring.py", "    attempt.measured_to_ms = event.to_ms\n", "", _MEASURING),
    Mutant("scheduler/readings.py", "        yield from measured(attempt, self._activity_of(attempt), from_ms, now_ms)\n", "", _READINGS),
    Mutant("scheduler/controller.py", "            activity=tuple(one for booking in bookings for one in booking.activity),\n", "", _READINGS),
    Mutant("cluster/wire.py", "active_ms = min(self.active_device_ms, self.measured_device_ms)", "active_ms = self.active_device_ms", _WIRE),
    Mutant("cluster/gang.py", "_measured_ms(known) < _measured_ms(state)", "True", _GANG),
    Mutant("cluster/gang.py", "activity=known.activity if known else None,", "activity=None,", _GANG),
    Mutant("cluster/member.py", "for one in fields(self)[len(values) :]:", "for one in ():", _GANG),
    Mutant("cluster/activity.py", "max(0, min(cpu_ms, measured_ms))", "cpu_ms", _SAMPLING),
    Mutant("cluster/activity.py", "card_count * max(0, lasted_ms)", "card_count * lasted_ms", _SAMPLING),
    Mutant("cluster/activity.py", '{"meter": MeterKind.PROCESSOR, "cards": list(cards)}', '{"cards": list(cards)}', _SAMPLING),
    Mutant("cluster/runs.py", "at_end(claimed, started_at_ms, ended) or kept(folder)", "kept(folder)", _SAMPLING),
    Mutant("cluster/sampling.py", "used_s = buried.children_user + buried.children_system", "used_s = 0.0", _SAMPLING),
    Mutant("scheduler/storage/reconciling.py", "    ActivitySlice: ActivityRow.__table__,\n", "", "tests/simulation/test_books.py -k measured"),
    Mutant("scheduler/storage/store.py", "cycle.transfers, cycle.activity)", "cycle.transfers)", "tests/simulation/test_books.py -k measured"),
    Mutant("scheduler/facts/metering.py", "tuple(by_hour(_activity(state, event)))", "(_activity(state, event),) * 0", "tests/simulation/test_books.py -k measured"),
    Mutant("cluster/sampling.py", "max(self._sampled_at_ms, now_ms - SAMPLE_LASTS_MS_MAX)", "self._sampled_at_ms", _SAMPLING),
    Mutant("cluster/sampling.py", "        self._sampled_at_ms = now_ms\n", "", _SAMPLING),
    Mutant("cluster/sampling.py", "max(since_ms, run.state.started_at_ms or now_ms)", "since_ms", _SAMPLING),
    Mutant("cluster/sampling.py", "(kept(run.folder) or Activity()) + more", "more", _SAMPLING),
    Mutant("cluster/sampling.py", 'failure not in {"", self._failure}', "failure", _SAMPLING),
    Mutant("cluster/sampling.py", "self._ask() if running else None", "self._ask()", _SAMPLING),
    Mutant("cluster/activity.py", "lasted_ms * len(known)", "lasted_ms * len(busy_permille)", _SAMPLING),
    Mutant("cluster/meters.py", "    if command:\n", "    if False:\n", _METERS),
    Mutant("cluster/meters.py", 'visible_devices_variable == VISIBLE_DEVICES_VARIABLE["GPU"]', "True", _METERS),
    Mutant("cluster/meters.py", "isinstance(percent, bool) or not", "not", _METERS),
    Mutant("cluster/meters.py", "or not 0 <= percent <= 100:", "or not percent <= 100:", _METERS),
    Mutant("cluster/meters.py", "name.isdigit() and len(name) <= 4", "len(name) <= 5", _METERS),
    Mutant("cluster/meters.py", "if process.returncode != 0:", "if False:", _METERS),
    Mutant("cluster/meters.py", "if len(answer) > ANSWER_BYTES_MAX:", "if False:", _METERS),
    Mutant("cluster/meters.py", "os.killpg(process.pid, signal.SIGKILL)", "process.kill()", _METERS),
    Mutant("cluster/meters.py", "    except ImportError:\n        return None\n", "    except ZeroDivisionError:\n        return None\n", _METERS),
    Mutant("cluster/supervisor.py", "                    self._runs.refresh(run)\n", "                    pass\n", "tests/unit/cluster/test_supervisor.py -k computes"),
    Mutant("accounting/usage/waterfall.py", "        measured = min(measured, self.allocated)\n", "", "tests/unit/accounting/usage/test_waterfall.py"),
    Mutant("accounting/usage/waterfall.py", "fine, totals = sorted(hours)", "fine, totals = [*edges]", "tests/unit/accounting/usage/test_waterfall.py"),
    Mutant("accounting/usage/waterfall.py", "            active=self.active + other.active,\n", "", "tests/unit/accounting/usage/test_waterfall.py"),
    Mutant("api/routes/waterfall.py", "(one.measured_tflops_ms, one.active_tflops_ms)", "(one.measured_device_ms, one.active_device_ms)", _API),
    Mutant("api/routes/waterfall.py", "_divided(tflops_ms, *did[:2])", "_divided(tflops_ms, *did[2:4])", _API),
    Mutant("api/routes/waterfall.py", "(_KEYS[by].value, HOUR, ", "(HourKey.TENANT.value, HOUR, ", _API),
    Mutant("api/routes/waterfall.py", "place = 5 if unit_of(one.key[2]) is Unit.CARD else 7", "place = 5", _API),
    Mutant("api/answers/active.py", "if key[-1] == unit]", "]", _API),
    Mutant("api/scrape.py", "now_ms - MS_PER_HOUR, now_ms)", "0, now_ms)", _API),
    Mutant("api/cli/waterfall_tables.py", "if any(item.p.active is not None for item in view.items):", "if False:", "tests/unit/api/cli/test_waterfall_tables.py"),
    Mutant("api/answers/active.py", "allocated[of_line] += line.device_ms", "allocated[of_line] = 0", _API),
    Mutant("api/answers/active.py", "    return sum(known) if known else None\n", "    return sum(known)\n", _API),
]
