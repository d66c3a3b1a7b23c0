"""Hash chains over the books: whoever changes, drops or slips in a fact breaks every later link.

Each tenant's facts are one chain, in the order in which they were written; price lists and closings
are the chain of the park. A link's hash is that of the link before it and of all that its fact says
(Haber and Stornetta, "How to time-stamp a digital document", 1991). A root hashes the heads of all
chains, and the root before it: one line that stands for all of the books.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from accounting.bills.claims import Claim, ClaimRule, Contract
from accounting.bills.concessions import Concession
from accounting.bills.invoices import InvoiceRequest, InvoiceStep, Receipt
from accounting.bills.replies import Reply
from accounting.bills.terms import CentreTerms, SettledMonth
from accounting.ledger import Transfer
from accounting.link import GENESIS, Link
from accounting.prices.packages import Package
from accounting.prices.rating import PriceList
from accounting.prices.vouchers import Voucher, VoucherEntry
from accounting.usage.activity import ActivitySlice
from accounting.usage.slices import UsageCredit, UsageSlice

PARK = ""
"""The chain of what belongs to no tenant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedMonth:
    """A month was closed: the sha256 of each tenant's statement, by tenant."""

    month: str
    through_seq: int
    closed_at_ms: int
    statements: tuple[tuple[str, str], ...]


Fact = (
    UsageSlice
    | UsageCredit
    | Transfer
    | Voucher
    | VoucherEntry
    | PriceList
    | ClosedMonth
    | Reply
    | InvoiceRequest
    | InvoiceStep
    | Receipt
    | CentreTerms
    | SettledMonth
    | Contract
    | ClaimRule
    | Claim
    | Package
    | ActivitySlice
    | Concession
)

_WORDS: Mapping[type[Any], str] = {
    UsageSlice: "usage/1",
    UsageCredit: "usage_credit/1",
    Transfer: "transfer/1",
    Voucher: "voucher/1",
    VoucherEntry: "voucher_entry/1",
    PriceList: "price_list/1",
    ClosedMonth: "closing/1",
    Reply: "statement_reply/1",
    InvoiceRequest: "invoice_request/1",
    InvoiceStep: "invoice_step/1",
    Receipt: "receipt/1",
    CentreTerms: "centre_terms/1",
    SettledMonth: "settled_month/1",
    Contract: "contract/1",
    ClaimRule: "claim_rule/1",
    Claim: "claim/1",
    Package: "package/1",
    ActivitySlice: "activity/1",
    Concession: "concession/1",
}
_NAMES: Mapping[type[Any], tuple[str, ...]] = {
    kind: tuple(field.name for field in fields(kind)) for kind in _WORDS
}


def chain_of(fact: Fact) -> str:
    """Whose chain a fact belongs to."""
    if isinstance(fact, PriceList | ClosedMonth | CentreTerms | SettledMonth | ClaimRule):
        return PARK
    return fact.tenant_id


def next_link(before: Link, said: bytes) -> Link:
    """The link of a fact that says so, after `before`."""
    return Link(before.number + 1, hashlib.sha256(before.hash + said).digest())


def content(fact: Fact) -> bytes:
    """All that a fact says, in a form of its own."""
    kind = type(fact)
    return content_of(kind, [getattr(fact, name) for name in names_of(kind)])


def content_of(kind: type[Fact], values: Sequence[object]) -> bytes:
    """The same, of a fact's values in the order of `names_of`, whatever they have become."""
    line = [_WORDS[kind], *values]
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode()


def names_of(kind: type[Fact]) -> tuple[str, ...]:
    """What a fact of this kind says, by name."""
    return _NAMES[kind]


def kinds() -> Mapping[str, tuple[str, ...]]:
    """Each kind of fact by its word, with the names of what it says."""
    return {word: _NAMES[kind] for kind, word in _WORDS.items()}


def links(heads: Mapping[str, Link], facts: Iterable[Fact]) -> tuple[list[Link], dict[str, Link]]:
    """A link for each fact, in their order, and after them the heads of all chains."""
    after = dict(heads)
    made = []
    for fact in facts:
        chain = chain_of(fact)
        after[chain] = next_link(after.get(chain, GENESIS), content(fact))
        made.append(after[chain])
    return made, after


def root_of(
    before: bytes, day: str, heads: Sequence[tuple[str, Link]], papers: Iterable[str] = ()
) -> bytes:
    """The root of a day over the heads of all chains; `before` is the root before it.

    `papers` are leaves of price lists and statements that no root has noted yet.
    """
    leaves = [leaf_of(chain, link) for chain, link in heads]
    return root_over(before, day, leaves_digest([*leaves, *papers]))


def leaf_of(chain: str, link: Link) -> str:
    """The head of one chain, in a form that tells whose it is only to one who knows its hash."""
    return _digest([chain, link.number, link.hash.hex()]).hex()


def price_list_leaf(link: Link) -> str:
    """A price list: its link in the chain of the park, whose other links are not everybody's."""
    return _digest([_WORDS[PriceList], link.number, link.hash.hex()]).hex()


def statement_leaf(tenant_id: str, month: str, sha256: str) -> str:
    """A closed statement; it tells whose it is only to one who has its bytes."""
    return _digest(["statement/1", tenant_id, month, sha256]).hex()


def leaves_digest(leaves: Iterable[str]) -> str:
    """One hash over all that a root notes."""
    return _digest(sorted(leaves)).hex()


def root_over(before: bytes, day: str, digest: str) -> bytes:
    """The same, of the digest of that day's leaves."""
    return _digest(["root/2", day, before.hex(), digest])


def first_root_of(
    before: bytes, day: str, heads: Sequence[tuple[str, Link]], _: Iterable[str] = ()
) -> bytes:
    """A root as earlier releases drew it: to check it, one had to be shown all chains' names."""
    return _digest(
        [
            day,
            before.hex(),
            [[chain, link.number, link.hash.hex()] for chain, link in sorted(heads)],
        ]
    )


ROOT_FORMS = {1: first_root_of, 2: root_of, 3: root_of}
ROOT_FORM = 3
PAPERS_SINCE = 3
"""Roots of this form and later ones note price lists and statements as well."""


def _digest(value: list[Any]) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).digest()
