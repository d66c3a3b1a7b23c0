"""What an attempt's members did, put together."""

import pickle
from dataclasses import fields, replace

import pytest

from cluster.driver import Activity, AttemptEnd, AttemptPhase
from cluster.gang import (
    FOUND_PORT,
    OUTPUT_KEPT_MS,
    Attempt,
    Rendezvous,
    cards_by_node,
    member_start,
)
from cluster.member import MemberEnd, MemberPhase, MemberState
from tests.ray_centre import NODE_IDS, order


def a_gang(members: int = 2) -> Attempt:
    return Attempt(attempt_id="j.1", noted_at_ms=5, order=order("j.1", "true", members=members))


def claimed(rank: int) -> MemberState:
    return MemberState(attempt_id="j.1", rank=rank, phase=MemberPhase.CLAIMED)


def running(rank: int, since_ms: int = 10) -> MemberState:
    return MemberState(
        attempt_id="j.1", rank=rank, phase=MemberPhase.RUNNING, started_at_ms=since_ms
    )


def ended(
    rank: int,
    exit_code: int | None = 0,
    end: MemberEnd = MemberEnd.EXITED,
    at_ms: int = 20,
    detail: str = "",
) -> MemberState:
    return MemberState(
        attempt_id="j.1",
        rank=rank,
        phase=MemberPhase.ENDED,
        started_at_ms=10,
        ended_at_ms=at_ms,
        exit_code=exit_code,
        end=end,
        detail=detail,
    )


def noted(*states: MemberState) -> Attempt:
    gang = a_gang()
    for state in states:
        gang.note(state)
    return gang


def test_a_gang_runs_when_its_last_member_does() -> None:
    half, whole = noted(running(0)), noted(running(0, 10), running(1, 12))

    assert half.report().phase is AttemptPhase.STARTING
    assert half.report().started_at_ms is None
    assert whole.report().phase is AttemptPhase.RUNNING
    assert whole.report().started_at_ms == 12


def test_what_ran_as_a_whole_is_not_begun_again() -> None:
    half, whole, failed = noted(running(0)), noted(running(0), running(1)), noted(ended(0, 1))

    assert (half.is_to_begin, whole.is_to_begin, failed.is_to_begin) == (True, False, False)


def test_a_late_answer_to_a_start_does_not_undo_what_became_of_it() -> None:
    gang = noted(running(0), running(1))

    assert not gang.note(claimed(0))
    assert gang.report().phase is AttemptPhase.RUNNING


def test_an_end_is_the_last_word() -> None:
    gang = noted(ended(0, 3), ended(1, at_ms=30))

    gang.note(ended(0, 0))
    gang.lose(1, MemberEnd.NODE, "lost", 40)

    assert gang.report().exit_code == 3


def test_a_member_that_ended_well_leaves_the_others_to_go_on() -> None:
    gang = noted(ended(0), running(1))

    assert not gang.is_to_end
    assert gang.report().phase is AttemptPhase.RUNNING


@pytest.mark.parametrize(
    "state",
    [
        ended(0, 1),
        ended(0, -9),
        ended(0, None, MemberEnd.LOST),
        ended(0, None, MemberEnd.REFUSED),
        ended(0, None, MemberEnd.LEASE),
        ended(0, None, MemberEnd.NODE),
    ],
    ids=str,
)
def test_a_member_that_ended_badly_ends_its_gang(state: MemberState) -> None:
    gang = noted(state, running(1))

    assert gang.is_to_end
    assert [member.rank for member in gang.unfinished] == [1]


def test_the_first_code_that_is_not_zero_is_the_gangs() -> None:
    gang = noted(ended(0, 9, at_ms=30), ended(1, 7, at_ms=20))

    report = gang.report()

    assert (report.end, report.exit_code) == (AttemptEnd.EXITED, 7)
    assert report.detail == "member 1: exit code 7"
    assert report.ended_at_ms == 30


def test_who_was_stopped_because_another_failed_is_not_what_failed() -> None:
    stopped = ended(0, -15, MemberEnd.STOPPED, at_ms=10)

    report = noted(stopped, ended(1, 4, at_ms=20)).report()

    assert (report.end, report.exit_code) == (AttemptEnd.EXITED, 4)


@pytest.mark.parametrize(
    ("member_end", "end"),
    [
        (MemberEnd.NODE, AttemptEnd.NODE),
        (MemberEnd.LEASE, AttemptEnd.CENTRE),
        (MemberEnd.REFUSED, AttemptEnd.REFUSED),
    ],
)
def test_what_the_park_did_outweighs_what_the_member_made_of_it(
    member_end: MemberEnd, end: AttemptEnd
) -> None:
    """A lost node makes its peers fail first, and is noticed last."""
    report = noted(ended(0, 1, at_ms=10), ended(1, None, member_end, at_ms=99)).report()

    assert (report.end, report.exit_code) == (end, None)
    assert report.node_id == (None if member_end is MemberEnd.LEASE else NODE_IDS[1])


def test_a_member_whose_lease_ran_out_says_so() -> None:
    """Its shim writes down why it ended, and no more."""
    report = noted(ended(0, None, MemberEnd.LEASE), ended(1)).report()

    assert report.detail == "member 0: its node did not renew its lease in time"


def test_what_is_refused_as_a_whole_names_no_node() -> None:
    gang = a_gang()
    gang.refusal = f"node {NODE_IDS[1]} is not there"
    for member in gang.unfinished:
        gang.lose(member.rank, MemberEnd.REFUSED, gang.refusal, 10)

    assert (gang.report().end, gang.report().node_id) == (AttemptEnd.REFUSED, None)


def test_a_lost_node_is_named_whatever_was_refused_before() -> None:
    """Ray takes the group of a lost node back some seconds before that node is given up."""
    gang = noted(running(0), running(1))
    gang.refusal = "Ray has given its cards to somebody else"
    gang.note(ended(0, -15, MemberEnd.STOPPED))
    gang.lose(1, MemberEnd.NODE, f"node {NODE_IDS[1]} was lost", 99)

    report = gang.report()

    assert (report.end, report.node_id) == (AttemptEnd.NODE, NODE_IDS[1])
    assert report.detail == f"member 1: node {NODE_IDS[1]} was lost"


def test_what_is_the_jobs_own_fault_names_no_node() -> None:
    own = replace(ended(0, None, MemberEnd.REFUSED), is_own_fault=True)

    report = noted(own, replace(own, rank=1)).report()

    assert (report.end, report.node_id) == (AttemptEnd.REFUSED, None)
    assert noted(own, ended(1, None, MemberEnd.REFUSED)).report().node_id == NODE_IDS[1]


def test_who_ended_by_itself_names_no_node() -> None:
    assert noted(ended(0, 9), ended(1, 7)).report().node_id is None


def test_a_stop_that_was_asked_for_is_no_failure() -> None:
    gang = noted(running(0), running(1))
    gang.stop_grace_ms = 100
    was_to_end = gang.is_to_end

    gang.note(ended(0, 0, MemberEnd.STOPPED))
    gang.note(ended(1, -15, MemberEnd.STOPPED))

    assert was_to_end
    assert (gang.report().end, gang.report().exit_code) == (AttemptEnd.STOPPED, -15)


def test_a_stop_that_nobody_asked_for_is_the_centres_doing() -> None:
    gang = noted(ended(0, -15, MemberEnd.STOPPED), running(1))
    was_to_end = gang.is_to_end

    gang.note(ended(1, -15, MemberEnd.STOPPED))

    assert was_to_end
    assert (gang.report().end, gang.report().exit_code) == (AttemptEnd.CENTRE, None)


@pytest.mark.parametrize(
    ("done", "is_all"),
    [
        (set(), False),
        ({("j.1", 0)}, False),
        ({("j.1", 0), ("k.1", 1)}, False),
        ({("j.1", 0), ("j.1", 1), ("k.1", 1)}, True),
    ],
)
def test_output_is_shipped_when_that_of_all_members_is(
    done: set[tuple[str, int]], *, is_all: bool
) -> None:
    """Also right after a restart, when no node has told of its members yet."""
    assert a_gang().note_shipped(done) is is_all


def test_nodes_keep_what_was_not_shipped_after_a_restart_too() -> None:
    gang = a_gang()
    gang.is_forgotten = True
    gang.final = noted(ended(0), ended(1, at_ms=30)).report()

    assert not gang.is_needless(31)
    assert gang.is_needless(30 + OUTPUT_KEPT_MS + 1)
    gang.note_shipped({("j.1", 0), ("j.1", 1)})
    assert gang.is_needless(31)


def test_nodes_keep_what_is_not_over_or_not_forgotten() -> None:
    gang = a_gang()
    gang.note_shipped({("j.1", 0), ("j.1", 1)})
    gang.is_forgotten = True
    was_needless = gang.is_needless(31)
    gang.final, gang.is_forgotten = noted(ended(0), ended(1)).report(), False

    assert not was_needless
    assert not gang.is_needless(31)


def test_what_was_reported_as_over_is_not_to_run() -> None:
    gang = a_gang()
    was_to_run = not gang.is_not_to_run(running(0))
    gang.final = Attempt(attempt_id="j.1").report()

    assert was_to_run
    assert gang.is_not_to_run(claimed(0))
    assert gang.is_not_to_run(running(0))
    assert not gang.is_not_to_run(ended(0))


def test_what_never_had_an_order_has_ended_without_starting() -> None:
    report = Attempt(attempt_id="j.1", noted_at_ms=5).report()

    assert (report.phase, report.end) == (AttemptPhase.ENDED, AttemptEnd.STOPPED)
    assert (report.started_at_ms, report.ended_at_ms, report.exit_code) == (None, 5, None)


def test_cards_are_counted_by_node() -> None:
    assert cards_by_node(order("j.1", "true", members=3, cards=2)) == {
        NODE_IDS[0]: 4,
        NODE_IDS[1]: 2,
    }
    assert cards_by_node(order("j.1", "true", cards=0)) == {}


def test_what_we_tell_a_member_wins_over_what_its_user_says() -> None:
    asked = order("j.1", "true", members=2, env=(("RANK", "7"), ("MINE", "1")))
    gang = Rendezvous(address="10.0.0.1", port=4242, order="{}")

    env = dict(member_start(asked, asked.members[1], gang).env)

    assert env == {
        "MINE": "1",
        "BRAIN_JOB_ID": "j",
        "BRAIN_ATTEMPT": "j.1",
        "RANK": "1",
        "LOCAL_RANK": "0",
        "WORLD_SIZE": "2",
        "MASTER_ADDR": "10.0.0.1",
        "MASTER_PORT": "4242",
    }


def of(state: MemberState, measured_ms: int, active_ms: int) -> MemberState:
    return replace(state, activity=Activity(measured_ms=measured_ms, active_ms=active_ms))


def test_the_activity_of_a_gang_is_that_of_its_members_as_far_as_it_is_measured() -> None:
    nobody, one = noted(running(0), running(1)), noted(of(running(0), 40, 30), running(1))
    both = noted(of(running(0), 40, 30), of(running(1), 40, 10))

    assert nobody.report().activity is None
    assert one.report().activity == Activity(measured_ms=40, active_ms=30)
    assert both.report().activity == Activity(measured_ms=80, active_ms=40)


def test_a_newer_count_of_a_member_is_taken_and_an_older_one_is_not() -> None:
    gang = noted(of(running(0), 40, 30), running(1))

    is_news = gang.note(of(running(0), 50, 35))
    gang.note(of(running(0), 45, 32))

    assert not is_news, "nothing follows from it"
    assert gang.report().activity == Activity(measured_ms=50, active_ms=35)


def test_a_gang_was_saved_when_one_of_it_last_was_and_what_is_known_stays() -> None:
    saved, later = replace(running(0), saved_at_ms=40), replace(running(1), saved_at_ms=50)
    gang = noted(running(0), running(1))
    assert gang.report().saved_at_ms is None

    gang.note(saved)
    assert gang.report().saved_at_ms == 40
    gang.note(later)
    gang.note(replace(later, saved_at_ms=45))
    assert gang.report().saved_at_ms == 50
    gang.note(running(1))
    assert gang.report().saved_at_ms == 50, "its node was started anew and has not looked yet"

    for rank in (0, 1):
        gang.lose(rank, MemberEnd.NODE, "node n1 is gone", 99)
    assert gang.report().saved_at_ms == 50


def test_what_was_counted_of_a_member_stays_when_its_node_is_lost() -> None:
    gang = noted(of(running(0), 40, 30), running(1))

    gang.lose(0, MemberEnd.NODE, "node n1 is gone", 99)
    gang.lose(1, MemberEnd.NODE, "node n1 is gone", 99)

    assert gang.report().activity == Activity(measured_ms=40, active_ms=30)


def test_a_node_of_an_older_release_says_less_and_is_understood() -> None:
    values = [getattr(running(0), one.name) for one in fields(MemberState)][:-1]
    told = MemberState.__new__(MemberState)

    told.__setstate__(values)

    assert told == running(0)
    assert pickle.loads(pickle.dumps(of(running(0), 4, 3))) == of(running(0), 4, 3)  # noqa: S301


def test_what_is_noted_of_a_gang_is_for_whom_and_where_it_ran() -> None:
    gang = a_gang()
    gang.note(replace(running(0), cards=(0, 3)))
    gang.note(running(1))

    noted = gang.noted()

    assert (noted.attempt_id, noted.job_id, noted.tenant_id) == ("j.1", "j", "tenant")
    assert (noted.device_kind_id, noted.phase) == ("ascend-910b3", AttemptPhase.RUNNING)
    # The first was given more than was ordered; of the second nobody knows it any more.
    assert noted.cards == ((NODE_IDS[0], 2), (NODE_IDS[1], 1))
    assert noted.started_at_ms == 10


def test_of_what_was_stopped_before_it_was_ordered_nobody_knows_whose_it_was() -> None:
    noted = Attempt(attempt_id="j.1", noted_at_ms=5).noted()

    assert (noted.tenant_id, noted.cards, noted.started_at_ms) == ("", (), None)


def test_a_found_gang_is_half_until_each_member_was_found_and_is_never_begun() -> None:
    ours, found = noted(claimed(0)), noted(claimed(0))
    ours.master_port, found.master_port = 29_500, FOUND_PORT
    assert (ours.is_half, ours.is_to_begin) == (False, True)
    assert (found.is_half, found.is_to_begin) == (True, False)

    found.note(claimed(1))

    assert (found.is_half, found.is_to_begin) == (False, False)


def test_a_found_gang_that_ran_is_not_half_for_an_agent_that_has_not_heard_of_all_of_it() -> None:
    """One of its nodes may come back to Ray a moment after the agent has begun anew."""
    whole = noted(running(0))
    whole.master_port, whole.started_at_ms = FOUND_PORT, 12

    assert not whole.is_half
