"""The command `brain` in this process, at a tenth of the cost of a process of its own."""

import os
from contextlib import chdir
from pathlib import Path
from subprocess import CompletedProcess

from typer.testing import CliRunner

from api.cli.arguments import prepared
from api.cli.language import language
from api.commands import app
from tests.acceptance.processes import is_set_by_users


def brain(*arguments: str, cwd: Path | None = None, **variables: str) -> CompletedProcess[str]:
    """One command, run to its end, in an environment where nothing else is set."""
    own: dict[str, str | None] = {name: None for name in os.environ if is_set_by_users(name)}
    own |= {"COLUMNS": "80", "NO_COLOR": "1", **variables}
    language.cache_clear()  # each process asks anew
    with chdir(cwd or Path.cwd()):
        done = CliRunner().invoke(app, prepared(list(arguments)), env=own, prog_name="brain")
    language.cache_clear()
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return CompletedProcess(arguments, done.exit_code, done.stdout, done.stderr)
