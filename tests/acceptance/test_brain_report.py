"""The industry brain's monthly report."""

import json
from pathlib import Path

import pytest

from accounting.calendar import iso_time
from accounting.storage import store
from accounting.usage.slices import UsageCredit
from api.clock import now_ms
from tests.acceptance.brokers import Served
from tests.acceptance.in_process import brain
from tests.builders import used

pytestmark = pytest.mark.xdist_group("closing")


def test_a_month_is_reported_as_a_whole_and_names_no_tenant(park: Served) -> None:
    steel = used("2027-03-10T00:00", "2027-03-10T08:00", reference="r.1", device_count=2)
    more = used("2027-03-12T00:00", "2027-03-12T01:00", reference="t.1", project="more")
    lost = used("2027-03-13T00:00", "2027-03-13T01:00", reference="u.1")
    back = UsageCredit(
        reference="u.1", tenant_id="steel", at_ms=lost.to_ms, cause="node", recorded_at_ms=0
    )
    fish = used("2027-03-11T00:00", "2027-03-11T01:00", reference="s.1", tenant_id="fish")
    with park.broker.services.database.begin() as connection:
        store.book(connection, [steel, fish, more, lost], [back], [])

    answer = park.operator.get("/v1/brain/reports/2027-03")

    report = answer.json()
    assert answer.status_code == 200, answer.text
    assert (report["total"]["revenue"], report["total"]["tenants"]) == ("63.00", 2)
    assert report["by_field"] == [report["total"] | {"key": "manufacturing"}]
    assert [one["key"] for one in report["by_centre"]] == ["qdaicc"]
    assert sum(one["revenue_fen"] for one in report["by_class"]) == 6_300
    assert report["utilisation"]["key"] == "park"
    assert [one["key"] for one in report["centres"]] == ["east", "west"]
    assert (report["submitted_jobs"], report["waits"], report["failures"]) == (0, [], 0)
    assert "steel" not in answer.text
    assert "fish" not in answer.text


def test_finance_reads_it_by_a_command(data: Path) -> None:
    shown = brain("report", "2027-03", BRAIN_DATA=str(data), COLUMNS="120")
    told = brain("report", "2027-03", "--json", BRAIN_DATA=str(data))

    assert shown.returncode == 0, shown.stderr
    words = " ".join(shown.stdout.split())
    assert words.count(" 63.00") == 6
    assert "steel" not in words
    assert json.loads(told.stdout)["total"]["revenue"] == "63.00"


def test_the_month_that_is_not_over_is_the_default(data: Path) -> None:
    now = iso_time(now_ms())

    shown = brain("report", BRAIN_DATA=str(data), COLUMNS="120")
    over = brain("report", "2025-03", BRAIN_DATA=str(data), COLUMNS="120")

    assert shown.returncode == 0, shown.stderr
    assert f"{now[:7]}  until {now[:4]}-" in shown.stdout.splitlines()[0]
    assert over.stdout.splitlines()[0].endswith("  2025-03")
