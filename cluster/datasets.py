"""What a park says of data: where it lies, where it may be, and how fast it comes elsewhere."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class DataClass:
    """A kind of data, and the centres that may hold and process it; empty: any."""

    id: str
    name: str
    centre_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Data that lies whole in each of its centres.

    `tenant_id` None is data that all may use, `data_class` None data that may be anywhere.
    """

    id: str
    size_bytes: int
    centre_ids: tuple[str, ...]
    data_class: str | None = None
    tenant_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """How fast data comes from one of two centres to the other; empty: any two not named."""

    mbit_per_s: int
    centre_ids: tuple[str, ...] = ()
