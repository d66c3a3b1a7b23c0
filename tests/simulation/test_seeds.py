"""Hundreds of seeds, each with its own crashes, losses, cancels and false failovers."""

from collections import Counter

import pytest

from cluster.simulated import NO_FAULTS
from scheduler.facts.events import Leased, QuoteCardsKept, QuoteEnded, QuoteKept
from scheduler.forecast.ends import Ends
from scheduler.planning.settled import Settled
from scheduler.sharing.standing import Merit
from tests.simulation.audit import Audit
from tests.simulation.entitled import check_limits, entitled
from tests.simulation.harness import Change, run_seed
from tests.simulation.offered import check_nothing_runs_outside_its_hours, offered
from tests.simulation.owned import racked, unowned
from tests.simulation.varied import varied

SEEDS_PER_TEST = 30


@pytest.mark.parametrize(
    "first",
    [
        *range(0, 90, SEEDS_PER_TEST),
        *(pytest.param(n, marks=pytest.mark.heavy) for n in range(90, 300, SEEDS_PER_TEST)),
    ],
)
def test_whatever_goes_wrong_the_rules_hold(first: int) -> None:
    harnesses = [run_seed(seed) for seed in range(first, first + SEEDS_PER_TEST)]

    # A harness in which nothing went wrong would prove nothing.
    assert sum(harness.crash_count for harness in harnesses) > 0
    assert sum(harness.deposed_count for harness in harnesses) > 0
    assert sum(harness.quiet_count for harness in harnesses) > 0
    assert sum(harness.audit.released_count for harness in harnesses) > 0
    assert sum(harness.audit.limited_count for harness in harnesses) > 0
    assert sum(len(harness.audit.given_up) for harness in harnesses) > 0
    assert sum(harness.audit.racked_count for harness in harnesses) > 0
    assert sum(harness.audit.mixed_count for harness in harnesses) > 0
    kinds = Counter(type(event) for harness in harnesses for event in harness.log.events)
    assert kinds[QuoteKept] > kinds[QuoteEnded] > 0, "some quotes are taken, and some are not"
    assert kinds[QuoteCardsKept] > 0
    for data_class in ("medical", "sea"):
        assert sum(harness.audit.read_by_class[data_class] for harness in harnesses) > 0


def test_jobs_follow_whole_arrays_in_some_of_them() -> None:
    harnesses = [run_seed(seed) for seed in (10, 62, 80, 84, 175)]

    assert sum(harness.audit.followed_array_count for harness in harnesses) > 0


def test_work_is_stopped_for_others_and_what_was_borrowed_is_taken_back_in_some_of_them() -> None:
    """Rarely: it must have run for long enough, and its class must not say the same."""
    harnesses = [run_seed(seed) for seed in (92, 159, 209)]

    assert sum(harness.audit.preempted_count for harness in harnesses) > 0
    assert sum(harness.audit.reclaimed_count for harness in harnesses) > 0


@pytest.mark.parametrize(
    "first",
    [0, *(pytest.param(n, marks=pytest.mark.heavy) for n in range(30, 90, SEEDS_PER_TEST))],
)
def test_the_rules_hold_where_jobs_would_do_with_one_gang_or_another(first: int) -> None:
    harnesses = [run_seed(seed, change=varied) for seed in range(first, first + SEEDS_PER_TEST)]

    assert sum(harness.audit.varied_count for harness in harnesses) > 0


@pytest.mark.parametrize(
    "first",
    [0, *(pytest.param(n, marks=pytest.mark.heavy) for n in range(5, 90, 5))],
)
def test_the_rules_hold_where_branches_borrow_and_lend_less_than_all(first: int) -> None:
    """By the log alone no lease makes anybody claim more than it may."""
    for seed in range(first, first + 5):
        harness, audit = run_seed(seed, change=entitled), Audit()
        for event in harness.log.events:
            audit.take(event)
            if isinstance(event, Leased):
                check_limits(audit, event)


@pytest.mark.parametrize(
    "first",
    [0, *(pytest.param(n, marks=pytest.mark.heavy) for n in range(10, 100, 10))],
)
def test_the_rules_hold_where_pools_have_hours_and_tenants_whole_nodes(first: int) -> None:
    harnesses = [run_seed(seed, change=offered) for seed in range(first, first + 10)]

    assert sum(harness.audit.offered_count for harness in harnesses) > 0
    assert sum(harness.audit.saved_count for harness in harnesses) > 0
    well = [one for one in harnesses if one.scenario.faults == NO_FAULTS]
    assert sum(map(check_nothing_runs_outside_its_hours, well)) > 0


@pytest.mark.heavy
@pytest.mark.parametrize("change", [racked, unowned])
@pytest.mark.parametrize("first", range(0, 90, SEEDS_PER_TEST))
def test_the_rules_hold_whoever_owns_what(change: Change, first: int) -> None:
    for seed in range(first, first + SEEDS_PER_TEST):
        run_seed(seed, change=change)


def test_the_rules_hold_where_whole_racks_are_guaranteed() -> None:
    harnesses = [run_seed(seed, change=racked) for seed in (3, 12, 13, 30)]

    assert sum(harness.audit.reclaimed_count for harness in harnesses) > 0


def test_the_rules_hold_where_nobody_owns_anything_and_most_ask_for_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Some are told at once that nobody is stopped for them, as nobody was for their like."""
    found: list[bool] = []

    def noting(settled: Settled, ends: Ends, merit: Merit) -> bool:
        found.append(is_vain(settled, ends, merit))
        return found[-1]

    is_vain = Settled.is_vain
    monkeypatch.setattr(Settled, "is_vain", noting)

    harnesses = [run_seed(seed, change=unowned) for seed in (12, 14, 24, 30)]

    assert sum(harness.audit.preempted_count for harness in harnesses) > 0
    assert any(found)
    assert not all(found)
