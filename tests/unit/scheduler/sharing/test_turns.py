"""Whose turn it is, against the plainest way to find it: of all who wait, the least is next."""

from dataclasses import replace

from hypothesis import example, given, settings
from hypothesis import strategies as st

from scheduler.facts.queue import DueKey, due_key
from scheduler.facts.record import JobRecord
from scheduler.model.job import Priority
from scheduler.model.policy import DEFAULT
from scheduler.sharing.fairtree import FairKey, FairTree
from scheduler.sharing.standing import NOTHING, Standings
from scheduler.sharing.turns import Turns
from tests.builders import HOUR_MS, a_job, a_park, a_pool, a_state, a_tenant, submit

NOW_MS = HOUR_MS
TENANTS = ("steel", "fish", "ship")

ASKED = st.tuples(
    st.sampled_from(TENANTS),
    st.sampled_from(["default", "other"]),
    st.sampled_from(Priority),
    st.integers(0, 3),
)
"""By whom, of which class, and when."""


def asked_at(*turns: tuple[str, int]) -> list[tuple[str, str, Priority, int]]:
    return [(tenant_id, "default", Priority.NORMAL, at_ms) for tenant_id, at_ms in turns]


@settings(max_examples=60)
@example(asked_at(("steel", 0), ("fish", 3), ("ship", 1), ("steel", 2)), set())
@example(asked_at(("steel", 0), ("fish", 1), ("ship", 3), ("steel", 2)), set())
@example(asked_at(("steel", 0), ("steel", 1), ("fish", 2)), {0})
@given(st.lists(ASKED, max_size=24), st.sets(st.integers(0, 23)))
def test_the_next_is_who_stands_first_once_all_that_was_given_counts(
    asked: list[tuple[str, str, Priority, int]], given_at: set[int]
) -> None:
    state = a_state(*map(a_tenant, TENANTS), park=a_park(a_pool("east-npu", 1, 8)))
    for number, (tenant_id, project, priority, at_ms) in enumerate(asked):
        job = a_job(f"j{number:02}", tenant_id=tenant_id, project=project, priority=priority)
        submit(state, replace(job, submitted_at_ms=at_ms))
    standings = Standings(state, NOW_MS, DEFAULT)
    turns = Turns(state, NOW_MS, DEFAULT, standings, lambda _: NOTHING)
    shares, left = FairTree(state, NOW_MS), [*state.queue.records()]

    def turn(record: JobRecord) -> tuple[int, FairKey, DueKey]:
        due = due_key(record)
        return due[0], shares.key(record.job.tenant_id, record.job.project), due

    for number, record in enumerate(turns):
        assert record is min(left, key=turn)
        left.remove(record)
        if number in given_at:
            turns.charge(record.job, 100)
            shares.charge(record.job.tenant_id, record.job.project, 100)

    assert not left
