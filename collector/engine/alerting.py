"""From what is wrong to what is told: keeps the state of the alert pipeline, in memory and in the database.

What is wrong comes from looks at datasets, from forecasts, and from the engine itself. Upstream of it failed and late
runs are looked for, which explain it. The pipeline then decides, and all it decides is written in one transaction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, NamedTuple

from sqlalchemy import Connection

from collector.engine.selfcheck import flooded
from collector.questions.root_cause import root_cause
from collector.questions.scope import Scope
from collector.questions.upstream import Upstream, suspects, upstream_of
from collector.storage import alert_store, outbox, silences
from collector.storage.alert_store import Acknowledged, Kept
from collector.storage.outbox import Kind, Queued
from lineage.model import DatasetRef
from triggers.alerts import Alert, unique
from triggers.messages import Context, Message, compose
from triggers.pipeline import Outcome, Standing, State, step
from triggers.rules import NOBODY, RuleSet

HEAR_OF_PEOPLE = frozenset({"pagerduty", "webhook"})
"""Kinds of targets that are told when somebody takes care of what they were told."""

MOST = 10_000
"""Alerts about datasets that are told of at a time. Where more are open something has gone wrong that they all share,
and nobody reads them one by one: decisions would take minutes, and hold up the events that end them."""

EXPLAINED = 20
"""Causes in one decision that are explained by a look at all that lies upstream; more would hold up the message."""

DEPTH = 20
NODES = 2_000
"""How far an explanation looks upstream."""


class Handover(NamedTuple):
    """That somebody takes care of a group of alerts, for a receiver that keeps track of that."""

    receiver: str
    key: str
    """The same whoever decides it."""
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Decided:
    """What is to be written."""

    before: State
    after: State
    alerts: list[Kept]
    messages: list[Message]
    acknowledgements: list[Handover]
    wake: int | None


@dataclass(slots=True)
class Alerting:
    """The alerts of one database; whoever has it must be the only one to decide about them."""

    rules: RuleSet = field(default_factory=RuleSet)
    state: State = field(default_factory=State)
    kept: dict[str, Kept] = field(default_factory=dict)
    """The rows of alerts that are open, or that a receiver takes to be, by fingerprint."""
    upstream: Upstream = field(default_factory=Upstream)
    wake: int | None = None
    """When to decide again although nothing has happened (µs UTC)."""
    _handed_over: set[str] = field(default_factory=set)

    @property
    def idle(self) -> bool:
        """Whether nothing is wrong, and nobody thinks so."""
        return not (self.kept or self.state.groups or self.state.log)

    def load(self, conn: Connection, rules: RuleSet, now: int) -> None:
        """Take up what was kept."""
        loaded = alert_store.load(conn, now - rules.policy.resume_after)
        self.rules, self.state, self.kept = rules, loaded.state, loaded.alerts
        self.upstream, self.wake = Upstream(), now

    def decide(self, conn: Connection, open_: Iterable[Alert], now: int) -> Decided:
        """Decide what is told of the alerts that are open ``now`` (µs UTC); nothing is changed before ``wrote``.

        If more than ``MOST`` are open, those that were told of before stay, and of the others the gravest and oldest
        are taken in; an alert of the engine's own tells how many wait, until so many have ended.
        """
        given = self._bounded(unique(open_), now)
        policy = self.rules.policy
        datasets = {
            DatasetRef(each.namespace, each.name).id for each in given.values() if each.type == "dataset"
        }
        upstream = upstream_of(conn, datasets, policy.depth) if datasets else Upstream()
        alerts = [*given.values(), *suspects(conn, upstream, self.rules.timezone, now)]
        taken_on = alert_store.acknowledged(conn)
        outcome = step(
            self.state,
            alerts,
            upstream.graph,
            policy,
            now,
            windows=[
                window for each in self.rules.windows if each.mutes for window in each.windows(now, now + 1)
            ],
            silences=silences.active(conn, now),
            acknowledged=taken_on.keys(),
        )
        self.upstream = upstream
        explanations = _explain(conn, outcome, now)
        messages = list(self._messages(outcome, explanations))
        rows = self._rows(outcome, explanations, now)
        wakes = [outcome.wake, silences.next_change(conn, now)]
        wake = min((at for at in wakes if at is not None), default=None)
        handovers = list(self._handovers(outcome.state, taken_on))
        return Decided(self.state, outcome.state, rows, messages, handovers, wake)

    def _bounded(self, given: dict[str, Alert], now: int) -> dict[str, Alert]:
        too_many = sum(alert.type == "dataset" for alert in given.values()) - MOST
        if too_many <= 0:
            return given

        def place(alert: Alert) -> tuple[bool, bool, int, int, str]:
            kept = self.kept.get(alert.fingerprint)
            is_open = kept is not None and kept.alert.ends is None
            return alert.type == "dataset", not is_open, -alert.severity.rank, alert.starts, alert.fingerprint

        flood = flooded(MOST, too_many, now)
        known = self.kept.get(flood.fingerprint)
        if known and known.alert.ends is None:
            flood = replace(flood, starts=known.alert.starts)
        return unique([*sorted(given.values(), key=place)[:-too_many], flood])

    def write(self, conn: Connection, decided: Decided, now: int) -> None:
        """Keep what was decided, and what is to be sent, in a writing transaction."""
        alert_store.write(conn, decided.alerts)
        alert_store.write_groups(conn, decided.before, decided.after)
        alert_store.record(conn, decided.messages)
        queued = [
            Queued(each.receiver, Kind.NOTIFICATION, each.id, each.data())
            for each in decided.messages
            if each.receiver != NOBODY
        ]
        queued += [
            Queued(each.receiver, Kind.ACKNOWLEDGEMENT, each.key, each.body)
            for each in decided.acknowledgements
        ]
        outbox.put_all(conn, queued, now)

    def wrote(self, decided: Decided) -> None:
        """Take over what has been written."""
        self.state, self.wake = decided.after, decided.wake
        for each in decided.alerts:
            self.kept[each.alert.fingerprint] = each
        needed = decided.after.known.keys()
        self.kept = {print_: each for print_, each in self.kept.items() if print_ in needed}
        self._handed_over |= {each.key for each in decided.acknowledgements}

    def _handovers(self, state: State, taken_on: Mapping[str, Acknowledged]) -> Iterator[Handover]:
        """Give what receivers are to hear of groups all of whose alerts somebody takes care of now."""
        for group, entry in state.log.items():
            target = self.rules.targets.get(group.receiver)
            if target is None or target.kind not in HEAR_OF_PEOPLE or not entry.firing:
                continue
            if entry.firing <= taken_on.keys():
                last = max((taken_on[print_] for print_ in entry.firing), key=lambda each: each.at)
                key = sha256(repr((group.id, last.at)).encode()).hexdigest()[:32]
                if key not in self._handed_over:
                    body = {"group": group.id, "by": last.by, "note": last.note, "at": last.at}
                    yield Handover(group.receiver, key, body)

    def _messages(self, outcome: Outcome, explanations: Mapping[str, str]) -> Iterator[Message]:
        affected: dict[str, list[Standing]] = defaultdict(list)
        for standing in outcome.standings.values():
            if standing.affected is not None:
                affected[standing.affected.root].append(standing)
        digests = {each.name for each in self.rules.policy.routes if each.digest is not None}
        for notification in outcome.notifications:
            context = Context(
                self.upstream.names,
                explanations,
                affected,
                self.rules.timezone,
                digest=notification.group.route in digests,
            )
            yield compose(notification, context)

    def _rows(self, outcome: Outcome, explanations: Mapping[str, str], now: int) -> list[Kept]:
        """Give the rows of alerts that change."""
        told = {each.alert.fingerprint for sent in outcome.notifications for each in sent.firing}
        rows: list[Kept] = []
        for fingerprint, alert in outcome.state.known.items():
            before = self.kept.get(fingerprint)
            standing = outcome.standings.get(fingerprint)
            if standing is None and alert.open(now):
                if before is None:
                    continue  # it would only be told as the cause of something, and is none
                alert = replace(alert, ends=before.alert.ends or now)
            if before is not None and before.alert.starts != alert.starts:
                if before.alert.ends is None:
                    rows.append(replace(before, alert=replace(before.alert, ends=min(now, alert.starts))))
                before = None
            row = _row(alert, before, standing, explanations.get(fingerprint))
            if fingerprint in told and row.notified_at is None:
                row = replace(row, notified_at=now)
            if row != before:
                rows.append(row)
        gone = [each for print_, each in self.kept.items() if print_ not in outcome.state.known]
        rows += [
            replace(each, alert=replace(each.alert, ends=now)) for each in gone if each.alert.ends is None
        ]
        return rows


def _row(alert: Alert, before: Kept | None, standing: Standing | None, explanation: str | None) -> Kept:
    known = before or Kept(alert)
    if standing is None:
        return replace(known, alert=alert)
    muted = f"{standing.muted.by}:{standing.muted.id}" if standing.muted else None
    return replace(
        known,
        alert=standing.alert,
        explanation=explanation or known.explanation,
        cause=standing.affected.root if standing.affected else None,
        path=standing.path,
        affects=standing.affects,
        muted_by=muted,
    )


def _explain(conn: Connection, outcome: Outcome, now: int) -> dict[str, str]:
    """Say of the causes that are told now why they are bad, as far as the graph tells."""
    causes = {
        standing.alert.fingerprint: standing.alert
        for notification in outcome.notifications
        for standing in notification.firing
        if standing.affected is None and standing.alert.type == "dataset"
    }
    scope = Scope(conn, now, NODES)
    found: dict[str, str] = {}
    for fingerprint, alert in list(causes.items())[:EXPLAINED]:
        ref = DatasetRef(alert.namespace, alert.name)
        if scope.names([scope.graph().start(ref)]):
            answer = root_cause(scope, alert.node, depth=DEPTH, limit=1)
            first = next(iter(answer.causes), None)
            if first is None:
                found[fingerprint] = answer.explanation
            elif first.node != answer.node:  # what is wrong with itself, the alert says
                found[fingerprint] = first.why
    return found
