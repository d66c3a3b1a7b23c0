"""One process of a gang: what its node is asked to run, and what the node says of it."""

from dataclasses import dataclass, fields
from enum import StrEnum

from cluster.driver import Activity

NODE_LABEL = "brain-node"
"""The label by which a node of Ray carries our id of it."""


class MemberPhase(StrEnum):
    """How far a member has come on its node."""

    CLAIMED = "claimed"
    RUNNING = "running"
    ENDED = "ended"


class MemberEnd(StrEnum):
    """Why a member ended, as seen on its node.

    `LEASE`: nobody counted on it any more. `LOST`: its shim was killed, so that its exit code is
    not known. `REFUSED`: it never ran.
    """

    EXITED = "exited"
    STOPPED = "stopped"
    LEASE = "lease"
    LOST = "lost"
    REFUSED = "refused"
    NODE = "node"


class Leasing(StrEnum):
    """Whether the agent counts on a node's members: else their lease is let end."""

    RENEW = "renew"
    LET_END = "let_end"


MemberKey = tuple[str, int]
"""An attempt and a rank in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberStart:
    """What a node needs to know to run one member.

    `env` holds the user's variables and the gang's; the node adds its own. `order` is the whole
    launch order as its driver writes it: whoever finds the run can tell what it is part of. `uid`
    is as whom it runs, `None` as its supervisor's user; where the node cannot see to that, the
    member is refused if `is_uid_required`, and else runs as the supervisor's user too.
    """

    attempt_id: str
    job_id: str
    rank: int
    card_count: int
    command: str
    env: tuple[tuple[str, str], ...]
    archive: str | None
    workdir: str | None
    checkpoint_dir: str | None
    order: str
    uid: int | None = None
    is_uid_required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberState:
    """How one member stands; times are the node's clock, `cards` its indices on the node.

    `activity` is None where nobody has measured it yet. `is_own_fault`: it was refused for what its
    job brings along, as it would be on any node. `saved_at_ms`: when its job last wrote into its
    checkpoint folder, where that is seen.
    """

    attempt_id: str
    rank: int
    phase: MemberPhase
    cards: tuple[int, ...] = ()
    started_at_ms: int | None = None
    ended_at_ms: int | None = None
    exit_code: int | None = None
    end: MemberEnd | None = None
    detail: str = ""
    activity: Activity | None = None
    is_own_fault: bool = False
    saved_at_ms: int | None = None

    def __setstate__(self, values: list[object]) -> None:
        """A node's release may be older than its agent's: what it does not say yet is not known."""
        for one in fields(self)[len(values) :]:
            object.__setattr__(self, one.name, one.default)
        for one, value in zip(fields(self), values, strict=False):
            object.__setattr__(self, one.name, value)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogChunk:
    """Bytes of a member's output from `offset` on; `is_last` when no more will ever come."""

    attempt_id: str
    rank: int
    offset: int
    data: bytes
    is_last: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a supervisor has to say: states that are newer than the version asked from.

    Another `incarnation` than the one asked from began anew, so that these are all states.
    `complaint` is what the node's owner should know, empty where all is well.
    """

    incarnation: str
    version: int
    members: tuple[MemberState, ...]
    complaint: str = ""
