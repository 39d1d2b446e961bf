"""A made-up data stack whose events are like real ones: what the benchmarks send.

A warehouse in four layers (raw, staging, intermediate, marts): every job reads one to three datasets of the
layers before it and writes one. A run is a START and a COMPLETE event of 3 to 8 KB, with the facets that dbt
and Airflow send: schema, sql, columnLineage, nominalTime, parent, tags, ownership, outputStatistics. One run
in two hundred finds the schema of its output changed, the others repeat the facets of the run before, as real
ones do.

``events(n)`` gives the same bytes for the same arguments, so that two measurements see the same work.
"""

from __future__ import annotations

import json
import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

PRODUCER = "https://github.com/OpenLineage/OpenLineage/tree/1.54.0/integration/dbt"
SPEC = "https://openlineage.io/spec"
WAREHOUSE = "postgres://warehouse.example.com:5432"
JOB_NAMESPACE = "shop-dbt"
START_OF_TIME = datetime(2025, 1, 1, tzinfo=UTC)

OVERLAP = 8
"""Runs under way at any moment: the COMPLETE of a run comes this many runs after its START."""

SCHEMA_CHANGES_EVERY = 200

NOUNS = ("order", "customer", "payment", "shipment", "refund", "product", "supplier", "invoice")
COLUMNS = ("id", "status", "amount", "currency", "created_at", "updated_at", "country", "channel", "tax")
TYPES = ("bigint", "text", "numeric(18,2)", "timestamp with time zone", "boolean")


@dataclass(frozen=True, slots=True)
class Table:
    """A dataset of the stack."""

    name: str
    columns: tuple[tuple[str, str], ...]


def events(n: int, jobs: int = 1000, seed: int = 1) -> Iterator[bytes]:
    """Give ``n`` events of ``jobs`` jobs as JSON, in the order in which a server would get them."""
    random_ = random.Random(seed)
    templates = _templates(jobs, random_)
    running: deque[tuple[int, str, datetime]] = deque()
    sent = 0
    run = 0
    now = START_OF_TIME
    while sent < n:
        job = run % jobs if run < jobs else random_.randrange(jobs)
        # UUIDv7, as the Python client makes them: 48 bits of milliseconds, then version and random bits.
        bits = (int(now.timestamp() * 1000) << 80) | (7 << 76) | (random_.getrandbits(12) << 64)
        run_id = str(UUID(int=bits | (2 << 62) | random_.getrandbits(62)))
        now += timedelta(milliseconds=random_.randrange(100, 2000))
        yield templates[job].start(run_id, now)
        sent += 1
        running.append((job, run_id, now))
        run += 1
        if len(running) > OVERLAP and sent < n:
            job, run_id, started = running.popleft()
            changed = random_.randrange(SCHEMA_CHANGES_EVERY) == 0
            yield templates[job].complete(run_id, now, started, random_.randrange(1, 10**6), changed)
            sent += 1


class _Template:
    """The two events of a job's runs, encoded once; what differs from run to run is put in by text."""

    def __init__(self, start: dict[str, object], complete: dict[str, object]) -> None:
        self._start = json.dumps(start)
        self._complete = json.dumps(complete)
        self._version = 0

    def start(self, run_id: str, time: datetime) -> bytes:
        return self._fill(self._start, run_id, time, time).encode()

    def complete(self, run_id: str, time: datetime, started: datetime, rows: int, changed: bool) -> bytes:
        self._version += changed
        text = self._fill(self._complete, run_id, time, started)
        return text.replace('"%ROWS%"', str(rows)).replace("%VERSION%", str(self._version)).encode()

    @staticmethod
    def _fill(template: str, run_id: str, time: datetime, started: datetime) -> str:
        day = started.replace(hour=0, minute=0, second=0, microsecond=0)
        return (
            template.replace("%RUN%", run_id)
            .replace("%TIME%", time.isoformat())
            .replace("%DAY%", day.isoformat())
            .replace("%NEXT%", (day + timedelta(days=1)).isoformat())
            # One wrapper run an hour, as a scheduled `dbt run` is.
            .replace("%PARENT%", str(UUID(int=int(started.timestamp()) // 3600 + (7 << 76) + (2 << 62))))
        )


def _templates(jobs: int, random_: random.Random) -> list[_Template]:
    raw = [_table(f"shop.raw.{_noun(i)}", random_) for i in range(max(4, jobs // 10))]
    layers = ("staging", "intermediate", "marts")
    made: list[Table] = []
    templates = []
    for i in range(jobs):
        layer = min(3 * i // jobs, 2)
        output = _table(f"shop.analytics_{layers[layer]}.{_noun(i)}", random_)
        known = raw if layer == 0 else made
        inputs = random_.sample(known[-200:], min(random_.choice((1, 1, 1, 2, 2, 3)), len(known)))
        templates.append(_job(inputs, output, random_))
        made.append(output)
    return templates


def _noun(i: int) -> str:
    return f"{NOUNS[i % len(NOUNS)]}s_{i // len(NOUNS):03d}"


def _table(name: str, random_: random.Random) -> Table:
    names = random_.sample(COLUMNS, random_.randrange(4, len(COLUMNS)))
    return Table(name, tuple((column, random_.choice(TYPES)) for column in names))


def _job(inputs: list[Table], output: Table, random_: random.Random) -> _Template:
    job = {
        "namespace": JOB_NAMESPACE,
        "name": f"{output.name.replace('shop.', 'shop.dbt.', 1)}",
        "facets": {
            "jobType": _facet(
                "2-0-4/JobType", "Job", processingType="BATCH", integration="DBT", jobType="MODEL"
            ),
            "sql": _facet("1-1-0/SQL", "Job", query=_sql(inputs, output, random_), dialect="postgres"),
            "ownership": _facet("1-0-1/Ownership", "Job", owners=[{"name": f"team-{random_.randrange(20)}"}]),
        },
    }
    run = {
        "runId": "%RUN%",
        "facets": {
            "nominalTime": _facet(
                "1-0-1/NominalTime", "Run", nominalStartTime="%DAY%", nominalEndTime="%NEXT%"
            ),
            "parent": _facet(
                "1-1-0/Parent",
                "Run",
                run={"runId": "%PARENT%"},
                job={"namespace": JOB_NAMESPACE, "name": "dbt-run-shop"},
                root={
                    "run": {"runId": "%PARENT%"},
                    "job": {"namespace": JOB_NAMESPACE, "name": "dbt-run-shop"},
                },
            ),
            "processing_engine": _facet(
                "1-1-1/ProcessingEngine",
                "Run",
                version="1.11.16",
                name="dbt",
                openlineageAdapterVersion="1.54.0",
            ),
            "tags": _facet(
                "1-0-0/Tags",
                "Run",
                tags=[
                    {"key": "openlineage_client_version", "value": "1.54.0", "source": "OPENLINEAGE_CLIENT"}
                ],
            ),
        },
    }
    event = {
        "producer": PRODUCER,
        "schemaURL": f"{SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "eventTime": "%TIME%",
    }
    reads = [_dataset(table) for table in inputs]
    columns = (*output.columns, ("version_%VERSION%", "text"))
    written = _dataset(Table(output.name, columns))
    written["facets"]["columnLineage"] = _column_lineage(inputs, output, random_)
    written["outputFacets"] = {
        "outputStatistics": _facet("1-0-2/OutputStatistics", "OutputDataset", rowCount="%ROWS%")
    }
    return _Template(
        event | {"eventType": "START", "run": run, "job": job, "inputs": reads, "outputs": []},
        event | {"eventType": "COMPLETE", "run": run, "job": job, "inputs": reads, "outputs": [written]},
    )


def _dataset(table: Table) -> dict[str, dict[str, object]]:
    fields = [{"name": name, "type": type_} for name, type_ in table.columns]
    dataset: dict[str, object] = {
        "namespace": WAREHOUSE,
        "name": table.name,
        "facets": {
            "schema": _facet("1-2-0/Schema", "Dataset", fields=fields),
        },
    }
    return dataset  # type: ignore[return-value]


def _column_lineage(inputs: list[Table], output: Table, random_: random.Random) -> dict[str, object]:
    fields = {}
    for column, _ in output.columns:
        source = random_.choice(inputs)
        fields[column] = {
            "inputFields": [
                {
                    "namespace": WAREHOUSE,
                    "name": source.name,
                    "field": random_.choice(source.columns)[0],
                    "transformations": [{"type": "DIRECT", "subtype": "IDENTITY"}],
                }
            ]
        }
    return _facet("1-2-0/ColumnLineage", "Dataset", fields=fields)


def _sql(inputs: list[Table], output: Table, random_: random.Random) -> str:
    first = inputs[0]
    lines = [f"select {column} as {column}_{random_.randrange(100)}" for column, _ in output.columns]
    joins = [f"join {table.name} using (id) -- {random_.getrandbits(32):08x}" for table in inputs[1:]]
    return "\n".join([*lines, f"from {first.name}", *joins])


def _facet(version_and_name: str, owner: str, **fields: object) -> dict[str, object]:
    version, name = version_and_name.split("/")
    kind = f"{name}{owner}Facet"
    return {
        "_producer": PRODUCER,
        "_schemaURL": f"{SPEC}/facets/{version}/{kind}.json#/$defs/{kind}",
        **fields,
    }
