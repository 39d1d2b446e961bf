"""What keeps alerts from being told for a while: maintenance windows and silences.

Evaluation goes on and all is kept; only notifications are held back. Times are µs UTC, intervals half-open.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from triggers.alerts import Alert, Matcher, matches


@dataclass(frozen=True, slots=True)
class Window:
    """One time of planned work; without matchers, on everything. Raises ValueError if it ends before it starts."""

    id: str
    matchers: tuple[Matcher, ...]
    starts: int
    ends: int
    author: str
    reason: str

    def __post_init__(self) -> None:
        _check(self)

    def covers(self, alert: Alert, now: int) -> bool:
        return self.starts <= now < self.ends and matches(self.matchers, alert)


@dataclass(frozen=True, slots=True)
class Silence:
    """Somebody's word that some alerts need not be told until a time.

    What it matches never changes: it is ended, and another made. Raises ValueError without matchers, author or reason,
    or if it ends before it starts.
    """

    id: str
    matchers: tuple[Matcher, ...]
    starts: int
    ends: int
    author: str
    reason: str
    updated_at: int

    def __post_init__(self) -> None:
        _check(self)
        if not self.matchers:
            raise ValueError("a silence on everything is refused; say what it matches")
        if not self.author.strip() or not self.reason.strip():
            raise ValueError("a silence needs an author and a reason")

    def covers(self, alert: Alert, now: int) -> bool:
        return self.starts <= now < self.ends and matches(self.matchers, alert)

    def expired(self, now: int) -> Silence:
        """Give it as ended now; one that has ended stays as it is, one still to come never starts."""
        if self.ends <= now:
            return self
        return replace(self, starts=min(self.starts, now), ends=now, updated_at=now)

    def changed(self, other: Silence, now: int) -> tuple[Silence, ...]:
        """Give what is kept when this is to become ``other``, which has an id of its own.

        With the same matchers it is this one with other words and times; otherwise this one ended, and the other.
        """
        if set(self.matchers) == set(other.matchers) and now < self.ends:
            return (replace(other, id=self.id, updated_at=now),)
        return self.expired(now), replace(other, starts=max(other.starts, now), updated_at=now)


class Muted(NamedTuple):
    """What holds an alert back."""

    by: Literal["window", "silence"]
    id: str


def muted(alert: Alert, windows: Iterable[Window], silences: Iterable[Silence], now: int) -> Muted | None:
    """Say what holds an alert back, if anything: windows first, as in Alertmanager; of several, the first by id."""
    if ids := [window.id for window in windows if window.covers(alert, now)]:
        return Muted("window", min(ids))
    if ids := [silence.id for silence in silences if silence.covers(alert, now)]:
        return Muted("silence", min(ids))
    return None


def newest(silences: Iterable[Silence], now: int, retention: int) -> dict[str, Silence]:
    """Give the last word on each silence, by id, without those that ended ``retention`` µs ago or longer."""
    found: dict[str, Silence] = {}
    for silence in sorted(silences, key=lambda each: (each.updated_at, each.ends, repr(each))):
        found[silence.id] = silence
    return {id_: found[id_] for id_ in sorted(found) if now < found[id_].ends + retention}


def _check(interval: Window | Silence) -> None:
    if interval.ends < interval.starts:
        raise ValueError(f"{interval.id} ends before it starts")
