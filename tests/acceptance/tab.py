"""The console as a person has it: a tab of a real Chromium, and what it asked for."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Locator,
    Page,
    Route,
    expect,
    sync_playwright,
)

CHROMIUM = "/usr/bin/chromium"
# Without these it looks for its maker's hosts, and does not run as root or without a screen.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # One tab after the other: none is kept ready for the next.
    "--process-per-site",
    "--renderer-process-limit=1",
]


@dataclass
class Console:
    """A tab of the browser, and everything it asked for or complained about."""

    page: Page
    address: str
    requested: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("request", lambda request: self.requested.append(request.url))
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def log_in(self, key: str) -> "Console":
        self.offer(key)
        expect(self.page.locator("body")).to_have_attribute("data-view", "board")
        expect(self.page.locator("#connection")).to_have_attribute("data-state", "live")
        return self

    def offer(self, key: str) -> None:
        """As one who comes by the address, and types a key."""
        self.page.goto(self.address)
        self.page.fill("#key", key)
        self.page.press("#key", "Enter")

    def held(self, part: str) -> list[Route]:
        """Requests to these addresses, from now on, which wait until somebody lets them go on."""
        held: list[Route] = []
        self.page.route(part, lambda route: held.append(route))  # noqa: PLW0108 # it is marked
        return held

    def row(self, panel: str, job_id: str) -> Locator:
        return self.page.locator(f"#{panel} li[data-job='{job_id}']")


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


def parts_of(bar: Locator) -> dict[str, int]:
    """The segments of a bar, by what they mean."""
    return {
        segment.get_attribute("data-part") or "": int(segment.get_attribute("data-value") or 0)
        for segment in bar.locator("[data-part]").all()
    }


def brightness(page: Page) -> float:
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return sum(float(part) for part in re.findall(r"[\d.]+", colour)[:3]) / 3
