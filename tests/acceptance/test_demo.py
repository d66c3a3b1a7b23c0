"""`brain demo`, which the README begins with: it shows the main job, and leaves nothing running."""

import json
import re
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.acceptance.processes import Running, brain, eventually, processes_of, run_until_left
from tests.acceptance.product import MARKS

pytestmark = MARKS

ENDS = {
    "digits": "succeeded",
    "inspection": "succeeded",
    "long": "cancelled",
    "broken": "failed",
    **{f"{tenant}-short{number}": "succeeded" for tenant in ("t04", "t07") for number in (1, 2, 3)},
}


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Running]:
    with run_until_left(tmp_path / "log", "demo", cwd=tmp_path) as running:
        yield running


def data_folder(demo: Running) -> Path:
    """Where the demo keeps what it throws away in the end: its guard is told."""

    def named() -> list[Path]:
        found = []
        for process in psutil.Process(demo.process.pid).children():
            with suppress(psutil.Error):
                words = process.cmdline()
                found += [Path(words[-1])] if "api.running.guard" in words else []
        return found

    eventually(lambda: bool(named()), lambda: f"it has begun: {demo.said()}")
    return named()[0]


def assert_nothing_is_left(folder: Path) -> None:
    assert processes_of(folder) == []
    assert not folder.exists()


def test_it_shows_the_main_job_to_its_end(demo: Running, tmp_path: Path) -> None:
    folder = data_folder(demo)
    assert demo.process.wait(240) == 0, demo.said()

    said = demo.said()
    assert [line[0] for line in re.findall(r"^\d/6", said, re.MULTILINE)] == list("123456")
    for words in (
        "LOGICAL CARDS",
        "12 × nvidia-a800: refused (422) needs 12 cards, and lsl-a800 has 8",
        "long cancelled by its tenant",
        "broken failed because its own program failed (exit code 1)",
        "digits │ epoch 20/20",
        "no process is left running",
    ):
        assert words in " ".join(said.split())
    table = re.findall(r"^j\w{26} t\d\d +(\S+) +(\w+) ", said, re.MULTILINE)
    assert dict(table) == ENDS
    assert re.search(r"^total +\d+\.\d 0\.\d{4} 0\.\d{4} +\d+\.\d\d$", said, re.MULTILINE)
    output = tmp_path / "demo-output"
    assert json.loads((output / "digits-result.json").read_text())["accuracy"] > 0.9
    assert sorted(path.name for path in output.iterdir()) == [
        *("charges.csv", "digits-model.npz", "digits-result.json", "statement-t03.csv"),
        *("statement-t04.csv", "statement-t07.csv", "statement-t10.csv", "usage.csv"),
    ]
    assert_nothing_is_left(folder)


@pytest.mark.heavy
def test_it_leaves_nothing_where_it_is_interrupted(demo: Running) -> None:
    folder = data_folder(demo)
    demo.await_words("Training, waiting, cancelling")

    assert demo.end(signal.SIGINT) == 1

    assert demo.said().rstrip().endswith("interrupted; everything is stopped")
    assert "Traceback" not in demo.said()
    assert_nothing_is_left(folder)


def test_it_says_at_once_where_it_cannot_leave_its_files(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    done = brain("demo", "--output", "file/x", cwd=tmp_path)

    assert done.returncode == 1
    assert "file/x cannot hold files (Not a directory): choose another folder by --output" in (
        done.stderr
    )
    assert done.stdout == ""
