"""How each pool stands, for those who watch the park."""

from collections import Counter
from collections.abc import Iterator

from scheduler.facts.log import PoolLoad
from scheduler.facts.state import State


def loads(state: State) -> Iterator[PoolLoad]:
    """How each pool stands now, by what is kept at events: nobody goes through its nodes."""
    assert state.park is not None
    reserved = state.quotes.kept_tflops(state.park)
    online = state.online_node_ids
    open_ids = state.drains.open(online)
    nodes_by_id = state.park.node_by_id
    away = (nodes_by_id.get(one) for one in (online - open_ids if open_ids is not online else ()))
    drained = Counter(node.pool_id for node in away if node is not None)
    for pool in state.park.pools:
        is_heard = pool.centre_id in state.heard_centre_ids
        nodes = state.holdings.nodes(pool.id, open_ids)
        schedulable = pool.cards_per_node * len(nodes.by_node)
        maintenance = pool.cards_per_node * drained[pool.id]
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
