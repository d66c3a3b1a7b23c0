"""API keys: made, listed and revoked; by operators all of them, by tenants their own."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Request, Response
from sqlalchemy import Connection, Row, func, select

from api.asking import IdempotencyKey, once, remember
from api.auth import Caller, CallerDep, Keys, PersonDep, Role, WorkerDep, create_key, revoke_key
from api.errors import Refused, missing
from api.examples.requests import KEY_EXAMPLES
from api.routes.parameters import problems
from api.schemas.administration import KeyCreate, KeyCreated, KeyList, KeyView, Me
from api.services import Services, ServicesDep
from api.tables import KeyRow

router = APIRouter(prefix="/v1", tags=["keys"])

KEYS_SHOWN = 10_000
KEYS_PER_TENANT_MAX = 100
"""That open something; a revoked one makes room for another."""


@router.get("/me", responses=problems(), summary="Who this key is")
def me(caller: CallerDep) -> Me:
    """The role of the key that asks, and whose it is."""
    return Me(
        key_id=caller.key_id,
        role=caller.role,
        label=caller.label,
        tenant=caller.tenant_id,
        centre=caller.centre_id,
    )


@router.get("/keys", responses=problems(), summary="List keys")
def list_keys(caller: PersonDep, services: ServicesDep) -> KeyList:
    """An operator sees all keys, a tenant its own, finance the one that it uses."""
    statement = select(KeyRow.__table__).order_by(KeyRow.created_at_ms.desc(), KeyRow.id)
    if caller.role is Role.TENANT:
        statement = statement.where(KeyRow.tenant_id == caller.tenant_id)
    elif caller.role is Role.FINANCE:
        statement = statement.where(KeyRow.id == caller.key_id)
    with services.database.connect() as connection:
        rows = connection.execute(statement.limit(KEYS_SHOWN)).all()
    return KeyList(items=[KeyView(**_fields(row)) for row in rows])


@router.post("/keys", status_code=201, responses=problems(409), summary="Make a key")
def make_key(
    wanted: Annotated[KeyCreate, Body(openapi_examples=KEY_EXAMPLES)],
    caller: WorkerDep,
    services: ServicesDep,
    key: IdempotencyKey = None,
) -> KeyCreated:
    """The secret is in this answer and nowhere else."""
    wanted = _allowed(wanted, caller)
    create = once(caller, key, "keys", wanted)
    with services.database.begin() as connection:
        _check_owner(connection, services, wanted)
        _check_room(connection, wanted.tenant)
        made = create_key(
            connection,
            Role(wanted.role),
            now_ms=services.clock(),
            label=wanted.label,
            tenant_id=wanted.tenant,
            centre_id=wanted.centre,
        )
        if create is not None:
            earlier = remember(connection, create, 409, {"id": made.id}, services.clock())
            if earlier is not None:
                raise Refused(
                    409,
                    f"this request has made key {earlier[1]['id']} already, and a secret is shown "
                    "only once: revoke it and make another",
                )
        row = _row(connection, made.id)
        assert row is not None, "the key was just written"
        return KeyCreated(**_fields(row), secret=made.secret)


def _allowed(wanted: KeyCreate, caller: Caller) -> KeyCreate:
    """What the caller may make: a tenant keys for itself alone."""
    if caller.role is Role.TENANT:
        is_own = Role(wanted.role) is Role.TENANT and wanted.tenant in {None, caller.tenant_id}
        if not is_own or wanted.centre is not None:
            raise Refused(403, f"this key makes keys for tenant {caller.tenant_id} alone")
        return wanted.model_copy(update={"tenant": caller.tenant_id})
    for field, role in (("tenant", Role.TENANT), ("centre", Role.AGENT)):
        is_given = getattr(wanted, field) is not None
        if is_given != (Role(wanted.role) is role):
            problem = f"role {role} needs it" if not is_given else f"only for role {role}"
            fix = "remove it" if is_given else "add it"
            error = {"field": field, "in": "body", "problem": problem, "fix": fix}
            raise Refused(422, f"{field} and role do not agree", errors=[error])
    return wanted


def _check_owner(connection: Connection, services: Services, wanted: KeyCreate) -> None:
    declared = services.declared.read(connection)
    for field, name, known in (
        ("tenant", wanted.tenant, declared.tenants),
        ("centre", wanted.centre, declared.park.centre_by_id),
    ):
        if name is not None and name not in known:
            fix = f"use one of {', '.join(sorted(known))}"
            error = {"field": field, "in": "body", "problem": f"{name} is unknown", "fix": fix}
            raise Refused(422, f"there is no {field} {name}", errors=[error])


def _check_room(connection: Connection, tenant_id: str | None) -> None:
    if tenant_id is None:
        return
    theirs = (KeyRow.tenant_id == tenant_id, KeyRow.revoked_at_ms.is_(None))
    count = connection.scalar(select(func.count()).select_from(KeyRow).where(*theirs)) or 0
    if count >= KEYS_PER_TENANT_MAX:
        raise Refused(409, f"tenant {tenant_id} has {count} keys and may have no more: revoke one")


@router.delete(
    "/keys/{key_id}", status_code=204, responses=problems(404, 409), summary="Revoke a key"
)
def delete_key(
    key_id: Annotated[str, Path(pattern=r"^[0-9a-f]{1,64}$")],
    request: Request,
    caller: WorkerDep,
    services: ServicesDep,
) -> Response:
    """The key opens nothing any more: here at once, at other brokers within a second.

    Revoking it again changes nothing.
    """
    with services.database.begin() as connection:
        row = _row(connection, key_id)
        if row is None or (caller.is_tenant and row.tenant_id != caller.tenant_id):
            raise missing("key", key_id)
        if key_id == caller.key_id:
            raise Refused(409, "a key cannot revoke itself: use another one")
        revoke_key(connection, key_id, now_ms=services.clock())
    keys: Keys = request.app.state.keys
    keys.forget(key_id)
    return Response(status_code=204)


def _row(connection: Connection, key_id: str) -> Row[Any] | None:
    return connection.execute(select(KeyRow.__table__).where(KeyRow.id == key_id)).one_or_none()


def _fields(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": row.id,
        "role": row.role,
        "tenant": row.tenant_id,
        "centre": row.centre_id,
        "label": row.label,
        "created_at_ms": row.created_at_ms,
        "last_used_at_ms": row.last_used_at_ms,
        "revoked_at_ms": row.revoked_at_ms,
    }
