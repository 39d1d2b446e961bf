"""What somebody sent that cannot be recorded: there are always some."""

from __future__ import annotations

from typing import Final

from collector.demo.model import DAY, HOUR
from collector.demo.story import Story

LEDGER: Final = (
    b'{"eventType": "COMPLETE", "eventTime": 1795325217, "run": {"runId": "6d2f3a1e-54f0-4b0a-9a63-0d7a1c9e8b55"}, '
    b'"job": {"namespace": "scripts", "name": "ledger_sync"}, "inputs": [], "outputs": '
    b'[{"namespace": "postgres://warehouse.shop.internal:5432", "name": "shop.finance.ledger"}], '
    b'"producer": "https://git.shop.example/scripts"}'
)
"""From somebody's script: the time is a number."""

NAMELESS: Final = (
    b'{"eventType": "START", "eventTime": "2026-10-30T08:12:44Z", "run": '
    b'{"runId": "d1b7a4f2-0c53-4c39-8c0e-5b1f6e7a9d10"}, "job": {"namespace": "scripts"}, "producer": "https://git.shop.example/scripts"}'
)
"""From a template in which the name was empty."""


def bodies(story: Story, since: int, until: int) -> list[tuple[int, bytes]]:
    """Give what was refused in ``since <= received < until`` (µs UTC), and when."""
    sent = (
        (story.look - 9 * DAY - 3 * HOUR, NAMELESS),
        (story.look - 2 * DAY - 5 * HOUR, LEDGER),
        (story.look - 4 * HOUR, LEDGER),
    )
    return [(at, body) for at, body in sent if since <= at < until]
