"""A tenant's statement as PDF, in Chinese."""

import json

from accounting.statement import sha256_of
from api.documents.printing import Names, in_words, printed

__all__ = ["Names", "statement_pdf"]


def statement_pdf(body: bytes, names: Names) -> bytes:
    """The statement of which `body` is the JSON."""
    due = in_words(json.loads(body)["totals"]["due"])
    return printed("statement", body, names, sha256=sha256_of(body), due_in_words=due)
