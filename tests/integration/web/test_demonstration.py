"""The demo that can be started from the page of a server that nothing has reached."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from collector.storage import keys
from collector.web.demonstration import EXTENSION, Demonstration
from tests.catalog import NOON
from tests.integration.api.conftest import Writing
from tests.integration.web.conftest import TOKEN, Look, Send

SECONDS = 20.0

BUTTON = "Start the demo</button>"

MAKING = "print('48 of 672 hours', flush=True)"
LISTENING = "print('Open http://127.0.0.1:5999 to see why.', flush=True)"
UNTIL_TOLD = "import sys; sys.stdin.read()"
FAILING = "import sys; sys.exit('Error: No <room> is left.')"


@pytest.fixture
def pretending(client: FlaskClient) -> Iterator[Callable[..., Demonstration]]:
    """Have another program, in lines of Python, in place of the demo."""
    made: list[Demonstration] = []

    def pretend(*lines: str) -> Demonstration:
        made.append(Demonstration([sys.executable, "-c", "\n".join(lines)]))
        client.application.extensions[EXTENSION] = made[-1]
        return made[-1]

    yield pretend
    for each in made:
        each.stop()


@pytest.fixture
def awaited(look: Look) -> Callable[[str], str]:
    """Look at the overview until something stands there."""

    def awaited(text: str) -> str:
        until = time.monotonic() + SECONDS
        while text not in (page := look("/")):
            assert time.monotonic() < until, page
            time.sleep(0.02)
        return page

    return awaited


Pretend = Callable[..., Demonstration]
Awaited = Callable[[str], str]


def test_it_is_started_and_told_of_and_stopped(pretending: Pretend, send: Send, awaited: Awaited) -> None:
    pretending("import time", MAKING, "time.sleep(0.5)", LISTENING, UNTIL_TOLD)
    assert "tidegate demo" in awaited(BUTTON)
    assert send("/start-demo").location == "/#demo"
    page = awaited("2 of 28 days")
    assert "making history…" in page
    assert 'value="48" max="672"' in page
    assert BUTTON not in page
    page = awaited('<a href="http://127.0.0.1:5999">Open the demo</a>')
    assert "making history" not in page
    assert send("/stop-demo").status_code == 303
    page = awaited(BUTTON)
    assert "The demo has ended" in page
    assert "Open the demo" not in page


def test_a_second_click_does_not_start_a_second_one(
    pretending: Pretend, send: Send, awaited: Awaited
) -> None:
    pretending("import os", "print(f'{os.getpid()} of 9999999 hours', flush=True)", UNTIL_TOLD)
    send("/start-demo")
    page = awaited("<progress")
    assert send("/start-demo").status_code == 303
    time.sleep(0.3)
    assert page[page.index("<progress") :][:80] in awaited("<progress")


def test_the_page_says_why_it_could_not_go_on(pretending: Pretend, send: Send, awaited: Awaited) -> None:
    pretending(FAILING)
    send("/start-demo")
    assert "No &lt;room&gt; is left." in awaited("the demo has ended")
    assert BUTTON in awaited("the demo has ended")


def test_the_page_says_why_it_could_not_begin(client: FlaskClient, send: Send, look: Look) -> None:
    client.application.extensions[EXTENSION] = Demonstration(["/nowhere/python"])
    send("/start-demo")
    assert "/nowhere/python: No such file or directory" in look("/")
    assert BUTTON in look("/")


def test_one_that_says_much_is_not_kept_waiting(pretending: Pretend, send: Send, awaited: Awaited) -> None:
    pretending("for each in range(20_000): print('something to be said', each)", LISTENING, UNTIL_TOLD)
    send("/start-demo")
    awaited("Open the demo")


def test_a_server_with_keys_has_none(
    pretending: Pretend, send: Send, look: Look, client: FlaskClient, writing: Writing
) -> None:
    demo = pretending(UNTIL_TOLD)
    with writing() as catalog:
        key = keys.create(catalog.conn, "all", ("admin",), (), NOON)[0]
    send("/login", key=key)
    page = look("/")
    assert BUTTON not in page
    found = TOKEN.search(page)
    assert found
    answer = client.post("/start-demo", data={"csrf": found[1]})
    assert answer.status_code == 403
    assert "without API keys" in answer.text
    assert demo.standing is None


def test_somebody_elsewhere_is_not_given_one(pretending: Pretend, client: FlaskClient) -> None:
    demo = pretending(UNTIL_TOLD)
    client.environ_base["REMOTE_ADDR"] = "192.0.2.7"
    assert refused(client) == [403, 403]
    assert demo.standing is None


def test_a_server_of_several_processes_has_none(limited: Callable[..., FlaskClient]) -> None:
    client = limited(http_workers=2)
    assert refused(client) == [403, 403]
    assert running(client.application).standing is None


def refused(client: FlaskClient) -> list[int]:
    """See that there is no button, and try nevertheless."""
    page = client.get("/").text
    assert "tidegate demo" in page
    assert BUTTON not in page
    found = TOKEN.search(page)
    assert found
    return [client.post(f"/{verb}-demo", data={"csrf": found[1]}).status_code for verb in ("start", "stop")]


def running(app: Flask) -> Demonstration:
    """Give the demonstration of an application."""
    found = app.extensions[EXTENSION]
    assert isinstance(found, Demonstration)
    return found


def test_where_events_have_come_it_is_refused(
    pretending: Pretend, send: Send, look: Look, writing: Writing
) -> None:
    demo = pretending(UNTIL_TOLD)
    with writing() as catalog:
        catalog.event({}, NOON, entity=catalog.job("load"))
    assert BUTTON not in look("/", **{"for": "curl"})
    assert send("/start-demo").status_code == 409
    assert demo.standing is None


def test_a_form_of_somebody_else_starts_nothing(pretending: Pretend, client: FlaskClient) -> None:
    demo = pretending(UNTIL_TOLD)
    assert client.post("/start-demo", data={"csrf": "0"}).status_code == 403
    assert demo.standing is None
