"""When a job last saved itself, by the files in its checkpoint folder."""

import asyncio
import os
from dataclasses import replace
from pathlib import Path

import pytest

from cluster import saves
from cluster import supervisor as module
from cluster.member import MemberPhase, MemberState
from cluster.run_files import Stop, write_json
from cluster.supervisor import Supervisor
from tests.unit.cluster.test_supervisor import START, done, until

MS = 1_000_000
EVER_MS = 1 << 50


def written(path: Path, at_ms: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("weights", encoding="utf-8")
    os.utime(path, ns=(at_ms * MS, at_ms * MS))
    return path


def a_run(folder: Path, checkpoints: Path) -> Path:
    run = folder / "run"
    run.mkdir()
    saves.note_folders(run, [checkpoints])
    return run


def test_the_newest_file_counts_however_deep_it_lies(tmp_path: Path) -> None:
    written(tmp_path / "old", 5)
    written(tmp_path / "step-2" / "shards" / "rank0", 9)
    written(tmp_path / "step-1" / "rank0", 7)

    assert saves.newest_in_ms(tmp_path, 9) == 9


@pytest.mark.parametrize("name", ["empty", "not there"])
def test_where_nothing_lies_nothing_was_saved(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()

    assert saves.newest_in_ms(tmp_path / name, 9) is None


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    outside, inside = written(tmp_path / "outside" / "a", 9), tmp_path / "inside"
    written(inside / "a", 5)
    (inside / "folder").symlink_to(outside.parent)
    (inside / "file").symlink_to(outside)

    assert saves.newest_in_ms(inside, EVER_MS) == 5


def test_of_very_many_files_only_so_many_are_looked_at_those_on_top_first(tmp_path: Path) -> None:
    written(tmp_path / "deep" / "a", 9)
    for number in range(saves.LOOKED_AT_MAX):
        written(tmp_path / str(number), 5)

    assert saves.newest_in_ms(tmp_path, 9) == 5


def test_what_was_seen_is_written_down_once_nobody_writes_to_it(tmp_path: Path) -> None:
    """Nor is a moment believed that is yet to come."""
    checkpoints = tmp_path / "checkpoints"
    run = a_run(tmp_path, checkpoints)

    saves.look(run, saves.STILL_MS + 6)
    assert saves.seen_ms(run) is None

    written(checkpoints / "a", 7)
    written(checkpoints / "log", 9)
    saves.look(run, saves.STILL_MS + 6)
    assert saves.seen_ms(run) is None

    saves.look(run, saves.STILL_MS + 8)
    assert saves.seen_ms(run) == 7

    written(checkpoints / "log", saves.STILL_MS + 10)
    saves.look(run, saves.STILL_MS + 10)
    assert saves.seen_ms(run) == 7

    written(checkpoints / "b", 11)
    saves.look(run, saves.STILL_MS + 12)
    assert saves.seen_ms(run) == 11


def test_a_time_before_all_clocks_is_not_told_as_no_report_of_it_could_be_read(
    tmp_path: Path,
) -> None:
    """Any job can set it: `touch -d 1960-01-01 $BRAIN_CHECKPOINT_DIR/x`."""
    checkpoints = written(tmp_path / "checkpoints" / "a", -300_000_000_000).parent
    run = a_run(tmp_path, checkpoints)

    saves.look(run, saves.STILL_MS + 6)

    assert saves.seen_ms(run) is None


@pytest.mark.parametrize("said", [{}, {"folders": 7}, {"folders": [7]}, {"saved_at_ms": "soon"}])
def test_of_a_run_that_does_not_say_where_nothing_is_seen(
    tmp_path: Path, said: dict[str, object]
) -> None:
    write_json(tmp_path / saves.FILE, said)

    saves.look(tmp_path, saves.STILL_MS + 6)

    assert saves.seen_ms(tmp_path) is None


def test_a_disk_that_takes_nothing_hinders_nobody(tmp_path: Path) -> None:
    saves.note_folders(tmp_path / "gone", [tmp_path])
    saves.look(tmp_path / "gone", saves.STILL_MS + 6)

    assert saves.seen_ms(tmp_path / "gone") is None


@pytest.mark.enable_socket
@pytest.mark.parametrize(
    ("is_centres_folder", "folder"),
    [(False, "ckpt"), (True, "ckpt"), (True, "$BRAIN_CHECKPOINT_DIR")],
)
def test_when_a_job_last_saved_itself_is_told_while_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_centres_folder: bool, folder: str
) -> None:
    monkeypatch.setattr(module, "SAMPLE_S", 0.05)
    monkeypatch.setattr(module, "SAVES_LOOK_S", 0.05)
    monkeypatch.setattr(saves, "STILL_MS", 50)
    (tmp_path / "site").mkdir()
    start = replace(
        START,
        command=f"mkdir -p {folder}/step-1; echo w > w; mv w {folder}/step-1/a; exec sleep 60",
        checkpoint_dir="ckpt",
        workdir=str(tmp_path / "site") if is_centres_folder else None,
    )

    async def saved(node: Supervisor) -> MemberState:
        await node.start(start)
        while True:
            member = await until(node, MemberPhase.RUNNING)
            if member.saved_at_ms is not None:
                break
            await asyncio.sleep(0.01)
        await node.stop("j.1", 0, Stop(grace_ms=1_000))
        assert (await until(node, MemberPhase.ENDED)).saved_at_ms == member.saved_at_ms
        return member

    member = done(tmp_path / "data", saved)

    is_theirs = is_centres_folder and folder == "ckpt"
    there = tmp_path / "site" / "ckpt" if is_theirs else tmp_path / "data" / "checkpoints" / "j"
    at_ms = (there / "step-1" / "a").stat().st_mtime_ns // 1_000_000
    assert member.saved_at_ms == at_ms
