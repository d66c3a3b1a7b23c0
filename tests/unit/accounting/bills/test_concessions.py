"""What finance grants in a dispute: once, on the next statement, and provable."""

import json
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, text

from accounting.bills.concessions import Concession
from accounting.bills.invoice_lines import CONCESSION_ITEM, lines_of
from accounting.bills.replies import Reply, ReplyKind, ReplyRefused
from accounting.exports.export import statement_sheet
from accounting.exports.focus import focus_rows
from accounting.exports.focus_lines import Names
from accounting.ledger import CONCESSIONS_ACCOUNT, available_account
from accounting.months.billed import bills_of
from accounting.months.closing import CannotClose, close_month, made_again, statement
from accounting.months.known import months
from accounting.months.replying import decide, reply
from accounting.months.settling import settle_month, settlement
from accounting.proof.verifying import Misfit, verify
from accounting.storage import store
from accounting.storage.concession_store import concessions, transfer_of
from accounting.usage.slices import UsageCredit
from api.documents.statement import Names as Shown
from api.documents.statement import statement_pdf
from tests.builders import PARK, PRICES, shanghai, used
from tests.unit.accounting.bills.test_replies import REPLY

OCTOBER = used("2026-10-10T00:00", "2026-10-10T08:00", device_count=2)
OTHER = used("2026-10-11T00:00", "2026-10-11T01:00", reference="o.1", project="ml")
DISPUTE = replace(REPLY, number=0, sha256="", lines=(2,))
ACCEPT = replace(DISPUTE, kind=ReplyKind.ACCEPTED, reason="it was down", lines=())
AFTER_OCTOBER = shanghai("2026-11-03T10:00")
AFTER_NOVEMBER = shanghai("2026-12-03T10:00")


@pytest.fixture
def connection(connection: Connection) -> Connection:
    """Books of an October that is closed: steel used 56.00 and 3.50, and disputes the second."""
    store.book(connection, [OCTOBER, OTHER], [], [])
    close_month(connection, "2026-10", AFTER_OCTOBER)
    reply(connection, DISPUTE)
    return connection


def granted(connection: Connection, amount_fen: int, decision: Reply = ACCEPT) -> Concession:
    """What finance grants, as the leader books it."""
    _, made = decide(connection, decision, amount_fen)
    assert made is not None
    store.book(connection, [], [], [transfer_of(made, made.at_ms)])
    return made


def given_back(reference: str, at: str) -> UsageCredit:
    at_ms = shanghai(at)
    return UsageCredit(
        reference=reference, tenant_id="steel", at_ms=at_ms, cause="node", recorded_at_ms=at_ms
    )


def shown(connection: Connection, month: str, tenant_id: str = "steel") -> dict[str, Any]:
    body: dict[str, Any] = json.loads(statement(connection, tenant_id, month).body)
    return body


def misfits(connection: Connection) -> list[Misfit]:
    return [one for one in verify(connection) if isinstance(one, Misfit)]


def test_the_next_statement_names_what_was_disputed_and_owes_less(connection: Connection) -> None:
    october = statement(connection, "steel", "2026-10").body

    granted(connection, 300)

    said = shown(connection, "2026-11")
    (row,) = said["concessions"]
    assert (row["month"], row["decision"], row["lines"]) == ("2026-10", 2, [2])
    assert (row["amount"], row["net"], row["tax"]) == ("-3.00", "-2.83", "-0.17")
    assert (said["totals"]["gross"], said["totals"]["due"]) == ("0.00", "-3.00")
    assert statement(connection, "steel", "2026-10").body == october
    assert "concessions" not in shown(connection, "2026-12")


def test_what_one_tenant_is_granted_is_no_others(connection: Connection) -> None:
    made = granted(connection, 300)

    assert "concessions" not in shown(connection, "2026-11", "fish")
    assert concessions(connection, "fish") == ()
    assert concessions(connection, "steel") == (made,)


def test_what_was_given_back_to_others_lowers_nothing(connection: Connection) -> None:
    theirs = replace(OTHER, tenant_id="fish", reference="f.1")
    store.book(connection, [theirs], [], [])
    close_month(connection, "2026-11", AFTER_NOVEMBER)
    reply(connection, replace(DISPUTE, month="2026-11", tenant_id="fish", lines=(1,)))
    store.book(connection, [], [given_back("o.1", "2026-12-05T00:00")], [])
    of_fish = replace(ACCEPT, month="2026-11", tenant_id="fish")

    assert granted(connection, 350, of_fish).amount_fen == 350


def test_a_tenant_that_was_only_granted_something_gets_a_statement(connection: Connection) -> None:
    granted(connection, 300)

    closed = close_month(connection, "2026-11", AFTER_NOVEMBER)

    assert [(one.tenant_id, one.month) for one in closed] == [("steel", "2026-11")]
    assert shown(connection, "2026-11")["totals"]["due_fen"] == -300
    assert "concessions" not in shown(connection, "2026-12")
    assert months(connection, "steel")[0] == "2026-11"
    assert misfits(connection) == []
    reply(connection, replace(REPLY, month="2026-11", kind=ReplyKind.CONFIRMED, sha256=""))


def test_a_statement_with_concessions_has_a_form_of_its_own_and_is_made_again(
    connection: Connection,
) -> None:
    granted(connection, 300)
    close_month(connection, "2026-11", AFTER_NOVEMBER)
    october, november = (
        statement(connection, "steel", month).body for month in ("2026-10", "2026-11")
    )
    altered = november.replace(b'"due_fen":-300', b'"due_fen":-900')

    assert json.loads(october)["format"] == "industry-brain/statement/4"
    assert json.loads(november)["format"] == "industry-brain/statement/5"
    assert altered != november
    assert made_again(connection, "steel", "2026-11", altered) == november
    early = altered.replace(b"statement/5", b"statement/4")
    assert made_again(connection, "steel", "2026-11", early) == early


def test_the_same_decision_again_grants_nothing_more(connection: Connection) -> None:
    made = granted(connection, 300)

    assert decide(connection, ACCEPT, 300)[1] == made
    with pytest.raises(ReplyRefused, match="is accepted already, with another amount"):
        decide(connection, ACCEPT, 200)
    with pytest.raises(ReplyRefused, match="is accepted already: it cannot be rejected"):
        decide(connection, replace(ACCEPT, kind=ReplyKind.REJECTED), None)
    assert concessions(connection, "steel", "2026-10") == (made,)


def test_who_disputes_a_line_anew_gets_no_more_than_it_came_to(connection: Connection) -> None:
    granted(connection, 300)
    reply(connection, replace(DISPUTE, reason="all of it"))

    with pytest.raises(ReplyRefused, match=r"granted before 0\.50 may be"):
        decide(connection, ACCEPT, 51)
    granted(connection, 50)

    assert shown(connection, "2026-11")["totals"]["concessions"] == "-3.50"


@pytest.mark.parametrize(
    ("at", "left_fen"), [("2026-10-12T08:00", 350), ("2026-11-04T08:00", 0), (None, 350)]
)
def test_what_the_park_gave_back_before_or_after_the_close_is_not_granted(
    database: Engine, at: str | None, left_fen: int
) -> None:
    """OTHER is of 3.50 like `late`, which is late but in the first case; None gives `late` back."""
    is_before = at == "2026-10-12T08:00"
    late = used("2026-10-12T00:00", "2026-10-12T01:00", reference="l.1", project="ml")
    back = given_back("l.1" if at is None else "o.1", at or "2026-11-04T08:00")
    with database.connect() as connection:
        store.publish_price_list(connection, PRICES)
        store.book(connection, [OCTOBER, OTHER], [], [])
        if is_before:
            store.book(connection, [late], [back], [])
        close_month(connection, "2026-10", AFTER_OCTOBER)
        if not is_before:
            store.book(connection, [late], [back], [])
        reply(connection, DISPUTE)

        with pytest.raises(ReplyRefused, match="cannot be granted"):
            decide(connection, ACCEPT, left_fen + 1)
        if left_fen:
            granted(connection, left_fen)


def test_of_a_correction_that_was_given_back_later_nothing_is_granted(
    connection: Connection,
) -> None:
    late = used("2026-10-12T00:00", "2026-10-12T01:00", reference="l.1", project="late")
    store.book(connection, [late], [], [])
    close_month(connection, "2026-11", AFTER_NOVEMBER)
    store.book(connection, [], [given_back("l.1", "2026-12-04T08:00")], [])
    november = replace(DISPUTE, month="2026-11", lines=(1,))
    reply(connection, november)

    with pytest.raises(ReplyRefused, match=r"\(after 3\.50 given back since"):
        decide(connection, replace(ACCEPT, month="2026-11"), 1)


def test_a_month_is_not_closed_before_the_ledger_has_moved_what_was_granted(
    connection: Connection,
) -> None:
    _, made = decide(connection, ACCEPT, 300)
    assert made is not None

    with pytest.raises(CannotClose, match="steel@2026-10#2 is not on the ledger yet"):
        close_month(connection, "2026-11", AFTER_NOVEMBER)


def test_what_is_granted_while_the_month_is_closed_waits_for_the_ledger_too(
    database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.begin() as connection:
        store.publish_price_list(connection, PRICES)
        store.book(connection, [OCTOBER, OTHER], [], [])
        close_month(connection, "2026-10", AFTER_OCTOBER)
        reply(connection, DISPUTE)

    def decided_just_before(connection: Connection) -> store.Moment:
        with database.begin() as other:
            decide(other, ACCEPT, 300)
        return store.moment(connection)

    monkeypatch.setattr("accounting.months.closing.moment", decided_just_before)

    with (
        database.begin() as connection,
        pytest.raises(CannotClose, match="steel@2026-10#2 is not on the ledger yet"),
    ):
        close_month(connection, "2026-11", AFTER_NOVEMBER)


def test_the_ledger_gives_the_tenant_the_money_out_of_the_operators_income(
    connection: Connection,
) -> None:
    granted(connection, 300)

    assert store.balances(connection) == {
        CONCESSIONS_ACCOUNT: -3_000_000,
        available_account("steel"): 3_000_000,
    }
    assert misfits(connection) == []


def test_what_the_ledger_moves_otherwise_than_it_was_granted_is_named(
    connection: Connection,
) -> None:
    _, made = decide(connection, ACCEPT, 300)
    assert made is not None
    more = replace(transfer_of(made, 0), amount_micros=4_000_000)
    unknown = replace(transfer_of(made, 0), reference="steel@2026-10#9")

    store.book(connection, [], [], [more, unknown])

    assert [(one.part, one.row, one.what) for one in misfits(connection)] == [
        ("concessions", made.id, "the ledger has moved it otherwise than it was granted"),
        (
            "concessions",
            "steel@2026-10#9",
            "the ledger has moved it, and no decision has granted it",
        ),
    ]


def test_a_concession_that_was_altered_is_found(connection: Connection) -> None:
    granted(connection, 300)
    connection.execute(text("ALTER TABLE concessions DISABLE TRIGGER refuse_changes"))
    connection.execute(text("UPDATE concessions SET parts = '[[60, 200]]'"))

    assert misfits(connection)[0].row == "concessions steel 2026-10 2"


def test_a_stated_concession_without_its_transfer_is_named(connection: Connection) -> None:
    made = granted(connection, 300)
    close_month(connection, "2026-11", AFTER_NOVEMBER)
    connection.execute(text("ALTER TABLE transfers DISABLE TRIGGER refuse_changes"))
    connection.execute(text("DELETE FROM transfers WHERE kind = 'concession'"))

    found = [one for one in misfits(connection) if one.part == "concessions"]

    assert [(one.row, one.what) for one in found] == [
        (made.id, "a closed statement has it, and the ledger has not moved it")
    ]


def test_focus_rows_are_a_credit_that_corrects_and_its_tax(connection: Connection) -> None:
    granted(connection, 300)

    bills = bills_of(lambda: nullcontext(connection), "2026-11")
    credit, tax = focus_rows(bills, Names(provider="AI park"))

    assert (credit.charge_category, credit.charge_class) == ("Credit", "Correction")
    assert (credit.billed_cost, tax.charge_category, tax.billed_cost) == (
        -2_830_000,
        "Tax",
        -170_000,
    )
    assert credit.x_corrected_month == "2026-10"
    assert credit.charge_description == "Granted in the dispute about 2026-10, lines 2"


def test_the_platforms_margin_is_less_by_it_and_no_centre_gets_less(
    connection: Connection,
) -> None:
    granted(connection, 300)
    close_month(connection, "2026-11", AFTER_NOVEMBER)
    settle_month(connection, "2026-11", AFTER_NOVEMBER)

    totals = json.loads(settlement(connection, "platform", "2026-11").body)["totals"]

    assert (totals["concessions"], totals["concessions_net"]) == ("-3.00", "-2.83")
    assert (totals["margin"], totals["cost"], totals["due"]) == ("-2.83", "0.00", "-3.00")
    assert misfits(connection) == []


def test_a_table_and_a_document_have_it_and_the_invoice_a_line_below_zero(
    connection: Connection,
) -> None:
    granted(connection, 300)
    november = used("2026-11-10T00:00", "2026-11-10T08:00", reference="n.1")
    store.book(connection, [november], [], [])

    body = statement(connection, "steel", "2026-11").body
    rows = [row for row in statement_sheet(body).rows if row[0] in {"concession", "due"}]
    usage, less = lines_of(json.loads(body), 2_500)

    assert [(row[0], row[2], row[13]) for row in rows] == [
        ("concession", "2026-10", "-3.00"),
        ("due", "2026-11", "25.00"),
    ]
    assert (usage.gross_fen, usage.net_fen) == (2_800, 2_642)
    assert (less.item, less.gross_fen, less.net_fen) == (CONCESSION_ITEM, -300, -283)
    assert (less.quantity_micros, less.price_micros) == (-1_000_000, 3_000_000)
    assert statement_pdf(body, Shown(tenant="钢铁", park=PARK)).startswith(b"%PDF")
