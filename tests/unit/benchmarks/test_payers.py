"""Whose waits are worse than under `easy`, worked out by hand."""

from benchmarks.payers import payers
from benchmarks.score import RunRow
from tests.unit.benchmarks.test_score import a_run


def waits(job_id: str, wait_s: int, devices: int = 1, tenant: str = "y") -> RunRow:
    return a_run(job_id, 0, wait_s, wait_s + 10, devices=devices, tenant=tenant)


EASY = (
    waits("a", 1_000, tenant="x"),
    waits("b", 0, devices=8, tenant="y"),
    waits("c", 10_000, devices=16, tenant="z"),
)


def told(*waits_s: int) -> dict[str, object]:
    rows = [
        waits(row.job_id, wait_s, row.device_count, row.tenant)
        for row, wait_s in zip(EASY, waits_s, strict=True)
    ]
    return payers(rows, EASY)


def test_who_waits_for_as_long_pays_nothing() -> None:
    assert told(1_000, 0, 10_000) == {
        "sizes worse than easy": "0 of 3",
        "tenants worse than easy": "0 of 3",
    }


def test_a_tenth_more_or_a_minute_more_is_not_worse() -> None:
    assert told(1_100, 60, 10_900)["tenants worse than easy"] == "0 of 3"


def test_who_waits_for_more_is_counted_with_his_jobs_and_the_worst_is_named() -> None:
    assert told(1_101, 61, 10_000) == {
        "sizes worse than easy": "2 of 3, 2 jobs; 1 device: 1,101 s, 1,000 under easy",
        "tenants worse than easy": "2 of 3, 2 jobs; x: 1,101 s, 1,000 under easy",
    }
    worst = told(3_300, 301, 11_200)["tenants worse than easy"]
    assert worst == "3 of 3, 3 jobs; x: 3,300 s, 1,000 under easy", "who lost most"
