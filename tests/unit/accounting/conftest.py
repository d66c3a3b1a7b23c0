"""What tests of the books share."""

import pytest
from sqlalchemy import Connection

from accounting.storage import store
from tests.builders import PRICES


@pytest.fixture
def connection(connection: Connection) -> Connection:
    """A transaction that nobody commits, in books that know a price list."""
    store.publish_price_list(connection, PRICES)
    return connection
