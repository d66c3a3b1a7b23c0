"""What a local Ray refuses before it starts anything."""

from dataclasses import replace
from pathlib import Path

import pytest

from cluster import local_ray
from cluster.local_ray import CENTRES_MAX, NODES_MAX, LocalRay, RayFailed
from tests.ray_centre import CENTRE, PARK, POOL


@pytest.mark.parametrize(
    ("node_counts", "index"),
    [((), 0), ((NODES_MAX + 1,), 0), ((NODES_MAX, 1), 0), ((1,), CENTRES_MAX)],
)
def test_a_centre_that_does_not_fit_one_machine_is_told_what_to_do(
    tmp_path: Path, node_counts: tuple[int, ...], index: int
) -> None:
    pools = tuple(
        replace(POOL, id=f"pool{number}", node_count=count)
        for number, count in enumerate(node_counts)
    )
    cluster = LocalRay(replace(CENTRE, pools=pools), PARK, tmp_path / "lsl", index)
    cluster.stop()

    with pytest.raises(RayFailed, match="--ray-address"):
        cluster.start()

    assert list(tmp_path.iterdir()) == []


def test_a_lock_that_leads_elsewhere_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "precious")

    with pytest.raises(OSError, match="lock"), local_ray._alone(tmp_path / "lock"):
        pass

    assert not (tmp_path / "precious").exists()
