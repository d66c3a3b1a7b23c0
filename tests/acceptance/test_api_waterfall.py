"""Where the capacity went, over HTTP."""

from dataclasses import replace
from typing import Any

from sqlalchemy import insert

from accounting.storage.store import book
from scheduler.storage.tables import UtilisationRow
from tests.acceptance.brokers import Served, problem_of
from tests.acceptance.test_api_park import load
from tests.builders import USAGE

HOUR_MS = 3_600_000


def test_the_waterfall_is_told_by_part_and_by_time(park: Served) -> None:
    begin_ms = 500 * HOUR_MS
    rows = [
        load("east-910b3", "east", begin_ms, 313, 16, 16, 4)
        | {"reserved_cards": 2, "maintenance_cards": 8},
        load("east-910b3", "east", begin_ms + HOUR_MS, 313, 16, 16, 8)
        | {"reserved_cards": 0, "maintenance_cards": 0},
        load("west-k100", "west", begin_ms, 200, 8, 8, 8)
        | {"reserved_cards": 0, "maintenance_cards": 0},
    ]
    with park.broker.services.database.begin() as connection:
        connection.execute(insert(UtilisationRow), rows)
    window = {"from_ms": begin_ms, "to_ms": begin_ms + 2 * HOUR_MS}

    def read(by: str, each: str) -> Any:
        asked: dict[str, str | int] = {**window, "by": by, "each": each}
        return park.steel.get("/v1/utilisation/waterfall", params=asked).json()

    first, second, *_ = read("pool", "hour")["items"]
    assert (first["key"], first["to_ms"], second["key"]) == (
        "east-910b3",
        begin_ms + HOUR_MS,
        "east-910b3",
    )
    levels = {name: value // HOUR_MS for name, value in first["cards"].items() if value} | {
        "utilisation_bp": first["cards"]["utilisation_bp"]
    }
    assert (levels["stated"], levels["healthy"], levels["schedulable"]) == (16, 16, 8)
    assert (levels["allocated"], levels["reserved"], levels["idle"]) == (4, 2, 2)
    assert (levels["maintenance"], levels["utilisation_bp"]) == (8, 5_000)
    assert first["cards"]["active"] is first["p"]["inactive"] is None
    assert second["p"]["allocated"] == 8 * 313 * HOUR_MS
    (whole,) = read("park", "whole")["items"]
    assert whole["cards"]["allocated"] == (4 + 8 + 2 * 8) * HOUR_MS
    assert (whole["p"]["peak_at_ms"], whole["p"]["peak_bp"]) == (begin_ms, 6_949)
    assert [item["key"] for item in read("device", "whole")["items"]] == [
        "ascend-910b3",
        "hygon-k100-ai",
    ]
    assert read("tenant", "whole")["used"] == []


def test_a_tenant_is_told_what_it_used_itself(park: Served) -> None:
    begin_ms = 600 * HOUR_MS
    mine = replace(USAGE, from_ms=begin_ms, to_ms=begin_ms + HOUR_MS)
    with park.broker.services.database.begin() as connection:
        book(connection, [mine, replace(mine, tenant_id="fish", reference="f.1")], [], [])
    asked: dict[str, str | int] = {"from_ms": begin_ms, "to_ms": mine.to_ms, "by": "tenant"}

    def used(answer: Any) -> list[str]:
        return [item["key"] for item in answer.json()["used"]]

    assert used(park.steel.get("/v1/utilisation/waterfall", params=asked)) == ["steel"]
    assert used(park.operator.get("/v1/utilisation/waterfall", params=asked)) == ["fish", "steel"]


def test_a_peak_is_the_same_wherever_it_is_told(park: Served) -> None:
    """What was busy for half a minute between two full ones is no peak anywhere."""
    begin_ms = 700 * HOUR_MS
    rows = [
        load("east-910b3", "east", begin_ms, 313, 16, 16, 4),
        load("east-910b3", "east", begin_ms + 70_000, 313, 16, 16, 16),
        load("east-910b3", "east", begin_ms + 100_000, 313, 16, 16, 8),
    ]
    with park.broker.services.database.begin() as connection:
        connection.execute(insert(UtilisationRow), rows)
    window: dict[str, str | int] = {"from_ms": begin_ms, "to_ms": begin_ms + HOUR_MS}

    course = park.steel.get("/v1/utilisation", params=window).json()
    answer = park.steel.get("/v1/utilisation/waterfall", params=window | {"by": "centre"})

    east = next(item["p"] for item in answer.json()["items"] if item["key"] == "east")
    assert (east["peak_bp"], east["peak_at_ms"]) == (5_000, begin_ms + 120_000)
    assert (course["peak_bp"]["east"], course["peak_at_ms"]["east"]) == (
        east["peak_bp"],
        east["peak_at_ms"],
    )


def test_a_waterfall_of_too_many_parts_is_refused(park: Served) -> None:
    asked: dict[str, str | int] = {"from_ms": 0, "to_ms": 99 * 24 * HOUR_MS, "each": "hour"}

    answer = park.steel.get("/v1/utilisation/waterfall", params=asked)

    assert problem_of(answer, 422)["errors"][0]["field"] == "each"
