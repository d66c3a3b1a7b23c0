"""What a local Ray asks of its machine: whose processes there are, and which ports are free."""

import socket
from contextlib import suppress

import psutil


def processes_naming(*signs: str) -> list[psutil.Process]:
    return [
        process
        for process in psutil.process_iter()
        if any(sign in word for word in words_of(process) for sign in signs)
    ]


def family(process: psutil.Process) -> list[psutil.Process]:
    """A process's children and their children."""
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def answers(ip: str, port: int) -> bool:
    with suppress(OSError), socket.create_connection((ip, port), timeout=1):
        return True
    return False


def is_free(port: int) -> bool:
    with socket.socket() as probe, suppress(OSError):
        # Connections of a cluster that has just ended do not matter.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("", port))
        return True
    return False


def words_of(process: psutil.Process) -> list[str]:
    """Its command; nothing where it is gone."""
    with suppress(psutil.Error):
        return process.cmdline()
    return []


def end(processes: list[psutil.Process], timeout_s: float) -> None:
    """Kill them, and wait until they are gone."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(processes, timeout=timeout_s)
