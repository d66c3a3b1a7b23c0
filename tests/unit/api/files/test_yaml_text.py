"""YAML from outside is read without surprises."""

from decimal import Decimal
from pathlib import Path

import pytest

from api.files.yaml_text import YamlInvalid, parse_yaml, read_yaml


def test_a_number_with_a_point_is_exact() -> None:
    assert parse_yaml("price: 3.50") == {"price": Decimal("3.50")}


def test_a_date_stays_text() -> None:
    assert parse_yaml("from: 2026-01-01") == {"from": "2026-01-01"}


def test_one_thirty_is_not_ninety() -> None:
    assert parse_yaml("limit: 1:30") == {"limit": "1:30"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: &x [1]\nb: [*x, *x]", "line 2, column 5: aliases"),
        ("a: 1\nb: 2\na: 3", "line 3, column 1: 'a' is given twice"),
        ("a: !!python/object/apply:os.system [id]", "tags (!name) are not allowed"),
        ("a: !!timestamp nonsense", "tags (!name) are not allowed"),
        ("[" * 17 + "]" * 17, "deeper than 16 levels"),
        ("? [1, 2]\n: 3", "a name must be plain text"),
        ("a: .inf", "'.inf' is no plain number"),
        ("a: [1", "line 1"),
        ("a: 1\n---\nb: 2", "another document"),
        ("a: \x00", "#x0000"),
    ],
)
def test_what_is_not_plain_is_refused_with_its_place(text: str, why: str) -> None:
    with pytest.raises(YamlInvalid) as refusal:
        parse_yaml(text)

    assert why in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_large_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    path.write_text("#" * 101)

    with pytest.raises(YamlInvalid, match=r"large\.yaml: is larger than 100 bytes"):
        read_yaml(path, bytes_max=100)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(YamlInvalid, match=r"none\.yaml: cannot be read: No such file"):
        read_yaml(tmp_path / "none.yaml")


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "latin.yaml"
    path.write_bytes(b"name: \xe9")

    with pytest.raises(YamlInvalid, match=r"is not UTF-8 text \(byte 6\)"):
        read_yaml(path)
