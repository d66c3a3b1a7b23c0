"""Whose turn it is: the waiting jobs in the order in which a plan considers them."""

import heapq
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain

from scheduler.facts.queue import DueKey, LaneKey, age_key
from scheduler.facts.record import JobRecord
from scheduler.facts.state import State
from scheduler.model.job import Job
from scheduler.model.policy import Order, Policy
from scheduler.sharing.fairtree import FairKey, FairTree
from scheduler.sharing.standing import NOTHING, Owns, Standings

TurnKey = tuple[tuple[bool, ...], int, int, FairKey, DueKey]
Head = tuple[DueKey, JobRecord]
Entry = tuple[TurnKey, "Lane", JobRecord, int]
"""Whose turn is when, and how many charges had been made when that was found."""
Lane = tuple[str, str, int, Owns]
"""A lane of the queue, whole or only those of it who are within so much of nominal quotas."""
STARVING_LANE: LaneKey = ("", "", -1)
"""Before all levels, and of no tenant."""
PATIENT_LEVEL = -1
"""Of who is patient (see `Policy`): in its branch before all others."""
NO_SHARE: FairKey = (0.0, 0.0, 0.0)
LAST: DueKey = (1, 0, 0, "")
"""Behind all classes."""


class Turns:
    """Waiting jobs in the policy's order.

    Fair: who is within nominal quotas (`owns`), then the highest priority class, where jobs take
    turns who is starving and then who has had least by levels, then the cohort, in it the tenant,
    and in that the project with the least weighted use, then who is due first. Who is patient
    is due first of all, by age, and owners of its tenant, in its class and those below, come in the
    order of all, but for what is another project's own. A grant made while the plan is drawn up
    counts at once. Else: one static key over all.
    """

    def __init__(
        self,
        state: State,
        now_ms: int,
        policy: Policy,
        standings: Standings,
        owns: Callable[[JobRecord], Owns],
    ) -> None:
        self.is_of_owner = False
        """Whether it is the turn of who is within a nominal quota: such come first."""
        self._queue = state.queue
        self._standings = standings
        self._owns = owns
        self._policy = policy
        self._patient_by_ms = policy.patient_by_ms(now_ms)
        self._fair = FairTree(state, now_ms)
        self._charge_count = 0

    def __iter__(self) -> Iterator[JobRecord]:
        match self._policy.order:
            case Order.FAIR:
                return self._by_share()
            case Order.AGE:
                return (record for _, record in self._queue.by_age)
            case Order.SHORTEST:
                return iter(sorted(self._queue.records(), key=_by_length))

    def charge(self, job: Job, tflops: int) -> None:
        """The job's branches were just given `tflops`."""
        self._fair.charge(job.tenant_id, job.project, tflops)
        self._charge_count += 1

    def _by_share(self) -> Iterator[JobRecord]:
        """Who is in several lanes comes once, by the one whose turn is first."""
        done: set[str] = set()
        lanes = self._lanes()
        # Nobody is in two where nobody starves or owns anything: of a million, none is noted.
        is_once = not (self._standings.starving.waiting or self._standings.has_owners)
        heap = [
            self._turn(lane, *head)
            for lane, entries in lanes.items()
            if (head := next(entries, None)) is not None
        ]
        heapq.heapify(heap)
        while heap:
            turn, lane, record, charge_count = heap[0]
            owned = lane[-1]
            if is_once or (record.job.id not in done and self._is_in(owned, record)):
                is_present = charge_count == self._charge_count
                present = heap[0] if is_present else self._turn(lane, turn[-1], record)
                if present > heap[0]:  # its tenant was given something in another lane
                    heapq.heapreplace(heap, present)
                    continue
                if not is_once:
                    done.add(record.job.id)
                self.is_of_owner = any(owned)
                yield record
            behind = lanes[lane]
            head = (yield from self._run(heap, behind)) if is_once else next(behind, None)
            if head is None:
                heapq.heappop(heap)
            else:
                heapq.heapreplace(heap, self._turn(lane, *head))

    def _run(
        self, heap: Sequence[Entry], lane: Iterator[Head]
    ) -> Generator[JobRecord, None, Head | None]:
        """Of the first lane those who come before all others; then who is next in it.

        All of one class in a lane have the same turn but for when they are due, as long as nothing
        is given: they need not be put among the others one by one.
        """
        (last, rank, level, share, _), _, _, charge_count = heap[0]
        bar = min((turn for turn, *_ in heap[1:3]), default=None)
        for key, record in lane:
            is_same = charge_count == self._charge_count and key[0] == rank
            if not is_same or (bar is not None and (last, rank, level, share, key) > bar):
                return key, record
            yield record
        return None

    def _lanes(self) -> dict[Lane, Iterator[Head]]:
        """Those of the queue, one more for those who starve, and of each one more for owners.

        That is where a branch has a nominal quota with room. Who is patient is in a lane of its
        branch, and not in that of the queue.
        """
        patient = self._patient()
        rest = self._others if patient else iter
        lanes = {(*key, NOTHING): rest(lane) for key, lane in self._queue.lanes.items()}
        lanes |= {(*key, NOTHING): iter(lane) for key, lane in patient.items()}
        starving = [(_oldest_key(record), record) for record in self._standings.starving.waiting]
        lanes[*STARVING_LANE, NOTHING] = iter(starving)
        of_tenants = _by_tenant(patient)
        for key, lane in chain(self._queue.lanes.items(), patient.items()):
            beside = of_tenants.get(key[0], [])
            for owned in self._standings.may_own(*key[:2]):
                lanes[*key, owned] = self._owners(lane, owned, key[1], beside)
                lanes[*STARVING_LANE, owned] = self._owners(starving, owned)
        return lanes

    def _patient(self) -> dict[LaneKey, list[Head]]:
        """By branch, the highest class and then the oldest first."""
        found: dict[LaneKey, list[Head]] = {}
        for record in filter(self._is_patient, self._queue.came_by(self._patient_by_ms)):
            lane = record.job.tenant_id, record.job.project, PATIENT_LEVEL
            found.setdefault(lane, []).append((_oldest_key(record), record))
        return found

    def _others(self, lane: list[Head]) -> Iterator[Head]:
        return (entry for entry in lane if not self._is_patient(entry[1]))

    def _is_patient(self, record: JobRecord) -> bool:
        return record.waited_from_ms <= self._patient_by_ms

    def _owners(
        self, lane: list[Head], owned: Owns, project_id: str = "", patient: Sequence[Head] = ()
    ) -> Iterator[Head]:
        """Those within so much; none before whom a patient job comes that is not.

        One of its tenant: what is a project's own is no more that of others, and waits for none.
        """
        of_tenant = self._first_beyond(owned, patient)
        own = (head for head in patient if head[1].job.project == project_id)
        of_project = self._first_beyond(owned, own)
        return (
            (key, record)
            for key, record in lane
            if self._is_in(owned, record)
            and key < (of_project if self._owns(record).project else of_tenant)
        )

    def _first_beyond(self, owned: Owns, patient: Iterable[Head]) -> DueKey:
        """Of the first of them that is not within so much."""
        return next((key for key, record in patient if not self._is_in(owned, record)), LAST)

    def _is_in(self, owned: Owns, record: JobRecord) -> bool:
        """Whether it is within so much, or more."""
        return owned == NOTHING or self._owns(record) >= owned

    def _turn(self, lane: Lane, key: DueKey, record: JobRecord) -> Entry:
        tenant_id, project_id, level, owned = lane
        shared_level = level if self._policy.is_shared else 0
        share = self._fair.key(tenant_id, project_id) if tenant_id else NO_SHARE
        # Ids are unique: two entries are never compared beyond them.
        turn = (_last(owned), key[0], shared_level, share, key)
        return turn, lane, record, self._charge_count


def _by_tenant(patient: Mapping[LaneKey, Iterable[Head]]) -> dict[str, list[Head]]:
    """Those of all its projects, in one order."""
    found: dict[str, list[Head]] = {}
    for head in sorted(chain.from_iterable(patient.values())):
        found.setdefault(head[1].job.tenant_id, []).append(head)
    return found


@cache
def _last(owned: Owns) -> tuple[bool, ...]:
    """Who is within more comes first."""
    return tuple(not one for one in owned)


def _oldest_key(record: JobRecord) -> DueKey:
    """By age, whoever is due."""
    rank, queued_ms, job_id = age_key(record)
    return rank, queued_ms, queued_ms, job_id


def _by_length(record: JobRecord) -> tuple[int, int, int, str]:
    return -record.job.priority.rank, record.job.limit_ms, record.queued_at_ms, record.job.id
