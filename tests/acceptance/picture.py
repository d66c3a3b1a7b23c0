"""Takes the README's picture of the console: `python -m tests.acceptance.picture`.

A real broker, planner, database and browser over the default park. Its centres are simulated: a
night and a day of invented jobs pass in virtual time, then the page is opened in Chromium.
"""

import math
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import numpy as np
from PIL import Image
from sqlalchemy import Engine
from typing_extensions import override

from api.auth import Role, create_key
from api.clock import new_job_id, now_ms
from api.database import engine, migrate
from api.declaring import declare
from api.files.park_file import DEFAULT_PARK, ParkFile, load
from api.postgres import EmbeddedPostgres
from api.running.wiring import Broker, running, server
from api.settings import Settings
from cluster.driver import CentreReport, LaunchOrder
from cluster.simulated import SimulatedCentre
from scheduler.controller import Controller
from scheduler.facts.events import Submitted
from scheduler.facts.log import Request
from scheduler.model.job import Job, Priority
from scheduler.storage.rows import SUBMIT_PREFIX, put_jobs
from scheduler.storage.store import SqlLog, put_requests
from tests.acceptance.brokers import LiveCentre
from tests.acceptance.tab import Console, chromium

ROOT = Path(__file__).resolve().parent.parent.parent
PICTURE = ROOT / "docs" / "console.png"
WIDTH, HEIGHT = 1440, 1000
COLOURS = 256
SEED = 7
HOUR_MS = 3_600_000
PAST_MS = 26 * HOUR_MS
STEP_MS = 120_000
JOBS_PER_HOUR = 17
QUOTA_FACTOR = 10
"""The example tenants may hold a quarter of the park; here they could fill it."""


@dataclass(frozen=True, slots=True)
class Work:
    """A sort of job: who submits it, on what, and how long it takes about."""

    tenant_id: str
    name: str
    kinds: tuple[str, ...]
    cards: tuple[int, ...]
    hours: float
    priority: Priority = Priority.NORMAL


B3, A910, B4 = "ascend-910b3", "ascend-910a", "ascend-910b4"
K100, K100AI, BW = "hygon-k100", "hygon-k100-ai", "hygon-bw1000"
A800 = "nvidia-a800"
WORKS = (
    Work("t03", "工业大模型-预训练", (B3,), (512, 768, 1024), 9.0),
    Work("t04", "海洋预报大模型", (B3,), (256, 512, 1024), 7.0),
    Work("t04", "typhoon-ensemble", (K100AI,), (256, 512), 5.0),
    Work("t05", "ocean-wave-net", (K100AI, K100), (64, 128, 256), 4.0),
    Work("t06", "遥感影像分割", (K100AI,), (64, 128), 4.0),
    Work("t01", "家电语音助手-微调", (B3, A910), (64, 128, 256), 5.0),
    Work("t02", "recipe-llm-sft", (A910, B3), (32, 64), 3.0),
    Work("t07", "数字人-TTS", (A800,), (8, 16, 32), 3.0),
    Work("t08", "robot-policy-rl", (A800,), (16, 32, 64), 4.0),
    Work("t09", "surgical-seg", (A800, BW), (8, 16), 2.0),
    Work("t10", "焊点缺陷检测", (BW,), (16, 32, 64), 2.0),
    Work("t11", "路口信号优化", (K100,), (16, 32, 64), 3.0, Priority.LOW),
    Work("t12", "巡检图像检测", (BW, K100AI), (16, 32), 2.0),
    Work("t13", "video-reid", (K100AI,), (64, 128), 3.0),
    Work("t04", "eval-sweep", (B4,), (8, 16), 0.7, Priority.HIGH),
    Work("t03", "rag-embedding", (A910,), (16, 32), 1.5),
)


class ScenicCentre(LiveCentre):
    """A centre of the past: it moves by `advance` alone, until it `is_live`."""

    is_live = False

    @override
    def observe(self) -> CentreReport | None:
        return super().observe() if self.is_live else SimulatedCentre.observe(self)


class Scene:
    """A park with a past: `play` writes it, `served` goes on from it as a broker."""

    def __init__(self, database: Engine, folder: Path) -> None:
        self.database = database
        self.folder = folder
        self.random = Random(SEED)
        self.park_file = busy_park()
        self.now_ms = now_ms()
        self.begin_ms = self.now_ms - PAST_MS
        self.run_ms_by_id: dict[str, int] = {}
        self.centres = {
            centre.id: ScenicCentre(
                centre=centre, run_ms=self._run_ms, rng=self.random, now_ms=self.begin_ms
            )
            for centre in self.park_file.park.centres
        }

    def _run_ms(self, order: LaunchOrder) -> int:
        return self.run_ms_by_id[order.job_id]

    def play(self) -> None:
        """A day of the real controller, in virtual time."""
        with self.database.begin() as connection:
            declare(connection, self.park_file, self.begin_ms)
        arrivals = iter(self._arrivals())
        coming = next(arrivals)
        log = SqlLog(self.database, "")
        controller = Controller(log, self.centres)
        controller.lead(self.begin_ms)
        for at_ms in range(self.begin_ms, self.now_ms, STEP_MS):
            due = []
            while coming.submitted_at_ms <= at_ms:
                due.append(coming)
                coming = next(arrivals)
            self._submit(due, at_ms)
            for centre in self.centres.values():
                centre.advance(at_ms)
            controller.step(at_ms)
        log.resign(controller.epoch, self.now_ms)
        for centre in self.centres.values():
            centre.is_live = True

    def _submit(self, jobs: list[Job], at_ms: int) -> None:
        wishes = [Submitted(at_ms=job.submitted_at_ms, job=job) for job in jobs]
        requests = [Request(id=SUBMIT_PREFIX + wish.job.id, wish=wish) for wish in wishes]
        with self.database.begin() as connection:
            put_jobs(connection, wishes, at_ms)
            put_requests(connection, requests, at_ms)

    def _arrivals(self) -> Iterator[Job]:
        """Without end; more in the evening, when training is queued for the night."""
        at_ms = self.begin_ms + 60_000
        while True:
            hour = (at_ms / HOUR_MS + 8) % 24
            rate = JOBS_PER_HOUR * (1 + 0.45 * math.sin((hour - 13) / 24 * 2 * math.pi))
            at_ms += int(self.random.expovariate(rate) * HOUR_MS)
            yield self._job(at_ms)

    def _job(self, at_ms: int) -> Job:
        work = self.random.choice(WORKS)
        job_id = new_job_id(at_ms, self.random)
        run_ms = int(self.random.lognormvariate(math.log(work.hours), 0.5) * HOUR_MS)
        self.run_ms_by_id[job_id] = run_ms
        field_id = next(t.field for t in self.park_file.tenants if t.id == work.tenant_id)
        return Job(
            id=job_id,
            tenant_id=work.tenant_id,
            project="default",
            user="picture",
            name=work.name,
            field=field_id,
            command="torchrun train.py",
            device_count=self.random.choice(work.cards),
            device_kind_ids=work.kinds,
            limit_ms=int(run_ms * self.random.uniform(1.05, 2.0)) // 600_000 * 600_000 + 600_000,
            priority=work.priority,
            submitted_at_ms=at_ms,
        )

    @contextmanager
    def served(self) -> Iterator[tuple[str, str]]:
        """The broker's address, and an operator's key."""
        broker = Broker(Settings(data=self.folder), self.database, self.centres)
        with self.database.begin() as connection:
            key = create_key(connection, Role.OPERATOR, now_ms=now_ms(), label="operator").secret
        with running(broker, self.park_file), socket.create_server(("127.0.0.1", 0)) as listening:
            serving = server(broker)
            thread = threading.Thread(target=serving.run, kwargs={"sockets": [listening]})
            thread.start()
            try:
                yield f"http://127.0.0.1:{listening.getsockname()[1]}", key
            finally:
                broker.close()
                serving.should_exit = True
                thread.join()


def busy_park() -> ParkFile:
    park_file = load(DEFAULT_PARK)
    tenants = tuple(
        replace(tenant, max_cards=tenant.max_cards * QUOTA_FACTOR) for tenant in park_file.tenants
    )
    return replace(park_file, tenants=tenants)


def take(address: str, key: str, picture: Path) -> None:
    """Log in as an operator and keep what the window shows."""
    with chromium() as browser:
        context = browser.new_context(
            locale="zh-CN",
            color_scheme="light",
            timezone_id="Asia/Shanghai",
            viewport={"width": WIDTH, "height": HEIGHT},
        )
        console = Console(context.new_page(), address).log_in(key)
        console.page.wait_for_selector("#load-chart canvas, #load-chart svg")
        console.page.wait_for_timeout(6_000)  # the chart has drawn itself, events have come
        console.page.screenshot(path=picture, full_page=True)
        context.close()
    shrink(picture)


def shrink(picture: Path) -> None:
    """A third of the bytes: half a palette for the commonest colours, half for all the others."""
    with Image.open(picture) as opened:
        image = opened.convert("RGB")
    half = COLOURS // 2
    commonest = counted_colours(image)[: 3 * half]
    others = image.quantize(half, method=Image.Quantize.MAXCOVERAGE).getpalette() or []
    palette = Image.new("P", (1, 1))
    palette.putpalette(commonest + others[: 3 * half])
    image.quantize(palette=palette, dither=Image.Dither.NONE).save(picture, optimize=True)


def counted_colours(image: Image.Image) -> list[int]:
    """The red, green and blue of each colour, the commonest first."""
    pixels = np.asarray(image).reshape(-1, 3)
    colours, counts = np.unique(pixels, axis=0, return_counts=True)
    by_count: list[int] = colours[np.argsort(-counts, kind="stable")].flatten().tolist()
    return by_count


def main() -> None:
    picture = Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURE
    with (
        tempfile.TemporaryDirectory(prefix="brain-") as folder,
        EmbeddedPostgres(Path(folder) / "postgres", fsync="off") as postgres,
    ):
        migrate(postgres.url())
        database = engine(postgres.url())
        scene = Scene(database, Path(folder))
        scene.play()
        with scene.served() as (address, key):
            take(address, key, picture)
        database.dispose()


if __name__ == "__main__":
    main()
