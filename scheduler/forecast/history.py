"""How long jobs like this one have run: a forecast from what has run, whatever users say.

The median of the last runs of the same tenant, user, name and size; where there are none, of ever
larger groups. It needs no model and no training, and is close to the best there is where users
repeat themselves (Tsafrir, Etsion, Feitelson, "Backfilling using system-generated predictions
rather than user runtime estimates", IEEE TPDS 2007; QSSF in Hu et al., "Characterization and
prediction of deep learning workloads in large-scale GPU datacenters", SC 2021). What still runs
counts as well, as long as what ran longer: else the long jobs of a new campaign, of which only the
short have ended, would be taken for short.
"""

from bisect import bisect_right
from collections import defaultdict, deque
from collections.abc import Collection, Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import filterfalse, islice
from operator import attrgetter
from typing import NamedTuple

from scheduler.forecast.siblings import Near, Siblings, first_near
from scheduler.model.job import Job

WINDOW = 16
"""So many runs of a group count, the last to begin of those that were not cut off."""
KEPT = 4 * WINDOW
"""So many runs of a group are known."""
RUNS_MAX = 10_000
"""So many runs are known in all."""
UNKNOWN_MS = 3_600_000
"""How long a job is expected to run where nothing has, unless its limit is shorter."""
TELLING_MS = 600_000
"""What has run for less, and still runs, tells nothing where nothing else is known."""

OWN_GROUPS, ALL_GROUPS = 3, 5
"""So many of a job's groups, the nearest first, are of its user alone, and so many are in all."""

NO_NAMES: AbstractSet[str] = frozenset()
Group = tuple[str | int, ...]
Window = tuple[Group, int]
"""So many runs of a group from that one on, in the order of their submission."""
Lengths = dict[tuple[int, str], list[int]]
"""How long runs took, by how many cards of which kind they had."""


class Pace(NamedTuple):
    """On how many cards of which kind a run is, and how fast its time counts."""

    device_kind_id: str
    card_count: int
    speed_permille: int


NEVER = -1, None
"""No median of no moment."""

OWN_PACE = Pace("", 0, 1_000)
"""Of a run that says nothing of how fast it would be elsewhere."""


@dataclass(slots=True, kw_only=True)
class PastRun:
    """One run; `length_ms` is None as long as it runs, and `is_void` where its end says nothing.

    Its time is that of the first form of its job (see `forms`), of which it has `card_count`: where
    it ran in another, time there counts by `speed_permille`. `held_count` cards of `device_kind_id`
    are what it had; no kind where it went on from another run.
    """

    attempt_id: str
    tenant_id: str
    user: str
    name: str
    card_count: int
    started_at_ms: int
    length_ms: int | None = None
    is_void: bool = False
    device_kind_id: str = ""
    held_count: int = 0
    speed_permille: int = 1_000
    submitted_at_ms: int = 0


@dataclass(slots=True)
class Known:
    """How long the last runs of a group took, in order, and those that still run.

    Of these when each began, and how fast its time counts.
    """

    ended_ms: list[int]
    begun: list[tuple[int, int]]
    _typical: tuple[int, int | None] = NEVER

    def typical_ms(self, now_ms: int) -> int | None:
        """The median, asked several times of one moment."""
        at_ms, typical_ms = self._typical
        if at_ms != now_ms:
            typical_ms = self._median_ms(now_ms)
            self._typical = now_ms, typical_ms
        return typical_ms

    def _median_ms(self, now_ms: int) -> int | None:
        """For what runs it counts what ran longer, else twice what it has had."""
        ended = self.ended_ms
        elapsed = [max(0, now_ms - at_ms) * speed // 1_000 for at_ms, speed in self.begun]
        if not ended and max(elapsed, default=0) < TELLING_MS:
            return None
        lengths = sorted(ended + [_expected_ms(ended, one) for one in elapsed])
        return lengths[len(lengths) // 2]


class History:
    """The last runs, in the order in which they began, by group."""

    def __init__(self, runs: Iterable[PastRun] = ()) -> None:
        self.runs: deque[PastRun] = deque()
        self._open: dict[str, PastRun] = {}
        self._by_group: dict[Group, deque[PastRun]] = {}
        self._known: dict[Group, Known] = {}
        self._names: dict[tuple[str, str], set[str]] = {}
        self._lengths: dict[Group, Lengths] = {}
        self._siblings: dict[Group, Siblings] = defaultdict(Siblings)
        for run in runs:
            self._add(run)

    def begin(self, job: Job, attempt_id: str, at_ms: int, pace: Pace = OWN_PACE) -> None:
        run = PastRun(
            attempt_id=attempt_id,
            tenant_id=job.tenant_id,
            user=job.user,
            name=job.name,
            card_count=job.device_count,
            started_at_ms=at_ms,
            device_kind_id=pace.device_kind_id,
            held_count=pace.card_count,
            speed_permille=pace.speed_permille,
            submitted_at_ms=job.submitted_at_ms,
        )
        self._add(run)

    def end(self, attempt_id: str, length_ms: int | None) -> None:
        """It ran so long; None where it was cut off, which says nothing."""
        run = self._open.pop(attempt_id, None)
        if run is not None:
            run.length_ms, run.is_void = length_ms, length_ms is None
            groups = _groups_of(run)
            self._unlearn(groups)
            if length_ms is None:
                self._part(run)
            else:
                for group in groups[:ALL_GROUPS]:
                    self._siblings[group].end(length_ms)

    def expected_ms(self, job: Job, now_ms: int) -> int:
        """How long the job is likely to run, by what was like it, and at most to its limit.

        At least 1 ms: in a checkpoint 0 is what was never asked.
        """
        return self.foretold_ms(job, now_ms) or min(job.limit_ms, UNKNOWN_MS)

    def reckoned_ms(self, job: Job, now_ms: int) -> int:
        """With how long a run the order reckons: by those submitted nearest to it, in doubt less.

        At least 1 ms, and at most its limit; an hour where no run has ended.
        """
        return self._reckoned_ms(job, now_ms, {})

    def all_reckoned_ms(self, jobs: Iterable[Job], now_ms: int) -> list[int]:
        """The same of each; what is nearest to several is looked through once."""
        near: dict[Window, Near] = {}
        return [self._reckoned_ms(job, now_ms, near) for job in jobs]

    def _reckoned_ms(self, job: Job, now_ms: int, near: dict[Window, Near]) -> int:
        for group in _groups(job.tenant_id, job.user, job.name, job.device_count):
            siblings = self._siblings.get(group)
            if siblings is not None and siblings.ended_count:
                window = group, first_near(siblings.runs, job.submitted_at_ms)
                found = near.get(window)
                if found is None:
                    found = near[window] = siblings.around(window[1], now_ms)
                return max(1, min(job.limit_ms, found.reckoned_ms(job.submitted_at_ms)))
        return min(job.limit_ms, UNKNOWN_MS)

    def foretold_ms(self, job: Job, now_ms: int) -> int | None:
        """The same; None where nothing has run that says so."""
        typical_ms = self._typical_ms(job, now_ms, ALL_GROUPS)
        return None if typical_ms is None else max(1, min(job.limit_ms, typical_ms))

    def forecast_ms(self, job: Job, now_ms: int) -> int | None:
        """The same, by what its own user ran alone; None where that is nothing.

        What strangers ran says something on average, and so for the order. A promise is for one.
        """
        return self._typical_ms(job, now_ms, OWN_GROUPS)

    def has_namesakes(self, job: Job) -> bool:
        """Whether anything that its user calls by its name has run."""
        return job.name in self.names(job)

    def names(self, job: Job) -> AbstractSet[str]:
        """What its user called all that has run; by them alone its jobs of one size differ."""
        return self._names.get((job.tenant_id, job.user), NO_NAMES)

    def lengths_ms(self, job: Job, card_count: int, kind_ids: Collection[str]) -> list[int]:
        """How long what its user calls by its name ran from its beginning to its end, so placed.

        On so many cards of one of these kinds, or of any, by the clock; the last to begin of all
        forms.
        """
        return [
            length_ms
            for (count, kind_id), lengths_ms in self._lengths_of(job).items()
            if count == card_count and (not kind_ids or kind_id in kind_ids)
            for length_ms in lengths_ms
        ]

    def kind_count(self, job: Job, least: int) -> int:
        """On how many kinds at least so many such runs are known, on as many cards as it asks."""
        known = self._lengths_of(job).items()
        return sum(one[0] == job.device_count and len(runs) >= least for one, runs in known)

    def _lengths_of(self, job: Job) -> Lengths:
        group = _namesakes(job.tenant_id, job.user, job.name)
        known = self._lengths.get(group)
        if known is None:
            known = self._lengths[group] = _lengths(self._by_group.get(group, ()))
        return known

    def _typical_ms(self, job: Job, now_ms: int, nearest: int) -> int | None:
        """The median of the nearest group that has run; None where none of so many has."""
        groups = _groups(job.tenant_id, job.user, job.name, job.device_count)
        for group in groups[:nearest]:
            runs = self._by_group.get(group)
            if runs is None:
                continue
            known = self._known.get(group)
            if known is None:
                known = self._known[group] = _known(runs)
            typical_ms = known.typical_ms(now_ms)
            if typical_ms is not None:
                return typical_ms
        return None

    def _unlearn(self, groups: Iterable[Group]) -> None:
        """What is known of these has changed."""
        *alike, namesakes = groups
        for group in alike:
            self._known.pop(group, None)
        self._lengths.pop(namesakes, None)

    def _add(self, run: PastRun) -> None:
        self.runs.append(run)
        if run.length_ms is None and not run.is_void:
            self._open[run.attempt_id] = run
        groups = _groups_of(run)
        for group in groups:
            if (runs := self._by_group.get(group)) is None:
                runs = self._by_group[group] = deque(maxlen=KEPT)
            runs.append(run)
        self._names.setdefault((run.tenant_id, run.user), set()).add(run.name)
        if not run.is_void:
            for group in groups[:ALL_GROUPS]:
                self._siblings[group].add(run)
        self._unlearn(groups)
        if len(self.runs) > RUNS_MAX:
            self._forget(self.runs.popleft())

    def _part(self, run: PastRun) -> None:
        """It is no sibling of anybody any more."""
        for group in _alike(run):
            siblings = self._siblings[group]
            siblings.discard(run)
            if not siblings.runs:
                del self._siblings[group]

    def _forget(self, run: PastRun) -> None:
        self._open.pop(run.attempt_id, None)
        groups = _groups_of(run)
        for group in groups:
            runs = self._by_group[group]
            if runs[0] is run:
                runs.popleft()
            if not runs:
                del self._by_group[group]
        if groups[-1] not in self._by_group:
            self._names[run.tenant_id, run.user].discard(run.name)
        if not run.is_void:
            self._part(run)
        self._unlearn(groups)


def _alike(run: PastRun) -> tuple[Group, ...]:
    return _groups(run.tenant_id, run.user, run.name, run.card_count)


def _groups_of(run: PastRun) -> tuple[Group, ...]:
    return (*_alike(run), _namesakes(run.tenant_id, run.user, run.name))


def _namesakes(tenant_id: str, user: str, name: str) -> Group:
    """What one user calls so, of whatever size: none of the groups that a forecast looks at."""
    return "", tenant_id, user, name


def _groups(tenant_id: str, user: str, name: str, card_count: int) -> tuple[Group, ...]:
    """Who is most like it first."""
    size = tenant_id, user, card_count
    return (*size, name), size, (tenant_id, user), (tenant_id,), ()


def _known(runs: deque[PastRun]) -> Known:
    ended_ms, begun = [], []
    for run in islice(filterfalse(attrgetter("is_void"), reversed(runs)), WINDOW):
        if run.length_ms is None:
            begun.append((run.started_at_ms, run.speed_permille))
        else:
            ended_ms.append(run.length_ms)
    return Known(sorted(ended_ms), begun)


def _lengths(runs: Iterable[PastRun]) -> Lengths:
    """Of those that ran from beginning to end."""
    found: Lengths = {}
    for run in runs:
        if run.length_ms is not None and run.device_kind_id:
            length_ms = run.length_ms * 1_000 // run.speed_permille
            found.setdefault((run.held_count, run.device_kind_id), []).append(length_ms)
    return found


def _expected_ms(ended: list[int], elapsed_ms: int) -> int:
    first, count = bisect_right(ended, elapsed_ms), len(ended)
    return ended[(first + count) // 2] if first < count else 2 * elapsed_ms
