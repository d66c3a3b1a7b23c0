"""Deliberate bugs in what is a tenant's own, one a line."""

from tests.mutants.mutant import Mutant

_HAND = "tests/unit/test_standing.py tests/unit/test_standing_turns.py"
_FILE = "tests/unit/test_park_file.py"
_SUFFICIENT = "tests/unit/test_ranking.py tests/unit/test_sufficient.py"
_RANKING = "tests/unit/test_ranking.py"
_QUOTES = "tests/acceptance/test_api_quotes.py -k stand"
_API = "tests/acceptance/test_api_park.py -k owner"

# fmt: off
MUTANTS = [
    Mutant("scheduler/sharing/standing.py", "return _standing(attempt.id in self._owning, self", "return Standing(False, self", _HAND),
    Mutant("scheduler/sharing/standing.py", "standing = Standing(self.owns(record, kind_id), self.merit(record))", "standing = self.best(record)", _HAND),
    Mutant("scheduler/sharing/standing.py", "return Standing(self.has_owners, max", "return Standing(False, max", _HAND),
    Mutant("scheduler/sharing/standing.py", "for one in record.job.device_kind_ids or own)", "for one in record.job.device_kind_ids)", _HAND),
    Mutant("scheduler/sharing/standing.py", "bool(owners - {record.job.tenant_id})", "bool(owners)", _HAND),
    Mutant("scheduler/sharing/standing.py", "return has_others and not self.owns(record, kind_id)", "return has_others", _HAND),
    Mutant("scheduler/sharing/standing.py", "self._held[tenant_id, one] < self._nominal[tenant_id, one]", "self._nominal[tenant_id, one] < 0", _HAND),
    Mutant("scheduler/sharing/standing.py", "        self._held[record.job.tenant_id, kind_id] += record.job.device_count\n", "        pass\n", _HAND),
    Mutant("scheduler/sharing/standing.py", "+ record.job.device_count <= nominal", "<= nominal", _HAND),
    Mutant("scheduler/sharing/standing.py", "if self._held[quota] <= self._nominal[quota]:", "if self._held[quota] < self._nominal[quota]:", _HAND),
    Mutant("scheduler/sharing/standing.py", "sorted(theirs, key=_best_first)", "reversed(sorted(theirs, key=_best_first))", _HAND),
    Mutant("scheduler/sharing/standing.py", "return -merit.rank, -merit.spared, attempt.leased_at_ms", "return 0, 0, attempt.leased_at_ms", _HAND),
    Mutant("scheduler/sharing/standing.py", "-merit.spared, attempt.leased_at_ms, attempt.id", "-merit.spared, -attempt.leased_at_ms, attempt.id", _HAND),
    Mutant("scheduler/planning/preemption.py", "        if taker.standing.owns and not owns and not is_own:\n            return True\n", "", _HAND),
    Mutant("scheduler/planning/preemption.py", "if taker.standing.owns and not owns and not is_own:", "if not owns and not is_own:", f"{_HAND} tests/unit/test_preemption.py"),
    Mutant("scheduler/planning/preemption.py", "return victim.is_preemptible and (is_below", "return (is_below", _HAND),
    Mutant("scheduler/planning/preemption.py", "if not (strongest.owns or is_preemptible):", "if not self._is_preemptible(record.job):", _HAND),
    Mutant("scheduler/planning/preemption.py", "if taker.owns and self._lowest is not None and self._lowest < taker:", "if False:", _HAND),
    Mutant("scheduler/planning/preemption.py", "return owns, merit.rank, self.lost_card_ms", "return False, merit.rank, self.lost_card_ms", _HAND),
    Mutant("scheduler/planning/preemption.py", "max((victim.standing.owns, victim.standing.merit.rank)", "max((False, victim.standing.merit.rank)", _HAND),
    Mutant("scheduler/sharing/turns.py", "if self._standings.may_own(key[0]):", "if False:", _HAND),
    Mutant("scheduler/sharing/turns.py", "if record.job.id not in done and (is_ordinary", "if (is_ordinary", _HAND),
    Mutant("scheduler/planning/desk.py", "merit = BEST_MERIT if is_owner else self._standings.merit(record)", "merit = self._standings.merit(record)", _HAND),
    Mutant("scheduler/sharing/turns.py", "(is_ordinary or self._is_first(record)):", "True:", _HAND),
    Mutant("scheduler/planning/preemption.py", "and not taker.standing.owns and not is_own):", "and not taker.standing.owns):", _HAND),
    Mutant("scheduler/planning/preemption.py", "(owns and not taker.standing.owns and not is_own)", "False", _HAND),
    Mutant("scheduler/planning/preemption.py", "return min(self.job.grace_ms, SOON_MS)", "return self.job.grace_ms", _HAND),
    Mutant("scheduler/controller.py", "grace_ms=min(stop.grace_ms, SOON_MS),", "grace_ms=stop.grace_ms,", "tests/unit/test_controller_stops.py"),
    Mutant("scheduler/controller.py", "if job_id is not None and not isinstance(event, ev.Metered):", "if job_id is not None:", "tests/unit/test_controller.py"),
    Mutant("scheduler/planning/desk.py", "return bool(kinds) and all(self._standings", "return bool(kinds) and any(self._standings", _HAND),
    Mutant("scheduler/sharing/turns.py", "                lanes[*STARVING_LANE, False] = self._owners(starving)\n", "", _HAND),
    Mutant("scheduler/storage/queries.py", "func.coalesce(JobRow.released_at_ms, JobRow.submitted_at_ms)", "JobRow.submitted_at_ms", "tests/acceptance/test_api_dependencies.py"),
    Mutant("scheduler/planning/desk.py", "        self._standings.take(form, pool.device_kind_id)\n", "", _HAND),
    Mutant("scheduler/model/tenancy.py", "if sum(own.values()) > tenant.max_cards:", "if False:", _FILE),
    Mutant("scheduler/model/tenancy.py", "if promised[kind_id] > cards[kind_id]:", "if False:", _FILE),
    Mutant("scheduler/model/tenancy.py", "in sorted(own.keys() - cards.keys()):", "in ():", _FILE),
    Mutant("api/routes/tenants.py", "{**declared.tenants, tenant.id: tenant}", "{tenant.id: tenant}", _API),
    Mutant("api/routes/tenants.py", "nominal_cards=dict(tenant.nominal_cards)", "nominal_cards={}", _API),
    Mutant("api/quoting.py", "        is_borrowing=prospect.is_borrowing,\n", "        is_borrowing=False,\n", _API),
    Mutant("api/quoting.py", "    if first.is_borrowing:\n", "    if False:\n", _API),
    Mutant("scheduler/planning/desk.py", "return Standing(self._is_first(record), self._standings.merit(record))", "return self._standings.best(record)", _RANKING),
    Mutant("scheduler/asking/ranking.py", "if isinstance(answer, Verdict)\n", "", _RANKING),
    Mutant("scheduler/asking/ranking.py", "sum(job.tenant_id == tenant_id for job in ahead)", "len(ahead)", _RANKING),
    Mutant("scheduler/asking/ranking.py", "is_owner=owns if tenant.nominal_cards else None", "is_owner=owns", _RANKING),
    Mutant("scheduler/planning/explain.py", "if told.code is ReasonCode.CENTRE_SILENT and known.find(wanted) is None:", "if False:", _SUFFICIENT),
    Mutant("scheduler/planning/explain.py", "if told.code is ReasonCode.NODES_DOWN and whole.find(wanted) is None:", "if False:", _SUFFICIENT),
    Mutant("scheduler/planning/offers.py", "*self.allowances.quota_reasons(form))", "self.allowances.quota_reason(form))", _SUFFICIENT),
    Mutant("scheduler/planning/rooms.py", "self._state.free_cards | self.of(pool).now.by_node", "self._state.free_cards", _SUFFICIENT),
    Mutant("scheduler/asking/ranking.py", "had_tflops_ms=fair.had(branch)", "had_tflops_ms=fair.score(branch)", _RANKING),
    Mutant("scheduler/asking/ranking.py", "other < scores[branch] for", "other > scores[branch] for", _RANKING),
    Mutant("scheduler/asking/ranking.py", "merit.spared == STARVING if is_shared else None", "False if is_shared else None", _RANKING),
    Mutant("scheduler/asking/ranking.py", "level(record.served_card_ms) if is_shared", "0 if is_shared", _RANKING),
    Mutant("scheduler/asking/ranking.py", '"" if owner.id == tenant_id else owner.price_class', "owner.price_class", _RANKING),
    Mutant("scheduler/asking/ranking.py", "for node_id in node_ids if node_id in online)", "for node_id in node_ids)", _RANKING),
    Mutant("scheduler/asking/ranking.py", "state.online_node_ids if is_heard else frozenset()", "state.online_node_ids", _RANKING),
    Mutant("scheduler/asking/ranking.py", "offer.pool.card_count - held.total() - free", "0", _RANKING),
    Mutant("api/ranked.py", "term.had_tflops_ms / TFLOPS_MS_PER_PH", "term.had_tflops_ms", _QUOTES),
    Mutant("api/routes/quotes.py", "        if ranked is None and state == JobState.QUEUED:\n", "        if ranked is None:\n", _QUOTES),
    Mutant("api/cli/job_tables.py", "standing.position - 1 - standing.ahead_yours", "standing.position - 1", "tests/unit/test_cli.py"),
    Mutant("api/declaring.py", " if one not in ([], None)}", "}", "tests/unit/test_declaring.py"),
]
