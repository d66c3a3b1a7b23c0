"""Rules of measuring submits: who sends how much, and that a served broker answers."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from benchmarks.__main__ import main
from benchmarks.submit import Send, Work, rate


def test_clients_share_the_calls_and_each_has_a_connection_of_its_own() -> None:
    sizes_by_client: list[list[int]] = []

    @contextmanager
    def connect() -> Iterator[Send]:
        sizes: list[int] = []
        sizes_by_client.append(sizes)
        yield sizes.append

    jobs_per_s = rate(connect, Work(count=8, size=5, clients=3))

    assert jobs_per_s > 0
    assert sorted(map(len, sizes_by_client)) == [2, 2, 4]
    assert sum(map(sum, sizes_by_client)) == 40


@pytest.mark.postgres
@pytest.mark.heavy
def test_submits_through_a_served_broker_are_measured_beside_inserts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["submit", "--runs=1", "--singles=9", "--waiting=100", "--json"]) == 0

    said = json.loads(capsys.readouterr().out)
    works = ("single_1", "single_8", "batch_100", "batch_1000")
    figures = ("per_s", "ms_p50", "ms_p95", "processor_ms", "inserts_per_s", "share_of_inserts")
    assert said.keys() == {
        *(f"{work}_{figure}" for work in works for figure in figures),
        *("single_8_behind_others_per_s", "others_waiting"),
        *("seed", "load_1m", "versions", "hardware"),
    }
    assert all(said[f"{work}_per_s"] > 0 for work in works)
    assert said["others_waiting"] == 9 + 9 + 100 + 1_000
