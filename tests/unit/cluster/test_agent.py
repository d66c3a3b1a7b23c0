"""The agent: whom it speaks to, what it takes for an answer, and what it does in spite of all."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Event, Thread

import pytest
from typing_extensions import override

from cluster import agent as module
from cluster.agent import Agent, AgentSettings, Broker, BrokerUnheard, Silence, start_number
from cluster.driver import AttemptPhase, AttemptReport
from cluster.member import Leasing
from cluster.steady import in_background
from cluster.wire import DiaryTold, Orders, Report, StopWanted
from tests.ray_centre import CENTRE, PARK

ENDED = AttemptReport(attempt_id="j.1", phase=AttemptPhase.ENDED)
REPORT = Report(agent_started_at_ms=1, number=1, online_node_ids=[], attempts=[])


@contextmanager
def answering(status: int, body: bytes = b"", **headers: str) -> Iterator[str]:
    """A broker that says this to everything, and its address."""
    with hearing(status, body, **headers) as (url, _):
        yield url


@contextmanager
def hearing(
    status: int = 204, body: bytes = b"", **headers: str
) -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    """The same, with what it heard: address and body."""
    heard: list[tuple[str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        """Reads what is posted, and answers."""

        def do_POST(self) -> None:
            heard.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        @override
        def log_message(self, format: str, *arguments: object) -> None:
            """Nothing on the terminal."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", heard
        finally:
            server.shutdown()
            thread.join()


def settings(url: str, tmp_path: Path) -> AgentSettings:
    return AgentSettings(
        centre=CENTRE,
        device_kind_by_id=PARK.device_kind_by_id,
        url=url,
        api_key="brk_x_y",
        ray_address="127.0.0.1:1",
        ray_token_path=tmp_path / "token",
        data_dir=tmp_path,
    )


@contextmanager
def an_agent(url: str, tmp_path: Path) -> Iterator[Agent]:
    """One that does not go on by itself, but step by step."""
    made = Agent(settings(url, tmp_path))
    try:
        yield made
    finally:
        made._driver._callers.shutdown()


def eventually(is_so: Callable[[], bool]) -> None:
    pause = Event()
    for _ in range(2_000):
        if is_so():
            return
        pause.wait(0.01)
    raise AssertionError("it did not become so")


def report_once(agent: Agent) -> None:
    agent._news.set()
    agent._report()


def test_where_the_leader_falls_silent_the_first_address_is_asked_again(tmp_path: Path) -> None:
    with answering(204) as leader, answering(307, Location=leader) as home:
        told = Broker(settings(home, tmp_path))
        with pytest.raises(BrokerUnheard, match="answers 307"):
            told.report(REPORT)
        told.report(REPORT)

    with pytest.raises(BrokerUnheard, match=leader):
        told.report(REPORT)
    with pytest.raises(BrokerUnheard, match=home):
        told.report(REPORT)


def test_a_leader_that_no_longer_leads_sends_back_to_the_first_address(tmp_path: Path) -> None:
    with answering(503) as deposed, answering(307, Location=deposed) as home:
        told = Broker(settings(home, tmp_path))
        for said in ("answers 307", "answers 503", "answers 307"):
            with pytest.raises(BrokerUnheard, match=said):
                told.report(REPORT)


@pytest.mark.parametrize(("status", "is_heard"), [(204, True), (409, False), (503, False)])
def test_a_report_that_is_passed_over_does_not_end_the_silence(
    tmp_path: Path, status: int, *, is_heard: bool
) -> None:
    with answering(status) as url, an_agent(url, tmp_path) as agent:
        report_once(agent)

    assert (tmp_path / "heard").exists() is is_heard


def test_where_nothing_runs_what_is_as_it_was_is_not_said_again_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering(204) as url, an_agent(url, tmp_path) as agent:
        monkeypatch.setattr(module, "CALM_MS", 600_000)
        report_once(agent)
        report_once(agent)
        assert agent._report_number == 1
        assert agent._told is not None

        agent._told = replace(agent._told, online_node_ids=frozenset({"n1"}))
        report_once(agent)
        assert agent._report_number == 2, "it is there no more"
        agent._told = replace(agent._told, attempts=(ENDED,))
        report_once(agent)
        assert agent._report_number == 3, "it was forgotten"
        monkeypatch.setattr(module, "CALM_MS", 0)
        report_once(agent)
        assert agent._report_number == 4


def test_what_the_leader_did_not_take_in_is_said_again(tmp_path: Path) -> None:
    with answering(503) as url, an_agent(url, tmp_path) as agent:
        report_once(agent)
        report_once(agent)

        assert agent._report_number == 2


def test_orders_and_output_do_not_end_the_silence(tmp_path: Path) -> None:
    """Any broker takes output; that one of them answers does not mean that the leader hears us."""
    with answering(200, b'{"logs": []}') as url, an_agent(url, tmp_path) as agent:
        agent._take_orders()
        agent._ship_output()

    assert not (tmp_path / "heard").exists()


def test_leases_end_after_the_silence_though_reports_cannot_even_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with an_agent("http://127.0.0.1:9", tmp_path) as agent:
        monkeypatch.setattr(agent, "_fence_after_ms", -1)
        monkeypatch.setattr(agent._driver, "_nodes", None)
        with pytest.raises(AttributeError):
            report_once(agent)

        assert agent._driver.leasing is Leasing.LET_END


def test_an_agent_starts_later_than_all_before_it_whatever_its_clock_says(tmp_path: Path) -> None:
    mark = tmp_path / "agent-start"
    mark.write_text("9000000000000000")
    set_back, again = start_number(mark), start_number(mark)
    mark.write_text("")

    assert (set_back, again) == (9_000_000_000_000_001, 9_000_000_000_000_002)
    assert 1_700_000_000_000 < start_number(mark) < 9_000_000_000_000_000


def test_an_order_that_the_disk_does_not_take_keeps_no_other_from_being_obeyed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETRY_S_MAX", 60.0)  # however busy this machine is
    orders = Orders(stop=[StopWanted(attempt_id=one, grace_ms=0) for one in ("j.1", "k.1")])
    with an_agent("http://127.0.0.1:9", tmp_path) as agent:
        (tmp_path / "attempts" / "j.1.new").symlink_to("/dev/full")

        with ThreadPoolExecutor(1) as thread:
            obeying = thread.submit(agent._obey, orders)
            eventually(lambda: "k.1" in agent._driver.known_ids())
            is_asking_again_at_once = not wait([obeying], 0.5).not_done
            agent.end()

        assert not is_asking_again_at_once


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


def test_a_diary_that_is_asked_for_is_told_with_the_report_that_comes_next(tmp_path: Path) -> None:
    with hearing() as (url, heard), an_agent(url, tmp_path) as agent:
        agent._report_number = 6
        agent._obey(Orders(stop=[StopWanted(attempt_id="j.1", grace_ms=0)]))
        agent._driver.forget("j.1")
        agent._obey(Orders(diary=17))
        agent._tell_diary()

    path, body = heard[-1]
    told = DiaryTold.model_validate_json(body)
    assert path.endswith("/diary")
    assert (told.asked, told.number) == (17, 7)
    assert [(one.attempt_id, one.phase) for one in told.attempts] == [("j.1", AttemptPhase.ENDED)]
    assert agent._news.is_set()


def test_while_a_diary_is_told_orders_are_obeyed_and_it_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of megabytes over a slow line."""
    came, told = Event(), list[int]()

    def take_slowly(_: Broker, diary: DiaryTold) -> None:
        told.append(diary.asked)
        assert came.wait(20)

    monkeypatch.setattr(Broker, "take_diary", take_slowly)
    with an_agent("http://127.0.0.1:9", tmp_path) as agent:
        in_background(agent._tell_diary, agent._ending).start()
        asked = Orders(diary=17)
        for _ in range(3):
            agent._obey(asked)
        agent._obey(Orders(diary=17, stop=[StopWanted(attempt_id="j.1", grace_ms=0)]))
        stopped = agent._driver.known_ids()
        came.set()
        eventually(lambda: agent._diary_asked == 0)
        once = list(told)
        agent._obey(asked)
        eventually(lambda: len(told) == len(once) + 1)
        agent.end()

    assert stopped == ["j.1"]
    assert (once, told) == ([17], [17, 17])
