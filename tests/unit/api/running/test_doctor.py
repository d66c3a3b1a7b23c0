"""What `brain doctor` says of a broker of which each step fails."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from typing_extensions import override

from api.routes.health import FAILS
from api.running.doctor import _leader

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
