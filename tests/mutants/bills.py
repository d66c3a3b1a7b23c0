"""Deliberate bugs in what follows a month's close, one a line."""

from tests.mutants.mutant import Mutant

_REPLIES = "tests/unit/test_replies.py"
_REPLYING = "tests/unit/test_replying.py"
_API = "tests/acceptance/test_api_bills.py"

# fmt: off
MUTANTS = [
    Mutant("accounting/replies.py", "ReplyKind.DISPUTED: {None, ReplyKind.RESOLVED}", "ReplyKind.DISPUTED: {None, ReplyKind.RESOLVED, ReplyKind.CONFIRMED}", _REPLIES),
    Mutant("accounting/replies.py", "not 1 <= line <= line_count", "not 0 <= line <= line_count", _REPLIES),
    Mutant("accounting/replies.py", "if reply.kind is not ReplyKind.CONFIRMED and not reply.reason:", "if not reply:", _REPLIES),
    Mutant("accounting/replying.py", "if earlier and earlier[-1].says_the_same(numbered):", "if not numbered:", _REPLYING),
    Mutant("accounting/replying.py", "is not StatementState.CLOSED or not line_count(stored)", "is not StatementState.CLOSED", _REPLYING),
    Mutant("accounting/replying.py", 'said.sha256 not in {"", stored.sha256}', "not said", _REPLYING),
    Mutant("accounting/verifying.py", "*(_kept(connection, _of(row, chain), kind) for kind, row in OF_TENANTS.items()),", "", _REPLYING),
    Mutant("api/routes/replies.py", "tenant_id = one_tenant(caller, tenant)", 'tenant_id = tenant or ""', _API),
]
