"""Which datasets expectations are on, as rules and the catalog change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
from sqlalchemy import select

from collector.engine.bindings import GRAPH_PAUSE, Bindings
from collector.ingest.projector import Projector
from collector.storage import aliases, facts, notes
from collector.storage.engine import Database
from collector.storage.facts import What
from collector.storage.tables import expectation_state
from lineage.model import DatasetRef, Direction
from tests.catalog import HOUR, NOON, Catalog
from triggers.breaches import Described
from triggers.model import Expectation, MaxAge, Selector
from triggers.rules import RuleSet

ORDERS = Selector(namespace="shop", name="orders")
LAKE = "s3://lake"


class Watched:
    """A catalog, and the bindings of some rules to it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.bindings = Bindings()
        self.rules = RuleSet()

    def rule(self, changed: frozenset[str] | None = frozenset(), /, **selectors: Selector) -> None:
        self.rules = RuleSet(
            {
                id_: Expectation(id=id_, selector=selector, condition=MaxAge(HOUR))
                for id_, selector in selectors.items()
            }
        )
        with self.database.write() as conn:
            self.bindings.refresh(conn, self.rules, NOON, changed)

    def follow(self, subjects: Mapping[int, What], now: int = NOON) -> bool:
        with self.database.write() as conn:
            return self.bindings.follow(conn, self.rules, subjects, now).put_off

    def told(self) -> dict[int, What]:
        """Take what the engine has been told."""
        with self.database.write() as conn:
            told = facts.told(conn, 1000)
            facts.forget(conn, told.ids)
        return told.subjects

    @property
    def bound(self) -> set[tuple[str, int]]:
        with self.database.read() as conn:
            wanted = select(expectation_state.c.expectation_id, expectation_state.c.dataset_id)
            return {(row.expectation_id, row.dataset_id) for row in conn.execute(wanted)}

    def judge(self, state: str) -> None:
        """Let all that is bound have been looked at."""
        with self.database.write() as conn:
            conn.execute(expectation_state.update().values(state=state, next_look_at=NOON + HOUR))

    def looks(self) -> dict[tuple[str, int], tuple[str, int]]:
        """Give the state of each binding, and when it is looked at."""
        with self.database.read() as conn:
            return {
                (row.expectation_id, row.dataset_id): (row.state, row.next_look_at)
                for row in conn.execute(select(expectation_state))
            }


@pytest.fixture
def watched(database_url: str) -> Iterator[Watched]:
    database = Database(database_url)
    yield Watched(database)
    database.close()


def test_new_rules_leave_alone_what_they_do_not_change(watched: Watched) -> None:
    with watched.database.write() as conn:
        orders, items = (Catalog(conn).dataset(name) for name in ("orders", "items"))
    watched.rule(kept=ORDERS, gone=ORDERS, other=Selector(pattern="*"))
    assert watched.bound == {("kept", orders), ("gone", orders), ("other", orders), ("other", items)}
    assert all(state == "unknown" and at <= NOON for state, at in watched.looks().values())
    watched.judge("fresh")
    watched.rule(frozenset({"other"}), kept=ORDERS, other=Selector(pattern="o*"), new=ORDERS)
    looks = watched.looks()
    assert looks["kept", orders] == ("fresh", NOON + HOUR)
    assert looks["new", orders][0] == "unknown"
    assert looks["other", orders][0] == "fresh"
    assert looks["other", orders][1] <= NOON
    assert looks.keys() == {("kept", orders), ("other", orders), ("new", orders)}
    watched.judge("fresh")
    watched.rule(None, kept=ORDERS, other=Selector(pattern="o*"), new=ORDERS)
    assert all(at <= NOON for _, at in watched.looks().values())


def test_a_dataset_is_bound_when_it_is_new_tagged_or_shown_again(watched: Watched) -> None:
    watched.rule(named=Selector(pattern="or*"), tagged=Selector(tag="gold"), coming=ORDERS)
    orders = DatasetRef("shop", "orders").id
    assert watched.bound == {("coming", orders)}
    watched.judge("late")
    with watched.database.write() as conn:
        Catalog(conn).dataset("orders")
    watched.follow({orders: What.NAME})
    assert watched.bound == {("coming", orders), ("named", orders)}
    assert watched.looks()["coming", orders] == ("late", NOON + HOUR)
    with watched.database.write() as conn:
        notes.attach_tag(conn, orders, "", "gold", NOON)
    watched.follow(watched.told())
    assert ("tagged", orders) in watched.bound
    with watched.database.write() as conn:
        notes.detach_tag(conn, orders, "", "gold", NOON)
        notes.hide_namespace(conn, "shop", "anonymous", NOON)
    watched.follow(watched.told())
    assert watched.bound == set()
    with watched.database.write() as conn:
        catalog = Catalog(conn)
        catalog.update(orders, catalog.run(catalog.job("load"), "r"), NOON + 1)
    watched.follow({orders: What.UPDATE})
    assert watched.bound == {("coming", orders), ("named", orders)}


def test_when_names_become_one_dataset_how_it_stands_goes_along(watched: Watched) -> None:
    with watched.database.write() as conn:
        catalog = Catalog(conn)
        path, table = catalog.dataset("orders", LAKE), catalog.dataset("orders")
        job = catalog.job("load")
        catalog.edge(job, catalog.dataset("raw"), Direction.INPUT)
        catalog.edge(job, path, Direction.OUTPUT)
    watched.rule(
        path=Selector(namespace=LAKE, name="orders"),
        both=Selector(name="orders"),
        below=Selector(downstream_of="dataset:shop:raw"),
    )
    assert watched.bound == {("path", path), ("both", path), ("both", table), ("below", path)}
    watched.judge("late")
    with watched.database.write() as conn:
        Catalog(conn).alias(path, table, "symlink")
    assert watched.follow({path: What.NAME})  # the graph is asked later
    assert watched.bound == {("path", table), ("both", table), ("below", table)}
    assert {state for state, _ in watched.looks().values()} == {"late"}
    assert not watched.follow({}, NOON + GRAPH_PAUSE)
    assert watched.bound == {("path", table), ("both", table), ("below", table)}


def test_what_alias_rules_join_and_part_is_told(watched: Watched) -> None:
    with watched.database.write() as conn:
        catalog = Catalog(conn)
        path, table = catalog.dataset("orders", LAKE), catalog.dataset("orders")
    watched.rule(path=Selector(namespace=LAKE, name="orders"), table=ORDERS)
    rule = {"exact": {"namespace": LAKE, "name": "orders", "to_namespace": "shop", "to_name": "orders"}}
    for bodies, bound in (
        ([rule], {("path", table), ("table", table)}),
        ([], {("path", path), ("table", table)}),
    ):
        with watched.database.write() as conn:
            aliases.replace(conn, bodies)
        Projector(watched.database, holder="test").drain()
        watched.follow(watched.told())
        assert watched.bound == bound


def test_the_graph_is_asked_now_and_then(watched: Watched) -> None:
    with watched.database.write() as conn:
        catalog = Catalog(conn)
        raw, first, second = (catalog.dataset(name) for name in ("raw", "first", "second"))
        job = catalog.job("load")
        catalog.edge(job, raw, Direction.INPUT)
    watched.rule(below=Selector(downstream_of="dataset:shop:raw"))
    for target, now in ((first, NOON + GRAPH_PAUSE - 1), (second, NOON + 2 * GRAPH_PAUSE - 1)):
        before = watched.bound
        with watched.database.write() as conn:
            Catalog(conn).edge(job, target, Direction.OUTPUT)
        assert watched.follow({job: What.EDGE}, now)
        assert watched.bound == before
        assert not watched.follow({}, now + 1)
        assert watched.bound == before | {("below", target)}
    assert not watched.follow({raw: What.UPDATE, job: What.RUN}, NOON + 3 * GRAPH_PAUSE)


def test_alerts_name_datasets_with_owner_and_tags(watched: Watched) -> None:
    with watched.database.write() as conn:
        catalog = Catalog(conn)
        path, table = catalog.dataset("path", LAKE), catalog.dataset("orders")
        bare = catalog.dataset("bare")
        catalog.alias(path, table, "symlink")
        catalog.facet(path, "ownership", {"owners": [{"name": "team:path"}]})
        catalog.facet(table, "ownership", {"owners": [{"name": "team:a"}, {"name": "team:b"}]})
        notes.attach_tag(conn, path, "", "gold", NOON)
        notes.attach_tag(conn, table, "amount", "pii", NOON)
    with watched.database.read() as conn:
        assert watched.bindings.describe(conn, [table, bare, 12345]) == {
            table: Described("shop", "orders", "team:a", frozenset({"gold"})),
            bare: Described("shop", "bare"),
        }
