"""Machines in a park file: device kinds, pools of nodes, and the centres that they stand in."""

from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from api.schemas.jobs import Wire
from api.schemas.values import Count, Identifier, Name, Text
from cluster.devices import DeviceKind, Unit
from cluster.hours import hours_of
from cluster.inventory import Centre, Park, Pool

NODE_COUNT_MAX = 100_000


def _one_line(text: str) -> str:
    if "\n" in text.strip() or "\t" in text:
        raise ValueError("must be one line")
    return text


Title = Annotated[Name, AfterValidator(_one_line)]


class DeviceKindEntry(Wire):
    """A device kind as the file has it; a core states no TFLOPS, a card always does."""

    id: Identifier
    name: Title
    vendor: Title
    unit: Unit = Unit.CARD
    tflops_fp16: Annotated[Count, Field(ge=0, le=1_000_000)]
    memory_gb: Annotated[Count, Field(ge=1, le=100_000)]
    ray_resource: Literal["NPU", "DCU", "GPU", "CORE"]

    @field_validator("tflops_fp16")
    @classmethod
    def _states(cls, tflops: int, info: ValidationInfo) -> int:
        unit = info.data.get("unit", Unit.CARD)
        if (tflops == 0) != (unit is Unit.CORE):
            raise ValueError(f"is {tflops} with unit: {unit}; a card states more than 0, a core 0")
        return tflops

    @field_validator("ray_resource")
    @classmethod
    def _is_of_unit(cls, name: str, info: ValidationInfo) -> str:
        unit = info.data.get("unit", Unit.CARD)
        if (name == "CORE") != (unit is Unit.CORE):
            raise ValueError(f"is {name} with unit: {unit}; CORE is for unit: core, and only that")
        return name

    def device_kind(self) -> DeviceKind:
        return DeviceKind(**self.model_dump())


class PoolEntry(Wire):
    """A pool as the file has it: `nodes` machines with `cards_per_node` cards each.

    `nodes_per_rack` left out: it has no racks. `hours` left out: it is offered at all times.
    `guarantees` are of its whole nodes, or of its whole racks.
    """

    id: Identifier
    device: Identifier
    nodes: Annotated[Count, Field(ge=1, le=NODE_COUNT_MAX)]
    cards_per_node: Annotated[Count, Field(ge=1, le=1_024)]
    nodes_per_rack: Annotated[Count, Field(ge=1, le=NODE_COUNT_MAX)] | None = None
    hours: Annotated[list[Text], Field(min_length=1, max_length=16)] | None = None
    guarantees: Literal["nodes", "racks"] = "nodes"
    use: Annotated[Text, Field(max_length=128)] = ""

    @field_validator("hours")
    @classmethod
    def _readable(cls, hours: list[str] | None) -> list[str] | None:
        return None if hours is None else list(hours_of(hours).texts)

    @model_validator(mode="after")
    def _agrees(self) -> "PoolEntry":
        if self.nodes_per_rack is not None and self.nodes_per_rack > self.nodes:
            raise ValueError(
                f"nodes_per_rack is {self.nodes_per_rack}, and pool {self.id} has {self.nodes} "
                "nodes: give at most as many, or leave it out where there are no racks"
            )
        if self.guarantees == "racks" and self.nodes_per_rack is None:
            raise ValueError(
                f"pool {self.id} has no racks to be guaranteed: give nodes_per_rack, or leave out "
                "guarantees: racks"
            )
        return self

    def pool(self, centre_id: str) -> Pool:
        return Pool(
            id=self.id,
            centre_id=centre_id,
            device_kind_id=self.device,
            node_count=self.nodes,
            cards_per_node=self.cards_per_node,
            use=self.use,
            nodes_per_rack=self.nodes_per_rack,
            hours=hours_of(self.hours) if self.hours else None,
            guarantees_racks=self.guarantees == "racks",
        )


class CentreEntry(Wire):
    """A centre as the file has it."""

    id: Identifier
    name: Title
    operator: Title
    stated_tflops: Annotated[Count, Field(ge=1, le=10**12)]
    pools: Annotated[list[PoolEntry], Field(min_length=1, max_length=256)]

    def centre(self) -> Centre:
        return Centre(
            id=self.id,
            name=self.name,
            operator=self.operator,
            stated_tflops=self.stated_tflops,
            pools=tuple(pool.pool(self.id) for pool in self.pools),
        )


def devices_text(park: Park, pools: Iterable[Pool]) -> tuple[str, str]:
    """How many cards and how many cores they have, in English and in Chinese."""
    count: Counter[bool] = Counter()
    for pool in pools:
        count[pool.device_kind_id in park.core_kind_ids] += pool.card_count
    cards, cores = count[False], count[True]
    if not cores:
        return f"{cards} cards", f"{cards} 张卡"
    return f"{cards} cards and {cores} cores", f"{cards} 张卡、{cores} 个核"
