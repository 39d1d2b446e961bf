"""Edges that came and went, read page by page from both databases."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

import pytest
from sqlalchemy import Connection

from collector.storage.edge_changes import EdgeChange, Span, edge_changes, present
from collector.storage.engine import Database
from collector.storage.timelines import LONG_AGO
from lineage.differences import Change, Piece, change
from lineage.fold import Fold
from lineage.model import Direction, Point
from lineage.timeline import NOW, Moment
from lineage.traverse import Key
from tests.catalog import Catalog


@pytest.fixture
def catalog(database_url: str) -> Iterator[Catalog]:
    database = Database(database_url)
    with database.write() as conn:
        yield Catalog(conn)
    database.close()


def read(conn: Connection, span: Span, limit: int = 100) -> list[EdgeChange]:
    """Read all pages."""
    page = edge_changes(conn, span, after=None, limit=limit)
    found = list(page.items)
    while page.next is not None:
        page = edge_changes(conn, span, after=page.next, limit=limit)
        found += page.items
    return found


def test_pages_of_any_size_give_what_the_intervals_say(catalog: Catalog) -> None:
    """Jobs, some of them steps of others, read and write datasets, some of them two names of one, now and then."""
    chance = random.Random(7)
    parents = [catalog.job(f"p{n}") for n in range(2)]
    stands = {catalog.job(f"j{n}"): n for n in range(3)}
    stands = {id_: id_ for id_ in stands} | {
        catalog.job(f"s{n}", parent_id=parents[n % 2], detail=True): parents[n % 2] for n in range(4)
    }
    datasets = {id_: id_ for id_ in (catalog.dataset(f"d{n}") for n in range(4))}
    for n in range(2):
        second = catalog.dataset(f"d{n}", "other")
        first = sorted(datasets)[n]
        catalog.alias(second, first, "rule")
        datasets[second] = first
    pieces: dict[tuple[Key, Key], list[Piece]] = defaultdict(list)
    run = 0
    for job, stand in stands.items():
        for dataset, canonical in datasets.items():
            for direction in (Direction.INPUT, Direction.OUTPUT):
                bounds = sorted(chance.sample(range(1, 40), chance.randrange(0, 6)))
                for start, end in [*pairwise(bounds), *((bound, None) for bound in bounds[-1:])]:
                    if chance.random() < 0.6:
                        run += 2
                        closed = None if end is None else run + 1
                        values = {"valid_to": end, "opened_by": run, "closed_by": closed}
                        catalog.edge(job, dataset, direction, start, **values)
                        ends: tuple[Key, Key] = (("job", stand), ("dataset", canonical))
                        pieces[ends[::-1] if direction is Direction.INPUT else ends].append(
                            Piece(start, end, run, closed)
                        )
    for start, end in ((0, 40), (5, 5), (10, 20), (3, 39)):
        expected = {ends: told for ends, each in pieces.items() if (told := change(each, start, end))}
        for limit in (1, 7, 1000):
            found = read(catalog.conn, Span(start, end), limit)
            assert {(each.source, each.target): each.change for each in found} == expected
            assert len(found) == len(expected)
            assert [each.change.at for each in found] == sorted(each.change.at for each in found)


def test_what_was_declared_without_a_job_leads_from_dataset_to_dataset(catalog: Catalog) -> None:
    raw, orders = catalog.dataset("raw"), catalog.dataset("orders")
    maker = catalog.job("orders", dataset_id=orders)
    catalog.edge(maker, raw, Direction.INPUT, 5, opened_by=1)
    catalog.edge(maker, orders, Direction.OUTPUT, 5, opened_by=1)
    assert read(catalog.conn, Span(0, 9)) == [
        EdgeChange(("dataset", raw), ("dataset", orders), "data", Change(True, 5, 1))
    ]


def test_jobs_that_follow_each_other_are_edges_of_their_own_kind(catalog: Catalog) -> None:
    first, then = catalog.job("first"), catalog.job("then")
    point = catalog.dataset("first", job_id=first, point=Point.AFTER.value, artificial=True)
    catalog.edge(first, point, Direction.OUTPUT, LONG_AGO)
    catalog.edge(then, point, Direction.AFTER, 5, opened_by=1)
    assert read(catalog.conn, Span(0, 9)) == []
    assert read(catalog.conn, Span(0, 9, control=True)) == [
        EdgeChange(("job", first), ("job", then), "control", Change(True, 5, 1))
    ]
    # That a job has a point beside it is no edge of its own.
    nodes: set[Key] = {("job", first), ("job", then)}
    assert present(catalog.conn, nodes, Moment(4), Fold.AUTO) == set()
    assert present(catalog.conn, nodes, Moment(5), Fold.AUTO) == nodes


def test_what_stands_only_for_passing_data_is_left_out(catalog: Catalog) -> None:
    catalog.edge(catalog.job("j"), catalog.dataset("tmp", artificial=True), Direction.OUTPUT, 5)
    assert read(catalog.conn, Span(0, 9)) == []


def test_only_edges_with_both_ends_near_are_looked_at(catalog: Catalog) -> None:
    job, near, far = catalog.job("j"), catalog.dataset("near"), catalog.dataset("far")
    catalog.edge(job, near, Direction.OUTPUT, 5)
    catalog.edge(job, far, Direction.OUTPUT, 6)
    span = Span(0, 9, near={("job", job), ("dataset", near)})
    assert [each.target for each in read(catalog.conn, span)] == [("dataset", near)]


def test_a_node_is_there_while_it_has_an_edge(catalog: Catalog) -> None:
    parent = catalog.job("app")
    step = catalog.job("app.step", parent_id=parent, detail=True)
    dataset, alone = catalog.dataset("d"), catalog.dataset("alone")
    catalog.edge(step, dataset, Direction.OUTPUT, 5, valid_to=8)
    nodes: set[Key] = {("job", parent), ("job", step), ("dataset", dataset), ("dataset", alone)}
    assert present(catalog.conn, nodes, Moment(5), Fold.AUTO) == {("job", parent), ("dataset", dataset)}
    assert present(catalog.conn, nodes, Moment(5), Fold.NONE) == {("job", step), ("dataset", dataset)}
    assert present(catalog.conn, nodes, Moment(8), Fold.AUTO) == set()
    assert present(catalog.conn, nodes, NOW, Fold.AUTO) == set()
