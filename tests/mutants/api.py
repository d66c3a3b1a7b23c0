"""Deliberate bugs in `api/`, one a line."""

from tests.mutants.mutant import Mutant

_POSTGRES = "tests/unit/test_postgres.py"

# fmt: off
MUTANTS = [
    Mutant("api/postgres.py", "is_ours = str(self.data) in process.cmdline()", "is_ours = True", f"{_POSTGRES} -k number"),
    Mutant("api/postgres.py", '(self.data / "postmaster.pid").unlink(missing_ok=True)', "pass", f"{_POSTGRES} -k number"),
    Mutant("api/postgres.py", "shutil.rmtree(unfinished, ignore_errors=True)", "pass", f"{_POSTGRES} -k unfinished"),
    Mutant("api/postgres.py", "len(os.fsencode(root / SOCKET_NAME))", "len(str(root / SOCKET_NAME))", f"{_POSTGRES} -k bytes"),
    Mutant("api/postgres.py", " or folder.is_symlink()", "", f"{_POSTGRES} -k folder"),
    Mutant("api/postgres.py", "folder.chmod(0o700)", "pass", f"{_POSTGRES} -k folder"),
    Mutant("api/postgres.py", "os.chown(data, uid, uid)", "pass", f"{_POSTGRES} -k namespaces"),
    Mutant("api/logs.py", "not 0 <= known < len(piece.data)", "not known < len(piece.data)", "tests/unit/test_logs.py"),
    Mutant("api/logs.py", "data = piece.data[known:]", "data = piece.data", "tests/unit/test_logs.py"),
    Mutant("api/routes/agents.py", "if caller.centre_id != centre_id:", "if caller.centre_id is None:", "tests/acceptance/test_agents_api.py"),
    Mutant("api/auth.py", "not hmac.compare_digest(row.digest, _digest(secret))", "False", "tests/unit/test_auth.py -k secret"),
    Mutant("api/auth.py", 'KeyRow.id == key_id.replace("\\0", ""), KeyRow.revoked_at_ms.is_(None)', 'KeyRow.id == key_id.replace("\\0", "")', "tests/unit/test_auth.py -k revoked"),
    Mutant("api/auth.py", "if now_ms - self._at_ms.get(key_id, 0) < TOUCH_EVERY_MS:", "if False:", "tests/unit/test_auth.py -k minute"),
    Mutant("api/auth.py", "return not self.is_tenant or self.tenant_id == tenant_id", "return True", "tests/acceptance/test_api_access.py -k exist"),
    Mutant("api/auth.py", '        if tenant_id not in {None, self.tenant_id}:\n            raise missing("tenant", str(tenant_id))\n        return self.tenant_id', "        return tenant_id or self.tenant_id", "tests/unit/test_auth.py -k narrowed"),
    Mutant("api/asking.py", "if earlier.request_digest != create.digest:", "if False:", "tests/acceptance/test_api_jobs.py -k different"),
    Mutant("api/asking.py", 'return f"tenant:{caller.tenant_id}" if caller.tenant_id else f"key:{caller.key_id}"', 'return "all"', "tests/acceptance/test_api_access.py -k idempotency"),
    Mutant("api/submission.py", "ArchiveRow.tenant_id == owner, ", "", "tests/acceptance/test_api_access.py -k uploaded"),
    Mutant("api/errors.py", 'f"incident {number}: the broker\'s log says more"', "str(error)", "tests/unit/test_errors.py"),
    Mutant("api/app.py", "    if count > limit:", "    if False:", "tests/acceptance/test_api_errors.py -k hides"),
    Mutant("api/feed.py", "if not self._events or self._events[0].seq > seq + 1:", "if not self._events:", "tests/unit/test_feed.py"),
    Mutant("api/declaring.py", 'f"{PREFIX}{digest}:{last_seq}:{number}"', 'f"{PREFIX}{digest}:{number}"', "tests/unit/test_declaring.py -k back"),
    Mutant("api/routes/events.py", "return event.tenant_id in {None, caller.tenant_id}", "return True", "tests/acceptance/test_api_events.py -k nothing"),
    Mutant("api/routes/jobs.py", "if row is None or not caller.may_see(row.tenant_id):", "if row is None:", "tests/acceptance/test_api_access.py -k exist"),
    Mutant("api/routes/keys.py", "(caller.is_tenant and row.tenant_id != caller.tenant_id)", "False", "tests/acceptance/test_api_access.py -k exist"),
    Mutant("api/routes/archives.py", "if digest.hexdigest() != sha256:", "if False:", "tests/acceptance/test_api_park.py -k says"),
    Mutant("api/describing.py", "if isinstance(call, Only):", "if False:", "tests/unit/test_describing.py -k roles"),
    Mutant("api/describing.py", 'answer["content"] = {MEDIA_TYPE: content[MEDIA_TYPE]}', "pass", "tests/unit/test_describing.py -k problems"),
    Mutant("api/examples.py", '"need": 8,', '"needs": 8,', "tests/unit/test_describing.py -k example"),
    Mutant("api/schemas.py", "Field(ge=1, le=MAX_DEVICE_COUNT), BeforeValidator(whole)", "BeforeValidator(whole), Field(ge=1, le=MAX_DEVICE_COUNT)", "tests/unit/test_describing.py -k bound"),
    Mutant("api/upkeep.py", "new_operator_key(url) if operator_key else None", "new_operator_key(url)", "tests/acceptance/test_upkeep.py -k unasked"),
    Mutant("api/local_keys.py", 'connection, Role.OPERATOR, now_ms=now_ms(), label="brain migrate"', 'connection, Role.FINANCE, now_ms=now_ms(), label="brain migrate"', "tests/acceptance/test_upkeep.py -k first"),
    Mutant("api/wiring.py", "self._own_database = own_engine(database)", "self._own_database = database", "tests/acceptance/test_slow_readers.py -k leader"),
    Mutant("api/routes/archives.py", "    with services.database.connect() as connection:\n        return connection.scalar(select(ArchiveChunkRow.body).where(*one))", "    return services.database.connect().scalar(select(ArchiveChunkRow.body).where(*one))", "tests/acceptance/test_slow_readers.py -k archive"),
    Mutant("api/load.py", "sums[bucket] += now.times(until_ms - at_ms)", "sums[bucket] += now", "tests/unit/test_load.py"),
    Mutant("api/housekeeping.py", "            InboxRow.consumed_seq.is_not(None),\n", "", "tests/unit/test_housekeeping.py"),
]
