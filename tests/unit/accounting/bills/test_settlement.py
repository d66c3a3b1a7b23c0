"""What a centre gets for a month, of statements that are made by hand."""

from dataclasses import replace
from typing import Any

from accounting.bills.settlement import Period, Source, centre_json, centre_month
from accounting.bills.terms import CentreTerms, TermsKind
from tests.builders import HOUR_MS

SHARE = CentreTerms(
    centre_id="east",
    month="2026-09",
    kind=TermsKind.SHARE,
    prices=(),
    tiers=((0, 700),),
    vat_permille=60,
    by="finance (1)",
    at_ms=0,
)
TIERED = replace(SHARE, month="2026-09", kind=TermsKind.TIERED, tiers=((0, 600), (1, 800)))
OCTOBER = Period(month="2026-10", closed_at_ms=None)


def a_line(fen: int, hours: int = 1, month: str | None = None, centre: str = "east") -> Any:
    line = {"centre": centre, "device": "npu", "device_ms": hours * HOUR_MS, "amount_fen": fen}
    return line if month is None else line | {"month": month, "cause": "late"}


def a_source(tenant_id: str, lines: list[Any], corrections: list[Any], sha256: str = "") -> Source:
    return Source(tenant_id, sha256, {"lines": lines, "credits": [], "corrections": corrections})


def test_tax_is_by_the_rate_of_the_terms_of_each_month() -> None:
    later = replace(SHARE, month="2026-10", vat_permille=130)
    sources = [a_source("steel", [a_line(11_300)], [a_line(-10_600, -1, "2026-09")])]

    made = centre_month("east", OCTOBER, sources, [SHARE, later])

    owed = {rate: (tax.gross_fen, tax.net_fen) for rate, tax in made.taxes.items()}
    assert owed == {60: (-7_420, -7_000), 130: (7_910, 7_000)}
    assert (made.gross_fen, made.net_fen) == (490, 0)


def test_a_correction_is_by_the_terms_and_the_volume_of_its_own_month() -> None:
    """Of the two card-hours that are late half is at 60 and half at 80 %."""
    later = replace(SHARE, month="2026-10", tiers=((0, 500),))
    sources = [a_source("steel", [a_line(1_000, 8)], [a_line(1_000, 2, "2026-09")])]

    made = centre_month("east", OCTOBER, sources, [TIERED, later])

    assert [(one.month, one.owed_fen) for one in made.entries] == [
        ("2026-09", 700),
        ("2026-10", 500),
    ]


def test_what_corrects_another_month_is_no_line_of_this_one() -> None:
    sources = [a_source("steel", [a_line(1_000)], [a_line(-500, -1, "2026-09")])]

    said: Any = centre_json(centre_month("east", OCTOBER, sources, [SHARE]))

    assert [one["amount_fen"] for one in said["lines"]] == [700]
    assert [one["amount_fen"] for one in said["corrections"]] == [-350]


def test_a_share_between_two_tiers_is_told_to_a_part_of_a_permille() -> None:
    """One hour of three at 60 %, two at 80 %."""
    made = centre_month("east", OCTOBER, [a_source("steel", [a_line(900, 3)], [])], [TIERED])

    said: Any = centre_json(made)

    assert said["lines"][0]["share_permille"] == "733.333"
    assert said["lines"][0]["amount_fen"] == 660


def test_the_statements_are_named_in_an_order_that_tells_nothing_of_the_tenants() -> None:
    sources = [a_source("fish", [a_line(1)], [], "b"), a_source("steel", [a_line(1)], [], "a")]

    assert centre_month("east", OCTOBER, sources, [SHARE]).sources == ("a", "b")
