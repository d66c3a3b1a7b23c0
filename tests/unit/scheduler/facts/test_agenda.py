"""What is due of live attempts, as events come, against all of it looked at anew."""

from copy import deepcopy
from dataclasses import replace

from scheduler.facts import events as ev
from scheduler.facts.agenda import Agenda
from scheduler.facts.state import State
from scheduler.model.job import EndCause, Job, Priority
from scheduler.model.levels import STEPS_CARD_MS, level
from tests.builders import a_job, a_lease, a_placement, a_state, happen, submit

POOL = "east-npu"
LIMIT_MS = a_job("any").limit_ms
STARTED_MS = 1_000


def a_busy_state(*job_ids: str) -> State:
    """One card each, started in this order, a second apart."""
    state = a_state()
    for number, job_id in enumerate(job_ids):
        runs(state, a_job(job_id, device_count=1), number * 1_000)
    return state


def runs(state: State, job: Job, leased_ms: int) -> None:
    submit(state, job)
    happen(state, a_lease(job.id, a_placement(POOL, job.device_count), at_ms=leased_ms))
    started_ms = leased_ms + STARTED_MS
    happen(state, ev.Started(at_ms=started_ms, attempt_id=f"{job.id}.1"))


def ends(state: State, attempt_id: str, at_ms: int, cause: EndCause = EndCause.FINISHED) -> None:
    happen(state, ev.Ended(at_ms=at_ms, attempt_id=attempt_id, cause=cause, exit_code=0))


def stop(attempt_id: str, at_ms: int) -> ev.StopDecided:
    return ev.StopDecided(at_ms=at_ms, attempt_id=attempt_id, cause=EndCause.LIMIT, grace_ms=7)


def test_what_is_leased_is_unsettled_until_it_starts_and_again_once_it_is_to_stop() -> None:
    state = a_state()
    submit(state, a_job("j", device_count=1))

    happen(state, a_lease("j", a_placement(POOL, 1)))
    assert [*state.agenda.unsettled] == ["j.1"]
    happen(state, ev.Started(at_ms=2, attempt_id="j.1"))
    assert not state.agenda.unsettled
    happen(state, stop("j.1", 3))
    assert [*state.agenda.unsettled] == [*state.agenda.stopping] == ["j.1"]
    ends(state, "j.1", 4)
    assert not state.agenda.unsettled
    assert not state.agenda.stopping


def test_what_runs_is_beyond_a_level_from_when_its_job_is_on_a_later_one() -> None:
    state = a_state()
    runs(state, a_job("j", device_count=7), 0)
    moments = [STARTED_MS + step // 7 + off for step in STEPS_CARD_MS for off in (-1, 0, 1, 2)]

    for now_ms in moments:
        level_now = level(7 * (now_ms - STARTED_MS))
        beyond = [bool(state.agenda.beyond(Priority.NORMAL, one, now_ms)) for one in range(-1, 5)]
        assert beyond == [one < level_now for one in range(-1, 5)], now_ms
    assert not state.agenda.beyond(Priority.HIGH, -1, moments[-1])
    ends(state, "j.1", moments[-1])
    assert not state.agenda.beyond(Priority.NORMAL, -1, moments[-1])


def test_at_its_limit_and_not_before_is_work_to_stop_and_once() -> None:
    state = a_busy_state("b", "a")
    over_ms = STARTED_MS + LIMIT_MS

    assert state.agenda.to_stop(over_ms - 1) == []
    assert state.agenda.to_stop(over_ms) == ["b.1"]
    assert state.agenda.to_stop(over_ms + 1_000) == ["b.1", "a.1"], "in the order of the leases"
    happen(state, stop("b.1", over_ms))
    assert state.agenda.to_stop(over_ms + 1_000) == ["a.1"]


def test_cancelled_work_is_to_stop_at_once_whether_it_began_or_not() -> None:
    state = a_busy_state("a", "b")

    happen(state, ev.CancelRequested(at_ms=2_000, job_id="b", by="u"))

    assert state.agenda.to_stop(2_000) == ["b.1"]
    happen(state, stop("b.1", 2_000))
    assert state.agenda.to_stop(2_000) == []


def test_the_meter_of_what_was_counted_least_is_first_asked_for() -> None:
    state = a_busy_state("a", "b")
    slice_of_a = ev.Metered(
        at_ms=9_000,
        attempt_id="a.1",
        from_ms=STARTED_MS,
        to_ms=9_000,
        price_micros=0,
        charge_micros=0,
    )

    assert state.agenda.to_meter(STARTED_MS - 1) == []
    assert state.agenda.to_meter(2_000) == ["a.1", "b.1"]
    happen(state, slice_of_a)
    assert state.agenda.to_meter(2_000) == ["b.1"]
    assert state.agenda.to_meter(9_000) == ["a.1", "b.1"]


def test_work_is_known_by_its_centre_and_its_tenant_until_it_ends() -> None:
    state = a_busy_state("a", "b")

    assert [*state.agenda.of_centre("east")] == [*state.agenda.of_tenant("steel")]
    assert [*state.agenda.of_centre("east")] == ["a.1", "b.1"]
    ends(state, "a.1", 5_000)
    assert [*state.agenda.of_centre("east")] == [*state.agenda.of_tenant("steel")] == ["b.1"]
    assert not state.agenda.of_centre("north")


def foretold(run_ms: int) -> State:
    """A job `j` runs since `STARTED_MS`, whose user's last one took so long."""
    state = a_busy_state("before")
    ends(state, "before.1", STARTED_MS + run_ms)
    leased_ms = STARTED_MS + run_ms
    runs(state, a_job("j", device_count=1), leased_ms)
    return state


def test_what_overstays_is_likely_to_end_after_eight_times_as_long_and_so_on() -> None:
    state = foretold(run_ms=10_000)
    began_ms = STARTED_MS + 10_000 + STARTED_MS

    def likely_ms(now_ms: int) -> int:
        ((at_ms, _, _),) = state.agenda.likely(POOL, now_ms)
        return at_ms - began_ms

    assert likely_ms(began_ms) == 10_000
    assert likely_ms(began_ms + 10_000) == 80_000
    assert likely_ms(began_ms + 79_999) == 80_000
    assert likely_ms(began_ms + 80_000) == 640_000
    assert likely_ms(began_ms) == 10_000, "an earlier moment knows nothing of a later one"
    assert likely_ms(began_ms + LIMIT_MS - 10) == LIMIT_MS, "at its limit it ends"
    assert likely_ms(began_ms + LIMIT_MS) == LIMIT_MS
    state.agenda.check(state.jobs.values())


def test_who_asks_just_before_a_likely_end_has_it_moved_when_it_asks_at_it() -> None:
    """From a later moment it was seen before, so that all is worked out anew at the second."""
    state = foretold(run_ms=10_000)
    end_ms = STARTED_MS + 10_000 + STARTED_MS + 10_000

    def likely_ms(now_ms: int) -> int:
        ((at_ms, _, _),) = state.agenda.likely(POOL, now_ms)
        return at_ms - end_ms

    assert likely_ms(end_ms) == 70_000
    assert likely_ms(end_ms - 1) == 0
    assert likely_ms(end_ms) == 70_000


def test_what_ends_after_its_likely_end_has_moved_leaves_nothing() -> None:
    state = foretold(run_ms=10_000)
    runs(state, replace(a_job("brief", device_count=1), user="v"), 30_000)
    ends(state, "brief.1", 32_000)
    state.agenda.likely(POOL, 62_000)
    runs(state, replace(a_job("k", device_count=1), user="v"), 65_000)

    ends(state, "j.1", 66_500)

    assert [one[:2] for one in state.agenda.likely(POOL, 66_500)] == [(67_000, "k.1")]


def test_it_is_the_same_when_made_of_the_jobs_anew() -> None:
    state = a_busy_state("c", "a", "b")
    happen(state, stop("a.1", 9_000))

    anew = Agenda(sorted(state.jobs.values(), key=lambda record: record.attempt.leased_at_ms))  # type: ignore[union-attr]

    for agenda in (state.agenda, anew):
        assert agenda.in_order(agenda.of_centre("east")) == ["c.1", "a.1", "b.1"]
        assert [one[1] for one in agenda.latest(POOL)] == ["a.1", "c.1", "b.1"]


def test_a_pools_ends_have_another_version_whenever_they_have_changed() -> None:
    state = foretold(run_ms=10_000)
    seen = [state.agenda.version(POOL)]
    began_ms = STARTED_MS + 10_000 + STARTED_MS

    def look() -> None:
        seen.append(state.agenda.version(POOL))

    state.agenda.likely(POOL, began_ms)
    assert state.agenda.version(POOL) == seen[0], "nothing is due"
    state.agenda.likely(POOL, began_ms + 10_000)
    look()
    state.agenda.likely(POOL, began_ms)
    look()
    submit(state, a_job("k", device_count=1))
    happen(state, a_lease("k", a_placement(POOL, 1), at_ms=began_ms))
    look()
    happen(state, ev.Started(at_ms=began_ms + 1, attempt_id="k.1"))
    look()
    ends(state, "k.1", began_ms + 2)
    look()

    assert len(set(seen)) == len(seen)


def test_a_new_leader_has_what_is_live_in_the_order_of_its_leases() -> None:
    state = a_state()
    submit(state, a_job("first", device_count=1), a_job("second", device_count=1))
    for number, job_id in enumerate(("second", "first")):
        happen(state, a_lease(job_id, a_placement(POOL, 1), at_ms=number))

    snapshot = state.snapshot()
    restored = State.restored(deepcopy(snapshot))
    older = State.restored(replace(deepcopy(snapshot), live_ids=[]))

    assert [*restored.live] == restored.agenda.in_order([*restored.live]) == ["second.1", "first.1"]
    assert {*older.live} == {*restored.live}
