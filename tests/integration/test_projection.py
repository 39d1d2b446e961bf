"""The projection is a fold: the same events in any order, any number of times, in any batches, give the same tables."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.ingest.projector import Projector
from collector.storage.engine import Database
from collector.storage.event_log import NewEvent
from tests.captured import captured
from tests.dump import Dump, assert_sound, dump, empty, feed_rows, new_event, queue_again, waiting
from tests.events import (
    MINUTE,
    NOON,
    Json,
    column_lineage,
    dataset,
    dataset_event,
    job_event,
    job_ref,
    run_event,
)

ON_ONE_DATABASE = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
"""Emptied before each example; a new one each would take most of the time."""


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.close()


def project(database: Database, pieces: Sequence[Sequence[NewEvent]], batches: Sequence[int]) -> Dump:
    """Empty the database, then add the pieces and project after each, each time with the next size of a batch.

    What a piece holds of an earlier one is projected once more. A size of zero is a new projector with nothing in
    memory, and batches of two.
    """
    empty(database)
    projector = Projector(database, holder="test", batch=1000)
    for number, piece in enumerate(pieces):
        feed_rows(database, piece)
        queue_again(database, piece)
        size = batches[number % len(batches)]
        if size == 0:
            projector = Projector(database, holder="test", batch=2)
        else:
            projector._batch = size
        projector.drain()
    assert waiting(database)[1:] == (0, 0)
    with database.read() as conn:
        assert_sound(conn)
        return dump(conn)


def assert_same(found: Dump, expected: Dump) -> None:
    for table, rows in expected.items():
        assert found[table] == rows, table


# --- made-up events ---------------------------------------------------------------------------------------------

NAMES = st.sampled_from(["a", "b", "c"])
TIMES = st.integers(0, 6).map(lambda n: NOON + n * MINUTE)
RUNS = st.sampled_from(
    [
        "01980000-0000-7000-8000-00000000000a",
        "01980000-0000-7000-8000-00000000000A",
        "run 1",
        "run 2",
        "run 3",
    ]
)
TYPES = st.sampled_from(
    ["START", "RUNNING", "COMPLETE", "COMPLETE", "FAIL", "ABORT", "OTHER", "PAUSED", None]
)
BODIES = st.sampled_from([{"n": 1}, {"n": 2}, {"_deleted": True}])

SOURCES = st.lists(st.tuples(NAMES, st.just("f")), max_size=2)
DATASET_FACETS = st.fixed_dictionaries(
    {},
    optional={
        "schema": BODIES,
        "columnLineage": st.builds(
            lambda s, w: column_lineage({"f": s}, w)["columnLineage"], SOURCES, SOURCES
        ),
        "symlinks": st.builds(lambda name: {"identifiers": [dataset(name)]}, NAMES),
        "version": st.sampled_from("vw").map(lambda version: {"datasetVersion": version}),
        "datasetType": st.sampled_from(["TABLE", "TEMPORARY"]).map(lambda kind: {"datasetType": kind}),
        "lifecycleStateChange": st.builds(
            lambda word, name: {"lifecycleStateChange": word, "previousIdentifier": dataset(name)},
            st.sampled_from(["CREATE", "ALTER", "DROP", "RENAME"]),
            NAMES,
        ),
        "dataQualityAssertions": st.builds(
            lambda success, actual: {
                "assertions": [{"assertion": "x", "success": success, "actual": actual}]
            },
            st.booleans(),
            st.sampled_from(["1", None]),
        ),
    },
)
OUTPUT_FACETS = st.fixed_dictionaries(
    {},
    optional={
        "outputStatistics": st.integers(0, 2).map(lambda n: {"rowCount": n}),
        "subset": st.sampled_from("pq").map(lambda p: {"outputCondition": {"locations": [p]}}),
    },
)
INPUTS = st.lists(
    st.builds(lambda n, f: dataset(n, facets=f), NAMES, DATASET_FACETS | st.just({})), max_size=3
)
OUTPUTS = st.lists(
    st.builds(lambda n, f, o: dataset(n, facets=f, outputFacets=o), NAMES, DATASET_FACETS, OUTPUT_FACETS),
    max_size=2,
)
LINEAGE = st.lists(
    st.builds(
        lambda target, sources: {
            **dataset(target, type="DATASET"),
            "inputs": [dataset(name, type="DATASET") for name in sources],
        },
        NAMES,
        st.lists(NAMES, max_size=2),
    ),
    max_size=2,
).map(lambda entries: {"entries": entries})
PARENTS = st.builds(
    lambda run, job, root: {
        "run": {"runId": run},
        **({"job": job_ref(job)._asdict()} if job else {}),
        **({"root": {"run": {"runId": root}, "job": job_ref("top")._asdict()}} if root else {}),
    },
    RUNS,
    st.sampled_from(["one", "two", "dag", None]),
    RUNS | st.none(),
)
RUN_FACETS = st.fixed_dictionaries(
    {},
    optional={
        "parent": PARENTS,
        "errorMessage": st.sampled_from("xy").map(lambda message: {"message": message}),
        "extractionError": st.just({"totalTasks": 1}),
        "nominalTime": st.sampled_from(["2026-11-22", "2026-11-21"]).map(
            lambda day: {"nominalStartTime": day}
        ),
    },
)
JOB_FACETS = st.fixed_dictionaries(
    {},
    optional={
        "sql": BODIES,
        "jobType": st.sampled_from(["BATCH", "STREAMING"]).map(lambda kind: {"processingType": kind}),
        "lineage": LINEAGE,
    },
)
JOBS = st.sampled_from(["one", "one", "two"])
EVENTS = st.one_of(
    *[
        st.builds(
            run_event, TYPES, TIMES, JOBS, RUNS, INPUTS, OUTPUTS, run_facets=RUN_FACETS, job_facets=JOB_FACETS
        )
    ]
    * 4,
    st.builds(job_event, TIMES, JOBS, INPUTS, OUTPUTS, facets=JOB_FACETS),
    st.builds(
        lambda at, name, facets, lineage: dataset_event(at, name, **facets, **lineage),
        TIMES,
        NAMES,
        DATASET_FACETS,
        st.just({}) | NAMES.map(lambda n: {"lineage": {"inputs": [dataset(n, type="DATASET")]}}),
    ),
)
LOGGED = st.tuples(EVENTS, st.integers(-8, 2).map(lambda n: NOON + n * MINUTE))
"""(event, received at); some clocks are ahead."""


@settings(max_examples=40, suppress_health_check=ON_ONE_DATABASE)
@given(events=st.lists(LOGGED, min_size=1, max_size=12), data=st.data())
def test_any_order_number_and_batches_of_the_same_events_give_the_same_tables(
    database: Database, events: list[tuple[Json, int]], data: st.DataObject
) -> None:
    rows = list({row.hash: row for row in (new_event(*logged) for logged in events)}.values())
    expected = project(database, [rows], [1000])
    shuffled = data.draw(st.permutations(rows + data.draw(st.lists(st.sampled_from(rows), max_size=3))))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(shuffled)), max_size=3)))
    pieces = [shuffled[a:b] for a, b in zip([0, *cuts], [*cuts, len(shuffled)], strict=True)]
    batches = data.draw(st.lists(st.sampled_from([0, 1, 2, 1000]), min_size=1, max_size=3))
    assert_same(project(database, pieces, batches), expected)


# --- real events ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real_events() -> list[NewEvent]:
    rows = (new_event(*logged) for logged in captured())
    return list({row.hash: row for row in rows}.values())


def test_captured_events_give_the_same_tables_in_any_order(
    database: Database, real_events: list[NewEvent]
) -> None:
    chance = random.Random(20261122)
    expected = project(database, [real_events], [250])
    backwards = real_events[::-1]
    assert_same(project(database, [backwards[:700], backwards[300:]], [37, 0]), expected)
    shuffled = chance.sample(real_events, len(real_events))
    assert_same(project(database, [shuffled, shuffled[:50]], [1000]), expected)


def test_captured_events_one_by_one(database: Database, real_events: list[NewEvent]) -> None:
    some = real_events[::4]
    expected = project(database, [some], [1000])
    assert_same(project(database, [some[::-1]], [1]), expected)


def test_the_same_events_give_the_same_tables_on_both_databases(
    real_events: list[NewEvent],
    sqlite_template: Any,
    tmp_path: Any,
    shared_postgres: Any,
    postgres_template: str,
) -> None:
    path = tmp_path / "tidegate.db"
    path.write_bytes(sqlite_template.read_bytes())
    dumps = []
    for url in (f"sqlite:///{path}", shared_postgres.create_database("test_both_kinds", postgres_template)):
        opened = Database(url)
        dumps.append(project(opened, [real_events], [250]))
        opened.close()
    assert_same(*dumps)
