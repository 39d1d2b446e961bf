"""Datasets: the list, and the page of one."""

from __future__ import annotations

import json
import re

from flask.testing import FlaskClient

from collector.storage.engine import Database
from lineage.model import Direction
from tests.catalog import HOUR, NOON
from tests.integration.api.conftest import Writing
from tests.integration.web.conftest import Look
from tests.statements import counted

DAY = 24 * HOUR

TAG = re.compile(r"<[^>]*>")

ORDERS = {"namespace": "shop", "name": "orders"}


def test_the_list_shows_what_is_known_of_each_and_leads_to_its_page(look: Look, writing: Writing) -> None:
    with writing() as catalog:
        load, orders = catalog.job("load"), catalog.dataset("orders")
        catalog.edge(load, orders, Direction.OUTPUT)
        catalog.update(orders, catalog.run(load, "r1", NOON), NOON, rows=12345)
        catalog.dataset("never")

    html = look("/datasets")
    assert 'href="/dataset?namespace=shop&amp;name=orders"' in html
    assert "12,345" in html
    assert 'datetime="2026-11-22T12:00:00' in html
    assert "never" in html
    assert 'href="/api/v2/datasets"' in html
    assert 'aria-current="page">Datasets' in html


def test_nothing_yet_is_told_from_nothing_that_matches(look: Look, writing: Writing) -> None:
    assert "No dataset yet" in look("/datasets")
    with writing() as catalog:
        catalog.dataset("orders")
    html = look("/datasets", q="payments")
    assert "No dataset matches" in html
    assert 'href="/datasets">Clear the filters' in html
    assert "orders" in look("/datasets", q="ORD", namespace="shop")


def test_pages_of_the_list_keep_the_filters(look: Look, writing: Writing) -> None:
    with writing() as catalog:
        for number in range(120):
            catalog.dataset(f"orders_{number:03}")

    html = look("/datasets", q="orders")
    assert "100 datasets on this page, more follow" in html
    assert 'rel="next" href="/datasets?q=orders&amp;cursor=' in html


def test_the_page_tells_who_makes_and_reads_it_and_how_their_last_runs_went(
    look: Look, writing: Writing
) -> None:
    with writing() as catalog:
        orders = catalog.dataset("orders")
        load, report = catalog.job("load"), catalog.job("report", "bi")
        catalog.edge(load, orders, Direction.OUTPUT)
        catalog.edge(report, orders, Direction.INPUT)
        catalog.run(load, "r1", NOON, state="FAIL", ended_at=NOON + HOUR)

    html = look("/dataset", **ORDERS)
    made, read = html.split('id="made"')[1].split('id="read"')
    assert 'href="/job?namespace=shop&amp;name=load"' in made
    assert "failed" in made
    assert 'href="/run?run_id=r1&amp;job_namespace=shop&amp;job_name=load"' in made
    assert 'href="/job?namespace=bi&amp;name=report"' in read
    assert "no run yet" in read
    assert 'href="/lineage?node=dataset:shop:orders"' in html
    assert 'href="/api/v2/dataset?namespace=shop&amp;name=orders"' in html


def test_updates_are_drawn_and_listed_with_the_pauses_between_them(look: Look, writing: Writing) -> None:
    with writing() as catalog:
        load, orders = catalog.job("load"), catalog.dataset("orders")
        for day, rows in enumerate((100, 200, 0, None)):
            run = catalog.run(load, f"r{day}", NOON + day * DAY)
            catalog.update(
                orders, run, NOON + day * DAY + (HOUR if day == 3 else 0), rows=rows, partition=f"p{day}"
            )

    html = look("/dataset", **ORDERS)
    assert "Rows of the last 4 updates: usually 100, at most 200." in html
    assert "<title>200 rows, 2026-11-23 12:00 UTC</title>" in html
    assert "<title>rows not told, 2026-11-25 13:00 UTC</title>" in html
    assert "Squares brought none." in html
    assert "usually comes 1 d after the one before; the longest pause among these was 1 d 1 h" in html
    assert "p3" in html


def test_columns_tell_their_types_since_when_and_what_they_are_made_from(
    look: Look, writing: Writing
) -> None:
    with writing() as catalog:
        load, raw, orders = catalog.job("load"), catalog.dataset("raw"), catalog.dataset("orders")
        for dataset, direction in ((raw, Direction.INPUT), (orders, Direction.OUTPUT)):
            derivation = (
                catalog.derivation(
                    7,
                    (raw, "cents", "total", [["DIRECT", "TRANSFORMATION", "", True]]),
                    (raw, "day", "total", [["INDIRECT", "FILTER", "", False]]),
                )
                if direction is Direction.OUTPUT
                else None
            )
            catalog.edge(load, dataset, direction, derivation_id=derivation)
        catalog.facet(raw, "schema", {"fields": [{"name": "cents"}, {"name": "day"}]})
        before = [{"name": "id", "type": "int", "description": "the key"}]
        catalog.facet(orders, "schema", {"fields": before}, NOON)
        address = {"name": "address", "type": "struct", "fields": [{"name": "city", "type": "text"}]}
        now = [*before, {"name": "total", "type": "numeric"}, address]
        catalog.facet(orders, "schema", {"fields": now}, NOON + DAY)
        catalog.facet(orders, "tags", {"tags": [{"key": "pii", "field": "address.city"}, {"key": "gold"}]})

    html = look("/dataset", **ORDERS)
    columns = html.split('id="columns"')[1].split('id="history"')[0]
    rows = {row.split("</bdi>")[0].rpartition("<bdi>")[2]: row for row in columns.split("<tr>")[2:]}
    assert list(rows) == ["id", "total", "address", "city"]
    assert "the key" in rows["id"]
    assert 'datetime="2026-11-22T12:00:00' in rows["id"]
    assert 'datetime="2026-11-23T12:00:00' in rows["total"]
    assert ".cents" in rows["total"]
    assert "direct: direct transformation masked" in rows["total"]
    assert ".day" in rows["total"]
    assert "indirect: indirect filter" in rows["total"]
    assert "pii" in rows["city"]
    assert "depth-1" in rows["city"]
    assert '<span class="tag">gold</span>' in html.split('id="columns"')[0]


def test_the_history_of_the_schema_says_what_changed_in_words_and_signs(look: Look, writing: Writing) -> None:
    with writing() as catalog:
        orders = catalog.dataset("orders")
        versions = (
            [{"name": "id", "type": "int"}, {"name": "old", "type": "text"}],
            [{"name": "id", "type": "bigint"}, {"name": "new", "type": "text"}],
            [{"name": "id", "type": "BIGINT", "description": "the key"}, {"name": "new", "type": "text"}],
        )
        for day, fields in enumerate(versions):
            catalog.facet(orders, "schema", {"fields": fields}, NOON + day * DAY)

    history = look("/dataset", **ORDERS).split('id="history"')[1].split('id="checks"')[0]
    assert '<span aria-hidden="true">+</span> added <code>new</code>' in history
    assert '<span aria-hidden="true">−</span> removed <del><code>old</code></del>' in history
    assert "changed <code>id</code> from <code>int</code> to <code>bigint</code>" in history
    assert "The first schema that is known." in history
    assert "1 more version has the columns and types of the one before" in history


def test_checks_come_with_their_history_those_that_fail_first(look: Look, writing: Writing) -> None:
    with writing() as catalog:
        job, orders = catalog.job("test"), catalog.dataset("orders")
        for hour in range(3):
            run = catalog.run(job, f"t{hour}", NOON + hour * HOUR)
            catalog.assertion(orders, run, "not_null", True, NOON + hour * HOUR)
            catalog.assertion(orders, run, "unique", hour < 2, NOON + hour * HOUR)

    checks = look("/dataset", **ORDERS).split('id="checks"')[1].split('id="facets"')[0]
    assert checks.index("unique") < checks.index("not_null")
    assert "1 of the last 3 failed" in checks
    assert "0 of the last 3 failed" in checks
    assert "run_id=t2" in checks


def test_what_no_tool_told_is_said_to_be_so(look: Look, writing: Writing) -> None:
    with writing() as catalog:
        catalog.dataset("orders")

    html = look("/dataset", **ORDERS)
    for sentence in (
        "No expectation covers this dataset",
        "No job is known to write it.",
        "No update yet.",
        "No producer sends a schema",
        "No producer sends results of checks",
        "No facet has come",
    ):
        assert sentence in html


def test_facets_are_shown_and_can_be_had_as_files(look: Look, client: FlaskClient, writing: Writing) -> None:
    small, large = {"a": "<b>"}, {"blob": "x" * 100_000}
    with writing() as catalog:
        orders = catalog.dataset("orders")
        catalog.facet(orders, "small", small)
        catalog.facet(orders, "large", large)
        catalog.facet(orders, "documentation", {"description": "All orders.\nOne a row."})
        catalog.facet(orders, "ownership", {"owners": [{"name": "team:shop", "type": "OWNER"}]})
        catalog.facet(
            orders, "catalog", {"catalogUrl": "https://catalog.example.com/1", "bad_url": "javascript:1"}
        )

    html = look("/dataset", **ORDERS)
    assert "&#34;a&#34;: &#34;&lt;b&gt;&#34;" in html
    assert "100,011 bytes to download" in html
    assert "xxxxxxxx" not in html
    assert "All orders.\nOne a row." in html
    assert "team:shop" in html
    assert '<a href="https://catalog.example.com/1" rel="noopener noreferrer nofollow">' in html
    assert 'href="javascript' not in html
    file = client.get("/dataset/facet", query_string=ORDERS | {"facet": "large"})
    assert json.loads(file.data) == large
    assert file.headers["Content-Disposition"] == 'attachment; filename="facet.json"'
    assert client.get("/dataset/facet", query_string=ORDERS | {"facet": "none"}).status_code == 404


def test_other_names_lead_to_their_pages(look: Look, writing: Writing) -> None:
    with writing() as catalog:
        orders, link = catalog.dataset("orders"), catalog.dataset("s3/orders", "lake")
        catalog.alias(orders, link, "symlink")

    html = look("/dataset", **ORDERS)
    assert 'href="/dataset?namespace=lake&amp;name=s3/orders"' in html
    assert "symlink" in html


def test_names_are_told_as_they_are_and_do_nothing(look: Look, writing: Writing) -> None:
    names = ("<script>alert(1)</script>", "\u202egpj.x", "x" * 5000, "{{ 7*7 }}", " ")
    with writing() as catalog:
        for name in names:
            orders = catalog.dataset(name, name)
            catalog.facet(orders, "schema", {"fields": [{"name": name, "type": name, "description": name}]})
            catalog.edge(catalog.job(name, name), orders, Direction.OUTPUT)

    for html in (look("/datasets"), *(look("/dataset", namespace=name, name=name) for name in names)):
        assert "<script>alert" not in html
        assert "\u202e" not in TAG.sub("", html)
        assert ">49<" not in html
        assert len(html) < 200_000
    assert "⟨U+202E⟩gpj.x" in look("/datasets")
    assert "⟨blank⟩" in look("/datasets")


def test_an_unknown_dataset_is_not_found_and_an_unnamed_one_refused(client: FlaskClient) -> None:
    assert client.get("/dataset", query_string=ORDERS).status_code == 404
    refused = client.get("/dataset?name=orders")
    assert refused.status_code == 422
    assert "namespace" in refused.text


def test_a_page_takes_as_many_statements_however_much_there_is(
    database: Database, look: Look, writing: Writing
) -> None:
    with writing() as catalog:
        for name, size in (("few", 2), ("many", 60)):
            mine = catalog.dataset(name)
            for number in range(size):
                job, at = catalog.job(f"{name}{number}"), NOON + number
                catalog.edge(job, mine, Direction.OUTPUT)
                catalog.edge(job, mine, Direction.INPUT)
                run = catalog.run(
                    job, f"{name}{number}", at, parent_key=bytes([number] * 16), parent_run_id="p"
                )
                catalog.update(mine, run, at, rows=number)
                catalog.assertion(mine, run, "unique", True, at)
                catalog.facet(mine, "schema", {"fields": [{"name": f"c{number}"}]}, at)

    costs = []
    for name in ("few", "few", "many"):
        with counted(database) as statements:
            look("/dataset", namespace="shop", name=name)
        costs.append(len(statements))
    assert costs[1] == costs[2]
    with counted(database) as statements:
        look("/datasets")
    assert len(statements) < 20
