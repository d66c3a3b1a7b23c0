"""The file in which a centre keeps the ends of its attempts."""

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


def test_after_what_a_full_disk_did_not_take_the_diary_is_whole_anew(tmp_path: Path) -> None:
    kept = DiaryFile(tmp_path, 0)
    kept.note(an_end("a.1"), 50)
    there = tmp_path / "diary.jsonl"
    there.rename(tmp_path / "away")
    there.symlink_to("/dev/full")
    kept.note(an_end("b.1"), 60)
    there.unlink()
    (tmp_path / "away").rename(there)

    kept.note(an_end("c.1"), 70)

    read = kept.read([], 80)
    assert read.whole_since_ms == 70
    assert [one.attempt_id for one in read.attempts] == ["a.1", "c.1"]


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
