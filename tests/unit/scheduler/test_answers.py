"""Rules of telling waiting jobs their place: at once to new ones, to many not at every change."""

from dataclasses import replace
from random import Random

from benchmarks.crowd import Crowd, drawn_jobs
from benchmarks.workload import declarations, ideal_park
from cluster.simulated import SimulatedCentre
from scheduler.controller import Controller
from scheduler.facts.events import Submitted
from scheduler.facts.log import MemoryLog, Request

PARK = ideal_park(1, 1)
FIRST_END_MS = 1_500


class Line:
    """Jobs of one card in a park with one card: one runs, the others wait in their order."""

    def __init__(self, waiting: int) -> None:
        self.log = MemoryLog()
        self.centre = SimulatedCentre(
            centre=PARK.centres[0], run_ms=lambda _: FIRST_END_MS - 1, rng=Random(0)
        )
        self.controller = Controller(self.log, {"centre": self.centre})
        for number, wish in enumerate(declarations(["tenant"], PARK)):
            self.log.ask(Request(id=f"declare-{number}", wish=wish))
        self.controller.lead(0)
        model = next(drawn_jobs(Crowd(park=PARK, pending=0, shapes=1, seed=0), Random(0)))
        ids = [f"j{number:05}" for number in range(waiting + 1)]
        for job_id in ids:
            job = replace(model, id=job_id, tenant_id="tenant", submitted_at_ms=0)
            self.log.ask(Request(id=job_id, wish=Submitted(at_ms=0, job=job)))
        while self.log.inbox:
            self.step(1)
        self.last_id = ids[-1]

    def step(self, now_ms: int) -> None:
        self.centre.advance(now_ms)
        self.controller.step(now_ms)

    def last_place(self) -> int:
        return self.log.waiting[self.last_id].position


def test_a_short_queue_is_told_of_its_new_places_within_a_second() -> None:
    line = Line(waiting=20)
    assert line.last_place() == 20

    line.step(FIRST_END_MS)

    assert line.last_place() == 19


def test_a_long_queue_is_told_a_millisecond_later_for_each_job() -> None:
    line = Line(waiting=3_000)
    line.step(1_001)
    assert line.last_place() == 3_000

    line.step(2_600)
    assert line.last_place() == 3_000, "though one has ended, and a short queue would be told"

    line.step(1 + 3_000)
    assert line.last_place() < 3_000
