"""What pages of datasets, jobs and runs make of the documents that they show."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from itertools import pairwise
from typing import Any, Final, NamedTuple

import msgspec
from flask import Response, request

from collector.api import names
from collector.api.services import services
from collector.errors import NotFound
from collector.web.asking import View, ask, parameters, tried, twin
from collector.web.drawing.charts import Line, line
from collector.web.drawing.labels import shown
from collector.web.moments import SECOND, span
from collector.web.rendering import page
from collector.web.states import look
from lineage.instants import parse_instant

Document = Mapping[str, Any]

LARGEST: Final = 256 * 1024
"""Bytes of a facet that is read for what stands in it; a larger one can be downloaded."""

LONGEST_TEXT: Final = 64 * 1024
"""Characters of SQL, code or an error that a page shows; its facet has all of it."""

MOST_FACETS: Final = 64 * 1024
"""Bytes of all facets together that come with a page; others can be downloaded."""

TOLD: Final = (
    "dataSource", "datasetType", "documentation", "jobType", "nominalTime", "processing_engine",
    "sourceCodeLocation", "storage", "tags",
)  # fmt: skip
"""Facets of which pages say in words what they say."""

LONGEST_CHOICE: Final = 200
"""Characters of a name that is offered to be chosen."""

MARKS: Final = 20
"""Results of a check that are shown side by side."""


def at_most(number: int) -> int:
    """Give the number of items to ask for, as far as the settings allow it."""
    return min(number, services().settings.max_page)


def namespaces() -> list[str]:
    """Give some namespaces to choose from, those that can be seen as they are."""
    named: list[str] = ask(names.list_namespaces)["items"]
    return [name for name in named if len(name) <= LONGEST_CHOICE and shown(name) == name]


def listing(template: str, view: View) -> tuple[str, HTTPStatus]:
    """Show what a list of the catalog has; filters that cannot be read are there to be mended, with what is wrong."""
    asked = parameters(view)
    found, unread = tried(view, asked, {"items": [], "next_cursor": None})
    body = page(
        template,
        asked=asked,
        found=found,
        unread=unread,
        namespaces=namespaces(),
        twin=twin(view, asked),
    )
    return body, unread.status if unread else HTTPStatus.OK


def instant(text: str) -> int:
    """Read a time of a document (µs UTC)."""
    return parse_instant(text)[0]


def facet(facets: Document, name: str) -> dict[str, Any]:
    """Read a stored facet; empty if there is none, if it is no object, or too large to be read for a page."""
    stored = facets.get(name)
    if not isinstance(stored, msgspec.Raw) or memoryview(stored).nbytes > LARGEST:
        return {}
    body = msgspec.json.decode(stored)
    return body if isinstance(body, dict) else {}


def told(facets: Document) -> dict[str, dict[str, Any]]:
    """Read the facets that pages put into words."""
    return {name: facet(facets, name) for name in TOLD}


def text_of(facets: Document, name: str, key: str) -> str | None:
    """Give a text from a facet, at most ``LONGEST_TEXT`` of it; None if there is none."""
    text = facet(facets, name).get(key)
    return text[:LONGEST_TEXT] if isinstance(text, str) and text.strip() else None


class Folded(NamedTuple):
    """A facet of a page; ``body`` is None where it would make the page too large."""

    name: str
    body: Any
    size: int
    """Bytes."""


def folded(facets: Document) -> list[Folded]:
    """Choose which facets come with the page, folded: all of them, but those past ``MOST_FACETS`` bytes."""
    found: list[Folded] = []
    room = MOST_FACETS
    for name, stored in facets.items():
        size = memoryview(stored if isinstance(stored, msgspec.Raw) else msgspec.json.encode(stored)).nbytes
        fits = size <= room
        room -= size if fits else 0
        found.append(Folded(name, stored if fits else None, size))
    return found


def download(facets: Document) -> Response:
    """Answer with one facet, named by the parameter ``facet``, as a file; raises ``NotFound``."""
    stored = facets.get(request.args.get("facet", ""))
    if stored is None:
        raise NotFound("There is no such facet.")
    body = bytes(stored) if isinstance(stored, msgspec.Raw) else msgspec.json.encode(stored)
    # Not by its own name: that came in an event.
    headers = {
        "Content-Disposition": 'attachment; filename="facet.json"',
        "X-Content-Type-Options": "nosniff",
    }
    return Response(body, mimetype="application/json", headers=headers)


class DrawnRun(NamedTuple):
    """A run as a bar: its seconds so far, and what is said of it."""

    run: Document
    seconds: float | None
    words: str


def bars_of(items: Sequence[Document], now: int) -> list[DrawnRun]:
    """Give runs (the newest first) as they are drawn, the oldest first."""
    return [_drawn(run, now) for run in reversed(items) if run["first_event_at"] is not None]


def _drawn(run: Document, now: int) -> DrawnRun:
    seconds = run["duration"]
    if seconds is None and run["state"] == "RUNNING" and run["started_at"] is not None:
        seconds = max(0, now - instant(run["started_at"])) / SECOND
    began = run["started_at"] or run["first_event_at"]
    took = "" if seconds is None else f", {span(seconds)}{' so far' if run['duration'] is None else ''}"
    return DrawnRun(run, seconds, f"{look(run['state']).word}{took}, began {began[:10]} {began[11:16]} UTC")


def before(job: Document) -> list[Document]:
    """Give the times in which a job read or wrote something that it does not any more, the newest first."""
    return [each for each in job["versions"] if each["valid_to"] is not None]


class Point(NamedTuple):
    """What a point of a chart says."""

    text: str
    zero: bool


class Rows(NamedTuple):
    """How many rows updates brought, as a chart and in words; times in ISO 8601."""

    chart: Line
    points: list[Point]
    since: str
    until: str
    usual: float
    longest: float
    """Seconds between updates: in the middle, and at most."""


def rows_over_time(updates: Sequence[Document]) -> Rows | None:
    """Draw the updates of a dataset (the newest first); None if there are too few to see anything."""
    told_in_time = list(reversed(updates))
    if len(told_in_time) < 2:
        return None
    at = [instant(each["event_time"]) for each in told_in_time]
    chart = line([(when, each["rows"]) for when, each in zip(at, told_in_time, strict=True)])
    pauses = sorted((later - earlier) / SECOND for earlier, later in pairwise(at))
    points = [_point(each) for each in told_in_time]
    return Rows(
        chart, points, told_in_time[0]["event_time"], told_in_time[-1]["event_time"],
        pauses[len(pauses) // 2], pauses[-1],
    )  # fmt: skip


def _point(update: Document) -> Point:
    rows, at = update["rows"], update["event_time"]
    said = "rows not told" if rows is None else f"{rows:,} rows"
    return Point(f"{said}, {at[:10]} {at[11:16]} UTC", rows == 0)


class Check(NamedTuple):
    """The results of one check, the oldest first, at most ``MARKS``; ``all`` counts those that were looked at."""

    name: str
    column: str | None
    results: list[Document]
    all: int
    failed: int

    @property
    def last(self) -> Document:
        return self.results[-1]


def checks(results: Sequence[Document]) -> list[Check]:
    """Put results (the newest first) together check by check: those that failed last first, then by name."""
    found: dict[tuple[str, str | None, str | None], list[Document]] = defaultdict(list)
    for each in results:
        found[each["assertion"], each["column"], each["name"]].append(each)
    put = [
        Check(
            name or assertion,
            column,
            list(reversed(mine[:MARKS])),
            len(mine),
            sum(not each["success"] for each in mine),
        )
        for (assertion, column, name), mine in found.items()
    ]
    return sorted(put, key=lambda check: (check.last["success"], check.name, check.column or ""))


class Failure(NamedTuple):
    """Why a run failed."""

    message: str
    language: str | None
    trace: str | None


def error_of(run: Document) -> Failure | None:
    """Give the error of a run, as its ``errorMessage`` facet has it, else what is known of it."""
    body = facet(run["facets"], "errorMessage")
    message, language = body.get("message"), body.get("programmingLanguage")
    message = message if isinstance(message, str) and message.strip() else run["error"]
    if message is None:
        return None
    trace = text_of(run["facets"], "errorMessage", "stackTrace")
    return Failure(message[:LONGEST_TEXT], language if isinstance(language, str) else None, trace)
