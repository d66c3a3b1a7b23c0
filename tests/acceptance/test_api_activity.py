"""What allocated cards did, by the interface and in the terminal; in the order of this file."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from accounting import store
from api.database import engine
from api.profile import Profile, write_profile
from tests.acceptance.brokers import Served
from tests.acceptance.processes import brain
from tests.builders import HOUR_MS, shanghai, used
from tests.unit.test_activity import WATCHED

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("activity"),
    pytest.mark.usefixtures("books"),
]

BEGIN_MS = shanghai("2026-01-10T00:00")
STEEL = used("2026-01-10T00:00", "2026-01-10T02:00", device_count=8, centre_id="east")
FISH = used("2026-01-10T00:00", "2026-01-10T01:00", tenant_id="fish", reference="b.1")
SEEN = replace(WATCHED, from_ms=BEGIN_MS, to_ms=BEGIN_MS + HOUR_MS, pool_id="east-910b3")
WINDOW = {"from_ms": BEGIN_MS, "to_ms": BEGIN_MS + 2 * HOUR_MS}


@pytest.fixture(scope="module")
def books(request: pytest.FixtureRequest, module_database_url: str) -> Iterator[Engine]:
    """Two tenants used something, and of one it is known in part what its cards did."""
    request.getfixturevalue("park")
    connected = engine(module_database_url)
    with connected.begin() as connection:
        store.book(connection, [STEEL, FISH], [], [], [SEEN])
    yield connected
    connected.dispose()


def usage(served: Served, **asked: str) -> Any:
    return served.finance.get("/v1/usage", params={**WINDOW, **asked}).json()


def test_usage_tells_what_was_active_apart_from_what_was_allocated(park: Served) -> None:
    told = usage(park, tenant="steel")

    assert told["device_ms"] == 16 * HOUR_MS
    assert told["activity"] == {
        "allocated_device_ms": 16 * HOUR_MS,
        "active_device_ms": HOUR_MS,
        "inactive_device_ms": 3 * HOUR_MS,
        "unmeasured_device_ms": 12 * HOUR_MS,
    }
    (line,) = told["activity_lines"]
    assert (line["tenant"], line["centre"], line["active_device_ms"]) == ("steel", "east", HOUR_MS)


def test_what_nobody_measured_is_null_and_in_no_other_part(park: Served) -> None:
    assert usage(park, tenant="fish")["activity"] == {
        "allocated_device_ms": HOUR_MS,
        "active_device_ms": None,
        "inactive_device_ms": None,
        "unmeasured_device_ms": HOUR_MS,
    }
    both = usage(park)["activity"]
    assert (both["active_device_ms"], both["unmeasured_device_ms"]) == (HOUR_MS, 13 * HOUR_MS)


def test_the_terminal_shows_it_where_something_was_measured(
    address: str, park: Served, tmp_path: Path
) -> None:
    write_profile(tmp_path, Profile(url=address, tenant="steel", keys=park.keys))
    asked = ["usage", "--month", "2026-01"]

    steel = brain(*asked, "--tenant", "steel", BRAIN_DATA=str(tmp_path))
    fish = brain(*asked, "--tenant", "fish", BRAIN_DATA=str(tmp_path))

    total = steel.stdout.splitlines()[-1]
    assert total.split()[-5:] == ["57,600.0", "3,600.0", "10,800.0", "43,200.0", "25.0%"]
    assert "unmeasured" not in fish.stdout
