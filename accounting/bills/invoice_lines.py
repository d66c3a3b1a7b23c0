"""The lines of an invoice: what is due of a closed statement, shared out to the fen.

Each of the statement's lines has its part of the amount that is asked for, so that lines, net and
tax add up.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from accounting.money import MICROS_PER_FEN, MS_PER_HOUR, divide_half_up, divided, parse_yuan
from accounting.prices.rating import split_tax

ITEM = "*信息技术服务*算力服务费"
UNIT = "卡时"
CORE_UNIT = "核时"
PACKAGE_ITEM = "*信息技术服务*算力资源包"
PACKAGE_UNIT = "个"
CONCESSION_ITEM = "*信息技术服务*算力服务费折让"
CONCESSION_UNIT = "项"
_QUANTITY_UNITS = 10**6


class InvoiceLine(NamedTuple):
    """Card-hours or core-hours at a price, or packages; in millionths, micro-yuan, fen."""

    item: str
    device_kind_id: str
    unit: str
    quantity_micros: int
    price_micros: int
    vat_permille: int
    net_fen: int
    gross_fen: int

    @property
    def tax_fen(self) -> int:
        return self.gross_fen - self.net_fen


class Due(NamedTuple):
    """What is due of a statement: of its usage, less what vouchers pay, and of its packages.

    `concessions_fen` is what was granted in disputes, below zero.
    """

    usage_fen: int
    packages_fen: int
    concessions_fen: int = 0


def due_of(body: Mapping[str, Any]) -> Due:
    """Of a statement's JSON; those of earlier forms knew no vouchers, or left packages out."""
    totals = body["totals"]
    packages_fen, granted_fen = totals.get("purchases_fen", 0), totals.get("concessions_fen", 0)
    due_fen = totals.get("due_fen", totals["gross_fen"])
    return Due(due_fen - packages_fen - granted_fen, packages_fen, granted_fen)


def lines_of(body: Mapping[str, Any], amount_fen: int) -> tuple[InvoiceLine, ...]:
    """So much of what is due of a statement (its JSON), line by line.

    Usage, packages and what was granted have their parts of the amount; of each, a line's part is
    what the parts up to it come to, less those before it: nothing is lost by rounding. So are the
    nets of usage at a tax rate; each package has a net of its own, as on the statement.
    """
    due = due_of(body)
    assert 0 < amount_fen <= sum(due), f"{amount_fen} of {sum(due)} fen"
    wanted = divided(due, amount_fen, sum(due))
    whole = (amount_fen, sum(due))
    used = [*_shared_out(_used(body), wanted[0], whole)]
    sold = [*_shared_out(_sold(body) if due.packages_fen else [], wanted[1], whole)]
    granted = [*_shared_out(_granted(body), wanted[2], whole)]
    one_by_one = [*sold, *granted]
    lines = (*map(_line, used, _nets_used(used)), *map(_line, one_by_one, _nets_sold(one_by_one)))
    return tuple(line for line in lines if line.gross_fen)


class _Group(NamedTuple):
    """What one line of an invoice has in common, and what it comes to: `amount` / `per_unit`."""

    item: str
    device_kind_id: str
    unit: str
    price_micros: int
    vat_permille: int
    amount: int
    per_unit: int
    gross_fen: int


class _Part(NamedTuple):
    """So much of a group: `gross_fen` of its own, as `amount_fen` of the `total_fen` of all."""

    group: _Group
    gross_fen: int
    amount_fen: int
    total_fen: int


def _used(body: Mapping[str, Any]) -> list[_Group]:
    """All lines of a statement by device kind and price; what was given back is taken off."""
    sums: defaultdict[tuple[str, int, int, str], list[int]] = defaultdict(lambda: [0, 0])
    for line in statement_lines(body):
        price, rate = parse_yuan(str(line["price"])), _int(line["vat_permille"])
        key = (str(line["device"]), price, rate, CORE_UNIT if "unit" in line else UNIT)
        sums[key][0] += _int(line["device_ms"])
        sums[key][1] += _int(line["amount_fen"])
    return [
        _Group(ITEM, device, unit, price, rate, sums[key][0], MS_PER_HOUR, sums[key][1])
        for key in sorted(sums)
        for device, price, rate, unit in [key]
    ]


def _sold(body: Mapping[str, Any]) -> list[_Group]:
    """Its packages, those alike in one line."""
    counts: defaultdict[tuple[str, int, int], int] = defaultdict(int)
    for one in body["purchases"]:
        counts[str(one["device"]), _int(one["amount_fen"]), _int(one["vat_permille"])] += 1
    return [
        _Group(
            PACKAGE_ITEM, device, PACKAGE_UNIT, fen * MICROS_PER_FEN, rate, count, 1, count * fen
        )
        for (device, fen, rate), count in sorted(counts.items())
    ]


def _granted(body: Mapping[str, Any]) -> list[_Group]:
    """What was granted in disputes: a line below zero each."""
    return [
        _Group(
            *(CONCESSION_ITEM, "", CONCESSION_UNIT),
            price_micros=-_int(one["amount_fen"]) * MICROS_PER_FEN,
            vat_permille=_int(one["vat_permille"]),
            amount=-1,
            per_unit=1,
            gross_fen=_int(one["amount_fen"]),
        )
        for one in body.get("concessions", ())
    ]


def statement_lines(body: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    """Every line of a statement's JSON: lines, credits, corrections."""
    for part in ("lines", "credits", "corrections"):
        lines = body[part]
        assert isinstance(lines, list), f"a statement's {part} are a list"
        yield from lines


def _int(value: object) -> int:
    assert isinstance(value, int), "a line has whole numbers"
    return value


def _shared_out(
    groups: Sequence[_Group], amount_fen: int, whole: tuple[int, int]
) -> Iterator[_Part]:
    """`amount_fen` of what the groups come to; `whole` is how much of how much that is of all."""
    total_fen = sum(group.gross_fen for group in groups)
    if total_fen == 0:
        assert amount_fen == 0, f"{amount_fen} fen of nothing"
        # They come to nothing, but not of each tax rate: of each the same part as of all.
        amount_fen, total_fen = whole
    if total_fen < 0:  # more was given back than used: the same part, as a fraction of above 0
        amount_fen, total_fen = -amount_fen, -total_fen
    fens = divided([group.gross_fen for group in groups], amount_fen, total_fen)
    for group, fen in zip(groups, fens, strict=True):
        yield _Part(group, fen, amount_fen, total_fen)


def _nets_used(parts: Iterable[_Part]) -> Iterator[int]:
    """Of each tax rate the net is split off once, as the statement's is."""
    reached: defaultdict[int, int] = defaultdict(int)
    for part in parts:
        rate = part.group.vat_permille
        before = split_tax(reached[rate], rate).net_fen
        reached[rate] += part.gross_fen
        yield split_tax(reached[rate], rate).net_fen - before


def _nets_sold(parts: Iterable[_Part]) -> Iterator[int]:
    """Of packages it is split off one by one, as it is where they are sold."""
    for group, gross_fen, *_ in parts:
        one_fen = group.gross_fen // group.amount
        net_fen = split_tax(one_fen, group.vat_permille).net_fen
        yield divide_half_up(net_fen * gross_fen, one_fen)


def _line(part: _Part, net_fen: int) -> InvoiceLine:
    group, gross_fen, amount_fen, total_fen = part
    quantity = group.amount * amount_fen * _QUANTITY_UNITS
    return InvoiceLine(
        item=group.item,
        device_kind_id=group.device_kind_id,
        unit=group.unit,
        quantity_micros=divide_half_up(quantity, group.per_unit * total_fen),
        price_micros=group.price_micros,
        vat_permille=group.vat_permille,
        net_fen=net_fen,
        gross_fen=gross_fen,
    )
