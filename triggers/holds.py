"""What holds a complete join back for a while, by its own rule."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from lineage.instants import iso
from triggers.arrivals import Arrived, ticks
from triggers.conditions import Trigger
from triggers.zones import local, wall, zone


class Hold(NamedTuple):
    """Something holds a join back."""

    by: str
    """earliest, schedule, debounce, cooldown; paused, breaker, window, in_flight, loop."""
    until: int | None = None
    """µs UTC; None: until something happens."""
    text: str | None = None

    def data(self) -> dict[str, Any]:
        return {"by": self.by, "until": None if self.until is None else iso(self.until), "text": self.text}


class Complete(Protocol):
    """A join that is complete."""

    @property
    def pending(self) -> list[Arrived]: ...
    @property
    def complete_at(self) -> int | None: ...
    @property
    def fired_at(self) -> int | None: ...
    @property
    def passed_at(self) -> int | None: ...
    @property
    def begun_at(self) -> int | None: ...
    @property
    def partial(self) -> bool: ...


def holds_of(trigger: Trigger, join: Complete, at: int) -> Iterator[Hold]:
    """Give what holds a join back at an instant (µs UTC) that is known from the rule and the join alone."""
    guard = trigger.guard
    complete = at if join.complete_at is None else join.complete_at
    if trigger.earliest is not None:
        timezone = zone(trigger.timezone)
        moment = wall(datetime.combine(local(complete, timezone).date(), trigger.earliest), timezone)
        if at < moment:
            yield Hold("earliest", moment)
    if trigger.schedule is not None:
        # One firing a tick: of those that have passed since the last firing the newest counts.
        begun = complete if join.begun_at is None else join.begun_at
        since = begun if join.fired_at is None else join.fired_at
        since = since if join.passed_at is None else max(since, join.passed_at)
        coming = ticks(trigger).after(since)
        if coming is None or at < coming:
            yield Hold("schedule", coming)
    if guard.quiet is not None and join.pending and not join.partial:
        until = max(each.at for each in join.pending) + guard.quiet
        if guard.max_wait is not None:
            until = min(until, complete + guard.max_wait)
        if at < until:
            yield Hold("debounce", until)
    if guard.cooldown is not None and join.fired_at is not None and at < join.fired_at + guard.cooldown:
        yield Hold("cooldown", join.fired_at + guard.cooldown)
