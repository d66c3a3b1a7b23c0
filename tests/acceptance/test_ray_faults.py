"""A centre on real Ray under real faults: what is killed loses nothing and leaves nothing."""

import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from api.auth import Role, create_key
from api.clock import now_ms
from api.database import engine
from api.feed import Feed
from api.services import Services
from api.settings import Settings
from cluster.driver import AttemptEnd
from cluster.link import CentreLink
from cluster.local_ray import LocalRay
from scheduler.asking.diaries import Sort, discrepancies
from tests.acceptance.ray_bed import (
    PATIENCE_S,
    Bed,
    eventually,
    listening_on,
    living,
    lose_archive,
    processes_of,
    serving,
    shim_of,
    supervisors_of,
    upload,
    whole_tree,
)
from tests.ray_centre import (
    CENTRE,
    NODE_IDS,
    order,
    until_ended,
    until_heard_again,
    until_online,
    until_running,
)

pytestmark = [
    pytest.mark.ray,
    pytest.mark.slow,
    pytest.mark.enable_socket,
    pytest.mark.timeout(120),
]

GRACE_MS = 10_000

# Two members find each other by MASTER_ADDR and MASTER_PORT, and agree on a number.
TALK = """
exec python - <<'END'
import os, socket, time
place = (os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]))
if os.environ["RANK"] == "0":
    with socket.create_server(place) as server:
        peer, _ = server.accept()
        print("rank 0 heard", peer.recv(100).decode(), flush=True)
else:
    for _ in range(200):
        try:
            peer = socket.create_connection(place)
            break
        except OSError:
            time.sleep(0.05)
    peer.sendall(os.environ["ASCEND_RT_VISIBLE_DEVICES"].encode())
END
"""
# Four processes deaf to TERM, of which two have left their session, and their environment.
DEAF = """trap '' TERM; env -i setsid sh -c "trap '' TERM; sleep 1000; true" & sleep 1000; true"""
DEAF_COUNT = 4


@pytest.fixture(scope="module")
def bed(local_ray: LocalRay, module_database_url: str) -> Iterator[Bed]:
    """One for all tests here: each has attempts of its own, and leaves an agent that serves."""
    database = engine(module_database_url)
    with database.begin() as connection:
        key = create_key(connection, Role.AGENT, now_ms=0, centre_id=CENTRE.id)
    beds: list[Bed] = []
    link = CentreLink(CENTRE.id, now_ms, lambda: beds[0].hear() if beds else None)
    services = Services(
        settings=Settings(), database=database, feed=Feed(database), links={CENTRE.id: link}
    )
    with serving(services) as url:
        made = Bed(link=link, services=services, cluster=local_ray, url=url, key=key.secret)
        beds.append(made)
        made.start_agent()
        until_online(link)
        yield made
        made.end_agent(signal.SIGTERM)
        link.close()
    database.dispose()


def test_a_gang_meets_over_the_network_and_says_so(bed: Bed) -> None:
    bed.launch(order("meet.1", TALK, members=2, cards=2))

    ended = until_ended(bed.link, "meet.1")

    assert (ended.end, ended.exit_code) == (AttemptEnd.EXITED, 0)
    eventually(lambda: bed.output("meet.1") == b"rank 0 heard 0,1\n", "the output has come")


def test_a_local_ray_runs_no_dashboard_no_autoscaler_and_nothing_for_clients(bed: Bed) -> None:
    words = [word for process in bed.cluster.processes() for word in process.cmdline()]

    assert "--disable-frontend" in words
    assert not [word for word in words if word.endswith(("monitor.py", "ray.util.client.server"))]


def test_the_first_failing_member_ends_its_gang(bed: Bed) -> None:
    bed.launch(order("fail.1", "[ $RANK = 1 ] && exit 7; exec sleep 1000", members=2))

    ended = until_ended(bed.link, "fail.1")

    assert (ended.end, ended.exit_code) == (AttemptEnd.EXITED, 7)
    assert processes_of("fail.1") == []


def test_a_member_killed_by_anybody_ends_its_gang(bed: Bed) -> None:
    bed.launch(order("kill.1", "exec sleep 1000", members=2))
    until_running(bed.link, "kill.1")
    shim_of("kill.1").children()[0].kill()

    ended = until_ended(bed.link, "kill.1")

    assert (ended.end, ended.exit_code) == (AttemptEnd.EXITED, -signal.SIGKILL)
    assert processes_of("kill.1") == []


def test_a_stop_ends_a_tree_that_does_not_want_to(bed: Bed) -> None:
    bed.launch(order("deaf.1", DEAF))
    until_running(bed.link, "deaf.1")
    tree = whole_tree("deaf.1", DEAF_COUNT)

    bed.link.stop("deaf.1", 500)
    ended = until_ended(bed.link, "deaf.1")

    assert ended.end is AttemptEnd.STOPPED
    assert living(tree) == []


def test_a_killed_shim_leaves_nothing_behind(bed: Bed) -> None:
    bed.launch(order("shim.1", DEAF))
    until_running(bed.link, "shim.1")
    tree = whole_tree("shim.1", DEAF_COUNT)

    shim_of("shim.1").kill()
    ended = until_ended(bed.link, "shim.1")

    assert (ended.end, ended.exit_code) == (AttemptEnd.EXITED, -signal.SIGKILL)
    eventually(lambda: not living(tree), "all of it is gone")


def test_a_job_saves_itself_when_it_is_signalled(bed: Bed) -> None:
    save = "trap 'echo saved > $BRAIN_CHECKPOINT_DIR/state; exit 0' USR1; "
    command = save + "echo ready; while :; do sleep 0.05; done"
    bed.launch(order("save.1", command, checkpoint_signal="SIGUSR1"))
    eventually(lambda: bed.output("save.1") == b"ready\n", "it is ready")

    bed.link.stop("save.1", GRACE_MS)
    ended = until_ended(bed.link, "save.1")

    assert (ended.end, ended.exit_code) == (AttemptEnd.STOPPED, 0)
    saved = bed.cluster.data_dir / "checkpoints" / "save" / "state"
    assert saved.read_text() == "saved\n"


def test_a_working_directory_comes_to_every_node(bed: Bed) -> None:
    sha256 = upload(bed, {"src/say.py": b"print('from the archive')"})
    command = "python src/say.py; ls -l ckpt >/dev/null && echo $RANK > ckpt/rank-$RANK"
    packed = order("work.1", command, members=2, archive=sha256, checkpoint_dir="ckpt")

    bed.launch(packed)
    ended = until_ended(bed.link, "work.1")

    assert (ended.end, ended.exit_code) == (AttemptEnd.EXITED, 0)
    eventually(lambda: bed.output("work.1", 1) == b"from the archive\n", "the output has come")
    kept = bed.cluster.data_dir / "checkpoints" / "work"
    assert sorted(path.name for path in kept.iterdir()) == ["rank-0", "rank-1"]


def test_a_working_directory_that_nobody_has_is_refused(bed: Bed) -> None:
    bed.launch(order("bare.1", "true", archive="0" * 64))

    ended = until_ended(bed.link, "bare.1")

    assert (ended.end, ended.started_at_ms) == (AttemptEnd.REFUSED, None)
    assert "the broker has no archive" in ended.detail


def test_what_is_over_and_forgotten_leaves_only_what_it_made(bed: Bed) -> None:
    bed.launch(order("tidy.1", "echo said; echo made > $BRAIN_OUTPUT_DIR/model"))
    until_ended(bed.link, "tidy.1")

    bed.link.forget("tidy.1")
    data = bed.cluster.data_dir
    eventually(lambda: not list(data.glob("runs/*/tidy.1")), "its runs are removed")

    assert bed.output("tidy.1") == b"said\n"
    assert (data / "outputs" / "tidy" / "model").read_text() == "made\n"
    assert not (data / "attempts" / "tidy.1.json").exists()


def test_members_see_no_secret_of_ray_or_ours(bed: Bed) -> None:
    bed.launch(
        order("env.1", "env | cut -d= -f1 | grep -E '^(RAY_|BRAIN_)' | sort; command -v python")
    )
    until_ended(bed.link, "env.1")

    said = (
        b"BRAIN_ATTEMPT\nBRAIN_CHECKPOINT_DIR\nBRAIN_JOB_ID\nBRAIN_OUTPUT_DIR\n"
        + os.fsencode(Path(sys.executable).parent / "python")
        + b"\n"
    )
    eventually(lambda: bed.output("env.1") == said, "these are all the variables")


def test_an_agent_that_was_killed_finds_its_attempts_again(bed: Bed) -> None:
    wait = "while [ ! -e $BRAIN_OUTPUT_DIR/go ]; do sleep 0.05; done"
    sha256 = upload(bed, {"word": b"before\n"})
    bed.launch(order("adopt.1", f"cat word; {wait}; echo after", members=2, archive=sha256))
    started = until_running(bed.link, "adopt.1")
    bed.launch(order("lost.1", "exit 5"))
    until_ended(bed.link, "lost.1")

    bed.end_agent(signal.SIGKILL)
    lose_archive(bed, sha256)  # as where the broker cannot be asked
    bed.start_agent()
    for _ in range(2):  # whatever it does with what runs it has done by then
        until_heard_again(bed.link)
    (bed.cluster.data_dir / "outputs" / "adopt" / "go").touch()
    ended = until_ended(bed.link, "adopt.1")

    assert (ended.end, ended.exit_code) == (AttemptEnd.EXITED, 0)
    assert ended.started_at_ms == started.started_at_ms
    eventually(lambda: bed.output("adopt.1", 1) == b"before\nafter\n", "each byte came once")
    until_online(bed.link)


def test_a_second_agent_serves_when_the_first_has_ended(bed: Bed) -> None:
    """Beside the first it would begin gangs as well, and tell their members another port."""
    first, bed.agent = bed.agent, None
    assert first is not None
    log = bed.cluster.data_dir / "agent.log"
    bed.start_agent()
    eventually(lambda: b"another agent serves" in log.read_bytes(), "the second has said so")

    first.kill()
    first.wait(PATIENCE_S)
    bed.launch(order("second.1", "true"))

    assert until_ended(bed.link, "second.1").exit_code == 0


def test_an_agent_without_memory_learns_from_the_nodes(bed: Bed) -> None:
    bed.launch(order("amnesia.1", "exec sleep 1000", members=2))
    until_running(bed.link, "amnesia.1")

    bed.end_agent(signal.SIGKILL)
    (bed.cluster.data_dir / "attempts" / "amnesia.1.json").unlink()
    bed.start_agent()
    until_online(bed.link)
    bed.link.stop("amnesia.1", GRACE_MS)

    assert until_ended(bed.link, "amnesia.1").end is AttemptEnd.STOPPED
    assert processes_of("amnesia.1") == []


def test_an_agent_whose_disk_is_full_takes_its_attempts_over_when_there_is_room(bed: Bed) -> None:
    bed.launch(order("full.1", "exec sleep 1000"))
    until_running(bed.link, "full.1")

    bed.end_agent(signal.SIGKILL)
    attempts, log = bed.cluster.data_dir / "attempts", bed.cluster.data_dir / "agent.log"
    (attempts / "full.1.json").unlink()
    (attempts / "full.1.new").symlink_to("/dev/full")
    bed.start_agent()
    eventually(lambda: b"No space left" in log.read_bytes(), "it has tried")
    (attempts / "full.1.new").unlink()
    until_online(bed.link)
    bed.link.stop("full.1", GRACE_MS)

    assert until_ended(bed.link, "full.1").end is AttemptEnd.STOPPED
    assert processes_of("full.1") == []


def test_a_supervisor_that_was_killed_finds_its_members_again(bed: Bed) -> None:
    bed.launch(order("super.1", "while [ ! -e $BRAIN_OUTPUT_DIR/go ]; do sleep 0.05; done; exit 3"))
    until_running(bed.link, "super.1")

    supervisors = supervisors_of(bed.cluster)
    assert len(supervisors) == len(NODE_IDS)
    for supervisor in supervisors:
        supervisor.kill()
    psutil.wait_procs(supervisors, timeout=PATIENCE_S)
    (bed.cluster.data_dir / "outputs" / "super" / "go").touch()
    ended = until_ended(bed.link, "super.1")

    assert (ended.end, ended.exit_code) == (AttemptEnd.EXITED, 3)
    until_online(bed.link)


def test_without_broker_and_agent_members_end_by_themselves(bed: Bed) -> None:
    bed.launch(order("fence.1", DEAF))
    until_running(bed.link, "fence.1")
    tree = whole_tree("fence.1", DEAF_COUNT)

    bed.end_agent(signal.SIGKILL)
    url, bed.url = bed.url, "http://127.0.0.1:9"  # where nobody listens
    bed.start_agent(fence_ms=1_000)
    eventually(lambda: not living(tree), "the lease has run out")
    bed.end_agent(signal.SIGTERM)
    bed.url = url
    bed.start_agent()

    assert until_ended(bed.link, "fence.1").end is AttemptEnd.CENTRE
    until_online(bed.link)


def test_a_lost_node_ends_its_gangs_and_may_come_back_at_another_address(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    bed.launch(order("node.1", "exec sleep 1000", members=2))
    until_running(bed.link, "node.1")
    tree = [*shim_of("node.1").children(), *processes_of("node.1")]

    bed.cluster.end_node(NODE_IDS[1])
    ended = until_ended(bed.link, "node.1")

    assert ended.end is AttemptEnd.NODE
    assert living(tree) == []
    until_online(bed.link, NODE_IDS[:1])
    ip, moved = bed.cluster._ip, bed.cluster._ip(len(NODE_IDS))
    monkeypatch.setattr(bed.cluster, "_ip", lambda number: moved if number else ip(number))
    bed.cluster.start_node(NODE_IDS[1])
    until_online(bed.link)
    bed.launch(order("moved.1", "echo $MASTER_ADDR", node_ids=NODE_IDS[1:]))
    eventually(lambda: bed.output("moved.1") == f"{moved}\n".encode(), "gangs meet where it is")
    until_ended(bed.link, "moved.1")


def test_a_centre_whose_ray_is_gone_says_so_and_comes_back(bed: Bed) -> None:
    bed.launch(order("gone.1", DEAF))
    until_running(bed.link, "gone.1")
    tree = whole_tree("gone.1", DEAF_COUNT)

    bed.cluster.stop()
    left_over = [*living(tree), *listening_on(bed.cluster)]
    until_online(bed.link, ())
    ended = until_ended(bed.link, "gone.1")
    bed.cluster.start()
    until_online(bed.link)
    bed.launch(order("back.1", "true"))

    assert left_over == []
    assert ended.end is AttemptEnd.CENTRE
    assert until_ended(bed.link, "back.1").exit_code == 0


def test_after_all_faults_the_diary_says_what_was_reported_and_shows_a_ghost(bed: Bed) -> None:
    """Of each attempt of these tests, long forgotten ones as well; one is in no log."""
    bed.launch(order("said.1", "true", members=2, cards=2))
    until_ended(bed.link, "said.1")
    bed.link.forget("said.1")
    bed.launch(order("ghost.1", "exec sleep 1000", members=2))
    until_running(bed.link, "ghost.1")
    journal = bed.cluster.data_dir / "attempts" / "said.1.json"
    eventually(lambda: not journal.exists(), "the agent has forgotten it")

    heard = bed.link.diary(bed.link.ask_diary(), PATIENCE_S)
    bed.link.stop("ghost.1", 0)
    until_ended(bed.link, "ghost.1")  # the tests after this one want its cards

    assert heard is not None
    diary, known = heard.told.diary(), bed.logged()
    # Other tests' attempts may be in it, where they share the cluster.
    own = tuple(one for one in diary.attempts if one.attempt_id in known)
    assert len(own) == len(known)
    del known["ghost.1"]
    found = discrepancies(CENTRE.id, replace(diary, attempts=own), known, tolerance_ms=0)
    assert [(one.attempt_id, one.sort) for one in found] == [("ghost.1", Sort.UNKNOWN)]
