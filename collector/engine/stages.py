"""How far firings and their actions have come, and what follows from that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from collector.storage.firings import Doing, Progress
from triggers.conditions import Stage

LOST_AFTER = 86_400_000_000
"""µs after its start when a run is lost whose end was not heard of, where the rule does not say."""

UNDER_WAY = frozenset({Progress.QUEUED, Progress.STARTED, Progress.RUNNING, Progress.WAITING})

STARTING = (Progress.QUEUED, Progress.STARTED)
GOING_ON = (Progress.STARTED, Progress.RUNNING)

REACHED: Mapping[str, tuple[Stage, ...]] = {
    Progress.STARTED: (Stage.STARTED,),
    Progress.RUNNING: (Stage.STARTED, Stage.RUNNING),
    Progress.COMPLETED: (Stage.STARTED, Stage.RUNNING, Stage.COMPLETED),
    Progress.FAILED: (Stage.STARTED, Stage.RUNNING, Stage.FAILED),
    Progress.LOST: (Stage.STARTED, Stage.LOST),
    Progress.DEAD: (Stage.FAILED,),
}
"""The stages that an action has come to, or passed, by its state."""

OUTCOMES = {"COMPLETE": Progress.COMPLETED, "FAIL": Progress.FAILED, "ABORT": Progress.FAILED}


def deciding(doings: Sequence[Doing]) -> Sequence[Doing]:
    """Give what decides how far a firing has come: what it starts, or where it starts nothing what it tells."""
    return [doing for doing in doings if doing.starts] or doings


def state_of(doings: Sequence[Doing]) -> Progress:
    """Say how far a firing has come."""
    states = {Progress(doing.state) for doing in deciding(doings)}
    if not any(doing.starts for doing in doings):
        # What was only told is done when it has arrived.
        states = {Progress.COMPLETED if each is Progress.STARTED else each for each in states}
    if states & UNDER_WAY:
        return next((each for each in (Progress.RUNNING, Progress.STARTED) if each in states), Progress.FIRED)
    if Progress.LOST in states:
        return Progress.LOST
    return Progress.FAILED if states & {Progress.FAILED, Progress.DEAD} else Progress.COMPLETED
