"""The file in which a centre keeps the ends of its attempts."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cluster import diary, diary_file
from cluster.diary import Noted
from cluster.diary_file import DiaryFile
from cluster.driver import AttemptEnd, AttemptPhase


def an_end(attempt_id: str, ended_at_ms: int = 50) -> Noted:
    return Noted(
        attempt_id=attempt_id,
        phase=AttemptPhase.ENDED,
        job_id="j",
        tenant_id="steel",
        device_kind_id="npu",
        cards=(("n1", 8),),
        started_at_ms=40,
        ended_at_ms=ended_at_ms,
        end=AttemptEnd.EXITED,
    )


def running(attempt_id: str) -> Noted:
    return Noted(attempt_id=attempt_id, phase=AttemptPhase.RUNNING)


def test_what_was_kept_is_there_after_a_restart_beside_what_runs(tmp_path: Path) -> None:
    DiaryFile(tmp_path, 7).note(an_end("a.1"), 60)

    read = DiaryFile(tmp_path, 99).read([running("b.1")], 100)

    assert read.whole_since_ms == 7
    assert read.attempts == (running("b.1"), an_end("a.1"))


def test_the_last_word_counts_and_an_end_more_than_what_ran_just_before(tmp_path: Path) -> None:
    kept = DiaryFile(tmp_path, 0)
    kept.note(an_end("a.1", 50), 50)
    kept.note(an_end("a.1", 55), 55)

    assert kept.read([running("a.1")], 60).attempts == (an_end("a.1", 55),)


@contextmanager
def full_disk(room: int = 0) -> Iterator[None]:
    """No file grows beyond `room` bytes: what does not fit is cut off, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def whole_since(kept: DiaryFile, now_ms: int) -> tuple[int, list[str]]:
    read = kept.read([], now_ms)
    return read.whole_since_ms, [one.attempt_id for one in read.attempts]


def test_after_what_a_full_disk_did_not_take_the_diary_is_whole_anew(tmp_path: Path) -> None:
    kept = DiaryFile(tmp_path, 0)
    kept.note(an_end("a.1"), 50)
    with full_disk():
        kept.note(an_end("b.1"), 60)
    at_once = whole_since(kept, 65)
    kept.note(an_end("c.1"), 70)

    assert at_once == (65, ["a.1"])
    assert whole_since(kept, 80) == (70, ["a.1", "c.1"])


@pytest.mark.parametrize("room", [0, 150])
def test_a_gap_outlives_the_agent(tmp_path: Path, room: int) -> None:
    """Also where the next file's first line would fit, and not the end that it was begun for."""
    kept = DiaryFile(tmp_path, 0)
    kept.note(an_end("a.1"), 50)
    with full_disk(room):
        kept.note(an_end("b.1"), 60)
        kept.note(an_end("c.1"), 61)

    again = DiaryFile(tmp_path, 70)
    again.note(an_end("d.1"), 80)

    assert whole_since(again, 90) == (70, ["a.1", "d.1"])


@pytest.mark.parametrize("room", [0, 20, 150])
def test_a_diary_that_did_not_fit_is_begun_once_there_is_room(tmp_path: Path, room: int) -> None:
    """With room for none of it, for a part of its first line, and for that one alone."""
    kept = DiaryFile(tmp_path, 0)
    kept.note(an_end("a.1"), 50)
    with full_disk(room):
        kept.note(an_end("b.1"), 60)
        kept.note(an_end("c.1"), 61)
        while_full = DiaryFile(tmp_path, 62)
        while_full.note(an_end("d.1"), 63)
    at_once = whole_since(while_full, 64)
    while_full.note(an_end("e.1"), 70)

    since_ms, attempt_ids = whole_since(while_full, 80)
    assert at_once[0] == 64
    assert (since_ms, attempt_ids[-1]) == (70, "e.1")
    assert whole_since(DiaryFile(tmp_path, 90), 90)[0] == 70


def test_what_was_kept_before_the_machine_started_anew_is_not_called_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have taken lines along that were not on the disk yet."""
    DiaryFile(tmp_path, 0).note(an_end("a.1"), 50)
    (tmp_path / "boot").write_text("another")
    monkeypatch.setattr(diary_file, "_BOOT_ID", tmp_path / "boot")

    assert whole_since(DiaryFile(tmp_path, 60), 70) == (60, ["a.1"])
    assert whole_since(DiaryFile(tmp_path, 80), 90)[0] == 60


def test_a_line_that_was_cut_off_spoils_no_other(tmp_path: Path) -> None:
    kept = DiaryFile(tmp_path, 3)
    with (tmp_path / "diary.jsonl").open("ab") as file:
        file.write(b'\n{"attempt_id": "cut')
    kept.note(an_end("a.1"), 50)

    read = kept.read([], 60)

    assert (read.whole_since_ms, read.attempts) == (3, (an_end("a.1"),))


def test_a_long_file_is_kept_beside_the_next_and_the_one_before_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diary_file, "FILE_BYTES_MAX", 100)
    kept = DiaryFile(tmp_path, 0)
    for number in range(1, 5):
        kept.note(an_end(f"a.{number}", 10 * number), 10 * number)

    read = kept.read([], 60)

    assert read.whole_since_ms == 30
    assert [one.attempt_id for one in read.attempts] == ["a.3", "a.4"]


def test_more_than_are_told_at_once_make_it_whole_since_the_last_that_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diary_file, "ATTEMPTS_TOLD_MAX", diary.ATTEMPTS_TOLD_MAX // 10_000)
    kept = DiaryFile(tmp_path, 0)
    for number in range(1, 5):
        kept.note(an_end(f"a.{number}", 10 * number), 10 * number)

    read = kept.read([running("b.1")], 60)

    assert read.whole_since_ms == 20
    assert [one.attempt_id for one in read.attempts] == ["b.1", "a.3", "a.4"]
