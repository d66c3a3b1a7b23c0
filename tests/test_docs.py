"""What is written for people holds: references, commands, links and examples."""

import os
import re
import shlex
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from api.cli.arguments import prepared
from api.commands import app
from api.files.job_file import prepare, read_job_file
from api.files.park_file import load
from api.settings import Settings
from benchmarks.__main__ import COMMANDS
from cluster.meters import METER_COMMAND
from cluster.nursery import MORE_VARIABLES
from docs.references import anchor

ROOT = Path(__file__).resolve().parent.parent
GENERATED = ("api.md", "cli.md")
OF_USERS = (*GENERATED, "job-file.md")
"""Pages that name users' own files."""
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
MODULE = re.compile(r"(?<![\w./-])(?:[a-z_]+/)*[a-z_0-9]+\.py\b")
PACKAGES = ("accounting", "api", "benchmarks", "cluster", "scheduler", "tests", "examples")
FOLDER = re.compile(r"`((?:[a-z_]+/)+)`")
WRAPPED = ("benchmarks.md", "concepts.md", "scheduling.md", "README.md")
"""Pages of which tables are narrow enough to be read beside code, as all prose is."""
LINE_MAX = 160
PLACEHOLDERS = re.compile(r"[A-Z_]{2,}|\.\.\.|\[.*\]")
BENCHMARK = re.compile(r"python -m benchmarks ((?:\\\n|[^\n`#])+)")
OPTION = re.compile(r"--[a-z-]+")
ASSIGNMENT = re.compile(r"[A-Z_]+=")
VARIABLES_OF_MEMBERS = {
    *("BRAIN_JOB_ID", "BRAIN_ATTEMPT", "BRAIN_CHECKPOINT_DIR", "BRAIN_OUTPUT_DIR"),
    *("BRAIN_ARRAY_ID", "BRAIN_ARRAY_INDEX", "BRAIN_ARRAY_COUNT"),
    *("BRAIN_ARRAY_LOWEST", "BRAIN_ARRAY_HIGHEST"),
    *("BRAIN_DATASETS", "BRAIN_DATASETS_ELSEWHERE"),
    *("BRAIN_ROLE", "BRAIN_ROLE_INDEX", "BRAIN_ROLE_COUNT"),
    *("BRAIN_ROLE_ADDR", "BRAIN_ROLE_PORT", "BRAIN_HOSTS_"),
    *("BRAIN_DEVICES", "BRAIN_DEVICE", "BRAIN_CORES"),
}
VARIABLES_OF_COMMANDS = {"BRAIN_LANG", "BRAIN_SETTINGS"}

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: the page it stands on, its language, its text."""

    page: str
    language: str
    text: str


def is_read(page: Path) -> bool:
    """Whether it is written to be read from its beginning to its end."""
    return page.parent in {ROOT, ROOT / "docs"} and page.name not in (*GENERATED, "CHANGELOG.md")


def blocks() -> list[Block]:
    return [
        Block(str(page.relative_to(ROOT)), language, text)
        for page in PAGES
        for language, text in BLOCK.findall(page.read_text("utf-8"))
    ]


def yaml_blocks(first_word: str) -> list[Block]:
    """YAML that has this key at its top level."""
    return [
        block
        for block in blocks()
        if block.language == "yaml" and re.search(rf"^{first_word}:", block.text, re.MULTILINE)
    ]


def each(shown: list[Block]) -> pytest.MarkDecorator:
    ids = [f"{block.page} {number}" for number, block in enumerate(shown, start=1)]
    return pytest.mark.parametrize("block", shown, ids=ids)


def calls_of(text: str) -> Iterator[str]:
    """Each `brain ...` of a console block or of running text."""
    for language, block in BLOCK.findall(text):
        if language == "console":
            yield from filter(None, map(call_of, block.replace("\\\n", " ").splitlines()))
    yield from filter(None, map(call_of, INLINE.findall(BLOCK.sub("", text))))


def call_of(line: str) -> str | None:
    """The line from `brain` on, without its comment and without variables before it."""
    words = re.split(r"\s(?=#)|[|>]", line)[0].split()
    while words and ASSIGNMENT.match(words[0]):
        words = words[1:]
    is_call = words and words[0].rpartition("/")[2] == "brain"
    return " ".join(words) if is_call and len(words) > 1 else None


def complaint(call: str) -> str | None:
    """What is wrong with a command line: an unknown command or option, an option without value."""
    command = all_commands()
    words = prepared(shlex.split(call)[1:])
    while words:
        word = words.pop(0)
        if word.startswith("-"):
            spelled, _, value = word.partition("=")
            option = option_of(command, spelled)
            if option is None:
                return f"{command.name} has no option {spelled}"
            if not option.is_flag and not value:
                if not words:
                    return f"{spelled} needs a value"
                words.pop(0)
        elif getattr(command, "commands", None):
            if PLACEHOLDERS.fullmatch(word):
                return None
            if word not in command.commands:
                return f"there is no command {word}"
            command = command.commands[word]
    return None


@cache
def all_commands() -> Any:
    """Made once: it takes longer than to look through a page."""
    return get_command(app)


def option_of(command: Any, spelled: str) -> Any:
    found = [option for option in command.params if spelled in option.opts]
    return found[0] if found else None


def test_the_references_are_what_make_docs_writes(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "docs.references", str(tmp_path)]
    subprocess.run(command, check=True, cwd=ROOT, env=os.environ | {"BRAIN_LANG": "zh"})

    for name in GENERATED:
        written = (tmp_path / name).read_text("utf-8")
        assert (ROOT / "docs" / name).read_text("utf-8") == written, "run: make docs"


@every_page
def test_every_command_shown_exists(page: Path) -> None:
    calls = calls_of(page.read_text("utf-8"))

    assert not [(call, why) for call in calls if (why := complaint(call))]


@every_page
def test_every_benchmark_shown_can_be_run(page: Path) -> None:
    text = page.read_text("utf-8")

    calls = [found.replace("\\\n", " ").split() for found in BENCHMARK.findall(text)]

    assert not [call for call in calls if not can_be_run(*call)]


def can_be_run(name: str, *words: str) -> bool:
    """Whether it is one, and has these options; what a sentence leaves out is not missed."""
    if name not in COMMANDS:
        return False
    parser = ArgumentParser()
    COMMANDS[name].add_arguments(parser)
    known = {*OPTION.findall(parser.format_help()), "--json", "--report"}
    return known.issuperset(word for word in words if word.startswith("--"))


def test_a_benchmark_that_does_not_exist_is_noticed() -> None:
    assert can_be_run("plan", "--runs", "3", "--help")
    assert not can_be_run("plan", "--rums", "3")
    assert not can_be_run("plam")


@every_page
def test_a_command_over_two_lines_can_be_copied(page: Path) -> None:
    lines = page.read_text("utf-8").splitlines()

    ends = [before for before, line in pairwise(lines) if line.lstrip().startswith("--")]

    assert [one for one in ends if one.startswith("brain ") and not one.endswith("\\")] == []


@pytest.mark.parametrize(
    ("call", "wrong"),
    [
        ("brain sumbit job.yaml", "no command sumbit"),
        ("brain submit job.yaml --wach", "no option --wach"),
        ("brain keys create --rolle tenant", "no option --rolle"),
        ("brain up --port", "needs a value"),
        (".venv/bin/brain keys revoke KEY_ID --force", "no option --force"),
    ],
)
def test_a_command_that_does_not_exist_is_noticed(call: str, wrong: str) -> None:
    assert wrong in (complaint(call) or "")


def test_commands_are_found_wherever_they_stand() -> None:
    text = (
        "Say `brain why JOB_ID`, or `brain`:\n\n```console\nBRAIN_URL=x brain top --once # look\n"
        ".venv/bin/brain submit \\\n    job.yaml > id\nray status\n```\n"
    )

    assert list(calls_of(text)) == [
        "brain top --once",
        ".venv/bin/brain submit job.yaml",
        "brain why JOB_ID",
    ]


@every_page
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = [
        link
        for link in LINK.findall(BLOCK.sub("", page.read_text("utf-8")))
        if "://" not in link and not leads_somewhere(page, link)
    ]

    assert not broken


def leads_somewhere(page: Path, link: str) -> bool:
    name, _, heading = link.partition("#")
    target = (page.parent / name).resolve() if name else page
    if not target.exists() or not target.is_relative_to(ROOT):
        return False
    return not heading or heading in anchors(target)


def anchors(page: Path) -> set[str]:
    text = BLOCK.sub("", page.read_text("utf-8"))
    return {anchor(heading.replace("`", "")) for heading in HEADING.findall(text)}


@pytest.mark.parametrize("page", [one for one in PAGES if is_read(one)], ids=lambda p: p.name)
def test_no_line_is_too_long(page: Path) -> None:
    lines = BLOCK.sub("", page.read_text("utf-8")).splitlines()

    if page.name not in WRAPPED:
        lines = [line for line in lines if not line.startswith("|")]

    assert not [line for line in lines if len(line) > LINE_MAX]


@pytest.mark.parametrize(
    "page", [one for one in PAGES if one.name not in OF_USERS], ids=lambda p: p.name
)
def test_every_module_and_folder_named_is_there(page: Path) -> None:
    text = page.read_text("utf-8")

    named = {*MODULE.findall(text), *(found.rstrip("/") for found in FOLDER.findall(text))}

    assert not {one for one in named if not is_there(one)}


def is_there(named: str) -> bool:
    """Whether a path of ours ends so."""
    return (ROOT / named).exists() or any(
        any((ROOT / package).rglob(named)) for package in PACKAGES
    )


def test_a_module_that_is_gone_is_noticed() -> None:
    assert is_there("planning/quiet.py")
    assert is_there("scheduler/planning")
    assert not is_there("planning/loud.py")


@every_page
def test_headings_can_be_told_apart(page: Path) -> None:
    headings = [anchor(found) for found in HEADING.findall(BLOCK.sub("", page.read_text("utf-8")))]

    if page.name != "CHANGELOG.md":
        assert len(headings) == len(set(headings))


@each(yaml_blocks("(command|roles)"))
def test_every_job_shown_is_one(block: Block, tmp_path: Path) -> None:
    path = tmp_path / "job.yaml"
    path.write_text(block.text, encoding="utf-8")

    assert prepare(read_job_file(path), tmp_path).job.devices > 0


@pytest.mark.parametrize("name", ["job.yaml", "sweep.yaml"])
def test_the_jobs_of_the_example_are_some(name: str) -> None:
    path = ROOT / "examples" / "digits" / name

    assert prepare(read_job_file(path), path.parent).packed is not None


@each(yaml_blocks("device_kinds"))
def test_every_park_shown_is_one(block: Block, tmp_path: Path) -> None:
    path = tmp_path / "park.yaml"
    path.write_text(block.text, encoding="utf-8")

    assert load(path).park.centres


@every_page
def test_every_variable_named_is_one(page: Path) -> None:
    settings = {f"BRAIN_{name.upper()}" for name in Settings.model_fields}
    known = (
        settings | VARIABLES_OF_COMMANDS | VARIABLES_OF_MEMBERS | {MORE_VARIABLES, METER_COMMAND}
    )

    named = set(re.findall(r"\bBRAIN_[A-Z_]+[A-Z]\b", page.read_text("utf-8")))

    assert named <= known


def test_the_readme_shows_a_job_and_a_picture() -> None:
    picture = ROOT / "docs" / "console.png"

    assert "(docs/console.png)" in (ROOT / "README.md").read_text("utf-8")
    assert picture.stat().st_size < 300_000
    assert [block.page for block in yaml_blocks("command")].count("README.md") == 1


def test_every_word_for_users_has_its_chinese() -> None:
    rows = re.findall(r"^\| \*\*(.+?)\*\* \| (.*?) \|", glossary(), re.MULTILINE)

    without = [word for word, chinese in rows if not re.search(r"[\u4e00-\u9fff]|^P", chinese)]

    assert len(rows) > 60
    assert not without


def glossary() -> str:
    return (ROOT / "docs" / "glossary.md").read_text("utf-8")
