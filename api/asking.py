"""Wishes for the leader: put into its inbox, and waited for, so that the caller hears its word."""

import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Header
from pydantic import BaseModel
from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert as upsert

from api.auth import Caller
from api.errors import Refused
from api.services import Services
from api.tables import AnswerRow
from scheduler.facts.log import Request
from scheduler.storage.queries import Verdict, verdict
from scheduler.storage.store import put_requests

KEEP_PREFIX, DROP_PREFIX = "keep:", "drop:"
"""Requests that keep a quote, and that give it up, are named after it."""
WAIT_MS = 2_000
POLL_S = 0.1
KEY_LENGTH_MAX = 200

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="Chosen by the caller: the same create sent again changes nothing.",
        pattern=rf"^[\x21-\x7e]{{1,{KEY_LENGTH_MAX}}}$",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Once:
    """A create that may be sent again: by whom, under which key, and what exactly."""

    scope: str
    key: str
    digest: bytes


def once(caller: Caller, key: str | None, address: str, body: BaseModel) -> Once | None:
    """`None` where the caller gave no Idempotency-Key."""
    if key is None:
        return None
    said = body.model_dump(mode="json")
    content = json.dumps([address, said], sort_keys=True, ensure_ascii=False)
    digest = hashlib.sha256(content.encode()).digest()
    return Once(scope=caller.scope, key=key, digest=digest)


_REMEMBER = upsert(AnswerRow).on_conflict_do_nothing().returning(AnswerRow.key)


def remember(
    connection: Connection, create: Once, status: int, body: dict[str, Any], now_ms: int
) -> tuple[int, dict[str, Any]] | None:
    """Keep the answer in the create's own transaction; the earlier one where there is one.

    Another transaction that is at the same create is waited for. Raises `Refused` (422) where the
    key was used for something else.
    """
    row = {
        "scope": create.scope,
        "key": create.key,
        "request_digest": create.digest,
        "status": status,
        "body": body,
        "created_at_ms": now_ms,
    }
    if connection.scalar(_REMEMBER, row) is not None:
        return None
    earlier = connection.execute(
        select(AnswerRow.request_digest, AnswerRow.status, AnswerRow.body).where(
            AnswerRow.scope == create.scope, AnswerRow.key == create.key
        )
    ).one()
    if earlier.request_digest != create.digest:
        raise _used_for_else(create.key)
    return earlier.status, earlier.body


def request_id(kind: str, create: Once | None) -> str:
    """A new id, or the same one for the same create sent again."""
    if create is None:
        return f"{kind}:{secrets.token_hex(16)}"
    # What was asked is part of it: keys are forgotten before such requests are.
    return f"{kind}:{create.scope}:{create.key}:{create.digest.hex()[:16]}"


def ask(services: Services, request: Request, create: Once | None = None) -> Verdict:
    """Put a wish into the inbox, once for each id, and wait a little for what the leader says.

    Raises `Refused` (409) where the leader refuses it, and (422) where the key of the `create` that
    it is was used for something else.
    """
    answer = ask_all(services, [request], create)
    if answer.refused is not None:
        raise Refused(409, answer.refused)
    return answer


def ask_all(services: Services, requests: Sequence[Request], create: Once | None = None) -> Verdict:
    """Put wishes into the inbox together, and wait a little for what becomes of the last."""
    seen = services.feed.turn()
    deadline_ms = services.clock() + WAIT_MS
    with services.database.begin() as connection:
        if create is not None:  # the answer is the leader's, whenever it is asked for
            remember(connection, create, 200, {}, services.clock())
        put_requests(connection, requests, services.clock())
    return _await(services, requests[-1].id, seen, deadline_ms)


def heard(is_heard: bool) -> None:  # noqa: FBT001 - what it is told
    """Raise where nobody leads at the moment: the wish is kept, and is taken later."""
    if not is_heard:
        raise Refused(
            503,
            "it is written down and will be done once a broker leads again: look again later",
            headers={"Retry-After": "5"},
        )


def _await(services: Services, id_: str, seen: int, deadline_ms: int) -> Verdict:
    while True:
        with services.database.connect() as connection:
            answer = verdict(connection, id_)
        if answer.is_consumed or services.feed.is_stopped or services.clock() >= deadline_ms:
            return answer
        services.feed.wait(seen, POLL_S)
        seen = services.feed.turn()


def _used_for_else(key: str) -> Refused:
    return Refused(422, f"Idempotency-Key {key} was used for another request: choose a new one")
