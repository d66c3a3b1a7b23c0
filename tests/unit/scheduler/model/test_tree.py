"""The tree of cohorts, tenants and projects: who is in which branch, and what binds it."""

from dataclasses import replace

from scheduler.model.job import ReasonCode
from scheduler.model.tenancy import Cohort, Project
from scheduler.model.tree import REST_WEIGHT, Path, Quota, Tree, cohort_branch
from tests.builders import a_tenant

COAST = Cohort(id="coast", name="Coast", weight=300, max_cards=48)
VISION = Project(tenant_id="fish", id="vision", name="Vision", weight=200, max_cards=8)
TENANTS = {
    "steel": a_tenant("steel", weight=50),
    "fish": a_tenant("fish", max_cards=32, cohort_id="coast"),
    "ship": a_tenant("ship", cohort_id="coast"),
    "lost": a_tenant("lost", cohort_id="unknown"),
}
TREE = Tree(TENANTS, [COAST], [VISION])


def test_a_path_goes_from_the_cohort_to_the_project() -> None:
    assert TREE.path("fish", "vision") == Path("cohort:coast", "fish", "fish/vision")
    assert TREE.path("ship", "vision") == Path("cohort:coast", "ship", "")
    assert TREE.path("steel", "vision") == Path("steel", "", "")
    assert TREE.path("lost", "default") == Path("lost", "", ""), "no such cohort was declared"


def test_who_is_divided_has_all_that_was_never_declared_in_one_branch() -> None:
    assert TREE.path("fish", "x").project == TREE.path("fish", "y").project == "fish/"
    assert TREE.weight("fish/") == REST_WEIGHT


def test_each_branch_has_its_own_weight() -> None:
    assert TREE.weight("cohort:coast") == 300
    assert TREE.weight("steel") == 50
    assert TREE.weight("fish/vision") == 200


def test_the_narrowest_quota_comes_first() -> None:
    assert TREE.quotas("fish", "vision") == (
        Quota("fish/vision", 8, ReasonCode.PROJECT_QUOTA, "fish/vision"),
        Quota("fish", 32, ReasonCode.TENANT_QUOTA, "fish"),
        Quota("cohort:coast", 48, ReasonCode.COHORT_QUOTA, "coast"),
    )
    assert TREE.quotas("steel", "vision") == (Quota("steel", 64, ReasonCode.TENANT_QUOTA, "steel"),)


def test_a_branch_without_a_quota_binds_nobody() -> None:
    tree = Tree(TENANTS, [Cohort(id="coast", name="Coast")], [])
    tree.declare_project(Project(tenant_id="fish", id="vision", name="Vision"))

    assert [quota.branch for quota in tree.quotas("fish", "vision")] == ["fish"]


def test_what_is_taken_above_a_quota_has_to_come_back_as_well() -> None:
    """As where it was lowered below what runs: 8 cards of 2 are taken, and 4 more are wanted."""
    reason = Quota("fish", 2, ReasonCode.TENANT_QUOTA, "fish").reason(4, 2 - 8)
    assert (reason.need, reason.free, reason.gap) == (10, 0, 10)


def test_the_members_of_a_cohort_are_those_that_say_so() -> None:
    assert TREE.members(cohort_branch("coast")) == ["fish", "ship"]


def test_who_leaves_a_cohort_for_another_is_in_that_alone() -> None:
    tree = Tree({one: TENANTS[one] for one in ("ship", "fish")}, [COAST])

    tree.declare_tenant(a_tenant("fish", cohort_id="reef"))
    tree.declare_tenant(a_tenant("eel", cohort_id="reef"))

    assert tree.members(cohort_branch("coast")) == ["ship"]
    assert tree.members(cohort_branch("reef")) == ["eel", "fish"]


def test_a_branch_is_of_one_tenant_or_of_those_of_its_cohort() -> None:
    assert TREE.tenants_in("cohort:coast") == ["fish", "ship"]
    assert TREE.tenants_in("fish/vision") == TREE.tenants_in("fish") == ["fish"]


def test_who_is_not_divided_has_any_project() -> None:
    assert TREE.unknown_project("steel", "anything") is None
    assert TREE.unknown_project("fish", "vision") is None
    assert TREE.unknown_project("fish", "default") == "vision"


def test_whether_anybody_has_a_limit_is_as_it_was_declared_last() -> None:
    bound = replace(a_tenant("steel"), lending_tflops=0)
    tree = Tree({"steel": bound})
    before = tree.is_bounding

    tree.declare_tenant(a_tenant("steel"))
    between = tree.is_bounding
    tree.declare_cohort(Cohort(id="metal", name="Metal", borrowing_tflops=1))

    assert (before, between, tree.is_bounding) == (True, False, True)
