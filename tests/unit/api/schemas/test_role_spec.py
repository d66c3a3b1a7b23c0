"""Roles in a job file: what follows from them, and what is refused, by the name of its field."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from api.files.job_file import JobFileInvalid, prepare
from api.schemas.jobs import JobCreate, JobSpec
from api.schemas.role_spec import MAX_CARDLESS, MAX_MEMBERS, MAX_ROLES
from api.submission import spec_of
from scheduler.model.job import Role
from tests.builders import a_job, of_roles

LAUNCHER = {"name": "launcher", "devices": 0}
WORKER = {"name": "worker", "count": 2, "devices": 4}


def a_spec(*roles: dict[str, Any], **fields: object) -> JobCreate:
    return JobCreate.model_validate({"command": "true", "roles": [*roles], **fields})


def problem(*roles: object, **fields: object) -> str:
    """What a user is told who submits such a file."""
    with pytest.raises(JobFileInvalid) as refused:
        prepare({"command": "true", "roles": [*roles], **fields}, Path())
    return str(refused.value)


def test_the_cards_of_a_job_are_those_of_its_roles() -> None:
    job = a_spec(LAUNCHER, WORKER)

    assert (job.devices, [role.count for role in job.roles]) == (8, [1, 2])
    assert a_spec(LAUNCHER, WORKER, devices=8) == job
    assert JobCreate.model_validate_json(job.model_dump_json()) == job


def test_where_each_role_has_a_command_the_job_needs_none() -> None:
    roles = [{**LAUNCHER, "command": "lead"}, {**WORKER, "command": "work"}]

    job = JobCreate.model_validate({"roles": roles})

    assert (job.command, [role.command for role in job.roles]) == ("lead", ["lead", "work"])
    with pytest.raises(JobFileInvalid, match="command: Field required"):
        prepare({"roles": [roles[0], WORKER]}, Path())


@pytest.mark.parametrize(
    ("roles", "fields", "told"),
    [
        ([WORKER], {"devices": 9}, "devices: 9 is not what its roles have, 8; leave it out"),
        ([WORKER], {"nodes": 2}, "give roles, or nodes and members, not both"),
        ([WORKER], {"members": 2}, "give roles, or nodes and members, not both"),
        ([WORKER, WORKER], {}, "roles: worker is there twice"),
        ([LAUNCHER], {}, "roles: no member has a card"),
        ([WORKER], {"ends_with": "boss"}, "ends_with: boss is none of its roles: worker"),
        ([{"name": "w"}], {}, "roles.0.devices: Field required"),
        ([{**WORKER, "count": 0}], {}, "roles.0.count: Input should be greater than or equal to 1"),
        ([{**WORKER, "count": "2"}], {}, "roles.0.count: a whole number is needed"),
        ([{**WORKER, "devices": True}], {}, "roles.0.devices: a whole number is needed"),
        ([{**WORKER, "devices": -1}], {}, "roles.0.devices: Input should be greater than or equal"),
        (
            [{**WORKER, "name": "Worker 1"}],
            {},
            "roles.0.name: needs 1 to 32 small letters, digits or -",
        ),
        ([{**WORKER, "gpus": 1}], {}, "roles.0.gpus: Extra inputs are not permitted"),
        ([{**WORKER, "command": ""}], {}, "roles.0.command: String should have at least 1"),
        (["worker"], {"devices": 1}, "roles.0: Input should be a valid dictionary"),
        (
            [{**WORKER, "count": MAX_MEMBERS}, {**WORKER, "name": "w", "devices": 1}],
            {},
            "2050 members",
        ),
        ([WORKER, {**LAUNCHER, "count": MAX_CARDLESS + 1}], {}, "65 members without cards"),
        ([{**WORKER, "count": 2_000, "devices": 99}], {"devices": 9}, "198000 cards are more than"),
        ([{**LAUNCHER, "name": f"r{n}"} for n in range(MAX_ROLES + 1)], {}, "at most 8 items"),
    ],
)
def test_what_is_wrong_with_roles_is_told_by_its_name(
    roles: list[Any], fields: dict[str, Any], told: str
) -> None:
    assert told in problem(*roles, **fields)


@pytest.mark.parametrize("cards", [4, 4.0, Decimal("4.0")], ids=repr)
def test_a_whole_number_is_one_however_it_is_written(cards: object) -> None:
    assert a_spec({**WORKER, "devices": cards}).devices == 8
    assert a_spec({"name": "w", "count": cards, "devices": 2}).devices == 8


@pytest.mark.parametrize("cards", [1e300, 10**400, float("nan"), float("inf"), "4", None])
def test_what_is_no_number_of_cards_is_told_of_the_role(cards: object) -> None:
    assert "roles.0.devices: " in problem({**WORKER, "devices": cards})
    assert "devices: 1 is not" not in problem({**WORKER, "devices": cards})


def test_as_many_as_may_be_are_taken() -> None:
    assert a_spec({**WORKER, "count": MAX_MEMBERS}).devices == 8_192
    assert a_spec(WORKER, {**LAUNCHER, "count": MAX_CARDLESS}).devices == 8


def test_a_job_that_has_no_roles_still_needs_its_cards_and_ends_with_none() -> None:
    with pytest.raises(JobFileInvalid, match="devices: Field required"):
        prepare({"command": "true", "roles": []}, Path())
    with pytest.raises(JobFileInvalid, match="none of its roles: it has none"):
        prepare({"command": "true", "devices": 1, "ends_with": "worker"}, Path())
    with pytest.raises(JobFileInvalid, match="roles: Input should be a valid list"):
        prepare({"command": "true", "devices": 1, "roles": 5}, Path())


def test_the_description_says_that_roles_may_stand_for_command_and_cards() -> None:
    schema = JobCreate.model_json_schema()

    assert schema["anyOf"] == [{"required": ["command", "devices"]}, {"required": ["roles"]}]
    assert "required" not in schema


def test_a_job_is_told_with_its_roles_and_can_be_submitted_so_again() -> None:
    job = of_roles(a_job(), (1, 0), (2, 4), ends_with="r0")

    told = spec_of(job)

    again = JobSpec.model_validate_json(told.model_dump_json())
    assert again == told
    assert [(one.name, one.count, one.devices) for one in told.roles] == [
        ("r0", 1, 0),
        ("r1", 2, 4),
    ]
    assert (told.devices, told.ends_with) == (8, "r0")
    assert job.roles[1] == Role(name="r1", count=2, card_count=4)
