"""How busy cards are: by the real names of NVIDIA's library, or by a command of the owner."""

import sys
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from cluster import meters
from cluster.meters import METER_COMMAND, MeterFailed, card_meter, told_by_command

GPU, NPU = "CUDA_VISIBLE_DEVICES", "ASCEND_RT_VISIBLE_DEVICES"


class NvmlError(Exception):
    """As the library raises it, whatever is wrong."""


def a_library(*percents: int | None, has_driver: bool = True) -> SimpleNamespace:
    """`pynvml` with so many cards, each so busy; of None it tells nothing, as in MIG mode."""

    def init() -> None:
        if not has_driver:
            raise NvmlError("NVML Shared Library Not Found")

    def rates(handle: str) -> SimpleNamespace:
        percent = percents[int(handle.removeprefix("card "))]
        if percent is None:
            raise NvmlError("Not Supported")
        return SimpleNamespace(gpu=percent, memory=7)

    return SimpleNamespace(
        NVMLError=NvmlError,
        nvmlInit=init,
        nvmlDeviceGetCount=lambda: len(percents),
        nvmlDeviceGetHandleByIndex=lambda index: f"card {index}",
        nvmlDeviceGetUtilizationRates=rates,
    )


def test_nvidias_library_tells_of_each_card_that_it_can(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", a_library(37, None, 100))

    busy = card_meter({}, GPU)

    assert busy is not None
    assert busy() == {0: 370, 2: 1_000}


def test_without_the_library_its_driver_or_its_cards_there_is_no_meter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", a_library(37))
    assert card_meter({}, NPU) is None

    monkeypatch.setitem(sys.modules, "pynvml", a_library(has_driver=False))
    assert card_meter({}, GPU) is None

    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert card_meter({}, GPU) is None


def test_a_library_that_loses_its_driver_fails_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    library = a_library(37)
    monkeypatch.setitem(sys.modules, "pynvml", library)
    busy = card_meter({}, GPU)
    assert busy is not None

    def count() -> int:
        raise NvmlError("Driver Not Loaded")

    library.nvmlDeviceGetCount = count
    with pytest.raises(MeterFailed, match="Driver Not Loaded"):
        busy()


def printing(text: str) -> str:
    """A command that prints this."""
    return f"printf %s '{text}'"


def test_a_command_of_the_nodes_owner_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", a_library(37))
    command = printing('{"0": 37.5, "1": 100, "15": 0}')

    busy = card_meter({METER_COMMAND: command}, GPU)

    assert busy is not None
    assert busy() == {0: 375, 1: 1_000, 15: 0}


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (printing("37.5"), "prints no object"),
        (printing("busy"), "prints no JSON"),
        (printing('{"first": 1}'), "its index on the node is wanted"),
        (printing('{"-1": 1}'), "its index on the node is wanted"),
        (printing('{"0": 101}'), "101 of card 0: 0 to 100 is wanted"),
        (printing('{"0": -1}'), "0 to 100 is wanted"),
        (printing('{"0": NaN}'), "0 to 100 is wanted"),
        (printing('{"0": true}'), "0 to 100 is wanted"),
        (printing('{"0": "12"}'), "0 to 100 is wanted"),
        ("false", "ended with exit code 1"),
        ("/nowhere/meter", "cannot be run"),
        ("printf '", "cannot be run"),
        ("head -c 70000 /dev/zero", "prints more than 65536 bytes"),
    ],
)
def test_a_command_that_says_something_else_is_refused_and_told_why(command: str, why: str) -> None:
    with pytest.raises(MeterFailed, match=why):
        told_by_command(command)


def test_a_command_that_hangs_is_killed_with_all_that_it_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(meters, "COMMAND_TIMEOUT_S", 1.0)
    child = tmp_path / "child"

    with pytest.raises(MeterFailed, match="did not end within"):
        told_by_command(f"sh -c 'sleep 1000 & echo $! > {child}; wait'")

    assert is_over(int(child.read_text("utf-8")))


def is_over(process: int) -> bool:
    try:
        left = psutil.Process(process)
        psutil.wait_procs([left], timeout=1)
        return left.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
