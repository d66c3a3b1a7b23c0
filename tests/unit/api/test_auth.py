"""Keys: stored as digests, compared as a whole, touched at most once a minute."""

import pytest
from anyio import run as awaited
from sqlalchemy import Connection, Engine, select

from api.auth import (
    KNOWN_MS,
    Caller,
    Keys,
    NewKey,
    Role,
    Touches,
    create_key,
    find_caller,
    revoke_key,
)
from api.errors import Refused
from api.feed import Feed
from api.services import Services
from api.settings import Settings
from api.tables import KeyRow

MINUTE_MS = 60_000


def test_a_key_opens_what_it_was_made_for(connection: Connection) -> None:
    made = create_key(connection, Role.TENANT, now_ms=1, label="laptop", tenant_id="steel")

    caller = find_caller(connection, made.secret)

    assert caller == Caller(key_id=made.id, role=Role.TENANT, label="laptop", tenant_id="steel")


def test_the_secret_is_not_in_the_database(connection: Connection) -> None:
    made = create_key(connection, Role.OPERATOR, now_ms=1)

    row = connection.execute(select(KeyRow.__table__)).one()

    assert made.secret.split("_", 2)[2] not in str(row)
    assert len(row.digest) == 32


def test_keys_never_repeat(connection: Connection) -> None:
    secrets = {create_key(connection, Role.FINANCE, now_ms=1).secret for _ in range(50)}

    assert len(secrets) == 50
    assert min(len(secret.split("_", 2)[2]) for secret in secrets) >= 43, "256 bits"


def test_another_secret_under_the_same_id_opens_nothing(connection: Connection) -> None:
    one = create_key(connection, Role.OPERATOR, now_ms=1)
    other = create_key(connection, Role.TENANT, now_ms=1, tenant_id="steel")

    forged = f"brk_{one.id}_{other.secret.split('_', 2)[2]}"

    assert find_caller(connection, forged) is None


def test_a_revoked_key_opens_nothing_and_stays_revoked(connection: Connection) -> None:
    made = create_key(connection, Role.OPERATOR, now_ms=1)

    revoke_key(connection, made.id, now_ms=2)
    revoke_key(connection, made.id, now_ms=3)

    assert find_caller(connection, made.secret) is None
    assert connection.scalar(select(KeyRow.revoked_at_ms)) == 2


@pytest.mark.parametrize(
    "key",
    ["", "brk", "brk_", "brk__", "brk_a", "xyz_a_b", "brk_a_\x00", "brk_é_b", "brk_a_" + "b" * 200],
)
def test_what_is_no_key_is_nobodys(key: str, connection: Connection) -> None:
    assert find_caller(connection, key) is None


def test_the_last_use_is_written_at_most_once_a_minute(connection: Connection) -> None:
    made = create_key(connection, Role.OPERATOR, now_ms=1)
    touches = Touches()

    seen = []
    for now_ms in (MINUTE_MS, MINUTE_MS + 1, 2 * MINUTE_MS - 1, 2 * MINUTE_MS):
        touches.touch(connection, made.id, now_ms)
        seen.append(connection.scalar(select(KeyRow.last_used_at_ms)))

    assert seen == [MINUTE_MS, MINUTE_MS, MINUTE_MS, 2 * MINUTE_MS]


def test_a_tenant_is_narrowed_to_itself_and_others_are_not() -> None:
    tenant = Caller(key_id="k", role=Role.TENANT, label="", tenant_id="steel")
    operator = Caller(key_id="k", role=Role.OPERATOR, label="")

    assert tenant.narrowed(None) == tenant.narrowed("steel") == "steel"
    assert (operator.narrowed(None), operator.narrowed("fish")) == (None, "fish")
    with pytest.raises(Refused, match="there is no tenant fish"):
        tenant.narrowed("fish")


class Door:
    """One broker's keys, at a time of our choice."""

    def __init__(self, database: Engine) -> None:
        self.keys = Keys()
        self.now_ms = MINUTE_MS
        self.services = Services(
            settings=Settings(), database=database, feed=Feed(database), clock=lambda: self.now_ms
        )

    def opens(self, key: str) -> bool:
        try:
            awaited(self.keys.caller_of, self.services, key)
        except Refused as refused:
            return refused.problem.status != 401
        return True


def made_key(database: Engine) -> NewKey:
    with database.begin() as connection:
        return create_key(connection, Role.OPERATOR, now_ms=1)


def revoked_elsewhere(database: Engine, key: NewKey) -> None:
    with database.begin() as connection:
        revoke_key(connection, key.id, now_ms=2)


def test_a_key_that_another_broker_revokes_opens_nothing_a_second_later(database: Engine) -> None:
    door, key = Door(database), made_key(database)
    assert door.opens(key.secret)
    revoked_elsewhere(database, key)

    opened = []
    for door.now_ms in (MINUTE_MS + KNOWN_MS - 1, MINUTE_MS + KNOWN_MS):
        opened.append(door.opens(key.secret))

    assert (KNOWN_MS, opened) == (1_000, [True, False])


def test_another_secret_is_never_taken_for_a_known_one(database: Engine) -> None:
    door, key = Door(database), made_key(database)
    assert door.opens(key.secret)

    assert not door.opens(f"{key.secret[:-1]}{'A' if key.secret[-1] != 'A' else 'B'}")
    assert not door.opens(f"brk_{key.id}_")


def test_what_is_forgotten_is_looked_up_again(database: Engine) -> None:
    door, key, other = Door(database), made_key(database), made_key(database)
    assert door.opens(key.secret)
    assert door.opens(other.secret)
    for one in (key, other):
        revoked_elsewhere(database, one)

    door.keys.forget(key.id)

    assert not door.opens(key.secret)
    assert door.opens(other.secret), "it alone"


def test_a_key_that_is_forgotten_while_it_is_looked_up_is_not_kept(database: Engine) -> None:
    door, key = Door(database), made_key(database)

    def forgetting() -> int:
        door.keys.forget(key.id)
        return MINUTE_MS

    object.__setattr__(door.services, "clock", forgetting)
    assert door.opens(key.secret)
    object.__setattr__(door.services, "clock", lambda: MINUTE_MS)
    revoked_elsewhere(database, key)

    assert not door.opens(key.secret)
