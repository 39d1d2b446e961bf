"""A look at a dataset: how it stands now, given how it stood, and whether that is worth a word.

Live and replay look in the same way; between two looks nothing changes unless a fact comes in.
"""

from __future__ import annotations

from dataclasses import dataclass

from triggers.errors import CalendarExpired
from triggers.evaluate import evaluate
from triggers.facts import Facts
from triggers.model import Expectation
from triggers.verdict import Reason, State, Verdict


@dataclass(frozen=True, slots=True)
class Stance:
    """How a dataset stands to an expectation, and what must be kept from one look to the next; µs UTC."""

    verdict: Verdict
    bad_since: int | None = None
    """Since when the expectation is not met, whatever grade of it; None: it is, or nobody knows."""
    last_good: int | None = None
    """Since when all was well, the last time that it was: mostly when data came."""

    @property
    def state(self) -> State:
        return self.verdict.state

    def differs(self, other: Stance | None) -> bool:
        """Tell whether there is something to say that has not been said: all but the passing of time."""
        return other is None or _said(self.verdict) != _said(other.verdict)


def look(expectation: Expectation, facts: Facts, before: Stance | None, now: int) -> Stance:
    """Look at a dataset at ``now`` (µs UTC)."""
    try:
        verdict = evaluate(expectation, facts, now)
    except CalendarExpired:
        # Not silence: whoever wrote the rule believes that somebody watches.
        verdict = Verdict(State.FAILED, Reason("calendar_ended"), since=_ended(before, now))
    if verdict.state in (State.FRESH, State.RECOVERED):
        return Stance(verdict, last_good=verdict.since)
    good, bad = (before.last_good, before.bad_since) if before else (None, None)
    last = verdict.reason.values.get("last")
    if isinstance(last, int) and (good is None or last > good):
        # It came, and was well for a while, since it was looked at the last time.
        then = evaluate(expectation, facts, last)
        if then.state in (State.FRESH, State.RECOVERED):
            good = then.since
            bad = bad if bad is not None and bad > last else None
        elif good is None:
            good = last
    if not verdict.state.violated:
        return Stance(verdict, last_good=good)
    # A dataset that is late goes on to be so when the next release is due as well.
    since = verdict.deadline if verdict.state in (State.LATE, State.MISSED) else verdict.since
    if since is None:
        since = now
    return Stance(verdict, since if bad is None else min(since, bad), good)


def _ended(before: Stance | None, now: int) -> int:
    if before is not None and before.verdict.reason.code == "calendar_ended" and before.verdict.since:
        return before.verdict.since
    return now


def _said(verdict: Verdict) -> tuple[object, ...]:
    """Give all but ``late_by`` and ``next_look``, which time alone changes."""
    return (
        verdict.state,
        verdict.reason,
        verdict.release,
        verdict.deadline,
        verdict.since,
        verdict.held,
    )
