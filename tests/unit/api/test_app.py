"""An application is made of the routes as they are: what builds them costs more than what asks."""

from starlette.routing import Route

from api.app import ROUTERS
from api.describing import DescribedApp


def test_no_route_is_built_anew_for_an_application() -> None:
    app = DescribedApp(ROUTERS)

    built = [route for route in app.routes if type(route) is not Route]
    assert built == [route for router in ROUTERS for route in router.routes]
