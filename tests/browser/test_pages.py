"""Every page, as a reader with any screen, colours, or aid finds it."""

from __future__ import annotations

import pytest

from tests.browser.conftest import Look
from tests.browser.places import PLACES, Api
from tests.browser.visits import PHONE

HEADINGS = """async () => {
  const headings = (page) => [...page.querySelectorAll("main :is(h1, h2, h3)")].map((heading) => {
    const copy = heading.cloneNode(true);
    for (const time of copy.querySelectorAll("time")) time.remove();  // in the zone of the viewer, or in UTC
    // What is late grows later between the two.
    return copy.textContent.trim().replace(/\\d+( (d|h|min|s)\\b)?( \\d+ (h|min|s)\\b)*/g, "#");
  });
  const answer = await fetch(location.href, {headers: {Accept: "text/html"}});
  const sent = new DOMParser().parseFromString(await answer.text(), "text/html");
  return [headings(document), headings(sent)];
}"""
"""The headings of a page as scripts have left it, and as the server sends it."""


ALIKE = {
    "lineage-deep",
    "lineage-datasets",
    "lineage-list",
    "firings",
    "jobs",
    "parked",
    "rejection",
    "expectations",
}
"""Pages laid out as others are: those are enough on a phone, in the dark."""


@pytest.mark.parametrize("place", PLACES)
def test_a_page_is_sound_and_accessible(look: Look, api: Api, place: str) -> None:
    visit = look()
    visit.go(PLACES[place](api))
    visit.sound()
    visit.accessible()
    assert visit.page.locator("main h1").count() == 1
    with_script, as_sent = visit.page.evaluate(HEADINGS)
    assert with_script == as_sent
    if place not in ALIKE:
        visit.page.set_viewport_size(PHONE)
        visit.page.emulate_media(color_scheme="dark")
        visit.sound()
        visit.accessible()


def test_all_of_a_page_can_be_used_without_script(look: Look, api: Api) -> None:
    visit = look(java_script_enabled=False)
    visit.go(PLACES["freshness"](api))
    visit.page.get_by_text("Narrow down").click()
    visit.page.get_by_role("main").get_by_role("link", name="Next hours").click()
    visit.go(PLACES["alert"](api))
    visit.page.get_by_text("Acknowledge").first.click()
    assert visit.page.get_by_label("Your name").first.is_visible()
    visit.sound()


@pytest.mark.parametrize("place", ["overview", "lineage", "alert"])
def test_the_keyboard_reaches_everything_in_order(look: Look, api: Api, place: str) -> None:
    visit = look()
    visit.go(PLACES[place](api))
    names = visit.tab_order()
    assert names[:2] == ["Skip to content", "Tidegate: overview"]
    assert len(names) > 12


def test_the_slash_goes_to_the_search_and_the_question_mark_shows_the_keys(look: Look) -> None:
    visit = look()
    visit.go("/freshness")
    visit.page.keyboard.press("?")
    assert visit.page.get_by_role("dialog").is_visible()
    visit.page.keyboard.press("Escape")
    visit.page.keyboard.press("/")
    visit.page.keyboard.type("orders")
    visit.page.keyboard.press("Enter")
    visit.page.wait_for_url("**/search?q=orders")
    assert "orders" in visit.page.inner_text("main")


def test_times_are_the_viewers_with_utc_on_hover(look: Look, api: Api) -> None:
    visit = look(timezone_id="Asia/Kolkata")
    visit.go("/events")
    assert "Asia/Calcutta" in visit.page.inner_text("footer") or "Asia/Kolkata" in visit.page.inner_text(
        "footer"
    )
    time = visit.page.locator("main time").first
    title = time.get_attribute("title")
    assert title is not None
    assert title.endswith("UTC")
    assert title[11:16] not in time.inner_text(), "half an hour lies between every zone and this one"


def test_colours_can_be_chosen_and_are_kept(look: Look) -> None:
    visit = look(color_scheme="light")
    visit.go("/freshness")
    background = "getComputedStyle(document.body).backgroundColor"
    light = visit.page.evaluate(background)
    visit.page.get_by_role("button", name="Change colours to dark").click()
    visit.page.wait_for_url("**/freshness")
    dark = visit.page.evaluate(background)
    assert dark != light
    visit.go("/events")
    assert visit.page.evaluate(background) == dark
