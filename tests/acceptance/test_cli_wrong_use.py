"""Wrong use of the command line, told to who reads Chinese."""

import pytest

from scheduler.model.job import JobState
from tests.acceptance.in_process import brain

WRONG_USE = 2
STATES = [*JobState]
VOUCHER = "--tenant a --issuer b --contract c --from 2026-01-01 --until 2027-01-01"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("why", "错误：缺少参数 JOB_ID"),
        ("whi", "错误：没有命令 whi，是否想写 why？"),
        ("why j1 --jso", "错误：没有选项 --jso，是否想写 --json？"),
        ("top --every 0", "错误：--every 的值有误：应不小于 0.5"),
        ("export all", "的值有误：'all' 不在可选值之中：'usage'、'charges'、'focus'"),
        ("submit --limit", "错误：选项 --limit 需要一个值"),
        ("jobs --json=1", "错误：选项 --json 不带值"),
        ("jobs a b", "错误：多余的参数：a b"),
        ("jobs --state typo", f"--state 的值有误：'typo' 不是作业状态，可选：{'、'.join(STATES)}"),
        ("tenants set", "错误：缺少参数 ID"),
        ("close 2026-13", "错误：MONTH 的值有误：'2026-13' 不是月份，应如 2026-10"),
        (
            f"vouchers issue V {VOUCHER} --amount 5 --share 120",
            "错误：--share 的值有误：应不大于 100",
        ),
        (
            f"vouchers issue V {VOUCHER} --amount 5 --device a,b",
            "错误：--device：应为 1 至 64 个字母、数字、点、_ 或 -，以字母或数字开头",
        ),
        (
            "claims assess ../x y",
            "错误：rule：应为 1 至 64 个字母、数字、点、_ 或 -，以字母或数字开头",
        ),
        (
            "invoices issue i1 --number ../x",
            "错误：number：应为 1 至 64 个字母、数字、点、_ 或 -，以字母或数字开头",
        ),
        ("verify --root 9f2c", "错误：--root 用于证据文件：请写明应与此根一致的文件"),
        ("--nothing", "错误：没有选项 --nothing"),
        ("evidence", "错误：缺少选项 --output（-o）"),
        ("submit -n x -- true", "错误：--devices（-n）的值有误：应为整数"),
        ("--url nonsense jobs", "错误：--url nonsense：调度服务的地址应如 http://127.0.0.1:8420"),
        ("submit --workdir none -- true", "错误：工作目录 none 不存在"),
        (
            "submit --array 0-10000 -- true",
            "array.indices：子任务 10001 个，超过数组作业的上限 10000",
        ),
        ("submit none.yaml", "错误：作业文件 none.yaml 无法读取：没有该文件"),
    ],
)
def test_wrong_use_is_told_in_chinese(words: str, says: str) -> None:
    done = brain(*words.split(), BRAIN_LANG="zh")

    assert (done.returncode, done.stdout) == (WRONG_USE, "")
    assert done.stderr.splitlines()[-1].endswith(says)
    assert "Usage" not in done.stderr


def test_the_use_and_where_to_read_more_stand_before() -> None:
    done = brain("why", BRAIN_LANG="zh")

    assert done.stderr.splitlines()[:2] == [
        "用法：brain why [选项] JOB_ID",
        "说明：brain why --help",
    ]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("whi", "error: No such command 'whi'. Did you mean why?"),
        ("why j1 --jso", "error: No such option: --jso. Did you mean --json?"),
        (
            "jobs --state typo",
            "error: Invalid value for '--state': 'typo' is no state of a job: " + ", ".join(STATES),
        ),
    ],
)
def test_wrong_use_is_told_alike_in_english(words: str, says: str) -> None:
    done = brain(*words.split(), BRAIN_LANG="en")

    use, where, what = done.stderr.splitlines()
    assert (done.returncode, what) == (WRONG_USE, says)
    assert use.startswith("Usage: brain ")
    assert where.startswith("Help: brain ")
