"""The console's page and files, without a browser."""

import gzip
import hashlib
import re
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api import console
from api.console.assets import HERE
from api.console.page import LANGUAGES, catalogue, preferred
from scheduler.facts.events import Event

STATIC = HERE / "static"
VENDOR = STATIC / "vendor"
SCRIPTS = sorted(STATIC.glob("*.js"))
SCRIPT = "theme.js"


@pytest.fixture
def client() -> TestClient:
    app = FastAPI()
    console.mount(app)
    return TestClient(app)


def static_root(client: TestClient) -> str:
    found = re.search(r'data-static="([^"]+)"', client.get("/").text)
    assert found
    return found[1]


def test_both_languages_have_the_same_words() -> None:
    zh, en = (catalogue(language) for language in LANGUAGES)

    assert list(zh) == list(en)
    assert all(zh.values())
    assert all(en.values())


def test_both_languages_fill_the_same_gaps() -> None:
    zh, en = (catalogue(language) for language in LANGUAGES)

    assert {key for key in zh if _gaps(zh[key]) != _gaps(en[key])} == set()


@pytest.mark.parametrize("path", [*SCRIPTS, HERE / "page.html.j2"], ids=lambda path: path.name)
def test_every_word_that_is_asked_for_exists(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    asked = re.findall(r"""(?:\bt\(|\bw\(|data-t(?:-label)?=)["']([a-z_.]+)["']""", text)

    assert set(asked) - set(catalogue("zh")) == set()


def test_every_event_has_its_words() -> None:
    script = (STATIC / "events.js").read_text(encoding="utf-8")
    (untold,) = re.findall(r"UNTOLD = new Set\(\[(.*?)\]\)", script)
    twofold = set(re.findall(r'kind === "(\w+)"\) return', script))
    kinds = {
        str(one.default) for event in get_args(Event) for one in fields(event) if one.name == "kind"
    }
    silent = {*re.findall(r"\w+", untold)}

    words = set(catalogue("zh"))

    assert {kind for kind in kinds - silent - twofold if f"event.{kind}" not in words} == set()
    assert twofold == {"centre_link_changed", "nodes_drained"}


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_no_script_makes_html_of_data(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", text)


def test_every_vendored_file_is_what_its_list_says() -> None:
    listed = {
        path: digest
        for digest, path in re.findall(
            r"^([0-9a-f]{64})  (\S+)$", (VENDOR / "VENDORED").read_text("utf-8"), re.MULTILINE
        )
    }
    found = {
        path.relative_to(VENDOR).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.rglob("*")
        if path.is_file() and path.name != "VENDORED"
    }

    assert found == listed


@pytest.mark.parametrize(
    ("accept_language", "language"),
    [
        ("", "zh"),
        ("fr-FR,fr;q=0.9", "zh"),
        ("en-GB,en;q=0.9,zh;q=0.8", "en"),
        ("fr, ZH-TW;q=0.8, en;q=0.5", "zh"),
    ],
)
def test_the_page_speaks_the_first_language_that_it_shares_with_the_browser(
    accept_language: str, language: str
) -> None:
    assert preferred(accept_language) == language


def test_the_language_that_was_chosen_wins(client: TestClient) -> None:
    client.cookies.set("brain_language", "en")

    answer = client.get("/", headers={"accept-language": "zh-CN"})

    assert answer.headers["content-language"] == "en"
    assert 'lang="en"' in answer.text


def test_a_language_that_nobody_speaks_is_not_taken(client: TestClient) -> None:
    client.cookies.set("brain_language", "../../etc/passwd")

    assert client.get("/").headers["content-language"] == "zh-CN"


@pytest.mark.parametrize("path", ["/", "/static/console/theme.js"])
def test_nothing_from_elsewhere_may_run(client: TestClient, path: str) -> None:
    policy = client.get(path).headers["content-security-policy"].split("; ")

    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert not [rule for rule in policy if "unsafe" in rule or "http" in rule or "*" in rule]


def test_the_page_has_no_inline_script_or_style(client: TestClient) -> None:
    text = client.get("/").text

    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", text)
    assert not re.search(r"https?://", text)


def test_the_page_asks_for_files_that_exist(client: TestClient) -> None:
    addresses = set(re.findall(r'(?:src|href)="(/[^"]+)"', client.get("/").text))

    assert len(addresses) >= 4
    assert {client.get(address).status_code for address in addresses} == {200}


def test_a_file_of_this_release_is_kept_for_ever(client: TestClient) -> None:
    answer = client.get(f"{static_root(client)}/{SCRIPT}")

    assert "immutable" in answer.headers["cache-control"]
    assert answer.content == (STATIC / SCRIPT).read_bytes()
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_file_without_its_release_is_asked_for_again(client: TestClient) -> None:
    answer = client.get(f"/static/console/{SCRIPT}")

    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", ["/", f"/static/console/{SCRIPT}"])
def test_what_the_browser_has_is_not_sent_again(client: TestClient, path: str) -> None:
    etag = client.get(path).headers["etag"]

    answer = client.get(path, headers={"if-none-match": f'"other", W/{etag}'})

    assert (answer.status_code, answer.content) == (304, b"")
    assert client.get(path, headers={"if-none-match": '"other"'}).status_code == 200


def test_a_file_is_sent_zipped_to_who_can_read_that(client: TestClient) -> None:
    path = f"/static/console/{SCRIPT}"

    with client.stream("GET", path, headers={"accept-encoding": "gzip"}) as answer:
        zipped = b"".join(answer.iter_raw())
    plain = client.get(path, headers={"accept-encoding": "identity"})

    assert gzip.decompress(zipped) == plain.content
    assert "content-encoding" not in plain.headers


@pytest.mark.parametrize(
    "path",
    [
        "../page.py",
        "..%2fpage.py",
        "%2e%2e/__init__.py",
        "vendor/../../page.py",
        "nothing.js",
        "0123456789abcdef/app.js",
        "",
    ],
)
def test_no_other_file_is_served(client: TestClient, path: str) -> None:
    assert client.get(f"/static/console/{path}").status_code == 404


def _gaps(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("ink", "grounds"),
    [
        ("ink", ["page", "surface", "sunk", "warn-soft"]),
        ("muted", ["page", "surface", "sunk", "warn-soft"]),
        ("accent", ["surface", "accent-soft"]),
        ("good", ["surface", "good-soft"]),
        ("warn", ["surface", "warn-soft"]),
        ("bad", ["surface", "bad-soft"]),
        ("accent-ink", ["accent"]),
    ],
)
def test_every_text_can_be_read_on_what_it_stands_on(
    theme: int, ink: str, grounds: list[str]
) -> None:
    """Level AA of WCAG 2.2 for small text."""
    style = (STATIC / "style.css").read_text(encoding="utf-8")
    values = {name: re.findall(rf"--{name}: #(\w{{6}});", style)[theme] for name in (ink, *grounds)}

    assert {name: _contrast(values[ink], values[name]) >= 4.5 for name in grounds} == dict.fromkeys(
        grounds, True
    )


def _contrast(one: str, other: str) -> float:
    low, high = sorted(map(_luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    parts = (value / 255 for value in bytes.fromhex(colour))
    red, green, blue = (
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
