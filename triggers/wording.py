"""What is expected, in words, for people who do not read rule files."""

from __future__ import annotations

from triggers.model import (
    Assertions,
    BusinessTime,
    Due,
    Expectation,
    MaxAge,
    Objective,
    Roll,
    SchemaUnchanged,
    Volume,
)
from triggers.sentences import duration, moment

ROLLS = {
    Roll.NONE: "days off included",
    Roll.SKIP: "but not on days off",
    Roll.FOLLOWING: "after a day off on the next working day",
    Roll.PRECEDING: "before a day off on the last working day",
}

NAMED = 5
"""Checks that are named; of more it is told how many there are."""


def wording(expectation: Expectation) -> str:
    """Say what is expected, when it is late, and how often it is to be met; times by the expectation's own clock."""
    condition = expectation.condition
    match condition:
        case MaxAge():
            said = [_age(expectation, condition)]
        case Due():
            said = [_due(expectation, condition)]
        case Volume():
            said = [_volume(condition)]
        case Assertions():
            said = [_checks(condition)]
        case SchemaUnchanged():
            said = [_schema(condition, expectation.timezone)]
    if expectation.partition is not None:
        said.append(f"It is met by the partition of its {expectation.partition.grain}, or a later one")
    if expectation.refuse_empty:
        said.append("Updates without rows do not count")
    if expectation.warning is not None:
        said.append(f"It is foretold from {duration(expectation.warning.before)} before the deadline on")
    if expectation.objective is not None:
        said.append(_objective(expectation.objective))
    return f"{'. '.join(said)}."


def percent(share: float) -> str:
    """Write a share with as few digits as tell it: ``99.5 %``."""
    return f"{100 * share:.10g} %"


def _due(expectation: Expectation, due: Due) -> str:
    said = f"New data is there {_times(due)} ({expectation.timezone})"
    if due.calendar is not None and due.business_day is None:
        said += f", {ROLLS[due.on_non_business_day]}"
    return said + _grace(expectation)


def _times(due: Due) -> str:
    if due.at is not None and due.business_day is not None:
        count, end = abs(due.business_day), " from the end" if due.business_day < 0 else ""
        return f"by {due.at:%H:%M} on working day {count}{end} of each month"
    if due.at is not None:
        return f"by {due.at:%H:%M} every day"
    minute, hour, *others = (due.cron or "").split()
    if minute.isdecimal() and hour.isdecimal() and others[:2] == ["*", "*"]:
        days = "every day" if others[2] == "*" else f"on {others[2]}"
        return f"by {int(hour):02}:{int(minute):02} {days}"
    return f"at the times of cron {due.cron}"


def _age(expectation: Expectation, condition: MaxAge) -> str:
    counted = _counted(condition.within, expectation.timezone)
    return f"New data comes within {duration(condition.age)} of the last{counted}{_grace(expectation)}"


def _counted(within: BusinessTime | None, timezone: str) -> str:
    return "" if within is None else f" of the time that counts ({timezone})"


def _grace(expectation: Expectation) -> str:
    late = expectation.grace.late
    return f", and is late {duration(late)} after that" if late else ""


def _volume(condition: Volume) -> str:
    said = []
    if condition.min_rows is not None:
        said.append(f"at least {condition.min_rows:,} row{'' if condition.min_rows == 1 else 's'}")
    if condition.anomaly is not None:
        said.append("as many rows as usual" + (" on that weekday" if condition.anomaly.by_weekday else ""))
    return f"An update brings {' and '.join(said)}"


def _checks(condition: Assertions) -> str:
    names = sorted(condition.names)
    which = "All checks"
    if names:
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        which = f"The checks {', '.join(names[:NAMED])}{more}"
    wait = "" if condition.wait is None else f" within {duration(condition.wait)} of each update"
    return f"{which} pass{wait}"


def _schema(condition: SchemaUnchanged, timezone: str) -> str:
    since = "" if condition.since is None else f" of {moment(condition.since, timezone)}"
    new = ", but for new columns" if condition.compatible else ""
    return f"The schema stays the one{since or ' that was known first'}{new}"


def _objective(objective: Objective) -> str:
    return f"{percent(objective.share)} of the deadlines in {duration(objective.period)} are to be met"
