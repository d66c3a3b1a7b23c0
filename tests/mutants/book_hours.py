"""Deliberate bugs in usage by the hour, one a line."""

from tests.mutants.mutant import Mutant

_HOURS = "tests/unit/accounting/storage/test_hours.py"
_BENCH = "tests/unit/benchmarks/test_books_bench.py -m 'not slow'"

# fmt: off
MUTANTS = [
    Mutant("scheduler/storage/month_queries.py", "started_at_ms - COALESCE(released_at_ms, submitted_at_ms)", "started_at_ms - submitted_at_ms", "tests/unit/scheduler/storage/test_month_queries.py"),
    Mutant("scheduler/storage/month_queries.py", "    WHERE state IN ('queued', 'held')\n", "", "tests/unit/scheduler/storage/test_month_queries.py"),
    Mutant("scheduler/storage/month_queries.py", "count(DISTINCT jobs.id)", "count(*)", "tests/unit/scheduler/storage/test_month_queries.py"),
    Mutant("api/routes/reports.py", "            *credit_sums(connection, from_ms, to_ms),\n", "", "tests/acceptance/test_brain_report.py"),
    Mutant("api/routes/reports.py", "len({line.tenant_id for line in some})", "len(some)", "tests/acceptance/test_brain_report.py"),
    Mutant("api/answers/disputed.py", 'and not view.body["is_heard"]', 'and view.body["is_heard"]', "tests/unit/api/answers/test_disputed.py"),
    Mutant("api/answers/disputed.py", "metered.get(row.id, row.started_at_ms)", "row.started_at_ms", "tests/unit/api/answers/test_disputed.py"),
    Mutant("api/answers/disputed.py", "to_ms = min(window[1], now_ms)", "to_ms = now_ms", "tests/unit/api/answers/test_disputed.py"),
    Mutant("scheduler/asking/loads.py", "reserved.get(pool.id, 0) // state.park.share_tflops_per_card(pool)", "reserved.get(pool.id, 0)", "tests/unit/scheduler/facts/test_quotes.py -k reserved"),
    Mutant("accounting/storage/hours.py", "if through_seq is not None:", "if False:", _HOURS),
    Mutant("accounting/storage/hours.py", "_slices(*bounds, -1)", "_slices(*bounds, 1)", _HOURS),
    Mutant("accounting/storage/hours.py", "begin_ms = -(-from_ms // MS_PER_HOUR) * MS_PER_HOUR", "begin_ms = from_ms // MS_PER_HOUR * MS_PER_HOUR", _HOURS),
    Mutant("accounting/storage/hours.py", "    if begin_ms >= end_ms:\n        return union_all(_cut(from_ms, to_ms, tenant_id))", "    if False:\n        return union_all(_cut(from_ms, to_ms, tenant_id))", _HOURS),
    Mutant("accounting/storage/hours.py", "edges = [(from_ms, begin_ms), (end_ms, to_ms)]", "edges = [(from_ms, begin_ms)]", _HOURS),
    Mutant("accounting/storage/hours.py", "(device_ms * UsageHourRow.tflops).label", "(device_ms * 313).label", _HOURS),
    Mutant("accounting/storage/store.py", ".group_by(*keys).having(device_ms != 0)", ".group_by(*keys)", _HOURS),
    Mutant("accounting/proof/verifying.py", "    yield from _hours(connection)\n", "", "tests/unit/accounting/proof/test_verifying.py -k hour"),
    Mutant("accounting/months/closing.py", "for one in known if one.says_something)", "for one in known)", "tests/unit/accounting/months/test_closing.py -k nothing"),
    Mutant("api/migrations/versions/0015_usage_by_the_hour.py", "usage_hours.device_ms + EXCLUDED.device_ms", "EXCLUDED.device_ms", _HOURS),
    Mutant("api/migrations/versions/0015_usage_by_the_hour.py", "to_ms - 1, 3600000)", "to_ms, 3600000)", _HOURS),
    Mutant("api/migrations/versions/0015_usage_by_the_hour.py", '    op.execute(HOURS % "usage")\n', "", "tests/unit/api/test_database.py -k before"),
    Mutant("benchmarks/book_load.py", "if one.from_ms < DEARER.from_ms < to_ms:", "if False:", _BENCH),
    Mutant("accounting/storage/hours.py", "split_part(reference, '/', 1), max", "reference, max", "tests/unit/api/answers/test_disputed.py -k package"),
    Mutant("accounting/proof/verifying.py", "    yield from _months(connection)\n", "", "tests/unit/accounting/proof/test_verifying.py -k which_month"),
    Mutant("accounting/proof/verifying.py", "stored.seq is not None and stored.seq <= seq", "False", "tests/unit/accounting/proof/test_verifying.py -k which_month"),
]
