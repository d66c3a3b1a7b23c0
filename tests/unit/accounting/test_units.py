"""Core-hours beside card-hours, in everything that finance reads: never added up with them."""

import csv
import io
import json
from dataclasses import replace

import pytest
from pypdf import PdfReader
from sqlalchemy import Connection, Engine

from accounting.bills.invoice_lines import lines_of
from accounting.bills.settlement import CentreMonth, Period, Source, centre_json, centre_month
from accounting.bills.statement import Statement, body_of, json_bytes, make_statement
from accounting.bills.terms import CentreTerms
from accounting.exports.export import charges_sheet, statement_sheet, usage_sheet
from accounting.exports.focus import Bills, focus_rows
from accounting.exports.focus_lines import Names
from accounting.exports.settlement_export import centre_sheet
from accounting.exports.sheet import Sheet, spreadsheet_csv
from accounting.storage import hours, store
from accounting.storage.hours import HourKey, Used
from accounting.units import Unit
from accounting.usage.slices import Charge
from accounting.usage.waterfall import Step, Weight, waterfall
from api.documents.settlement import centre_pdf
from tests.builders import HOUR_MS, PRICES, summed, used
from tests.unit.accounting.bills.test_terms import COST, TIERED
from tests.unit.api.test_documents import NAMES, text_of

CARDS = used("2026-10-10T00:00", "2026-10-10T08:00", device_count=2)
CORES = used(
    "2026-10-10T00:00",
    "2026-10-10T02:30",
    reference="c.1",
    device_kind_id="cpu",
    device_count=16,
    tflops=0,
    price_micros=50_000,
)
"""16 cores for two hours and a half: 40 core-hours at 0.05 yuan are 2.00 yuan."""
LISTS = replace(PRICES, on_demand=(*PRICES.on_demand, ("cpu", 50_000)))


def a_statement() -> Statement:
    return make_statement("steel", "2026-10", 1, [summed(CARDS), summed(CORES)], {})


def rows_of(sheet: Sheet) -> list[dict[str, str]]:
    content = b"".join(spreadsheet_csv(sheet)).decode("utf-8-sig")
    heads, *rows = csv.reader(io.StringIO(content))
    return [dict(zip((head.split(" ")[0] for head in heads), row, strict=True)) for row in rows]


def test_what_has_no_tflops_is_of_cores() -> None:
    assert (CARDS.unit, CORES.unit) == (Unit.CARD, Unit.CORE)
    assert (summed(CORES).unit, summed(CORES).emptied().unit) == (Unit.CORE, Unit.CARD)


def test_a_statement_says_core_hours_apart() -> None:
    body = json.loads(body_of(a_statement()))
    cards, cores = body["lines"]

    assert "unit" not in cards
    assert (cores["unit"], cores["core_ms"], cores["core_hours"]) == ("core", 40 * HOUR_MS, "40")
    assert (cores["card_hours"], cores["p_hours"], cores["amount"]) == ("0", "0", "2.00")
    totals = body["totals"]
    assert (totals["device_ms"], totals["card_hours"]) == (16 * HOUR_MS, "16")
    assert (totals["core_ms"], totals["core_hours"]) == (40 * HOUR_MS, "40")
    assert totals["gross"] == "58.00"


def test_a_statement_without_cores_says_nothing_of_them() -> None:
    assert b"core" not in body_of(make_statement("steel", "2026-10", 1, [summed(CARDS)], {}))


@pytest.mark.parametrize("sheet", ["usage", "charges", "statement"])
def test_each_column_of_an_export_adds_up_to_its_total(sheet: str) -> None:
    made = {
        "usage": lambda: usage_sheet([CARDS, CORES]),
        "charges": lambda: charges_sheet([Charge(usage=CARDS), Charge(usage=CORES)]),
        "statement": lambda: statement_sheet(body_of(a_statement())),
    }[sheet]()

    cards, cores, total = rows_of(made)

    assert (cards["unit"], cards["card_hours"]) == ("card", "16")
    assert (cores["unit"], cores["device_ms"], cores["core_hours"]) == ("core", "0", "40")
    assert (total["card_hours"], total["core_hours"]) == ("16", "40")
    assert (total["device_ms"], total["core_ms"]) == (str(16 * HOUR_MS), str(40 * HOUR_MS))


def test_what_is_given_back_of_cores_is_taken_off_core_hours() -> None:
    given_back = Charge(usage=CORES, cause="node")

    *_, total = rows_of(charges_sheet([Charge(usage=CORES), given_back, given_back]))

    assert (total["core_hours"], total["card_hours"], total["amount"]) == ("-40", "0", "-2.00")


def test_focus_prices_cores_by_the_core_hour() -> None:
    bills = Bills(
        month="2026-10",
        is_closed=True,
        price_lists={LISTS.id: LISTS},
        charges=[Charge(usage=CARDS), Charge(usage=CORES)],
        payments=lambda _: (),
    )

    cards, cores, *_ = focus_rows(bills, Names(provider="p"))

    assert (cards.pricing_unit, cards.consumed_unit) == ("Card-Hours", "Card-Seconds")
    assert (cards.x_cards, cards.x_cores, cards.x_core_hours) == (2, None, None)
    assert (cores.pricing_unit, cores.consumed_unit) == ("Core-Hours", "Core-Seconds")
    assert cores.sku_meter == "Processor core time"
    assert (cores.x_cores, cores.x_core_hours) == (16, 40_000_000)
    assert (cores.x_cards, cores.x_card_hours, cores.x_p_hours) == (None, None, 0)
    assert cores.list_cost == 47_169_811 * 40 * 10**9  # 0.05 / 1.06


def test_an_invoice_has_core_hours_on_a_line_of_their_own() -> None:
    ascend, cpu = lines_of(json.loads(body_of(a_statement())), 5_800)

    assert (cpu.unit, cpu.quantity_micros, cpu.gross_fen) == ("核时", 40_000_000, 200)
    assert (ascend.unit, ascend.quantity_micros) == ("卡时", 16_000_000)


def settled(terms: CentreTerms) -> CentreMonth:
    body = body_of(a_statement())
    period = Period(month="2026-10", closed_at_ms=1)
    known = [replace(terms, centre_id="qdaicc", month="2026-09")]
    return centre_month("qdaicc", period, [Source("steel", "0", json.loads(body))], known)


def test_a_centre_is_owed_for_cores_by_their_own_price() -> None:
    prices = (("ascend-910b3", 2_000_000), ("cpu", 20_000))
    made = settled(replace(COST, prices=prices))

    said = json.loads(json_bytes(centre_json(made)))

    assert said["totals"]["gross"] == "32.80"
    assert (said["totals"]["card_hours"], said["totals"]["core_hours"]) == ("16", "40")
    assert [line.get("unit") for line in said["lines"]] == [None, "core"]
    *_, total = rows_of(centre_sheet(json_bytes(centre_json(made))))
    assert (total["device_ms"], total["core_ms"]) == (str(16 * HOUR_MS), str(40 * HOUR_MS))


def test_tiers_are_of_card_hours() -> None:
    """16 card-hours are in the first tier, whatever ran on cores."""
    tiers = ((0, 600), (17, 900))

    cards, cores = settled(replace(TIERED, tiers=tiers)).entries

    assert cards.share is not None
    assert cores.share is not None
    assert cards.share.ppm == cores.share.ppm == 600_000


def test_cores_have_a_waterfall_of_their_own() -> None:
    cards = Step(
        pool_id="a", at_ms=0, tflops=313, registered_cards=8, online_cards=8, allocated_cards=4
    )
    cores = replace(cards, pool_id="c", tflops=0, registered_cards=64, online_cards=64)

    found = {weight: waterfall([cards, cores], 0, 10, weight) for weight in Weight}

    assert (found[Weight.CARDS].stated, found[Weight.CARDS].utilisation_bp) == (80, 5_000)
    assert (found[Weight.CORES].stated, found[Weight.CORES].utilisation_bp) == (640, 625)
    assert found[Weight.P].stated == 80 * 313


def test_the_books_keep_core_time_apart_by_the_hour(database: Engine) -> None:
    with database.connect() as connection:
        store.publish_price_list(connection, LISTS)
        store.book(connection, [CARDS, CORES], [], [])

        found = [*hours.used_by(connection, HourKey.TENANT, CARDS.from_ms, CARDS.to_ms, None)]
        line = _line_of_cores(connection)

    assert sum(one.device_ms for one in found) == 16 * HOUR_MS
    assert sum(one.core_ms for one in found) == 40 * HOUR_MS
    assert found[0] == Used(
        "steel", CARDS.from_ms, 2 * HOUR_MS, 2 * 313 * HOUR_MS, core_ms=16 * HOUR_MS
    )
    assert line == ("2.00", Unit.CORE)


def _line_of_cores(connection: Connection) -> tuple[str, Unit]:
    sums = store.usage_sums(connection, CARDS.from_ms, CARDS.to_ms, "steel")
    (line,) = [one for one in sums if one.device_kind_id == "cpu"]
    return f"{line.amount_fen / 100:.2f}", line.unit


def test_documents_in_chinese_say_which_hours_are_of_what() -> None:
    said = text_of(a_statement())

    assert "40核时" in said
    assert "16卡时" in said
    assert "卡时合计16" in said
    assert "核时合计40" in said
    assert "核时" not in text_of(make_statement("steel", "2026-10", 1, [summed(CARDS)], {}))


def test_a_centre_s_document_says_it_as_well() -> None:
    content = centre_pdf(json_bytes(centre_json(settled(TIERED))), NAMES)

    said = "".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)

    assert "40 核时" in said
    assert "核时合计" in said
