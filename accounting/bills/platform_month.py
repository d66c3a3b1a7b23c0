"""What the month's statements come to for the platform, beside the ledger: pure, the same bytes."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from accounting.bills.invoice_lines import statement_lines
from accounting.bills.settlement import CentreMonth, Period, Source, amounts, taxes_json, whole
from accounting.bills.statement import Json
from accounting.money import MICROS_PER_FEN, parse_fen, yuan_of_micros
from accounting.prices.rating import TaxSplit
from accounting.units import said_of_all

PLATFORM_FORMAT = "industry-brain/platform-statement/2"
PLATFORM = "platform"
_PLATFORM_ROUNDING = {
    "zh": "收入为各企业对账单用量与所购资源包之和，成本为各算力中心结算单之和。"
    "毛利 = 不含税用量收入 + 不含税资源包收入 - 不含税成本。"
    "总账按用量片段记至微元，对账单每行舍入至分，两者之差列为舍入差。",
    "en": "Income is the sum of the tenants' statements, of usage and of packages that they bought,"
    " cost that of the centres'. Margin = income before tax - cost before tax. The ledger posts"
    " slices to the micro-yuan, statements round each line to the fen: what lies between is the"
    " rounding.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """What the ledger posted as a centre's income for what is on the month's statements.

    `given_back_micros` of it was given back. Posts are rounded once a slice, at most.
    """

    posted_micros: int
    given_back_micros: int
    post_count: int

    @property
    def income_micros(self) -> int:
        return self.posted_micros - self.given_back_micros


def platform_json(
    period: Period,
    sources: Sequence[Source],
    centres: Sequence[tuple[CentreMonth, str]],
    ledger: Mapping[str, Ledger],
    sold_micros: int,
) -> Json:
    """Income, cost, vouchers, tax and margin of the whole platform, beside the ledger.

    `centres` come with the checksums of their statements, `ledger` by centre; `sold_micros` is what
    the ledger has moved for the packages on the statements.
    """
    totals = [_totals(source) for source in sources]
    has_granted = any("concessions_fen" in one for one in totals)
    names = (*_SUMMED, *_GRANTED) if has_granted else _SUMMED
    sums = {name: sum(_of(one, name) for one in totals) for name in names}
    income_net_fen = sums["net"] + sums["purchases_net"] + sums.get("concessions_net", 0)
    cost_fen = sum(made.gross_fen for made, _ in centres)
    cost_net_fen = sum(made.net_fen for made, _ in centres)
    return {
        "format": PLATFORM_FORMAT,
        **period.heading(),
        "tenants": [
            {"tenant": source.tenant_id, "sha256": source.sha256}
            | amounts(**{name: _of(one, name) for name in names})
            for source, one in zip(sources, totals, strict=True)
        ],
        "taxes": taxes_json(_by_rate(totals)),
        "centres": [_centre(made, sha256, ledger) for made, sha256 in centres],
        "vouchers": _vouchers(sources),
        "totals": amounts(
            **sums,
            revenue=sum(made.revenue_fen for made, _ in centres),
            covered=sum(made.covered_fen for made, _ in centres),
            cost=cost_fen,
            cost_net=cost_net_fen,
            cost_tax=cost_fen - cost_net_fen,
            margin=income_net_fen - cost_net_fen,
        ),
        "ledger": _ledger(sums["gross"], _line_count(sources), [*ledger.values()])
        | _sales(sums["purchases"], sold_micros),
        "rounding": _PLATFORM_ROUNDING,
    }


_SUMMED = (
    "gross",
    "net",
    "tax",
    "purchases",
    "purchases_net",
    "purchases_tax",
    "vouchers",
    "due",
)


_GRANTED = ("concessions", "concessions_net", "concessions_tax")
"""What the operator granted in disputes, below zero; months without have nothing of it."""


def _of(totals: Mapping[str, object], name: str) -> int:
    """One of a statement's totals; those of earlier forms had no purchases."""
    return whole(totals.get(f"{name}_fen", 0))


def _totals(source: Source) -> Mapping[str, object]:
    totals = source.body["totals"]
    assert isinstance(totals, dict), "a statement has totals"
    return totals


def _by_rate(totals: Iterable[Mapping[str, object]]) -> Mapping[int, TaxSplit]:
    """Of each tax rate what all statements have: the sums of what each rounds for itself."""
    sums: defaultdict[int, list[int]] = defaultdict(lambda: [0, 0])
    for one in totals:
        taxes = one["taxes"]
        assert isinstance(taxes, list), "a statement has its tax by rate"
        for tax in taxes:
            sums[tax["vat_permille"]][0] += parse_fen(tax["gross"])
            sums[tax["vat_permille"]][1] += parse_fen(tax["net"])
    return {rate: TaxSplit(gross_fen=sums[rate][0], net_fen=sums[rate][1]) for rate in sorted(sums)}


def _centre(made: CentreMonth, sha256: str, ledger: Mapping[str, Ledger]) -> Json:
    posted = ledger.get(made.centre_id)
    return {
        "centre": made.centre_id,
        "sha256": sha256,
        "terms": None if made.terms is None else made.terms.kind.value,
        **_hours(made),
        **amounts(
            revenue=made.revenue_fen,
            covered=made.covered_fen,
            gross=made.gross_fen,
            net=made.net_fen,
            tax=made.gross_fen - made.net_fen,
        ),
        "ledger": yuan_of_micros(posted.income_micros if posted else 0),
    }


def _hours(made: CentreMonth) -> Json:
    return {key: said for key, said in said_of_all(made.entries).items() if key.endswith("_hours")}


def _vouchers(sources: Iterable[Source]) -> list[Json]:
    """What the issuers of vouchers owe for the month."""
    fen_by_issuer: defaultdict[str, int] = defaultdict(int)
    for source in sources:
        paid = source.body.get("vouchers", [])
        assert isinstance(paid, list), "a statement has a list of vouchers"
        for one in paid:
            fen_by_issuer[one["issuer"]] += one["amount_fen"]
    return [
        {"issuer": issuer} | amounts(receivable=fen_by_issuer[issuer])
        for issuer in sorted(fen_by_issuer)
    ]


def _line_count(sources: Iterable[Source]) -> int:
    return sum(1 for source in sources for _ in statement_lines(source.body))


def _ledger(gross_fen: int, line_count: int, ledger: Sequence[Ledger]) -> Json:
    """The ledger's income beside the statements' total.

    Each line may differ from its posts by half a fen, and each post by a micro-yuan.
    """
    posted = sum(one.posted_micros for one in ledger)
    back = sum(one.given_back_micros for one in ledger)
    rounding = gross_fen * MICROS_PER_FEN - (posted - back)
    bound = line_count * MICROS_PER_FEN // 2 + sum(one.post_count for one in ledger)
    return {
        "posted": yuan_of_micros(posted),
        "given_back": yuan_of_micros(back),
        "income": yuan_of_micros(posted - back),
        "rounding": yuan_of_micros(rounding),
        "rounding_max": yuan_of_micros(bound),
        "agrees": abs(rounding) <= bound,
    }


def _sales(purchases_fen: int, sold_micros: int) -> Json:
    """Packages are paid at once, and nothing of that is rounded."""
    return {
        "sold": yuan_of_micros(sold_micros),
        "sales_agree": sold_micros == purchases_fen * MICROS_PER_FEN,
    }


def packages_of(sources: Iterable[Source]) -> list[str]:
    """The packages that the statements charge for; those of earlier forms charged for none."""
    return [
        one["package"]
        for source in sources
        if "purchases_fen" in _totals(source)
        for one in _lines(source, "purchases")
    ]


def _lines(source: Source, part: str) -> list[Mapping[str, Any]]:
    lines = source.body[part]
    assert isinstance(lines, list), f"a statement has a list of {part}"
    return lines
