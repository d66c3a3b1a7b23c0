"""The park file: what a park owns, whom it serves and at which prices, checked before use."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, ValidationError

import cluster
from accounting.money import MICROS_PER_YUAN, MS_PER_HOUR
from accounting.prices.rating import PERMILLE, PriceList
from api.entitling import entitlement
from api.files.park_data import DataClassEntry, DatasetEntry, LinkEntry
from api.files.park_machines import NODE_COUNT_MAX, CentreEntry, DeviceKindEntry, PoolEntry, Title
from api.files.yaml_text import YamlInvalid, read_yaml
from api.schemas.complaints import problem
from api.schemas.entitled import Entitled, Nodes
from api.schemas.jobs import Wire
from api.schemas.values import Count, Identifier, Text
from cluster.data_rules import DATASETS_MAX, data_problems
from cluster.inventory import Park
from cluster.park import SumMismatch, sum_mismatches
from scheduler.model.limits import limit_problems
from scheduler.model.promises import promise_problems
from scheduler.model.tenancy import Cohort, Project, Tenant
from scheduler.model.tree import Tree

PARKS_FOLDER = Path(cluster.__file__).parent / "parks"
DEFAULT_PARK = PARKS_FOLDER / "default.yaml"
LOCAL_PARK = PARKS_FOLDER / "local.yaml"

AMOUNT_YUAN_MAX = 1_000_000_000_000
HALF_LIFE_H_MAX = 366 * 24
ERRORS_SHOWN = 20

_AMOUNT = re.compile(r"\d{1,13}(\.\d{1,6})?")
_MULTIPLIER = re.compile(r"\d{1,3}(\.\d{1,3})?")


class ParkFileInvalid(Exception):
    """The file does not describe a park; the message names the file, what, and which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkFile:
    """A checked park; `opening_balances` maps a tenant to what it has paid in: micro-yuan."""

    park: Park
    cohorts: tuple[Cohort, ...] = ()
    tenants: tuple[Tenant, ...]
    projects: tuple[Project, ...] = ()
    price_lists: tuple[PriceList, ...]
    opening_balances: Mapping[str, int]

    @property
    def tree(self) -> Tree:
        """Its cohorts, tenants and projects."""
        tenants = {tenant.id: tenant for tenant in self.tenants}
        return Tree(tenants, self.cohorts, self.projects)


def load(path: Path | None = None) -> ParkFile:
    """The park in the file `path`, or the default park; raises `ParkFileInvalid`."""
    path = path or DEFAULT_PARK
    try:
        entry = ParkEntry.model_validate(read_yaml(path))
    except YamlInvalid as error:
        raise ParkFileInvalid(f"park file {error}") from None
    except ValidationError as error:
        raise _invalid(path, [_readable(detail) for detail in error.errors()]) from None
    found = list(_disagreements(entry))
    if found:
        raise _invalid(path, found)
    park = entry.park()
    declared = ParkFile(
        park=park,
        cohorts=tuple(cohort.cohort() for cohort in entry.cohorts),
        tenants=tuple(tenant.tenant() for tenant in entry.tenants),
        projects=tuple(one for tenant in entry.tenants for one in tenant.declared_projects()),
        price_lists=tuple(prices.price_list() for prices in entry.price_lists),
        opening_balances={tenant.id: tenant.opening_balance for tenant in entry.tenants},
    )
    found = [_as_text(mismatch) for mismatch in sum_mismatches(park)]
    found += promise_problems(declared.tree, park)
    found += limit_problems(declared.tree, park)
    found += data_problems(park, {tenant.id for tenant in declared.tenants})
    if found:
        raise _invalid(path, found)
    return declared


def _invalid(path: Path, found: list[str]) -> ParkFileInvalid:
    more = [f"and {len(found) - ERRORS_SHOWN} more"] if len(found) > ERRORS_SHOWN else []
    return ParkFileInvalid("\n  ".join([f"park file {path}:", *found[:ERRORS_SHOWN], *more]))


def _readable(detail: Mapping[str, object]) -> str:
    place = "".join(
        f"[{part}]" if isinstance(part, int) else f".{part}" for part in _location(detail)
    )
    return f"{place.lstrip('.') or 'the whole file'}: {problem(detail)}"


def _location(detail: Mapping[str, object]) -> tuple[object, ...]:
    location = detail["loc"]
    assert isinstance(location, tuple)
    return location


def _as_text(mismatch: SumMismatch) -> str:
    return (
        f"{mismatch.where}: stated_tflops is {mismatch.stated_tflops}, but its {mismatch.parts} "
        f"sum to {mismatch.sum_tflops} TFLOPS (difference {mismatch.difference_tflops:+})"
    )


def _micros(value: object) -> int:
    text = _plain_number(value, _AMOUNT, "an amount in yuan, such as 3.50, at most six decimals")
    micros = int(text * MICROS_PER_YUAN)
    if text > AMOUNT_YUAN_MAX:
        raise ValueError(f"an amount is at most {AMOUNT_YUAN_MAX} yuan")
    return micros


def _permille(value: object) -> int:
    text = _plain_number(value, _MULTIPLIER, "a factor, such as 0.90, at most three decimals")
    return int(text * PERMILLE)


def _plain_number(value: object, pattern: re.Pattern[str], what: str) -> Decimal:
    text = str(value) if isinstance(value, int | str | Decimal) else ""
    if not pattern.fullmatch(text):
        raise ValueError(f"needs {what}")
    return Decimal(text)


def _moment_ms(value: object) -> int:
    try:
        moment = datetime.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        raise ValueError("needs a time such as 2026-01-01T00:00:00+08:00") from None
    if moment.tzinfo is None:
        raise ValueError("needs a time with its offset, such as 2026-01-01T00:00:00+08:00")
    return int(moment.timestamp()) * 1_000


Amount = Annotated[int, BeforeValidator(_micros)]
Multiplier = Annotated[int, BeforeValidator(_permille), Field(ge=1, le=100 * PERMILLE)]
Moment = Annotated[int, BeforeValidator(_moment_ms), Field(ge=0)]
MaxCards = Annotated[Count, Field(ge=0, le=NODE_COUNT_MAX * 1_024)]
Weight = Annotated[Count, Field(ge=1, le=1_000_000)]


class FieldEntry(Wire):
    """An industry that work is reported by."""

    id: Identifier
    name: Title


class QosEntry(Wire):
    """What a job's priority does to its price."""

    low: Multiplier
    normal: Multiplier
    high: Multiplier


class PriceListEntry(Wire):
    """Prices from a moment on: yuan a card-hour, tax included."""

    id: Identifier
    from_ms: Moment = Field(alias="from")
    on_demand: Annotated[dict[Identifier, Amount], Field(min_length=1, max_length=256)]
    qos: QosEntry
    classes: Annotated[dict[Identifier, Multiplier], Field(min_length=1, max_length=64)]
    vat: Annotated[int, BeforeValidator(_permille), Field(ge=0, le=PERMILLE)] = 60

    def price_list(self) -> PriceList:
        return PriceList(
            id=self.id,
            from_ms=self.from_ms,
            on_demand=tuple(self.on_demand.items()),
            qos_permille=tuple(self.qos.model_dump().items()),
            class_permille=tuple(self.classes.items()),
            vat_permille=self.vat,
        )


class CohortEntry(Entitled):
    """Tenants that share as one, as the file has them."""

    id: Identifier
    name: Title
    weight: Weight = 100
    max_cards: MaxCards | None = None

    def cohort(self) -> Cohort:
        return Cohort(
            id=self.id,
            name=self.name,
            weight=self.weight,
            max_cards=self.max_cards,
            **entitlement(self),
        )


class ProjectEntry(Entitled):
    """A part of a tenant as the file has it."""

    id: Identifier
    name: Title
    weight: Weight = 100
    max_cards: MaxCards | None = None

    def project(self, tenant_id: str) -> Project:
        return Project(
            tenant_id=tenant_id,
            id=self.id,
            name=self.name,
            weight=self.weight,
            max_cards=self.max_cards,
            **entitlement(self),
        )


class TenantEntry(Entitled):
    """An enterprise, its quota and its money as the file has it."""

    id: Identifier
    name: Title
    type: Identifier
    field: Identifier
    price_class: Identifier = Field(alias="class")
    max_cards: MaxCards
    weight: Weight = 100
    cohort: Identifier | None = None
    nominal_nodes: Nodes = Field(default={})
    projects: Annotated[list[ProjectEntry], Field(max_length=1_000)] = Field(default=[])
    opening_balance: Amount = 0
    credit_limit: Amount = 0

    def tenant(self) -> Tenant:
        return Tenant(
            id=self.id,
            name=self.name,
            type=self.type,
            field=self.field,
            price_class=self.price_class,
            max_cards=self.max_cards,
            weight=self.weight,
            credit_limit_micros=self.credit_limit,
            cohort_id=self.cohort,
            nominal_nodes=tuple(sorted(self.nominal_nodes.items())),
            **entitlement(self),
        )

    def declared_projects(self) -> tuple[Project, ...]:
        return tuple(one.project(self.id) for one in self.projects)


class ParkEntry(Wire):
    """A whole park file; `logical` says that its cards are counters and not hardware."""

    id: Identifier
    name: Title
    note: Annotated[Text, Field(min_length=1, max_length=2_000)]
    logical: bool = False
    share_half_life_h: Annotated[Count, Field(ge=1, le=HALF_LIFE_H_MAX)] = 24
    stated_tflops: Annotated[Count, Field(ge=1, le=10**12)]
    device_kinds: Annotated[list[DeviceKindEntry], Field(min_length=1, max_length=256)]
    centres: Annotated[list[CentreEntry], Field(min_length=1, max_length=256)]
    fields: Annotated[list[FieldEntry], Field(min_length=1, max_length=256)]
    price_lists: Annotated[list[PriceListEntry], Field(min_length=1, max_length=1_000)]
    cohorts: Annotated[list[CohortEntry], Field(max_length=1_000)] = Field(default=[])
    tenants: Annotated[list[TenantEntry], Field(min_length=1, max_length=10_000)]
    data_classes: Annotated[list[DataClassEntry], Field(max_length=256)] = Field(default=[])
    datasets: Annotated[list[DatasetEntry], Field(max_length=DATASETS_MAX)] = Field(default=[])
    links: Annotated[list[LinkEntry], Field(max_length=32_768)] = Field(default=[])

    def park(self) -> Park:
        return Park(
            id=self.id,
            name=self.name,
            note=self.note.strip(),
            is_logical=self.logical,
            share_half_life_ms=self.share_half_life_h * MS_PER_HOUR,
            stated_tflops=self.stated_tflops,
            device_kinds=tuple(kind.device_kind() for kind in self.device_kinds),
            centres=tuple(centre.centre() for centre in self.centres),
            fields=tuple((field.id, field.name) for field in self.fields),
            data_classes=tuple(data_class.data_class() for data_class in self.data_classes),
            datasets=tuple(dataset.dataset() for dataset in self.datasets),
            links=tuple(link.link() for link in self.links),
        )


def _disagreements(entry: ParkEntry) -> Iterator[str]:
    """What each entry cannot see alone: names given twice, names of nothing, missing prices."""
    pools = [pool for centre in entry.centres for pool in centre.pools]
    yield from _twice("device kind", [kind.id for kind in entry.device_kinds])
    yield from _twice("centre", [centre.id for centre in entry.centres])
    yield from _twice("pool", [pool.id for pool in pools])
    yield from _twice("field", [field.id for field in entry.fields])
    yield from _twice("price list", [prices.id for prices in entry.price_lists])
    yield from _twice("cohort", [cohort.id for cohort in entry.cohorts])
    yield from _twice("tenant", [tenant.id for tenant in entry.tenants])
    for tenant in entry.tenants:
        yield from _twice(f"tenant {tenant.id}: project", [one.id for one in tenant.projects])
    yield from _twice("data class", [data_class.id for data_class in entry.data_classes])
    yield from _twice("dataset", [dataset.id for dataset in entry.datasets])
    yield from _unknown_kinds(entry, pools)
    yield from _unknown_fields(entry)
    yield from _unknown_cohorts(entry)
    yield from _missing_prices(entry, pools)
    node_count = sum(pool.nodes for pool in pools)
    if node_count > NODE_COUNT_MAX:
        yield f"the pools have {node_count} nodes, more than {NODE_COUNT_MAX}"


def _twice(what: str, names: list[str]) -> Iterator[str]:
    for name, count in Counter(names).items():
        if count > 1:
            yield f"{what} {name} is given {count} times"


def _unknown_kinds(entry: ParkEntry, pools: list[PoolEntry]) -> Iterator[str]:
    known = {kind.id for kind in entry.device_kinds}
    for pool in pools:
        if pool.device not in known:
            yield f"pool {pool.id}: device {pool.device} is not among device_kinds"
    for prices in entry.price_lists:
        for kind in sorted(prices.on_demand.keys() - known):
            yield f"price list {prices.id}: {kind} is not among device_kinds"


def _unknown_fields(entry: ParkEntry) -> Iterator[str]:
    known = {field.id for field in entry.fields}
    for tenant in entry.tenants:
        if tenant.field not in known:
            yield f"tenant {tenant.id}: field {tenant.field} is not among fields"


def _unknown_cohorts(entry: ParkEntry) -> Iterator[str]:
    known = {cohort.id for cohort in entry.cohorts}
    for tenant in entry.tenants:
        if tenant.cohort not in {None, *known}:
            yield f"tenant {tenant.id}: cohort {tenant.cohort} is not among cohorts"


def _missing_prices(entry: ParkEntry, pools: list[PoolEntry]) -> Iterator[str]:
    devices = {pool.device for pool in pools}
    price_classes = {tenant.price_class for tenant in entry.tenants}
    before: PriceListEntry | None = None
    for prices in entry.price_lists:
        for device in sorted(devices - prices.on_demand.keys()):
            yield f"price list {prices.id}: has no price for {device}"
        for price_class in sorted(price_classes - prices.classes.keys()):
            yield f"price list {prices.id}: has no multiplier for class {price_class}"
        if before is not None and prices.from_ms <= before.from_ms:
            yield f"price list {prices.id}: must begin after price list {before.id}"
        before = prices
