"""The event stream through a real server: each event once, from where the reader stopped."""

import json
import threading
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from itertools import islice
from typing import Any

import httpx2
import pytest

from api import auth, streams
from scheduler.storage import queries
from tests.acceptance.brokers import Served, await_state, await_that, problem_of, submitted

pytestmark = pytest.mark.enable_socket

Event = dict[str, Any]


@contextmanager
def stream(
    park: Served, address: str, who: str, after: int | None = None, last: int | None = None
) -> Iterator[Iterator[Event]]:
    """The events that `who` is told, as they come; asked for by header or by parameter."""
    headers = {"Authorization": f"Bearer {park.keys[who]}"}
    if last is not None:
        headers["Last-Event-ID"] = str(last)
    parameters = {} if after is None else {"after": after}
    with (
        httpx2.Client(base_url=address, trust_env=False, timeout=20) as client,
        client.stream("GET", "/v1/events", headers=headers, params=parameters) as answer,
    ):
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield events(answer.iter_lines())


def events(lines: Iterator[str]) -> Iterator[Event]:
    found: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(": ")
        if name in {"id", "event", "data"}:
            found[name] = value
        elif not line and "data" in found:
            event: Event = json.loads(found["data"])
            assert (found["id"], found["event"]) == (str(event["seq"]), event["kind"])
            yield event
            found = {}


def until(told: Iterator[Event], kind: str, job_id: str) -> list[Event]:
    """What is told of a job, up to and with the event of that kind."""
    mine = []
    for event in told:
        if event["job_id"] == job_id:
            mine.append(event)
            if event["kind"] == kind:
                return mine
    raise AssertionError("the stream ended before")


def test_a_job_is_followed_from_its_submission_to_its_end(park: Served, address: str) -> None:
    with stream(park, address, "steel") as told:
        job_id = submitted(park.steel)

        kinds = [event["kind"] for event in until(told, "ended", job_id)]

    assert kinds[0] == "submitted"
    assert kinds[-1] == "ended"
    assert {"leased", "started", "metered"} <= set(kinds)


def test_a_reader_goes_on_where_it_stopped_without_a_gap_or_a_repeat(
    park: Served, address: str
) -> None:
    job_id = submitted(park.steel)
    await_state(park.steel, job_id, "succeeded")
    with stream(park, address, "steel", after=0) as told:
        whole = until(told, "ended", job_id)
    middle = whole[len(whole) // 2]["seq"]

    with stream(park, address, "steel", last=middle) as told:
        rest = until(told, "ended", job_id)

    assert rest == [event for event in whole if event["seq"] > middle]
    assert [event["seq"] for event in whole] == sorted({event["seq"] for event in whole})


def test_a_reader_from_the_beginning_reads_what_memory_no_longer_keeps(
    park: Served, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "SCANNED_SEQS", 2)
    others = [submitted(park.steel) for _ in range(3)]
    for job_id in others:
        await_state(park.steel, job_id, "succeeded")
    own = submitted(park.fish)
    await_state(park.fish, own, "succeeded")
    park.broker.feed._events.clear()

    with stream(park, address, "operator", after=0) as told:
        first = next(told)
    with stream(park, address, "fish", after=0) as told:
        whole = until(told, "ended", own)

    assert (first["seq"], first["kind"]) == (1, "park_declared")
    assert whole[0]["kind"] == "submitted"


def test_a_reader_ahead_of_the_log_goes_on_with_its_end(park: Served, address: str) -> None:
    with stream(park, address, "steel", last=1 << 40) as told:
        job_id = submitted(park.steel)

        assert until(told, "ended", job_id)


def test_a_tenant_reads_nothing_of_another(park: Served, address: str) -> None:
    theirs = submitted(park.steel)
    await_state(park.steel, theirs, "succeeded")
    own = submitted(park.fish)
    await_state(park.fish, own, "succeeded")

    with stream(park, address, "fish", after=0) as told:
        seen: list[Event] = []
        for event in told:
            seen.append(event)
            if event["kind"] == "ended" and event["job_id"] == own:
                break

    assert {event["tenant_id"] for event in seen} == {None, "fish"}
    assert "steel" not in json.dumps(seen)
    assert "park_declared" in {event["kind"] for event in seen}


def test_payments_are_told_to_finance_and_not_to_operators(park: Served, address: str) -> None:
    park.finance.post("/v1/tenants/fish:top-up", json={"amount": "3.00", "reference": "f-9"})
    after = park.broker.feed.last_seq
    job_id = submitted(park.steel)
    await_state(park.steel, job_id, "succeeded")

    with stream(park, address, "operator", after=0) as told:
        kinds = set()
        for event in told:
            kinds.add(event["kind"])
            if event["seq"] > after and event["kind"] == "ended":
                break
    with stream(park, address, "finance", after=0) as told:
        money = set()
        for event in told:
            money.add(event["kind"])
            if event["seq"] > after and event["kind"] == "metered":
                break

    assert "credited" not in kinds
    assert {"submitted", "leased"} <= kinds
    assert "credited" in money
    assert not {"submitted", "leased"} & money


@contextmanager
def busy(park: Served) -> Iterator[None]:
    """One tenant submits without a pause."""
    stop = threading.Event()

    def submit() -> None:
        while not stop.is_set():
            submitted(park.steel)

    thread = threading.Thread(target=submit)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(20)


def raw_lines(address: str, secret: str) -> Generator[str]:
    headers = {"Authorization": f"Bearer {secret}"}
    with (
        httpx2.Client(base_url=address, trust_env=False, timeout=20) as client,
        client.stream("GET", "/v1/events", headers=headers) as answer,
    ):
        yield from answer.iter_lines()


def test_who_may_see_nothing_of_a_busy_park_is_moved_on_all_the_same(
    park: Served, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "CHECK_EVERY_MS", 100)
    begin = park.broker.feed.last_seq
    with busy(park), closing(raw_lines(address, park.keys["fish"])) as lines:
        ids = [int(line[4:]) for line in islice(lines, 60) if line.startswith("id: ")]

    assert ids == sorted(ids)
    assert ids[-1] > begin + 5, "what it may not see it need not ask for again"


def test_a_key_that_is_revoked_follows_a_busy_park_no_longer(
    park: Served, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "CHECK_EVERY_MS", 100)
    key = park.operator.post("/v1/keys", json={"role": "operator"}).json()
    with busy(park), closing(raw_lines(address, key["secret"])) as lines:
        assert any(line.startswith("data: ") for line in lines)

        park.operator.delete(f"/v1/keys/{key['id']}")

        for count, _ in enumerate(lines):
            assert count < 5_000, "the stream goes on"


def test_one_tenant_cannot_take_all_streams(
    park: Served, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "STREAMS_PER_SCOPE_MAX", 2)
    with stream(park, address, "steel"), stream(park, address, "steel"):
        await_that(lambda: park.broker.services.streams.count == 2)

        refused = problem_of(park.steel.get("/v1/events"), 429)
        log = park.steel.get(f"/v1/jobs/{submitted(park.steel)}/logs")

        assert "2 streams of yours" in refused["detail"]
        assert log.status_code == 429
        with stream(park, address, "operator"):
            pass
    await_that(lambda: park.broker.services.streams.count == 0)
    await_that(lambda: park.broker.feed.subscriber_count == 0)
    with stream(park, address, "steel"):
        pass


def test_all_streams_together_have_a_limit(
    park: Served, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "STREAMS_MAX", 1)
    with stream(park, address, "steel"):
        await_that(lambda: park.broker.services.streams.count == 1)

        assert "1 streams are open" in problem_of(park.fish.get("/v1/events"), 429)["detail"]
