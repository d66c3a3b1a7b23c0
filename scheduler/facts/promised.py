"""By when a job that waits is to start, once others have passed it: it is to stay so."""

from dataclasses import dataclass
from typing import Literal

from scheduler.model.plan import Promise


@dataclass(frozen=True, slots=True, kw_only=True)
class StartPromised:
    """Who passed the job, or may yet, is likely to be over by then.

    A quote in the queue is promised it as its job would be; `job_id` is the quote's then.
    """

    at_ms: int
    tenant_id: str
    job_id: str
    promise: Promise
    kind: Literal["start_promised"] = "start_promised"
