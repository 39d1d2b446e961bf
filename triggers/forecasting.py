"""Early warnings: whether the release that a dataset owes will come in time, and what is told of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import networkx as nx

from triggers.alerts import Alert, Severity
from triggers.breaches import Described
from triggers.cycles import Cycle, RunSeen, recall
from triggers.model import EarlyWarning, Expectation
from triggers.predict import ENOUGH, Estimate, Kind, predict
from triggers.sentences import sentence
from triggers.verdict import Reason, Value

MINUTE = 60_000_000
DAY = 1440 * MINUTE

OFTEN = 10
"""How many times in its window a forecast is made anew, if nothing happens."""

COARSE = 5 * MINUTE
"""To what a time of more than twice that is rounded in a sentence: no forecast is better."""

NAMED = 3
"""Jobs that a reason names."""

FORECAST = (("kind", "forecast"),)
"""The label of an alert that is about what is to come."""

MILDER = {Severity.CRITICAL: Severity.WARNING, Severity.WARNING: Severity.INFO, Severity.INFO: Severity.INFO}


@dataclass(frozen=True, slots=True)
class Foretold:
    """An estimate, with what is known of the jobs besides."""

    estimate: Estimate | None
    """None if no job makes the dataset in this cycle."""
    failed: Mapping[str, int]
    """When jobs failed that have not run again."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is foretold of a release; µs UTC."""

    made_at: int
    missing: bool
    """It is announced that it will miss its deadline."""
    reason: Reason
    told_since: int | None = None
    """Since when it is announced."""
    expected: int | None = None
    """As likely earlier as later; None if nobody can say."""
    earliest: int | None = None
    latest: int | None = None
    """It comes between these in nine of ten cases."""
    chance: float | None = None
    """Of missing the deadline."""


def foretell(
    graph: nx.DiGraph[str],
    dataset: str,
    runs: Mapping[str, Sequence[RunSeen]],
    cycles: Sequence[Cycle],
    timezone: str,
    now: int,
) -> Foretold:
    """Estimate when the last of ``cycles`` brings a dataset, from the runs of the jobs upstream (see ``recall``)."""
    known = recall(graph, dataset, runs, cycles, timezone)
    estimate = predict(graph, dataset, known.jobs, known.habits, known.begins, now)
    return Foretold(estimate, known.failed)


def outlook(
    foretold: Foretold,
    warning: EarlyWarning,
    deadline: int,
    names: Mapping[str, str],
    before: Outlook | None,
    now: int,
) -> Outlook:
    """Say what is told now (µs UTC) of a release, after what was told ``before``; ``names`` are those of jobs.

    After the deadline there is nothing to announce any more, but still something to expect. What has been announced is
    taken back only when it is expected in time, so that it does not come and go; and not because less is known now.
    """
    announced = before if before is not None and before.missing else None
    estimate = foretold.estimate
    if estimate is None or not estimate.enough:
        if announced is not None and now < deadline:
            return replace(announced, made_at=now)
        return Outlook(now, missing=False, reason=_unable(estimate, names))
    share = warning.quantile if announced is None else max(warning.quantile, 0.5)
    miss = estimate.miss(deadline, share) if now < deadline else None
    earliest, latest = estimate.interval()
    expected = estimate.at(0.5)
    found = Outlook(
        now,
        missing=miss is not None,
        reason=Reason(
            "in_time",
            {
                "expected": _minute(expected),
                "earliest": _minute(earliest),
                "latest": _minute(latest),
                "deadline": deadline,
            },
        ),
        expected=expected,
        earliest=earliest,
        latest=latest,
        chance=estimate.chance(deadline),
    )
    if miss is None:
        return found
    told: dict[str, Value] = {"deadline": deadline, "far": warning.before >= DAY}
    if miss.by > 0:
        code, told = "will_miss", told | {"miss_by": about(miss.by)}
    else:
        code, told = "may_miss", told | {"chance": round(100 * miss.chance)}
    if miss.cause is not None:
        job = miss.cause.job
        told |= {"cause": miss.cause.kind.value, "job": names[job], "node": job, "lag": about(miss.cause.by)}
        if miss.cause.kind is Kind.NOT_STARTED and job in foretold.failed:
            told |= {"cause": "failed", "at": foretold.failed[job]}
    since = now if announced is None else announced.told_since
    return replace(found, reason=Reason(code, told), told_since=since)


def about(length: int) -> int:
    """Round a duration (µs), at least a minute, as one does who speaks of the future."""
    unit = COARSE if length > 2 * COARSE else MINUTE
    return max(1, round(length / unit)) * unit


def next_look(warning: EarlyWarning, deadline: int, now: int) -> int:
    """Give when to look again at a release that has not come (µs UTC): first when its warning may begin."""
    begins = deadline - warning.before
    return begins if now < begins else min(now + max(MINUTE, warning.before // OFTEN), deadline)


def alert_of(expectation: Expectation, described: Described, told: Outlook) -> Alert:
    """Give the alert of a deadline that will be missed, one grade milder than if it had been."""
    return Alert(
        rule=expectation.id,
        type="dataset",
        namespace=described.namespace,
        name=described.name,
        severity=MILDER[expectation.severity],
        starts=told.made_at if told.told_since is None else told.told_since,
        owner=described.owner,
        tags=described.tags,
        labels=FORECAST,
        text=f"{described.name}: {sentence(told.reason, expectation.timezone)}",
    )


def _unable(estimate: Estimate | None, names: Mapping[str, str]) -> Reason:
    if estimate is None:
        return Reason("no_makers")
    if estimate.unknown:
        return Reason("unknown_jobs", {"jobs": [names[job] for job in estimate.unknown[:NAMED]]})
    return Reason("too_little_known", {"runs": estimate.runs, "needed": ENOUGH})


def _minute(at: int) -> int:
    return round(at / MINUTE) * MINUTE
