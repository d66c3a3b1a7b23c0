"""The command `brain` as a whole: wrong use of it is told in Chinese where that was chosen."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperGroup
from typing_extensions import override

from api.chinese import chinese
from api.cli.language import Language, language

WRONG_USE = 2


class Brain(TyperGroup):
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
    """English is typer's own, in its frame, but for a word of pydantic's."""
    try:
        yield
    except typer.TyperException as error:
        error.message = error.message.removeprefix("Value error, ")
        said = error.format_message().strip()
        if language() is Language.EN or not said:  # nothing is said where the help was shown
            raise
        _tell(said, getattr(error, "ctx", None))
        raise typer.Exit(WRONG_USE) from None


def _tell(said: str, context: typer.Context | None) -> None:
    from api.cli.terminal import errors, plain

    if context is not None:
        words = [context.command_path, *context.command.collect_usage_pieces(context)]
        errors.print(plain(f"用法：{' '.join(words)}"), soft_wrap=True)
        errors.print(plain(f"说明：{context.command_path} --help"), soft_wrap=True)
    errors.print(f"[red]错误:[/] {plain(chinese(said) or said)}", soft_wrap=True)
