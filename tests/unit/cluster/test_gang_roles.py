"""A gang of several roles at its centre: what each member runs and finds, and when it is over."""

from dataclasses import replace

import pytest

from cluster.driver import AttemptEnd, LaunchOrder, RoleOrder
from cluster.gang import Attempt, Rendezvous, member_start
from cluster.member import MemberEnd, MemberPhase, MemberState
from cluster.roles import meeting_nodes
from cluster.wire import order_in, order_to_json
from tests.ray_centre import NODE_IDS, order

GANG = Rendezvous(
    address="10.0.0.1",
    port=4242,
    order="{}",
    addresses=dict(zip(NODE_IDS, ("10.0.0.1", "10.0.0.2"), strict=True)),
    role_ports=(5001, 5002),
)
ROLES = (
    RoleOrder(name="launcher", count=1, command="lead"),
    RoleOrder(name="gpu-worker", count=2, command="work"),
)


def an_order(ends_with: str | None = None) -> LaunchOrder:
    """A launcher and two workers."""
    return replace(order("j.1", "true", members=3), roles=ROLES, ends_with=ends_with)


def started(rank: int) -> tuple[str, dict[str, str]]:
    asked = an_order()
    start = member_start(asked, asked.members[rank], GANG)
    return start.command, dict(start.env)


def ended(rank: int, exit_code: int | None = 0, end: MemberEnd = MemberEnd.EXITED) -> MemberState:
    return MemberState(
        attempt_id="j.1",
        rank=rank,
        phase=MemberPhase.ENDED,
        started_at_ms=1,
        ended_at_ms=10 + rank,
        exit_code=exit_code,
        end=end,
    )


def noted(*states: MemberState, ends_with: str | None = None) -> Attempt:
    """The others run."""
    gang = Attempt(attempt_id="j.1", order=an_order(ends_with))
    for rank in range(3):
        gang.note(
            MemberState(attempt_id="j.1", rank=rank, phase=MemberPhase.RUNNING, started_at_ms=1)
        )
    for state in states:
        gang.note(state)
    return gang


@pytest.mark.parametrize("end", [MemberEnd.EXITED, MemberEnd.NODE])
def test_who_decides_does_not_outvote_a_failure_before_it(end: MemberEnd) -> None:
    """The launcher sees its connection break, and ends by itself a moment later."""
    failed = replace(ended(2, 1 if end is MemberEnd.EXITED else None, end), ended_at_ms=9)
    stopped = replace(ended(1, 143, MemberEnd.STOPPED), ended_at_ms=30)

    gang = noted(failed, ended(0), stopped, ends_with="launcher")

    assert not gang.has_succeeded
    assert gang.report().end in {AttemptEnd.EXITED, AttemptEnd.NODE}
    assert gang.report().exit_code != 0


def test_what_fails_after_who_decides_is_nobodys_affair() -> None:
    gang = noted(ended(0), ended(1, 1), ended(2, None, MemberEnd.NODE), ends_with="launcher")

    assert gang.has_succeeded


def test_each_member_runs_what_its_role_runs() -> None:
    assert [started(rank)[0] for rank in range(3)] == ["lead", "work", "work"]


def test_a_member_finds_its_role_beside_its_rank_in_the_whole_and_where_others_are() -> None:
    """`ROLE_RANK` and its like are the names of torchelastic."""
    _, env = started(2)

    assert env == {
        "BRAIN_JOB_ID": "j",
        "BRAIN_ATTEMPT": "j.1",
        "RANK": "2",
        "LOCAL_RANK": "1",
        "WORLD_SIZE": "3",
        "MASTER_ADDR": "10.0.0.1",
        "MASTER_PORT": "4242",
        "BRAIN_ROLE": "gpu-worker",
        "BRAIN_ROLE_INDEX": "1",
        "BRAIN_ROLE_COUNT": "2",
        "BRAIN_ROLE_ADDR": "10.0.0.2",
        "BRAIN_ROLE_PORT": "5002",
        "BRAIN_HOSTS_LAUNCHER": "10.0.0.1",
        "BRAIN_HOSTS_GPU_WORKER": "10.0.0.2,10.0.0.1",
        "ROLE_NAME": "gpu-worker",
        "ROLE_RANK": "1",
        "ROLE_WORLD_SIZE": "2",
    }


def test_ports_are_chosen_where_the_first_of_each_role_is() -> None:
    assert meeting_nodes(an_order()) == [NODE_IDS[0], NODE_IDS[0], NODE_IDS[1]]
    assert meeting_nodes(order("j.1", "true", members=3)) == [NODE_IDS[0]]


def test_an_order_of_roles_is_read_as_it_was_written_and_one_of_before_as_it_was() -> None:
    of_before = order_to_json(order("j.1", "true"))
    of_before = of_before.replace(',"roles":[],"ends_with":null', "")

    assert order_in(order_to_json(an_order("gpu-worker"))) == an_order("gpu-worker")
    assert "roles" not in of_before
    assert order_in(of_before) == order("j.1", "true")


def test_without_a_word_on_it_all_roles_must_succeed() -> None:
    gang = noted(ended(0), ended(1))
    was_to_end = gang.is_to_end
    gang.note(ended(2))

    assert not was_to_end
    assert (gang.report().end, gang.report().exit_code) == (AttemptEnd.EXITED, 0)


@pytest.mark.parametrize("ends_with", [None, "launcher"])
def test_one_member_that_fails_ends_the_gang_and_is_named_with_its_role(
    ends_with: str | None,
) -> None:
    gang = noted(ended(2, 7), ends_with=ends_with)
    was_to_end = gang.is_to_end
    for rank in (0, 1):
        gang.note(ended(rank, 0, MemberEnd.STOPPED))

    report = gang.report()

    assert was_to_end
    assert (report.end, report.exit_code) == (AttemptEnd.EXITED, 7)
    assert report.detail == "member 2 (gpu-worker 1): exit code 7"


def test_it_ends_with_the_role_that_it_names_and_then_has_succeeded() -> None:
    """Servers that wait for more work are stopped, and that is no failure."""
    gang = noted(ended(0), ends_with="launcher")
    was_to_end = gang.is_to_end
    for rank in (1, 2):
        gang.note(ended(rank, -15, MemberEnd.STOPPED))

    assert was_to_end
    assert (gang.report().end, gang.report().exit_code) == (AttemptEnd.EXITED, 0)


def test_all_members_of_that_role_must_have_succeeded() -> None:
    assert not noted(ended(1), ends_with="gpu-worker").is_to_end
    assert noted(ended(1), ended(2), ends_with="gpu-worker").is_to_end


def test_who_misses_the_one_that_has_succeeded_fails_nothing() -> None:
    """A worker whose launcher has gone may fail before it is stopped, or lose its node."""
    lost = ended(2, None, MemberEnd.NODE)

    report = noted(ended(0), ended(1, 1), lost, ends_with="launcher").report()

    assert (report.end, report.exit_code, report.detail) == (AttemptEnd.EXITED, 0, "")


def test_who_ends_well_only_because_it_was_told_to_has_not_succeeded() -> None:
    stopped = ended(0, 0, MemberEnd.STOPPED)

    report = noted(stopped, ended(1, 3), ended(2, -15, MemberEnd.STOPPED), ends_with="launcher")

    assert (report.report().end, report.report().exit_code) == (AttemptEnd.EXITED, 3)
