"""The page itself, once in each language; the words are in the catalogues beside it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fastapi.responses import Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from api.console.assets import HERE, etag_of, is_known

LANGUAGES = ("zh", "en")
HTML = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The finished page by language."""

    body_by_language: Mapping[str, bytes]

    @classmethod
    def load(cls, version: str) -> "Page":
        return cls(
            body_by_language={language: _render(language, version) for language in LANGUAGES}
        )

    def answer(
        self, cookie: str | None, accept_language: str, if_none_match: str | None
    ) -> Response:
        language = cookie if cookie in LANGUAGES else preferred(accept_language)
        body = self.body_by_language[language]
        headers = {
            "etag": etag_of(body),
            "cache-control": "private, no-cache",
            "content-language": {"zh": "zh-CN", "en": "en"}[language],
            "vary": "accept-language, cookie",
        }
        if is_known(headers["etag"], if_none_match):
            return Response(None, 304, headers)
        return Response(body, 200, headers, media_type=HTML)


def preferred(accept_language: str) -> str:
    """The first of our languages that the browser names; Chinese where it names none."""
    for part in accept_language.lower().split(","):
        language = part.split(";")[0].strip().split("-")[0]
        if language in LANGUAGES:
            return language
    return LANGUAGES[0]


def catalogue(language: str) -> dict[str, str]:
    """Every word of the console in one language, by key."""
    path: Path = HERE / "catalogues" / f"{language}.json"
    words: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return words


def _render(language: str, version: str) -> bytes:
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined
    )
    template = environment.get_template("page.html.j2")
    words = catalogue(language)
    page = template.render(
        language=language,
        t=lambda key: words[key],
        static=f"/static/console/{version}",
    )
    return page.encode()
