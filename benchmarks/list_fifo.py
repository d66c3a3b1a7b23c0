"""The peer of replays: a plain list in order of arrival, on one heap of devices without nodes."""

from collections.abc import Iterable
from heapq import heappop, heappush

from benchmarks.traces import TraceJob


def list_fifo(trace: Iterable[TraceJob], capacity: int) -> list[int]:
    """How long each job waits, in milliseconds; the trace is in the order of submission."""
    waits_ms: list[int] = []
    running: list[tuple[int, int]] = []
    now_ms, free = 0, capacity
    for job in trace:
        assert job.device_count <= capacity, f"job {job.id} can never run"
        now_ms = max(now_ms, job.submit_ms)
        while free < job.device_count:
            end_ms, device_count = heappop(running)
            now_ms, free = max(now_ms, end_ms), free + device_count
        heappush(running, (now_ms + job.duration_ms, job.device_count))
        free -= job.device_count
        waits_ms.append(now_ms - job.submit_ms)
    return waits_ms
