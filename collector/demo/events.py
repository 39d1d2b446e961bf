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


def events(story: Story, since: int, until: int, *, live: bool = False) -> Iterator[Sent]:
    """Give what is received in ``since <= received < until`` (µs UTC); the same arguments give the same events.

    ``live`` is how the shop works while somebody watches: what runs every some hours runs every some minutes.
    """
    found = [
        sent
        for flow in FLOWS
        for at in starts(story, flow, since - LONGEST, until, live=live)
        for sent in events_of(Occasion(story, flow, at))
        if since <= sent.at < until
    ]
    yield from sorted(found, key=lambda sent: sent.at)


def starts(story: Story, flow: Flow, since: int, until: int, *, live: bool) -> Iterator[int]:
    """Give the times in ``since <= time < until`` (µs UTC) at which a flow is to start."""
    every, first = flow.every or DAY, flow.offset
    if flow.at is not None:
        first = story.look - flow.at * MINUTE
    if live and flow.live:
        every = flow.live
    at = since + (first - since) % every
    while at < until:
        yield at
        at += every
