"""The clock, and how instants are written at the edge: ISO 8601 in UTC, inside they are integer µs since 1970-01-01."""

from __future__ import annotations

import time

from lineage.instants import EPOCH, iso

__all__ = ["EPOCH", "iso", "now_us"]


def now_us() -> int:
    """Read the clock: microseconds since 1970-01-01 UTC."""
    return time.time_ns() // 1000
