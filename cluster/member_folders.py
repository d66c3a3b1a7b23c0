"""The folders that a member finds: where it begins, and where it leaves what outlives it."""

import errno
from collections.abc import Iterator
from pathlib import Path

from cluster.archive import BadArchive
from cluster.archive_store import ArchiveGone, ArchiveStore
from cluster.member import MemberStart
from cluster.users import let_pass, own

_OF_NODE = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.ENOMEM}
)
"""What the disk or the kernel of a node says of itself, whatever is asked of it."""


class BadFolder(Exception):
    """What the job brings along leaves no room for a path that it wants; the message says why."""


def is_own_fault(error: Exception) -> bool:
    """Whether the job itself is at fault, and would be on any node."""
    if not isinstance(error, (BadArchive, BadFolder)) or isinstance(error, ArchiveGone):
        return False
    cause = error.__cause__
    return not (isinstance(cause, OSError) and cause.errno in _OF_NODE)


class MemberFolders:
    """The folders of one node's members; each is given to the user that the member runs as."""

    def __init__(self, data_dir: Path, archives: ArchiveStore) -> None:
        self._data_dir = data_dir
        self._archives = archives

    def environment(self, start: MemberStart, uid: int | None) -> dict[str, str]:
        """The variables by which a member knows its folders, which are made here."""
        return {
            "BRAIN_CHECKPOINT_DIR": str(self._job_folder("checkpoints", start.job_id, uid)),
            "BRAIN_OUTPUT_DIR": str(self._job_folder("outputs", start.job_id, uid)),
        }

    def saves(self, start: MemberStart, uid: int | None) -> Iterator[Path]:
        """Where the job leaves its checkpoints, if it says that it does."""
        if start.checkpoint_dir is not None:
            yield self._job_folder("checkpoints", start.job_id, uid)
            if start.workdir is not None:
                yield Path(start.workdir) / start.checkpoint_dir

    def home(self, attempt: Path, uid: int | None) -> dict[str, str]:
        """Who a member is: whom it inherited from, or a user whose home goes with the attempt."""
        if uid is None:
            return {}
        home = attempt / "home"
        own(home, uid)
        return {"HOME": str(home), "USER": f"uid{uid}", "LOGNAME": f"uid{uid}"}

    def working(self, start: MemberStart, attempt: Path, uid: int | None) -> Path:
        """Where the member begins: its centre's folder, or one that its attempt has to itself.

        For one caller at a time. `attempt` is the attempt's own folder on this node.
        """
        if start.workdir is not None:
            return Path(start.workdir)
        folder = attempt / "work"
        if not folder.exists():
            unfinished = attempt / "work.unfinished"
            if start.archive is None:
                unfinished.mkdir(mode=0o700, exist_ok=True)
            else:
                self._archives.unpack(start.archive, unfinished)
            try:
                self._link_checkpoints(unfinished, start, uid)
            except (OSError, RuntimeError) as error:
                why = f"its checkpoint folder {start.checkpoint_dir} cannot be made: {error}"
                raise BadFolder(why) from error
            if uid is not None:
                own(unfinished, uid)
            unfinished.rename(folder)
        return folder

    def _link_checkpoints(self, folder: Path, start: MemberStart, uid: int | None) -> None:
        """Let the user's own relative path lead to where checkpoints outlive the attempt."""
        if start.checkpoint_dir is None:
            return
        link = folder / start.checkpoint_dir
        if link.resolve().is_relative_to(folder.resolve()) and not link.exists():
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(self._job_folder("checkpoints", start.job_id, uid))

    def _job_folder(self, kind: str, job_id: str, uid: int | None) -> Path:
        folder = self._data_dir / kind / job_id
        if uid is None:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        else:
            let_pass([folder.parent])
            own(folder, uid)
        return folder
