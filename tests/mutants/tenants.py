"""Deliberate bugs that tell a tenant of others, or charge it for them, one a line."""

from tests.mutants.mutant import Mutant

_BILLED = "tests/unit/accounting/months/test_billed.py"
_BILLING = "tests/unit/accounting/months/test_billing.py"
_CLAIMING = "tests/unit/accounting/months/test_claiming.py"
_REPLYING = "tests/unit/accounting/months/test_replying.py"
_CONCESSIONS = "tests/unit/accounting/bills/test_concessions.py tests/unit/accounting/test_concession_limits.py"
_ACCOUNTING_STORE = (
    "tests/unit/accounting/test_accounting_store.py tests/unit/accounting/storage/test_hours.py"
)
_ACCOUNTING_STORE2 = "tests/unit/accounting/test_accounting_store.py tests/unit/accounting/storage/test_hours.py tests/unit/accounting/months/test_closing.py"
_PACKAGE_STORE = "tests/unit/accounting/storage/test_package_store.py"
_ACCOUNTING_STORE3 = "tests/unit/accounting/test_accounting_store.py"
_ACCOUNTING_STORE4 = (
    "tests/unit/accounting/test_accounting_store.py tests/unit/accounting/months/test_closing.py"
)
_VOUCHER_STORE = "tests/unit/accounting/storage/test_voucher_store.py"
_MONTHS = "tests/unit/accounting/months tests/unit/accounting/storage/test_package_store.py"
_EVIDENCE = "tests/unit/accounting/proof/test_evidence.py"
_QUERIES = "tests/unit/scheduler/storage/test_queries.py"
_BILLS = "tests/acceptance/test_api_bills.py"
_ACCESS = "tests/acceptance/test_api_access.py"
_JOBS = "tests/acceptance/test_api_jobs.py"
_WATERFALL = "tests/acceptance/test_api_waterfall.py"
_ARCHIVES = "tests/acceptance/test_api_archives.py"

# fmt: off
MUTANTS = [
    Mutant("accounting/months/billed.py", "(UsageRow.tenant_id == tenant_id,)", "()", _BILLED),
    Mutant("accounting/months/billing.py", "        rows = rows.where(StatementRow.tenant_id == tenant_id)\n", "        pass\n", _BILLING),
    Mutant("accounting/months/billing.py", "        yield row_of(kind).tenant_id == tenant_id\n", "        pass\n", _BILLING),
    Mutant("accounting/months/claiming.py", "if one.rule_id == by.id and one.tenant_id == contract_.tenant_id", "if one.rule_id == by.id", _CLAIMING),
    Mutant("accounting/months/claiming.py", "        StatementRow.tenant_id == of.tenant_id,\n", "", _CLAIMING),
    Mutant("accounting/months/claiming.py", "(row_of(Contract).tenant_id == tenant_id,)", "()", _CLAIMING),
    Mutant("accounting/months/claiming.py", "(row_of(Claim).tenant_id == tenant_id,)", "()", _CLAIMING),
    Mutant("accounting/months/replying.py", "table.tenant_id == tenant_id, table.month == month)", "table.month == month)", _REPLYING),
    Mutant("accounting/storage/concession_store.py", "ConcessionRow.tenant_id == tenant_id, *of_month", "*of_month", _CONCESSIONS),
    Mutant("accounting/storage/concession_store.py", "(ConcessionRow.tenant_id == tenant_id,)", "()", _CONCESSIONS),
    Mutant("accounting/storage/concession_store.py", "(UsageRow.month == month, UsageRow.tenant_id == tenant_id)", "(UsageRow.month == month,)", _CONCESSIONS),
    Mutant("accounting/storage/hours.py", "hours if tenant_id is None else hours.where(UsageHourRow.tenant_id == tenant_id)", "hours", _ACCOUNTING_STORE),
    Mutant("accounting/storage/hours.py", "slices if tenant_id is None else slices.where(UsageRow.tenant_id == tenant_id)", "slices", _ACCOUNTING_STORE),
    Mutant("accounting/storage/hours.py", "(UsageRow.month == month, UsageRow.tenant_id == tenant_id)", "(UsageRow.month == month,)", _ACCOUNTING_STORE2),
    Mutant("accounting/storage/package_store.py", "(PackageRow.tenant_id == tenant_id,)\n", "()\n", _PACKAGE_STORE),
    Mutant("accounting/storage/package_store.py", "    mine = PackageRow.tenant_id == tenant_id\n", "    mine = PackageRow.tenant_id == PackageRow.tenant_id\n", _PACKAGE_STORE),
    Mutant("accounting/storage/package_store.py", "        times = times.where(PackageRow.tenant_id == tenant_id)\n", "        pass\n", _PACKAGE_STORE),
    Mutant("accounting/storage/package_store.py", "(PackageRow.tenant_id == tenant_id, *within(PackageRow.seq, None, through_seq))", "(*within(PackageRow.seq, None, through_seq),)", _PACKAGE_STORE),
    Mutant("accounting/storage/store.py", "        yield UsageRow.tenant_id == tenant_id\n", "        pass\n", _ACCOUNTING_STORE3),
    Mutant("accounting/storage/store.py", "(UsageRow.month == month, UsageRow.tenant_id == tenant_id)", "(UsageRow.month == month,)", _ACCOUNTING_STORE4),
    Mutant("accounting/months/closing.py", "[one for one in earlier if one.voucher.tenant_id == made.tenant_id]", "[*earlier]", "tests/unit/accounting/months/test_billed.py -k gives_back"),
    Mutant("accounting/months/known.py", "WHERE CAST(:tenant_id AS text) IS NULL OR tenant_id = :tenant_id\n", "", _MONTHS),
    Mutant("accounting/proof/evidence.py", "(UsageRow.tenant_id == tenant_id, UsageRow.month == line", "(UsageRow.month == line", _EVIDENCE),
    Mutant("scheduler/storage/queries.py", "JobRow.id.in_(sorted(job_ids)), JobRow.tenant_id == tenant_id\n", "JobRow.id.in_(sorted(job_ids))\n", _QUERIES),
    Mutant("scheduler/storage/queries.py", "        statement = statement.where(JobRow.tenant_id == wanted.tenant_id)\n", "        pass\n", _QUERIES),
    Mutant("scheduler/storage/queries.py", "(EventRow.tenant_id == tenant_id, EventRow.job_id.in_", "(EventRow.job_id.in_", _QUERIES),
    Mutant("scheduler/storage/queries.py", "    if tenant_id is not None:\n        statement = statement.where(JobRow.tenant_id == tenant_id)\n    return connection.execute(statement.order_by(AttemptRow.id)).all()", "    return connection.execute(statement.order_by(AttemptRow.id)).all()", _QUERIES),
    Mutant("scheduler/storage/queries.py", ".where(JobRow.tenant_id == tenant_id, JobRow.state.in_(WAITING_STATES))", ".where(JobRow.state.in_(WAITING_STATES))", _QUERIES),
    Mutant("api/routes/archives.py", "ArchiveRow.tenant_id == (caller.tenant_id or OPERATORS)", "ArchiveRow.tenant_id == ArchiveRow.tenant_id", _ARCHIVES),
    Mutant("api/routes/archives.py", "(ArchiveRow.tenant_id == owner, ArchiveRow.sha256 == sha256)", "(ArchiveRow.sha256 == sha256,)", _ARCHIVES),
    Mutant("api/routes/archives.py", "held.where(ArchiveRow.tenant_id == owner)", "held", _ARCHIVES),
    Mutant("api/routes/claims.py", "        found = claims(connection, tenant_id)\n", "        found = claims(connection)\n", _BILLS),
    Mutant("api/routes/claims.py", "        found = contracts(connection, tenant_id)\n", "        found = contracts(connection)\n", _BILLS),
    Mutant("api/routes/invoices.py", "    tenant_id = caller.narrowed(tenant)\n", "    tenant_id = tenant\n", _BILLS),
    Mutant("api/routes/invoices.py", "        tenant_id=one_tenant(caller, wanted.tenant),", "        tenant_id=wanted.tenant or one_tenant(caller, wanted.tenant),", _BILLS),
    Mutant("api/routes/payments.py", "    tenant_id = caller.narrowed(tenant)\n", "    tenant_id = tenant or caller.tenant_id\n", f"{_ACCESS} -k nothing"),
    Mutant("api/routes/jobs.py", "tenant_id=caller.narrowed(asked.tenant),", "tenant_id=asked.tenant,", f"{_JOBS} -k operator_submits"),
    Mutant("api/routes/waterfall.py", "edges, caller.narrowed(None))", "edges, None)", f"{_WATERFALL} -k itself"),
]
