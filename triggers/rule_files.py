"""Rule files, several as one: which rules they write, what is wrong with them, and the file that would write them.

A document is what a file holds, its shape checked already. Calendars and the time zone are a file's own; ids are those
of all files together, and the alerting section stands in one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from triggers.alerting_documents import maintenance_of, target_of
from triggers.documents import Row, alerting_of, expectation_of
from triggers.errors import RuleError, Step
from triggers.parts import Body
from triggers.references import Known
from triggers.selector_documents import calendar_of
from triggers.trigger_documents import trigger_of
from triggers.zones import zone

VERSION: Final = 1

UTC: Final = "UTC"

MAKE: Final[Mapping[str, Callable[[Body], object]]] = {
    "target": target_of,
    "expectation": expectation_of,
    "trigger": trigger_of,
    "window": maintenance_of,
    "alerting": alerting_of,
}
"""What each kind of row means."""

LISTS: Final = {"expectation": "expectations", "trigger": "triggers", "window": "windows"}


class Place(NamedTuple):
    """A part of one of several documents."""

    document: int
    path: tuple[Step, ...]


class Fault(NamedTuple):
    """What is wrong with a part; ``other`` is the one that it does not go together with."""

    place: Place
    reason: str
    other: Place | None = None


class Found(NamedTuple):
    """A rule and where it is written."""

    row: Row
    place: Place


def rows_of(documents: Sequence[Body]) -> tuple[list[Row], list[Fault]]:
    """Give the rules that documents write, and all that is wrong; with any fault the rules mean nothing."""
    faults: list[Fault] = []
    found = [each for number, document in enumerate(documents) for each in _read(document, number, faults)]
    first: dict[tuple[str, str], Place] = {}
    for row, place in found:
        if (known := first.setdefault((row.kind, row.id), place)) is not place:
            reason = "there is one already" if row.kind == "alerting" else f"{row.id!r} is there already"
            faults.append(Fault(place, reason, known))
    rows = [row for row, _ in found]
    if documents and ("alerting", "") not in first:
        rows.append(Row("alerting", "", {"timezone": documents[0].get("timezone", UTC)}))
    faults += _lost(found, documents)
    return rows, faults


def document_of(rows: Iterable[Row]) -> dict[str, Any]:
    """Give the document that writes these rules."""
    rows = list(rows)
    alerting: dict[str, Any] = next((dict(row.body) for row in rows if row.kind == "alerting"), {})
    timezone = alerting.pop("timezone", UTC)
    calendars = _Names()
    parts: dict[str, Any] = {"targets": {}, **{key: [] for key in LISTS.values()}}
    for row in rows:
        if row.kind == "alerting":
            continue
        body = dict(_with_calendars(row.kind, row.body, calendars.name))
        if body.get("timezone") == timezone:
            del body["timezone"]
        if row.kind == "target":
            parts["targets"][body.pop("id")] = body
        else:
            parts[LISTS[row.kind]].append(body)
    if alerting:
        parts["alerting"] = _with_calendars("alerting", alerting, calendars.name)
    document = {"version": VERSION, "timezone": timezone, "calendars": calendars.bodies, **parts}
    return {key: value for key, value in document.items() if value not in ({}, [])}


def _read(document: Body, number: int, faults: list[Fault]) -> Iterator[Found]:
    """Give the rules of one document, those that mean something."""

    def fault(error: RuleError, *path: Step) -> None:
        faults.append(Fault(Place(number, (*path, *error.path)), str(error)))

    before = len(faults)
    timezone = document.get("timezone", UTC)
    try:
        zone(timezone)
    except RuleError as error:
        fault(error, "timezone")
    calendars = {name: {"id": name, **body} for name, body in document.get("calendars", {}).items()}
    for name, body in calendars.items():
        try:
            calendar_of(body)
        except RuleError as error:
            fault(error, "calendars", name)
    if len(faults) > before:
        # Everything that refers to them would be wrong for the same reason.
        return

    def known(name: str) -> Body:
        if name not in calendars:
            raise RuleError(f"there is no calendar {name!r} in this file")
        return calendars[name]

    for row, *path in _written(document, timezone):
        try:
            row = row._replace(body=_with_calendars(row.kind, row.body, known))
            MAKE[row.kind](row.body)
        except RuleError as error:
            fault(error, *path)
        else:
            yield Found(row, Place(number, tuple(path)))


def _written(document: Body, timezone: str) -> Iterator[tuple[Row, Any, Any] | tuple[Row, Any]]:
    """Give the rules as they are written, with the time zone of the file, and where they stand."""
    for name, body in document.get("targets", {}).items():
        yield Row("target", name, {"id": name, **body}), "targets", name
    for kind, key in LISTS.items():
        for number, body in enumerate(document.get(key, ())):
            # Always in the same order: rules are compared by their text.
            yield Row(kind, body["id"], {"id": "", "timezone": timezone, **body}), key, number
    if "alerting" in document:
        yield Row("alerting", "", {"timezone": timezone, **document["alerting"]}), "alerting"


def _lost(found: Iterable[Found], documents: Sequence[Body]) -> Iterator[Fault]:
    """Find what rules say of others that are not there, or are not such."""
    # Also of what is written but wrong: that is told where it stands.
    known = Known(
        {name: body["kind"] for document in documents for name, body in document.get("targets", {}).items()},
        {body["id"] for document in documents for body in document.get("expectations", ())},
    )
    for row, place in found:
        for path, reason in known.lost(row):
            yield Fault(place._replace(path=(*place.path, *path)), reason)


class _Names:
    """The calendars of a document that is being written, each under its id, or under another if that is taken."""

    def __init__(self) -> None:
        self.bodies: dict[str, Body] = {}

    def name(self, calendar: Mapping[str, Any]) -> str:
        """Give the name of a calendar."""
        body = {key: value for key, value in calendar.items() if key != "id"}
        name, number = str(calendar["id"]), 1
        while self.bodies.setdefault(name, body) != body:
            number += 1
            name = f"{calendar['id']}-{number}"
        return name


def _with_calendars(kind: str, body: Body, change: Callable[[Any], Any]) -> Body:
    """Give a body with its calendars changed, wherever one may be."""
    for path in _calendars(kind, body):
        body = _changed(body, path, change)
    return body


def _calendars(kind: str, body: Body) -> Iterator[tuple[Step, ...]]:
    if kind == "expectation":
        if "calendar" in body.get("due", ()):
            yield "due", "calendar"
        age = body.get("max_age")
        if isinstance(age, Mapping) and "calendar" in age.get("within", ()):
            yield "max_age", "within", "calendar"
    elif kind == "trigger":
        if "calendar" in body.get("deadline", ()):
            yield "deadline", "calendar"
    elif kind == "alerting":
        for number, route in enumerate(body.get("routes", ())):
            if "calendar" in route.get("digest", ()):
                yield "routes", number, "digest", "calendar"


def _changed(value: Any, path: tuple[Step, ...], change: Callable[[Any], Any], done: int = 0) -> Any:
    """Give a copy in which the part at the path is changed."""
    if done == len(path):
        try:
            return change(value)
        except RuleError as error:
            error.under(*path)
            raise
    copied: Any = list(value) if isinstance(value, list) else dict(value)
    copied[path[done]] = _changed(copied[path[done]], path, change, done + 1)
    return copied
