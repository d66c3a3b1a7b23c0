"""What a centre's driver remembers over a restart: its attempts, and its tenants' user ids."""

import logging
import os
import threading
from contextlib import suppress
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from cluster.driver import AttemptReport, LaunchOrder
from cluster.gang import Attempt

ROOM_BYTES = 1 << 20
"""So much must fit before a journal that was full takes orders again."""

_log = logging.getLogger(__name__)
_NUMBERS = TypeAdapter(dict[str, int])


class _Entry(BaseModel):
    """An attempt as it is written; what its members do is asked of their nodes."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    attempt_id: str
    noted_at_ms: int
    order: LaunchOrder | None
    master_port: int | None
    role_ports: list[int] = []
    started_at_ms: int | None
    stop_grace_ms: int | None
    refusal: str
    is_forgotten: bool
    final: AttemptReport | None


class Journal:
    """The attempts in one folder, for any thread of one process.

    What was written is there after it was killed. Once something could not be written, it
    `is_full` until `look` finds room again: a centre that cannot note orders takes none.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self.is_full = False
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def write(self, attempt: Attempt) -> None:
        entry = _Entry(
            attempt_id=attempt.attempt_id,
            noted_at_ms=attempt.noted_at_ms,
            order=attempt.order,
            master_port=attempt.master_port,
            role_ports=attempt.role_ports,
            started_at_ms=attempt.started_at_ms,
            stop_grace_ms=attempt.stop_grace_ms,
            refusal=attempt.refusal,
            is_forgotten=attempt.is_forgotten,
            final=attempt.final,
        )
        path = self._path(attempt.attempt_id)
        unfinished = path.with_suffix(".new")
        with self._lock:
            try:
                unfinished.write_text(entry.model_dump_json(), encoding="utf-8")
                unfinished.rename(path)
            except OSError:
                self.is_full = True
                raise

    def look(self) -> None:
        """See whether there is room again."""
        if not self.is_full:
            return
        room = self._folder / "room"
        try:
            with room.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, ROOM_BYTES)
        except OSError as error:
            _log.warning("no order can be noted, so that none is taken: %s: %s", room, error)
        else:
            self.is_full = False
        with suppress(OSError):
            room.unlink()

    def remove(self, attempt_id: str) -> None:
        self._path(attempt_id).unlink(missing_ok=True)

    def read(self) -> list[Attempt]:
        """All attempts; a file that a broken disk has spoilt is passed over."""
        attempts = []
        for path in sorted(self._folder.glob("*.json")):
            with suppress(ValidationError):
                entry = _Entry.model_validate_json(path.read_bytes())
                attempts.append(
                    Attempt(
                        attempt_id=entry.attempt_id,
                        noted_at_ms=entry.noted_at_ms,
                        order=entry.order,
                        master_port=entry.master_port,
                        role_ports=entry.role_ports,
                        started_at_ms=entry.started_at_ms,
                        stop_grace_ms=entry.stop_grace_ms,
                        refusal=entry.refusal,
                        is_forgotten=entry.is_forgotten,
                        final=entry.final,
                    )
                )
        return attempts

    def _path(self, attempt_id: str) -> Path:
        return self._folder / f"{attempt_id}.json"


class TenantUids:
    """The user ids of a centre's tenants: the next free one for each, and never another.

    They are the owners of files. So a file that cannot be read raises ValueError: to number anew
    would give a tenant what is another's.
    """

    def __init__(self, path: Path, first: int) -> None:
        self._path = path
        self._first = first
        self._lock = threading.Lock()

    def uid(self, tenant_id: str) -> int:
        with self._lock:
            number_by_tenant = self._read()
            if tenant_id not in number_by_tenant:
                number_by_tenant[tenant_id] = max(number_by_tenant.values(), default=-1) + 1
                self._write(number_by_tenant)
            return self._first + number_by_tenant[tenant_id]

    def _read(self) -> dict[str, int]:
        try:
            return _NUMBERS.validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return {}
        except ValidationError as error:
            raise ValueError(
                f"{self._path} does not say which tenant has which number (so that files would go "
                f"to a wrong one): repair it, or remove it and all files of tenants; {error}"
            ) from error

    def _write(self, number_by_tenant: dict[str, int]) -> None:
        unfinished = self._path.with_suffix(".new")
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        with os.fdopen(os.open(unfinished, flags, 0o600), "wb") as file:
            file.write(_NUMBERS.dump_json(number_by_tenant))
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(self._path)
