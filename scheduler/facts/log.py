"""The port to the durable log, and the log in memory that tests and replays use."""

from collections.abc import Hashable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Protocol

from accounting.ledger import Transfer
from accounting.usage.activity import ActivitySlice
from accounting.usage.slices import UsageCredit, UsageSlice
from scheduler.facts.events import Event, Wish
from scheduler.facts.record import Snapshot
from scheduler.model.job import JobState, PlannedStart, Reason


class Deposed(Exception):
    """Another leader has a higher epoch: nothing was written, and the state must be dropped."""


class Unwritable(Exception):
    """The log cannot hold what the cycle says, however often it is tried: nothing was written.

    `code` says why in a word (PostgreSQL's SQLSTATE); the text is for the operator's eyes.
    """

    def __init__(self, code: str, said: str) -> None:
        super().__init__(f"{said} ({code})")
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Something somebody wants, waiting in the inbox; `id` is unique for ever."""

    id: str
    wish: Wish


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A row of the inbox that this release makes nothing of: another release has written it."""

    id: str


Asked = Request | Unreadable


NOT_KEPT = "it cannot be kept ("
"""What is refused in these words is no verdict on what was asked: it may be asked for again."""


def not_kept(request_id: str, code: str) -> str:
    """Why a request is refused of which nothing can be kept, to whoever asked."""
    why = f"{NOT_KEPT}{code}), and nothing of it is done: the operator finds {request_id}"
    return f"{why} in the broker's log"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Why a job waits, its place in the queue (from 1), and when and where it would start."""

    position: int
    reasons: tuple[Reason, ...]
    start: PlannedStart | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolLoad:
    """How a pool stands, in cards; each capacity is at most the one before it.

    `reserved_cards` are free, and kept for quotes; `maintenance_cards` are online, on nodes that
    are drained.
    """

    pool_id: str
    centre_id: str
    tflops: int
    registered_cards: int
    online_cards: int
    schedulable_cards: int
    allocated_cards: int
    reserved_cards: int = 0
    maintenance_cards: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycle:
    """All that one step decided; committed as a whole or not at all.

    `refused` maps the id of a request that did not fit the state to why. `states` says how each job
    that an event touched stands now. `waiting` holds only the jobs whose answer changed since the
    last commit, and `loads` only the pools that did. `flaws` is what of the plan was not carried
    out, as it broke a rule.
    """

    now_ms: int
    events: tuple[Event, ...]
    request_ids: tuple[str, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    states: Mapping[str, JobState] = field(default_factory=dict)
    waiting: Mapping[str, Waiting] = field(default_factory=dict)
    loads: tuple[PoolLoad, ...] = ()
    usage: tuple[UsageSlice, ...] = ()
    activity: tuple[ActivitySlice, ...] = ()
    credits: tuple[UsageCredit, ...] = ()
    transfers: tuple[Transfer, ...] = ()
    flaws: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.events or self.request_ids or self.waiting or self.loads)


FILE_PREFIX = "file:"
"""Under what ids a park file is declared."""


class Log(Protocol):
    """One writer's durable memory. `commit` writes all of a cycle under `epoch`, or raises."""

    def lead(self, now_ms: int) -> int:
        """Become the leader and return the new epoch; whoever led before is deposed."""
        ...

    def requests(self, limit: int) -> tuple[Asked, ...]:
        """The oldest requests that no cycle has consumed."""
        ...

    def replay(self) -> tuple[Snapshot, Iterator[Event]]:
        """The newest checkpoint (empty before the first), and the events after it in order."""
        ...

    def commit(self, epoch: int, cycle: Cycle) -> None:
        """Write all of `cycle`; raises `Deposed`, with nothing written, under an old epoch.

        Raises `Unwritable`, likewise, where it is for what the cycle says that it cannot be.
        """
        ...

    def save(self, epoch: int, snapshot: Snapshot) -> None:
        """Keep a checkpoint of the state after the last commit; raises `Deposed` likewise."""
        ...


@dataclass(slots=True)
class MemoryLog:
    """A `Log` without a disk: the same rules, for simulation and replay."""

    epoch: int = 0
    events: list[Event] = field(default_factory=list)
    inbox: dict[str, Request] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    waiting: dict[str, Waiting] = field(default_factory=dict)
    usage: dict[tuple[str, int], UsageSlice] = field(default_factory=dict)
    activity: dict[tuple[str, int], ActivitySlice] = field(default_factory=dict)
    credits: list[UsageCredit] = field(default_factory=list)
    transfers: list[Transfer] = field(default_factory=list)
    checkpoint: Snapshot = field(default_factory=Snapshot)
    checkpoint_seq: int = 0
    _asked_ids: set[str] = field(default_factory=set)
    _facts: set[Hashable] = field(default_factory=set)

    def ask(self, request: Request) -> None:
        """Put a request into the inbox; the same id twice is once, also after it was taken."""
        if request.id not in self._asked_ids:
            self._asked_ids.add(request.id)
            self.inbox[request.id] = request

    def lead(self, now_ms: int) -> int:  # noqa: ARG002 - nothing expires in memory
        self.epoch += 1
        return self.epoch

    def requests(self, limit: int) -> tuple[Request, ...]:
        return tuple(self.inbox.values())[:limit]

    def replay(self) -> tuple[Snapshot, Iterator[Event]]:
        return deepcopy(self.checkpoint), iter(tuple(self.events[self.checkpoint_seq :]))

    def save(self, epoch: int, snapshot: Snapshot) -> None:
        self._fence(epoch)
        self.checkpoint, self.checkpoint_seq = deepcopy(snapshot), len(self.events)

    def commit(self, epoch: int, cycle: Cycle) -> None:
        self._fence(epoch)
        if cycle.usage or cycle.activity or cycle.credits or cycle.transfers:
            self._book(cycle)
        self.events.extend(cycle.events)
        for request_id in cycle.request_ids:
            del self.inbox[request_id]
        self.refused.update(cycle.refused)
        self.waiting.update(cycle.waiting)

    def _book(self, cycle: Cycle) -> None:
        facts = [*_facts(cycle)]
        assert len({*facts}) == len(facts), "a fact is booked twice in one cycle"
        assert self._facts.isdisjoint(facts), "a fact is booked already"
        self._facts.update(facts)
        self.usage.update(((usage.reference, usage.from_ms), usage) for usage in cycle.usage)
        self.activity.update(((one.reference, one.from_ms), one) for one in cycle.activity)
        self.credits.extend(cycle.credits)
        self.transfers.extend(cycle.transfers)

    def _fence(self, epoch: int) -> None:
        if epoch != self.epoch:
            raise Deposed(f"epoch {epoch} is over, {self.epoch} leads")


def _facts(cycle: Cycle) -> Iterator[Hashable]:
    """What each fact of the books is known by, for ever."""
    yield from (("usage", usage.reference, usage.from_ms) for usage in cycle.usage)
    yield from (("activity", one.reference, one.from_ms) for one in cycle.activity)
    yield from (("usage credit", credit.reference) for credit in cycle.credits)
    yield from ((transfer.kind, transfer.reference) for transfer in cycle.transfers)
