"""Made-up events of some weeks, in the order of receipt, with all that goes wrong; the same seed, the same events."""

from __future__ import annotations

import random
from typing import NamedTuple

from collector.times import iso
from tests.events import HOUR, MINUTE, NAMESPACE, NOON, Json, dataset, dataset_event, run_event

DAY = 24 * HOUR

TABLES = ("orders", "payments", "mart", "report")


class Received(NamedTuple):
    """An event and when it was received (µs UTC)."""

    at: int
    event: Json


def received(days: int, seed: int, start: int = NOON) -> list[Received]:
    """Give daily and hourly runs: late, failing, twice, amended, out of order, with backfills, versions and checks."""
    rng = random.Random(seed)  # made up, and the same each time
    found: list[Received] = []
    for day in range(days):
        for number, table in enumerate(TABLES):
            for turn in range(6 if table == "orders" else 1):
                begin = start + day * DAY + number * 3 * HOUR + turn * 3 * HOUR + rng.randrange(90) * MINUTE
                if rng.random() < 0.1:
                    continue  # it did not run
                found += _run(rng, table, f"{table} {day} {turn}", begin, start + day * DAY)
    for day in range(0, days, 3):
        at = start + day * DAY + rng.randrange(24) * HOUR
        version = {"datasetVersion": f"v{rng.randrange(4)}"}
        found.append(Received(at + 1, dataset_event(at, "payments", version=version)))
    return sorted(found, key=lambda each: each.at)


def _run(rng: random.Random, table: str, run: str, begin: int, nominal: int) -> list[Received]:
    length = rng.randrange(5, 120) * MINUTE
    kind = rng.choices(["COMPLETE", "FAIL", "ABORT", None], [8, 1, 1, 1])[0]
    if rng.random() < 0.1:
        nominal -= rng.randrange(1, 5) * DAY  # filled in later
    shared: Json = {"job": f"load_{table}", "run": run, "inputs": [f"raw_{table}"]}
    shared["run_facets"] = {"nominalTime": {"nominalStartTime": iso(nominal)}}
    events = [run_event("START", begin, outputs=[table], **shared)]
    if kind is not None:
        end = begin + length
        events.append(run_event(kind, end, outputs=[_written(rng, table)], **shared))
        if rng.random() < 0.1:  # amended: more is known, or the end is told again
            again = rng.choice([0, MINUTE])
            events.append(run_event(kind, end + again, outputs=[_written(rng, table)], **shared))
        if rng.random() < 0.5:
            events.append(_checked(rng, table, f"check {run}", end + 10 * MINUTE))
    slow = rng.choice([0, 1, 1, 3]) * HOUR if rng.random() < 0.2 else 0
    found = []
    for event in events:
        delay = rng.randrange(1, 3_000_000) + (slow if rng.random() < 0.5 else 0)
        at = begin + length + delay if event["eventType"] != "START" else begin + delay
        found.append(Received(at, event))
        if rng.random() < 0.05:
            found.append(Received(at + HOUR, event))
    return found


def _written(rng: random.Random, table: str) -> Json:
    fields = [{"name": "id", "type": "int"}]
    if rng.random() < 0.05:
        fields.append({"name": "extra", "type": "text"})
    facets: Json = {"schema": {"fields": fields}}
    if table == "payments":
        facets["version"] = {"datasetVersion": f"v{rng.randrange(30)}"}
    rows = rng.choices([rng.randrange(900, 1100), 10, 0], [18, 1, 1])[0]
    return dataset(table, facets=facets, outputFacets={"outputStatistics": {"rowCount": rows}})


def _checked(rng: random.Random, table: str, run: str, at: int) -> Json:
    results = [
        {"assertion": name, "column": "id", "success": rng.random() < 0.95, "severity": severity}
        for name, severity in (("not_null", "error"), ("unique", "warn"))
    ]
    facets = {"dataQualityAssertions": {"assertions": results}}
    entry = dataset(table, NAMESPACE, inputFacets=facets)
    return run_event("COMPLETE", at, f"test_{table}", run, inputs=[entry])
