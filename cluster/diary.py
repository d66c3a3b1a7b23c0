"""What a centre keeps itself of its attempts, to be laid beside log and books.

Its reports forget what the broker has in its log. A diary keeps it, so that somebody else than the
broker can say what ran.
"""

from dataclasses import dataclass

from cluster.driver import AttemptEnd, AttemptPhase

ATTEMPTS_TOLD_MAX = 20_000
"""So many ends are told at once, the last ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """One attempt as its centre knows it, by the centre's clock.

    `cards` are how many it has or had of each node: as its members were given, or as was ordered
    where that is not known any more. What was stopped before it was ordered has none, and neither
    job nor tenant.
    """

    attempt_id: str
    phase: AttemptPhase
    job_id: str = ""
    tenant_id: str = ""
    device_kind_id: str = ""
    cards: tuple[tuple[str, int], ...] = ()
    started_at_ms: int | None = None
    ended_at_ms: int | None = None
    end: AttemptEnd | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Diary:
    """What runs at a centre, and the ends that it knows: all of those after `whole_since_ms`."""

    whole_since_ms: int
    attempts: tuple[Noted, ...]
