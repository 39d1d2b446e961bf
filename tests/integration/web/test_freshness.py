"""The board and what stands behind it: rows by cause, filters, lanes, expectations, and why something is late."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from collector.storage import forecasts, keys
from collector.storage.engine import Database
from collector.storage.forecasts import Forecast
from collector.web.board import grouped
from lineage.model import Direction
from tests.accounts import history
from tests.catalog import HOUR, NOON
from tests.integration.api.conftest import Writing
from tests.integration.web.conftest import Look
from tests.statements import counted
from tests.watched import SEVEN, Watched, print_of
from triggers.forecasting import Outlook
from triggers.verdict import Reason

LOAD = print_of("failed_run", "load")
HOSTILE = '</td><script>"x"</script>\u202e{{7*7}}'


@pytest.fixture(autouse=True)
def at_noon(time_machine: Any) -> None:
    """It is noon."""
    time_machine.move_to(NOON / 1e6, tick=False)


@pytest.fixture
def watched(writing: Writing) -> None:
    """Have a failed run explain that orders and report are late; prices is late by itself, sales is fresh."""
    with writing() as catalog:
        load = catalog.job("load")
        catalog.facet(load, "jobType", {"integration": "AIRFLOW", "processingType": "BATCH"})
        catalog.run(load, "r1", NOON - 6 * HOUR, state="FAIL", error="disk full")
        ids = {name: catalog.dataset(name) for name in ("orders", "report", "prices", "sales")}
        catalog.edge(load, ids["orders"], Direction.OUTPUT)
        job = catalog.job("model")
        catalog.edge(job, ids["orders"], Direction.INPUT)
        catalog.edge(job, ids["report"], Direction.OUTPUT)
        catalog.update(ids["sales"], catalog.run(job, "r2", NOON - 6 * HOUR), NOON - 6 * HOUR)
        catalog.facet(ids["sales"], "ownership", {"owners": [{"name": "team:finance"}]})
        watched = Watched(catalog.conn)
        rule: dict[str, Any] = {
            "due": {"at": "08:00"},
            "slo": {"share": 0.9, "period": "30d"},
            "timezone": "Europe/Berlin",
        }
        watched.expect("daily", grace={"late": "30m"}, **rule)
        watched.alert(
            "failed_run",
            "load",
            type_="job",
            text="The run of load failed: disk full.",
            affects=2,
            notified_at=NOON,
        )
        for name in ("orders", "report"):
            watched.stands("daily", name)
            path = ["job:shop:load", "dataset:shop:orders", "job:shop:model", "dataset:shop:report"]
            path = path[:2] if name == "orders" else path
            watched.alert("daily", name, cause=LOAD, path=json.dumps(path))
            watched.decided("daily", name, "late")
        watched.stands("daily", "prices", "missed")
        watched.alert("daily", "prices")
        watched.stands("daily", "sales", "fresh")
        watched.notified("n1", LOAD)
        history(catalog.conn, "daily", "sales", SEVEN, "+" * 9 + "-")
        outlook = Outlook(NOON, True, Reason("never"), NOON, NOON + HOUR, NOON, NOON + 2 * HOUR, 0.9)
        forecasts.write(catalog.conn, [Forecast("daily", ids["sales"], NOON, NOON, None, outlook)])


def text(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html))


@pytest.mark.usefixtures("watched")
def test_what_a_cause_explains_stands_below_it_and_raises_no_alarm(look: Look) -> None:
    page = look("/freshness")
    places = [
        page.index(word)
        for word in (">prices<", "The run of load failed: disk full.", ">orders<", ">report<")
    ]
    assert places == sorted(places)
    assert page.count('class="waits"') == 2
    assert page.count('class=" alarm"') == 1
    assert "2 below wait for it" in text(page)
    assert page.count('<svg class="strip" width="298"') == 4
    # Sales: what became of its due times, what is left of its budget, when it will come, and by which clock.
    assert 'aria-label="last 10: 9 met, 1 missed"' in page
    assert "90.0 % of 90 %" in text(page)
    assert (
        re.search(r"<meter[^>]* value=\"0\"", page) or "0 % of budget left" in page or "budget spent" in page
    )
    assert "08:30 Europe/Berlin" in page
    assert "90 % too late" in page
    assert "AIRFLOW" in page
    assert 'href="/api/v2/freshness?sort=next&amp;history=30"' in page


@pytest.mark.usefixtures("watched")
def test_filters_and_orders_are_links_and_a_form(look: Look) -> None:
    page = look("/freshness", state="fresh")
    assert ">sales<" in page
    assert ">prices<" not in page
    assert 'name="state" value="fresh"' in page
    assert '<option value="team:finance">team:finance (1)</option>' in page
    owned = look("/freshness", owner="team:finance", view="swimlane")
    assert '<option value="team:finance" selected>' in owned
    assert 'name="view" value="swimlane"' in owned
    assert 'href="/freshness?owner=team:finance"' in owned
    assert 'aria-sort="ascending"><a href="/freshness?sort=name"' in look("/freshness", sort="name")
    nothing = look("/freshness", owner="nobody")
    assert "No expectation matches these filters." in nothing
    assert "Clear the filters" in nothing
    assert "tidegate rules apply" not in nothing


@pytest.mark.usefixtures("watched")
def test_lanes_show_half_a_day(look: Look) -> None:
    page = look("/freshness", view="swimlane")
    assert page.count('<svg class="lane" width="960"') == 4
    assert page.count('<rect class="bar-late bar-waits"') == 2
    assert "sales: fresh, last arrival 2026-11-22 06:00 UTC" in page
    assert 'class="expected"' in page


def test_who_has_no_rules_is_told_how_to_write_one(look: Look) -> None:
    for path in ("/freshness", "/expectations"):
        page = look(path)
        assert "tidegate rules suggest" in page
        assert "expectations:" in page


def test_a_view_that_there_is_not_is_refused(client: FlaskClient) -> None:
    answer = client.get("/freshness?view=pie")
    assert answer.status_code == 422
    assert "table, swimlane" in answer.text
    assert client.get("/freshness?state=odd").status_code == 422
    assert client.get("/why").status_code == 422
    assert client.get("/why?node=dataset:shop:none").status_code == 404
    assert client.get("/expectations/none").status_code == 404


@pytest.mark.usefixtures("watched")
def test_expectations_in_words_and_how_their_datasets_stand(look: Look) -> None:
    words = "New data is there by 08:00 every day (Europe/Berlin), and is late 30 min after that."
    page = look("/expectations")
    assert words in page
    assert 'href="/freshness?expectation=daily&amp;state=late"' in page

    one = look("/expectations/daily")
    assert words in one
    assert "share: 0.9" in one
    assert one.count('<svg class="strip" width="298"') == 4
    # A short list shows each due time by itself.
    assert "2026-11-22 07:00 UTC: missed" in one
    other = look("/expectations/daily", namespace="shop", name="report")
    assert "Decisions about report" in other
    assert "The data of 2026-11-22 08:00 has not come" in other
    assert "by the clock" in other


@pytest.mark.usefixtures("watched")
def test_why_leads_from_the_sentence_to_the_cause(look: Look) -> None:
    page = look("/why", node="dataset:shop:report")
    words = text(page)
    order = [
        "report is late",
        "Cause",
        "Deadlines",
        "Acknowledge",
        "The way from the cause",
        "Who was told",
        "Latest decisions",
    ]
    places = [words.index(each) for each in order]
    assert places == sorted(places)
    assert page.count("<li", page.index('class="chain"'), page.index("</ol>")) == 4
    assert 'href="/run?run_id=r1&amp;job_namespace=shop&amp;job_name=load"' in page
    assert 'href="/job?namespace=shop&amp;name=load"' in page
    assert 'href="/alerts/1"' in page
    assert 'href="/silences/new?alert=1"' in page
    assert 'href="/lineage?node=dataset:shop:report&amp;only=path"' in page
    # Told was the cause, which stands for this one.
    assert "Of the cause" in words
    assert "pager" in words

    fresh = look("/why", node="dataset:shop:sales")
    assert "sales is fresh." in fresh
    assert "Acknowledge" not in fresh
    assert "No update has been seen yet." in fresh


def test_names_cannot_break_out(look: Look, writing: Writing) -> None:
    with writing() as catalog:
        id_ = catalog.dataset(HOSTILE)
        job = catalog.job(HOSTILE)
        catalog.edge(job, id_, Direction.OUTPUT)
        catalog.facet(job, "jobType", {"integration": HOSTILE})
        catalog.facet(id_, "ownership", {"owners": [{"name": HOSTILE}]})
        watched = Watched(catalog.conn)
        watched.expect("daily", HOSTILE, description=HOSTILE, due={"at": "07:00"})
        watched.stands("daily", HOSTILE)
        watched.decided("daily", HOSTILE, "late")
        watched.alert(
            "failed_run", HOSTILE, type_="job", text=HOSTILE, explanation=HOSTILE, fingerprint="cause"
        )
        watched.alert("daily", HOSTILE, cause="cause", path=json.dumps([f"job:shop:{HOSTILE}"] * 2))
    for path, parameters in (
        ("/freshness", {}),
        ("/freshness", {"view": "swimlane"}),
        ("/freshness", {"owner": HOSTILE}),
        ("/expectations", {}),
        ("/expectations/daily", {}),
        ("/why", {"node": f"dataset:shop:{HOSTILE}"}),
    ):
        page = look(path, **parameters)
        assert '<script>"x"' not in page
        assert ">49<" not in page
        # Only where a form sends it back as it is.
        assert "\u202e" not in re.sub(r'(value|href)="[^"]*"', "", page)


def test_a_key_of_some_namespaces_is_shown_no_other(client: FlaskClient, writing: Writing) -> None:
    with writing() as catalog:
        catalog.dataset("mine", "mine://1")
        catalog.dataset("theirs", "theirs://1")
        watched = Watched(catalog.conn)
        watched.expect("wide", "mine", namespace="mine://1")
        watched.expect("other", "theirs", namespace="theirs://1")
        watched.stands("wide", "mine", namespace="mine://1")
        watched.stands("other", "theirs", namespace="theirs://1")
        watched.alert("other", "theirs", namespace="theirs://1", affects=1)
        watched.alert("wide", "mine", namespace="mine://1", cause=print_of("other", "theirs"), path="[]")
        created, _ = keys.create(catalog.conn, "test", ("read",), ("mine://*",), NOON)
    for path in (
        "/freshness",
        "/freshness?view=swimlane",
        "/expectations",
        "/why?node=dataset:mine://1:mine",
    ):
        page = client.get(path, headers={"X-API-Key": created})
        assert page.status_code == 200
        assert "theirs" not in page.text
        assert "mine" in page.text or path == "/expectations"
    assert "Something that you may not see." in page.text
    refused = client.get("/why?node=dataset:theirs://1:theirs", headers={"X-API-Key": created})
    assert refused.status_code == 404


def test_a_page_of_many_takes_few_statements(look: Look, writing: Writing, database: Database) -> None:
    with writing() as catalog:
        watched = Watched(catalog.conn)
        for number in range(120):
            catalog.dataset(f"d{number:03}")
            watched.expect(f"e{number}", f"d{number:03}", due={"at": "07:00"}, slo={"share": 0.9})
            watched.stands(f"e{number}", f"d{number:03}", "fresh")
            history(catalog.conn, f"e{number}", f"d{number:03}", SEVEN, "++-")
    look("/freshness")
    with counted(database) as statements:
        page = look("/freshness", sort="name")
    assert page.count('<tr id="row-') == 100
    assert len(statements) < 40
    assert len(page) < 300_000
    (cursor,) = set(re.findall(r"cursor=([\w-]+)\"[^>]*>Next page", page))
    assert look("/freshness", sort="name", cursor=cursor).count('<tr id="row-') == 20


def test_rows_are_put_together_by_what_explains_them() -> None:
    def row(
        name: str, alert: int | None = None, cause: int | None = None, *, violated: bool = True
    ) -> dict[str, Any]:
        found = None if cause is None else {"alert": cause, "node": "x", "text": "y"}
        return {"name": name, "alert": alert, "cause": found, "violated": violated}

    a, b, c, d, e, f = (
        row("a", 1, 9),
        row("b", 2),
        row("c", 3, 2),
        row("d", 4, 9),
        row("e", violated=False),
        row("f", 5, 2),
    )
    groups = grouped([a, b, c, d, e, f])
    assert [(group.cause, group.first, group.waiting) for group in groups] == [
        (a["cause"], None, [a, d]),
        (None, b, [c, f]),
        (None, e, []),
    ]
    # The cause comes first, wherever its own row was.
    assert [(group.first, group.waiting) for group in grouped([c, e, b])] == [(b, [c]), (e, [])]
