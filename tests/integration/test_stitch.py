"""Suggestions on what real tools sent, and the graph that the shop becomes with the rules they lead to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from collector.api.alias_shapes import AliasDocument
from collector.api.documents import read_document
from collector.ingest.projector import Projector
from collector.storage import aliases
from collector.storage.engine import Database
from collector.storage.graph import SqlGraph
from collector.storage.stitch import Suggested, body_of, suggested
from collector.storage.tables import dataset
from lineage.identity import rule_of
from lineage.instants import parse_instant
from lineage.model import DatasetRef, JobRef
from lineage.stitch import Candidate
from lineage.timeline import Moment
from lineage.traverse import Level, Way, traverse
from tests.captured import FIXTURES, captured
from tests.dump import feed_rows, names, new_event
from tests.stitch_stack import Table, measure

TRUTH = json.loads((FIXTURES / "stitch" / "shop.json").read_text())
RULES = FIXTURES / "aliases" / "shop.yaml"

POSTGRES = "postgres://127.0.0.1:15432"
REPORT = DatasetRef("shop-sqlmesh", "shop.sm.rpt_daily")
DAY = 86_400_000_000
THAT_DAY = Moment(parse_instant("2026-11-23T00:00:00Z")[0], DAY)
"""The dlt run that found nothing new has ended the edges to what earlier runs wrote: look at the whole day."""


@pytest.fixture
def shop(database_url: str) -> Iterator[Database]:
    """Give a database in which the events of the shop are projected."""
    opened = Database(database_url)
    feed_rows(opened, [new_event(*logged) for logged in captured(*TRUTH["events"])])
    Projector(opened, holder="test").drain()
    yield opened
    opened.close()


def look(database: Database) -> Suggested:
    with database.read() as conn:
        return suggested(conn, visible=None)


def rules() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read_document(RULES.read_text(), AliasDocument(), RULES.name)["rules"]
    return found


def follow(database: Database) -> None:
    with database.write() as conn:
        aliases.replace(conn, rules())
    Projector(database, holder="test").drain()


def meant() -> dict[DatasetRef, Table]:
    """Give what each name stands for, as the hand-made file has it."""
    found: dict[DatasetRef, Table] = {DatasetRef(*ref): None for ref in TRUTH["no_table"]}
    for table, refs in TRUTH["tables"].items():
        for ref in refs:
            assert DatasetRef(*ref) not in found, ref
            found[DatasetRef(*ref)] = table
    return found


def stored(database: Database) -> list[Candidate]:
    with database.read() as conn:
        refs = names(conn)
        rows = conn.execute(select(dataset).where(dataset.c.job_id.is_(None))).all()
    return [Candidate(ref, row.canonical_id) for row in rows if isinstance(ref := refs[row.id], DatasetRef)]


def test_quality_on_the_captured_shop(shop: Database) -> None:
    known = stored(shop)
    assert {candidate.ref for candidate in known} == meant().keys(), "every name is in the hand-made file"
    quality = measure(look(shop).items, meant(), known)
    assert quality.true_pairs > 20
    assert quality.wrong == []
    assert quality.precision_first >= 0.95
    assert quality.precision_joined >= 0.95
    assert quality.recall >= 0.9


def test_the_alias_file_of_the_shop_is_what_the_suggestions_lead_to(shop: Database) -> None:
    found = {json.dumps(body_of(rule)) for item in look(shop).items for rule in item.rules}
    assert sorted(found) == sorted(json.dumps(body_of(rule)) for rule in map(rule_of, rules()))
    assert len(rules()) <= 6

    follow(shop)

    assert look(shop) == Suggested([], truncated=False)


def test_with_the_alias_file_the_shop_is_one_graph(shop: Database) -> None:
    load = JobRef("shop-ingest", "shop_raw_postgres")
    with shop.read() as conn:
        apart = traverse(SqlGraph(conn, THAT_DAY), load, Way.DOWNSTREAM, 20, Level.JOB)
    assert not any(node.namespace == "shop-sqlmesh" for node in apart.nodes)

    follow(shop)

    with shop.read() as conn:
        joined = traverse(SqlGraph(conn, THAT_DAY), load, Way.DOWNSTREAM, 20, Level.JOB)
        sources = traverse(SqlGraph(conn, THAT_DAY), REPORT, Way.UPSTREAM, 20, Level.JOB)
    found = {node.id for node in joined.nodes}
    assert f"dataset:{POSTGRES}:shop.raw.orders" in found
    assert f"dataset:{POSTGRES}:shop.analytics_marts.rpt_city_revenue" in found, "what dbt makes"
    assert f"dataset:{REPORT.namespace}:{REPORT.name}" in found, "what sqlmesh makes"
    assert "dataset:s3://shop-exports:orders/daily/2026-11-21.parquet" in found, "what the script exports"
    assert {node.namespace for node in joined.nodes if node.type == "job"} >= {
        "jaffle-dbt", "shop-sqlmesh", "shop-scripts",
    }  # fmt: skip
    assert load in {(node.namespace, node.name) for node in sources.nodes}
    assert not any(node.name.startswith("shop_sm") for node in joined.nodes), "the other DuckDB file"


def test_one_table_is_one_node_under_all_of_its_names(shop: Database) -> None:
    follow(shop)
    with shop.read() as conn:
        graph = SqlGraph(conn, THAT_DAY)
        answers = [
            traverse(graph, DatasetRef(*ref), Way.BOTH, 1, Level.JOB)
            for ref in TRUTH["tables"]["PostgreSQL shop: raw.orders"]
        ]
    assert len({frozenset(node.id for node in answer.nodes) for answer in answers}) == 1
    (node,) = (node for node in answers[0].nodes if not node.depth)
    assert len(node.names) == len(TRUTH["tables"]["PostgreSQL shop: raw.orders"]) - 1
