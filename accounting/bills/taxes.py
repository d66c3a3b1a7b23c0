"""Which accounts of the ledger hold the tax that a closed statement states: pure, from its JSON.

Income is posted tax included. What of it is tax is known when a month is closed, by tax rate.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from accounting.bills.invoice_lines import statement_lines
from accounting.ledger import CONCESSIONS_ACCOUNT, PREPAID_ACCOUNT, income_account
from accounting.money import MICROS_PER_FEN
from accounting.prices.rating import split_tax

Parts = tuple[tuple[str, int], ...]


def taxes_of(body: Mapping[str, Any]) -> Parts:
    """Each account with micro-yuan of tax in it, below zero where more was given back.

    They add up to what the statement states of usage, packages and concessions; vouchers change
    no tax. Statements of earlier forms that left packages out state none of them.
    """
    fen_by_account: Counter[str] = Counter()
    for centre_id, tax_fen in _of_usage(body):
        fen_by_account[income_account(centre_id)] += tax_fen
    totals = body["totals"]
    fen_by_account[PREPAID_ACCOUNT] = totals.get("purchases_tax_fen", 0)
    fen_by_account[CONCESSIONS_ACCOUNT] = totals.get("concessions_tax_fen", 0)
    return tuple(
        (account, tax_fen * MICROS_PER_FEN)
        for account, tax_fen in sorted(fen_by_account.items())
        if tax_fen
    )


def _of_usage(body: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Of each tax rate, centre by centre: the tax of all up to it, less that of those before."""
    gross_fen: Counter[tuple[int, str]] = Counter()
    lines: Iterator[Mapping[str, Any]] = statement_lines(body)
    for line in lines:
        gross_fen[line["vat_permille"], line["centre"]] += line["amount_fen"]
    reached_fen: Counter[int] = Counter()
    for (rate, centre_id), fen in sorted(gross_fen.items()):
        before_fen = split_tax(reached_fen[rate], rate).tax_fen
        reached_fen[rate] += fen
        yield centre_id, split_tax(reached_fen[rate], rate).tax_fen - before_fen
