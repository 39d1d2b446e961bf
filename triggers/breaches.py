"""Alerts of a dataset that is not as expected: which there are, by what the rule says about deadlines missed unseen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from triggers.alerts import Alert
from triggers.deadlines import timetable
from triggers.looks import Stance
from triggers.model import CatchUp, Due, Expectation
from triggers.sentences import sentence
from triggers.verdict import State
from triggers.watermark import Outage
from triggers.zones import local, zone

WORDS = {State.LATE: "is late", State.MISSED: "is late", State.FAILED: "is not as it should be"}

MOST_RELEASES = 100
"""Releases of one dataset that are told of one by one."""


@dataclass(frozen=True, slots=True)
class Described:
    """A dataset as alerts name it."""

    namespace: str
    name: str
    owner: str | None = None
    tags: frozenset[str] = frozenset()


def excuse(expectation: Expectation, stance: Stance, before: Stance | None, outage: Outage | None) -> Stance:
    """Give the stance as one that nobody is told of, where the rule says so of deadlines that passed in an outage.

    It is told when it gets worse, or when the next release is late.
    """
    if stance.state not in (State.LATE, State.MISSED):
        return stance
    if before is not None and before.state == stance.state and before.bad_since is None:
        same = before.verdict.release == stance.verdict.release
        return replace(stance, bad_since=None) if same else stance
    since, missed = stance.verdict.since, expectation.missed
    if outage is None or since is None or not outage.start <= since < outage.end:
        return stance
    long_ago = missed.window is not None and outage.end - since > missed.window
    return replace(stance, bad_since=None) if missed.policy is CatchUp.NONE or long_ago else stance


def alerts_of(expectation: Expectation, described: Described, stance: Stance, seen: int) -> list[Alert]:
    """Give the alerts of a dataset that is open at ``seen`` (µs UTC): mostly one, or none."""
    if stance.bad_since is None:
        return []
    verdict = stance.verdict
    words = f"{described.name} {WORDS[verdict.state]}. {sentence(verdict.reason, expectation.timezone)}"
    alert = Alert(
        rule=expectation.id,
        type="dataset",
        namespace=described.namespace,
        name=described.name,
        severity=expectation.severity,
        starts=stance.bad_since,
        last_good=stance.last_good,
        owner=described.owner,
        tags=described.tags,
        text=words,
    )
    if expectation.missed.policy is not CatchUp.ALL or not isinstance(expectation.condition, Due):
        return [alert]
    return [
        replace(
            alert,
            starts=release + expectation.grace.late,
            labels=(("release", local(release, zone(expectation.timezone)).isoformat(timespec="minutes")),),
        )
        for release in _unmet(expectation, expectation.condition, verdict.release, seen)
    ] or [alert]


def _unmet(expectation: Expectation, due: Due, first: int | None, seen: int) -> Iterator[int]:
    """Give the releases from the first that is not met on whose deadlines have passed."""
    table, release, number = timetable(due, expectation.timezone), first, 0
    while release is not None and release + expectation.grace.late <= seen and number < MOST_RELEASES:
        yield release
        release, number = table.after(release), number + 1
