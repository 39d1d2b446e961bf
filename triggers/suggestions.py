"""Expectations that history suggests: for people to review, not to be believed.

Of a dataset that is updated at some time of the day, a deadline by which nearly all of its updates had come; of others,
an age that nearly none of its pauses exceeded; and where it is told how many rows come, how many are usual.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from statistics import median
from typing import Any, Final

from lineage.runs import Update
from triggers import business_time
from triggers.cadence import DAY_MINUTES, MINUTE, STEP, Cadence, Rhythm, cadence
from triggers.documents import expectation_of
from triggers.facts import Arrival, arrivals, sift
from triggers.habits import quantile
from triggers.model import Anomaly, BusinessTime, Expectation, MaxAge, Selector
from triggers.notation import DAYS as NAMES
from triggers.notation import EVERY_DAY, weekdays, windows
from triggers.parts import Body
from triggers.quality import usual
from triggers.sentences import DAYS, duration

DEADLINE = 0.95
"""Share of updates that have come by the suggested time."""

AGE = 0.99
"""Share of pauses that are not longer than the suggested age."""

MIN_RUNS = 14
"""Updates from which on a rhythm is believed; of what comes monthly, fewer."""

MIN_MONTHS = 4

LEAST_GRACE = 15
"""Minutes."""

STEADY = 0.8
"""Share of updates that tell how many rows they brought, from which on rows are judged."""

FALSE = 0.01
"""Share of past updates that a rule may call unusual; one of them it always may."""

COMPARED = (30, 10)
"""Updates that rows are compared with, and from how many on: of few, the usual range is a matter of luck."""

SENSITIVITIES = (4.0, 5.0, 6.0, 8.0, 10.0)
"""Tried in order until few of the past updates are unusual."""

LONGEST_ID = 150

WORKING_DAYS: Final[Body] = {"id": "working-days", "weekend": ["sat", "sun"]}
"""Of holidays history knows nothing."""

QUIET = 180
"""Minutes of every night without an update, from which on only the other hours count."""


@dataclass(frozen=True, slots=True)
class Past:
    """A dataset and what is known of its updates."""

    namespace: str
    name: str
    updates: Sequence[Update]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The body of an expectation, as ``triggers.documents`` reads it, and what speaks for it, in sentences."""

    body: Body
    evidence: tuple[str, ...]

    @property
    def expectation(self) -> Expectation:
        return expectation_of(self.body)


def suggest(pasts: Iterable[Past], timezone: str, min_runs: int = MIN_RUNS) -> list[Suggestion]:
    """Give what the past of datasets suggests, by the clock of a time zone; nothing of those updated too seldom.

    Ids are made from names, and are the same each time.
    """
    known = sorted(pasts, key=lambda past: (past.name, past.namespace))
    slugs = Counter(_slug(past.name) for past in known)
    found: list[Suggestion] = []
    for past in known:
        slug = _slug(past.name)
        if slugs[slug] > 1:
            slug = f"{slug}-{sha256(repr((past.namespace, past.name)).encode()).hexdigest()[:6]}"
        found += _of(past, slug, timezone, min_runs)
    return found


def _of(past: Past, slug: str, timezone: str, min_runs: int) -> Iterator[Suggestion]:
    if any(char in past.name + past.namespace for char in "*?"):
        return  # in a rule it would be a pattern
    bare = Expectation(id=slug, selector=Selector(past.namespace, past.name), condition=MaxAge(1))
    new, _ = sift(bare, arrivals(bare, past.updates))
    if len(new) < min(min_runs, MIN_MONTHS) or len(new) < 2:
        return
    body = {"id": slug, "dataset": {"namespace": past.namespace, "name": past.name}, "timezone": timezone}
    found = cadence([arrival.at for arrival in new], timezone)
    monthly = found.rhythm in (Rhythm.BUSINESS_DAY, Rhythm.MONTH_DAY)
    if len(new) >= (min(min_runs, MIN_MONTHS) if monthly else min_runs):
        yield (_age if found.rhythm in (Rhythm.OFTEN, Rhythm.IRREGULAR) else _due)(body, found)
    if len(new) >= min_runs and (rows := _rows(body, new)):
        yield rows


# --- deadlines -------------------------------------------------------------------------------------------------


def _due(body: Body, found: Cadence) -> Suggestion:
    minutes = found.minutes
    by = _up(quantile(minutes, DEADLINE) + 1, STEP)
    slowest = max(quantile(each, DEADLINE) + 1 for each in found.by_weekday().values())
    spread = quantile(minutes, DEADLINE) - quantile(minutes, 0.5)
    grace = max(LEAST_GRACE, _up(max(spread, slowest - by), STEP))
    clock, later = found.clock(by)
    if later and found.rhythm in (Rhythm.BUSINESS_DAY, Rhythm.MONTH_DAY):
        # Past midnight the day has another number, and of business days nobody knows which.
        grace, clock, later = grace + clock + 1, DAY_MINUTES - 1, 0
    hour, minute = divmod(clock, 60)
    early = by - quantile(minutes, 1 - AGE) + max(spread, 60)
    due: dict[str, Any]
    match found.rhythm:
        case Rhythm.DAILY:
            due = {"at": f"{hour:02}:{minute:02}"}
        case Rhythm.BUSINESS_DAY:
            due = {
                "at": f"{hour:02}:{minute:02}",
                "monthly_business_day": min(found.days),
                "calendar": WORKING_DAYS,
            }
        case Rhythm.MONTH_DAY:
            due = {"cron": f"{minute} {hour} {min(found.days)} * *"}
        case _:
            due = {"cron": f"{minute} {hour} * * {_cron_days((day + later) % 7 for day in found.days)}"}
    due["accept_from"] = _written(min(_up(early, 60), DAY_MINUTES) * MINUTE)
    body = {**body, "id": f"{body['id']}-due", "due": due, "grace": {"late": _written(grace * MINUTE)}}
    return Suggestion(body, tuple(_evidence(found, by, f"{hour:02}:{minute:02}")))


def _evidence(found: Cadence, by: int, at: str) -> Iterator[str]:
    minutes = found.minutes
    share = quantile(minutes, DEADLINE)
    in_time = sum(minute < by for minute in minutes)
    yield f"comes {_rhythm(found)}: {in_time} of {len(minutes)} by {at}"
    yield (
        f"half by {_clock(found, quantile(minutes, 0.5))}, 95 % by {_clock(found, share)}, "
        f"the last at {_clock(found, minutes[-1])}"
    )
    by_day = {day: quantile(each, DEADLINE) for day, each in found.by_weekday().items() if len(each) > 1}
    slowest = max(by_day, key=lambda day: by_day[day], default=0)
    if by_day.get(slowest, 0) > share:
        yield f"the latest are those of {DAYS[slowest]}: 95 % by {_clock(found, by_day[slowest])}"


def _rhythm(found: Cadence) -> str:
    match found.rhythm:
        case Rhythm.DAILY:
            return "every day"
        case Rhythm.WEEKDAYS:
            return "from Monday to Friday"
        case Rhythm.BUSINESS_DAY:
            number = min(found.days)
            return (
                f"on business day {number} of the month" if number > 0 else f"{-number} from the month's end"
            )
        case Rhythm.MONTH_DAY:
            return f"on day {min(found.days)} of the month"
        case _:
            return "every " + " and ".join(DAYS[day] for day in sorted(found.days))


def _clock(found: Cadence, minute: int) -> str:
    clock, later = found.clock(minute)
    return "{:02}:{:02}".format(*divmod(clock, 60)) + (f" ({later:+} d)" if later else "")


def _cron_days(days: Iterable[int]) -> str:
    """Write days of the week as cron counts them: Sunday is 0."""
    numbers = sorted((day + 1) % 7 for day in days)
    if len(numbers) > 2 and numbers[-1] - numbers[0] == len(numbers) - 1:
        return f"{numbers[0]}-{numbers[-1]}"
    return ",".join(map(str, numbers))


def _up(value: int, step: int) -> int:
    return -(-value // step) * step


# --- ages ------------------------------------------------------------------------------------------------------


def _age(body: Body, found: Cadence) -> Suggestion:
    within = _hours(found) if found.rhythm is Rhythm.OFTEN else None
    pauses: Sequence[int] = found.pauses
    max_age: dict[str, Any] = {}
    evidence = []
    if within is not None:
        counted, timezone = _within(within), found.timezone
        pauses = sorted(business_time.between(counted, timezone, *pair) for pair in pairwise(found.arrivals))
        max_age["within"] = within
        evidence.append("only the days and hours in which it is always updated count")
    middle, long = quantile(pauses, 0.5), quantile(pauses, AGE)
    age = _round(max(long, 1))
    max_age = {"warn": _written(age), "late": _written(age + _round(max(age // 2, long - middle))), **max_age}
    evidence.insert(
        0,
        f"{len(pauses)} pauses: {duration(middle)} in the middle, 99 % at most {duration(long)}, "
        f"the longest {duration(pauses[-1])}",
    )
    return Suggestion({**body, "id": f"{body['id']}-age", "max_age": max_age}, tuple(evidence))


def _hours(found: Cadence) -> dict[str, Any] | None:
    """Give the hours in which updates come on every day of theirs, if there are nights or days without."""
    days = {} if found.days == frozenset(range(7)) else {"weekdays": _days(found.days)}
    start = _up(quantile(found.minutes, DEADLINE) + 1, STEP) + found.break_at
    end = quantile(sorted(cycle.last for cycle in found.cycles), 1 - DEADLINE) // STEP * STEP + found.break_at
    quiet = DAY_MINUTES - (end - start)
    often = quantile(found.pauses, 0.5) // MINUTE
    if (
        quiet >= max(QUIET, 4 * often)
        and end - start > 2 * often
        and start // DAY_MINUTES == end // DAY_MINUTES
    ):
        times = [divmod(minute % DAY_MINUTES, 60) for minute in (start, end)]
        return {**days, "times": ["-".join(f"{hour:02}:{minute:02}" for hour, minute in times)]}
    return days or None


def _within(body: Body) -> BusinessTime:
    days = weekdays(",".join(body["weekdays"])) if "weekdays" in body else EVERY_DAY
    return BusinessTime(windows(days, tuple(body.get("times", ()))))


def _days(days: Iterable[int]) -> list[str]:
    return [NAMES[day] for day in sorted(days)]


def _round(length: int) -> int:
    """Round up a duration (µs) as people would write it."""
    for step, below in ((1, 15), (5, 60), (15, 240), (60, 2880), (1440, 10**9)):
        minutes = _up(_up(length, MINUTE) // MINUTE, step)
        if minutes <= below:
            return minutes * MINUTE
    raise AssertionError("nothing is longer")


# --- rows ------------------------------------------------------------------------------------------------------


def _rows(body: Body, new: Sequence[Arrival]) -> Suggestion | None:
    rows = [arrival.update.rows for arrival in new if arrival.update.rows is not None]
    if len(rows) < STEADY * len(new) or median(rows) < 1:
        return None
    told = f"{len(rows)} of {len(new)} updates tell of rows"
    evidence = [f"{told}: {min(rows):,} to {max(rows):,}, {round(median(rows)):,} in the middle"]
    metric: dict[str, Any] = {"field": "outputStatistics.rowCount"}
    if min(rows) > 0:
        metric["min"] = 1
    anomaly, strange = _anomaly(rows)
    if anomaly is not None:
        metric["anomaly"] = {
            "sensitivity": anomaly.sensitivity,
            "seasonality": "none",
            "history": anomaly.history,
            "min_history": anomaly.min_history,
        }
        evidence.append(f"with this sensitivity, {strange} of them would have been unusual")
    if len(metric) < 2:
        return None
    return Suggestion({**body, "id": f"{body['id']}-rows", "metric": metric}, tuple(evidence))


def _anomaly(rows: Sequence[int]) -> tuple[Anomaly | None, int]:
    """Give the least sensitive idea of what is unusual by which few of the past updates were."""
    for sensitivity in SENSITIVITIES:
        anomaly = Anomaly(sensitivity, *COMPARED, by_weekday=False)
        strange = 0
        for place in range(anomaly.min_history, len(rows)):
            low, high = usual(anomaly, rows[max(0, place - anomaly.history) : place])
            strange += not low <= rows[place] <= high
        if strange <= max(1, FALSE * len(rows)):
            return anomaly, strange
    return None, 0


def _written(length: int) -> str:
    """Write a duration (µs, whole minutes) as rules do."""
    minutes = length // MINUTE
    parts = [(minutes // 60, "h"), (minutes % 60, "m")]
    return "".join(f"{number}{unit}" for number, unit in parts if number) or "0m"


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9_.-]+", "-", name.lower()).strip("-.")[:LONGEST_ID] or "dataset"
