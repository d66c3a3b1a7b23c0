"""An application is made of the routes as they are, and loads what few ask for when they ask."""

import subprocess
import sys

from starlette.routing import Route

from api.app import ROUTERS
from api.describing import DescribedApp


def test_no_route_is_built_anew_for_an_application() -> None:
    app = DescribedApp(ROUTERS)

    built = [route for route in app.routes if type(route) is not Route]
    assert built == [route for router in ROUTERS for route in router.routes]


def test_what_few_ask_for_is_not_loaded_before() -> None:
    script = "import sys, api.app; print(*{'cn2an', 'duckdb', 'numpy'} & sys.modules.keys())"

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=50, check=True
    )

    assert done.stdout.split() == []
