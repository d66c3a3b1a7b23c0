"""Where a waiting job stands in the queue, by which terms, and who holds what it waits for."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice

from cluster.inventory import Pool
from scheduler.asking.slips import Slip, ToldFirst, slip, within_leeway_ms
from scheduler.facts.queue import due_key
from scheduler.facts.record import JobRecord
from scheduler.facts.state import State
from scheduler.model.cores import in_its_unit
from scheduler.model.job import Job, Priority, Reason
from scheduler.model.levels import level
from scheduler.model.plan import Verdict
from scheduler.model.policy import DEFAULT, Policy
from scheduler.model.tree import NOBODY, Path
from scheduler.planning.desk import Desk
from scheduler.planning.options import Offer
from scheduler.sharing.fairtree import FairTree
from scheduler.sharing.standing import STARVING


class Fork(StrEnum):
    """Where branches of the tree are compared."""

    COHORT = "cohort"
    TENANT = "tenant"
    PROJECT = "project"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareTerm:
    """What a job's branch has had, decayed, against its weight.

    By that it is the `place`-th of those `count` beside it that have jobs waiting.
    """

    fork: Fork
    had_tflops_ms: float
    weight: int
    place: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What decides a job's turn, the first that differs (see docs/scheduling.md).

    `is_owner` says whether it would be within its tenant's nominal quota wherever it fits; None
    where that has none. `is_lent` where it is so for a part, and borrows in what is the whole's:
    there it takes back from nobody who is within. `level` and `is_starving` are None where jobs do
    not take turns. `shares` are from the top of the tree. Who is patient is due since it waits.
    """

    is_owner: bool | None
    is_lent: bool
    priority: Priority
    is_starving: bool | None
    level: int | None
    shares: tuple[ShareTerm, ...]
    due_ms: int
    is_patient: bool
    expected_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolUse:
    """Who holds a pool that could hold the job, in cards, and all that is in the job's way there.

    `needed` is what the job would have there: a pool comes once for each of its forms that fits.
    `others` are by price class: whose they are is nobody's business.
    """

    pool: Pool
    needed: int
    free: int
    down: int
    mine: int
    others: Mapping[str, int]
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Its place among those that wait, from 1, and how many of its tenant are ahead.

    `slip` is why it starts later than it was told first, where that was asked.
    """

    job: Job
    at_ms: int
    position: int
    queue_length: int
    ahead_mine: int
    terms: Terms
    pools: tuple[PoolUse, ...]
    slip: Slip | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """One of those that wait: its place among all of them, from 1, and by what it stands there."""

    job_id: str
    position: int
    terms: Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """Those that wait, in their order; `length` counts all."""

    at_ms: int
    length: int
    items: tuple[Queued, ...]


class _Shares:
    """Each branch of the tree beside the others that have jobs waiting where it is.

    The leader waits meanwhile: a branch is looked at once, however many wait in it.
    """

    def __init__(self, state: State, now_ms: int) -> None:
        self._tree, self._fair = state.tree, FairTree(state, now_ms)
        self._beside: dict[str, dict[str, float]] = {}
        self._terms: dict[Path, tuple[ShareTerm, ...]] = {}
        by_parent: dict[tuple[str, ...], dict[str, float]] = {}
        for path in {self._tree.path(one, project) for one, project, _ in state.queue.lanes}:
            for index, branch in enumerate(path):
                if branch != NOBODY and branch not in self._beside:
                    scores = self._beside[branch] = by_parent.setdefault(path[:index], {})
                    scores[branch] = self._fair.score(branch)

    def terms(self, job: Job) -> tuple[ShareTerm, ...]:
        """At each fork of the tree, from the top, the branch that the job is in."""
        path = self._tree.path(job.tenant_id, job.project)
        if path not in self._terms:
            top = Fork.TENANT if path.tenant == NOBODY else Fork.COHORT
            forks = zip((top, Fork.TENANT, Fork.PROJECT), path, strict=True)
            found = (self._term(fork, branch) for fork, branch in forks if branch != NOBODY)
            self._terms[path] = tuple(found)
        return self._terms[path]

    def _term(self, fork: Fork, branch: str) -> ShareTerm:
        scores = self._beside[branch]
        return ShareTerm(
            fork=fork,
            had_tflops_ms=self._fair.had(branch),
            weight=self._tree.weight(branch),
            place=1 + sum(other < scores[branch] for other in scores.values()),
            count=len(scores),
        )


def queue(
    state: State, now_ms: int, tenant_id: str | None, limit: int, policy: Policy = DEFAULT
) -> Queue:
    """The first that wait, of all tenants or of one, in the order of the present plan.

    Who starts in it waits no more. The state must not be changed meanwhile.
    """
    items = () if state.park is None else islice(_queued(state, now_ms, tenant_id, policy), limit)
    return Queue(at_ms=now_ms, length=len(state.queue), items=tuple(items))


def _queued(state: State, now_ms: int, tenant_id: str | None, policy: Policy) -> Iterator[Queued]:
    assert state.park is not None
    desk, shares = Desk(state, state.park, now_ms, policy), _Shares(state, now_ms)
    waiting = (one for one, answer in desk.answers() if isinstance(answer, Verdict))
    for position, record in enumerate(waiting, start=1):
        if tenant_id in {None, record.job.tenant_id}:
            terms = _terms(desk, record, shares)
            yield Queued(job_id=record.job.id, position=position, terms=terms)


def ranking(
    state: State,
    now_ms: int,
    job_id: str,
    policy: Policy = DEFAULT,
    told: ToldFirst | None = None,
) -> Ranking | None:
    """By the present plan, in which some of those ahead start; None where the job does not wait.

    With `told` also why it starts later than that. The state must not be changed meanwhile.
    """
    record = state.queue.get(job_id)
    if record is None or state.park is None:
        return None
    desk = Desk(state, state.park, now_ms, policy)
    answers = desk.answers(until=lambda other: other.job.id == job_id)
    ahead = [other for other, answer in answers if isinstance(answer, Verdict)]
    tenant_id, offers = record.job.tenant_id, [*desk.offers(record)]
    found = None
    if told is not None:
        likely_ms = within_leeway_ms(told, offers)
        found = replace(slip(state, now_ms, record, ahead, told, policy), likely_ms=likely_ms)
    return Ranking(
        job=record.job,
        at_ms=now_ms,
        position=len(ahead) + 1,
        queue_length=len(state.queue),
        ahead_mine=sum(one.job.tenant_id == tenant_id for one in ahead),
        terms=_terms(desk, record, _Shares(state, now_ms)),
        pools=_pool_uses(state, tenant_id, offers),
        slip=found,
    )


def _terms(desk: Desk, record: JobRecord, shares: _Shares) -> Terms:
    has_quota = desk.has_quota(record)
    standing, merit = desk.standing(record)
    is_shared = desk.policy.is_shared
    is_patient = record.waited_from_ms <= desk.policy.patient_by_ms(desk.now_ms)
    return Terms(
        is_owner=any(standing) if has_quota else None,
        is_lent=has_quota and any(standing) and not standing.top,
        priority=record.job.priority,
        is_starving=merit.spared == STARVING if is_shared else None,
        level=level(record.served_card_ms) if is_shared else None,
        shares=shares.terms(record.job),
        due_ms=record.waited_from_ms if is_patient else due_key(record)[1],
        is_patient=is_patient,
        expected_ms=record.reckoned_ms or record.expected_ms,
    )


def _pool_uses(state: State, tenant_id: str, offers: Iterable[Offer]) -> tuple[PoolUse, ...]:
    held: dict[str, Counter[str]] = {}
    for attempt in state.live.values():
        owner = state.tenants[state.jobs[attempt.job_id].job.tenant_id]
        whose = "" if owner.id == tenant_id else owner.price_class
        placement = attempt.placement
        held.setdefault(placement.pool_id, Counter())[whose] += placement.card_count
    return tuple(_pool_use(state, held.get(offer.pool.id, Counter()), offer) for offer in offers)


def _pool_use(state: State, held: Counter[str], offer: Offer) -> PoolUse:
    """The key "" is of the job's own tenant."""
    assert state.park is not None
    is_heard = offer.pool.centre_id in state.heard_centre_ids
    online = state.drains.open(state.online_node_ids) if is_heard else frozenset()
    node_ids = state.park.node_ids(offer.pool.id)
    free = sum(state.free_cards[node_id] for node_id in node_ids if node_id in online)
    return PoolUse(
        pool=offer.pool,
        needed=offer.form.job.device_count,
        free=free,
        down=offer.pool.card_count - held.total() - free,
        mine=held[""],
        others={name: cards for name, cards in sorted(held.items()) if name},
        reasons=in_its_unit(offer.reasons, offer.form.job, state.park),
    )
