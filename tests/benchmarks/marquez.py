"""The dear questions of Marquez's API: ``python -m tests.benchmarks.marquez --database sqlite|postgresql``.

One connected graph, 20,000 jobs with as many datasets and ten runs each, written straight into the tables. Asked over
HTTP: ``GET /api/v1/lineage?depth=20``, which gives all of it, and ``GET /api/v1/jobs?limit=25``. Beside each, the time
of the bare SELECT of the rows that the answer is made of, in the same minute on the same machine. And how much memory
the server takes before and after.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import json
import random
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import Table, text

from collector.storage import tables, upsert
from collector.storage.compression import pack
from collector.storage.engine import Database
from lineage.model import DatasetRef, JobRef, entity_id, run_key
from tests.benchmarks.lineage import server_memory
from tests.benchmarks.server import databases, running
from tests.events import run_event

WAREHOUSE = "postgres://warehouse.example.com:5432"
JOBS = "shop"
MONDAY = 1_795_392_000_000_000
"""2026-11-23T00:00:00Z."""

SECOND = 1_000_000
PIECE = 20_000

EDGES = "SELECT job_id, dataset_id, direction FROM edge WHERE valid_to IS NULL"
JOB_NAMES = "SELECT id, namespace_id, name, parent_id, first_seen_at, last_seen_at FROM job"
DATASET_NAMES = "SELECT id, namespace_id, name, canonical_id FROM dataset"
RUNS = (
    "SELECT j.id, r.* FROM job j JOIN run r ON r.id = "
    "(SELECT l.id FROM run l WHERE l.job_id = j.id ORDER BY l.first_event_at DESC LIMIT 1)"
)
PAGE = "SELECT id, name, namespace_id, last_seen_at FROM job ORDER BY last_seen_at DESC LIMIT 25"
LAST_RUNS = "SELECT * FROM run WHERE job_id = {} ORDER BY first_event_at DESC LIMIT 10"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.marquez")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--jobs", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=10, help="of each job")
    parser.add_argument("--questions", type=int, default=7, help="of each kind")
    options = parser.parse_args()
    with databases(options.database) as places:
        url = places.create("marquez")
        database = Database(url)
        begun = time.perf_counter()
        write(database, options.jobs, options.runs)
        seconds = time.perf_counter() - begun
        print(
            f"{options.database}: {options.jobs:,} jobs, {options.jobs * options.runs:,} runs, "
            f"written in {seconds:.0f} s"
        )
        with running(url, projector=False) as port:
            before = server_memory()
            measure(port, database, options.jobs, options.questions)
            print(
                f"the server took {before:.0f} MB before the first question, {server_memory():.0f} MB after "
                f"the last, at most {server_memory(peak=True):.0f} MB"
            )
        database.close()


def measure(port: int, database: Database, jobs: int, questions: int) -> None:
    """Ask everything, and print the times."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def ask(path: str) -> bytes:
        connection.request("GET", f"/api/v1{path}")
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{answer.status}: {body[:500]!r}")
        return body

    lineage, page = f"/lineage?nodeId=job:{JOBS}:job_00000&depth=20", "/jobs?limit=25"
    begun = time.perf_counter()
    body = ask(lineage)
    first = (time.perf_counter() - begun) * 1000
    met = sum(node["type"] == "JOB" for node in json.loads(body)["graph"])
    if met != jobs:
        raise RuntimeError(f"{met} jobs instead of {jobs}")
    print(f"{lineage}: {len(body) / 1e6:.0f} MB, the first took {first:.0f} ms")
    compare(
        lineage,
        lambda: ask(lineage),
        lambda: select(database, [EDGES, JOB_NAMES, DATASET_NAMES, RUNS]),
        questions,
    )
    compare(page, lambda: ask(page), lambda: select_page(database), 5 * questions)
    connection.close()


def compare(name: str, question: Callable[[], object], bare: Callable[[], object], times: int) -> None:
    """Ask and select by turns, so that both meet the same machine."""
    asked: list[float] = []
    selected: list[float] = []
    for _ in range(times):
        for milliseconds, call in ((asked, question), (selected, bare)):
            begun = time.perf_counter()
            call()
            milliseconds.append((time.perf_counter() - begun) * 1000)
    ratio = statistics.median(asked) / statistics.median(selected)
    print(
        f"{name}: p50 {statistics.median(asked):.0f} ms, best {min(asked):.0f} ms, worst {max(asked):.0f} ms; "
        f"the bare rows p50 {statistics.median(selected):.0f} ms: {ratio:.1f} times"
    )


def select(database: Database, statements: Iterable[str]) -> None:
    """Fetch rows and do nothing with them."""
    with database.read() as conn:
        for statement in statements:
            conn.exec_driver_sql(statement).all()


def select_page(database: Database) -> None:
    """Fetch 25 jobs and the last runs of each."""
    with database.read() as conn:
        for row in conn.exec_driver_sql(PAGE).all():
            conn.exec_driver_sql(LAST_RUNS.format(row.id)).all()


def write(database: Database, jobs: int, runs: int) -> None:
    """Write the graph: each job reads one to three datasets of earlier ones, and writes its own."""
    chance = random.Random(1)
    places = {name: entity_id("namespace", name) for name in (JOBS, WAREHOUSE)}
    names = [JobRef(JOBS, f"job_{number:05}") for number in range(jobs)]
    data = [DatasetRef(WAREHOUSE, f"shop.public.table_{number:05}") for number in range(jobs)]
    read = [
        sorted({number // 2, *(chance.randrange(number) for _ in range(chance.randrange(3)))})
        if number
        else []
        for number in range(jobs)
    ]
    read = [[each for each in some if each != number] for number, some in enumerate(read)]
    _write(database, tables.namespace, ("id", "name"), [(id_, name) for name, id_ in places.items()])
    _write(
        database,
        tables.job,
        ("id", "namespace_id", "name", "detail", "first_seen_at", "last_seen_at"),
        ((ref.id, places[JOBS], ref.name, False, MONDAY, MONDAY + n) for n, ref in enumerate(names)),
    )
    _write(
        database,
        tables.dataset,
        ("id", "namespace_id", "name", "canonical_id", "artificial"),
        ((ref.id, places[WAREHOUSE], ref.name, ref.id, False) for ref in data),
    )
    _write(
        database,
        tables.edge,
        ("job_id", "dataset_id", "direction", "valid_from", "implied", "opened_by"),
        (
            (names[n].id, data[each].id, direction, MONDAY, False, n * runs + 1)
            for n in range(jobs)
            for direction, some in ((0, read[n]), (1, [n]))
            for each in some
        ),
    )
    _write_runs(database, names, data, runs)
    _write_facets(database, names, data)
    if database.dialect == "postgresql":
        # Autovacuum does it in a server that has run for a minute; SQLite is never told.
        with database.write() as conn:
            conn.execute(text("ANALYZE"))


def _write_runs(database: Database, names: Sequence[JobRef], data: Sequence[DatasetRef], runs: int) -> None:
    """Write the runs with what they wrote, and of each the event of its end."""

    def every() -> Iterator[tuple[int, str, int, int]]:
        for number in range(len(names)):
            for turn in range(runs):
                row = number * runs + turn + 1
                yield (
                    row,
                    f"01980000-0000-7000-8000-{row:012}",
                    number,
                    MONDAY + turn * 3600 * SECOND + number,
                )

    _write(
        database,
        tables.run,
        ("id", "key", "job_id", "run_id", "declared", "state", "first_event_at", "last_event_at", "started_at",
         "ended_at", "incomplete"),
        ((row, run_key(id_), names[n].id, id_, False, "COMPLETE", at, at + SECOND, at, at + SECOND, False)
         for row, id_, n, at in every()),
    )  # fmt: skip
    _write(
        database,
        tables.run_io,
        ("run_id", "dataset_id", "direction", "implied", "lifecycle", "artificial"),
        ((row, data[n].id, 1, False, 0, False) for row, _, n, _ in every()),
    )
    _write(
        database,
        tables.dataset_update,
        ("dataset_id", "event_time", "run_id", "received_at", "kind"),
        ((data[n].id, at + SECOND, row, at + SECOND, "run") for row, _, n, at in every()),
    )
    _write(
        database,
        tables.event,
        ("kind", "event_type", "event_time", "received_at", "run_key", "entity_id", "hash", "size", "body"),
        (
            (
                "run",
                "COMPLETE",
                at,
                at,
                run_key(id_),
                names[n].id,
                row.to_bytes(16, "big"),
                len(body),
                pack(body),
            )
            for row, id_, n, at in every()
            for body in [_event(at + SECOND, names[n], id_, data[n])]
        ),
    )


def _event(at: int, job: JobRef, run_id: str, written: DatasetRef) -> bytes:
    facets = {"nominalTime": {"nominalStartTime": "2026-11-23T00:00:00Z"}, "engine": {"name": "shop", "v": 1}}
    event = run_event("COMPLETE", at, job.name, run_id, (), [written._asdict()], namespace=job.namespace)
    event["run"]["facets"] = facets
    return json.dumps(event).encode()


def _write_facets(database: Database, names: Sequence[JobRef], data: Sequence[DatasetRef]) -> None:
    bodies: dict[bytes, bytes] = {}
    rows = []
    for number, (job, dataset) in enumerate(zip(names, data, strict=True)):
        fields = [{"name": f"column_{number % 97}_{place}", "type": "text"} for place in range(12)]
        for owner, name, body in (
            (job.id, "documentation", {"description": f"Makes table {number}"}),
            (job.id, "sourceCodeLocation", {"type": "git", "url": f"https://example.com/{job.name}.sql"}),
            (job.id, "sql", {"query": f"INSERT INTO {dataset.name} SELECT 1"}),
            (dataset.id, "schema", {"fields": [*fields, {"name": f"own_{number}", "type": "int"}]}),
            (dataset.id, "dataSource", {"name": "warehouse", "uri": WAREHOUSE}),
        ):
            written = json.dumps(body, sort_keys=True).encode()
            digest = hashlib.sha256(written).digest()[:16]
            bodies[digest] = pack(written)
            rows.append((owner, name, digest, MONDAY, MONDAY))
    columns = ("owner_id", "name", "hash", "first_seen_at", "last_seen_at")
    _write(database, tables.facet, columns, sorted(rows))
    _write(database, tables.facet_body, ("hash", "body"), bodies.items())


def _write(database: Database, table: Table, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    waiting = iter(rows)
    while piece := list(islice(waiting, PIECE)):
        with database.write() as conn:
            upsert.write_rows(conn, table, columns, piece)


if __name__ == "__main__":
    main()
