"""Jobs: the list, and the page of one."""

from __future__ import annotations

from flask.testing import FlaskClient
from sqlalchemy import insert

from collector.storage import tables
from collector.storage.engine import Database
from lineage.model import Direction, run_key
from tests.catalog import HOUR, NOON
from tests.integration.api.conftest import Writing
from tests.integration.web.conftest import Look
from tests.statements import counted

MINUTE = HOUR // 60

LOAD = {"namespace": "shop", "name": "load"}


def test_the_list_shows_tool_and_last_run_and_leads_to_both(look: Look, writing: Writing) -> None:
    assert "No job yet" in look("/jobs")
    with writing() as catalog:
        load = catalog.job("load")
        catalog.facet(load, "jobType", {"integration": "SPARK", "jobType": "JOB"})
        catalog.run(load, "r1", NOON, state="FAIL", ended_at=NOON + 2 * MINUTE, error="no disk\n  left")
        catalog.job("idle")

    html = look("/jobs")
    assert 'href="/job?namespace=shop&amp;name=load"' in html
    assert 'href="/run?run_id=r1&amp;job_namespace=shop&amp;job_name=load"' in html
    for text in ("spark", "failed", "no disk left", "2 min", "no run yet"):
        assert text in html
    assert "No job matches" in look("/jobs", q="nothing like it")


def test_the_last_runs_are_bars_that_lead_to_the_runs(look: Look, writing: Writing) -> None:
    with writing() as catalog:
        load = catalog.job("load")
        for number in range(40):
            at = NOON + number * HOUR
            state = "FAIL" if number == 39 else "COMPLETE"
            catalog.run(load, f"r{number}", at, state=state, ended_at=at + (number + 1) * MINUTE)

    html = look("/job", **LOAD)
    bars = html.split('<svg class="bars"')[1].split("</svg>")[0]
    assert bars.count("<a ") == 30
    assert bars.index("run_id=r10&") < bars.index("run_id=r39&")
    assert "<title>failed, 40 min, began 2026-11-24 03:00 UTC</title>" in bars
    assert 'href="#i-failed"' in bars
    assert 'class="median"' in bars
    assert "The dashed line is the median, 25 min; the longest took 40 min." in html
    assert 'href="/runs?job_namespace=shop&amp;job_name=load"' in html


def test_what_it_reads_and_writes_now_and_before(look: Look, writing: Writing) -> None:
    with writing() as catalog:
        load, raw, orders, old = catalog.job("load"), *map(catalog.dataset, ("raw", "orders", "old"))
        catalog.edge(load, raw, Direction.INPUT)
        catalog.edge(load, orders, Direction.OUTPUT)
        catalog.edge(load, old, Direction.INPUT, valid_to=NOON + HOUR)

    html = look("/job", **LOAD)
    reads, rest = html.split('id="reads"')[1].split('id="writes"')
    writes, before = rest.split('id="before"')
    assert "name=raw" in reads
    assert "name=orders" in writes
    assert "name=old" in before
    assert "read it" in before


def test_sql_source_owners_parent_and_parts(look: Look, writing: Writing) -> None:
    with writing() as catalog:
        dag = catalog.job("dag")
        load = catalog.job("load", parent_id=dag)
        catalog.facet(load, "sql", {"query": "select *\n  from raw\u202e"})
        location = {"type": "git", "url": "https://git.example.com/load.py", "path": "load.py"}
        catalog.facet(load, "sourceCodeLocation", location)
        catalog.facet(load, "ownership", {"owners": [{"name": "team:shop"}]})

    html = look("/job", **LOAD)
    assert "select *\n  from raw⟨U+202E⟩" in html
    assert (
        '<a href="https://git.example.com/load.py" rel="noopener noreferrer nofollow">Source code</a>' in html
    )
    assert "load.py" in html
    assert "team:shop" in html
    assert 'href="/job?namespace=shop&amp;name=dag"' in html
    parts = look("/job", namespace="shop", name="dag").split('id="parts"')[1]
    assert 'href="/job?namespace=shop&amp;name=load"' in parts
    assert 'href="/jobs?parent_namespace=shop&amp;parent_name=dag"' in parts
    listed = look("/jobs", parent_namespace="shop", parent_name="dag")
    assert "name=load" in listed
    assert "Only jobs that are part of" in listed


def test_triggers_that_wait_for_its_outputs_and_that_started_it(
    look: Look, writing: Writing, database: Database
) -> None:
    with writing() as catalog:
        load, orders = catalog.job("load"), catalog.dataset("orders")
        catalog.edge(load, orders, Direction.OUTPUT)
        catalog.run(load, "r1", NOON)
    with database.write() as conn:
        for id_ in ("close-day", "morning"):
            rule = {"kind": "trigger", "id": id_, "body": "{}", "position": 0, "changed_at": 0}
            conn.execute(insert(tables.rule).values(rule))
        conn.execute(
            insert(tables.trigger_binding).values(trigger_id="close-day", input_id="a", dataset_id=orders)
        )
        conn.execute(
            insert(tables.firing).values(
                id="f1", fire_key="k", trigger_id="morning", key="", at=NOON, decided_at=NOON, cause="data",
                partial=False, consumed="[]", tree="null", chain="[]", state="completed",
            )
        )  # fmt: skip
        conn.execute(
            insert(tables.firing_action).values(
                firing_id="f1", action_id="a", position=0, target_id="t", starts=True, state="completed", body="{}",
                outbox_key="k", run_key=run_key("r1"), run_id="r1", job_namespace="shop", job_name="load",
            )
        )  # fmt: skip

    html = look("/job", **LOAD)
    started, awaited = html.split("<dt>Started by</dt>")[1].split("<dt>Awaited by</dt>")
    assert 'href="/triggers/morning"' in started
    assert 'href="/triggers/close-day"' in awaited
    assert 'href="/triggers/close-day"' in look("/dataset", namespace="shop", name="orders")
    run = look("/run", run_id="r1")
    assert 'href="/triggers/morning"' in run
    assert 'href="/firings/f1"' in run


def test_large_facets_neither_break_nor_swell_the_page(
    look: Look, client: FlaskClient, writing: Writing
) -> None:
    with writing() as catalog:
        load = catalog.job("load")
        catalog.facet(load, "sql", {"query": "select 1 -- " + "x" * 10_000_000})
        catalog.facet(load, "sourceCode", {"sourceCode": "print(1)  # " + "y" * 100_000})

    html = look("/job", **LOAD)
    assert len(html) < 200_000
    assert "bytes to download" in html
    assert "print(1)" in html
    assert "characters more" in html or "y" * 60_000 in html
    assert len(client.get("/job/facet", query_string=LOAD | {"facet": "sql"}).data) > 10_000_000


def test_a_page_takes_as_many_statements_for_a_long_history(
    database: Database, look: Look, writing: Writing
) -> None:
    with writing() as catalog:
        for name, size in (("few", 2), ("many", 60)):
            mine = catalog.job(name)
            for number in range(size):
                catalog.edge(mine, catalog.dataset(f"{name}{number}"), Direction.OUTPUT)
                catalog.job(f"{name} part {number}", parent_id=mine)
                catalog.run(
                    mine, f"{name}{number}", NOON + number, parent_key=bytes([number] * 16), parent_run_id="p"
                )

    costs = []
    for name in ("few", "few", "many"):
        with counted(database) as statements:
            look("/job", namespace="shop", name=name)
        costs.append(len(statements))
    # Of a short list it is asked besides which runs began at no known time.
    assert costs[1] - 1 <= costs[2] <= costs[1]
