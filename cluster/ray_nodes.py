"""A centre's Ray cluster as we use it: its nodes, their supervisors, and placement groups.

One process speaks to one cluster: Ray knows only one at a time. A call may hang for as long as the
cluster's head is away, so nothing that must answer in time may wait for one.
"""

import logging
import os
import socket
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

# Ray reads this once, when it is imported; without it, it depends on the machine's history.
os.environ["RAY_AUTH_MODE"] = "token"

import ray
from ray.exceptions import GetTimeoutError, RayActorError, RayError
from ray.util.placement_group import (
    placement_group,
    placement_group_table,
    remove_placement_group,
)

from cluster.driver import LaunchOrder
from cluster.member import NODE_LABEL, Leasing, LogChunk, MemberKey, MemberStart, MemberState, Seen
from cluster.run_files import Stop
from cluster.supervisor import NodeSettings, Supervisor
from cluster.wire import order_in

NAMESPACE = "brain"
GROUP_PREFIX = "brain-"
CALL_TIMEOUT_S = 30.0
CONNECT_TIMEOUT_S = 2.0
CALLS_AT_ONCE = 1_000

T = TypeVar("T")


class NodeFailed(Exception):
    """A node did not do what it was asked, or did not say so in time."""


class NodeAway(NodeFailed):
    """A supervisor was killed: Ray starts it anew in a few seconds, or its node is lost."""


class ClusterFailed(Exception):
    """The cluster cannot be joined."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RayNode:
    """One of Ray's nodes that carries an id of ours."""

    node_id: str
    address: str
    is_alive: bool


def head_answers(address: str) -> bool:
    """Whether somebody listens where the cluster's head should be."""
    host, _, port = address.rpartition(":")
    with suppress(OSError), socket.create_connection((host, int(port)), CONNECT_TIMEOUT_S):
        return True
    return False


def connect(address: str, token_path: str) -> None:
    """Join the cluster, if this process has not; Ray takes its token from the environment."""
    if ray.is_initialized():
        return
    os.environ.pop("RAY_ADDRESS", None)
    os.environ |= {"RAY_AUTH_TOKEN_PATH": token_path, "RAY_USAGE_STATS_ENABLED": "0"}
    logging.getLogger("ray").setLevel(logging.ERROR)
    try:
        ray.init(address=address, namespace=NAMESPACE, log_to_driver=False, configure_logging=False)
    except (ConnectionError, RuntimeError) as error:
        raise ClusterFailed(f"cannot join the Ray at {address}: {error}") from error


def disconnect() -> None:
    ray.shutdown()


def nodes() -> list[RayNode]:
    """The nodes that carry an id of ours; a living one hides dead ones of the same id."""
    by_id: dict[str, RayNode] = {}
    for found in ray.nodes():  # type: ignore[no-untyped-call] # Ray leaves it untyped
        node_id = found.get("Labels", {}).get(NODE_LABEL)
        if node_id and (node_id not in by_id or found["Alive"]):
            by_id[node_id] = RayNode(
                node_id=node_id,
                address=found["NodeManagerAddress"],
                is_alive=found["Alive"],
            )
    return list(by_id.values())


class SupervisorCalls:
    """The supervisor of one node, as its agent calls it; made where there is none.

    A supervisor that is killed is started again by Ray, and finds its runs on disk. A call is never
    repeated by Ray: who calls knows whether it may be.
    """

    def __init__(self, settings: NodeSettings, address: str) -> None:
        self.address = address
        self._actor = _SUPERVISOR.options(
            name=f"supervisor-{settings.node_id}",
            namespace=NAMESPACE,
            lifetime="detached",
            get_if_exists=True,
            num_cpus=0,
            max_concurrency=CALLS_AT_ONCE,
            max_restarts=-1,
            max_task_retries=0,
            label_selector={NODE_LABEL: settings.node_id},
        ).remote(settings)

    def free_port(self) -> int:
        port = _result(self._actor.free_port.remote())
        assert isinstance(port, int)
        return port

    def provide_archive(self, sha256: str, data: "ray.ObjectRef[bytes]") -> None:
        if not _result(self._actor.has_archive.remote(sha256)):
            _result(self._actor.keep_archive.remote(sha256, data))

    def orders(self) -> dict[str, LaunchOrder | None]:
        """Of all attempts that the node knows; None for one that was renounced or is illegible."""
        texts = _result(self._actor.orders.remote())
        assert isinstance(texts, dict)
        return {attempt_id: order_in(text) for attempt_id, text in texts.items()}

    def start(self, start: MemberStart) -> "ray.ObjectRef[MemberState]":
        call: ray.ObjectRef[MemberState] = self._actor.start.remote(start)
        return call

    def stop(self, attempt_id: str, rank: int, stop: Stop) -> None:
        """Does not wait: what becomes of it is seen."""
        self._actor.stop.remote(attempt_id, rank, stop)

    def forget(self, attempt_id: str) -> None:
        """Does not wait, as above."""
        self._actor.forget.remote(attempt_id)

    def watch(
        self, incarnation: str, version: int, leasing: Leasing, wait_s: float
    ) -> "ray.ObjectRef[Seen]":
        call: ray.ObjectRef[Seen] = self._actor.watch.remote(incarnation, version, leasing, wait_s)
        return call

    def read_logs(
        self, offsets: Mapping[MemberKey, int], done: Iterable[MemberKey], wait_s: float
    ) -> "ray.ObjectRef[tuple[LogChunk, ...]]":
        call: ray.ObjectRef[tuple[LogChunk, ...]] = self._actor.read_logs.remote(
            dict(offsets), set(done), wait_s
        )
        return call


class Answers(Generic[T]):
    """Calls under way, at most one a node, whose answers are taken as they come."""

    def __init__(self) -> None:
        self._node_by_call: dict[ray.ObjectRef[T], str] = {}

    def is_asked(self, node_id: str) -> bool:
        return node_id in self._node_by_call.values()

    def ask(self, node_id: str, call: "ray.ObjectRef[T]") -> None:
        self._node_by_call[call] = node_id

    def take(self, timeout_s: float) -> list[tuple[str, T | None]]:
        """The answers there are, waiting for the first; `None` from a node that failed."""
        calls = list(self._node_by_call)
        if not calls or not ray.wait(calls, num_returns=1, timeout=timeout_s)[0]:
            return []
        ready, _ = ray.wait(calls, num_returns=len(calls), timeout=0)
        return [(self._node_by_call.pop(call), _answer(call)) for call in ready]


def start_all(calls: "Sequence[ray.ObjectRef[MemberState]]") -> list[MemberState]:
    """What became of members that were started at the same time."""
    return [_result(call) for call in calls]


def put(data: bytes) -> "ray.ObjectRef[bytes]":
    return ray.put(data)


def hold_cards(attempt_id: str, resource: str, count_by_node: Mapping[str, int]) -> None:
    """Ask Ray to set these cards aside, under the attempt's name; does not wait until they are.

    A second time for the same attempt changes nothing; one without cards has no group.
    """
    if not count_by_node:
        return
    try:
        placement_group(
            [{resource: count} for count in count_by_node.values()],
            name=GROUP_PREFIX + attempt_id,
            lifetime="detached",
            bundle_label_selector=[{NODE_LABEL: node_id} for node_id in count_by_node],
        )
    except RayError as error:
        if "already exists" not in str(error):
            raise NodeFailed(f"Ray made no placement group: {error}") from error


def release_cards(attempt_id: str) -> None:
    with suppress(ValueError):  # there is none of this name
        remove_placement_group(ray.util.get_placement_group(GROUP_PREFIX + attempt_id))


def held_cards() -> dict[str, bool]:
    """The attempts for which Ray sets cards aside, and whether it has found them."""
    return {
        group["name"].removeprefix(GROUP_PREFIX): group["state"] == "CREATED"
        for group in placement_group_table().values()
        if group["name"].startswith(GROUP_PREFIX) and group["state"] != "REMOVED"
    }


def _result(call: "ray.ObjectRef[T]") -> T:
    try:
        return ray.get(call, timeout=CALL_TIMEOUT_S)
    except (RayError, GetTimeoutError) as error:
        failed = NodeAway if isinstance(error, RayActorError) else NodeFailed
        raise failed(str(error).strip().rpartition("\n")[2]) from error


def _answer(call: "ray.ObjectRef[T]") -> T | None:
    try:
        return ray.get(call)
    except RayError:
        return None


_SUPERVISOR: Any = ray.remote(Supervisor)  # Ray's own types do not know all of its options
