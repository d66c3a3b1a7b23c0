"""A month's park, tenants and jobs by a seed, run through the real loop in virtual time."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import cycle
from random import Random

from sqlalchemy import Engine

from accounting.prices.packages import Package, PackageKind
from accounting.prices.rating import PERMILLE, PriceList
from accounting.prices.vouchers import Voucher
from api.files.park_file import load
from cluster.devices import DeviceKind, Unit
from cluster.driver import LaunchOrder
from cluster.inventory import Park, Pool
from cluster.simulated import Faults, SimulatedCentre, World
from scheduler.controller import Controller, Settings
from scheduler.facts import events as ev
from scheduler.facts.log import Request
from scheduler.model.job import Checkpoint, EndCause, Job, Priority
from scheduler.model.tenancy import Tenant
from scheduler.storage.store import SqlLog, put_requests

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
NEVER_MS = 1 << 60
CARDS_MAX = 2_000
SIZES = (1, 1, 1, 1, 2, 2, 4, 8, 8, 16, 32)
DEARER_PERMILLE = 1_100
"""From the middle of the month on."""

FAULTS = Faults(node_loss=0.004, node_down_ms_max=6 * HOUR_MS, member_fails=0.03)
RICH_MICROS = 10**14
CHECKPOINT = Checkpoint(dir="checkpoint", signal="SIGUSR1", grace_ms=MINUTE_MS)
CORES = DeviceKind(
    id="cpu",
    name="CPU",
    vendor="any",
    tflops_fp16=0,
    memory_gb=4,
    ray_resource="CORE",
    unit=Unit.CORE,
)
CORE_MICROS = 50_000
CORE_EVERY = 10
"""One job of so many asks for cores."""

ACTIVE_PERMILLE = (700, 450, None)
"""For how much of their time cards compute, by centre; in the last nobody measures it."""

PACKAGE_CARD_HOURS = 200
PACKAGE_FEN = 160_00
URL = "http://127.0.0.1:1"


@dataclass(kw_only=True)
class MonthPark:
    """Everything of one month; `run_the_month` stops at its last moment, with work running."""

    database: Engine
    begin_ms: int
    end_ms: int
    seed: int
    tenant_count: int
    job_count: int
    meter_every_ms: int
    attempts_lost: int = 0
    rng: Random = field(init=False)
    park: Park = field(init=False)
    world: World = field(default_factory=World)
    run_ms_by_job: dict[str, int] = field(default_factory=dict)
    _controller: Controller = field(init=False)
    _centres: list[SimulatedCentre] = field(init=False)
    _jobs: Iterator[Job] = field(init=False)
    _next_job: Job | None = None
    _now_ms: int = 0

    def __post_init__(self) -> None:
        self.rng = Random(self.seed)
        self.park = with_cores(load().park)
        self._centres = [
            SimulatedCentre(
                centre=centre,
                run_ms=self._run_ms,
                rng=self.rng,
                faults=FAULTS,
                world=self.world,
                active_permille=active_permille,
            )
            for centre, active_permille in zip(
                self.park.centres, cycle(ACTIVE_PERMILLE), strict=False
            )
        ]
        settings = Settings(
            meter_every_ms=self.meter_every_ms,
            suspect_after_ms=NEVER_MS,
            lost_after_ms=NEVER_MS,
            explain_every_ms=NEVER_MS,
            checkpoint_every=NEVER_MS,
        )
        drivers = {centre.centre_id: centre for centre in self._centres}
        self._controller = Controller(SqlLog(self.database, URL), drivers, settings)
        self._now_ms = self.begin_ms - HOUR_MS
        self._jobs = iter(sorted(self._drawn_jobs(), key=lambda job: job.submitted_at_ms))
        self._next_job = next(self._jobs, None)

    def declare(self) -> None:
        """The park, its tenants with money for more than they will use, and both price lists."""
        at_ms = self._now_ms
        wishes: list[ev.Wish] = [
            ev.ParkDeclared(at_ms=at_ms, park=self.park),
            *(ev.PriceListPublished(at_ms=at_ms, price_list=one) for one in self._price_lists()),
            *(ev.TenantDeclared(at_ms=at_ms, tenant=tenant) for tenant in self.tenants),
            *(self._opening(tenant, at_ms) for tenant in self.tenants),
            *(ev.PackageBought(at_ms=at_ms, package=one) for one in self._packages()),
        ]
        self._ask(Request(id=f"declare-{n}", wish=wish) for n, wish in enumerate(wishes))
        self._controller.lead(self._now_ms)
        self._step(self._now_ms)

    def _opening(self, tenant: Tenant, at_ms: int) -> ev.Credited:
        reference = f"opening:{tenant.id}"
        return ev.Credited(
            at_ms=at_ms, tenant_id=tenant.id, amount_micros=RICH_MICROS, reference=reference
        )

    def _price_lists(self) -> Iterator[PriceList]:
        known = load().price_lists[0]
        on_demand = (*known.on_demand, (CORES.id, CORE_MICROS))
        first = replace(known, id="first", from_ms=self._now_ms, on_demand=on_demand)
        yield first
        middle_ms = self.begin_ms + (self.end_ms - self.begin_ms) // 2
        dearer = tuple(
            (kind, price * DEARER_PERMILLE // PERMILLE) for kind, price in first.on_demand
        )
        yield replace(first, id="second", from_ms=middle_ms, on_demand=dearer)

    @cached_property
    def tenants(self) -> tuple[Tenant, ...]:
        classes = [name for name, _ in load().price_lists[0].class_permille]
        fields = [field_id for field_id, _ in self.park.fields]
        return tuple(
            Tenant(
                id=f"t{number:03}",
                name=f"企业 {number:03}",
                type="enterprise",
                field=self.rng.choice(fields),
                price_class=self.rng.choice(classes),
                max_cards=CARDS_MAX,
            )
            for number in range(self.tenant_count)
        )

    def vouchers(self) -> Iterator[Voucher]:
        """Every fifth tenant has one for anything, every tenth one for its field as well."""
        for number, tenant in enumerate(self.tenants):
            if number % 5 == 0:
                yield self._voucher(tenant, "city", 30_000_00, 200)
            if number % 10 == 0:
                narrow = self._voucher(tenant, "district", 5_000_00, 500)
                yield replace(narrow, fields=(tenant.field,))

    def _packages(self) -> Iterator[Package]:
        """The two tenants with the most work have each bought card-hours of the first kind."""
        kind_id = self.park.pools[0].device_kind_id
        for tenant in self.tenants[:2]:
            yield Package(
                id=f"pack-{tenant.id}",
                tenant_id=tenant.id,
                kind=PackageKind.CARD_HOURS,
                device_kind_id=kind_id,
                card_count=0,
                device_ms=PACKAGE_CARD_HOURS * HOUR_MS,
                from_ms=self.begin_ms,
                until_ms=self.end_ms,
                amount_fen=PACKAGE_FEN,
                vat_permille=60,
                bought_at_ms=self.begin_ms,
            )

    def _voucher(self, tenant: Tenant, issuer: str, amount_fen: int, share: int) -> Voucher:
        return Voucher(
            id=f"{issuer}-{tenant.id}",
            tenant_id=tenant.id,
            issuer=issuer,
            contract=f"{issuer}-contract-{tenant.id}",
            amount_fen=amount_fen,
            share_permille=share,
            from_ms=self.begin_ms,
            until_ms=self.end_ms + 180 * DAY_MS,
            issued_at_ms=self.begin_ms,
        )

    def _drawn_jobs(self) -> Iterator[Job]:
        """Few tenants submit most; most are short and small, some run for days.

        The last one runs over the month's end for certain.
        """
        weights = [1 / (1 + number) for number in range(self.tenant_count)]
        for number in range(self.job_count):
            (tenant,) = self.rng.choices(self.tenants, weights)
            minutes = min(60 * 72, max(1, round(self.rng.lognormvariate(4.0, 1.6))))
            submitted_at_ms = self.rng.randrange(self.begin_ms, self.end_ms)
            if number == self.job_count - 1:
                minutes, submitted_at_ms = 600, self.end_ms - 3 * HOUR_MS
            job_id = f"j{number:07}"
            self.run_ms_by_job[job_id] = minutes * MINUTE_MS
            yield Job(
                id=job_id,
                tenant_id=tenant.id,
                project=self.rng.choice(("default", "vision", "speech")),
                user=f"u{number % 7}",
                name=f"job {number}",
                field=tenant.field,
                command="true",
                device_count=self.rng.choice(SIZES),
                device_kind_ids=(CORES.id,) if number % CORE_EVERY == 1 else (),
                limit_ms=round(minutes * self.rng.uniform(1.1, 3.0)) * MINUTE_MS,
                priority=self.rng.choice((Priority.LOW, Priority.NORMAL, Priority.HIGH)),
                submitted_at_ms=submitted_at_ms,
                retry_count=2,
                checkpoint=CHECKPOINT if number % 3 == 0 else None,
            )

    def _run_ms(self, order: LaunchOrder) -> int:
        return self.run_ms_by_job[order.job_id]

    def run_the_month(self) -> None:
        """Until its last millisecond; what runs then is metered up to the loop's last step."""
        self._run_until(self.end_ms - 1)

    def run_two_days_more(self) -> None:
        self._run_until(self.end_ms + 2 * DAY_MS)

    def _run_until(self, last_ms: int) -> None:
        while True:
            due = [at_ms for one in self._centres if (at_ms := one.next_ms()) is not None]
            arrives_ms = self._next_job.submitted_at_ms if self._next_job else NEVER_MS
            now_ms = max(self._now_ms, min(arrives_ms, self._now_ms + self.meter_every_ms, *due))
            if now_ms > last_ms:
                return
            self._ask(self._arrived(now_ms))
            self._step(now_ms)

    def _arrived(self, now_ms: int) -> Iterator[Request]:
        while self._next_job is not None and self._next_job.submitted_at_ms <= now_ms:
            job = self._next_job
            yield Request(id=f"submit:{job.id}", wish=ev.Submitted(at_ms=now_ms, job=job))
            self._next_job = next(self._jobs, None)

    def _ask(self, requests: Iterable[Request]) -> None:
        with self.database.begin() as connection:
            put_requests(connection, requests, self._now_ms)

    def _step(self, now_ms: int) -> None:
        """Time passes, and the loop steps until it has nothing more to take in."""
        self._now_ms = now_ms
        for centre in self._centres:
            centre.advance(now_ms)
        while True:
            cycle = self._controller.step(now_ms)
            assert not cycle.refused, cycle.refused
            self.attempts_lost += sum(
                isinstance(event, ev.Ended) and event.cause is EndCause.NODE
                for event in cycle.events
            )
            if not cycle.request_ids and not self._controller.state.agenda.stopping:
                return
            if self._controller.state.agenda.stopping and not cycle.events:
                return


def with_cores(park: Park) -> Park:
    """The same park with a pool of cores in its first centre, which adds no TFLOPS."""
    first, *others = park.centres
    pool = Pool(
        id=f"{first.id}-cpu",
        centre_id=first.id,
        device_kind_id=CORES.id,
        node_count=8,
        cards_per_node=64,
    )
    return replace(
        park,
        device_kinds=(*park.device_kinds, CORES),
        centres=(replace(first, pools=(*first.pools, pool)), *others),
    )
