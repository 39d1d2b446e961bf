"""Times of planned work: once, or every week; what they hold back, and what they take out of the account."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from itertools import chain

from triggers.alerts import Alert, Matcher
from triggers.business_time import Span, open_on
from triggers.errors import RuleError
from triggers.model import BusinessTime
from triggers.model import Window as Hours
from triggers.silences import Window
from triggers.zones import local, zone

A_DAY = timedelta(days=1)


class ForTriggers(StrEnum):
    """What a time of planned work is for triggers."""

    HOLD = "hold"
    """None fires in it; what came meanwhile fires once after it."""
    DROP = "drop"
    """What comes in it starts nothing, neither then nor later."""
    IGNORE = "ignore"
    """Nothing: they fire as ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    """A time of planned work; instants in µs UTC, intervals half-open.

    Either ``once`` (from, until) or ``weekly`` hours by the clock of ``timezone``, until ``expires`` (None: for good).
    ``mutes``: nobody is told of the alerts that ``matchers`` pick out. ``excludes``: deadlines in it do not count in
    the share of deadlines met. ``triggers``: what becomes of those whose inputs ``matchers`` pick out.
    """

    id: str
    matchers: tuple[Matcher, ...] = ()
    author: str
    reason: str
    once: tuple[int, int] | None = None
    weekly: tuple[Hours, ...] = ()
    timezone: str = "UTC"
    expires: int | None = None
    mutes: bool = True
    excludes: bool = True
    triggers: ForTriggers = ForTriggers.IGNORE

    def __post_init__(self) -> None:
        zone(self.timezone)
        if (self.once is None) == (not self.weekly):
            raise RuleError("a window is open once or every week")
        if self.once is not None and self.once[1] <= self.once[0]:
            raise RuleError("a window ends after it starts")

    def windows(self, since: int, until: int) -> Iterator[Window]:
        """Give the times that it is open, as far as they lie between two instants, in order and apart.

        Hours are by the clock on the wall: where clocks are put forward or back, a window is shorter or longer.
        """
        if self.expires is not None:
            until = min(until, self.expires)
        if self.once is not None:
            spans = iter((Span(*self.once),))
        else:
            spans = _joined(chain.from_iterable(self._days(since, until)))
        for start, end in spans:
            starts, ends = max(start, since), min(end, until)
            if starts < ends:
                yield Window(self.id, self.matchers, starts, ends, self.author, self.reason)

    def covers(self, alert: Alert, at: int) -> bool:
        """Tell whether this alert, or what would be one, falls into it at an instant."""
        return any(window.covers(alert, at) for window in self.windows(at, at + 1))

    def _days(self, since: int, until: int) -> Iterator[tuple[Span, ...]]:
        hours, timezone = BusinessTime(self.weekly), zone(self.timezone)
        day, last = local(since, timezone).date(), local(until, timezone).date()
        while day <= last:
            yield open_on(hours, self.timezone, day)
            day += A_DAY


def excluded(windows: Iterable[Maintenance], alert: Alert, at: int) -> str | None:
    """Give the id of the window that takes a deadline at an instant out of the account; of several, the first by id.

    ``alert`` is what would be told, were the deadline missed.
    """
    return min((each.id for each in windows if each.excludes and each.covers(alert, at)), default=None)


def _joined(spans: Iterator[Span]) -> Iterator[Span]:
    """Join what ends at midnight and what begins there."""
    before: Span | None = None
    for span in spans:
        if before is not None and span.start <= before.end:
            before = Span(before.start, max(before.end, span.end))
            continue
        if before is not None:
            yield before
        before = span
    if before is not None:
        yield before
