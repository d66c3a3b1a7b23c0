"""Who passes moves no promise, and however many pass by whatever forecast a gang has its turn."""

from dataclasses import replace
from itertools import count, cycle

from hypothesis import example, given, note, settings
from hypothesis import strategies as st

from scheduler.facts import events as ev
from scheduler.facts.state import State
from scheduler.model.job import Job, Priority
from scheduler.model.policy import DEFAULT, Policy
from scheduler.planning.planner import plan
from tests.builders import a_job, a_lease, a_park, a_pool, a_state, promised_ms
from tests.unit.scheduler.test_planner_invariants import ended

LIMIT_MS, FIRM_MS, SURE_MS = 20, 30, 70
"""In the place of days and weeks: a policy is a value."""
POLICY = replace(DEFAULT, firm_after_ms=FIRM_MS, sure_after_ms=SURE_MS)
BEGIN_MS = 2 * LIMIT_MS
NODE_CARDS, WAITING_COUNT = 4, 4
Runs = list[tuple[int, int]]
"""How many cards each of the stream has, and how long it runs; from its end it begins anew."""

small = st.tuples(st.integers(1, NODE_CARDS - 1), st.sampled_from([1, 1, 1, 5, LIMIT_MS]))
MOSTLY_SHORT = [(1, 1), (1, LIMIT_MS), (1, 1)]
"""One of three runs to its limit, and each is foretold to be over at once."""


@settings(max_examples=25)
@example(MOSTLY_SHORT, 2, 2)
@given(st.lists(small, min_size=1, max_size=8), st.integers(1, 3), st.integers(1, 3))
def test_a_stream_of_small_jobs_never_starves_a_gang(
    stream: Runs, node_count: int, gang_nodes: int
) -> None:
    """What ran when its promise became sure is over a limit later, and nothing is in its way."""
    state = a_state(park=a_park(a_pool("east-npu", node_count, NODE_CARDS)))
    cards = NODE_CARDS * min(gang_nodes, node_count)
    gang = a_job("gang", device_count=cards, priority=Priority.HIGH, submitted_at_ms=BEGIN_MS)
    runs, numbers, ends = cycle(stream), count(), dict[str, int]()
    for now_ms in range(BEGIN_MS + SURE_MS + LIMIT_MS + 1):
        apply(state, *(ended(one, now_ms) for one in [*ends] if ends[one] == now_ms))
        coming = [gang] if now_ms == BEGIN_MS else []
        while len(state.queue) + len(coming) < WAITING_COUNT:
            coming.append(one_of_the_stream(next(numbers), *next(runs), now_ms))
        apply(state, *(ev.Submitted(at_ms=now_ms, job=job) for job in coming))
        for attempt_id in run_all(state, now_ms, POLICY):
            ends[attempt_id] = now_ms + int(attempt_id.partition(".")[0].partition("-")[2] or 1)
        if "gang.1" in ends:
            return
    raise AssertionError("the gang starves")


def one_of_the_stream(number: int, cards: int, run_ms: int, now_ms: int) -> Job:
    """How long it will run is in its id alone, where no planner looks."""
    return a_job(
        f"s{number:04}-{run_ms}", device_count=cards, limit_ms=LIMIT_MS, submitted_at_ms=now_ms
    )


def apply(state: State, *events: ev.Event) -> None:
    """What all must hold is checked in other tests, and costs more than all of this."""
    for event in events:
        assert state.apply(event) is None


# Of one plan.

NOW_MS = BEGIN_MS
users = st.sampled_from(["brief", "slow", "new"])
limits = st.sampled_from([2, LIMIT_MS, 10 * LIMIT_MS])
running = st.tuples(st.integers(1, NODE_CARDS), users, limits)
waiting = st.tuples(st.sampled_from([1, 2, 3, 4, 8]), users, limits)
Asked = tuple[int, str, int]
BUSY: list[Asked] = [(1, "brief", 2), (2, "brief", 2), (2, "brief", LIMIT_MS), (3, "brief", 2)]
ONE_MORE: list[Asked] = [
    *((1, "brief", limit_ms) for limit_ms in (2, 2, LIMIT_MS)),
    (4, "brief", 2),
    (1, "brief", 2),
]
"""Once the first of these run another may pass as well, as its promise names other nodes then."""


@settings(max_examples=60)
@example(3, BUSY, ONE_MORE)
@given(st.integers(1, 3), st.lists(running, max_size=6), st.lists(waiting, min_size=2, max_size=8))
def test_who_passes_moves_no_promise(
    node_count: int, running: list[Asked], waiting: list[Asked]
) -> None:
    """By forecasts: once those who pass run, who is ahead starts no later than without them."""
    state = a_state(park=a_park(a_pool("east-npu", node_count, NODE_CARDS)))
    for user, run_ms in (("brief", 1), ("slow", LIMIT_MS)):
        state.history.begin(of(user, a_job(limit_ms=10 * LIMIT_MS)), user, 0)
        state.history.end(user, run_ms)
    asked(state, running, "r", NOW_MS - 2)
    run_all(state, NOW_MS - 2)
    asked(state, [one for one in waiting if one[0] <= node_count * NODE_CARDS], "w", NOW_MS - 1)
    found = plan(state, NOW_MS)
    note(f"{found}")

    run_all(state, NOW_MS)

    again = plan(state, NOW_MS).verdicts
    for job_id, verdict in found.verdicts.items():
        start_ms = promised_ms(verdict)
        if start_ms is not None and job_id in again:
            now_promised_ms = promised_ms(again[job_id])
            assert now_promised_ms is not None, "it waits, and nothing is promised to it any more"
            assert now_promised_ms <= start_ms


def of(user: str, job: Job) -> Job:
    return replace(job, user=user)


def asked(state: State, some: list[Asked], prefix: str, at_ms: int) -> None:
    for number, (cards, user, limit_ms) in enumerate(some):
        job = a_job(
            f"{prefix}{number}", device_count=cards, limit_ms=limit_ms, submitted_at_ms=at_ms
        )
        apply(state, ev.Submitted(at_ms=at_ms, job=of(user, job)))


def run_all(state: State, now_ms: int, policy: Policy = DEFAULT) -> list[str]:
    """Whom the plan lets start."""
    found = plan(state, now_ms, policy)
    apply(state, *state.queue.promises(found.promised, now_ms))
    leases = [a_lease(grant.job_id, grant.placement, at_ms=now_ms) for grant in found.grants]
    for lease in leases:
        apply(state, lease, ev.Started(at_ms=now_ms, attempt_id=lease.attempt_id))
    return [lease.attempt_id for lease in leases]
