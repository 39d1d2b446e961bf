"""How often Python looks for garbage in our processes."""

from __future__ import annotations

import gc
from typing import Final

SELDOM: Final = 20_000
"""Objects more than before that make the garbage collector look; Python's usual 700 are three events."""


def look_seldom() -> None:
    """Let the collector look less often. Call it first: a start makes no garbage, and looking takes a fifth of it."""
    gc.set_threshold(SELDOM)


def leave_alone() -> None:
    """Keep the collector from going through all that there is now, such as modules, every some events."""
    gc.collect()
    gc.freeze()
