"""What holds of any graph, whatever the events: over moments, orders of arrival, rules, and pages."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from collector.api.alias_shapes import AliasDocument
from collector.api.documents import read_document
from collector.ingest.projector import Projector
from collector.storage import aliases
from collector.storage.declarations import pieces
from collector.storage.engine import Database
from collector.storage.graph import SqlGraph
from lineage.fold import Fold
from lineage.instants import parse_instant
from lineage.model import DatasetRef
from lineage.outgoing import outgoing
from lineage.timeline import NOW, Moment
from lineage.traverse import Level, Link, Way, traverse
from tests.captured import FIXTURES, captured
from tests.dump import empty, feed, feed_rows, names, new_event
from tests.events import (
    HOUR,
    MINUTE,
    NAMESPACE,
    NOON,
    Json,
    column_lineage,
    dataset,
    dataset_event,
    job_event,
    run_event,
)

END = NOON + 2 * HOUR
RECEIVED = NOON + 3 * HOUR

# The last two are one: by their normal form; a rule joins the first two.
NAMES = ("a", "b", "c", '"d"', "d")
RULES = [
    {"exact": {"namespace": NAMESPACE, "name": "a", "to_namespace": NAMESPACE, "to_name": "b"}},
    {"prefix": {"namespace": NAMESPACE, "name": "c", "to_namespace": "lake", "to_name": "x"}},
]


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.close()


def used(name: str, source: str | None, twin: str | None) -> Json:
    """Give an entry that may tell of its column lineage and of another name."""
    facets: Json = column_lineage({"x": [(source, "x")]}) if source else {}
    if twin:
        facets["symlinks"] = {"identifiers": [{"namespace": "lake", "name": twin, "type": "TABLE"}]}
    return dataset(name, facets=facets)


entries = st.builds(
    used, st.sampled_from(NAMES), st.none() | st.sampled_from(NAMES), st.none() | st.sampled_from(["x", "y"])
)
minutes = st.integers(0, 100).map(lambda minute: NOON + minute * MINUTE)
dependencies = st.none() | st.sampled_from("jkl").map(
    lambda name: {"jobDependencies": {"upstream": [{"job": {"namespace": "shop", "name": name}}]}}
)
runs = st.builds(
    lambda kind, at, job, number, inputs, outputs, facets: run_event(
        kind, at, job, f"01980000-0000-7000-8000-{number:012}", inputs, outputs, run_facets=facets or {}
    ),
    st.sampled_from(["START", "RUNNING", "COMPLETE", "COMPLETE", "FAIL"]),
    minutes,
    st.sampled_from("jkl"),
    st.integers(0, 5),
    st.lists(entries, max_size=2),
    st.lists(entries, max_size=2),
    dependencies,
)
declared_jobs = st.builds(
    job_event, minutes, st.sampled_from("jkl"), st.lists(entries, max_size=2), st.lists(entries, max_size=2)
)
declared_datasets = st.builds(
    lambda at, name, source: dataset_event(
        at, name, lineage={"inputs": [{"namespace": NAMESPACE, "name": source, "type": "DATASET"}]}
    ),
    minutes,
    st.sampled_from(NAMES),
    st.sampled_from(NAMES),
)
events = st.lists(st.one_of(runs, runs, declared_jobs, declared_datasets), min_size=1, max_size=8)

example = settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])


def project(database: Database, given_events: Sequence[Json]) -> None:
    feed(database, given_events, received_at=RECEIVED)
    Projector(database, holder="test").drain()


def follow(database: Database, rules: list[Json]) -> None:
    with database.write() as conn:
        aliases.replace(conn, rules)
    Projector(database, holder="test").drain()


def links(conn: Connection, moment: Moment = NOW) -> set[Link]:
    """Give every link of the graph at a moment, jobs as reported, control flow too."""
    graph = SqlGraph(conn, moment, Fold.NONE, control=True)
    return {link for piece in pieces(conn) for link in outgoing(graph, piece)}


def between(conn: Connection, moment: Moment = NOW) -> set[Any]:
    """Give what lies downstream of each dataset, at level ``dataset``."""
    graph = SqlGraph(conn, moment)
    refs = [ref for ref in names(conn).values() if isinstance(ref, DatasetRef)]
    return {link for ref in refs for link in traverse(graph, ref, Way.DOWNSTREAM, 9, Level.DATASET).links}


def seen(database: Database, moment: Moment = NOW) -> tuple[set[Link], set[Any]]:
    with database.read() as conn:
        return links(conn, moment), between(conn, moment)


@example
@given(events)
def test_the_graph_as_of_now_is_the_current_one(database: Database, given_events: list[Json]) -> None:
    empty(database)
    project(database, given_events)
    assert seen(database, Moment(END)) == seen(database)
    assert seen(database, Moment(END, 0)) == seen(database)


@example
@given(events, minutes, st.integers(0, 100), st.integers(0, 100))
def test_a_window_shows_all_that_each_moment_in_it_shows(
    database: Database, given_events: list[Json], at: int, before: int, longer: int
) -> None:
    empty(database)
    project(database, given_events)
    with database.read() as conn:
        window = links(conn, Moment(at, before * MINUTE))
        assert links(conn, Moment(at)) <= window
        assert links(conn, Moment(at - before * MINUTE)) <= window
        assert links(conn, Moment(at - before * MINUTE // 2)) <= window
        assert window <= links(conn, Moment(at, (before + longer) * MINUTE))


@example
@given(events, st.randoms(use_true_random=False))
def test_the_order_of_events_means_nothing_to_the_graph(
    database: Database, given_events: list[Json], rand: random.Random
) -> None:
    empty(database)
    project(database, given_events)
    expected = [seen(database, moment) for moment in (NOW, Moment(NOON + HOUR), Moment(END, 2 * HOUR))]

    empty(database)
    shuffled = rand.sample(given_events, len(given_events))
    at = rand.randint(0, len(shuffled))
    project(database, shuffled[:at])
    project(database, shuffled[at:] + shuffled[:1])
    found = [seen(database, moment) for moment in (NOW, Moment(NOON + HOUR), Moment(END, 2 * HOUR))]
    assert found == expected


@example
@given(events, st.lists(st.sampled_from(RULES), min_size=1, unique_by=str), events)
def test_to_merge_and_to_split_is_to_do_nothing(
    database: Database, given_events: list[Json], rules: list[Json], later: list[Json]
) -> None:
    empty(database)
    project(database, given_events + later)
    expected = seen(database)

    empty(database)
    project(database, given_events)
    follow(database, rules)
    project(database, later)
    follow(database, [])
    assert seen(database) == expected


def test_real_graphs_merge_and_split_again(database: Database) -> None:
    logged = list(captured("dlt/05*", "dbt/pg_*", "sqlmesh/pg_*", "correlator-dbt/*"))
    feed_rows(database, [new_event(*each) for each in logged])
    Projector(database, holder="test").drain()
    apart = seen(database)
    document = read_document((FIXTURES / "aliases" / "shop.yaml").read_text(), AliasDocument(), "shop.yaml")
    follow(database, document["rules"])
    assert seen(database) != apart
    follow(database, [])
    assert seen(database) == apart
    latest = max(parse_instant(event["eventTime"])[0] for event, _ in logged)
    assert seen(database, Moment(latest)) == apart


@example
@given(
    events,
    st.sampled_from(NAMES),
    st.sampled_from(Way),
    st.sampled_from(Level),
    st.sampled_from(Fold),
    st.integers(1, 4),
)
def test_pages_are_the_answer(
    database: Database,
    given_events: list[Json],
    name: str,
    way: Way,
    level: Level,
    fold: Fold,
    size: int,
) -> None:
    empty(database)
    project(database, given_events)
    with database.read() as conn:
        graph = SqlGraph(conn, fold=fold, control=True)
        start = DatasetRef(NAMESPACE, name)
        whole = traverse(graph, start, way, 6, level)
        assert not whole.truncated
        nodes, found, skip = [], [], 0
        while True:
            page = traverse(graph, start, way, 6, level, max_nodes=size, skip=skip)
            assert len(page.nodes) <= size
            nodes += page.nodes
            found += page.links
            if page.next is None:
                break
            assert page.truncated
            assert page.next > skip
            skip = page.next
    # Downstream is walked after upstream: a node that lies both ways is given with what is known by then.
    depths = {node.id: node.depth for node in whole.nodes}
    assert all(node.depth >= depths[node.id] for node in nodes)
    assert sorted((node.id, node.names) for node in nodes) == sorted(
        (node.id, node.names) for node in whole.nodes
    )
    assert sorted(found) == sorted(whole.links)
