"""Members of a gang that are not alike, as a user writes them: roles, each with so many members."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic.config import JsonDict

from api.schemas.values import MAX_DEVICE_COUNT, Command, whole

MAX_ROLES = 8
MAX_MEMBERS = 2_048
"""Of all roles of one job together: each is told where all others are."""

MAX_CARDLESS = 64
"""Members without cards sit beside another on its node, which nobody counts them against."""

RoleName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,31}$")]


class RoleSpec(BaseModel):
    """Members that are alike: as many processes, each on one node with cards of its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: RoleName = Field(description="such as launcher, worker or ps; once in a job")
    count: Annotated[int, Field(ge=1, le=MAX_MEMBERS), BeforeValidator(whole)] = Field(
        default=1, description="how many members have it"
    )
    devices: Annotated[int, Field(ge=0, le=MAX_DEVICE_COUNT), BeforeValidator(whole)] = Field(
        description="cards of each; 0: it sits beside the first member that has some"
    )
    command: Command | None = Field(default=None, description="what they run; the job's if null")


Roles = Annotated[list[RoleSpec], Field(max_length=MAX_ROLES)]


def spelled_out(fields: object) -> object:
    """What follows from the roles of a job that leaves it out: its cards, and what it runs."""
    if not isinstance(fields, dict) or not isinstance(fields.get("roles"), list):
        return fields
    roles = [dict(one) if isinstance(one, RoleSpec) else one for one in fields["roles"]]
    if not roles or not all(isinstance(one, dict) for one in roles):
        return fields
    added: dict[str, object] = {}
    if "devices" not in fields:
        added["devices"] = _cards(roles)
    if "command" not in fields and all(one.get("command") is not None for one in roles):
        added["command"] = roles[0]["command"]
    return fields | added


def _cards(roles: Sequence[Mapping[str, object]]) -> int:
    """Of all members; what is wrong in a role is told of the role, and here is anything."""
    pairs = [(_number(one.get("count", 1)), _number(one.get("devices"))) for one in roles]
    return max(1, min(MAX_DEVICE_COUNT, sum(count * cards for count, cards in pairs)))


def _number(value: object) -> int:
    """8 and 8.0 are the same; what is no number that may be is 0."""
    if isinstance(value, int | float | Decimal) and 0 <= value <= MAX_DEVICE_COUNT:
        return int(value)
    return 0


def roles_problems(
    roles: Sequence[RoleSpec],
    devices: int,
    ends_with: str | None,
    *,
    is_spread: bool,
) -> Iterator[str]:
    """What is wrong with the roles of a job beside what else it says; nothing where it has none.

    `is_spread`: it says on how many nodes it is, or how many members it has.
    """
    names = [role.name for role in roles]
    if ends_with is not None and ends_with not in names:
        yield f"ends_with: {ends_with} is none of its roles: {', '.join(names) or 'it has none'}"
    if not roles:
        return
    if is_spread:
        yield "give roles, or nodes and members, not both: each member of a role sits on one node"
    if twice := sorted({name for name in names if names.count(name) > 1}):
        yield f"roles: {twice[0]} is there twice; give each role a name of its own"
    members = sum(role.count for role in roles)
    if members > MAX_MEMBERS:
        yield f"roles: {members} members are more than the {MAX_MEMBERS} that a job may have"
    cardless = sum(role.count for role in roles if not role.devices)
    if cardless > MAX_CARDLESS:
        yield f"roles: {cardless} members without cards are more than the {MAX_CARDLESS} allowed"
    cards = sum(role.count * role.devices for role in roles)
    if cards == 0:
        yield "roles: no member has a card; one needs some"
    elif cards > MAX_DEVICE_COUNT:
        yield f"roles: {cards} cards are more than the {MAX_DEVICE_COUNT} that a job may have"
    elif cards != devices:
        yield f"devices: {devices} is not what its roles have, {cards}; leave it out"


def either_way(schema: JsonDict) -> None:
    """Of a job's schema: what must be there may follow from its roles."""
    schema["anyOf"] = [{"required": schema.pop("required")}, {"required": ["roles"]}]
