"""An order that cannot be written down, as the folder of the centre's data is full."""

import pytest

from cluster.driver import AttemptEnd
from tests.contract.conftest import RayBed
from tests.ray_centre import order, told, until_ended, until_online

pytestmark = [
    pytest.mark.ray,
    pytest.mark.slow,
    pytest.mark.enable_socket,
    pytest.mark.timeout(120),
]


def test_an_order_that_could_not_be_written_down_can_be_stopped(ray_bed: RayBed) -> None:
    """Else its job would be on its way to its end, and hold its cards, until there is room."""
    driver, wanted = ray_bed.driver, order("unwritten.1", "true")
    until_online(driver)
    attempts = driver._place.data_dir / "attempts"
    unfinished, room = attempts / "unwritten.1.new", attempts / "room"
    unfinished.symlink_to("/dev/full")
    room.mkdir()  # in the way of the look whether there is room again

    with pytest.raises(OSError, match="No space left"):
        driver.launch(wanted)
    seen = driver.observe()
    assert (told(seen, "unwritten.1"), seen.online_node_ids) == (None, frozenset())
    with pytest.raises(OSError, match="No space left"):
        driver.stop("unwritten.1", 1_000)
    ended = until_ended(driver, "unwritten.1")
    unfinished.unlink()
    room.rmdir()

    assert (ended.end, ended.started_at_ms) == (AttemptEnd.STOPPED, None)
    until_online(driver)
