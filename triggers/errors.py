"""What can be wrong with a rule."""

from __future__ import annotations


class RuleError(ValueError):
    """A rule cannot mean anything: its message says why, for the one who wrote it."""


class CalendarError(RuleError):
    """A calendar contradicts itself, or names holidays that nobody knows."""


class CalendarExpired(CalendarError):
    """A date lies past the day up to which a calendar is valid: whether it is a working day is not known."""
