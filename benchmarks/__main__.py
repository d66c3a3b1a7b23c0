"""`python -m benchmarks`: measure the broker, on traces of real parks and against its peers."""

import json
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path

from rich.console import Console
from rich.table import Column, Table

from api.files.park_file import ParkFileInvalid
from api.garbage import look_seldom
from api.postgres import PostgresFailed
from api.running.up import UpFailed
from benchmarks import (
    books,
    compare,
    controller,
    exports,
    launch,
    month,
    openb,
    plan,
    replay,
    slurm,
    submit,
    synthesize,
    trace,
)
from benchmarks.local_broker import BenchmarkFailed
from benchmarks.slurm_said import Unreadable
from benchmarks.traces import BadTrace

COMMANDS = {
    "books": books,
    "compare": compare,
    "controller": controller,
    "exports": exports,
    "launch": launch,
    "month": month,
    "openb": openb,
    "plan": plan,
    "replay": replay,
    "slurm": slurm,
    "submit": submit,
    "synthesize": synthesize,
    "trace": trace,
}
FAILED = 1
WRONG_USE = 2


def main(argv: list[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    look_seldom()  # as a broker does
    try:
        report = COMMANDS[arguments.command].run(arguments)
    except (BadTrace, ParkFileInvalid, OSError) as error:
        print(f"{arguments.command}: {error}", file=sys.stderr)
        return WRONG_USE
    except (BenchmarkFailed, PostgresFailed, Unreadable, UpFailed) as error:
        print(f"{arguments.command}: {error}", file=sys.stderr)
        return FAILED
    text = json.dumps(report, indent=2, ensure_ascii=False)
    if arguments.report:
        arguments.report.write_text(text + "\n", encoding="utf-8")
    if arguments.json:
        print(text)
    else:
        _print_table(arguments.command, report)
    return 0


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="python -m benchmarks", description=(__doc__ or "").partition(": ")[2]
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, module in COMMANDS.items():
        about = (module.__doc__ or "").partition(": ")[2]
        command = commands.add_parser(
            name,
            help=about.partition("\n")[0],
            description=about,
            epilog=module.EXAMPLES,
            formatter_class=RawDescriptionHelpFormatter,
        )
        module.add_arguments(command)
        command.add_argument("--json", action="store_true", help="print JSON, not a table")
        command.add_argument("--report", type=Path, help="write the report as JSON: OUT.json")
    return parser


def _print_table(command: str, report: dict[str, object]) -> None:
    table = Table(title=command, show_header=False)
    for name, value in report.items():
        if isinstance(value, list):
            _print_columns(value)
        else:
            table.add_row(name, _text(value))
    Console().print(table)


def _print_columns(lines: list[dict[str, object]]) -> None:
    """One column for each, one row for each figure; its first figure is its name."""
    title, *names = lines[0]
    # A name that does not fit is folded: cut off, two could not be told apart.
    first = Column(title, overflow="fold")
    table = Table(first, *(str(line[title]) for line in lines))
    for name in names:
        table.add_row(name, *(_text(line.get(name, "-")) for line in lines))
    Console().print(table)


def _text(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:,.3f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    sys.exit(main())
