"""What one event costs where many wait: it is taken in, and who starts now is found and verified.

An arrival and an end by turns. What starts is leased between the measurements, as is its start, and
what is to stop for others ends.
"""

import time
from collections.abc import Iterator
from dataclasses import replace
from random import Random

from benchmarks.crowd import NOW_MS, Crowd, applied, cleared, drawn_jobs, ended, started
from scheduler.facts import events as ev
from scheduler.facts.state import State
from scheduler.model.plan import Answers
from scheduler.model.policy import DEFAULT
from scheduler.planning.planner import plan
from scheduler.planning.verifier import verified

MS_PER_S = 1_000


def event_costs_ms(state: State, crowd: Crowd, count: int) -> list[float]:
    """Processor milliseconds of each of so many events, a second apart."""
    rng = Random(crowd.seed)
    while (found := plan(state, NOW_MS, answers=Answers.GRANTS)).grants or found.evictions:
        started(state, found.grants, NOW_MS)
        cleared(state, found.evictions, NOW_MS)
    return [
        _cost_ms(state, event, NOW_MS + number * MS_PER_S)
        for number, event in enumerate(_events(state, crowd, rng, count), start=1)
    ]


def _events(state: State, crowd: Crowd, rng: Random, count: int) -> Iterator[ev.Event]:
    jobs = drawn_jobs(crowd, rng)
    for number in range(1, count + 1):
        now_ms = NOW_MS + number * MS_PER_S
        if number % 2:
            job = replace(next(jobs), id=f"n{number:07}", submitted_at_ms=now_ms)
            yield ev.Submitted(at_ms=now_ms, job=job)
        else:
            yield ended(rng.choice(sorted(state.live)), now_ms)


def _cost_ms(state: State, event: ev.Event, now_ms: int) -> float:
    began_s = time.process_time()
    applied(state, event)
    found, flaws = verified(state, plan(state, now_ms, answers=Answers.GRANTS), now_ms, DEFAULT)
    used_s = time.process_time() - began_s
    assert not flaws, flaws
    started(state, found.grants, now_ms)
    cleared(state, found.evictions, now_ms)
    return used_s * MS_PER_S
