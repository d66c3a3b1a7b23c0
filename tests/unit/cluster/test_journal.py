"""What a driver remembers of its attempts over a restart."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cluster.driver import AttemptEnd
from cluster.gang import Attempt
from cluster.journal import Journal
from tests.ray_centre import order


def test_an_attempt_is_read_as_it_was_written(tmp_path: Path) -> None:
    attempt = Attempt(
        attempt_id="j.1",
        noted_at_ms=5,
        order=order("j.1", "true", members=2, checkpoint_signal="SIGUSR1"),
        master_port=4242,
        role_ports=[4243, 4244],
        started_at_ms=7,
        stop_grace_ms=10,
        refusal="no",
        is_forgotten=True,
    )
    stopped = Attempt(attempt_id="k.1", noted_at_ms=6)
    stopped.final = stopped.report()

    Journal(tmp_path).write(attempt)
    Journal(tmp_path).write(stopped)

    assert Journal(tmp_path).read() == [attempt, stopped]


def test_a_journal_that_could_not_note_an_order_is_full_until_there_is_room(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    (tmp_path / "j.1.new").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        journal.write(Attempt(attempt_id="j.1"))
    was_full = [journal.is_full]

    (tmp_path / "room").mkdir()
    journal.look()
    was_full.append(journal.is_full)
    (tmp_path / "room").rmdir()
    journal.look()
    was_full.append(journal.is_full)

    assert was_full == [True, True, False]
    assert [path.name for path in tmp_path.iterdir()] == ["j.1.new"]


def test_what_was_reported_of_an_end_does_not_change(tmp_path: Path) -> None:
    attempt = Attempt(attempt_id="j.1", order=order("j.1", "true"))
    attempt.stop_grace_ms = 0
    attempt.final = Attempt(attempt_id="j.1", noted_at_ms=9).report()
    Journal(tmp_path).write(attempt)

    [read] = Journal(tmp_path).read()

    assert read.is_over
    assert read.unfinished == ()
    assert read.report().end is AttemptEnd.STOPPED


def test_an_attempt_may_be_written_by_two_threads_at_once(tmp_path: Path) -> None:
    """One has chosen its port, while another is told to stop it."""
    journal, attempt = Journal(tmp_path), Attempt(attempt_id="j.1")

    with ThreadPoolExecutor(2) as threads:
        written = [threads.submit(journal.write, attempt) for _ in range(1_000)]
    failures = [one.exception() for one in written]

    assert set(failures) == {None}
    assert journal.read() == [attempt]


def test_what_is_removed_is_not_read_and_what_is_spoilt_is_passed_over(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.write(Attempt(attempt_id="j.1"))
    (tmp_path / "k.1.json").write_text('{"attempt_id": "k.', encoding="utf-8")

    journal.remove("j.1")
    journal.remove("j.1")

    assert journal.read() == []
