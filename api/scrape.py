"""What Prometheus is told of the park, the queue and the books: read from the tables when asked."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import version

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Connection
from typing_extensions import override

from accounting.calendar import month_of
from accounting.money import MICROS_PER_YUAN, MS_PER_HOUR
from accounting.storage.activity_hours import active_in
from accounting.storage.overdrafts import overdrafts
from accounting.units import Unit
from accounting.usage.slices import UsageSum
from api.errors import Refused
from api.services import Services
from scheduler.model.budget import Budget
from scheduler.storage import queries

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
TFLOPS_PER_PFLOPS = 1_000
LEVELS = ("registered", "online", "schedulable", "allocated")


def exposition(services: Services) -> bytes:
    """This process's instruments, then what the tables say."""
    tables = CollectorRegistry()
    tables.register(TableCollector(services))
    return generate_latest(services.metrics.registry) + generate_latest(tables)


class TableCollector(Collector):
    """Reads the tables once for each scrape."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def describe(self) -> list[Metric]:
        """Nothing beforehand: to know the names would be to read the tables."""
        return []

    @override
    def collect(self) -> Iterator[Metric]:
        services = self._services
        with services.database.connect() as connection:
            # One moment for all of it, which the tally needs to count everything once.
            connection.execution_options(isolation_level="REPEATABLE READ")
            yield from _broker(connection, services)
            yield from _queue(connection, services)
            try:
                yield from _machines(connection, services)
            except Refused:
                return  # no park yet
            yield from _books(connection, services)


def _gauge(name: str, about: str, labels: Sequence[str] = ()) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"brain_{name}", about, labels=labels)


def _broker(connection: Connection, services: Services) -> Iterator[Metric]:
    build = _gauge("build_info", "The release of this broker.", ("version",))
    build.add_metric((version("industry-brain"),), 1)
    yield build
    leading = _gauge("leading", "1 where this broker leads.")
    leading.add_metric((), int(services.leads()))
    yield leading
    yield from _failures(services)
    leads = queries.leader(connection)
    epoch = _gauge("leader_epoch", "The epoch of the newest leader.")
    epoch.add_metric((), leads.epoch if leads else 0)
    yield epoch
    events = CounterMetricFamily("brain_log_events", "Facts in the event log.")
    events.add_metric((), queries.last_seq(connection))
    yield events
    tail = _gauge("log_tail_events", "Facts since the newest checkpoint: what a leader replays.")
    tail.add_metric((), queries.tail_length(connection))
    yield tail
    pending = _gauge("inbox_pending_requests", "Requests that no cycle has taken yet.")
    pending.add_metric((), queries.pending_count(connection))
    yield pending
    lag = _gauge("agent_report_age_seconds", "Since the centre's newest report.", ("centre",))
    for centre_id, link in sorted(services.links.items()):
        report = link.observe()
        if report is not None:
            lag.add_metric((centre_id,), (services.clock() - report.heard_at_ms) / 1_000)
    yield lag


def _failures(services: Services) -> Iterator[Metric]:
    """What went wrong while this broker led."""
    for name, about, count in (
        (
            "plan_flaws",
            "Parts of plans that broke a rule and were not carried out.",
            services.flaw_count(),
        ),
        (
            "leader_failures",
            "Steps of the leader that failed, through no request.",
            services.failure_count(),
        ),
    ):
        metric = CounterMetricFamily(f"brain_{name}", about)
        metric.add_metric((), count)
        yield metric


def _queue(connection: Connection, services: Services) -> Iterator[Metric]:
    jobs = _gauge("jobs", "Jobs that are not over, by state.", ("state",))
    over = CounterMetricFamily(
        "brain_jobs_ended", "Jobs that are over, by state and cause.", labels=("state", "cause")
    )
    counts = queries.unfinished_counts(connection)
    for state in (*queries.WAITING_STATES, *queries.HOLDING_STATES):
        jobs.add_metric((state,), counts.get(state, 0))
    for key, count in sorted(services.tally.ended(connection).items()):
        over.add_metric(key, count)
    yield jobs
    yield over
    now_ms = services.clock()
    waiting = _gauge("queue_jobs", "Jobs that wait, by tenant.", ("tenant",))
    oldest = _gauge("queue_oldest_wait_seconds", "How long the oldest has waited.", ("tenant",))
    for tenant_id, count, submitted_at_ms in queries.waiting_by_tenant(connection):
        waiting.add_metric((tenant_id,), count)
        waited_ms = 0 if submitted_at_ms is None else max(0, now_ms - submitted_at_ms)
        oldest.add_metric((tenant_id,), waited_ms / 1_000)
    yield waiting
    yield oldest


def _machines(connection: Connection, services: Services) -> Iterator[Metric]:
    park = services.declared.read(connection).park
    stated = _gauge("centre_stated_pflops", "FP16 capacity as stated, in P.", ("centre",))
    for centre in park.centres:
        stated.add_metric((centre.id,), centre.stated_tflops / TFLOPS_PER_PFLOPS)
    yield stated
    labels = ("centre", "pool", "device", "level")
    cards = _gauge("capacity_cards", "Capacity at each level, in cards.", labels)
    cores = _gauge("capacity_cores", "Capacity of processor pools at each level, in cores.", labels)
    pflops = _gauge("capacity_pflops", "FP16 capacity at each level, in P.", labels)
    ratio = _gauge("utilisation_ratio", "Allocated of registered.", labels[:3])
    for load in queries.loads_now(connection, list(park.pool_by_id)):
        place = (load.centre_id, load.pool_id, park.pool_by_id[load.pool_id].device_kind_id)
        for level in LEVELS:
            count = getattr(load, f"{level}_cards")
            (cores if place[2] in park.core_kind_ids else cards).add_metric((*place, level), count)
            pflops.add_metric((*place, level), count * load.tflops / TFLOPS_PER_PFLOPS)
        ratio.add_metric(place, load.allocated_cards / load.registered_cards)
    yield from (cards, cores, pflops, ratio, _active(connection, services.clock()))


def _active(connection: Connection, now_ms: int) -> Metric:
    """Of the last hour; what nobody measured has none."""
    labels = ("centre", "pool", "device")
    ratio = _gauge("active_ratio", "Active of the measured card-time of the last hour.", labels)
    names = ("centre_id", "pool_id", "device_kind_id")
    for one in active_in(connection, names, now_ms - MS_PER_HOUR, now_ms):
        ratio.add_metric(one.key, one.active_device_ms / one.measured_device_ms)
    return ratio


def _books(connection: Connection, services: Services) -> Iterator[Metric]:
    """This month: gauges, since a month begins at nothing."""
    lines = services.tally.usage(connection, month_of(services.clock()))
    time_ms: dict[Unit, Counter[tuple[str, str, str]]] = {unit: Counter() for unit in Unit}
    fen: defaultdict[str, int] = defaultdict(int)
    for line in lines:
        time_ms[line.unit][line.tenant_id, line.centre_id, line.device_kind_id] += line.device_ms
        fen[line.tenant_id] += line.amount_fen
    labels = ("tenant", "centre", "device")
    used = _gauge("month_usage_device_seconds", "Card-seconds used this month, net.", labels)
    on_cores = _gauge("month_usage_core_seconds", "Core-seconds used this month, net.", labels)
    for metric, unit in ((used, Unit.CARD), (on_cores, Unit.CORE)):
        for key, total_ms in sorted(time_ms[unit].items()):
            metric.add_metric(key, total_ms / 1_000)
    yield from (used, on_cores)
    charged = _gauge("month_charges_yuan", "Charges of this month, net of credits.", ("tenant",))
    for tenant_id, total_fen in sorted(fen.items()):
        charged.add_metric((tenant_id,), total_fen / 100)
    yield charged
    yield _budgets(services.declared.read(connection).budgets, lines)
    below = _gauge("overdraft_yuan", "How far a tenant's balance is below zero.", ("tenant",))
    for tenant_id, micros in overdrafts(connection).items():
        below.add_metric((tenant_id,), micros / MICROS_PER_YUAN)
    yield below


def _budgets(budgets: Iterable[Budget], lines: Iterable[UsageSum]) -> Metric:
    """Of budgets for months; those for jobs are too many to be watched."""
    micros: defaultdict[tuple[str, str | None], int] = defaultdict(int)
    for line in lines:
        micros[line.tenant_id, None] += line.amount_micros
        micros[line.tenant_id, line.project] += line.amount_micros
    used = _gauge("budget_used_ratio", "Of a month's budget, net.", ("tenant", "project"))
    for one in budgets:
        if one.job_id is None:
            spent_micros = micros[one.tenant_id, one.project]
            used.add_metric((one.tenant_id, one.project or ""), spent_micros / one.amount_micros)
    return used
