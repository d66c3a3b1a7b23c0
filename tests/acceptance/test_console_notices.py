"""What the console tells of that began before it was opened."""

from dataclasses import replace

import pytest
from playwright.sync_api import expect
from sqlalchemy import Engine

from scheduler.facts.events import Credited
from scheduler.facts.log import Request
from scheduler.storage.store import put_requests
from tests.acceptance.brokers import WEST, Served, await_state, submitted
from tests.acceptance.tab import Console

LIVE_MS = 5_000  # less than the 15 s after which the page would ask by itself

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(120)]


def test_who_comes_later_sees_what_goes_on(console: Console, park: Served) -> None:
    """A drain that began before, and a budget that is used up: neither is in the stream."""
    ran = submitted(park.fish, name="dear", command="sleep 1", devices=8, centres=["west"])
    await_state(park.fish, ran, "succeeded")
    park.fish.put("/v1/budgets", json={"amount": "0.0001"})
    drained, budget = (
        console.page.locator(f"[data-notice={one}]")
        for one in ("drained-west", "'budget-fish-企业 fish'")
    )
    park.operator.post("/v1/nodes:drain", json={"centre": "west"})
    console.log_in(park.keys["fish"])
    expect(drained).to_have_text(f"{WEST.name}：1 个节点中有 1 个在计划维护")
    expect(budget).to_contain_text("企业 fish 已用本月预算的")

    # Again and again: just after the login the page asks twice for all there is.
    for what, count in (("resume", 0), ("drain", 1), ("resume", 0)):
        park.operator.post(f"/v1/nodes:{what}", json={"centre": "west"})
        expect(drained).to_have_count(count, timeout=LIVE_MS)
    park.fish.put("/v1/budgets", json={"amount": "0"})
    expect(budget).to_have_count(0, timeout=LIVE_MS)
    expect(console.page.locator("#events li[data-kind=nodes_drained]").first).to_contain_text(
        "计划维护结束：west-k100-n001"
    )


PAID_IN = Credited(at_ms=1, tenant_id="fish", amount_micros=1_000_000, reference="bank-77")
BY_A_VOUCHER = replace(
    PAID_IN, reference="voucher:v1@2026-10", voucher_id="v1", voucher_month="2026-10"
)


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        (PAID_IN, "企业 fish 已充值"),
        (
            replace(PAID_IN, reference="granted", concession_id="fish@2026-10#2"),
            "企业 fish 的对账异议获得折让",
        ),
        (BY_A_VOUCHER, "企业 fish 的算力券已抵扣 2026-10 账期"),
        (
            replace(BY_A_VOUCHER, reference="back", amount_micros=-1),
            "企业 fish 2026-10 账期为负，已退回算力券抵扣的金额",
        ),
    ],
    ids=["paid_in", "granted", "voucher_pays", "voucher_has_it_back"],
)
def test_what_was_credited_is_told_by_its_kind(
    wish: Credited, says: str, console: Console, park: Served, module_database: Engine
) -> None:
    console.log_in(park.keys["fish"])
    with module_database.begin() as connection:
        put_requests(connection, [Request(id=wish.reference, wish=wish)], 1)

    told = console.page.locator("#events li[data-kind=credited]").first
    expect(told).to_contain_text(says)


def test_cores_that_are_down_are_told_apart_from_cards(console: Console, park: Served) -> None:
    view = park.operator.get("/v1/capacity").json()
    (pools,) = (one["pools"] for one in view["centres"] if one["id"] == "west")
    pools[0] |= {"registered_cards": 8, "online_cards": 6}
    cores = {"id": "west-cpu", "unit": "core", "registered_cards": 64, "online_cards": 0}
    pools.append(pools[0] | cores)
    console.page.route("**/v1/capacity", lambda route: route.fulfill(json=view))

    console.log_in(park.keys["operator"])

    for notice, says in (("down-west", "2 张卡离线"), ("down_cores-west", "64 个核离线")):
        told = console.page.locator(f"[data-notice={notice}]")
        expect(told).to_have_text(f"{WEST.name}：{says}")
