"""What a tenant answers to a closed statement, and how finance settles what it disputes.

A statement never changes, whatever is said about it: what is right in a dispute becomes a
correction of a later month. Each word is a fact of its own, about the bytes that it names.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class ReplyKind(StrEnum):
    """What was said; the last word is how a statement stands.

    Finance decides a dispute: the tenant is right (`ACCEPTED`), or is not (`REJECTED`), or it was
    settled in another way (`RESOLVED`).
    """

    CONFIRMED = "confirmed"
    DISPUTED = "disputed"
    RESOLVED = "resolved"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


DECISIONS = frozenset({ReplyKind.RESOLVED, ReplyKind.ACCEPTED, ReplyKind.REJECTED})
"""What finance may say of what is disputed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The `number`th word about a tenant's statement of `month`, from 1 on; `by` whom.

    `sha256` is the checksum of the statement that it is about. `lines` are what is disputed, by
    their places on it, from 1 on through lines, credits and corrections; none stands for all.
    """

    tenant_id: str
    month: str
    number: int
    kind: ReplyKind
    sha256: str
    reason: str
    lines: tuple[int, ...]
    by: str
    at_ms: int

    def says_the_same(self, other: "Reply") -> bool:
        """Whether it is the same word again, whoever says it, and when."""
        return (self.kind, self.reason, self.lines, self.sha256) == (
            other.kind,
            other.reason,
            other.lines,
            other.sha256,
        )


class ReplyRefused(Exception):
    """It cannot be said now; the message says why, and what to do."""


_AFTER: Mapping[ReplyKind, set[ReplyKind | None]] = {
    ReplyKind.CONFIRMED: {None, ReplyKind.DISPUTED, *DECISIONS},
    ReplyKind.DISPUTED: {None, *DECISIONS},
    **{decision: {ReplyKind.DISPUTED} for decision in DECISIONS},
}
"""Which word may follow which; a tenant that confirms what it disputed takes its dispute back."""


def check(reply: Reply, earlier: Sequence[Reply], line_count: int) -> None:
    """Raise `ReplyRefused` for a word that does not follow `earlier`, or names no line there."""
    unknown = [line for line in reply.lines if not 1 <= line <= line_count]
    if unknown:
        raise ReplyRefused(
            f"the statement {reply.month} of tenant {reply.tenant_id} ends with line "
            f"{line_count}: it has no line {unknown[0]}"
        )
    if reply.kind is not ReplyKind.CONFIRMED and not reply.reason:
        raise ReplyRefused(f"say why it is {reply.kind}")
    last = earlier[-1].kind if earlier else None
    if last not in _AFTER[reply.kind]:
        stands = f"is {last} already" if last else "is not disputed"
        raise ReplyRefused(
            f"the statement {reply.month} of tenant {reply.tenant_id} {stands}: "
            f"it cannot be {reply.kind}"
        )


def numbered_lines(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What of a statement (its JSON) may be named by number, from 1 on.

    Purchases (a statement of an early form has none) come last.
    """
    parts = ("lines", "credits", "corrections", "purchases")
    return [line for part in parts for line in body.get(part, ())]
