"""Deciding a dispute: what finance says, and what the tenant gets back for it."""

from sqlalchemy import Connection

from accounting.bills.concessions import Concession
from accounting.bills.replies import Reply
from accounting.money import MICROS_PER_FEN
from accounting.months.replying import decide
from scheduler.facts.events import Credited
from scheduler.facts.log import Request
from scheduler.storage.store import put_requests


def decide_once(
    connection: Connection, said: Reply, amount_fen: int | None
) -> tuple[Reply, Concession | None]:
    """What is decided, now or before; raises `ReplyRefused`.

    The leader is asked, in this transaction, to give the tenant what is granted.
    """
    kept, granted = decide(connection, said, amount_fen)
    if granted is not None:
        put_requests(connection, [_credit(granted)], granted.at_ms)
    return kept, granted


def _credit(granted: Concession) -> Request:
    reference = f"concession:{granted.id}"
    wish = Credited(
        at_ms=granted.at_ms,
        tenant_id=granted.tenant_id,
        amount_micros=granted.amount_fen * MICROS_PER_FEN,
        reference=reference,
        concession_id=granted.id,
    )
    return Request(id=reference, wish=wish)
