"""The alerts that ship with the project are about metrics that a broker really has."""

import re
import shutil
from pathlib import Path

from tests.acceptance.brokers import Served, await_state, submitted
from tests.acceptance.promtool import promtool

ROOT = Path(__file__).resolve().parents[2]
ALERTS = ROOT / "deploy" / "alerts.yml"
OPERATIONS = ROOT / "docs" / "operations.md"


def test_every_metric_of_an_alert_is_one_of_a_broker(park: Served) -> None:
    await_state(park.steel, submitted(park.steel), "succeeded")
    told = park.operator.get("/metrics").text

    # A metric that has no sample just now is told by its type alone.
    exposed = set(re.findall(r"^(?:# TYPE )?(brain_\w+)", told, re.MULTILINE))
    used = set(re.findall(r"\bbrain_\w+", ALERTS.read_text("utf-8")))

    assert len(used) >= 9
    assert used <= exposed


def test_operations_say_what_to_do_about_each_alert() -> None:
    alerts = re.findall(r"- alert: (\w+)", ALERTS.read_text("utf-8"))
    told = set(re.findall(r"`(Brain\w+)`", OPERATIONS.read_text("utf-8")))

    assert alerts
    assert set(alerts) == told


def test_alerts_are_raised_by_what_they_are_for_and_by_nothing_else(tmp_path: Path) -> None:
    for path in (ALERTS, ROOT / "tests" / "data" / "alerts_test.yml"):
        shutil.copy(path, tmp_path)

    promtool("test", "rules", "alerts_test.yml", cwd=tmp_path)
