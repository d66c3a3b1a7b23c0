"""Device kinds: the SKUs of accelerator that a park counts, leases and bills."""

from dataclasses import dataclass

VISIBLE_DEVICES_VARIABLE = {
    "NPU": "ASCEND_RT_VISIBLE_DEVICES",
    "DCU": "HIP_VISIBLE_DEVICES",
    "GPU": "CUDA_VISIBLE_DEVICES",
}
"""The variable by which each vendor's runtime learns its devices, by Ray resource name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceKind:
    """One SKU of accelerator; `tflops_fp16` is its stated dense FP16 peak."""

    id: str
    name: str
    vendor: str
    tflops_fp16: int
    memory_gb: int
    ray_resource: str

    @property
    def visible_devices_variable(self) -> str:
        return VISIBLE_DEVICES_VARIABLE[self.ray_resource]
