"""Instruments of this process for Prometheus: how long requests, plans and commits take."""

from time import perf_counter
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics
from prometheus_client.process_collector import ProcessCollector
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from typing_extensions import override

from scheduler.facts.log import NOT_KEPT, Asked, Cycle
from scheduler.storage.store import SqlLog

FAST_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
UNMATCHED = "unmatched"

disable_created_metrics()  # type: ignore[no-untyped-call] # the package does not annotate it


class Metrics:
    """One process's instruments, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.http = Histogram(
            "brain_http_request_duration_seconds",
            "Time from a request's first byte to its answer's last.",
            ("method", "route", "status"),
            buckets=FAST_S,
            registry=self.registry,
        )
        self.plan = Histogram(
            "brain_plan_duration_seconds",
            "Time from reading the inbox to the decided cycle, of cycles that changed something.",
            buckets=FAST_S,
            registry=self.registry,
        )
        self.commit = Histogram(
            "brain_commit_duration_seconds",
            "Time to commit a cycle to the log.",
            buckets=FAST_S,
            registry=self.registry,
        )
        self.unwritable = Counter(
            "brain_unwritable_requests",
            "Requests that were refused, as nothing of them can be kept, or they cannot be read.",
            registry=self.registry,
        )
        ProcessCollector(registry=self.registry)


class MeasuredLog(SqlLog):
    """The log, with a stopwatch; and it counts what can never be kept in it."""

    def __init__(self, metrics: Metrics, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._metrics = metrics
        self._began_s = perf_counter()

    @override
    def requests(self, limit: int) -> tuple[Asked, ...]:
        self._began_s = perf_counter()
        return super().requests(limit)

    @override
    def commit(self, epoch: int, cycle: Cycle) -> None:
        decided_s = perf_counter()
        self._metrics.plan.observe(decided_s - self._began_s)
        super().commit(epoch, cycle)
        self._metrics.commit.observe(perf_counter() - decided_s)
        not_kept = [why for why in cycle.refused.values() if why.startswith(NOT_KEPT)]
        self._metrics.unwritable.inc(len(not_kept))


class Timing:
    """Measures each request, by the route's template and never by its address."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began_s, status = perf_counter(), 500

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            route = getattr(scope.get("route"), "path", UNMATCHED)
            labels = (scope["method"] if route != UNMATCHED else "", route, str(status))
            self._metrics.http.labels(*labels).observe(perf_counter() - began_s)
