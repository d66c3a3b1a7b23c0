"""Why a start that was told slides: over HTTP, in a terminal and in the console."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import expect

from tests.acceptance.brokers import Served, await_state, await_that, submitted
from tests.acceptance.in_process import brain
from tests.acceptance.tab import Console

WEST = {"device": ["hygon-k100-ai"], "limit": "2h", "devices": 8}
pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


class Slid(NamedTuple):
    """Steel's job `waits` for what `runs` of fish's, whose last like took a second."""

    waits: str
    runs: str
    before: dict[str, Any]


def explained(park: Served, job_id: str) -> Any:
    return park.steel.get(f"/v1/jobs/{job_id}/explain").json()


def told(cause: dict[str, Any]) -> tuple[str, int, int]:
    return cause["code"], cause["count"], cause["cards"]


@pytest.fixture(scope="module")
def slid(park: Served) -> Iterator[Slid]:
    """It was to start within seconds, and starts more than a minute later now."""
    past = submitted(park.fish, name="brief", command="sleep 1", **WEST)
    await_state(park.fish, past, "succeeded")
    runs = submitted(park.fish, name="brief", command="sleep 7200", **WEST)
    await_state(park.fish, runs, "running")
    waits = submitted(park.steel, command="sleep 1", **WEST)
    await_that(lambda: explained(park, waits)["planned_start_ms"])
    before = explained(park, waits)
    await_that(lambda: explained(park, waits)["slip"], timeout_s=60)
    yield Slid(waits, runs, before)
    for one in park.operator.get("/v1/jobs?state=queued&state=running").json()["items"]:
        park.operator.post(f"/v1/jobs/{one['id']}:cancel")
        await_state(park.operator, one["id"], "cancelled")


def test_who_waits_for_what_overstays_is_told_so_and_no_name(park: Served, slid: Slid) -> None:
    answer = park.steel.get(f"/v1/jobs/{slid.waits}/explain")

    told, slip = answer.json(), answer.json()["slip"]
    assert slid.before["slip"] is None, "it was to start soon"
    assert slip["told_start_ms"] <= slid.before["planned_start_ms"]
    assert slip["start_ms"] == told["planned_start_ms"] >= slip["told_start_ms"] + 60_000
    assert slip["told_pool"] == "west-k100"
    (cause,) = slip["causes"]
    assert [cause[name] for name in ("code", "count", "cards", "yours")] == ["overstayed", 1, 8, 0]
    assert slid.runs not in answer.text
    assert "fish" not in answer.text


def test_where_the_leader_is_busy_no_cause_is_made_up(park: Served, slid: Slid) -> None:
    with park.broker.services.questions.admitted("tenant:steel"):
        slip = explained(park, slid.waits)["slip"]

    assert slip["causes"] is None
    assert slip["text"].endswith("the broker that leads could not be asked")


def test_a_terminal_tells_it_in_both_languages(park: Served, slid: Slid, address: str) -> None:
    def why(language: str) -> list[str]:
        who = {"BRAIN_URL": address, "BRAIN_API_KEY": park.keys["steel"]}
        return brain("why", slid.waits, **who, BRAIN_LANG=language, cwd=None).stdout.split()

    english, chinese = " ".join(why("en")), "".join(why("zh"))

    assert "told first, at" in english
    assert "• in west-k100 1 run on 8 cards is past what was forecast then, by " in english
    assert "首次告知约" in chinese
    assert "•west-k100有1个运行（8张卡）已超过当时的预计时长" in chinese


@pytest.mark.browser
def test_the_console_tells_it_where_the_job_is_opened(
    console: Console, park: Served, slid: Slid
) -> None:
    console.log_in(park.keys["steel"])

    console.row("waiting", slid.waits).locator("button.link").click()

    why = console.page.locator("#job section.why")
    expect(why.locator("p.slip")).to_contain_text("首次告知约")
    expect(why.locator("ul.slip li")).to_contain_text(["已超过当时的预计时长"])


def test_who_came_after_and_goes_first_is_counted_waiting_and_running(
    park: Served, slid: Slid
) -> None:
    later = submitted(park.fish, priority="high", command="sleep 7200", **WEST)
    await_that(lambda: explained(park, slid.waits)["position"] == 2)

    waiting = explained(park, slid.waits)["slip"]["causes"]
    park.fish.post(f"/v1/jobs/{slid.runs}:cancel")
    await_state(park.fish, later, "running")
    await_that(lambda: explained(park, slid.waits)["slip"], timeout_s=60)
    answer = park.steel.get(f"/v1/jobs/{slid.waits}/explain")
    running = answer.json()["slip"]["causes"]

    assert [told(cause) for cause in waiting] == [("overstayed", 1, 8), ("ahead_since", 1, 8)]
    assert [told(cause) for cause in running] == [("started_since", 1, 8)]
    assert later not in answer.text
    assert "fish" not in answer.text


def test_cards_in_maintenance_are_told(park: Served, slid: Slid) -> None:
    west = {"centre": "west"}
    assert park.operator.post("/v1/nodes:drain", json=west).status_code == 200
    await_that(lambda: explained(park, slid.waits)["planned_start_ms"] is None)

    causes = explained(park, slid.waits)["slip"]["causes"]

    park.operator.post("/v1/nodes:resume", json=west)
    assert told(causes[-1]) == ("maintenance", 0, 8)
