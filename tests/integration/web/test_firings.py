"""The pages of firings: why, with what, and what came of it."""

from __future__ import annotations

import json

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from collector.storage import keys
from collector.storage.engine import Database
from collector.storage.firings import Progress
from collector.storage.tables import outbox
from tests.catalog import NOON
from tests.integration.api.conftest import Writing
from tests.integration.web.conftest import TOKEN, Look, Send
from tests.triggered import RUN_ID, TODAY, Triggered, came, does, waits_for
from triggers.firings import Cause

TREE = {
    "at_least": 1,
    "met": True,
    "of": [
        {"input": "orders", "optional": False, "updates": 1, "met": True, "latest": came("orders").data()}
    ],
}


@pytest.fixture
def firing(writing: Writing) -> str:
    """Have anna fire ``mart``, of which one action was given up and the other started a run; give its id."""
    with writing() as catalog:
        catalog.dataset("orders")
        triggered = Triggered(catalog.conn)
        triggered.trigger("mart", waits_for("orders"))
        handle = {"run_id": "r-1", "url": "https://prefect.example/runs/1"}
        found = triggered.fired(
            "mart", [came("orders")], TODAY, NOON, Progress.FAILED,
            does("run", Progress.DEAD, outbox_key="k-run", error="answered 503"),
            does("again", Progress.STARTED, outbox_key="k-2", started_at=NOON, handle=json.dumps(handle)),
            does("odd", Progress.STARTED, outbox_key="k-3", handle='{"url": "javascript:alert(1)"}'),
            error="run could not be sent", cause=Cause.MANUAL, by="anna", reason="month end", tree=TREE,
        )  # fmt: skip
        catalog.conn.execute(
            update(outbox).where(outbox.c.key == "k-run").values(state="dead", attempts=3, ended_at=NOON)
        )
        triggered.fired("mart", [], "2026-11-21", NOON - 1)
    return found


def test_a_list_is_filtered_in_the_address(look: Look, firing: str) -> None:
    page = look("/firings")
    assert f'href="/firings/{firing}"' in page
    assert page.count('class="data" href="/triggers/mart"') == 2
    page = look("/firings", state="failed", trigger="mart")
    assert (firing in page, "2026-11-21" in page) == (True, False)
    assert 'value="mart"' in page
    assert "Nothing was fired like this." in look("/firings", key="none")


def test_nothing_was_fired_yet(look: Look) -> None:
    assert "No trigger has fired yet." in look("/firings")


def test_a_firing_says_why_with_what_and_what_came_of_it(look: Look, firing: str) -> None:
    page = look(f"/firings/{firing}")
    assert "somebody fired it by hand" in page
    assert "month end" in page
    assert "could not be sent" in page
    assert "answered 503" in page
    assert f'href="/run?run_id={RUN_ID}' in page
    assert 'href="/dataset?namespace=shop&amp;name=orders"' in page
    assert 'href="https://prefect.example/runs/1" rel="noopener noreferrer nofollow"' in page
    assert "javascript:" not in page.replace("javascript:alert(1)&#34;", "")
    assert 'href="/deliveries/' in page
    assert f'href="/api/v2/firings/{firing}"' in page
    assert "The evaluation that it followed from" in page


def test_what_was_given_up_is_sent_again(look: Look, send: Send, firing: str, database: Database) -> None:
    assert f'action="/firings/{firing}/retry"' in look(f"/firings/{firing}")
    answer = send(f"/firings/{firing}/retry")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/firings/{firing}")
    with database.read() as conn:
        states = {row.key: row.state for row in conn.execute(select(outbox))}
    assert states["k-run"] == "pending"
    assert "/retry" not in look(f"/firings/{firing}")
    assert send(f"/firings/{firing}/retry").status_code == 422


def test_keys_of_namespaces_see_how_far_it_came(client: FlaskClient, writing: Writing, firing: str) -> None:
    with writing() as catalog:
        secret, _ = keys.create(catalog.conn, "some", ["operate"], ["shop"], NOON)
    headers = {"X-API-Key": secret}
    page = client.get(f"/firings/{firing}", headers=headers).text
    assert "given up" in page
    assert "503" not in page
    assert "month end" not in page
    assert "/retry" not in page
    token = TOKEN.search(page)
    assert token
    answer = client.post(f"/firings/{firing}/retry", data={"csrf": token[1]}, headers=headers)
    assert answer.status_code == 403
