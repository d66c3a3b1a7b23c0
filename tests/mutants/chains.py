"""Deliberate bugs in hash chains, roots, closing and verification, one a line."""

from tests.mutants.mutant import Mutant

_CHAIN = "tests/unit/accounting/test_chain.py"
_VERIFY = "tests/unit/accounting/proof/test_verifying.py"
_CLOSING = "tests/unit/accounting/months/test_closing.py"
_TABLES = "tests/unit/api/test_database.py"
_API = "tests/acceptance/test_closing.py"
_BOOKS = "tests/simulation/test_books.py"

# fmt: off
MUTANTS = [
    Mutant("accounting/chain.py", "hashlib.sha256(before.hash + said)", "hashlib.sha256(said)", _CHAIN),
    Mutant("accounting/chain.py", "Link(before.number + 1,", "Link(before.number,", _CHAIN),
    Mutant("accounting/chain.py", "line = [_WORDS[kind], *values]", "line = [*values]", _CHAIN),
    Mutant("accounting/chain.py", "after.get(chain, GENESIS)", "GENESIS", _CHAIN),
    Mutant("accounting/chain.py", "for chain, link in sorted(heads)", "for chain, link in heads", _CHAIN),
    Mutant("accounting/chain.py", "isinstance(fact, PriceList | ClosedMonth", "isinstance(fact, ClosedMonth", _CHAIN),
    Mutant("accounting/proof/verifying.py", "stored.number != before.number + 1", "stored.number <= before.number", _VERIFY),
    Mutant("accounting/proof/verifying.py", "if next_link(before, stored.said).hash != stored.hash:", "if False:", _VERIFY),
    Mutant("accounting/proof/verifying.py", "noted.get(stored.number, stored.hash) != stored.hash", "False", _VERIFY),
    Mutant("accounting/proof/verifying.py", "if at.number < last:", "if False:", _VERIFY),
    Mutant("accounting/proof/verifying.py", "last = max(head.number, *noted, 0)", "last = head.number", _VERIFY),
    Mutant("accounting/proof/verifying.py", "for chain in sorted({*known, *noted, *_chains(connection)}):", "for chain in sorted({*known, *_chains(connection)}):", _VERIFY),
    Mutant("accounting/proof/verifying.py", "        if before != row.root:\n", "        if False:\n", _VERIFY),
    Mutant("accounting/proof/verifying.py", "    if sha256_of(row.body) != row.sha256:\n", "    if False:\n", _VERIFY),
    Mutant("accounting/proof/verifying.py", "return None if again == row.body else", "return None if True else", _VERIFY),
    Mutant("accounting/proof/verifying.py", "    yield from _balances(connection)\n", "", _VERIFY),
    Mutant("accounting/proof/verifying.py", "    except PriceMissing as error:", "    except LookupError as error:", _VERIFY),
    Mutant("accounting/proof/roots.py", "last.day >= yesterday", "last.day > yesterday", _VERIFY),
    Mutant("accounting/proof/roots.py", "GENESIS.hash if last is None else last.root", "GENESIS.hash", _VERIFY),
    Mutant("accounting/proof/roots.py", "    if not heads:\n        return None\n", "", _VERIFY),
    Mutant("accounting/proof/roots.py", "day_of(now_ms - DAY_MS)", "day_of(now_ms)", _VERIFY),
    Mutant("accounting/months/closing.py", "month, scope, through.heads)", "month, scope)", _VERIFY),
    Mutant("accounting/proof/verifying.py", "    yield from _overlaps(connection)\n", "", f"{_VERIFY} -k twice"),
    Mutant("accounting/storage/overlaps.py", "slices.c.from_ms < slices.c.before_ms", "slices.c.from_ms <= slices.c.before_ms", f"{_VERIFY} -k twice"),
    Mutant("accounting/storage/overlaps.py", "    if after_seq is not None:\n", "    if after_seq is None:\n", f"{_CLOSING} -k next_open"),
    Mutant("accounting/storage/overlaps.py", "    yield from overlaps(connection, UsageRow.month == month)\n", "", f"{_CLOSING} -k stays_open"),
    Mutant("accounting/months/closing.py", "first is not None and first > month", "False", _API),
    Mutant("accounting/months/known.py", 'connection.scalars(_USED_MONTHS, {"tenant_id": tenant_id})', 'connection.scalars(_USED_MONTHS, {"tenant_id": None})', _CLOSING),
    Mutant("api/routes/months.py", "for one in book.statements if caller.may_see(one.tenant_id)]", "for one in book.statements]", _API),
    Mutant("api/closing.py", "closed(connection, month) or _close(", "_close(", _API),
    Mutant("api/routes/verification.py", "is_intact=not misfits", "is_intact=True", _API),
    Mutant("api/routes/verification.py", 'if not connection.scalar(text(f"SELECT pg_try_advisory_xact_lock({VERIFY_LOCK})")):', "if False:", _API),
    Mutant("api/cli/closing.py", "if not lines[-1].verdict.is_intact:", "if False:", _API),
    Mutant("api/housekeeping.py", "    draw_root(connection, now_ms)\n", "", _API),
    Mutant("scheduler/storage/reconciling.py", '        yield from _only(connection, name, except_all(there, said), "in the books alone")\n', "", _BOOKS),
    Mutant("scheduler/storage/reconciling.py", '        yield from _only(connection, name, except_all(said, there), "in the log alone")\n', "", _BOOKS),
    Mutant("scheduler/storage/reconciling.py", "    yield from _price_lists(connection, state)\n", "", _BOOKS),
    Mutant("scheduler/storage/reconciling.py", "    yield from _accounts(connection, state)\n", "", _BOOKS),
    Mutant("scheduler/storage/reconciling.py", "funds.available_micros - state.tenants[tenant_id].credit_limit_micros", "funds.available_micros", _BOOKS),
    Mutant("scheduler/storage/reconciling.py", "there = there.where(TransferRow.kind != TransferKind.VOUCHER_ISSUED.value)", "pass", f"{_BOOKS} tests/acceptance/test_api_vouchers.py"),
    Mutant("api/routes/verification.py", "        counts[sort] = found.count\n", "", _API),
    Mutant("api/migrations/versions/0011_chains.py", "key=lambda one: one[0]", "key=lambda one: one[1]", _TABLES),
    Mutant("accounting/proof/verifying.py", "statements = sorted([tenant_id, digest] for tenant_id, digest in mine)", "statements = [[tenant_id, digest] for tenant_id, digest in mine]", _VERIFY),
    Mutant("accounting/storage/chaining.py", "    if len(before) < len(chains):\n", "    if False:\n", _VERIFY),
    Mutant("api/closing.py", '    connection.execute(text("LOCK TABLE closings IN SHARE ROW EXCLUSIVE MODE"))\n', "", _VERIFY),
    Mutant("scheduler/storage/reconciling.py", '                raise _Unplayable(str(row.seq), f"it does not fit any more: {refusal}")\n', "                pass\n", _BOOKS),
]
