"""What allocated cards did, by the interface and in the terminal; in the order of this file."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, insert

from accounting.storage import store
from accounting.usage.activity import by_hour
from scheduler.storage.tables import UtilisationRow
from tests.acceptance.brokers import Served
from tests.acceptance.in_process import brain
from tests.acceptance.test_api_park import load
from tests.builders import HOUR_MS, shanghai, used
from tests.unit.accounting.usage.test_activity import WATCHED

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
def books(park: Served) -> Engine:
    """Two tenants used something, and of one it is known in part what its cards did."""
    database = park.broker.services.database
    with database.begin() as connection:
        store.book(connection, [STEEL, FISH], [], [], [SEEN])
    return database


def waterfall(served: Served, **asked: str) -> Any:
    return served.finance.get("/v1/utilisation/waterfall", params={**WINDOW, **asked}).json()


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


def test_the_terminal_shows_it_where_something_was_measured(data: Path) -> None:
    asked = ["usage", "--month", "2026-01"]

    steel = brain(*asked, "--tenant", "steel", BRAIN_DATA=str(data))
    fish = brain(*asked, "--tenant", "fish", BRAIN_DATA=str(data))

    total = steel.stdout.splitlines()[-1]
    assert total.split()[-5:] == ["57,600.0", "3,600.0", "10,800.0", "43,200.0", "25.0%"]
    assert "unmeasured" not in fish.stdout


def test_the_waterfall_ends_with_what_allocated_cards_did(park: Served) -> None:
    row = load("east-910b3", "east", BEGIN_MS, 313, 16, 16, 8)
    with park.broker.services.database.begin() as connection:
        connection.execute(insert(UtilisationRow), [row])

    (east, west) = waterfall(park, by="pool")["items"]
    first, second = waterfall(park, by="park", each="hour")["items"]

    assert (east["key"], west["cards"]["active"]) == ("east-910b3", None)
    assert east["cards"]["allocated"] == 16 * HOUR_MS
    assert parts(east["cards"]) == [HOUR_MS, 3 * HOUR_MS, 12 * HOUR_MS]
    assert parts(east["p"]) == [313 * one for one in parts(east["cards"])]
    assert parts(first["cards"]) == [HOUR_MS, 3 * HOUR_MS, 4 * HOUR_MS]
    assert parts(second["cards"]) == [None, None, 8 * HOUR_MS]


def test_a_tenants_and_a_fields_cards_are_told_of_likewise(park: Served) -> None:
    fish, steel = waterfall(park, by="tenant")["used"]
    (field,) = waterfall(park, by="field")["used"]

    assert parts(fish["cards"]) == [None, None, HOUR_MS]
    assert parts(steel["cards"]) == [HOUR_MS, 3 * HOUR_MS, 12 * HOUR_MS]
    assert parts(steel["p"]) == [313 * one for one in parts(steel["cards"])]
    assert parts(field["cards"]) == [HOUR_MS, 3 * HOUR_MS, 13 * HOUR_MS]


def test_cores_are_told_of_apart_from_cards(park: Served) -> None:
    core = {"device_kind_id": "epyc", "centre_id": "east", "tflops": 0, "tenant_id": "fish"}
    used_cores = replace(FISH, reference="c.1", **core)  # type: ignore[arg-type] # what it has
    seen = replace(SEEN, reference="c.1", pool_id="east-cores", **core)  # type: ignore[arg-type]
    with park.broker.services.database.begin() as connection:
        store.book(connection, [used_cores], [], [], [seen])

    told = usage(park, tenant="fish")
    (fish, _) = waterfall(park, by="tenant")["used"]

    assert told["activity"]["active_device_ms"] is None
    assert told["core_activity"]["active_device_ms"] == HOUR_MS
    assert [line["unit"] for line in told["activity_lines"]] == ["core", "card"]
    assert parts(fish["cards"]) == [None, None, HOUR_MS]
    assert parts(fish["cores"]) == [HOUR_MS, 0, 0]


def test_prometheus_is_told_how_busy_the_cards_of_the_last_hour_were(park: Served) -> None:
    services = park.broker.services
    since_ms = services.clock() - 600_000
    lately = replace(
        SEEN,
        reference="now.1",
        from_ms=since_ms,
        to_ms=since_ms + 300_000,
        measured_device_ms=2_000_000,
        active_device_ms=500_000,
    )
    with services.database.begin() as connection:
        store.book(connection, [], [], [], list(by_hour(lately)))

    told = park.operator.get("/metrics").text

    labels = 'centre="east",device="ascend-910b3",pool="east-910b3"'
    (line,) = [line for line in told.splitlines() if line.startswith("brain_active_ratio{")]
    assert line.removeprefix("brain_active_ratio{").split("} ")[0] in {
        labels,
        'centre="east",pool="east-910b3",device="ascend-910b3"',
    }
    assert abs(float(line.split()[-1]) - 0.25) < 0.001


def parts(levels: Any) -> list[Any]:
    return [levels[name] for name in ("active", "inactive", "unmeasured")]
