"""Deliberate bugs in how the whole product comes up, ends, is spoken to and is watched."""

from tests.mutants.mutant import Mutant

_DEMO = "tests/acceptance/test_demo.py"
_LOCAL_RAY = "tests/unit/cluster/test_local_ray.py"
_METRICS = "tests/acceptance/test_metrics.py"
_REFUSALS = "tests/acceptance/test_cli_refusals.py"
_SERVE = "tests/acceptance/test_serve.py"
_SETTINGS = "tests/unit/api/test_settings.py"
_TALLY = "tests/unit/api/test_tally.py"
_UP = "tests/acceptance/test_up.py"
_TERMINAL = "tests/unit/api/cli/test_terminal.py"
_WRAPPING = "tests/unit/api/cli/test_wrapping.py"
_WHOLE = "tests/acceptance/test_whole.py"

# fmt: off
MUTANTS = [
    Mutant("api/cli/terminal.py", '    if told and " " not in field.strip():\n', "    if False:\n", "tests/acceptance/test_cli_wrong_use.py"),
    Mutant("api/cli/terminal.py", "    if not made.row_count:\n", "    if False:\n", _TERMINAL),
    Mutant("api/cli/terminal.py", "both(priority, PRIORITIES_ZH.get(priority, priority))", "priority", _TERMINAL),
    Mutant("api/cli/job_tables.py", "both(attempt.cause, CAUSES_ZH.get(attempt.cause, attempt.cause))", "attempt.cause", _TERMINAL),
    Mutant("api/cli/wrong_use.py", 'error.message = error.message.removeprefix("Value error, ")', "pass", f"{_REFUSALS} -k meant"),
    Mutant("api/cli/wrong_use.py", "    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # Any: typer's own is private\n        with _told():\n", "    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:\n        if True:\n", "tests/acceptance/test_cli_wrong_use.py"),
    Mutant("api/cli/wrong_use.py", "fail(said, WRONG_USE)", "fail(said)", "tests/acceptance/test_cli_wrong_use.py"),
    Mutant("api/cli/wrong_use.py", "raise typer.Exit(WRONG_USE) from None", "raise typer.Exit(1) from None", "tests/unit/api/cli/test_help_page.py"),
    Mutant("api/cli/wrapping.py", "(?:第 ?)?", "", _WRAPPING),
    Mutant("api/cli/wrapping.py", "(?:{_MOMENT}|", "(?:", _WRAPPING),
    Mutant("api/cli/wrapping.py", "(?:{_COUNTED})?", "", _WRAPPING),
    Mutant("api/cli/wrapping.py", '    rf"[{_ENDS}]*\\s*|."', '    rf"\\s*|."', _WRAPPING),
    Mutant("api/cli/wrapping.py", "chop_cells(piece, width) if is_wide else (piece,)", "(piece,)", _WRAPPING),
    Mutant("api/cli/prospect_tables.py", 'say(plain(both(quote.summary, quote.summary_zh)), "")', "console.print(quote.summary, soft_wrap=True)", "tests/unit/api/cli/test_prospect_tables.py -k terminal"),
    Mutant("api/running/wiring.py", "self.force_exit = self.should_exit and sig == signal.SIGINT\n        self.should_exit = True", "super().handle_exit(sig, frame)", f"{_SERVE} -k told"),
    Mutant("api/running/wiring.py", "lock = hold(settings.data)", "lock = os.open(os.devnull, 0)", f"{_SERVE} -k alone"),
    Mutant("api/data_folder.py", "fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)", "pass", f"{_SERVE} -k alone"),
    Mutant("api/postgres.py", 'process.name() in {"initdb", "pg_ctl"}', 'process.name() == "initdb"', "tests/unit/api/test_postgres.py -k caller"),
    Mutant("cluster/local_ray.py", 'signs = [f"{self.temp_dir}/", f"--temp-dir={self.temp_dir}"]', 'signs = [f"{self.temp_dir}/"]', f"{_LOCAL_RAY} -k given_up"),
    Mutant("cluster/local_ray.py", "if tries_left == 0 or self._is_given_up.is_set():", "if tries_left == 0:", f"{_LOCAL_RAY} -k given_up"),
    Mutant("cluster/local_ray.py", "if self._is_given_up.wait(POLL_S):", "if self._is_given_up.wait(POLL_S) and False:", f"{_LOCAL_RAY} -k waits_for_another"),
    Mutant("cluster/local_ray.py", '        if self._is_given_up.is_set():\n            raise RayFailed(f"the start of {self.centre.id} was given up")\n', "", f"{_LOCAL_RAY} -k begins_nothing"),
    Mutant("cluster/local_ray.py", "STARTS_MAX = 2", "STARTS_MAX = 1", f"{_LOCAL_RAY} -k once_more"),
    Mutant("api/running/guard.py", "list(threads.map(LocalRay.stop, clusters))", "pass", f"{_WHOLE} -k start_that_is_killed"),
    Mutant("api/running/up.py", "if child.has_ended():\n                    self._restart(child)", "pass", f"{_WHOLE} -k at_once"),
    Mutant("api/running/up.py", "if self._database is not None and self._database.start_again():", "if False:", f"{_WHOLE} -k at_once"),
    Mutant("api/running/ports.py", "range(10_000, 20_000)", "range(40_000, 50_000)", "tests/unit/api/test_ports.py"),
    Mutant("api/running/ports.py", "(*first, *random", "(*first[1:], *random", "tests/unit/api/test_ports.py"),
    Mutant("api/running/wiring.py", " as embedded, embedded.kept():", " as embedded:", "tests/acceptance/test_serve.py -k killed"),
    Mutant("api/running/serving.py", "if data != DEFAULT_FOLDER.expanduser():", "if False:", f"{_UP} -k type_next"),
    Mutant("api/running/demo.py", "    _make(output)\n", "", f"{_DEMO} -k cannot"),
    Mutant("api/settings.py", "env_ignore_empty=True", "env_ignore_empty=False", f"{_SETTINGS} -k nothing"),
    Mutant("api/settings.py", 'return key.isascii() and key.isprintable() and " " not in key', "return True", f"{_SETTINGS} -k header"),
    Mutant("api/settings.py", "except ValueError:  # half an IPv6 address, or a port that is none\n        is_one = False", "except ZeroDivisionError:\n        is_one = False", f"{_SETTINGS} -k address"),
    Mutant("api/settings.py", "        except RuntimeError:\n            raise SettingsInvalid", "        except ZeroDivisionError:\n            raise SettingsInvalid", f"{_REFUSALS} -k settings"),
    Mutant("api/client/connection.py", "if key and not is_sendable(key):", "if False:", "tests/unit/api/test_sdk.py -k header"),
    Mutant("api/client/workdir.py", "(is_folder and (path / LOCK_NAME).exists())", "False", "tests/unit/api/client/test_workdir.py -k home"),
    Mutant("api/client/workdir.py", "if _leads_to_itself(link):", "if False:", "tests/unit/api/client/test_workdir.py -k itself"),
    Mutant("api/cli/options.py", "if not re.fullmatch(pattern, text, re.ASCII):", "if False:", f"{_REFUSALS} -k meant"),
    Mutant("api/cli/jobs.py", 'r"[a-z0-9]{1,64}"', "'.*'", f"{_REFUSALS} -k meant"),
    Mutant("api/cli/session.py", 'fail(f"--url {url}: {error}", 2)', "raise", f"{_REFUSALS} -k meant"),
    Mutant("api/running/up.py", "    except SQLAlchemyError as error:\n", "    except ZeroDivisionError as error:\n", f"{_REFUSALS} -k run"),
    Mutant("api/running/up.py", "            _migrate(database_url)  # what", "            pass  # what", f"{_REFUSALS} -k run"),
    Mutant("api/routes/books.py", "        check_known(connection, services, tenant_id)\n        used", "        used", f"{_REFUSALS} -k nobody"),
    Mutant("api/scrape.py", "count * load.tflops / TFLOPS_PER_PFLOPS", "count * load.tflops", f"{_METRICS} -k level"),
    Mutant("api/scrape.py", "(tenant_id,), waited_ms / 1_000)", "(tenant_id,), waited_ms)", f"{_METRICS} -k old"),
    Mutant("api/scrape.py", "total_fen / 100", "total_fen", f"{_METRICS} -k books"),
    Mutant("api/metrics.py", "self._metrics.commit.observe(perf_counter() - decided_s)", "pass", f"{_METRICS} -k loop"),
    Mutant("api/metrics.py", 'getattr(scope.get("route"), "path", UNMATCHED)', 'scope["path"]', f"{_METRICS} -k timed"),
    Mutant("api/tally.py", "if month != self._month:", "if not self._month:", f"{_TALLY} -k nothing"),
    Mutant("api/tally.py", "tflops_ms=known.tflops_ms + line.tflops_ms", "tflops_ms=line.tflops_ms", f"{_TALLY} -k since"),
    Mutant("api/tally.py", "max(last_seq(connection), self._event_seq or 0)", "None", f"{_TALLY} -k once"),
    Mutant("api/tally.py", "self._event_seq = max(last_seq(connection), self._event_seq or 0)", "self._event_seq = last_seq(connection)", f"{_TALLY} -k older"),
    Mutant("accounting/storage/store.py", "        back_rows(*bounds).where(mine, is_new, UsageCreditRow.seq <= seq),\n", "", f"{_TALLY} -k since"),
    Mutant("accounting/storage/store.py", "return max(seq, *(found or 0 for found in newest)), lines", "return max(found or 0 for found in newest), lines", f"{_TALLY} -k older"),
    Mutant("scheduler/storage/queries.py", '_ENDING_KINDS = ("ended", "cancel_requested", ', '_ENDING_KINDS = ("ended", ', f"{_TALLY} -k once"),
    Mutant("api/housekeeping.py", "    index_new_facts(connection)\n", "", "tests/unit/api/test_housekeeping.py -k number"),
    Mutant("api/running/serving.py", "        signal.signal(ending, signal.SIG_IGN)\n", "        pass\n", "tests/unit/api/test_interrupts.py"),
    Mutant("api/running/serving.py", "*[signal.SIGHUP] * is_hangup_heard", "signal.SIGHUP", "tests/unit/api/test_interrupts.py"),
    Mutant("api/running/up.py", "                finally:\n                    threads.shutdown(cancel_futures=True)", "                except AssertionError:\n                    threads.shutdown(cancel_futures=True)", "tests/unit/api/test_interrupts.py"),
    Mutant("api/console/static/app.js", "  if (me !== caller) return; // signed out meanwhile\n", "", "tests/acceptance/test_console.py -k signs"),
    Mutant("api/console/static/client.js", "  if (!key()) throw new Refused(401, {}); // signed out while a part was being read\n", "", "tests/acceptance/test_console.py -k signs"),
    Mutant("api/cli/prices.py", "sorted(named.keys() & {*published.not_in_park})", "[]", "tests/acceptance/test_cli_prices.py"),
    Mutant("api/cli/prices.py", "sorted(named.keys() & {*published.not_in_park})", "published.not_in_park", "tests/acceptance/test_cli_prices.py"),
    Mutant("api/routes/prices.py", "for kind, _ in prices.on_demand if kind not in kinds]", "for kind, _ in prices.on_demand]", "tests/acceptance/test_cli_prices.py"),
    Mutant("api/cli/jobs.py", "            parser=_state,\n", "", "tests/acceptance/test_cli_wrong_use.py"),
    Mutant("api/cli/language.py", 'return both(": ", "：")', 'return ": "', "tests/acceptance/test_cli_wrong_use.py"),
    Mutant("api/cli/session.py", "return told(_chinese(problem), colon())", "return told(_chinese(problem))", f"{_REFUSALS} -k chinese"),
    Mutant("api/cli/budgets.py", "if is_label and not is_nothing(made.amount):", "if is_label:", "tests/acceptance/test_api_budgets.py -k command"),
    Mutant("api/cli/budgets.py", "if is_label and not is_nothing(made.amount):", "if False:", "tests/acceptance/test_api_budgets.py -k command"),
    Mutant("api/cli/bill_tables.py", "        column.no_wrap = True\n    for one", "        pass\n    for one", "tests/unit/api/cli/test_bill_tables.py"),
    Mutant("api/cli/bill_tables.py", '    if one.state == "withdrawn":\n', "    if False:\n", "tests/unit/api/cli/test_bill_tables.py"),
    Mutant("api/cli/bill_tables.py", " - Decimal(one.credited)", "", "tests/unit/api/cli/test_bill_tables.py"),
    Mutant("api/cli/wanted.py", "OPTIONS.get(str(part), part)", "part", "tests/acceptance/test_cli_wrong_use.py"),
    Mutant("api/cli/closing.py", "parser=month_of, ", "", "tests/acceptance/test_cli_wrong_use.py"),
    Mutant("api/cli/vouchers.py", "        max=100,\n", "", "tests/acceptance/test_cli_wrong_use.py"),
    Mutant("api/cli/packages.py", "day_text(one.until_ms)", "str(one.until_ms)", "tests/acceptance/test_api_packages.py"),
    Mutant("api/cli/vouchers.py", "day_text(one.until_ms)", "str(one.until_ms)", "tests/acceptance/test_api_vouchers.py"),
    Mutant("api/console/static/notices.js", "pools.filter((pool) => pool.unit === unit)", "pools", "tests/acceptance/test_console_notices.py -k cores"),
    Mutant("api/console/static/app.js", 'me?.role === "finance" ? "events.none_money" : "events.none_hint"', '"events.none_hint"', "tests/acceptance/test_console.py -k finance"),
]
