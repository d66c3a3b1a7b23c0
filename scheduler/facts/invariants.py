"""What must hold after any event: `check` runs on every event of the simulation and of tests.

What the state keeps as an index is counted here again, from the park and the live attempts.
"""

from collections import Counter

from cluster.devices import Unit
from cluster.inventory import Park
from scheduler.facts.state import State
from scheduler.model.custody import custody_refusal
from scheduler.model.job import JobState

WAITING = {JobState.QUEUED, JobState.HELD}


def check(state: State) -> None:
    """Raise `AssertionError` where an invariant is broken."""
    _check_jobs(state)
    if state.park is None:
        assert not state.live, "something runs in no park"
    else:
        _check_holdings(state, state.park)
        state.holdings.check_nodes(state.drains.open(state.online_node_ids))
    _check_funds(state)
    state.agenda.check(record for record in state.jobs.values() if record.attempt)


def _check_jobs(state: State) -> None:
    for job_id, record in state.jobs.items():
        assert not record.is_final, f"{job_id} is over and still kept"
        assert job_id not in state.final_states, f"{job_id} ended twice"
        assert (record.state in WAITING) == (record.attempt is None), f"{job_id} {record.state}"
        is_held = record.state is JobState.HELD
        assert (job_id in state.held) == is_held, f"{job_id} is held, or is not"
        waits = record.attempt is None and not is_held
        assert (job_id in state.queue) == waits, f"{job_id} is in no place"
        assert not (record.is_cancelled and job_id in state.queue), f"{job_id} waits, cancelled"
    attempts = {r.attempt.id: r.attempt for r in state.jobs.values() if r.attempt}
    assert attempts == state.live, "live attempts are not those of the jobs"
    assert all(job_id in state.queue for job_id in state.claims), "a claim of one who does not wait"
    state.queue.check()
    state.held.check()
    state.quotes.check(state.jobs)
    state.held.arrays.check(state.jobs.values())


def _check_holdings(state: State, park: Park) -> None:
    used: Counter[str] = Counter()
    cards_by_branch: Counter[str] = Counter()
    tflops_by_branch: Counter[str] = Counter()
    tflops_by_centre: Counter[str] = Counter()
    cards_by_pool = dict.fromkeys(park.pool_by_id, 0)
    for attempt in state.live.values():
        placement, job = attempt.placement, state.jobs[attempt.job_id].job
        refusal = custody_refusal(job, placement, park)
        assert refusal is None, refusal
        kind = park.device_kind_by_id[placement.device_kind_id]
        tflops = placement.card_count * kind.tflops_fp16
        used.update({share.node_id: share.card_count for share in placement.shares})
        for branch in (job.tenant_id, f"{job.tenant_id}/{job.project}"):
            cards_by_branch[branch] += placement.card_count if kind.unit is Unit.CARD else 0
            tflops_by_branch[branch] += placement.card_count * kind.share_tflops
        tflops_by_centre[placement.centre_id] += tflops
        cards_by_pool[placement.pool_id] += placement.card_count
    for node_id, node in park.node_by_id.items():
        assert used[node_id] <= node.card_count, f"node {node_id} is overfull"
        assert state.free_cards[node_id] == node.card_count - used[node_id], f"free of {node_id}"
    assert state.shares.keys() == state.tenants.keys() | state.tree.projects.keys(), "branches"
    for branch, share in state.shares.items():
        assert state.held_cards[branch] == cards_by_branch[branch], f"cards of {branch} drifted"
        assert share.rate == tflops_by_branch[branch], f"the fair share of {branch} drifted"
    for centre in park.centres:
        allocated = state.holdings.allocated_tflops[centre.id]
        assert allocated == tflops_by_centre[centre.id], f"TFLOPS of {centre.id} drifted"
        assert allocated <= centre.stated_tflops, f"centre {centre.id} is overfull"
    assert tflops_by_centre.total() <= park.stated_tflops, "the park is overfull"
    assert state.holdings.cards_by_pool == cards_by_pool, "the cards of pools drifted"


def _check_funds(state: State) -> None:
    held: Counter[str] = Counter()
    for attempt in state.live.values():
        assert attempt.hold_left_micros >= 0, f"attempt {attempt.id} overdrew its hold"
        held[state.jobs[attempt.job_id].job.tenant_id] += attempt.hold_left_micros
    for tenant_id, funds in state.funds.items():
        assert funds.held_micros == held[tenant_id], f"holds of {tenant_id} drifted"
