"""A centre on real Ray for tests: two nodes with four logical cards each.

Ray itself is not imported, which would cost each start of pytest a quarter of its time.
"""

import threading
from collections.abc import Callable
from typing import Unpack

from typing_extensions import TypedDict

from cluster.devices import DeviceKind
from cluster.driver import (
    AttemptPhase,
    AttemptReport,
    CentreReport,
    Driver,
    LaunchOrder,
    MemberOrder,
)
from cluster.inventory import Centre, Park, Pool

KIND = DeviceKind(
    id="ascend-910b3",
    name="Ascend 910B3",
    vendor="Huawei",
    tflops_fp16=313,
    memory_gb=64,
    ray_resource="NPU",
)
POOL = Pool(
    id="lsl-910b3",
    centre_id="lsl",
    device_kind_id=KIND.id,
    node_count=2,
    cards_per_node=4,
)
CENTRE = Centre(id="lsl", name="Laoshan", operator="", stated_tflops=2504, pools=(POOL,))
PARK = Park(
    id="test",
    name="Test",
    note="",
    is_logical=True,
    stated_tflops=2504,
    device_kinds=(KIND,),
    centres=(CENTRE,),
    fields=(),
)
NODE_IDS = tuple(node.id for node in POOL.nodes())
PATIENCE_S = 40.0
LOOK_S = 0.01


class OrderChanges(TypedDict, total=False):
    """What an order may have besides."""

    archive: str | None
    workdir: str | None
    checkpoint_dir: str | None
    checkpoint_signal: str | None


def order(
    attempt_id: str,
    command: str,
    *,
    members: int = 1,
    cards: int = 1,
    node_ids: tuple[str, ...] = NODE_IDS,
    env: tuple[tuple[str, str], ...] = (),
    **more: Unpack[OrderChanges],
) -> LaunchOrder:
    """An order for a gang whose members are spread over the nodes in turn."""
    return LaunchOrder(
        attempt_id=attempt_id,
        job_id=attempt_id.partition(".")[0],
        tenant_id="tenant",
        epoch=1,
        centre_id=CENTRE.id,
        device_kind_id=KIND.id,
        command=command,
        env=env,
        members=tuple(
            MemberOrder(
                rank=rank,
                local_rank=rank // len(node_ids),
                node_id=node_ids[rank % len(node_ids)],
                card_count=cards,
            )
            for rank in range(members)
        ),
        **more,
    )


def until(driver: Driver, is_so: Callable[[CentreReport], bool], what: str) -> CentreReport:
    """Wait for the centre to report it."""
    pause = threading.Event()
    for _ in range(int(PATIENCE_S / LOOK_S)):
        report = driver.observe()
        if report is not None and is_so(report):
            return report
        pause.wait(LOOK_S)
    raise AssertionError(f"after {PATIENCE_S:.0f} s still not {what}: {driver.observe()}")


def told(report: CentreReport, attempt_id: str) -> AttemptReport | None:
    return next((one for one in report.attempts if one.attempt_id == attempt_id), None)


def until_phase(driver: Driver, attempt_id: str, phase: AttemptPhase) -> AttemptReport:
    def is_so(report: CentreReport) -> bool:
        attempt = told(report, attempt_id)
        return attempt is not None and attempt.phase is phase

    attempt = told(until(driver, is_so, f"{attempt_id} {phase}"), attempt_id)
    assert attempt is not None
    return attempt


def until_running(driver: Driver, attempt_id: str) -> AttemptReport:
    return until_phase(driver, attempt_id, AttemptPhase.RUNNING)


def until_ended(driver: Driver, attempt_id: str) -> AttemptReport:
    return until_phase(driver, attempt_id, AttemptPhase.ENDED)


def until_online(driver: Driver, node_ids: tuple[str, ...] = NODE_IDS) -> CentreReport:
    wanted = set(node_ids)
    return until(driver, lambda report: report.online_node_ids == wanted, f"online: {wanted}")


def until_heard_again(driver: Driver) -> CentreReport:
    at_ms = until(driver, lambda _: True, "heard").heard_at_ms
    return until(driver, lambda report: report.heard_at_ms > at_ms, "heard again")
