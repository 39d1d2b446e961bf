"""Times of planned work: once, or every week; what they hold back, and what they take out of the account."""

from __future__ import annotations

from dataclasses import dataclass

from triggers.alerts import Matcher
from triggers.errors import RuleError
from triggers.model import Window as Hours
from triggers.zones import zone


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    """A time of planned work; instants in µs UTC, intervals half-open.

    Either ``once`` (from, until) or ``weekly`` hours by the clock of ``timezone``, until ``expires`` (None: for good).
    ``mutes``: nobody is told of the alerts that ``matchers`` pick out. ``excludes``: deadlines in it do not count in
    the share of deadlines met.
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

    def __post_init__(self) -> None:
        zone(self.timezone)
        if (self.once is None) == (not self.weekly):
            raise RuleError("a window is open once or every week")
        if self.once is not None and self.once[1] <= self.once[0]:
            raise RuleError("a window ends after it starts")
