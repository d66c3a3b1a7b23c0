"""What is a branch's own, declared in a test."""

from dataclasses import replace
from typing import Any, Unpack

from hypothesis import strategies as st
from typing_extensions import TypedDict

from scheduler.facts import events as ev
from scheduler.facts.invariants import check
from scheduler.facts.state import State
from scheduler.model.job import Reason, ReasonCode
from scheduler.model.promises import promise_problems
from scheduler.model.tenancy import Cohort, P, Project
from scheduler.model.tree import Tree


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


AMOUNTS = st.sampled_from([None, None, None, 0, 1, 2, 4, 9])
FIELDS = ("nominal", "borrowing", "lending")


@st.composite
def entitlements(draw: st.DrawFn, kinds: tuple[str, ...]) -> dict[str, Any]:
    """Perhaps something of each, of each kind and in TFLOPS."""
    found: dict[str, Any] = {}
    for field in FIELDS:
        amounts = {kind: draw(AMOUNTS) for kind in kinds}
        is_own = field == "nominal"
        cards = [(k, n) for k, n in sorted(amounts.items()) if n or (n == 0 and not is_own)]
        cards_of_npu = draw(AMOUNTS)
        tflops = None if cards_of_npu is None else 313 * cards_of_npu
        found[f"{field}_cards"] = tuple(cards)
        found[f"{field}_tflops"] = tflops or (None if is_own else tflops)
    return found


def _levels(tree: Tree) -> list[dict[str, Any]]:
    return [tree.cohorts, tree.tenants, tree.projects]


@st.composite
def entitled(draw: st.DrawFn, states: st.SearchStrategy[State]) -> State:
    """The same, and branches own, borrow and lend something, as far as it could be declared."""
    state = draw(states)
    assert state.park is not None
    kinds = tuple(sorted({pool.device_kind_id for pool in state.park.pools}))
    tree = state.tree
    for branches in _levels(tree):
        for name, one in sorted(branches.items()):
            branches[name] = replace(one, **draw(entitlements(kinds)))
            if [*promise_problems(tree, state.park)]:
                branches[name] = one
    tree.version += 1  # as if all had been declared
    return state


def lift(state: State, reason: Reason) -> None:
    """The limit is wider by as much as is short; of what is not lent, all is."""
    tree = state.tree
    tree.version += 1  # changed beside it, and not by an event
    unit = P if reason.unit == "tflops" else reason.unit.removeprefix("cards of ")
    for branches in _levels(tree):
        for name, one in branches.items():
            if reason.code is ReasonCode.LENT_OUT:
                branches[name] = replace(one, lending_cards=(), lending_tflops=None)
            elif name == reason.where and _is_of(reason, branches, state):
                branches[name] = _wider(one, unit, reason.gap)


def _is_of(reason: Reason, branches: object, state: State) -> bool:
    tree = state.tree
    codes = {
        id(tree.cohorts): ReasonCode.COHORT_QUOTA,
        id(tree.tenants): ReasonCode.TENANT_QUOTA,
        id(tree.projects): ReasonCode.PROJECT_QUOTA,
    }
    return reason.code is codes[id(branches)]


def _wider(one: Any, unit: str, more: int) -> Any:
    if unit == P:
        return replace(one, borrowing_tflops=one.borrowing_tflops + more)
    cards = dict(one.borrowing_cards)
    return replace(one, borrowing_cards=(*{**cards, unit: cards[unit] + more}.items(),))
