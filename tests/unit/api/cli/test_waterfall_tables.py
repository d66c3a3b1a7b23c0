"""How a waterfall looks in a terminal."""

from api.cli.terminal import console
from api.cli.waterfall_tables import print_waterfall
from api.schemas.capacity import Levels, WaterfallItem, WaterfallView

HOUR_MS = 3_600_000
LEVELS = Levels(
    stated=1_252 * HOUR_MS,
    healthy=1_252 * HOUR_MS,
    down=0,
    maintenance=0,
    schedulable=1_252 * HOUR_MS,
    allocated=313 * HOUR_MS // 10,
    reserved=0,
    idle=1_252 * HOUR_MS - 313 * HOUR_MS // 10,
    utilisation_bp=250,
    peak_bp=2_500,
    peak_at_ms=60_000,
)


def test_what_allocated_cards_did_is_a_table_of_its_own_where_it_is_known() -> None:
    known = LEVELS.model_copy(
        update={"active": 10 * HOUR_MS, "inactive": 20 * HOUR_MS, "unmeasured": 13 * HOUR_MS // 10}
    )
    unknown = WaterfallItem(key="qdaicc", from_ms=0, to_ms=HOUR_MS, p=LEVELS, cards=LEVELS)
    lsl = WaterfallItem(key="lsl", from_ms=0, to_ms=HOUR_MS, p=known, cards=known)
    view = WaterfallView(
        from_ms=0,
        to_ms=HOUR_MS,
        by="centre",
        each="whole",
        items=[unknown, lsl],
        used=[],
        step_ms=1,
    )

    with console.capture() as told:
        print_waterfall(view)

    first, second = [line.split() for line in told.get().splitlines()][-2:]
    assert first == ["qdaicc", "0.0313", "-", "-", "0.0000", "-"]
    assert second == ["lsl", "0.0313", "0.0100", "0.0200", "0.0013", "33.3%"]


def test_p_hours_have_as_many_decimals_as_on_bills_and_each_row_one_line() -> None:
    item = WaterfallItem(key="qdaicc", from_ms=0, to_ms=HOUR_MS, p=LEVELS, cards=LEVELS)
    view = WaterfallView(
        from_ms=0, to_ms=HOUR_MS, by="centre", each="whole", items=[item], used=[], step_ms=1
    )

    with console.capture() as told:
        print_waterfall(view)

    amounts, rates = [line.split() for line in told.get().splitlines() if "qdaicc" in line]
    assert amounts == ["qdaicc", "1.2520", "0.0000", "0.0000", "0.0313", "0.0000", "1.2207"]
    assert "active is not known" in told.get()
    assert rates == ["qdaicc", "2.50", "%", "2.50", "%", "25.00", "%", "01-01", "08:01:00"]
