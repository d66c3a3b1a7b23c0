"""A gang that is found on its nodes by an agent that has no memory of it."""

from dataclasses import replace
from pathlib import Path

import pytest

from cluster.driver import AttemptEnd, AttemptPhase, LaunchOrder
from cluster.gang import FOUND_PORT, Attempt, Rendezvous, member_start
from cluster.wire import order_to_json
from tests.acceptance.ray_bed import eventually, processes_of
from tests.contract.conftest import RayBed, no_archive
from tests.ray_centre import NODE_IDS, order, until_ended, until_online, until_running

pytestmark = [
    pytest.mark.ray,
    pytest.mark.slow,
    pytest.mark.enable_socket,
    pytest.mark.timeout(120),
]

GRACE_MS = 2_000


def begin(bed: RayBed, wanted: LaunchOrder, count: int) -> None:
    """What an agent did of a start, and nobody knows any more."""
    from cluster import ray_nodes  # noqa: PLC0415 - joins Ray's libraries to us

    until_online(bed.driver)
    gang = Rendezvous(address="127.0.0.1", port=1, order=order_to_json(wanted))
    calls = []
    for member in wanted.members[:count]:
        node = bed.driver._nodes.calls(member.node_id)
        assert node is not None
        calls.append(node.start(member_start(wanted, member, gang)))
    ray_nodes.start_all(calls)


def test_half_a_gang_of_which_nobody_remembers_the_rest_is_ended(
    ray_bed: RayBed, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cluster import ray_driver  # noqa: PLC0415 - as above

    monkeypatch.setattr(ray_driver, "GROUP_PLACED_MS", 1_000)
    wanted = order("half.1", "exec sleep 1000", members=2)

    begin(ray_bed, wanted, 1)
    ended = until_ended(ray_bed.driver, "half.1")

    assert (ended.end, ended.started_at_ms) == (AttemptEnd.REFUSED, None)
    assert "nobody knows where" in ended.detail
    eventually(lambda: not processes_of("half.1"), "it has ended")


def test_a_whole_gang_that_nobody_remembers_goes_on(
    ray_bed: RayBed, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cluster import ray_driver  # noqa: PLC0415 - as above

    wanted = order("whole.1", "exec sleep 1000", members=2)

    begin(ray_bed, wanted, 2)
    until_running(ray_bed.driver, "whole.1")  # before, it is half for a moment
    monkeypatch.setattr(ray_driver, "GROUP_PLACED_MS", 0)
    for attempt in ray_bed.driver._snapshot():
        ray_bed.driver._keep_attempt(attempt)
    ray_bed.driver.stop("whole.1", GRACE_MS)

    assert until_ended(ray_bed.driver, "whole.1").end is AttemptEnd.STOPPED


def test_the_rest_of_a_found_gang_is_not_begun_by_a_later_life(
    ray_bed: RayBed, tmp_path: Path
) -> None:
    """Its members would wait for one another at two ports."""
    from cluster.ray_driver import RayDriver  # noqa: PLC0415 - as above

    until_online(ray_bed.driver)
    found = order("found.1", "exec sleep 1000", members=2)
    place = replace(ray_bed.driver._place, data_dir=tmp_path)
    earlier = RayDriver(place, no_archive, lambda: None)
    earlier._add(Attempt(attempt_id="found.1", order=found, master_port=FOUND_PORT))

    later = RayDriver(place, no_archive, lambda: None)
    later._keep()
    later._callers.shutdown()

    report = later.observe()
    assert [one.phase for one in report.attempts] == [AttemptPhase.STARTING]
    assert not list(ray_bed.driver._place.data_dir.glob(f"runs/{NODE_IDS[0]}/found.1"))


def test_what_an_earlier_life_began_has_its_time_once_more(ray_bed: RayBed, tmp_path: Path) -> None:
    """A gang that was found may have a node that is late, or Ray have been started anew as well."""
    from cluster.ray_driver import RayDriver  # noqa: PLC0415 - as above

    until_online(ray_bed.driver)
    place = replace(ray_bed.driver._place, data_dir=tmp_path)
    earlier = RayDriver(place, no_archive, lambda: None)
    wanted = order("late.1", "exec sleep 1000", members=2)
    noted = Attempt(attempt_id="late.1", order=wanted, noted_at_ms=1, master_port=FOUND_PORT)
    earlier._journal.write(noted)

    later = RayDriver(place, no_archive, lambda: None)

    def has_met_all() -> bool:
        later._keep()
        later._watch()
        return later.has_met_all

    eventually(has_met_all, "it has met all nodes")
    late = later._attempts["late.1"]
    for _ in range(2):
        later._keep_attempt(late)
    later._callers.shutdown()

    assert late.refusal == ""
