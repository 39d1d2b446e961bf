"""What it means, as time goes on, that something has not come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from triggers.verdict import Reason, State, Verdict


class Step(NamedTuple):
    """From this instant on the state is this one, if nothing has come until then."""

    at: int
    state: State
    reason: Reason


def elapsed(start: int, end: int) -> int:
    """Give the time between two instants."""
    return end - start


@dataclass(frozen=True, slots=True)
class Awaited:
    """Something that has not come, and its steps in the order of time. ``lateness`` measures from the deadline."""

    release: int
    deadline: int
    steps: tuple[Step, ...]
    lateness: Callable[[int, int], int] = elapsed


def judge(met: Verdict, awaited: Awaited, now: int, seen: int) -> Verdict:
    """Give ``met`` until the first step is reached, and then what the last step reached says.

    ``seen`` is up to when all that was received has been looked at: only until then is it known that nothing came.
    """
    reached = [step for step in awaited.steps if step.at <= seen]
    coming = next((step.at for step in awaited.steps if step.at > seen), None)
    # As far behind as now, we shall know at that time.
    next_look = None if coming is None else coming + now - seen
    held = coming is not None and coming <= now
    if not reached:
        return Verdict(
            met.state, met.reason, met.release, met.deadline, met.late_by, met.since, next_look, held
        )
    last = reached[-1]
    return Verdict(
        last.state,
        last.reason,
        release=awaited.release,
        deadline=awaited.deadline,
        late_by=awaited.lateness(awaited.deadline, seen) if last.state.violated else None,
        since=last.at,
        next_look=next_look,
        held=held,
    )
