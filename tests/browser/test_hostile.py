"""Whatever stands in an event, on no page does it do anything but stand there."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.web.drawing.labels import shown
from tests.acceptance.server import Server, running
from tests.browser import validator
from tests.browser.conftest import Look
from tests.browser.hostile import MARK, NAMES, attack
from tests.browser.places import PLACES, Api, named

SECONDS = 30.0


@pytest.fixture(scope="module")
def wicked(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Give a server with wicked names in everything, some of it late, failed and told of."""
    file = tmp_path_factory.mktemp("wicked") / "tidegate.db"
    shutil.copyfile(sqlite_template, file)
    with running(f"sqlite:///{file}", settle=0, dispatcher=False) as server:
        attack(server)
        api, until = Api(server.url), time.monotonic() + SECONDS
        while not (api.get("/alerts")["items"] and api.get("/firings")["items"]):
            assert time.monotonic() < until, server.output
            time.sleep(0.2)
        yield server


@pytest.mark.parametrize("place", PLACES)
def test_wicked_names_do_nothing_on_a_page(look: Look, wicked: Server, place: str) -> None:
    visit = look(wicked.url)
    visit.go(PLACES[place](Api(wicked.url)))
    visit.sound()
    assert visit.page.evaluate(f"window.{MARK}") is None
    assert (
        visit.page.locator('[href^="javascript:" i], [src="x"], [onerror], [onload], [onfocus]').count() == 0
    )
    assert "49${" not in visit.page.content()


@pytest.mark.parametrize("number", range(len(NAMES)))
def test_the_page_of_each_wicked_dataset_and_job_can_be_found_and_shows_its_name(
    look: Look, wicked: Server, number: int
) -> None:
    api = Api(wicked.url)
    visit = look(wicked.url)
    for kind in ("dataset", "job"):
        items = api.get(f"/{kind}s", limit=1000)["items"]
        name = NAMES[number].replace("\0", "\ufffd")  # which no database keeps
        item = next(each for each in items if each["name"] == name)
        visit.go(named(f"/{kind}", item))
        visit.sound()
        text = visit.page.inner_text("main")
        assert not {"\u202e", "\u2066", "\u200b", "\u000b"} & set(text)
        assert shown(name)[-20:].strip() in text
    assert visit.page.evaluate(f"window.{MARK}") is None


def test_the_pages_of_wicked_names_are_valid_html(look: Look, wicked: Server, tmp_path: Path) -> None:
    visit = look(wicked.url, java_script_enabled=False)
    api, pages = Api(wicked.url), {}
    for name in (
        "overview",
        "freshness",
        "dataset",
        "job",
        "run",
        "event",
        "lineage",
        "alert",
        "search",
        "rejection",
    ):
        answer = visit.page.request.get(wicked.url + PLACES[name](api))
        pages[name] = answer.text()
    assert validator.errors(pages, tmp_path) == []
