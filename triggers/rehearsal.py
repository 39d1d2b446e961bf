"""Who would have been told what, and when, had the decisions of a replay been made in earnest.

The same pipeline as live (``triggers.pipeline``), with nobody who silences or acknowledges anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

import networkx as nx

from triggers.alerts import Alert
from triggers.breaches import Described, alerts_of
from triggers.model import CatchUp, Expectation
from triggers.pipeline import Notification, Outcome, State, step
from triggers.replay import Look, Pair
from triggers.routing import Policy
from triggers.silences import Muted, Window


@dataclass(slots=True)
class Episode:
    """An alert from its opening to its end; times in µs UTC."""

    alert: Alert
    """As it was last while it was open; ``ends`` None: it is open when the replay ends."""
    opened: int
    """When it was decided, which may be after ``alert.starts``."""
    cause: str | None = None
    """The node upstream that explained it when it opened, if one did."""
    muted: Muted | None = None
    """What held it back when it opened."""
    receivers: set[str] = field(default_factory=set)
    """Who was told of it."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the pipeline made of decisions."""

    episodes: Sequence[Episode]
    """By the time at which they opened."""
    notifications: Sequence[Notification]


def no_windows(_now: int) -> Iterable[Window]:
    """Give no time of planned work."""
    return ()


class Rehearsal:
    """What would have been told from ``expectations`` by ``policy``.

    ``described`` are the datasets by canonical id, ``windows`` gives the times of planned work about an instant. The
    edges of ``graph`` lead the way data flow. ``causes`` are alerts at causes only (failed runs), with their ends.
    """

    def __init__(
        self,
        expectations: Mapping[str, Expectation],
        described: Mapping[int, Described],
        graph: nx.DiGraph[str],
        policy: Policy,
        *,
        windows: Callable[[int], Iterable[Window]] = no_windows,
        causes: Sequence[Alert] = (),
    ) -> None:
        self._expectations = expectations
        self._described = described
        self._graph = graph
        self._policy = policy
        self._windows = windows
        self._causes = causes
        self._bad: dict[Pair, tuple[Look, list[Alert]]] = {}
        self._state = State()
        self._wake: int | None = None
        self._open: dict[str, Episode] = {}
        self._episodes: list[Episode] = []
        self._notifications: list[Notification] = []

    def run(self, looks: Iterable[Look], end: int) -> Told:
        """Take decisions, in order, through the pipeline, up to before ``end`` (µs UTC)."""
        for at, group in groupby(looks, key=lambda each: each.at):
            self._sleep(at)
            changes = [self._take(each) for each in group]  # each of them is taken in
            if any(changes):
                self._step(at)
        self._sleep(end)
        return Told(self._episodes, self._notifications)

    def _sleep(self, until: int) -> None:
        """Do all that groups waited for before an instant."""
        while self._wake is not None and self._wake < until:
            self._step(self._wake)

    def _take(self, decision: Look) -> bool:
        """Take in a decision; tell whether it changes any alert."""
        expectation = self._expectations[decision.pair.expectation_id]
        described = self._described[decision.pair.dataset_id]
        before = self._bad.pop(decision.pair, None)
        alerts = alerts_of(expectation, described, decision.stance, decision.at)
        if alerts:
            self._bad[decision.pair] = decision, alerts
        return alerts != (before[1] if before else [])

    def _alerts(self, now: int) -> list[Alert]:
        found: list[Alert] = []
        for pair, (decision, alerts) in self._bad.items():
            expectation = self._expectations[pair.expectation_id]
            if expectation.missed.policy is CatchUp.ALL:  # one alert a release: time alone makes more of them
                alerts = alerts_of(expectation, self._described[pair.dataset_id], decision.stance, now)
            found += alerts
        return found

    def _step(self, now: int) -> None:
        alerts = self._alerts(now)
        causes = [cause for cause in self._causes if alerts and cause.open(now)]
        outcome = step(
            self._state,
            [*alerts, *causes],
            self._graph,
            self._policy,
            now,
            windows=tuple(self._windows(now)),
        )
        self._state = outcome.state
        # Of a group that is to be looked at all the time, once a second is enough.
        self._wake = None if outcome.wake is None else max(outcome.wake, now + 1_000_000)
        self._keep(alerts, outcome, now)

    def _keep(self, alerts: Sequence[Alert], outcome: Outcome, now: int) -> None:
        current = {alert.fingerprint: alert for alert in alerts}
        for fingerprint in self._open.keys() - current.keys():
            over = self._open.pop(fingerprint)
            over.alert = replace(over.alert, ends=now)
        for fingerprint, alert in current.items():
            episode = self._open.get(fingerprint)
            if episode is None:
                standing = outcome.standings.get(fingerprint)
                cause = standing.affected.cause if standing and standing.affected else None
                episode = Episode(alert, now, cause, standing.muted if standing else None)
                self._open[fingerprint] = episode
                self._episodes.append(episode)
            episode.alert = alert
        for notification in outcome.notifications:
            for standing in notification.firing:
                if (told := self._open.get(standing.alert.fingerprint)) is not None:
                    told.receivers.add(notification.group.receiver)
        self._notifications += outcome.notifications
