"""Device kinds: the SKUs that a park counts, leases and bills; accelerators, or cores of a CPU."""

from dataclasses import dataclass
from enum import StrEnum

CORES_VARIABLE = "BRAIN_CORES"
VISIBLE_DEVICES_VARIABLE = {
    "NPU": "ASCEND_RT_VISIBLE_DEVICES",
    "DCU": "HIP_VISIBLE_DEVICES",
    "GPU": "CUDA_VISIBLE_DEVICES",
    "CORE": CORES_VARIABLE,
}
"""The variable by which each vendor's runtime learns its devices, by Ray resource name.

No runtime reads that of cores; `taskset --cpu-list` does. Ray's own `CPU` is none of these: what
it counts is set to 0 everywhere.
"""


class Unit(StrEnum):
    """What a device of a kind is; cards and cores are never added up."""

    CARD = "card"
    CORE = "core"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceKind:
    """One SKU; `tflops_fp16` is a card's stated dense FP16 peak, and 0 of a core, with none."""

    id: str
    name: str
    vendor: str
    tflops_fp16: int
    memory_gb: int
    ray_resource: str
    unit: Unit = Unit.CARD

    @property
    def visible_devices_variable(self) -> str:
        return VISIBLE_DEVICES_VARIABLE[self.ray_resource]

    @property
    def share_tflops(self) -> int:
        """What it counts in fair share: a core as a card of 1 TFLOPS, or cores would be free."""
        return self.tflops_fp16 or 1
