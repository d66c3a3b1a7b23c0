"""Weighted fair share in P-time: who has used least of the park lately goes first.

Use decays continuously and exactly, by 2^(-t / half-life), as Slurm's multifactor priority does
by small steps. Its `PriorityDecayHalfLife` is 7 days by default; ours is one, with which on real
traces all wait for less (docs/decisions/0011), unless the park says otherwise.
"""

from dataclasses import dataclass
from math import exp, expm1, log

from cluster.inventory import SHARE_HALF_LIFE_MS

COMMITTED_MS = 3_600_000
"""A device just granted counts as if it had been used this long, so that a burst of submissions
cannot be admitted on a stale past (Kueue's admission penalty, KEP-4136)."""

LN_2 = log(2)


@dataclass(slots=True, kw_only=True)
class Share:
    """A branch's decayed use of the park.

    `used` is TFLOPS-milliseconds as of `at_ms`; `rate` is the TFLOPS it holds since then.
    """

    used: float = 0.0
    rate: int = 0
    at_ms: int = 0
    half_life_ms: int = SHARE_HALF_LIFE_MS


def decayed(share: Share, now_ms: int) -> float:
    """TFLOPS-milliseconds used as of `now_ms`, with what is held since `share.at_ms`."""
    elapsed = now_ms - share.at_ms
    assert elapsed >= 0, f"time ran back by {-elapsed} ms"
    exponent = -LN_2 * elapsed / share.half_life_ms
    # 1 - exp(x) would lose half of its digits where little time has passed.
    lost = -expm1(exponent)
    return share.used * exp(exponent) + share.rate * lost * share.half_life_ms / LN_2


def change_rate(share: Share, tflops: int, now_ms: int) -> None:
    """The branch holds `tflops` more (or less) from `now_ms` on."""
    now_ms = max(now_ms, share.at_ms)
    share.used, share.at_ms = decayed(share, now_ms), now_ms
    share.rate += tflops
    assert share.rate >= 0, "a branch holds less than nothing"


def change_half_life(share: Share, half_life_ms: int, now_ms: int) -> None:
    """What was had until now has decayed as it was to; from now on it does so by this."""
    change_rate(share, 0, now_ms)
    share.half_life_ms = half_life_ms


def add_use(share: Share, tflops_ms: int, now_ms: int) -> None:
    """The branch has used so much more, just now."""
    change_rate(share, 0, now_ms)
    share.used += tflops_ms


def had(share: Share, now_ms: int) -> float:
    """TFLOPS-milliseconds; the branch that has had least for its weight is served first."""
    return decayed(share, max(now_ms, share.at_ms)) + share.rate * COMMITTED_MS
