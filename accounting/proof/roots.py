"""Daily roots: once a day is over, one hash over all chains' heads, new papers, the root before it.

Whoever keeps a root outside of the database can prove later that no fact before it was changed,
dropped or slipped in, even by one who can write every table.
"""

from typing import NamedTuple

from sqlalchemy import Connection, insert, select

from accounting.calendar import day_of
from accounting.chain import ROOT_FORM, root_of
from accounting.link import GENESIS
from accounting.proof.leaves import new_papers
from accounting.storage.store import moment
from accounting.storage.tables import RootRow

DAY_MS = 86_400_000


class Drawn(NamedTuple):
    """The root of a day."""

    day: str
    root: bytes


def newest_root(connection: Connection) -> Drawn | None:
    newest = select(RootRow.day, RootRow.root).order_by(RootRow.day.desc()).limit(1)
    row = connection.execute(newest).one_or_none()
    return None if row is None else Drawn(*row)


def draw_root(connection: Connection, now_ms: int) -> bytes | None:
    """The root of the day that ended last, if it is not drawn yet and there is any fact.

    A day in which nobody drew one is covered by the next.
    """
    last = newest_root(connection)
    yesterday = day_of(now_ms - DAY_MS)
    if last is not None and last.day >= yesterday:
        return None
    heads = moment(connection).heads
    if not heads:
        return None
    before = GENESIS.hash if last is None else last.root
    root = root_of(before, yesterday, [*heads.items()], new_papers(connection, [*heads.items()]))
    row = {
        "day": yesterday,
        "heads": [[chain, link.number, link.hash.hex()] for chain, link in sorted(heads.items())],
        "root": root,
        "drawn_at_ms": now_ms,
        "form": ROOT_FORM,
    }
    connection.execute(insert(RootRow), row)
    return root
