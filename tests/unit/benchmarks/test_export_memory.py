"""A long export takes no more memory than a short one."""

from argparse import ArgumentParser
from typing import Any, cast

import pytest

from benchmarks import exports


def measured(lines: int) -> dict[str, dict[str, Any]]:
    parser = ArgumentParser()
    exports.add_arguments(parser)
    report = exports.run(parser.parse_args(["--lines", str(lines)]))
    formats = cast("list[dict[str, Any]]", report["formats"])
    return {str(one["format"]): one for one in formats}


@pytest.mark.slow
def test_each_format_is_measured_in_a_process_of_its_own() -> None:
    found = measured(1_000)

    assert list(found) == ["csv", "jsonl", "parquet"]
    assert all(one["file_mib"] > 0 and one["lines_per_cpu_s"] > 0 for one in found.values())
    assert all(one["peak_rss_mib"] < 200 for one in found.values())


@pytest.mark.heavy
@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_a_million_lines_are_written_in_bounded_memory() -> None:
    found = measured(1_000_000)

    assert found["csv"]["peak_rss_mib"] < 150
    assert found["jsonl"]["peak_rss_mib"] < 150
    assert found["parquet"]["peak_rss_mib"] < 600, "256 MB of DuckDB's, and a batch of rows"
