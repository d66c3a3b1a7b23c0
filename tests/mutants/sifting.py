"""Deliberate bugs in how a leader goes on after what it cannot take."""

from tests.mutants.mutant import Mutant

_SIFTING = "tests/unit/scheduler/test_sifting.py"
_UNWRITABLE = "tests/unit/scheduler/storage/test_unwritable.py"
_ELECTION = "tests/unit/scheduler/test_leader_election.py"
_STURDY = "tests/unit/scheduler/test_sturdy.py"
_BLAMELESS = "tests/unit/scheduler/test_blameless.py"
_SCRAPED = "tests/acceptance/test_metrics.py"
_METRICS = f"{_SCRAPED} -k refuses"

# fmt: off
MUTANTS = [
    Mutant("scheduler/leader.py", '        except Exception:\n            LOG.exception("a step', '        except ZeroDivisionError:\n            LOG.exception("a step', f"{_SIFTING} -k stops_nobody"),
    Mutant("scheduler/leader.py", "        except SURROUNDINGS:\n            raise\n", "", f"{_ELECTION} -k around"),
    Mutant("scheduler/leader.py", "            raise GaveUp\n        return hear_each(controller, self._led, self._clock), self.pace.failed_s", "            raise GaveUp\n        return hear_each(controller, self._led, self._clock), 0", f"{_SIFTING} -k step_itself"),
    Mutant("scheduler/leader.py", "        self.unwritable_count += 1\n", "        pass\n", f"{_SIFTING} -k stops_nobody"),
    Mutant("scheduler/leader.py", "if self.unwritable_count - before == REFUSALS_MAX:", "if False:", f"{_BLAMELESS} -k few"),
    Mutant("scheduler/leader.py", "if self._failed_in_row >= self.pace.failures_max:", "if False:", f"{_BLAMELESS} -k well"),
    Mutant("scheduler/leader.py", "            self.log.renew(controller.epoch, self._clock())  # whoever", "            # whoever", f"{_BLAMELESS} -k deposed"),
    Mutant("scheduler/sifting.py", " or failed_count == REFUSALS_MAX", "", f"{_BLAMELESS} -k few"),
    Mutant("scheduler/sifting.py", "    except Unwritable:\n        LOG.exception", "    except ZeroDivisionError:\n        LOG.exception", f"{_BLAMELESS} -k written"),
    Mutant("scheduler/controller.py", "            loads=batch.loads,\n", "            loads=self._told.new_loads(self.state),\n", f"{_BLAMELESS} -k who_asks"),
    Mutant("scheduler/controller.py", "if self.plan is not NOTHING_NEW:", "if True:", f"{_STURDY} -k kept"),
    Mutant("scheduler/storage/store.py", "where=InboxRow.refused.startswith(NOT_KEPT, autoescape=True)", "where=InboxRow.seq < 0", f"{_BLAMELESS} -k again"),
    Mutant("scheduler/leader.py", "        self._count_failure()\n        self._failed_in_row", "        self._failed_in_row", f"{_SIFTING} -k step_itself"),
    Mutant("scheduler/leader.py", 'starts again from the log")\n                self._count_failure()\n', 'starts again from the log")\n', f"{_ELECTION} -k around"),
    Mutant("scheduler/leader.py", "            except DBAPIError as error:", "            except ZeroDivisionError as error:", f"{_ELECTION} -k in_a_line"),
    Mutant("scheduler/sifting.py", "            controller = lead()\n            failed_count", "            failed_count", f"{_SIFTING} -k stops_nobody"),
    Mutant("scheduler/sifting.py", "if _is_refused(controller, request, code, clock()):", "if True:", f"{_SIFTING} -k 'broker_itself or stops_nobody'"),
    Mutant("scheduler/sifting.py", "    except SURROUNDINGS:\n        raise\n", "", f"{_SIFTING} -k surroundings"),
    Mutant("scheduler/sifting.py", "if stop.is_set() or", "if", f"{_SIFTING} -k to_stop"),
    Mutant("scheduler/sifting.py", "return refusal.code", "return DEFECT", f"{_SIFTING} -k stops_nobody"),
    Mutant("scheduler/controller.py", "        self._take_requests(batch, [request])\n", "", f"{_SIFTING} -k broker_itself"),
    Mutant("scheduler/storage/store.py", "            if refusal is None:\n                raise\n", "            raise\n", f"{_SIFTING} -k stops_nobody"),
    Mutant("scheduler/storage/unwritable.py", "    return Unwritable(code, _said(cause)) if code[:2] in _CLASSES else None", "    return Unwritable(code, _said(cause)) if code else None", _UNWRITABLE),
    Mutant("scheduler/storage/unwritable.py", '    "P0",  # what a trigger raises\n', "", f"{_UNWRITABLE} {_SIFTING}"),
    Mutant("scheduler/storage/unwritable.py", '(_NO_TEXT if isinstance(cause, DataError) else "")', '""', _UNWRITABLE),
    Mutant("scheduler/storage/unwritable.py", "said = diag.message_primary or", "said = str(cause) or", f"{_UNWRITABLE} -k secret"),
    Mutant("scheduler/leader.py", "controller = SturdyController(", "from scheduler.controller import Controller\n        controller = Controller(", f"{_STURDY} -k neither"),
    Mutant("scheduler/sturdy.py", "        except Exception as error:\n", "        except KeyError as error:\n", _STURDY),
    Mutant("scheduler/sturdy.py", "            self._unplanned_until_ms = batch.now_ms + UNPLANNED_MS\n", "", f"{_STURDY} -k flaw"),
    Mutant("scheduler/sturdy.py", '            return NOTHING_NEW, (f"no plan can be drawn up: {error!r}",)', "            return NOTHING_NEW, ()", f"{_STURDY} -k flaw"),
    Mutant("scheduler/sturdy.py", "        except Deposed:\n            raise\n", "", f"{_STURDY} -k deposed"),
    Mutant("scheduler/sturdy.py", "            self._events_since_checkpoint = 0\n", "", f"{_STURDY} -k later"),
    Mutant("scheduler/storage/store.py", "    except ValidationError as error:\n", "    except ZeroDivisionError as error:\n", f"{_SIFTING} -k cannot_read"),
    Mutant("scheduler/controller.py", '                batch.refused[request.id] = not_kept(request.id, "unreadable")\n', "", f"{_SIFTING} -k cannot_read"),
    Mutant("scheduler/leader.py", "return hear_each(controller, self._led, self._clock), self.pace.failed_s", "return controller, self.pace.failed_s", f"{_BLAMELESS} -k others_heard"),
    Mutant("scheduler/sturdy.py", "                controller.hear(report, clock())\n        except SURROUNDINGS:\n            raise\n        except Unwritable as refusal:", "                controller.hear(report, clock())\n        except SURROUNDINGS:\n            raise\n        except ZeroDivisionError as refusal:", f"{_BLAMELESS} -k leaves_the_others"),
    Mutant("scheduler/sturdy.py", 'report it", centre_id)\n            controller = lead()', 'report it", centre_id)\n            raise', f"{_BLAMELESS} -k defect_at"),
    Mutant("scheduler/sturdy.py", "        self._take_all(batch, self._seen(report, now_ms))\n        self._committed(batch, (), is_due=False)\n", "        self._committed(batch, (), is_due=False)\n", f"{_BLAMELESS} -k end_is_taken"),
    Mutant("scheduler/leader.py", "        self.is_failing = True\n", "", f"{_SCRAPED} -k fails"),
    Mutant("scheduler/leader.py", "self._failed_in_row, self.is_failing = 0, False", "self._failed_in_row = 0", f"{_SCRAPED} -k fails"),
    Mutant("api/running/wiring.py", "            is_failing=lambda: self.loop.is_failing,\n", "", f"{_SCRAPED} -k fails"),
    Mutant("api/routes/health.py", 'FAILS: "failing"', 'FAILS: "ok"', f"{_SCRAPED} -k fails"),
    Mutant("api/metrics.py", "why.startswith(NOT_KEPT)", 'why.startswith(NOT_KEPT) and "unread" not in why', f"{_SCRAPED} -k cannot_read"),
    Mutant("scheduler/storage/queries.py", "return last_seq(connection) - (", "return last_seq(connection) - 0 * (", f"{_SCRAPED} -k replays"),
    Mutant("deploy/alerts.yml", "brain_log_tail_events) > 30000", "brain_log_tail_events) > 3", "tests/acceptance/test_alerts.py"),
    Mutant("api/running/doctor.py", '"正常" if told == "ok" else ', "", "tests/unit/api/running/test_doctor.py -k well"),
    Mutant("api/running/doctor.py", 'is_well=health.status == "ok"', "is_well=True", "tests/unit/api/running/test_doctor.py"),
    Mutant("api/metrics.py", "        self._metrics.unwritable.inc(len(not_kept))\n", "", _METRICS),
]
