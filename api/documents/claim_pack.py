"""A claim pack: one archive of all that a funding office asks for; the same claim, the same bytes.

Contract, consumption (closed statements as JSON, CSV and PDF), invoices, payments, the computation,
and a checksum of each file. Files are stored as they are, so that no compressor's version matters.
"""

import hashlib
import io
import zipfile
from collections.abc import Iterator

from accounting.bills.statement import json_bytes
from accounting.exports.claim_export import (
    claim_json,
    contract_json,
    invoices_sheet,
    payments_sheet,
)
from accounting.exports.export import statement_sheet
from accounting.exports.sheet import spreadsheet_csv
from accounting.months.claiming import Basis
from api.documents.printing import Names
from api.documents.statement import statement_pdf

_MOMENT = (1980, 1, 1, 0, 0, 0)
"""The first that an archive knows: no clock is in it."""


def claim_pack(basis: Basis, names: Names) -> bytes:
    """The archive; `SHA256SUMS` is what `sha256sum -c` reads."""
    made = dict(sorted(_files(basis, names)))
    sums = "".join(f"{hashlib.sha256(body).hexdigest()}  {name}\n" for name, body in made.items())
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, body in {**made, "SHA256SUMS": sums.encode()}.items():
            archive.writestr(zipfile.ZipInfo(name, _MOMENT), body)
    return file.getvalue()


def _files(basis: Basis, names: Names) -> Iterator[tuple[str, bytes]]:
    yield "claim.json", json_bytes(claim_json(basis.claim, basis.rule))
    yield "contract.json", json_bytes(contract_json(basis.contract))
    yield "invoices.csv", b"".join(spreadsheet_csv(invoices_sheet(basis.invoices)))
    yield "payments.csv", b"".join(spreadsheet_csv(payments_sheet(basis.counted)))
    for stored in basis.statements:
        name = f"consumption/{stored.month}"
        yield f"{name}.json", stored.body
        yield f"{name}.csv", b"".join(spreadsheet_csv(statement_sheet(stored.body)))
        yield f"{name}.pdf", statement_pdf(stored.body, names)
