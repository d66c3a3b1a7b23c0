"""The wire of administration: tenants, prices, keys, machines, health."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from api.schemas.capacity import CentreCapacity
from api.schemas.entitled import Entitled, EntitledView, Nodes
from api.schemas.jobs import Wire
from api.schemas.values import (
    MAX_MS,
    ByteCount,
    Identifier,
    Ms,
    Name,
    NodeName,
    Permille,
    Yuan,
    whole,
)

MaxCards = Annotated[int, Field(ge=0, le=10_000_000), BeforeValidator(whole)]
Weight = Annotated[int, Field(ge=1, le=1_000_000), BeforeValidator(whole)]


class TenantPut(Entitled):
    """What a tenant is from now on; `credit_limit` is how far below zero it may go, in yuan."""

    name: Name
    type: Identifier = "enterprise"
    field: Identifier = Field(description="one of the park's fields")
    price_class: Identifier = Field(description="a class of every price list")
    max_cards: MaxCards = Field(description="quota over all centres, what it borrows included")
    nominal_nodes: Nodes = Field(
        default={},
        description="its own as well, by pool: so many whole nodes it can always have cleared",
    )
    weight: Weight = Field(default=100, description="share under contention")
    cohort: Identifier | None = Field(
        default=None, description="the cohort that it is in; null: none"
    )
    credit_limit: Yuan = Field(default="0", description="yuan below zero that its balance may go")
    hard_stop: bool | None = Field(
        default=None,
        description="whether its work stops where its balance does not cover more; null: as it was",
    )


class TenantView(EntitledView):
    """A tenant; its money is for itself and for finance, `None` to others. Amounts in yuan."""

    id: str
    name: str
    type: str
    field: str
    price_class: str
    max_cards: int
    nominal_nodes: dict[str, int]
    weight: int
    cohort: str | None
    credit_limit: str | None
    balance: str | None = Field(description="what it may still commit, in yuan")
    held: str | None = Field(description="set aside for what runs, in yuan")
    hard_stop: bool = Field(description="whether its work stops for want of money")


class TenantList(Wire):
    """All tenants that the caller may know."""

    items: list[TenantView]


class BranchPut(Entitled):
    """What a project or a cohort is from now on."""

    name: Name
    weight: Weight = Field(default=100, description="share beside the others of its kind")
    max_cards: MaxCards | None = Field(
        default=None, description="what all of it may hold at once; null: no quota of its own"
    )


class ProjectView(EntitledView):
    """A part of a tenant."""

    tenant: str
    id: str
    name: str
    weight: int
    max_cards: int | None


class ProjectList(Wire):
    """Projects in order of tenant and id."""

    items: list[ProjectView]


class CohortView(EntitledView):
    """Tenants that share as one; a tenant is told of itself alone."""

    id: str
    name: str
    weight: int
    max_cards: int | None
    tenants: list[str]


class CohortList(Wire):
    """Cohorts in order of their ids."""

    items: list[CohortView]


class TopUp(Wire):
    """Money paid in, once for each `reference`; yuan, such as 1000.00."""

    amount: Yuan = Field(description="yuan, such as 1000.00")
    reference: Identifier = Field(description="of the payment: booked once")


class PriceListCreate(Wire):
    """Prices from `from_ms` on, which lies ahead: yuan for a card-hour, tax included.

    Multipliers and tax are in permille.
    """

    id: Identifier
    from_ms: Annotated[Ms, Field(ge=0, le=MAX_MS)]
    on_demand: Annotated[dict[Identifier, Yuan], Field(min_length=1, max_length=1_000)] = Field(
        description="yuan a card-hour by device kind, tax included"
    )
    qos_permille: Annotated[
        dict[Literal["low", "normal", "high"], Permille], Field(min_length=3, max_length=3)
    ]
    class_permille: Annotated[dict[Identifier, Permille], Field(min_length=1, max_length=100)] = (
        Field(description="factor by class of tenant: 1000 is 1")
    )
    vat_permille: Annotated[int, Field(ge=0, le=1_000), BeforeValidator(whole)] = 60


class PriceListView(Wire):
    """A price list: yuan for a card-hour, tax included; multipliers and tax in permille."""

    id: str
    from_ms: Ms
    is_in_force: bool = Field(description="whether it holds now")
    on_demand: dict[str, str]
    not_in_park: list[str] = Field(
        default=[], description="of these kinds those that the park does not have, or not yet"
    )
    qos_permille: dict[str, int]
    class_permille: dict[str, int]
    vat_permille: int


class PriceLists(Wire):
    """All price lists, oldest first."""

    items: list[PriceListView]


class KeyCreate(Wire):
    """A key to make; the secret is shown once."""

    role: Literal["tenant", "operator", "finance", "agent"]
    tenant: Identifier | None = Field(default=None, description="for role tenant, and only there")
    centre: Identifier | None = Field(default=None, description="for role agent, and only there")
    label: Name = Field(default="key", description="what it is for")


class KeyView(Wire):
    """A key without its secret."""

    id: str = Field(description="the middle part of the key; no secret")
    role: str
    tenant: str | None
    centre: str | None = None
    label: str
    created_at_ms: Ms
    last_used_at_ms: Ms | None
    revoked_at_ms: Ms | None


class KeyCreated(KeyView):
    """The one moment at which the secret is shown."""

    secret: str = Field(description="the key itself")


class KeyList(Wire):
    """The keys that the caller may manage."""

    items: list[KeyView]


class NodeView(Wire):
    """A node and how it stands."""

    id: str
    centre: str
    pool: str
    device: str
    cards: int
    is_online: bool = Field(description="healthy and heard of")
    is_drained: bool = Field(default=False, description="in planned maintenance: nothing starts")
    drained_by: str | None = Field(
        default=None, description="whose key took it out; operators alone are told"
    )
    is_offered: bool = Field(default=True, description="false outside the hours of its pool")
    kept_out_until_ms: Ms | None = Field(
        default=None,
        description="two jobs in a row could not be started there: tried again then, or by resume",
    )


class NodesDrain(Wire):
    """Which nodes go into planned maintenance, or come back from it."""

    nodes: list[NodeName] = Field(default=[], max_length=10_000, description="ids of nodes")
    centre: Identifier | None = Field(default=None, description="or all nodes of a centre")


class NodeList(Wire):
    """Nodes in order of their names."""

    items: list[NodeView]


class CentreList(Wire):
    """Centres as the park file orders them."""

    items: list[CentreCapacity]


class DatasetView(Wire):
    """Data that jobs read."""

    id: str
    tenant: str | None = Field(description="whose it is; null: all may use it")
    size_bytes: int
    data_class: str | None = Field(description="null: it may be anywhere")
    centres: list[str] = Field(description="where it lies, whole")


class DatasetPut(Wire):
    """Where a dataset is from now on, and what it is."""

    size: ByteCount = Field(description="bytes, or with a unit such as `GB` or `TiB`")
    centres: Annotated[list[Identifier], Field(min_length=1, max_length=256)] = Field(
        description="where it lies, whole"
    )
    data_class: Identifier | None = Field(default=None, description="null: it may be anywhere")
    tenant: Identifier | None = Field(default=None, description="whose it is; null: all may use it")


class DataClassView(Wire):
    """A kind of data."""

    id: str
    name: str
    centres: list[str] = Field(description="where it may be held and processed")


class DatasetList(Wire):
    """The datasets that the caller may know, and all classes of data, as last declared."""

    items: list[DatasetView]
    classes: list[DataClassView]


class Accepted(Wire):
    """The leader has not said yet: ask for the thing itself a little later."""

    detail: str = Field(description="what will happen, and when")


class Me(Wire):
    """Who a key is."""

    key_id: str
    role: str
    label: str
    tenant: str | None
    centre: str | None


class ArchiveView(Wire):
    """An uploaded working directory."""

    sha256: str
    byte_count: int


class Health(Wire):
    """Whether this broker can serve: `database` and `leader` say what is missing."""

    status: Literal["ok", "failing", "unready"]
    database: str
    leader: str
