"""Whether what branches are entitled to can be kept: by the park, and by the branches above them.

Nodes that are down are no reason: those come back.
"""

from collections import Counter
from collections.abc import Iterator

from cluster.inventory import Park
from scheduler.model.entitlements import Entitlements, branches
from scheduler.model.tenancy import Entitlement, P
from scheduler.model.tree import Tree, cohort_branch

FIELDS = ("nominal", "borrowing", "lending")


def promise_problems(tree: Tree, park: Park) -> Iterator[str]:
    """What could not be kept: a kind, one branch alone, its parts, or all together."""
    said = dict(branches(tree))
    entitlements = Entitlements(tree, park)
    for branch, own in said.items():
        yield from _alone(branch, own, tree, entitlements)
    for tenant_id in sorted({one.tenant_id for one in tree.projects.values()}):
        parts = {one: said[one] for one in tree.projects_of(tenant_id) if one in said}
        whole = said.get(tenant_id, Entitlement())
        yield from _parts(f"tenant {tenant_id}", whole, parts, entitlements)
    for cohort_id in sorted(tree.cohorts):
        branch = cohort_branch(cohort_id)
        members = {one: said[one] for one in tree.members(branch) if one in said}
        if branch in said:
            whole = said[branch]
            yield from _members(f"cohort {cohort_id}", whole, members, entitlements)
    yield from _nodes(tree, park)
    yield from _together(tree, said, entitlements)


def promise_warnings(tree: Tree, park: Park) -> Iterator[str]:
    """What is not always had: of a kind more is owned in TFLOPS than who stands above owns of it.

    On other kinds all of it may be had, so that it is declared all the same.
    """
    entitlements = Entitlements(tree, park)
    for branch, unit in sorted(entitlements.nominal):
        if unit == P:
            yield from _beyond(branch, tree, entitlements)


def _beyond(branch: str, tree: Tree, entitlements: Entitlements) -> Iterator[str]:
    nominal, above = entitlements.nominal, entitlements.above(branch)
    for kind_id in sorted(entitlements.cards):
        there = nominal.get((above, kind_id))
        if there is None or P not in entitlements.units(kind_id):
            continue
        cards = nominal[branch, P] // entitlements.amount(P, kind_id, 1)
        # More of the kind than the park has nobody could run.
        own = min(cards, nominal.get((branch, kind_id), cards), entitlements.cards[kind_id])
        if own > there:
            whole, field = name_of(above, tree), field_of("nominal", kind_id)
            yield (
                f"{name_of(branch, tree)}: nominal_tflops {nominal[branch, P]} are {own} cards of "
                f"{kind_id}, and {whole} owns {there}: what runs beyond those is borrowed there, "
                f"and does not take them back; name {field}, {there} at most, or none for {whole}"
            )


def _nodes(tree: Tree, park: Park) -> Iterator[str]:
    """Whole nodes, or racks, are of pools, and not more of one than it has."""
    promised: Counter[str] = Counter()
    for tenant_id, tenant in sorted(tree.tenants.items()):
        for pool_id, nodes in tenant.nominal_nodes:
            promised[pool_id] += nodes
            if pool_id not in park.pool_by_id:
                known = ", ".join(sorted(park.pool_by_id))
                yield f"tenant {tenant_id}: nominal_nodes names {pool_id}; the park has {known}"
            elif nodes % (size := park.pool_by_id[pool_id].cell_nodes):
                what = f"nominal_nodes of {pool_id} are {nodes}"
                yield f"tenant {tenant_id}: {what}, and it guarantees whole racks of {size} nodes"
    for pool_id, nodes in sorted(promised.items()):
        pool = park.pool_by_id.get(pool_id)
        if pool is not None and nodes > (there := pool.cell_count * pool.cell_nodes):
            where = " in whole racks" if pool.guarantees_racks else ""
            what = f"nominal_nodes of {pool_id} are {nodes} over all tenants"
            yield f"{what}, and it has {there}{where}"


def _alone(branch: str, own: Entitlement, tree: Tree, entitlements: Entitlements) -> Iterator[str]:
    name, park_cards = name_of(branch, tree), entitlements.cards
    for field in FIELDS:
        for kind_id in sorted(dict(getattr(own, f"{field}_cards")).keys() - park_cards.keys()):
            known = ", ".join(sorted(park_cards))
            yield f"{name}: {field}_cards names {kind_id}; the park has {known}"
    nominal = entitlements.nominal_of(own)
    cards = sum(amount for unit, amount in nominal.items() if entitlements.is_of_cards(unit))
    most = max_cards_of(branch, tree)
    if most is not None and cards > most:
        yield f"{name}: nominal_cards are {cards} in all, more than its max_cards {most}"
    for unit, lent in own.lending.items():
        if lent > nominal.get(unit, 0):
            what = field_of("lending", unit)
            yield f"{name}: {what} {lent}, more than its own {nominal.get(unit, 0)}"


def _members(
    name: str, whole: Entitlement, parts: dict[str, Entitlement], entitlements: Entitlements
) -> Iterator[str]:
    """Of what a cohort says nothing, its tenants are promised by the park."""
    for unit, amount in whole.nominal.items():
        promised = sum(promised_of(one, unit, entitlements) for one in parts.values())
        if promised > amount:
            yield _too_much(name, "its tenants", unit, promised, amount)


def _parts(
    name: str, whole: Entitlement, parts: dict[str, Entitlement], entitlements: Entitlements
) -> Iterator[str]:
    """A tenant gives its projects of what is its own, and no more."""
    said = {unit for one in (whole, *parts.values()) for unit in entitlements.nominal_of(one)}
    nominal = entitlements.nominal_of(whole)
    is_in_tflops = P in nominal
    for unit in sorted(said):
        own = promised_of(whole, unit, entitlements)
        promised = sum(promised_of(one, unit, entitlements) for one in parts.values())
        # Where it says nothing of a kind, what it has over all kinds is the bound.
        is_counted = is_in_tflops and P in entitlements.units(unit)
        is_bound = unit == P or unit in nominal or not is_counted
        if is_bound and promised > own:
            yield _too_much(name, "its projects", unit, promised, own)
        if not is_bound and promised > entitlements.cards[unit]:
            what, there = field_of("nominal", unit), entitlements.cards[unit]
            yield f"{name}: {what} of its projects are {promised} in all, and the park has {there}"
        kept = sum(_kept(one, unit, entitlements) for one in parts.values())
        keeps = _kept(whole, unit, entitlements)
        if kept > keeps:
            what = field_of("lending", unit)
            yield f"{name}: by {what} its projects keep {kept} in all, and it keeps {keeps} itself"


def _together(
    tree: Tree, said: dict[str, Entitlement], entitlements: Entitlements
) -> Iterator[str]:
    """What stands directly under the park: cohorts, and tenants whose cohort says nothing of it."""
    whose = "cohorts and tenants" if any(one not in tree.tenants for one in said) else "tenants"
    for unit in (*sorted(entitlements.cards), P):
        promised = sum(
            _of_cohort(branch, tree, said, unit, entitlements)
            if branch not in tree.tenants
            else promised_of(own, unit, entitlements)
            for branch, own in said.items()
            if branch not in tree.projects
            and not _is_under_cohort(branch, said, unit, entitlements)
        )
        if promised > entitlements.capacity(unit):
            there = entitlements.capacity(unit)
            what = field_of("nominal", unit)
            yield f"{what} are {promised} over all {whose}, and the park has {there}"


def _is_under_cohort(
    branch: str, said: dict[str, Entitlement], unit: str, entitlements: Entitlements
) -> bool:
    """Whether it is a tenant whose cohort answers for it."""
    cohort, tenant, _ = entitlements.levels_of(branch)
    return bool(tenant) and cohort in said and (unit == P or unit in said[cohort].nominal)


def _of_cohort(
    branch: str, tree: Tree, said: dict[str, Entitlement], unit: str, entitlements: Entitlements
) -> int:
    """Over all kinds it has what its tenants have where that is more, unless it says otherwise."""
    own = promised_of(said[branch], unit, entitlements)
    if unit != P or P in said[branch].nominal:
        return own
    members = (said[one] for one in tree.members(branch) if one in said)
    return max(own, sum(promised_of(one, unit, entitlements) for one in members))


def promised_of(own: Entitlement, unit: str, entitlements: Entitlements) -> int:
    """In TFLOPS over all kinds a branch without such a quota has those of its kinds."""
    nominal = entitlements.nominal_of(own)
    if unit == P and P not in nominal:
        cards = ((one, count) for one, count in nominal.items() if one in entitlements.cards)
        return sum(entitlements.amount(P, one, count) for one, count in cards)
    return nominal.get(unit, 0)


def _kept(own: Entitlement, unit: str, entitlements: Entitlements) -> int:
    """What it does not lend."""
    nominal = entitlements.nominal_of(own).get(unit, 0)
    return max(0, nominal - own.lending.get(unit, nominal))


def _too_much(name: str, who: str, unit: str, promised: int, own: int) -> str:
    what = field_of("nominal", unit)
    return f"{name}: {what} of {who} are {promised} in all, more than its own {own}"


def field_of(field: str, unit: str) -> str:
    return f"{field}_tflops" if unit == P else f"{field}_cards of {unit}"


def name_of(branch: str, tree: Tree) -> str:
    if branch in tree.projects:
        return f"project {branch}"
    if branch in tree.tenants:
        return f"tenant {branch}"
    return f"cohort {branch.removeprefix(cohort_branch(''))}"


def max_cards_of(branch: str, tree: Tree) -> int | None:
    if branch in tree.projects:
        return tree.projects[branch].max_cards
    if branch in tree.tenants:
        return tree.tenants[branch].max_cards
    return tree.cohorts[branch.removeprefix(cohort_branch(""))].max_cards
