"""In whatever order and pieces events come, and whenever the engine looks: in the end everything stands the same."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from collector.storage.engine import Database
from collector.storage.tables import expectation_state, outcome
from collector.times import iso
from tests.dump import empty, feed_rows, new_event, queue_again
from tests.events import HOUR, MINUTE, NAMESPACE, dataset, run_event
from tests.stand import Stand, instant

RULES = f"""
version: 1
timezone: Europe/Berlin
targets:
  chat: {{kind: webhook, url: "https://chat.example.org/hook", secrets: ["env:HOOK"]}}
calendars:
  de: {{holidays: [{{country: DE}}], valid_until: 2027-12-31}}
expectations:
  - id: daily
    dataset: {{namespace: "{NAMESPACE}", name: orders}}
    due: {{at: "07:00", accept_from: 12h}}
    grace: {{late: 20m}}
  - id: age
    dataset: {{namespace: "{NAMESPACE}", name: orders}}
    max_age: 6h
    grace: {{warn: 10m, late: 1h}}
  - id: office
    dataset: {{namespace: "{NAMESPACE}", name: orders}}
    max_age: {{late: 3h, within: {{weekdays: "mon-fri", times: ["08:00-18:00"], calendar: de}}}}
  - id: partition
    dataset: {{namespace: "{NAMESPACE}", name: orders}}
    due: {{at: "09:00", calendar: de}}
    partition: {{from: nominal_time, grain: day, offset: -1d}}
    grace: {{late: 2h}}
  - id: rows
    dataset: {{namespace: "{NAMESPACE}", name: orders}}
    metric: {{field: outputStatistics.rowCount, min: 1}}
alerting:
  group_wait: 0s
  routes: [{{to: [chat]}}]
"""

START = instant("2026-11-20T00:00Z")
"""A Friday."""
HOURS = 60

Event = tuple[int, int, int | None, int, str]
"""Minutes from the start at which it is received; minutes before that of its event time; days back of its nominal time;
rows; what became of the run."""

EVENTS = st.lists(
    st.tuples(
        st.integers(0, HOURS * 60),
        st.sampled_from([-20, 0, 0, 1, 90, 600]),
        st.sampled_from([None, 0, 1, 1, 2]),
        st.integers(0, 2),
        st.sampled_from(["COMPLETE", "COMPLETE", "COMPLETE", "FAIL"]),
    ),
    max_size=8,
    unique_by=lambda each: each[0],
).map(sorted)


@pytest.fixture(scope="module")
def database(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    path = tmp_path_factory.mktemp("order") / "tidegate.db"
    path.write_bytes(sqlite_template.read_bytes())
    found = Database(f"sqlite:///{path}")
    yield found
    found.close()


def rows_of(events: list[Event]) -> list[Any]:
    found = []
    for number, (received, before, nominal, rows, state) in enumerate(events):
        at = START + received * MINUTE
        facets = None
        if nominal is not None:
            facets = {"nominalTime": {"nominalStartTime": iso(at - nominal * 24 * HOUR)}}
        output = dataset("orders", outputFacets={"outputStatistics": {"rowCount": rows}})
        body = run_event(
            state,
            at - before * MINUTE,
            "load",
            f"01980000-0000-7000-8000-{number:012}",
            outputs=[output],
            run_facets=facets,
        )
        found.append(new_event(body, at))
    return found


def stands(here: Stand) -> dict[str, Any]:
    """Give how all stands in the end, and the account."""
    here.until(START + HOURS * HOUR + 1)
    skip = {"dataset_id", "changed_at", "settled_at", "late_by", "next_look_at"}
    with here.database.read() as conn:
        states = {
            row.expectation_id: {name: value for name, value in row._mapping.items() if name not in skip}
            for row in conn.execute(select(expectation_state))
        }
        account = sorted(
            (row.expectation_id, row.release_at, row.deadline_at, row.arrived_at, bool(row.met))
            for row in conn.execute(select(outcome))
        )
    return {"states": states, "account": account}


def as_they_come(database: Database, rows: list[Any]) -> dict[str, Any]:
    """Look whenever something comes, and every three hours."""
    empty(database)
    here = Stand(database, iso(START))
    here.apply(RULES)
    waiting = list(rows)
    for minute in range(0, HOURS * 60, 180):
        now = START + minute * MINUTE
        while waiting and waiting[0].received_at <= now:
            here.now = waiting[0].received_at
            feed_rows(database, [waiting.pop(0)])
            here.projector.drain()
            here.rest()
        here.until(now)
    feed_rows(database, waiting)
    here.projector.drain()
    return stands(here)


def anyhow(database: Database, rows: list[Any], chance: random.Random) -> dict[str, Any]:
    """Let them come in pieces, disordered and twice, and look now and then."""
    empty(database)
    here = Stand(database, iso(START))
    here.apply(RULES)
    left = list(rows)
    while left:
        piece, left = left[: (size := chance.randint(1, 4))], left[size:]
        for _ in range(chance.randint(0, 2)):
            end = piece[-1].received_at
            here.until(max(here.now, chance.randint(piece[0].received_at - HOUR, end)))
        here.now = max(here.now, piece[-1].received_at)
        chance.shuffle(piece)
        feed_rows(database, [*piece, *piece[:1]])
        if chance.random() < 0.5:
            here.rest()
        if chance.random() < 0.7:
            here.projector.drain()
            queue_again(database, piece[:1])
        if chance.random() < 0.2:
            here.restart()
            here.rest()
    here.projector.drain()
    return stands(here)


def compared(each: dict[str, Any], *left_out: str) -> dict[str, Any]:
    return {name: value for name, value in each.items() if name not in left_out}


@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(EVENTS, st.randoms(use_true_random=False))
def test_how_events_come_does_not_matter(
    database: Database, events: list[Event], chance: random.Random
) -> None:
    rows = rows_of(events)
    found, wanted = anyhow(database, rows, chance), as_they_come(database, rows)
    # What was heard of long after it happened may have been late to one, told and entered, before the other looked.
    late = any(before > 1 for _, before, *_ in events)
    for id_, stands_so in wanted["states"].items():
        # What is judged as it comes was bad before, or well, only for those who looked then.
        seen = ("bad_since", "last_good_at") if late or id_ == "rows" else ()
        assert compared(found["states"][id_], *seen) == compared(stands_so, *seen)
    if not late:
        assert found["account"] == wanted["account"]
