"""What a plan says: who starts now and where, who is stopped, and why others wait."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from scheduler.model.job import Placement, PlannedStart, Reason


class Answers(StrEnum):
    """For whom a plan has an answer: for all who wait, or only for who starts now.

    The second ends as soon as nothing more can start, and says nothing to those behind.
    """

    ALL = "all"
    GRANTS = "grants"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A job may start now, there, with so much money set aside; it may be that it starves."""

    job_id: str
    placement: Placement
    hold_micros: int
    is_starving: bool = False


@dataclass(frozen=True, slots=True)
class Eviction:
    """A running attempt is to stop, so that a waiting job may start on these nodes."""

    attempt_id: str
    job_id: str
    node_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Why a job waits, and when and where it would start; `start` is None where that is unknown."""

    reasons: tuple[Reason, ...]
    start: PlannedStart | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptCards(Verdict):
    """Of a quote: its job would start now, there; it may not, and nobody else gets the cards."""

    placement: Placement


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """By when a job is to start in a pool, where it was likely to have room at `likely_ms`."""

    by_ms: int
    pool_id: str
    likely_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to start now, what to stop, and for each job that stays, in the queue's order, why.

    `promised` has by when those start who are passed now: so it is to stay.
    """

    grants: tuple[Grant, ...]
    verdicts: Mapping[str, Verdict]
    evictions: tuple[Eviction, ...] = ()
    promised: Mapping[str, Promise] = field(default_factory=dict)
    answers: Answers = Answers.ALL
