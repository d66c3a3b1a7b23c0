"""What a local Ray refuses before it starts anything, and how it bears a start that fails."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from cluster.local_ray import CENTRES_MAX, NODES_MAX, PORTS_FROM, PORTS_TO, LocalRay, RayFailed
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
    made = LocalRay(CENTRE, PARK, tmp_path / "lsl", index=91)
    (tmp_path / "lock").symlink_to(tmp_path / "precious")

    with pytest.raises(OSError, match="lock"), made._alone(tmp_path / "lock"):
        pass

    assert not (tmp_path / "precious").exists()


ONE_NODE = replace(CENTRE, pools=(replace(POOL, node_count=1),))
PATIENCE_S = 60.0


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[LocalRay]:
    made = LocalRay(ONE_NODE, PARK, tmp_path / "lsl", index=91)
    yield made
    made.stop()


@pytest.mark.enable_socket
def test_ports_of_which_there_is_only_an_empty_file_are_chosen_anew(cluster: LocalRay) -> None:
    """So it is for a moment while they are written, and for ever after a power cut then."""
    cluster.data_dir.mkdir()
    (cluster.data_dir / "ray-port").touch()

    assert (cluster.processes(), cluster.is_running()) == ([], False)
    assert cluster._choose_ports() in range(PORTS_FROM, PORTS_TO)


def start_of(cluster: LocalRay) -> psutil.Process:
    """Its `ray start`, once there is one."""
    pause = threading.Event()
    for _ in range(int(PATIENCE_S / 0.01)):
        for process in cluster.processes():
            with suppress(psutil.Error):
                if "cluster.ray_start" in process.cmdline():
                    return process
        pause.wait(0.01)
    raise AssertionError("it does not start")


def test_a_start_that_waits_for_another_is_given_up_at_once(cluster: LocalRay) -> None:
    cluster.data_dir.mkdir()
    other = LocalRay(ONE_NODE, PARK, cluster.data_dir, index=91)
    with ThreadPoolExecutor(1) as thread, other._alone(cluster.data_dir / "ray.lock"):
        starting = thread.submit(cluster.start)
        assert wait([starting], 0.2).not_done

        cluster.give_up()

        with pytest.raises(RayFailed, match="the start of lsl was given up"):
            starting.result(PATIENCE_S)


@pytest.mark.enable_socket
def test_a_start_that_was_given_up_begins_nothing(cluster: LocalRay) -> None:
    cluster.give_up()

    with pytest.raises(RayFailed, match="the start of lsl was given up"):
        cluster.start()

    assert cluster.processes() == []
    assert not cluster.log_path.exists()


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.enable_socket
@pytest.mark.timeout(120)
def test_a_start_that_fails_is_tried_once_more(cluster: LocalRay) -> None:
    with ThreadPoolExecutor(1) as thread:
        starting = thread.submit(cluster.start)
        start_of(cluster).kill()

        starting.result()

    assert cluster.is_running()


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.enable_socket
@pytest.mark.timeout(120)
def test_a_start_that_is_given_up_ends_in_one_line_and_leaves_nothing(cluster: LocalRay) -> None:
    with ThreadPoolExecutor(1) as thread:
        starting = thread.submit(cluster.start)
        begun = start_of(cluster)
        cluster.give_up()
        begun.kill()

        with pytest.raises(RayFailed) as failed:
            starting.result()

    assert f"(see {cluster.log_path})" in str(failed.value)
    assert "\n" not in str(failed.value)
    assert cluster.processes() == []
