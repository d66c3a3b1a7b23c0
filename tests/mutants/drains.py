"""Deliberate bugs in draining, one a line."""

from tests.mutants.mutant import Mutant

_UNIT = "tests/unit/test_drains.py"

# fmt: off
MUTANTS = [
    Mutant("scheduler/facts/drains.py", "return online - self.node_ids if self.node_ids else online", "return online", _UNIT),
    Mutant("scheduler/facts/drains.py", "        state.holdings.forget_nodes(sorted({known[one].pool_id for one in changed}))\n", "", _UNIT),
    Mutant("scheduler/facts/drains.py", "            if node_id not in known:\n", "            if False:\n", _UNIT),
    Mutant("scheduler/facts/state.py", "        state.drains = Drains(snapshot.drained_node_ids, snapshot.closed_node_ids)\n", "", _UNIT),
    Mutant("scheduler/planning/verifier.py", "node_ids - self._state.drains.open(self._state.online_node_ids)", "node_ids - self._state.online_node_ids", _UNIT),
    Mutant("scheduler/asking/loads.py", "maintenance_cards=maintenance,", "maintenance_cards=0,", _UNIT),
    Mutant("scheduler/asking/loads.py", "online_cards=schedulable + maintenance", "online_cards=schedulable", _UNIT),
]
