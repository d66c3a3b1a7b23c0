"""Whether limits contradict what branches own, or the limits above them.

Nothing here breaks a promise that was made: `promises` says what cannot be kept. But who owns what
its group may not hold is promised nothing, and a limit that can never be reached is a slip.
"""

from collections.abc import Iterator

from cluster.inventory import Park
from scheduler.model.entitlements import Entitlements, branches
from scheduler.model.promises import field_of, max_cards_of, name_of, promised_of
from scheduler.model.tenancy import Entitlement
from scheduler.model.tree import Tree, cohort_branch


def limit_problems(tree: Tree, park: Park) -> Iterator[str]:
    """Each names both numbers and what to do."""
    entitlements = Entitlements(tree, park)
    said = dict(branches(tree))
    for branch in (*(cohort_branch(one) for one in sorted(tree.cohorts)), *sorted(tree.tenants)):
        parts = [said[one] for one in _parts_of(branch, tree) if one in said]
        yield from _below_cards(branch, parts, tree, entitlements)
        yield from _below_owned(branch, said.get(branch, Entitlement()), parts, tree, entitlements)
    for branch, own in said.items():
        yield from _out_of_reach(branch, own, tree, entitlements)


def _parts_of(branch: str, tree: Tree) -> list[str]:
    return [*(tree.projects_of(branch) if branch in tree.tenants else tree.members(branch))]


def _below_cards(
    branch: str, parts: list[Entitlement], tree: Tree, entitlements: Entitlements
) -> Iterator[str]:
    """What the parts own, over all kinds, has room in the quota of the whole."""
    most = max_cards_of(branch, tree)
    owned = sum(
        cards
        for one in parts
        for unit, cards in entitlements.nominal_of(one).items()
        if entitlements.is_of_cards(unit)
    )
    if most is not None and owned > most:
        yield (
            f"{name_of(branch, tree)}: nominal_cards of its {_parts_name(branch, tree)} are "
            f"{owned} in all, more than its max_cards {most}: raise that to {owned}, "
            "or give them less"
        )


def _below_owned(
    branch: str,
    own: Entitlement,
    parts: list[Entitlement],
    tree: Tree,
    entitlements: Entitlements,
) -> Iterator[str]:
    """Who may borrow so much of what it has no quota of may hold that, and no more."""
    for unit, most in own.borrowing.items():
        owned = sum(promised_of(one, unit, entitlements) for one in parts)
        owned = max(owned, promised_of(own, unit, entitlements))
        if unit not in entitlements.nominal_of(own) and owned > most:
            yield (
                f"{name_of(branch, tree)}: by {field_of('borrowing', unit)} it holds at most "
                f"{most}, less than the {owned} that are owned in it: raise that to {owned}, or "
                f"give it {field_of('nominal', unit)} of its own"
            )


def _out_of_reach(
    branch: str, own: Entitlement, tree: Tree, entitlements: Entitlements
) -> Iterator[str]:
    """Beyond its own a branch borrows no more than it, and those above it, may hold."""
    for unit, more in own.borrowing.items():
        nominal = entitlements.nominal_of(own).get(unit, 0)
        bounds = _bounds(branch, unit, tree, entitlements)
        bound, above, limit = min(bounds, default=(nominal + more, branch, ""))
        if nominal <= bound < nominal + more:
            yield (
                f"{name_of(branch, tree)}: with {field_of('borrowing', unit)} {more} it may hold "
                f"{nominal + more}, and {name_of(above, tree)} holds at most {bound} by its "
                f"{limit}: lower the first to {bound - nominal}, or raise the second before"
            )


def _bounds(
    branch: str, unit: str, tree: Tree, entitlements: Entitlements
) -> Iterator[tuple[int, str, str]]:
    """How much it and those above it may hold, and which field says so."""
    for above in entitlements.levels_of(branch):
        cards = max_cards_of(above, tree) if above else None
        if cards is not None and entitlements.is_of_cards(unit):
            yield cards, above, "max_cards"
        most = entitlements.most.get((above, unit))
        if most is not None and above != branch:
            yield most, above, field_of("borrowing", unit)


def _parts_name(branch: str, tree: Tree) -> str:
    return "projects" if branch in tree.tenants else "tenants"
