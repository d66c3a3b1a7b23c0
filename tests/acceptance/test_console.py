"""The console in a real Chromium, over a real broker: what people see, and what they must not."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.acceptance.brokers import (
    EAST,
    PARK,
    WEST,
    Served,
    await_state,
    await_that,
    capacity,
    job,
    state_of,
    submitted,
)
from tests.acceptance.tab import Console, brightness, parts_of

LIVE_MS = 5_000  # less than the 15 s after which the page would ask by itself
SCRIPTED_NAME = "<img src=x onerror=window.hacked=1><script>window.hacked=1</script>"
LONG = "sleep 3600"

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture
def busy(park: Served) -> Iterator[dict[str, str]]:
    """East is full with one job, and another waits for it."""
    running = submitted(park.steel, name="训练一号", command=LONG, devices=16, centres=["east"])
    await_state(park.steel, running, "running")
    waiting = submitted(park.steel, name="second", command=LONG, devices=8, centres=["east"])
    await_that(lambda: park.steel.get(f"/v1/jobs/{waiting}").json()["reasons"])
    yield {"running": running, "waiting": waiting}
    for job_id in (waiting, running):
        park.steel.post(f"/v1/jobs/{job_id}:cancel")
        await_state(park.steel, job_id, "cancelled", "succeeded")


def test_a_wrong_key_is_told_so_and_opens_nothing(console: Console) -> None:
    console.offer("brk_000000000000_wrong")

    expect(console.page.locator("#login-error")).to_contain_text("密钥无效")
    expect(console.page.locator("#key")).to_be_focused()
    expect(console.page.locator(".board")).to_be_hidden()
    assert console.page.evaluate("sessionStorage.length") == 0
    # The browser itself reports each 401.
    assert len(console.complaints) == 1
    assert "401" in console.complaints.pop()


def test_a_key_is_kept_for_the_tab_alone_until_the_sign_out(console: Console, park: Served) -> None:
    console.log_in(park.keys["operator"])

    console.page.reload()
    expect(console.page.locator("#headline .figure").first).to_be_visible()
    left = console.page.evaluate("[localStorage.length, location.href.includes('brk_')]")
    assert left == [0, False]
    assert "brk_" not in console.page.evaluate("document.cookie")

    console.page.click("#sign-out")
    expect(console.page.locator("#login")).to_be_visible()
    expect(console.page.locator("#headline .figure")).to_have_count(0)
    assert console.page.evaluate("sessionStorage.length") == 0


@pytest.mark.parametrize("part", ["**/v1/capacity", "**/v1/jobs?*"])
def test_who_signs_out_while_the_board_is_being_read_asks_for_nothing_more(
    part: str, console: Console, park: Served
) -> None:
    held = console.held(part)
    console.offer(park.keys["operator"])
    expect(console.page.locator("body")).to_have_attribute("data-view", "board")
    while not held:
        console.page.wait_for_timeout(20)

    console.page.evaluate("document.querySelector('#sign-out').click()")
    asked = len(console.requested)
    for route in held:
        route.continue_()
    console.page.wait_for_timeout(1_000)

    assert console.requested[asked:] == []
    expect(console.page.locator("body")).to_have_attribute("data-view", "login")
    expect(console.page.locator("#login-error")).to_have_text("")


def test_an_agents_key_does_not_open_the_console(console: Console, park: Served) -> None:
    console.offer(park.keys["agent"])

    expect(console.page.locator("#login-error")).to_contain_text("算力中心代理")
    console.complaints.clear()  # a 403 where agents are refused


def test_the_language_is_switched_at_once_and_remembered(console: Console, park: Served) -> None:
    console.log_in(park.keys["operator"])
    title = console.page.locator("#capacity-title")
    expect(title).to_have_text("各中心算力")

    console.page.click("button[data-language=en]")

    expect(title).to_have_text("Capacity by centre")
    expect(console.page.locator("html")).to_have_attribute("lang", "en-GB")
    expect(console.page.locator("[data-figure=stated] .label")).to_have_text("Stated")
    console.page.reload()
    expect(title).to_have_text("Capacity by centre")


def test_the_picture_of_capacity_has_the_right_numbers(
    console: Console, park: Served, busy: dict[str, str]
) -> None:
    assert busy
    console.log_in(park.keys["operator"])
    now = capacity(park)

    for centre in now["centres"]:
        for pool in centre["pools"]:
            bar = console.page.locator(f"[data-pool='{pool['id']}'] .bar")
            expect(bar).to_be_visible()
            expect(bar.locator("[data-part=allocated]")).to_have_count(
                1 if pool["allocated_cards"] else 0
            )
            assert parts_of(bar) == {
                part: cards
                for part, cards in {
                    "allocated": pool["allocated_cards"],
                    "idle": pool["schedulable_cards"] - pool["allocated_cards"],
                }.items()
                if cards
            }
    east = console.page.locator("[data-centre=east]")
    assert parts_of(east.locator(".bar").first) == {"allocated": EAST.stated_tflops}
    expect(east.locator(".rate")).to_have_text("100.0%")
    expect(console.page.locator("[data-figure=stated] .value")).to_have_text("6.61P")
    expect(console.page.locator("[data-figure=allocated] .rate")).to_have_text("75.8%")
    assert round(EAST.stated_tflops / PARK.stated_tflops, 3) == 0.758


def test_what_is_down_is_seen_as_down(console: Console, park: Served) -> None:
    console.log_in(park.keys["operator"])
    bar = console.page.locator("[data-pool='west-k100'] .bar")
    expect(bar).to_be_visible()

    park.centres["west"].lose_node("west-k100-n001", 3_000)

    expect(bar.locator("[data-part=down]")).to_have_attribute("data-value", "8", timeout=LIVE_MS)
    assert parts_of(bar) == {"down": 8}
    expect(console.page.locator("[data-figure=online]")).to_have_attribute("data-tone", "bad")
    await_that(lambda: capacity(park)["online_tflops"] == PARK.stated_tflops)
    expect(bar.locator("[data-part=idle]")).to_have_attribute("data-value", "8", timeout=LIVE_MS)


def test_a_waiting_job_shows_its_reason_in_both_languages(
    console: Console, park: Served, busy: dict[str, str]
) -> None:
    [reason, *_] = park.steel.get(f"/v1/jobs/{busy['waiting']}").json()["reasons"]
    console.log_in(park.keys["operator"])
    row = console.row("waiting", busy["waiting"])

    expect(row.locator(".reason")).to_contain_text(reason["text_zh"])
    expect(row).to_contain_text("8 × 任意型号")
    console.page.click("button[data-language=en]")
    expect(row.locator(".reason")).to_contain_text(reason["text"])


def test_a_long_array_hides_nobody_who_is_in_the_queue(
    console: Console, park: Served, busy: dict[str, str]
) -> None:
    """Pages of two stand for those of five hundred."""
    wanted = {"command": LONG, "centres": ["east"], "array": "0-3%1"}
    array_id = park.steel.post("/v1/jobs", json=job(**wanted)).json()["array"]["id"]
    counted = f"/v1/arrays/{array_id}"
    await_that(lambda: park.steel.get(counted).json()["states"].get("held") == 3)
    tasks = park.steel.get("/v1/jobs", params={"array": array_id, "state": "held"}).json()["items"]
    console.page.route(
        "**/v1/jobs?*",
        lambda route: route.continue_(url=re.sub(r"limit=\d+", "limit=2", route.request.url)),
    )

    console.log_in(park.keys["operator"])

    expect(console.row("waiting", busy["waiting"])).to_be_visible()
    expect(console.row("waiting", tasks[0]["id"])).to_be_visible()
    park.steel.post(f"/v1/arrays/{array_id}:cancel")


def test_members_of_several_roles_are_named_by_them(console: Console, park: Served) -> None:
    roles = [
        {"name": "boss", "devices": 0, "command": LONG},
        {"name": "ps", "count": 2, "devices": 1},
    ]
    wanted = {"command": "sleep 3601", "devices": 2, "centres": ["west"], "roles": roles}
    job_id = submitted(park.fish, name="of-roles", **wanted)
    await_state(park.fish, job_id, "running")
    console.log_in(park.keys["fish"])

    console.row("running", job_id).locator("button.link").click()

    panel = console.page.locator("#job")
    expect(panel.locator("#log-member option")).to_have_text(["boss 0", "ps 0", "ps 1"])
    expect(panel.locator("dl.facts")).to_contain_text("boss 1 × 0, ps 2 × 1")
    expect(panel.locator("ol.attempts")).to_contain_text("(boss 0, ps 0-1)")
    expect(panel.locator("pre.command")).to_have_text(f"sleep 3601\nboss: {LONG}")
    park.fish.post(f"/v1/jobs/{job_id}:cancel")


def test_what_happens_is_seen_without_a_reload(console: Console, park: Served) -> None:
    console.log_in(park.keys["operator"])
    console.page.evaluate("window.isTheSamePage = true")
    asked = len(console.requested)

    job_id = submitted(park.fish, name="live", command=LONG, centres=["west"], array=7)

    row = console.row("running", job_id)
    expect(row).to_be_visible(timeout=LIVE_MS)
    expect(row.locator("time[data-since]")).to_be_visible(timeout=LIVE_MS)
    expect(row).to_contain_text(WEST.name)
    expect(row.locator("button.link")).to_have_text("live[7]")
    leased = console.page.locator("#events li[data-kind=leased]").first
    expect(leased).to_contain_text("live[7]")
    park.fish.post(f"/v1/jobs/{job_id}:cancel")
    expect(row).to_have_count(0, timeout=LIVE_MS)
    assert console.page.evaluate("window.isTheSamePage")
    # The stream itself went on: nobody asked for it again.
    assert not [url for url in console.requested[asked:] if url.endswith("/v1/events")]


def test_a_broken_stream_is_shown_and_mended(console: Console, park: Served) -> None:
    console.log_in(park.keys["operator"])
    connection = console.page.locator("#connection")

    console.page.route("**/v1/events", lambda route: route.abort())
    console.page.evaluate("dispatchEvent(new Event('offline'))")
    console.page.reload()

    expect(connection).to_have_attribute("data-state", "waiting")
    expect(connection).to_contain_text("后重连")
    console.page.unroute("**/v1/events")
    expect(connection).to_have_attribute("data-state", "live")
    console.complaints.clear()  # the browser reports each failed request


def test_a_tenant_sees_only_what_is_its_own(
    console: Console, park: Served, busy: dict[str, str]
) -> None:
    own = submitted(park.fish, name="own-job", command=LONG, centres=["west"])
    await_state(park.fish, own, "running")

    console.log_in(park.keys["fish"])

    expect(console.row("running", own)).to_be_visible()
    expect(console.page.locator("#who")).to_have_text("企业 企业 fish")
    expect(console.page.locator("#running li")).to_have_count(1)
    text = console.page.content()
    assert busy["running"] not in text
    assert busy["waiting"] not in text
    assert "训练一号" not in text
    assert "steel" not in text
    theirs = submitted(park.steel, name="their-job", command=LONG, centres=["west"])
    park.fish.post(f"/v1/jobs/{own}:cancel")
    expect(console.row("running", own)).to_have_count(0)
    expect(console.page.locator("#events li[data-kind=cancel_requested]")).to_have_count(1)
    assert "their-job" not in console.page.content()
    park.steel.post(f"/v1/jobs/{theirs}:cancel")


def test_finance_sees_money_and_no_jobs(console: Console, park: Served) -> None:
    ran = submitted(park.fish, name="paid", command="sleep 2", devices=8, centres=["west"])
    await_state(park.fish, ran, "succeeded")
    amount = park.finance.get("/v1/usage").json()["amount"]

    console.log_in(park.keys["finance"])

    expect(console.page.locator("#usage tfoot")).to_contain_text(f"¥{amount}")
    expect(console.page.locator("#usage tbody[data-tenant-row=fish]")).to_be_visible()
    for panel in ("running", "waiting"):
        expect(console.page.locator(f"#{panel}-panel")).to_be_hidden()
    expect(console.page.locator("#events")).to_contain_text("付款、价格、资源包与预算的变化")
    # The browser itself would report what is refused.
    assert console.complaints == []


def test_a_tenant_is_opened_into_its_lines(console: Console, park: Served) -> None:
    ran = submitted(park.fish, name="lines", command="sleep 1", devices=8, centres=["west"])
    await_state(park.fish, ran, "succeeded")
    console.log_in(park.keys["operator"])
    opener = console.page.locator("button[data-tenant=fish]")

    opener.focus()
    opener.press("Enter")

    expect(opener).to_have_attribute("aria-expanded", "true")
    expect(console.page.locator("[data-tenant-row=fish] .line").first).to_contain_text("hygon-k100")


def test_a_job_name_that_is_a_script_is_only_a_name(console: Console, park: Served) -> None:
    job_id = submitted(park.fish, name=SCRIPTED_NAME, command=LONG, centres=["west"])
    await_state(park.fish, job_id, "running")
    console.log_in(park.keys["operator"])
    name = console.row("running", job_id).locator("button.link")
    expect(name).to_have_text(SCRIPTED_NAME)
    expect(console.page.locator("#events")).to_contain_text(SCRIPTED_NAME)

    name.click()

    expect(console.page.locator("#job-title")).to_have_text(SCRIPTED_NAME)
    assert console.page.evaluate("window.hacked") is None
    assert console.page.locator("main img[src=x], dialog img, main script").count() == 0
    park.fish.post(f"/v1/jobs/{job_id}:cancel")


def test_no_string_can_become_html(console: Console) -> None:
    console.page.goto(console.address)

    refused = console.page.evaluate(
        "() => { try { document.body.innerHTML = '<b>x</b>'; return '' }"
        " catch (error) { return error.name } }"
    )

    assert refused == "TypeError"
    assert all("Trusted" in text for text in console.complaints)
    console.complaints.clear()


def test_a_job_is_opened_and_cancelled_by_keyboard(console: Console, park: Served) -> None:
    job_id = submitted(park.fish, name="to-cancel", command=LONG, devices=2, centres=["west"])
    await_state(park.fish, job_id, "running")
    console.log_in(park.keys["fish"])
    drawer = console.page.locator("dialog#job")
    link = console.row("running", job_id).locator("button.link")
    link.focus()
    link.press("Enter")
    expect(drawer.locator("#job-title")).to_have_text("to-cancel")
    expect(drawer.locator(".attempts")).to_contain_text("west-k100-n001 × 2")
    expect(drawer.locator(".command")).to_have_text(LONG)
    assert f"#job={job_id}" in console.page.url

    console.page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    expect(link).to_be_focused()
    link.press("Enter")
    # Opened anew before the browser tells that it was closed.
    link.evaluate("link => { document.querySelector('#job').close(); link.click(); }")
    drawer.get_by_text("取消作业").press("Enter")
    assert state_of(park.fish, job_id) == "running", "it asks before it acts"
    drawer.locator("[data-cancel]").press("Enter")

    expect(drawer.locator("[data-state=cancelled]")).to_be_visible()
    await_state(park.fish, job_id, "cancelled")


def test_a_page_that_is_narrow_has_no_sideways_scroll(
    console: Console, park: Served, busy: dict[str, str]
) -> None:
    console.page.set_viewport_size({"width": 390, "height": 844})
    console.log_in(park.keys["operator"])
    expect(console.row("waiting", busy["waiting"])).to_be_visible()

    assert console.page.evaluate("document.documentElement.scrollWidth") == 390


def test_the_dark_page_is_dark(console: Console, park: Served) -> None:
    console.log_in(park.keys["operator"])
    light = brightness(console.page)

    console.page.click("#theme")

    assert light > 200
    assert brightness(console.page) < 60
    console.page.reload()
    expect(console.page.locator("html")).to_have_attribute("data-theme", "dark")


def test_a_part_that_fails_says_so_and_can_be_tried_again(console: Console, park: Served) -> None:
    console.page.route("**/v1/usage*", lambda route: route.fulfill(status=503, body="down"))
    console.log_in(park.keys["operator"])
    failure = console.page.locator("#usage .failure")
    expect(failure).to_contain_text("HTTP 503")

    console.page.unroute("**/v1/usage*")
    failure.locator("[data-retry]").click()

    expect(failure).to_have_count(0)
    expect(console.page.locator("#usage > *").first).to_be_visible()
    console.complaints.clear()  # the browser reports the 503


def test_a_kept_quote_is_seen(console: Console, park: Served, busy: dict[str, str]) -> None:
    console.log_in(park.keys["operator"])
    kept = park.fish.post("/v1/quotes", json=job(devices=8, limit="1h") | {"keep": True}).json()
    row = console.page.locator(f"#waiting [data-quote={kept['id']}]")
    expect(row).to_contain_text("保留的询价", timeout=20_000)
    park.steel.post(f"/v1/jobs/{busy['waiting']}:cancel")
    expect(console.row("waiting", busy["waiting"])).to_have_count(0)
    expect(row).to_be_visible()  # also where nothing else waits
    park.fish.delete(f"/v1/quotes/{kept['id']}")
    expect(row).to_have_count(0, timeout=20_000)
