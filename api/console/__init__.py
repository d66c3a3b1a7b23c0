"""The console: one page in a browser, served by the broker and by nobody else.

The page holds no data. It asks for an API key, keeps it for the browser tab, and shows what the
HTTP interface answers to that key; so it can show nobody more than the interface would.
"""

from functools import cache

from fastapi import FastAPI, Request
from fastapi.responses import Response

from api.console.assets import Assets
from api.console.page import Page

# No script, style or address but the broker's own; no inline script; no frame around it.
POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types default",
)
HEADERS = {
    "content-security-policy": "; ".join(POLICY),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
}


def mount(app: FastAPI) -> None:
    """Serve the page at `/` and what it is made of under `/static/console/`."""
    assets, page = _made()

    @app.get("/", include_in_schema=False)
    def console(request: Request) -> Response:
        answer = page.answer(
            request.cookies.get("brain_language"),
            request.headers.get("accept-language", ""),
            request.headers.get("if-none-match"),
        )
        answer.headers.update(HEADERS)
        return answer

    @app.get("/static/console/{path:path}", include_in_schema=False)
    def static(request: Request, path: str) -> Response:
        answer = assets.answer(
            path,
            request.headers.get("accept-encoding", ""),
            request.headers.get("if-none-match"),
        )
        answer.headers.update(HEADERS)
        return answer


@cache
def _made() -> tuple[Assets, Page]:
    """Once for each process: the files come with the release."""
    assets = Assets.load()
    return assets, Page.load(assets.version)
