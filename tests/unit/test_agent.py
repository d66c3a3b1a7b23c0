"""The agent's bookkeeping: what it ships, and how long it has not heard the broker."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from typing_extensions import override

from cluster import agent
from cluster.agent import AgentSettings, Broker, BrokerUnheard, Shipping, Silence, batches, shipped
from cluster.member import LogChunk
from cluster.wire import LogKept, LogsKept, LogsShipped, Report
from tests.ray_centre import CENTRE, PARK

REPORT = Report(agent_started_at_ms=1, number=1, online_node_ids=[], attempts=[])


def chunk(
    rank: int = 0, offset: int = 0, data: bytes = b"abc", *, is_last: bool = False
) -> LogChunk:
    return LogChunk(attempt_id="j.1", rank=rank, offset=offset, data=data, is_last=is_last)


def kept(offset: int, *, is_full: bool = False) -> LogsKept:
    return LogsKept(logs=[LogKept(attempt_id="j.1", member=0, offset=offset, is_full=is_full)])


def test_the_broker_says_from_where_on_to_send() -> None:
    shipping = Shipping()

    done = shipping.note([chunk()], kept(700))

    assert shipping.offsets == {("j.1", 0): 700}
    assert done == set()


@pytest.mark.parametrize(
    ("sent", "answer", "is_done"),
    [
        (chunk(is_last=True), kept(3), True),
        (chunk(is_last=True), kept(2), False),
        (chunk(), kept(3), False),
        (chunk(), kept(3, is_full=True), True),
        (chunk(is_last=True), LogsKept(logs=[]), False),
    ],
)
def test_a_members_output_is_done_when_its_last_word_is_kept_or_no_more_will_be(
    sent: LogChunk, answer: LogsKept, *, is_done: bool
) -> None:
    shipping = Shipping()

    assert shipping.note([sent], answer) == ({"j.1"} if is_done else set())
    assert shipping.done == ({("j.1", 0)} if is_done else set())


def test_nothing_is_remembered_of_what_nobody_knows() -> None:
    shipping = Shipping()
    shipping.note([chunk(is_last=True)], kept(3))

    shipping.keep_only({"k.1"})

    assert (shipping.offsets, shipping.done) == ({}, set())


def test_chunks_are_sent_in_parts_that_the_broker_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent, "OUTPUT_BYTES_MAX", 6)
    chunks = [chunk(rank) for rank in range(5)]

    assert [len(batch) for batch in batches(chunks)] == [2, 2, 1]
    assert [one for batch in batches(chunks) for one in batch] == chunks
    assert list(batches([])) == []


def test_any_bytes_survive_the_way_to_the_broker() -> None:
    sent = shipped([chunk(data=bytes(range(256)))])

    assert LogsShipped.model_validate_json(sent.model_dump_json()) == sent


def test_the_broker_is_told_which_output_is_a_members_last() -> None:
    sent = shipped([chunk(0), chunk(1, is_last=True), chunk(2, data=b"", is_last=True)])

    assert [one.is_last for one in sent.chunks] == [False, True, True]


@contextmanager
def answering(status: int, **headers: str) -> Iterator[str]:
    """A broker that says this to everything, and its address."""

    class Handler(BaseHTTPRequestHandler):
        """Reads what is posted, and answers."""

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            for name, value in {"Content-Length": "0", **headers}.items():
                self.send_header(name, value)
            self.end_headers()

        @override
        def log_message(self, format: str, *arguments: object) -> None:
            """Nothing on the terminal."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def broker(url: str, tmp_path: Path) -> Broker:
    settings = AgentSettings(
        centre=CENTRE,
        device_kind_by_id=PARK.device_kind_by_id,
        url=url,
        api_key="brk_x_y",
        ray_address="127.0.0.1:1",
        ray_token_path=tmp_path / "token",
        data_dir=tmp_path,
    )
    return Broker(settings)


def test_where_the_leader_falls_silent_the_first_address_is_asked_again(tmp_path: Path) -> None:
    with answering(204) as leader, answering(307, Location=leader) as home:
        told = broker(home, tmp_path)
        with pytest.raises(BrokerUnheard, match="answers 307"):
            told.report(REPORT)
        told.report(REPORT)

    with pytest.raises(BrokerUnheard, match=leader):
        told.report(REPORT)
    with pytest.raises(BrokerUnheard, match=home):
        told.report(REPORT)


def test_silence_is_counted_over_restarts(tmp_path: Path) -> None:
    mark = tmp_path / "heard"
    at_first = Silence(mark)
    at_first.end()
    an_hour_ago_s = mark.stat().st_mtime - 3600
    os.utime(mark, (an_hour_ago_s, an_hour_ago_s))

    later = Silence(mark)
    before_ms = later.ms
    later.end()

    assert 0 <= at_first.ms < 3_600_000 <= before_ms
    assert later.ms < 3_600_000
    assert Silence(mark).ms < 3_600_000
