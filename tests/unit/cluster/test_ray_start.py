"""What `ray start` cannot load where it is run for a centre."""

import subprocess
import sys

import pytest

from cluster.ray_start import DASHBOARD, FOR_CLIENTS, FOR_OTHER_COMMANDS


@pytest.mark.parametrize(
    ("option", "left_out"),
    [("--head", FOR_OTHER_COMMANDS + FOR_CLIENTS), (DASHBOARD, FOR_OTHER_COMMANDS)],
)
def test_nothing_is_loaded_for_what_a_centre_does_not_use(
    option: str, left_out: tuple[str, ...]
) -> None:
    script = (
        f"import sys; sys.argv = ['ray_start', {option!r}, '--help']\n"
        "from cluster.ray_start import main\n"
        "try: main()\n"
        "except SystemExit: print(*[name for name, module in sys.modules.items() if not module])"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=50, check=False
    )

    assert "Start Ray processes manually on the local machine." in done.stdout, done.stderr
    assert set(left_out) == set(done.stdout.splitlines()[-1].split())
