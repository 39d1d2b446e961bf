"""The pages of triggers: how they stand and why, and what people ask of them."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
import yaml
from flask.testing import FlaskClient
from sqlalchemy import select

from collector.storage import keys
from collector.storage.engine import Database
from collector.storage.tables import trigger_request
from lineage.model import Direction
from tests.catalog import HOUR, NOON
from tests.integration.api.conftest import Writing
from tests.integration.web.conftest import TOKEN, Look, Send
from tests.stand import Stand
from tests.triggered import TODAY, Triggered, came, waits_for
from tests.unit.triggers.joining import World
from triggers.holds import Hold

HOSTILE = '<b onload="x">"\u202e'

NESTED: dict[str, Any] = {
    "timezone": "UTC",
    "when": {
        "all": [
            {"id": "orders", "dataset": {"namespace": "shop", "name": "orders"}},
            {
                "any": [
                    {"id": name, "dataset": {"namespace": "shop", "name": name}}
                    for name in ("payments", "cash")
                ]
            },
        ]
    },
    "join": {"mode": "latched", "expire": "1d"},
    "guard": {"cooldown": "1h"},
    "do": [{"id": "run", "start": "prefect", "deployment": "mart/nightly"}],
}


@pytest.fixture
def mart(writing: Writing) -> None:
    """Have ``mart``: of today orders came and payments failed, of yesterday all came and it fired."""
    body = waits_for("orders", "payments")
    with writing() as catalog:
        found = {name: catalog.dataset(name) for name in ("orders", "payments")}
        load = catalog.job("load_payments")
        catalog.edge(load, found["payments"], Direction.OUTPUT)
        catalog.run(load, "0190c1a4-7d2f-7cc2-9f00-0000000000bb", state="FAIL")
        triggered = Triggered(catalog.conn)
        triggered.trigger("mart", body)
        triggered.joined("mart", body, [came("orders")])
        parts: dict[str, Any] = {"parts": ("2026-11-21",), "partition": "2026-11-21"}
        old = [came(name, NOON - 25 * HOUR, **parts) for name in ("orders", "payments")]
        triggered.joined("mart", body, old, "2026-11-21", NOON - 24 * HOUR)
        triggered.fired("mart", old, "2026-11-21", NOON - 25 * HOUR)


def text_of(page: str) -> str:
    """Give what a reader sees of a page, its white space as one."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())


@pytest.mark.usefixtures("mart")
def test_a_list_has_a_mark_for_each_input(look: Look, writing: Writing) -> None:
    many = waits_for(*(f"region-{number}" for number in range(31)))
    with writing() as catalog:
        triggered = Triggered(catalog.conn)
        triggered.trigger("world", many)
        triggered.joined("world", many, [came(f"region-{number}") for number in range(9)])
    page = look("/triggers")
    assert 'aria-label="orders: arrived"' in page
    assert 'aria-label="payments: its run failed"' in page
    assert "9 of 31" in page
    assert 'aria-label="region-0: arrived"' not in page
    assert "payments" in text_of(page)
    assert 'href="/api/v2/triggers"' in page
    assert 'data-live="15"' in page


@pytest.mark.usefixtures("mart")
def test_states_are_filtered_in_the_address(look: Look) -> None:
    assert "mart" in text_of(look("/triggers", state="waiting"))
    page = look("/triggers", state="paused")
    assert "No trigger stands like this now." in page
    assert 'href="/triggers"' in page


def test_without_triggers_there_is_one_to_copy(look: Look, client: FlaskClient) -> None:
    page = look("/triggers")
    shown = re.search(r"<pre[^>]*><code>(.*?)</code>", page, re.DOTALL)
    assert shown, "nothing to copy"

    document = yaml.safe_load(html.unescape(shown[1]))
    document.pop("version")
    assert client.put("/api/v2/rules", json={"version": 1, **document}).status_code == 200


@pytest.mark.usefixtures("mart")
def test_a_trigger_says_why_it_has_not_fired(look: Look) -> None:
    page = look("/triggers/mart")
    assert "Not fired because payments has not arrived (1 of 2 missing)." in page
    assert 'aria-label="ALL: 1 of 2"' in page
    assert "start prefect" in page
    assert "finance/nightly" in page
    assert 'href="/run?run_id=0190c1a4-7d2f-7cc2-9f00-0000000000bb' in page
    assert "Counting updates of the partition 2026-11-22." in page
    assert "mode: partition" in html.unescape(page)
    text = text_of(page)
    assert "✗ all of 2: 1 is there" in text
    assert "✓ orders updated: last update" in text
    assert "✗ payments updated: nothing has come" in text


@pytest.mark.usefixtures("mart")
def test_joins_stand_key_by_key(look: Look) -> None:
    page = look("/triggers/mart")
    assert f'href="/triggers/mart?key={TODAY}"' in page
    assert "1 for which nothing waits" in page
    other = look("/triggers/mart", key="2026-11-21")
    assert "Not fired because payments" not in other
    listed = look("/triggers/mart/joins", state="waiting")
    assert TODAY in listed
    assert "key=2026-11-21" not in listed


def test_what_is_not_needed_is_told_from_what_is_missing(look: Look, writing: Writing) -> None:
    with writing() as catalog:
        triggered = Triggered(catalog.conn)
        triggered.trigger("nested", NESTED)
        triggered.joined("nested", NESTED, [came("payments", partition=None, parts=())], "")
    page = look("/triggers/nested")
    text = text_of(page)
    assert "Not fired because it waits for orders." in text
    assert "– cash updated: nothing has come" in text
    assert "✗ orders updated: nothing has come" in text
    assert 'aria-label="ANY: 1 of 2"' in page
    assert "orders and (payments or cash)" in text
    assert "at least 1h between two firings of the same key" in text


def test_what_holds_a_trigger_back_is_drawn_and_told(look: Look, writing: Writing) -> None:
    with writing() as catalog:
        held = World(held=lambda state, at: [Hold("cooldown", NOON + HOUR)])
        triggered = Triggered(catalog.conn, held)
        body = NESTED | {"when": NESTED["when"]["all"][0]}
        triggered.trigger("held", body)
        triggered.joined("held", body, [came("orders", partition=None, parts=())], "")
        triggered.trigger("paused", body, paused_at=NOON, paused_by="anna", paused_reason="we <b>move</b>")
        triggered.trigger("broken", body, broken_at=NOON)
    page = look("/triggers/held")
    assert "Not fired because it has fired a short while ago." in page
    assert "until 22 Nov 13:00" in page
    paused = look("/triggers/paused")
    assert "we &lt;b&gt;move&lt;/b&gt;" in paused
    assert 'href="/triggers/paused/resume"' in paused
    assert "it fired too often, and waits to be resumed" in look("/triggers/broken")


def test_names_are_no_markup(look: Look, writing: Writing) -> None:
    body = NESTED | {
        "when": {"id": "x", "dataset": {"namespace": "shop", "name": HOSTILE}},
        "description": HOSTILE,
        "do": [{"id": "run", "start": "prefect", "deployment": HOSTILE}],
    }
    with writing() as catalog:
        catalog.dataset(HOSTILE)
        triggered = Triggered(catalog.conn)
        triggered.trigger("odd", body)
        triggered.joined("odd", body, [came("x", partition=None, parts=())._replace(name=HOSTILE)], "")
    for path in ("/triggers", "/triggers/odd", "/triggers/odd/fire", "/triggers/odd/replay"):
        page = look(path)
        assert "<b onload" not in page
        assert "\u202e" not in page


def asked(database: Database) -> list[tuple[str, str | None, str, str | None]]:
    table = trigger_request.c
    with database.read() as conn:
        rows = conn.execute(select(table.kind, table.key, table.by, table.reason).order_by(table.id))
        return [tuple(row) for row in rows]


@pytest.mark.usefixtures("mart")
def test_people_pause_and_resume(look: Look, send: Send, database: Database) -> None:
    assert 'action="/triggers/mart/pause"' in look("/triggers/mart/pause")
    answer = send("/triggers/mart/pause", reason="we move", by="anna")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/triggers/mart")
    send("/triggers/mart/resume", by="anna")
    assert asked(database) == [("pause", None, "anna", "we move"), ("resume", None, "anna", None)]
    page = look("/triggers/mart")
    assert "The engine will do it when it gets to it." in page
    assert "we move" in look("/triggers/mart/requests")
    assert send("/triggers/mart/pause", by="anna").status_code == 422
    nameless = send("/triggers/mart/pause", reason="no name")
    assert (nameless.status_code, 'value="no name"' in nameless.text) == (422, True)


@pytest.mark.usefixtures("mart")
def test_firing_is_confirmed_on_a_page(look: Look, send: Send, database: Database) -> None:
    assert f'href="/triggers/mart/fire?key={TODAY}"' in look("/triggers/mart")
    page = look("/triggers/mart/fire", key=TODAY)
    assert f'value="{TODAY}"' in page
    assert "start prefect finance/nightly" in page
    answer = send("/triggers/mart/fire", key=TODAY, by="anna", reason="month end")
    assert answer.headers["Location"] == "/triggers/mart"
    assert asked(database) == [("fire", TODAY, "anna", "month end")]
    assert send("/triggers/mart/fire", key="tomorrow", by="anna").status_code == 422
    assert "Give up what has come" in look("/triggers/mart/reset")
    send("/triggers/mart/reset", by="anna")
    assert asked(database)[1:] == [("reset", None, "anna", None)]


@pytest.mark.usefixtures("mart")
def test_why_leads_upstream(look: Look) -> None:
    page = look("/triggers/mart/why")
    assert "payments has never been updated." in text_of(page)
    assert 'href="/why?node=dataset:shop:payments"' in page


@pytest.mark.usefixtures("mart")
def test_only_those_who_may_have_forms(client: FlaskClient, writing: Writing) -> None:
    with writing() as catalog:
        secrets = {
            name: keys.create(catalog.conn, name, scopes, namespaces, NOON)[0]
            for name, scopes, namespaces in (
                ("reads", ["read"], []),
                ("some", ["operate"], ["shop"]),
                ("all", ["operate"], []),
                ("other", ["read"], ["bank"]),
            )
        }

    def page(key: str, path: str, status: int = 200) -> str:
        answer = client.get(path, headers={"X-API-Key": secrets[key]})
        assert answer.status_code == status
        return answer.text

    assert 'href="/triggers/mart/pause"' in page("all", "/triggers/mart")
    for key in ("reads", "some"):
        shown = page(key, "/triggers/mart")
        assert "/triggers/mart/pause" not in shown
        assert "/triggers/mart/fire" not in shown
        token = TOKEN.search(shown)
        assert token
        fields = {"csrf": token[1], "reason": "x"}
        answer = client.post("/triggers/mart/pause", data=fields, headers={"X-API-Key": secrets[key]})
        assert answer.status_code == 403
    assert "Only keys of all namespaces may see the rule." in page("some", "/triggers/mart")
    assert "finance/nightly" not in page("some", "/triggers/mart")
    page("other", "/triggers/mart", 404)
    assert "There is no trigger that you may see." in page("other", "/triggers")
    page("some", "/triggers/mart/requests", 403)


RULES = """
version: 1
triggers:
  - id: mart
    when: {all: [{id: orders, dataset: {namespace: shop, name: orders}},
                 {id: payments, dataset: {namespace: shop, name: payments}}]}
    join: {mode: latched, expire: 1d}
"""


def test_a_replay_is_drawn_beside_what_was_fired(look: Look, client: FlaskClient, database: Database) -> None:
    stand = Stand(database, "2026-11-20T06:00Z")
    stand.apply(RULES)
    for time, name in (("07:00", "orders"), ("07:30", "payments"), ("08:00", "orders")):
        stand.at(f"2026-11-20T{time}Z")
        stand.run(f"load_{name}", [{"namespace": "shop", "name": name}])
        stand.rest()
    page = look("/triggers/mart/replay", since="2026-11-20T06:00Z", until="2026-11-20T09:00Z")
    text = text_of(page)
    assert "it would have fired 1 time; it did fire 1 time." in text
    assert page.count('class="came"') == 3 + 1  # the legend
    assert page.count('class="fire same"') == 2 + 1
    assert "not in the replay" not in page
    empty = look("/triggers/mart/replay", since="2026-11-20T08:30Z", until="2026-11-20T09:00Z")
    assert "It would not have fired in this time, and did not." in empty
    assert client.get("/triggers/mart/replay?since=yesterday").status_code == 422
