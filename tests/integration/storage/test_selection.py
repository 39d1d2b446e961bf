"""Which datasets selectors mean: by names, tags, owners, and what lies up and down the graph."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from collector.storage import notes
from collector.storage.engine import Database
from collector.storage.selection import among_these, members
from lineage.model import DatasetRef, Direction
from tests.catalog import NOON, Catalog
from triggers.model import Selector

LAKE = "s3://lake"


@pytest.fixture
def catalog(database_url: str) -> Iterator[Catalog]:
    database = Database(database_url)
    with database.write() as conn:
        yield Catalog(conn)
    database.close()


def meant(catalog: Catalog, selector: Selector) -> set[int]:
    """Give what a selector means, having asked in both ways."""
    every = {row.id for row in catalog.conn.exec_driver_sql("SELECT id FROM dataset")}
    found = members(catalog.conn, {"it": selector})["it"]
    if selector.downstream_of is None and selector.needed_by is None:
        asked = among_these(catalog.conn, {"it": selector}, every | found)
        assert {id_ for id_, names in asked.items() if names} == found
    return found


def test_names_are_picked_by_namespace_name_and_pattern(catalog: Catalog) -> None:
    orders, items = catalog.dataset("shop.orders"), catalog.dataset("shop.items")
    lake = catalog.dataset("shop.orders", LAKE)
    brackets = catalog.dataset("raw[1].x")
    assert meant(catalog, Selector(namespace="shop", name="shop.orders")) == {orders}
    assert meant(catalog, Selector(name="shop.orders")) == {orders, lake}
    assert meant(catalog, Selector(namespace="shop")) == {orders, items, brackets}
    assert meant(catalog, Selector(namespace="s3*")) == {lake}
    assert meant(catalog, Selector(namespace="s?op", name="shop.items")) == {items}
    assert meant(catalog, Selector(pattern="shop.*")) == {orders, items, lake}
    assert meant(catalog, Selector(namespace="shop", pattern="*.?tems")) == {items}
    assert meant(catalog, Selector(pattern="SHOP.*")) == set()
    assert meant(catalog, Selector(pattern="raw[1].*")) == {brackets}
    assert meant(catalog, Selector(pattern="raw?1*")) == {brackets}
    assert meant(catalog, Selector(pattern="orders")) == set()


def test_all_names_of_a_dataset_count(catalog: Catalog) -> None:
    table, path = catalog.dataset("orders"), catalog.dataset("warehouse/orders", LAKE)
    catalog.alias(path, table, "symlink")
    assert meant(catalog, Selector(pattern="warehouse/*")) == {table}
    assert meant(catalog, Selector(namespace=LAKE, name="warehouse/orders")) == {table}
    # Namespace and name are those of one name.
    assert meant(catalog, Selector(namespace=LAKE, pattern="ord*")) == set()


def test_a_name_that_nobody_has_used_is_bound_all_the_same(catalog: Catalog) -> None:
    coming = DatasetRef("shop", "coming").id
    assert meant(catalog, Selector(namespace="shop", name="coming")) == {coming}
    assert meant(catalog, Selector(name="coming")) == set()
    # What a rule makes of a name that is known.
    orders = catalog.dataset("orders_v2")
    normal = DatasetRef("shop", "orders_v").id
    catalog.alias(orders, normal, "rule")
    catalog.conn.exec_driver_sql(f"UPDATE dataset SET canonical_id = {orders} WHERE id = {orders}")
    assert meant(catalog, Selector(namespace="shop", name="orders_v")) == {orders}


def test_tags_are_those_of_people_and_of_the_facet(catalog: Catalog) -> None:
    one, other, third = (catalog.dataset(name) for name in ("one", "other", "third"))
    notes.attach_tag(catalog.conn, one, "", "gold", NOON)
    notes.attach_tag(catalog.conn, third, "amount", "gold", NOON)
    body = {"tags": [{"key": "gold", "value": "true"}, {"key": "domain", "value": "finance"}, {"key": 1}]}
    catalog.facet(other, "tags", body)
    catalog.facet(third, "tags", {"tags": [{"key": "gold", "value": "true", "field": "id"}]})
    assert meant(catalog, Selector(tag="gold")) == {one, other}
    assert meant(catalog, Selector(tag="domain:finance")) == {other}
    assert meant(catalog, Selector(tag="gold", pattern="o*r")) == {other}
    catalog.facet(other, "tags", {"tags": []}, NOON + 1)
    assert meant(catalog, Selector(tag="gold")) == {one}


def test_owners_are_those_of_the_facet_under_any_name(catalog: Catalog) -> None:
    table, path = catalog.dataset("orders"), catalog.dataset("orders", LAKE)
    other = catalog.dataset("items")
    catalog.alias(path, table, "symlink")
    catalog.facet(path, "ownership", {"owners": [{"name": "team:a"}, {"name": "team:b", "type": "STEWARD"}]})
    catalog.facet(other, "ownership", {"owners": [{"name": "team:a"}]})
    assert meant(catalog, Selector(owner="team:a")) == {table, other}
    assert meant(catalog, Selector(owner="team:b")) == {table}
    assert meant(catalog, Selector(owner="team:a", namespace="shop", name="items")) == {other}


def test_the_graph_is_walked_without_bounds_and_without_control_flow(catalog: Catalog) -> None:
    chain = [catalog.dataset(f"d{number}") for number in range(30)]
    jobs = [catalog.job(f"j{number}") for number in range(29)]
    for job, read, written in zip(jobs, chain, chain[1:], strict=False):
        catalog.edge(job, read, Direction.INPUT)
        catalog.edge(job, written, Direction.OUTPUT)
    catalog.edge(catalog.job("gone"), chain[3], Direction.INPUT, valid_to=NOON + 1)
    follower, beside = catalog.job("follower"), catalog.dataset("beside")
    point = catalog.dataset("j5", job_id=jobs[5], point="after")
    catalog.edge(follower, point, Direction.AFTER)
    catalog.edge(follower, beside, Direction.OUTPUT)
    assert meant(catalog, Selector(downstream_of="dataset:shop:d10")) == set(chain[11:])
    assert meant(catalog, Selector(needed_by="dataset:shop:d10")) == set(chain[:10])
    assert meant(catalog, Selector(downstream_of="job:shop:j10")) == set(chain[11:])
    assert meant(catalog, Selector(needed_by="job:shop:j10")) == set(chain[:11])
    assert meant(catalog, Selector(downstream_of="dataset:shop:d10", name="d20")) == {chain[20]}
    assert meant(catalog, Selector(downstream_of="dataset:shop:d3", needed_by="dataset:shop:d6")) == {
        chain[4],
        chain[5],
    }
    assert meant(catalog, Selector(downstream_of="dataset:shop:nothing")) == set()


def test_a_circle_does_not_hold_the_walk(catalog: Catalog) -> None:
    one, other = catalog.dataset("one"), catalog.dataset("other")
    for job, read, written in ((catalog.job("there"), one, other), (catalog.job("back"), other, one)):
        catalog.edge(job, read, Direction.INPUT)
        catalog.edge(job, written, Direction.OUTPUT)
    assert meant(catalog, Selector(downstream_of="dataset:shop:one")) == {other}


def test_what_is_hidden_or_no_dataset_is_never_meant(catalog: Catalog) -> None:
    orders, gone = catalog.dataset("orders"), catalog.dataset("gone")
    passed, job = catalog.dataset("passed", artificial=True), catalog.job("load")
    catalog.dataset("load", job_id=job, point="after")
    catalog.edge(job, orders, Direction.INPUT)
    catalog.edge(job, passed, Direction.OUTPUT)
    reader = catalog.job("reader")
    catalog.edge(reader, passed, Direction.INPUT)
    catalog.edge(reader, gone, Direction.OUTPUT)
    assert meant(catalog, Selector(downstream_of="dataset:shop:orders")) == {gone}
    notes.hide(catalog.conn, [gone], NOON)
    assert meant(catalog, Selector(pattern="*")) == {orders}
    assert meant(catalog, Selector(downstream_of="dataset:shop:orders")) == set()
    for name in ("gone", "passed", "load"):
        assert meant(catalog, Selector(namespace="shop", name=name)) == set()
    # An event has named it again.
    catalog.update(gone, catalog.run(reader, "r1"), NOON + 1)
    assert meant(catalog, Selector(namespace="shop", name="gone")) == {gone}
