"""Deliberate bugs in `benchmarks/`, one a line."""

from tests.mutants.mutant import Mutant

# fmt: off
MUTANTS = [
    Mutant("benchmarks/score.py", "max(run_ms, SHORT_MS)", "max(run_ms, 1)", "tests/unit/test_score.py"),
    Mutant("benchmarks/score.py", "min(row.end_ms, last_ms)", "row.end_ms", "tests/unit/test_score.py"),
    Mutant("benchmarks/simulate.py", "max(0, _length_ms(run) - self.restart_ms)", "_length_ms(run)", "tests/unit/test_simulate.py"),
    Mutant("benchmarks/workload.py", "max_cards=NO_QUOTA,", "max_cards=4,", "tests/unit/test_simulate.py"),
    Mutant("benchmarks/workload.py", "max(job.walltime_ms or UNKNOWN_LIMIT_MS, job.duration_ms)", "job.walltime_ms or UNKNOWN_LIMIT_MS", "tests/unit/test_simulate.py"),
    Mutant("benchmarks/traces.py", "if job.id in jobs:", "if False:", "tests/unit/test_traces.py"),
    Mutant("benchmarks/launch.py", '["true"] * count', '["true"]', "tests/unit/test_launch.py -k burst"),
    Mutant("benchmarks/launch.py", "jobs_per_s(peer, arguments.peer_burst)", "jobs_per_s(product, arguments.peer_burst)", "tests/unit/test_launch.py -k same"),
    Mutant("benchmarks/options.py", "int(text) < 1", "int(text) < 0", "tests/unit/test_replay.py -k count"),
    Mutant("benchmarks/submit.py", "    counts[0] += work.count % work.clients\n", "", "tests/unit/test_submit.py -k share"),
    Mutant("benchmarks/plan.py", "free[node_id] -= wanted.card_count", "pass", "tests/unit/test_plan.py -k first_fit"),
    Mutant("benchmarks/crowd.py", "    fill(state)\n", "", "tests/unit/test_plan.py -k crowded"),
    Mutant("benchmarks/controller.py", "sum(cycles) / events", "sum(cycles) / len(laps)", "tests/unit/test_controller_bench.py -k steady"),
    Mutant("benchmarks/controller.py", "lap.cycle_ms for lap in laps) / MS_PER_S", "lap.commit_ms for lap in laps) / MS_PER_S", "tests/unit/test_controller_bench.py -k taking"),
    Mutant("benchmarks/list_fifo.py", "max(now_ms, job.submit_ms)", "job.submit_ms", "tests/unit/test_replay.py"),
    Mutant("benchmarks/compare.py", "if name.endswith(PREEMPTION) else None", "if False else None", "tests/unit/test_compare.py"),
    Mutant("benchmarks/compare.py", "nearest_rank(waits, 95)", "nearest_rank(waits, 50)", "tests/unit/test_compare.py"),
    Mutant("benchmarks/picture.py", "        since[row.job_id] = row.end_ms\n", "", "tests/unit/test_compare.py"),
    Mutant("benchmarks/picture.py", "changes[row.end_ms] -= row.device_count", "changes[row.end_ms] -= 1", "tests/unit/test_compare.py"),
    Mutant("benchmarks/picture.py", "max(0, min(row.end_ms, until_ms) - row.start_ms)", "(row.end_ms - row.start_ms)", "tests/unit/test_compare.py"),
    Mutant("benchmarks/score.py", "if size <= most)", "if size < most)", "tests/unit/test_compare.py"),
    Mutant("benchmarks/workload.py", "if node_count < 1 or node_count % 1:", "if node_count < 1:", "tests/unit/test_replay.py"),
    Mutant("benchmarks/workload.py", "_centre(name, name, int(node_count), cards_per_node)", "_centre(name, name, 1, cards_per_node)", "tests/unit/test_replay.py"),
    Mutant("benchmarks/workload.py", "< max(1, len(centres)):", "< len(centres):", "tests/unit/test_replay.py"),
]
