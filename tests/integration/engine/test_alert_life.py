"""The life of an alert: what is told as rules, routes, owners and the world change while it is open."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select

from collector.storage import alert_reads, notes, silences
from collector.storage.tables import alert
from tests.events import MINUTE, NAMESPACE, dataset_event, ref
from tests.stand import Stand, instant
from triggers.alerts import Matcher
from triggers.silences import Silence

MakeStand = Callable[..., Stand]

TARGETS = """
version: 1
targets:
  chat: {kind: webhook, url: "https://chat.example.org/hook", secrets: ["env:HOOK"]}
  pager: {kind: webhook, url: "https://pager.example.org/hook", secrets: ["env:HOOK"]}
"""

ORDERS = f"""
expectations:
  - id: orders
    dataset: {{namespace: "{NAMESPACE}", name: orders}}
    due: {{at: "07:00", accept_from: 12h}}
    grace: {{late: 20m}}
"""

ALERTING = """
alerting:
  group_wait: 0s
  group_interval: 5m
  routes: [{to: [chat]}]
"""

RULES = TARGETS + ORDERS + ALERTING


def bad(stand: MakeStand, rules: str = RULES, **options: int) -> Stand:
    """Give a stand where orders came yesterday, and are late today since a moment."""
    here = stand("2026-11-21T06:30Z", **options)
    here.apply(rules)
    here.run("load", ["orders"])
    here.at("2026-11-21T06:31Z")
    here.at("2026-11-22T07:20:01Z")
    assert here.states()["orders"] == "late"
    return here


def told(here: Stand) -> list[tuple[str, str, list[str], list[str]]]:
    return [
        (m.receiver, m.status, [item.name for item in m.alerts], [item.name for item in m.resolved])
        for m in here.messages()
    ]


def test_each_missed_release_that_was_told_is_not_told_again_after_a_restart(stand: MakeStand) -> None:
    here = bad(stand, RULES.replace("    grace:", "    catch_up: {policy: all}\n    grace:"))
    here.at("2026-11-23T07:20:01Z")
    here.at("2026-11-23T07:26Z")
    before = told(here)
    here.restart()
    for minute in range(27, 40):
        here.at(f"2026-11-23T07:{minute}Z")
    assert told(here) == before


def test_a_rule_that_is_taken_away_ends_its_alert(stand: MakeStand) -> None:
    here = bad(stand)
    here.apply(
        TARGETS + ORDERS.replace("id: orders", "id: other").replace("name: orders", "name: x") + ALERTING
    )
    here.at("2026-11-22T07:26Z")
    assert told(here) == [("chat", "firing", ["orders"], []), ("chat", "resolved", [], ["orders"])]
    assert here.open_alerts() == {}


def test_a_rule_that_comes_back_after_days_tells_again(stand: MakeStand) -> None:
    clicks = ORDERS.replace("expectations:", "").replace("orders", "clicks")
    here = stand("2026-11-21T06:30Z")
    here.apply(RULES)
    here.run("load", ["orders"])
    here.run("click", ["clicks"])
    here.at("2026-11-21T06:31Z")
    here.at("2026-11-22T07:20:01Z")
    here.apply(TARGETS + "expectations:" + clicks + ALERTING)
    here.at("2026-11-22T07:26Z")
    # Two alerts of other datasets later nobody remembers.
    for day in (23, 24, 25):
        here.at(f"2026-11-{day}T06:50Z")
        here.run("click", ["clicks"])
        here.at(f"2026-11-{day}T06:56Z")
        here.at(f"2026-11-{day}T07:26Z")
    here.at("2026-11-26T07:26Z")
    before = len(here.messages())
    here.apply(TARGETS + ORDERS + clicks + ALERTING)
    here.now += MINUTE
    here.rest()
    assert here.states()["orders"] == "missed"
    assert told(here)[before:] == [("chat", "firing", ["orders"], [])]
    assert len(here.queued()) == before + 1


def test_a_failed_run_that_no_route_takes_does_not_hide_what_it_affects(stand: MakeStand) -> None:
    rules = (
        TARGETS
        + ORDERS
        + ALERTING.replace("{to: [chat]}", f'{{match: {{namespace: "{NAMESPACE}"}}, to: [chat]}}')
    )
    here = stand("2026-11-21T06:30Z")
    here.apply(rules)
    here.run("load", ["orders"])
    here.at("2026-11-22T06:30Z")
    here.run("load", ["orders"], state="FAIL")
    here.at("2026-11-22T07:20:01Z")
    (message,) = here.messages()
    assert message.receiver == "chat"
    assert [item.rule for item in message.alerts] == ["failed_run"]
    assert "orders" in message.text


@pytest.fixture
def failing(stand: MakeStand) -> Stand:
    """Give a stand where the job that writes orders fails, half an hour before they are late."""
    here = stand("2026-11-21T06:30Z")
    here.apply(RULES)
    here.run("load", ["orders"])
    here.at("2026-11-22T06:30Z")
    here.run("load", ["orders"], state="FAIL")
    here.rest()
    return here


def silenced(here: Stand, label: str, value: str, ends: str) -> None:
    wanted = Silence("one", (Matcher(label, value),), here.now, instant(ends), "anna", "known", here.now)
    with here.database.write() as conn:
        silences.put(conn, wanted, None, here.now)


def test_what_fails_is_not_told_while_all_that_it_affects_is_silenced(failing: Stand) -> None:
    silenced(failing, "name", "orders", "2026-11-22T08:00Z")
    failing.at("2026-11-22T07:20:01Z")
    failing.at("2026-11-22T07:40Z")
    assert failing.open_alerts().keys() == {"load", "orders"}
    assert failing.messages() == []
    failing.at("2026-11-22T08:00Z")
    failing.at("2026-11-22T08:05Z")
    assert told(failing) == [("chat", "firing", ["load"], [])]


def test_nor_in_a_window_of_what_it_affects(stand: MakeStand) -> None:
    window = f"""
windows:
  - {{id: move, from: "2026-11-22T05:00", to: "2026-11-22T09:00", match: {{namespace: "{NAMESPACE}"}}, alerts: mute,
     reason: moving, by: anna}}
"""
    here = stand("2026-11-21T06:30Z")
    here.apply(RULES + window)
    here.run("load", ["orders"])
    here.at("2026-11-22T06:30Z")
    here.run("load", ["orders"], state="FAIL")
    here.at("2026-11-22T07:20:01Z")
    assert here.open_alerts().keys() == {"load", "orders"}
    here.at("2026-11-22T08:59Z")
    assert here.messages() == []
    here.at("2026-11-22T09:00Z")
    here.at("2026-11-22T09:05Z")
    assert told(here) == [("chat", "firing", ["load"], [])]


def test_what_was_told_before_a_silence_is_resolved_after_it(stand: MakeStand) -> None:
    here = bad(stand)
    assert len(here.messages()) == 1
    silenced(here, "name", "orders", "2026-11-22T08:00Z")
    here.at("2026-11-22T07:30Z")
    assert len(here.messages()) == 1, "a silence ends nothing"
    here.at("2026-11-22T07:40Z")
    here.run("load", ["orders"])
    here.at("2026-11-22T07:46Z")
    assert told(here)[1:] == [("chat", "resolved", [], ["orders"])]


def test_an_alert_that_was_only_silenced_is_not_resolved(stand: MakeStand) -> None:
    here = stand("2026-11-21T06:30Z")
    here.apply(RULES)
    here.run("load", ["orders"])
    here.at("2026-11-22T07:00Z")
    silenced(here, "name", "orders", "2026-11-22T08:00Z")
    here.at("2026-11-22T07:20:01Z")
    here.at("2026-11-22T07:40Z")
    here.run("load", ["orders"])
    here.at("2026-11-22T07:46Z")
    here.at("2026-11-22T08:10Z")
    assert here.messages() == []


def test_a_target_that_is_not_told_any_more_hears_of_the_end(stand: MakeStand) -> None:
    here = bad(stand)
    here.apply(RULES.replace("{to: [chat]}", "{match: {severity: warning}, to: [pager]}"))
    here.at("2026-11-22T07:26Z")
    assert sorted(told(here)[1:]) == [
        ("chat", "resolved", [], ["orders"]),
        ("pager", "firing", ["orders"], []),
    ]


def test_a_dataset_that_is_hidden_while_it_is_late(stand: MakeStand) -> None:
    here = bad(stand, RULES.replace("name: orders", 'name: "ord*"'))
    with here.database.write() as conn:
        notes.hide(conn, [ref("orders").id], here.now)
    here.at("2026-11-22T07:26Z")
    here.at("2026-11-22T07:32Z")
    assert told(here)[1:] == [("chat", "resolved", [], ["orders"])]
    here.run("load", ["orders"])
    here.at("2026-11-22T07:40Z")
    assert here.states() == {"orders": "recovered"}


def test_a_change_of_severity_and_owner_moves_an_open_alert(stand: MakeStand) -> None:
    routes = """
alerting:
  group_wait: 0s
  group_interval: 5m
  routes: [{match: {severity: critical}, to: [pager]}, {match: {owner: "team:sales"}, to: [pager]}, {to: [chat]}]
"""
    here = bad(stand, TARGETS + ORDERS + routes)
    assert [receiver for receiver, *_ in told(here)] == ["chat"]
    here.take_in([dataset_event(here.now, "orders", ownership={"owners": [{"name": "team:sales"}]})])
    here.rest()
    here.at("2026-11-22T07:26Z")
    assert sorted(told(here)[1:]) == [
        ("chat", "resolved", [], ["orders"]),
        ("pager", "firing", ["orders"], []),
    ]


def test_an_alert_is_repeated_but_not_when_somebody_takes_care_of_it(stand: MakeStand) -> None:
    rules = RULES.replace("group_interval: 5m", "group_interval: 5m\n  repeat_interval: 1h")
    here = bad(stand, rules)
    for minute in range(26, 26 + 130, 5):
        here.until(instant("2026-11-22T07:00Z") + minute * MINUTE)
    assert [message.reason for message in here.messages()] == ["first", "repeat", "repeat"]
    with here.database.write() as conn:
        found = conn.execute(select(alert.c.id).where(alert.c.ends_at.is_(None))).scalar_one()
        word = alert_reads.Acknowledgement(here.now, "anna", "")
        alert_reads.acknowledge(conn, alert_reads.find_alert(conn, found, alert_reads.EVERYTHING), word)
    for minute in range(160, 160 + 200, 5):
        here.until(instant("2026-11-22T07:00Z") + minute * MINUTE)
    assert len(here.messages()) == 3
