"""How statements look in a terminal."""

import json
from dataclasses import replace

import pytest

from accounting.statement import body_of, make_statement
from api.cli.book_tables import print_statement
from tests.builders import USAGE, summed
from tests.unit.test_package_store import PACK


def test_packages_that_were_bought_are_due_beside_the_usage(
    capsys: pytest.CaptureFixture[str],
) -> None:
    made = make_statement("steel", "2026-10", None, [summed(USAGE)], {})

    print_statement(json.loads(body_of(replace(made, purchases=(PACK,)))))

    said = capsys.readouterr().out
    assert "bought: package p1, 106.00 CNY = 100.00 + VAT 6.00" in said
    assert "due 109.50 CNY" in said
