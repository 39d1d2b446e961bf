"""What can be wrong with a rule."""

from __future__ import annotations

Step = str | int
"""The key of a part, or its number in a list."""


def dotted(path: tuple[Step, ...]) -> str:
    """Write a path after what it begins at: ``.routes[0].match``."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)


class RuleError(ValueError):
    """A rule cannot mean anything: its message says why, for the one who wrote it.

    ``path`` leads to the part that is wrong, as far as that is known; empty: the whole.
    """

    def __init__(self, reason: str, *path: Step) -> None:
        super().__init__(reason)
        self.path: tuple[Step, ...] = path

    @property
    def field(self) -> str:
        """The path as errors write it: ``routes[0].match``."""
        return dotted(self.path).removeprefix(".")

    def under(self, *path: Step) -> None:
        """Say in which part of something larger the wrong one is."""
        self.path = (*path, *self.path)


class CalendarError(RuleError):
    """A calendar contradicts itself, or names holidays that nobody knows."""


class CalendarExpired(CalendarError):
    """A date lies past the day up to which a calendar is valid: whether it is a working day is not known."""
