"""What a centre's driver remembers of its attempts over a restart: one small file for each."""

from contextlib import suppress
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from cluster.driver import AttemptReport, LaunchOrder
from cluster.gang import Attempt


class _Entry(BaseModel):
    """An attempt as it is written; what its members do is asked of their nodes."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    attempt_id: str
    noted_at_ms: int
    order: LaunchOrder | None
    master_port: int | None
    started_at_ms: int | None
    stop_grace_ms: int | None
    refusal: str
    is_forgotten: bool
    final: AttemptReport | None


class Journal:
    """The attempts in one folder. What was written is there after this process was killed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def write(self, attempt: Attempt) -> None:
        entry = _Entry(
            attempt_id=attempt.attempt_id,
            noted_at_ms=attempt.noted_at_ms,
            order=attempt.order,
            master_port=attempt.master_port,
            started_at_ms=attempt.started_at_ms,
            stop_grace_ms=attempt.stop_grace_ms,
            refusal=attempt.refusal,
            is_forgotten=attempt.is_forgotten,
            final=attempt.final,
        )
        path = self._path(attempt.attempt_id)
        unfinished = path.with_suffix(".new")
        unfinished.write_text(entry.model_dump_json(), encoding="utf-8")
        unfinished.rename(path)

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
