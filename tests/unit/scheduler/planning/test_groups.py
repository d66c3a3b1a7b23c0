"""Which jobs that wait are alike in all but their shape."""

from dataclasses import replace

import pytest

from scheduler.facts.record import JobRecord
from scheduler.facts.spending import Watched
from scheduler.facts.state import State
from scheduler.forecast.ends import Ends
from scheduler.model.budget import Budget
from scheduler.model.job import Checkpoint, Job, Priority
from scheduler.model.levels import STARVING_MS
from scheduler.planning import groups
from scheduler.planning.groups import Group, Groups
from scheduler.planning.rooms import Rooms
from scheduler.planning.survey import Survey
from scheduler.planning.victims import SOON_MS
from scheduler.sharing.allowance import Allowances
from scheduler.sharing.standing import STARVING, Merit, Standings
from scheduler.timing.forecasts import Forecasts
from tests.builders import HOUR_MS, a_job, a_park, a_pool, a_state, a_tenant, submit
from tests.preemptive import TURNS

NOW_MS = STARVING_MS
JOB = a_job(limit_ms=HOUR_MS, submitted_at_ms=NOW_MS, checkpoint=Checkpoint(dir="here"))
HAD = JobRecord(job=JOB, done_ms=1)


def of(state: State) -> Groups:
    assert state.park is not None
    forecasts = Forecasts(state, NOW_MS, TURNS)
    rooms = Rooms(state, state.park, NOW_MS, TURNS, forecasts)
    allowances = Allowances(state, NOW_MS, TURNS, forecasts)
    survey = Survey(state.park, NOW_MS, TURNS, forecasts, rooms, allowances)
    return Groups(forecasts, survey, Standings(state, NOW_MS, TURNS))


def a_place() -> State:
    return a_state(a_tenant("steel"), a_tenant("fish"), park=a_park(a_pool("east-npu", 1, 8)))


def test_a_group_knows_when_its_jobs_end_and_how_they_stand() -> None:
    group = of(a_place()).of(JobRecord(job=replace(JOB, checkpoint=None)))

    assert group.ends == Ends(NOW_MS + HOUR_MS, NOW_MS + HOUR_MS)
    assert group.claim_ends == Ends(*(end_ms + SOON_MS for end_ms in group.ends))
    assert group.merit == Merit(JOB.priority.rank, 0)


@pytest.mark.parametrize(
    "like",
    [
        replace(JOB, id="other"),
        replace(JOB, device_kind_ids=("npu",), centre_ids=("east",), node_count=1),
        replace(JOB, submitted_at_ms=NOW_MS - 1),
        replace(JOB, user="other", name="other"),
        replace(JOB, checkpoint=Checkpoint(dir="there")),
    ],
)
def test_what_none_of_it_goes_by_makes_no_other_group(like: Job) -> None:
    known = of(a_place())

    assert known.of(JobRecord(job=like)) is known.of(JobRecord(job=JOB))


@pytest.mark.parametrize(
    "other",
    [
        replace(HAD, job=replace(JOB, tenant_id="fish")),
        replace(HAD, job=replace(JOB, project="other")),
        replace(HAD, job=replace(JOB, priority=Priority.HIGH)),
        replace(HAD, job=replace(JOB, device_count=2)),
        replace(HAD, job=replace(JOB, limit_ms=2 * HOUR_MS)),
        replace(HAD, job=replace(JOB, checkpoint=Checkpoint(dir="here", grace_ms=1))),
        replace(HAD, served_card_ms=HOUR_MS),
        replace(HAD, watched=Watched(budget=Budget(tenant_id="steel", job_id="j1"))),
    ],
)
def test_what_any_of_it_goes_by_makes_another(other: JobRecord) -> None:
    known = of(a_place())

    assert known.of(other) is not known.of(HAD)


def test_who_starves_is_alone() -> None:
    state = a_place()
    submit(state, replace(JOB, submitted_at_ms=0), replace(JOB, id="like"))
    known = of(state)

    assert known.of(state.jobs["j1"]).merit == Merit(JOB.priority.rank, STARVING)
    assert known.of(state.jobs["like"]).merit == Merit(JOB.priority.rank, 0)


@pytest.mark.parametrize(
    "other",
    [
        replace(HAD, job=replace(JOB, user="other")),
        replace(HAD, job=replace(JOB, name="other")),
        replace(HAD, done_ms=HOUR_MS // 12),
        replace(HAD, speed_permille=500),
    ],
)
def test_when_its_like_has_run_it_goes_by_who_asks_and_what_it_has_had(other: JobRecord) -> None:
    state = a_place()
    for number in range(6):
        name, length_ms = (JOB.name, HOUR_MS // 6) if number % 2 else ("other", HOUR_MS // 3)
        state.history.begin(replace(JOB, name=name), f"before-{number}.1", 0)
        state.history.end(f"before-{number}.1", length_ms)
    known, had = of(state), replace(HAD, done_ms=HOUR_MS // 60)

    assert known.of(replace(other, done_ms=max(other.done_ms, had.done_ms))) is not known.of(had)


def test_of_many_sorts_it_is_found_out_anew_and_the_group_is_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(groups, "KEPT_MAX", 2)
    known = of(a_place())
    asked: list[str] = []
    found = known._found

    def counted(record: JobRecord) -> Group:
        asked.append(record.job.user)
        return found(record)

    monkeypatch.setattr(known, "_found", counted)
    users = ("a", "b", "b", "c", "a")
    answers = [known.of(JobRecord(job=replace(JOB, user=user))) for user in users]

    assert asked == ["a", "b", "c", "a"]
    assert len({id(one) for one in answers}) == 1
