"""Who hears of an alert, with which others, and when."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple

from triggers.alerts import Alert, Matcher, matches
from triggers.inhibition import DEPTH, RESUME_AFTER

OWNER = "owner"
"""In a route: the receiver of whoever owns the alert's node; an alert at a cause goes to the owner of the cause."""

MINUTE = 60_000_000


@dataclass(frozen=True, slots=True)
class Timing:
    """How long groups wait, in µs; the defaults are those of the rule files."""

    group_wait: int = MINUTE
    """From the first alert of a group to its first notification."""
    group_interval: int = 5 * MINUTE
    """Between two looks at a group."""
    repeat_interval: int = 720 * MINUTE
    """Until an unchanged group is told again; looked at every ``group_interval``, so rounded up to one."""


@dataclass(frozen=True, slots=True)
class Route:
    """Which alerts go where; the first that matches takes the alert."""

    name: str
    to: tuple[str, ...]
    """Receivers, or OWNER."""
    matchers: tuple[Matcher, ...] = ()
    affected: bool = False
    """Takes alerts that something upstream explains, and only those; other routes take only the others."""
    digest: Callable[[int], int] | None = None
    """Tells all of it in one message at certain times: gives the first of them after a time (µs UTC)."""
    group_by: tuple[str, ...] | None = None
    """Instead of the one of the policy; a digest is one group a receiver unless this says otherwise."""
    timing: Timing | None = None
    send_resolved: bool = True
    """A digest never tells that something is resolved."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How all alerts are told; ``owners`` gives the receiver of an owner, ``default`` that of everybody else.

    Raises ValueError if two routes have one name: groups are known by it.
    """

    routes: Sequence[Route]
    default: str
    owners: Mapping[str, str] = field(default_factory=dict)
    group_by: tuple[str, ...] = ("cause", "severity")
    timing: Timing = Timing()
    depth: int = DEPTH
    resume_after: int = RESUME_AFTER

    def __post_init__(self) -> None:
        names = [each.name for each in self.routes]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"more than one route is called {', '.join(twice)}")


class GroupKey(NamedTuple):
    """What the alerts of a group have in common."""

    route: str
    receiver: str
    labels: tuple[tuple[str, str], ...] = ()

    @property
    def id(self) -> str:
        """What outside systems know the group by (PagerDuty's ``dedup_key``)."""
        return sha256(repr(tuple(self)).encode()).hexdigest()[:32]


def route(policy: Policy, alert: Alert, *, affected: bool) -> Route | None:
    """Give the route that takes the alert, if any does."""
    fitting = (each for each in policy.routes if each.affected == affected and matches(each.matchers, alert))
    return next(fitting, None)


def groups(policy: Policy, taking: Route, alert: Alert, cause: str) -> list[GroupKey]:
    """Give the groups of an alert on its route, one a receiver; ``cause`` is the node at which it began.

    Several values of a label (tags) are one value, put together; a label that is missing is the empty text.
    """
    by = taking.group_by
    if by is None:
        by = () if taking.digest else policy.group_by
    labels = tuple(
        (label, cause if label == "cause" else ",".join(sorted(alert.values(label)))) for label in by
    )
    owner = policy.owners.get(alert.owner or "", policy.default)
    receivers = {owner if name == OWNER else name for name in taking.to}
    return [GroupKey(taking.name, receiver, labels) for receiver in sorted(receivers)]
