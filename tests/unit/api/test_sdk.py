"""The client repeats what may be repeated, and says clearly what was refused."""

import json
from collections.abc import Callable, Iterator
from random import Random

import httpx2
import pytest
from typing_extensions import override

from api.client.streamed import LogPart
from api.schemas.jobs import JobCreate
from api.sdk import TRIES_MAX, ApiError, Client

JOB = JobCreate(command="true", devices=1, limit="10m")
CAPACITY = {
    "at_ms": 1,
    "park": "p",
    "name": "P",
    "note": "",
    "is_logical": True,
    "stated_tflops": 0,
    "registered_tflops": 0,
    "online_tflops": 0,
    "schedulable_tflops": 0,
    "allocated_tflops": 0,
    "queued_jobs": 0,
    "running_jobs": 0,
    "centres": [],
}
ACCEPTED = {"items": [{"id": "j1", "state": "queued"}]}

Answer = Callable[[httpx2.Request], httpx2.Response]


class Script(httpx2.BaseTransport):
    """A server that gives these answers, one after the other, and remembers what was asked."""

    def __init__(self, *answers: httpx2.Response | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[httpx2.Request] = []

    @override
    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        if answer.headers.get("Content-Type", "text/plain").startswith("text/plain"):
            answer.headers["Content-Type"] = request.headers["Accept"]  # as a broker does
        return answer


def client(script: Script) -> Client:
    return Client("http://broker", "brk_a_b", random=Random(1), pause_first_s=0.0, transport=script)


def problem(status: int, **more: object) -> httpx2.Response:
    body = {"title": "No", "status": status, "detail": "that is not so", **more}
    return httpx2.Response(status, json=body)


def test_what_is_wrong_is_told_once() -> None:
    error = {"field": "max_cards", "in": "body", "problem": "that is not so", "fix": "ask less"}
    script = Script(problem(422, errors=[error]))

    with pytest.raises(ApiError) as refused:
        client(script).capacity()

    assert str(refused.value) == "that is not so\n  max_cards: ask less"


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_broker_that_is_away_for_a_moment_is_asked_again(status: int) -> None:
    script = Script(problem(status), problem(status), httpx2.Response(200, json=CAPACITY))

    assert client(script).capacity().park == "p"
    assert len(script.asked) == 3


def test_what_only_the_leader_knows_is_asked_there_with_the_same_key() -> None:
    words = {"id": "j1", "tenant": "t", "summary": "", "summary_zh": ""}
    quote = {"at_ms": 1, "expires_at_ms": 2, "options": [], **words}
    script = Script(sent_to("http://leader:2/v1/quotes"), httpx2.Response(200, json=quote))

    assert client(script).quote(JOB).tenant == "t"
    first, second = script.asked
    assert (first.url.host, str(second.url)) == ("broker", "http://leader:2/v1/quotes")
    assert second.headers["Authorization"] == first.headers["Authorization"]
    assert second.content == first.content


def sent_to(location: str | None) -> httpx2.Response:
    elsewhere = problem(307)
    if location is not None:
        elsewhere.headers["Location"] = location
    return elsewhere


@pytest.mark.parametrize("location", ["http://broker/v1/quotes", None])
def test_who_is_sent_round_in_circles_gives_up(location: str | None) -> None:
    script = Script(sent_to(location))

    with pytest.raises(ApiError, match="that is not so"):
        client(script).quote(JOB)
    assert len(script.asked) <= 2


def test_a_key_does_not_go_from_a_protected_connection_to_an_open_one() -> None:
    script = Script(sent_to("http://leader:2/v1/quotes"))
    protected = Client("https://broker", "brk_a_b", random=Random(1), transport=script)

    with pytest.raises(ApiError, match="the key would be sent in the open"):
        protected.quote(JOB)
    assert len(script.asked) == 1


def test_nobody_else_sends_a_key_elsewhere() -> None:
    script = Script(sent_to("http://leader:2/v1/capacity"))

    with pytest.raises(ApiError, match="that is not so"):
        client(script).capacity()
    assert len(script.asked) == 1


def test_alternatives_are_asked_for_but_once() -> None:
    script = Script(problem(503))

    with pytest.raises(ApiError):
        client(script).alternatives("j1")
    assert len(script.asked) == 1


def test_a_standing_is_asked_for_but_once() -> None:
    script = Script(problem(503))

    with pytest.raises(ApiError):
        client(script).standing("j1")
    assert len(script.asked) == 1


def test_a_lost_connection_is_made_again() -> None:
    script = Script(httpx2.ReadError("gone"), httpx2.Response(200, json=CAPACITY))

    assert client(script).capacity().park == "p"


def test_a_create_is_repeated_under_the_same_idempotency_key() -> None:
    script = Script(httpx2.ReadError("gone"), httpx2.Response(201, json=ACCEPTED))

    client(script).submit_batch([JOB])

    keys = [request.headers["Idempotency-Key"] for request in script.asked]
    assert len(keys) == 2
    assert len(set(keys)) == 1


def test_two_creates_have_two_idempotency_keys() -> None:
    script = Script(httpx2.Response(201, json=ACCEPTED))
    connected = client(script)

    connected.submit_batch([JOB])
    connected.submit_batch([JOB])

    assert len({request.headers["Idempotency-Key"] for request in script.asked}) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 422, 500])
def test_a_refusal_is_not_repeated(status: int) -> None:
    script = Script(problem(status))

    with pytest.raises(ApiError, match="that is not so") as refused:
        client(script).capacity()

    assert refused.value.status == status
    assert len(script.asked) == 1


def test_no_broker_is_said_with_what_to_do() -> None:
    script = Script(httpx2.ConnectError("refused"))

    with pytest.raises(ApiError, match=r"no broker answers at http://broker .*`brain up`") as no:
        client(script).capacity()

    assert no.value.status is None
    assert len(script.asked) == TRIES_MAX


def test_the_last_refusal_of_a_busy_broker_is_told() -> None:
    script = Script(problem(503))

    with pytest.raises(ApiError, match="that is not so"):
        client(script).capacity()

    assert len(script.asked) == TRIES_MAX


def test_every_field_and_every_reason_is_told() -> None:
    reason = {"code": "too_big", "where": "lsl", "need": 9, "free": 8, "gap": 1, "unit": "cards"}
    errors = [{"field": "devices", "problem": "too many", "fix": "ask for fewer"}]
    script = Script(problem(422, errors=errors, reasons=[{**reason, "text": "needs 9 cards"}]))

    with pytest.raises(ApiError) as refused:
        client(script).submit(JOB)

    assert str(refused.value).splitlines() == [
        "that is not so",
        "  devices: too many - ask for fewer",
        "  needs 9 cards",
    ]


def test_who_has_no_key_learns_where_keys_are() -> None:
    with pytest.raises(ApiError, match="BRAIN_API_KEY"):
        client(Script(problem(401))).capacity()


@pytest.mark.parametrize("status", [404, 200])
def test_a_page_of_something_else_is_no_broker(status: int) -> None:
    with pytest.raises(ApiError, match=f"{status}, which no broker of this release says: check"):
        client(Script(httpx2.Response(status, text="<html>"))).capacity()


def test_neither_is_a_page_in_place_of_lines() -> None:
    with pytest.raises(ApiError, match="200, which no broker of this release says: check"):
        next(client(Script(httpx2.Response(200, html="<html>"))).verify())


def test_what_a_newer_broker_adds_is_passed_over() -> None:
    script = Script(httpx2.Response(200, json={**CAPACITY, "colour": "red"}))

    assert client(script).capacity().park == "p"


def test_a_name_cannot_leave_its_place_in_the_address() -> None:
    script = Script(problem(404))

    with pytest.raises(ApiError):
        client(script).job("../keys?x=1#")

    assert script.asked[0].url.raw_path == b"/v1/jobs/..%2Fkeys%3Fx%3D1%23"


def test_a_job_says_only_what_was_said() -> None:
    script = Script(httpx2.Response(201, json=ACCEPTED))

    client(script).submit_batch([JOB])

    sent = json.loads(script.asked[0].content)
    assert sent == {"jobs": [{"command": "true", "devices": 1, "limit": "10m"}]}


def frame(seq: int) -> str:
    data = {"seq": seq, "kind": "started", "at_ms": 5, "tenant_id": "t", "job_id": "j", "body": {}}
    return f"id: {seq}\nevent: started\ndata: {json.dumps(data)}\n\n"


def test_events_go_on_after_an_interruption_without_a_gap() -> None:
    first = ": still here\nid: 6\n\n" + frame(7) + frame(8)
    script = Script(
        httpx2.Response(200, text=first),
        httpx2.ReadError("gone"),
        httpx2.Response(200, text=frame(9)),
    )
    events = client(script).events(after=6)

    assert [next(events).seq for _ in range(3)] == [7, 8, 9]
    assert [request.url.params["after"] for request in script.asked] == ["6", "8", "8"]


def test_a_refused_stream_is_a_refusal() -> None:
    with pytest.raises(ApiError, match="that is not so"):
        next(client(Script(problem(403))).events())


def part(attempt: int, offset: int, data: bytes, *, is_end: bool = False) -> str:
    return (
        LogPart(attempt=attempt, offset=offset, data=data, is_end=is_end).model_dump_json() + "\n"
    )


class Broken(httpx2.SyncByteStream):
    """A stream whose connection is lost after this."""

    def __init__(self, *lines: str) -> None:
        self.lines = lines

    @override
    def __iter__(self) -> Iterator[bytes]:
        for line in self.lines:
            yield line.encode()
        raise httpx2.ReadError("gone")


def places(script: Script) -> list[tuple[str | None, ...]]:
    names = ("attempt", "from_attempt", "offset")
    return [tuple(map(request.url.params.get, names)) for request in script.asked]


def test_a_log_goes_on_where_the_connection_broke() -> None:
    script = Script(
        httpx2.Response(200, stream=Broken(part(1, 0, "卡".encode()[:2]), "\n")),
        httpx2.ReadError("still gone"),
        httpx2.Response(200, text=part(1, 2, "卡".encode()[2:]) + part(1, 3, b"b", is_end=True)),
    )

    assert "".join(client(script).logs("j1", follow=True)) == "卡b"
    assert places(script) == [(None, None, "0"), (None, "1", "2"), (None, "1", "2")]


def test_a_log_is_asked_for_by_role() -> None:
    script = Script(httpx2.Response(200, text=part(1, 0, b"a", is_end=True)))

    said = "".join(client(script).logs("j1", role="worker", member=1))

    asked = script.asked[0].url.params
    assert (said, asked["role"], asked["member"]) == ("a", "worker", "1")


def test_a_log_goes_on_in_the_attempt_that_the_connection_broke_in() -> None:
    script = Script(
        httpx2.Response(200, stream=Broken(part(1, 0, b"A" * 100 + b"\n"), part(2, 0, b"first\n"))),
        httpx2.Response(200, text=part(2, 6, b"second\n") + part(2, 13, b"", is_end=True)),
    )

    said = "".join(client(script).logs("j1", follow=True))

    assert said == "A" * 100 + "\n[attempt 2 of this job]\nfirst\nsecond\n"
    assert places(script)[1] == (None, "2", "6")


def test_a_log_that_stops_without_its_end_is_asked_for_again() -> None:
    script = Script(
        httpx2.Response(200, text=part(1, 0, b"a")),
        problem(503),
        httpx2.Response(200, text=part(1, 1, b"b", is_end=True)),
    )

    assert "".join(client(script).logs("j1", attempt=1)) == "ab"
    assert places(script) == [("1", None, "0"), ("1", None, "1"), ("1", None, "1")]


def test_a_broker_that_only_ends_streams_is_given_up() -> None:
    script = Script(httpx2.Response(200, text=""))

    with pytest.raises(ApiError, match="http://broker ends what is followed"):
        list(client(script).logs("j1", follow=True))

    assert len(script.asked) == TRIES_MAX


def test_events_go_on_behind_what_the_reader_may_not_see() -> None:
    script = Script(
        httpx2.Response(200, text=frame(7) + ": still here\nid: 900\n\n"),
        httpx2.Response(200, text=frame(901)),
    )
    events = client(script).events(after=6)

    assert [next(events).seq for _ in range(2)] == [7, 901]
    assert [request.url.params["after"] for request in script.asked] == ["6", "900"]


@pytest.mark.parametrize("key", ["密钥", "brk_a brk_b", "brk_a\n"])
def test_a_key_that_no_header_can_hold_is_refused_before_it_is_sent(key: str) -> None:
    with pytest.raises(ApiError, match="this is no key"):
        Client("http://broker", key)
