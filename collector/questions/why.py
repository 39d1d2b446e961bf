"""Why a dataset stands as it does: what is expected of it, what explains it, who was told, and what comes next."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from collector.questions.root_cause import RootCause, root_cause
from collector.questions.scope import Scope
from collector.questions.standings import Standing, Standings, Told
from collector.storage import alert_reads, silences
from collector.storage.alert_reads import AlertRow
from collector.storage.standing_reads import Wanted, definitions
from lineage.instants import DAY
from triggers.alerting_documents import maintenance_of
from triggers.maintenance import Maintenance
from triggers.sentences import duration
from triggers.verdict import State

MOST_EXPECTATIONS = 100
MOST_ALERTS = 20
MOST_DECISIONS = 5
MOST_TOLD = 5
CAUSES = 5

WORDS = {
    State.MISSED: "is late, and the next data are due too",
    State.LATE: "is late",
    State.FAILED: "is not as it should be",
    State.DUE: "is due, and not late yet",
    State.UNKNOWN: "cannot be judged yet",
    State.LEARNING: "cannot be judged yet: what is usual is being learned",
    State.RECOVERED: "is fresh, but came late",
    State.FRESH: "is fresh",
}

LONGEST_WINDOW = 36_525 * DAY
WEEK = 8 * DAY
"""How far ahead the end of a window is looked for: of one that is open once, and of one that is open every week."""

QUIET = frozenset({State.FRESH, State.RECOVERED, State.LEARNING})
"""Of a dataset that stands so nobody asks for what went wrong upstream."""


@dataclass(frozen=True, slots=True)
class Muted:
    """What holds alerts back. ``ends`` (µs UTC) and the rest is None of what is not there any more.

    The author and his reason are None, too, for those who may not see everything.
    """

    by: str
    """``silence`` or ``window``."""
    id: str
    author: str | None = None
    reason: str | None = None
    ends: int | None = None


@dataclass(frozen=True, slots=True)
class Why:
    """All that there is to say about how a dataset stands."""

    node: str
    sentence: str
    """What to know first."""
    standings: list[Standing]
    """To each thing that is expected of it, the worst first."""
    alerts: list[AlertRow]
    """Those that are open."""
    root_cause: RootCause | None
    """What is wrong upstream; None if all is well, or no event has named the dataset."""
    muted: list[Muted]
    decisions: list[Told]
    """The newest."""
    notifications: list[alert_reads.Told]
    """The newest that named one of the alerts."""

    @property
    def state(self) -> State | None:
        """The worst; None if nothing is expected of it."""
        return self.standings[0].kept.state if self.standings else None


def why(scope: Scope, node: str, *, depth: int) -> Why:
    """Tell all about how a dataset stands, looking at most ``depth`` edges upstream; raises as ``Scope.find`` does."""
    answers = Standings(scope)
    ref, named = answers.find(node)
    dataset_id = answers.dataset_id(ref.namespace, ref.name)
    standings = answers.page(Wanted(dataset_ids=[dataset_id]), after=None, limit=MOST_EXPECTATIONS).items
    seen = alert_reads.seen_by(scope.conn, scope.visible, scope.sees)
    open_ = alert_reads.Wanted(subject_ids=[dataset_id])
    alerts = alert_reads.list_alerts(scope.conn, open_, seen, after=None, limit=MOST_ALERTS).items
    told = {
        (each.at, each.receiver, each.title): each
        for alert in alerts
        for each in alert_reads.notifications(scope.conn, alert, seen, MOST_TOLD)
    }
    quiet = not alerts and all(standing.kept.state in QUIET for standing in standings)
    cause = root_cause(scope, node, depth=depth, limit=CAUSES) if named and not quiet else None
    return Why(
        node=scope.shown(ref) if named else node,
        sentence=_headline(ref.name, standings, alerts, cause),
        standings=standings,
        alerts=alerts,
        root_cause=cause,
        muted=muted_by(scope, alerts),
        decisions=answers.history(None, dataset_id, after=None, limit=MOST_DECISIONS).items,
        notifications=sorted(told.values(), key=lambda each: -each.at)[:MOST_TOLD],
    )


def _headline(
    name: str, standings: list[Standing], alerts: list[AlertRow], upstream: RootCause | None
) -> str:
    if not standings:
        return f"Nothing is expected of {name}."
    worst = standings[0]
    state, late_by = worst.kept.state, worst.late_by
    words = WORDS[state] if late_by is None else f"{WORDS[state]}, by {duration(late_by)}"
    cause = next((alert.cause for alert in alerts if alert.cause is not None), None)
    foretold = cause is not None and not state.violated
    said = f"{name} {words}{', but will probably be late' if foretold else ''}."
    if cause is not None:
        if cause.text is None:
            return f"{said} The cause is something that you may not see."
        said += f" The cause: {cause.text.partition('. ')[0].rstrip('.')}."
    elif state.violated and upstream is not None and upstream.causes:
        said += f" {upstream.explanation}"
    return said


def muted_by(scope: Scope, alerts: Iterable[AlertRow]) -> list[Muted]:
    """Give what holds alerts back, each once; who said so and why only to those who see everything."""
    found = list(dict.fromkeys(alert.muted_by for alert in alerts if alert.muted_by))
    if not found:
        return []
    named = [each.partition(":")[::2] for each in found]
    kept = silences.known(scope.conn, [id_ for by, id_ in named if by == "silence"])
    planned = definitions(scope.conn, [id_ for by, id_ in named if by == "window"], "window")
    muted = []
    for by, id_ in named:
        if by == "silence" and id_ in kept:
            muted.append(Muted(by, id_, kept[id_].author, kept[id_].reason, kept[id_].ends))
        elif by == "window" and id_ in planned:
            window = maintenance_of(planned[id_])
            muted.append(Muted(by, id_, window.author, window.reason, _closes(window, scope.now)))
        else:
            muted.append(Muted(by, id_))
    # It is about all that is held back, of whatever namespace.
    return muted if scope.visible is None else [replace(each, author=None, reason=None) for each in muted]


def _closes(window: Maintenance, now: int) -> int | None:
    """Give when a window that is open ``now`` closes (µs UTC); None if it is not open, or never closes."""
    horizon = now + (LONGEST_WINDOW if window.once else WEEK)
    opened = next(window.windows(now, horizon), None)
    return opened.ends if opened is not None and opened.starts == now and opened.ends < horizon else None
