"""Log and books beside what agents say that their centres have kept."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import count

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, insert

from accounting.storage.store import book
from accounting.usage.slices import UsageSlice
from api import comparing
from api.app import create_app
from api.auth import Role, create_key
from api.clock import now_ms
from api.comparing import compared, reconciled_view
from api.feed import Feed
from api.schemas.books import CentresReconciled
from api.services import Services
from api.settings import Settings
from cluster.driver import AttemptPhase
from cluster.link import CentreLink
from cluster.wire import DIARY, ROLES, AttemptNoted, DiaryTold, OrdersWanted, Report
from scheduler.storage.tables import AttemptRow, JobRow, LeaderRow

pytestmark = pytest.mark.enable_socket

PATH = "/v1/reconciliation/centres"
NODES = {"shares": [{"node_id": "n1", "card_count": 8}]}
RUNS = AttemptNoted(
    attempt_id="j.1",
    phase=AttemptPhase.RUNNING,
    job_id="j",
    tenant_id="steel",
    device_kind_id="npu",
    cards=[("n1", 8)],
    started_at_ms=1_000_000,
)
ENDED = RUNS.model_copy(update={"phase": AttemptPhase.ENDED, "ended_at_ms": 1_500_000})
GHOST = RUNS.model_copy(update={"attempt_id": "ghost.1", "job_id": "ghost", "tenant_id": "fish"})


@pytest.fixture
def services(database: Engine, monkeypatch: pytest.MonkeyPatch) -> Services:
    """Of a leader that makes a step whenever it is looked at; it knows one attempt that runs."""
    monkeypatch.setattr(comparing, "PAUSE_S", 0.001)
    steps = count()
    with database.begin() as connection:
        job = {"id": "j", "tenant_id": "steel", "state": "running", "submitted_at_ms": 0}
        connection.execute(insert(JobRow), job | {"spec": {}})
        attempt = {"id": "j.1", "job_id": "j", "centre_id": "east", "device_kind_id": "npu"}
        times = {"leased_at_ms": 999_000, "started_at_ms": 1_000_000}
        connection.execute(insert(AttemptRow), attempt | times | {"placement": NODES})
    return Services(
        settings=Settings(url="http://this:1"),
        database=database,
        feed=Feed(database),
        links={"east": CentreLink("east", now_ms)},
        step_count=lambda: next(steps),
    )


@contextmanager
def an_agent(services: Services, *diaries: Sequence[AttemptNoted]) -> Iterator[None]:
    """Tells one diary after the other, the last again and again, each with the next report."""
    link, ending = services.links["east"], threading.Event()
    assert isinstance(link, CentreLink)
    heard = Report(
        agent_started_at_ms=1, number=1, online_node_ids=[], attempts=[], understands=DIARY
    )

    def serve() -> None:
        number, left = 1, list(diaries)
        while not ending.is_set():
            orders = link.orders(OrdersWanted(known=[], stopping=[], wait_ms=100))
            if not orders.diary:
                continue
            number += 1
            told = DiaryTold(
                asked=orders.diary,
                agent_started_at_ms=1,
                number=number,
                at_ms=now_ms() + 5_000,
                whole_since_ms=1,
                attempts=list(left.pop(0) if len(left) > 1 else left[0]),
            )
            link.take_diary(told)
            link.hear(heard.model_copy(update={"number": number}))

    link.hear(heard)
    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join(10)


def asked(services: Services) -> CentresReconciled:
    """What finance is answered, without the way there, of which another test is."""
    return reconciled_view(compared(services), services.links)


def finance(services: Services) -> TestClient:
    with services.database.begin() as connection:
        key = create_key(connection, Role.FINANCE, now_ms=0)
    headers = {"Authorization": f"Bearer {key.secret}"}
    return TestClient(create_app(services), headers=headers, follow_redirects=False)


def sorts(told: CentresReconciled) -> list[tuple[str, str]]:
    return [(one.attempt, one.sort) for one in told.differences]


def test_a_centre_that_says_what_the_log_says_differs_in_nothing(services: Services) -> None:
    with an_agent(services, [RUNS]):
        answer = finance(services).get(PATH)

    assert answer.status_code == 200
    told = CentresReconciled.model_validate(answer.json())
    (east,) = told.centres
    assert (told.count, told.differences) == (0, [])
    assert (east.is_compared, east.why_not, east.attempts, east.whole_since_ms) == (
        True,
        None,
        1,
        1,
    )
    assert east.clock_ahead_ms is not None
    assert 0 < east.clock_ahead_ms <= 5_000


def test_what_runs_without_the_log_is_told_with_all_that_is_known(services: Services) -> None:
    with an_agent(services, [RUNS, GHOST]):
        told = asked(services)

    (ghost,) = told.differences
    assert (ghost.centre, ghost.attempt, ghost.job, ghost.tenant) == (
        *("east", "ghost.1", "ghost", "fish"),
    )
    assert (ghost.sort, ghost.log) == ("unknown", None)
    assert ghost.diary is not None
    assert (ghost.diary.state, ghost.diary.nodes) == ("running", {"n1": 8})


def test_what_ended_at_its_centre_and_goes_on_in_the_log_is_told(services: Services) -> None:
    with an_agent(services, [ENDED]):
        told = asked(services)

    assert sorts(told) == [("j.1", "over")]


def test_usage_that_goes_on_after_its_end_is_found_also_where_a_package_covers_it(
    services: Services,
) -> None:
    used = UsageSlice(
        reference="j.1/p1",
        from_ms=1_000_000,
        to_ms=1_600_000,
        tenant_id="steel",
        project="default",
        field="ocean",
        centre_id="east",
        device_kind_id="npu",
        qos="normal",
        device_count=8,
        tflops=313,
        price_list_id="2026",
        price_micros=0,
        recorded_at_ms=1_600_000,
    )
    with services.database.begin() as connection:
        book(connection, [used], [], [])
        row = AttemptRow.__table__
        over = {"ended_at_ms": 1_500_000, "cause": "finished"}
        connection.execute(row.update().values(over))  # type: ignore[attr-defined] # it is a table

    with an_agent(services, [ENDED]):
        told = asked(services)

    (one,) = told.differences
    assert (one.sort, one.log and one.log.used_to_ms) == ("usage", 1_600_000)


def test_what_was_on_its_way_is_no_difference(services: Services) -> None:
    """When the first diary was read the order had not come yet; when the second was, it had."""
    with an_agent(services, [], [RUNS]):
        assert asked(services).count == 0
    with an_agent(services, []):
        assert sorts(asked(services)) == [("j.1", "gone")]


def test_a_centre_that_does_not_answer_is_named_and_keeps_none_from_being_compared(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparing, "DIARY_MS", 500)
    old = CentreLink("old", now_ms)
    old.hear(
        Report(agent_started_at_ms=1, number=1, online_node_ids=[], attempts=[], understands=ROLES)
    )
    silent = {one: CentreLink(one, now_ms) for one in ("asleep", "silent")}
    links = {**services.links, **silent, "old": old}
    with services.database.begin() as connection:
        job = {"id": "k", "tenant_id": "steel", "state": "running", "submitted_at_ms": 0}
        connection.execute(insert(JobRow), job | {"spec": {}})
        attempt = {"id": "k.1", "job_id": "k", "centre_id": "gone", "device_kind_id": "npu"}
        connection.execute(insert(AttemptRow), attempt | {"leased_at_ms": 0, "placement": NODES})

    with an_agent(services, [RUNS, GHOST]):
        told = asked(replace(services, links=links))

    assert [(one.id, one.why_not) for one in told.centres] == [
        ("asleep", "silent"),
        ("east", None),
        ("gone", "no_link"),
        ("old", "old_release"),
        ("silent", "silent"),
    ]
    assert [one.heard_at_ms is None for one in told.centres] == [True, False, True, False, True]
    # As it was when it came, not once the one before it was given up.
    assert (told.centres[1].clock_ahead_ms or 0) > 4_500
    assert sorts(told) == [("ghost.1", "unknown")]


def test_where_the_leader_has_not_taken_in_what_centres_say_nothing_is_compared(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step may have begun before the report came: it is over with the second step."""
    monkeypatch.setattr(comparing, "STEPS_MS", 100)
    steps = iter([0, *[1] * 100_000])
    with an_agent(services, [RUNS]):
        told = asked(replace(services, step_count=lambda: next(steps)))

    assert [(one.why_not, one.is_compared) for one in told.centres] == [("busy", False)]


def test_who_does_not_lead_names_the_leader(services: Services) -> None:
    with services.database.begin() as connection:
        row = {"id": 1, "epoch": 3, "expires_at_ms": 0, "url": "http://leader:2"}
        connection.execute(insert(LeaderRow), row)

    answer = finance(replace(services, leads=lambda: False)).get(PATH)

    assert answer.status_code == 307
    assert answer.headers["location"] == f"http://leader:2{PATH}"


def test_centres_are_asked_by_one_at_a_time(services: Services) -> None:
    with services.reconciliations.admitted("centres"):
        answer = finance(services).get(PATH)

    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "10"
