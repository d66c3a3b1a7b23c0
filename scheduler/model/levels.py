"""How much a job has had, in a few coarse levels: those with little go ahead of those with much.

The multi-level queues of Tiresias (Gu et al., "Tiresias: a GPU cluster manager for distributed
deep learning", NSDI 2019): service attained is cards x time, and as nobody knows how long a job
will run, what has run for long is taken to run for longer still. Within a level nobody is stopped
for another, so that two jobs do not take turns for ever.
"""

from bisect import bisect_right

MS_PER_CARD_HOUR = 3_600_000
STEPS_CARD_MS = (
    MS_PER_CARD_HOUR // 6,
    MS_PER_CARD_HOUR,
    6 * MS_PER_CARD_HOUR,
    36 * MS_PER_CARD_HOUR,
)
"""From so much on a job is on the next level: ten card-minutes, and then six times as much each."""
STARVING_MS = 24 * 3_600_000
"""Who has waited for so long in all is starving, ..."""
STARVING_RUNS = 2
"""... once it has waited for so many times as long as it was expected to run, and for as long as it
has run, as well (see `starving`)."""


def level(served_card_ms: int) -> int:
    """0 for a job that has had less than ten card-minutes, up to 4."""
    return bisect_right(STEPS_CARD_MS, served_card_ms)


def beyond_ms(served_card_ms: int, from_ms: int, card_count: int) -> tuple[int, ...]:
    """When a job that has had so much, and runs from then on, is beyond each level but the last."""
    left = [max(0, step - served_card_ms) for step in STEPS_CARD_MS]
    return tuple([from_ms - -one // card_count for one in left])
