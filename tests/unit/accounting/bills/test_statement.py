"""A statement: exact quantities, one rounding a line, totals that are sums."""

import json
from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from accounting.bills.statement import body_of, make_statement, sha256_of, to_json
from accounting.usage.slices import UsageSum
from tests.builders import HOUR_MS, USAGE, summed

LINE = summed(replace(USAGE, device_count=8))


def lines() -> st.SearchStrategy[UsageSum]:
    return st.builds(
        replace,
        st.just(LINE),
        project=st.sampled_from(["a", "b", "ml"]),
        qos=st.sampled_from(["low", "normal", "high"]),
        price_micros=st.integers(0, 10**9),
        vat_permille=st.sampled_from([0, 30, 60]),
        device_ms=st.integers(-(10**12), 10**12),
        tflops_ms=st.integers(1, 10**15),
        cause=st.sampled_from([None, "node", "centre"]),
    )


def test_a_statement_says_what_was_used_at_which_price() -> None:
    statement = make_statement("steel", "2026-10", None, [LINE], {})

    (line,) = json.loads(body_of(statement))["lines"]

    assert line == {
        "project": "default",
        "field": "manufacturing",
        "centre": "qdaicc",
        "device": "ascend-910b3",
        "qos": "normal",
        "price_list": "2026",
        "price": "3.50",
        "vat_permille": 60,
        "device_ms": 8 * HOUR_MS,
        "card_hours": "8",
        "p_hours": "2.504",
        "amount": "28.00",
        "amount_fen": 2_800,
    }


def test_a_statement_says_which_month_and_how_it_was_rounded() -> None:
    body = to_json(make_statement("steel", "2026-10", 0, [], {}))

    assert body["from"] == "2026-10-01T00:00:00.000+08:00"
    assert body["to"] == "2026-11-01T00:00:00.000+08:00"
    assert (body["state"], body["closed_at"]) == ("closed", "1970-01-01T08:00:00.000+08:00")
    assert set(body["rounding"]) == {"zh", "en"}  # type: ignore[call-overload] # an object


def test_a_total_is_split_by_tax_rate() -> None:
    other = replace(LINE, project="b", vat_permille=30)
    statement = make_statement("steel", "2026-10", None, [LINE, LINE, other], {})

    totals = json.loads(body_of(statement))["totals"]

    assert totals["taxes"] == [
        {"vat_permille": 30, "gross": "28.00", "net": "27.18", "tax": "0.82"},
        {"vat_permille": 60, "gross": "56.00", "net": "52.83", "tax": "3.17"},
    ]
    assert (totals["gross"], totals["net"], totals["tax"]) == ("84.00", "80.01", "3.99")


def test_corrections_count_into_the_total() -> None:
    late = {"2026-09": [LINE, summed(USAGE, cause="node")]}

    statement = make_statement("steel", "2026-10", None, [LINE], late)

    assert statement.gross_fen == 2_800 + 2_800 - 350
    assert [c.month for c in statement.corrections] == ["2026-09", "2026-09"]


@given(own=st.lists(lines()), late=st.lists(lines()))
def test_the_total_is_the_sum_of_the_lines(own: list[UsageSum], late: list[UsageSum]) -> None:
    body = json.loads(body_of(make_statement("steel", "2026-10", None, own, {"2026-09": late})))

    shown = [*body["lines"], *body["credits"], *body["corrections"]]

    assert len(shown) == len(own) + len(late)
    assert body["totals"]["gross_fen"] == sum(line["amount_fen"] for line in shown)
    assert body["totals"]["device_ms"] == sum(line["device_ms"] for line in shown)
    assert body["totals"]["net_fen"] + body["totals"]["tax_fen"] == body["totals"]["gross_fen"]


@given(own=st.lists(lines()), seed=st.integers(0, 1_000))
def test_the_order_of_lines_changes_no_byte(own: list[UsageSum], seed: int) -> None:
    shuffled = Random(seed).sample(own, len(own))
    distinct = {(line.project, line.qos, line.price_micros, line.cause) for line in own}

    first = body_of(make_statement("steel", "2026-10", None, own, {}))
    second = body_of(make_statement("steel", "2026-10", None, shuffled, {}))

    assert len(distinct) < len(own) or sha256_of(first) == sha256_of(second)
