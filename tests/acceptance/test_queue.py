"""The queue as it stands: over HTTP and on the command line, in both languages."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.brokers import Served, await_state, await_that, problem_of, submitted
from tests.acceptance.in_process import brain

pytestmark = pytest.mark.enable_socket
WEST = {"device": "hygon-k100-ai", "limit": "2h", "command": "sleep 7200"}


@pytest.fixture(scope="module")
def waiting(park: Served) -> list[str]:
    """The west is full; there wait a job of fish, which has had nothing, and two of steel's."""
    runs = submitted(park.steel, devices=8, **WEST)
    await_state(park.steel, runs, "running")
    normal = submitted(park.steel, devices=8, name="normal", **WEST)
    high = submitted(park.steel, devices=8, name="high", priority="high", **WEST)
    fish = submitted(park.fish, devices=8, name="fish", **WEST)
    for client, job_id in ((park.steel, normal), (park.steel, high), (park.fish, fish)):
        await_that(
            lambda client=client, job_id=job_id: client.get(f"/v1/jobs/{job_id}").json()["reasons"]
        )
    return [high, fish, normal]


@pytest.fixture
def cli(park: Served, address: str, tmp_path: Path) -> Callable[..., str]:
    """What a command of the operator's prints, which must succeed."""

    def printed(*words: str, lang: str = "en") -> str:
        done = brain(
            *words,
            BRAIN_DATA=str(tmp_path / "data"),
            BRAIN_LANG=lang,
            BRAIN_URL=address,
            BRAIN_API_KEY=park.keys["operator"],
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return printed


def test_the_queue_is_in_the_order_of_the_plan_with_the_terms_of_each(
    park: Served, waiting: list[str]
) -> None:
    told = park.operator.get("/v1/queue").json()

    assert [item["job"]["id"] for item in told["items"]] == waiting
    assert [item["position"] for item in told["items"]] == [1, 2, 3]
    assert told["waiting"] == 3
    first, second, third = ({term["name"]: term for term in one["terms"]} for one in told["items"])
    assert [one["priority"]["value"] for one in (first, second)] == ["high", "normal"]
    shares = [(one["fair_share"]["place"], one["fair_share"]["count"]) for one in (second, third)]
    assert shares == [(1, 2), (2, 2)]


def test_a_tenant_sees_its_own_in_the_queue_and_nobody_elses(
    park: Served, waiting: list[str]
) -> None:
    told = park.fish.get("/v1/queue").json()

    assert [(item["position"], item["job"]["id"]) for item in told["items"]] == [(2, waiting[1])]
    assert park.operator.get("/v1/queue?tenant=fish&limit=1").json()["items"] == told["items"]
    problem_of(park.fish.get("/v1/queue?tenant=steel"), 404)
    problem_of(park.fish.get("/v1/queue?limit=501"), 422)


def test_on_the_command_line_each_has_a_line_in_eighty_columns(
    waiting: list[str], cli: Callable[..., str]
) -> None:
    lines = cli("queue").splitlines()

    assert max(map(len, lines)) <= 80
    assert lines[0].split() == ["#", "job", "tenant", "name", "count", "start", "why", "not", "now"]
    assert [line.split()[:5] for line in lines[1:]] == [
        ["1", waiting[0], "steel", "high", "8"],
        ["2", waiting[1], "fish", "fish", "8"],
        ["3", waiting[2], "steel", "normal", "8"],
    ]
    assert all("devices_busy" in line for line in lines[1:])
    assert json.loads(cli("queue", "--tenant", "fish", "--json"))["waiting"] == 3


def test_the_terms_of_all_stand_beside_one_another(
    waiting: list[str], cli: Callable[..., str]
) -> None:
    head, *lines = cli("queue", "--terms").splitlines()

    assert max(map(len, lines)) <= 80
    assert head.split() == ["#", "job", "quota", "priority", "share", "due"]
    assert [line.split()[1:5] for line in lines] == [
        [waiting[0], "none", "high", "2/2"],
        [waiting[1], "none", "normal", "1/2"],
        [waiting[2], "none", "normal", "2/2"],
    ]


def test_why_tells_all_to_people_and_to_programs(
    waiting: list[str], cli: Callable[..., str]
) -> None:
    lines = cli("why", waiting[2]).splitlines()
    told = json.loads(cli("why", waiting[2], "--json"))

    assert "  all that is in its way:" in lines
    assert max(map(len, lines)) <= 80
    assert lines.count("    • needs 8 cards in west-k100: 0 free, 8 short") == 1
    assert (told["job_id"], told["standing"]["position"]) == (waiting[2], 3)
    assert [pool["pool"] for pool in told["standing"]["pools"]] == ["west-k100"]
    assert {one["change"] for one in told["alternatives"]["items"]} == {"place", "priority"}


def test_so_it_is_in_chinese(waiting: list[str], cli: Callable[..., str]) -> None:
    head, line, *_ = cli("queue", lang="zh").splitlines()

    assert head.split() == ["#", "作业", "企业", "名称", "数量", "启动", "等待原因"]
    assert waiting[0] in line
    assert "卡已占用" in line
    assert "高" in cli("queue", "--terms", lang="zh")
