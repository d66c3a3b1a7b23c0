"""What every `cluster.driver.Driver` does, whether its centre is simulated or a real Ray cluster.

An implementation joins by a `Bed`: its driver, orders that run and end as asked, and a way to wait
for what its centre reports.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from random import Random
from typing import Protocol

import pytest

from cluster.driver import (
    AttemptEnd,
    AttemptPhase,
    AttemptReport,
    CentreReport,
    Driver,
    LaunchOrder,
    MemberOrder,
    RoleOrder,
)
from cluster.simulated import SimulatedCentre
from tests.acceptance.ray_bed import eventually, processes_of
from tests.contract.conftest import no_archive
from tests.ray_centre import CENTRE, NODE_IDS, order, told

GRACE_MS = 2_000
STEP_MS = 100
STEPS_MAX = 10_000
LONG_S = 1_000

_numbers = count(1)


class Bed(Protocol):
    """A centre under test."""

    @property
    def driver(self) -> Driver: ...

    def until(self, is_so: Callable[[CentreReport], bool], what: str) -> CentreReport:
        """Let time pass until the centre reports it."""
        ...


@dataclass(slots=True)
class SimulatedBed:
    """Virtual time: an order `sleep 5` runs for five seconds of it."""

    driver: SimulatedCentre = field(
        default_factory=lambda: SimulatedCentre(
            centre=CENTRE,
            run_ms=lambda asked: int(asked.command.split()[-1]) * 1_000,
            rng=Random(0),
        )
    )

    def until(self, is_so: Callable[[CentreReport], bool], what: str) -> CentreReport:
        for _ in range(STEPS_MAX):
            self.driver.advance(self.driver.now_ms + STEP_MS)
            report = self.driver.observe()
            if report is not None and is_so(report):
                return report
        raise AssertionError(f"still not {what}: {self.driver.observe()}")


BURN = "python -c 'import time\nwhile time.process_time() < 0.5: pass'"
RAY = [pytest.mark.ray, pytest.mark.slow, pytest.mark.enable_socket]


@pytest.fixture(params=["simulated", pytest.param("ray", marks=RAY)])
def bed(request: pytest.FixtureRequest) -> Bed:
    """A centre whose nodes are all online."""
    made: Bed = (
        SimulatedBed() if request.param == "simulated" else request.getfixturevalue("ray_bed")
    )
    made.until(lambda report: report.online_node_ids == set(NODE_IDS), "online")
    return made


def test_all_members_run_and_then_the_attempt_has_ended(bed: Bed) -> None:
    wanted = an_order("sleep 1", members=2)

    bed.driver.launch(wanted)
    running = until_phase(bed, wanted, AttemptPhase.RUNNING)
    ended = until_phase(bed, wanted, AttemptPhase.ENDED)

    assert running.started_at_ms is not None
    assert ended.started_at_ms == running.started_at_ms
    assert ended.ended_at_ms is not None
    assert ended.ended_at_ms >= running.started_at_ms
    assert (ended.end, ended.exit_code) == (AttemptEnd.EXITED, 0)


def test_an_order_that_is_repeated_runs_once(bed: Bed) -> None:
    wanted = an_order("sleep 1", cards=4, node_ids=NODE_IDS[:1])

    bed.driver.launch(wanted)
    bed.driver.launch(wanted)
    running = until_phase(bed, wanted, AttemptPhase.RUNNING)
    bed.driver.launch(wanted)
    ended = until_phase(bed, wanted, AttemptPhase.ENDED)
    bed.driver.launch(wanted)

    assert ended.started_at_ms == running.started_at_ms
    assert until_phase(bed, wanted, AttemptPhase.ENDED) == ended


def test_an_end_is_repeated_until_it_may_be_forgotten(bed: Bed) -> None:
    wanted = an_order("sleep 0")
    bed.driver.launch(wanted)
    ended = until_phase(bed, wanted, AttemptPhase.ENDED)
    assert until_phase(bed, wanted, AttemptPhase.ENDED) == ended

    bed.driver.forget(wanted.attempt_id)
    bed.driver.forget(wanted.attempt_id)

    bed.until(lambda report: told(report, wanted.attempt_id) is None, "forgotten")


def test_what_is_stopped_ends_and_frees_its_cards(bed: Bed) -> None:
    wanted = an_order(f"sleep {LONG_S}", members=2, cards=4)
    bed.driver.launch(wanted)
    until_phase(bed, wanted, AttemptPhase.RUNNING)

    bed.driver.stop(wanted.attempt_id, GRACE_MS)
    bed.driver.stop(wanted.attempt_id, GRACE_MS)
    ended = until_phase(bed, wanted, AttemptPhase.ENDED)
    after = an_order("sleep 0", members=2, cards=4)
    bed.driver.launch(after)

    assert ended.end is AttemptEnd.STOPPED
    assert until_phase(bed, after, AttemptPhase.ENDED).end is AttemptEnd.EXITED


def test_what_was_stopped_before_it_was_known_never_starts(bed: Bed) -> None:
    wanted = an_order("sleep 0")

    bed.driver.stop(wanted.attempt_id, GRACE_MS)
    bed.driver.launch(wanted)
    ended = until_phase(bed, wanted, AttemptPhase.ENDED)

    assert (ended.end, ended.started_at_ms) == (AttemptEnd.STOPPED, None)


def test_an_order_for_a_node_that_is_not_there_is_refused(bed: Bed) -> None:
    wanted = an_order("sleep 0", members=2, node_ids=(NODE_IDS[0], "lsl-910b3-n999"))

    bed.driver.launch(wanted)
    ended = until_phase(bed, wanted, AttemptPhase.ENDED)

    assert (ended.end, ended.started_at_ms) == (AttemptEnd.REFUSED, None)


@pytest.mark.parametrize("bed", [pytest.param("ray", marks=RAY)], indirect=True)
def test_a_core_that_computes_is_active_and_one_that_sleeps_is_not(bed: Bed) -> None:
    burns = an_order(BURN, cards=2)
    sleeps = an_order("sleep 1", node_ids=NODE_IDS[1:])

    for wanted in (burns, sleeps):
        bed.driver.launch(wanted)
    busy, idle = (until_phase(bed, one, AttemptPhase.ENDED).activity for one in (burns, sleeps))

    assert busy is not None
    assert idle is not None
    assert 500 <= busy.active_ms <= busy.measured_ms / 2
    assert idle.measured_ms >= 1_000
    assert idle.active_ms < 100


@pytest.mark.parametrize("bed", [pytest.param("ray", marks=RAY)], indirect=True)
def test_an_order_that_cannot_be_begun_is_refused_whatever_the_reason(bed: Bed) -> None:
    wanted = replace(an_order("sleep 0", members=2), archive="a" * 64)

    bed.driver.launch(wanted)
    ended = until_phase(bed, wanted, AttemptPhase.ENDED)

    assert (ended.end, ended.started_at_ms) == (AttemptEnd.REFUSED, None)
    assert "something else" in ended.detail


@pytest.mark.parametrize("bed", [pytest.param("ray", marks=RAY)], indirect=True)
def test_what_an_earlier_life_had_begun_goes_on_without_a_broker_to_ask(bed: Bed) -> None:
    from cluster.gang import Attempt  # noqa: PLC0415 - as above
    from cluster.ray_driver import RayDriver  # noqa: PLC0415

    driver, wanted = bed.driver, replace(an_order("sleep 0"), archive="b" * 64)
    assert isinstance(driver, RayDriver)
    begun = Attempt(attempt_id=wanted.attempt_id, order=wanted, master_port=1)

    driver._begin(driver._add(begun))
    ended = until_phase(bed, wanted, AttemptPhase.ENDED)

    assert "the node no longer has the archive" in ended.detail


@pytest.mark.parametrize("bed", [pytest.param("ray", marks=RAY)], indirect=True)
def test_what_an_earlier_life_had_seen_run_is_not_begun_again(bed: Bed, tmp_path: Path) -> None:
    from cluster.gang import Attempt  # noqa: PLC0415 - as above
    from cluster.ray_driver import RayDriver  # noqa: PLC0415

    assert isinstance(bed.driver, RayDriver)
    place, (ran, begun) = bed.driver._place, (an_order("sleep 0") for _ in range(2))
    earlier = RayDriver(replace(place, data_dir=tmp_path), no_archive, lambda: None)
    earlier._add(Attempt(attempt_id=ran.attempt_id, order=ran, master_port=1, started_at_ms=1))
    earlier._add(Attempt(attempt_id=begun.attempt_id, order=begun, master_port=1))

    later = RayDriver(earlier._place, no_archive, lambda: None)
    later._keep()
    later._callers.shutdown()

    until_phase(bed, begun, AttemptPhase.ENDED)
    on_disk = {path.parent.name for path in place.data_dir.glob("runs/*/contract*/0")}
    assert on_disk & {ran.attempt_id, begun.attempt_id} == {begun.attempt_id}


@pytest.mark.parametrize("bed", [pytest.param("ray", marks=RAY)], indirect=True)
def test_a_gang_that_an_earlier_life_had_begun_goes_on_when_its_last_node_is_there(
    bed: Bed, tmp_path: Path
) -> None:
    """Where a whole centre was switched off, its agent is back before some of its nodes are."""
    from cluster.gang import Attempt  # noqa: PLC0415 - as above
    from cluster.ray_driver import RayDriver  # noqa: PLC0415

    assert isinstance(bed.driver, RayDriver)
    begun = an_order("sleep 0", members=2)
    earlier = RayDriver(replace(bed.driver._place, data_dir=tmp_path), no_archive, lambda: None)
    earlier._add(Attempt(attempt_id=begun.attempt_id, order=begun))
    later = RayDriver(earlier._place, no_archive, lambda: None)

    not_yet = later._nodes._settings.pop(NODE_IDS[1])
    later._keep()
    later._nodes._settings[NODE_IDS[1]] = not_yet
    later._keep()
    later._callers.shutdown()

    assert until_phase(bed, begun, AttemptPhase.ENDED).end is AttemptEnd.EXITED


@pytest.mark.parametrize("bed", [pytest.param("ray", marks=RAY)], indirect=True)
def test_what_was_reported_as_over_is_ended_where_it_runs_all_the_same(bed: Bed) -> None:
    """An agent that lost its memory may be told to stop before its nodes have told what runs."""
    from cluster.ray_driver import RayDriver  # noqa: PLC0415 - as above

    driver, wanted = bed.driver, an_order(f"exec sleep {LONG_S}")
    assert isinstance(driver, RayDriver)
    driver.launch(wanted)
    until_phase(bed, wanted, AttemptPhase.RUNNING)
    eventually(lambda: bool(processes_of(wanted.attempt_id)), "it runs")

    del driver._attempts[wanted.attempt_id]
    driver.stop(wanted.attempt_id, GRACE_MS)
    driver._nodes.watch_anew(NODE_IDS[0])

    assert until_phase(bed, wanted, AttemptPhase.ENDED).started_at_ms is None
    eventually(lambda: not processes_of(wanted.attempt_id), "it has ended")
    eventually(lambda: _runs_through(bed), "its node has taken note of that, and gives its cards")


@pytest.mark.parametrize("bed", [pytest.param("ray", marks=RAY)], indirect=True)
def test_what_nobody_knows_any_more_is_ended_and_hides_nothing_else(bed: Bed) -> None:
    """A power cut may take an agent's memory of an attempt, and its order on the node as well."""
    from cluster.ray_driver import RayDriver  # noqa: PLC0415 - as above

    driver, wanted = bed.driver, an_order(f"exec sleep {LONG_S}")
    assert isinstance(driver, RayDriver)
    driver.launch(wanted)
    until_phase(bed, wanted, AttemptPhase.RUNNING)
    folder = driver._place.data_dir / "runs" / NODE_IDS[0] / wanted.attempt_id
    (folder / "order.json").write_bytes(b"\xff")

    del driver._attempts[wanted.attempt_id]
    driver._nodes.watch_anew(NODE_IDS[0])
    after = an_order("true")
    driver.launch(after)

    assert until_phase(bed, after, AttemptPhase.ENDED).end is AttemptEnd.EXITED
    until_phase(bed, wanted, AttemptPhase.ENDED)
    eventually(lambda: not processes_of(wanted.attempt_id), "it has ended")


def _runs_through(bed: Bed) -> bool:
    """Whether a node has all its cards for us; it refuses what is too much for it."""
    whole = an_order("true", cards=4, node_ids=NODE_IDS[:1])
    bed.driver.launch(whole)
    return until_phase(bed, whole, AttemptPhase.ENDED).end is AttemptEnd.EXITED


def test_two_attempts_share_a_node_as_long_as_it_has_cards(bed: Bed) -> None:
    one, two = (an_order(f"sleep {LONG_S}", cards=2, node_ids=NODE_IDS[:1]) for _ in range(2))

    bed.driver.launch(one)
    bed.driver.launch(two)

    for wanted in (one, two):
        until_phase(bed, wanted, AttemptPhase.RUNNING)
        bed.driver.stop(wanted.attempt_id, GRACE_MS)
        until_phase(bed, wanted, AttemptPhase.ENDED)


def test_members_of_several_roles_run_with_their_own_cards_or_none(bed: Bed) -> None:
    """Three on one node, which has cards for the two that need some; and one on the other."""
    wanted = of_roles(an_order("sleep 1"), ("sleep 1", 0, 0), ("sleep 1", 0, 3), ("sleep 1", 1, 4))

    bed.driver.launch(wanted)
    until_phase(bed, wanted, AttemptPhase.RUNNING)
    beside = an_order("sleep 0", node_ids=NODE_IDS[:1])
    bed.driver.launch(beside)

    assert until_phase(bed, beside, AttemptPhase.ENDED).end is AttemptEnd.EXITED
    ended = until_phase(bed, wanted, AttemptPhase.ENDED)
    assert (ended.end, ended.exit_code) == (AttemptEnd.EXITED, 0)


def test_a_gang_that_ends_with_a_role_succeeds_with_it_and_frees_its_cards(bed: Bed) -> None:
    long = f"sleep {LONG_S}"
    wanted = of_roles(an_order("sleep 1"), ("sleep 1", 0, 0), (long, 0, 4), (long, 1, 4))
    wanted = replace(wanted, ends_with="r0")

    bed.driver.launch(wanted)
    ended = until_phase(bed, wanted, AttemptPhase.ENDED)
    after = an_order("sleep 0", members=2, cards=4)
    bed.driver.launch(after)

    assert (ended.end, ended.exit_code) == (AttemptEnd.EXITED, 0)
    assert until_phase(bed, after, AttemptPhase.ENDED).end is AttemptEnd.EXITED


def of_roles(wanted: LaunchOrder, *members: tuple[str, int, int]) -> LaunchOrder:
    """One member of each role `r0`, `r1`, ...: what it runs, on which node, with how many cards."""
    return replace(
        wanted,
        roles=tuple(
            RoleOrder(name=f"r{rank}", count=1, command=command)
            for rank, (command, _, _) in enumerate(members)
        ),
        members=tuple(
            MemberOrder(rank=rank, local_rank=rank, node_id=NODE_IDS[node], card_count=cards)
            for rank, (_, node, cards) in enumerate(members)
        ),
    )


def an_order(
    command: str, *, members: int = 1, cards: int = 1, node_ids: tuple[str, ...] = NODE_IDS
) -> LaunchOrder:
    """An order that this test alone has given."""
    attempt_id = f"contract{next(_numbers)}.1"
    return order(attempt_id, command, members=members, cards=cards, node_ids=node_ids)


def until_phase(bed: Bed, wanted: LaunchOrder, phase: AttemptPhase) -> AttemptReport:
    def is_so(report: CentreReport) -> bool:
        attempt = told(report, wanted.attempt_id)
        return attempt is not None and attempt.phase is phase

    report = bed.until(is_so, f"{wanted.attempt_id} {phase}")
    attempt = told(report, wanted.attempt_id)
    assert attempt is not None
    return attempt
