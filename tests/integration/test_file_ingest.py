"""Files of events into the log of a real database."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from collector.ingest.files import BATCH_EVENTS, Refusal, events_in, files_of, ingest
from collector.storage.engine import Database
from collector.storage.tables import event, inbox, rejected

FIXTURES = Path(__file__).parents[2] / "fixtures" / "events"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.close()


def counts(database: Database) -> tuple[int, ...]:
    with database.read() as conn:
        return tuple(
            int(conn.execute(select(func.count()).select_from(table)).scalar_one())
            for table in (event, inbox, rejected)
        )


def job_event(name: str) -> bytes:
    return json.dumps({"eventTime": "2026-11-22T05:00:00Z", "job": {"namespace": "n", "name": name}}).encode()


def test_events_are_appended_in_batches_and_refusals_kept_with_their_place(database: Database) -> None:
    lines = [job_event(str(number)) for number in range(BATCH_EVENTS + 10)]
    lines[3] = b'{"eventTime": "soon", "job": {"namespace": "n"}}'
    lines[5] = lines[6]
    steps: list[int] = []
    found = events_in(io.BytesIO(b"\n".join(lines)), "f", 10_000)
    summary = ingest(
        database, found, lambda done: steps.append(done.accepted + done.duplicates + done.refused)
    )
    assert (summary.accepted, summary.duplicates, summary.refused) == (BATCH_EVENTS + 8, 1, 1)
    (refusal,) = summary.refusals
    assert refusal.place == "f:4"
    assert "$.eventTime: must be an ISO 8601 date-time, not 'soon'" in refusal.reason
    assert "$.job.name: is missing" in refusal.reason
    assert steps == [BATCH_EVENTS, BATCH_EVENTS + 10]
    assert counts(database) == (BATCH_EVENTS + 8, BATCH_EVENTS + 8, 1)


def test_twice_is_once_and_what_is_too_large_is_not_kept(database: Database) -> None:
    content = job_event("a") + b"\n" + job_event("x" * 500) + b"\n"
    for accepted, duplicates in ((1, 0), (0, 1)):
        summary = ingest(database, events_in(io.BytesIO(content), "f", 300))
        assert (summary.accepted, summary.duplicates) == (accepted, duplicates)
        assert summary.refusals == [Refusal("f:2", "$: is larger than 300 bytes")]
    assert counts(database) == (1, 1, 0)


def test_an_empty_file_is_no_event(database: Database) -> None:
    summary = ingest(database, events_in(io.BytesIO(b""), "f", 300))
    assert (summary.accepted, summary.duplicates, summary.refused) == (0, 0, 0)


def test_real_captured_requests_go_in_completely(database: Database) -> None:
    files = files_of(FIXTURES)
    refused = []
    different: set[str] = set()
    for path in files:
        bodies = [json.loads(line)["body"] for line in path.read_text().splitlines()]
        events = [item for body in bodies for item in (body if isinstance(body, list) else [body])]
        different.update(json.dumps(item, sort_keys=True) for item in events)
        with path.open("rb") as stream:
            refused += ingest(database, events_in(stream, path.name, 2**25)).refusals
    assert refused == []
    assert len(different) > 300
    assert counts(database) == (len(different), len(different), 0)
