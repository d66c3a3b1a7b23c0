"""A node of a local Ray that was killed, while all others go on."""

import pytest

from cluster.kept_nodes import KeptNodes
from cluster.local_ray import LocalRay
from tests.acceptance.ray_bed import PATIENCE_S, eventually
from tests.ray_centre import CENTRE, PARK

pytestmark = [
    pytest.mark.ray,
    pytest.mark.slow,
    pytest.mark.enable_socket,
    pytest.mark.timeout(120),
]


def test_a_start_begins_only_those_nodes_that_are_not_there(local_ray: LocalRay) -> None:
    """Else an agent that is started again would end all that its centre runs."""
    before = local_ray.raylets()
    head, killed = before[0], before[1]
    killed.kill()
    killed.wait(PATIENCE_S)

    local_ray.start()

    after = local_ray.raylets()
    assert after.keys() == {0, 1}
    assert (after[0], after[1] == killed) == (head, False)


def test_a_node_that_is_killed_is_started_again(local_ray: LocalRay) -> None:
    before = local_ray.raylets()
    head, killed = before[0], before[1]
    same = LocalRay(CENTRE, PARK, local_ray.data_dir, local_ray._index)  # as its agent makes it
    kept = KeptNodes(same)
    kept.start()
    eventually(kept._are_all_there, "it has seen them")

    killed.kill()

    eventually(lambda: local_ray.raylets().get(1, killed) != killed, "it is there again")
    kept.end()
    assert local_ray.raylets()[0] == head
