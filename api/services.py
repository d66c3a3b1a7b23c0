"""What the routes stand on; `app.state.services` holds the one of the process."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random, SystemRandom
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import Engine

from api.clock import now_ms
from api.declared import DeclaredCache
from api.feed import Feed
from api.gauge import QueueGauge
from api.metrics import Metrics
from api.questions import Questions
from api.settings import Settings
from api.streams import OpenStreams
from api.tally import Tally
from cluster.driver import Driver
from scheduler.job import Job
from scheduler.whatif import Prospect


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything outside a route that it may use.

    `links` has the broker's end of each centre. `leads` says whether this process is the leader,
    to whom alone agents may report, and who alone knows what a job would meet (`what_if`).
    """

    settings: Settings
    database: Engine
    feed: Feed
    links: Mapping[str, Driver] = field(default_factory=dict)
    leads: Callable[[], bool] = lambda: True
    what_if: Callable[[Job], Sequence[Prospect] | None] = lambda _: None
    clock: Callable[[], int] = now_ms
    random: Random = field(default_factory=SystemRandom)
    declared: DeclaredCache = field(default_factory=DeclaredCache)
    gauge: QueueGauge = field(default_factory=QueueGauge)
    streams: OpenStreams = field(default_factory=OpenStreams)
    questions: Questions = field(default_factory=Questions)
    metrics: Metrics = field(default_factory=Metrics)
    tally: Tally = field(default_factory=Tally)


def of(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


ServicesDep = Annotated[Services, Depends(of)]
