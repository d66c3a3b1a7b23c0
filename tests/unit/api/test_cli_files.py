"""Where commands write what they are given."""

import sys
from pathlib import Path

import pytest
import typer

from api.cli.files import write_binary, write_out


def test_what_is_no_text_goes_to_no_terminal(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write_binary([b"%PDF"], None)
    assert capfd.readouterr().out == "%PDF", "a pipe takes it"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)

    with pytest.raises(typer.Exit):
        write_binary([b"%PDF"], None)
    write_binary([b"%PDF"], tmp_path / "a.pdf")

    assert capfd.readouterr().out == ""
    assert (tmp_path / "a.pdf").read_bytes() == b"%PDF"


def test_a_name_that_is_too_long_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit) as ended:
        write_out([b"x"], tmp_path / ("x" * 300))

    assert ended.value.exit_code == 1
    assert "File name too long" in "".join(capsys.readouterr().err.split("\n"))
