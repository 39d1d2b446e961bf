"""Times and spans as people read them. The server writes UTC; ``static/times.js`` turns it into the viewer's zone."""

from __future__ import annotations

from typing import Final

from markupsafe import Markup

from collector.times import now_us
from lineage.instants import parse_instant
from triggers.zones import local, zone

SECOND: Final = 1_000_000
MANY_MINUTES: Final = 600
STEPS: Final = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))


def span(seconds: float | None) -> str:
    """Write a span in its two largest units: ``2 h 5 min``, ``3 min 20 s``, ``0.4 s``, ``5 ms``; a dash for None.

    Of many minutes the seconds are left out.
    """
    if seconds is None:
        return "–"
    if 0 < abs(seconds) < 0.1:
        return f"{seconds * 1000:.0f} ms"
    if abs(seconds) < 10:
        return f"{seconds:.1f} s" if seconds % 1 else f"{seconds:.0f} s"
    rest = round(abs(seconds))
    parts: list[str] = []
    for unit, size in STEPS:
        number, rest = divmod(rest, size)
        if number or parts:
            parts.append(f"{number} {unit}" if number else "")
        if len(parts) == 2 or (unit == "min" and abs(seconds) >= MANY_MINUTES):
            break
    return ("−" if seconds < 0 else "") + " ".join(filter(None, parts))


def relative(instant: int, now: int) -> str:
    """Say how far an instant lies from now (both µs UTC): ``42 min ago``, ``in 3 h``."""
    seconds = abs(now - instant) // SECOND
    words = next((f"{seconds // size} {unit}" for unit, size in STEPS if seconds >= size), "0 s")
    return f"in {words}" if instant > now else f"{words} ago"


def wall(text: str | None, timezone: str) -> str:
    """Write an instant (ISO 8601) by the clock on the wall of a time zone, and which: ``08:00 Europe/Berlin``."""
    if text is None:
        return "–"
    return f"{local(parse_instant(text)[0], zone(timezone)):%H:%M} {timezone}"


def time(text: str | None, how: str = "both") -> Markup:
    """Write an instant (ISO 8601) as an element that the viewer's browser puts into its own zone.

    ``how``: ``at`` (day and time), ``clock`` (time alone), ``ago`` (how far from now), or ``both`` of first and last.
    A dash for None.
    """
    if text is None:
        return Markup("–")
    instant = parse_instant(text)[0]
    day, clock = text[:10], text[11:16]
    ago = relative(instant, now_us())
    shown = {"at": f"{day} {clock} UTC", "clock": f"{clock} UTC", "ago": ago}.get(
        how, f"{day} {clock} UTC · {ago}"
    )
    return Markup('<time datetime="{}" data-how="{}" title="{} {} UTC">{}</time>').format(
        # HTML knows no more than three digits of a second.
        f"{text[:23]}Z" if text[19:20] == "." else text,
        how,
        day,
        text[11:19],
        shown,
    )
