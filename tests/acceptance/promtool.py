"""Prometheus' own opinion of what it is given."""

import shutil
import subprocess
from pathlib import Path


def promtool(*words: str, text: str = "", cwd: Path | None = None) -> str:
    """What it prints; fails with what it has to complain of."""
    found = shutil.which("promtool")
    assert found is not None, "promtool is not installed: `make test-tools` does it"
    said = subprocess.run(
        [found, *words], input=text, cwd=cwd, capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stdout + said.stderr
    assert said.stderr == ""
    return said.stdout
