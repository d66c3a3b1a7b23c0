"""What a centre gets, by cost, by share and by tiers."""

from dataclasses import replace

import pytest

from accounting.bills.terms import (
    CentreTerms,
    Share,
    TermsKind,
    TermsMissing,
    faults,
    owed_by_cost,
    share_of,
    terms_at,
)
from tests.builders import HOUR_MS

COST = CentreTerms(
    centre_id="east",
    month="2026-10",
    kind=TermsKind.COST,
    prices=(("ascend-910b3", 2_100_000),),
    tiers=(),
    vat_permille=60,
    by="finance (1)",
    at_ms=0,
)
SHARE = replace(COST, kind=TermsKind.SHARE, prices=(), tiers=((0, 700),))
TIERED = replace(SHARE, kind=TermsKind.TIERED, tiers=((0, 600), (1_000, 800)))


def test_by_cost_each_card_hour_has_its_price() -> None:
    assert owed_by_cost(COST, "ascend-910b3", 4_608 * HOUR_MS) == 967_680

    with pytest.raises(TermsMissing, match="usage of abacus, for which its terms of 2026-10"):
        owed_by_cost(COST, "abacus", HOUR_MS)


def test_a_share_is_rounded_once_half_up() -> None:
    assert Share(parts=700, whole=1_000).of(1_612_800) == 1_128_960
    assert Share(parts=500, whole=1_000).of(1) == 1


@pytest.mark.parametrize(
    ("hours", "ppm"),
    [(500, 600_000), (1_000, 600_000), (2_000, 700_000), (4_000, 750_000), (0, 600_000)],
)
def test_each_card_hour_has_the_share_of_its_tier(hours: int, ppm: int) -> None:
    """2,000 card-hours: 1,000 at 60 % and 1,000 at 80 % are 70 % of all."""
    assert share_of(TIERED.tiers, hours * HOUR_MS).ppm == ppm


def test_time_that_is_given_back_is_in_the_first_tier() -> None:
    assert share_of(TIERED.tiers, -5_000 * HOUR_MS).ppm == 600_000


def test_the_last_terms_that_have_begun_hold() -> None:
    later = replace(SHARE, month="2027-01")

    assert terms_at([later, COST], "2026-12") == COST
    assert terms_at([later, COST], "2027-01") == later
    assert terms_at([later, COST], "2026-09") is None


@pytest.mark.parametrize("terms", [COST, SHARE, TIERED])
def test_whole_terms_have_no_fault(terms: CentreTerms) -> None:
    assert list(faults(terms)) == []


@pytest.mark.parametrize(
    ("terms", "fault"),
    [
        (replace(COST, prices=()), "a price for each device kind"),
        (replace(COST, tiers=((0, 1),)), "and no share"),
        (replace(SHARE, tiers=()), "by share it has shares"),
        (replace(SHARE, prices=COST.prices), "and no prices"),
        (replace(SHARE, tiers=TIERED.tiers), "it has one share"),
        (replace(TIERED, tiers=((1, 600), (9, 800))), "begin with 0 card-hours"),
        (replace(TIERED, tiers=((0, 600), (0, 800))), "begin with 0 card-hours"),
        (replace(SHARE, tiers=((0, 1_001),)), "at most 1,000 permille"),
        (replace(COST, prices=(("k", 10**18),)), "1,000,000,000,000"),
        (
            replace(COST, prices=(("k", -1),)),
            "-0.000001 yuan is no price for k: 0 at least, and less than 1,000,000,000,000",
        ),
    ],
)
def test_terms_that_cannot_be_say_why(terms: CentreTerms, fault: str) -> None:
    assert fault in " ".join(faults(terms))
