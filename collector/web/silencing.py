"""The form of a silence: from its fields to what the API takes, and back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from werkzeug.datastructures import MultiDict

from collector.errors import FieldError, Unprocessable

OPERATORS: Final = {
    "=": (False, False),
    "!=": (False, True),
    "=~": (True, False),
    "!~": (True, True),
}
"""As Alertmanager writes them: (a pattern, not so)."""

WORDS: Final = {"=": "is", "!=": "is not", "=~": "matches", "!~": "does not match"}

HOURS: Final = {"1h": 1, "4h": 4, "24h": 24}
MORNING: Final = time(8)
"""When people are back who are silent until tomorrow."""
UNTILS: Final = {
    "1h": "for 1 hour",
    "4h": "for 4 hours",
    "24h": "for a day",
    "tomorrow": "until tomorrow, 08:00",
    "at": "until",
}

EMPTY_ROWS: Final = 2
"""Rows for more conditions: a page adds none without script."""

ROW: Final = {"label": "", "op": "=", "value": ""}


def matchers(form: MultiDict[str, str]) -> list[dict[str, Any]]:
    """Read the conditions; rows without a value say nothing."""
    rows = zip(form.getlist("label"), form.getlist("op"), form.getlist("value"), strict=False)
    return [
        {"label": label, "value": value, "regex": regex, "negative": negative}
        for label, op, value in rows
        if value.strip() and label
        for regex, negative in [OPERATORS.get(op, (False, False))]
    ]


def rows(found: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Write conditions as rows of the form, and some empty ones."""
    filled = [{"label": each["label"], "op": operator(each), "value": each["value"]} for each in found]
    return [*filled, *([ROW] * EMPTY_ROWS)]


def operator(matcher: Mapping[str, Any]) -> str:
    """Give the sign of a condition."""
    sign = (matcher["regex"], matcher["negative"])
    return next(op for op, known in OPERATORS.items() if known == sign)


def body(form: MultiDict[str, str], now: datetime) -> dict[str, Any]:
    """Read what the API takes to make, or change, a silence (``now`` in UTC). Raises ``Unprocessable``."""
    found: dict[str, Any] = {
        "matchers": matchers(form),
        "ends_at": _ends(form, now).isoformat(),
        "reason": form.get("reason", "").strip(),
    }
    if form.get("starts_at"):
        found["starts_at"] = _moment(form["starts_at"], _zone(form), "starts_at").isoformat()
    if form.get("id"):
        found["id"] = form["id"]
    return found


def _ends(form: MultiDict[str, str], now: datetime) -> datetime:
    until, zone = form.get("until", ""), _zone(form)
    if until in HOURS:
        return now + timedelta(hours=HOURS[until])
    if until == "tomorrow":
        day = now.astimezone(zone).date() + timedelta(days=1)
        return datetime.combine(day, MORNING, zone).astimezone(UTC)
    return _moment(form.get("ends_at", ""), zone, "ends_at")


def _zone(form: MultiDict[str, str]) -> ZoneInfo:
    try:
        return ZoneInfo(form.get("zone") or "UTC")
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise _wrong("zone", "Not a time zone.") from error


def _moment(text: str, zone: ZoneInfo, name: str) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise _wrong(name, "Not a time: choose a day and a time.") from error


def _wrong(name: str, reason: str) -> Unprocessable:
    return Unprocessable(reason, errors=(FieldError(name, reason),))
