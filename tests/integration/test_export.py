"""The graph of captured tools as other programs get it, and back from its events."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import networkx as nx
import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from sqlalchemy import Connection, select

from collector.app import create_app
from collector.auth import READ, Authenticator
from collector.exports import total, whole
from collector.ingest.check import inspect
from collector.ingest.projector import Projector
from collector.settings import Settings
from collector.storage import keys
from collector.storage.engine import Database
from collector.storage.tables import derivation, edge, job
from collector.wiring import Services
from lineage.fold import Fold
from lineage.model import Direction
from lineage.timeline import NOW, Moment
from tests.captured import captured
from tests.dump import empty, feed, feed_rows, names, new_event

TOOLS = (
    "airflow", "correlator-dbt", "dagster", "dbt", "dlt", "openlineage-python", "prefect", "sqlmesh",
)  # fmt: skip

LATER = 2_000_000_000_000_000
"""2033-05-18, in µs: when the exported events are received."""

POSTGRES = "postgres://127.0.0.1:15432"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.close()


def project(database: Database, *patterns: str) -> None:
    feed_rows(database, [new_event(*logged) for logged in captured(*patterns)])
    Projector(database, holder="test").drain()


def written(database: Database, form: str, fold: Fold = Fold.NONE, moment: Moment = NOW) -> str:
    with database.read() as conn:
        return "".join(text for text, _ in whole(conn, form, moment, fold))


Uses = set[tuple[str, ...]]


def open_uses(conn: Connection) -> Uses:
    """Give what jobs read and write now, with the explicit sources of outputs."""
    known = names(conn)
    sources: dict[int, list[str]] = {}
    for row in conn.execute(select(derivation).order_by(derivation.c.id, derivation.c.position)):
        said = known[row.dataset_id], row.field, row.target_field, row.transformations
        sources.setdefault(row.id, []).append(repr(said))
    data = edge.c.direction.in_((int(Direction.INPUT), int(Direction.OUTPUT)))
    return {
        (
            repr(known[row.job_id]),
            repr(known[row.dataset_id]),
            Direction(row.direction).name,
            "implied" if row.implied else "listed",
            "" if row.derivation_id is None else "from " + " ".join(sources.get(row.derivation_id, ())),
        )
        # The edges between a job and the points beside it have always been there.
        for row in conn.execute(select(edge).where(data, edge.c.valid_to.is_(None), edge.c.valid_from > 0))
    }


@pytest.mark.parametrize("tool", [*TOOLS, "*"])
def test_the_events_of_a_graph_make_the_same_graph_in_an_empty_database(
    database: Database, tool: str
) -> None:
    project(database, f"{tool}/*")
    rows = written(database, "csv")
    events = [json.loads(line) for line in written(database, "openlineage").splitlines()]
    with database.read() as conn:
        uses = open_uses(conn)
        jobs = set(conn.execute(select(job.c.id).where(job.c.dataset_id.is_(None))).scalars())
    assert uses
    assert {"run"}.isdisjoint({inspect(event, LATER).kind.value for event in events})
    assert not any(inspect(event, LATER).warnings for event in events)
    assert len([event for event in events if "job" in event]) == len(jobs)

    empty(database)
    feed(database, events, received_at=LATER)
    Projector(database, holder="test").drain()
    with database.read() as conn:
        assert open_uses(conn) == uses
        assert set(conn.execute(select(job.c.id).where(job.c.dataset_id.is_(None))).scalars()) == jobs
    without_control = [line for line in rows.splitlines() if ",control," not in line]
    assert written(database, "csv").splitlines() == without_control


def test_the_whole_graph_is_written_in_pieces_that_add_up(database: Database) -> None:
    project(database)
    waits = {"upstream": [{"job": {"namespace": "airflow", "name": "nightly"}}], "downstream": []}
    follower = {
        "eventType": "COMPLETE",
        "eventTime": "2026-11-22T12:00:00Z",
        "run": {"runId": "01980000-0000-7000-8000-000000000001", "facets": {"jobDependencies": waits}},
        "job": {"namespace": "airflow", "name": "report"},
    }
    feed(database, [follower], received_at=LATER)
    Projector(database, holder="test").drain()
    for fold in (Fold.NONE, Fold.AUTO):
        with database.read() as conn:
            pieces = list(whole(conn, "csv", NOW, fold))
            assert pieces[-1][1] == total(conn, fold)
        rows = list(csv.reader(io.StringIO("".join(text for text, _ in pieces), newline="")))
        assert len({tuple(row) for row in rows}) == len(rows)
        assert {row[2] for row in rows[1:]} == {"data", "control"}
    folded = {row[0] for row in rows}
    assert not any(".sql.1" in source for source in folded)
    assert ["job:airflow:nightly", "job:airflow:report", "control", ""] in rows


def test_the_whole_graph_is_that_of_the_moment(database: Database) -> None:
    project(database, "dbt/pg_02_run_first")
    assert len(written(database, "csv").splitlines()) > 10
    before = Moment(1)
    assert written(database, "csv", moment=before).splitlines() == ["source,target,kind,via"]
    first = json.loads(written(database, "openlineage", moment=before).splitlines()[0])
    assert (first["eventTime"], first["inputs"]) == ("1970-01-01T00:00:00.000001Z", [])


# --- over HTTP ---------------------------------------------------------------------------------------------------

Export = Callable[..., Any]


@pytest.fixture
def client(database: Database) -> FlaskClient:
    project(database, "dbt/pg_*", "openlineage-python/http_apikey_gzip")
    return create_app(Services(Settings(), database, Authenticator(database, cache_seconds=0))).test_client()


@pytest.fixture
def export(client: FlaskClient) -> Export:
    def export(
        form: str, node: str = f"dataset:{POSTGRES}:shop.analytics_marts.fct_orders", **more: Any
    ) -> Any:
        answer = client.get("/api/v2/lineage/export", query_string={"format": form, "node": node, **more})
        assert answer.status_code == 200, answer.text
        return answer

    return export


def test_each_format_comes_as_a_file_of_its_type(export: Export, client: FlaskClient) -> None:
    types = {}
    for form in ("node-link", "dot", "mermaid", "csv", "openlineage"):
        answer = export(form)
        types[form] = answer.content_type.partition(";")[0]
        assert answer.headers["Content-Disposition"].startswith('attachment; filename="lineage.')
        assert answer.headers["Tidegate-Truncated"] == "false"
        assert "fct_orders" in answer.text
    assert types == {
        "node-link": "application/json",
        "dot": "text/vnd.graphviz",
        "mermaid": "text/vnd.mermaid",
        "csv": "text/csv",
        "openlineage": "application/x-ndjson",
    }
    node = f"dataset:{POSTGRES}:shop.analytics_marts.fct_orders"
    assert client.get("/api/v2/lineage/export", query_string={"node": node}).status_code == 422
    refused = client.get(
        "/api/v2/lineage/export", query_string={"node": node, "format": "openlineage", "level": "dataset"}
    )
    assert refused.status_code == 422
    assert refused.json is not None
    assert refused.json["errors"][0]["path"] == "?level"
    missing = client.get("/api/v2/lineage/export", query_string={"node": "job:a:b", "format": "csv"})
    assert missing.status_code == 404


def test_the_file_is_the_answer(export: Export, client: FlaskClient) -> None:
    node = f"dataset:{POSTGRES}:shop.analytics_marts.fct_orders"
    for level in ("job", "dataset"):
        query = {"node": node, "level": level, "direction": "upstream"}
        answer = client.get("/api/v2/lineage", query_string=query).json
        assert answer is not None
        graph = nx.node_link_graph(export("node-link", level=level, direction="upstream").json, edges="edges")
        assert set(graph) == {each["id"] for each in answer["nodes"]}
        edges = {(each["from"], each["to"]) for each in answer["edges"]}
        assert set(graph.edges()) == edges
        rows = csv.reader(io.StringIO(export("csv", level=level, direction="upstream").text, newline=""))
        assert {(source, target) for source, target, *_ in rows} - {("source", "target")} == edges


def test_a_part_that_is_cut_off_says_so(export: Export) -> None:
    assert export("csv", max_nodes=2).headers["Tidegate-Truncated"] == "true"
    assert export("node-link", max_nodes=2).json["graph"] == {"truncated": True}


def test_the_events_of_a_part_make_that_part(export: Export, database: Database) -> None:
    text = export("openlineage", direction="upstream").text
    rows = export("csv", direction="upstream", fold="none").text
    empty(database)
    feed(database, map(json.loads, text.splitlines()), received_at=LATER)
    Projector(database, holder="test").drain()
    assert export("csv", direction="upstream").text == rows
    assert sorted(written(database, "csv").splitlines()) == sorted(rows.splitlines())


def test_what_a_key_may_not_see_is_in_no_format(database: Database, client: FlaskClient) -> None:
    with database.write() as conn:
        some, _ = keys.create(conn, "analyst", [READ], [f"{POSTGRES}*", "jaffle-dbt"], now=LATER)
        all_, _ = keys.create(conn, "admin", [READ], [], now=LATER)
    node = f"dataset:{POSTGRES}:shop.raw.orders"
    for form in ("node-link", "csv", "openlineage"):
        query = {"node": node, "format": form, "direction": "both"}
        of_all, of_some = (
            client.get("/api/v2/lineage/export", query_string=query, headers={"X-API-Key": key}).text
            for key in (all_, some)
        )
        assert "s3://" in of_all, form
        assert "s3://" not in of_some, form
        assert "fct_orders" in of_some, form


# --- on the command line -----------------------------------------------------------------------------------------


def test_the_command_writes_events_that_can_be_ingested(database: Database, tmp_path: Path) -> None:
    from collector.cli import main

    project(database, "dlt/05_postgres_first_load")
    file = tmp_path / "graph.jsonl"
    done = CliRunner().invoke(main, ["export", "-o", str(file), "-d", database.url], catch_exceptions=False)
    assert (done.exit_code, done.stdout) == (0, "")
    (event,) = map(json.loads, file.read_text().splitlines())
    assert event["job"]["name"] == "shop_raw_postgres"
    assert len(event["outputs"]) == 4
    done = CliRunner().invoke(main, ["export", "--format", "csv", "-d", database.url], catch_exceptions=False)
    assert len(done.stdout.splitlines()) == 1 + 3 + 4


def test_the_command_writes_a_part_and_says_what_a_format_is_not_for(database: Database) -> None:
    from collector.cli import main

    project(database, "dbt/pg_02_run_first")

    def lineage(*options: str) -> Any:
        node = f"dataset:{POSTGRES}:shop.analytics_marts.fct_orders"
        return CliRunner().invoke(
            main, ["lineage", node, "-d", database.url, *options], catch_exceptions=False
        )

    assert lineage("--format", "mermaid").stdout.startswith("flowchart LR\n")
    assert (
        "fct_orders" in json.loads(lineage("--format", "openlineage").stdout.splitlines()[0])["job"]["name"]
    )
    refused = lineage("--format", "dot", "--level", "column")
    assert refused.exit_code == 1
    assert "The format dot is for level job or dataset." in refused.stderr
