"""Rules of the simulated centre: it can only be trusted as a judge where it is strict itself."""

from random import Random

import pytest

from cluster.driver import AttemptEnd, AttemptPhase, AttemptReport, LaunchOrder, MemberOrder
from cluster.inventory import Centre, Pool
from cluster.simulated import NO_FAULTS, Faults, SimulatedCentre, World

RUN_MS = 1_000
POOL = Pool(id="p", centre_id="c", device_kind_id="k", node_count=2, cards_per_node=8)


def a_centre(
    faults: Faults = NO_FAULTS,
    world: World | None = None,
    centre_id: str = "c",
    seed: int = 0,
    run_ms: int = RUN_MS,
) -> SimulatedCentre:
    centre = Centre(id=centre_id, name="C", operator="", stated_tflops=0, pools=(POOL,))
    simulated = SimulatedCentre(
        centre=centre,
        run_ms=lambda _: run_ms,
        rng=Random(seed),
        faults=faults,
        world=world or World(),
        fence_ms=5_000,
    )
    simulated.advance(0)
    return simulated


def an_order(
    job_id: str = "j",
    number: int = 1,
    nodes: tuple[str, ...] = ("p-n001",),
    cards: int = 8,
    centre_id: str = "c",
) -> LaunchOrder:
    return LaunchOrder(
        attempt_id=f"{job_id}.{number}",
        job_id=job_id,
        tenant_id="t",
        epoch=1,
        centre_id=centre_id,
        device_kind_id="k",
        command="true",
        env=(),
        members=tuple(
            MemberOrder(rank=rank, local_rank=0, node_id=node, card_count=cards)
            for rank, node in enumerate(nodes)
        ),
    )


def reported(centre: SimulatedCentre) -> dict[str, AttemptReport]:
    report = centre.observe()
    assert report is not None
    return {attempt.attempt_id: attempt for attempt in report.attempts}


def test_a_launched_attempt_runs_for_its_time_and_says_so() -> None:
    centre = a_centre()

    centre.launch(an_order())
    running = reported(centre)["j.1"]
    centre.advance(RUN_MS + 500)

    ended = reported(centre)["j.1"]
    assert (running.phase, running.started_at_ms) == (AttemptPhase.RUNNING, 0)
    assert (ended.phase, ended.end, ended.exit_code) == (AttemptPhase.ENDED, AttemptEnd.EXITED, 0)
    assert ended.ended_at_ms == RUN_MS


def test_a_repeated_launch_is_one_run() -> None:
    centre = a_centre()

    centre.launch(an_order())
    centre.launch(an_order())
    centre.advance(RUN_MS)
    centre.launch(an_order())

    assert len(centre.world.runs) == 1


def test_a_job_twice_at_once_is_impossible_even_in_two_centres() -> None:
    world = World()
    here, there = a_centre(world=world), a_centre(world=world, centre_id="d")
    here.launch(an_order(number=1))

    with pytest.raises(AssertionError, match="job j twice at once"):
        there.launch(an_order(number=2, centre_id="d"))


def test_a_node_overfull_is_impossible() -> None:
    centre = a_centre()
    centre.launch(an_order("j", cards=5))

    with pytest.raises(AssertionError, match="p-n001 overfull: 9 of 8"):
        centre.launch(an_order("k", cards=4))


def test_cards_are_free_at_the_moment_a_run_ends() -> None:
    centre = a_centre()
    centre.launch(an_order("j"))

    centre.advance(RUN_MS)
    centre.launch(an_order("k"))

    assert reported(centre)["k.1"].phase is AttemptPhase.RUNNING


def test_a_forgotten_attempt_never_starts_again() -> None:
    centre = a_centre()
    centre.launch(an_order())
    centre.advance(RUN_MS)

    centre.forget("j.1")

    assert reported(centre) == {}
    with pytest.raises(AssertionError, match="over and forgotten"):
        centre.launch(an_order())


def test_a_running_attempt_cannot_be_forgotten() -> None:
    centre = a_centre()
    centre.launch(an_order())

    with pytest.raises(AssertionError, match="forgotten while it runs"):
        centre.forget("j.1")


def test_a_stopped_attempt_is_gone_at_once_or_after_its_grace() -> None:
    willing, deaf = a_centre(), a_centre(Faults(stop_ignored=1.0))
    for centre in (willing, deaf):
        centre.launch(an_order())

    for centre in (willing, deaf):
        centre.stop("j.1", grace_ms=300)
    at_once = reported(willing)["j.1"]
    still = reported(deaf)["j.1"]
    deaf.advance(300)

    killed = reported(deaf)["j.1"]
    assert (at_once.end, at_once.exit_code, at_once.ended_at_ms) == (AttemptEnd.STOPPED, -15, 0)
    assert still.phase is AttemptPhase.RUNNING
    assert (killed.end, killed.exit_code, killed.ended_at_ms) == (AttemptEnd.STOPPED, -9, 300)


def test_an_order_that_comes_after_its_stop_is_not_obeyed() -> None:
    centre = a_centre()

    centre.stop("j.1", grace_ms=0)
    centre.launch(an_order())

    assert reported(centre)["j.1"].end is AttemptEnd.STOPPED
    assert centre.world.runs == []


def test_a_lost_node_ends_the_whole_gang_and_is_offline_until_it_returns() -> None:
    centre = a_centre()
    centre.launch(an_order(nodes=("p-n001", "p-n002")))

    centre.lose_node("p-n002", down_ms=100)
    during = centre.observe()
    centre.launch(an_order("k", nodes=("p-n002",)))
    centre.advance(100)

    after = centre.observe()
    assert during is not None
    assert after is not None
    assert during.online_node_ids == {"p-n001"}
    assert reported(centre)["j.1"].end is AttemptEnd.NODE
    assert reported(centre)["j.1"].node_id == "p-n002"
    assert reported(centre)["k.1"].end is AttemptEnd.REFUSED
    assert after.online_node_ids == {"p-n001", "p-n002"}


def test_a_silent_centre_repeats_its_last_word_and_hears_nothing() -> None:
    centre = a_centre()
    centre.fall_silent(1_000)

    centre.launch(an_order())
    centre.advance(500)
    during = centre.observe()
    centre.advance(1_000)

    after = centre.observe()
    assert during is not None
    assert after is not None
    assert (during.heard_at_ms, after.heard_at_ms) == (0, 1_000)
    assert after.attempts == ()


def test_a_centre_that_is_silent_for_too_long_ends_its_work_by_itself() -> None:
    centre = a_centre(run_ms=90_000)
    centre.launch(an_order())

    centre.fall_silent(60_000)
    centre.advance(60_000)

    ended = reported(centre)["j.1"]
    assert (ended.end, ended.ended_at_ms) == (AttemptEnd.CENTRE, 5_000)


def test_a_lost_centre_remembers_nothing() -> None:
    centre = a_centre()
    centre.launch(an_order())

    centre.lose_centre(down_ms=100)
    before = reported(centre)
    centre.advance(100)

    assert before["j.1"].phase is AttemptPhase.RUNNING
    assert reported(centre) == {}
    assert centre.world.live_by_job == {}
    assert centre.world.runs[0].end is AttemptEnd.CENTRE


def test_a_late_call_arrives_with_the_next_advance_and_in_order() -> None:
    centre = a_centre(Faults(call_late=1.0))

    centre.launch(an_order())
    centre.faults = NO_FAULTS
    centre.stop("j.1", grace_ms=0)
    before = reported(centre)
    centre.advance(10)

    assert before == {}
    assert reported(centre)["j.1"].end is AttemptEnd.STOPPED
    assert [run.launched_at_ms for run in centre.world.runs] == [10]


def test_a_lost_report_leaves_the_one_before() -> None:
    centre = a_centre()
    centre.faults = Faults(report_lost=1.0)

    centre.launch(an_order())
    centre.advance(10)

    report = centre.observe()
    assert report is not None
    assert report.heard_at_ms == 0


def test_a_centre_reports_by_its_own_clock() -> None:
    centre = a_centre(Faults(clock_ahead_ms=70))

    centre.launch(an_order())
    centre.advance(RUN_MS)

    ended = reported(centre)["j.1"]
    assert (ended.started_at_ms, ended.ended_at_ms) == (70, RUN_MS + 70)


def test_the_same_seed_has_the_same_luck() -> None:
    faults = Faults(call_lost=0.3, node_loss=0.2, member_fails=0.5, silence=0.2, start_ms_max=50)

    def told(seed: int) -> list[object]:
        centre = a_centre(faults, seed=seed)
        said: list[object] = []
        for number in range(60):
            centre.launch(an_order(f"j{number}", nodes=(f"p-n00{number % 2 + 1}",), cards=1))
            centre.advance(number * 200)
            said.append(centre.observe())
        return said

    assert told(1) == told(1)
    assert told(1) != told(2)


def test_what_has_changed_since_the_report_before_is_all_that_is_other() -> None:
    centre, before = a_centre(), a_centre().observe()
    kinds = set[bool]()
    for number in range(8):
        centre.launch(an_order(f"j{number}", nodes=("p-n001",), cards=1))
        centre.advance(number * 400)
        if number == 5:
            centre.forget("j0.1")
        if number == 6:
            centre.lose_centre(down_ms=1)
        report = centre.observe()
        if before is not None and report is not None and report.attempts is not before.attempts:
            assert report.news is not None
            assert report.news.before is before.attempts
            told = {one.attempt_id: one for one in before.attempts} | {**report.news.changed}
            kinds |= {one is None for one in report.news.changed.values()}
            assert {one for one in told.values() if one} == {*report.attempts}
        before = report
    assert kinds == {True, False}
