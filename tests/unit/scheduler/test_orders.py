"""From a lease to what its centre is told, and from what the centre says to a cause."""

from dataclasses import replace

import pytest

from cluster.driver import AttemptEnd, AttemptPhase, AttemptReport, MemberOrder, RoleOrder
from scheduler.facts.record import Attempt
from scheduler.model.job import ArrayTask, Checkpoint, EndCause, Job, Variant
from scheduler.orders import cause_of, ended_at_ms, members, order
from tests.builders import (
    PARK,
    a_dataset,
    a_job,
    a_lease,
    a_placement,
    a_state,
    happen,
    of_roles,
    submit,
    with_data,
)

GANG = (("BRAIN_DEVICES", "8"), ("BRAIN_DEVICE", "npu"))


def an_attempt(job: Job | None = None, *cards: int) -> Attempt:
    state = a_state()
    submit(state, job or a_job())
    happen(state, a_lease("j1", a_placement("east-npu", *(cards or (8,)))))
    return state.live["j1.1"]


def told(end: AttemptEnd | None, exit_code: int | None = None) -> AttemptReport:
    return AttemptReport(attempt_id="j1.1", phase=AttemptPhase.ENDED, end=end, exit_code=exit_code)


# Orders.


def test_an_order_says_all_that_the_centre_needs() -> None:
    job = replace(
        a_job(
            env=(("A", "1"), ("B", "2")),
            archive="f00d",
            checkpoint=Checkpoint(dir="ckpt", signal="SIGUSR1"),
        ),
        command="python train.py",
    )

    told_once = order(job, an_attempt(), 7, PARK)

    assert (told_once.attempt_id, told_once.job_id, told_once.epoch) == ("j1.1", "j1", 7)
    assert (told_once.centre_id, told_once.device_kind_id) == ("east", "npu")
    assert (told_once.tenant_id, told_once.command) == ("steel", "python train.py")
    assert told_once.env == (("A", "1"), ("B", "2"), *GANG)
    assert (told_once.archive, told_once.workdir) == ("f00d", None)
    assert (told_once.checkpoint_dir, told_once.checkpoint_signal) == ("ckpt", "SIGUSR1")


def test_who_saves_nothing_has_no_checkpoint_and_may_work_in_a_folder_of_the_centres() -> None:
    told_once = order(replace(a_job(), workdir="/data"), an_attempt(), 1, PARK)

    assert (told_once.archive, told_once.workdir) == (None, "/data")
    assert (told_once.checkpoint_dir, told_once.checkpoint_signal) == (None, None)


def test_a_task_of_an_array_is_told_which_it_is() -> None:
    job = a_job(
        env=(("A", "1"),),
        array=ArrayTask(id="a1", index=7, count=3, lowest=5, highest=9, at_most=2),
    )

    told_once = order(job, an_attempt(), 1, PARK)

    assert told_once.env == (
        ("A", "1"),
        *GANG,
        ("BRAIN_ARRAY_ID", "a1"),
        ("BRAIN_ARRAY_INDEX", "7"),
        ("BRAIN_ARRAY_COUNT", "3"),
        ("BRAIN_ARRAY_LOWEST", "5"),
        ("BRAIN_ARRAY_HIGHEST", "9"),
    )


def test_a_member_learns_which_data_it_reads_and_what_it_has_to_fetch() -> None:
    park = with_data(a_dataset("web", "east"), a_dataset("far", "north"), a_dataset("b", "north"))
    job = a_job(data_ids=("far", "web", "b"), env=(("A", "1"),))

    told_once = order(job, an_attempt(), 1, park)

    assert told_once.env == (
        ("A", "1"),
        *GANG,
        ("BRAIN_DATASETS", "far web b"),
        ("BRAIN_DATASETS_ELSEWHERE", "far b"),
    )


def test_a_variant_has_its_own_members_and_is_told_its_gang() -> None:
    variant = Variant(device_kind_ids=("npu",), device_count=16, limit_ms=1, member_count=4)
    job = a_job(member_count=1, variants=(variant,))

    told_once = order(job, an_attempt(job, 8, 8), 1, PARK)

    assert [one.card_count for one in told_once.members] == [4] * 4
    assert told_once.env == (("BRAIN_DEVICES", "16"), ("BRAIN_DEVICE", "npu"))


def member(rank: int, local_rank: int, node: int, cards: int) -> MemberOrder:
    return MemberOrder(
        rank=rank, local_rank=local_rank, node_id=f"east-npu-n{node:03}", card_count=cards
    )


def test_without_a_count_there_is_one_member_a_node() -> None:
    job = a_job(device_count=16)

    assert members(job, an_attempt(job, 8, 8)) == (member(0, 0, 1, 8), member(1, 0, 2, 8))


def test_members_share_the_cards_of_their_node_and_their_ranks_follow_the_nodes() -> None:
    job = a_job(device_count=16, member_count=4)

    assert members(job, an_attempt(job, 8, 8)) == (
        member(0, 0, 1, 4),
        member(1, 1, 1, 4),
        member(2, 0, 2, 4),
        member(3, 1, 2, 4),
    )


def test_members_of_several_roles_sit_where_their_cards_are_and_ranks_follow_the_roles() -> None:
    """The launcher without cards is beside the first worker; on each node they are counted."""
    job = of_roles(a_job(), (1, 0), (2, 3), (1, 8), (1, 2))

    found = members(job, an_attempt(job, 8, 8))

    assert found == (
        member(0, 0, 2, 0),
        member(1, 1, 2, 3),
        member(2, 2, 2, 3),
        member(3, 0, 1, 8),
        member(4, 3, 2, 2),
    )


def test_an_order_of_roles_says_what_each_runs_and_whose_success_decides() -> None:
    job = of_roles(a_job(), (1, 0), (2, 4), ends_with="r0")
    job = replace(job, roles=(replace(job.roles[0], command="lead"), job.roles[1]))

    told_once = order(job, an_attempt(job, 8), 1, PARK)

    assert told_once.roles == (
        RoleOrder(name="r0", count=1, command="lead"),
        RoleOrder(name="r1", count=2, command="true"),
    )
    assert (told_once.command, told_once.ends_with) == ("true", "r0")
    uniform = order(a_job(), an_attempt(), 1, PARK)
    assert (uniform.roles, uniform.ends_with) == ((), None)


# Causes.


@pytest.mark.parametrize(
    ("end", "exit_code", "cause"),
    [
        (AttemptEnd.EXITED, 0, EndCause.FINISHED),
        (AttemptEnd.EXITED, 1, EndCause.USER_ERROR),
        (AttemptEnd.EXITED, -9, EndCause.USER_ERROR),
        (AttemptEnd.EXITED, None, EndCause.USER_ERROR),
        (None, 0, EndCause.FINISHED),
        (AttemptEnd.NODE, None, EndCause.NODE),
        (AttemptEnd.CENTRE, 0, EndCause.CENTRE),
        (AttemptEnd.REFUSED, None, EndCause.BROKER),
    ],
)
def test_the_centre_says_why_it_ended(
    end: AttemptEnd | None, exit_code: int | None, cause: EndCause
) -> None:
    assert cause_of(an_attempt(), told(end, exit_code)) is cause


@pytest.mark.parametrize("wanted", [EndCause.CANCELLED, EndCause.LIMIT, EndCause.PREEMPTED])
def test_what_was_stopped_ended_for_the_brokers_reason(wanted: EndCause) -> None:
    attempt = replace(an_attempt(), stop_cause=wanted)

    assert cause_of(attempt, told(AttemptEnd.STOPPED, 143)) is wanted


def test_what_was_stopped_for_no_known_reason_is_the_brokers_fault() -> None:
    assert cause_of(an_attempt(), told(AttemptEnd.STOPPED)) is EndCause.BROKER


def test_what_finished_before_the_stop_reached_it_has_finished() -> None:
    attempt = replace(an_attempt(), stop_cause=EndCause.LIMIT)

    assert cause_of(attempt, told(AttemptEnd.EXITED, 0)) is EndCause.FINISHED
    assert cause_of(attempt, told(AttemptEnd.NODE)) is EndCause.NODE


# Times.


def test_an_end_is_the_logs_start_and_what_the_centre_measured() -> None:
    attempt = replace(an_attempt(), started_at_ms=1_000)

    by_its_clock = replace(told(AttemptEnd.EXITED, 0), started_at_ms=70, ended_at_ms=90)

    assert ended_at_ms(attempt, by_its_clock) == 1_020


def test_an_end_without_a_start_is_as_the_centre_says() -> None:
    started = replace(an_attempt(), started_at_ms=1_000)

    assert ended_at_ms(an_attempt(), replace(told(None), ended_at_ms=90)) == 90
    assert ended_at_ms(started, replace(told(None), ended_at_ms=90)) == 90
    assert ended_at_ms(started, replace(told(None), started_at_ms=70)) is None
