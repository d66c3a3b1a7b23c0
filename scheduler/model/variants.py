"""The forms that a job may take: as its user asked first, and each of its variants.

A form is a job like any other that has no variants, so that whatever is worked out for jobs (where
one fits, what it may cost, when it ends) is worked out for forms, and for nothing else.
"""

from dataclasses import replace
from functools import lru_cache

from scheduler.model.job import Job, Placement

KNOWN_MAX = 4_096
"""Of so many jobs the forms are kept at hand."""


def forms(job: Job) -> tuple[Job, ...]:
    """All of them, the preferred first; a job without variants is its only form itself."""
    return _forms(job) if job.variants else (job,)


@lru_cache(maxsize=KNOWN_MAX)
def _forms(job: Job) -> tuple[Job, ...]:
    first = replace(job, variants=())
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


def given_speeds(job: Job) -> tuple[int | None, ...]:
    """Of each form, in permille of the first; None where it is to be learned."""
    return (1_000, *(variant.speed_permille for variant in job.variants))


def form_number(job: Job, placement: Placement) -> int:
    """In which of its forms a job has this placement; the first where it is in none.

    No two forms have as many cards of one kind: such jobs are refused where they come in.
    """
    if not job.variants:
        return 0
    found = (number for number, form in enumerate(forms(job)) if _is_in(form, placement))
    return next(found, 0)


def form_in(job: Job, placement: Placement) -> Job:
    """The job in the form in which it has this placement."""
    return forms(job)[form_number(job, placement)]


def _is_in(form: Job, placement: Placement) -> bool:
    kind_ids = form.device_kind_ids
    is_kind = not kind_ids or placement.device_kind_id in kind_ids
    return is_kind and placement.card_count == form.device_count
