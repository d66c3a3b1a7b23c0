"""Deliberate bugs in what is a tenant's own, one a line."""

from tests.mutants.mutant import Mutant

_HAND = "tests/unit/test_standing.py"
_FILE = "tests/unit/test_park_file.py"
_RANKING = "tests/unit/test_ranking.py"
_QUOTES = "tests/acceptance/test_api_quotes.py -k stand"
_API = "tests/acceptance/test_api_park.py -k owner"

# fmt: off
MUTANTS = [
    Mutant("scheduler/standing.py", "return Standing(attempt.id in self._owning, self", "return Standing(False, self", _HAND),
    Mutant("scheduler/standing.py", "return Standing(self._owns(record, kind_id), self.merit(record))", "return self.best(record)", _HAND),
    Mutant("scheduler/standing.py", "return Standing(bool(self._nominal), max", "return Standing(False, max", _HAND),
    Mutant("scheduler/standing.py", "for kind_id in record.job.device_kind_ids or own)", "for kind_id in record.job.device_kind_ids)", _HAND),
    Mutant("scheduler/standing.py", "bool(owners - {record.job.tenant_id})", "bool(owners)", _HAND),
    Mutant("scheduler/standing.py", "return has_others and not self._owns(record, kind_id)", "return has_others", _HAND),
    Mutant("scheduler/standing.py", "merit) < self._nominal[tenant_id, kind_id]", "merit) < 0", _HAND),
    Mutant("scheduler/standing.py", "            self._held[quota].append((self.merit(record), record.job.device_count))\n", "", _HAND),
    Mutant("scheduler/standing.py", "            self._above.clear()\n", "", _HAND),
    Mutant("scheduler/standing.py", "+ record.job.device_count <= nominal", "<= nominal", _HAND),
    Mutant("scheduler/standing.py", "if other >= merit)", "if other > merit)", _HAND),
    Mutant("scheduler/standing.py", "for other, held in self._held[quota] if other >= merit)", "for _, held in self._held[quota])", _HAND),
    Mutant("scheduler/standing.py", "                if left >= 0:\n", "                if left > 0:\n", _HAND),
    Mutant("scheduler/standing.py", "                left -= attempt.placement.card_count\n                if left >= 0:\n", "                if left >= attempt.placement.card_count:\n                    left -= attempt.placement.card_count\n", _HAND),
    Mutant("scheduler/standing.py", "                self._held[quota].append((merit, attempt.placement.card_count))\n", "", _HAND),
    Mutant("scheduler/standing.py", "sorted(theirs, key=_best_first)", "theirs", _HAND),
    Mutant("scheduler/standing.py", "return -merit.rank, -merit.spared, attempt.leased_at_ms", "return 0, 0, attempt.leased_at_ms", _HAND),
    Mutant("scheduler/standing.py", "-merit.spared, attempt.leased_at_ms, attempt.id", "-merit.spared, -attempt.leased_at_ms, attempt.id", _HAND),
    Mutant("scheduler/preemption.py", "        if taker.owns and not victim.standing.owns:\n            return True\n", "", _HAND),
    Mutant("scheduler/preemption.py", "if taker.owns and not victim.standing.owns:", "if not victim.standing.owns:", f"{_HAND} tests/unit/test_preemption.py"),
    Mutant("scheduler/preemption.py", "return self._is_preemptible(victim.job) and (is_below", "return (is_below", _HAND),
    Mutant("scheduler/preemption.py", "if not (strongest.owns or self._is_preemptible(record.job)):", "if not self._is_preemptible(record.job):", _HAND),
    Mutant("scheduler/preemption.py", "self._lowest if taker.owns else self._lowest_preemptible", "self._lowest_preemptible", _HAND),
    Mutant("scheduler/preemption.py", "return owns, merit.rank, self.lost_card_ms", "return False, merit.rank, self.lost_card_ms", _HAND),
    Mutant("scheduler/preemption.py", "max((victim.standing.owns, victim.standing.merit.rank)", "max((False, victim.standing.merit.rank)", _HAND),
    Mutant("scheduler/turns.py", "if self._standings.may_own(lane[0][1]):", "if False:", _HAND),
    Mutant("scheduler/turns.py", "            if record.job.id not in done:\n", "            if True:\n", _HAND),
    Mutant("scheduler/turns.py", "self.is_of_owner = not turn[0]", "self.is_of_owner = False", _HAND),
    Mutant("scheduler/turns.py", "borrows = not self._standings.is_owner(record)", "borrows = True", _HAND),
    Mutant("scheduler/desk.py", "        self._standings.take(record, pool.device_kind_id)\n", "", _HAND),
    Mutant("scheduler/tenancy.py", "if sum(own.values()) > tenant.max_cards:", "if False:", _FILE),
    Mutant("scheduler/tenancy.py", "if promised[kind_id] > cards[kind_id]:", "if False:", _FILE),
    Mutant("scheduler/tenancy.py", "in sorted(own.keys() - cards.keys()):", "in ():", _FILE),
    Mutant("api/routes/tenants.py", "{**declared.tenants, tenant.id: tenant}", "{tenant.id: tenant}", _API),
    Mutant("api/routes/tenants.py", "nominal_cards=dict(tenant.nominal_cards)", "nominal_cards={}", _API),
    Mutant("api/quoting.py", "        is_borrowing=prospect.is_borrowing,\n", "        is_borrowing=False,\n", _API),
    Mutant("api/quoting.py", "    if first.is_borrowing:\n", "    if False:\n", _API),
    Mutant("scheduler/ranking.py", "if isinstance(answer, Verdict)\n", "", _RANKING),
    Mutant("scheduler/ranking.py", "sum(job.tenant_id == tenant_id for job in ahead)", "len(ahead)", _RANKING),
    Mutant("scheduler/ranking.py", "is_owner=owns if tenant.nominal_cards else None", "is_owner=owns", _RANKING),
    Mutant("scheduler/ranking.py", "had_tflops_ms=own_score * tenant.weight", "had_tflops_ms=own_score", _RANKING),
    Mutant("scheduler/ranking.py", "other < own_score for", "other > own_score for", _RANKING),
    Mutant("scheduler/ranking.py", "merit.spared == STARVING if is_shared else None", "False if is_shared else None", _RANKING),
    Mutant("scheduler/ranking.py", "max(0, -merit.spared) if is_shared", "0 if is_shared", _RANKING),
    Mutant("scheduler/ranking.py", '"" if owner.id == tenant_id else owner.price_class', "owner.price_class", _RANKING),
    Mutant("scheduler/ranking.py", "for node_id in node_ids if node_id in online)", "for node_id in node_ids)", _RANKING),
    Mutant("scheduler/ranking.py", "state.online_node_ids if is_heard else frozenset()", "state.online_node_ids", _RANKING),
    Mutant("scheduler/ranking.py", "offer.pool.card_count - held.total() - free", "0", _RANKING),
    Mutant("api/ranked.py", "terms.had_tflops_ms / TFLOPS_MS_PER_PH", "terms.had_tflops_ms", _QUOTES),
    Mutant("api/routes/quotes.py", "    if ranked is None:\n", "    if False:\n", _QUOTES),
    Mutant("api/cli/job_tables.py", "standing.position - 1 - standing.ahead_yours", "standing.position - 1", "tests/unit/test_cli.py"),
    Mutant("api/declaring.py", " if one != []}", "}", "tests/unit/test_declaring.py"),
]
