"""Whether an update is good enough to count: what its checks say of it, and the expectations on what it is of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from triggers.arrivals import Arrived
from triggers.conditions import Gate
from triggers.evaluation import OPEN, Passed, Verdict
from triggers.facts import Check
from triggers.model import Assertions
from triggers.quality import counts
from triggers.verdict import State

GOOD: Final = frozenset({State.FRESH, State.RECOVERED, State.LEARNING})
"""States of an expectation that hold nothing back. Where too little is known to say what is usual, nothing is wrong."""


def judged(
    gate: Gate,
    arrived: Arrived,
    checks: Sequence[Check],
    next_at: int | None,
    expectations: Mapping[str, Sequence[State]],
    at: int,
    *,
    run_id: int | None = None,
) -> Passed:
    """Judge an update at an instant (µs UTC). What is wrong comes before what is not known yet.

    ``checks`` are those of its dataset. Those of its own run count (``run_id``, as checks have it), and those from its
    time on, until before ``next_at``: the time of the first later update of the dataset. ``expectations`` has the
    states of each expectation that the gate names, one for each dataset that counts.
    """
    found = [_states(id_, expectations.get(id_, ())) for id_ in gate.expectations]
    if gate.assertions is not None:
        mine = [
            check
            for check in checks
            if check.run_id == run_id
            or (arrived.event_time <= check.event_time and (next_at is None or check.event_time < next_at))
        ]
        found.insert(0, _checks(gate.assertions, mine, arrived, at))
    for verdict in (Verdict.FAILED, Verdict.AWAITED):
        if wrong := [passed for passed in found if passed.verdict is verdict]:
            return Passed(
                verdict,
                "; ".join(passed.reason for passed in wrong if passed.reason),
                min((passed.until for passed in found if passed.until is not None), default=None),
                tuple(name for passed in wrong for name in passed.failed),
            )
    return OPEN


def _checks(wanted: Assertions, checks: Sequence[Check], arrived: Arrived, at: int) -> Passed:
    """Judge by the newest result of each check. Those that come after ``wait`` still count, when they come."""
    newest: dict[str, Check] = {}
    # Of two at one instant, the one that failed counts.
    for check in sorted(checks, key=lambda check: (check.event_time, not check.success, check.run_id)):
        if counts(wanted, check):
            newest[check.key] = check
    failed = tuple(sorted(check.key for check in newest.values() if not check.success))
    if failed:
        return Passed(
            Verdict.FAILED,
            f"{len(failed)} of {_number(len(newest), 'check')} failed: {', '.join(failed)}",
            failed=failed,
        )
    missing = "; ".join(_missing(wanted, newest))
    if not missing:
        return OPEN
    until = None if wanted.wait is None else arrived.at + wanted.wait
    if until is not None and at >= until:
        return Passed(Verdict.FAILED, f"{missing} in time")
    return Passed(Verdict.AWAITED, missing, until)


def _missing(wanted: Assertions, newest: Mapping[str, Check]) -> Iterator[str]:
    if names := sorted(wanted.names - newest.keys()):
        yield f"no result of {', '.join(names)} has come"
    if len(newest) < wanted.min_count:
        yield f"{len(newest)} of at least {_number(wanted.min_count, 'check')} have come"


def _states(id_: str, states: Sequence[State]) -> Passed:
    wrong = sorted({state.value for state in states if state.violated})
    if wrong:
        return Passed(Verdict.FAILED, f"expectation {id_} is not met: {', '.join(wrong)}", failed=(id_,))
    if not states:
        return Passed(Verdict.AWAITED, f"expectation {id_} has not been looked at")
    if open_ := sorted({state.value for state in states} - GOOD):
        return Passed(Verdict.AWAITED, f"expectation {id_} is not met yet: {', '.join(open_)}")
    return OPEN


def _number(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
