"""Who gets which GPUs of which machine: this project's placement, and two plain peers.

To the placement a GPU is a node of a thousand cards and a machine a rack of such nodes. So a part
of a GPU is a gang on one node, and several GPUs are whole nodes in one rack: it decides as it would
for jobs. Processors and memory it does not know: it is offered the machines with enough of them.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from typing_extensions import override

from benchmarks.openb_pods import MILLI, Machine, Pod
from benchmarks.workload import DEVICE
from cluster.inventory import Centre, Park, Pool
from scheduler.model.job import Topology
from scheduler.placing.placement import Fit, Shape, candidate_pools, fit
from scheduler.placing.racks import free_cards


@dataclass(slots=True)
class Left:
    """What is left of a machine."""

    machine: Machine
    cpu_milli: int
    memory_mib: int
    gpus_milli: list[int]

    def has_room(self, pod: Pod) -> bool:
        """Whether it has the processors and the memory."""
        return self.cpu_milli >= pod.cpu_milli and self.memory_mib >= pod.memory_mib

    def tightest(self, pod: Pod) -> list[int] | None:
        """Of its GPUs the fullest that suffice; None where they do not."""
        enough = [at for at, milli in enumerate(self.gpus_milli) if milli >= pod.gpu_milli]
        if len(enough) < pod.gpu_count:
            return None
        return sorted(enough, key=lambda at: self.gpus_milli[at])[: pod.gpu_count]

    def take(self, pod: Pod, gpus: list[int]) -> None:
        self.cpu_milli -= pod.cpu_milli
        self.memory_mib -= pod.memory_mib
        for at in gpus:
            self.gpus_milli[at] -= pod.gpu_milli
            assert self.gpus_milli[at] >= 0, "a GPU is given twice"
        assert min(self.cpu_milli, self.memory_mib) >= 0, "a machine is given twice"


class Packer(ABC):
    """Pods come one by one; who finds no room is gone, and nobody leaves."""

    def __init__(self, machines: tuple[Machine, ...]) -> None:
        self.left = [
            Left(one, one.cpu_milli, one.memory_mib, [MILLI] * one.device_count) for one in machines
        ]
        self.allocated_milli = 0

    def put(self, pod: Pod) -> None:
        found = self.find(pod)
        if found is not None:
            machine, gpus = found
            machine.take(pod, gpus)
            self.allocated_milli += pod.all_milli

    @abstractmethod
    def find(self, pod: Pod) -> tuple[Left, list[int]] | None:
        """A machine with room, and which of its GPUs; None where there is none."""

    def rooms(self, pod: Pod) -> Iterator[tuple[Left, list[int]]]:
        for machine in self.left:
            if machine.has_room(pod) and (gpus := machine.tightest(pod)) is not None:
                yield machine, gpus


class FirstFit(Packer):
    """The first machine with room, in the order of the file."""

    @override
    def find(self, pod: Pod) -> tuple[Left, list[int]] | None:
        return next(self.rooms(pod), None)


class BestFit(Packer):
    """The machine with least left, processors and GPUs each against the most that one has."""

    def __init__(self, machines: tuple[Machine, ...]) -> None:
        super().__init__(machines)
        self._cpu_most = max(one.cpu_milli for one in machines)
        self._gpu_most = max(one.device_count for one in machines) * MILLI

    @override
    def find(self, pod: Pod) -> tuple[Left, list[int]] | None:
        return min(self.rooms(pod), key=lambda room: self._left(room[0]), default=None)

    def _left(self, machine: Left) -> float:
        cpus, gpus = machine.cpu_milli, sum(machine.gpus_milli)
        return cpus / self._cpu_most + gpus / self._gpu_most


class Placement(Packer):
    """What this project would do; pools in an order of preference that a park file could have."""

    def __init__(self, machines: tuple[Machine, ...]) -> None:
        super().__init__(machines)
        alike: dict[Machine, list[Left]] = {}
        for one in sorted(self.left, key=lambda one: _preference(one.machine)):
            alike.setdefault(one.machine, []).append(one)
        self._park = _park(alike)
        self._places = {
            pool.id: dict(zip(self._park.node_ids(pool.id), _gpus(lefts), strict=True))
            for pool, lefts in zip(self._park.pools, alike.values(), strict=True)
        }
        self._fits: dict[Shape, list[tuple[Pool, Fit]]] = {}

    @override
    def find(self, pod: Pod) -> tuple[Left, list[int]] | None:
        if not pod.gpu_count:
            return next(self.rooms(pod), None)
        for pool, wanted in self._pools(pod):
            places = self._places[pool.id]
            shares = free_cards(self._park, pool, _offered(places, pod)).find(wanted)
            if shares is not None:
                found = [places[share.node_id] for share in shares]
                return found[0][0], [at for _, at in found]
        return None

    def _pools(self, pod: Pod) -> list[tuple[Pool, Fit]]:
        """Those that could hold it, in the order in which the planner would ask."""
        shape = Shape(
            device_kind_ids=(),
            centre_ids=(),
            device_count=pod.all_milli,
            node_count=pod.gpu_count,
            member_count=None,
            topology=Topology.RACK,
        )
        if shape not in self._fits:
            answers = [(pool, fit(shape, pool)) for pool in candidate_pools(shape, self._park)]
            self._fits[shape] = [(p, wanted) for p, wanted in answers if isinstance(wanted, Fit)]
        return self._fits[shape]


def _preference(machine: Machine) -> tuple[int, int, str]:
    """Small machines first, and of equals those with most processors for each GPU."""
    return machine.device_count, -machine.cpu_milli // machine.device_count, machine.device_type


def _gpus(lefts: list[Left]) -> Iterator[tuple[Left, int]]:
    for left in lefts:
        for at in range(left.machine.device_count):
            yield left, at


def _offered(places: dict[str, tuple[Left, int]], pod: Pod) -> Iterator[tuple[str, int]]:
    """What is left of the GPUs of machines with the processors and memory, where it suffices."""
    for node_id, (left, at) in places.items():
        milli = left.gpus_milli[at]
        if milli >= pod.gpu_milli and left.has_room(pod):
            yield node_id, milli


def _park(alike: dict[Machine, list[Left]]) -> Park:
    """One centre, and a pool for machines that are alike."""
    pools = tuple(
        Pool(
            id=f"p{number}",
            centre_id="centre",
            device_kind_id=DEVICE.id,
            node_count=len(lefts) * machine.device_count,
            cards_per_node=MILLI,
            nodes_per_rack=machine.device_count,
        )
        for number, (machine, lefts) in zip(count(), alike.items(), strict=False)
    )
    stated = sum(pool.card_count for pool in pools)
    centre = Centre(id="centre", name="-", operator="-", stated_tflops=stated, pools=pools)
    return Park(
        id="openb",
        name="openb",
        note="for packing",
        is_logical=True,
        stated_tflops=stated,
        device_kinds=(DEVICE,),
        centres=(centre,),
        fields=(),
    )
