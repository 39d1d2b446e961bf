"""The projector at work: poison events, the lease, a database that goes away, and the number of statements."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import structlog
from sqlalchemy import delete, func, insert, select, update

from collector.ingest.projector import LEASE, LEASE_US, Projector
from collector.storage import inbox
from collector.storage.compression import pack
from collector.storage.engine import Database
from collector.storage.leases import Lease, LeaseLost, holder_of
from collector.storage.migrate import upgrade
from collector.storage.tables import PROJECTION, dataset, event, lease, namespace, parked, run
from collector.times import now_us
from lineage.model import entity_id
from tests.dump import assert_sound, dump, empty, feed, waiting
from tests.events import HOUR, MINUTE, NOON, Json, column_lineage, run_event
from tests.events import dataset as entry
from tests.postgres import PostgresServer
from tests.statements import counted


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Keep the projector's reports of made-up failures out of the output."""
    with structlog.testing.capture_logs():
        yield


def loads(number: int, *, at: int = NOON, jobs: int = 10) -> list[Json]:
    """Give START and COMPLETE of so many runs, one a minute, each of the next job in turn."""
    events = []
    for n in range(number):
        facets = {
            "schema": {"fields": [{"name": "id"}]},
            **column_lineage({"id": [(f"raw{n % jobs}", "id")]}),
        }
        parts: Json = {
            "job": f"load{n % jobs}",
            "run": f"run {at} {n}",
            "inputs": [f"raw{n % jobs}"],
            "outputs": [entry(f"mart{n % jobs}", facets=facets)],
            "job_facets": {"sql": {"query": "select 1"}},
        }
        events.append(run_event("START", at + n * MINUTE, **parts))
        events.append(run_event("COMPLETE", at + n * MINUTE + 1, **parts))
    return events


def count_runs(database: Database) -> int:
    with database.read() as conn:
        return conn.execute(select(func.count()).select_from(run)).scalar_one()


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


@contextmanager
def running(projector: Projector) -> Iterator[threading.Thread]:
    """Let a projector run in a thread of its own."""
    stop = threading.Event()
    thread = threading.Thread(target=projector.run, args=(stop,))
    thread.start()
    try:
        yield thread
    finally:
        stop.set()
        thread.join(20)
        assert not thread.is_alive()


# --- poison -----------------------------------------------------------------------------------------------------


def test_an_event_that_cannot_be_projected_is_parked_and_the_others_go_on(database: Database) -> None:
    bad = run_event("COMPLETE", job="bad", run="bad", namespace="taken", outputs=["mart"])
    good = loads(3)
    # Another name under the id of the namespace: what two names with one hash would look like.
    with database.write() as conn:
        conn.execute(insert(namespace), [{"id": entity_id("namespace", "taken"), "name": "other"}])
    feed(database, [*good[:3], bad, *good[3:]], NOON)
    projector = Projector(database, holder="test")
    assert projector.drain() == 7
    assert waiting(database) == (7, 0, 1)
    assert count_runs(database) == 3
    with database.read() as conn:
        (row,) = conn.execute(select(parked))
        assert row.error.startswith("Collision: ")
        assert "'other'" in row.error
        assert abs(row.parked_at - now_us()) < HOUR

    # Nothing has changed: it is parked again.
    with database.write() as conn:
        assert inbox.unpark(conn, [row.event_id, 999]) == 1
    assert waiting(database) == (7, 1, 0)
    assert projector.drain() == 1
    assert waiting(database) == (7, 0, 1)

    with database.write() as conn:
        conn.execute(delete(namespace).where(namespace.c.name == "other"))
        assert inbox.unpark(conn) == 1
    assert projector.drain() == 1
    assert waiting(database) == (7, 0, 0)
    with database.read() as conn:
        assert_sound(conn)
        repaired = dump(conn)
    empty(database)
    feed(database, [*good, bad], NOON)
    projector.drain()
    with database.read() as conn:
        assert dump(conn) == repaired


def test_events_that_cannot_be_read_are_parked(database: Database) -> None:
    feed(database, loads(3), NOON)
    with database.write() as conn:
        first, second, third = list(conn.execute(select(event.c.id).order_by(event.c.id)).scalars())[:3]
        for id_, body in ((first, b"damaged"), (second, pack(b"no JSON")), (third, pack(b"[]"))):
            conn.execute(update(event).where(event.c.id == id_).values(body=body))
    assert Projector(database, holder="test").drain() == 6
    assert waiting(database) == (6, 0, 3)
    with database.read() as conn:
        errors = {row.event_id: row.error for row in conn.execute(select(parked))}
    assert errors[first].startswith("DamagedBody")
    assert errors[third].startswith("ValueError: not a JSON object")


def test_unparking_nothing_is_nothing(database: Database) -> None:
    with database.write() as conn:
        assert inbox.unpark(conn) == 0
        assert inbox.unpark(conn, [1]) == 0


# --- the lease --------------------------------------------------------------------------------------------------


def seize(database: Database, holder: str = "other") -> None:
    """Take the lease as another would after ours has run out."""
    with database.write() as conn:
        conn.execute(update(lease).values(expires_at=0))
    assert Lease(database, LEASE, holder, LEASE_US).acquire(now_us())


def test_only_one_projects(database: Database) -> None:
    other = Lease(database, LEASE, "other", LEASE_US)
    assert other.acquire(now_us())
    feed(database, loads(1), NOON)
    projector = Projector(database, holder="test")
    assert projector.drain() is None
    assert waiting(database)[1] == 2
    other.release()
    assert projector.drain() == 2
    assert holder_of(database, LEASE, now_us()) is None


def test_a_standby_takes_over_when_the_lease_has_run_out(database: Database) -> None:
    feed(database, loads(2), NOON)
    assert Lease(database, LEASE, "dead", LEASE_US).acquire(now_us())
    with running(Projector(database, holder="standby")):
        time.sleep(0.3)
        assert waiting(database)[1] == 4
        with database.write() as conn:
            conn.execute(update(lease).values(expires_at=0))
        until(lambda: waiting(database)[1] == 0)
        assert holder_of(database, LEASE, now_us()) == "standby"
    assert holder_of(database, LEASE, now_us()) is None


def test_whoever_lost_the_lease_writes_nothing_more(database: Database) -> None:
    first, second = (
        Projector(database, holder="first", batch=4),
        Projector(database, holder="second", batch=4),
    )
    for event_body in loads(4):
        feed(database, [event_body], NOON)

    def seize_it(_: int) -> None:
        seize(database)

    with pytest.raises(LeaseLost):
        first.drain(seize_it)
    # One batch was done before; of the second there is nothing, and its events still wait.
    assert (count_runs(database), waiting(database)) == (2, (8, 4, 0))
    with database.read() as conn:
        assert_sound(conn)
    assert holder_of(database, LEASE, now_us()) == "other"
    Lease(database, LEASE, "other", LEASE_US).release()
    # Others write meanwhile; what the first had in memory is worth nothing now.
    assert second.drain() == 4
    feed(database, loads(4, at=NOON - HOUR), NOON)
    assert first.drain() == 8
    with database.read() as conn:
        found = dump(conn)
    empty(database)
    feed(database, loads(4) + loads(4, at=NOON - HOUR), NOON)
    second.drain()
    with database.read() as conn:
        assert dump(conn) == found


def test_a_running_projector_stands_by_after_it_lost_the_lease_and_comes_back(database: Database) -> None:
    with running(Projector(database, holder="test")):
        until(lambda: holder_of(database, LEASE, now_us()) == "test")
        seize(database)
        feed(database, loads(1), NOON)
        time.sleep(0.3)
        assert waiting(database)[1] == 2
        Lease(database, LEASE, "other", LEASE_US).release()
        until(lambda: waiting(database)[1] == 0)


def test_an_idle_projector_leaves_the_disk_alone(database: Database) -> None:
    with running(Projector(database, holder="test")):
        until(lambda: holder_of(database, LEASE, now_us()) == "test")
        with counted(database) as statements:
            time.sleep(1.5)
        assert [text for text in statements if not text.startswith("SELECT")] == []
        assert len(statements) < 18  # looks four times a second for events, and for rules that were changed


def test_new_events_are_projected_at_once(database: Database) -> None:
    with running(Projector(database, holder="test")):
        until(lambda: holder_of(database, LEASE, now_us()) == "test")
        for n in range(3):
            started = time.monotonic()
            feed(database, loads(1, at=NOON + n * HOUR), NOON)
            until(lambda: waiting(database)[1] == 0)
            assert time.monotonic() - started < 0.9  # without being woken it looks every second


# --- the database goes away -------------------------------------------------------------------------------------


def test_a_projector_survives_the_loss_of_the_database(postgres_server: PostgresServer) -> None:
    url = postgres_server.create_database("away")
    upgrade(url)
    database = Database(url)
    feed(database, loads(50), NOON)
    with running(Projector(database, holder="test", batch=10)) as thread:
        until(lambda: waiting(database)[1] < 100)
        postgres_server.stop("immediate")
        time.sleep(0.2)
        assert thread.is_alive()
        postgres_server.start()
        feed(database, loads(10, at=NOON + HOUR), NOON)
        until(lambda: waiting(database) == (120, 0, 0), seconds=LEASE_US / 1e6 + 15)
    with database.read() as conn:
        assert_sound(conn)
        found = dump(conn)
    empty(database)
    feed(database, loads(50) + loads(10, at=NOON + HOUR), NOON)
    Projector(database, holder="again").drain()
    with database.read() as conn:
        assert dump(conn) == found
    database.close()


# --- costs ------------------------------------------------------------------------------------------------------


def test_a_batch_takes_a_number_of_statements_that_does_not_grow_with_it(database: Database) -> None:
    projector = Projector(database, holder="test")
    feed(database, loads(125), NOON)
    projector.drain()
    projector.take()
    counts = {}
    for hour, number in enumerate((25, 125, 25, 125), 10):
        feed(database, loads(number, at=NOON + hour * HOUR), NOON)
        with counted(database) as statements:
            assert projector.step() == 2 * number
        counts[hour] = len(statements)
    assert counts[12] == counts[13]
    assert max(counts.values()) <= 40
    assert waiting(database)[1] == 0


def test_late_events_cost_statements_by_job_not_by_event(database: Database) -> None:
    projector = Projector(database, holder="test", batch=1000)
    feed(database, loads(100, jobs=2), NOON)
    projector.drain()
    # Runs before all others, in one batch.
    feed(database, loads(100, at=NOON - 100 * HOUR, jobs=2), NOON)
    with counted(database) as statements:
        projector.drain()
    assert len(statements) <= 60


def test_what_is_projected_is_what_was_fed(database: Database) -> None:
    feed(database, loads(20), NOON)
    Projector(database, holder="test", batch=7).drain()
    with database.read() as conn:
        tables = {
            table.name: conn.execute(select(func.count()).select_from(table)).scalar_one()
            for table in PROJECTION
        }
        assert {row.name for row in conn.execute(select(dataset))} == {
            f"{kind}{n}" for kind in ("raw", "mart") for n in range(10)
        }
    assert tables["run"] == tables["dataset_update"] == 20
    assert tables["run_io"] == 40
    assert tables["edge"] == 20
    assert tables["facet"] == 30
    assert tables["facet_body"] == 12
