"""What the people of the shop did about it: took on an alert, silenced others, paused a trigger."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from sqlalchemy import Connection

from collector.demo.model import DAY, HOUR, MINUTE
from collector.demo.story import Story
from collector.storage import alert_reads, silences, trigger_requests
from collector.storage.trigger_requests import Kind
from triggers.alerts import Matcher
from triggers.silences import Silence


class Act(NamedTuple):
    """Something that somebody does at a time (µs UTC)."""

    at: int
    do: Callable[[Connection, int], None]


def acts(story: Story, since: int, until: int) -> Iterator[Act]:
    """Give what is done in ``since <= time < until`` (µs UTC)."""
    look = story.look
    every = (
        Act(look - 6 * DAY - 18 * MINUTE, _take_on),
        Act(look - 4 * DAY + 6 * HOUR, _silence("00d0b1e5a7c1", DOUBLE_ORDERS, 14 * HOUR)),
        Act(look - DAY - 2 * HOUR, _pause),
        Act(look - DAY + 3 * HOUR, _silence("5e1f0c72ad44", NEW_ACCOUNT, 3 * DAY)),
    )
    return (act for act in every if since <= act.at < until)


class _Words(NamedTuple):
    name: str
    author: str
    reason: str


DOUBLE_ORDERS: Final = _Words("shop.staging.stg_orders", "jonas", "orders came twice; the shop has mended it")
NEW_ACCOUNT: Final = _Words("shop.ads.campaigns", "aylin", "we move to another account until the weekend")


def _silence(id_: str, words: _Words, length: int) -> Callable[[Connection, int], None]:
    def do(conn: Connection, now: int) -> None:
        matchers = (Matcher("name", words.name),)
        wanted = Silence(id_, matchers, now, now + length, words.author, words.reason, now)
        silences.put(conn, wanted, None, now)

    return do


def _take_on(conn: Connection, now: int) -> None:
    """Take on what is critical."""
    wanted = alert_reads.Wanted(which="open", severity="critical")
    word = alert_reads.Acknowledgement(now, "maria", "The bank sends late today; I have asked.")
    for found in alert_reads.list_alerts(conn, wanted, alert_reads.EVERYTHING, after=None, limit=10).items:
        alert_reads.acknowledge(conn, found, word)


def _pause(conn: Connection, now: int) -> None:
    why = "the newsletter is sent from the new tool"
    trigger_requests.put(conn, "publish-customers", Kind.PAUSE, None, f"demo-{now}", "anna", why, now)
