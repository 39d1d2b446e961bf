"""What a receiver is told, in words and as data: one message a notification, the same for every kind of receiver."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from triggers.alerts import Alert, Severity
from triggers.notification_log import Reason
from triggers.pipeline import Notification, Standing
from triggers.sentences import moment, shortened

SHOWN = 10
"""Alerts, and what one of them affects, that a message names; of the others it gives the number."""

LONGEST_TITLE = 200

HEADLINE = re.compile(r"[.:](?:\s|$)")
"""Where the headline of an alert's text ends."""

STEPS_SHOWN = 8
"""Nodes of a path that are named; of a longer one, the first and the last of them."""


@dataclass(frozen=True, slots=True)
class Item:
    """One alert as a message shows it; times in µs UTC."""

    fingerprint: str
    rule: str
    node: str
    """``dataset:NAMESPACE:NAME`` or ``job:NAMESPACE:NAME``."""
    namespace: str
    name: str
    severity: str
    starts: int
    ends: int | None
    text: str
    """What is wrong, in a sentence."""
    explanation: str | None = None
    """Why, as far as the graph tells."""
    cause: str | None = None
    """The node at which it began; None: here."""
    path: tuple[str, ...] = ()
    """The nodes from the cause to this one, both included; empty where it began here."""
    affects: int = 0
    """How many other alerts it explains."""
    owner: str | None = None
    tags: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """What one receiver is told at one time about one group of alerts."""

    id: str
    """The same whoever decides it: receivers tell by it what they have got already."""
    group: str
    """What the receiver knows the group by (PagerDuty's ``dedup_key``), 32 characters."""
    receiver: str
    at: int
    """µs UTC."""
    status: str
    """``firing``, or ``resolved`` if nothing of the group fires any more."""
    reason: str
    """first, new_firing, new_resolved, all_resolved, repeat."""
    severity: str
    """The gravest of what fires; of what did, if it is over."""
    digest: bool
    title: str
    """One line."""
    text: str
    """Some lines, without markup."""
    alerts: tuple[Item, ...] = ()
    """What fires, the gravest first."""
    resolved: tuple[Item, ...] = ()

    def data(self) -> dict[str, Any]:
        """Give it as JSON has it; sequences are lists."""
        own = {name: getattr(self, name) for name in self.__slots__}
        return own | {
            "alerts": [_data(item) for item in self.alerts],
            "resolved": [_data(item) for item in self.resolved],
        }

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Message:
        """Read what ``data`` gave."""
        items = {name: tuple(map(_item, data[name])) for name in ("alerts", "resolved")}
        return cls(**{**data, **items})


def _data(item: Item) -> dict[str, Any]:
    own: dict[str, Any] = {name: getattr(item, name) for name in item.__slots__}
    return own | {
        "path": list(item.path),
        "tags": list(item.tags),
        "labels": [list(each) for each in item.labels],
    }


def _item(data: Mapping[str, Any]) -> Item:
    labels = tuple((name, value) for name, value in data["labels"])
    return Item(**{**data, "path": tuple(data["path"]), "tags": tuple(data["tags"]), "labels": labels})


@dataclass(frozen=True, slots=True)
class Context:
    """What words need beyond the notification itself."""

    names: Mapping[str, str]
    """What people call nodes; those not in it go by their ids."""
    explanations: Mapping[str, str]
    """Why, by fingerprint, of alerts at causes."""
    affected: Mapping[str, Sequence[Standing]]
    """By fingerprint of the alert at the cause, what it explains."""
    timezone: str
    digest: bool


def compose(notification: Notification, context: Context) -> Message:
    """Write a notification out."""
    firing = [standing.alert for standing in notification.firing]
    over = list(notification.resolved)
    gravest = max(
        (alert.severity for alert in firing or over), key=lambda each: each.rank, default=Severity.INFO
    )
    return Message(
        id=notification.id,
        group=notification.group.id,
        receiver=notification.group.receiver,
        at=notification.at,
        status="firing" if firing else "resolved",
        reason=notification.reason.value,
        severity=gravest.value,
        digest=context.digest,
        title=shortened(_title(notification, gravest, context), LONGEST_TITLE),
        text="\n".join(_lines(notification, context)),
        alerts=tuple(_standing_item(standing, context) for standing in notification.firing),
        resolved=tuple(_alert_item(alert) for alert in over),
    )


def _title(notification: Notification, gravest: Severity, context: Context) -> str:
    standings = notification.firing
    if not standings:
        return f"[RESOLVED] {_listed(_names(notification.resolved))}"
    names = _names(standing.alert for standing in standings)
    head = f"[{gravest.value.upper()}]" + (" again:" if notification.reason is Reason.REPEAT else "")
    if context.digest:
        causes = sorted({standing.cause for standing in standings})
        named = _listed(context.names.get(cause, cause) for cause in causes)
        return f"{head} {_counted(len(names), 'dataset')} affected by {named}"
    affects = sum(standing.affects for standing in standings)
    also = f" ({affects} affected)" if affects else ""
    if len(names) == 1:
        more = f", and {len(standings) - 1} more of it" if len(standings) > 1 else ""
        return f"{head} {HEADLINE.split(standings[0].alert.text, 1)[0]}{more}{also}"
    return f"{head} {_listed(names)}{also}"


def _lines(notification: Notification, context: Context) -> Iterable[str]:
    if context.digest:
        yield from _digest_lines(notification.firing, context)
    else:
        for standing in notification.firing[:SHOWN]:
            yield from _alert_lines(standing, context)
        yield from _more(len(notification.firing))
    if notification.resolved:
        yield f"Resolved: {_listed(_names(notification.resolved))}"


def _alert_lines(standing: Standing, context: Context) -> Iterable[str]:
    alert = standing.alert
    owner = f" Owner: {alert.owner}." if alert.owner else ""
    yield alert.text
    if why := context.explanations.get(alert.fingerprint):
        yield f"  Why: {why}"
    if standing.path:
        yield f"  Affected by {_path(standing.path, context)}"
    affected = context.affected.get(alert.fingerprint, ())
    if affected:
        yield f"  Affects {len(affected)}:"
        yield from (f"    {_path(each.path, context)}" for each in affected[:SHOWN])
        yield from _more(len(affected), "    ")
    since = f"since {moment(alert.starts, context.timezone)} {context.timezone}"
    yield f"  {alert.severity.value.capitalize()}, {since}.{owner}"


def _digest_lines(standings: Sequence[Standing], context: Context) -> Iterable[str]:
    def cause(standing: Standing) -> str:
        return standing.cause

    for node, some in groupby(sorted(standings, key=cause), key=cause):
        each = list(some)
        yield f"{_counted(len(each), 'dataset')} affected by {context.names.get(node, node)}:"
        yield from (f"  {_path(standing.path, context)}" for standing in each[:SHOWN])
        yield from _more(len(each), "  ")


def _path(path: Sequence[str], context: Context) -> str:
    """Write the nodes of a path that are somebody's, in the order in which data flow."""
    named = [context.names[node] for node in path if node in context.names] or list(path)
    if len(named) > STEPS_SHOWN:
        named = [*named[: STEPS_SHOWN // 2], "…", *named[-STEPS_SHOWN // 2 :]]
    return " → ".join(named)


def _more(number: int, indent: str = "") -> Iterable[str]:
    if number > SHOWN:
        yield f"{indent}… and {number - SHOWN} more"


def _names(alerts: Iterable[Alert]) -> Sequence[str]:
    """Give the names of what alerts are about, of each dataset and job once."""
    return list({alert.node: alert.name for alert in alerts}.values())


def _listed(names: Iterable[str]) -> str:
    known = list(names)
    more = f" and {len(known) - 3} more" if len(known) > 3 else ""
    return ", ".join(known[:3]) + more


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _standing_item(standing: Standing, context: Context) -> Item:
    return replace(
        _alert_item(standing.alert),
        explanation=context.explanations.get(standing.alert.fingerprint),
        cause=standing.cause if standing.affected else None,
        path=standing.path,
        affects=standing.affects,
    )


def _alert_item(alert: Alert) -> Item:
    return Item(
        alert.fingerprint,
        alert.rule,
        alert.node,
        alert.namespace,
        alert.name,
        alert.severity.value,
        alert.starts,
        alert.ends,
        alert.text,
        owner=alert.owner,
        tags=tuple(sorted(alert.tags)),
        labels=alert.labels,
    )
