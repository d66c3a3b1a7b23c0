"""A Ray cluster of the tests as a bed: real time and real processes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cluster.driver import CentreReport
from cluster.local_ray import LocalRay
from tests.ray_centre import CENTRE, PARK, until

if TYPE_CHECKING:
    from cluster.ray_driver import RayDriver


@dataclass(slots=True)
class RayBed:
    """The driver of the cluster, within this process."""

    driver: "RayDriver"

    def until(self, is_so: Callable[[CentreReport], bool], what: str) -> CentreReport:
        return until(self.driver, is_so, what)


@pytest.fixture(scope="module")
def ray_bed(local_ray: LocalRay) -> Iterator[RayBed]:
    from cluster.ray_driver import RayDriver  # noqa: PLC0415 - joins Ray's libraries to us
    from cluster.ray_watch import CentreRay  # noqa: PLC0415

    place = CentreRay(
        centre=CENTRE,
        device_kind_by_id=PARK.device_kind_by_id,
        address=local_ray.address,
        token_path=local_ray.token_path,
        data_dir=Path(local_ray.data_dir),
        silence_ms_max=900_000,
        is_logical=True,
    )
    driver = RayDriver(place, no_archive, lambda: None)
    driver.start()
    yield RayBed(driver)
    driver.close()


def no_archive(sha256: str) -> bytes:
    """Fails in a way that nobody expected."""
    raise RuntimeError(f"something else than {sha256}")
