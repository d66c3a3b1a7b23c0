"""Arrays in a terminal: how many tasks of one stand how, and following all of them to their end."""

import re
import threading

from rich.table import Table

from api.cli.language import both, colon
from api.cli.terminal import console, fail, full_text, plain, state_text
from api.schemas.array_spec import ArrayView
from api.sdk import Client

POLL_S = 1.0
FAILED_SHOWN = 20


def is_array_id(word: str) -> bool:
    """Whether the broker would call an array so; what it calls a job begins with a `j`."""
    return re.fullmatch(r"a[0-9a-z]{26}", word) is not None


def refuse_array(word: str) -> None:
    """Say what to name instead, where a command is about one job."""
    if is_array_id(word):
        english = f"{word} is an array: name one of its tasks; `brain jobs --array {word}` lists"
        chinese = f"{word} 是数组作业：请指定其中一个子任务，`brain jobs --array {word}` 可列出"
        fail(both(f"{english} them", chinese), 2)


def print_array(array: ArrayView) -> None:
    most = both("any number", "不限") if array.at_most is None else str(array.at_most)
    rows = [
        (both("array", "数组作业"), array.id),
        (both("name", "名称"), plain(array.name)),
        (both("tenant", "企业"), plain(array.tenant)),
        (both("tasks", "子任务"), f"{array.count} ({array.lowest}..{array.highest})"),
        (both("at once", "并行上限"), most),
        (both("states", "状态"), states_text(array)),
        (both("submitted", "提交"), full_text(array.submitted_at_ms)),
        (both("started", "开始"), full_text(array.started_at_ms)),
        (both("ended", "结束"), full_text(array.ended_at_ms)),
    ]
    if array.failed:
        rows.append((both("not succeeded", "未成功"), failed_text(array)))
    shown = Table.grid(padding=(0, 2))
    for name, value in rows:
        shown.add_row(f"[dim]{name}[/]", value)
    console.print(shown)


def states_text(array: ArrayView) -> str:
    """`4 running, 86 held, 10 succeeded`."""
    parts = [f"{count} {state_text(state)}" for state, count in array.states.items()]
    return both(", ", "，").join(parts)


def failed_text(array: ArrayView) -> str:
    """The indices of tasks that did not succeed, as `--array` takes them to run them again."""
    count = sum(array.states.get(state, 0) for state in ("failed", "cancelled"))
    shown = ",".join(str(index) for index in array.failed[:FAILED_SHOWN])
    return shown if count <= FAILED_SHOWN else f"{shown},... ({count})"


def watch_array(broker: Client, array_id: str) -> int:
    """Tell how an array goes until all of it has ended; returns 0 where all succeeded, else 1."""
    never, told = threading.Event(), ""
    while True:
        array = broker.array(array_id)
        line = states_text(array)
        if line != told:
            console.print(line, soft_wrap=True)
            told = line
        if array.is_over:
            break
        never.wait(POLL_S)
    if array.failed:
        indices = failed_text(array)
        console.print(f"{both('not succeeded', '未成功')}{colon()}{indices}", soft_wrap=True)
    return 1 if array.failed else 0
