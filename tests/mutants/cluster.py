"""Deliberate bugs in `cluster/`, one a line."""

import os

from tests.mutants.mutant import Mutant

# fmt: off
MUTANTS = [
    Mutant("cluster/agent.py", "silent, self._url = self._url, self._home", "silent = self._url", "tests/unit/test_agent.py -k leader"),
    Mutant("cluster/simulated.py", "if order.attempt_id in self._reports:", "if False:", "tests/unit/test_simulated.py"),
    Mutant("cluster/simulated.py", "for member in order.members} - self._online", "for member in order.members} - set(self._cards_by_node)", "tests/unit/test_simulated.py"),
    Mutant("cluster/simulated.py", "if silent_ms > self.fence_ms:", "if silent_ms < 0:", "tests/unit/test_simulated.py"),
    Mutant("cluster/simulated.py", "if self._late or self._happens(self.faults.call_late):", "if self._happens(self.faults.call_late):", "tests/unit/test_simulated.py tests/simulation"),
    Mutant("cluster/simulated.py", "assert other is None, (", "assert True, (", "tests/unit/test_simulated.py"),
    Mutant("cluster/gang.py", "_PHASES.index(known.phase) >= _PHASES.index(state.phase)", "known.phase is MemberPhase.ENDED", "tests/unit/test_gang.py"),
    Mutant("cluster/gang.py", "return max(known) if is_whole else None", "return max(known, default=None)", "tests/unit/test_gang.py"),
    Mutant("cluster/gang.py", "    (MemberEnd.NODE, AttemptEnd.NODE),\n", "", "tests/unit/test_gang.py"),
    Mutant("cluster/gang.py", "tuple((dict(order.env) | ours).items())", "tuple((ours | dict(order.env)).items())", "tests/unit/test_gang.py"),
    Mutant("cluster/link.py", "wishes.launch.pop(attempt_id, None)\n            if", "if", "tests/unit/test_link.py"),
    Mutant("cluster/link.py", "self._wishes.drop_older_than(self._clock() - WISH_KEPT_MS)", "pass", "tests/unit/test_link.py"),
    Mutant("cluster/link.py", " and attempt_id not in wishes.stop", "", "tests/unit/test_link.py"),
    Mutant("cluster/link.py", "(report.agent_started_at_ms, report.number) <= self._heard", "False", "tests/unit/test_link.py"),
    Mutant("cluster/runs.py", "if not run.is_over for card in run.state.cards", "for card in run.state.cards", "tests/unit/test_runs.py"),
    Mutant("cluster/runs.py", "is_last=is_over and offset + len(data) >= size", "is_last=is_over", "tests/unit/test_runs.py"),
    Mutant("cluster/runs.py", "min(count_max, OUTPUT_BYTES_MAX - offset)", "count_max", "tests/unit/test_runs.py"),
    Mutant("cluster/runs.py", "else:\n                del self._unwritten[key]", "finally:\n                del self._unwritten[key]", "tests/unit/test_runs.py"),
    Mutant("cluster/runs.py", "        if (attempt_id, rank) in self._runs:\n            return None\n", "", "tests/unit/test_runs.py"),
    Mutant("cluster/run_files.py", "    except (OSError, ValueError):\n        return {}", "    except OSError:\n        return {}", "tests/unit/test_runs.py"),
    Mutant("cluster/run_files.py", "os.posix_fallocate(self._descriptor, 0, RECORD_BYTES_MAX)", "os.ftruncate(self._descriptor, RECORD_BYTES_MAX)", "tests/unit/test_shim.py -k room"),
    Mutant("cluster/shim.py", "return not self._run.exists()", "return True", "tests/unit/test_shim.py -k written"),
    Mutant("cluster/shim.py", "os.ftruncate(self._out, OUTPUT_BYTES_MAX + 1)", "pass", "tests/unit/test_shim.py -k talks"),
    Mutant("cluster/runs.py", '.get("boot") == _boot()', '.get("boot") is not None', "tests/unit/test_runs.py"),
    Mutant("cluster/run_files.py", "os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600", "os.O_WRONLY | os.O_CREAT, 0o600", "tests/unit/test_shim.py"),
    Mutant("cluster/shim.py", "self._signal(stop.signal, handles(stop.signal))", "self._signal(stop.signal, anybody)", "tests/unit/test_shim.py"),
    Mutant("cluster/shim.py", "self._kill_at_s = min(self._kill_at_s, kill_at_s)", "pass", "tests/unit/test_shim.py -k shorten"),
    Mutant("cluster/shim.py", "self._may_have_strays |= not is_shim or exit_code != 0", "pass", "tests/unit/test_shim.py -k nursery"),
    Mutant("cluster/archive.py", 'filter="data"', 'filter="fully_trusted"', "tests/unit/test_archive.py"),
    Mutant("cluster/archive.py", "byte_count += entry.size", "byte_count = 0", "tests/unit/test_archive.py"),
    Mutant("cluster/archive.py", "if not 0 <= count <= HEADER_BYTES_MAX:", "if count < 0:", "tests/unit/test_archive.py"),
    Mutant("cluster/archive.py", "if position > self._end:", "if position < 0:", "tests/unit/test_archive.py"),
    Mutant("cluster/archive.py", "ValueError, LookupError, ArithmeticError),", "ValueError),", "tests/unit/test_archive.py"),
    Mutant("cluster/archive_store.py", ".{next(_numbers)}.new", ".new", "tests/unit/test_archive_store.py"),
    Mutant("cluster/archive_store.py", "if at_s < used_since_s:", "if True:", "tests/unit/test_archive_store.py"),
    Mutant("cluster/nursery.py", "        if any(fnmatchcase(name, pattern.strip()) for pattern in wanted)\n        and not", "        if not", "tests/unit/test_users.py"),
    Mutant("cluster/supervisor.py", "if why and start.is_uid_required:", "if False:", "tests/unit/test_supervisor.py"),
    Mutant("cluster/gang.py", "members = self.order.members if self.order else ()", "members = tuple(one for one in self.order.members if one.rank in self.members) if self.order else ()", "tests/unit/test_gang.py"),
    Mutant("cluster/gang.py", "return self.order is None or self.is_output_shipped or is_old", "return not self.members or self.is_output_shipped or is_old", "tests/unit/test_gang.py"),
    Mutant("cluster/steady.py", "    except Exception as error:", "    except ValueError as error:", "tests/unit/test_steady.py"),
    Mutant("cluster/agent.py", "max(time.time_ns() // 1_000_000, before + 1)", "time.time_ns() // 1_000_000", "tests/unit/test_agent.py"),
    Mutant("cluster/agent.py", "            failure(work)\n", "            work()\n", "tests/unit/test_agent.py"),
    Mutant("cluster/journal.py", "        except FileNotFoundError:\n            return {}\n        except ValidationError as error:", "        except (FileNotFoundError, ValidationError):\n            return {}\n        except MemoryError as error:", "tests/unit/test_users.py"),
    Mutant("cluster/shipping.py", "log.offset >= chunk.offset + len(chunk.data)", "True", "tests/unit/test_shipping.py"),
    Mutant("cluster/agent.py", "mark.stat().st_mtime if mark.exists() else 0.0", "time.time()", "tests/unit/test_agent.py"),
    Mutant("cluster/shipping.py", "is_last=one.is_last,", "is_last=False,", "tests/unit/test_shipping.py"),
    Mutant("cluster/wire.py", "return _UNPRINTABLE.sub(_REPLACEMENT, text[:DETAIL_LENGTH_MAX])", "return text[:DETAIL_LENGTH_MAX]", "tests/unit/test_wire.py"),
    Mutant("cluster/wire.py", "text[:DETAIL_LENGTH_MAX]", "text", "tests/unit/test_wire.py"),
    Mutant("cluster/local_ray.py", "        self._check_size()\n", "", "tests/unit/test_local_ray.py"),
    Mutant("cluster/local_ray.py", " | os.O_NOFOLLOW", "", "tests/unit/test_local_ray.py"),
    Mutant("cluster/journal.py", "final=entry.final,", "", "tests/unit/test_journal.py"),
    Mutant("cluster/ray_driver.py", "for member in () if attempt.master_port else attempt.unfinished:", "for member in ():", "tests/contract/test_drivers.py -k refused"),
]
# Only root may choose as whom a member runs: nobody else's tests can find these.
AS_ROOT = [
    Mutant("cluster/shim.py", "            _become_user(request)\n", "", "tests/unit/test_shim.py -k user"),
    Mutant("cluster/users.py", "os.chown(name, uid, uid, dir_fd=parent, follow_symlinks=False)", "os.chown(name, uid, uid, dir_fd=parent)", "tests/unit/test_users.py"),
    Mutant("cluster/member_folders.py", "            if uid is not None:\n                own(unfinished, uid)\n", "", "tests/unit/test_supervisor.py -k apart"),
    Mutant("cluster/run_files.py", "os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600", "os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644", "tests/unit/test_supervisor.py -k apart"),
]
MUTANTS += AS_ROOT if os.geteuid() == 0 else []
