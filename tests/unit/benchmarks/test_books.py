"""What an accountant would work out by hand, from a holding to the line on the bill."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounting.bills.statement import make_statement
from accounting.calendar import month_bounds, month_of
from accounting.ledger import Transfer, TransferKind, available_account, balances, held_account
from accounting.money import card_hours, charge_micros, p_hours, yuan_of_fen
from accounting.prices.rating import PriceList, split_tax
from accounting.usage.slices import UsageCredit, UsageSlice
from accounting.usage.waterfall import Step, Weight, waterfall
from api.files.park_file import load
from cluster.devices import DeviceKind
from cluster.inventory import Centre, Park, Pool
from scheduler.facts import events as ev
from scheduler.facts.metering import book, slices
from scheduler.facts.state import State
from scheduler.model.job import EndCause, Job, NodeShare, Placement, Priority, ReasonCode
from scheduler.model.tenancy import Tenant
from scheduler.planning.planner import plan
from tests.builders import HOUR_MS, PRICES, USAGE, shanghai, summed

ALL_PRICES = replace(PRICES, qos_permille=tuple((priority.value, 1_000) for priority in Priority))
POOL = Pool(
    id="qdaicc-910b3",
    centre_id="qdaicc",
    device_kind_id="ascend-910b3",
    node_count=8,
    cards_per_node=8,
)
PARK = Park(
    id="park",
    name="",
    note="",
    is_logical=True,
    stated_tflops=20_032,
    device_kinds=(
        DeviceKind(
            id="ascend-910b3",
            name="",
            vendor="",
            tflops_fp16=313,
            memory_gb=64,
            ray_resource="NPU",
        ),
    ),
    centres=(Centre(id="qdaicc", name="", operator="", stated_tflops=20_032, pools=(POOL,)),),
    fields=(("manufacturing", ""),),
)
TENANT = Tenant(
    id="steel", name="", type="", field="manufacturing", price_class="standard", max_cards=64
)
NODE_IDS = PARK.node_ids(POOL.id)


@dataclass
class Meter:
    """A park of one tenant, whose events are metered and booked as they happen."""

    state: State = field(default_factory=State)
    usage: list[UsageSlice] = field(default_factory=list)
    credits: list[UsageCredit] = field(default_factory=list)
    transfers: list[Transfer] = field(default_factory=list)

    def take(self, *happened: ev.Event) -> None:
        for event in happened:
            booking = book(self.state, event, event.at_ms)
            assert self.state.apply(event) is None
            self.usage.extend(booking.usage)
            self.credits.extend(booking.credits)
            self.transfers.extend(booking.transfers)

    def meter(self, to_ms: int) -> None:
        for attempt in list(self.state.live.values()):
            self.take(*slices(self.state, attempt, to_ms, to_ms))

    def run(self, begin_ms: int, end_ms: int, cards: int, cause: EndCause) -> None:
        """One attempt from its launch to its end, metered once on its way."""
        self.start(begin_ms, cards)
        self.meter((begin_ms + end_ms) // 2)
        self.meter(end_ms)
        self.take(ev.Ended(at_ms=end_ms, attempt_id="j1.1", cause=cause, exit_code=None))

    def start(self, begin_ms: int, cards: int) -> None:
        nodes = NODE_IDS[: -(-cards // 8)]
        placement = Placement(
            centre_id="qdaicc",
            pool_id=POOL.id,
            device_kind_id="ascend-910b3",
            shares=tuple(NodeShare(node_id=node, card_count=cards // len(nodes)) for node in nodes),
        )
        held = charge_micros(cards * 10 * HOUR_MS, 3_500_000)
        self.take(
            ev.Submitted(at_ms=begin_ms, job=job(cards, begin_ms)),
            ev.Leased(
                at_ms=begin_ms,
                job_id="j1",
                attempt_id="j1.1",
                epoch=1,
                placement=placement,
                hold_micros=held,
            ),
            ev.Started(at_ms=begin_ms, attempt_id="j1.1"),
        )


def job(cards: int, submitted_at_ms: int) -> Job:
    return Job(
        id="j1",
        tenant_id="steel",
        project="default",
        user="",
        name="",
        field="manufacturing",
        command="true",
        device_count=cards,
        device_kind_ids=(),
        limit_ms=10 * HOUR_MS,
        priority=Priority.NORMAL,
        submitted_at_ms=submitted_at_ms,
    )


def opened(paid_micros: int, *later: PriceList) -> Meter:
    park = Meter()
    park.take(
        ev.ParkDeclared(at_ms=0, park=PARK),
        ev.TenantDeclared(at_ms=0, tenant=TENANT),
        ev.PriceListPublished(at_ms=0, price_list=ALL_PRICES),
        *(ev.PriceListPublished(at_ms=0, price_list=price_list) for price_list in later),
        ev.Credited(at_ms=0, tenant_id="steel", amount_micros=paid_micros, reference="bank-1"),
        ev.CentreLinkChanged(at_ms=0, centre_id="qdaicc", is_heard=True),
        ev.NodesChanged(at_ms=0, centre_id="qdaicc", online_node_ids=NODE_IDS),
    )
    return park


def test_the_default_park_is_1900_p() -> None:
    park = load().park

    assert sum(park.registered_tflops((pool,)) for pool in park.pools) == 1_900_000
    assert sorted(park.registered_tflops(centre.pools) for centre in park.centres) == [
        100_000,
        150_000,
        1_650_000,
    ]
    assert sum(pool.node_count for pool in park.pools) == 904
    assert sum(pool.card_count for pool in park.pools) == 7_092


def test_utilisation_by_p_and_by_cards_are_two_numbers() -> None:
    park = load().park
    busy = {"ascend-910a": 118, "ascend-910b3": 144, "ascend-910b4": 24}
    steps = [
        Step(
            pool_id=pool.id,
            at_ms=0,
            tflops=park.tflops_per_card(pool),
            registered_cards=pool.card_count,
            online_cards=pool.card_count,
            allocated_cards=busy[pool.device_kind_id],
        )
        for pool in park.centre_by_id["qdaicc"].pools
    ]

    by_p = waterfall(steps, 0, 1, Weight.P)
    by_cards = waterfall(steps, 0, 1, Weight.CARDS)

    assert (by_p.allocated, by_p.stated, by_p.utilisation_bp) == (82_000, 100_000, 8_200)
    assert (by_cards.allocated, by_cards.stated, by_cards.utilisation_bp) == (286, 352, 8_125)


def test_a_holding_over_the_end_of_october_is_billed_in_both_months() -> None:
    park = opened(10**12)

    park.run(shanghai("2026-10-31T20:00"), shanghai("2026-11-01T08:00"), 64, EndCause.FINISHED)

    hours = {
        month: card_hours(sum(u.device_ms for u in park.usage if month_of(u.from_ms) == month))
        for month in ("2026-10", "2026-11")
    }
    assert hours == {"2026-10": "256", "2026-11": "512"}
    assert card_hours(sum(u.device_ms for u in park.usage)) == "768"


@pytest.mark.parametrize(
    ("gross", "net", "tax"),
    [
        (1_612_800, "15215.09", "912.91"),
        (43_008_000, "405735.85", "24344.15"),
        (6_400, "60.38", "3.62"),
    ],
)
def test_six_percent_tax_is_inside_the_price(gross: int, net: str, tax: str) -> None:
    split = split_tax(gross, 60)

    assert (yuan_of_fen(split.net_fen), yuan_of_fen(split.tax_fen)) == (net, tax)


@pytest.mark.parametrize(
    ("cards", "hours", "price", "amount"),
    [
        (64, 72, 3_500_000, "16128.00"),
        (32, 96, 3_500_000, "10752.00"),
        (8, 24, 2_000_000, "384.00"),
        (4, 12, 5_200_000, "249.60"),
        (8, 4, 2_000_000, "64.00"),
        (16, 36, 3_000_000, "1728.00"),
        (32, 2, 1_200_000, "76.80"),
        (512, 240, 3_500_000, "430080.00"),
    ],
)
def test_a_line_is_cards_times_hours_times_price(
    cards: int, hours: int, price: int, amount: str
) -> None:
    holding = replace(USAGE, device_count=cards, to_ms=hours * HOUR_MS, price_micros=price)

    assert yuan_of_fen(summed(holding).amount_fen) == amount


def test_p_hours_are_card_hours_times_the_power_of_a_card() -> None:
    week = replace(USAGE, device_count=64, to_ms=72 * HOUR_MS)
    decade = replace(USAGE, device_count=512, to_ms=240 * HOUR_MS)

    assert (card_hours(week.device_ms), p_hours(week.tflops_ms)) == ("4608", "1442.304")
    assert p_hours(decade.tflops_ms) == "38461.44"


def test_short_jobs_are_not_rounded_away() -> None:
    job_ms, price = 35_000, 30_000_000
    one = replace(USAGE, to_ms=job_ms, price_micros=price)

    alone = make_statement("steel", "2026-10", None, [summed(one)], {})
    many = summed(*(replace(one, reference=f"j{number}.1") for number in range(100_000)))
    together = make_statement("steel", "2026-10", None, [many], {})

    assert yuan_of_fen(alone.gross_fen) == "0.29"
    assert yuan_of_fen(together.gross_fen) == "29166.67"


def test_a_price_change_at_noon_makes_two_lines() -> None:
    noon = shanghai("2026-10-10T12:00")
    dearer = replace(ALL_PRICES, id="noon", from_ms=noon, on_demand=(("ascend-910b3", 4_000_000),))
    park = opened(10**12, dearer)

    park.run(shanghai("2026-10-10T10:00"), shanghai("2026-10-10T14:00"), 8, EndCause.FINISHED)

    lines = [
        summed(*(u for u in park.usage if u.price_list_id == price_list_id))
        for price_list_id in ("2026", "noon")
    ]
    statement = make_statement("steel", "2026-10", None, lines, {})
    assert [(card_hours(line.device_ms), line.price_micros) for line in lines] == [
        ("16", 3_500_000),
        ("16", 4_000_000),
    ]
    assert yuan_of_fen(statement.gross_fen) == "120.00"


def test_thirty_days_of_the_whole_park_are_1368000_p_hours() -> None:
    park = load().park
    full = [
        Step(
            pool_id=pool.id,
            at_ms=0,
            tflops=park.tflops_per_card(pool),
            registered_cards=pool.card_count,
            online_cards=pool.card_count,
            allocated_cards=pool.card_count,
        )
        for pool in park.pools
    ]

    used_up = waterfall(full, 0, 30 * 24 * HOUR_MS, Weight.P)

    assert p_hours(used_up.allocated) == "1368000"
    assert used_up.utilisation_bp == 10_000


def test_a_launch_holds_its_limit_and_gives_back_what_it_did_not_use() -> None:
    park = opened(300_000_000)

    park.run(shanghai("2026-10-10T10:00"), shanghai("2026-10-10T12:30"), 8, EndCause.FINISHED)

    moved = {
        kind: sum(t.amount_micros for t in park.transfers if t.kind is kind)
        for kind in {t.kind for t in park.transfers}
    }
    assert moved == {
        TransferKind.TOP_UP: 300_000_000,
        TransferKind.HOLD: 280_000_000,
        TransferKind.POST: 70_000_000,
        TransferKind.RELEASE: 210_000_000,
    }
    assert [t.kind for t in park.transfers].count(TransferKind.RELEASE) == 1
    assert balances(park.transfers)[available_account("steel")] == 230_000_000
    assert balances(park.transfers)[held_account("steel")] == 0


def test_a_balance_a_fen_too_small_launches_nothing_and_says_by_how_much() -> None:
    begin_ms = shanghai("2026-10-10T10:00")
    short, enough = opened(279_990_000), opened(280_000_000)
    for park in (short, enough):
        park.take(ev.Submitted(at_ms=begin_ms, job=job(8, begin_ms)))

    (reason,) = plan(short.state, begin_ms).verdicts["j1"].reasons
    (grant,) = plan(enough.state, begin_ms).grants

    assert reason.code is ReasonCode.FUNDS
    assert reason.need - reason.free == 10_000
    assert grant.hold_micros == 280_000_000


@pytest.mark.parametrize("cause", EndCause)
def test_only_the_parks_own_faults_are_given_back(cause: EndCause) -> None:
    park = opened(300_000_000)

    park.run(shanghai("2026-10-10T10:00"), shanghai("2026-10-10T12:30"), 8, cause)

    is_fault = cause in {EndCause.NODE, EndCause.CENTRE, EndCause.BROKER}
    left = balances(park.transfers)[available_account("steel")]
    assert left == (300_000_000 if is_fault else 230_000_000)
    assert [credit.reference for credit in park.credits] == ["j1.1"] * is_fault


def test_a_shanghai_august_in_utc() -> None:
    begin, end = (
        datetime.fromtimestamp(edge // 1_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        for edge in month_bounds("2026-08")
    )

    assert (begin, end) == ("2026-07-31T16:00:00Z", "2026-08-31T16:00:00Z")


@given(
    begin_ms=st.integers(shanghai("2026-09-01T00:00"), shanghai("2026-12-01T00:00")),
    length_ms=st.integers(1, 60 * 24 * HOUR_MS),
    meterings=st.lists(st.integers(0, 60 * 24 * HOUR_MS), max_size=5),
)
def test_however_often_a_job_is_metered_its_slices_are_its_run(
    begin_ms: int, length_ms: int, meterings: list[int]
) -> None:
    park = opened(10**15)
    end_ms = begin_ms + length_ms
    park.start(begin_ms, 8)

    for offset_ms in sorted(meterings):
        park.meter(min(begin_ms + offset_ms, end_ms))
    park.meter(end_ms)

    assert park.usage[0].from_ms == begin_ms
    assert park.usage[-1].to_ms == end_ms
    assert all(one.to_ms == two.from_ms for one, two in pairwise(park.usage))
    assert all(month_of(u.from_ms) == month_of(u.to_ms - 1) for u in park.usage)
    assert sum(u.device_ms for u in park.usage) == 8 * length_ms
    posted = sum(t.amount_micros for t in park.transfers if t.kind is TransferKind.POST)
    assert posted == charge_micros(8 * length_ms, 3_500_000)
    assert balances(park.transfers)[held_account("steel")] >= 0
