"""Visits to pages, by somebody who notices everything that goes wrong behind them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, ViewportSize

WIDE: Final[ViewportSize] = {"width": 1360, "height": 900}
PHONE: Final[ViewportSize] = {"width": 360, "height": 780}

RULES: Final = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}

FOCUS: Final = """() => {
  const at = document.activeElement;
  if (!at || at === document.body) return null;
  const box = at.getBoundingClientRect(), style = getComputedStyle(at);
  return {
    name: (at.getAttribute("aria-label") || at.textContent || at.name || at.id).trim().slice(0, 60),
    main: !!at.closest("main"), order: at.tabIndex,
    seen: box.width > 0 && box.height > 0,
    ring: style.outlineStyle !== "none" || !!at.querySelector(".halo") || at.closest("svg") !== null,
  };
}"""


@dataclass
class Visit:
    """One page in one tab. ``complaints`` is what went wrong; it must stay empty."""

    page: Page
    base: str
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.complaints.append(f"script failed: {error}"))
        self.page.on("request", self._request)
        self.page.on("dialog", self._dialog)

    def go(self, path: str, status: int = 200) -> None:
        """Open a page of ours, and wait until its scripts have run."""
        answer = self.page.goto(self.base + path)
        assert answer is not None
        assert answer.status == status, f"{path}: {answer.status}\n{answer.text()[-2000:]}"
        self.page.wait_for_load_state("load")

    def sound(self) -> None:
        """Assert that nothing went wrong so far, and that the page does not scroll sideways."""
        assert self.complaints == [], f"{self.page.url}: {self.complaints}"
        wide, screen = self.page.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        )
        assert wide <= screen, f"{self.page.url} is {wide} px wide on a screen of {screen}"

    def accessible(self) -> None:
        """Assert what axe finds: labels, contrast, roles, headings, the size of targets."""
        found = Axe().run(self.page, options=RULES).response["violations"]
        assert found == [], "\n".join(map(_violation, found)) + f"\non {self.page.url}"

    def tab_order(self, most: int = 40) -> list[str]:
        """Go through the page by Tab, and give the names of what gets the focus; each must show that it has it."""
        names = []
        self.page.evaluate("document.activeElement?.blur()")
        for _ in range(most):
            self.page.keyboard.press("Tab")
            at = self.page.evaluate(FOCUS)
            if at is None:
                break
            assert at["seen"], f"the focus is on something that is not there: {at} on {self.page.url}"
            assert at["ring"], f"nobody sees the focus on {at} on {self.page.url}"
            assert at["order"] <= 0, f"the order was changed by tabindex at {at} on {self.page.url}"
            names.append(at["name"])
        return names

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not _expected(message, self.page):
            self.complaints.append(f"{message.type}: {message.text}")

    def _request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        ours = f"{parts.scheme}://{parts.netloc}" == self.base or parts.scheme in ("data", "blob")
        if not ours:
            self.complaints.append(f"asked another host: {request.url}")

    def _dialog(self, dialog: Any) -> None:
        self.complaints.append(f"a dialog opened: {dialog.message}")
        dialog.dismiss()


def visit(context: BrowserContext, base: str) -> Visit:
    """Open a tab."""
    return Visit(context.new_page(), base)


def _expected(message: ConsoleMessage, page: Page) -> bool:
    # Chromium logs every answer of 400 and more as an error, also that which the visit is about.
    return "Failed to load resource" in message.text and message.location["url"] == page.url


def _violation(found: dict[str, Any]) -> str:
    where = "".join(
        f"\n    {node['html'][:200]}  {'; '.join(each['message'] for each in node['any'])}"
        for node in found["nodes"][:5]
    )
    return f"{found['id']} ({found['impact']}): {found['help']}, {len(found['nodes'])} times{where}"
