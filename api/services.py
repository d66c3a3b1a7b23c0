"""What the routes stand on; `app.state.services` holds the one of the process."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random, SystemRandom
from typing import Annotated, Protocol, TypeVar

from fastapi import Depends, Request
from sqlalchemy import Engine

from api.clock import now_ms
from api.declared import Declared, DeclaredCache
from api.feed import Feed
from api.gauge import QueueGauge
from api.metrics import Metrics
from api.questions import OneEach, parquets, questions, reconciliations
from api.settings import Settings
from api.streams import OpenStreams
from api.tally import Tally
from cluster.driver import Driver
from scheduler.facts.state import State
from scheduler.model.policy import Policy

T = TypeVar("T")


class Leader(Protocol):
    """Who answers questions about the state."""

    def __call__(self, question: Callable[[State, int, Policy], T], /) -> T | None:
        """The answer, or None where we lead not; raises `TimeoutError` where it is busy."""


def nobody_leads(_: Callable[[State, int, Policy], object]) -> None:
    """The leader of a process that has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything outside a route that it may use.

    `links` has the broker's end of each centre. `leads` says whether this process is the leader,
    to whom alone agents may report, and who alone knows the state (`ask`), the flaws of plans, how
    many steps it has made, how many failed, and whether the last one did.
    """

    settings: Settings
    database: Engine
    feed: Feed
    links: Mapping[str, Driver] = field(default_factory=dict)
    leads: Callable[[], bool] = lambda: True
    ask: Leader = nobody_leads
    flaw_count: Callable[[], int] = lambda: 0
    step_count: Callable[[], int] = lambda: 0
    failure_count: Callable[[], int] = lambda: 0
    is_failing: Callable[[], bool] = lambda: False
    clock: Callable[[], int] = now_ms
    random: Random = field(default_factory=SystemRandom)
    declared: DeclaredCache = field(default_factory=DeclaredCache)
    gauge: QueueGauge = field(default_factory=QueueGauge)
    streams: OpenStreams = field(default_factory=OpenStreams)
    questions: OneEach = field(default_factory=questions)
    parquets: OneEach = field(default_factory=parquets)
    reconciliations: OneEach = field(default_factory=reconciliations)
    metrics: Metrics = field(default_factory=Metrics)
    tally: Tally = field(default_factory=Tally)

    def read_declared(self) -> Declared:
        """What is declared now, where nothing else is read with it; see `DeclaredCache`."""
        with self.database.connect() as connection:
            return self.declared.read(connection)


async def of(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


ServicesDep = Annotated[Services, Depends(of)]
