"""The pages of the log: the list that goes on, its filters, and one event."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert

from collector.storage import tables
from lineage.model import run_key
from tests.catalog import HOUR, NOON
from tests.integration.api.conftest import Writing
from tests.integration.web.conftest import Look, Send

HOSTILE = "<script>alert(1)</script>\u202egpj"


def rows(page: str) -> list[int]:
    return [int(found) for found in re.findall(r'<tr id="e(\d+)"', page)]


@pytest.fixture
def log(writing: Writing) -> None:
    """Write a run with three events, one of which is parked, and an event of a dataset."""
    with writing() as catalog:
        load, orders = catalog.job("load", "shop"), catalog.dataset("orders", "pg")
        catalog.run(load, "r1")
        body = {"producer": "https://example.org/p", "outputs": [{"namespace": "pg", "name": "orders"}]}
        for number, type_ in enumerate(("START", "COMPLETE")):
            catalog.event(
                body,
                NOON - HOUR + number,
                entity=load,
                run_key=run_key("r1"),
                event_type=type_,
                received_at=NOON + number * HOUR,
            )
        catalog.event({}, entity=orders, kind="dataset", event_type=None, received_at=NOON + 2 * HOUR)
        catalog.event({}, entity=load, received_at=NOON + 3 * HOUR, warnings='["$.producer: missing"]')
        row = {"event_id": 4, "error": HOSTILE, "parked_at": NOON}
        catalog.conn.execute(insert(tables.parked), [row])


@pytest.mark.usefixtures("log")
def test_the_newest_come_first_with_what_they_are_about(look: Look) -> None:
    page = look("/events")
    assert rows(page) == [4, 3, 2, 1]
    assert 'href="/job?namespace=shop&amp;name=load"' in page
    assert 'href="/dataset?namespace=pg&amp;name=orders"' in page
    assert 'href="/run?run_id=r1&amp;job_namespace=shop&amp;job_name=load"' in page
    assert "1 warning" in page
    assert 'href="/api/v2/events?limit=50&amp;body=false"' in page
    # It goes on while it is open; without script a link does it.
    assert 'data-live="2"' in page
    assert 'id="live-events" data-v="' in page
    assert 'id="reload" href="/events"' in page


@pytest.mark.usefixtures("log")
def test_filters_are_in_the_address_and_kept_in_the_form(look: Look) -> None:
    assert rows(look("/events", kind="dataset")) == [3]
    assert rows(look("/events", event_type="START")) == [1]
    assert rows(look("/events", run_id="r1")) == [2, 1]
    assert rows(look("/events", job_namespace="shop", job_name="load")) == [4, 2, 1]
    assert rows(look("/events", dataset_namespace="pg", dataset_name="orders")) == [3]
    late = look("/events", since="2026-11-22T13:30Z", until="2026-11-22T14:30Z")
    assert rows(late) == [3]
    assert 'value="2026-11-22T13:30Z"' in late
    assert "data-live" not in late  # nothing new can come before a time that has passed
    assert rows(look("/events", by="event", until="2026-11-22T11:30Z")) == [2, 1]
    none = look("/events", kind="job")
    assert "No event is like that." in none
    assert 'href="/events">Clear the filters' in none


@pytest.mark.usefixtures("log")
def test_pages_follow_each_other(look: Look) -> None:
    first = look("/events", limit=3)
    found = re.search(r'rel="next" href="/events\?limit=3&amp;cursor=([^"]+)"', first)
    assert found
    second = look("/events", limit=3, cursor=found[1])
    assert rows(second) == [1]
    assert "data-live" not in second


def test_a_filter_that_cannot_be_read_is_a_page_that_says_so(client: FlaskClient) -> None:
    for query in ("since=yesterday", "job_name=x", "kind=other", "limit=0", "cursor=x"):
        answer = client.get(f"/events?{query}")
        assert (answer.status_code, answer.mimetype) == (422, "text/html"), query


def test_nothing_has_come_yet(look: Look) -> None:
    assert "No event has come yet." in look("/events")


@pytest.mark.usefixtures("log")
def test_an_event_shows_what_came_what_it_became_and_its_run(look: Look) -> None:
    page = look("/event", id=2)
    assert "in the catalog" in page
    assert "2 h" in page  # on the way
    assert 'href="https://example.org/p" rel="noopener noreferrer nofollow"' in page
    assert 'href="/dataset?namespace=pg&amp;name=orders"' in page
    assert rows(page) == [2, 1]
    assert '<tr id="e2" aria-current="true">' in page
    assert "&#34;producer&#34;: &#34;https://example.org/p&#34;" in page
    assert 'href="/api/v2/event?id=2" download="event-2.json"' in page


@pytest.mark.usefixtures("log")
def test_a_parked_event_says_why_and_can_be_tried_again(look: Look, send: Send) -> None:
    page = look("/event", id=4)
    assert "&lt;script&gt;" in page
    assert "<script>alert" not in page
    assert "\u202e" not in page
    assert send("/parked/reprocess", ids="4").location == "/parked"
    assert "It waits to be read" in look("/event", id=4)


def test_a_large_event_is_cut_on_the_page(look: Look, writing: Writing) -> None:
    with writing() as catalog:
        catalog.event({"facets": {f"f{number}": "x" * 1000 for number in range(500)}})
    page = look("/event", id=1)
    assert len(page) < 150_000
    assert "characters more" in page or "bytes in all" in page


def test_an_event_that_is_not_there(client: FlaskClient) -> None:
    answer = client.get("/event?id=99")
    assert (answer.status_code, answer.mimetype) == (404, "text/html")
