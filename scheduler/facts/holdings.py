"""What is free of each node, and how much each branch, and each centre, holds and uses."""

from collections.abc import Collection, Iterable

from cluster.devices import DeviceKind, Unit
from cluster.inventory import Park
from scheduler.facts.free_nodes import FreeNodes
from scheduler.model.fairshare import Share, add_use, change_half_life, change_rate
from scheduler.model.job import Job, Placement
from scheduler.model.tree import Tree

Held = tuple[Job, Placement]


class Holdings:
    """Devices by node and by pool, cards by branch, TFLOPS by centre, each branch's decayed use.

    All but the use is an index: `rebuild` makes it anew from what is held.
    """

    def __init__(self, tree: Tree, shares: dict[str, Share]) -> None:
        self.free_cards: dict[str, int] = {}
        self.held_cards: dict[str, int] = dict.fromkeys(shares, 0)
        self.allocated_tflops: dict[str, int] = {}
        self.cards_by_pool: dict[str, int] = {}
        self.shares = shares
        self._tree = tree
        self._park: Park | None = None
        self._nodes: dict[str, FreeNodes] = {}

    def add_branch(self, branch: str, held: Iterable[Held], at_ms: int) -> None:
        """It holds its part of what is held; one that is known already stays as it is."""
        if branch in self.shares:
            return
        share = self.shares[branch] = Share(at_ms=at_ms)
        if self._park is not None:
            share.half_life_ms = self._park.share_half_life_ms
        self.held_cards[branch] = 0
        for job, placement in held:
            if branch in self._tree.held_by(job.tenant_id, job.project):
                self.held_cards[branch] += self._cards(placement)
                share.rate += self._share_tflops(placement)

    def rebuild(self, park: Park, held: Iterable[Held]) -> None:
        self._park = park
        self._nodes = {}
        self.free_cards = {node.id: node.card_count for node in park.node_by_id.values()}
        self.allocated_tflops = dict.fromkeys(park.centre_by_id, 0)
        self.cards_by_pool = dict.fromkeys(park.pool_by_id, 0)
        self.held_cards = dict.fromkeys(self.shares, 0)
        for job, placement in held:
            self._occupy(self._tree.held_by(job.tenant_id, job.project), placement, 1)

    def restate(self, park: Park, held: Iterable[Held], at_ms: int) -> None:
        """Another park: a device kind in use may have other TFLOPS, and use decay otherwise."""
        held = list(held)
        self.rebuild(park, held)
        rates = dict.fromkeys(self.shares, 0)
        for job, placement in held:
            for branch in self._tree.held_by(job.tenant_id, job.project):
                rates[branch] += self._share_tflops(placement)
        for branch, share in self.shares.items():
            if rates[branch] != share.rate:
                change_rate(share, rates[branch] - share.rate, at_ms)
            if share.half_life_ms != park.share_half_life_ms:
                change_half_life(share, park.share_half_life_ms, at_ms)

    def hold(self, job: Job, placement: Placement, at_ms: int) -> None:
        """Take the devices of a placement."""
        self._change(job, placement, at_ms, 1)

    def give_back(self, job: Job, placement: Placement, at_ms: int) -> None:
        self._change(job, placement, at_ms, -1)

    def nodes(self, pool_id: str, online: Collection[str]) -> FreeNodes:
        """The pool's nodes that are online, made when first asked for since they last changed."""
        found = self._nodes.get(pool_id)
        if found is None:
            found = self._nodes[pool_id] = self._made(pool_id, online)
        return found

    def _made(self, pool_id: str, online: Collection[str]) -> FreeNodes:
        assert self._park is not None, "there are pools in no park"
        size = self._park.pool_by_id[pool_id].cards_per_node
        node_ids = self._park.node_ids(pool_id)
        return FreeNodes(size, ((n, self.free_cards[n]) for n in node_ids if n in online))

    def forget_nodes(self, pool_ids: Iterable[str]) -> None:
        """Others of these pools are online from now on."""
        for pool_id in pool_ids:
            self._nodes.pop(pool_id, None)

    def check_nodes(self, online: Collection[str]) -> None:
        """Raise `AssertionError` where what is kept of nodes is not as it would be made anew."""
        for pool_id, nodes in self._nodes.items():
            nodes.check(self._made(pool_id, online))

    def note_use(self, job: Job, tflops_ms: int, at_ms: int) -> None:
        """Count as used what nobody held, and nobody else could have."""
        for branch in self._tree.held_by(job.tenant_id, job.project):
            add_use(self.shares[branch], tflops_ms, at_ms)

    def _change(self, job: Job, placement: Placement, at_ms: int, sign: int) -> None:
        branches = self._tree.held_by(job.tenant_id, job.project)
        self._occupy(branches, placement, sign)
        tflops = sign * self._share_tflops(placement)
        for branch in branches:
            change_rate(self.shares[branch], tflops, at_ms)

    def _occupy(self, branches: Iterable[str], placement: Placement, sign: int) -> None:
        nodes = self._nodes.get(placement.pool_id)
        for share in placement.shares:
            free = self.free_cards[share.node_id] - sign * share.card_count
            self.free_cards[share.node_id] = free
            if nodes is not None:
                nodes.note(share.node_id, free)
        cards, tflops = self._cards(placement), self._kind(placement).tflops_fp16
        for branch in branches:
            self.held_cards[branch] += sign * cards
        self.cards_by_pool[placement.pool_id] += sign * placement.card_count
        self.allocated_tflops[placement.centre_id] += sign * placement.card_count * tflops

    def _cards(self, placement: Placement) -> int:
        """What it takes of quotas of cards: cores are none."""
        is_of_cores = self._kind(placement).unit is Unit.CORE
        return 0 if is_of_cores else placement.card_count

    def _share_tflops(self, placement: Placement) -> int:
        return placement.card_count * self._kind(placement).share_tflops

    def _kind(self, placement: Placement) -> DeviceKind:
        assert self._park is not None, "something is held in no park"
        return self._park.device_kind_by_id[placement.device_kind_id]
