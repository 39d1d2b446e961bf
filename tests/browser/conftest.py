"""Servers to look at: one open to anybody and one with keys, both with the demo's history of some days."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext

from collector.demo.history import build
from collector.storage import keys
from collector.storage.engine import Database
from collector.storage.migrate import upgrade
from collector.times import now_us
from tests.acceptance.server import Server, running
from tests.browser.chromium import chromium
from tests.browser.places import Api
from tests.browser.visits import WIDE, Visit, visit

DAYS = 3
"""Days of history: enough for every page to have something, and made in seconds."""

Look = Callable[..., Visit]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Give the browser; contexts and tabs are the tests' own."""
    with chromium() as found:
        yield found


@pytest.fixture(scope="session")
def demo_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a database with the demo's history, to copy."""
    path = tmp_path_factory.mktemp("history") / "demo.db"
    upgrade(f"sqlite:///{path}")
    build(f"sqlite:///{path}", until=now_us(), days=DAYS)
    return path


@pytest.fixture(scope="session")
def demo(demo_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Give a server with the demo's history, open to anybody on this machine."""
    yield from _serving(demo_file, tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="session")
def locked(demo_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Give a server with the demo's history that wants a key; ``make_key`` makes them."""
    yield from _serving(demo_file, tmp_path_factory.mktemp("locked"))


def _serving(file: Path, folder: Path) -> Iterator[Server]:
    copy = folder / "tidegate.db"
    shutil.copyfile(file, copy)
    with running(f"sqlite:///{copy}", settle=0) as server:
        yield server


@pytest.fixture(scope="session")
def api(demo: Server) -> Api:
    """Give the API of the open server."""
    return Api(demo.url)


def make_key(server: Server, *scopes: str, namespaces: tuple[str, ...] = ()) -> str:
    """Make a key of a server and give its text."""
    database = Database(server.database_url)
    try:
        with database.write() as conn:
            return keys.create(conn, f"{scopes[0]}s", scopes, namespaces, now_us())[0]
    finally:
        database.close()


@pytest.fixture
def look(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Look]:
    """Open tabs: ``look(viewport=PHONE, color_scheme="dark")``. Whatever goes wrong in one fails the test.

    They are on the open server, unless ``base`` names another.
    """
    opened: list[tuple[BrowserContext, Visit]] = []

    def look(base: str | None = None, **options: object) -> Visit:
        context = browser.new_context(
            **({"viewport": WIDE, "timezone_id": "Europe/Berlin"} | options)  # type: ignore[arg-type]  # Playwright's own names
        )
        context.set_default_timeout(30_000)  # a machine that does much else is slow
        opened.append((context, visit(context, base or request.getfixturevalue("demo").url)))
        return opened[-1][1]

    yield look
    for context, each in opened:
        context.close()
        assert each.complaints == []
