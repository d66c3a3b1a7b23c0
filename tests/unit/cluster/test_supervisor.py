"""A node's supervisor with real members; Ray only carries what it is asked and says."""

import asyncio
import errno
import hashlib
import io
import os
import tarfile
import tempfile
import threading
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path

import pytest

from cluster import supervisor as module
from cluster.activity import MeterKind
from cluster.archive import BadArchive
from cluster.devices import CORES_VARIABLE
from cluster.member import Leasing, MemberEnd, MemberPhase, MemberStart, MemberState
from cluster.member_folders import is_own_fault
from cluster.run_files import Stop
from cluster.runs import Runs
from cluster.supervisor import NodeSettings, Supervisor, runs_folder

pytestmark = pytest.mark.enable_socket

PATIENCE_S = 20
SILENCE_MS_MAX = 600_000
UID = 212_345
START = MemberStart(
    attempt_id="j.1",
    job_id="j",
    rank=0,
    card_count=1,
    command="true",
    env=(("BRAIN_ATTEMPT", "j.1"), ("RANK", "0")),
    archive=None,
    workdir=None,
    checkpoint_dir=None,
    order="{}",
)

Work = Callable[[Supervisor], Coroutine[None, None, MemberState]]


def a_supervisor(
    data: Path,
    variable: str = "CUDA_VISIBLE_DEVICES",
    head: tuple[str, int] = ("127.0.0.1", 1),
) -> Supervisor:
    return Supervisor(
        NodeSettings(
            node_id="n1",
            data_dir=str(data),
            card_count=4,
            visible_devices_variable=variable,
            head=head,
            silence_ms_max=SILENCE_MS_MAX,
            meter=MeterKind.PROCESSOR,
        )
    )


def done(data: Path, work: Work, variable: str = "CUDA_VISIBLE_DEVICES") -> MemberState:
    """What comes of this work with a supervisor that lives as long."""

    async def run() -> MemberState:
        node = a_supervisor(data, variable)
        try:
            return await work(node)
        finally:
            if node._nursery._control is not None:
                node._nursery._control.close()

    return asyncio.run(run())


async def until(node: Supervisor, phase: MemberPhase) -> MemberState:
    """Watch the node, as its agent does, until its one member has come so far."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            seen = await node.watch("", 0, Leasing.RENEW, 0)
            for member in seen.members:
                if member.phase is phase:
                    return member
            await asyncio.sleep(0.01)


async def ended(node: Supervisor, start: MemberStart = START) -> MemberState:
    await node.start(start)
    return await until(node, MemberPhase.ENDED)


def said(data: Path) -> str:
    return (data / "runs" / "n1" / "j.1" / "0" / "out").read_text()


def test_a_member_gets_its_cards_its_folders_and_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SITE_SECRET", "s")
    show = "echo $CUDA_VISIBLE_DEVICES; cd ckpt; pwd -P; echo $BRAIN_CHECKPOINT_DIR; env"
    start = replace(START, card_count=2, command=show, checkpoint_dir="ckpt")

    end = done(tmp_path, lambda node: ended(node, start))

    checkpoints = f"{tmp_path}/checkpoints/j"
    assert (end.exit_code, end.cards) == (0, (0, 1))
    assert said(tmp_path).splitlines()[:3] == ["0,1", checkpoints, checkpoints]
    assert "SITE_SECRET" not in said(tmp_path)


def test_no_variable_of_a_job_takes_the_place_of_ours(tmp_path: Path) -> None:
    env = (*START.env, ("CUDA_VISIBLE_DEVICES", "0,1,2,3"))
    start = replace(START, command="echo cards=$CUDA_VISIBLE_DEVICES", env=env)

    done(tmp_path, lambda node: ended(node, start))

    assert said(tmp_path) == "cards=0\n"


def test_a_member_on_cores_knows_which_and_starts_as_many_threads(tmp_path: Path) -> None:
    start = replace(START, card_count=3, command="echo $BRAIN_CORES $OMP_NUM_THREADS")

    done(tmp_path, lambda node: ended(node, start), CORES_VARIABLE)

    assert said(tmp_path) == "0,1,2 3\n"


def test_a_member_that_must_be_kept_apart_and_cannot_be_is_refused(tmp_path: Path) -> None:
    """Root could, but not in a folder that only root may enter; anybody else cannot at all."""
    tmp_path.chmod(0o700)
    start = replace(START, uid=UID, is_uid_required=True)

    end = done(tmp_path / "data", lambda node: ended(node, start))

    assert end.end is MemberEnd.REFUSED
    assert "must be kept apart" in end.detail


def test_a_member_that_cannot_be_kept_apart_runs_and_the_node_complains(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)

    async def work(node: Supervisor) -> MemberState:
        end = await ended(node, replace(START, uid=UID))
        seen = await node.watch("", 0, Leasing.RENEW, 0)
        assert seen.complaint
        return end

    assert done(tmp_path / "data", work).exit_code == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may choose as whom to run")
def test_a_member_that_is_kept_apart_has_its_folders_and_nobody_elses() -> None:
    look = "id -u; pwd; cat f; echo x > ckpt/state; echo x > $HOME/mine; cat ../order.json; cat "
    packed, sha256 = an_archive()
    with tempfile.TemporaryDirectory(prefix="brain-") as folder:
        data = Path(folder)
        data.chmod(0o711)
        (data / "ray-token").touch(mode=0o600)
        start = replace(
            START, archive=sha256, checkpoint_dir="ckpt", command=f"{look}{data}/ray-token", uid=UID
        )

        async def work(node: Supervisor) -> MemberState:
            node._users._tried_at_s = 0.0  # as if tried: our Python may lie in root's own folder
            await node.keep_archive(sha256, packed)
            return await ended(node, start)

        end = done(data, work)

        assert said(data).startswith(f"{UID}\n{data}/runs/n1/j.1/work\ncontent")
        assert said(data).count("Permission denied") == 2
        open_to_others = [
            str(path.relative_to(data))
            for path in (data / "runs").rglob("*")
            if path.lstat().st_uid == 0 and path.lstat().st_mode & 0o066
        ]
        assert open_to_others == []
        assert (data / "checkpoints/j/state").stat().st_uid == UID
        assert (data / "runs/n1/j.1/home/mine").stat().st_uid == UID
        assert end.exit_code == 1


def test_the_time_to_begin_does_not_count_while_a_folder_is_prepared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed, sha256 = an_archive()

    async def work(node: Supervisor) -> MemberState:
        await node.keep_archive(sha256, packed)
        async with node._preparing.setdefault("j.1", asyncio.Lock()):  # somebody unpacks slowly
            monkeypatch.setattr(module, "BEGIN_S", 0.2)
            await node.start(replace(START, archive=sha256, command="cat f"))
            await asyncio.sleep(0.5)
            monkeypatch.setattr(module, "BEGIN_S", PATIENCE_S)
        return await until(node, MemberPhase.ENDED)

    assert done(tmp_path, work).exit_code == 0
    assert said(tmp_path) == "content"


def test_what_is_stopped_while_its_folder_is_prepared_never_runs(tmp_path: Path) -> None:
    async def work(node: Supervisor) -> MemberState:
        async with node._preparing.setdefault("j.1", asyncio.Lock()):
            await node.start(START)
            await node.stop("j.1", 0, Stop(grace_ms=0))
        return await until(node, MemberPhase.ENDED)

    end = done(tmp_path, work)

    assert (end.end, end.started_at_ms) == (MemberEnd.STOPPED, None)


@pytest.mark.parametrize("archive", ["0" * 64, "no sha256 at all"])
def test_whatever_keeps_a_member_from_running_refuses_it(tmp_path: Path, archive: str) -> None:
    end = done(tmp_path, lambda node: ended(node, replace(START, archive=archive)))

    assert end.end is MemberEnd.REFUSED
    assert archive in end.detail
    assert not end.is_own_fault, "the node has not got it"


@pytest.mark.parametrize(
    "packed", [b"no tar at all", None], ids=["no archive", "a file in its way"]
)
def test_what_a_job_brings_along_is_its_own_fault_also_after_a_restart(
    tmp_path: Path, packed: bytes | None
) -> None:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("out"), io.BytesIO())
    brought = packed or data.getvalue()
    sha256 = hashlib.sha256(brought).hexdigest()
    start = replace(START, archive=sha256, checkpoint_dir="out/mine")

    async def work(node: Supervisor) -> MemberState:
        await node.keep_archive(sha256, brought)
        return await ended(node, start)

    end = done(tmp_path, work)

    assert (end.end, end.is_own_fault) == (MemberEnd.REFUSED, True)
    (again,) = Runs(runs_folder(tmp_path, "n1"), 4)
    assert again.state.is_own_fault


def test_a_full_disk_is_not_the_jobs_own_fault() -> None:
    full = OSError(errno.ENOSPC, "no space left")
    why = BadArchive("the archive cannot be unpacked")
    why.__cause__ = full

    assert not is_own_fault(full)
    assert not is_own_fault(why)
    assert is_own_fault(BadArchive("the archive has more than 50000 entries"))


def test_a_stop_reaches_a_member_though_the_disk_is_full(tmp_path: Path) -> None:
    async def work(node: Supervisor) -> MemberState:
        await node.start(replace(START, command="exec sleep 1000"))
        await until(node, MemberPhase.RUNNING)
        (tmp_path / "runs/n1/j.1/0/stop.new").symlink_to("/dev/full")
        await node.stop("j.1", 0, Stop(grace_ms=0))
        return await until(node, MemberPhase.ENDED)

    assert done(tmp_path, work).end is MemberEnd.STOPPED


def test_a_later_life_of_a_supervisor_knows_what_became_of_its_members(tmp_path: Path) -> None:
    end = done(tmp_path, lambda node: ended(node, replace(START, command="exit 3")))

    assert done(tmp_path, lambda node: until(node, MemberPhase.ENDED)) == end


def test_what_a_member_computes_is_told_while_it_runs_and_after_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SAMPLE_S", 0.05)
    busy = replace(START, command="trap 'exit 0' TERM; while :; do :; done")

    async def counted(node: Supervisor, more_than_ms: int) -> MemberState:
        while True:
            member = await until(node, MemberPhase.RUNNING)
            if member.activity is not None and member.activity.active_ms > more_than_ms:
                return member
            await asyncio.sleep(0.01)

    async def begin(node: Supervisor) -> MemberState:
        await node.start(busy)
        return await counted(node, 50)

    async def go_on(node: Supervisor) -> MemberState:
        later = await counted(node, 150)
        await node.stop("j.1", 0, Stop(grace_ms=1_000))
        end = await until(node, MemberPhase.ENDED)
        assert later.activity is not None
        assert end.activity is not None
        assert end.activity.active_ms >= later.activity.active_ms
        return later

    first, later = done(tmp_path, begin), done(tmp_path, go_on)

    assert first.activity is not None
    assert later.activity is not None
    assert later.activity.measured_ms > first.activity.measured_ms
    assert later.activity.active_ms >= first.activity.active_ms


def test_who_watches_another_life_is_told_all_and_then_what_is_new(tmp_path: Path) -> None:
    async def watch(node: Supervisor) -> MemberState:
        end = await ended(node)
        seen = await node.watch("an earlier life", 1_000, Leasing.RENEW, 0)
        assert seen.members == (end,)
        again = await node.watch(seen.incarnation, seen.version, Leasing.RENEW, 0)
        assert again.members == ()
        return end

    assert done(tmp_path, watch).exit_code == 0


def test_what_is_stopped_before_its_order_comes_never_runs(tmp_path: Path) -> None:
    async def stop_first(node: Supervisor) -> MemberState:
        await node.stop("j.1", 0, Stop(grace_ms=0))
        return await node.start(START)

    assert done(tmp_path, stop_first).end is MemberEnd.STOPPED


def test_what_is_forgotten_is_removed_but_for_what_it_made(tmp_path: Path) -> None:
    async def work(node: Supervisor) -> MemberState:
        end = await ended(node, replace(START, command="touch here $BRAIN_OUTPUT_DIR/made"))
        await node.forget("j.1")
        return end

    assert done(tmp_path, work).exit_code == 0
    left = sorted(map(str, tmp_path.glob("runs/n1/j.1/**/*")))

    assert (left, (tmp_path / "runs/n1/j.1").exists()) == ([], False)
    assert (tmp_path / "outputs/j/made").exists()


def test_a_node_goes_on_while_what_a_job_has_left_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be a million files, which takes longer than the lease of all others lasts."""
    goes_on, was_going_on, remove = threading.Event(), [], Runs.remove

    def remove_slowly(runs: Runs, attempt_id: str) -> None:
        was_going_on.append(goes_on.wait(5))
        remove(runs, attempt_id)

    async def work(node: Supervisor) -> MemberState:
        end = await ended(node)
        monkeypatch.setattr(Runs, "remove", remove_slowly)
        asyncio.get_running_loop().call_soon(goes_on.set)
        await node.forget("j.1")
        return end

    done(tmp_path, work)

    assert was_going_on == [True]


def an_archive() -> tuple[bytes, str]:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as file:
        entry = tarfile.TarInfo("f")
        entry.size = len(b"content")
        file.addfile(entry, io.BytesIO(b"content"))
    packed = buffer.getvalue()
    return packed, hashlib.sha256(packed).hexdigest()


def test_where_no_member_may_write_nobody_looks_until_one_is_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def first_output(node: Supervisor) -> MemberState:
        monkeypatch.setattr(module, "LOG_LOOK_S", 2 * PATIENCE_S)
        async with asyncio.timeout(PATIENCE_S):
            assert await node.read_logs({}, set(), 0.01) == ()
        reading = asyncio.create_task(node.read_logs({}, set(), 2 * PATIENCE_S))
        await asyncio.sleep(0)
        monkeypatch.undo()
        await node.start(replace(START, command="echo here"))
        async with asyncio.timeout(PATIENCE_S):
            (chunk,) = await reading
        assert (chunk.data, chunk.offset) == (b"here\n", 0)
        state = await until(node, MemberPhase.ENDED)
        monkeypatch.setattr(module, "LOG_LOOK_S", 2 * PATIENCE_S)
        async with asyncio.timeout(PATIENCE_S):
            assert await node.read_logs({}, {(state.attempt_id, state.rank)}, 0.01) == ()
        return state

    assert done(tmp_path, first_output).exit_code == 0
