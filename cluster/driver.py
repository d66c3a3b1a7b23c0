"""The port between decisions and machines: what a centre is told, and what it says.

The conversation is level-triggered. The broker repeats what should be until it is observed, the
centre repeats all it knows until it may forget; an attempt's id is the key: repeats are harmless.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class AttemptPhase(StrEnum):
    """How far an attempt has come at its centre."""

    STARTING = "starting"
    RUNNING = "running"
    ENDED = "ended"


class AttemptEnd(StrEnum):
    """Why an attempt ended, as seen at its centre; the broker knows why it asked for a stop."""

    EXITED = "exited"
    STOPPED = "stopped"
    NODE = "node"
    CENTRE = "centre"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberOrder:
    """One process of a gang: where it runs and with how many cards."""

    rank: int
    local_rank: int
    node_id: str
    card_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleOrder:
    """Members of a gang that are alike, and what they run in place of the order's own command."""

    name: str
    count: int
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchOrder:
    """The right to run one attempt at one centre.

    `command` is given to `/bin/sh -c`; `env` holds the user's own variables. `archive` names an
    uploaded working directory (its sha256), `workdir` a path that the centre already has;
    at most one is set. `checkpoint_dir` is the user's own relative path, where there is one.
    `roles` are those of the members, in the order of their ranks; none where all are alike.
    `ends_with` names the one whose members' success is that of the gang; None: all must succeed.
    """

    attempt_id: str
    job_id: str
    tenant_id: str
    epoch: int
    centre_id: str
    device_kind_id: str
    command: str
    env: tuple[tuple[str, str], ...]
    members: tuple[MemberOrder, ...]
    archive: str | None = None
    workdir: str | None = None
    checkpoint_dir: str | None = None
    checkpoint_signal: str | None = None
    roles: tuple[RoleOrder, ...] = ()
    ends_with: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """Over how much of its cards' time an attempt was watched, and for how much they computed.

    Both count from its start, in card-milliseconds; `active_ms` is no more than `measured_ms`.
    """

    measured_ms: int = 0
    active_ms: int = 0

    def __add__(self, other: "Activity") -> "Activity":
        return Activity(
            measured_ms=self.measured_ms + other.measured_ms,
            active_ms=self.active_ms + other.active_ms,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptReport:
    """What a centre knows of one attempt; times are the centre's clock, `None` until known.

    `exit_code` is the first non-zero code among the members, else 0; negative for a signal.
    `node_id` is where it ended so, if a node was lost or a member could not be started there.
    `activity` is None where nobody measures it, `saved_at_ms`, when its job last wrote into its
    checkpoint folder, where nobody sees it.
    """

    attempt_id: str
    phase: AttemptPhase
    started_at_ms: int | None = None
    ended_at_ms: int | None = None
    exit_code: int | None = None
    end: AttemptEnd | None = None
    detail: str = ""
    node_id: str | None = None
    activity: Activity | None = None
    saved_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class News:
    """In what a report is other than the one with `before`: None where an attempt is forgotten."""

    before: tuple[AttemptReport, ...]
    changed: Mapping[str, AttemptReport | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class CentreReport:
    """All that a centre knows, as heard at `heard_at_ms` (the broker's clock).

    `online_node_ids` are the nodes that could take work now. An attempt that the broker ordered
    and that is missing here was never started or is wholly forgotten by the centre. `news` is there
    where it is known what changed last, so that nobody need go through all.
    """

    centre_id: str
    heard_at_ms: int
    online_node_ids: frozenset[str]
    attempts: tuple[AttemptReport, ...]
    news: News | None = None


class Driver(Protocol):
    """The broker's hand at one centre. Each call may be repeated, and may be lost."""

    @property
    def centre_id(self) -> str: ...

    def launch(self, order: LaunchOrder) -> None:
        """Want this attempt running; does not wait for it."""
        ...

    def stop(self, attempt_id: str, grace_ms: int) -> None:
        """Want this attempt gone: terminate, wait at most `grace_ms`, kill.

        An attempt that the centre does not know is ended all the same: it is reported as ended
        (`STOPPED`, never started) and an order for it that arrives later does not start it.
        """
        ...

    def forget(self, attempt_id: str) -> None:
        """The end of this attempt is in the log; the centre need not repeat it."""
        ...

    def observe(self) -> CentreReport | None:
        """The newest report, or `None` while the centre has never been heard of."""
        ...
