"""Data in a park file: its classes, the datasets and where they lie, and how fast they travel."""

from collections import Counter
from collections.abc import Collection, Iterator
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, Field

from api.schemas import Wire
from api.values import ByteCount, Identifier, Name
from cluster.datasets import DataClass, Dataset, Link
from cluster.inventory import Park

MBIT_PER_GBIT = 1_000
MAX_GBIT_PER_S = 100_000

_CentreIds = Annotated[list[Identifier], Field(min_length=1, max_length=256)]


def _mbit_per_s(value: object) -> int:
    is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    mbit = Decimal(str(value)) * MBIT_PER_GBIT if is_number else Decimal(0)
    if not 1 <= mbit <= MAX_GBIT_PER_S * MBIT_PER_GBIT or mbit != int(mbit):
        most = f"at most {MAX_GBIT_PER_S}, with at most three decimals"
        raise ValueError(f"needs Gbit/s, such as 10 or 0.5: {most}")
    return int(mbit)


class DataClassEntry(Wire):
    """A class of data as the file has it; `centres` left out: it may be anywhere."""

    id: Identifier
    name: Name
    centres: _CentreIds | None = None

    def data_class(self) -> DataClass:
        return DataClass(id=self.id, name=self.name, centre_ids=tuple(self.centres or ()))


class DatasetEntry(Wire):
    """A dataset as the file has it; `tenant` left out: all may use it."""

    id: Identifier
    size: ByteCount
    centres: _CentreIds
    data_class: Identifier | None = None
    tenant: Identifier | None = None

    def dataset(self) -> Dataset:
        return Dataset(
            id=self.id,
            size_bytes=int(self.size),
            centre_ids=tuple(self.centres),
            data_class=self.data_class,
            tenant_id=self.tenant,
        )


class LinkEntry(Wire):
    """A link as the file has it; `between` left out: any two centres that no other link names."""

    gbit_per_s: Annotated[int, BeforeValidator(_mbit_per_s)]
    between: Annotated[list[Identifier], Field(min_length=2, max_length=2)] | None = None

    def link(self) -> Link:
        return Link(mbit_per_s=self.gbit_per_s, centre_ids=tuple(sorted(self.between or ())))


def data_problems(park: Park, tenant_ids: Collection[str]) -> Iterator[str]:
    """What is wrong with the data of a park, whose names are each given once; empty if nothing."""
    for data_class in park.data_classes:
        yield from _unknown(park, f"data class {data_class.id}", data_class.centre_ids)
    yield from _link_problems(park)
    for dataset in park.datasets:
        yield from dataset_problems(park, dataset, tenant_ids)


def dataset_problems(park: Park, dataset: Dataset, tenant_ids: Collection[str]) -> Iterator[str]:
    """What is wrong with one dataset in this park."""
    where = f"dataset {dataset.id}"
    if dataset.tenant_id is not None and dataset.tenant_id not in tenant_ids:
        yield f"{where}: tenant {dataset.tenant_id} is not among tenants"
    unknown = list(_unknown(park, where, dataset.centre_ids))
    yield from unknown
    data_class = park.data_class_by_id.get(dataset.data_class or "")
    if dataset.data_class is not None and data_class is None:
        yield f"{where}: data_class {dataset.data_class} is not among data_classes"
        return
    allowed = data_class.centre_ids if data_class else ()
    for centre_id in dataset.centre_ids:
        if allowed and centre_id not in allowed:
            yield (
                f"{where}: centre {centre_id} holds it, and data of class {dataset.data_class} "
                f"may be in {', '.join(allowed)} alone"
            )
    if not unknown:
        yield from _unreachable(park, dataset, allowed or tuple(park.centre_by_id))


def _unreachable(park: Park, dataset: Dataset, centre_ids: tuple[str, ...]) -> Iterator[str]:
    for centre_id in centre_ids:
        held_in = dataset.centre_ids
        if centre_id in held_in or any(park.mbit_per_s(one, centre_id) for one in held_in):
            continue
        yield (
            f"dataset {dataset.id}: no link says how fast it comes to centre {centre_id}; "
            f"give one between {held_in[0]} and {centre_id}, or one without `between` for all"
        )


def _link_problems(park: Park) -> Iterator[str]:
    for link in park.links:
        ends = " and ".join(link.centre_ids)
        yield from _unknown(park, f"link between {ends}", link.centre_ids)
        if len(link.centre_ids) != len(set(link.centre_ids)):
            yield f"link between {ends}: it needs two centres"
    for centre_ids, count in Counter(link.centre_ids for link in park.links).items():
        if count > 1:
            named = f"between {' and '.join(centre_ids)}"
            which = named if centre_ids else "without `between`"
            yield f"a link {which} is given {count} times"


def _unknown(park: Park, where: str, centre_ids: Collection[str]) -> Iterator[str]:
    for centre_id in centre_ids:
        if centre_id not in park.centre_by_id:
            yield f"{where}: centre {centre_id} is not among centres"
