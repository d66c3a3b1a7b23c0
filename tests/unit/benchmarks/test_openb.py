"""How full a cluster is packed: small machines, worked out by hand."""

import json
from pathlib import Path
from random import Random

import pytest

from benchmarks.__main__ import main
from benchmarks.openb_pods import Machine, Pod, arrivals
from benchmarks.packing import BestFit, FirstFit, Packer, Placement

SMALL = Machine(device_type="T4", device_count=2, cpu_milli=8_000, memory_mib=8_000)
LARGE = Machine(device_type="G2", device_count=4, cpu_milli=64_000, memory_mib=64_000)
ALL = (Placement, BestFit, FirstFit)


def a_pod(gpus: int = 1, milli: int = 1_000, cpu: int = 1_000, memory: int = 1) -> Pod:
    return Pod(gpu_count=gpus, gpu_milli=milli, cpu_milli=cpu, memory_mib=memory)


def left(packer: Packer) -> list[list[int]]:
    return [machine.gpus_milli for machine in packer.left]


@pytest.mark.parametrize("packer", ALL)
def test_parts_of_a_gpu_share_it_and_several_are_on_one_machine(packer: type[Packer]) -> None:
    packed = packer((SMALL, SMALL, LARGE))

    for pod in (a_pod(milli=600), a_pod(milli=600), a_pod(milli=400), a_pod(gpus=4), a_pod(gpus=4)):
        packed.put(pod)

    assert packed.allocated_milli == 5_600
    assert left(packed) == [[0, 400], [1_000, 1_000], [0, 0, 0, 0]]
    apart = packer((SMALL, SMALL))
    apart.put(a_pod(gpus=4))
    assert apart.allocated_milli == 0, "no two machines"


@pytest.mark.parametrize("packer", ALL)
def test_a_machine_without_processors_or_memory_is_left_out(packer: type[Packer]) -> None:
    packed = packer((SMALL, LARGE))

    for pod in (a_pod(cpu=8_000), a_pod(), a_pod(memory=64_000), a_pod(cpu=0, memory=0)):
        packed.put(pod)

    assert left(packed) == [[0, 0], [0, 1_000, 1_000, 1_000]]


def test_the_placement_keeps_large_machines_for_large_pods() -> None:
    first, placed = FirstFit((LARGE, SMALL)), Placement((LARGE, SMALL))

    for packed in (first, placed):
        packed.put(a_pod())
        packed.put(a_pod(gpus=4))

    assert (first.allocated_milli, placed.allocated_milli) == (1_000, 5_000)


def test_who_asks_for_no_gpu_takes_processors_all_the_same() -> None:
    placed = Placement((SMALL,))

    placed.put(a_pod(gpus=0, milli=0, cpu=8_000))
    placed.put(a_pod())

    assert placed.allocated_milli == 0


def test_pods_come_until_enough_was_asked_for() -> None:
    pods = (a_pod(), a_pod(milli=500))

    drawn = arrivals(pods, 10_000, 130, Random(1))

    asked = sum(pod.all_milli for pod in drawn)
    assert 13_000 <= asked < 14_000
    assert set(drawn) == set(pods)
    assert drawn == arrivals(pods, 10_000, 130, Random(1))
    assert drawn != arrivals(pods, 10_000, 130, Random(2))
    each = tuple(a_pod(milli=milli) for milli in range(100, 1_000, 100))
    mixed = arrivals(each, 1, 100, Random(1))
    assert mixed != each, "in an order of their own"
    assert {*mixed} == {*each}


def test_the_report_has_a_line_for_each_packer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nodes, pods, others = (tmp_path / f"{name}.csv" for name in ("nodes", "pods", "others"))
    nodes.write_text("device_type,devices,cpu_milli,memory_mib\nT4,2,8000,8000\n", "utf-8")
    pods.write_text("num_gpu,gpu_milli,cpu_milli,memory_mib\n1,600,1000,1\n", "utf-8")
    others.write_text(
        "workload,sc_policy,alloc_pct_at_130\n"
        "openb_pod_list_default,06-FGD,95\nopenb_pod_list_default,06-FGD,96\nelse,06-FGD,1\n",
        "utf-8",
    )
    files = ["--nodes", str(nodes), "--pods", str(pods), "--expected", str(others)]

    assert main(["openb", *files, "--json"]) == 0

    report = json.loads(capsys.readouterr().out)
    lines = {line["packer"]: line["allocated_percent"] for line in report["packers"]}
    assert lines == {
        "placement": 60,
        "best fit": 60,
        "first fit": 60,
        "placement, cards alone": 60,
        "best fit, cards alone": 60,
        "placement, whole cards": 100,
        "FGD, published": 95.5,
    }
    pods.write_text("num_gpu,gpu_milli,cpu_milli,memory_mib\n1,few,1000,1\n", "utf-8")
    assert main(["openb", *files]) == 2
    assert "line 2" in capsys.readouterr().err
