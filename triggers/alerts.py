"""What is wrong with a job or dataset, and how rules pick out some of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from hashlib import sha256

from lineage.model import JobRef
from lineage.traverse import NodeType, text


class Severity(StrEnum):
    """How bad it is, the mildest first."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        return list(Severity).index(self)


@dataclass(frozen=True)
class Alert:
    """A rule that a job or dataset breaks, or a run that failed; times in µs UTC."""

    rule: str
    """The id of the rule, or the kind of fault (``failed_run``)."""
    type: NodeType
    namespace: str
    name: str
    severity: Severity
    starts: int
    """Since when the rule is broken; of runs that fail one after the other, since the first."""
    ends: int | None = None
    """Since when it is not any more."""
    last_good: int | None = None
    """When all was well with it the last time; None: never."""
    owner: str | None = None
    tags: frozenset[str] = frozenset()
    labels: tuple[tuple[str, str], ...] = ()
    """More that tells it from others of the same rule and node (a partition), sorted by name."""
    text: str = ""
    """What is wrong, in a sentence."""
    only_as_cause: bool = False
    """Nobody asked to hear of it, unless something else is bad because of it: the failed run of any job."""

    @cached_property
    def node(self) -> str:
        return text(self.type, JobRef(self.namespace, self.name))

    @cached_property
    def fingerprint(self) -> str:
        """What makes it this alert, however long it lasts and whatever becomes of it."""
        identity = json.dumps([self.rule, self.node, *self.labels])
        return sha256(identity.encode()).hexdigest()[:16]

    def open(self, now: int) -> bool:
        return self.starts <= now and (self.ends is None or now < self.ends)

    def values(self, label: str) -> frozenset[str]:
        """Give what it has under a name: of a field, ``tag``, or one of its labels; nothing if it has no such."""
        if label == "tag":
            return self.tags
        if label in ("rule", "type", "namespace", "name", "severity", "owner", "node"):
            value = getattr(self, label)
            return frozenset() if value is None else frozenset([str(value)])
        return frozenset(value for name, value in self.labels if name == label)


@dataclass(frozen=True, slots=True)
class Matcher:
    """A condition on one label, as Alertmanager's ``=``, ``!=``, ``=~`` and ``!~``.

    Unlike there, a label that is missing is not the empty text: it equals nothing, so that a misspelt name matches
    nothing rather than everything. Raises ValueError for a pattern that is none.
    """

    label: str
    value: str
    regex: bool = False
    """The value is a pattern for the whole of the label."""
    negative: bool = False
    pattern: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        try:
            pattern = re.compile(self.value if self.regex else re.escape(self.value))
        except re.error as error:
            raise ValueError(f"{self.value!r} is no pattern: {error}") from error
        object.__setattr__(self, "pattern", pattern)

    def matches(self, alert: Alert) -> bool:
        return self.negative != any(self.pattern.fullmatch(value) for value in alert.values(self.label))


def matches(matchers: Iterable[Matcher], alert: Alert) -> bool:
    """Say whether all conditions hold; none at all hold for everything."""
    return all(matcher.matches(alert) for matcher in matchers)


def unique(alerts: Iterable[Alert]) -> dict[str, Alert]:
    """Give the alerts by fingerprint, in order of it.

    Of several that are the same, one that is open counts before one that has ended, then the one that ended last, then
    the one that started first; so neither order nor repetition changes the result.
    """
    found: dict[str, Alert] = {}
    for alert in alerts:
        known = found.get(alert.fingerprint)
        if known is None or _precedence(alert) > _precedence(known):
            found[alert.fingerprint] = alert
    return dict(sorted(found.items()))


def _precedence(alert: Alert) -> tuple[object, ...]:
    rest = (alert.severity.rank, alert.last_good or 0, alert.owner or "", sorted(alert.tags), alert.text)
    return alert.ends is None, alert.ends or 0, -alert.starts, *rest, alert.only_as_cause
