"""A newcomer's bill: the commands know by `keys.json` which broker, which keys and whose bill."""

import json
import re
from pathlib import Path

import pytest

from tests.acceptance.brokers import Served
from tests.acceptance.in_process import brain

pytestmark = pytest.mark.slow


def test_a_bill_is_ones_own_unless_somebody_says_whose(data: Path) -> None:
    own = brain("statement", "--json", BRAIN_DATA=str(data))
    other = brain("statement", "--tenant", "fish", "--json", BRAIN_DATA=str(data))

    assert (own.returncode, json.loads(own.stdout)["tenant"]) == (0, "steel")
    assert (other.returncode, json.loads(other.stdout)["tenant"]) == (0, "fish")


def test_a_tenants_own_key_needs_nobody_to_be_named(data: Path, park: Served) -> None:
    done = brain("statement", "--json", BRAIN_DATA=str(data), BRAIN_API_KEY=park.keys["fish"])

    assert (done.returncode, json.loads(done.stdout)["tenant"]) == (0, "fish")


def test_an_agents_key_is_made_for_its_centre_and_listed_with_it(data: Path) -> None:
    made = brain("keys", "create", "--role", "agent", "--centre", "west", BRAIN_DATA=str(data))
    listed = brain("keys", BRAIN_DATA=str(data))

    assert made.stdout.startswith("brk_")
    key_id = made.stdout.split("_")[1]
    assert line_of(listed.stdout, key_id).startswith(f"{key_id} agent    west  key")


def test_a_key_has_its_day_with_the_year_and_says_that_it_is_revoked(data: Path) -> None:
    made = brain("keys", "create", "--role", "agent", "--centre", "west", BRAIN_DATA=str(data))
    key_id = made.stdout.split("_")[1]
    fresh = line_of(brain("keys", BRAIN_DATA=str(data)).stdout, key_id)

    brain("keys", "revoke", key_id, BRAIN_DATA=str(data))

    day = r"20\d\d-\d\d-\d\d \d\d:\d\d"
    assert re.search(rf" {day} -$", fresh)
    revoked = line_of(brain("keys", BRAIN_DATA=str(data)).stdout, key_id)
    assert re.search(rf" {day} revoked {day}$", revoked)


def line_of(listed: str, key_id: str) -> str:
    (line,) = (line.rstrip() for line in listed.splitlines() if key_id in line)
    return line


def test_a_bill_is_a_document_to_be_signed(data: Path, tmp_path: Path) -> None:
    target = tmp_path / "bill.pdf"

    done = brain("statement", "--pdf", "-o", str(target), BRAIN_DATA=str(data))

    assert done.returncode == 0, done.stderr
    assert target.read_bytes().startswith(b"%PDF-")
