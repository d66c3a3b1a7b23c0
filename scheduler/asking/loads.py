"""How each pool stands, for those who watch the park."""

from collections.abc import Iterator

from scheduler.facts.log import PoolLoad
from scheduler.facts.state import State


def loads(state: State) -> Iterator[PoolLoad]:
    """How each pool stands now."""
    assert state.park is not None
    reserved = state.quotes.kept_tflops(state.park)
    for pool in state.park.pools:
        is_heard = pool.centre_id in state.heard_centre_ids
        node_ids = state.park.node_ids(pool.id)
        online = pool.cards_per_node * sum(n in state.online_node_ids for n in node_ids)
        free = sum(state.free_cards[node_id] for node_id in node_ids)
        tflops = state.park.tflops_per_card(pool)
        yield PoolLoad(
            pool_id=pool.id,
            centre_id=pool.centre_id,
            tflops=tflops,
            registered_cards=pool.card_count,
            online_cards=online,
            schedulable_cards=online if is_heard else 0,
            allocated_cards=pool.card_count - free,
            reserved_cards=min(free, reserved.get(pool.id, 0) // tflops),
        )
