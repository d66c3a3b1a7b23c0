"""Output is kept piece by piece, each byte once, and read from where one stood."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, text

from api import logs
from api.logs import CUT_NOTICE, Piece, append, log_of, read_log

pytestmark = pytest.mark.enable_socket


def piece(
    offset: int,
    data: bytes,
    member: int = 0,
    attempt_id: str = "j.1",
    *,
    is_last: bool = False,
) -> Piece:
    return Piece(attempt_id=attempt_id, member=member, offset=offset, data=data, is_last=is_last)


def kept_bytes(connection: Connection, member: int) -> int | None:
    log = log_of(connection, "j.1", member)
    return None if log is None else log.byte_count


def end(connection: Connection, *pieces: Piece) -> int:
    return append(connection, pieces)[0].byte_count


def test_pieces_are_one_text(connection: Connection) -> None:
    append(connection, [piece(0, b"ab\xff"), piece(3, b"cd"), piece(0, b"other", member=1)])
    append(connection, [piece(5, b"ef")])

    assert read_log(connection, "j.1", 0, 0) == b"ab\xffcdef"
    assert read_log(connection, "j.1", 1, 0) == b"other"
    assert [kept_bytes(connection, member) for member in range(3)] == [7, 5, None]


def test_a_piece_that_comes_again_changes_nothing(connection: Connection) -> None:
    append(connection, [piece(0, b"abc")])

    assert end(connection, piece(0, b"abc")) == 3
    assert end(connection, piece(1, b"b")) == 3
    assert read_log(connection, "j.1", 0, 0) == b"abc"


def test_of_a_piece_that_overlaps_what_is_new_is_kept(connection: Connection) -> None:
    append(connection, [piece(0, b"abc")])

    assert end(connection, piece(1, b"bcde")) == 5
    assert read_log(connection, "j.1", 0, 0) == b"abcde"


def test_a_gap_is_not_kept_but_asked_for(connection: Connection) -> None:
    append(connection, [piece(0, b"abc")])

    assert end(connection, piece(4, b"e")) == 3
    assert read_log(connection, "j.1", 0, 0) == b"abc"


def test_an_empty_piece_asks_how_much_is_kept(connection: Connection) -> None:
    append(connection, [piece(0, b"abc")])

    assert end(connection, piece(0, b"")) == 3
    assert append(connection, []) == []


@pytest.mark.parametrize(
    ("offset", "limit", "text"),
    [(0, 100, b"abcdef"), (2, 100, b"cdef"), (2, 2, b"cd"), (5, 9, b"f"), (6, 9, b""), (9, 9, b"")],
)
def test_a_log_is_read_from_anywhere(
    connection: Connection, offset: int, limit: int, text: bytes
) -> None:
    append(connection, [piece(0, b"abc"), piece(3, b"def")])

    assert read_log(connection, "j.1", 0, offset, limit) == text


def test_an_attempt_that_says_too_much_is_cut_visibly(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "ATTEMPT_BYTES_MAX", 4)
    append(connection, [piece(0, b"abc"), piece(0, b"xyz", member=1)])

    [log] = append(connection, [piece(3, b"def")])

    assert log.is_full
    assert read_log(connection, "j.1", 0, 0) == b"abc" + CUT_NOTICE
    assert read_log(connection, "j.1", 1, 0) == b"x" + CUT_NOTICE
    assert append(connection, [piece(99, b"more", member=1)])[0].is_full
    assert append(connection, [piece(0, b"a", attempt_id="k.1")])[0].byte_count == 1


@pytest.mark.parametrize(
    ("before", "last", "is_over"),
    [
        (b"abc", piece(3, b"d", is_last=True), True),
        (b"abc", piece(1, b"bc", is_last=True), True),
        (b"abc", piece(3, b"", is_last=True), True),
        (b"abc", piece(3, b"d"), False),
        (b"abc", piece(4, b"e", is_last=True), False),
        (b"", piece(0, b"", is_last=True), True),
    ],
)
def test_a_log_is_over_once_its_last_piece_and_all_before_it_are_here(
    connection: Connection, before: bytes, last: Piece, *, is_over: bool
) -> None:
    append(connection, [piece(0, before)])

    append(connection, [last])

    log = log_of(connection, "j.1", 0)
    assert log is not None
    assert log.is_over is is_over
    append(connection, [piece(0, b"")])
    assert log_of(connection, "j.1", 0) == log


def test_a_log_that_takes_in_no_more_is_over_with_its_last_piece(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "ATTEMPT_BYTES_MAX", 2)
    append(connection, [piece(0, b"abc")])

    [log] = append(connection, [piece(900, b"x", is_last=True)])

    assert log.is_over


def test_a_read_looks_at_the_pieces_it_needs_and_no_others(connection: Connection) -> None:
    append(connection, [piece(number, b"x") for number in range(2_000)])
    connection.execute(text("ANALYZE log_chunks"))

    with read_rows(connection) as rows:
        assert read_log(connection, "j.1", 0, 1_990) == b"x" * 10

    assert rows() <= 20


@contextmanager
def read_rows(connection: Connection) -> Iterator[Callable[[], int]]:
    """How many rows of output the database has fetched inside, as it counts itself."""
    counted = text("SELECT pg_stat_get_xact_tuples_fetched('log_chunks'::regclass)")
    scanned = text("SELECT pg_stat_get_xact_tuples_returned('log_chunks'::regclass)")

    def total() -> int:
        return sum(connection.scalar(statement) or 0 for statement in (counted, scanned))

    before = total()
    yield lambda: total() - before
