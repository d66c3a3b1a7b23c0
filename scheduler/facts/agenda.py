"""What comes up of the live attempts, and when: kept at events, so that nobody goes through all."""

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from scheduler.facts.record import Attempt, JobRecord
from scheduler.forecast.ends import Ends
from scheduler.model.job import NodeShare, Priority
from scheduler.model.levels import STEPS_CARD_MS, beyond_ms

Ending = tuple[int, str, tuple[NodeShare, ...]]
"""When what holds these cards ends, and the attempt's id."""
NEVER_MS = 1 << 60
NOT_SEEN = -1, 0, 0
"""The version of no pool."""
MARKS = ("unsettled", "stopping", "cancelled", "small", "watched", "starving")


class Entry(NamedTuple):
    """An attempt as it was when it was last noted; None where there is no such moment.

    `limit_ms` is when it is to be stopped for its limit, `metered_ms` how far it is counted.
    """

    record: JobRecord
    ends: Ends
    limit_ms: int | None
    metered_ms: int | None


class Agenda:
    """Live attempts by where and whose they are, and by when something is to be done about them.

    `unsettled` are those that have not started or are `stopping`, `cancelled` those that are still
    to be told to stop. `small` are elastic ones that run on fewer cards than they ask for,
    `watched` those with a budget of their own, `starving` those that began as such.
    """

    def __init__(self, records: Iterable[JobRecord] = ()) -> None:
        self.unsettled: dict[str, Attempt] = {}
        self.stopping: dict[str, Attempt] = {}
        self.cancelled: dict[str, Attempt] = {}
        self.small: dict[str, Attempt] = {}
        self.watched: dict[str, Attempt] = {}
        self.starving: dict[str, Attempt] = {}
        self._by_centre: dict[str, dict[str, Attempt]] = {}
        self._by_tenant: dict[str, dict[str, Attempt]] = {}
        self._by_priority: dict[Priority, dict[str, Attempt]] = {}
        self._beyond: dict[Priority, dict[str, tuple[Attempt, tuple[int, ...]]]] = {}
        self._limits: list[tuple[int, str]] = []
        self._meters: list[tuple[int, str]] = []
        self._latest: dict[str, list[Ending]] = {}
        self._likely: dict[str, list[Ending]] = {}
        self._likely_ms: dict[str, int] = {}
        self._moved_ms: dict[str, int] = {}
        self._unmoved: dict[str, tuple[int, int, int]] = {}
        self._versions: Counter[str] = Counter()
        self._entries: dict[str, Entry] = {}
        self._numbers: dict[str, int] = {}
        self._leased_count = 0
        for record in records:
            if record.attempt is not None:
                self.note(record)

    def of_centre(self, centre_id: str) -> Mapping[str, Attempt]:
        return self._by_centre.get(centre_id, {})

    def of_tenant(self, tenant_id: str) -> Mapping[str, Attempt]:
        return self._by_tenant.get(tenant_id, {})

    def of_priority(self, priority: Priority) -> Mapping[str, Attempt]:
        return self._by_priority.get(priority, {})

    def beyond(self, priority: Priority, level: int, now_ms: int) -> list[Attempt]:
        """Those of a class that run, of which the jobs are on a later level (see `levels`)."""
        of_class = self._beyond.get(priority, {}).values()
        if level < 0:
            return [attempt for attempt, _ in of_class]
        if level == len(STEPS_CARD_MS):
            return []
        return [attempt for attempt, times_ms in of_class if times_ms[level] <= now_ms]

    def beyond_from_ms(self) -> Iterator[int]:
        """When what runs comes, or came, to be on a later level, in no order."""
        for of_class in self._beyond.values():
            for _, times_ms in of_class.values():
                yield from times_ms

    def in_order(self, attempt_ids: Iterable[str]) -> list[str]:
        """In the order of their leases."""
        return sorted(attempt_ids, key=self._numbers.__getitem__)

    def to_stop(self, now_ms: int) -> list[str]:
        """Those that are cancelled or at their limit, and were not told to stop."""
        over = self._limits[: bisect_left(self._limits, (now_ms + 1,))]
        if not (over or self.cancelled):
            return []
        return self.in_order({attempt_id for _, attempt_id in over} | self.cancelled.keys())

    def to_meter(self, until_ms: int) -> list[str]:
        """Those that are counted to that moment at most."""
        old = self._meters[: bisect_left(self._meters, (until_ms + 1,))]
        return self.in_order(attempt_id for _, attempt_id in old)

    def latest(self, pool_id: str) -> list[Ending]:
        """A pool's in the order of their ends by limits and stops; not to be changed."""
        return self._latest.get(pool_id, [])

    def likely(self, pool_id: str, now_ms: int) -> list[Ending]:
        """A pool's in the order of their likely ends; not to be changed.

        What has overstayed has its next one, which is kept, and so worked out once. Whoever asks
        for an earlier moment than the last has all worked out anew.
        """
        ordered = self._likely.get(pool_id, [])
        if self._is_unmoved(pool_id, now_ms):
            return ordered
        if now_ms < self._moved_ms.get(pool_id, now_ms):
            ids = [attempt_id for _, attempt_id, _ in ordered]
            self._put_likely(ordered, {one: self._entries[one].ends.likely_ms for one in ids})
            self._versions[pool_id] += 1
        moved = {
            attempt_id: next_ms
            for at_ms, attempt_id, _ in ordered[: bisect_left(ordered, (now_ms + 1,))]
            if at_ms != self._entries[attempt_id].ends.latest_ms  # what is at its limit stays there
            and (next_ms := self._next_ms(attempt_id, now_ms)) != at_ms
        }
        if moved:
            self._put_likely(ordered, moved)
            self._versions[pool_id] += 1
        self._moved_ms[pool_id] = now_ms
        count = bisect_left(ordered, (now_ms + 1,))
        next_ms = ordered[count][0] if count < len(ordered) else NEVER_MS
        self._unmoved[pool_id] = self._versions[pool_id], now_ms, next_ms - 1
        return ordered

    def _is_unmoved(self, pool_id: str, now_ms: int) -> bool:
        """Whether nothing has come to its likely end since all that had was seen to."""
        version, from_ms, until_ms = self._unmoved.get(pool_id, NOT_SEEN)
        return version == self._versions[pool_id] and from_ms <= now_ms <= until_ms

    def version(self, pool_id: str) -> int:
        """Another one whenever the pool's ends in their order have changed."""
        return self._versions[pool_id]

    def note(self, record: JobRecord) -> None:
        """Its attempt was leased, or has changed."""
        attempt = record.attempt
        assert attempt is not None, f"{record.job.id} has no attempt"
        record.note_ends()
        if attempt.id not in self._numbers:
            self._enter(record, attempt)
        self._change(attempt, _entry(record, attempt))
        if attempt.started_at_ms is not None:
            cards, priority = attempt.placement.card_count, record.job.priority
            times_ms = beyond_ms(record.served_card_ms, attempt.started_at_ms, cards)
            self._beyond.setdefault(priority, {})[attempt.id] = attempt, times_ms
        is_stopping = attempt.stop_cause is not None
        is_settled = attempt.started_at_ms is not None and not is_stopping
        _keep(self.unsettled, attempt, is_member=not is_settled)
        _keep(self.stopping, attempt, is_member=is_stopping)
        _keep(self.cancelled, attempt, is_member=record.is_cancelled and not is_stopping)
        may_grow = is_settled and record.is_small and not record.is_cancelled
        _keep(self.small, attempt, is_member=may_grow)
        _keep(self.watched, attempt, is_member=record.watched is not None)
        _keep(self.starving, attempt, is_member=attempt.is_starving)

    def note_metered(self, attempt: Attempt) -> None:
        """It is counted further, and nothing else of it has changed."""
        record, ends, limit_ms, before_ms = self._entries[attempt.id]
        _move(self._meters, attempt.id, before_ms, attempt.metered_to_ms)
        self._entries[attempt.id] = Entry(record, ends, limit_ms, attempt.metered_to_ms)

    def discard(self, record: JobRecord) -> None:
        """Its attempt is over."""
        attempt = record.attempt
        assert attempt is not None, f"{record.job.id} has no attempt"
        self._change(attempt, None)
        for name in MARKS:
            getattr(self, name).pop(attempt.id, None)
        del self._numbers[attempt.id]
        del self._by_centre[attempt.placement.centre_id][attempt.id]
        del self._by_tenant[record.job.tenant_id][attempt.id]
        del self._by_priority[record.job.priority][attempt.id]
        self._beyond.get(record.job.priority, {}).pop(attempt.id, None)

    def _enter(self, record: JobRecord, attempt: Attempt) -> None:
        self._leased_count += 1
        self._numbers[attempt.id] = self._leased_count
        self._by_centre.setdefault(attempt.placement.centre_id, {})[attempt.id] = attempt
        self._by_tenant.setdefault(record.job.tenant_id, {})[attempt.id] = attempt
        self._by_priority.setdefault(record.job.priority, {})[attempt.id] = attempt

    def _change(self, attempt: Attempt, now: Entry | None) -> None:
        """It has the places that it is now to have, and no others."""
        key, before = attempt.id, self._entries.pop(attempt.id, None)
        if now is not None:
            self._entries[key] = now
        _move(self._limits, key, before and before.limit_ms, now and now.limit_ms)
        _move(self._meters, key, before and before.metered_ms, now and now.metered_ms)
        if before is not None and now is not None and before.ends == now.ends:
            return
        self._versions[attempt.placement.pool_id] += 1
        latest = self._latest.setdefault(attempt.placement.pool_id, [])
        likely = self._likely.setdefault(attempt.placement.pool_id, [])
        if before is not None:
            del latest[bisect_left(latest, (before.ends.latest_ms, key))]
            del likely[bisect_left(likely, (self._likely_ms.pop(key), key))]
        if now is not None:
            insort(latest, (now.ends.latest_ms, key, attempt.placement.shares))
            insort(likely, (now.ends.likely_ms, key, attempt.placement.shares))
            self._likely_ms[key] = now.ends.likely_ms

    def _put_likely(self, ordered: list[Ending], ends_ms: dict[str, int]) -> None:
        for key, at_ms in ends_ms.items():
            _, _, shares = ordered.pop(bisect_left(ordered, (self._likely_ms[key], key)))
            insort(ordered, (at_ms, key, shares))
            self._likely_ms[key] = at_ms

    def _next_ms(self, attempt_id: str, now_ms: int) -> int:
        """When it is likely to end that has overstayed; what is at its limit ends by that."""
        record, ends, _, _ = self._entries[attempt_id]
        forecast_ms = record.forecast_ms
        if forecast_ms is None:
            return ends.latest_ms
        assert record.attempt is not None
        likely_ms = record.likely_end_ms(record.attempt.begin_ms, now_ms, forecast_ms)
        return min(likely_ms, ends.latest_ms)

    def check(self, records: Iterable[JobRecord]) -> None:
        """Raise `AssertionError` where anything is not as it would be noted anew."""
        anew = Agenda(sorted(records, key=self._number))
        for pool_id in self._likely:
            moved_ms = self._moved_ms.get(pool_id, 0)
            assert self.likely(pool_id, moved_ms) == anew.likely(pool_id, moved_ms), (
                f"the likely ends of {pool_id} drifted"
            )
        for name in (*MARKS, "_limits", "_meters", "_entries"):
            assert getattr(self, name) == getattr(anew, name), f"the agenda's {name} drifted"
        for name in ("_by_centre", "_by_tenant", "_by_priority", "_beyond", "_latest"):
            kept = {key: some for key, some in getattr(self, name).items() if some}
            assert kept == getattr(anew, name), f"the agenda's {name} drifted"
        assert [*anew._numbers] == self.in_order(self._numbers), "the order of leases drifted"

    def _number(self, record: JobRecord) -> int:
        return self._numbers.get(record.attempt.id, 0) if record.attempt else 0


def _entry(record: JobRecord, attempt: Attempt) -> Entry:
    limit_ms = None
    if attempt.started_at_ms is not None and attempt.stop_cause is None:
        limit_ms = attempt.started_at_ms + record.form.limit_ms
    return Entry(record, attempt.ends, limit_ms, attempt.metered_to_ms)


def _keep(members: dict[str, Attempt], attempt: Attempt, *, is_member: bool) -> None:
    if is_member:
        members[attempt.id] = attempt
    else:
        members.pop(attempt.id, None)


def _move(ordered: list[tuple[int, str]], key: str, from_ms: int | None, to_ms: int | None) -> None:
    if from_ms == to_ms:
        return
    if from_ms is not None:
        del ordered[bisect_left(ordered, (from_ms, key))]
    if to_ms is not None:
        insort(ordered, (to_ms, key))
