"""What a park states that it owns: centres, their pools, their nodes, and the data they hold."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from typing_extensions import override

from cluster.datasets import DataClass, Dataset, Link
from cluster.devices import DeviceKind, Unit
from cluster.hours import Hours

SHARE_HALF_LIFE_MS = 24 * 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One machine; `id` is unique in the park, as `lsl-910b3-n001`."""

    id: str
    centre_id: str
    pool_id: str
    card_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Nodes of one device kind in one centre.

    A rack is `nodes_per_rack` nodes in a row, counted from the first; the last may be smaller. None
    where the pool has no racks, so that all its nodes are as near to one another. With `hours` the
    centre offers it at these alone. Whole nodes of it that a tenant is guaranteed are in so many
    whole racks where it `guarantees_racks`, which are not smaller.
    """

    id: str
    centre_id: str
    device_kind_id: str
    node_count: int
    cards_per_node: int
    use: str = ""
    nodes_per_rack: int | None = None
    hours: Hours | None = None
    guarantees_racks: bool = False

    @property
    def cell_nodes(self) -> int:
        """How many nodes there are in the least part of it that is guaranteed."""
        return (self.nodes_per_rack or 1) if self.guarantees_racks else 1

    @property
    def cell_count(self) -> int:
        return self.node_count // self.cell_nodes

    @property
    def card_count(self) -> int:
        return self.node_count * self.cards_per_node

    def is_offered(self, at_ms: int) -> bool:
        """Whether that is one of its hours."""
        return self.hours is None or self.hours.closes_ms(at_ms) is not None

    def nodes(self) -> Iterator[Node]:
        for number in range(1, self.node_count + 1):
            yield Node(
                id=f"{self.id}-n{number:03}",
                centre_id=self.centre_id,
                pool_id=self.id,
                card_count=self.cards_per_node,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Centre:
    """A site with its own Ray cluster; `stated_tflops` is what it may never be filled above."""

    id: str
    name: str
    operator: str
    stated_tflops: int
    pools: tuple[Pool, ...]


@dataclass(frozen=True, kw_only=True)
class Park:
    """All machines that the broker places work on.

    `note` says what is assumed or logical about the inventory; every face that shows the park
    shows it too. `is_logical` marks a local park whose cards are counters, not hardware. What
    somebody has had of it counts half after `share_half_life_ms`.
    """

    id: str
    name: str
    note: str
    is_logical: bool
    stated_tflops: int
    device_kinds: tuple[DeviceKind, ...]
    centres: tuple[Centre, ...]
    fields: tuple[tuple[str, str], ...]
    share_half_life_ms: int = SHARE_HALF_LIFE_MS
    data_classes: tuple[DataClass, ...] = ()
    datasets: tuple[Dataset, ...] = ()
    links: tuple[Link, ...] = ()

    @override
    def __hash__(self) -> int:
        """There are few, and what is found out of one is kept by it: its id tells them apart."""
        return hash(self.id)

    @cached_property
    def device_kind_by_id(self) -> dict[str, DeviceKind]:
        return {kind.id: kind for kind in self.device_kinds}

    @cached_property
    def core_kind_ids(self) -> frozenset[str]:
        return frozenset(kind.id for kind in self.device_kinds if kind.unit is Unit.CORE)

    @cached_property
    def card_kind_ids(self) -> frozenset[str]:
        return frozenset(self.device_kind_by_id) - self.core_kind_ids

    @cached_property
    def centre_by_id(self) -> dict[str, Centre]:
        return {centre.id: centre for centre in self.centres}

    @cached_property
    def pools(self) -> tuple[Pool, ...]:
        return tuple(pool for centre in self.centres for pool in centre.pools)

    @cached_property
    def card_count(self) -> int:
        return sum(pool.card_count for pool in self.pools)

    @cached_property
    def pools_with_hours(self) -> tuple[Pool, ...]:
        return tuple(pool for pool in self.pools if pool.hours is not None)

    @cached_property
    def pool_by_id(self) -> dict[str, Pool]:
        return {pool.id: pool for pool in self.pools}

    @cached_property
    def node_by_id(self) -> dict[str, Node]:
        return {node.id: node for pool in self.pools for node in pool.nodes()}

    @cached_property
    def _node_ids_by_pool(self) -> dict[str, tuple[str, ...]]:
        return {pool.id: tuple(node.id for node in pool.nodes()) for pool in self.pools}

    @cached_property
    def rack_by_node(self) -> dict[str, int]:
        """The number of each node's rack in its pool, from 1; nodes of pools without any lack."""
        return {
            node_id: 1 + index // pool.nodes_per_rack
            for pool in self.pools
            if pool.nodes_per_rack is not None
            for index, node_id in enumerate(self.node_ids(pool.id))
        }

    @cached_property
    def data_class_by_id(self) -> dict[str, DataClass]:
        return {data_class.id: data_class for data_class in self.data_classes}

    @cached_property
    def dataset_by_id(self) -> dict[str, Dataset]:
        return {dataset.id: dataset for dataset in self.datasets}

    @cached_property
    def _mbit_per_s_by_ends(self) -> dict[tuple[str, ...], int]:
        return {tuple(sorted(link.centre_ids)): link.mbit_per_s for link in self.links}

    @cached_property
    def node_ids_by_centre(self) -> dict[str, frozenset[str]]:
        return {
            centre.id: frozenset(node.id for pool in centre.pools for node in pool.nodes())
            for centre in self.centres
        }

    def node_ids(self, pool_id: str) -> tuple[str, ...]:
        """The pool's nodes in their order; raises `KeyError` for an unknown pool."""
        return self._node_ids_by_pool[pool_id]

    def tflops_per_card(self, pool: Pool) -> int:
        return self.device_kind_by_id[pool.device_kind_id].tflops_fp16

    def share_tflops_per_card(self, pool: Pool) -> int:
        """What one of its devices counts in fair share."""
        return self.device_kind_by_id[pool.device_kind_id].share_tflops

    def registered_tflops(self, pools: tuple[Pool, ...]) -> int:
        """What inventory sums to, which a valid park file makes equal to what is stated."""
        return sum(pool.card_count * self.tflops_per_card(pool) for pool in pools)

    def mbit_per_s(self, centre_id: str, other_id: str) -> int | None:
        """How fast data comes from one centre to another; None where no link says so."""
        named = self._mbit_per_s_by_ends.get(tuple(sorted((centre_id, other_id))))
        return named or self._mbit_per_s_by_ends.get(())

    def transfer_ms(self, dataset: Dataset, centre_id: str) -> int:
        """How long it takes to come, from the centre that it comes from fastest; 0 where it lies.

        A valid park file has a link from one of its centres to each that may hold it.
        """
        if centre_id in dataset.centre_ids:
            return 0
        speeds = [self.mbit_per_s(held_in, centre_id) for held_in in dataset.centre_ids]
        mbit_per_s = max(speed or 0 for speed in speeds)
        assert mbit_per_s, f"no link leads from the centres of {dataset.id} to {centre_id}"
        return -(-dataset.size_bytes * 8 // (mbit_per_s * 1_000))
