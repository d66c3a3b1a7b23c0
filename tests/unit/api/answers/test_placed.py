"""Which members of several roles are shown on which node."""

import pytest

from api.answers.placed import node_views, spans
from api.cli.job_tables import nodes_text, print_job
from api.examples.answers import ANSWERS
from api.schemas.jobs import JobView
from api.schemas.role_spec import RoleSpec
from tests.builders import a_job, a_placement, of_roles


def test_numbers_are_told_in_short() -> None:
    assert spans([0]) == "0"
    assert spans([0, 1, 2, 5, 7, 8]) == "0-2,5,7-8"
    assert spans([]) == ""


def test_each_node_is_told_with_its_members_by_role() -> None:
    job = of_roles(a_job(), (1, 0), (3, 4), (1, 2))

    assert node_views(a_placement("east-npu", 8, 6), job.roles) == [
        {"node_id": "east-npu-n001", "card_count": 8, "members": {"r0": "0", "r1": "0-1"}},
        {"node_id": "east-npu-n002", "card_count": 6, "members": {"r1": "2", "r2": "0"}},
    ]


def test_members_that_are_alike_are_told_by_their_cards_as_before() -> None:
    assert node_views(a_placement("east-npu", 8, 8), ()) == [
        {"node_id": "east-npu-n001", "card_count": 8},
        {"node_id": "east-npu-n002", "card_count": 8},
    ]


def test_a_job_is_shown_with_its_roles_and_who_is_where(
    capsys: pytest.CaptureFixture[str],
) -> None:
    job = JobView.model_validate(ANSWERS["get_job"])
    roles = [RoleSpec(name="launcher", devices=0), RoleSpec(name="worker", count=2, devices=4)]
    spec = job.spec.model_copy(update={"roles": roles, "ends_with": "launcher"})
    nodes = [{"node_id": "n1", "card_count": 8, "members": {"launcher": "0", "worker": "0-1"}}]
    attempt = job.attempts[0].model_copy(update={"nodes": nodes})

    print_job(job.model_copy(update={"spec": spec}))
    print_job(job)

    said = " ".join(capsys.readouterr().out.split())
    roles_told = "launcher: 1 member without devices, worker: 2 members with 4 devices each;"
    assert said.count(roles_told) == 1
    assert "ends with launcher" in said
    assert nodes_text(attempt) == "n1×8 (launcher 0, worker 0-1)"
    assert nodes_text(
        attempt.model_copy(update={"nodes": [{"node_id": "a", "card_count": 1}]})
    ) == ("a×1")
