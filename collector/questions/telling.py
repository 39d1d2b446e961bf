"""Why somebody was told of an alert, or was not: in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from sqlalchemy import Connection

from collector.questions.why import Muted
from collector.storage import told
from collector.storage.alert_reads import AlertRow
from triggers.alerts import Alert, Severity
from triggers.documents import alerting_of
from triggers.routing import groups, route
from triggers.rules import NO_POLICY, NOBODY

NO_ROUTE: Final = "No route of the rules takes it."


class Word(NamedTuple):
    """A sentence, and the instant (µs UTC) that it ends with, if any."""

    text: str
    at: int | None = None


def alert_of(found: AlertRow) -> Alert:
    """Give an alert as rules and silences look at it."""
    return Alert(
        rule=found.rule,
        type="job" if found.type == "job" else "dataset",
        namespace=found.namespace,
        name=found.name,
        severity=Severity(found.severity),
        starts=found.starts_at,
        ends=found.ends_at,
        last_good=found.last_good_at,
        owner=found.owner,
        tags=frozenset(found.tags),
        labels=tuple(sorted(found.labels.items())),
        text=found.text,
    )


def telling(conn: Connection, found: AlertRow, muted: Muted | None) -> list[Word]:
    """Say who is told of an alert and who is not, and why, for somebody who sees everything."""
    return list(_words(conn, found, muted))


def _words(conn: Connection, found: AlertRow, muted: Muted | None) -> Iterator[Word]:
    if found.notified_at is not None:
        yield Word("Somebody was told first", found.notified_at)
    elif found.ends_at is not None:
        yield Word("It was over before anybody was told.")
    if found.cause is not None:
        yield Word(f"It is told with what explains it: {found.cause.text or 'an alert that is gone'}")
    if muted is not None:
        until = "" if muted.ends is None else ", until"
        what = f"{muted.by.capitalize()} {muted.id}"
        by = f" of {muted.author} ({muted.reason})" if muted.author else ""
        yield Word(f"{what}{by} holds it back{until}", muted.ends)
    if found.acknowledged is not None:
        yield Word(f"Nobody is reminded of it, as {found.acknowledged.by} takes care of it.")
    if found.ends_at is None:
        yield from _routed(conn, found)


def _routed(conn: Connection, found: AlertRow) -> Iterator[Word]:
    body = told.alerting_rule(conn)
    policy = NO_POLICY if body is None else alerting_of(body)
    alert = alert_of(found)
    taking = route(policy, alert, affected=found.cause is not None)
    if taking is None:
        yield Word(NO_ROUTE if found.cause is None else "No route takes what something else explains.")
        return
    cause = found.node if found.cause is None else found.cause.node or found.node
    keys = groups(policy, taking, alert, cause)
    receivers = " and ".join(key.receiver for key in keys)
    if receivers == NOBODY:
        yield Word(f"The route {taking.name} says that nobody is told.")
        return
    yield Word(f"The route {taking.name} takes it to {receivers}.")
    known = told.group_times(conn, [key.id for key in keys])
    for key in keys:
        times = known.get(key.id)
        if times is not None and times.told_at is not None:
            yield Word(f"{key.receiver} was told of its group last", times.told_at)
        if times is not None and times.next_at is not None:
            yield Word(f"{key.receiver} is told next, if anything has changed", times.next_at)
