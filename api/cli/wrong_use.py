"""The command `brain` as a whole: wrong use of it is told in the language of this run."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from typing_extensions import override

from api.cli.help_page import Group, usage
from api.cli.language import both

WRONG_USE = 2
_GUESSED_COMMANDS = re.compile(r"(?<=\. Did you mean )(.+)\?")
_GUESSED_OPTIONS = re.compile(r" \(Possible options: (.+)\)")


class Brain(Group):
    """Its commands, and those below them, are read and run inside of `parse_args` and `invoke`."""

    @override
    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # Any: typer's own is private
        with _told():
            return super().parse_args(ctx, args)

    @override
    def invoke(self, ctx: Any) -> Any:
        with _told():
            return super().invoke(ctx)


@contextmanager
def _told() -> Iterator[None]:
    """By what it is used as, and where to read more; typer's frame is for English alone."""
    try:
        yield
    except typer.TyperException as error:
        error.message = error.message.removeprefix("Value error, ")  # a word of pydantic's
        said = error.format_message().strip()
        if said:  # nothing is said where the help was shown
            _tell(_guessing_alike(said), getattr(error, "ctx", None))
        raise typer.Exit(WRONG_USE) from None


def _guessing_alike(said: str) -> str:
    """What may have been meant is told of options as it is of commands."""
    said = _GUESSED_OPTIONS.sub(r". Did you mean \1?", said)
    return _GUESSED_COMMANDS.sub(lambda found: found[0].replace("'", ""), said)


def _tell(said: str, context: typer.Context | None) -> None:
    from api.cli.terminal import fail, note

    if context is not None:
        path = context.command_path
        note(f"{both('Usage: ', '用法：')}{usage(context.command, path)}")
        note(f"{both('Help: ', '说明：')}{path} --help")
    fail(said, WRONG_USE)
