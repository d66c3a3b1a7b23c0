"""The interface's description says enough to use it: who may, what to send, what comes back."""

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute
from pydantic import TypeAdapter

from api.app import ROUTERS
from api.describing import GOOD, JSON, TAGS
from api.errors import MEDIA_TYPE
from api.examples.answers import PROBLEM
from api.schemas.checkpoint_spec import CheckpointSpec
from api.schemas.jobs import JobCreate, Problem
from api.schemas.values import MAX_DEVICE_COUNT
from docs.references import described

DOCUMENT = described()
OPERATIONS = [
    (f"{method.upper()} {path}", operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]
ROUTE_BY_ID = {
    route.name: route
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute)
}


def each(operations: Iterable[tuple[str, dict[str, Any]]]) -> pytest.MarkDecorator:
    names, values = zip(*operations, strict=True)
    return pytest.mark.parametrize("operation", values, ids=names)


def json_body(operation: dict[str, Any]) -> Any:
    return operation.get("requestBody", {}).get("content", {}).get(JSON)


def json_answers(operation: dict[str, Any]) -> list[Any]:
    """What comes back in JSON of a model when all goes well; some routes answer with bytes."""
    if ROUTE_BY_ID[operation["operationId"]].response_model is None:
        return []
    good = [answer for status, answer in operation["responses"].items() if status in GOOD]
    return [answer["content"][JSON] for answer in good if JSON in answer.get("content", {})]


@each(OPERATIONS)
def test_a_route_says_what_it_is_for_and_whose_keys_it_takes(operation: dict[str, Any]) -> None:
    about, _, who = operation["description"].rpartition("\n\n")

    assert operation["summary"]
    assert about
    assert who.startswith(("Takes keys of role ", "Takes any key.", "Needs no key."))
    assert set(operation["tags"]) <= TAGS.keys()


def test_the_roles_are_those_that_the_route_lets_pass() -> None:
    told = {name: operation["description"].rpartition("\n\n")[2] for name, operation in OPERATIONS}

    assert told["POST /v1/prices"] == "Takes keys of role finance."
    assert told["POST /v1/jobs"] == "Takes keys of role tenant or operator."
    assert told["POST /v1/agents/{centre_id}/report"] == "Takes keys of role agent."
    assert told["GET /v1/me"] == "Takes any key."
    assert told["GET /healthz"] == "Needs no key."


@each((name, operation) for name, operation in OPERATIONS if "security" in operation)
def test_errors_are_problems_and_nothing_else(operation: dict[str, Any]) -> None:
    errors = {
        status: answer for status, answer in operation["responses"].items() if status >= "300"
    }

    assert {"400", "401", "403", "422", "500", "503"} <= errors.keys()
    assert {media for answer in errors.values() for media in answer["content"]} == {MEDIA_TYPE}
    assert all(answer["description"] for answer in errors.values())


@each((name, operation) for name, operation in OPERATIONS if json_body(operation))
def test_a_body_has_examples_that_the_route_takes(operation: dict[str, Any]) -> None:
    (body,) = ROUTE_BY_ID[operation["operationId"]].dependant.body_params
    model: Any = body.field_info.annotation

    shown = list(examples(json_body(operation)))

    assert shown
    for example in shown:
        TypeAdapter(model).validate_json(TypeAdapter(Any).dump_json(example))


@each((name, operation) for name, operation in OPERATIONS if json_answers(operation))
def test_an_answer_has_an_example_of_its_model(operation: dict[str, Any]) -> None:
    model: Any = ROUTE_BY_ID[operation["operationId"]].response_model

    for content in json_answers(operation):
        TypeAdapter(model).validate_python(content["example"])


def test_the_problem_shown_is_one() -> None:
    assert DOCUMENT["components"]["schemas"]["Problem"]["examples"] == [PROBLEM]
    assert Problem.model_validate(PROBLEM).errors


@pytest.mark.parametrize("model", [JobCreate, CheckpointSpec])
def test_what_is_written_by_hand_is_described_field_by_field(
    model: type[JobCreate | CheckpointSpec],
) -> None:
    silent = [name for name, field in model.model_fields.items() if not field.description]

    assert not silent


def test_every_bound_is_in_the_words_of_json_schema() -> None:
    devices = DOCUMENT["components"]["schemas"]["JobCreate"]["properties"]["devices"]

    assert (devices["minimum"], devices["maximum"]) == (1, MAX_DEVICE_COUNT)
    assert not {"ge", "gt", "le", "lt"} & set(words(DOCUMENT["components"]))


def words(document: Any) -> Iterator[str]:
    """The names of all that is in it, however deep."""
    parts = document.values() if isinstance(document, dict) else document
    if isinstance(document, dict):
        yield from document
    for part in parts if isinstance(document, dict | list) else ():
        yield from words(part)


def examples(content: dict[str, Any]) -> Iterator[Any]:
    if "example" in content:
        yield content["example"]
    for named in content.get("examples", {}).values():
        assert named["summary"]
        yield named["value"]
