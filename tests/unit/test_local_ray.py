"""What a local Ray refuses before it starts anything, and how it bears a start that fails."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil
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


ONE_NODE = replace(CENTRE, pools=(replace(POOL, node_count=1),))
PATIENCE_S = 60.0


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[LocalRay]:
    made = LocalRay(ONE_NODE, PARK, tmp_path / "lsl", index=91)
    yield made
    made.stop()


def kill_the_start(cluster: LocalRay) -> None:
    """End its `ray start`, once there is one."""
    pause = threading.Event()
    for _ in range(int(PATIENCE_S / 0.01)):
        for process in cluster.processes():
            with suppress(psutil.Error):
                if "ray.scripts.scripts" in process.cmdline():
                    process.kill()
                    return
        pause.wait(0.01)
    raise AssertionError("it does not start")


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.enable_socket
@pytest.mark.timeout(120)
def test_a_start_that_fails_is_tried_once_more(cluster: LocalRay) -> None:
    with ThreadPoolExecutor(1) as thread:
        starting = thread.submit(cluster.start)
        kill_the_start(cluster)

        starting.result()

    assert cluster.is_running()


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.enable_socket
@pytest.mark.timeout(120)
def test_a_start_that_is_given_up_ends_in_one_line_and_leaves_nothing(cluster: LocalRay) -> None:
    cluster.give_up()
    with ThreadPoolExecutor(1) as thread:
        starting = thread.submit(cluster.start)
        kill_the_start(cluster)

        with pytest.raises(RayFailed) as failed:
            starting.result()

    assert f"(see {cluster.log_path})" in str(failed.value)
    assert "\n" not in str(failed.value)
    assert cluster.processes() == []
