"""What people say about alerts: acknowledgements and silences."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import select

from collector.storage import alert_reads, silences
from collector.storage.tables import alert, outbox
from tests.events import MINUTE, NAMESPACE
from tests.stand import Stand
from triggers.alerts import Matcher
from triggers.silences import Silence

RULES = f"""
version: 1
targets:
  pager: {{kind: pagerduty, routing_key: "env:PD_KEY"}}
  mails: {{kind: apprise, url: "env:CHAT"}}
expectations:
  - {{id: orders, dataset: {{namespace: "{NAMESPACE}", name: orders}}, max_age: 1h, severity: critical}}
alerting:
  group_wait: 0s
  repeat_interval: 1h
  routes: [{{to: [pager, mails]}}]
"""


def late(stand: Callable[..., Stand]) -> Stand:
    here = stand("2026-11-22T06:00Z")
    here.apply(RULES)
    here.run("load", ["orders"])
    here.at("2026-11-22T07:00:01Z")
    assert len(here.messages()) == 2
    return here


def kinds(here: Stand) -> list[tuple[str, str]]:
    with here.database.read() as conn:
        rows = conn.execute(
            select(outbox.c.target_id, outbox.c.kind).order_by(outbox.c.id, outbox.c.target_id)
        )
        return [(row.target_id, row.kind) for row in rows]


def acknowledge(here: Stand) -> None:
    word = alert_reads.Acknowledgement(here.now, "anna", "on it")
    with here.database.write() as conn:
        id_ = conn.execute(select(alert.c.id)).scalar_one()
        found = alert_reads.find_alert(conn, id_, alert_reads.EVERYTHING)
        alert_reads.acknowledge(conn, found, word)


def test_what_is_acknowledged_is_not_repeated_and_the_pager_hears_of_it_once(
    stand: Callable[..., Stand],
) -> None:
    here = late(stand)
    acknowledge(here)
    here.at("2026-11-22T07:02Z")
    assert [kind for kind in kinds(here) if kind[1] == "acknowledgement"] == [("pager", "acknowledgement")]
    here.restart()
    here.at("2026-11-22T09:30Z")
    assert len(here.messages()) == 2
    assert len(kinds(here)) == 3


def test_a_silence_holds_back_what_would_be_told_until_it_ends(stand: Callable[..., Stand]) -> None:
    here = stand("2026-11-22T06:00Z")
    here.apply(RULES)
    here.run("load", ["orders"])
    silence = Silence(
        "s1", (Matcher("name", "orders"),), here.now, here.now + 90 * MINUTE, "anna", "new cluster", here.now
    )
    with here.database.write() as conn:
        silences.put(conn, silence, None, here.now)
    here.at("2026-11-22T07:10Z")
    assert here.states() == {"orders": "late"}
    assert here.messages() == []
    here.at("2026-11-22T07:30:01Z")
    here.at("2026-11-22T07:36Z")
    assert {message.receiver for message in here.messages()} == {"pager", "mails"}
