"""How full the park is now, which the console tells in two places."""

import pytest
from playwright.sync_api import Response, expect

from tests.acceptance.brokers import Served, submitted
from tests.acceptance.tab import Console

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(120)]


def test_what_is_allocated_now_is_the_same_wherever_it_is_told(
    console: Console, park: Served
) -> None:
    console.log_in(park.keys["operator"])
    headline = console.page.locator("[data-figure=allocated] .rate")
    now = console.page.locator("#load-figures tbody tr").first.locator("td").first
    expect(now).to_have_text("0.00%")
    later = console.held("**/v1/capacity")

    # Capacity comes after all the others that were asked for with it.
    with console.page.expect_response(tells_of_work):
        job_id = submitted(park.steel, command="sleep 3600", devices=16, centres=["east"])
    while not later:
        console.page.wait_for_timeout(20)
    console.page.unroute("**/v1/capacity")  # which lets them go on

    expect(headline).to_have_text("75.8%")
    expect(now).to_have_text("75.79%", timeout=1_000)
    park.steel.post(f"/v1/jobs/{job_id}:cancel")


def tells_of_work(response: Response) -> bool:
    if "/v1/utilisation" not in response.url:
        return False
    return any(point["allocated_tflops"] for point in response.json()["points"])
