"""Names that are one dataset: whatever joins them, in whatever order it comes, and until it is taken back."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from collector.ingest.projector import Projector
from collector.ingest.rebuild import rebuild
from collector.storage import aliases, identity
from collector.storage.engine import Database
from collector.storage.tables import dataset, dataset_alias
from lineage.model import DatasetRef
from tests.captured import captured
from tests.dump import Dump, assert_sound, dump, empty, feed, names
from tests.events import MINUTE, NOON, Json, run_event
from tests.events import dataset as entry
from tests.statements import counted

TABLE = DatasetRef("postgres://db:5432", "shop.raw.orders")
LOCAL = DatasetRef("postgresql://localhost", "shop.raw.orders")
QUOTED = DatasetRef("sqlmesh", '"shop"."raw"."orders"')
LOADED = DatasetRef("dlt://fingerprint", "raw.orders")
FILES = DatasetRef("s3://bucket", "warehouse/orders")
DAY = DatasetRef("s3a://bucket", "/warehouse/orders/dt=2026-11-22")

RULES: list[Json] = [
    {"prefix": {"namespace": LOADED.namespace, "to_namespace": TABLE.namespace, "to_name": "shop."}},
    {
        "exact": {
            "namespace": "sqlmesh",
            "name": TABLE.name,
            "to_namespace": "postgres://localhost",
            "to_name": TABLE.name,
        }
    },
    {"host": {"names": ["localhost"], "to": "db"}},
    {
        "regex": {
            "namespace": "lake",
            "name": r"(\w+)/.*",
            "to_namespace": "s3://bucket",
            "to_name": r"warehouse/\1",
        }
    },
]


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.close()


def reads(ref: DatasetRef, at: int = NOON, **facets: Any) -> Json:
    """Give an event of a run that reads a dataset."""
    return run_event(
        "COMPLETE", at, job=f"reads {ref.name}", inputs=[entry(ref.name, ref.namespace, facets=facets)]
    )


def symlinks(*others: DatasetRef) -> Json:
    return {"identifiers": [{**ref._asdict(), "type": "TABLE"} for ref in others]}


def renamed(before: DatasetRef) -> Json:
    return {"lifecycleStateChange": "RENAME", "previousIdentifier": before._asdict()}


def project(database: Database, *events: Json) -> None:
    feed(database, events, NOON)
    Projector(database, holder="test").drain()


def follow(database: Database, rules: list[Json]) -> None:
    with database.write() as conn:
        aliases.replace(conn, rules)
    Projector(database, holder="test").drain()


def sets(database: Database) -> dict[DatasetRef, set[DatasetRef]]:
    """Give each name that stands for others as well, with all of the set."""
    with database.read() as conn:
        assert_sound(conn)
        refs = names(conn)
        found: dict[Any, set[Any]] = {}
        for row in conn.execute(select(dataset)):
            found.setdefault(refs[row.canonical_id], set()).add(refs[row.id])
    return {ref: members for ref, members in found.items() if len(members) > 1}


def content(database: Database) -> Dump:
    with database.read() as conn:
        assert_sound(conn)
        return dump(conn)


def test_the_end_of_a_rule_stands_for_a_set_of_which_another_stood_before(database: Database) -> None:
    rule: Json = {
        "exact": {**LOADED._asdict(), "to_namespace": TABLE.namespace, "to_name": TABLE.name},
    }
    plain = DatasetRef("other", "orders")
    with database.write() as conn:
        aliases.replace(conn, [rule])
    projector = Projector(database, holder="test")
    for event in (reads(plain, symlinks=symlinks(LOADED)), reads(TABLE)):
        feed(database, [event], NOON)
        projector.drain()

    with database.read() as conn:
        assert_sound(conn)
        stands = {row.canonical_id for row in conn.execute(select(dataset.c.canonical_id))}
    assert stands == {TABLE.id}
    assert rebuild(database, "test") == 0


def test_a_symlink_joins_two_datasets_that_are_there_already(database: Database) -> None:
    project(database, reads(TABLE), reads(FILES))
    assert sets(database) == {}

    project(database, reads(FILES, NOON + MINUTE, symlinks=symlinks(TABLE)))

    assert sets(database) == {TABLE: {TABLE, FILES}}  # the table's name says more than the path


def test_a_normal_form_joins_whoever_comes_first(database: Database) -> None:
    project(database, reads(DAY))
    assert sets(database) == {}

    project(database, reads(FILES))

    assert sets(database) == {FILES: {FILES, DAY}}


def test_two_spellings_are_joined_without_the_normal_form(database: Database) -> None:
    other = DatasetRef("s3n://bucket", "warehouse/orders/dt=2026-11-23")
    project(database, reads(DAY), reads(other))

    assert sets(database) == {DAY: {DAY, other}}


def test_a_set_of_many_names_costs_as_much_as_a_small_one(database: Database) -> None:
    """Each partition under its own name: a new one must not read all the others."""
    days = [DatasetRef("s3://bucket", f"orders/day={number:03}") for number in range(300)]
    projector = Projector(database, holder="test")
    projector.take()
    sizes = []
    for some in (days[1:3], days[3:299], days[299:], days[:1]):
        feed(database, [reads(ref) for ref in some], NOON)
        with counted(database) as statements:
            projector.step()
        sizes.append(len(statements))

    assert sets(database) == {days[0]: set(days)}
    assert sizes[2] <= sizes[0] + 1
    assert sizes[3] <= sizes[2] + 2


def test_a_rename_leaves_the_new_name(database: Database) -> None:
    old = DatasetRef(TABLE.namespace, "shop.raw.a_orders")
    project(database, reads(old), reads(TABLE, lifecycleStateChange=renamed(old)))

    assert sets(database) == {TABLE: {TABLE, old}}


def test_rules_join_what_is_there_and_what_comes(database: Database) -> None:
    project(database, reads(LOADED), reads(QUOTED))
    follow(database, RULES)
    lake = DatasetRef("lake", "orders/part-1")
    project(database, reads(TABLE), reads(LOCAL), reads(FILES), reads(lake))

    assert sets(database) == {TABLE: {TABLE, LOCAL, QUOTED, LOADED}, FILES: {FILES, lake}}
    with database.read() as conn:
        details = {
            row.detail
            for row in conn.execute(select(dataset_alias).where(dataset_alias.c.dataset_id == LOADED.id))
        }
        assert details == {f"prefix {LOADED.namespace}:* is {TABLE.namespace}:shop.*"}
        assert aliases.state(conn) == (1, 1)


def test_taking_rules_back_leaves_no_trace(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "PIECE", 2)
    project(database, *(reads(ref) for ref in (LOADED, QUOTED, TABLE, LOCAL, FILES, DAY)))
    before = content(database)

    follow(database, RULES)
    assert len(sets(database)[TABLE]) == 4
    follow(database, RULES[:1])
    assert sets(database)[TABLE] == {TABLE, LOADED}
    follow(database, [])

    assert content(database) == before


def test_an_exact_rule_is_about_every_spelling(database: Database) -> None:
    other = DatasetRef("mysql://db:3306", "shop.orders")
    project(database, reads(LOCAL), reads(other))
    rule = {"namespace": "postgres://localhost:5432", "name": LOCAL.name}
    follow(database, [{"exact": {**rule, "to_namespace": other.namespace, "to_name": other.name}}])

    assert sets(database) == {other: {other, LOCAL}}


def test_a_running_projector_follows_rules_without_events(database: Database) -> None:
    projector = Projector(database, holder="test")
    project(database, reads(LOADED), reads(TABLE))
    projector.drain()
    with database.write() as conn:
        assert aliases.append(conn, RULES[0]) == 1
        assert aliases.append(conn, RULES[0]) == 2  # there already
        assert aliases.bodies(conn) == RULES[:1]
    projector.drain()

    assert sets(database) == {TABLE: {TABLE, LOADED}}


def test_a_rebuild_follows_the_rules(database: Database) -> None:
    real = (event for event, _ in captured("sqlmesh/*", "dlt/*"))
    project(database, *(reads(ref) for ref in (LOADED, QUOTED, TABLE, LOCAL, FILES, DAY)), *real)
    follow(database, RULES)

    assert rebuild(database, "test") == 0


def test_sets_cost_nothing_once_they_are_known(database: Database) -> None:
    projector = Projector(database, holder="test")
    projector.take()
    counts = []
    for minute in range(3):
        feed(database, [reads(FILES, NOON + minute * MINUTE, symlinks=symlinks(TABLE)), reads(DAY)], NOON)
        with counted(database) as statements:
            projector.step()
        counts.append(sum("dataset_alias" in statement for statement in statements))

    assert counts[0] < 5
    assert counts[1:] == [0, 0]


REFS = st.sampled_from([TABLE, LOCAL, QUOTED, LOADED, FILES, DAY, DatasetRef("lake", "orders/x")])
STEPS = st.lists(
    st.builds(
        lambda ref, others, before: reads(
            ref,
            NOON,
            symlinks=symlinks(*others),
            **({"lifecycleStateChange": renamed(before)} if before else {}),
        ),
        REFS,
        st.lists(REFS, max_size=1),
        st.none() | st.none() | REFS,
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS, st.lists(st.sampled_from(RULES), unique_by=str), st.randoms(use_true_random=False))
def test_order_means_nothing(
    database: Database, events: list[Json], rules: list[Json], rand: random.Random
) -> None:
    empty(database)
    project(database, *events)
    follow(database, rules)
    expected = content(database)

    empty(database)
    rand.shuffle(events)
    at = rand.randint(0, len(events))
    follow(database, rand.sample(RULES, 2))
    for event in events[:at]:
        project(database, event)
    follow(database, rules)
    project(database, *events[at:])

    assert content(database) == expected
