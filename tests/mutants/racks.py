"""Deliberate bugs in racks and in who must be in one, one a line."""

from tests.mutants.mutant import Mutant

_RACKS = "tests/unit/scheduler/placing/test_racks.py"
_ALWAYS = "tests/unit/scheduler/test_racks_invariants.py"
_FILE = "tests/unit/api/files/test_park_file.py"
_ALTERNATIVES = "tests/unit/scheduler/asking/test_alternatives.py"
_JOBS = "tests/acceptance/test_api_jobs.py -k 'rack or name'"

# fmt: off
MUTANTS = [
    Mutant("cluster/inventory.py", "1 + index // pool.nodes_per_rack", "1 + index % pool.nodes_per_rack", _RACKS),
    Mutant("api/files/park_machines.py", "            nodes_per_rack=self.nodes_per_rack,\n", "", _FILE),
    Mutant("api/files/park_machines.py", "self.nodes_per_rack is not None and self.nodes_per_rack > self.nodes", "False", _FILE),
    Mutant("scheduler/placing/placement.py", "        job.topology,\n", "", _RACKS),
    Mutant("scheduler/placing/placement.py", "answer.node_count == 1 or shape.topology", "shape.topology", _RACKS),
    Mutant("scheduler/placing/placement.py", "if answer.node_count > rack:", "if False:", _RACKS),
    Mutant("scheduler/placing/placement.py", "return replace(answer, is_in_rack=True)", "return answer", f"{_RACKS} {_ALWAYS}"),
    Mutant("scheduler/placing/placement.py", "largest(answer.runs, rack)", "largest(answer.runs, 1)", _RACKS),
    Mutant("scheduler/placing/racks.py", "        return FreeCards(pool.cards_per_node, cards_by_node, buckets)\n", "        pass\n", _RACKS),
    Mutant("scheduler/placing/racks.py", "if wanted.is_in_rack and self._widest() < wanted.node_count:", "if False:", f"{_RACKS} {_ALWAYS}"),
    Mutant("scheduler/placing/racks.py", "for racks in reversed(self._racks):", "for racks in self._racks:", f"{_RACKS} {_ALWAYS}"),
    Mutant("scheduler/placing/racks.py", "for racks in self._racks[count:]", "for racks in reversed(self._racks)", _RACKS),
    Mutant("scheduler/placing/racks.py", " if rack not in chosen)", ")", f"{_RACKS} {_ALWAYS}"),
    Mutant("scheduler/placing/racks.py", "for racks in self._racks[1:]", "for racks in reversed(self._racks)", _RACKS),
    Mutant("scheduler/placing/racks.py", "for bucket in self._buckets[cards:-1]:", "for bucket in ():", f"{_RACKS} {_ALWAYS}"),
    Mutant("scheduler/placing/racks.py", "key=lambda node: (len(node), node))", "key=str)", _RACKS),
    Mutant("scheduler/placing/racks.py", "            if was_whole:\n                del whole[node_id]\n", "            if was_whole:\n                pass\n", f"{_RACKS} {_ALWAYS}"),
    Mutant("scheduler/placing/racks.py", "                whole[node_id] = None\n", "                pass\n", _RACKS),
    Mutant("scheduler/placing/racks.py", "        return RackedCards(self.cards_per_node, cards_by_node, self._rack_by_node, buckets)\n", "        return FreeCards(self.cards_per_node, cards_by_node, buckets)\n", _RACKS),
    Mutant("scheduler/placing/racks.py", "        return self._widest() * wanted.card_count\n", "        return super().usable(wanted)\n", _RACKS),
    Mutant("scheduler/placing/racks.py", "        return [self.on(node_ids) for node_ids in self._nodes_by_rack.values()]\n", "        return (self,)\n", f"{_RACKS} {_ALWAYS}"),
    Mutant("scheduler/placing/racks.py", "    if pool.nodes_per_rack is None:\n", "    if True:\n", f"{_RACKS} {_ALWAYS}"),
    Mutant("scheduler/planning/explain.py", "free=max(free_there, default=0),", "free=free.total,", _RACKS),
    Mutant("scheduler/planning/explain.py", "if all(wanted.node_count > len(part.by_node)", "if any(wanted.node_count > len(part.by_node)", _RACKS),
    Mutant("scheduler/planning/explain.py", "free=free.usable(wanted)", "free=free.total", _RACKS),
    Mutant("scheduler/timing/prospects.py", "        elif wanted.is_in_rack:\n            room_ms = self.rack_ms[wanted.node_count - 1]\n", "", _RACKS),
    Mutant("scheduler/timing/prospects.py", "by_rack[rack_by_node[node_id]].append(at_ms)", "by_rack[0].append(at_ms)", _RACKS),
    Mutant("scheduler/planning/victims.py", "if node_id in free.by_node]", "]", f"{_RACKS} {_ALWAYS}"),
    Mutant("scheduler/planning/preemption.py", "cheapest, part = min(found,", "cheapest, part = max(found,", _RACKS),
    Mutant("scheduler/planning/granted.py", "len(racks) == 1 and None not in racks", "True", _RACKS),
    Mutant("scheduler/planning/granted.py", "len(racks) == 1 and None not in racks)", "len(racks) == 1)", _RACKS),
    Mutant("scheduler/planning/granted.py", "        yield from self._wrong_rack(job, placement)\n", "", _RACKS),
    Mutant("scheduler/asking/alternatives.py", "    if job.topology is not Topology.POOL:\n", "    if False:\n", _ALTERNATIVES),
    Mutant("api/submission.py", "        topology=Topology(spec.topology),\n", "", _JOBS),
    Mutant("api/submission.py", "        topology=job.topology.value,\n", "", "tests/unit/api/test_submission.py"),
    Mutant("api/cli/submit.py", '        "topology": topology,\n', "", "tests/acceptance/test_cli_refusals.py -k broker_refuses"),
    Mutant("api/cli/quote.py", '        "topology": topology,\n', "", "tests/acceptance/test_cli_refusals.py -k broker_refuses"),
    Mutant("api/cli/job_tables.py", 'if spec.topology == "rack" else', 'if spec.topology == "pool" else', "tests/unit/api/test_cli.py -k rack"),
    Mutant("tests/simulation/audit.py", 'assert len(racks) == 1, f"{attempt_id} is in {len(racks)} racks"', "pass", _RACKS),
]
