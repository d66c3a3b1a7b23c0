"""How much of its cards' time a member computes, counted on its node's disk."""

import subprocess
import sys
from pathlib import Path

import pytest

from cluster.activity import MeterKind, keep, kept, of_cards, of_processor
from cluster.driver import Activity
from cluster.member import MemberEnd
from cluster.meters import MeterFailed
from cluster.run_files import write_json
from cluster.runs import Run, Runs
from cluster.sampling import Sampling, cpu_ms
from tests.unit.cluster.test_runs import claimed

# A child that is over, whose parent has buried it, and then one that goes on.
TREE = r"""
import subprocess, sys, time
burn = "import time\nwhile time.process_time() < 0.15: pass"
subprocess.run([sys.executable, "-c", burn])
print("one is over", flush=True)
sys.stdin.read()
"""


def test_cores_are_counted_and_no_more_than_were_given() -> None:
    assert of_processor(2, 1_000, 1_500) == Activity(measured_ms=2_000, active_ms=1_500)
    assert of_processor(1, 1_000, 1_500) == Activity(measured_ms=1_000, active_ms=1_000)
    assert of_processor(1, -5, 1_500) == Activity(), "its clock was set back"


def test_a_card_of_which_the_meter_does_not_tell_is_not_counted() -> None:
    assert of_cards([500, None, 1_000], 2_000) == Activity(measured_ms=4_000, active_ms=3_000)
    assert of_cards([None], 2_000) == Activity()


def test_a_count_is_what_was_written_last_and_a_spoilt_one_is_none(tmp_path: Path) -> None:
    assert kept(tmp_path) is None

    keep(tmp_path, Activity(measured_ms=7, active_ms=3))
    assert kept(tmp_path) == Activity(measured_ms=7, active_ms=3)

    write_json(tmp_path / "measured", {"measured_ms": "7", "active_ms": 3})
    assert kept(tmp_path) is None


def test_the_time_of_a_tree_has_those_that_are_over_in_it() -> None:
    """As a shim stands over a member: what it has buried counts, and its own time does not."""
    with subprocess.Popen(
        [sys.executable, "-c", TREE], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as shim:
        assert shim.stdout is not None
        shim.stdout.readline()
        used_ms = cpu_ms(shim.pid)
        shim.communicate()

    assert used_ms is not None
    assert 140 <= used_ms < 1_000
    assert cpu_ms(shim.pid) is None, "nobody is there any more"


def nothing() -> None:
    """No meter of cards is found."""


def a_run(root: Path, meter: MeterKind) -> tuple[Runs, Run]:
    """A member with two cards that runs since 1,000 ms, under this very process."""
    runs = Runs(root, 4, meter)
    run = claimed(runs)
    write_json(run.folder / "started", {"shim": 1, "started_at_ms": 1_000})
    runs.refresh(run)
    return runs, run


def test_a_sample_is_in_the_state_also_of_a_later_life(tmp_path: Path) -> None:
    runs, run = a_run(tmp_path, MeterKind.PROCESSOR)

    Sampling(MeterKind.PROCESSOR, nothing).take(runs, 3_000)
    runs.refresh(run)

    assert run.state.activity is not None
    assert run.state.activity.measured_ms == 4_000
    later = Runs(tmp_path, 4).get("j.1", 0)
    assert later is not None
    assert later.state.activity == run.state.activity


def test_where_nothing_measures_nothing_is_known(tmp_path: Path) -> None:
    runs, run = a_run(tmp_path, MeterKind.CARDS)

    Sampling(MeterKind.CARDS, nothing).take(runs, 3_000)
    runs.refresh(run)

    assert run.state.activity is None


def over(runs: Runs, run: Run, **more: object) -> Activity | None:
    ended = {"exit_code": 0, "ended_at_ms": 2_000, "why": "exited", **more}
    write_json(run.folder / "ended", ended)
    runs.refresh(run)
    assert run.state.end is MemberEnd.EXITED
    return run.state.activity


def test_the_end_has_all_of_the_time_however_short_it_was(tmp_path: Path) -> None:
    runs, run = a_run(tmp_path, MeterKind.PROCESSOR)

    assert over(runs, run, cpu_ms=900) == Activity(measured_ms=2_000, active_ms=900)


@pytest.mark.parametrize(
    ("meter", "more"), [(MeterKind.CARDS, {"cpu_ms": 900}), (MeterKind.PROCESSOR, {})]
)
def test_an_end_that_says_nothing_of_it_leaves_the_last_sample(
    tmp_path: Path, meter: MeterKind, more: dict[str, object]
) -> None:
    runs, run = a_run(tmp_path, meter)
    keep(run.folder, Activity(measured_ms=700, active_ms=70))

    assert over(runs, run, **more) == Activity(measured_ms=700, active_ms=70)


# Cards, by a meter that tells how busy each is now.


class Meter:
    """What a node's meter says, until it is told to say something else."""

    def __init__(self, **busy: int) -> None:
        self.busy: dict[int, int] | None = {int(card[1:]): one for card, one in busy.items()}
        self.asked = 0

    def __call__(self) -> dict[int, int]:
        self.asked += 1
        if self.busy is None:
            raise MeterFailed("it is out of order")
        return self.busy


def counted(run: Run) -> tuple[int, int] | None:
    known = kept(run.folder)
    return (known.measured_ms, known.active_ms) if known else None


def test_a_sample_of_cards_stands_for_the_time_since_the_last(tmp_path: Path) -> None:
    runs, run = a_run(tmp_path, MeterKind.CARDS)
    meter = Meter(c0=500, c1=1_000, c2=1_000)
    sampling = Sampling(MeterKind.CARDS, lambda: meter)

    sampling.take(runs, 3_000)
    assert counted(run) == (4_000, 3_000), "both cards since the member began, at 1,000 ms"

    meter.busy = {0: 0, 1: 0}
    sampling.take(runs, 8_000)
    assert counted(run) == (14_000, 3_000)


def test_time_without_a_sample_is_not_measured(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The meter failed, or nobody looked for longer than a sample stands."""
    runs, run = a_run(tmp_path, MeterKind.CARDS)
    meter = Meter(c0=1_000)
    sampling = Sampling(MeterKind.CARDS, lambda: meter)
    sampling.take(runs, 2_000)

    meter.busy = None
    sampling.take(runs, 7_000)
    sampling.take(runs, 12_000)
    assert counted(run) == (1_000, 1_000)
    assert caplog.text.count("it is out of order") == 1

    meter.busy = {0: 1_000}
    sampling.take(runs, 17_000)
    assert counted(run) == (6_000, 6_000), "of one of its two cards nothing is told"
    sampling.take(runs, 117_000)
    assert counted(run) == (16_000, 16_000)


def test_a_later_life_counts_cards_on_from_what_was_written(tmp_path: Path) -> None:
    runs, run = a_run(tmp_path, MeterKind.CARDS)
    meter = Meter(c0=1_000, c1=0)
    Sampling(MeterKind.CARDS, lambda: meter).take(runs, 2_000)

    later = Sampling(MeterKind.CARDS, lambda: meter)
    later.take(runs, 60_000)

    assert counted(run) == (2_000 + 20_000, 1_000 + 10_000)


def test_a_meter_is_looked_for_once_and_asked_where_something_runs(tmp_path: Path) -> None:
    runs, run = a_run(tmp_path, MeterKind.CARDS)
    meter, found = Meter(c0=1_000), []

    def find() -> Meter:
        found.append(meter)
        return meter

    sampling = Sampling(MeterKind.CARDS, find)
    sampling.take([], 2_000)
    assert (len(found), meter.asked) == (0, 0)
    sampling.take(runs, 3_000)
    sampling.take(runs, 4_000)

    assert (len(found), meter.asked) == (1, 2)
    assert run.state.cards == (0, 1)
