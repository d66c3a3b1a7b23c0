"""Deliberate bugs in `scheduler/` around its loop: shares, orders, the meter, and who leads."""

from tests.mutants.mutant import Mutant

_FAIRSHARE = "tests/unit/test_fairshare.py"
_ORDERS = "tests/unit/test_orders.py"
_METERING = "tests/unit/test_metering.py"
_CONTROLLER = "tests/unit/test_controller.py"
_STOPS = "tests/unit/test_controller_stops.py"
_INVARIANTS = "tests/unit/test_invariants.py"
_TOLD = "tests/unit/test_told.py"
_ELECTION = "tests/unit/test_leader_election.py"

# fmt: off
MUTANTS = [
    Mutant("scheduler/controller.py", "wish = published_now(wish, batch.now_ms)", "pass", f"{_CONTROLLER} -k beginning"),
    Mutant("scheduler/controller.py", "return bool(self.state.jobs or self.state.final_states)", "return True", f"{_CONTROLLER} -k before"),
    Mutant("scheduler/fairshare.py", "exp(-log(2) * elapsed / HALF_LIFE_MS)", "exp(-elapsed / HALF_LIFE_MS)", _FAIRSHARE),
    Mutant("scheduler/fairshare.py", "share.rate * (1.0 - kept) * HALF_LIFE_MS / log(2)", "share.rate * elapsed", _FAIRSHARE),
    Mutant("scheduler/fairshare.py", "share.used, share.at_ms = decayed(share, now_ms), now_ms", "share.at_ms = now_ms", _FAIRSHARE),
    Mutant("scheduler/fairshare.py", "    now_ms = max(now_ms, share.at_ms)\n", "", _FAIRSHARE),
    Mutant("scheduler/fairshare.py", " + share.rate * COMMITTED_MS\n", "\n", _FAIRSHARE),
    Mutant("scheduler/orders.py", "rank=index * per_node + local_rank", "rank=index + local_rank", _ORDERS),
    Mutant("scheduler/orders.py", "card_count=share.card_count // per_node", "card_count=share.card_count", _ORDERS),
    Mutant("scheduler/orders.py", "return attempt.stop_cause or EndCause.BROKER", "return attempt.stop_cause or EndCause.CANCELLED", _ORDERS),
    Mutant("scheduler/orders.py", "if told.exit_code == 0 else", "if not told.exit_code else", _ORDERS),
    Mutant("scheduler/metering.py", "*month_edges(begin, to_ms), ", "", _METERING),
    Mutant("scheduler/metering.py", "*prices.edges(begin, to_ms), ", "", _METERING),
    Mutant("scheduler/metering.py", "if begin is None or to_ms <= begin:", "if begin is None:", _METERING),
    Mutant("scheduler/metering.py", "return until - before", "return charge_micros(cards * (to_ms - from_ms), price_micros)", _METERING),
    Mutant("scheduler/metering.py", "state.prices.list_at(event.from_ms).id", "state.prices.list_at(event.to_ms).id", _METERING),
    Mutant("scheduler/metering.py", "    if missing > 0:", "    if False:", _METERING),
    Mutant("scheduler/metering.py", "recorded_at_ms=now_ms", "recorded_at_ms=event.at_ms", _METERING),
    Mutant("scheduler/metering.py", "if event.cause not in FAULT_CAUSES or attempt.started_at_ms is None:", "if event.cause not in FAULT_CAUSES:", _METERING),
    Mutant("scheduler/controller.py", "        if not cycle.is_empty:\n            self.log.commit", "        self._act(reports)\n        if not cycle.is_empty:\n            self.log.commit", _CONTROLLER),
    Mutant("scheduler/controller.py", "elif not attempt.is_seen:", "elif True:", _CONTROLLER),
    Mutant("scheduler/controller.py", "if isinstance(wish, ev.ParkDeclared):", "if False:", _CONTROLLER),
    Mutant("scheduler/controller.py", "at_ms = max(end.at_ms, attempt.metered_to_ms or attempt.leased_at_ms)", "at_ms = end.at_ms", _CONTROLLER),
    Mutant("scheduler/controller.py", "elif attempt.is_seen and is_news:", "elif is_news:", _CONTROLLER),
    Mutant("scheduler/controller.py", "return event.amount_micros > 0", "return True", _CONTROLLER),
    Mutant("scheduler/controller.py", "self._events_since_checkpoint = count", "self._events_since_checkpoint = 0 * count", _CONTROLLER),
    Mutant("scheduler/controller.py", "driver.stop(told.attempt_id, 0)", "driver.forget(told.attempt_id)", _CONTROLLER),
    Mutant("scheduler/controller.py", " or centre_id not in self.state.park.centre_by_id:", ":", _CONTROLLER),
    Mutant("scheduler/controller.py", "                epoch=self.epoch,\n", "                epoch=1,\n", _CONTROLLER),
    Mutant("scheduler/controller.py", "{record.attempt_count + 1}", "1", _CONTROLLER),
    Mutant("scheduler/controller.py", "batch.refused[request.id] = refusal", "pass", _CONTROLLER),
    Mutant("scheduler/controller.py", "if all(ms >= self.settings.suspect_after_ms for ms in silent.values()):", "if False:", _STOPS),
    Mutant("scheduler/controller.py", "now_ms - max(self._heard_ms.get(centre_id, 0), self._led_ms)", "now_ms - self._heard_ms.get(centre_id, 0)", _STOPS),
    Mutant("scheduler/record.py", "now_ms - started_ms >= self.job.limit_ms", "now_ms - started_ms > self.job.limit_ms", _STOPS),
    Mutant("scheduler/controller.py", "job.checkpoint.grace_ms if job.checkpoint else self.settings.stop_grace_ms", "self.settings.stop_grace_ms", _STOPS),
    Mutant("scheduler/controller.py", "End(EndCause.CENTRE, self._heard_ms.get(centre_id, 0),", "End(EndCause.CENTRE, now_ms,", _STOPS),
    Mutant("scheduler/leader.py", "                if self._is_free():\n                    self._lead()", "                self._lead()", _ELECTION),
    Mutant("scheduler/leader.py", "            except Exception:\n", "            except ZeroDivisionError:\n", _ELECTION),
    Mutant("scheduler/leader.py", "            finally:\n                self.controller = None\n", "            finally:\n                pass\n", _ELECTION),
    Mutant("scheduler/leader.py", "            self.log.renew(controller.epoch, now_ms)\n", "", _ELECTION),
    Mutant("scheduler/leader.py", "        self.log.resign(controller.epoch, self._clock())\n", "", _ELECTION),
    Mutant("scheduler/leader.py", "            self._wake.set()  # what came before we listened\n", "", _ELECTION),
    Mutant("scheduler/leader.py", "except (SQLAlchemyError, PgError) as error:", "except ZeroDivisionError as error:", _ELECTION),
    Mutant("scheduler/invariants.py", "assert share.rate == tflops_by_branch[branch]", "assert share.rate >= 0", _INVARIANTS),
    Mutant("scheduler/invariants.py", "assert allocated <= centre.stated_tflops", "assert allocated <= park.stated_tflops", _INVARIANTS),
    Mutant("scheduler/invariants.py", "assert not (record.is_cancelled and job_id in state.queue)", "assert True", _INVARIANTS),
    Mutant("scheduler/told.py", "if told is not None and not is_due:", "if told is not None:", _TOLD),
    Mutant("scheduler/told.py", "self.answers.pop(job_id, None)", "pass", _TOLD),
    Mutant("scheduler/told.py", "self.loads.get(load.pool_id) != load", "True", _TOLD),
    Mutant("scheduler/loads.py", "schedulable_cards=online if is_heard else 0", "schedulable_cards=online", _TOLD),
]
