"""The runs of a node, as they lie on its disk."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cluster import runs as runs_module
from cluster.member import MemberEnd, MemberPhase, MemberStart
from cluster.run_files import Stop, claim, read_stop, write_json
from cluster.runs import (
    CUT_NOTICE,
    BadAttemptId,
    Run,
    Runs,
    is_shim_alive,
    output_size,
    read_output,
)

UID = 212_345


def a_start(attempt_id: str = "j.1", rank: int = 0, cards: int = 2) -> MemberStart:
    return MemberStart(
        attempt_id=attempt_id,
        job_id="j",
        rank=rank,
        card_count=cards,
        command="true",
        env=(),
        archive=None,
        workdir=None,
        checkpoint_dir=None,
        order="{}",
    )


def claimed(runs: Runs, **changes: str | int) -> Run:
    run = runs.claim(a_start(**changes))  # type: ignore[arg-type] # what a_start takes
    assert run is not None
    return run


def end(runs: Runs, run: Run, exit_code: int = 0) -> None:
    write_json(run.folder / "ended", {"exit_code": exit_code, "ended_at_ms": 9, "why": "exited"})
    runs.refresh(run)


def test_a_member_is_claimed_once_also_by_a_later_life(tmp_path: Path) -> None:
    claimed(Runs(tmp_path, 4))

    later = Runs(tmp_path, 4)

    assert later.claim(a_start()) is None
    assert later.get("j.1", 0) is not None
    assert later.orders() == {"j.1": "{}"}


def test_cards_are_given_once_and_come_back_with_the_end(tmp_path: Path) -> None:
    runs = Runs(tmp_path, 4)
    first, second = claimed(runs, rank=0), claimed(runs, rank=1)
    assert (first.state.cards, second.state.cards) == ((0, 1), (2, 3))

    end(runs, first)

    assert claimed(runs, attempt_id="k.1").state.cards == (0, 1)
    assert Runs(tmp_path, 4).free_cards() == []


def test_a_member_for_which_there_are_too_few_cards_is_refused(tmp_path: Path) -> None:
    runs = Runs(tmp_path, 4)
    claimed(runs, cards=3)

    refused = claimed(runs, rank=1, cards=2)

    assert refused.state.end is MemberEnd.REFUSED
    assert refused.state.detail == "2 cards wanted, 1 are free on the node"
    assert runs.free_cards() == [3]


def test_why_a_member_was_refused_can_be_written_whatever_it_quotes(tmp_path: Path) -> None:
    run = claimed(Runs(tmp_path, 4))

    Runs(tmp_path, 4).refuse(run, os.fsdecode(b"no folder caf\xe9"))

    assert run.state.detail == "no folder caf?"
    assert run.state.detail.encode()


@pytest.mark.parametrize("attempt_id", ["", "..", "../up", "a/b", ".hidden", "a" * 129, "a\n"])
def test_an_attempts_name_leads_nowhere_else(tmp_path: Path, attempt_id: str) -> None:
    with pytest.raises(BadAttemptId):
        Runs(tmp_path / "runs", 4).claim(a_start(attempt_id))

    assert list(tmp_path.iterdir()) == [tmp_path / "runs"]


def test_what_was_stopped_before_it_began_never_begins(tmp_path: Path) -> None:
    runs = Runs(tmp_path, 4)
    run = claimed(runs)

    runs.stop(run, Stop(grace_ms=5))

    assert run.state.end is MemberEnd.STOPPED
    assert not claim(run.folder)


def test_what_has_begun_is_left_word_how_to_stop(tmp_path: Path) -> None:
    runs = Runs(tmp_path, 4)
    run = claimed(runs)
    claim(run.folder)

    runs.stop(run, Stop(grace_ms=5, signal=10))

    assert not run.is_over
    assert read_stop(run.folder) == Stop(grace_ms=5, signal=10)


def test_an_order_that_comes_after_its_stop_claims_nothing(tmp_path: Path) -> None:
    runs = Runs(tmp_path, 4)

    runs.renounce("j.1", 0)
    runs.renounce("j.1", 0)

    assert runs.claim(a_start()) is None
    assert [state.end for state in runs.newer_than(0)] == [MemberEnd.STOPPED]


def test_a_run_whose_shim_is_gone_without_a_word_is_lost(tmp_path: Path) -> None:
    runs = Runs(tmp_path, 4)
    never_began, was_killed, rebooted = (claimed(runs, rank=rank, cards=1) for rank in range(3))
    claim(was_killed.folder)
    claim(rebooted.folder)
    write_json(rebooted.folder / "claim", {"cards": [2], "boot": "another"})

    for run in (never_began, was_killed, rebooted):
        runs.lose(run)

    ends = [run.state.end for run in (never_began, was_killed, rebooted)]
    assert ends == [MemberEnd.REFUSED, MemberEnd.LOST, MemberEnd.NODE]


def test_losing_a_run_does_not_overwrite_its_end(tmp_path: Path) -> None:
    runs = Runs(tmp_path, 4)
    run = claimed(runs)
    write_json(run.folder / "ended", {"exit_code": 3, "ended_at_ms": 9, "why": "exited"})

    runs.lose(run)

    assert (run.state.end, run.state.exit_code) == (MemberEnd.EXITED, 3)


def test_what_lies_beside_the_runs_is_none(tmp_path: Path) -> None:
    claimed(Runs(tmp_path, 4))
    (tmp_path / "j.1" / "lost+found").mkdir()
    (tmp_path / "j.1" / "²").mkdir()  # a digit, and no number

    assert [run.state.rank for run in Runs(tmp_path, 4)] == [0]


def test_where_nobody_can_tell_a_run_may_have_begun(tmp_path: Path) -> None:
    runs = Runs(tmp_path, 4)
    run = claimed(runs)
    (tmp_path / "broken").touch()
    run.folder = tmp_path / "broken" / "0"

    assert not runs.refuse(run, "it did not begin")
    assert not run.is_over


def test_a_shim_lives_as_long_as_it_holds_its_pipe_whatever_it_has_said(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "alive")
    reading = os.open(tmp_path / "alive", os.O_RDONLY | os.O_NONBLOCK)
    writing = os.open(tmp_path / "alive", os.O_WRONLY)
    assert is_shim_alive(reading)

    os.write(writing, b"started\n")
    os.close(writing)

    assert not is_shim_alive(reading)
    os.close(reading)
    assert not is_shim_alive(reading), "what cannot be read says nothing of a shim"


def test_only_news_are_newer(tmp_path: Path) -> None:
    runs = Runs(tmp_path, 4)
    first, second = claimed(runs, rank=0), claimed(runs, rank=1)
    seen = runs.version

    runs.refresh(first)
    assert runs.newer_than(seen) == ()
    end(runs, second)

    assert [state.rank for state in runs.newer_than(seen)] == [1]
    assert [state.phase for state in runs.newer_than(seen)] == [MemberPhase.ENDED]


def test_only_what_is_over_is_forgotten(tmp_path: Path) -> None:
    runs = Runs(tmp_path, 4)
    first, second = claimed(runs, rank=0), claimed(runs, rank=1)
    end(runs, first)

    was_over = runs.forget("j.1")
    end(runs, second)
    is_over = runs.forget("j.1")
    runs.remove("j.1")

    assert (was_over, is_over) == (False, True)
    assert not (tmp_path / "j.1").exists()
    assert list(runs) == []


def test_output_is_read_from_where_one_stood_to_its_last_word(tmp_path: Path) -> None:
    runs = Runs(tmp_path, 4)
    run = claimed(runs)
    before = read_output(run, 0, 100)
    (run.folder / "out").write_bytes(b"abc\xff")
    running = read_output(run, 1, 2)
    end(runs, run)

    assert (before.data, before.is_last) == (b"", False)
    assert (running.data, running.is_last) == (b"bc", False)
    assert not read_output(run, 0, 3).is_last
    assert (read_output(run, 3, 100).data, read_output(run, 3, 100).is_last) == (b"\xff", True)


def test_of_output_beyond_the_limit_there_is_one_line_that_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs_module, "OUTPUT_BYTES_MAX", 4)
    runs = Runs(tmp_path, 4)
    run = claimed(runs)
    (run.folder / "out").write_bytes(b"abcdefgh")
    end(runs, run)

    parts, offset = [], 0
    for _ in range(200):
        part = read_output(run, offset, 3)
        parts.append(part.data)
        offset += len(part.data)
        if part.is_last:
            break

    assert b"".join(parts) == b"abcd" + CUT_NOTICE
    assert output_size(run) == offset
    assert read_output(run, offset, 3).data == b""


@pytest.mark.parametrize("file", ["claim", "started", "ended"])
@pytest.mark.parametrize("left", ["", "{", "[]", "{}", '{"why": "?"}', '{"cards": 3}'])
def test_a_file_that_a_power_cut_spoilt_is_taken_as_absent(
    tmp_path: Path, file: str, left: str
) -> None:
    run = claimed(Runs(tmp_path, 4))
    claim(run.folder)
    (run.folder / file).write_text(left)

    later = Runs(tmp_path, 4)
    found = later.get("j.1", 0)
    assert found is not None
    later.lose(found)

    assert found.state.phase is MemberPhase.ENDED
    assert found.state.end in {MemberEnd.LOST, MemberEnd.NODE}


def test_an_end_that_the_disk_does_not_take_holds_and_is_written_later(tmp_path: Path) -> None:
    runs = Runs(tmp_path, 4)
    run = claimed(runs)
    claim(run.folder)
    fill(run.folder / "ended")

    runs.lose(run)
    was_written = (run.folder / "ended").exists()
    (run.folder / "ended.new").unlink()
    runs.write_ends()

    assert run.state.end is MemberEnd.LOST
    assert not was_written
    assert Runs(tmp_path, 4).free_cards() == [0, 1, 2, 3]


def test_a_member_that_the_disk_does_not_take_is_refused_for_good(tmp_path: Path) -> None:
    root = tmp_path / "runs"
    runs = Runs(root, 4)
    root.rmdir()
    root.touch()

    refused = claimed(runs)
    root.unlink()
    root.mkdir()
    again = runs.claim(a_start())
    runs.write_ends()

    assert refused.state.end is MemberEnd.REFUSED
    assert again is None
    assert Runs(root, 4).claim(a_start()) is None
    assert runs.free_cards() == [0, 1, 2, 3]


def test_who_cannot_be_told_how_to_stop_is_to_stop_all_the_same(tmp_path: Path) -> None:
    runs = Runs(tmp_path, 4)
    run = claimed(runs)
    claim(run.folder)
    fill(run.folder / "stop")

    runs.stop(run, Stop(grace_ms=5))

    assert not run.is_over


def test_what_is_forgotten_before_it_was_written_down_stays_forgotten(tmp_path: Path) -> None:
    runs = Runs(tmp_path, 4)
    run = claimed(runs)
    claim(run.folder)
    fill(run.folder / "ended")
    runs.lose(run)

    runs.forget("j.1")
    runs.remove("j.1")
    runs.write_ends()

    assert list(tmp_path.iterdir()) == []


def test_what_a_job_has_closed_is_removed_as_well_and_nothing_that_it_names() -> None:
    """As Go's cache of modules is; root removes it anyway, so somebody else must try."""
    with tempfile.TemporaryDirectory(prefix="brain-") as name:
        folder = Path(name)
        mine, other = folder / "runs", folder / "other"
        for one in (mine, other):
            (one / "j.1" / "work" / "closed").mkdir(parents=True)
        (mine / "j.1" / "work" / "closed" / "link").symlink_to(other / "j.1" / "work" / "closed")
        for one in (mine, other):
            (one / "j.1" / "work" / "closed").chmod(0o500)

        with somebody(folder):
            Runs(mine, 4).remove("j.1")

        assert list(mine.iterdir()) == []
        assert (other / "j.1" / "work" / "closed").stat().st_mode & 0o777 == 0o500


def test_what_a_job_has_nested_deeper_than_python_goes_is_removed_as_well(tmp_path: Path) -> None:
    (tmp_path / "j.1").mkdir()
    nest = "import os\nfor _ in range(2_000): os.mkdir('d'); os.chdir('d')"
    subprocess.run([sys.executable, "-c", nest], cwd=tmp_path / "j.1", check=True)

    try:
        Runs(tmp_path, 4).remove("j.1")
        left = list(tmp_path.iterdir())
    finally:  # pytest could not remove it either
        subprocess.run(["rm", "-rf", tmp_path / "j.1"], check=True)

    assert left == []


@contextmanager
def somebody(folder: Path) -> Iterator[None]:
    """Not root, but who owns this folder."""
    if os.geteuid() != 0:
        yield
        return
    subprocess.run(["chown", "-R", str(UID), folder], check=True)
    os.seteuid(UID)
    try:
        yield
    finally:
        os.seteuid(0)


def fill(file: Path) -> None:
    """Let there be no room for what is to become this file."""
    file.with_name(f"{file.name}.new").symlink_to("/dev/full")
