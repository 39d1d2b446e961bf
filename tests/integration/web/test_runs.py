"""Runs: the list, and the page of one."""

from __future__ import annotations

import json

from flask.testing import FlaskClient

from collector.storage.engine import Database
from lineage.model import Direction, run_key
from tests.catalog import HOUR, NOON
from tests.integration.api.conftest import Writing
from tests.integration.web.conftest import Look
from tests.statements import counted

MINUTE = HOUR // 60


def test_the_list_is_filtered_and_leads_to_run_job_and_parent(
    look: Look, writing: Writing, client: FlaskClient
) -> None:
    assert "No run yet" in look("/runs")
    with writing() as catalog:
        load, dag = catalog.job("load"), catalog.job("dag")
        catalog.run(dag, "top", NOON)
        catalog.run(
            load, "r1", NOON, state="FAIL", error="no disk", parent_key=run_key("top"), parent_run_id="top",
            parent_job_id=dag,
        )  # fmt: skip

    html = look("/runs", state="FAIL")
    assert 'href="/run?run_id=r1&amp;job_namespace=shop&amp;job_name=load"' in html
    assert 'href="/run?run_id=top&amp;job_namespace=shop&amp;job_name=dag"' in html
    assert 'href="/job?namespace=shop&amp;name=dag"' not in html
    assert "no disk" in html
    assert 'value="FAIL" selected' in html
    assert "No run matches" in look("/runs", state="ABORT")
    assert "Only runs that are part of the run" in look("/runs", parent_run_id="top")
    half = client.get("/runs?job_name=load&state=FAIL")
    assert half.status_code == 422
    assert "Needed together with job_name" in half.text
    assert 'value="load"' in half.text


def test_a_failed_run_begins_with_its_error(look: Look, writing: Writing) -> None:
    error = {
        "message": "line 1\nline <2>",
        "programmingLanguage": "python",
        "stackTrace": "Traceback:\n  File",
    }
    with writing() as catalog:
        load = catalog.job("load")
        catalog.run(load, "r1", NOON, state="FAIL", ended_at=NOON + 14 * MINUTE, error="line 1")
        for kind, at, facets in (("START", NOON, {}), ("FAIL", NOON + 14 * MINUTE, {"errorMessage": error})):
            body = {"run": {"runId": "r1", "facets": facets}}
            catalog.event(body, at, load, run_key=run_key("r1"), event_type=kind)

    html = look("/run", run_id="r1")
    assert html.index("Why it failed") < html.index("Run id")
    assert "line 1\nline &lt;2&gt;" in html
    assert "Stack trace (python)" in html
    assert "Traceback:\n  File" in html
    timeline = html.split('class="timeline"')[1].split("</ol>")[0]
    assert timeline.index("START") < timeline.index("no event for 14 min") < timeline.index("FAIL")
    assert 'href="/event?id=1"' in html


def test_what_it_read_and_wrote_with_versions_rows_and_bytes(look: Look, writing: Writing) -> None:
    with writing() as catalog:
        load, raw, orders = catalog.job("load"), catalog.dataset("raw"), catalog.dataset("orders")
        writer = catalog.run(catalog.job("extract"), "w1", NOON - HOUR, ended_at=NOON - HOUR)
        catalog.uses(writer, raw, Direction.OUTPUT)
        catalog.update(raw, writer, NOON - HOUR)
        run = catalog.run(load, "r1", NOON, ended_at=NOON + MINUTE, nominal_start_at=NOON - HOUR)
        catalog.uses(run, raw, Direction.INPUT, version="v7")
        catalog.uses(run, orders, Direction.OUTPUT, rows=1234, bytes=56789, files=3, partition="day=22")

    html = look("/run", run_id="r1")
    read, wrote = html.split('id="read"')[1].split('id="wrote"')
    assert "v7" in read
    assert 'href="/run?run_id=w1&amp;job_namespace=shop&amp;job_name=extract"' in read
    for text in ("1,234", "56,789", "day=22", "name=orders"):
        assert text in wrote
    assert "<dt>Nominal time</dt>" in html


def test_it_is_drawn_among_its_parent_its_siblings_and_its_parts(look: Look, writing: Writing) -> None:
    with writing() as catalog:
        dag = catalog.job("dag")
        catalog.run(dag, "top", NOON, ended_at=NOON + HOUR)
        for number in range(50):
            at = NOON + number * MINUTE
            catalog.run(
                catalog.job(f"task {number:02}"), f"t{number}", at, ended_at=at + MINUTE, parent_key=run_key("top"),
                parent_run_id="top", parent_job_id=dag,
            )  # fmt: skip
        catalog.run(
            catalog.job("step"), "s1", NOON + 25 * MINUTE, ended_at=NOON + 26 * MINUTE, parent_key=run_key("t25"),
            parent_run_id="t25",
        )  # fmt: skip

    whole = look("/run", run_id="top").split('class="gantt"')[1]
    assert whole.count('<svg class="stretch') == 51
    html = look("/run", run_id="t25")
    gantt = html.split('class="gantt"')[1].split("</table>")[0]
    assert 'title="step"' in gantt
    assert gantt.count('<svg class="stretch') == 1 + 41 + 1
    assert "9 runs of the same parent are left out" in html
    assert gantt.index("dag") < gantt.index("task 24") < gantt.index("step") < gantt.index("task 26")
    assert 'class="current" aria-current="true"' in gantt
    assert "completed, 1 min, began 2026-11-22 12:25:00 UTC" in gantt


def test_it_says_what_it_is_part_of_up_to_the_root(look: Look, writing: Writing) -> None:
    with writing() as catalog:
        catalog.run(catalog.job("root"), "run of root", NOON)
        for name, above in (("dag", "run of root"), ("task", "run of dag")):
            parent = {"parent_key": run_key(above), "parent_run_id": above}
            catalog.run(catalog.job(name), f"run of {name}", NOON, **parent)

    path = look("/run", run_id="run of task").split('class="path"')[1].split("</ol>")[0]
    assert path.index("name=root") < path.index("name=dag") < path.index("task</bdi>")


def test_a_run_that_has_not_ended_keeps_its_page_fresh(look: Look, writing: Writing) -> None:
    with writing() as catalog:
        load = catalog.job("load")
        catalog.run(load, "r1", NOON, state="RUNNING", processing_type="STREAMING", last_event_at=NOON)
        catalog.run(load, "r2", NOON, state="COMPLETE", ended_at=NOON + MINUTE)

    html = look("/run", run_id="r1")
    assert 'data-live="10"' in html
    assert "it need not end" in html
    assert "began, and has not ended" in html
    assert "data-live" not in look("/run", run_id="r2")


def test_several_jobs_with_one_run_id_are_offered(look: Look, client: FlaskClient, writing: Writing) -> None:
    with writing() as catalog:
        for name in ("a", "b"):
            catalog.run(catalog.job(name), "shared", NOON)

    html = look("/run", run_id="shared")
    assert "Several jobs have a run" in html
    for name in ("a", "b"):
        assert f'href="/run?run_id=shared&amp;job_namespace=shop&amp;job_name={name}"' in html
    assert 'href="/api/v2/runs?run_id=shared"' in html
    assert "Run of" in look("/run", run_id="shared", job_namespace="shop", job_name="b")
    assert client.get("/run").status_code == 422
    assert client.get("/run?run_id=none").status_code == 404


def test_addresses_are_links_if_a_browser_may_open_them(look: Look, writing: Writing) -> None:
    facets = {
        "airflow": {"taskInstance": {"log_url": "https://airflow.example.com/log"}},
        "spark_applicationDetails": {"uiWebUrl": "http://spark:4040", "proxyUrl": "javascript:alert(1)"},
    }
    with writing() as catalog:
        load = catalog.job("load")
        catalog.run(load, "r1", NOON)
        catalog.event({"run": {"runId": "r1", "facets": facets}}, NOON, load, run_key=run_key("r1"))

    html = look("/run", run_id="r1")
    assert (
        '<a href="https://airflow.example.com/log" rel="noopener noreferrer nofollow">Airflow log</a>' in html
    )
    assert '<a href="http://spark:4040" rel="noopener noreferrer nofollow">Spark UI</a>' in html
    assert 'href="javascript' not in html


def test_facets_of_ten_megabytes_are_downloads(look: Look, client: FlaskClient, writing: Writing) -> None:
    with writing() as catalog:
        load = catalog.job("load")
        catalog.run(load, "r1", NOON, error="x" * 5_000_000)
        huge = {"run": {"runId": "r1", "facets": {"huge": {"blob": "x" * 10_000_000}}}}
        catalog.event(huge, NOON, load, run_key=run_key("r1"))

    html = look("/run", run_id="r1")
    assert len(html) < 200_000
    assert "10,000,011 bytes to download" in html
    answer = client.get("/run/facet?run_id=r1&facet=huge")
    assert len(json.loads(answer.data)["blob"]) == 10_000_000


def test_a_page_takes_as_many_statements_with_fifty_parts(
    database: Database, look: Look, writing: Writing
) -> None:
    with writing() as catalog:
        for name, size in (("few", 2), ("many", 50)):
            dag = catalog.job(name)
            run = catalog.run(dag, name, NOON)
            for number in range(size):
                catalog.uses(run, catalog.dataset(f"{name}{number}"), Direction.INPUT)
                catalog.run(
                    catalog.job(f"{name} {number}"), f"{name}{number}", NOON, parent_key=run_key(name),
                    parent_run_id=name, parent_job_id=dag,
                )  # fmt: skip
                catalog.event({}, NOON, dag, run_key=run_key(name))

    costs = []
    for name in ("few", "few", "many"):
        with counted(database) as statements:
            look("/run", run_id=name)
        costs.append(len(statements))
    assert costs[1] == costs[2]
