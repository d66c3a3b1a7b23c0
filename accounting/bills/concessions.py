"""What finance grants a tenant in a dispute (折让): once for each decision, and never changed.

The disputed statement stays as it was closed. What is granted is on the next statement that is
closed, below zero, and names the lines that it is for. The operator bears it: no centre gets less.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from accounting.bills.replies import DECISIONS, Reply, ReplyKind, ReplyRefused, numbered_lines
from accounting.money import divided, yuan_of_fen
from accounting.prices.rating import TaxSplit, split_tax

Json = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Concession:
    """So much of the statement of `month` that its tenant gets back, tax included.

    `number` is that of the decision among the words about the statement, `lines` are what was
    disputed (none: all of it). `parts` are the tax rates in permille with fen of each.
    """

    tenant_id: str
    month: str
    number: int
    lines: tuple[int, ...]
    parts: tuple[tuple[int, int], ...]
    reason: str
    by: str
    at_ms: int

    @property
    def id(self) -> str:
        """What the ledger's transfer is named after."""
        return f"{self.tenant_id}@{self.month}#{self.number}"

    @property
    def amount_fen(self) -> int:
        return sum(fen for _, fen in self.parts)

    @property
    def splits(self) -> Iterator[tuple[int, TaxSplit]]:
        """Of each tax rate what it takes off a statement: below zero."""
        for rate, fen in self.parts:
            yield rate, split_tax(-fen, rate)

    def is_about(self, lines: Sequence[int]) -> bool:
        """Whether any of these lines (none: all) was granted something by it."""
        return not lines or not self.lines or bool({*lines} & {*self.lines})


def concession(
    decision: Reply,
    lines: tuple[int, ...],
    amount_fen: int,
    body: Mapping[str, Any],
    earlier: Iterable[Concession],
    since: Iterable[Mapping[str, Any]] = (),
) -> Concession:
    """What a decision about these lines of a statement (its JSON) grants.

    Never more than what is disputed comes to, or than is due of the statement, less what was
    granted of it `earlier`, and what was given back there or `since` (rows like corrections).
    Raises `ReplyRefused`.
    """
    if decision.kind not in DECISIONS - {ReplyKind.REJECTED}:
        raise ReplyRefused(f"what is {decision.kind} grants nothing: leave the amount out")
    usage = {_usage_of(row, body) for row in numbered_lines(body)}
    known, back = [*earlier], [row for row in since if _usage_of(row, body) in usage]
    by_rate = _disputed(body, lines, back)
    disputed_fen = sum(by_rate.values())
    of_lines = sum(one.amount_fen for one in known if one.is_about(lines))
    totals = body["totals"]
    back_fen = -sum(row["amount_fen"] for row in back)
    due_fen = totals.get("due_fen", totals["gross_fen"]) - back_fen
    left_fen = min(disputed_fen - of_lines, due_fen - sum(one.amount_fen for one in known))
    if not 0 < amount_fen <= left_fen:
        raise ReplyRefused(
            f"{yuan_of_fen(amount_fen)} yuan cannot be granted: what is disputed of the statement "
            f"{decision.month} of tenant {decision.tenant_id} comes to "
            f"{yuan_of_fen(disputed_fen)}, due of all of it are {yuan_of_fen(due_fen)} (after "
            f"{yuan_of_fen(back_fen)} given back since it was closed), and less what was granted "
            f"before {yuan_of_fen(max(0, left_fen))} may be"
        )
    # A rate of which more was given back than used has no part: it would be below zero.
    rates = sorted(rate for rate, fen in by_rate.items() if fen > 0)
    weights = [by_rate[rate] for rate in rates]
    fens = divided(weights, amount_fen, sum(weights))
    return Concession(
        tenant_id=decision.tenant_id,
        month=decision.month,
        number=decision.number,
        lines=lines,
        parts=tuple((rate, fen) for rate, fen in zip(rates, fens, strict=True) if fen),
        reason=decision.reason,
        by=decision.by,
        at_ms=decision.at_ms,
    )


def given_back_beside(
    one: Concession, body: Mapping[str, Any], since: Iterable[Mapping[str, Any]]
) -> int:
    """Fen of what was given back `since` (rows like corrections) of the lines that it is for."""
    numbered = enumerate(numbered_lines(body), start=1)
    usage = {_usage_of(row, body) for number, row in numbered if one.is_about([number])}
    fens: Iterator[int] = (row["amount_fen"] for row in since if _usage_of(row, body) in usage)
    return -sum(fens)


def _disputed(
    body: Mapping[str, Any], lines: Sequence[int], since: Sequence[Mapping[str, Any]]
) -> Mapping[int, int]:
    """What the lines of each tax rate come to, less what was given back of the same usage."""
    numbered = list(enumerate(numbered_lines(body), start=1))
    named = [row for number, row in numbered if not lines or number in lines]
    beside = [row for number, row in numbered if lines and number not in lines]
    usage = {_usage_of(row, body) for row in named}
    back = [row for row in (*beside, *since) if row["amount_fen"] < 0]
    fen_by_rate: defaultdict[int, int] = defaultdict(int)
    for row in (*named, *(row for row in back if _usage_of(row, body) in usage)):
        fen_by_rate[row["vat_permille"]] += row["amount_fen"]
    return fen_by_rate


_USAGE = ("project", "field", "centre", "device", "qos", "price_list", "price", "vat_permille")


def _usage_of(row: Mapping[str, Any], body: Mapping[str, Any]) -> tuple[object, ...]:
    """What a row and those that give back some of it have in common."""
    return row.get("month", body.get("month")), *(row.get(name) for name in _USAGE)


def gross_fen(concessions: Iterable[Concession]) -> int:
    """What they take off a statement: below zero."""
    return -sum(one.amount_fen for one in concessions)


def concessions_json(concessions: Sequence[Concession]) -> Json:
    """A part of a statement that those without concessions do not have."""
    if not concessions:
        return {}
    return {"concessions": [_row(*one) for one in _by_rate(concessions)]}


def totals_json(concessions: Sequence[Concession]) -> Json:
    """The same of a statement's totals."""
    if not concessions:
        return {}
    net_fen = sum(split.net_fen for _, _, split in _by_rate(concessions))
    tax_fen = gross_fen(concessions) - net_fen
    return {
        "concessions": yuan_of_fen(gross_fen(concessions)),
        "concessions_net": yuan_of_fen(net_fen),
        "concessions_tax": yuan_of_fen(tax_fen),
        "concessions_fen": gross_fen(concessions),
        "concessions_net_fen": net_fen,
        "concessions_tax_fen": tax_fen,
    }


def _by_rate(concessions: Iterable[Concession]) -> Iterator[tuple[Concession, int, TaxSplit]]:
    for one in concessions:
        for rate, split in one.splits:
            yield one, rate, split


def _row(one: Concession, rate: int, split: TaxSplit) -> Json:
    return {
        "month": one.month,
        "decision": one.number,
        "lines": list(one.lines),
        "reason": one.reason,
        "vat_permille": rate,
        "amount": yuan_of_fen(split.gross_fen),
        "net": yuan_of_fen(split.net_fen),
        "tax": yuan_of_fen(split.tax_fen),
        "amount_fen": split.gross_fen,
    }
