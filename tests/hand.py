"""A broker in one's hand: the real controller, over centres that say what the test has them say."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from cluster.driver import AttemptEnd, AttemptPhase, AttemptReport, CentreReport, LaunchOrder
from cluster.inventory import Park
from scheduler.controller import Controller, Settings
from scheduler.facts import events as ev
from scheduler.facts.log import Cycle, MemoryLog, Request
from scheduler.model.job import Job, JobState
from scheduler.model.tenancy import Tenant
from tests.builders import HOUR_MS, PARK, PARK_PRICES, TENANT, a_job

PAID_MICROS = 10**12
PRICES = replace(PARK_PRICES, class_permille=(("standard", 1_000), ("gold", 500)))


@dataclass
class HandCentre:
    """A centre that reports what it was given, and remembers what it was told."""

    centre_id: str
    report: CentreReport | None = None
    launched: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)

    def launch(self, order: LaunchOrder) -> None:
        self.launched.append(order.attempt_id)

    def stop(self, attempt_id: str, grace_ms: int) -> None:
        assert grace_ms >= 0
        self.stopped.append(attempt_id)

    def forget(self, attempt_id: str) -> None:
        self.forgotten.append(attempt_id)

    def observe(self) -> CentreReport | None:
        return self.report


class Hand:
    """A declared park with one paid-up tenant, led from the moment 0."""

    def __init__(self, park: Park = PARK, tenants: Iterable[Tenant] = (TENANT,)) -> None:
        self.park = park
        self.log = MemoryLog()
        self.centres = {centre.id: HandCentre(centre.id) for centre in park.centres}
        self.controller = self.take_over(0)
        self._asked = 0
        self.ask(ev.ParkDeclared(at_ms=0, park=park))
        for one in tenants:
            self.ask(ev.TenantDeclared(at_ms=0, tenant=one))
            paid = ev.Credited(
                at_ms=0, tenant_id=one.id, amount_micros=PAID_MICROS, reference=f"open:{one.id}"
            )
            self.ask(paid)
        self.ask(ev.PriceListPublished(at_ms=0, price_list=PRICES))
        self.step(0)

    def ask(self, wish: ev.Wish) -> str:
        self._asked += 1
        self.log.ask(Request(id=f"r{self._asked}", wish=wish))
        return f"r{self._asked}"

    def take_over(self, now_ms: int, *without: str) -> Controller:
        """A new leader, with a driver for every centre but those named."""
        drivers = {c.centre_id: c for c in self.centres.values() if c.centre_id not in without}
        self.controller = Controller(self.log, drivers, Settings(is_checked=True))
        self.controller.lead(now_ms)
        return self.controller

    def say(self, centre_id: str, at_ms: int, *attempts: AttemptReport) -> None:
        """All nodes of the centre are there, and these attempts."""
        nodes = (n.id for p in self.park.centre_by_id[centre_id].pools for n in p.nodes())
        self.centres[centre_id].report = CentreReport(
            centre_id=centre_id,
            heard_at_ms=at_ms,
            online_node_ids=frozenset(nodes),
            attempts=attempts,
        )

    def step(self, now_ms: int) -> Cycle:
        return self.controller.step(now_ms)

    def all_say(self, at_ms: int) -> None:
        """Every centre repeats what it said, and is heard now."""
        for centre in self.centres.values():
            known = centre.report
            self.say(centre.centre_id, at_ms, *(known.attempts if known else ()))

    @property
    def device_ms(self) -> int:
        """All that was metered."""
        return sum(usage.device_ms for usage in self.log.usage.values())


def runs(attempt_id: str, started_at_ms: int) -> AttemptReport:
    return AttemptReport(
        attempt_id=attempt_id, phase=AttemptPhase.RUNNING, started_at_ms=started_at_ms
    )


def ended(attempt_id: str, started_at_ms: int, ended_at_ms: int) -> AttemptReport:
    return replace(
        runs(attempt_id, started_at_ms),
        phase=AttemptPhase.ENDED,
        ended_at_ms=ended_at_ms,
        exit_code=0,
        end=AttemptEnd.EXITED,
    )


# One job in the centre `east`.


def a_hand() -> Hand:
    """Every centre was heard of at 1 s."""
    hand = Hand()
    hand.all_say(1_000)
    hand.step(1_000)
    return hand


def here(job_id: str = "j1", cards: int = 8, limit_ms: int = 10 * HOUR_MS) -> Job:
    """A job for the centre `east`."""
    return a_job(job_id, device_count=cards, limit_ms=limit_ms, centre_ids=("east",))


def submit(hand: Hand, job: Job, now_ms: int = 1_000) -> None:
    hand.ask(ev.Submitted(at_ms=now_ms, job=job))
    hand.step(now_ms)


def a_run(job: Job | None = None) -> Hand:
    """`j1` runs in `east` since 2 s."""
    hand = a_hand()
    submit(hand, job or here())
    say(hand, 2_000, runs("j1.1", 2_000))
    return hand


def say(hand: Hand, now_ms: int, *attempts: AttemptReport) -> None:
    """East says this, and the broker takes it in."""
    hand.say("east", now_ms, *attempts)
    hand.say("north", now_ms)
    hand.step(now_ms)


def east(hand: Hand) -> HandCentre:
    return hand.centres["east"]


def state_of(hand: Hand, job_id: str = "j1") -> JobState:
    return hand.controller.state.state_of(job_id)
