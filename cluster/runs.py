"""The runs of one node, as they lie on its disk: claims, cards, states and output.

A run is the folder `ROOT/<attempt>/<rank>`; making it is the claim to the member, which only one
can win. Everything a node must know after its supervisor was killed is in these folders.
"""

import errno
import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from cluster.member import LogChunk, MemberEnd, MemberPhase, MemberStart, MemberState
from cluster.run_files import Stop, claim, write_json, write_whole

ORDER_FILE = "order.json"
_ATTEMPT_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}")
_RANKS_MAX = 100_000


class BadAttemptId(ValueError):
    """This cannot be an attempt's name: it becomes the name of a folder."""


@dataclass(slots=True, kw_only=True)
class Run:
    """One member's folder and what is known of it; `version` counts the node's changes."""

    folder: Path
    state: MemberState
    version: int = 0

    @property
    def is_over(self) -> bool:
        return self.state.phase is MemberPhase.ENDED


class Runs:
    """The table of a node's runs and of its `card_count` cards."""

    def __init__(self, root: Path, card_count: int) -> None:
        self.root = root
        self.version = 0
        self._card_count = card_count
        self._runs: dict[tuple[str, int], Run] = {}
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in sorted(root.glob("*/*/")):
            if folder.name.isdigit() and _ATTEMPT_ID.fullmatch(folder.parent.name):
                self._note(Run(folder=folder, state=_read_state(folder)))

    def __iter__(self) -> Iterator[Run]:
        return iter(tuple(self._runs.values()))

    def get(self, attempt_id: str, rank: int) -> Run | None:
        return self._runs.get((attempt_id, rank))

    def newer_than(self, version: int) -> tuple[MemberState, ...]:
        return tuple(run.state for run in self._runs.values() if run.version > version)

    def free_cards(self) -> list[int]:
        taken = {card for run in self._runs.values() if not run.is_over for card in run.state.cards}
        return [card for card in range(self._card_count) if card not in taken]

    def claim(self, start: MemberStart) -> Run | None:
        """The claimed run with its cards, or None where this member was claimed before.

        Where there are too few free cards the run is over before it began.
        """
        folder = self._make(start.attempt_id, start.rank)
        if folder is None:
            return None
        free = self.free_cards()
        cards = tuple(free[: start.card_count])
        write_json(folder / "claim", {"cards": cards, "boot": _boot()})
        order = folder.parent / ORDER_FILE
        if not order.exists():
            write_whole(order, start.order)
        os.mkfifo(folder / "alive", 0o600)
        run = Run(folder=folder, state=_read_state(folder))
        self._note(run)
        if len(cards) < start.card_count:
            self.refuse(run, f"{start.card_count} cards wanted, {len(free)} are free on the node")
        return run

    def refuse(self, run: Run, detail: str) -> bool:
        """This member never runs, if it does not run already."""
        if not claim(run.folder):
            return False
        self._write_end(run, MemberEnd.REFUSED, detail)
        return True

    def renounce(self, attempt_id: str, rank: int) -> None:
        """Claim a member that never started, so that an order that comes late starts nothing."""
        folder = self._make(attempt_id, rank)
        if folder is not None:
            run = Run(folder=folder, state=_read_state(folder))
            self._note(run)
            self._stop_unbegun(run)

    def stop(self, run: Run, stop: Stop) -> None:
        """Leave word how this run is to be stopped; one that has not begun never will."""
        if not self._stop_unbegun(run):
            write_json(run.folder / "stop", {"grace_ms": stop.grace_ms, "signal": stop.signal})

    def lose(self, run: Run) -> None:
        """The shim is gone without a word, and so is all that it stood over."""
        self.refresh(run)
        if run.is_over or self.refuse(run, "it did not begin"):
            return
        if _read_json(run.folder / "claim").get("boot") == _boot():
            self._write_end(run, MemberEnd.LOST, "the shim that stood over it was killed")
        else:
            self._write_end(run, MemberEnd.NODE, "the node was started anew")

    def refresh(self, run: Run) -> None:
        """Read again what the shim has written."""
        state = _read_state(run.folder)
        if state != run.state:
            run.state = state
            self._note(run)

    def forget(self, attempt_id: str) -> None:
        """Remove all that is left of an attempt that is over; does nothing while it is not."""
        mine = [run for run in self._runs.values() if run.state.attempt_id == attempt_id]
        if all(run.is_over for run in mine):
            for run in mine:
                del self._runs[attempt_id, run.state.rank]
            shutil.rmtree(self._attempt_folder(attempt_id), ignore_errors=True)

    def orders(self) -> dict[str, str]:
        """The launch orders of all attempts that have a run here; empty for a renounced one."""
        found = dict.fromkeys((run.state.attempt_id for run in self._runs.values()), "")
        for attempt_id in found:
            with suppress(OSError):
                path = self._attempt_folder(attempt_id) / ORDER_FILE
                found[attempt_id] = path.read_text(encoding="utf-8")
        return found

    def _attempt_folder(self, attempt_id: str) -> Path:
        if not _ATTEMPT_ID.fullmatch(attempt_id):
            raise BadAttemptId(f"{attempt_id!r} cannot be an attempt's name")
        return self.root / attempt_id

    def _make(self, attempt_id: str, rank: int) -> Path | None:
        assert 0 <= rank < _RANKS_MAX, f"rank {rank} is out of all bounds"
        folder = self._attempt_folder(attempt_id) / str(rank)
        folder.parent.mkdir(mode=0o700, exist_ok=True)
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            return None
        return folder

    def _stop_unbegun(self, run: Run) -> bool:
        if not claim(run.folder):
            return False
        self._write_end(run, MemberEnd.STOPPED, "stopped before it began")
        return True

    def _write_end(self, run: Run, end: MemberEnd, detail: str) -> None:
        ended = {"exit_code": None, "ended_at_ms": now_ms(), "why": end.value, "detail": detail}
        write_json(run.folder / "ended", ended)
        self.refresh(run)

    def _note(self, run: Run) -> None:
        self.version += 1
        run.version = self.version
        self._runs[run.state.attempt_id, run.state.rank] = run


def read_output(run: Run, offset: int, count_max: int) -> LogChunk:
    """What the member has said from `offset` on, and whether that was its last word."""
    is_over = run.is_over  # before reading: what is over says nothing more
    data = b""
    with suppress(FileNotFoundError), (run.folder / "out").open("rb") as file:
        file.seek(offset)
        data = file.read(count_max)
    return LogChunk(
        attempt_id=run.state.attempt_id,
        rank=run.state.rank,
        offset=offset,
        data=data,
        is_last=is_over and len(data) < count_max,
    )


def output_size(run: Run) -> int:
    try:
        return (run.folder / "out").stat().st_size
    except FileNotFoundError:
        return 0


def is_shim_alive(descriptor: int) -> bool:
    """Whether the other end of a run's `alive` pipe, opened without blocking, is held open."""
    try:
        while data := os.read(descriptor, 4096):
            del data
    except OSError as error:
        return error.errno == errno.EAGAIN
    return False


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def _read_state(folder: Path) -> MemberState:
    claimed = _read_json(folder / "claim")
    started = _read_json(folder / "started")
    ended = _read_json(folder / "ended")
    cards = claimed.get("cards", [])
    assert isinstance(cards, list)
    state = MemberState(
        attempt_id=folder.parent.name,
        rank=int(folder.name),
        phase=MemberPhase.CLAIMED,
        cards=tuple(cards),
    )
    if started:
        state = replace(
            state, phase=MemberPhase.RUNNING, started_at_ms=_number(started, "started_at_ms")
        )
    if ended:
        state = replace(
            state,
            phase=MemberPhase.ENDED,
            ended_at_ms=_number(ended, "ended_at_ms"),
            exit_code=_number(ended, "exit_code"),
            end=MemberEnd(str(ended["why"])),
            detail=str(ended.get("detail", "")),
        )
    return state


def _boot() -> str:
    """Which boot of the machine this is."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def _number(values: dict[str, object], name: str) -> int | None:
    value = values[name]
    assert value is None or isinstance(value, int), f"{name} is {value!r}, no number"
    return value


def _read_json(path: Path) -> dict[str, object]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    assert isinstance(value, dict), f"{path} holds no object"
    return value
