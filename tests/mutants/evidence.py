"""Deliberate bugs in evidence and in its checker, one a line."""

from tests.mutants.mutant import Mutant

_UNIT = "tests/unit/accounting/proof/test_evidence.py"
_CHAIN = "tests/unit/accounting/test_chain.py"
_API = "tests/acceptance/test_evidence.py"

# fmt: off
MUTANTS = [
    Mutant("api/client/connection.py", "        except httpx2.TransportError as error:\n            raise self._unreachable(error) from error\n", "        finally:\n            pass\n", f"{_API} -k vain"),
    Mutant("accounting/chain.py", "_digest([chain, link.number, link.hash.hex()])", "_digest([chain, link.hash.hex()])", f"{_CHAIN} {_UNIT}"),
    Mutant("accounting/chain.py", "_digest(sorted(leaves))", "_digest(list(leaves))", f"{_CHAIN} -k root"),
    Mutant("accounting/chain.py", '_digest(["root/2", day, before.hex(), digest])', '_digest(["root/2", day, digest])', f"{_CHAIN} -k root"),
    Mutant("accounting/proof/evidence.py", "is_first = leaves and mine.number >= number and", "is_first = leaves and", f"{_UNIT} -k 'proven or draft'"),
    Mutant("accounting/proof/evidence.py", ' and not any("facts" in one for one in told)', "", f"{_UNIT} -k 'leads or notes'"),
    Mutant("accounting/proof/leaves.py", "        noted = through if has_papers else noted\n", "", f"{_UNIT} -k notes"),
    Mutant("accounting/proof/leaves.py", "else _park(heads_of(row)), _park(heads))", "else 0, _park(heads))", f"{_UNIT} -k notes"),
    Mutant("accounting/proof/leaves.py", "closed = closed.where(ClosingRow.link > after, ClosingRow.link <= through)", "pass", f"{_UNIT} -k notes"),
    Mutant("api/evidence_check.py", "    if day is None:\n", "    if False:\n", f"{_UNIT} -k anew"),
    Mutant("api/evidence_check.py", '    if not any("facts" in root for root in roots):\n', "    if False:\n", f"{_UNIT} -k 'draft or form'"),
    Mutant("api/cli/evidence.py", "{_told(one.part)}  {_told(one.what)}", "{plain(one.part)}  {plain(one.what)}", f"{_API} -k without"),
    Mutant("api/cli/evidence.py", "✗[/] {_told(wrong)}", "✗[/] {plain(wrong)}", f"{_API} -k without"),
    Mutant("api/cli/evidence.py", ".join(map(_told, unrooted))", ".join(unrooted)", f"{_API} -k without"),
    Mutant("api/cli/evidence.py", "    if not unrooted:\n", "    if True:\n", f"{_API} -k without"),
    Mutant("accounting/proof/verifying.py", "if row.closed_at_ms != _closed_at_ms(connection, row.month):", "if False:", "tests/unit/accounting/proof/test_verifying.py -k moment"),
    Mutant("accounting/months/settling.py", "elif settled[row.month].at_ms != row.at_ms:", "elif False:", "tests/unit/accounting/months/test_settling.py -k altered"),
    Mutant("api/evidence_check.py", "zlib.error, ", "", f"{_UNIT} -k unpacked"),
    Mutant("api/evidence_check.py", "if hashlib.sha256(content[:-SEAL]).hexdigest() != seal:", "if False:", f"{_UNIT} -k byte"),
    Mutant("api/evidence_check.py", '    _check_names(manifest["names"])\n', "", f"{_UNIT} -k manifest"),
    Mutant("api/evidence_check.py", "not slices[0]['tflops']", "not slices[0]", f"{_UNIT} -k cores"),
    Mutant("api/evidence_check.py", "        if at != digest.decode():\n", "        if False:\n", f"{_UNIT} -k anew"),
    Mutant("api/evidence_check.py", "if int(said_number) != number:", "if False:", f"{_UNIT} -k anew"),
    Mutant("api/evidence_check.py", '        if again != root["root"]:\n', "        if False:\n", f"{_UNIT} -k anew"),
    Mutant("api/evidence_check.py", "if kept is not None and kept.lower() not in made:", "if False:", f"{_UNIT} -k later"),
    Mutant("api/evidence_check.py", 'hashlib.sha256(files["statement.json"])', "hashlib.sha256()", f"{_UNIT} -k notes"),
    Mutant("api/evidence_check.py", 'if device_ms != line["device_ms"]:', "if False:", f"{_UNIT} -k anew"),
    Mutant("api/evidence_check.py", 'if amount_fen != line["amount_fen"]:', "if False:", f"{_UNIT} -k anew"),
    Mutant("api/evidence_check.py", 'if claim["after"] < number <= claim["through"]:', "if True:", f"{_UNIT} -k each"),
    Mutant("api/evidence_check.py", "number = max(number, credit.number)", "pass", f"{_UNIT} -k each"),
    Mutant("api/evidence_check.py", 'if (root["facts"], root["head"]) != (last.number, last.hash):', "if False:", f"{_UNIT} -k anew"),
    Mutant("api/routes/evidence.py", "if job is None or not caller.may_see(job.tenant_id):", "if job is None:", f"{_API} -k nobody"),
    Mutant("api/cli/evidence.py", "    if wrong is not None:\n        raise typer.Exit(1)\n", "", f"{_API} -k without"),
]
