"""The routes for agents: who may speak for a centre, and where the leader is."""

from base64 import b64encode
from dataclasses import replace

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, insert

from api.app import create_app
from api.auth import Role, create_key
from api.feed import Feed
from api.services import Services
from api.settings import Settings
from cluster.link import CentreLink
from scheduler.storage.tables import AttemptRow, JobRow, LeaderRow
from tests.ray_centre import CENTRE, order

pytestmark = pytest.mark.enable_socket

REPORT = {"agent_started_at_ms": 1, "number": 1, "online_node_ids": ["n1"], "attempts": []}
DIARY = {"asked": 1, "agent_started_at_ms": 1, "number": 1, "at_ms": 1, "whole_since_ms": 0}
NOTED = {"attempt_id": "j.1", "phase": "ended"}
ASKED = {"known": [], "stopping": [], "wait_ms": 0}


@pytest.fixture
def services(database: Engine) -> Services:
    link = CentreLink(CENTRE.id, lambda: 7_000)
    return Services(
        settings=Settings(url="http://this:1"),
        database=database,
        feed=Feed(database),
        links={CENTRE.id: link},
    )


def client(services: Services, centre_id: str = CENTRE.id) -> TestClient:
    with services.database.begin() as connection:
        key = create_key(connection, Role.AGENT, now_ms=0, centre_id=centre_id)
    headers = {"Authorization": f"Bearer {key.secret}"}
    return TestClient(create_app(services), headers=headers, follow_redirects=False)


def test_a_report_is_what_the_link_observes(services: Services) -> None:
    answer = client(services).post("/v1/agents/lsl/report", json=REPORT)

    seen = services.links["lsl"].observe()
    assert answer.status_code == 204
    assert seen is not None
    assert (seen.online_node_ids, seen.heard_at_ms) == ({"n1"}, 7_000)  # type: ignore[comparison-overlap] # a frozenset equals a set


def test_a_report_that_is_passed_over_is_not_called_taken(services: Services) -> None:
    """Else an agent whose clock was set back thinks itself heard, and its work runs twice."""
    agent = client(services)
    agent.post("/v1/agents/lsl/report", json=REPORT | {"agent_started_at_ms": 2})

    answer = agent.post("/v1/agents/lsl/report", json=REPORT | {"number": 9})

    assert answer.status_code == 409
    assert "one agent alone" in answer.json()["detail"]


def test_a_diary_reaches_who_has_asked_for_it(services: Services) -> None:
    link = services.links["lsl"]
    assert isinstance(link, CentreLink)
    asked = link.ask_diary()
    agent = client(services)

    answer = agent.post("/v1/agents/lsl/diary", json=DIARY | {"asked": asked, "attempts": [NOTED]})
    agent.post("/v1/agents/lsl/report", json=REPORT)

    heard = link.diary(asked, 0)
    assert answer.status_code == 204
    assert heard is not None
    assert [one.attempt_id for one in heard.told.diary().attempts] == ["j.1"]


def test_an_order_comes_whole(services: Services) -> None:
    asked = order("j.1", "true", members=2, env=(("A", "1"),), checkpoint_signal="SIGUSR1")
    services.links["lsl"].launch(asked)

    answer = client(services).post("/v1/agents/lsl/orders", json=ASKED).json()

    assert answer["launch"][0]["env"] == [["A", "1"]]
    assert [member["rank"] for member in answer["launch"][0]["members"]] == [0, 1]
    assert (answer["stop"], answer["forget"]) == ([], [])


@pytest.mark.parametrize("what", ["report", "orders", "logs", "diary"])
def test_an_agent_speaks_for_its_own_centre_alone(services: Services, what: str) -> None:
    answer = client(services, "hzx").post(f"/v1/agents/lsl/{what}", json={})

    assert answer.status_code == 403
    assert "hzx" in answer.json()["detail"]


def test_who_does_not_lead_names_the_leader(services: Services) -> None:
    with services.database.begin() as connection:
        row = {"id": 1, "epoch": 3, "expires_at_ms": 0, "url": "http://leader:2"}
        connection.execute(insert(LeaderRow), row)
    follower = replace(services, leads=lambda: False)

    answer = client(follower).post("/v1/agents/lsl/orders", json=ASKED)

    assert answer.status_code == 307
    assert answer.headers["location"] == "http://leader:2"


def test_where_nobody_leads_the_agent_is_to_come_again(services: Services) -> None:
    answer = client(replace(services, leads=lambda: False)).post(
        "/v1/agents/lsl/report", json=REPORT
    )

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"


def test_output_is_kept_of_attempts_that_the_centre_was_given(services: Services) -> None:
    with services.database.begin() as connection:
        job = {"id": "j", "tenant_id": "t", "state": "running", "submitted_at_ms": 0, "spec": {}}
        connection.execute(insert(JobRow), job)
        attempt = {
            "id": "j.1",
            "job_id": "j",
            "centre_id": CENTRE.id,
            "device_kind_id": "k",
            "placement": {},
            "leased_at_ms": 0,
        }
        connection.execute(insert(AttemptRow), attempt)
    data = b64encode(b"said").decode()
    chunks = [
        {"attempt_id": name, "member": 0, "offset": 0, "data": data} for name in ("j.1", "other.1")
    ]

    answer = client(services).post("/v1/agents/lsl/logs", json={"chunks": chunks})

    assert answer.json()["logs"] == [
        {"attempt_id": "j.1", "member": 0, "offset": 4, "is_full": False},
        {"attempt_id": "other.1", "member": 0, "offset": 0, "is_full": True},
    ]


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("report", REPORT | {"online_node_ids": ["../up"]}),
        ("report", REPORT | {"attempts": [{"attempt_id": "a/b", "phase": "running"}]}),
        ("report", REPORT | {"attempts": [{"attempt_id": "j.1", "phase": "flying"}]}),
        ("report", REPORT | {"number": -1}),
        ("orders", ASKED | {"wait_ms": 60_000}),
        ("orders", ASKED | {"known": ["x" * 200]}),
        ("logs", {"chunks": [{"attempt_id": "j.1", "member": -1, "offset": 0, "data": ""}]}),
        ("logs", {"chunks": [{"attempt_id": "j.1", "member": 0, "offset": 0, "data": "!"}]}),
        ("diary", DIARY | {"attempts": [NOTED | {"tenant_id": "a b"}]}),
        ("diary", DIARY | {"attempts": [NOTED | {"cards": [["n1", -1]]}]}),
        ("diary", DIARY | {"attempts": [NOTED | {"started_at_ms": 1 << 60}]}),
    ],
    ids=[
        *("node", "attempt", "phase", "number", "wait", "known", "member", "data"),
        *("tenant", "cards", "moment"),
    ],
)
def test_nonsense_is_refused(services: Services, what: str, body: dict[str, object]) -> None:
    answer = client(services).post(f"/v1/agents/lsl/{what}", json=body)

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
