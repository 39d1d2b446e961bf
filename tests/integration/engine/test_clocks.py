"""Time as it really goes: producers' clocks, outages, events that wait, backfills, two engines, changed rules."""

from __future__ import annotations

from collections.abc import Callable

from tests.events import HOUR, MINUTE, NAMESPACE, run_event
from tests.stand import Stand, instant

RULES = f"""
version: 1
timezone: Europe/Berlin
targets:
  chat: {{kind: webhook, url: "https://chat.example.org/hook", secrets: ["env:HOOK"]}}
expectations:
  - id: orders
    dataset: {{namespace: "{NAMESPACE}", name: orders}}
    due: {{at: "07:00", accept_from: 12h}}
    grace: {{late: 20m}}
alerting:
  group_wait: 0s
  routes: [{{to: [chat]}}]
"""

MakeStand = Callable[..., Stand]


def loaded(stand: MakeStand, **options: int) -> Stand:
    """Give a stand with rules, at 06:00 UTC (07:00 in Berlin), with the data of the day before."""
    here = stand("2026-11-21T05:30Z", **options)
    here.apply(RULES)
    here.run("load", ["orders"])
    here.at("2026-11-21T05:31Z")
    assert here.states() == {"orders": "fresh"}
    return here


def test_a_producer_whose_clock_runs_ahead_makes_nothing_fresh_for_longer(stand: MakeStand) -> None:
    here = loaded(stand)
    here.at("2026-11-21T17:50Z")
    # Ten minutes ahead, its event time would already count for the next release; we know when we heard of it.
    here.run("load", ["orders"], at=here.now + 10 * MINUTE)
    here.at("2026-11-22T06:20:01Z")
    assert here.states() == {"orders": "late"}
    assert [message.title for message in here.messages()] == ["[WARNING] orders is late"]


def test_a_producer_whose_clock_is_behind_loses_no_update(stand: MakeStand) -> None:
    here = loaded(stand)
    here.at("2026-11-22T05:55Z")
    here.run("load", ["orders"], at=here.now - 3 * HOUR)
    here.at("2026-11-22T06:20:01Z")
    assert here.states() == {"orders": "fresh"}
    assert here.messages() == []


def test_data_that_came_in_time_while_we_were_down_is_no_breach(stand: MakeStand) -> None:
    here = loaded(stand, settle=MINUTE)
    here.at("2026-11-22T05:00Z")
    # Down from 05:00; the emitter kept its events and sends them again when we are back at 08:00.
    here.now = instant("2026-11-22T08:00Z")
    here.restart()
    here.rest()
    assert here.states() == {"orders": "fresh"}, "held until the backlog is in"
    here.now += 20_000_000
    here.run("load", ["orders"], at=instant("2026-11-22T05:50Z"))
    here.at("2026-11-22T08:05Z")
    assert here.states() == {"orders": "fresh"}
    (message,) = here.messages()
    assert message.alerts[0].text == (
        "Tidegate took in no events from 2026-11-22 06:00 to 2026-11-22 09:00 (3 h). "
        "Of the deadlines in that time 0 were missed, of which 0 are not told of."
    )


def test_data_that_came_late_while_we_were_down_is_one_alert_with_its_true_lateness(stand: MakeStand) -> None:
    here = loaded(stand, settle=MINUTE, lag=24 * HOUR)
    here.at("2026-11-22T05:00Z")
    here.now = instant("2026-11-22T08:00Z")
    here.restart()
    here.at("2026-11-22T08:02Z")
    assert here.states() == {"orders": "late"}
    (message,) = here.messages()
    assert message.alerts[0].starts == instant("2026-11-22T06:20Z")
    here.run("load", ["orders"], at=instant("2026-11-22T07:20Z"))
    here.at("2026-11-22T08:03Z")
    assert here.states() == {"orders": "recovered"}
    assert ("recovered", "arrived_late") in here.history()
    assert len(here.messages()) == 1


def test_a_rule_may_excuse_what_was_missed_while_we_were_down(stand: MakeStand) -> None:
    here = stand("2026-11-21T05:30Z", settle=MINUTE, lag=240 * HOUR)
    here.apply(RULES.replace("    grace:", "    catch_up: {policy: none}\n    grace:"))
    here.run("load", ["orders"])
    here.at("2026-11-21T05:31Z")
    here.now = instant("2026-11-22T08:00Z")
    here.restart()
    here.at("2026-11-22T08:02Z")
    assert here.states() == {"orders": "late"}
    assert here.messages() == []
    here.restart()
    here.at("2026-11-22T20:00Z")
    assert here.messages() == [], "nor after one more restart"
    here.at("2026-11-23T06:20:01Z")
    assert [message.title for message in here.messages()] == ["[WARNING] orders is late"]


def test_a_rule_may_want_each_release_that_was_missed(stand: MakeStand) -> None:
    here = stand("2026-11-18T05:30Z", settle=MINUTE, lag=240 * HOUR)
    here.apply(RULES.replace("    grace:", "    catch_up: {policy: all}\n    grace:"))
    here.run("load", ["orders"])
    here.at("2026-11-18T05:31Z")
    here.now = instant("2026-11-21T08:00Z")
    here.restart()
    here.at("2026-11-21T08:02Z")
    (message,) = here.messages()
    assert sorted(dict(item.labels)["release"] for item in message.alerts) == [
        "2026-11-19T07:00+01:00",
        "2026-11-20T07:00+01:00",
        "2026-11-21T07:00+01:00",
    ]


def test_absence_is_not_concluded_while_events_wait_and_that_is_told_once(stand: MakeStand) -> None:
    here = loaded(stand)
    here.at("2026-11-22T05:50Z")
    here.take_in([run_event("COMPLETE", here.now, "load", outputs=["orders"])], project=False)
    for minute in range(51, 60):
        here.at(f"2026-11-22T05:{minute}Z")
    here.at("2026-11-22T06:10Z")
    here.at("2026-11-22T06:25Z")
    assert here.states() == {"orders": "fresh"}
    told = [message for message in here.messages() if message.status == "firing"]
    assert [item.rule for message in told for item in message.alerts] == ["engine.lagging"]
    here.projector.drain()
    here.at("2026-11-22T06:31Z")
    assert here.states() == {"orders": "fresh"}
    here.at("2026-11-22T06:40Z")
    assert here.messages()[-1].status == "resolved"
    assert len(here.messages()) == 2


def test_a_backfill_is_recorded_and_refreshes_nothing(stand: MakeStand) -> None:
    here = stand("2026-11-21T05:30Z")
    here.apply(RULES)
    here.run("load", ["orders"], facets={"nominalTime": {"nominalStartTime": "2026-11-20T00:00:00Z"}})
    here.at("2026-11-21T05:31Z")
    here.at("2026-11-22T05:50Z")
    here.run("backfill", ["orders"], facets={"nominalTime": {"nominalStartTime": "2026-10-01T00:00:00Z"}})
    here.at("2026-11-22T06:20:01Z")
    assert here.states() == {"orders": "late"}
    assert "backfill" in here.messages()[0].alerts[0].text or "filled in" in here.messages()[0].alerts[0].text


def test_a_run_that_failed_refreshes_nothing(stand: MakeStand) -> None:
    here = loaded(stand)
    here.at("2026-11-22T05:50Z")
    here.run("load", ["orders"], state="FAIL")
    here.at("2026-11-22T05:55Z")
    here.run("load", ["orders"], state="ABORT")
    here.at("2026-11-22T06:20:01Z")
    assert here.states() == {"orders": "late"}
    assert [item.rule for item in here.messages()[0].alerts] == ["failed_run"]


def test_two_engines_tell_once(stand: MakeStand) -> None:
    here = loaded(stand)
    other = here.another("second")
    here.now = instant("2026-11-22T06:20:01Z")
    assert here.engine.take()
    assert not other.take()
    here.rest()
    here.engine._turn.release()
    # The second one comes to the same decision from the same state, and finds it told.
    assert other.take()
    while other.step():
        pass
    assert len(here.messages()) == 1
    assert len(here.queued()) == 1


def test_an_engine_that_lost_its_turn_writes_nothing(stand: MakeStand) -> None:
    here = loaded(stand)
    other = here.another("second")
    here.now = instant("2026-11-22T06:20:01Z")
    assert here.engine.take()
    here.engine._turn.release()
    assert other.take()
    while other.step():
        pass
    assert len(here.messages()) == 1


def test_changed_rules_keep_the_state_of_the_others(stand: MakeStand) -> None:
    here = loaded(stand)
    here.at("2026-11-22T06:20:01Z")
    assert len(here.messages()) == 1
    more = RULES.replace(
        "alerting:",
        f'  - {{id: more, dataset: {{namespace: "{NAMESPACE}", name: clicks}}, max_age: 1h}}\nalerting:',
    )
    decisions = len(here.history())
    here.apply(more)
    assert len(here.messages()) == 1, "it was told, and still is as it was"
    assert len(here.history()) == decisions
    here.apply(RULES.replace("late: 20m", "late: 3h"))
    assert here.states() == {"orders": "due"}
    here.at("2026-11-22T06:26Z")
    assert [message.status for message in here.messages()] == ["firing", "resolved"]
