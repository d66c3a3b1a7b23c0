"""The shim and its nursery, as real processes: they end a member's whole tree, and say how."""

import os
import signal
from pathlib import Path

import psutil
import pytest

from cluster import shim
from cluster.run_files import (
    DEFAULT_GRACE_MS,
    OUTPUT_BYTES_MAX,
    RECORD_BYTES_MAX,
    Reserved,
    Stop,
    claim,
    read_json,
    read_stop,
    write_json,
)
from cluster.runs import is_shim_alive
from tests.nursery import Nursery, await_output, end_of, eventually, shim_of, stop, tree_of

pytestmark = pytest.mark.enable_socket


def test_a_member_says_what_it_says_and_ends_as_it_ends(nursery: Nursery, tmp_path: Path) -> None:
    run = nursery.start("run", "pwd; echo trouble >&2; exit 3", cwd=str(tmp_path))

    ended = end_of(run)

    assert (ended["exit_code"], ended["why"]) == (3, "exited")
    assert (run / "out").read_text() == f"{tmp_path}\ntrouble\n"


def test_a_member_that_a_signal_ends_has_its_number_as_code(nursery: Nursery) -> None:
    assert end_of(nursery.start("run", "kill -KILL $$"))["exit_code"] == -signal.SIGKILL


def test_a_folder_that_is_not_there_is_told_in_the_output(nursery: Nursery) -> None:
    run = nursery.start("run", "true", cwd="/does/not/exist")

    assert end_of(run)["exit_code"] == 127
    assert "/does/not/exist" in (run / "out").read_text()


def test_what_a_member_leaves_behind_ends_with_it(nursery: Nursery) -> None:
    run = nursery.start("run", "env -i setsid sleep 1000 & echo $!; exit 0")

    ended = end_of(run)

    assert ended["exit_code"] == 0
    assert not psutil.pid_exists(int((run / "out").read_text()))


def test_a_stop_asks_first(nursery: Nursery) -> None:
    run = nursery.start(
        "run", "trap 'echo bye; exit 5' TERM; echo up; while :; do sleep 0.01; done"
    )
    await_output(run, "up\n")

    stop(run, Stop(grace_ms=60_000))
    ended = end_of(run)

    assert (ended["exit_code"], ended["why"]) == (5, "stopped")
    assert (run / "out").read_text().endswith("bye\n")


def test_a_stop_waits_for_the_whole_tree_not_only_for_its_head(nursery: Nursery) -> None:
    saving = "trap 'sleep 0.2; echo saved; exit' TERM; echo up; while :; do sleep 0.01; done"
    run = nursery.start("run", f'sh -c "{saving}" & wait')
    await_output(run, "up\n")

    stop(run, Stop(grace_ms=60_000))
    end_of(run)

    assert (run / "out").read_text().endswith("saved\n")


def test_a_stop_kills_what_does_not_heed(nursery: Nursery) -> None:
    run = nursery.start("run", "trap '' TERM; echo up; sleep 1000; true")
    await_output(run, "up\n")
    tree = tree_of(run)

    stop(run, Stop(grace_ms=50))
    ended = end_of(run)

    assert (ended["exit_code"], ended["why"]) == (-signal.SIGKILL, "stopped")
    assert not any(map(psutil.pid_exists, tree))


def test_a_second_stop_may_shorten_the_grace(nursery: Nursery) -> None:
    run = nursery.start("run", "trap '' TERM; echo up; sleep 1000; true")
    await_output(run, "up\n")

    stop(run, Stop(grace_ms=600_000))
    stop(run, Stop(grace_ms=50))

    assert end_of(run)["exit_code"] == -signal.SIGKILL


def test_only_who_handles_the_signal_to_save_itself_gets_it(nursery: Nursery) -> None:
    handler = "trap 'echo saved; exit 0' USR1; echo up; while :; do :; done"
    run = nursery.start("run", f'sleep 1000 & sh -c "{handler}"; echo $?; kill $!')
    await_output(run, "up\n")

    stop(run, Stop(grace_ms=60_000, signal=signal.SIGUSR1))
    end_of(run)

    assert (run / "out").read_text() == "up\nsaved\n0\n"


def test_a_signal_that_nobody_handles_gives_way_to_term(nursery: Nursery) -> None:
    run = nursery.start("run", "echo up; exec sleep 1000")
    await_output(run, "up\n")

    stop(run, Stop(grace_ms=600_000, signal=signal.SIGUSR1))

    assert end_of(run)["exit_code"] == -signal.SIGTERM


def test_a_member_ends_when_nobody_renews_its_lease(nursery: Nursery) -> None:
    run = nursery.start("run", "trap '' TERM; sleep 1000; true", ttl_ms=1)

    ended = end_of(run)

    assert (ended["exit_code"], ended["why"]) == (-signal.SIGKILL, "lease")


def test_helpers_end_with_the_lease_though_their_head_has_saved_itself(nursery: Nursery) -> None:
    """Else they would go on for the grace where everybody thinks that nothing can run any more."""
    saves = "trap 'echo saved; exit' USR1; echo up; while :; do sleep 0.01; done"
    run = nursery.start("run", f"(trap '' TERM; sleep 1000; true) & {saves}", ttl_ms=2_000)

    def has_said(text: str) -> bool:
        nursery.lease.touch()
        return (run / "out").exists() and (run / "out").read_text() == text

    eventually(lambda: has_said("up\n"))
    stop(run, Stop(grace_ms=60_000, signal=signal.SIGUSR1))
    eventually(lambda: has_said("up\nsaved\n"))
    ended = end_of(run)

    assert (ended["exit_code"], ended["why"]) == (0, "stopped")


def test_a_run_that_somebody_else_decided_never_begins(nursery: Nursery, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    assert claim(tmp_path / "run")
    assert not claim(tmp_path / "run")
    (tmp_path / "run" / "begun").rename(tmp_path / "begun")
    (tmp_path / "run").rmdir()

    run = nursery.start("other", "true")
    end_of(run)

    assert not claim(run)


def test_what_a_killed_shim_leaves_behind_is_ended_by_the_nursery(nursery: Nursery) -> None:
    run = nursery.start("run", "env -i setsid sleep 1000 & sleep 1000 & echo up; wait")
    await_output(run, "up\n")
    tree = tree_of(run)
    alive = os.open(run / "alive", os.O_RDONLY | os.O_NONBLOCK)
    was_alive = is_shim_alive(alive)

    os.kill(shim_of(run), signal.SIGKILL)
    eventually(lambda: not any(map(psutil.pid_exists, tree)))

    assert was_alive
    eventually(lambda: not is_shim_alive(alive))
    assert not (run / "ended").exists()
    os.close(alive)


def test_shims_outlive_whoever_asked_for_them(nursery: Nursery) -> None:
    run = nursery.start(
        "run", "echo up; while [ ! -e go ]; do sleep 0.01; done; exit 4", cwd=str(nursery.root)
    )
    await_output(run, "up\n")

    nursery.control.close()
    (nursery.root / "go").touch()

    assert end_of(run)["exit_code"] == 4


def test_an_end_that_cannot_be_written_is_written_as_soon_as_it_can(nursery: Nursery) -> None:
    run = nursery.start(
        "run", "echo up; while [ ! -e go ]; do sleep 0.01; done; exit 6", cwd=str(nursery.root)
    )
    eventually((run / "started").exists)
    (run / "ended" / "in the way").mkdir(parents=True)
    alive = os.open(run / "alive", os.O_RDONLY | os.O_NONBLOCK)

    (nursery.root / "go").touch()
    eventually(lambda: (run / "ended.new").stat().st_size < RECORD_BYTES_MAX)
    tried_ns = (run / "ended.new").stat().st_mtime_ns
    eventually(lambda: (run / "ended.new").stat().st_mtime_ns > tried_ns)
    was_alive = is_shim_alive(alive)
    (run / "ended" / "in the way").rmdir()
    (run / "ended").rmdir()
    os.close(alive)

    assert was_alive
    assert end_of(run)["exit_code"] == 6


def test_the_room_for_an_end_is_set_aside_before_a_member_begins(tmp_path: Path) -> None:
    ended = Reserved(tmp_path / "ended")
    reserved = (tmp_path / "ended.new").stat()

    ended.write_json({"why": "exited"})

    assert reserved.st_blocks * 512 >= reserved.st_size == RECORD_BYTES_MAX
    assert read_json(tmp_path / "ended") == {"why": "exited"}


def test_a_member_for_which_the_disk_has_no_room_does_not_begin(nursery: Nursery) -> None:
    (nursery.root / "run").mkdir()
    (nursery.root / "run" / "ended.new").symlink_to("/dev/full")

    nursery.ask("run", "touch begun-all-the-same")
    end_of(nursery.start("other", "true"))

    assert claim(nursery.root / "run")


def test_a_member_that_talks_too_much_does_not_fill_the_disk(nursery: Nursery) -> None:
    run = nursery.start("run", "yes industry-brain")
    bound = OUTPUT_BYTES_MAX + 1
    eventually(lambda: (run / "out").exists() and (run / "out").stat().st_size > bound)

    eventually(lambda: (run / "out").stat().st_size == bound)
    stop(run, Stop(grace_ms=600_000))
    end_of(run)

    assert (run / "out").stat().st_size == bound


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may choose as whom to run")
def test_a_member_is_the_user_it_is_asked_to_be(nursery: Nursery) -> None:
    (nursery.root / "run").mkdir()
    (nursery.root / "secret").write_text("secret")
    look = f"id -u; id -G; cat {nursery.root}/secret /proc/$PPID/environ; kill $PPID"
    run = nursery.ask("run", f"{look}; echo up; exec sleep 1000", uid=212_345)
    eventually(lambda: (run / "out").exists() and (run / "out").read_text().endswith("up\n"))

    said = (run / "out").read_text()
    stop(run, Stop(grace_ms=600_000))

    assert said.splitlines()[:2] == ["212345", "212345 7"]
    assert said.count("Permission denied") == 2
    assert "secret\n" not in said
    assert end_of(run)["why"] == "stopped"


def test_who_does_not_say_how_to_stop_gives_the_usual_grace(tmp_path: Path) -> None:
    assert read_stop(tmp_path).grace_ms == DEFAULT_GRACE_MS

    write_json(tmp_path / "stop", {"grace_ms": 5, "signal": None})

    assert read_stop(tmp_path) == Stop(grace_ms=5)


def test_a_lease_is_held_as_long_as_its_file_changes(tmp_path: Path) -> None:
    lease = shim._Lease(str(tmp_path / "lease"), ttl_ms=1_000)
    assert lease.is_held(), "it may be that nobody has touched it yet"

    lease._seen_at_s -= 2
    assert not lease.is_held()
    (tmp_path / "lease").touch()
    assert lease.is_held()
    lease._seen_at_s -= 2
    assert not lease.is_held()
