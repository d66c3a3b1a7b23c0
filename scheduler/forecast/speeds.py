"""How fast a job runs in each of its forms, against the first: as its user says, or as was seen.

Where its user says nothing, the median of how long its namesakes ran in the first form over that in
the other: relative throughput, measured where the same job has run on both (Narayanan et al.,
"Heterogeneity-aware cluster scheduling policies for deep learning workloads", OSDI 2020). Where too
few have run, by the stated compute power of the cards, as if all of it could be used.
"""

from statistics import median_low

from cluster.inventory import Park
from scheduler.forecast.history import History
from scheduler.model.job import Job
from scheduler.model.variants import forms, given_speeds

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
    return tuple(min(max(1, speed), PERMILLE_MAX) for speed in found)


def _typical_ms(job: Job, form: Job, history: History) -> int | None:
    lengths_ms = history.lengths_ms(job, form)
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
    return kind.tflops_fp16 if kind else None


def at_speed(own_ms: int, speed_permille: int) -> int:
    """How long what takes so long in the first form takes at this speed, rounded up."""
    return -(-own_ms * 1_000 // speed_permille)
