"""Whether what has come is as it should be: enough rows, checks that passed, the schema that was agreed on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from statistics import fmean, median

from lineage.changes import schema_change, schema_words
from triggers.facts import Arrival, Check, SchemaSeen
from triggers.model import Anomaly, Assertions, Direction, SchemaUnchanged, Volume
from triggers.verdict import Reason, State, Verdict
from triggers.waiting import Awaited, Step, judge
from triggers.zones import local, zone

MAD_TO_DEVIATION = 1.4826
"""Median absolute deviation to standard deviation, for values that are normally distributed."""

MEAN_TO_DEVIATION = 1.2533
"""Mean absolute deviation to standard deviation; taken where more than half of the values are equal, so that the median
deviation is nothing (Iglewicz and Hoaglin, How to Detect and Handle Outliers, 1993)."""

LEAST_DEVIATION = 0.01
"""Part of the median that a deviation is at least: of a table that always had 1,000 rows, 1,001 are not unusual."""


def judge_rows(volume: Volume, timezone: str, new: Sequence[Arrival]) -> Verdict:
    """Judge the newest update that says how many rows it brought, by those before it."""
    counted = [(arrival, arrival.update.rows) for arrival in new if arrival.update.rows is not None]
    if not counted:
        return Verdict(State.UNKNOWN, Reason("no_rows"))
    newest, rows = counted[-1]
    values = {"rows": rows, "at": newest.at}
    if volume.min_rows is not None and rows < volume.min_rows:
        return Verdict(
            State.FAILED, Reason("too_few_rows", values | {"least": volume.min_rows}), since=newest.at
        )
    anomaly = volume.anomaly
    if anomaly is None:
        return Verdict(State.FRESH, Reason("rows", values), since=newest.at)
    if anomaly.by_weekday:
        values |= {"weekday": _weekday(newest, timezone)}
    others = compared(anomaly, timezone, new)
    if len(others) < anomaly.min_history:
        values |= {"known": len(others), "needed": anomaly.min_history}
        return Verdict(State.LEARNING, Reason("learning_rows", values), since=newest.at)
    low, high = usual(anomaly, others)
    values |= {"low": max(0, round(low)), "high": round(high), "usual": round(median(others))}
    strange = (rows < low and anomaly.direction is not Direction.SPIKE) or (
        rows > high and anomaly.direction is not Direction.DROP
    )
    if strange:
        return Verdict(State.FAILED, Reason("unusual_rows", values), since=newest.at)
    return Verdict(State.FRESH, Reason("usual_rows", values), since=newest.at)


def compared(anomaly: Anomaly, timezone: str, new: Sequence[Arrival]) -> list[int]:
    """Give the numbers of rows by which that of the newest update is judged, at most ``history`` of them."""
    counted = [(arrival, arrival.update.rows) for arrival in new if arrival.update.rows is not None]
    day = _weekday(counted[-1][0], timezone) if anomaly.by_weekday and counted else None
    others = [n for arrival, n in counted[:-1] if day is None or _weekday(arrival, timezone) == day]
    return others[-anomaly.history :]


def usual(anomaly: Anomaly, others: Sequence[int]) -> tuple[float, float]:
    """Give the least and the most that is not unusual after these values."""
    middle = median(others)
    distances = [abs(value - middle) for value in others]
    deviation = MAD_TO_DEVIATION * median(distances) or MEAN_TO_DEVIATION * fmean(distances)
    away = anomaly.sensitivity * max(deviation, LEAST_DEVIATION * abs(middle))
    return middle - away, middle + away


def _weekday(arrival: Arrival, timezone: str) -> int:
    # A job that ends about midnight keeps its day by the nominal time.
    nominal = arrival.update.nominal_at
    day: date = local(arrival.at if nominal is None else nominal, zone(timezone))
    return day.weekday()


def judge_checks(
    condition: Assertions, checks: Sequence[Check], new: Sequence[Arrival], now: int, seen: int
) -> Verdict:
    """Judge by the newest result of each check; with ``wait`` by those of the newest update."""
    counting = [check for check in checks if counts(condition, check)]
    update = new[-1] if condition.wait is not None and new else None
    if update is not None:
        counting = [
            check
            for check in counting
            if check.run_id == update.update.run_id or check.event_time >= update.at
        ]
    newest: dict[str, Check] = {}
    # Of two at one instant, the one that failed counts.
    for check in sorted(set(counting), key=lambda check: (check.event_time, not check.success, check.run_id)):
        newest[check.key] = check
    failed = sorted(check.key for check in newest.values() if not check.success)
    at = max((check.event_time for check in newest.values()), default=None)
    missing = max(condition.min_count - len(newest), 0) + len(condition.names - newest.keys())
    values = {"passed": len(newest) - len(failed), "at": at}
    if failed:
        since = min(check.event_time for check in newest.values() if not check.success)
        return Verdict(State.FAILED, Reason("checks_failed", values | {"failed": failed}), since=since)
    if not missing:
        return Verdict(State.FRESH, Reason("checks_passed", values), since=at)
    if update is None or condition.wait is None:
        return Verdict(State.UNKNOWN, Reason("no_checks", values))
    deadline = update.at + condition.wait
    told = values | {"update": update.at, "deadline": deadline}
    waiting = Verdict(
        State.DUE, Reason("checks_awaited", told), release=update.at, deadline=deadline, since=update.at
    )
    late = Step(deadline, State.LATE, Reason("checks_missing", told))
    return judge(waiting, Awaited(update.at, deadline, (late,)), now, seen)


def counts(condition: Assertions, check: Check) -> bool:
    """Tell whether a check is one of those that are asked for."""
    return (not condition.names or check.key in condition.names) and (
        condition.warnings or not is_warning(check)
    )


def is_warning(check: Check) -> bool:
    """Tell whether a check that fails only warns."""
    return (check.severity or "").lower().startswith("warn")


def judge_schema(condition: SchemaUnchanged, schemas: Sequence[SchemaSeen]) -> Verdict:
    """Judge the schema in force by the one that was at the time agreed on."""
    known = sorted(schemas, key=lambda seen: (seen.at, repr(seen.facet)))
    if not known:
        return Verdict(State.UNKNOWN, Reason("no_schema"))
    agreed = known[0]
    for seen in known:
        if condition.since is not None and seen.at <= condition.since:
            agreed = seen
    current = known[-1]
    change = schema_change(agreed.facet, current.facet)
    values = {"at": current.at, "agreed": agreed.at}
    broken = change.removed or change.retyped or (change.added and not condition.compatible)
    if broken:
        values_and = values | {"change": schema_words(change)}
        return Verdict(State.FAILED, Reason("schema_changed", values_and), since=current.at)
    return Verdict(State.FRESH, Reason("schema_agreed", values), since=current.at)
