"""What a plan grants, counted again job by job in its order: for the second look at it.

From the state alone: the planner keeps books of its own of what is left, so that it is fast. The
two share how a shape sits in a pool (`fit`). Where data may be is asked of `custody`, which
`State` asks as well, and the planner does not.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from accounting.money import charge_micros
from accounting.prices.rating import PriceMissing
from cluster.inventory import Park, Pool
from scheduler.facts.record import JobRecord
from scheduler.facts.state import State
from scheduler.model.cores import accepts, quotas_of
from scheduler.model.custody import custody_refusal
from scheduler.model.job import Job, Placement, Topology
from scheduler.model.plan import Grant
from scheduler.model.tree import COHORT
from scheduler.model.variants import form_in
from scheduler.placing.placement import Fit, fit, shape_of
from scheduler.planning.recount import Recount


class Granted:
    """What is taken beside what runs: cards that are `kept`, and what each `take` adds."""

    def __init__(self, state: State, park: Park, now_ms: int, kept: Iterable[Placement]) -> None:
        self._state = state
        self._park = park
        self._now_ms = now_ms
        self._cards: dict[str, int] = defaultdict(int)
        self._held: dict[str, int] = defaultdict(int)
        self._tflops: dict[str, int] = defaultdict(int)
        self._micros: dict[str, int] = defaultdict(int)
        self._held_before: dict[str, int] = {}
        self.recount = Recount.of(state, park)
        for placement in kept:
            self._take_cards(placement)

    def wrong(self, record: JobRecord, pool: Pool, grant: Grant) -> Iterator[str]:
        """Why the job may not start there, beside all that was allowed before."""
        placement = grant.placement
        job = form_in(record.job, placement)
        if record.quote is not None:
            yield "it is a quote, and no job yet"
        if record.not_before_ms > self._now_ms:
            yield "it failed a moment ago, and is not to be tried yet"
        yield from self.wrong_hours(job, pool, self._now_ms)
        yield from self.wrong_nodes(job, pool, placement)
        yield from self._overfull(placement, pool)
        yield from self.over(job, pool, job.device_count, self.recount)
        yield from self.unpaid(record, grant.hold_micros)
        yield from self._wrong_hold(job, pool, grant.hold_micros)

    def wrong_nodes(self, job: Job, pool: Pool, placement: Placement) -> Iterator[str]:
        yield from self.wrong_place(job, pool, placement)
        yield from self._wrong_rack(job, placement)
        yield from self._wrong_gang(job, pool, placement)

    def wrong_place(self, job: Job, pool: Pool, placement: Placement) -> Iterator[str]:
        stated = placement.centre_id, placement.device_kind_id
        if stated != (pool.centre_id, pool.device_kind_id):
            yield f"the pool is not one of {stated[1]} in {stated[0]}"
        if job.centre_ids and pool.centre_id not in job.centre_ids:
            yield f"it asked for centre {' or '.join(job.centre_ids)}"
        refusal = custody_refusal(job, placement, self._park)
        if refusal is not None:
            yield refusal
        if not accepts(job.device_kind_ids, pool.device_kind_id, self._park):
            yield f"it asked for {' or '.join(job.device_kind_ids) or 'cards'}"
        if pool.centre_id not in self._state.heard_centre_ids:
            yield "its centre is silent"

    def _wrong_gang(self, job: Job, pool: Pool, placement: Placement) -> Iterator[str]:
        """All members or none, on whole nodes where there is more than one and they are alike."""
        wanted = fit(shape_of(job), pool)
        cards = [share.card_count for share in placement.shares]
        if not isinstance(wanted, Fit) or cards != wanted.cards_by_node():
            yield f"{cards} cards are not the gang of {job.device_count} that it asked for"
        node_ids = {share.node_id for share in placement.shares}
        if len(node_ids) != len(placement.shares):
            yield "a node is named twice"
        away = sorted(node_ids - self._state.drains.open(self._state.online_node_ids))
        away += sorted(node_id for node_id in node_ids if not self._is_in(node_id, pool))
        if away:
            yield f"node {away[0]} is not one of the pool that is online"

    def _is_in(self, node_id: str, pool: Pool) -> bool:
        node = self._park.node_by_id.get(node_id)
        return node is not None and node.pool_id == pool.id

    def wrong_hours(self, job: Job, pool: Pool, begin_ms: int) -> Iterator[str]:
        """It must be over when its pool is offered no longer, or able to save itself."""
        if pool.hours is None:
            return
        closes_ms = pool.hours.closes_ms(begin_ms)
        if closes_ms is None:
            yield "the pool is not offered at this hour"
        elif job.checkpoint is None and begin_ms + job.longest_ms > closes_ms:
            yield "it may run for longer than the pool is offered"

    def _wrong_rack(self, job: Job, placement: Placement) -> Iterator[str]:
        if job.topology is not Topology.RACK:
            return
        node_ids = {share.node_id for share in placement.shares}
        racks = {self._park.rack_by_node.get(node_id) for node_id in node_ids}
        is_near = len(node_ids) == 1 or (len(racks) == 1 and None not in racks)
        if not is_near:
            yield "it asked for nodes of one rack"

    def unpaid(self, record: JobRecord, hold_micros: int) -> Iterator[str]:
        tenant_id = record.job.tenant_id
        funds = self._state.funds[tenant_id].available_micros - self._micros[tenant_id]
        if hold_micros > funds:
            yield f"it holds {hold_micros} micro-yuan, and its tenant has {funds}"
        if (closed := self._state.purses.used_up(record, self._now_ms)) is not None:
            yield f"the budget of {closed[0].where} is used up"

    def _wrong_hold(self, job: Job, pool: Pool, hold_micros: int) -> Iterator[str]:
        """It is what the longest run costs; less only where packages may cover some of it."""
        try:
            least, most = self.hold_micros(job, pool)
        except PriceMissing as error:
            yield str(error)
            return
        if not least <= hold_micros <= most:
            yield f"it holds {hold_micros} micro-yuan, and its longest run costs {most}"

    def hold_micros(self, job: Job, pool: Pool) -> tuple[int, int]:
        """At least and at most; raises `PriceMissing`."""
        tenant, in_force = self._state.tenants[job.tenant_id], self._state.prices
        price = in_force.list_at(self._now_ms).price_micros(
            pool.device_kind_id, job.priority, tenant.price_class
        )
        most = charge_micros(job.device_count * job.longest_ms, price)
        least = 0 if self._state.funds[tenant.id].stocks else most
        return least, most

    def _overfull(self, placement: Placement, pool: Pool) -> Iterator[str]:
        for share in placement.shares:
            free = self.left(share.node_id)
            if share.card_count > free:
                yield f"node {share.node_id} has {free} cards free, not {share.card_count}"
        need = placement.card_count * self._park.tflops_per_card(pool)
        used = self._state.holdings.allocated_tflops
        centre = self._park.centre_by_id[pool.centre_id]
        if used[centre.id] + self._tflops[centre.id] + need > centre.stated_tflops:
            yield f"centre {centre.id} would be above its {centre.stated_tflops} TFLOPS"
        if sum(used.values()) + sum(self._tflops.values()) + need > self._park.stated_tflops:
            yield f"the park would be above its {self._park.stated_tflops} TFLOPS"

    def over(self, job: Job, pool: Pool, need: int, recount: Recount) -> Iterator[str]:
        """Which quotas so many cards more would be above."""
        yield from recount.wrong(job, pool.device_kind_id, need)
        for quota in quotas_of(job, self._state.tree, self._park):
            free = quota.most - self._held_of(quota.branch) - self._held[quota.branch]
            if need > free:
                yield f"{quota.branch} may take {max(0, free)} cards more"

    def _held_of(self, branch: str) -> int:
        """What it held before the plan."""
        held = self._held_before.get(branch)
        if held is None:
            is_cohort = branch.startswith(COHORT)
            parts = self._state.tree.members(branch) if is_cohort else (branch,)
            held = sum(self._state.held_cards[part] for part in parts)
            self._held_before[branch] = held
        return held

    def take(self, job: Job, grant: Grant) -> None:
        placement = grant.placement
        pool = self._park.pool_by_id[placement.pool_id]
        self._micros[job.tenant_id] += grant.hold_micros
        self._tflops[pool.centre_id] += placement.card_count * self._park.tflops_per_card(pool)
        self._take_cards(placement)
        self.recount.add(job, pool.device_kind_id, job.device_count)
        for quota in quotas_of(job, self._state.tree, self._park):
            self._held[quota.branch] += job.device_count

    def _take_cards(self, placement: Placement) -> None:
        for share in placement.shares:
            self._cards[share.node_id] += share.card_count

    def left(self, node_id: str) -> int:
        """What is free of a node beside all that was allowed before."""
        return self._state.free_cards.get(node_id, 0) - self._cards[node_id]
