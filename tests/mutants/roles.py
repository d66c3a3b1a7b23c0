"""Deliberate bugs in gangs of several roles, one a line."""

from tests.mutants.mutant import Mutant

_BUNDLES = "tests/unit/scheduler/placing/test_bundles.py"
_PLANS = "tests/unit/scheduler/test_role_plans.py"
_CLEARINGS = "tests/unit/scheduler/timing/test_clearings.py"
_GANG = "tests/unit/cluster/test_gang_roles.py"
_LINK = "tests/unit/cluster/test_link.py"
_ORDERS = "tests/unit/scheduler/test_orders.py"
_SPEC = "tests/unit/api/schemas/test_role_spec.py"
_SHOWN = "tests/unit/api/answers/test_placed.py"
_API = "tests/acceptance/test_api_roles.py"
_REAL = "tests/acceptance/test_roles.py"

# fmt: off
MUTANTS = [
    Mutant("scheduler/placing/bundles.py", "sorted(counts.items(), reverse=True) if one[0] > 0", "sorted(counts.items()) if one[0] > 0", _BUNDLES),
    Mutant("scheduler/placing/bundles.py", "if one[0] > 0)", ")", f"{_BUNDLES} {_PLANS}"),
    Mutant("scheduler/placing/bundles.py", "left -= full * most + part", "left -= full * most", _BUNDLES),
    Mutant("scheduler/placing/bundles.py", "        for nodes, used in (*runs, Bundle(count, 0)):", "        for nodes, used in (Bundle(count, 0), *runs):", _BUNDLES),
    Mutant("scheduler/placing/bundles.py", "if run.node_count and run.card_count]", "if run.node_count]", _BUNDLES),
    Mutant("scheduler/placing/bundles.py", "for run in sorted(bundles, key=lambda run: run.card_count, reverse=True):\n        taken", "for run in bundles:\n        taken", _BUNDLES),
    Mutant("scheduler/placing/bundles.py", "key=lambda rank: -cards[rank])", "key=int)", _BUNDLES),
    Mutant("scheduler/placing/bundles.py", "            at, size = 0, cards[rank]\n", "            size = cards[rank]\n", _BUNDLES),
    Mutant("scheduler/placing/bundles.py", "if any(left) or not found:", "if not found:", f"{_BUNDLES} {_PLANS}"),
    Mutant("scheduler/placing/bundles.py", "beside = found[min(found)]", "beside = found[max(found)]", f"{_BUNDLES} {_ORDERS}"),
    Mutant("scheduler/placing/seating.py", "taken = min(self._left[at], there - used)", "taken = min(self._left[at], there)", _BUNDLES),
    Mutant("scheduler/placing/seating.py", "key=lambda at: -bundles[at].card_count)", "key=int)", _BUNDLES),
    Mutant("scheduler/placing/seating.py", "            if node_id not in taken:\n", "            if True:\n", _BUNDLES),
    Mutant("scheduler/placing/seating.py", "for bucket in buckets[cards:]:", "for bucket in reversed(buckets[cards:]):", _BUNDLES),
    Mutant("scheduler/placing/seating.py", "key=lambda node_id: (len(node_id), node_id))", "key=str)", _BUNDLES),
    Mutant("scheduler/placing/seating.py", "return min(enough, key=", "return max(enough, key=", _BUNDLES),
    Mutant("scheduler/placing/seating.py", "return max(sorted(domains), key=", "return min(sorted(domains), key=", _BUNDLES),
    Mutant("scheduler/placing/placement.py", "sizes_of(job.roles) if job.roles else ()", "()", f"{_BUNDLES} {_PLANS}"),
    Mutant("scheduler/placing/placement.py", "    if member > size:\n", "    if False:\n", _BUNDLES),
    Mutant("scheduler/placing/placement.py", "_too_big(pool, cards, largest(bundles, pool.node_count))", "_too_big(pool, cards, pool.card_count)", _BUNDLES),
    Mutant("scheduler/placing/placement.py", "if nodes == 1 or cards == nodes * size:", "if nodes == 1:", _BUNDLES),
    Mutant("scheduler/placing/placement.py", "            return Seating(wanted.bundles).seatable(self._buckets)\n", "            return self.total\n", f"{_BUNDLES} {_PLANS}"),
    Mutant("scheduler/placing/racks.py", "            return max(map(seating.seatable, self._buckets_by_rack().values()), default=0)\n", "            return super().usable(wanted)\n", _BUNDLES),
    Mutant("scheduler/placing/racks.py", "            if wanted.is_in_rack and seating.seatable(racks[rack]) < seating.card_count:\n", "            if False:\n", _BUNDLES),
    Mutant("scheduler/planning/explain.py", "part.usable(wanted) if wanted.bundles else part.total", "part.total", _PLANS),
    Mutant("scheduler/timing/prospects.py", "            room_ms = self.nodes.room_ms(wanted)\n", "            pass\n", _PLANS),
    Mutant("scheduler/timing/clearings.py", "            count += nodes\n", "            count = nodes\n", _CLEARINGS),
    Mutant("scheduler/timing/clearings.py", "        if not wanted.is_in_rack:\n", "        if True:\n", _CLEARINGS),
    Mutant("scheduler/timing/clearings.py", "            if free >= cards:\n", "            if False:\n", _CLEARINGS),
    Mutant("scheduler/planning/victims.py", "if there >= cards and n not in used]", "if there >= cards]", _PLANS),
    Mutant("scheduler/planning/victims.py", "if node_id in free.by_node and node_id not in used\n", "if node_id in free.by_node\n", _PLANS),
    Mutant("scheduler/planning/victims.py", "        if len(nodes) + len(by_cost) < count:\n            return {}\n", "", _PLANS),
    Mutant("scheduler/planning/victims.py", "return seating.seatable(buckets) == seating.card_count", "return False", _PLANS),
    Mutant("scheduler/model/variants.py", "    if job.roles:\n        return\n", "", _PLANS),
    Mutant("scheduler/orders.py", "        here[node_id] += 1\n", "", _ORDERS),
    Mutant("scheduler/orders.py", "command=role.command or job.command)", "command=job.command)", _ORDERS),
    Mutant("scheduler/orders.py", "        ends_with=job.ends_with,\n", "", _ORDERS),
    Mutant("cluster/roles.py", "    return found[0].command if found else order.command\n", "    return order.command\n", _GANG),
    Mutant("cluster/roles.py", "        first += role.count\n", "", _GANG),
    Mutant("cluster/roles.py", "        if role.name == order.ends_with:\n", "        if False:\n", _GANG),
    Mutant("cluster/roles.py", "str(ports[order.roles.index(role)])", "str(ports[0])", _GANG),
    Mutant("cluster/roles.py", "addresses[order.members[ranks.start].node_id]", "addresses[order.members[0].node_id]", _GANG),
    Mutant("cluster/gang.py", " or self.has_succeeded\n", "\n", _GANG),
    Mutant("cluster/gang.py", "        if self.has_succeeded and not self.refusal:\n", "        if False:\n", _GANG),
    Mutant("cluster/gang.py", "return state.end is MemberEnd.EXITED and state.exit_code == 0", "return state.exit_code == 0", _GANG),
    Mutant("cluster/journal.py", "            role_ports=attempt.role_ports,\n", "", "tests/unit/cluster/test_journal.py"),
    Mutant("cluster/link.py", "                and _needs(order) <= (self._understands or UNIFORM)\n", "", _LINK),
    Mutant("cluster/link.py", "            if _needs(order) > self._understands:\n", "            if False:\n", _LINK),
    Mutant("cluster/link.py", "            self._refused.pop(attempt_id, None)\n", "", _LINK),
    Mutant("cluster/link.py", "if not is_over and attempt_id not in self._refused:", "if not is_over:", _LINK),
    Mutant("cluster/agent.py", "            understands=wire.DIARY,\n", "", _REAL),
    Mutant("api/schemas/role_spec.py", '    if "devices" not in fields:\n', "    if False:\n", _SPEC),
    Mutant("api/schemas/role_spec.py", "    if cardless > MAX_CARDLESS:\n", "    if False:\n", _SPEC),
    Mutant("api/schemas/role_spec.py", "    if is_spread:\n", "    if False:\n", _SPEC),
    Mutant("api/schemas/role_spec.py", "    elif cards != devices:\n", "    elif False:\n", _SPEC),
    Mutant("api/submission.py", "        ends_with=spec.ends_with,\n", "", _API),
    Mutant("api/submission.py", "        ends_with=job.ends_with,\n", "", _SPEC),
    Mutant("api/routes/logs.py", "            return first + number\n", "            return number\n", _REAL),
    Mutant("api/routes/logs.py", "if role.name == name and number < role.count:", "if role.name == name:", _API),
    Mutant("api/answers/placed.py", "if runs and number == runs[-1][-1] + 1:", "if False:", _SHOWN),
    Mutant("api/sdk.py", '"role": role, ', "", "tests/unit/api/test_sdk.py -k role"),
    Mutant("api/cli/jobs.py", "member=member, role=role,", "member=member,", _REAL),
    Mutant("cluster/gang.py", "_has_failed(state) and (state.ended_at_ms or 0) < done_ms", "False", "tests/unit/cluster/test_gang_roles.py"),
    Mutant("cluster/gang.py", "(state.ended_at_ms or 0) < done_ms", "True", "tests/unit/cluster/test_gang_roles.py"),
    Mutant("scheduler/timing/clearings.py", "ends = sorted(self.ends_by_node[node_id])", "ends = self.ends_by_node[node_id]", _CLEARINGS),
    Mutant("scheduler/timing/clearings.py", "at_ms = max(at_ms, clear[count - 1])", "at_ms = clear[count - 1]", _CLEARINGS),
]
