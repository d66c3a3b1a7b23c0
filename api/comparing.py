"""The log and the books beside the diaries of all centres, asked for at once.

A look asks for the diaries, waits until the leader has heard and committed what they say, and reads
the log then. What differs is looked at once more: only what differs in both is told (see
`scheduler.asking.diaries`). Who is not heard in time is told by name.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from sqlalchemy import select

from api.schemas.books import AttemptSide, CentreCompared, CentreDifference, CentresReconciled
from api.services import Services
from cluster.diary import Noted
from cluster.driver import Driver
from cluster.link import CentreLink, DiaryHeard
from cluster.wire import DiaryTold
from scheduler.asking.diaries import Discrepancy, Logged, discrepancies, lasting
from scheduler.storage.logged import logged
from scheduler.storage.tables import AttemptRow

DIARY_MS = 8_000
STEPS_MS = 6_000
"""So long a look waits for all centres, and then for the leader; clients wait for two looks.

A centre that is silent takes nothing from the time of the leader.
"""
PAUSE_S = 0.05
TOLD_MAX = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """At one centre: its diary, how far its clock is ahead, what differs; or why none came."""

    centre_id: str
    why_not: str | None = None
    told: DiaryTold | None = None
    clock_ahead_ms: int | None = None
    found: list[Discrepancy] = field(default_factory=list)


def compared(services: Services) -> list[Look]:
    """The last look at each centre, in the order of their ids; two where something differs."""
    first = {one.centre_id: one for one in _looks(services, _centre_ids(services))}
    differing = [one.centre_id for one in first.values() if one.found]
    for again in _looks(services, differing) if differing else ():
        found = lasting(first[again.centre_id].found, again.found)
        first[again.centre_id] = replace(again, found=found)
    return [first[centre_id] for centre_id in sorted(first)]


def _centre_ids(services: Services) -> list[str]:
    """Those of the park file, and where something runs that is in it no more."""
    live = select(AttemptRow.centre_id).where(AttemptRow.ended_at_ms.is_(None)).distinct()
    with services.database.connect() as connection:
        return sorted({*services.links, *connection.scalars(live)})


def _looks(services: Services, centre_ids: Iterable[str]) -> list[Look]:
    """Ask all at once, then wait for one after the other, until the one moment for all."""
    until_ms = services.clock() + DIARY_MS
    asked = [(centre_id, *_asked(services.links.get(centre_id))) for centre_id in centre_ids]
    looks = []
    for centre_id, why_not, wait in asked:
        heard = wait(_left_s(services, until_ms))
        looks.append(_look(centre_id, why_not or ("silent" if heard is None else None), heard))
    if any(look.told for look in looks) and not _has_stepped(services):
        return [replace(look, why_not=look.why_not or "busy", told=None) for look in looks]
    return [_beside_log(services, look) for look in looks]


def _look(centre_id: str, why_not: str | None, heard: DiaryHeard | None) -> Look:
    if heard is None:
        return Look(centre_id=centre_id, why_not=why_not)
    ahead_ms = heard.clock_ahead_ms
    return Look(centre_id=centre_id, why_not=why_not, told=heard.told, clock_ahead_ms=ahead_ms)


def _asked(link: Driver | None) -> tuple[str | None, Callable[[float], DiaryHeard | None]]:
    """Why it is not asked, if it is not, and how to wait for its answer."""
    if not isinstance(link, CentreLink):
        return "no_link", lambda _: None
    if not link.keeps_diary:
        return "old_release", lambda _: None
    return None, partial(link.diary, link.ask_diary())


def _left_s(services: Services, until_ms: int) -> float:
    return max(0, until_ms - services.clock()) / 1_000


def _has_stepped(services: Services) -> bool:
    """Wait until the leader has made a whole step: one may be half done, so for two to end."""
    until_ms = services.clock() + STEPS_MS
    steps, pause = services.step_count() + 2, threading.Event()
    while services.step_count() < steps:
        if not _left_s(services, until_ms):
            return False
        pause.wait(PAUSE_S)
    return True


def _beside_log(services: Services, look: Look) -> Look:
    if look.told is None:
        return look
    diary, one_moment = look.told.diary(), {"isolation_level": "REPEATABLE READ"}
    with services.database.connect().execution_options(**one_moment) as connection:
        known = logged(connection, look.centre_id, diary)
    return replace(look, found=discrepancies(look.centre_id, diary, known))


def reconciled_view(looks: Iterable[Look], links: Mapping[str, Driver]) -> CentresReconciled:
    found = [_difference(look.centre_id, one) for look in looks for one in look.found]
    return CentresReconciled(
        centres=[_centre(look, links.get(look.centre_id)) for look in looks],
        differences=found[:TOLD_MAX],
        count=len(found),
    )


def _centre(look: Look, link: Driver | None) -> CentreCompared:
    heard, told = link.observe() if link else None, look.told
    return CentreCompared(
        id=look.centre_id,
        is_compared=look.why_not is None,
        why_not=look.why_not,
        heard_at_ms=heard and heard.heard_at_ms,
        attempts=len(told.attempts) if told else 0,
        whole_since_ms=told.whole_since_ms if told else None,
        clock_ahead_ms=look.clock_ahead_ms,
    )


def _difference(centre_id: str, one: Discrepancy) -> CentreDifference:
    known = one.logged or one.noted
    assert known is not None, f"nobody has {one.attempt_id}"
    return CentreDifference(
        centre=centre_id,
        attempt=one.attempt_id,
        job=known.job_id,
        tenant=known.tenant_id,
        sort=one.sort,
        log=one.logged and _log_side(one.logged),
        diary=one.noted and _diary_side(centre_id, one.noted),
    )


def _log_side(logged: Logged) -> AttemptSide:
    running = "starting" if logged.started_at_ms is None else "running"
    return AttemptSide(
        state=running if logged.cause is None else f"ended, {logged.cause}",
        centre=logged.centre_id,
        device=logged.device_kind_id,
        nodes=dict(logged.cards),
        started_at_ms=logged.started_at_ms,
        ended_at_ms=logged.ended_at_ms,
        used_to_ms=logged.used_to_ms,
    )


def _diary_side(centre_id: str, noted: Noted) -> AttemptSide:
    return AttemptSide(
        state=noted.phase,
        centre=centre_id,
        device=noted.device_kind_id,
        nodes=dict(noted.cards),
        started_at_ms=noted.started_at_ms,
        ended_at_ms=noted.ended_at_ms,
    )
