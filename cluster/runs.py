"""The runs of one node, as they lie on its disk: claims, cards, states and output.

A run is the folder `ROOT/<attempt>/<rank>`; making it is the claim to the member, which only one
can win. Everything a node must know after its supervisor was killed is in these folders.
"""

import errno
import logging
import os
import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from cluster import saves
from cluster.activity import MeterKind, at_end, kept
from cluster.member import LogChunk, MemberEnd, MemberPhase, MemberStart, MemberState
from cluster.run_files import (
    OUTPUT_BYTES_MAX,
    Stop,
    claim,
    read_json,
    write_json,
    write_whole,
)

ORDER_FILE = "order.json"
CUT_NOTICE = (
    b"\n[industry-brain: this member has said more than %d MiB; the rest is left out]\n"
    % (OUTPUT_BYTES_MAX >> 20)
)

_log = logging.getLogger(__name__)
_ATTEMPT_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}")
_RANK = re.compile(r"[0-9]{1,5}")  # and no other signs that are digits somewhere
_RANKS_MAX = 100_000
# Also what a tool has closed to us as it unpacked it; and of any depth, where Python gives up.
_REMOVE = 'rm -rf "$1" || { chmod -R u+rwx "$1"; rm -rf "$1"; }'
_ENDS = {end.value: end for end in MemberEnd}


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
    """The table of a node's runs and of its `card_count` cards, which `meter` measures.

    An end that the disk does not take (it is full, or broken) holds all the same; it is kept in
    memory until `write_ends` succeeds.
    """

    def __init__(self, root: Path, card_count: int, meter: MeterKind = MeterKind.CARDS) -> None:
        self.root = root
        self._meter = meter
        self.version = 0
        self._card_count = card_count
        self._runs: dict[tuple[str, int], Run] = {}
        self._unwritten: dict[tuple[str, int], dict[str, object]] = {}
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in sorted(root.glob("*/*/")):
            if _RANK.fullmatch(folder.name) and _ATTEMPT_ID.fullmatch(folder.parent.name):
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
        run = self._make(start.attempt_id, start.rank)
        if run is None:
            return None
        free = self.free_cards()
        cards = tuple(free[: start.card_count])
        try:
            claimed = {"cards": cards, "boot": _boot(), "meter": self._meter}
            write_json(run.folder / "claim", claimed)
            order = run.folder.parent / ORDER_FILE
            if not order.exists():
                write_whole(order, start.order)
            os.mkfifo(run.folder / "alive", 0o600)
        except OSError as error:  # nobody is asked to begin it, so that nobody will
            why = f"the node cannot write down what it runs: {error}"
            self._write_end(run, MemberEnd.REFUSED, why)
            return run
        self.refresh(run)
        if len(cards) < start.card_count:
            self.refuse(run, f"{start.card_count} cards wanted, {len(free)} are free on the node")
        return run

    def refuse(self, run: Run, detail: str, *, is_own_fault: bool = False) -> bool:
        """This member never runs, if it does not run already."""
        if _has_begun(run):
            return False
        self._write_end(run, MemberEnd.REFUSED, detail, is_own_fault=is_own_fault)
        return True

    def renounce(self, attempt_id: str, rank: int) -> None:
        """Claim a member that never started, so that an order that comes late starts nothing."""
        run = self._make(attempt_id, rank)
        if run is not None:
            self._stop_unbegun(run)

    def stop(self, run: Run, stop: Stop) -> None:
        """Leave word how this run is to be stopped; one that has not begun never will.

        Where the word cannot be left, who is told to stop takes the usual grace.
        """
        if self._stop_unbegun(run):
            return
        try:
            write_json(run.folder / "stop", {"grace_ms": stop.grace_ms, "signal": stop.signal})
        except OSError as error:
            _log.warning("%s cannot be told how to stop: %s", run.folder, error)

    def lose(self, run: Run) -> None:
        """The shim is gone without a word, and so is all that it stood over."""
        self.refresh(run)
        if run.is_over or self.refuse(run, "it did not begin"):
            return
        if not run.folder.exists():
            self._write_end(run, MemberEnd.LOST, "the folder of its run was removed")
        elif read_json(run.folder / "claim").get("boot") == _boot():
            self._write_end(run, MemberEnd.LOST, "the shim that stood over it was killed")
        else:
            self._write_end(run, MemberEnd.NODE, "the node was started anew")

    def refresh(self, run: Run) -> None:
        """Read again what the shim has written, unless its member has removed all of it."""
        if run.folder.exists():
            self._become(run, _read_state(run.folder))

    def write_ends(self) -> None:
        """Write down the ends that could not be written before."""
        for key, ended in list(self._unwritten.items()):
            folder = self._runs[key].folder
            try:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                write_json(folder / "ended", ended)
            except OSError as error:
                _log.warning("the end of %s cannot be written down: %s", key, error)
            else:
                del self._unwritten[key]

    def forget(self, attempt_id: str) -> bool:
        """Know nothing any more of an attempt that is over; whether it is."""
        mine = [run for run in self._runs.values() if run.state.attempt_id == attempt_id]
        if not all(run.is_over for run in mine):
            return False
        for run in mine:
            del self._runs[attempt_id, run.state.rank]
            self._unwritten.pop((attempt_id, run.state.rank), None)
        return True

    def remove(self, attempt_id: str) -> None:
        """Remove all that is left of an attempt; for a thread, as a job may leave many files."""
        folder = self._attempt_folder(attempt_id)
        subprocess.run(
            ["/bin/sh", "-c", _REMOVE, "sh", str(folder)], stderr=subprocess.DEVNULL, check=False
        )

    def orders(self) -> dict[str, str]:
        """The launch orders of all attempts that have a run here; empty for a renounced one."""
        found = dict.fromkeys((run.state.attempt_id for run in self._runs.values()), "")
        for attempt_id in found:
            with suppress(OSError):
                path = self._attempt_folder(attempt_id) / ORDER_FILE
                found[attempt_id] = path.read_text(encoding="utf-8", errors="replace")
        return found

    def _attempt_folder(self, attempt_id: str) -> Path:
        if not _ATTEMPT_ID.fullmatch(attempt_id):
            raise BadAttemptId(f"{attempt_id!r} cannot be an attempt's name")
        return self.root / attempt_id

    def _make(self, attempt_id: str, rank: int) -> Run | None:
        """A run that is new, and of which the disk has at least tried to make the folder."""
        assert 0 <= rank < _RANKS_MAX, f"rank {rank} is out of all bounds"
        folder = self._attempt_folder(attempt_id) / str(rank)
        if (attempt_id, rank) in self._runs:
            return None
        try:
            folder.parent.mkdir(mode=0o700, exist_ok=True)
            folder.mkdir(mode=0o700)
        except FileExistsError:
            return None
        except OSError as error:
            _log.warning("there is no folder for a run: %s", error)
        run = Run(folder=folder, state=_read_state(folder))
        self._note(run)
        return run

    def _stop_unbegun(self, run: Run) -> bool:
        if _has_begun(run):
            return False
        self._write_end(run, MemberEnd.STOPPED, "stopped before it began")
        return True

    def _write_end(
        self, run: Run, end: MemberEnd, detail: str, *, is_own_fault: bool = False
    ) -> None:
        said = detail.encode(errors="replace").decode()  # it may quote the name of any file
        ended: dict[str, object] = {"ended_at_ms": now_ms(), "why": end.value, "detail": said}
        if is_own_fault:
            ended["is_own_fault"] = True
        self._unwritten[run.state.attempt_id, run.state.rank] = ended
        self._become(run, _with_end(run.state, ended))
        self.write_ends()

    def _become(self, run: Run, state: MemberState) -> None:
        if state != run.state:
            run.state = state
            self._note(run)

    def _note(self, run: Run) -> None:
        self.version += 1
        run.version = self.version
        self._runs[run.state.attempt_id, run.state.rank] = run


def read_output(run: Run, offset: int, count_max: int) -> LogChunk:
    """What the member has said from `offset` on, and whether that was its last word.

    Of what it says beyond the limit there is only a line that says so.
    """
    is_over = run.is_over  # before reading: what is over says nothing more
    size = output_size(run)
    data = b""
    if offset < OUTPUT_BYTES_MAX:
        with suppress(OSError), (run.folder / "out").open("rb") as file:
            file.seek(offset)
            data = file.read(min(count_max, OUTPUT_BYTES_MAX - offset))
    elif size > OUTPUT_BYTES_MAX:
        data = CUT_NOTICE[offset - OUTPUT_BYTES_MAX :][:count_max]
    return LogChunk(
        attempt_id=run.state.attempt_id,
        rank=run.state.rank,
        offset=offset,
        data=data,
        is_last=is_over and offset + len(data) >= size,
    )


def output_size(run: Run) -> int:
    """How much of the member's output there is to read."""
    try:
        size = (run.folder / "out").stat().st_size
    except OSError:
        return 0
    return size if size <= OUTPUT_BYTES_MAX else OUTPUT_BYTES_MAX + len(CUT_NOTICE)


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


def _has_begun(run: Run) -> bool:
    """Whether a shim has taken the run; if not, none ever will. In doubt it may have."""
    try:
        return not claim(run.folder)
    except OSError as error:
        _log.warning("nobody can decide on %s now: %s", run.folder, error)
        return True


def _read_state(folder: Path) -> MemberState:
    claimed, ended = read_json(folder / "claim"), read_json(folder / "ended")
    cards = claimed.get("cards")
    state = MemberState(
        attempt_id=folder.parent.name,
        rank=int(folder.name),
        phase=MemberPhase.CLAIMED,
        cards=tuple(card for card in cards if isinstance(card, int))
        if isinstance(cards, list)
        else (),
    )
    started_at_ms = _number(read_json(folder / "started"), "started_at_ms")
    if started_at_ms is not None:
        state = replace(state, phase=MemberPhase.RUNNING, started_at_ms=started_at_ms)
    activity = at_end(claimed, started_at_ms, ended) or kept(folder)
    state = replace(state, activity=activity, saved_at_ms=saves.seen_ms(folder))
    return _with_end(state, ended)


def _with_end(state: MemberState, ended: Mapping[str, object]) -> MemberState:
    """The state as this end makes it; the same where there is none."""
    end = _ENDS.get(str(ended.get("why")))
    if end is None:
        return state
    return replace(
        state,
        phase=MemberPhase.ENDED,
        ended_at_ms=_number(ended, "ended_at_ms"),
        exit_code=_number(ended, "exit_code"),
        end=end,
        detail=str(ended.get("detail", "")),
        is_own_fault=ended.get("is_own_fault") is True,
    )


def _boot() -> str:
    """Which boot of the machine this is."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def _number(values: Mapping[str, object], name: str) -> int | None:
    value = values.get(name)
    return value if isinstance(value, int) else None
