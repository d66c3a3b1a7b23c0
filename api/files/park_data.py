"""Data in a park file: its classes, the datasets and where they lie, and how fast they travel."""

from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, Field

from api.schemas.jobs import Wire
from api.schemas.values import ByteCount, Identifier, Name
from cluster.datasets import DataClass, Dataset, Link

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
