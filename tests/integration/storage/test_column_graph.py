"""Column lineage in the database: what tools have sent, names of one dataset, moments, and what it costs."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from collector.api.column_lineage import columns_around
from collector.errors import NotFound, Unprocessable
from collector.ingest.projector import Projector
from collector.storage.engine import Database
from collector.storage.visibility import visible_namespaces
from lineage.columns import ColumnSubgraph
from lineage.instants import parse_instant
from lineage.model import Direction
from lineage.timeline import Moment
from lineage.traverse import Way
from tests.captured import FIXTURES, captured
from tests.catalog import HOUR, NOON, Catalog
from tests.dump import feed, feed_rows, new_event
from tests.statements import counted

POSTGRES = "postgres://127.0.0.1:15432"
GOLDEN = json.loads((FIXTURES / "graphs" / "columns.json").read_text())
FILTER = ["INDIRECT", "FILTER", "status <> 'returned'", False]
MASK = ["DIRECT", "TRANSFORMATION", "sha256(user_id)", True]


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.close()


def project(database: Database, *patterns: str) -> None:
    feed_rows(database, [new_event(*logged) for logged in captured(*patterns)])
    Projector(database, holder="test").drain()


def around(
    database: Database, node: str, way: Way = Way.UPSTREAM, depth: int = 20, **more: Any
) -> ColumnSubgraph:
    with database.read() as conn:
        return columns_around(conn, node, way, depth, **more)


def fields(answer: ColumnSubgraph) -> dict[str, int]:
    """Give the depths of columns as ``table.column``, of whole datasets as ``table.*``."""
    return {f"{node.name.rpartition('.')[2]}.{node.field or '*'}": node.depth for node in answer.nodes}


def chain(catalog: Catalog, length: int, width: int = 1) -> list[int]:
    """Write t0 -> t1 -> …, each column of one table made of the same column of the table before."""
    tables = [catalog.dataset(f"t{number}") for number in range(length)]
    for number, (source, target) in enumerate(pairwise(tables)):
        rows = [(source, f"c{column}", f"c{column}") for column in range(width)]
        derivation = catalog.derivation(number, *rows)
        catalog.edge(catalog.job(f"j{number}"), target, Direction.OUTPUT, derivation_id=derivation)
    return tables


@pytest.mark.parametrize("query", GOLDEN["column_queries"], ids=itertools.count())
def test_a_small_graph(database: Database, query: dict[str, Any]) -> None:
    for event in GOLDEN["events"]:
        feed(database, [event], parse_instant(event["eventTime"])[0])
    Projector(database, holder="test").drain()
    more = {"indirect": query["indirect"]} if "indirect" in query else {}
    answer = around(database, query["node"], Way(query["direction"]), query["depth"], **more)
    assert sorted(node.id for node in answer.nodes) == sorted(query["nodes"])
    edges = {(edge["from"], edge["to"]): (edge["indirect"], edge["masking"]) for edge in query["edges"]}
    assert {(link.source, link.target): (link.indirect, link.masking) for link in answer.links} == edges


# --- what real tools sent -----------------------------------------------------------------------------------------


def test_a_dbt_column_upstream_and_downstream(database: Database) -> None:
    project(database, "dbt/pg_*")
    answer = around(database, f"column:{POSTGRES}:shop.analytics_marts.fct_orders:order_id", Way.BOTH)
    assert fields(answer) == {
        "fct_orders.order_id": 0,
        "stg_orders.order_id": 1,
        "dim_customers.number_of_orders": 1,
        "rpt_city_revenue.avg_orders": 2,
    }
    assert {node.data_type for node in answer.nodes} == {"bigint", "numeric"}
    (link,) = [link for link in answer.links if link.source.endswith("stg_orders:order_id")]
    assert link.via == ("job:jaffle-dbt:shop.analytics_marts.jaffle_shop.fct_orders",)
    assert (link.transformations, link.masking, link.indirect) == ((), False, False)


def test_all_columns_of_a_sqlmesh_model(database: Database) -> None:
    project(database, "sqlmesh/pg_*")
    answer = around(database, "dataset:shop-sqlmesh:shop.sm.fct_orders")
    # Its own columns have types; the raw tables' are named by their readers only.
    assert {column: depth for column, depth in fields(answer).items() if depth == 0} == {
        "fct_orders.customer_id": 0,
        "fct_orders.order_date": 0,
        "fct_orders.order_id": 0,
        "fct_orders.total": 0,
    }
    assert {column for column, depth in fields(answer).items() if depth == 2} == {
        "orders.id",
        "orders.order_date",
        "orders.user_id",
        "payments.amount",
    }
    types = {node.name + "." + str(node.field): node.data_type for node in answer.nodes}
    assert types["shop.sm.fct_orders.total"] == "DOUBLE"
    assert types["shop.raw.orders.id"] is None


def test_masking_and_a_filter_of_the_whole_output(database: Database) -> None:
    project(database, "openlineage-python/http_apikey_gzip")
    answer = around(database, "column:s3://shop-exports:orders/daily/2026-11-21.parquet:customer_hash")
    links = {link.source.rpartition(":")[2]: link for link in answer.links}
    assert links.keys() == {"user_id", "status"}
    assert links["user_id"].masking
    assert not links["user_id"].indirect
    assert links["status"].indirect
    assert [each.subtype for each in links["status"].transformations] == ["FILTER"]
    direct = around(
        database, "column:s3://shop-exports:orders/daily/2026-11-21.parquet:customer_hash", indirect=False
    )
    assert [link.source.rpartition(":")[2] for link in direct.links] == ["user_id"]
    # What is filtered by it is the whole of the export.
    filtered = around(database, f"column:{POSTGRES}:shop.raw.orders:status", Way.DOWNSTREAM)
    assert "dataset:s3://shop-exports:orders/daily/2026-11-21.parquet" in {node.id for node in filtered.nodes}
    # The job that only declares its lineage names no columns: it says nothing of them.
    assert not any("declared_lineage" in job for link in filtered.links for job in link.via)


def test_fields_of_fields_have_types(database: Database) -> None:
    project(database, "openlineage-python/http_apikey_gzip")
    answer = around(database, f"dataset:{POSTGRES}:shop.raw.orders", depth=0)
    types = {node.field: node.data_type for node in answer.nodes}
    assert types["address"] == "struct"
    assert types["address.city"] == "text"


# --- names --------------------------------------------------------------------------------------------------------


def test_names_of_one_dataset_are_one(database: Database) -> None:
    with database.write() as conn:
        catalog = Catalog(conn)
        source = catalog.dataset("raw")
        table = catalog.dataset("orders", "warehouse")
        alias = catalog.dataset("s3/orders", "lake", canonical_id=table)
        mart = catalog.dataset("mart")
        catalog.edge(
            catalog.job("load"),
            alias,
            Direction.OUTPUT,
            derivation_id=catalog.derivation(1, (source, "a", "b")),
        )
        catalog.edge(
            catalog.job("build"),
            mart,
            Direction.OUTPUT,
            derivation_id=catalog.derivation(2, (table, "b", "c")),
        )
        catalog.facet(alias, "schema", {"fields": [{"name": "b", "type": "int"}]})

    answer = around(database, "column:shop:mart:c")
    assert fields(answer) == {"mart.c": 0, "orders.b": 1, "raw.a": 2}
    (middle,) = [node for node in answer.nodes if node.depth == 1]
    assert (middle.id, middle.names, middle.data_type) == (
        "column:warehouse:orders:b",
        ("dataset:lake:s3/orders",),
        "int",
    )
    assert fields(around(database, "column:lake:s3/orders:b", Way.BOTH)).keys() == {
        "orders.b",
        "raw.a",
        "mart.c",
    }


def test_a_column_is_found_in_other_letter_case_only_if_there_is_none_as_written(database: Database) -> None:
    with database.write() as conn:
        catalog = Catalog(conn)
        source, target = catalog.dataset("RAW"), catalog.dataset("mart")
        catalog.facet(
            source, "schema", {"fields": [{"name": "Id"}, {"name": "ÄNDERUNG"}, {"name": "x"}, {"name": "X"}]}
        )
        derivation = catalog.derivation(
            1, (source, "ID", "id"), (source, "ÄNDERUNG", "changed"), (source, "X", "x")
        )
        catalog.edge(catalog.job("load"), target, Direction.OUTPUT, derivation_id=derivation)

    assert fields(around(database, "column:shop:mart:ID")) == {"mart.id": 0, "RAW.Id": 1}
    assert fields(around(database, "column:shop:RAW:Id", Way.DOWNSTREAM)) == {"RAW.Id": 0, "mart.id": 1}
    assert fields(around(database, "column:shop:RAW:ÄNDERUNG", Way.DOWNSTREAM)) == {
        "RAW.ÄNDERUNG": 0,
        "mart.changed": 1,
    }
    assert fields(around(database, "column:shop:mart:x")) == {"mart.x": 0, "RAW.X": 1}
    with pytest.raises(NotFound):
        around(database, "column:shop:mart:nothing")


def test_colons_are_tried_against_what_exists(database: Database) -> None:
    with database.write() as conn:
        catalog = Catalog(conn)
        for name, namespace, field in (("orders", "pg://h:1", "a:b"), ("b", "a", "c:d"), ("b:c", "a", "d")):
            catalog.facet(catalog.dataset(name, namespace), "schema", {"fields": [{"name": field}]})

    assert fields(around(database, "column:pg://h:1:orders:a:b")) == {"orders.a:b": 0}
    with pytest.raises(Unprocessable) as refused:
        around(database, "column:a:b:c:d")
    assert [error.reason for error in refused.value.errors] == [
        "may be column 'c:d' of 'b' in 'a'",
        "may be column 'd' of 'b:c' in 'a'",
    ]
    for node in ("column:", "column:a:b", "job:shop:load"):
        with pytest.raises((Unprocessable, NotFound)):
            around(database, node)
    with pytest.raises(NotFound):
        around(database, "column" + ":" * 20_000)


def test_a_dataset_without_known_columns_stands_for_all_of_them(database: Database) -> None:
    with database.write() as conn:
        catalog = Catalog(conn)
        catalog.dataset("blank")
    (node,) = around(database, "dataset:shop:blank").nodes
    assert (node.id, node.type, node.field) == ("dataset:shop:blank", "dataset", None)


def test_what_a_key_may_not_see_is_left_out(database: Database) -> None:
    with database.write() as conn:
        catalog = Catalog(conn)
        secret, open_ = catalog.dataset("t", "secret"), catalog.dataset("t", "open")
        derivation = catalog.derivation(1, (secret, "a", "b"))
        catalog.edge(catalog.job("load"), open_, Direction.OUTPUT, derivation_id=derivation)

    with database.read() as conn:
        visible = visible_namespaces(conn, lambda name: name == "open")
        answer = columns_around(conn, "column:open:t:b", Way.UPSTREAM, 5, visible=visible)
        assert [node.id for node in answer.nodes] == ["column:open:t:b"]
        assert answer.links == []
        with pytest.raises(NotFound):
            columns_around(conn, "column:secret:t:a", Way.UPSTREAM, 5, visible=visible)


# --- moments ------------------------------------------------------------------------------------------------------


def test_columns_as_they_were(database: Database) -> None:
    with database.write() as conn:
        catalog = Catalog(conn)
        old, new, target = (catalog.dataset(name) for name in ("old", "new", "target"))
        job = catalog.job("load")
        was, is_ = catalog.derivation(1, (old, "a", "x")), catalog.derivation(2, (new, "b", "x"))
        catalog.edge(job, target, Direction.OUTPUT, NOON, valid_to=NOON + HOUR, derivation_id=was)
        catalog.edge(job, target, Direction.OUTPUT, NOON + HOUR, derivation_id=is_)

    assert fields(around(database, "column:shop:target:x")).keys() == {"target.x", "new.b"}
    before = around(database, "column:shop:target:x", moment=Moment(NOON + 1))
    assert fields(before).keys() == {"target.x", "old.a"}
    both = around(database, "column:shop:target:x", moment=Moment(NOON + 2 * HOUR, 2 * HOUR))
    assert fields(both).keys() == {"target.x", "old.a", "new.b"}


def test_what_is_declared_of_a_dataset_has_no_job(database: Database) -> None:
    with database.write() as conn:
        catalog = Catalog(conn)
        source, target = catalog.dataset("source"), catalog.dataset("target")
        maker = catalog.job("target", dataset_id=target)
        derivation = catalog.derivation(1, (source, "a", "x", [MASK]))
        catalog.edge(maker, target, Direction.OUTPUT, derivation_id=derivation)
    (link,) = around(database, "column:shop:source:a", Way.DOWNSTREAM).links
    assert (link.via, link.masking) == ((), True)


# --- cost ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", [Way.UPSTREAM, Way.DOWNSTREAM])
def test_one_statement_a_level(database: Database, way: Way) -> None:
    with database.write() as conn:
        chain(Catalog(conn), 8, width=30)
    start = "t7" if way is Way.UPSTREAM else "t0"
    spent = {}
    for depth in (1, 3, 6):
        for node in (f"column:shop:{start}:c5", f"dataset:shop:{start}"):
            with counted(database) as statements:
                answer = around(database, node, way, depth)
            width = 1 if node.startswith("column") else 30
            assert len(answer.nodes) == width * (depth + 1)
            assert all(not link.indirect for link in answer.links)
            spent[node, depth] = len(statements)
    for node in {node for node, _ in spent}:
        assert spent[node, 3] - spent[node, 1] == 2
        assert spent[node, 6] - spent[node, 3] == 3
    assert max(spent.values()) <= 6 + 10


def test_an_answer_in_pieces(database: Database) -> None:
    with database.write() as conn:
        chain(Catalog(conn), 6, width=4)
    whole = around(database, "dataset:shop:t5", Way.UPSTREAM)
    nodes, links, skip = [], [], 0
    while True:
        part = around(database, "dataset:shop:t5", Way.UPSTREAM, max_nodes=5, skip=skip)
        nodes += part.nodes
        links += part.links
        if part.next is None:
            break
        assert part.truncated
        skip = part.next
    assert sorted(node.id for node in nodes) == sorted(node.id for node in whole.nodes)
    assert sorted(links) == sorted(whole.links)
