"""Pages of a server with keys: the way in and out, and how far each key sees."""

from __future__ import annotations

import re

import pytest

from tests.acceptance.server import Server
from tests.browser.conftest import Look, make_key
from tests.browser.places import PLACES, Api
from tests.browser.visits import Visit


@pytest.fixture(scope="module")
def admin(locked: Server) -> str:
    """Give a key that may do everything; from now on the server wants one."""
    return make_key(locked, "admin")


def log_in(visit: Visit, key: str) -> None:
    """Log in by the form that is open."""
    visit.page.get_by_label("API key").fill(key)
    visit.page.get_by_role("button", name="Log in").click()
    visit.page.wait_for_url(lambda url: "/login" not in url)


def test_whoever_has_no_key_is_asked_for_one_and_then_gets_where_he_wanted(
    look: Look, locked: Server, admin: str
) -> None:
    visit = look(locked.url)
    visit.go("/search?q=orders")
    assert "/login?next=" in visit.page.url
    visit.accessible()
    visit.page.get_by_label("API key").fill("tg_wrong_key")
    visit.page.get_by_role("button", name="Log in").click()
    assert "unknown or revoked" in visit.page.inner_text("main")
    log_in(visit, admin)
    assert visit.page.url == f"{locked.url}/search?q=orders"
    visit.page.get_by_role("button", name="Log out").click()
    visit.page.wait_for_url("**/login")
    visit.go("/alerts")
    assert "/login" in visit.page.url


@pytest.mark.parametrize("place", ["overview", "lineage", "settings"])
def test_a_page_and_its_twin_open_with_a_session(look: Look, locked: Server, admin: str, place: str) -> None:
    visit = look(locked.url)
    visit.go("/login")
    log_in(visit, admin)
    visit.go(PLACES[place](Api(locked.url, admin)))
    visit.sound()
    # The twin of the page opens by the same session.
    twin = visit.page.locator('link[rel="alternate"][type="application/json"]')
    if twin.count():
        answer = visit.page.request.get(locked.url + (twin.get_attribute("href") or ""))
        assert (answer.status, answer.headers["content-type"]) == (200, "application/json")


def test_a_key_that_may_only_look_finds_no_forms_that_change_anything(
    look: Look, locked: Server, admin: str
) -> None:
    visit = look(locked.url)
    visit.go("/login")
    log_in(visit, make_key(locked, "read"))
    api = Api(locked.url, admin)
    for place in ("alert", "trigger", "silences", "stitching", "rejected", "deliveries"):
        visit.go(PLACES[place](api))
        assert visit.page.locator('main form[method="post"]').count() == 0, place


def test_a_key_of_some_namespaces_finds_nothing_of_others(look: Look, locked: Server, admin: str) -> None:
    api = Api(locked.url, admin)
    namespaces: list[str] = api.get("/namespaces", limit=100)["items"]
    mine = next(each for each in namespaces if each.startswith("postgres"))
    others = [each for each in namespaces if each != mine and "://" in each]
    hidden = re.compile("|".join(map(re.escape, others)))
    visit = look(locked.url)
    visit.go("/login")
    log_in(visit, make_key(locked, "read", namespaces=(mine,)))
    for path in (
        "/",
        "/freshness",
        "/datasets",
        "/jobs",
        "/runs",
        "/alerts",
        "/triggers",
        "/events",
        "/search?q=o",
        "/lineage",
    ):
        visit.go(path)
        visit.sound()
        assert not (found := hidden.search(visit.page.inner_text("body"))), (path, found)


def test_an_ingest_key_is_told_that_it_may_not_look(look: Look, locked: Server, admin: str) -> None:
    visit = look(locked.url)
    visit.go("/login")
    visit.page.get_by_label("API key").fill(make_key(locked, "ingest"))
    visit.page.get_by_role("button", name="Log in").click()
    visit.page.get_by_role("alert").wait_for()
    assert "scope" in visit.page.get_by_role("alert").inner_text()
    visit.go("/alerts")
    assert "/login" in visit.page.url
    visit.complaints.clear()  # the 403 that was wanted
