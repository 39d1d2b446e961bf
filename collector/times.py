"""Instants at the edge: ISO 8601 in UTC outside, integer microseconds since 1970-01-01 UTC inside."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def now_us() -> int:
    """Read the clock: microseconds since 1970-01-01 UTC."""
    return time.time_ns() // 1000


def iso(instant: int | None) -> str | None:
    """Write an instant as ``2026-11-22T05:00:02.000000Z``; None stays None."""
    if instant is None:
        return None
    # Not strftime: it writes the year 999 with three digits.
    return f"{(EPOCH + timedelta(microseconds=instant)).isoformat(timespec='microseconds')[:-6]}Z"
