"""What the description of the interface says beyond what FastAPI reads from the routes."""

from collections.abc import Iterable, Iterator
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from typing_extensions import override

from api.auth import Only, Role, authenticate
from api.errors import MEDIA_TYPE
from api.examples.answers import ANSWERS, BODIES, PROBLEM

JSON = "application/json"
GOOD = {"200", "201"}
TAGS = {
    "jobs": "Submit, list, explain, follow and cancel jobs.",
    "events": "What happened, as it happens.",
    "machines": "What the park has, and how busy it is.",
    "books": "What was used, and what it costs.",
    "tenants": "Who is charged, with quota and balance.",
    "prices": "Dated price lists.",
    "keys": "API keys.",
    "archives": "Working directories that jobs bring along.",
    "agents": "What the agents of centres say and ask.",
    "monitoring": "Whether the broker lives and can serve, and its metrics.",
}


class DescribedApp(FastAPI):
    """An application whose description names the roles of each route, and one kind of error."""

    def __init__(self, routers: Iterable[APIRouter], **options: Any) -> None:
        tags = [{"name": name, "description": about} for name, about in TAGS.items()]
        super().__init__(**options, openapi_tags=tags)
        self._described: dict[str, Any] | None = None
        self._roles: dict[str, tuple[Role, ...] | None] = {}
        for router in routers:
            # Including it would build each of its routes once more, at the first request.
            self.router.routes.extend(router.routes)
        for route in self.router.routes:
            if isinstance(route, APIRoute):
                route.operation_id = route.name
                self._roles[route.name] = roles_of(route.dependant)

    @override
    def openapi(self) -> dict[str, Any]:
        document = super().openapi()
        if document is not self._described:
            self._described = document
            for methods in document["paths"].values():
                for operation in methods.values():
                    self._describe(operation)
            document["components"]["schemas"]["Problem"]["examples"] = [dict(PROBLEM)]
        return document

    def _describe(self, operation: dict[str, Any]) -> None:
        name, about = operation["operationId"], operation["description"]
        operation["description"] = f"{about}\n\n{_who(self._roles[name])}"
        body = operation.get("requestBody", {}).get("content", {}).get(JSON)
        if body is not None and name in BODIES:
            body["example"] = BODIES[name]
        for status, answer in operation["responses"].items():
            content = answer.get("content", {})
            if MEDIA_TYPE in content:
                # FastAPI adds its own media type to whatever has a model.
                answer["content"] = {MEDIA_TYPE: content[MEDIA_TYPE]}
            elif JSON in content and name in ANSWERS and status in GOOD:
                content[JSON]["example"] = ANSWERS[name]


def roles_of(dependant: Dependant) -> tuple[Role, ...] | None:
    """Whose keys a route takes; `None` where it needs no key."""
    calls = list(_calls(dependant))
    for call in calls:
        if isinstance(call, Only):
            return call.roles
    return tuple(Role) if authenticate in calls else None


def _calls(dependant: Dependant) -> Iterator[Any]:
    for part in dependant.dependencies:
        yield part.call
        yield from _calls(part)


def _who(roles: tuple[Role, ...] | None) -> str:
    if roles is None:
        return "Needs no key."
    if roles == tuple(Role):
        return "Takes any key."
    return f"Takes keys of role {' or '.join(roles)}."
