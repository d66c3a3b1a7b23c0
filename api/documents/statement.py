"""A tenant's statement as PDF, in Chinese."""

import json
from collections.abc import Sequence

from accounting.bills.replies import Reply
from accounting.bills.statement import sha256_of
from accounting.calendar import iso_time
from api.documents.printing import Names, in_words, printed

__all__ = ["Names", "statement_pdf"]


def statement_pdf(body: bytes, names: Names, replies: Sequence[Reply] = ()) -> bytes:
    """The statement of which `body` is the JSON, and what was said about it since."""
    due = in_words(json.loads(body)["totals"]["due"])
    said = json.dumps([_said(one) for one in replies], ensure_ascii=False)
    return printed("statement", body, names, sha256=sha256_of(body), due_in_words=due, replies=said)


def _said(reply: Reply) -> dict[str, object]:
    return {
        "at": iso_time(reply.at_ms),
        "kind": reply.kind.value,
        "lines": list(reply.lines),
        "reason": reply.reason,
        "by": reply.by,
    }
