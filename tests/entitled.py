"""What is a branch's own, declared in a test."""

from typing import Unpack

from typing_extensions import TypedDict

from scheduler.facts import events as ev
from scheduler.facts.invariants import check
from scheduler.facts.state import State
from scheduler.model.tenancy import Cohort, Project


class Own(TypedDict, total=False):
    """What is a branch's own, and how much it borrows and lends."""

    nominal_cards: tuple[tuple[str, int], ...]
    nominal_tflops: int | None
    borrowing_cards: tuple[tuple[str, int], ...]
    borrowing_tflops: int | None
    lending_cards: tuple[tuple[str, int], ...]
    lending_tflops: int | None


def a_project(state: State, tenant_id: str, project_id: str, **own: Unpack[Own]) -> None:
    """The tenant has this project, with so much of its own."""
    project = Project(tenant_id=tenant_id, id=project_id, name=project_id, **own)
    _happen(state, ev.ProjectDeclared(at_ms=0, project=project))


def a_cohort(state: State, cohort_id: str, **own: Unpack[Own]) -> None:
    """There is such a cohort, with so much of its own."""
    cohort = Cohort(id=cohort_id, name=cohort_id, **own)
    _happen(state, ev.CohortDeclared(at_ms=0, cohort=cohort))


def _happen(state: State, event: ev.Event) -> None:
    assert state.apply(event) is None
    check(state)
