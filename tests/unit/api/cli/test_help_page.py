"""Help pages: in one language, whole, and as wide as the terminal at most."""

import re
from collections.abc import Iterator
from typing import Annotated, Any

import pytest
import typer
from rich.cells import cell_len
from typer.main import get_command

from api.cli import help_page
from api.commands import app
from tests.acceptance.in_process import brain

WIDE = 80
FRAME = ("Usage", "Options", "Arguments", "Commands", "default", "required", "this page")


def below(path: tuple[str, ...], command: Any) -> Iterator[tuple[str, ...]]:
    yield path
    for name, part in getattr(command, "commands", {}).items():
        yield from below((*path, name), part)


def leaves(path: tuple[str, ...], command: Any) -> Iterator[tuple[str, ...]]:
    """What can be run by itself: a group that does something without a command as well."""
    below = getattr(command, "commands", {})
    if path and (not below or command.invoke_without_command):
        yield path
    for name, part in below.items():
        yield from leaves((*path, name), part)


def small(**options: Any) -> Any:
    made = typer.Typer()

    @made.command()
    def work(
        what: Annotated[str, typer.Argument(metavar="WHAT")],
        pool: Annotated[str | None, typer.Argument(metavar="POOL")] = None,
        count: Annotated[int, typer.Option("--count", "-n", help="how many", **options)] = 3,
        is_loud: Annotated[bool, typer.Option("--loud", help="say all")] = False,
    ) -> None:
        """Work."""

    return get_command(made)


@pytest.mark.parametrize("path", [*below((), get_command(app))], ids=" ".join)
def test_every_page_fits_eighty_columns_and_nothing_of_it_is_cut(path: tuple[str, ...]) -> None:
    page = brain(*path, "--help").stdout

    told = [line for line in page.splitlines() if not line.startswith("  brain ")]
    assert page.splitlines()[0].startswith(f"Usage: {' '.join(('brain', *path))} [OPTIONS]")
    assert max(map(cell_len, told)) <= WIDE
    assert "…" not in page


def test_the_frame_is_in_the_language_of_the_run() -> None:
    page = brain("queue", "--help", BRAIN_LANG="zh").stdout

    lines = page.strip().splitlines()
    assert lines[0] == "用法：brain queue [选项]"
    assert lines[-1] == "  --help               显示本页"
    assert "（默认 50，1 至 500）" in page
    assert not [word for word in FRAME if word in page]


@pytest.mark.parametrize(
    ("path", "says"),
    [((), "用法：brain [选项] 命令 ..."), (("prices",), "用法：brain prices [选项] [命令 ...]")],
)
def test_where_commands_follow_the_use_says_so(path: tuple[str, ...], says: str) -> None:
    assert brain(*path, "--help", BRAIN_LANG="zh").stdout.splitlines()[0] == says


def test_arguments_that_may_be_left_out_stand_in_brackets() -> None:
    assert help_page.usage(small(), "brain work") == "brain work [OPTIONS] WHAT [POOL]"


def test_an_option_says_what_it_takes_and_what_it_is_if_not_given() -> None:
    count, loud, *_ = help_page.option_rows(small(min=1, max=9))

    assert count == ("--count, -n COUNT", "how many (default 3, 1 to 9)")
    assert loud == ("--loud", "say all")


def test_examples_are_lines_to_paste() -> None:
    text = """One.

      brain a \\
      --b

      brain c

    Two,
    three."""

    assert list(help_page.blocks(text)) == [
        "One.",
        "  brain a \\\n  --b\n  brain c",
        "Two,\nthree.",
    ]


def test_chinese_lines_are_joined_without_a_space() -> None:
    assert help_page.joined("先出现者；\n份额一\n栏 of\n`brain`，\nthen") == (
        "先出现者；份额一栏 of `brain`，then"
    )


def test_a_label_without_room_has_a_line_of_its_own() -> None:
    lines = brain("keys", "create", "--help").stdout.splitlines()

    at = lines.index("  --role tenant|operator|finance|agent")
    assert lines[at + 1] == "                       what it may do (required)"


def test_who_gives_no_command_is_shown_the_page() -> None:
    done = brain()

    assert (done.returncode, done.stderr) == (2, "")
    assert done.stdout.strip() == brain("--help").stdout.strip()


def test_examples_are_shown_line_by_line() -> None:
    lines = brain("vouchers", "--help").stdout.splitlines()

    at = lines.index("  brain vouchers")
    assert lines[at + 1].endswith(" HT-031 \\")
    assert lines[at + 2].endswith(" --until 2027-01-01")


@pytest.mark.parametrize("path", [*leaves((), get_command(app))], ids=" ".join)
def test_every_command_teaches_by_an_example(path: tuple[str, ...]) -> None:
    page = brain(*path, "--help").stdout

    shown = [line for line in page.splitlines() if re.match(r"  (\w+=\S+ )*brain ", line)]
    words = f"brain {' '.join(path)}"
    assert [line for line in shown if words in re.sub(r" --as \w+", "", line)]
    assert len(shown) == len({*shown})
    assert [one for one in ("Example:", "Examples:") if one in page.splitlines()] == [
        "Example:" if len(shown) == 1 else "Examples:"
    ]


def test_what_is_run_as_somebody_is_an_example_of_the_command_all_the_same() -> None:
    told = """One.

      brain --as t03 budgets set 5

      brain --as t03 budgets

    That is all."""

    assert [*help_page.examples(told, "brain budgets set")] == ["  brain --as t03 budgets set 5"]
    assert [*help_page.examples(told, "brain budgets")] == [
        "  brain --as t03 budgets set 5",
        "  brain --as t03 budgets",
    ]


def test_a_command_below_another_shows_its_examples_from_there() -> None:
    lines = brain("claims", "contract", "--help").stdout.splitlines()

    at = lines.index("Example:")
    assert lines[at + 2].startswith("  brain claims contract HT-2026-031 ")
    assert lines[at + 3].endswith("--from 2026-01-01 --until 2027-01-01")
    assert (lines[at + 4], lines[at + 5]) == ("", "Arguments")
