"""How busy the cards of a node are: as their maker's library says, or a command of its owner.

A meter is asked once in a while, and answers in thousandths by the index of a card on the node.
What it does not tell of is not known.
"""

import json
import os
import shlex
import signal
import subprocess
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from typing import Any

from cluster.devices import VISIBLE_DEVICES_VARIABLE

METER_COMMAND = "BRAIN_METER_COMMAND"
COMMAND_TIMEOUT_S = 3.0
ANSWER_BYTES_MAX = 64 * 1024

Busy = Callable[[], Mapping[int, int]]
"""Asks how busy cards are; raises `MeterFailed` where nothing is to be learnt now."""


class MeterFailed(Exception):
    """The meter does not answer, or not with what was asked for; the message is for its owner."""


def card_meter(environment: Mapping[str, str], visible_devices_variable: str) -> Busy | None:
    """The meter of a node's cards: its owner's command, else what its maker's library finds."""
    command = environment.get(METER_COMMAND, "").strip()
    if command:
        return partial(told_by_command, command)
    if visible_devices_variable == VISIBLE_DEVICES_VARIABLE["GPU"]:
        return nvidia_meter()
    return None


def nvidia_meter() -> Busy | None:
    """By NVIDIA's own library, where it and its driver are there: `pip install nvidia-ml-py`."""
    try:
        nvml = import_module("pynvml")
    except ImportError:
        return None
    try:
        nvml.nvmlInit()
    except nvml.NVMLError:
        return None
    return partial(_told_by_nvml, nvml)


def _told_by_nvml(nvml: Any) -> Mapping[int, int]:
    """Of a card the share of the last second or less in which a kernel ran on it."""
    try:
        count = nvml.nvmlDeviceGetCount()
    except nvml.NVMLError as error:
        raise MeterFailed(f"NVML does not count the cards: {error}") from error
    told = {index: _permille_by_nvml(nvml, index) for index in range(count)}
    return {index: permille for index, permille in told.items() if permille is not None}


def _permille_by_nvml(nvml: Any, index: int) -> int | None:
    try:
        handle = nvml.nvmlDeviceGetHandleByIndex(index)
        percent = nvml.nvmlDeviceGetUtilizationRates(handle).gpu
    except nvml.NVMLError:  # it is lost, or does not tell: a card in MIG mode
        return None
    return 10 * int(percent) if 0 <= percent <= 100 else None


def told_by_command(command: str) -> Mapping[int, int]:
    """What a command prints: a JSON object of percents by card, as `{"0": 37.5, "1": 100}`."""
    answer = _output(command)
    try:
        told = json.loads(answer)
    except ValueError as error:
        raise MeterFailed(f"{command} prints no JSON: {error}") from error
    if not isinstance(told, dict):
        raise MeterFailed(f'{command} prints no object such as {{"0": 37.5, "1": 100}}')
    return {
        _index(command, name): _permille(command, name, percent) for name, percent in told.items()
    }


def _output(command: str) -> bytes:
    """All that it prints; it and what it has started are killed where that takes too long."""
    try:
        process = subprocess.Popen(
            shlex.split(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise MeterFailed(f"{command} cannot be run: {error}") from error
    with process:
        try:
            answer, _ = process.communicate(timeout=COMMAND_TIMEOUT_S)
        except subprocess.TimeoutExpired as error:
            os.killpg(process.pid, signal.SIGKILL)
            what = f"{command} did not end within {COMMAND_TIMEOUT_S:g} s"
            raise MeterFailed(what) from error
    if process.returncode != 0:
        raise MeterFailed(f"{command} ended with exit code {process.returncode}")
    if len(answer) > ANSWER_BYTES_MAX:
        raise MeterFailed(f"{command} prints more than {ANSWER_BYTES_MAX} bytes")
    return answer


def _index(command: str, name: str) -> int:
    if not (name.isascii() and name.isdigit() and len(name) <= 4):
        raise MeterFailed(f"{command} tells of card {name[:20]!r}: its index on the node is wanted")
    return int(name)


def _permille(command: str, name: str, percent: object) -> int:
    if isinstance(percent, bool) or not isinstance(percent, int | float) or not 0 <= percent <= 100:
        raise MeterFailed(f"{command} says {percent!r:.20} of card {name}: 0 to 100 is wanted")
    return round(10 * percent)
