"""The example that the README begins with learns, as two real processes."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

TRAIN = Path(__file__).resolve().parents[2] / "examples" / "digits" / "train.py"

pytestmark = pytest.mark.slow


def start(rank: int, port: int, output: Path, epochs: int = 8) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(TRAIN), "--epochs", str(epochs), "--hidden", "64"],
        env=os.environ
        | {
            "RANK": str(rank),
            "WORLD_SIZE": "2",
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(port),
            "BRAIN_OUTPUT_DIR": str(output),
            "OMP_NUM_THREADS": "1",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_two_members_learn_as_one(tmp_path: Path, port: int) -> None:
    members = [start(rank, port, tmp_path / str(rank)) for rank in (0, 1)]
    outputs = [member.communicate(timeout=50)[0] for member in members]

    assert [member.returncode for member in members] == [0, 0], outputs
    result = json.loads((tmp_path / "0" / "result.json").read_text())
    assert result["accuracy"] > 0.93
    assert (tmp_path / "0" / "model.npz").exists()
    # Only if the gradients were averaged do both end with the same weights.
    assert f"member 0: weights {result['weights']}" in outputs[0]
    assert f"member 1: weights {result['weights']}" in outputs[1]


def test_a_member_whose_partner_dies_fails(tmp_path: Path, port: int) -> None:
    hub, other = (start(rank, port, tmp_path / str(rank), 100_000) for rank in (0, 1))
    assert hub.stdout is not None
    for line in hub.stdout:
        if line.startswith("epoch"):
            break
    other.kill()
    output, _ = hub.communicate(timeout=50)
    other.communicate(timeout=50)

    assert hub.returncode == 1
    assert "another member is gone" in output or "reset by peer" in output.lower()
