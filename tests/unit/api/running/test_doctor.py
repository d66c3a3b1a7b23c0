"""What `brain doctor` says of a broker of which each step fails."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from typing_extensions import override

from api.cli.language import language
from api.routes.health import FAILS
from api.running.doctor import _leader, _park

SMALL_PARK = Path(__file__).parents[3] / "data" / "small-park.yaml"
SAID = {"status": "failing", "database": "ok", "leader": FAILS}


@pytest.fixture
def url() -> Iterator[str]:
    """Of somebody who answers `/readyz` so, and all else with what is no JSON."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/readyz" else 404)
            self.end_headers()
            self.wfile.write(json.dumps(SAID).encode() if self.path == "/readyz" else b"no")

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


def test_neither_is_who_is_no_broker(url: str) -> None:
    (finding,) = _leader(f"{url}/else")

    assert not finding.is_well
    assert "Health" in finding.text


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
