"""Deliberate bugs in what is compared with the diaries of centres, one a line."""

from tests.mutants.mutant import Mutant

_DIARIES = "tests/unit/scheduler/asking/test_diaries.py"
_FILE = "tests/unit/cluster/test_diary_file.py"
_LINK = "tests/unit/cluster/test_link.py"
_AGENT = "tests/unit/cluster/test_agent.py"
_API = "tests/acceptance/test_api_reconciliation.py"
_BOOKS = "tests/simulation/test_books.py"
_RECONCILE = "tests/unit/api/test_reconcile_command.py"
_SHOWN = "tests/unit/api/cli/test_diary_tables.py"

# fmt: off
MUTANTS = [
    Mutant("scheduler/asking/diaries.py", "            yield Sort.UNKNOWN", "            pass", _DIARIES),
    Mutant("scheduler/asking/diaries.py", "if noted.started_at_ms is not None or noted.ended_at_ms is None:", "if True:", _DIARIES),
    Mutant("scheduler/asking/diaries.py", "            yield Sort.GONE", "            pass", _DIARIES),
    Mutant("scheduler/asking/diaries.py", "        if logged.started_at_ms is not None:\n            yield Sort.GONE", "        if True:\n            yield Sort.GONE", _DIARIES),
    Mutant("scheduler/asking/diaries.py", "    elif logged.is_billed and logged.ended_at_ms >", "    elif logged.ended_at_ms >", _DIARIES),
    Mutant("scheduler/asking/diaries.py", "diary.whole_since_ms + tolerance_ms:", "0:", _DIARIES),
    Mutant("scheduler/asking/diaries.py", "        yield Sort.NEVER_RAN", "        pass", _DIARIES),
    Mutant("scheduler/asking/diaries.py", "        yield Sort.PLACE", "        pass", _DIARIES),
    Mutant("scheduler/asking/diaries.py", "    if is_ordered and said !=", "    if said !=", _DIARIES),
    Mutant("scheduler/asking/diaries.py", "        yield Sort.GOES_ON\n", "        pass\n", _DIARIES),
    Mutant("scheduler/asking/diaries.py", "        yield Sort.OVER\n", "        pass\n", _DIARIES),
    Mutant("scheduler/asking/diaries.py", " and logged.cause not in FAULT_CAUSES:\n            yield", ":\n            yield", _DIARIES),
    Mutant("scheduler/asking/diaries.py", "if abs(logged.started_at_ms - noted.started_at_ms) > tolerance_ms:", "if logged.started_at_ms != noted.started_at_ms:", _DIARIES),
    Mutant("scheduler/asking/diaries.py", "abs(logged.started_at_ms - noted.started_at_ms)", "(logged.started_at_ms - noted.started_at_ms)", _DIARIES),
    Mutant("scheduler/asking/diaries.py", "ran_ms = noted.ended_at_ms - noted.started_at_ms", "ran_ms = noted.ended_at_ms - logged.started_at_ms", _DIARIES),
    Mutant("scheduler/asking/diaries.py", "(more_ms < -tolerance_ms and logged.is_billed)", "(more_ms < -tolerance_ms)", _DIARIES),
    Mutant("scheduler/asking/diaries.py", "more_ms > tolerance_ms or (more_ms", "(more_ms", _DIARIES),
    Mutant("scheduler/asking/diaries.py", "        yield Sort.USAGE", "        pass", _DIARIES),
    Mutant("scheduler/asking/diaries.py", "if (one.attempt_id, one.sort) in found]", "if True or found]", _DIARIES),
    Mutant("scheduler/asking/diaries.py", "{(one.attempt_id, one.sort) for one in first}", "{(one.attempt_id, two) for one in first for two in Sort}", _DIARIES),
    Mutant("cluster/diary_file.py", "                self._begin(now_ms, is_gap=True)", "                self._begin(now_ms, is_gap=False)", _FILE),
    Mutant("cluster/diary_file.py", "            except OSError:\n                self._put_aside()\n", "            except OSError:\n                pass\n", _FILE),
    Mutant("cluster/diary_file.py", "                self._path.replace(self._older)", "                pass", _FILE),
    Mutant("cluster/diary_file.py", "                file.truncate(size)", "                pass", _FILE),
    Mutant("cluster/diary_file.py", "whole[-1:] == [self._boot_id]", "whole != []", _FILE),
    Mutant("cluster/diary_file.py", "self._begin(now_ms, ended, is_gap=is_gap)", "self._begin(now_ms, ended, is_gap=False)", _FILE),
    Mutant("cluster/diary_file.py", "if since_ms is None or not is_begun:", "if since_ms is None:", _FILE),
    Mutant("cluster/diary_file.py", "elif since_ms is None or line.is_gap:", "elif since_ms is None:", _FILE),
    Mutant("cluster/diary_file.py", 'b"\\n" + _LINES.dump_json(line) for', '_LINES.dump_json(line) + b"\\n" for', _FILE),
    Mutant("cluster/diary_file.py", "list(_lines([self._older, self._path]))", "list(_lines([self._path]))", _FILE),
    Mutant("cluster/diary_file.py", "max(since_ms, lost_ms)", "since_ms", _FILE),
    Mutant("cluster/link.py", "return self._heard >= (told.agent_started_at_ms, told.number)", "return True", _LINK),
    Mutant("cluster/link.py", "            if 0 < told.asked == self._diary_asked:\n", "            if True:\n", f"{_LINK} -k another"),
    Mutant("cluster/link.py", "if 0 < told.asked ==", "if told.asked ==", _LINK),
    Mutant("cluster/link.py", "max(self._clock(), self._diary_asked + 1)", "self._diary_asked + 1", _LINK),
    Mutant("cluster/link.py", "            self._refuse_what_is_not_understood()\n            self._told.notify_all()\n", "            self._refuse_what_is_not_understood()\n", _LINK),
    Mutant("cluster/link.py", "if self._diary is None and self.keeps_diary else 0", "if self._diary is None else 0", _LINK),
    Mutant("cluster/link.py", "                self._diary, self._diary_asked = None, 0\n", "                pass\n", f"{_LINK} -k nobody_waits"),
    Mutant("cluster/link.py", "                self._diary, self._diary_asked = None, 0\n", "                self._diary_asked = 0\n", _LINK),
    Mutant("cluster/link.py", "return self.told.at_ms - self.heard_at_ms", "return self.told.at_ms", _LINK),
    Mutant("cluster/link.py", "DiaryHeard(told=told, heard_at_ms=self._clock())", "DiaryHeard(told=told, heard_at_ms=0)", _LINK),
    Mutant("cluster/agent.py", "number = self._report_number + 1", "number = self._report_number", _AGENT),
    Mutant("cluster/agent.py", "works.append(partial(self._ask_diary, orders.diary))", "works.append(partial(self._tell, orders.diary))", f"{_AGENT} -k while_a_diary"),
    Mutant("cluster/agent.py", "self._diary_asked = 0  #", "pass  #", f"{_AGENT} -k while_a_diary"),
    Mutant("cluster/gang.py", "len(given) or member.card_count", "member.card_count", "tests/unit/cluster/test_gang.py -k noted"),
    Mutant("cluster/wire.py", '| {"cards": tuple(one.cards)}', "", "tests/unit/cluster/test_wire.py -k diary"),
    Mutant("api/comparing.py", "found = lasting(first[again.centre_id].found, again.found)", "found = first[again.centre_id].found", _API),
    Mutant("api/comparing.py", "sorted({*services.links, *connection.scalars(live)})", "sorted({*services.links})", _API),
    Mutant("api/comparing.py", "services.step_count() + 2, threading", "services.step_count() + 1, threading", _API),
    Mutant("api/comparing.py", '("silent" if heard is None else None)', "None", _API),
    Mutant("scheduler/storage/logged.py", "or_(UsageRow.reference == asked, is_covered & (whose == asked))", "UsageRow.reference == asked", _API),
    Mutant("scheduler/storage/logged.py", "(AttemptRow.centre_id == centre_id) & is_of_now,", "False,", _API),
    Mutant("api/cli/diary_tables.py", "all(centre.is_compared for centre in told.centres)", "True", _SHOWN),
    Mutant("api/cli/diary_tables.py", "any(centre.is_compared for centre in told.centres)", "True", _SHOWN),
    Mutant("api/cli/diary_tables.py", "{one.sort}{colon()}{what}", "{what}", _SHOWN),
    Mutant("api/cli/closing.py", "not all(centre.is_compared for centre in centres.centres)", "False", _RECONCILE),
    Mutant("api/cli/closing.py", "if lines[-1].differences or centres.count:", "if lines[-1].differences:", _RECONCILE),
    Mutant("api/cli/closing.py", '            print_json({**_as_json(lines), "centres": None, "error": str(error)})', "            pass", _RECONCILE),
    Mutant("scheduler/storage/reconciling.py", "    yield from _attempts(connection)\n", "", _BOOKS),
    Mutant("scheduler/storage/reconciling.py", 'except_all(there, said), "in the table alone")', 'except_all(there, there), "in the table alone")', _BOOKS),
    Mutant("tests/simulation/harness.py", "        check_centres_agree(self.audit, self.log, self.world)\n", "", f"{_BOOKS} -k ghost"),
    Mutant("tests/simulation/diaries.py", " if not _is_forgotten(one, world)]", "]", f"{_BOOKS} -k forgot"),
    Mutant("tests/simulation/diaries.py", "return is_unheard and any(", "return True or any(", f"{_BOOKS} -k forgot"),
    Mutant("scheduler/orders.py", "return ended_ms - told_ms + started_ms", "return ended_ms - told_ms + started_ms - 1", f"{_BOOKS} -k agree"),
]
