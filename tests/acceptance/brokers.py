"""A whole broker for tests: real database, real leader, centres that exist in virtual time."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from fastapi.testclient import TestClient
from httpx2 import Response
from typing_extensions import override

from accounting.prices.rating import PriceList
from api.auth import Role, create_key
from api.clock import now_ms
from api.database import engine
from api.files.park_file import ParkFile
from api.running.wiring import Broker, running
from api.settings import Settings
from cluster.datasets import DataClass, Dataset, Link
from cluster.devices import DeviceKind
from cluster.driver import CentreReport, LaunchOrder
from cluster.inventory import Centre, Park, Pool
from cluster.simulated import SimulatedCentre
from scheduler.controller import Settings as LoopSettings
from scheduler.model.tenancy import Tenant

ASCEND = DeviceKind(
    id="ascend-910b3",
    name="昇腾 910B3",
    vendor="Huawei",
    tflops_fp16=313,
    memory_gb=64,
    ray_resource="NPU",
)
HYGON = DeviceKind(
    id="hygon-k100-ai",
    name="海光 K100 AI",
    vendor="Hygon",
    tflops_fp16=200,
    memory_gb=64,
    ray_resource="DCU",
)
EAST = Centre(
    id="east",
    name="东区中心",
    operator="east",
    stated_tflops=16 * 313,
    pools=(
        Pool(
            id="east-910b3",
            centre_id="east",
            device_kind_id=ASCEND.id,
            node_count=2,
            cards_per_node=8,
        ),
    ),
)
WEST = Centre(
    id="west",
    name="西区中心",
    operator="west",
    stated_tflops=8 * 200,
    pools=(
        Pool(
            id="west-k100",
            centre_id="west",
            device_kind_id=HYGON.id,
            node_count=1,
            cards_per_node=8,
        ),
    ),
)
PARK = Park(
    id="small",
    name="小园区",
    note="for tests",
    is_logical=True,
    stated_tflops=EAST.stated_tflops + WEST.stated_tflops,
    device_kinds=(ASCEND, HYGON),
    centres=(EAST, WEST),
    fields=(("manufacturing", "制造"), ("ocean", "海洋")),
    data_classes=(DataClass(id="medical", name="医疗数据", centre_ids=("east",)),),
    datasets=(
        Dataset(
            id="scans",
            size_bytes=10**12,
            centre_ids=("east",),
            data_class="medical",
            tenant_id="steel",
        ),
        Dataset(id="web", size_bytes=90 * 10**9, centre_ids=("west",)),
    ),
    links=(Link(mbit_per_s=1_000),),
)
TENANTS = tuple(
    Tenant(
        id=name,
        name=f"企业 {name}",
        type="enterprise",
        field="manufacturing",
        price_class="standard",
        max_cards=24,
    )
    for name in ("steel", "fish", "poor")
)
PRICES = PriceList(
    id="2026",
    from_ms=0,
    on_demand=((ASCEND.id, 3_500_000), (HYGON.id, 2_800_000)),
    qos_permille=(("low", 500), ("normal", 1_000), ("high", 1_500)),
    class_permille=(("standard", 1_000),),
)
PARK_FILE = ParkFile(
    park=PARK,
    tenants=TENANTS,
    price_lists=(PRICES,),
    opening_balances={"steel": 10**12, "fish": 10**12},
)


def run_ms(order: LaunchOrder) -> int:
    """A job `sleep 5` runs for 5 virtual seconds, any other for a tenth of one."""
    words = order.command.split()
    return int(float(words[1]) * 1_000) if words[0] == "sleep" else 100


class LiveCentre(SimulatedCentre):
    """A simulated centre that moves on with the clock whenever it is looked at."""

    _lock = threading.RLock()

    @override
    def observe(self) -> CentreReport | None:
        with self._lock:
            self.advance(max(self.now_ms, now_ms()))
            return super().observe()

    @override
    def launch(self, order: LaunchOrder) -> None:
        with self._lock:
            super().launch(order)

    @override
    def stop(self, attempt_id: str, grace_ms: int) -> None:
        with self._lock:
            super().stop(attempt_id, grace_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A broker that runs, and a client of it for each key."""

    broker: Broker
    centres: dict[str, LiveCentre]
    keys: dict[str, str]
    clients: dict[str, TestClient] = field(default_factory=dict)

    def __getattr__(self, name: str) -> TestClient:
        """`served.steel` speaks with the key of that name; `served.nobody` with none."""
        if name.startswith("_"):
            raise AttributeError(name)
        if name not in self.clients:
            key = self.keys.get(name)
            headers = {"Authorization": f"Bearer {key}"} if key else {}
            self.clients[name] = TestClient(
                self.broker.app, headers=headers, raise_server_exceptions=False
            )
        return self.clients[name]


@contextmanager
def served(
    database_url: str, tmp_path: Path, seed: int = 1, park_file: ParkFile = PARK_FILE
) -> Iterator[Served]:
    """A broker with three tenants' keys, an operator's, finance's, and one agent's."""
    database = engine(database_url)
    random = Random(seed)
    centres = {
        centre.id: LiveCentre(centre=centre, run_ms=run_ms, rng=random, now_ms=now_ms())
        for centre in park_file.park.centres
    }
    settings = Settings(data=tmp_path)
    broker = Broker(settings, database, centres, LoopSettings(is_checked=True))
    with database.begin() as connection:
        keys = {
            name: create_key(
                connection,
                role,
                now_ms=now_ms(),
                label=name,
                tenant_id=name if role is Role.TENANT else None,
                centre_id="east" if role is Role.AGENT else None,
            ).secret
            for name, role in (
                *((tenant.id, Role.TENANT) for tenant in TENANTS),
                ("operator", Role.OPERATOR),
                ("finance", Role.FINANCE),
                ("agent", Role.AGENT),
            )
        }
    try:
        with running(broker, park_file):
            park = Served(broker=broker, centres=centres, keys=keys)
            await_that(lambda: park.nobody.get("/readyz").status_code == 200)
            await_that(lambda: capacity(park)["online_tflops"] == park_file.park.stated_tflops)
            yield park
    finally:
        database.dispose()


def capacity(park: Served) -> dict[str, Any]:
    body: dict[str, Any] = park.operator.get("/v1/capacity").json()
    return body


def job(**changes: Any) -> dict[str, Any]:
    """A job of one card that soon succeeds, but for what differs."""
    return {"command": "true", "devices": 1, **changes}


def submitted(client: TestClient, **changes: Any) -> str:
    answer = client.post("/v1/jobs", json=job(**changes))
    assert answer.status_code == 201, answer.text
    job_id: str = answer.json()["id"]
    return job_id


def newcomer(park: Served, tenant_id: str) -> TestClient:
    """A user of the tenant who has run nothing yet: what is foretold goes by its limits."""
    label = f"new-{len(park.clients)}"
    wanted = {"role": "tenant", "tenant": tenant_id, "label": label}
    park.keys[label] = park.operator.post("/v1/keys", json=wanted).json()["secret"]
    return getattr(park, label)  # type: ignore[no-any-return]


def state_of(client: TestClient, job_id: str) -> str:
    state: str = client.get(f"/v1/jobs/{job_id}").json()["state"]
    return state


def await_state(client: TestClient, job_id: str, *states: str) -> dict[str, Any]:
    """The job, once it stands in one of these states."""
    await_that(lambda: state_of(client, job_id) in states)
    body: dict[str, Any] = client.get(f"/v1/jobs/{job_id}").json()
    return body


def await_that(holds: Any, timeout_s: float = 30.0) -> None:
    """Wait for another thread's work, for as long as a slow machine may take."""
    pause = threading.Event()
    for _ in range(int(timeout_s / 0.02)):
        if holds():
            return
        pause.wait(0.02)
    raise AssertionError("it did not come to hold in time")


def problem_of(answer: Response, status: int) -> dict[str, Any]:
    """The problem of an answer that is one, in the shape that all have."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["status"] == status
    assert body["title"]
    assert "Traceback" not in answer.text
    return body


def refusal(park: Served, **changes: Any) -> tuple[str, str]:
    """The field that is wrong, and what is."""
    problem = problem_of(park.steel.post("/v1/jobs", json=job(**changes)), 422)
    (error,) = problem["errors"]
    return error["field"], error["problem"]


def fields_of(problem: dict[str, Any]) -> Sequence[str]:
    return [error["field"] for error in problem.get("errors", [])]
