"""Reasons as sentences, with times by the clock of the reader."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from triggers.model import Grain
from triggers.verdict import Reason
from triggers.zones import local, zone

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

UNITS = (("d", 86_400_000_000), ("h", 3_600_000_000), ("min", 60_000_000), ("s", 1_000_000))

TIMES = frozenset(
    {
        "agreed",
        "at",
        "by",
        "deadline",
        "earliest",
        "expected",
        "last",
        "latest",
        "missed",
        "next",
        "nominal_at",
        "release",
        "update",
    }
)
"""Values that are instants."""

SPANS = frozenset({"age", "late_by", "miss_by", "lag"})
"""Values that are durations."""

SENTENCES = {
    # Nothing to judge by
    "never": "No update has been seen yet.",
    "nothing_new": "Its updates have brought nothing that counts.",
    "never_by": "No update has come by {by}.",
    # Releases
    "first": "The first update came at {at}.",
    "arrived": "The {data} was there at {at}, before the deadline {deadline}.",
    "arrived_late": "The {data} came at {at}, {late_by} after the deadline {deadline}.",
    "expected": "The {data} is not there yet; from {deadline} on it is late. The last update came at {last}.",
    "overdue": "The {data} has not come by {deadline}. The last update came at {last}.",
    "missed": "The {data} has not come, and that of {next} is due too. The last update came at {last}.",
    # Ages
    "updated": "Updated at {last}; from {deadline} on it is late.",
    "updated_late": "Updated at {last}, {late_by} after the deadline {missed}.",
    "aging": "Not updated since {last}, more than {age} ago; from {deadline} on it is late.",
    "stale": "Not updated since {last}; new data was to come within {age}, and by {deadline} at the latest.",
    # Updates that do not count
    "backfill": "The update at {at} does not count: it filled in {what}, older than what was there.",
    "ahead": "The update at {at} does not count: it wrote {what}, which lies too far ahead.",
    "same_version": "The update at {at} does not count: it wrote version {version} again.",
    "empty": "The update at {at} does not count: it brought no rows.",
    # Rows
    "no_rows": "No update has said how many rows it brought.",
    "rows": "{rows} rows came at {at}.",
    "too_few_rows": "Only {rows} rows came at {at}; at least {least} are expected.",
    "learning_rows": "{rows} rows came at {at}; {known} of {needed} updates are known to compare with.",
    "usual_rows": "{rows} rows came at {at}, as usual{weekday}: {low} to {high}.",
    "unusual_rows": "{rows} rows came at {at}; usual{weekday} are {low} to {high}, and {usual} in the middle.",
    # Checks
    "no_checks": "No result of a check is known.",
    "checks_passed": "All checks passed ({passed}), the last at {at}.",
    "checks_failed": "Failed: {failed}.",
    "checks_awaited": "The update at {update} has not been checked yet; from {deadline} on that is late.",
    "checks_missing": "The update at {update} has not been checked by {deadline}.",
    # Schemas
    "no_schema": "No schema is known.",
    "schema_agreed": "The schema is the one agreed on, of {agreed}.",
    "schema_changed": "The schema has changed at {at}: {change}.",
    # What is foretold
    "will_miss": "It will probably miss {clock} by about {miss_by}{cause}.",
    "may_miss": "It may miss {clock}: in {chance} of 100 cases{cause}.",
    "in_time": "It is expected at {expected}, in 9 of 10 cases between {earliest} and {latest}; due is {deadline}.",
    "unknown_jobs": "Nobody can say yet when it will come: no earlier run of {jobs} is known.",
    "too_little_known": "Nobody can say yet when it will come: {runs} runs of a job are known, of {needed} needed.",
    "no_makers": "Nobody can say when it will come: no job is known that brings it regularly.",
    # Rules
    "calendar_ended": "Its calendar has ended, so nobody knows when data is due: extend the calendar in the rules.",
}

CAUSES = {
    "started_late": ": {job} started {lag} late",
    "not_started": ": {job} is {lag} late and has not started",
    "slow": ": {job} takes {lag} longer than usual",
    "failed": ": {job} failed at {at} and has not run again",
}
"""Why something will be late, by ``triggers.predict.Kind``, or because it failed."""


def sentence(reason: Reason, timezone: str) -> str:
    """Write a reason, and what it rests on, in a few sentences."""
    own = SENTENCES[reason.code].format_map(_words(reason.values, timezone))
    return " ".join([own, *(sentence(other, timezone) for other in reason.because)])


def duration(length: int) -> str:
    """Write a duration (µs) in its two largest units: ``1 h 20 min``."""
    parts = []
    for unit, size in UNITS:
        count, length = divmod(length, size)
        parts.append((count, unit))
    while len(parts) > 1 and not parts[0][0]:
        parts.pop(0)
    return " ".join(f"{count} {unit}" for count, unit in parts[:2] if count) or "0 s"


def moment(at: int, timezone: str) -> str:
    """Write an instant (µs UTC) by the clock of a time zone, to the minute."""
    return f"{local(at, zone(timezone)):%Y-%m-%d %H:%M}"


def shortened(words: str, longest: int) -> str:
    """Write a text of any layout on one line, and not more of it than so many characters."""
    line = " ".join(words.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def _words(values: Mapping[str, Any], timezone: str) -> dict[str, str]:
    words = {}
    for name, value in values.items():
        if value is None:
            words[name] = "?"
        elif name in TIMES:
            words[name] = moment(value, timezone)
        elif name in SPANS:
            words[name] = duration(value)
        elif isinstance(value, list):
            words[name] = ", ".join(value)
        elif isinstance(value, int):
            words[name] = f"{value:,}"
        else:
            words[name] = str(value)
    words["weekday"] = f" on a {DAYS[values['weekday']]}" if "weekday" in values else ""
    words["what"] = words.get("partition", "?")
    if words["what"] == "?":
        words["what"] = (
            f"the time {words['nominal_at']}" if values.get("nominal_at") is not None else "a partition"
        )
    words["data"] = f"data of {words.get('release')}"
    if "deadline" in values:
        deadline = local(values["deadline"], zone(timezone))
        words["clock"] = f"{deadline:%A %H:%M}" if values.get("far") else f"{deadline:%H:%M}"
    words["cause"] = CAUSES[values["cause"]].format_map(words) if "cause" in values else ""
    if "grain" in values:
        words["data"] = f"partition {_partition(values['partition'], Grain(values['grain']))}"
    return words


def _partition(begins: str, grain: Grain) -> str:
    formats = {
        Grain.HOUR: "%Y-%m-%d %H:%M",
        Grain.DAY: "%Y-%m-%d",
        Grain.WEEK: "week of %Y-%m-%d",
        Grain.MONTH: "%Y-%m",
    }
    return datetime.fromisoformat(begins).strftime(formats[grain])
