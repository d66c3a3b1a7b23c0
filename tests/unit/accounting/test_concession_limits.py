"""How much finance may grant in a dispute, by the statement alone: never too much."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounting.bills.concessions import Concession, concession
from accounting.bills.replies import ReplyKind, ReplyRefused
from tests.unit.accounting.bills.test_invoices import a_body, a_line, with_packages
from tests.unit.accounting.bills.test_replies import REPLY

DECISION = replace(REPLY, number=2, kind=ReplyKind.ACCEPTED)


def test_never_more_is_granted_than_the_disputed_lines_come_to() -> None:
    body = a_body(a_line(5_600), a_line(350))

    assert concession(DECISION, (2,), 350, body, []).parts == ((60, 350),)
    with pytest.raises(ReplyRefused, match=r"3\.51 yuan cannot be granted: .* comes to 3\.50"):
        concession(DECISION, (2,), 351, body, [])


@pytest.mark.parametrize("amount_fen", [0, -1])
def test_nothing_and_less_are_not_granted(amount_fen: int) -> None:
    with pytest.raises(ReplyRefused, match="cannot be granted"):
        concession(DECISION, (), amount_fen, a_body(a_line(350)), [])


def test_what_vouchers_have_paid_is_not_granted() -> None:
    body = with_packages(a_body(a_line(350)), vouchers_fen=100)

    with pytest.raises(ReplyRefused, match=r"due of all of it are 2\.50"):
        concession(DECISION, (), 300, body, [])


def test_a_dispute_that_was_rejected_grants_nothing() -> None:
    rejected = replace(DECISION, kind=ReplyKind.REJECTED)

    with pytest.raises(ReplyRefused, match="leave the amount out"):
        concession(rejected, (), 100, a_body(a_line(350)), [])


def test_lines_of_two_tax_rates_have_their_parts_of_it() -> None:
    body = a_body(a_line(300), a_line(100, rate=90))

    assert concession(DECISION, (), 200, body, []).parts == ((60, 150), (90, 50))


def test_a_tax_rate_of_which_more_was_given_back_than_used_has_no_part_of_it() -> None:
    body = a_body(a_line(1_000), a_line(200, rate=30), given_back=(a_line(-400, rate=90),))

    assert concession(DECISION, (), 300, body, []).parts == ((30, 50), (60, 250))


@pytest.mark.parametrize(
    ("before", "after"),
    [((), (3,)), ((1, 3), (3,)), ((3,), (3,)), ((1, 3), (1, 3)), ((3,), (3, 4))],
)
def test_of_a_line_nothing_is_granted_twice_whatever_is_disputed_beside_it(
    before: tuple[int, ...], after: tuple[int, ...]
) -> None:
    body = a_body(a_line(100), a_line(200), a_line(50), a_line(0))
    whole = sum((100, 200, 50, 0)[line - 1] for line in before or (1, 2, 3))
    first = concession(DECISION, before, whole, body, [])

    with pytest.raises(ReplyRefused, match="cannot be granted"):
        concession(DECISION, after, 1, body, [first])


def of(project: str, fen: int, **others: str) -> dict[str, Any]:
    return a_line(fen) | {"project": project, **others}


@pytest.mark.parametrize("lines", [(1,), (1, 3), (1, 3, 4)])
def test_what_the_statement_gives_back_of_a_line_is_not_granted(lines: tuple[int, ...]) -> None:
    back = (of("a", -400, cause="node"), of("a", -100, cause="centre"))
    body = a_body(of("a", 500), of("b", 200), given_back=back)

    with pytest.raises(ReplyRefused, match=r"comes to 0\.00, .* before 0\.00 may be"):
        concession(DECISION, lines, 1, body, [])
    assert concession(DECISION, (2,), 200, body, []).amount_fen == 200


def test_what_was_given_back_of_a_line_since_is_not_granted() -> None:
    body = a_body(of("a", 500), of("b", 200)) | {"month": "2026-10"}
    back = [of("a", -300, month="2026-10"), of("b", -200, month="2026-09")]

    with pytest.raises(ReplyRefused, match=r"are 4\.00 \(after 3\.00 given back since"):
        concession(DECISION, (1,), 201, body, [], back)
    with pytest.raises(ReplyRefused, match=r"comes to 4\.00"):
        concession(DECISION, (), 401, body, [], back)
    assert concession(DECISION, (1,), 200, body, [], back).amount_fen == 200
    assert concession(DECISION, (2,), 200, body, [], back).amount_fen == 200


LINES = st.sets(st.integers(1, 3), min_size=1)


@given(st.lists(st.tuples(LINES, st.sampled_from((10, 50))), max_size=12))
def test_however_often_lines_are_disputed_no_more_is_granted_than_they_come_to(
    disputes: list[tuple[set[int], int]],
) -> None:
    fens = {1: 100, 2: 200, 3: 50}
    body, known = a_body(*map(a_line, fens.values())), list[Concession]()
    for lines, amount_fen in disputes:
        try:
            known.append(concession(DECISION, tuple(sorted(lines)), amount_fen, body, known))
        except ReplyRefused:
            continue

    for some in ({1}, {2}, {3}, {1, 2}, {1, 3}, {2, 3}, {1, 2, 3}):
        within = sum(one.amount_fen for one in known if some.issuperset(one.lines))
        assert within <= sum(fens[line] for line in some)
