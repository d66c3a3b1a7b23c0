"""What goes wrong inside is told outside as a problem, and only as far as it helps."""

import logging
from typing import Annotated

import pytest
from fastapi import Body, FastAPI
from fastapi.testclient import TestClient
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from api import errors
from api.auth import Keys
from api.bodies import Bodies
from api.database import engine
from api.feed import Feed
from api.schemas.values import Name
from api.services import Services
from api.settings import Settings

SECRET = "the password is hunter2"


@pytest.fixture
def client() -> TestClient:
    app = FastAPI()
    errors.install(app)
    nowhere = engine("postgresql://nobody@nowhere/nothing")
    services = Services(settings=Settings(), database=nowhere, feed=Feed(nowhere))
    app.add_middleware(Bodies, services=services, keys=Keys())

    @app.get("/bug")
    def bug() -> None:
        raise RuntimeError(SECRET)

    @app.get("/away")
    def away() -> None:
        raise OperationalError("SELECT 1", {}, Exception(SECRET))

    @app.get("/busy")
    def busy() -> None:
        raise PoolTimeout(SECRET)

    @app.get("/wrong")
    def wrong() -> None:
        raise ProgrammingError("SELEKT 1", {}, Exception(SECRET))

    @app.post("/echo")
    def echo(body: dict[str, int]) -> dict[str, int]:
        return body

    @app.post("/named")
    def named(body: Annotated[Name, Body()]) -> str:
        return body

    return TestClient(app, raise_server_exceptions=False)


@pytest.mark.parametrize("path", ["/bug", "/wrong"])
def test_a_bug_is_told_by_a_number_that_the_log_knows(
    path: str, client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        answer = client.get(path)

    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "hunter2" not in answer.text
    assert "SELEKT" not in answer.text
    number = answer.json()["detail"].split()[1].rstrip(":")
    assert f"incident {number} at GET {path}" in caplog.text
    assert "hunter2" in caplog.text


@pytest.mark.parametrize("path", ["/away", "/busy"])
def test_a_database_that_is_away_is_told_as_such(path: str, client: TestClient) -> None:
    answer = client.get(path)

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "2"
    assert "hunter2" not in answer.text


def test_a_body_at_the_limit_is_taken_and_one_byte_more_is_not(client: TestClient) -> None:
    body = b'{"a": 1}'.ljust(1 << 20)
    headers = {"Content-Type": "application/json"}

    assert client.post("/echo", content=body, headers=headers).json() == {"a": 1}
    assert client.post("/echo", content=body + b" ", headers=headers).status_code == 413


def test_a_problem_says_nothing_that_it_has_not_got(client: TestClient) -> None:
    problem = client.get("/nothing").json()

    assert sorted(problem) == ["detail", "detail_zh", "status", "title", "title_zh", "type"]


def test_a_text_that_is_too_short_has_characters_and_no_items(client: TestClient) -> None:
    (error,) = client.post("/named", json="").json()["errors"]

    assert error["problem"] == "String should have at least 1 character"
    assert error["fix"] == "say more"
