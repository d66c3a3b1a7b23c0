"""The forms that a job may take: as its user asked first, each of its variants, or a smaller size.

A form is a job like any other that has none itself, so that whatever is worked out for jobs (where
one fits, what it may cost, when it ends) is worked out for forms, and for nothing else.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from itertools import islice, takewhile

from scheduler.model.job import Job, Placement

KNOWN_MAX = 16_384
"""Of so many jobs the forms are kept at hand."""

SIZES_MAX = 8
"""Of an elastic job: as it asks first, and smaller ones."""


def forms(job: Job) -> tuple[Job, ...]:
    """All of them, the preferred first; a job without variants or sizes is its only form itself."""
    return _forms(job) if job.has_forms else (job,)


@lru_cache(maxsize=KNOWN_MAX)
def _forms(job: Job) -> tuple[Job, ...]:
    first = replace(job, variants=(), min_device_count=None, step_device_count=None)
    if job.min_device_count is not None:
        least = job.min_device_count
        step = job.step_device_count
        sizes = halves(first) if step is None else steps(first, step)
        smaller = takewhile(lambda size: size.device_count >= least, sizes)
        return first, *(_in_time(first, size) for size in islice(smaller, SIZES_MAX - 1))
    return (
        first,
        *(
            replace(
                first,
                device_kind_ids=variant.device_kind_ids,
                device_count=variant.device_count,
                node_count=variant.node_count,
                member_count=variant.member_count,
                limit_ms=variant.limit_ms,
            )
            for variant in job.variants
        ),
    )


def halves(job: Job) -> Iterator[Job]:
    """Halves of it, and so on, as long as nodes and members can be halved; of roles none."""
    smaller = job
    if job.roles:
        return
    while all(count is None or count % 2 == 0 for count in _counts(smaller)):
        cards, nodes, members = (count and count // 2 for count in _counts(smaller))
        assert cards is not None
        smaller = replace(smaller, device_count=cards, node_count=nodes, member_count=members)
        yield smaller


def steps(job: Job, step: int) -> Iterator[Job]:
    """So many cards less each time, and as many nodes and members less; a part of one is none."""
    for cards in range(job.device_count - step, 0, -step):
        nodes, members = (count and count * cards // job.device_count for count in _counts(job)[1:])
        yield replace(job, device_count=cards, node_count=nodes, member_count=members)


def _counts(job: Job) -> tuple[int, int | None, int | None]:
    return job.device_count, job.node_count, job.member_count


def _in_time(first: Job, size: Job) -> Job:
    """On fewer cards it may run for longer, and may cost as much."""
    return replace(size, limit_ms=first.limit_ms * first.device_count // size.device_count)


def given_speeds(job: Job) -> tuple[int | None, ...]:
    """Of each form, in permille of the first; None where it is to be learned."""
    if job.min_device_count is not None:
        return (1_000, *(None for _ in forms(job)[1:]))
    return (1_000, *(variant.speed_permille for variant in job.variants))


def form_number(job: Job, placement: Placement) -> int:
    """In which of its forms a job has this placement; the first where it is in none.

    No two forms have as many cards of one kind: such jobs are refused where they come in.
    """
    if not job.has_forms:
        return 0
    found = (number for number, form in enumerate(forms(job)) if _is_in(form, placement))
    return next(found, 0)


def form_in(job: Job, placement: Placement) -> Job:
    """The job in the form in which it has this placement."""
    return forms(job)[form_number(job, placement)] if job.has_forms else job


def member_count(job: Job, placement: Placement) -> int:
    """How many processes the gang has there."""
    if job.roles:
        return sum(role.count for role in job.roles)
    return form_in(job, placement).member_count or len(placement.shares)


def _is_in(form: Job, placement: Placement) -> bool:
    kind_ids = form.device_kind_ids
    is_kind = not kind_ids or placement.device_kind_id in kind_ids
    return is_kind and placement.card_count == form.device_count
