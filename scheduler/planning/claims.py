"""Who may claim what was freed for it, as long as that holds."""

from scheduler.facts.record import JobRecord
from scheduler.facts.state import State
from scheduler.model.policy import Policy


def has_claim(state: State, job_id: str, now_ms: int) -> bool:
    claim = state.claims.get(job_id)
    return claim is not None and claim.until_ms > now_ms


def claimants(state: State, now_ms: int, policy: Policy) -> list[JobRecord]:
    """The oldest claim first; none where nobody is stopped for others."""
    if policy.preemption is None:
        return []
    claims = state.claims.items()
    valid = sorted(
        (claim.until_ms, job_id) for job_id, claim in claims if has_claim(state, job_id, now_ms)
    )
    return [state.jobs[job_id] for _, job_id in valid]
