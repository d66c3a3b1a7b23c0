"""A small month of slices: loaded with whole books, asked beside DuckDB, closed and exported."""

from argparse import ArgumentParser
from collections import Counter
from itertools import pairwise

import pytest

from accounting.calendar import month_bounds
from accounting.usage.slices import UsageCredit, UsageSlice
from benchmarks import books
from benchmarks.book_load import DEARER, MONTH, PRICES, facts_of


def test_the_same_seed_draws_the_same_month() -> None:
    assert [*facts_of(200, 5, 7)] == [*facts_of(200, 5, 7)]
    assert [*facts_of(200, 5, 7)] != [*facts_of(200, 5, 8)]


def test_a_drawn_month_is_as_many_slices_one_after_another_inside_the_month() -> None:
    slices = [one for one in facts_of(9_000, 5, 1) if isinstance(one, UsageSlice)]
    begin_ms, end_ms = month_bounds(MONTH)

    assert len(slices) == 9_000
    assert begin_ms <= slices[0].from_ms
    assert max(one.to_ms for one in slices) <= end_ms
    by_attempt: dict[str, list[UsageSlice]] = {}
    for one in slices:
        by_attempt.setdefault(one.reference, []).append(one)
    for some in by_attempt.values():
        assert all(before.to_ms == after.from_ms for before, after in pairwise(some))


def test_a_drawn_month_has_a_price_change_and_usage_that_is_given_back() -> None:
    facts = [*facts_of(9_000, 5, 1)]
    slices = [one for one in facts if isinstance(one, UsageSlice)]

    assert {one.price_list_id for one in slices} == {PRICES.id, DEARER.id}
    assert not [one for one in slices if one.from_ms < DEARER.from_ms < one.to_ms]
    last = {one.reference: one for one in slices}
    back = [one for one in facts if isinstance(one, UsageCredit)]
    assert back
    assert all(last[one.reference].to_ms == one.at_ms for one in back)
    assert len(Counter(one.reference for one in back)) == len(back)


@pytest.mark.slow
def test_a_small_month_is_measured_from_its_slices_to_its_close() -> None:
    parser = ArgumentParser()
    books.add_arguments(parser)
    sizes = ["--slices", "2000", "--tenants", "6", "--repeats", "1", "--exported", "500"]

    report = books.run(parser.parse_args(sizes))

    assert report["slices"] == 2_000
    assert report["exported_charges"] == 502  # with the header and the total
    for figure in ("largest_statement_s", "largest_duckdb_s", "close_s", "times_bare_rows"):
        assert float(str(report[figure])) > 0
