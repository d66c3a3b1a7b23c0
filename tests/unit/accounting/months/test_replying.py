"""Replies in the books: about a closed statement, once each, and provable."""

from dataclasses import replace

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from accounting.bills.replies import ReplyKind, ReplyRefused
from accounting.months.closing import close_month, statement
from accounting.months.replying import replies, reply, standings
from accounting.proof.verifying import Misfit, Walked, verify
from accounting.storage import store
from accounting.storage.fact_store import keep
from tests.builders import PRICES, shanghai, used
from tests.unit.accounting.bills.test_replies import REPLY
from tests.unit.accounting.storage.test_package_store import PACK

OCTOBER = used("2026-10-10T00:00", "2026-10-10T08:00", device_count=2)
NOVEMBER = used("2026-11-10T00:00", "2026-11-10T08:00", reference="n.1")
DISPUTE = replace(REPLY, number=0, sha256="", lines=(1,))


@pytest.fixture
def connection(connection: Connection) -> Connection:
    """Books of a month that is closed, in which steel used 56.00 yuan; nobody commits them."""
    store.book(connection, [OCTOBER], [], [])
    close_month(connection, "2026-10", shanghai("2026-11-03T10:00"))
    return connection


def test_words_are_kept_in_their_order_with_what_they_are_about(connection: Connection) -> None:
    reply(connection, DISPUTE)
    reply(connection, replace(DISPUTE, kind=ReplyKind.RESOLVED, reason="so it was", lines=()))
    reply(connection, replace(DISPUTE, kind=ReplyKind.CONFIRMED, reason="", lines=()))

    said = replies(connection, "steel", "2026-10")

    assert [(one.number, one.kind, one.lines) for one in said] == [
        (1, "disputed", (1,)),
        (2, "resolved", ()),
        (3, "confirmed", ()),
    ]
    sha256 = statement(connection, "steel", "2026-10").sha256
    assert {one.sha256 for one in said} == {sha256}
    assert standings(connection, "2026-10") == {"steel": said[-1]}


def test_each_tenants_words_are_its_own(module_database: Engine) -> None:
    with module_database.connect() as connection:
        store.publish_price_list(connection, PRICES)
        store.book(connection, [OCTOBER], [], [])
        store.book(connection, [replace(OCTOBER, tenant_id="fish", reference="f.1")], [], [])
        close_month(connection, "2026-10", shanghai("2026-11-03T10:00"))
        reply(connection, replace(DISPUTE, tenant_id="fish"))

        said = reply(connection, replace(DISPUTE, kind=ReplyKind.CONFIRMED, reason="", lines=()))

        assert replies(connection, "steel", "2026-10") == (said,)
        assert said.number == 1


def test_the_same_word_again_changes_nothing(connection: Connection) -> None:
    first = reply(connection, DISPUTE)

    assert reply(connection, replace(DISPUTE, at_ms=7, by="steel (2)")) == first
    assert replies(connection, "steel", "2026-10") == (first,)


@pytest.mark.parametrize("nothing", [{"month": "2026-11"}, {"tenant_id": "fish"}])
def test_a_draft_and_an_empty_month_are_not_answered(
    connection: Connection, nothing: dict[str, str]
) -> None:
    with pytest.raises(ReplyRefused, match="has no closed statement of 2026-1"):
        reply(connection, replace(DISPUTE, **nothing))  # type: ignore[arg-type] # by name


def test_a_statement_of_purchases_alone_is_disputed_and_confirmed(connection: Connection) -> None:
    keep(connection, replace(PACK, tenant_id="fish", bought_at_ms=shanghai("2026-11-04T00:00")))
    store.book(connection, [replace(NOVEMBER, tenant_id="steel")], [], [])
    close_month(connection, "2026-11", shanghai("2026-12-03T10:00"))
    of_fish = replace(DISPUTE, tenant_id="fish", month="2026-11")

    assert reply(connection, of_fish).lines == (1,)
    reply(connection, replace(of_fish, kind=ReplyKind.CONFIRMED, reason="", lines=()))

    assert len(replies(connection, "fish", "2026-11")) == 2


def test_who_has_another_statement_before_him_is_refused(connection: Connection) -> None:
    with pytest.raises(ReplyRefused, match="it is about bbbb"):
        reply(connection, replace(DISPUTE, sha256="b" * 64))


def test_a_refused_word_leaves_nothing(connection: Connection) -> None:
    with pytest.raises(ReplyRefused):
        reply(connection, replace(DISPUTE, lines=(2,)))

    assert replies(connection, "steel", "2026-10") == ()


def test_a_word_is_a_link_of_its_tenants_chain(connection: Connection) -> None:
    reply(connection, DISPUTE)

    found = list(verify(connection))

    assert [one for one in found if isinstance(one, Misfit)] == []
    (steel,) = [one for one in found if isinstance(one, Walked) and one.chain == "steel"]
    assert steel.head.number == 2


def test_an_altered_word_is_named(connection: Connection) -> None:
    reply(connection, DISPUTE)
    connection.execute(text("ALTER TABLE statement_replies DISABLE TRIGGER refuse_changes"))
    connection.execute(text("UPDATE statement_replies SET reason = 'nothing'"))

    (misfit,) = [one for one in verify(connection) if isinstance(one, Misfit)]

    assert misfit.row == "statement_replies steel 2026-10 1"


def test_a_word_cannot_be_taken_back(connection: Connection) -> None:
    reply(connection, DISPUTE)

    with pytest.raises(DBAPIError, match="only ever added to"):
        connection.execute(text("DELETE FROM statement_replies"))
