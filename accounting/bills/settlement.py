"""What the month's statements come to for each centre: pure, the same bytes.

It is made of the tenants' statements, line by line, so that all of them agree to the fen.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from accounting.bills.invoice_lines import statement_lines
from accounting.bills.statement import CURRENCY, Json, StatementState
from accounting.bills.terms import (
    CentreTerms,
    Share,
    TermsKind,
    owed_by_cost,
    price_micros,
    share_of,
    terms_at,
)
from accounting.calendar import SHANGHAI, iso_time, month_bounds
from accounting.money import (
    decimal_text,
    yuan_of_fen,
    yuan_of_micros,
)
from accounting.prices.rating import TaxSplit, split_tax
from accounting.units import Unit, card_ms, said_of, said_of_all

CENTRE_FORMAT = "industry-brain/centre-statement/2"
_CENTRE_ROUNDING = {
    "zh": "结算数量与金额取自各企业对账单，精确累加；"
    "资源包抵扣的用量按其占资源包总量的比例折合金额；每行金额仅四舍五入一次至分，合计为各行之和。"
    "阶梯分成按当月卡时逐档加权。不含税金额 = 含税金额 ÷ (1 + 税率)，四舍五入至分。",
    "en": "Quantities and revenue are those of the tenants' statements, added exactly; what a"
    " package covered is worth its part of the package's price; each line is rounded once, half up,"
    " to the fen. A tiered share is the average over the month's card-hours,"
    " tier by tier. Net = gross / (1 + tax rate), rounded half up to the fen.",
}


class Source(NamedTuple):
    """A tenant's statement of the month, as JSON, and the checksum of its bytes."""

    tenant_id: str
    sha256: str
    body: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A month, and when it was closed; `None` for a draft."""

    month: str
    closed_at_ms: int | None

    def heading(self) -> Json:
        from_ms, to_ms = month_bounds(self.month)
        state = StatementState.DRAFT if self.closed_at_ms is None else StatementState.CLOSED
        return {
            "month": self.month,
            "from": iso_time(from_ms),
            "to": iso_time(to_ms),
            "time_zone": str(SHANGHAI),
            "currency": CURRENCY,
            "state": state.value,
            "closed_at": None if self.closed_at_ms is None else iso_time(self.closed_at_ms),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a centre ran of a device kind in `month`, and what it gets for that; fen.

    `cause` says why it was given back to tenants: the centre gets nothing for it, and gives back
    what it had. `covered_fen` is the part of the revenue that packages had paid in advance.
    `price_micros` and `share` are by what it is paid, and both `None` without terms. `unit` is what
    the time is of, cards or cores.
    """

    month: str
    device_kind_id: str
    cause: str | None
    device_ms: int
    revenue_fen: int
    covered_fen: int
    vat_permille: int
    price_micros: int | None = None
    share: Share | None = None
    owed_fen: int = 0
    unit: Unit = Unit.CARD


@dataclass(frozen=True, slots=True, kw_only=True)
class CentreMonth:
    """A centre's month: entries of the month itself, and of earlier ones that are corrected."""

    centre_id: str
    period: Period
    terms: CentreTerms | None
    entries: tuple[Entry, ...]
    sources: tuple[str, ...]

    @property
    def taxes(self) -> Mapping[int, TaxSplit]:
        gross_fen: defaultdict[int, int] = defaultdict(int)
        for entry in self.entries:
            gross_fen[entry.vat_permille] += entry.owed_fen
        return {rate: split_tax(gross_fen[rate], rate) for rate in sorted(gross_fen)}

    @property
    def gross_fen(self) -> int:
        return sum(split.gross_fen for split in self.taxes.values())

    @property
    def net_fen(self) -> int:
        return sum(split.net_fen for split in self.taxes.values())

    @property
    def revenue_fen(self) -> int:
        return sum(entry.revenue_fen for entry in self.entries)

    @property
    def covered_fen(self) -> int:
        return sum(entry.covered_fen for entry in self.entries)


def centres_of(sources: Iterable[Source]) -> list[str]:
    """The centres that ran anything that the statements have."""
    return sorted(
        {str(line["centre"]) for source in sources for line in statement_lines(source.body)}
    )


def centre_month(
    centre_id: str, period: Period, sources: Sequence[Source], known: Iterable[CentreTerms]
) -> CentreMonth:
    """What a centre gets; raises `TermsMissing` for a device kind without a cost price."""
    mine = [terms for terms in known if terms.centre_id == centre_id]
    found = list(_entries(centre_id, period.month, sources))
    by_month: defaultdict[str, int] = defaultdict(int)
    for entry in found:
        by_month[entry.month] += card_ms(entry)  # tiers are of card-hours
    return CentreMonth(
        centre_id=centre_id,
        period=period,
        terms=terms_at(mine, period.month),
        entries=tuple(
            _owed(entry, terms_at(mine, entry.month), by_month[entry.month]) for entry in found
        ),
        sources=tuple(sorted(source.sha256 for source in sources)),
    )


def _entries(centre_id: str, month: str, sources: Iterable[Source]) -> Iterator[Entry]:
    sums: defaultdict[tuple[str, str, str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for source in sources:
        for line in statement_lines(source.body):
            if line["centre"] == centre_id:
                of_key = sums[_key(line, month)]
                of_key[0] += whole(line["device_ms"])
                of_key[1] += whole(line["amount_fen"])
        for line in covered_lines(source.body):
            if line["centre"] == centre_id:
                sums[_key(line, month)][2] += whole(line["value_fen"])
    for (used, kind_id, cause, unit), (device_ms, paid_fen, covered_fen) in sorted(sums.items()):
        yield Entry(
            month=used,
            device_kind_id=kind_id,
            cause=cause or None,
            device_ms=device_ms,
            revenue_fen=paid_fen + covered_fen,
            covered_fen=covered_fen,
            vat_permille=0,
            unit=Unit(unit),
        )


def _key(line: Mapping[str, object], month: str) -> tuple[str, str, str, str]:
    used, unit = str(line.get("month") or month), str(line.get("unit", Unit.CARD.value))
    return used, str(line["device"]), str(line.get("cause") or ""), unit


def covered_lines(body: Mapping[str, object]) -> Sequence[Mapping[str, object]]:
    """What packages covered; statements of earlier forms do not say where."""
    lines = body.get("covered", [])
    assert isinstance(lines, list), "a statement has a list of what was covered"
    return lines


def _owed(entry: Entry, terms: CentreTerms | None, month_ms: int) -> Entry:
    if terms is None:
        return entry
    taxed = replace(entry, vat_permille=terms.vat_permille)
    if terms.kind is TermsKind.COST:
        owed_fen = owed_by_cost(terms, entry.device_kind_id, entry.device_ms)
        price = price_micros(terms, entry.device_kind_id)
        return replace(taxed, price_micros=price, owed_fen=owed_fen)
    share = share_of(terms.tiers, month_ms)
    return replace(taxed, share=share, owed_fen=share.of(entry.revenue_fen))


def whole(value: object) -> int:
    assert isinstance(value, int), "a line has whole numbers"
    return value


def centre_json(made: CentreMonth) -> Json:
    """Plain values in a fixed order; without the tenants' names and, by cost, their prices."""
    month = made.period.month
    return {
        "format": CENTRE_FORMAT,
        "centre": made.centre_id,
        **made.period.heading(),
        "terms": None if made.terms is None else terms_json(made.terms),
        "lines": [_entry(entry) for entry in made.entries if entry.month == month],
        "corrections": [_entry(entry) for entry in made.entries if entry.month != month],
        "totals": {
            **said_of_all(made.entries),
            **amounts(gross=made.gross_fen, net=made.net_fen, tax=made.gross_fen - made.net_fen),
            "taxes": taxes_json(made.taxes),
        },
        "statements": list(made.sources),
        "rounding": _CENTRE_ROUNDING,
    }


def terms_json(terms: CentreTerms) -> Json:
    return {
        "from": terms.month,
        "kind": terms.kind.value,
        "prices": {kind_id: yuan_of_micros(micros) for kind_id, micros in terms.prices},
        "tiers": [
            {"from_card_hours": begin, "share_permille": permille}
            for begin, permille in terms.tiers
        ],
        "vat_permille": terms.vat_permille,
    }


def _entry(entry: Entry) -> Json:
    line: Json = {
        "month": entry.month,
        "device": entry.device_kind_id,
        "cause": entry.cause,
        **said_of(entry),
    }
    if entry.price_micros is not None:
        line["price"] = yuan_of_micros(entry.price_micros)
    if entry.share is not None:
        line |= amounts(revenue=entry.revenue_fen, covered=entry.covered_fen)
        line["share_permille"] = decimal_text(entry.share.ppm, 3, 0)
    return line | {"vat_permille": entry.vat_permille} | amounts(amount=entry.owed_fen)


def amounts(**fen: int) -> Json:
    """Each amount as text in yuan, and as an integer in fen."""
    texts = {name: yuan_of_fen(amount) for name, amount in fen.items()}
    return {**texts, **{f"{name}_fen": amount for name, amount in fen.items()}}


def taxes_json(taxes: Mapping[int, TaxSplit]) -> list[Json]:
    return [
        {
            "vat_permille": rate,
            "gross": yuan_of_fen(split.gross_fen),
            "net": yuan_of_fen(split.net_fen),
            "tax": yuan_of_fen(split.tax_fen),
        }
        for rate, split in taxes.items()
    ]
