"""The rows of the board: what a cause explains stands with it, and when things are is laid out on lanes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from collector.web.drawing.swimlane import Lane, Times, lane
from collector.web.states import explained
from lineage.instants import parse_instant

Document = Mapping[str, Any]


@dataclass(slots=True)
class Group:
    """Rows that belong together: a cause and what waits for it; or one row with nothing to explain it.

    ``cause`` is what the rows name as theirs, where that has no row on the page, else None; ``first`` the row of the
    cause, or the one row there is. ``waiting`` are the rows that it explains.
    """

    cause: Document | None = None
    first: Document | None = None
    waiting: list[Document] = field(default_factory=list)


def grouped(standings: Sequence[Document]) -> list[Group]:
    """Put standings together by what explains them; each group where the first of its rows was."""
    causes = {each["alert"]: each for each in standings if each["alert"] is not None and not explained(each)}
    groups: list[Group] = []
    known: dict[int | None, Group] = {}
    for each in standings:
        if explained(each):
            cause = each["cause"]
            group = known.get(cause["alert"])
            if group is None:
                on_page = causes.get(cause["alert"])
                group = known[cause["alert"]] = Group(None if on_page else cause, on_page)
                groups.append(group)
            group.waiting.append(each)
        elif each["alert"] is None or each["alert"] not in known:
            group = Group(first=each)
            if each["alert"] is not None:
                known[each["alert"]] = group
            groups.append(group)
    return groups


def row_id(standing: Document) -> str:
    """Give the id that a row has in the page, never made of names."""
    named = standing["dataset"]
    whole = "\0".join((standing["expectation"], named["namespace"], named["name"]))
    return f"row-{hashlib.blake2b(whole.encode(errors='replace'), digest_size=6).hexdigest()}"


def times_of(standing: Document, now: int) -> Times:
    """Give what lies on the lane of a standing around ``now`` (µs UTC)."""
    history, awaited, forecast = standing["history"] or [], standing["awaited"], standing["forecast"] or {}
    update = standing["last_update"]
    arrivals = [each["arrived_at"] for each in history]
    arrivals += [update["event_time"]] if update else []
    # What was met before its time is awaited no more.
    due = [each for each in history if parse_instant(each["deadline"])[0] <= now]
    due += [awaited] if awaited else []
    late = standing["deadline"] if standing["state"] in ("late", "missed") else None
    return Times(
        tuple(at for text in arrivals if (at := _instant(text)) is not None),
        tuple(parse_instant(each["release"])[0] for each in due),
        tuple(parse_instant(each["deadline"])[0] for each in due if each["deadline"] != each["release"]),
        _instant(late),
        *(_instant(forecast.get(name)) for name in ("expected_at", "low_at", "high_at")),
    )


def lane_of(standing: Document, now: int) -> Lane:
    """Lay out the lane of a standing around ``now`` (µs UTC)."""
    return lane(times_of(standing, now), now)


def _instant(text: str | None) -> int | None:
    return None if text is None else parse_instant(text)[0]
