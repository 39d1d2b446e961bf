"""Which moment, or stretch of time, a question to the graph is about."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Moment:
    """Which edges count: those valid at an instant, or at some instant of a window that ends there.

    An edge is valid from the first run that shows it until the first later COMPLETE run of its job that lacks it.
    Names that are one dataset now are one at any moment.
    """

    at: int | None = None
    """µs since 1970-01-01 UTC; None: edges that are open, be their first run ahead of the clock."""
    window: int | None = None
    """µs before ``at`` in which an edge must have been valid at least once; needs ``at``."""

    def __post_init__(self) -> None:
        if self.window is not None and self.at is None:
            raise ValueError("a window ends at an instant")

    @property
    def since(self) -> int | None:
        """The beginning of the window; the instant itself where there is none."""
        return None if self.at is None else self.at - (self.window or 0)


NOW = Moment()
"""The edges that are open."""
