"""Who owes."""

from sqlalchemy import Engine

from accounting import ledger
from accounting.storage import store
from accounting.storage.overdrafts import overdrafts


def test_who_has_committed_more_than_it_has_owes_the_rest(database: Engine) -> None:
    with database.connect() as connection:
        paid = [ledger.top_up("steel", 7, "bank-1", 0), ledger.top_up("fish", 7, "bank-2", 0)]
        holds = [ledger.hold("steel", "a.1", 9, 1), ledger.hold("fish", "b.1", 7, 1)]
        store.book(connection, [], [], [*paid, *holds])

        assert overdrafts(connection) == {"steel": 2}
