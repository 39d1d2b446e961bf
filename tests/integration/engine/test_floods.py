"""When more is wrong than anybody reads."""

from __future__ import annotations

import pytest

from collector.engine import alerting
from tests.events import NAMESPACE
from tests.integration.engine.conftest import MakeStand
from tests.stand import Stand

RULES = f"""
version: 1
targets:
  pager: {{kind: webhook, url: "https://pager.example.org/hook", secrets: ["env:HOOK"]}}
expectations:
  - id: nightly
    dataset: {{namespace: "{NAMESPACE}"}}
    due: {{at: "07:00", accept_from: 12h}}
    grace: {{warn: 0m, late: 20m}}
    severity: warning
  - id: gold
    dataset: {{namespace: "{NAMESPACE}", name: table_4}}
    due: {{at: "07:00", accept_from: 12h}}
    grace: {{warn: 0m, late: 30m}}
    severity: critical
alerting:
  group_by: [name]
  group_wait: 0s
  group_interval: 1m
  routes:
    - {{to: [pager]}}
"""

TABLES = [f"table_{number}" for number in range(5)]


def told(stand: Stand) -> list[str]:
    """Give what the pager takes to be firing."""
    firing: dict[str, list[str]] = {}
    for message in stand.messages():
        firing[message.group] = [item.name for item in message.alerts]
    return sorted(name for names in firing.values() for name in names)


def test_more_alerts_than_can_be_told_wait_until_others_have_ended(
    stand: MakeStand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerting, "MOST", 3)
    made = stand("2026-11-21T06:00Z")
    made.run("load", TABLES)
    made.apply(RULES)
    made.at("2026-11-22T07:10Z")
    made.at("2026-11-22T07:21Z")
    first = told(made)
    assert len(first) == 4
    assert "engine" in first
    assert sum(state == "late" for state in made.states().values()) == 5

    # Those that were told go on being told, whatever comes; a restart changes nothing.
    made.at("2026-11-22T07:31Z")
    made.restart()
    made.at("2026-11-22T07:35Z")
    assert told(made) == first
    waiting = next(message for message in made.messages() if message.alerts[0].name == "engine")
    assert "2 more are open" in waiting.text

    # Places become free: the gravest that waits comes first, and all are told in the end.
    made.run("load_some", [name for name in first if name != "engine"][:1])
    made.at("2026-11-22T07:40Z")
    assert set(told(made)) >= {"table_4", "engine"}
    made.run("load_rest", [name for name in first if name != "engine"][1:])
    made.at("2026-11-22T07:50Z")
    assert set(told(made)) == set(TABLES) - set(first)
