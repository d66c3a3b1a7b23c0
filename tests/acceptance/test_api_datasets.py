"""Datasets that operators declare, over the API and on the command line."""

from typing import Any

import pytest
from typer.testing import CliRunner

from api.commands import app
from tests.acceptance.brokers import Served, await_state, job, problem_of, submitted
from tests.acceptance.test_api_events import stream

pytestmark = pytest.mark.enable_socket

PATH = "/v1/datasets/logs-2026"
LOGS: dict[str, Any] = {"size": "100GB", "centres": ["west"], "tenant": "fish"}


def test_an_operator_declares_where_a_dataset_lies(park: Served, address: str) -> None:
    (unknown,) = problem_of(park.fish.post("/v1/jobs", json=job(data="logs-2026")), 422)["reasons"]
    assert unknown["code"] == "unknown_data"

    made = park.operator.put(PATH, json=LOGS)

    assert made.json() == {
        "id": "logs-2026",
        "tenant": "fish",
        "size_bytes": 10**11,
        "data_class": None,
        "centres": ["west"],
    }
    assert made.json() in park.fish.get("/v1/datasets").json()["items"]
    assert made.json() not in park.steel.get("/v1/datasets").json()["items"]
    done = await_state(park.fish, submitted(park.fish, data="logs-2026"), "succeeded")
    assert [attempt["centre"] for attempt in done["attempts"]] == ["west"]
    with stream(park, address, "fish", after=0) as told:
        declared = next(event for event in told if event["kind"] == "dataset_declared")
    assert (declared["tenant_id"], declared["body"]["dataset"]["id"]) == ("fish", "logs-2026")


def test_a_dataset_of_nowhere_is_refused(park: Served) -> None:
    wrong = park.operator.put(PATH, json=LOGS | {"centres": ["mars"], "data_class": "odd"})

    assert problem_of(wrong, 422)["detail"] == (
        "dataset logs-2026: centre mars is not among centres; "
        "dataset logs-2026: data_class odd is not among data_classes"
    )


def test_what_the_command_line_does_not_name_stays(park: Served, address: str) -> None:
    operator = {"BRAIN_URL": address, "BRAIN_API_KEY": park.keys["operator"], "COLUMNS": "80"}

    def brain(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["datasets", *words], env=operator, prog_name="brain")
        return done.exit_code, done.output

    code, told = brain("set", "maps", "--centre", "west")
    assert (code, "--size: needs a size" in told) == (2, True), told
    assert brain("set", "maps", "--size", "1GiB", "--centre", "west", "-t", "steel")[0] == 0
    code, told = brain("set", "maps", "--centre", "east", "--centre", "west")

    assert (code, told.split()) == (0, ["maps:", "in", "east,", "west"])
    maps = next(
        one for one in park.steel.get("/v1/datasets").json()["items"] if one["id"] == "maps"
    )
    assert (maps["size_bytes"], maps["tenant"]) == (2**30, "steel")
    assert "maps" in brain()[1]
