"""The demo as the page of an empty server starts it: a process of its own that ends with the server."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, build_opener, urlopen

import pytest

from collector.web.demonstration import Demonstration
from tests.acceptance.processes import Process, processes
from tests.acceptance.server import Server

SECONDS = 60.0
"""It takes a few; on a busy machine, more."""

TOKEN = re.compile(r'name="csrf" value="([0-9a-f]+)"')

T = TypeVar("T")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have temporary folders made in a folder that is looked at."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def server(folder: Path) -> Iterator[Server]:
    """Give a server that nothing has reached."""
    server = Server(f"sqlite:///{folder}/own.db")
    server.start()
    yield server
    server.close()


def test_the_demo_has_its_own_server_and_leaves_nothing(folder: Path) -> None:
    demo = Demonstration(days=1)
    demo.start()
    try:
        url = until(lambda: demo.standing and (demo.standing.url or demo.standing.failure))
        assert demo.standing
        assert demo.standing.hours == 24
        with urlopen(f"{url}/", timeout=SECONDS) as answer:
            assert "payments" in answer.read().decode()
        assert len(list(folder.glob("tidegate-demo-*/tidegate-demo.db"))) == 1
    finally:
        demo.stop()
    assert demos(folder) == []


def test_it_ends_with_the_server_however_that_ends(server: Server, folder: Path) -> None:
    browser = build_opener(HTTPCookieProcessor(CookieJar()))
    for end in (server.kill_workers, server.stop):
        press(browser, server)
        press(browser, server)
        until(lambda: demos(folder))
        assert "making history" in page_of(browser, server)
        assert len(demos(folder)) == 1
        end()
        until(lambda: not demos(folder))
        until(lambda: not list(folder.glob("tidegate-demo-*")))


def press(browser: OpenerDirector, server: Server) -> None:
    """Press the button on the overview; if it is not there any more, send its form nevertheless."""
    found = TOKEN.search(page_of(browser, server))
    assert found
    browser.open(f"{server.url}/start-demo", urlencode({"csrf": found[1]}).encode(), timeout=SECONDS).close()


def page_of(browser: OpenerDirector, server: Server) -> str:
    with browser.open(f"{server.url}/", timeout=SECONDS) as answer:
        text: str = answer.read().decode()
    return text


def demos(folder: Path) -> list[Process]:
    """List the demos whose temporary folders are made there."""
    return [each for each in processes() if " demo --attached " in each.command and is_of(each, folder)]


def is_of(process: Process, folder: Path) -> bool:
    try:
        variables = Path(f"/proc/{process.pid}/environ").read_bytes().split(b"\0")
    except OSError:  # It has ended meanwhile.
        return False
    return f"TMPDIR={folder}".encode() in variables


def until(look: Callable[[], T]) -> T:
    """Wait until there is something to be had, and give it."""
    give_up = time.monotonic() + SECONDS
    while not (found := look()):
        assert time.monotonic() < give_up, "it does not come"
        time.sleep(0.1)
    return found
