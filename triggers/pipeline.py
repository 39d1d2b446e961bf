"""From what is wrong now to what is told to whom: Alertmanager's pipeline as one function from values to values.

In its order, with one ``now`` for all: inhibition (here by lineage, see triggers.inhibition), grouping and its timing,
maintenance windows, silences, comparison with the notification log. Live and replay call the same function; whoever
calls it keeps the state and sends what it gives, both in one transaction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from hashlib import sha256

import networkx as nx

from triggers.alerts import Alert, unique
from triggers.inhibition import Affected, inhibit, path
from triggers.notification_log import Entry, Reason, decide, sent, told
from triggers.routing import GroupKey, Policy, groups, route
from triggers.silences import Muted, Silence, Window, muted


@dataclass(frozen=True, slots=True)
class Standing:
    """How an open alert stands."""

    alert: Alert
    """At a cause, as severe as the most severe of what it affects."""
    affected: Affected | None
    path: tuple[str, ...]
    """The nodes from the cause to this one, both included; empty unless affected."""
    affects: int
    """How many open alerts it explains."""
    muted: Muted | None
    groups: tuple[GroupKey, ...]
    """Where it is told; nowhere if no route takes it."""

    @property
    def cause(self) -> str:
        return self.affected.cause if self.affected else self.alert.node


@dataclass(frozen=True, slots=True)
class Notification:
    """Something to tell a receiver, once."""

    group: GroupKey
    at: int
    reason: Reason
    number: int
    """Of the notifications of the group."""
    firing: tuple[Standing, ...]
    """All of the group that fires and is not muted, told before or not; the gravest first."""
    resolved: tuple[Alert, ...]
    """What the receiver was told and is over since the last time, or is told elsewhere now."""
    after: int
    """When the group was told of before (µs UTC); of the first notification, when it was due."""

    @property
    def id(self) -> str:
        """The same for all who come to this decision from the same state.

        Of no other one: of a group that was forgotten, and is told again, not that of the first time.
        """
        said = [(standing.alert.fingerprint, standing.alert.starts) for standing in self.firing]
        over = [(alert.fingerprint, alert.starts) for alert in self.resolved]
        return sha256(repr((self.group.id, self.after, self.number, said, over)).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Group:
    """When a group is looked at next (µs UTC), and whether it ever was."""

    next: int
    flushed: bool = False


@dataclass(frozen=True, slots=True)
class State:
    """What must be kept from one step to the next."""

    groups: Mapping[GroupKey, Group] = field(default_factory=dict)
    log: Mapping[GroupKey, Entry] = field(default_factory=dict)
    known: Mapping[str, Alert] = field(default_factory=dict)
    """Alerts by fingerprint: open ones, those that just ended, and those that a receiver takes to be firing."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What follows from one step."""

    state: State
    notifications: tuple[Notification, ...]
    standings: Mapping[str, Standing]
    """All open alerts by fingerprint; not those that alert only as causes, and are none."""
    wake: int | None
    """When to step again if nothing changes before (µs UTC)."""


def step(
    state: State,
    alerts: Iterable[Alert],
    graph: nx.DiGraph[str],
    policy: Policy,
    now: int,
    *,
    windows: Iterable[Window] = (),
    silences: Iterable[Silence] = (),
    acknowledged: Set[str] = frozenset(),
) -> Outcome:
    """Take in the alerts that are open (µs UTC ``now``), and say what is told of all there are.

    ``alerts`` are all that are open; one that was known and is missing has ended, at ``ends`` where it is given so and
    otherwise now. The edges of ``graph`` lead the way data flow, and hold all nodes with alerts and what lies between
    them. ``acknowledged`` are the fingerprints of alerts that somebody takes care of. ``silences`` are the last word
    on each.
    """
    known = _known(state.known, alerts, now)
    affected = inhibit(known, graph, now, policy.depth, policy.resume_after)
    standings = _standings(known, affected, policy, tuple(windows), tuple(silences), now)
    members: dict[GroupKey, dict[str, Standing]] = defaultdict(dict)
    for fingerprint, standing in standings.items():
        for key in standing.groups:
            members[key][fingerprint] = standing
    looks = {
        key: _Look(key, policy, members.get(key, {})) for key in sorted({*state.groups, *state.log, *members})
    }
    waiting: dict[GroupKey, Group] = {}
    log: dict[GroupKey, Entry] = {}
    notifications: list[Notification] = []
    for key, look in looks.items():
        group, entry = look.place(state.groups.get(key), state.known, now), state.log.get(key)
        due = group.next <= now
        if due:
            entry, notification = look.flush(entry, group.next, standings, known, now, acknowledged)
            notifications += [notification] if notification else []
            group = Group(look.after(now), flushed=True)
        if look.members or (entry and entry.firing) or (key in state.groups and not due):
            waiting[key] = group
        if entry and not entry.expired(now, look.timing.repeat_interval):
            log[key] = entry
    ends = [found.gone_at + policy.resume_after for found in affected.values() if found.gone_at is not None]
    wake = min([group.next for group in waiting.values()] + ends, default=None)
    kept = _kept(known, log, policy.resume_after, now)
    return Outcome(State(waiting, log, kept), tuple(notifications), standings, wake)


class _Look:
    """A look at one group; its route may be gone, and then what was told is still resolved."""

    def __init__(self, key: GroupKey, policy: Policy, members: Mapping[str, Standing]) -> None:
        taking = next((each for each in policy.routes if each.name == key.route), None)
        self.key = key
        self.members = members
        self.timing = (taking and taking.timing) or policy.timing
        self._digest = taking.digest if taking else None
        self._send_resolved = taking is None or (taking.send_resolved and taking.digest is None)

    def place(self, group: Group | None, seen: Mapping[str, Alert], now: int) -> Group:
        """Say when the group is due: a new one after ``group_wait``, at once if an alert has waited that long.

        Such an alert, seen for the first time, also hastens a group that still waits: we were down, or it resumes.
        """
        if self._digest:
            return group or Group(self._digest(now))
        if group and group.flushed:
            return group
        wait = self.timing.group_wait
        waited = any(
            standing.alert.starts + wait <= now
            for fingerprint, standing in self.members.items()
            if group is None or fingerprint not in seen
        )
        return Group(now) if waited else group or Group(now + wait)

    def after(self, now: int) -> int:
        """Give when it is due the next time."""
        return self._digest(now) if self._digest else now + self.timing.group_interval

    def flush(
        self,
        entry: Entry | None,
        due: int,
        standings: Mapping[str, Standing],
        known: Mapping[str, Alert],
        now: int,
        acknowledged: Set[str],
    ) -> tuple[Entry | None, Notification | None]:
        """Decide, and give what the log says after it and what is sent."""
        firing = {fingerprint for fingerprint, standing in self.members.items() if standing.muted is None}
        held = {
            fingerprint
            for fingerprint in (entry.firing if entry else ())
            if (standing := standings.get(fingerprint)) is not None
            # Told in another group it is over here; explained by something upstream it is not told anywhere.
            and (fingerprint in self.members or standing.affected is not None)
        } - firing
        reason = decide(
            entry,
            firing,
            held,
            now,
            self.timing.repeat_interval,
            send_resolved=self._send_resolved,
            acknowledged=acknowledged,
        )
        if reason is None:
            return entry, None
        after = told(entry, firing, held, now)
        if not sent(reason, send_resolved=self._send_resolved):
            return after, None
        over = [known[fingerprint] for fingerprint in after.resolved] if self._send_resolved else []
        resolved = [alert if alert.ends is not None else replace(alert, ends=now) for alert in over]
        shown = sorted(
            (self.members[fingerprint] for fingerprint in firing), key=lambda each: _gravity(each.alert)
        )
        return after, Notification(
            self.key,
            now,
            reason,
            after.number,
            tuple(shown),
            tuple(sorted(resolved, key=_gravity)),
            entry.at if entry else due,
        )


def _gravity(alert: Alert) -> tuple[int, str, str]:
    """Order alerts as a reader wants them: the gravest first."""
    return -alert.severity.rank, alert.node, alert.fingerprint


def _known(before: Mapping[str, Alert], alerts: Iterable[Alert], now: int) -> dict[str, Alert]:
    """Give what is open, and with their ends those known alerts that are not any more."""
    given = unique(alerts)
    ended = {
        fingerprint: replace(alert, ends=now) if alert.open(now) else alert
        for fingerprint, alert in before.items()
        if fingerprint not in given
    }
    return dict(sorted((given | ended).items()))


def _kept(
    known: Mapping[str, Alert], log: Mapping[GroupKey, Entry], resume_after: int, now: int
) -> dict[str, Alert]:
    needed = {fingerprint for entry in log.values() for fingerprint in entry.firing}
    return {
        fingerprint: alert
        for fingerprint, alert in known.items()
        if alert.ends is None or now < alert.ends + resume_after or fingerprint in needed
    }


def _standings(
    known: Mapping[str, Alert],
    affected: Mapping[str, Affected],
    policy: Policy,
    windows: tuple[Window, ...],
    silences: tuple[Silence, ...],
    now: int,
) -> dict[str, Standing]:
    """Say of each open alert how it stands, and where it is told."""
    open_ = {fingerprint: alert for fingerprint, alert in known.items() if alert.open(now)}
    mutes = {fingerprint: muted(alert, windows, silences, now) for fingerprint, alert in open_.items()}
    affects: dict[str, list[str]] = defaultdict(list)
    for fingerprint, found in affected.items():
        if not known[fingerprint].only_as_cause:
            affects[found.root].append(fingerprint)
    standings: dict[str, Standing] = {}
    for fingerprint, alert in open_.items():
        behind, explained, mute = affects.get(fingerprint, []), affected.get(fingerprint), mutes[fingerprint]
        if alert.only_as_cause and not behind:
            continue
        heard = sorted((known[each] for each in behind if mutes[each] is None), key=_gravity)
        if heard and heard[0].severity.rank > alert.severity.rank:
            alert = replace(alert, severity=heard[0].severity)
            mute = muted(alert, windows, silences, now)
        elif alert.only_as_cause and not heard:
            # Nobody is to hear of what is bad because of it, and of itself nobody asked to.
            mute = mute or mutes[behind[0]]
        taking = route(policy, alert, affected=explained is not None)
        if taking is None and explained is None:
            # No route takes the cause: it is told to those who would have heard of what it affects.
            routes = (route(policy, each, affected=False) for each in heard)
            taking = next((each for each in routes if each), None)
        cause = explained.cause if explained else alert.node
        standings[fingerprint] = Standing(
            alert,
            explained,
            path(affected, fingerprint),
            len(behind),
            mute,
            tuple(groups(policy, taking, alert, cause)) if taking else (),
        )
    return standings
