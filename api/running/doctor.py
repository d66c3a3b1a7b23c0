"""What `brain doctor` looks at, and what to do about what it finds."""

import importlib.metadata
import shutil
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import psutil
from pydantic import ValidationError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from accounting.money import yuan_of_micros
from accounting.prices.rating import PriceList
from api.chinese import chinese
from api.cli.language import both, counted
from api.cli.terminal import clock_text, told_here
from api.client.profile import ProfileInvalid, read_profile
from api.database import BadDatabaseUrl, engine
from api.files.park_file import ParkFileInvalid, load
from api.files.park_machines import devices_text
from api.running.priced import Units, price_warnings, unheld
from api.schemas.administration import Health, NodeView
from api.schemas.capacity import CentreCapacity
from api.sdk import ApiError, Client
from api.settings import Settings
from cluster.inventory import Park
from scheduler.model.promises import promise_warnings

PYTHON_MIN = (3, 11)
MEMORY_NEEDED = 3 << 30
DISK_NEEDED = 2 << 30
TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at; `fix` says what to do where it is not well."""

    name: str
    is_well: bool
    text: str
    fix: str = ""


def examine(settings: Settings) -> Iterator[Finding]:
    """Everything in the order in which it is needed; what a file and a broker say alike, once."""
    yield from dict.fromkeys(_examined(settings))


def _examined(settings: Settings) -> Iterator[Finding]:
    yield _python()
    yield _ray()
    yield _memory()
    yield _disk(settings.data)
    yield from _park(settings.park)
    yield _database(settings)
    try:
        profile = read_profile(settings.data)
    except ProfileInvalid as error:
        fix = both("then start `brain up` again", "然后重新运行 `brain up`")
        yield Finding(name=both("keys", "密钥"), is_well=False, text=str(error), fix=fix)
        return
    key = settings.api_key.get_secret_value() if settings.api_key else None
    key = key or (profile.keys.get("operator") if profile else None)
    url = settings.url if "url" in settings.model_fields_set or not profile else profile.url
    yield from _broker(url, key)


def _python() -> Finding:
    version = ".".join(str(part) for part in sys.version_info[:3])
    return Finding(
        name="Python",
        is_well=sys.version_info >= PYTHON_MIN,
        text=version,
        fix=both("install Python 3.11 or newer", "请安装 Python 3.11 或更新版本"),
    )


def _ray() -> Finding:
    try:
        version = importlib.metadata.version("ray")
    except importlib.metadata.PackageNotFoundError:
        version = ""
    return Finding(
        name="Ray",
        is_well=bool(version),
        text=version or both("not installed", "未安装"),
        fix=both("install it: make .venv/.ok", "请安装：make .venv/.ok"),
    )


def _memory() -> Finding:
    free = psutil.virtual_memory().available
    return Finding(
        name=both("memory", "内存"),
        is_well=free >= MEMORY_NEEDED,
        text=both(f"{free / (1 << 30):.1f} GiB free", f"可用 {free / (1 << 30):.1f} GiB"),
        fix=both(
            "the local park needs 3 GiB: three Ray clusters",
            "本机园区需要 3 GiB：三个 Ray 集群",
        ),
    )


def _disk(data: Path) -> Finding:
    place = next(folder for folder in (data, *data.parents) if folder.exists())
    free = shutil.disk_usage(place).free
    return Finding(
        name=both("disk", "磁盘"),
        is_well=free >= DISK_NEEDED,
        text=both(
            f"{free / (1 << 30):.1f} GiB free in {data}", f"{data} 可用 {free / (1 << 30):.1f} GiB"
        ),
        fix=both("free some space, or set BRAIN_DATA", "请清理空间，或设置 BRAIN_DATA"),
    )


def _park(path: Path | None) -> Iterator[Finding]:
    try:
        park_file = load(path)
    except ParkFileInvalid as error:
        name, fix = both("park file", "园区文件"), "docs/park-file.md"
        yield Finding(name=name, is_well=False, text=told_here(str(error)), fix=fix)
        return
    yield _which_park(path, park_file.park)
    yield _prices(*_listed(park_file.price_lists[-1]), _units(park_file.park))
    if found := [*promise_warnings(park_file.tree, park_file.park)]:
        yield Finding(
            name=both("quotas", "配额"),
            is_well=False,
            text=both("; ".join(found), "；".join(chinese(one) or one for one in found)),
            fix=both(
                "name both quotas in cards of the kind, or both in TFLOPS alone",
                "请将上下级配额都按该型号的卡数填写，或都只按算力（TFLOPS）填写",
            ),
        )


def _which_park(path: Path | None, park: Park) -> Finding:
    name = both("park file", "园区文件")
    if path is None:
        text = both(
            "BRAIN_PARK is not set: `brain up` takes the local park, `brain serve` the default one",
            "未设置 BRAIN_PARK：`brain up` 使用本机园区，`brain serve` 使用默认园区",
        )
        return Finding(name=name, is_well=True, text=text)
    count, (cards, cards_zh) = len(park.centres), devices_text(park, park.pools)
    centres = counted(count, "centre")
    text = both(f"{park.id}: {centres}, {cards}", f"{park.id}：{count} 个中心，{cards_zh}")
    return Finding(name=name, is_well=True, text=text)


def _listed(prices: PriceList) -> tuple[str, dict[str, str]]:
    return prices.id, {kind_id: yuan_of_micros(micros) for kind_id, micros in prices.on_demand}


def _units(park: Park) -> Units:
    kinds = (park.device_kind_by_id[pool.device_kind_id] for pool in park.pools)
    return {kind.id: kind.unit.value for kind in kinds}


def _prices(list_id: str, yuan: Mapping[str, str], units: Units) -> Finding:
    """Of a list that is in force or to come."""
    found = [*price_warnings(list_id, yuan, units)]
    told = list_id
    if others := unheld(yuan, units):
        kinds = ", ".join(others)
        told += both(f"; of no pool: {kinds}", f"；无资源池的型号：{kinds}")
    return Finding(
        name=both("prices", "价格"),
        is_well=not found,
        text=both("; ".join(found), "；".join(chinese(one) or one for one in found)) or told,
        fix=both(
            "a list never changes: publish a later one (brain prices publish)",
            "价格表发布后不改变：请发布之后生效的价格表（brain prices publish）",
        ),
    )


def _database(settings: Settings) -> Finding:
    name = both("database", "数据库")
    if settings.database_url is None:
        is_there = shutil.which("unshare") is not None or shutil.which("setpriv") is not None
        return Finding(
            name=name,
            is_well=is_there,
            text=both("embedded PostgreSQL", "内置 PostgreSQL"),
            fix=both(
                "install util-linux, or set BRAIN_DATABASE_URL",
                "请安装 util-linux，或设置 BRAIN_DATABASE_URL",
            ),
        )
    fix = both("check BRAIN_DATABASE_URL and the server", "请检查 BRAIN_DATABASE_URL 与服务器")
    try:
        database = engine(settings.database_url.get_secret_value())
        with database.connect() as connection:
            version = str(connection.scalar(text("SHOW server_version")))
        database.dispose()
    except (BadDatabaseUrl, SQLAlchemyError) as error:
        return Finding(name=name, is_well=False, text=str(error).splitlines()[0], fix=fix)
    return Finding(name=name, is_well=True, text=f"PostgreSQL {version}")


def _broker(url: str, key: str | None) -> Iterator[Finding]:
    name = both("broker", "调度服务")
    address = urlsplit(url)
    try:
        socket.create_connection((address.hostname or "", address.port or 80), timeout=2).close()
    except OSError as error:
        fix = both("start one: brain up; or set BRAIN_URL", "请运行 brain up，或设置 BRAIN_URL")
        yield Finding(name=name, is_well=False, text=f"{url}: {error.strerror or error}", fix=fix)
        return
    yield Finding(name=name, is_well=True, text=url)
    yield from _leader(url)
    yield from _through(url, key)


def _leader(url: str) -> Iterator[Finding]:
    """What the broker says of the lead, and of the database behind it."""
    name = both("leader", "主控")
    try:
        answer = httpx2.get(f"{url}/readyz", timeout=TIMEOUT_S, trust_env=False)
        health = Health.model_validate_json(answer.content)
    except (httpx2.HTTPError, ValidationError) as error:
        yield Finding(name=name, is_well=False, text=str(error).splitlines()[0], fix=url)
        return
    told = health.leader if health.database == "ok" else f"database: {health.database}"
    told_zh = "正常" if told == "ok" else chinese(told) or told
    yield Finding(
        name=name,
        is_well=health.status == "ok",
        text=both(told, told_zh),
        fix=both(
            "docs/operations.md: what a leader cannot take",
            "请参阅 docs/operations.md 中 What a leader cannot take 一节",
        ),
    )


def _through(url: str, key: str | None) -> Iterator[Finding]:
    """What only the broker can say: whether our key is good, and which centres it hears."""
    name = both("key", "密钥")
    try:
        with Client(url, key) as broker:
            me = broker.me()
            yield Finding(name=name, is_well=True, text=f"{me.role} ({me.label})")
            view, nodes = broker.capacity(), broker.nodes().items
            published = broker.prices().items
    except ApiError as error:
        fix = both("set BRAIN_API_KEY", "请设置 BRAIN_API_KEY")
        yield Finding(name=name, is_well=False, text=str(error).splitlines()[0], fix=fix)
        return
    units = {pool.device: pool.unit for centre in view.centres for pool in centre.pools}
    current = next((number for number, one in enumerate(published) if one.is_in_force), 0)
    yield from (_prices(one.id, one.on_demand, units) for one in published[current:])
    for centre in view.centres:
        online = sum(pool.online_cards for pool in centre.pools)
        registered = sum(pool.registered_cards for pool in centre.pools)
        yield Finding(
            name=both(f"centre {centre.id}", f"中心 {centre.id}"),
            is_well=centre.is_heard and online == registered,
            text=both(
                f"{online} of {counted(registered, 'card')} online",
                f"{registered} 张卡中 {online} 张在线",
            ),
            fix=_mend(centre),
        )
    yield from _kept_out(nodes)


def _mend(centre: CentreCapacity) -> str:
    if centre.is_heard:
        return both(
            "see in its agent's log which nodes Ray has lost, or whether its disk is full",
            "请查看其代理的日志：Ray 是否丢失节点，或数据盘已满",
        )
    return both(
        f"start its agent: brain agent --centre {centre.id}",
        f"请启动其代理：brain agent --centre {centre.id}",
    )


def _kept_out(nodes: Sequence[NodeView]) -> Iterator[Finding]:
    """Their cards are online, and take no work."""
    for node in nodes:
        if node.kept_out_until_ms is not None:
            until = clock_text(node.kept_out_until_ms)
            yield Finding(
                name=both(f"node {node.id}", f"节点 {node.id}"),
                is_well=False,
                text=both(
                    f"nothing could be started: kept out until {until}",
                    f"多次启动失败：隔离至 {until}",
                ),
                fix=both(
                    f"see why in its agent's log, mend it, then: brain drain {node.id} --over",
                    f"请查看其代理的日志，修复后运行：brain drain {node.id} --over",
                ),
            )
