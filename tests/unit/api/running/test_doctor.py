"""What `brain doctor` says of a broker of which each step fails, of park files, and of prices."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from typing_extensions import override

from api.cli.language import language
from api.routes.health import FAILS
from api.running.doctor import _leader, _mend, _park, _prices, _through, examine
from api.schemas.capacity import CentreCapacity
from api.settings import Settings

DATA = Path(__file__).parents[3] / "data"
SMALL_PARK, CORES_PARK = DATA / "small-park.yaml", DATA / "cores-park.yaml"
SAID = {"status": "failing", "database": "ok", "leader": FAILS}
TFLOPS = ("stated", "registered", "online", "schedulable", "allocated")
CARDS = ("registered", "online", "schedulable", "allocated")


def a_pool(pool_id: str, device: str, unit: str) -> dict[str, object]:
    cards = {f"{one}_cards": 8 for one in CARDS}
    return {"id": pool_id, "device": device, "unit": unit, "tflops": 1, "nodes": 1, **cards}


def a_list(list_id: str, is_in_force: bool, **on_demand: str) -> dict[str, object]:
    said = {"id": list_id, "from_ms": 0, "is_in_force": is_in_force, "on_demand": on_demand}
    return {**said, "qos_permille": {}, "class_permille": {}, "vat_permille": 60}


def a_node(node_id: str, kept_out_until_ms: int | None) -> dict[str, object]:
    stands = {"is_online": True, "kept_out_until_ms": kept_out_until_ms}
    return {"id": node_id, "centre": "east", "pool": "a", "device": "npu", "cards": 8, **stands}


EAST: dict[str, object] = {
    **dict.fromkeys((f"{one}_tflops" for one in TFLOPS), 8),
    "id": "east",
    "name": "East",
    "is_heard": True,
    "heard_at_ms": 0,
    "pools": [a_pool("a", "npu", "card"), a_pool("b", "cpu", "core")],
}
ANSWERS: dict[str, Any] = {
    "/readyz": SAID,
    "/v1/me": {"key_id": "k", "role": "operator", "label": "op", "tenant": None, "centre": None},
    "/v1/capacity": {
        **dict.fromkeys((f"{one}_tflops" for one in TFLOPS), 8),
        "at_ms": 0,
        "park": "p",
        "name": "P",
        "note": "",
        "is_logical": True,
        "queued_jobs": 0,
        "running_jobs": 0,
        "centres": [EAST],
    },
    "/v1/nodes": {
        "items": [
            a_node("east-a-1", None),
            a_node("east-a-2", 1_764_257_400_000),
        ]
    },
    "/v1/prices": {
        "items": [
            a_list("old", False, npu="3.00"),
            a_list("now", True, npu="3.00", cpu="3.00", gone="1.00"),
            a_list("next", False, npu="4.00"),
        ]
    },
}


@pytest.fixture
def url() -> Iterator[str]:
    """Of somebody who answers a few questions so, and all else with what is no JSON."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path in ANSWERS else 404)
            self.end_headers()
            said = ANSWERS.get(self.path)
            self.wfile.write(json.dumps(said).encode() if said else b"no")

        @override
        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_leader_whose_steps_fail_is_not_well(url: str) -> None:
    (finding,) = _leader(url)

    assert (finding.is_well, finding.text) == (False, FAILS)


def test_a_leader_that_is_well_is_told_so_in_the_language_of_the_run(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    well = {"status": "ok", "database": "ok", "leader": "ok"}
    monkeypatch.setitem(ANSWERS, "/readyz", well)
    monkeypatch.setenv("BRAIN_LANG", "zh")
    language.cache_clear()

    (finding,) = _leader(url)
    language.cache_clear()

    assert (finding.is_well, finding.name, finding.text) == (True, "主控", "正常")


def test_neither_is_who_is_no_broker(url: str) -> None:
    (finding,) = _leader(f"{url}/else")

    assert not finding.is_well
    assert "Health" in finding.text


def test_price_lists_in_force_and_to_come_are_laid_beside_what_the_park_has(url: str) -> None:
    """What is past cannot be changed; what no pool has is a fault only where nothing else is."""
    now, later = (one for one in _through(url, "key") if one.name == "prices")

    assert now.is_well is later.is_well is False
    assert now.text == (
        "price list now: a core of cpu costs 3.00 an hour, and a card of npu 3.00; is that for a "
        "core?"
    )
    assert later.text == "price list next has no price for cpu: nothing starts on it by that list"
    assert "publish a later one" in now.fix


def test_what_file_and_broker_say_of_a_list_alike_is_told_once(url: str, tmp_path: Path) -> None:
    park = CORES_PARK.read_text(encoding="utf-8").replace("cpu-x", "cpu")
    park = park.replace("ascend-910b3, nodes", "npu, nodes").replace(
        "{id: ascend-910b3", "{id: npu"
    )
    park = park.replace("{ascend-910b3: 3600, cpu: 36}", "{npu: 3, cpu: 3}").replace(
        "id: prices", "id: now"
    )
    (tmp_path / "park.yaml").write_text(park, encoding="utf-8")

    settings = Settings(data=tmp_path, url=url, park=tmp_path / "park.yaml", api_key=SecretStr("k"))
    prices = [one.text for one in examine(settings) if one.name == "prices"]

    assert len(prices) == len(ANSWERS["/v1/prices"]["items"]) - 1  # but for the one that is past
    assert prices[0].startswith("price list now: a core of cpu costs 3.00 an hour")


def test_a_node_that_is_kept_out_is_told_beside_cards_that_are_all_online(url: str) -> None:
    found = {one.name: one for one in _through(url, "key")}

    assert found["centre east"].text == "16 of 16 cards online"
    assert "node east-a-1" not in found
    assert not found["node east-a-2"].is_well
    assert "nothing could be started: kept out until 11-27" in found["node east-a-2"].text
    assert found["node east-a-2"].fix.endswith("brain drain east-a-2 --over")


def test_what_is_to_be_done_about_a_centre_depends_on_whether_it_is_heard() -> None:
    heard, silent = (
        _mend(CentreCapacity.model_validate({**EAST, "is_heard": is_heard}))
        for is_heard in (True, False)
    )

    assert "disk is full" in heard
    assert silent == "start its agent: brain agent --centre east"


def test_a_price_of_no_pool_is_told_and_no_fault() -> None:
    found = _prices("now", {"npu": "3.00", "gone": "1.00"}, {"npu": "card"})

    assert (found.is_well, found.text) == (True, "now; of no pool: gone")


def test_the_last_price_list_of_a_park_file_is_looked_at_before_it_is_published(
    tmp_path: Path,
) -> None:
    dear = CORES_PARK.read_text(encoding="utf-8").replace("cpu-x: 36}", "cpu-x: 3600}")
    (tmp_path / "park.yaml").write_text(dear, encoding="utf-8")

    _, well = _park(CORES_PARK)
    _, found = _park(tmp_path / "park.yaml")

    assert (well.name, well.is_well, well.text) == ("prices", True, "prices")
    assert not found.is_well
    assert "a core of cpu-x costs 3600.00 an hour" in found.text


@pytest.mark.parametrize(
    ("part", "other", "says"),
    [
        (
            "device: ascend-910b3",
            "device: abacus",
            "  资源池 north-910b3：device_kinds 中没有 abacus\n  价格表 prices：没有 abacus 的单价",
        ),
        (
            "stated_tflops: 1252",
            "stated_tflops: 1253",
            "  算力中心 north：stated_tflops 为 1253，而其资源池合计 1252 TFLOPS（相差 +1）",
        ),
        ("centres:", "centers:", "  centres：缺少此项\n  centers：没有这一项"),
    ],
)
def test_what_is_wrong_with_a_park_file_is_told_in_chinese(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str, other: str, says: str
) -> None:
    path = tmp_path / "park.yaml"
    path.write_text(SMALL_PARK.read_text(encoding="utf-8").replace(part, other, 1), "utf-8")
    monkeypatch.setenv("BRAIN_LANG", "zh")
    language.cache_clear()

    (finding,) = _park(path)

    language.cache_clear()
    assert not finding.is_well
    assert finding.text.startswith(f"园区文件 {path}：\n{says}")
