"""Where a gang fits: which pools could hold its shape, and which nodes of a pool hold it now.

Free cards are kept in buckets by count, so that a decision costs the cards of a node and not the
nodes of a pool. Best fit: the fullest node that still has room, whole nodes for more than one; what
several roles take of a node (see `bundles`) is looked for likewise, the largest first.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from accounting.prices.rating import PriceBook, PriceMissing
from cluster.inventory import Park, Pool
from scheduler.facts.takings import Takings
from scheduler.model.cores import accepts, in_its_unit, quotas_of
from scheduler.model.entitlements import Entitlements
from scheduler.model.job import Job, NodeShare, Placement, Reason, ReasonCode, Topology
from scheduler.model.locality import data_centre_ids, data_reasons, transfer_ms
from scheduler.model.offered import never_offered
from scheduler.model.tenancy import Tenant
from scheduler.model.tree import Tree, project_branch
from scheduler.placing.bundles import Bundle, Size, largest, packed, sizes_of
from scheduler.placing.seating import Seating

WORDS_SHOWN = 50

CardsByNode = Mapping[str, int] | Iterable[tuple[str, int]]


class Shape(NamedTuple):
    """What of a job decides where it fits; jobs of one shape get one answer."""

    device_kind_ids: tuple[str, ...]
    centre_ids: tuple[str, ...]
    device_count: int
    node_count: int | None
    member_count: int | None
    data_ids: tuple[str, ...] = ()
    data_class: str | None = None
    topology: Topology = Topology.POOL
    sizes: tuple[Size, ...] = ()


@dataclass(frozen=True, slots=True)
class Fit:
    """How a shape sits in a pool: so many nodes with so many cards each, in one rack if it must.

    More than one are whole, unless there are `bundles`, which say how many cards of each node;
    `card_count` is then the most.
    """

    node_count: int
    card_count: int
    is_in_rack: bool = False
    bundles: tuple[Bundle, ...] = ()

    @property
    def runs(self) -> tuple[Bundle, ...]:
        """So many nodes with so many cards each, in their order."""
        return self.bundles or (Bundle(self.node_count, self.card_count),)

    def cards_by_node(self) -> list[int]:
        return [run.card_count for run in self.runs for _ in range(run.node_count)]


def shape_of(job: Job) -> Shape:
    return Shape(
        job.device_kind_ids,
        job.centre_ids,
        job.device_count,
        job.node_count,
        job.member_count,
        job.data_ids,
        job.data_class,
        job.topology,
        sizes_of(job.roles) if job.roles else (),
    )


def candidate_pools(shape: Shape, park: Park) -> tuple[Pool, ...]:
    """Pools of an acceptable kind in a centre that the job and its data allow.

    First those to which its data comes soonest, of equals in the user's order of preference.
    """
    centre_ids = _centre_ids(shape, park)
    transfers = {one: transfer_ms(shape.data_ids, one, park) for one in centre_ids}
    kind_ids = shape.device_kind_ids
    rank = {kind_id: index for index, kind_id in enumerate(kind_ids)}
    wanted = [
        pool
        for pool in park.pools
        if pool.centre_id in transfers and accepts(kind_ids, pool.device_kind_id, park)
    ]
    return tuple(
        sorted(wanted, key=lambda p: (transfers[p.centre_id], rank.get(p.device_kind_id, 0)))
    )


def _centre_ids(shape: Shape, park: Park) -> tuple[str, ...]:
    allowed = data_centre_ids(shape.data_class, shape.data_ids, park)
    return tuple(one for one in allowed if not shape.centre_ids or one in shape.centre_ids)


def fit(shape: Shape, pool: Pool) -> Fit | Reason:
    """How the shape would sit in an empty pool, or why it never can."""
    answer = _fit_of_roles(shape, pool) if shape.sizes else _even_fit(shape, pool)
    if isinstance(answer, Reason) or answer.node_count == 1 or shape.topology is not Topology.RACK:
        return answer
    rack = pool.nodes_per_rack or 0
    if answer.node_count > rack:
        return _no_rack(pool, shape.device_count, largest(answer.runs, rack))
    return replace(answer, is_in_rack=True)


def _even_fit(shape: Shape, pool: Pool) -> Fit | Reason:
    size, cards = pool.cards_per_node, shape.device_count
    nodes = shape.node_count or -(-cards // size)
    if nodes > pool.node_count and shape.node_count is not None:
        return replace(_too_big(pool, nodes, pool.node_count), unit="nodes")
    if nodes > pool.node_count:
        return _too_big(pool, cards, pool.card_count)
    if cards > nodes * size:
        detail = "on 1 node" if nodes == 1 else f"on {nodes} nodes"
        return replace(_too_big(pool, cards, nodes * size), detail=detail)
    if nodes > 1 and cards != nodes * size:
        detail = f"more than one node means whole nodes, which have {size} each"
        return _uneven(pool, cards, nodes * size, detail)
    members = shape.member_count or nodes
    if members % nodes or cards % members:
        detail = f"{cards} on {nodes} nodes, for {members} members"
        return _uneven(pool, cards, members, detail)
    return Fit(nodes, cards // nodes)


def _fit_of_roles(shape: Shape, pool: Pool) -> Fit | Reason:
    size, cards, member = pool.cards_per_node, shape.device_count, shape.sizes[0].card_count
    if member > size:
        return Reason(code=ReasonCode.MEMBER_TOO_BIG, where=pool.id, need=member, free=size)
    bundles = packed(shape.sizes, size)
    nodes = sum(bundle.node_count for bundle in bundles)
    if nodes > pool.node_count:
        return _too_big(pool, cards, largest(bundles, pool.node_count))
    if nodes == 1 or cards == nodes * size:
        return Fit(nodes, cards // nodes)
    most = max(bundle.card_count for bundle in bundles)
    return Fit(nodes, most, bundles=bundles)


def _too_big(pool: Pool, need: int, free: int) -> Reason:
    return Reason(code=ReasonCode.TOO_BIG, where=pool.id, need=need, free=free)


def _uneven(pool: Pool, need: int, free: int, detail: str) -> Reason:
    return Reason(code=ReasonCode.UNEVEN_GANG, where=pool.id, need=need, free=free, detail=detail)


def _no_rack(pool: Pool, need: int, free: int) -> Reason:
    nodes = pool.nodes_per_rack
    detail = "it has no racks" if nodes is None else f"of {nodes} nodes"
    return Reason(code=ReasonCode.NO_RACK, where=pool.id, need=need, free=free, detail=detail)


def impossible(
    job: Job, park: Park, tree: Tree, prices: PriceBook, now_ms: int
) -> tuple[Reason, ...]:
    """Why the job could never run, whatever ends or arrives; empty where it could."""
    return in_its_unit(_impossible(job, park, tree, prices, now_ms), job, park)


def _impossible(
    job: Job, park: Park, tree: Tree, prices: PriceBook, now_ms: int
) -> tuple[Reason, ...]:
    tenant = tree.tenants.get(job.tenant_id)
    if tenant is None:
        return (Reason(code=ReasonCode.UNKNOWN_TENANT, where=job.tenant_id),)
    unknown = (*_unknown_words(job, park), *_unknown_project(job, tree))
    if unknown:
        return unknown
    over = tuple(_over_quotas(job, park, tree))
    if over:
        return over
    shape = shape_of(job)
    pools = candidate_pools(shape, park)
    possible = [pool for pool in pools if isinstance(fit(shape, pool), Fit)]
    if not possible:
        return misfits(shape, park)
    shut = tuple(reason for pool in possible if (reason := never_offered(job, pool)))
    if len(shut) == len(possible):
        return shut
    over = tuple(_over_caps(job, park, tree, possible))
    if len(over) == len(possible):
        return over
    missing = [_price_reason(job, tenant, pool, prices, now_ms) for pool in possible]
    return () if None in missing else tuple(reason for reason in missing if reason)


def misfits(shape: Shape, park: Park) -> tuple[Reason, ...]:
    """Why each pool, were it empty, could not hold the shape; there is always one reason at least.

    The shape must fit into no pool.
    """
    of_data = tuple(data_reasons(shape.data_class, shape.data_ids, park))
    pools = candidate_pools(shape, park)
    if pools:
        answers = [fit(shape, pool) for pool in pools]
        return (*(answer for answer in answers if isinstance(answer, Reason)), *of_data)
    if of_data:
        return of_data
    kinds = " or ".join(shape.device_kind_ids)
    return tuple(
        Reason(
            code=ReasonCode.TOO_BIG,
            where=where,
            need=shape.device_count,
            detail=f"it has no pool of {kinds}" if kinds else "it has no pool",
        )
        for where in shape.centre_ids or (park.id,)
    )


def _unknown_words(job: Job, park: Park) -> tuple[Reason, ...]:
    kinds = {pool.device_kind_id for pool in park.pools}
    own = [one.id for one in park.datasets if one.tenant_id in (None, job.tenant_id)]
    known = (
        (ReasonCode.UNKNOWN_DEVICE, job.device_kind_ids, kinds),
        (ReasonCode.UNKNOWN_CENTRE, job.centre_ids, park.centre_by_id.keys()),
        (ReasonCode.UNKNOWN_FIELD, (job.field,), {field_id for field_id, _ in park.fields}),
        (ReasonCode.UNKNOWN_DATA, job.data_ids, own),
        (
            ReasonCode.UNKNOWN_DATA_CLASS,
            (job.data_class,) if job.data_class is not None else (),
            park.data_class_by_id.keys(),
        ),
    )
    return tuple(
        Reason(code=code, where=word, detail=f"known: {_shown(words)}")
        for code, asked, words in known
        for word in asked
        if word not in words
    )


def _shown(words: Collection[str]) -> str:
    """The first of them, in order."""
    more = [f"and {len(words) - WORDS_SHOWN} more"] if len(words) > WORDS_SHOWN else []
    return ", ".join([*sorted(words)[:WORDS_SHOWN], *more]) or "none"


def _unknown_project(job: Job, tree: Tree) -> Iterator[Reason]:
    known = tree.unknown_project(job.tenant_id, job.project)
    if known is not None:
        code, detail = ReasonCode.UNKNOWN_PROJECT, f"known: {known}"
        yield Reason(code=code, where=project_branch(job.tenant_id, job.project), detail=detail)


def _over_quotas(job: Job, park: Park, tree: Tree) -> Iterator[Reason]:
    need = job.device_count
    for quota in quotas_of(job, tree, park):
        if need > quota.most:
            yield Reason(code=quota.code, where=quota.where, need=need, free=quota.most)


def _over_caps(job: Job, park: Park, tree: Tree, pools: Iterable[Pool]) -> Iterator[Reason]:
    """In which of the pools a limit of its kind forbids it, even if nothing ran."""
    entitlements = Entitlements(tree, park)
    idle = Takings.idle(tree, entitlements)
    path = entitlements.path(job.tenant_id, job.project)
    for kind_id in (pool.device_kind_id for pool in pools):
        for cap in entitlements.caps(job.tenant_id, job.project, kind_id):
            amount = entitlements.amount(cap.unit, kind_id, job.device_count)
            need, free = idle.rise(path, cap.key, amount), cap.most - idle.taken[cap.key]
            if need > max(0, free):
                yield cap.reason(need, free)
                break


def _price_reason(
    job: Job, tenant: Tenant, pool: Pool, prices: PriceBook, now_ms: int
) -> Reason | None:
    try:
        in_force = prices.list_at(now_ms)
        in_force.price_micros(pool.device_kind_id, job.priority, tenant.price_class)
    except PriceMissing as error:
        return Reason(code=ReasonCode.NO_PRICE, where=pool.id, detail=str(error))
    return None


def placement_in(pool: Pool, shares: tuple[NodeShare, ...]) -> Placement:
    return Placement(
        centre_id=pool.centre_id,
        pool_id=pool.id,
        device_kind_id=pool.device_kind_id,
        shares=shares,
    )


class FreeCards:
    """Cards of a pool's nodes that may be used, in buckets by how many a node has left."""

    def __init__(
        self,
        cards_per_node: int,
        cards_by_node: CardsByNode,
        buckets: Iterable[dict[str, None]] | None = None,
    ) -> None:
        """`buckets` is given where it is known which nodes have how many, in the same order."""
        self.cards_per_node = cards_per_node
        self.by_node = dict(cards_by_node)
        self.total = sum(self.by_node.values())
        self._is_ordered = True
        if buckets is not None:
            self._buckets = [bucket.copy() for bucket in buckets]
            return
        self._buckets = [{} for _ in range(cards_per_node + 1)]
        for node_id, cards in self.by_node.items():
            self._buckets[cards][node_id] = None

    def copy(self) -> "FreeCards":
        """The same, in the order of the nodes."""
        return self._of(self.by_node, self._buckets if self._is_ordered else None)

    def on(self, node_ids: Iterable[str]) -> "FreeCards":
        """What these nodes have of it."""
        return self._of((n, self.by_node[n]) for n in node_ids if n in self.by_node)

    def _of(
        self, cards_by_node: CardsByNode, buckets: Iterable[dict[str, None]] | None = None
    ) -> "FreeCards":
        return FreeCards(self.cards_per_node, cards_by_node, buckets)

    def set(self, node_id: str, cards: int) -> None:
        """A node has so many cards to give, from now on."""
        before = self.by_node[node_id]
        if cards != before:
            self._is_ordered = False
            del self._buckets[before][node_id]
            self._buckets[cards][node_id] = None
            self.by_node[node_id] = cards
            self.total += cards - before

    def find(self, wanted: Fit) -> tuple[NodeShare, ...] | None:
        """The nodes that would take it, or None; nothing is taken yet."""
        if wanted.bundles:
            return self._bundled(wanted)
        if wanted.node_count > 1:
            nodes = self._whole(wanted)
        else:
            node = self._tightest(wanted.card_count)
            nodes = None if node is None else [node]
        if nodes is None:
            return None
        return tuple(NodeShare(node_id=n, card_count=wanted.card_count) for n in nodes)

    def fits(self, wanted: Fit) -> bool:
        """Whether there are nodes that would take it: asked far more often than which."""
        if wanted.bundles or wanted.is_in_rack:
            return self.find(wanted) is not None
        if wanted.node_count > 1:
            return self.whole_node_count() >= wanted.node_count
        return any(self._buckets[wanted.card_count :])

    def most_on_a_node(self) -> int:
        return max((cards for cards, nodes in enumerate(self._buckets) if nodes), default=0)

    def whole_node_count(self) -> int:
        return len(self._buckets[-1])

    def usable(self, wanted: Fit) -> int:
        """Cards that it could use of what is free: what is stranded is left out."""
        if wanted.bundles:
            return Seating(wanted.bundles).seatable(self._buckets)
        if wanted.node_count > 1:
            return self.whole_node_count() * wanted.card_count
        return self.most_on_a_node()

    def domains(self, wanted: Fit) -> "Sequence[FreeCards]":
        """The parts of it, all of the one or of the other of which are to hold it."""
        assert not wanted.is_in_rack, "the pool has no racks"
        return (self,)

    def _bundled(self, wanted: Fit) -> tuple[NodeShare, ...] | None:
        """A node for each bundle, or None; all find one if they can at all."""
        seating = Seating(wanted.bundles)
        if seating.seatable(self._buckets) < seating.card_count:
            return None
        seating.seat(self._buckets)
        return seating.shares()

    def _whole(self, wanted: Fit) -> list[str] | None:
        """So many whole nodes, in the order of their names; None where they are too few."""
        whole = self._buckets[-1]
        if len(whole) < wanted.node_count:
            return None
        return sorted(node for node, _ in zip(whole, range(wanted.node_count), strict=False))

    def _tightest(self, cards: int) -> str | None:
        for bucket in self._buckets[cards:]:
            if bucket:
                return next(iter(bucket))
        return None
