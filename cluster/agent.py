"""The process at a centre: tells the broker all it knows, and does what should be.

It speaks to the broker by outbound HTTP alone. Killed and started again, it finds its attempts in
its journal and on the nodes; nothing that runs is touched. When the broker has not been heard for
longer than the broker waits, it lets the members' leases end.
"""

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import httpx2

from cluster import archive, wire
from cluster.devices import DeviceKind
from cluster.driver import CentreReport
from cluster.inventory import Centre
from cluster.member import Leasing
from cluster.ray_driver import RayDriver
from cluster.ray_watch import CentreRay
from cluster.run_files import write_whole
from cluster.shipping import Shipping, batches, shipped
from cluster.sole_agent import alone
from cluster.steady import RETRY_S_MAX, RETRY_S_MIN, Pause, failure, go_on, in_background
from cluster.supervisor import FENCED_AFTER_S

HEARTBEAT_S = 1.0
CALM_MS = 3_000
"""Where nothing runs, what is as it was is not said again so soon."""

COALESCE_S = 0.003
"""How long news wait for other news, so that many at once are one report."""

ORDERS_WAIT_MS = 10_000
OUTPUT_WAIT_S = 2.0
CALL_TIMEOUT_S = 10.0
ARCHIVES_CACHED_BYTES_MAX = 256 * 1024 * 1024

OUTPUTS_REMEMBERED = 50_000

_CALLS = ("report", "orders", "output", "diary")

_log = logging.getLogger(__name__)
_A = TypeVar("_A")
_M = TypeVar("_M", bound=wire.Message)
_Q = TypeVar("_Q")


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSettings:
    """What an agent is started with; `data_dir` is the same folder on all nodes of the centre.

    `fence_after_ms` is how long work goes on without the broker, or without an agent; it is
    shorter than the time after which the broker gives the work of a silent centre away.
    For `uid_from`, `is_uid_required` and `is_logical` see `cluster.ray_watch.CentreRay`.
    """

    centre: Centre
    device_kind_by_id: Mapping[str, DeviceKind]
    url: str
    api_key: str
    ray_address: str
    ray_token_path: Path
    data_dir: Path
    fence_after_ms: int = 900_000
    uid_from: int | None = None
    is_uid_required: bool = False
    is_logical: bool = False


def run(settings: AgentSettings) -> None:
    """Serve the centre until told to end (SIGTERM, SIGINT); what runs then goes on."""
    with alone(settings.data_dir):
        agent = Agent(settings)
        agent.serve()
    if agent.is_cut_off:
        _begin_anew()


class BrokerUnheard(Exception):
    """The broker did not answer, or not with what was asked for."""


class Broker:
    """The broker's routes for agents. A broker that does not lead names the one that does.

    Where that one falls silent, the address in the settings is asked again who leads now.
    """

    def __init__(self, settings: AgentSettings) -> None:
        self._home = self._url = settings.url
        self._centre_id = settings.centre.id
        self._http = httpx2.Client(
            headers={"Authorization": f"Bearer {settings.api_key}"},
            timeout=CALL_TIMEOUT_S,
            trust_env=False,
        )

    def report(self, report: wire.Report) -> None:
        self._post("report", report.model_dump_json())

    def orders(self, wanted: wire.OrdersWanted) -> wire.Orders:
        timeout_s = CALL_TIMEOUT_S + wanted.wait_ms / 1000
        answer = self._post("orders", wanted.model_dump_json(), timeout_s)
        return _read(wire.Orders, answer)

    def take_diary(self, told: wire.DiaryTold) -> None:
        self._post("diary", told.model_dump_json())

    def keep_logs(self, shipped: wire.LogsShipped) -> wire.LogsKept:
        return _read(wire.LogsKept, self._post("logs", shipped.model_dump_json()))

    def archive(self, sha256: str) -> bytes:
        """The bytes of a working directory; raises `BadArchive` where they cannot be had."""
        try:
            answer = self._http.get(f"{self._url}/v1/archives/{sha256}")
        except httpx2.HTTPError as error:
            raise archive.BadArchive(f"the archive {sha256} did not come: {error}") from error
        if not answer.is_success:
            raise archive.BadArchive(f"the broker has no archive {sha256}: {answer.status_code}")
        archive.verify(answer.content, sha256)
        return answer.content

    def _post(self, what: str, body: str, timeout_s: float = CALL_TIMEOUT_S) -> bytes:
        try:
            answer = self._http.post(
                f"{self._url}/v1/agents/{self._centre_id}/{what}",
                content=body,
                headers={"Content-Type": "application/json"},
                timeout=timeout_s,
            )
        except httpx2.HTTPError as error:
            silent, self._url = self._url, self._home
            raise BrokerUnheard(f"{silent}: {type(error).__name__} {error}") from error
        if answer.is_success:
            return answer.content
        # On to the leader at its own address, or back to where we were told to begin.
        refusing, self._url = self._url, _origin(answer.headers.get("location")) or self._home
        raise BrokerUnheard(f"{refusing} answers {answer.status_code}: {answer.text[:500]}")


def _origin(location: str | None) -> str:
    """The scheme and host of an address, where it has both."""
    parts = urlsplit(location or "")
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme and parts.netloc else ""


def _read(kind: type[_M], answer: bytes) -> _M:
    try:
        return kind.model_validate_json(answer)
    except ValueError as error:
        raise BrokerUnheard(f"the broker's answer makes no sense: {error}") from error


class Silence:
    """How long the broker has not been heard, over restarts of the agent as well."""

    def __init__(self, mark: Path) -> None:
        self._mark = mark
        before_s = time.time() - mark.stat().st_mtime if mark.exists() else 0.0
        self._heard_at_s = time.monotonic() - max(0.0, before_s)

    def end(self) -> None:
        self._heard_at_s = time.monotonic()
        with suppress(OSError):  # a full disk: then only a restart forgets it
            self._mark.touch(mode=0o600)

    @property
    def ms(self) -> float:
        return (time.monotonic() - self._heard_at_s) * 1000


def start_number(mark: Path) -> int:
    """When this agent starts, in ms, and later than any that started before: it tells them apart.

    Were it only the time, a clock that was set back would make the broker pass over all we say.
    """
    try:
        before = int(mark.read_text(encoding="ascii"))
    except (FileNotFoundError, ValueError):
        before = 0
    number = max(time.time_ns() // 1_000_000, before + 1)
    write_whole(mark, str(number))
    return number


class Agent:
    """Four loops over one driver: orders, reports, output, and the diary when it is asked for."""

    def __init__(self, settings: AgentSettings) -> None:
        self._fence_after_ms = settings.fence_after_ms
        self._broker = Broker(settings)
        self._cache: dict[str, bytes] = {}
        self._cache_lock = threading.Lock()
        self._started_at_ms = start_number(settings.data_dir / "agent-start")
        self._report_number = 0
        self._told: CentreReport | None = None
        self._last_orders = wire.Orders()
        self._shipping = Shipping()
        self._silence = Silence(settings.data_dir / "heard")
        self._diary_asked = 0
        self._news, self._asks = threading.Event(), threading.Event()
        self._ending = threading.Event()
        self._pauses = {name: Pause(self._ending) for name in _CALLS}
        place = CentreRay(
            centre=settings.centre,
            device_kind_by_id=settings.device_kind_by_id,
            address=settings.ray_address,
            token_path=settings.ray_token_path,
            data_dir=settings.data_dir,
            silence_ms_max=settings.fence_after_ms,
            uid_from=settings.uid_from,
            is_uid_required=settings.is_uid_required,
            is_logical=settings.is_logical,
        )
        self._driver = RayDriver(place, self._archive, self._news.set)

    @property
    def is_cut_off(self) -> bool:
        return self._driver.is_cut_off

    def end(self) -> None:
        self._ending.set()
        self._news.set()
        self._asks.set()

    def serve(self) -> None:
        self._heed_signals()
        self._driver.start()
        self._meet_nodes()
        for work in (self._take_orders, self._ship_output, self._tell_diary):
            in_background(work, self._ending).start()
        go_on(self._report, self._ending)
        self._driver.close()

    def _heed_signals(self) -> None:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: self.end())

    def _meet_nodes(self) -> None:
        """Say and do nothing before we know all that runs, or that nothing can run any more."""
        for _ in range(int(FENCED_AFTER_S / RETRY_S_MIN)):
            if self._driver.has_met_all or self._ending.is_set():
                return
            self._ending.wait(RETRY_S_MIN)

    def _report(self) -> None:
        """Say all we know: as soon as there is news, and while anything runs once a second."""
        # First, for it must hold also where all that follows fails.
        is_cut = self._silence.ms > self._fence_after_ms
        self._driver.leasing = Leasing.LET_END if is_cut else Leasing.RENEW
        if self.is_cut_off:
            self._ending.set()
            return
        self._heed_signals()  # again and again: Ray takes them when it is joined
        self._news.wait(HEARTBEAT_S)
        self._ending.wait(COALESCE_S)
        self._news.clear()
        observed = self._driver.observe()
        if self._is_told(observed):
            return
        self._report_number += 1
        report = wire.Report(
            agent_started_at_ms=self._started_at_ms,
            number=self._report_number,
            online_node_ids=sorted(observed.online_node_ids),
            attempts=[wire.AttemptHeard.of(attempt) for attempt in observed.attempts],
            understands=wire.DIARY,
        )
        if self._ask(self._send_report, report, self._pauses["report"]):
            self._silence.end()
            self._told = observed

    def _is_told(self, observed: CentreReport) -> bool:
        """Whether nothing runs, and the leader took in just this a moment ago."""
        told = self._told
        if told is None or told.attempts or observed.attempts:
            return False
        is_recent = 0 <= observed.heard_at_ms - told.heard_at_ms < CALM_MS
        return is_recent and told.online_node_ids == observed.online_node_ids

    def _send_report(self, report: wire.Report) -> bool:
        """That the leader took this in is all that counts as hearing it: it judges us by it."""
        self._broker.report(report)
        return True

    def _take_orders(self) -> None:
        wanted = wire.OrdersWanted(
            known=self._driver.known_ids(),
            stopping=self._driver.stopping_ids(),
            wait_ms=ORDERS_WAIT_MS,
        )
        orders = self._ask(self._broker.orders, wanted, self._pauses["orders"]) or wire.Orders()
        if orders == self._last_orders and not orders.is_empty:  # do not ask in circles
            self._ending.wait(RETRY_S_MIN)
        self._last_orders = orders
        self._obey(orders)

    def _obey(self, orders: wire.Orders) -> None:
        """Do what is asked; what cannot be done now is asked again, and keeps nothing from it."""
        works: list[Callable[[], None]] = [
            partial(self._driver.stop, stop.attempt_id, stop.grace_ms) for stop in orders.stop
        ]
        works += [partial(self._driver.launch, order) for order in orders.launch]
        works += [partial(self._driver.forget, attempt_id) for attempt_id in orders.forget]
        if orders.diary:
            works.append(partial(self._ask_diary, orders.diary))
        failures = [failure(work) for work in works]
        if any(failures):
            self._ending.wait(RETRY_S_MAX)  # or what is logged of a full disk would fill it

    def _ask_diary(self, asked: int) -> None:
        """Let it be told beside all else: it may take seconds, and launches and stops may not."""
        self._diary_asked = asked
        self._asks.set()

    def _tell_diary(self) -> None:
        self._asks.wait()
        self._asks.clear()
        asked = self._diary_asked
        if asked and not self._ending.is_set():
            try:
                self._tell(asked)
            finally:
                self._diary_asked = 0  # where it did not come, it is asked for again

    def _tell(self, asked: int) -> None:
        diary = self._driver.diary()
        # After the diary was read, so that the next report says no less than it.
        number = self._report_number + 1
        told = wire.DiaryTold(
            asked=asked,
            agent_started_at_ms=self._started_at_ms,
            number=number,
            at_ms=time.time_ns() // 1_000_000,
            whole_since_ms=diary.whole_since_ms,
            attempts=[wire.AttemptNoted.of(one) for one in diary.attempts],
        )
        self._ask(self._send_diary, told, self._pauses["diary"])
        self._told = None
        self._news.set()

    def _send_diary(self, told: wire.DiaryTold) -> bool:
        self._broker.take_diary(told)
        return True

    def _ship_output(self) -> None:
        """Send what members say, as far as the broker has room."""
        shipping = self._shipping
        chunks = self._driver.new_output(shipping.offsets, shipping.done, OUTPUT_WAIT_S)
        for batch in batches(chunks):
            kept = self._ask(self._broker.keep_logs, shipped(batch), self._pauses["output"])
            if kept is None:
                break
            for attempt_id in shipping.note(batch, kept):
                self._driver.release_output(attempt_id, shipping.done)
        if len(shipping.offsets) > OUTPUTS_REMEMBERED:
            shipping.keep_only(set(self._driver.stopping_ids()) | set(self._driver.known_ids()))

    def _ask(self, ask: Callable[[_Q], _A], question: _Q, pause: Pause) -> _A | None:
        """The broker's answer; without one, `None` after a pause that grows."""
        try:
            answer = ask(question)
        except BrokerUnheard as error:
            pause.take(str(error))
            return None
        pause.end()
        return answer

    def _archive(self, sha256: str) -> bytes:
        """A working directory, asked for once by all attempts that begin with it."""
        with self._cache_lock:
            data = self._cache.get(sha256)
            if data is None:
                data = self._broker.archive(sha256)
                self._cache[sha256] = data
                while sum(map(len, self._cache.values())) > ARCHIVES_CACHED_BYTES_MAX:
                    del self._cache[next(iter(self._cache))]
            return data


def _begin_anew() -> None:
    """Become a fresh image of this process, before Ray ends one that has lost its cluster."""
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - numbers are all we need
        with suppress(OSError):
            os.set_inheritable(int(name), int(name) <= 2)
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606
