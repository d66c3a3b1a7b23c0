"""Who is stopped of those that save themselves, as their centres see it."""

from dataclasses import replace

from scheduler.facts import events as ev
from scheduler.planning.planner import plan
from tests.builders import happen, submit
from tests.preemptive import MIN_RUN_MS, NOW_MS, SAVES, a_pool_of, low, run, stopped, wants


def test_what_was_done_since_the_last_checkpoint_counts_where_it_is_seen() -> None:
    by_itself = replace(SAVES, signal=None)
    state = a_pool_of(nodes=3)
    run(state, low("seen", checkpoint=by_itself), 8)
    run(state, low("short"), 0, 8, at_ms=NOW_MS // 2)
    run(state, low("unseen", checkpoint=by_itself), 0, 0, 8)
    seen_ms = NOW_MS - MIN_RUN_MS
    happen(state, ev.Saved(at_ms=NOW_MS, attempt_id="seen.1", saved_at_ms=seen_ms))
    submit(state, wants("a"), wants("b"))

    assert stopped(plan(state, NOW_MS)) == ["seen.1", "short.1"]
