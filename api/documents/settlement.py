"""The statements of centres and of the platform, and requests for invoices, as PDF in Chinese."""

import json

from accounting.bills.statement import sha256_of
from api.documents.printing import Names, in_words, printed


def centre_pdf(body: bytes, names: Names) -> bytes:
    """A centre's statement of which `body` is the JSON."""
    words = in_words(json.loads(body)["totals"]["gross"])
    return printed("centre", body, names, sha256=sha256_of(body), in_words=words)


def platform_pdf(body: bytes, names: Names) -> bytes:
    """The platform's statement of which `body` is the JSON."""
    return printed("platform", body, names, sha256=sha256_of(body))


def invoice_pdf(body: bytes, names: Names) -> bytes:
    """A request for an invoice, of which `body` is what the interface answers."""
    return printed("invoice", body, names, in_words=in_words(json.loads(body)["gross"]))
