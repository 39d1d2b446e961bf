"""Instants at the edge: ISO 8601 in UTC outside, integer microseconds since 1970-01-01 UTC inside."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import overload

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def now_us() -> int:
    """Read the clock: microseconds since 1970-01-01 UTC."""
    return time.time_ns() // 1000


@overload
def iso(instant: int) -> str: ...


@overload
def iso(instant: None) -> None: ...


@overload
def iso(instant: int | None) -> str | None: ...


def iso(instant: int | None) -> str | None:
    """Write an instant as ``2026-11-22T05:00:02.000000Z``; None stays None."""
    if instant is None:
        return None
    # A long list has thousands of them, most of few minutes.
    minute, rest = divmod(instant, 60_000_000)
    seconds, fraction = divmod(rest, 1_000_000)
    return f"{_minute(minute)}:{seconds:02}.{fraction:06}Z"


@lru_cache(maxsize=4096)
def _minute(number: int) -> str:
    # Not strftime: it writes the year 999 with three digits.
    return (EPOCH + timedelta(minutes=number)).isoformat(timespec="minutes")[:-6]
