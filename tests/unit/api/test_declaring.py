"""A park file is declared once for each change of it, and paid in once for ever."""

from dataclasses import replace

import pytest
from sqlalchemy import Connection, select, update

from accounting.money import MS_PER_HOUR
from accounting.storage import store
from api.declaring import declare
from api.files.park_file import ParkFileInvalid
from cluster.devices import Unit
from scheduler.model.tenancy import Cohort, Project
from scheduler.storage.tables import InboxRow, ViewRow
from tests.acceptance.brokers import PARK_FILE, PRICES, TENANTS
from tests.builders import PRICES as BOOK_PRICES
from tests.builders import USAGE

WISHES = 1 + len(TENANTS) + 1 + 2


def kinds(connection: Connection) -> list[str]:
    return [
        row.body["kind"] for row in connection.execute(select(InboxRow.body).order_by(InboxRow.seq))
    ]


def test_a_new_park_is_declared_as_a_whole_in_an_order_that_fits(connection: Connection) -> None:
    assert declare(connection, PARK_FILE, 1_000) == WISHES

    assert kinds(connection) == [
        "park_declared",
        *["tenant_declared"] * len(TENANTS),
        "price_list_published",
        *["credited"] * 2,
    ]


def test_the_same_file_again_changes_nothing(connection: Connection) -> None:
    declare(connection, PARK_FILE, 1_000)

    assert declare(connection, PARK_FILE, 2_000) == 0


def test_a_file_that_is_known_stays_known_when_tenants_may_say_more(connection: Connection) -> None:
    """Its digest is what it was before there were nominal quotas, or data."""
    park = replace(PARK_FILE.park, data_classes=(), datasets=(), links=())
    declare(connection, replace(PARK_FILE, park=park), 1_000)

    first = connection.scalars(select(InboxRow.id).order_by(InboxRow.seq)).first()

    assert first == "file:174652216c7a8315bf6f288f:0:0"


def test_a_file_of_which_a_part_was_refused_is_declared_again(connection: Connection) -> None:
    declare(connection, PARK_FILE, 1_000)
    first = select(InboxRow.id).where(InboxRow.body["kind"].astext == "park_declared")
    refusal = update(InboxRow).values(refused="node n1 is in use")
    connection.execute(refusal.where(InboxRow.id == connection.scalar(first)))

    assert declare(connection, PARK_FILE, 2_000) == 1 + len(TENANTS)
    assert declare(connection, PARK_FILE, 3_000) == 0, "it was not refused again"


def test_a_quota_that_is_new_declares_the_file_again(connection: Connection) -> None:
    declare(connection, PARK_FILE, 1_000)
    owner = replace(TENANTS[0], nominal_cards=(("ascend-910b3", 8),))

    assert declare(connection, replace(PARK_FILE, tenants=(owner,)), 2_000) == 2


def test_cohorts_come_before_tenants_and_projects_after(connection: Connection) -> None:
    cohort, project = Cohort(id="c", name="C"), Project(tenant_id="steel", id="p", name="P")

    declare(connection, replace(PARK_FILE, cohorts=(cohort,), projects=(project,)), 1_000)

    declared = ["park_declared", "cohort_declared", *["tenant_declared"] * len(TENANTS)]
    assert kinds(connection)[: len(declared) + 1] == [*declared, "project_declared"]


def test_a_changed_file_declares_park_and_tenants_and_pays_nothing_in(
    connection: Connection,
) -> None:
    declare(connection, PARK_FILE, 1_000)
    changed = replace(
        PARK_FILE, tenants=(replace(TENANTS[0], max_cards=9),), opening_balances={"steel": 5}
    )

    assert declare(connection, changed, 2_000) == 2

    assert kinds(connection)[WISHES:] == ["park_declared", "tenant_declared"]


def test_a_file_that_was_changed_back_is_declared_again(connection: Connection) -> None:
    changed = replace(PARK_FILE, tenants=TENANTS[:1])
    declare(connection, PARK_FILE, 1_000)
    declare(connection, changed, 2_000)

    assert declare(connection, PARK_FILE, 3_000) == 1 + len(TENANTS)


def test_a_new_price_list_is_published_beside_the_known_ones(connection: Connection) -> None:
    declare(connection, PARK_FILE, 1_000)
    known = {"name": "price_list:2026", "at_ms": 1_000, "body": {}}
    connection.execute(ViewRow.__table__.insert(), known)  # type: ignore[attr-defined] # a Table
    later = replace(PRICES, id="2027", from_ms=9_000)

    assert declare(connection, replace(PARK_FILE, price_lists=(PRICES, later)), 2_000) == 1

    body = connection.scalars(select(InboxRow.body).order_by(InboxRow.seq.desc())).first()
    assert body is not None
    assert (body["kind"], body["at_ms"]) == ("price_list_published", 2_000)


def test_before_anything_was_sold_a_price_list_may_begin_in_the_past(
    connection: Connection,
) -> None:
    declare(connection, PARK_FILE, 1_000)

    bodies = connection.scalars(select(InboxRow.body))
    published = next(body for body in bodies if body["kind"] == "price_list_published")

    assert published["at_ms"] == PRICES.from_ms


OF_CORES = replace(
    PARK_FILE,
    park=replace(
        PARK_FILE.park,
        device_kinds=tuple(
            replace(kind, unit=Unit.CORE) if kind.id == USAGE.device_kind_id else kind
            for kind in PARK_FILE.park.device_kinds
        ),
    ),
)


def test_a_kind_that_was_metered_as_cards_does_not_come_back_as_cores(
    connection: Connection,
) -> None:
    store.publish_price_list(connection, BOOK_PRICES)
    store.book(connection, [USAGE], [], [])
    declare(connection, PARK_FILE, 1_000)
    with pytest.raises(ParkFileInvalid, match="910b3 is counted in cores, and was metered in card"):
        declare(connection, OF_CORES, 2_000)


def test_a_kind_that_was_metered_in_both_units_stays_what_it_was_last(
    connection: Connection,
) -> None:
    """Earlier releases have let it change: no park file may stop a broker for ever."""
    later_ms = 4 * MS_PER_HOUR
    in_cores = replace(
        USAGE,
        reference="cores.1",
        tflops=0,
        from_ms=USAGE.from_ms + later_ms,
        to_ms=USAGE.to_ms + later_ms,
    )
    store.publish_price_list(connection, BOOK_PRICES)
    store.book(connection, [USAGE, in_cores], [], [])

    assert declare(connection, OF_CORES, 1_000) > 0
    with pytest.raises(ParkFileInvalid, match="910b3 is counted in cards, and was metered in core"):
        declare(connection, PARK_FILE, 2_000)
