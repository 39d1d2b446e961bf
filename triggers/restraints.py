"""What else holds a complete join back: planned work, too many firings, and its own effects coming round."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from triggers.alerts import Alert, Severity
from triggers.arrivals import Arrived, ticks
from triggers.conditions import Mode, Trigger
from triggers.firings import longest
from triggers.holds import Hold
from triggers.maintenance import ForTriggers, Maintenance
from triggers.model import CatchUp
from triggers.watermark import Outage

HORIZON: Final = 400 * 86_400_000_000
"""µs ahead in which the end of a window is looked for."""


def held_by_window(
    windows: Iterable[Maintenance], trigger: Trigger, pending: Iterable[Arrived], at: int
) -> Iterator[Hold]:
    """Give the times of planned work that hold a trigger back at an instant (µs UTC), by what has come for it."""
    planned = [each for each in windows if each.triggers is ForTriggers.HOLD]
    for each in planned:
        span = next(each.windows(at, at + HORIZON), None)
        if span is None or span.starts > at:
            continue
        if not each.matchers or any(span.covers(_alert(trigger, arrived), at) for arrived in pending):
            yield Hold("window", span.ends, f"planned work {each.id}: {each.reason}")


def dropped(windows: Iterable[Maintenance], trigger: Trigger, arrived: Arrived) -> bool:
    """Tell whether an update came in a time of planned work that takes it away."""
    planned = [each for each in windows if each.triggers is ForTriggers.DROP]
    return any(each.covers(_alert(trigger, arrived), arrived.at) for each in planned)


def _alert(trigger: Trigger, arrived: Arrived) -> Alert:
    """Make of an update what conditions of windows are about."""
    return Alert(trigger.id, "dataset", arrived.namespace, arrived.name, Severity.INFO, arrived.at)


def looping(trigger: Trigger, pending: Sequence[Arrived]) -> Hold | None:
    """Hold a trigger back whose own firings led to what has come, more often than it may be."""
    chain = longest([pending])
    times = chain.count(trigger.id)
    if times < trigger.guard.max_chain:
        return None
    path = " → ".join((*chain, trigger.id))
    return Hold("loop", None, f"what came was caused by its own firing: {path}")


def too_often(trigger: Trigger, fired: Iterable[int], at: int) -> bool:
    """Tell whether one more firing at an instant would be one too many; ``fired`` are those before (µs UTC)."""
    guard = trigger.guard
    if guard.max_fires is None or guard.per is None:
        return False
    return sum(at - guard.per < each <= at for each in fired) >= guard.max_fires


def missed(trigger: Trigger, at: int, outage: Outage | None, now: int) -> bool:
    """Tell whether a firing whose time was ``at`` is left out ``now`` (µs UTC): nobody looked then.

    Only where time makes it fire. What came while nobody looked was taken in later, and fires on it as ever.
    """
    if trigger.join.mode is not Mode.EPOCH and trigger.schedule is None:
        return False
    if outage is None or not outage.start <= at < outage.end:
        return False
    too_late = trigger.catch_up_window is not None and now - at > trigger.catch_up_window
    if too_late or trigger.catch_up is CatchUp.NONE:
        return True
    following = ticks(trigger).after(at)
    return trigger.catch_up is CatchUp.LAST and following is not None and following <= now
