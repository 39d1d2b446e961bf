"""All events of the shop in a span of time, in the order in which they reach the collector."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from collector.demo.emitters import events_of
from collector.demo.model import DAY, HOUR, MINUTE, Flow
from collector.demo.occasions import Occasion, Sent
from collector.demo.stack import FLOWS
from collector.demo.story import Story

LONGEST: Final = 6 * HOUR
"""No run of a flow takes longer."""

LONGEST_LIVE: Final = 15 * MINUTE
"""Nor one of those that run more often while somebody watches."""


def events(
    story: Story, since: int, until: int, *, begun: int | None = None, live: int | None = None
) -> Iterator[Sent]:
    """Give what is received in ``since <= received < until`` (µs UTC); the same arguments give the same events.

    ``begun`` leaves out runs that were to start before; from ``live`` on somebody watches, and what runs every some
    hours runs every some minutes.
    """
    found = [
        sent
        for flow in FLOWS
        for at in _starts(story, flow, since, until, begun, live)
        for sent in events_of(Occasion(story, flow, at))
        if since <= sent.at < until
    ]
    yield from sorted(found, key=lambda sent: sent.at)


def _starts(
    story: Story, flow: Flow, since: int, until: int, begun: int | None, live: int | None
) -> Iterator[int]:
    """Give the times at which a flow is to start, whose events may come in the span."""
    first = since - LONGEST if begun is None else max(begun, since - LONGEST)
    if live is None or flow.live is None:
        yield from _every(flow.every or DAY, _anchor(story, flow), first, until)
        return
    yield from _every(flow.every or DAY, _anchor(story, flow), first, min(live, until))
    yield from _every(flow.live, _anchor(story, flow), max(live, since - LONGEST_LIVE), until)


def _anchor(story: Story, flow: Flow) -> int:
    return flow.offset if flow.at is None else story.look - flow.at * MINUTE


def _every(period: int, anchor: int, since: int, until: int) -> range:
    """Give the times in ``since <= time < until`` that are whole periods from an anchor."""
    return range(since + (anchor - since) % period, until, period)
