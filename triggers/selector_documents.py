"""What expectations and triggers have in common in rule files: which datasets are meant, calendars, catching up.

Bodies and errors are as ``triggers.documents`` says.
"""

from __future__ import annotations

import json
from functools import lru_cache

from triggers.calendars import Calendar, DateRange, Holidays
from triggers.errors import RuleError
from triggers.model import CatchUp, Missed, Selector
from triggers.notation import day, days, duration, weekdays
from triggers.parts import Body, each, part


def selector_of(body: Body) -> Selector:
    """Make a selector; a name with ``*`` or ``?`` is a pattern."""
    name: str | None = body.get("name")
    namespace = body.get("namespace")
    if namespace is not None and "*" in namespace:
        raise RuleError("a namespace is written in full; only names may be patterns", "namespace")
    for key in ("downstream_of", "needed_by"):
        if key in body and not _is_node(body[key]):
            raise RuleError(
                f"no node of the graph: {body[key]!r}; write dataset:NAMESPACE:NAME or job:NAMESPACE:NAME",
                key,
            )
    is_pattern = name is not None and ("*" in name or "?" in name)
    return Selector(
        namespace,
        None if is_pattern else name,
        name if is_pattern else None,
        body.get("tag"),
        body.get("owner"),
        body.get("downstream_of"),
        body.get("needed_by"),
    )


def calendar_of(body: Body) -> Calendar:
    """Make a calendar; equal ones are one object."""
    return _calendar(json.dumps(body, sort_keys=True))


def missed_of(body: Body) -> Missed:
    """Say what is done about times that passed while nobody was looking."""
    window = part("window", duration, body["window"]) if "window" in body else None
    return Missed(CatchUp(body.get("policy", "last")), window)


@lru_cache(maxsize=1024)
def _calendar(text: str) -> Calendar:
    body = json.loads(text)
    weekend = body.get("weekend", ["sat", "sun"])
    return Calendar(
        body["id"],
        part("weekend", weekdays, ",".join(weekend)) if weekend else frozenset(),
        each("holidays", lambda place: Holidays(**place), body),
        each("non_working", _span, body),
        each("working", _span, body),
        part("valid_until", day, body["valid_until"]) if "valid_until" in body else None,
    )


def _span(given: str | Body) -> DateRange:
    return days(given, given) if isinstance(given, str) else days(given["from"], given["to"])


def _is_node(text: str) -> bool:
    kind, _, rest = text.partition(":")
    return kind in ("dataset", "job") and ":" in rest
