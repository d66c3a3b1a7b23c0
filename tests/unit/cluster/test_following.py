"""What a centre reports beside what the log says is live, from report to report."""

from cluster.driver import AttemptEnd, AttemptPhase, AttemptReport, CentreReport, News
from scheduler.facts import events as ev
from scheduler.facts.agenda import Agenda
from scheduler.facts.state import State
from scheduler.readings import Readings
from tests.builders import a_job, a_lease, a_placement, a_state, happen, submit
from tests.unit.scheduler.facts.test_agenda import POOL, a_busy_state, ends, stop

CENTRE = "east"
Told = tuple[AttemptReport, ...]


def runs(attempt_id: str) -> AttemptReport:
    return AttemptReport(attempt_id=attempt_id, phase=AttemptPhase.RUNNING, started_at_ms=1)


def over(attempt_id: str) -> AttemptReport:
    phase, end = AttemptPhase.ENDED, AttemptEnd.EXITED
    return AttemptReport(attempt_id=attempt_id, phase=phase, started_at_ms=1, end=end)


def a_report(attempts: Told, news: News | None = None) -> CentreReport:
    return CentreReport(
        centre_id=CENTRE,
        heard_at_ms=1,
        online_node_ids=frozenset(),
        attempts=attempts,
        news=news,
    )


def then(before: Told, *changes: AttemptReport, gone: str = "") -> CentreReport:
    """The report after one with `before`, and what of it is other."""
    changed: dict[str, AttemptReport | None] = {one.attempt_id: one for one in changes}
    told = {one.attempt_id: one for one in (*before, *changes) if one.attempt_id != gone}
    return a_report((*told.values(),), News(before, changed | ({gone: None} if gone else {})))


def unsure(readings: Readings, report: CentreReport, state: State) -> list[str]:
    return readings.of(report, state.agenda).unsure_ids()


def strays(readings: Readings, report: CentreReport, state: State) -> list[str]:
    found = readings.of(report, state.agenda).strays(state.live)
    return [told.attempt_id for told in found]


def test_what_ends_or_is_gone_is_looked_at_until_the_log_says_so_as_well() -> None:
    state, readings = a_busy_state("a", "b", "c"), Readings()
    all_run = a_report((runs("c.1"), runs("b.1"), runs("a.1")))
    assert unsure(readings, all_run, state) == []

    ended = then(all_run.attempts, over("b.1"), gone="a.1")
    assert unsure(readings, ended, state) == unsure(readings, ended, state) == ["a.1", "b.1"]
    ends(state, "a.1", 9_000)
    ends(state, "b.1", 9_000)

    assert unsure(readings, ended, state) == []
    assert strays(readings, ended, state) == ["b.1"], "it may be forgotten"
    assert strays(readings, then(ended.attempts, gone="b.1"), state) == []


def test_what_is_leased_or_told_to_stop_is_looked_at_whatever_is_reported() -> None:
    state, readings = a_busy_state("a"), Readings()
    report = a_report((runs("a.1"),))
    assert unsure(readings, report, state) == []

    submit(state, a_job("n", device_count=1))
    happen(state, a_lease("n", a_placement(POOL, 1), at_ms=3_000), stop("a.1", 3_000))

    assert unsure(readings, report, state) == ["a.1", "n.1"]
    assert unsure(readings, then(report.attempts, runs("n.1")), state) == ["a.1", "n.1"]
    happen(state, ev.Started(at_ms=4_000, attempt_id="n.1"))
    assert unsure(readings, a_report(report.attempts), state) == ["a.1", "n.1"], "it is gone"


def test_what_changed_since_another_report_than_the_last_is_read_as_a_whole() -> None:
    state, readings = a_busy_state("a", "b"), Readings()
    unsure(readings, a_report((runs("a.1"), runs("b.1"))), state)

    missed = then((runs("a.1"), runs("b.1")), over("a.1"))

    assert unsure(readings, then(missed.attempts, runs("x.1")), state) == ["a.1"]
    assert strays(readings, then(missed.attempts, runs("x.1")), state) == ["x.1"]


def test_another_log_is_compared_with_all_that_is_reported() -> None:
    state, readings = a_busy_state("a"), Readings()
    report = a_report((runs("a.1"), runs("b.1")))
    assert unsure(readings, report, state) == []
    assert strays(readings, report, state) == ["b.1"]

    state.agenda = Agenda()
    state.live.clear()

    assert strays(readings, report, state) == ["a.1", "b.1"]


def test_what_the_log_gives_up_for_its_centre_is_a_stray_once_that_is_heard_again() -> None:
    state, readings = a_busy_state("a"), Readings()
    report = a_report((runs("a.1"),))
    assert unsure(readings, report, state) == []

    readings.forget(CENTRE)
    ends(state, "a.1", 9_000)

    assert strays(readings, report, state) == ["a.1"]


def test_strays_come_in_the_order_of_the_report() -> None:
    report = a_report(tuple(runs(f"{name}.1") for name in "dbeac"))

    assert strays(Readings(), report, a_state()) == ["d.1", "b.1", "e.1", "a.1", "c.1"]
