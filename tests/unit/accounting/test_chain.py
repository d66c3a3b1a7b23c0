"""A chain of hashes: what was said, in which order, and by nobody else."""

import hashlib
import json
from dataclasses import fields, replace
from typing import Any

import pytest

from accounting import ledger
from accounting.chain import (
    PARK,
    ClosedMonth,
    Fact,
    chain_of,
    content,
    first_root_of,
    links,
    next_link,
    root_of,
)
from accounting.link import GENESIS, Link
from accounting.usage.slices import UsageCredit
from tests.builders import PRICES, USAGE

CREDIT = UsageCredit(reference="j1.1", tenant_id="steel", at_ms=9, cause="node", recorded_at_ms=9)
TOP_UP = ledger.top_up("steel", 7_000_000, "bank-1", 0)
CLOSED = ClosedMonth(
    month="2026-10", through_seq=7, closed_at_ms=9, statements=(("steel", "ab" * 32),)
)
FACTS: tuple[Fact, ...] = (USAGE, CREDIT, TOP_UP, PRICES, CLOSED)


def test_a_link_is_the_hash_before_it_and_all_that_its_fact_says() -> None:
    """By hand: sha256 of 32 zero bytes and the text of the transfer."""
    said = b'["transfer/1","top_up","bank-1","steel","paid_in","tenant:steel:available",7000000,0]'

    assert content(TOP_UP) == said
    assert next_link(GENESIS, said).hash.hex() == (
        "f2f8456cc32cb2d4f1dd44a46c10ba95e5a684a8a5a1573c88044a3f56e554bc"
    )


@pytest.mark.parametrize(
    ("fact", "name"), [(fact, field.name) for fact in FACTS for field in fields(fact)]
)
def test_whatever_changes_in_a_fact_changes_its_hash(fact: Fact, name: str) -> None:
    changed: Any = replace(fact, **{name: _other(getattr(fact, name))})

    assert next_link(GENESIS, content(changed)) != next_link(GENESIS, content(fact))


def _other(value: Any) -> Any:
    if isinstance(value, int):
        return value + 1
    return f"{value}x" if isinstance(value, str) else (*value, ("x", 1))


def test_facts_of_two_kinds_never_say_the_same() -> None:
    assert len({content(fact) for fact in FACTS}) == len(FACTS)


def test_each_tenant_has_a_chain_of_its_own_and_the_park_one() -> None:
    other = replace(TOP_UP, tenant_id="port")

    made, after = links({}, [USAGE, PRICES, other, CREDIT, CLOSED, TOP_UP])

    assert [link.number for link in made] == [1, 1, 1, 2, 2, 3]
    assert {chain: link.number for chain, link in after.items()} == {"steel": 3, PARK: 2, "port": 1}
    assert [chain_of(fact) for fact in FACTS] == ["steel", "steel", "steel", PARK, PARK]


def test_a_chain_goes_on_where_it_ended() -> None:
    whole, _ = links({}, [USAGE, CREDIT, TOP_UP])
    first, after = links({}, [USAGE])
    rest, _ = links(after, [CREDIT, TOP_UP])

    assert [*first, *rest] == whole


def test_the_order_of_facts_is_in_the_hash() -> None:
    one, _ = links({}, [USAGE, CREDIT])
    other, _ = links({}, [CREDIT, USAGE])

    assert one[-1].number == other[-1].number
    assert one[-1].hash != other[-1].hash


def test_a_root_of_an_earlier_release_is_made_as_it_was() -> None:
    heads = [("steel", Link(3, bytes([7]) * 32)), ("", Link(1, bytes([8]) * 32))]

    root = first_root_of(GENESIS.hash, "2026-10-31", heads)

    said = [["", 1, "08" * 32], ["steel", 3, "07" * 32]]
    made = json.dumps(["2026-10-31", "00" * 32, said], separators=(",", ":"))
    assert root == hashlib.sha256(made.encode()).digest()
    assert root != root_of(GENESIS.hash, "2026-10-31", heads)


def test_a_root_stands_for_all_heads_and_the_root_before_it() -> None:
    heads = [("steel", Link(3, bytes([7]) * 32)), (PARK, Link(1, bytes([9]) * 32))]
    root = root_of(GENESIS.hash, "2026-10-31", heads)

    assert root_of(GENESIS.hash, "2026-10-31", heads[::-1]) == root
    assert root_of(root, "2026-10-31", heads) != root
    assert root_of(GENESIS.hash, "2026-11-01", heads) != root
    assert root_of(GENESIS.hash, "2026-10-31", heads[:1]) != root
    assert root_of(GENESIS.hash, "2026-10-31", heads, ["ab" * 32]) != root
    assert (
        root_of(GENESIS.hash, "2026-10-31", [("steel", Link(4, bytes([7]) * 32)), heads[1]]) != root
    )
