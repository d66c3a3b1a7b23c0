"""Which nodes an attempt has, and which members of several roles are on each."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from scheduler.model.job import Placement, Role
from scheduler.placing.bundles import seats


def node_views(placement: Placement, roles: Sequence[Role]) -> list[dict[str, Any]]:
    """Each node with its cards; with roles also its `members`: the numbers in each role."""
    nodes: list[dict[str, Any]] = [
        {"node_id": share.node_id, "card_count": share.card_count} for share in placement.shares
    ]
    node_ids = seats(roles, placement.shares) if roles else None
    if node_ids is None:
        return nodes
    found: defaultdict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    numbered = ((role.name, number) for role in roles for number in range(role.count))
    for (name, number), node_id in zip(numbered, node_ids, strict=True):
        found[node_id][name].append(number)
    for node in nodes:
        here = found[node["node_id"]]
        node["members"] = {name: spans(numbers) for name, numbers in here.items()}
    return nodes


def spans(numbers: Sequence[int]) -> str:
    """Numbers in order, in short: `0-2,5`."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1] = [runs[-1][0], number]
        else:
            runs.append([number])
    return ",".join("-".join(map(str, run)) for run in runs)
