"""Each code of a reason has its Chinese name on the command line, as the documentation has it."""

import re
from pathlib import Path

from api.cli.reason_names import CHINESE
from scheduler.model.job import ReasonCode

DOCS = Path(__file__).parents[4] / "docs" / "job-file.md"


def test_each_code_has_a_name() -> None:
    assert set(CHINESE) == {code.value for code in ReasonCode}


def test_the_names_are_those_of_the_documentation() -> None:
    rows = re.findall(r"^\| (`\w+`) \| (\S+) \|", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    told = {code.strip("`"): name for code, name in rows}

    assert {code: CHINESE[code] for code in told if code in CHINESE} == {
        code: name for code, name in told.items() if code in CHINESE
    }
    assert len(set(told) & set(CHINESE)) > 20
