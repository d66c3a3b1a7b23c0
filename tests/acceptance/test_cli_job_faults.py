"""What is wrong with a job file, told to who reads Chinese; and to who reads English, in words."""

from pathlib import Path

import pytest

from tests.acceptance.in_process import brain

WRONG_USE = 2


def refused(folder: Path, content: str, **variables: str) -> str:
    (folder / "job.yaml").write_text(content, encoding="utf-8")
    done = brain("submit", "job.yaml", cwd=folder, BRAIN_DATA=str(folder), **variables)
    assert (done.returncode, done.stdout) == (WRONG_USE, "")
    return done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "错误：作业文件 job.yaml 应由字段组成，如 `command: python train.py`"),
        ("\tname: a", "第 1 行第 1 列：此处不能使用制表符，请用空格缩进"),
        ("name: %a", "第 1 行第 7 列：值不能以 '%' 开头：请加引号"),
        (
            "name: a: b",
            "第 1 行第 8 列：此处不能再有“字段: 值”：请检查缩进，值中有冒号时请加引号",
        ),
        ("[1,", "第 1 行第 4 列：此处应为一个值，而不是文件末尾"),
        ("a: {b: 1", "此处应为逗号或 }，而不是文件末尾"),
        ("a: 'b", "文件在此结束，而引号尚未闭合"),
        ('a: "\\q"', "不能转义 'q'：请改用单引号，或写两个反斜杠"),
        ("a: b\nc\n", "第 3 行第 1 列：此处缺少冒号"),
        ("a: b\n- c", "此处不应出现 '-'：请检查缩进与引号"),
        ("a: 1\n---\nb: 2", "第 2 行第 1 列：文件中只能有一个文档，此处又开始了另一个"),
        ("? [a]\n: b", "第 1 行第 3 列：字段名必须是普通文本"),
        ("a: \0", "错误：作业文件 job.yaml 第 3 个字符 #x0000 不允许使用"),
        (
            "command: x\ndevices: 1\npriority: urgent",
            "  priority：应为 'low'、'normal' 或 'high' 之一",
        ),
        ("command: x\ndevices: 1\nname: ''", "  name：至少 1 个字符"),
        ("command: x\ndevices: 1\ncheckpoint: 5", "  checkpoint：应为对象"),
        ("command: x\ndevices: 1\nprojet: a", "  projet：没有这一项，是否想写 project？"),
        ("command: x\ndevices: 1\nqqq: a", "  qqq：没有这一项"),
    ],
)
def test_a_fault_is_told_in_chinese(tmp_path: Path, content: str, says: str) -> None:
    assert refused(tmp_path, content, BRAIN_LANG="zh").endswith(says)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("a: 1\n---\nb: 2", "expected a single document in the stream, but found another document"),
        ("command: x\ndevices: 1\nname: ''", "  name: String should have at least 1 character"),
        (
            f"command: x\ndevices: 1\nname: {'n' * 129}",
            "  name: String should have at most 128 characters",
        ),
        (
            "command: x\ndevices: 1\ncheckpoint: 5",
            "  checkpoint: Input should be a valid dictionary",
        ),
        (
            "command: x\ndevices: 1\nprojet: a",
            "  projet: Extra inputs are not permitted; did you mean project?",
        ),
    ],
)
def test_a_fault_names_nothing_that_only_programmers_know(
    tmp_path: Path, content: str, says: str
) -> None:
    assert refused(tmp_path, content).endswith(says)
