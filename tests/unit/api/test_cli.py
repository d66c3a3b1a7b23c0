"""What the command line does by itself: arguments, texts, numbers."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from api.cli.arguments import prepared
from api.cli.arrays import print_array
from api.cli.job_tables import (
    jobs_table,
    print_explanation,
    print_job,
)
from api.cli.park_tables import print_datasets
from api.cli.terminal import bar, clock_text, console, duration_text, p_text, plain, share_text
from api.commands import app
from api.examples.answers import ANSWERS
from api.schemas.administration import DatasetList
from api.schemas.array_spec import ArrayTaskView, ArrayView
from api.schemas.jobs import DataNote, JobSpec, JobView
from api.schemas.quotes import Explanation

COMMANDS = ["submit", "quote", "jobs", "show", "why", "logs", "cancel", "capacity", "top", "usage"]
COMMANDS += [
    "datasets",
    "statement",
    "export",
    "keys",
    "up",
    "serve",
    "agent",
    "migrate",
    "doctor",
    "demo",
]


def brain(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("BRAIN_", "LC_", "LANG"))
    }
    return subprocess.run(
        [sys.executable, "-m", "api", *arguments],
        env=kept | {"COLUMNS": "80", "NO_COLOR": "1"} | variables,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def run(*arguments: str, **variables: str) -> Result:
    """The same in this process, which is quicker."""
    return CliRunner().invoke(app, prepared(list(arguments)), env=variables, prog_name="brain")


def test_what_follows_two_dashes_is_the_jobs_command() -> None:
    assert prepared(["submit", "-n", "2", "--", "python", "a b.py", "--lang", "fr"]) == [
        *["submit", "-n", "2"],
        *["--command", "python 'a b.py' --lang fr"],
    ]


def test_one_word_is_a_whole_shell_command() -> None:
    assert prepared(["submit", "--", "a && b"]) == ["submit", "--command", "a && b"]


def test_other_commands_keep_their_two_dashes() -> None:
    assert prepared(["show", "--", "-x"]) == ["show", "--", "-x"]


@pytest.mark.parametrize("words", [["--lang", "zh"], ["--lang=zh"]])
def test_the_language_may_stand_anywhere(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRAIN_LANG", "en")

    assert prepared(["jobs", *words, "--json"]) == ["jobs", "--json"]
    assert os.environ["BRAIN_LANG"] == "zh"


@pytest.mark.parametrize("words", [["--lang", "fr"], ["--lang=fr"]])
def test_what_is_no_language_is_left_to_be_refused(
    words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRAIN_LANG", "en")

    assert prepared(["jobs", *words, "--json"]) == ["--lang=fr", "jobs", "--json"]
    assert os.environ["BRAIN_LANG"] == "en"


def test_help_comes_at_once_and_without_the_server() -> None:
    script = (
        "import sys, runpy; sys.argv = ['brain', '--help']\n"
        "try: runpy.run_module('api', run_name='__main__')\n"
        "except SystemExit: pass\n"
        "heavy = {'ray', 'fastapi', 'sqlalchemy', 'pydantic', 'httpx2'} & set(sys.modules)\n"
        "sys.exit(f'imported: {heavy}' if heavy else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=False
    )

    assert done.returncode == 0, done.stderr


def test_help_names_every_command() -> None:
    text = brain("--help").stdout

    assert not [name for name in COMMANDS if name not in text]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_teaches_by_an_example(name: str) -> None:
    done = run(name, "--help", COLUMNS="80")

    assert done.exit_code == 0
    assert f"brain {name}" in done.stdout


def test_help_speaks_chinese_where_the_machine_does() -> None:
    assert "提交作业" in brain("--help", LANG="zh_CN.UTF-8").stdout
    assert "提交作业" in brain("submit", "--help", "--lang", "zh").stdout
    assert "Put a job into the queue" in brain("--help", LANG="en_GB.UTF-8").stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["frobnicate"],
        ["jobs", "--frobnicate"],
        ["submit"],
        ["submit", "--devices", "many", "--", "true"],
        ["submit", "--devices", "0", "--", "true"],
        ["submit", "--limit", "soon", "--", "true"],
        ["submit", "--env", "A", "--", "true"],
        ["submit", "none.yaml"],
        ["jobs", "--limit", "0"],
        ["--as", "nobody", "jobs"],
    ],
    ids=" ".join,
)
def test_wrong_use_ends_with_two_and_a_word(arguments: list[str], tmp_path: Path) -> None:
    done = run(*arguments, BRAIN_DATA=str(tmp_path))

    assert isinstance(done.exception, SystemExit), done.exception
    assert done.exit_code == 2, done.stderr
    assert done.stderr.strip()


def test_a_job_that_is_none_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    job = tmp_path / "job.yaml"
    job.write_text("command: true\ndevices: -1\ncolour: red\n")

    done = brain("submit", str(job), BRAIN_DATA=str(tmp_path), BRAIN_URL="http://127.0.0.1:1")

    assert done.returncode == 2
    assert "devices: Input should be greater than or equal to 1" in done.stderr
    assert "colour: Extra inputs are not permitted" in done.stderr


@pytest.mark.parametrize(
    ("duration_ms", "text"),
    [(None, "-"), (5_240, "5.2s"), (61_000, "00:01:01"), (93_784_000, "1d 02:03:04")],
)
def test_a_duration_is_as_short_as_it_can_be(duration_ms: int | None, text: str) -> None:
    assert duration_text(duration_ms) == text


@pytest.mark.parametrize(
    ("tflops", "text"), [(1_900_000, "1,900"), (4_532, "4.532"), (1_250, "1.25"), (0, "0")]
)
def test_p_has_the_decimals_that_say_something(tflops: int, text: str) -> None:
    assert p_text(tflops) == text


def test_times_are_the_parks_own() -> None:
    assert clock_text(1_767_196_800_000) == "01-01 00:00:00"


def test_a_share_of_nothing_is_no_number() -> None:
    assert share_text(0, 0) == "-"
    assert share_text(82_000, 100_000) == "82.0%"


def test_a_bar_is_filled_by_its_share() -> None:
    assert bar(1, 4, 8) == "[cyan]██[/][dim]░░░░░░[/]"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("卡 a\tb\nc", "卡 a\tb\nc"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ("a\rb", "a\\rb"),
        ("\u202etxt.exe", "\\u202etxt.exe"),
        ("[red]x[/]", "\\[red]x\\[/]"),
    ],
)
def test_what_somebody_wrote_steers_no_terminal(text: str, told: str) -> None:
    assert plain(text) == told


def test_no_command_prints_what_a_tenant_wrote_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    spec = JobSpec(command="printf '\x1b[2J'", devices=1, name="n")
    job = JobView(
        id="j1",
        tenant="t",
        state="failed",
        spec=spec.model_copy(update={"name": "\x9b2J"}),
        submitted_at_ms=0,
        started_at_ms=None,
        ended_at_ms=None,
        position=None,
        planned_start_ms=None,
        end_cause=None,
        detail="\x1b[2J",
        reasons=[],
    )
    console.print(jobs_table([job]))
    print_job(job)

    said = capsys.readouterr().out

    assert "\\x1b[2J" in said
    assert not {"\x1b", "\x9b"} & set(said)


def test_a_job_is_shown_with_its_price_class_its_folder_its_variables_and_its_cost(
    capsys: pytest.CaptureFixture[str],
) -> None:
    job = JobView.model_validate(ANSWERS["get_job"])
    env = {"TOKEN": "a-secret", "EPOCHS": "3"}
    given = {"priority": "high", "env": env, "workdir": "/data/run"}
    shipped = {"archive": "9f2c" * 16}
    for changes in (given, shipped):
        print_job(job.model_copy(update={"spec": job.spec.model_copy(update=changes)}))

    said = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert said.count("priority high") == said.count("priority normal") == 1
    assert "workdir /data/run" in said
    assert "workdir shipped, 9f2c9f2c9f2c9f2c" in said
    assert [line for line in said if line.startswith("variables")] == ["variables TOKEN, EPOCHS"]
    assert said.count("cost so far, yuan 7.00") == 2
    assert "a-secret" not in " ".join(said)


def a_task(name: str) -> JobView:
    job = JobView.model_validate(ANSWERS["get_job"])
    task = ArrayTaskView(id="a1", index=9_999, count=9, lowest=1, highest=9_999, at_most=None)
    return job.model_copy(
        update={"array": task, "spec": job.spec.model_copy(update={"name": name})}
    )


@pytest.mark.parametrize("name", ["a", "a-long-name-indeed"])
def test_a_task_is_listed_with_its_index(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    console.print(jobs_table([a_task(name)]))
    print_job(a_task(name))

    said = capsys.readouterr().out

    assert f"{name[:4]}[9999]" in said
    assert "9999 (1..9999), a1" in said


def test_jobs_are_listed_with_the_day_in_eighty_columns(capsys: pytest.CaptureFixture[str]) -> None:
    shown = JobView.model_validate(ANSWERS["get_job"])
    cancelled = {"state": "cancelled", "tenant": "tenant"}

    console.print(jobs_table([shown.model_copy(update=cancelled)]))

    head, line = capsys.readouterr().out.splitlines()
    assert line.rstrip().endswith("11-25 18:06")
    assert len(line.rstrip()) <= 80
    assert head.split()[-1] == "at"


def test_a_job_that_must_be_in_one_rack_is_shown_so(capsys: pytest.CaptureFixture[str]) -> None:
    job = JobView.model_validate(ANSWERS["get_job"])
    near = {"topology": "rack", "nodes": 2, "devices": 16}
    for changes in (near, near | {"nodes": None}):
        print_job(job.model_copy(update={"spec": job.spec.model_copy(update=changes)}))
    print_job(job)

    said = " ".join(capsys.readouterr().out.split())

    assert said.count(" in one rack, at most") == 2
    assert " on 2 nodes in one rack, at most" in said


def test_an_array_is_shown_with_those_to_run_again(capsys: pytest.CaptureFixture[str]) -> None:
    array = ArrayView.model_validate(ANSWERS["get_array"])
    print_array(array)
    many = {"states": {"failed": 30}, "failed": list(range(30)), "at_most": None}
    print_array(array.model_copy(update=many))

    said = capsys.readouterr().out

    assert "86 held, 4 running, 9 succeeded, 1 failed" in said
    assert "not succeeded  7 " in said
    assert "18,19,... (30)" in said
    assert "any number" in said


def test_who_waits_is_told_by_when_at_nine_of_ten_where_that_is_known(
    capsys: pytest.CaptureFixture[str],
) -> None:
    waits = Explanation.model_validate(ANSWERS["explain"])
    planned_ms = waits.planned_start_ms
    assert planned_ms is not None

    print_explanation(waits)
    before = capsys.readouterr().out
    known = {"start_p50_ms": planned_ms + 60_000, "start_p90_ms": planned_ms + 3_600_000}
    print_explanation(waits.model_copy(update=known))
    after = capsys.readouterr().out

    assert "planned start: 11-25 22:06:31 qdaicc-910b3 (kept for it)" in before
    assert "nine of ten" not in before
    assert "half start by: 11-25 22:07:31" in after
    assert "nine of ten start by: 11-25 23:06:31" in after


def test_datasets_are_told_with_where_they_lie(capsys: pytest.CaptureFixture[str]) -> None:
    print_datasets(DatasetList.model_validate(ANSWERS["list_datasets"]))

    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["scans-2026", "1.5", "TiB", "medical", "qdaicc"]
    assert lines[-1] == "  medical 医疗数据: only qdaicc"


def test_what_data_does_to_a_job_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    waits = Explanation.model_validate(ANSWERS["explain"])
    note = DataNote(centres=["qdaicc"], text="data class medical: only qdaicc", text_zh="x")

    print_explanation(waits.model_copy(update={"data": [note]}))

    assert "  • data class medical: only qdaicc\n" in capsys.readouterr().out


def test_when_a_job_last_saved_itself_is_shown_once_that_was_seen(
    capsys: pytest.CaptureFixture[str],
) -> None:
    job = JobView.model_validate(ANSWERS["get_job"])
    (attempt,) = job.attempts
    saved = attempt.model_copy(update={"saved_at_ms": 1_769_000_000_000})

    print_job(
        job.model_copy(update={"attempts": [attempt.model_copy(update={"saved_at_ms": None})]})
    )
    assert "last saved" not in capsys.readouterr().out
    print_job(job.model_copy(update={"attempts": [saved]}))
    assert "last saved 2026-01-21 20:53:20" in " ".join(capsys.readouterr().out.split())
