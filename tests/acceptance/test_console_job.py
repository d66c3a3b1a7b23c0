"""A job opened in the console: all that was asked, and what would let it start sooner."""

import re
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


def test_an_elastic_job_tells_its_sizes(console: Console, park: Served, waiting: str) -> None:
    assert waiting
    sizes = {"devices": 8, "min_devices": 4, "checkpoint": {"dir": "ckpt"}, "name": "elastic"}
    stepped = submitted(park.steel, step_devices=2, **sizes, **WEST)
    halved = submitted(park.steel, **sizes, **WEST)
    console.log_in(park.keys["steel"])

    for job_id, told in ((stepped, "最少设备数4，每档 2"), (halved, "最少设备数4")):
        console.row("waiting", job_id).locator("button.link").click()
        facts = console.page.locator("#job dl.facts div")
        expect(facts.filter(has_text="最少设备数")).to_have_text(told)
        console.page.keyboard.press("Escape")
        park.steel.post(f"/v1/jobs/{job_id}:cancel")


def test_by_what_a_job_waits_is_told_with_who_holds_its_pools(
    console: Console, park: Served, waiting: str
) -> None:
    told = park.steel.get(f"/v1/jobs/{waiting}/explain").json()
    console.log_in(park.keys["steel"])

    console.row("waiting", waiting).locator("button.link").click()

    panel = console.page.locator("#job")
    expect(panel.locator("ol.terms li")).to_have_text(
        [
            "企业没有额定配额",
            "优先级为普通",
            re.compile("^企业近期已用 "),
            re.compile("^排序到期时间为 "),
        ]
    )
    expect(panel.locator(".why ul.reasons li")).to_have_text(
        [one["text_zh"] for one in told["reasons"]]
    )
    expect(panel.locator("table.holders tbody tr").first).to_have_text(
        re.compile(r"^west-k100\s*8\s*8\s*0\s*0\s*8\s*—$")
    )


def test_the_queue_is_shown_by_what_each_stands_where_it_stands(
    console: Console, park: Served, waiting: str
) -> None:
    ahead = submitted(park.steel, devices=8, name="ahead", priority="high", **WEST)
    await_that(lambda: park.steel.get(f"/v1/jobs/{ahead}").json()["reasons"])
    console.log_in(park.keys["steel"])
    assert not [url for url in console.requested if "/v1/queue" in url]

    console.page.locator("#waiting-choice [data-order='terms']").click()

    rows = console.page.locator("#waiting table.turns tbody tr")
    expect(rows).to_have_count(2)
    assert [rows.nth(at).get_attribute("data-job") for at in (0, 1)] == [ahead, waiting]
    expect(console.page.locator("#waiting thead th")).to_have_text(
        ["#", "作业", "额定配额", "优先级", "份额", "到期"]
    )
    expect(rows.first.locator("[data-term='priority']")).to_have_text("高")
    expect(rows.first.locator("[data-term='priority']")).to_have_attribute("title", "优先级为高")
    expect(rows.first.locator("[data-term='share']")).to_have_text("1/1")
    rows.first.locator("button.link").click()
    expect(console.page.locator("#job-title")).to_have_text("ahead")
    console.page.keyboard.press("Escape")
    console.page.locator("#waiting-choice [data-order='list']").click()
    expect(console.row("waiting", waiting)).to_be_visible()
    park.steel.post(f"/v1/jobs/{ahead}:cancel")
    await_state(park.steel, ahead, "cancelled")


def test_a_job_tells_its_folder_the_names_of_its_variables_and_its_cost(
    console: Console, park: Served
) -> None:
    given = {"workdir": "/usr", "env": {"TOKEN": "a-secret", "EPOCHS": "3"}}
    job_id = submitted(park.steel, name="costs", command="sleep 1", centres=["east"], **given)
    ended = await_state(park.steel, job_id, "succeeded") | {"cost": "1234.567"}
    console.page.route(f"**/v1/jobs/{job_id}", lambda route: route.fulfill(json=ended))
    console.log_in(park.keys["steel"])
    console.page.locator("#running-choice [data-show=ended]").click()
    console.row("running", job_id).locator("button.link").click()
    drawer = console.page.locator("#job")

    for told in ("工作目录/usr", "环境变量TOKEN, EPOCHS", "已计费¥1,234.57"):
        expect(drawer.locator("dl.facts div").filter(has_text=told[:4])).to_have_text(told)
    expect(drawer).not_to_contain_text("a-secret")


def test_why_it_ended_is_told_in_the_language_of_the_page(console: Console, park: Served) -> None:
    job_id = submitted(park.steel, name="ends", command="sleep 1", centres=["east"])
    ended = await_state(park.steel, job_id, "succeeded")
    ends = {"detail": "member 0: exit code 3", "detail_zh": "成员 0：退出码 3"}
    ended |= ends | {"attempts": [ended["attempts"][0] | ends]}
    console.page.route(f"**/v1/jobs/{job_id}", lambda route: route.fulfill(json=ended))
    console.log_in(park.keys["steel"])
    console.page.locator("#running-choice [data-show=ended]").click()
    console.row("running", job_id).locator("button.link").click()
    drawer = console.page.locator("#job")

    expect(drawer.locator("dl.facts")).to_contain_text("成员 0：退出码 3")
    expect(drawer.locator("ol.attempts")).to_contain_text("成员 0：退出码 3")
    expect(drawer).not_to_contain_text("exit code")


def test_a_task_keeps_its_index_and_who_holds_a_pool_its_name_on_a_narrow_page(
    console: Console, park: Served, waiting: str
) -> None:
    console.page.set_viewport_size({"width": 390, "height": 844})
    words = WEST | {"name": "a name that is longer than the room"}
    task = submitted(park.steel, devices=8, array=7, **words)
    console.log_in(park.keys["steel"])
    link = console.row("waiting", task).locator("button.link")

    expect(link).to_have_text("a name that is…[7]")
    assert link.evaluate("link => link.scrollWidth <= link.clientWidth")
    console.page.click("button[data-language=en]")  # whose heads are the wider ones
    console.row("waiting", waiting).locator("button.link").click()
    pool = console.page.locator("#job table.holders tbody th").first
    assert pool.evaluate("cell => cell.scrollWidth <= cell.clientWidth && cell.clientWidth > 40")
    park.steel.post(f"/v1/jobs/{task}:cancel")
