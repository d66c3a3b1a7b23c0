"""That sums tell of who waits what all that runs would, looked at anew."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.facts.state import State
from scheduler.model.policy import Policy
from scheduler.sharing.standing import Standings, Taker
from scheduler.sharing.within import Flags, Within
from tests.preemptive import NOW_MS
from tests.unit.scheduler import test_entitlements_invariants, test_mixed_units

CARDS, MIXED = test_entitlements_invariants.busy(), test_mixed_units.busy()


def takers(state: State, policy: Policy) -> list[Taker]:
    standings = Standings(state, NOW_MS, policy)
    waiting = [*state.queue.records()]
    return [standings.taker(one, kind_id) for one in waiting for kind_id in ("npu", "gpu")]


@settings(max_examples=100)
@given(st.one_of(CARDS, MIXED, MIXED), test_entitlements_invariants.POLICIES)
def test_who_waits_stands_by_sums_as_if_all_were_looked_at_anew(
    state: State, policy: Policy
) -> None:
    by_sums = takers(state, policy)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Within, "joining", lambda *_: None)
        assert takers(state, policy) == by_sums


QUOTAS = {("t", "npu"): 2, ("t/a", "npu"): 1}
A_CARD = [[], [(("t", "npu"), 1)], [(("t/a", "npu"), 1)]]


@pytest.mark.parametrize(
    ("running", "expected"),
    [
        ([], (False, True, True)),
        ([((0, 0), (False, True, True))], (False, True, False)),
        ([((1, 0), (False, True, True))], (False, True, True)),
        ([((1, 0), (False, True, False))] * 2, (False, True, True)),
        ([((0, 0), (False, True, True)), ((1, 0), (False, True, False))], (False, True, False)),
        ([((0, 0), (False, False, False))] * 3, (False, True, True)),
    ],
)
def test_what_comes_before_it_takes_of_the_quota(
    running: list[tuple[tuple[int, int], Flags]], expected: Flags
) -> None:
    within = Within(QUOTAS, [(worse, flags, A_CARD) for worse, flags in running])

    assert within.joining((0, 0), A_CARD) == expected


def test_where_a_part_has_more_of_its_own_than_the_next_sums_do_not_tell() -> None:
    within = Within(QUOTAS | {("t", "npu"): 0}, [])

    assert within.joining((0, 0), A_CARD) is None
