"""An order that comes just as the supervisor of its node was killed."""

import pytest

from cluster.driver import AttemptEnd
from cluster.local_ray import LocalRay
from tests.acceptance.ray_bed import supervisors_of
from tests.contract.conftest import RayBed
from tests.ray_centre import NODE_IDS, order, until_ended, until_online

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
