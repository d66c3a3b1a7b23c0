"""How fast a job runs in each of its forms, against the first: as its user says, or as was seen.

Where its user says nothing, the median of how long its namesakes ran in the first form over that in
the other: relative throughput, measured where the same job has run on both (Narayanan et al.,
"Heterogeneity-aware cluster scheduling policies for deep learning workloads", OSDI 2020). Where too
few have run, by the stated compute power of the cards, as if all of it could be used.

A job that names several kinds and no more has one form. On each kind it takes as long as its
namesakes took there, once they have run on the first and on another; until then all are alike.
"""

from collections.abc import Mapping, Sequence
from statistics import median_low

from cluster.inventory import Park
from scheduler.forecast.history import History
from scheduler.model.job import Job, Placement
from scheduler.model.variants import form_number, forms, given_speeds

LEAST = 3
"""So many runs of each of two forms tell how fast one is against the other."""
PERMILLE_MAX = 1_000_000


def speeds(job: Job, history: History, park: Park | None) -> tuple[int, ...]:
    """Of each of its forms, in permille of the first; from 1 to `PERMILLE_MAX`."""
    known = forms(job)
    if len(known) == 1:
        return (1_000,)
    first, first_ms = known[0], _typical_ms(job, known[0], history)
    found = []
    for form, given in zip(known, given_speeds(job), strict=True):
        length_ms = None if given is not None else _typical_ms(job, form, history)
        speed = given
        if speed is None and first_ms is not None and length_ms is not None:
            speed = first_ms * 1_000 // max(1, length_ms)
        found.append(_power_permille(first, form, park) if speed is None else speed)
    return tuple(map(_bounded, found))


def _bounded(speed: int) -> int:
    return min(max(1, speed), PERMILLE_MAX)


def lengths_by_kind(job: Job, history: History) -> dict[str, int]:
    """How long its like took on each kind that it names, where that is known.

    Empty unless it is of the first and of another. Where it reads data, that decides where it goes.
    """
    kind_ids = job.device_kind_ids
    if job.has_forms or len(kind_ids) == 1 or job.data_ids or not history.has_namesakes(job):
        return {}
    count = job.device_count
    typical = {one: _median_ms(history.lengths_ms(job, count, (one,))) for one in kind_ids}
    known = {kind_id: length_ms for kind_id, length_ms in typical.items() if length_ms is not None}
    return known if len(known) > 1 and kind_ids[0] in known else {}


def knows_kinds(job: Job, history: History) -> bool:
    """Whether enough of its like ran on two kinds; else `lengths_by_kind` knows nothing of any."""
    return history.kind_count(job, LEAST) > 1


def kind_speed(job: Job, kind_id: str, lengths_ms: Mapping[str, int]) -> int:
    """Against the first kind, by these; one of which nothing is known counts as fast."""
    first_ms = lengths_ms[job.device_kind_ids[0]]
    return _bounded(first_ms * 1_000 // max(1, lengths_ms.get(kind_id, first_ms)))


def foretold(
    job: Job, placement: Placement, history: History, park: Park | None, now_ms: int
) -> tuple[int, int | None]:
    """How fast it is so placed, and how long it is likely to run; None where nothing says so."""
    lengths_ms = lengths_by_kind(job, history)
    if lengths_ms:
        speed = kind_speed(job, placement.device_kind_id, lengths_ms)
        own_ms: int | None = lengths_ms[job.device_kind_ids[0]]
    else:
        speed = speeds(job, history, park)[form_number(job, placement)]
        own_ms = history.forecast_ms(job, now_ms)
    return speed, None if own_ms is None else at_speed(own_ms, speed)


def _typical_ms(job: Job, form: Job, history: History) -> int | None:
    return _median_ms(history.lengths_ms(job, form.device_count, form.device_kind_ids))


def _median_ms(lengths_ms: Sequence[int]) -> int | None:
    return median_low(lengths_ms) if len(lengths_ms) >= LEAST else None


def _power_permille(first: Job, form: Job, park: Park | None) -> int:
    """By cards and the TFLOPS of the preferred kinds; by cards alone where any kind would do."""
    one, other = _tflops(first, park), _tflops(form, park)
    if one is None or other is None:
        one = other = 1
    return form.device_count * other * 1_000 // (first.device_count * one)


def _tflops(form: Job, park: Park | None) -> int | None:
    """Of a card of the kind that it prefers; None where it names none that the park has."""
    kind_id = form.device_kind_ids[0] if form.device_kind_ids else ""
    kind = park.device_kind_by_id.get(kind_id) if park else None
    return kind.share_tflops if kind else None


def at_speed(own_ms: int, speed_permille: int) -> int:
    """How long what takes so long in the first form takes at this speed, rounded up."""
    return -(-own_ms * 1_000 // speed_permille)
