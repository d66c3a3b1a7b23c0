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
    Mutant("scheduler/sharing/standing.py", "owns = self._owning.get(attempt.id, NOTHING)", "owns = NOTHING", _HAND),
    Mutant("scheduler/sharing/standing.py", "standing = Standing(self.owns(record, kind_id), self.merit(record))", "standing = self.best(record)", _HAND),
    Mutant("scheduler/sharing/standing.py", "return Standing(self.most, max", "return Standing(NOTHING, max", _HAND),
    Mutant("scheduler/sharing/standing.py", "for one in record.job.device_kind_ids or self._kind_ids]", "for one in record.job.device_kind_ids or self._kind_ids[:0]]", _HAND),
    Mutant("scheduler/sharing/standing.py", "if unit in (kind_id, P) and branch not in own", "if unit in (kind_id, P)", _HAND),
    Mutant("scheduler/sharing/standing.py", "return any(not owns[level] for one", "return any(True for one", _HAND),
    Mutant("scheduler/sharing/standing.py", "any(self._is_within(one, kind_id, 1) for", "any(self._is_within(one, kind_id, 1) and False for", _HAND),
    Mutant("scheduler/sharing/standing.py", "        self._hold(self.levels(record.job), kind_id, record.job.device_count)\n", "        pass\n", _HAND),
    Mutant("scheduler/sharing/standing.py", "levels, cards = self.levels(record.job), record.job.device_count", "levels, cards = self.levels(record.job), 0", _HAND),
    Mutant("scheduler/sharing/standing.py", "owning[index].insert(0, self._is_within(levels[depth], kind_id, 0))", "owning[index].insert(0, self._is_within(levels[depth], kind_id, 1))", _HAND),
    Mutant("scheduler/sharing/standing.py", "running.sort(key=_best_first)", "running.sort(key=_best_first, reverse=True)", _HAND),
    Mutant("scheduler/sharing/standing.py", "return -merit.rank, -merit.spared, attempt.leased_at_ms", "return 0, 0, attempt.leased_at_ms", _HAND),
    Mutant("scheduler/sharing/standing.py", "-merit.spared, attempt.leased_at_ms, attempt.id", "-merit.spared, -attempt.leased_at_ms, attempt.id", _HAND),
    Mutant("scheduler/planning/preemption.py", "        if is_owner and not owns:\n            return True\n", "", _HAND),
    Mutant("scheduler/planning/preemption.py", "if is_owner and not owns:", "if level is not None and not owns:", f"{_HAND} tests/unit/test_preemption.py"),
    Mutant("scheduler/planning/preemption.py", "return victim.is_preemptible and (is_below", "return (is_below", _HAND),
    Mutant("scheduler/planning/preemption.py", "if not (has_owners or is_preemptible):", "if not self._is_preemptible(record.job):", _HAND),
    Mutant("scheduler/planning/preemption.py", "mine and not all_own for mine,", "False for mine,", _HAND),
    Mutant("scheduler/planning/preemption.py", "return owns, merit.rank, self.lost_card_ms", "return False, merit.rank, self.lost_card_ms", _HAND),
    Mutant("scheduler/planning/preemption.py", "max((victim.standing.owns, victim.standing.merit.rank)", "max((False, victim.standing.merit.rank)", _HAND),
    Mutant("scheduler/sharing/turns.py", "for owned in self._standings.may_own(*key[:2]):", "for owned in ():", _HAND),
    Mutant("scheduler/sharing/turns.py", "if record.job.id not in done and self", "if self", _HAND),
    Mutant("scheduler/planning/desk.py", "merit = BEST_MERIT if is_owner else self._standings.merit(record)", "merit = self._standings.merit(record)", _HAND),
    Mutant("scheduler/sharing/turns.py", "if record.job.id not in done and self._is_in(owned, record):", "if record.job.id not in done:", _HAND),
    Mutant("scheduler/planning/preemption.py", "owns = level is not None and victim.standing.owns[level]", "owns = any(victim.standing.owns)", _HAND),
    Mutant("scheduler/planning/preemption.py", "(owns and not is_owner)", "False", _HAND),
    Mutant("scheduler/planning/preemption.py", "return min(self.job.grace_ms, SOON_MS)", "return self.job.grace_ms", _HAND),
    Mutant("scheduler/controller.py", "grace_ms=min(stop.grace_ms, SOON_MS),", "grace_ms=stop.grace_ms,", "tests/unit/test_controller_stops.py"),
    Mutant("scheduler/controller.py", "if job_id is not None and not isinstance(event, ev.Metered):", "if job_id is not None:", "tests/unit/test_controller.py"),
    Mutant("scheduler/planning/desk.py", "return Owns(*map(all, zip(*found", "return Owns(*map(any, zip(*found", _HAND),
    Mutant("scheduler/sharing/turns.py", "                lanes[*STARVING_LANE, owned] = self._owners(starving, owned)\n", "", _HAND),
    Mutant("scheduler/storage/queries.py", "func.coalesce(JobRow.released_at_ms, JobRow.submitted_at_ms)", "JobRow.submitted_at_ms", "tests/acceptance/test_api_dependencies.py"),
    Mutant("scheduler/planning/desk.py", "        self._standings.take(form, pool, [share.node_id for share in shares])\n", "", _HAND),
    Mutant("scheduler/model/promises.py", "if most is not None and cards > most:", "if False:", _FILE),
    Mutant("scheduler/model/promises.py", "if promised > entitlements.capacity(unit):", "if False:", _FILE),
    Mutant("scheduler/model/promises.py", "keys() - park_cards.keys()):", "keys() - dict(own.nominal_cards).keys()):", _FILE),
    Mutant("api/routes/tenants.py", "{**declared.tenants, tenant.id: tenant}", "{tenant.id: tenant}", _API),
    Mutant("api/entitling.py", "nominal_cards=dict(own.nominal_cards)", "nominal_cards={}", _API),
    Mutant("api/quoting.py", "        is_borrowing=prospect.is_borrowing,\n", "        is_borrowing=False,\n", _API),
    Mutant("api/quoting.py", "    if first.is_borrowing:\n", "    if False:\n", _API),
    Mutant("scheduler/planning/desk.py", "return Standing(self._owns(record), self._standings.merit(record))", "return self._standings.best(record)", _RANKING),
    Mutant("scheduler/asking/ranking.py", "if isinstance(answer, Verdict)\n", "", _RANKING),
    Mutant("scheduler/asking/ranking.py", "sum(job.tenant_id == tenant_id for job in ahead)", "len(ahead)", _RANKING),
    Mutant("scheduler/asking/ranking.py", "is_owner=any(standing) if has_quota else None", "is_owner=any(standing)", _RANKING),
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
    Mutant("scheduler/asking/ranking.py", "state.drains.open(state.online_node_ids) if is_heard else frozenset()", "state.drains.open(state.online_node_ids)", _RANKING),
    Mutant("scheduler/asking/ranking.py", "offer.pool.card_count - held.total() - free", "0", _RANKING),
    Mutant("api/ranked.py", "term.had_tflops_ms / TFLOPS_MS_PER_PH", "term.had_tflops_ms", _QUOTES),
    Mutant("api/routes/quotes.py", "        if ranked is None and state == JobState.QUEUED:\n", "        if ranked is None:\n", _QUOTES),
    Mutant("api/cli/job_tables.py", "standing.position - 1 - standing.ahead_yours", "standing.position - 1", "tests/unit/test_cli.py"),
    Mutant("api/declaring.py", " if one not in ([], None)}", "}", "tests/unit/test_declaring.py"),
]
