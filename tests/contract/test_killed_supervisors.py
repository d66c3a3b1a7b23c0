"""An order that comes just as the supervisor of its node was killed."""

from collections.abc import Callable
from contextlib import suppress

import psutil
import pytest

from cluster.driver import AttemptEnd, AttemptPhase
from cluster.local_ray import LocalRay
from tests.acceptance.ray_bed import eventually, supervisors_of
from tests.contract.conftest import RayBed
from tests.ray_centre import NODE_IDS, order, told, until_ended, until_online

pytestmark = [
    pytest.mark.ray,
    pytest.mark.slow,
    pytest.mark.enable_socket,
    pytest.mark.timeout(120),
]


def test_an_order_waits_for_a_supervisor_that_is_started_again(
    ray_bed: RayBed, local_ray: LocalRay
) -> None:
    until_online(ray_bed.driver)
    for supervisor in supervisors_of(local_ray):
        supervisor.kill()

    ray_bed.driver.launch(order("killed.1", "true", members=2, node_ids=NODE_IDS))
    ended = until_ended(ray_bed.driver, "killed.1")

    assert (ended.end, ended.exit_code, ended.detail) == (AttemptEnd.EXITED, 0, "")


def test_no_order_waits_behind_those_for_a_killed_supervisor(
    ray_bed: RayBed, local_ray: LocalRay
) -> None:
    from cluster.ray_driver import CALLERS  # noqa: PLC0415 - joins Ray's libraries to us

    driver, away_ids = ray_bed.driver, [f"away{number}.1" for number in range(CALLERS)]
    until_online(driver)
    kill_supervisor(local_ray, 1)

    for attempt_id in away_ids:
        driver.launch(order(attempt_id, "true", cards=0, node_ids=NODE_IDS[1:]))
    driver.launch(order("behind.1", "true", node_ids=NODE_IDS[:1]))
    held_down(local_ray, lambda: has_ended(ray_bed, "behind.1"))
    seen = driver.observe()
    for attempt_id in away_ids:
        driver.stop(attempt_id, 1_000)
    ends = {attempt_id: until_ended(driver, attempt_id) for attempt_id in away_ids}

    assert until_ended(driver, "behind.1").exit_code == 0
    waited = {one.phase for one in seen.attempts if one.attempt_id in away_ids}
    assert waited == {AttemptPhase.STARTING}
    assert {(one.end, one.started_at_ms) for one in ends.values()} == {(AttemptEnd.STOPPED, None)}


def test_an_order_for_a_supervisor_that_stays_away_is_refused(
    ray_bed: RayBed, local_ray: LocalRay, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cluster import ray_driver  # noqa: PLC0415 - as above

    monkeypatch.setattr(ray_driver, "GROUP_PLACED_MS", 1_000)
    until_online(ray_bed.driver)
    kill_supervisor(local_ray, 1)

    ray_bed.driver.launch(order("stays.1", "true", cards=0, node_ids=NODE_IDS[1:]))
    stays = ray_bed.driver._attempts["stays.1"]
    held_down(local_ray, lambda: bool(stays.refusal))

    ended = until_ended(ray_bed.driver, "stays.1")
    assert (ended.end, ended.started_at_ms) == (AttemptEnd.REFUSED, None)
    assert ended.detail == "a supervisor was killed, and did not come back in time"


def kill_supervisor(cluster: LocalRay, number: int) -> None:
    """That of one node, if it is there."""
    for child in cluster.raylets()[number].children():
        with suppress(psutil.NoSuchProcess):
            if child.name().startswith("ray::Supervisor"):
                child.kill()


def held_down(cluster: LocalRay, is_so: Callable[[], bool]) -> None:
    """Until this is so the second node has no supervisor for long."""

    def look() -> bool:
        kill_supervisor(cluster, 1)
        return is_so()

    eventually(look, "what was waited for")


def has_ended(bed: RayBed, attempt_id: str) -> bool:
    heard = told(bed.driver.observe(), attempt_id)
    return heard is not None and heard.phase is AttemptPhase.ENDED
