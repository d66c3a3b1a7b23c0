"""Where a command writes what it was given: a file, whole or not at all, or standard output."""

import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from api.cli.language import both
from api.cli.terminal import errors, fail

Output = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", metavar="FILE", help=both("write there", "写入该文件"), dir_okay=False
    ),
]


def write_binary(content: Iterable[bytes], output: Path | None) -> None:
    """The same for what is no text: a file or another program takes it, and no terminal."""
    if output is None and sys.stdout.isatty():
        fail(both("this is no text: name a file with -o", "这不是文本：请用 -o 指定文件"), 2)
    write_out(content, output)


def write_out(content: Iterable[bytes], output: Path | None) -> None:
    """To the file, whole or not at all; or to standard output, byte for byte."""
    if output is None:
        sys.stdout.buffer.writelines(content)
        sys.stdout.buffer.flush()
        return
    new = output.with_name(f".{output.name}.new")
    try:
        with new.open("wb") as file:
            file.writelines(content)
        new.replace(output)
    except OSError as error:
        fail(f"{output}: {error.strerror}")
    finally:
        with suppress(OSError):  # what cannot be made, as its name is too long, cannot be there
            new.unlink(missing_ok=True)
    errors.print(both(f"written: {output}", f"已写入：{output}"))
