"""Output over HTTP: all of it, whatever is interrupted, retried, or shipped late."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import httpx2
import pytest
from sqlalchemy import insert, select, update

from api import auth
from api.client.streamed import LINES, LogPart
from api.logs import Piece, append
from api.routes import logs as route
from api.sdk import Client
from scheduler.storage.tables import AttemptRow, JobRow
from tests.acceptance.brokers import Served, await_state, await_that, problem_of, submitted

pytestmark = pytest.mark.enable_socket

_numbers = count(1)


class Output:
    """A job that the leader does not know: the test says how its attempts and output go."""

    def __init__(self, park: Served) -> None:
        template = submitted(park.steel)
        await_state(park.steel, template, "succeeded")
        self.park = park
        self.id = f"j{next(_numbers):025}"
        self._attempts = 0
        with park.broker.services.database.begin() as connection:
            job = connection.execute(select(JobRow.__table__).where(JobRow.id == template)).one()
            of_template = AttemptRow.job_id == template
            made = connection.execute(select(AttemptRow.__table__).where(of_template)).one()
            row = {**job._mapping, "id": self.id, "state": "running", "end_cause": None}
            connection.execute(insert(JobRow), row)
        self._row = dict(made._mapping)

    def begin(self) -> None:
        self._attempts += 1
        self._row |= {
            "id": f"{self.id}.{self._attempts}",
            "job_id": self.id,
            "ended_at_ms": None,
            "leased_at_ms": self._row["leased_at_ms"] + 1,
        }
        self._do(insert(AttemptRow).values(self._row))

    def end(self, ended_at_ms: int | None = None, state: str = "running") -> None:
        at_ms = ended_at_ms or self.park.broker.services.clock()
        attempt = update(AttemptRow).where(AttemptRow.id == f"{self.id}.{self._attempts}")
        self._do(attempt.values(ended_at_ms=at_ms, cause="node"))
        self._do(update(JobRow).where(JobRow.id == self.id).values(state=state))

    def end_long_ago(self) -> None:
        """Longer ago than a last word is waited for."""
        self.end(self.park.broker.services.clock() - route.LATE_MS, state="succeeded")

    def say(self, offset: int, data: bytes, *, is_last: bool = False) -> None:
        attempt_id = f"{self.id}.{self._attempts}"
        piece = Piece(attempt_id=attempt_id, member=0, offset=offset, data=data, is_last=is_last)
        with self.park.broker.services.database.begin() as connection:
            append(connection, [piece])

    def _do(self, statement: Any) -> None:
        with self.park.broker.services.database.begin() as connection:
            connection.execute(statement)


class Follower:
    """Somebody with the SDK, in a thread; `text` is what was printed until now."""

    def __init__(self, address: str, key: str, job_id: str) -> None:
        self.text = ""
        self._client = Client(address, key, pause_first_s=0.01)
        self._client._wire._http.event_hooks = {"request": [self._count]}
        self._parts = self._client.logs(job_id, follow=True)
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.asked_count = 0

    def _count(self, _: httpx2.Request) -> None:
        self.asked_count += 1

    def _read(self) -> None:
        for part in self._parts:
            self.text += part

    @property
    def is_over(self) -> bool:
        return not self.thread.is_alive()


@contextmanager
def followed(park: Served, address: str, output: Output) -> Iterator[Follower]:
    follower = Follower(address, park.keys["steel"], output.id)
    follower.thread.start()
    try:
        yield follower
    except BaseException:
        output.end_long_ago()  # nobody else will, and it would read on for ever
        raise
    finally:
        follower.thread.join(20)
    assert follower.is_over


@pytest.fixture
def output(park: Served) -> Output:
    return Output(park)


def test_nothing_is_lost_where_an_attempt_follows_and_the_reader_reconnects(
    park: Served, address: str, output: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.client.connection.FOLLOW_TIMEOUT_S", 0.5)
    output.begin()
    output.say(0, b"A" * 100 + b"\n", is_last=True)
    with followed(park, address, output) as follower:
        await_that(lambda: follower.text)
        output.end()
        output.begin()
        output.say(0, b"first line of attempt 2\n")
        await_that(lambda: "attempt 2" in follower.text)
        before = follower.asked_count
        await_that(lambda: follower.asked_count >= before + 2)
        output.say(24, b"second line\n", is_last=True)
        output.end(state="succeeded")

    heading = "[attempt 2 of this job]\n"
    assert follower.text == "A" * 100 + f"\n{heading}first line of attempt 2\nsecond line\n"


def test_what_is_shipped_after_the_end_is_told(park: Served, address: str, output: Output) -> None:
    output.begin()
    output.say(0, b"epoch 1\n")
    output.end(state="succeeded")
    with followed(park, address, output) as follower:
        await_that(lambda: follower.text == "epoch 1\n")
        threading.Event().wait(route.POLL_S * 10)
        assert not follower.is_over

        output.say(8, b"accuracy 0.97\n", is_last=True)

    assert follower.text == "epoch 1\naccuracy 0.97\n"


def test_who_never_says_a_last_word_is_waited_for_so_long(
    park: Served, address: str, output: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(route, "LATE_MS", 300)
    output.begin()
    output.say(0, b"epoch 1\n")
    with followed(park, address, output) as follower:
        output.end(state="failed")

    assert follower.text == "epoch 1\n"


def test_a_log_of_long_ago_ends_at_once(park: Served, address: str, output: Output) -> None:
    output.begin()
    output.say(0, b"epoch 1\n")
    output.end_long_ago()

    with followed(park, address, output) as follower:
        pass

    assert follower.text == "epoch 1\n"


def test_a_job_that_never_ran_has_no_log_to_wait_for(
    park: Served, address: str, output: Output
) -> None:
    output.begin()
    output._do(update(AttemptRow).where(AttemptRow.job_id == output.id).values(started_at_ms=None))
    output.end(state="failed")

    with followed(park, address, output) as follower:
        pass

    assert follower.text == ""


def test_who_asks_for_a_member_beyond_those_there_are_is_told_how_many(park: Served) -> None:
    alone = submitted(park.steel)
    two = submitted(park.steel, devices=2, members=2)
    for job_id in (alone, two):
        await_state(park.steel, job_id, "succeeded")

    def asked(job_id: str, member: int, **more: str) -> httpx2.Response:
        return park.steel.get(f"/v1/jobs/{job_id}/logs", params={"member": member, **more})

    told = [problem_of(asked(*one), 404) for one in ((alone, 1), (two, 9))]
    role = problem_of(asked(two, 0, role="worker"), 404)

    assert [one["detail"] for one in told] == [
        f"there is no member 1 of job {alone}: it has 1, numbered from 0",
        f"there is no member 9 of job {two}: it has 2, numbered from 0",
    ]
    assert told[1]["detail_zh"] == f"作业 {two} 没有成员 9：共 2 个，序号从 0 开始"
    assert role["detail"] == f"there is no role worker of job {two}: its members have none"
    assert [asked(two, member).status_code for member in (0, 1)] == [200, 200]


def test_a_log_is_followed_as_text_to_the_end_of_its_job(
    park: Served, address: str, output: Output
) -> None:
    output.begin()
    output.say(0, b"one\n", is_last=True)
    output.end(ended_at_ms=1)
    output.begin()
    output.say(0, b"two\n", is_last=True)
    output.end(state="succeeded")
    headers = {"Authorization": f"Bearer {park.keys['steel']}"}
    asked = {"follow": "true", "from_attempt": "1"}

    with httpx2.Client(base_url=address, trust_env=False, headers=headers) as client:
        text = client.get(f"/v1/jobs/{output.id}/logs", params=asked, timeout=20).text

    assert text == "one\n[attempt 2 of this job]\ntwo\n"


def test_each_line_says_in_which_attempt_and_where_it_stands(park: Served, output: Output) -> None:
    output.begin()
    output.say(0, b"abc")
    output.end()
    output.begin()
    output.say(0, b"d")

    def lines(**asked: Any) -> list[tuple[int, int, bytes, bool]]:
        answer = park.steel.get(
            f"/v1/jobs/{output.id}/logs", params=asked, headers={"Accept": LINES}
        )
        assert answer.headers["content-type"] == LINES
        parts = [LogPart.model_validate_json(line) for line in answer.text.splitlines()]
        return [(part.attempt, part.offset, part.data, part.is_end) for part in parts]

    assert lines() == [(2, 0, b"d", False), (2, 1, b"", True)]
    assert lines(attempt=1, offset=1) == [(1, 1, b"bc", False), (1, 3, b"", True)]
    assert lines(from_attempt=1, offset=2) == [(1, 2, b"c", False), (1, 3, b"", True)]
    path = f"/v1/jobs/{output.id}/logs"
    problem_of(park.steel.get(path, params={"from_attempt": 3}), 404)
    text = park.steel.get(path)
    assert (text.text, text.headers["x-attempt"]) == ("d", "2")


def test_a_revoked_key_follows_no_longer(
    park: Served, address: str, output: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "CHECK_EVERY_MS", 100)
    output.begin()
    output.say(0, b"before\n")
    key = park.steel.post("/v1/keys", json={"role": "tenant"}).json()
    headers = {"Authorization": f"Bearer {key['secret']}", "Accept": LINES}
    path = f"/v1/jobs/{output.id}/logs?follow=true"
    with (
        httpx2.Client(base_url=address, headers=headers, trust_env=False, timeout=20) as client,
        client.stream("GET", path) as answer,
    ):
        lines = answer.iter_lines()
        assert LogPart.model_validate_json(next(lines)).data == b"before\n"
        assert next(lines) == "", "a sign of life"

        park.steel.delete(f"/v1/keys/{key['id']}")

        assert set(lines) <= {""}


def test_a_reader_ends_with_the_test_that_fails_beside_it(
    park: Served, address: str, output: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(route, "LATE_MS", 300)  # who has read once waits so long for more
    output.begin()
    output.say(0, b"epoch 1\n")

    reading: list[Follower] = []

    def fail() -> None:
        with followed(park, address, output) as follower:
            reading.append(follower)
            await_that(lambda: bool(follower.text))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert reading[0].is_over
