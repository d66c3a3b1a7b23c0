"""`brain up` in an empty folder, and a newcomer's first hour with it."""

import csv
import json
import stat
from pathlib import Path

import pytest

from api.running.ports import free_port
from tests.acceptance.processes import eventually
from tests.acceptance.product import MARKS, NORTH, Product

pytestmark = MARKS

TRAIN = """
import os, pathlib, time
from model import STEPS
for step in range(STEPS):
    print("step", step, "of rank", os.environ["RANK"], flush=True)
    time.sleep(0.2)
pathlib.Path(os.environ["BRAIN_OUTPUT_DIR"], "model.txt").write_text("训练完成")
"""
JOB = f"""
name: mine
command: python train.py
devices: 2
nodes: 1
device: [{NORTH}]
limit: 5m
workdir: .
"""
SAID = "".join(f"step {step} of rank 0\n" for step in range(5))
COLUMNS = 80


@pytest.fixture(scope="module")
def trained(product: Product) -> str:
    """The job of a newcomer's own folder, followed to its end."""
    mine = product.folder / "mine"
    mine.mkdir()
    (mine / "train.py").write_text(TRAIN, encoding="utf-8")
    (mine / "model.py").write_text("STEPS = 5\n", encoding="utf-8")
    (mine / "job.yaml").write_text(JOB, encoding="utf-8")
    done = product.process("submit", "mine/job.yaml", "--watch")
    assert done.returncode == 0, done.stderr
    job_id, *told = done.stdout.splitlines()
    assert SAID in done.stdout
    assert told[-1].startswith("succeeded after ")
    assert told[-1].endswith("exit code 0")
    return job_id


def test_it_says_what_runs_and_what_to_type_next(product: Product) -> None:
    said = product.up.said()

    for words in (
        "database: embedded PostgreSQL",
        f"broker: {product.url}",
        "centre north (北区中心): 4 cards",
        "centre south (南区中心): 2 cards",
        f"Console: {product.url}/  (keys: {product.data}/keys.json)",
        f"export BRAIN_DATA={product.data}",
        "Ctrl-C stops everything; jobs and books are kept.",
    ):
        assert words in said
    (next_step,) = [line for line in said.splitlines() if "brain submit" in line]
    assert Path(next_step.split()[2]).exists(), "the example is found from any folder"


def test_keys_are_where_the_documentation_says_and_nobody_else_reads_them(product: Product) -> None:
    keys = json.loads((product.data / "keys.json").read_text("utf-8"))

    assert keys["url"] == product.url
    assert keys["tenant"] == "steel"
    assert list(keys["keys"]) == [
        *("operator", "finance", "steel", "fish", "agent-north", "agent-south"),
    ]
    assert stat.S_IMODE((product.data / "keys.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(product.data.stat().st_mode) == 0o700


def test_the_folder_is_one_products(product: Product) -> None:
    other = str(free_port())
    data = str(product.data)

    same_folder = product.process("up", "--park", "park.yaml", "--port", other)
    same_port = product.process("up", "--port", str(product.port), BRAIN_DATA=f"{data}-2")

    assert (same_folder.returncode, same_port.returncode) == (1, 1)
    assert f"(or its clean-up) uses {data}: end it" in same_folder.stderr
    assert f"port {product.port} cannot be used (Address already in use)" in same_port.stderr


def test_a_job_of_ones_own_is_shown(product: Product, trained: str) -> None:
    shown = product.brain("show", trained).stdout
    listed = product.brain("jobs").stdout
    why = product.brain("why", trained).stdout

    assert "2 × ascend-910b3 on 1 node, at most 00:05:00" in shown
    assert "python train.py" in shown
    assert "succeeded (finished)" in shown
    (line,) = [line for line in listed.splitlines() if line.startswith(trained)]
    assert line.split()[1:6] == ["steel", "mine", "succeeded", "2", "north"]
    assert why.startswith(f"{trained}\n  succeeded after ")
    assert product.data_of("show", trained)["spec"]["command"] == "python train.py"
    assert product.data_of("why", trained)["state"] == "succeeded"
    assert product.data_of("jobs", "--state", "succeeded")["items"][0]["id"] == trained
    assert product.data_of("jobs", "--tenant", "fish") == {"items": [], "next": None}


def test_what_it_wrote_is_read_again_and_what_it_made_is_kept(
    product: Product, trained: str
) -> None:
    assert product.brain("logs", trained).stdout == SAID
    assert product.process("logs", trained, "-f").stdout == SAID
    assert product.brain("logs", trained, "--member", "7").stdout == ""
    (kept,) = product.data.rglob("outputs/*/model.txt")
    assert kept.read_text("utf-8") == "训练完成"


def test_usage_statement_and_exports_have_one_sum(product: Product, trained: str) -> None:
    attempt = product.client.job(trained).attempts[0]
    assert attempt.started_at_ms is not None
    assert attempt.ended_at_ms is not None
    device_ms = 2 * (attempt.ended_at_ms - attempt.started_at_ms)

    usage = product.data_of("usage", "--tenant", "steel")
    statement = product.data_of("statement", "--tenant", "steel")
    charges = list(csv.reader(product.brain("export", "charges").stdout.splitlines()))
    slices = [row for row in charges if row[1] == f"{trained}.1"]

    assert sum(int(row[13]) for row in slices) == device_ms
    assert {(row[2], row[4], row[5], row[6]) for row in slices} == {
        ("steel", "manufacturing", "north", NORTH)
    }
    assert [usage["device_ms"], usage["amount"]] == [
        statement["totals"]["device_ms"],
        statement["totals"]["gross"],
    ]
    total = charges[-1]
    assert int(total[13]) == sum(int(row[13]) for row in charges[1:-1]) == usage["device_ms"]
    assert usage["amount"] in product.brain("usage").stdout
    activity = usage["activity"]
    assert 0 < activity["active_device_ms"] < activity["inactive_device_ms"], "it slept mostly"
    done = product.client.job(trained).attempts[0].activity
    assert done is not None
    assert (done.allocated_device_ms, done.unmeasured_device_ms < 100) == (device_ms, True)
    assert f"total {usage['amount']} CNY" in product.brain("statement", "-t", "steel").stdout


def test_an_export_goes_into_a_file_as_a_whole(product: Product, trained: str) -> None:
    done = product.brain("export", "usage", "-o", "usage.csv")

    assert done.returncode == 0
    assert (done.stdout, done.stderr) == ("", "written: usage.csv\n")
    content = (product.folder / "usage.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbfrow "), "spreadsheets know UTF-8 by its mark"
    assert f"\nusage,{trained}.1,steel,".encode() in content
    printed = product.brain("export", "usage").stdout
    assert content.decode().replace("\r\n", "\n") == printed


def test_machines_are_shown_in_p_and_in_cards(product: Product) -> None:
    text = product.brain("capacity").stdout
    view = product.data_of("capacity")

    assert "小园区 small park (logical cards)" in text
    assert "north     1.252      1.252  1.252       1.252" in text
    assert "south-k100" in text
    assert view["stated_tflops"] == view["online_tflops"] == 4 * 313 + 2 * 196
    assert "1.252" in product.brain("top", "--once").stdout


def test_doctor_finds_nothing(product: Product) -> None:
    done = product.process("doctor")

    assert done.returncode == 0, done.stdout
    assert "✗" not in done.stdout
    assert "4 of 4 cards online" in done.stdout
    findings = product.data_of("doctor")["findings"]
    assert all(finding["is_well"] for finding in findings)
    assert [one["text"] for one in findings if one["name"] == "leader"] == ["ok"]


def test_a_waiting_job_says_why_and_a_cancelled_one_goes(product: Product) -> None:
    first = product.submit("--devices", "2", "--device", "hygon-k100-ai", command="sleep 1000")
    second = product.submit("--devices", "2", "--device", "hygon-k100-ai", command="sleep 1000")
    product.await_state(first, "running")

    why = product.brain("why", second).stdout
    assert "needs 2 cards in south-k100: 0 free, 2 short" in " ".join(why.split())
    assert "it is 1; ahead of it: " in why
    assert "ascend-910b3 in north as well: now in north-910b3, " in " ".join(why.split())
    in_chinese = product.process("why", second, "--lang", "zh").stdout
    assert "在 south-k100 需要 2 张卡：空闲 0 张卡，还差 2 张卡" in in_chinese
    assert "此作业第 1；" in in_chinese

    cancelled = product.brain("cancel", second)
    # The leader hears of it within the call, or soon.
    assert cancelled.stdout in {f"{second}: cancelled\n", f"{second}: to be cancelled\n"}
    assert product.data_of("cancel", first)["id"] == first
    assert product.await_end(first).state == product.await_end(second).state == "cancelled"
    again = product.brain("cancel", first)
    assert again.returncode == 0, "twice is as good as once"


def test_each_task_of_an_array_is_a_job_that_finds_its_index(product: Product) -> None:
    command = 'echo "$BRAIN_ARRAY_INDEX of $BRAIN_ARRAY_COUNT in $BRAIN_ARRAY_ID"; [ "$RANK" = 0 ]'
    words = ["--device", NORTH, "--limit", "10m", "--array", "3-7:2%2", "--name", "sweep"]

    done = product.process("submit", *words, "--watch", "--", command)

    assert done.returncode == 0, done.stderr
    array_id, *told = done.stdout.splitlines()
    assert told[-1] == "3 succeeded"
    tasks = product.data_of("jobs", "--array", array_id)["items"]
    said = {
        task["array"]["index"]: product.brain("logs", task["id"], "-f").stdout for task in tasks
    }
    assert said == {index: f"{index} of 3 in {array_id}\n" for index in (3, 5, 7)}
    shown = product.process("show", array_id, "--lang", "zh").stdout
    assert "3 (3..7)" in shown
    assert max(columns(line) for line in shown.splitlines()) <= COLUMNS
    listed = product.brain("jobs", "--array", array_id, "--state", "succeeded").stdout
    assert [f"sweep[{index}]" in listed for index in (3, 5, 7)] == [True] * 3


def test_an_array_is_cancelled_and_fails_whoever_watches_it(product: Product) -> None:
    array_id = product.submit("--device", NORTH, "--array", "0-9%1", command="sleep 1000")
    follower = product.submit("--device", NORTH, "--after", array_id, command="true")

    cancelled = product.brain("cancel", array_id)

    # Where no task of it had begun, all are gone within the call.
    soon = {f"{array_id}: to be cancelled\n", f"{array_id}: over: 10 cancelled\n"}
    assert cancelled.stdout in soon
    assert product.await_end(follower).state == "cancelled"
    eventually(lambda: product.client.array(array_id).is_over, f"{array_id} is over")
    assert product.data_of("show", array_id)["states"] == {"cancelled": 10}
    failing = ["submit", "--device", NORTH, "--array", "0,1", "--watch", "--"]
    done = product.process(*failing, '[ "$BRAIN_ARRAY_INDEX" = 0 ]')
    assert done.returncode == 1
    assert done.stdout.splitlines()[-2:] == ["1 succeeded, 1 failed", "not succeeded: 1"]


def test_keys_are_made_and_end(product: Product) -> None:
    made = product.data_of("keys", "create", "--role", "tenant", "--tenant", "fish")
    secret = made["secret"]

    own = product.brain("jobs", BRAIN_API_KEY=secret)
    others = product.brain("usage", "--tenant", "steel", BRAIN_API_KEY=secret)
    assert own.returncode == 0
    assert "steel" not in own.stdout
    assert others.returncode == 1
    assert secret not in product.brain("keys").stdout
    assert made["id"] in {key["id"] for key in product.data_of("keys")["items"]}
    revoked = product.brain("keys", "revoke", made["id"])
    assert revoked.returncode == 0
    refused = product.brain("jobs", BRAIN_API_KEY=secret)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "this key is unknown or was revoked" in refused.stderr


COMMANDS = [
    ["jobs"],
    ["show", "JOB"],
    ["why", "JOB"],
    ["quote", "--devices", "2"],
    ["usage"],
    ["statement", "--tenant", "steel"],
    ["capacity"],
    ["top", "--once"],
    ["keys"],
]


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_everything_is_said_in_chinese_within_80_columns(
    product: Product, trained: str, words: list[str]
) -> None:
    words = [trained if word == "JOB" else word for word in words]

    done = product.process(*words, LANG="zh_CN.UTF-8")

    assert done.returncode == 0
    assert any("\u4e00" <= sign <= "\u9fff" for sign in done.stdout)
    assert not [line for line in done.stdout.splitlines() if columns(line) > COLUMNS]


def columns(line: str) -> int:
    """How many columns a terminal gives to it: a Chinese sign takes two."""
    return sum(2 if "\u2e80" <= sign <= "\uffef" else 1 for sign in line)
