"""A job opened in the console: all that was asked, and what would let it start sooner."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.acceptance.brokers import Served, await_state, await_that, submitted
from tests.acceptance.tab import Console

WEST = {"device": "hygon-k100-ai", "limit": "2h", "command": "sleep 7200"}

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture
def waiting(park: Served) -> Iterator[str]:
    """The west is full, and the east has room for what waits for the west."""
    runs = submitted(park.steel, devices=8, **WEST)
    await_state(park.steel, runs, "running")
    variants = [{"devices": 4, "limit": "3h"}]
    job_id = submitted(park.steel, devices=8, name="waits", data=["web"], variants=variants, **WEST)
    await_that(lambda: park.steel.get(f"/v1/jobs/{job_id}").json()["reasons"])
    yield job_id
    for one in (job_id, runs):
        park.steel.post(f"/v1/jobs/{one}:cancel")
        await_state(park.steel, one, "cancelled")


def test_what_would_be_sooner_is_asked_on_demand(
    console: Console, park: Served, waiting: str
) -> None:
    told = park.steel.get(f"/v1/jobs/{waiting}/alternatives").json()["items"]
    console.log_in(park.keys["steel"])
    console.row("waiting", waiting).locator("button.link").click()
    panel = console.page.locator("#job")
    expect(panel.locator("dl.facts")).to_contain_text("4 × hygon-k100-ai")
    expect(panel.locator("dl.facts")).to_contain_text("web")
    assert not [url for url in console.requested if url.endswith("/alternatives")]

    panel.get_by_text("怎样可更早开始？").click()

    expect(panel.locator("ul.sooner li")).to_have_text(
        [f"{one['text_zh']}，{one['cost']} 元" for one in told]
    )
    assert told, "the east has room"
    console.page.keyboard.press("Escape")
    console.row("waiting", waiting).locator("button.link").click()
    expect(panel.get_by_text("怎样可更早开始？")).to_be_visible()
    expect(panel.locator("ul.sooner")).to_have_count(0)
