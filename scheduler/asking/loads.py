"""How each pool stands, for those who watch the park."""

from collections import Counter
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet

from cluster.inventory import Park
from scheduler.facts.log import PoolLoad
from scheduler.facts.state import State


def loads(state: State) -> Iterator[PoolLoad]:
    """How each pool stands now, by what is kept at events: nobody goes through its nodes."""
    assert state.park is not None
    reserved = state.quotes.kept_tflops(state.park)
    online = state.online_node_ids
    open_ids = state.drains.open(online)
    away_ids = online - open_ids if open_ids is not online else set()
    drained = _by_pool(away_ids, state.park) if away_ids else {}
    for pool in state.park.pools:
        is_heard = pool.centre_id in state.heard_centre_ids
        nodes = state.holdings.nodes(pool.id, open_ids)
        schedulable = pool.cards_per_node * len(nodes.by_node)
        maintenance = pool.cards_per_node * drained.get(pool.id, 0)
        allocated = state.holdings.cards_by_pool[pool.id]
        kept = reserved.get(pool.id, 0) // state.park.share_tflops_per_card(pool)
        yield PoolLoad(
            pool_id=pool.id,
            centre_id=pool.centre_id,
            tflops=state.park.tflops_per_card(pool),
            registered_cards=pool.card_count,
            online_cards=schedulable + maintenance,
            schedulable_cards=schedulable if is_heard else 0,
            allocated_cards=allocated,
            reserved_cards=min(pool.card_count - allocated, kept),
            maintenance_cards=maintenance,
        )


def _by_pool(node_ids: AbstractSet[str], park: Park) -> Mapping[str, int]:
    """How many of these nodes each pool has."""
    nodes = map(park.node_by_id.get, node_ids)
    return Counter(node.pool_id for node in nodes if node is not None)
