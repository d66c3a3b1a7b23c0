"""The help page of a command, in the language of this run; docs/cli.md is made of the same parts.

typer's own page has an English frame, breaks Chinese only at spaces, and cuts what has no room.
"""

import inspect
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rich.cells import cell_len
from typer.core import TyperCommand, TyperGroup
from typing_extensions import override

from api.cli.language import both
from api.cli.terminal import console, plain, say

INDENT = "  "
LABEL_CELLS_MAX = 26
"""A longer label has a line of its own."""

Row = tuple[str, str]

_BETWEEN_CHINESE = re.compile(
    r"(?<=[\u3000-\u9fff\uff00-\uffef])\n(?=[\u3000-\u9fff\uff00-\uffef])"
)
_AFTER_A_MARK = re.compile(r"(?<=[\u3000-\u303f\uff00-\uffef])\n")
_CODE = re.compile(r"`([^`]+)`")
_AS_WHOM = re.compile(r" --as \S+ ")


class Command(TyperCommand):
    """A command that shows its page by `--help`."""

    @override
    def format_help(self, ctx: Any, formatter: Any) -> None:  # Any: typer's own are private
        above = ctx.parent.command.help if ctx.parent else None
        own = {*examples(self.help, ctx.command_path)}
        told = [one for one in examples(above, ctx.command_path) if one not in own]
        show(self, ctx.command_path, told)


class Group(TyperGroup):
    """Commands below a name, likewise."""

    @override
    def format_help(self, ctx: Any, formatter: Any) -> None:
        show(self, ctx.command_path)


def show(command: Any, path: str, told_above: Sequence[str] = ()) -> None:  # Any: as above
    """Its page, with what stands of it among the examples of the command above it."""
    _tell(f"{both('Usage: ', '用法：')}{usage(command, path)}")
    for block in blocks(command.help):
        console.print()
        if block.startswith(" "):
            console.print(plain(block), soft_wrap=True)
        else:
            _tell(joined(block))
    if told_above:
        one_or_more = "Example" if len(told_above) == 1 else "Examples"
        console.print(both(f"\n{one_or_more}:\n", "\n示例：\n"))
        console.print(plain("\n".join(told_above)), soft_wrap=True)
    _list(both("Arguments", "参数"), argument_rows(command))
    help_row = ("--help", both("this page", "显示本页"))
    _list(both("Options", "选项"), [*option_rows(command), help_row])
    panels: dict[str, list[Row]] = {}
    for name, below in getattr(command, "commands", {}).items():
        first = joined(next(blocks(below.help), ""))
        panel = below.rich_help_panel or both("Commands", "命令")
        panels.setdefault(panel, []).append((name, first))
    for panel, rows in panels.items():
        _list(panel, rows)


def usage(command: Any, path: str) -> str:
    """`brain show [OPTIONS] JOB_ID`."""
    words = [path, both("[OPTIONS]", "[选项]"), *map(argument_text, arguments(command))]
    if hasattr(command, "commands"):
        below = both("COMMAND ...", "命令 ...")
        words.append(f"[{below}]" if command.invoke_without_command else below)
    return " ".join(words)


def blocks(text: str | None) -> Iterator[str]:
    """Paragraphs, and what is indented: a block of code, of as many lines as stand together."""
    code: list[str] = []
    for block in filter(None, inspect.cleandoc(text or "").split("\n\n")):
        if block.startswith(" "):
            code.append(block)
            continue
        if code:
            yield "\n".join(code)
            code.clear()
        yield block
    if code:
        yield "\n".join(code)


def examples(text: str | None, path: str) -> Iterator[str]:
    """Those of this command, as whoever it is run, each with the lines on which it goes on."""
    for block in blocks(text):
        for example in re.split(r"(?<!\\)\n", block):
            if f"{_AS_WHOM.sub(' ', example)} ".startswith(f"{INDENT}{path} "):
                yield example


def joined(paragraph: str) -> str:
    """In one line: Chinese has no spaces between its signs, nor behind its marks."""
    without = _AFTER_A_MARK.sub("", _BETWEEN_CHINESE.sub("", paragraph))
    return " ".join(without.split())


def arguments(command: Any) -> list[Any]:
    return [part for part in command.params if part.param_type_name == "argument"]


def argument_rows(command: Any) -> Iterator[Row]:
    for argument in arguments(command):
        yield (argument_text(argument), argument.help or "")


def argument_text(argument: Any) -> str:
    name = argument.metavar or _name(argument)
    return name if argument.required else f"[{name}]"


def option_rows(command: Any) -> Iterator[Row]:
    for option in command.params:
        if option.param_type_name == "option" and option.name != "help":
            takes = "" if option.is_flag else f" {option.metavar or _name(option)}"
            yield (f"{', '.join(option.opts)}{takes}", f"{option.help or ''}{_notes(option)}")


def _name(parameter: Any) -> str:
    """What it takes: one of few words, or what its name says."""
    choices = parameter.type_descriptor.choices
    return "|".join(choices) if choices else parameter.name.upper()


def _notes(option: Any) -> str:
    """Behind its meaning: whether it must be given, what it is if not, and its bounds."""
    least, most, default = option.min, option.max, option.default
    notes = []
    if option.required:
        notes.append(both("required", "必填"))
    if default not in (None, False, [], ()):
        shown = f"{default:g}" if isinstance(default, float) else default
        notes.append(both(f"default {shown}", f"默认 {shown}"))
    if least is not None and most is not None:
        notes.append(both(f"{least} to {most}", f"{least} 至 {most}"))
    elif least:
        notes.append(both(f"at least {least}", f"不小于 {least}"))
    told = both(", ", "，").join(notes)
    return both(f" ({told})", f"（{told}）") if told else ""


def _list(title: str, rows: Iterable[Row]) -> None:
    """A heading, and two columns below it."""
    shown = list(rows)
    if not shown:
        return
    console.print()
    console.print(f"[bold]{plain(title)}[/]")
    labels = [cell_len(label) for label, _ in shown]
    width = max([cells for cells in labels if cells <= LABEL_CELLS_MAX], default=LABEL_CELLS_MAX)
    for label, meaning in shown:
        head, room = f"{INDENT}[cyan]{plain(label)}[/]", width - cell_len(label)
        if room < 0:
            console.print(head, soft_wrap=True)
            head, room = INDENT, width
        _tell(meaning, head + " " * room + INDENT)


def _tell(text: str, begin: str = "") -> None:
    """On a terminal names and commands within are bold, and not quoted."""
    shown = plain(text)
    say(_CODE.sub(r"[bold]\1[/]", shown) if console.is_terminal else shown, begin)
