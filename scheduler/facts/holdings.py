"""What is free of each node, and how much each branch, and each centre, holds and uses."""

from collections.abc import Iterable

from cluster.inventory import Park
from scheduler.model.fairshare import Share, change_rate
from scheduler.model.job import Job, Placement
from scheduler.model.tree import Tree

Held = tuple[Job, Placement]


class Holdings:
    """Cards by node and by branch, TFLOPS by centre, and each branch's decayed use.

    All but the use is an index: `rebuild` makes it anew from what is held.
    """

    def __init__(self, tree: Tree, shares: dict[str, Share]) -> None:
        self.free_cards: dict[str, int] = {}
        self.held_cards: dict[str, int] = dict.fromkeys(shares, 0)
        self.allocated_tflops: dict[str, int] = {}
        self.shares = shares
        self._tree = tree
        self._park: Park | None = None

    def add_branch(self, branch: str, held: Iterable[Held], at_ms: int) -> None:
        """It holds its part of what is held; one that is known already stays as it is."""
        if branch in self.shares:
            return
        share = self.shares[branch] = Share(at_ms=at_ms)
        self.held_cards[branch] = 0
        for job, placement in held:
            if branch in self._tree.held_by(job.tenant_id, job.project):
                self.held_cards[branch] += placement.card_count
                share.rate += self._tflops(placement)

    def rebuild(self, park: Park, held: Iterable[Held]) -> None:
        self._park = park
        self.free_cards = {node.id: node.card_count for node in park.node_by_id.values()}
        self.allocated_tflops = dict.fromkeys(park.centre_by_id, 0)
        self.held_cards = dict.fromkeys(self.shares, 0)
        for job, placement in held:
            self._occupy(job, placement, 1)

    def restate(self, park: Park, held: Iterable[Held], at_ms: int) -> None:
        """Another park: a device kind in use may have other TFLOPS."""
        held = list(held)
        self.rebuild(park, held)
        rates = dict.fromkeys(self.shares, 0)
        for job, placement in held:
            for branch in self._tree.held_by(job.tenant_id, job.project):
                rates[branch] += self._tflops(placement)
        for branch, share in self.shares.items():
            if rates[branch] != share.rate:
                change_rate(share, rates[branch] - share.rate, at_ms)

    def hold(self, job: Job, placement: Placement, at_ms: int) -> None:
        """Take the devices of a placement."""
        self._change(job, placement, at_ms, 1)

    def give_back(self, job: Job, placement: Placement, at_ms: int) -> None:
        self._change(job, placement, at_ms, -1)

    def _change(self, job: Job, placement: Placement, at_ms: int, sign: int) -> None:
        self._occupy(job, placement, sign)
        tflops = sign * self._tflops(placement)
        for branch in self._tree.held_by(job.tenant_id, job.project):
            change_rate(self.shares[branch], tflops, at_ms)

    def _occupy(self, job: Job, placement: Placement, sign: int) -> None:
        for share in placement.shares:
            self.free_cards[share.node_id] -= sign * share.card_count
        for branch in self._tree.held_by(job.tenant_id, job.project):
            self.held_cards[branch] += sign * placement.card_count
        self.allocated_tflops[placement.centre_id] += sign * self._tflops(placement)

    def _tflops(self, placement: Placement) -> int:
        assert self._park is not None, "something is held in no park"
        kind = self._park.device_kind_by_id[placement.device_kind_id]
        return placement.card_count * kind.tflops_fp16
