"""Triggers as days go by: what holds them back, gates, deadlines, outages, people, and datasets that change names."""

from __future__ import annotations

import json
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import pytest
from sqlalchemy import select

from collector.storage import aliases
from collector.storage.tables import alert, trigger_state
from lineage.instants import iso
from tests.events import MINUTE, Json, dataset, run_event
from tests.fired import deliver, fired, sent, standing
from tests.integration.engine.conftest import MakeStand
from tests.stand import Stand, instant
from triggers.firings import id_of, manual_key

DB = "db"
DO = [{"id": "go", "notify": "hook"}]


def document(*triggers: Json, **more: Any) -> str:
    """Give rules as JSON, which is YAML; alerts go to a chat at once."""
    hook = {"kind": "webhook", "url": "http://127.0.0.1:9/hook"}
    alerting = {"group_by": ["rule"], "group_wait": "0s", "routes": [{"to": ["chat"]}]}
    body: Json = {"version": 1, "targets": {"hook": hook, "chat": hook}, "alerting": alerting}
    return json.dumps(body | {"triggers": [{"do": DO} | each for each in triggers]} | more)


def source(name: str = "orders", **more: Any) -> Json:
    return {"id": name, "dataset": {"namespace": DB, "name": name}} | more


def one(id_: str = "one", **more: Any) -> Json:
    """Give a trigger that waits for ``orders``."""
    return {"id": id_, "when": source()} | more


def both(**more: Any) -> Json:
    """Give a trigger that waits for ``orders`` and ``payments``."""
    when = {"all": [source(), source("payments")]}
    return {"id": "both", "when": when, "join": {"mode": "latched", "expire": "2d"}} | more


def update(server: Stand, time: str | None = None, name: str = "orders", **facets: Any) -> str:
    """Let a dataset be updated, at a time of this day; give the id of the run."""
    if time is not None:
        server.now = clock(time)
    run_id = str(uuid5(NAMESPACE_OID, f"{name}{server.now}"))
    output = dataset(name, DB, **facets)
    server.take_in([run_event("COMPLETE", server.now, f"load_{name}", run_id, outputs=[output])])
    server.rest()
    return run_id


def checked(server: Stand, success: bool = True, name: str = "orders", check: str = "unique") -> None:
    """Let a run check a dataset now."""
    facet = {"assertions": [{"assertion": check, "success": success, "severity": "error"}]}
    entry = dataset(name, DB, inputFacets={"dataQualityAssertions": facet})
    run_id = str(uuid5(NAMESPACE_OID, f"check{name}{server.now}{check}"))
    server.take_in([run_event("COMPLETE", server.now, "check", run_id, inputs=[entry])])
    server.rest()


def clock(time: str) -> int:
    return instant(f"2026-11-22T{time}Z")


def at(server: Stand, time: str) -> None:
    """Let it become that time of the day; what the engine wrote to the log before is projected meanwhile."""
    server.projector.drain()
    server.until(clock(time))


def down(server: Stand, time: str) -> None:
    """Let nobody look until a time of this day."""
    server.projector.drain()
    server.now = clock(time)
    server.restart()
    server.rest()


def times(server: Stand, trigger: str = "one") -> list[str]:
    """Give when a trigger fired, as it has it, each with how many updates it took; what is skipped in brackets."""
    found = []
    with server.database.read() as conn:
        rows = {row.id: row.at for row in conn.exec_driver_sql("SELECT id, at FROM firing")}
    for each in fired(server.database, trigger):
        text = f"{iso(rows[each.id])[11:16]} {sum(map(len, each.consumed.values()))}"
        found.append(f"({text})" if each.state == "skipped" else text)
    return found


def alerts(server: Stand) -> dict[str, str]:
    """Give the open alerts: rules, and what is told of them."""
    with server.database.read() as conn:
        rows = conn.execute(select(alert).where(alert.c.ends_at.is_(None)))
        return {row.rule: row.text for row in rows if row.rule.startswith("trigger")}


def messages(server: Stand) -> list[tuple[str, str]]:
    """Give what was told of triggers: whether it begins or ends, and the rule."""
    items = ((said.status, item) for said in server.messages() for item in said.alerts or said.resolved)
    return [(status, item.rule) for status, item in items if item.rule.startswith("trigger")]


# --- guards ------------------------------------------------------------------------------------------------------


def test_it_waits_until_nothing_more_comes_but_not_for_ever(stand: MakeStand) -> None:
    server = stand()
    server.apply(document(one(guard={"debounce": {"quiet": "2m", "max_wait": "5m"}})))
    for time in ("06:10", "06:11", "06:12"):
        update(server, time)
    at(server, "06:13")
    assert times(server) == []
    at(server, "06:15")
    assert times(server) == ["06:14 3"]
    for time in ("07:00", "07:01", "07:02", "07:03", "07:04", "07:05"):
        update(server, time)
    at(server, "07:06")
    assert times(server) == ["06:14 3", "07:05 5"]
    at(server, "07:08")
    assert times(server)[-1] == "07:07 1"


def test_it_fires_not_too_soon_again_and_loses_nothing(stand: MakeStand) -> None:
    server = stand()
    server.apply(document(one(guard={"cooldown": "30m"})))
    for time in ("06:10", "06:15", "06:20"):
        update(server, time)
    assert times(server) == ["06:10 1"]
    server.restart()
    at(server, "06:41")
    assert times(server) == ["06:10 1", "06:40 2"]


def test_it_fires_not_before_a_time_of_the_day(stand: MakeStand) -> None:
    server = stand("2026-11-22T03:00Z")
    server.apply(document(one(earliest="06:00", timezone="Europe/Berlin")))
    update(server, "04:30")
    at(server, "04:59")
    assert times(server) == []
    at(server, "05:01")
    assert times(server) == ["05:00 1"]
    update(server, "06:30")
    assert times(server)[-1] == "06:30 1"


def test_it_fires_once_a_tick_with_what_has_come(stand: MakeStand) -> None:
    server = stand()
    server.apply(document(one(schedule="0 * * * *")))
    update(server, "06:10")
    update(server, "06:20")
    at(server, "08:30")
    assert times(server) == ["07:00 2"]
    update(server, "08:40")
    update(server, "08:50")
    at(server, "09:01")
    assert times(server) == ["07:00 2", "08:40 1", "09:00 1"]


WINDOW = {
    "id": "move",
    "from": "2026-11-22T07:00",
    "to": "2026-11-22T09:00",
    "reason": "moving",
    "by": "anna",
}


def test_planned_work_holds_it_back(stand: MakeStand) -> None:
    server = stand()
    server.apply(document(one(), windows=[WINDOW | {"match": {"namespace": DB}, "triggers": "hold"}]))
    update(server, "07:10")
    update(server, "07:20")
    at(server, "08:59")
    assert times(server) == []
    at(server, "09:01")
    assert times(server) == ["09:00 2"]


def test_work_that_is_called_off_holds_nothing_back(stand: MakeStand) -> None:
    server = stand()
    server.apply(document(one(), windows=[WINDOW | {"triggers": "hold"}]))
    update(server, "07:10")
    assert standing(server.database) == {("one", ""): "held"}
    server.now += MINUTE
    server.apply(document(one()))
    assert len(times(server)) == 1


def test_what_comes_during_work_may_not_count(stand: MakeStand) -> None:
    server = stand()
    server.apply(document(one(), windows=[WINDOW | {"match": {"namespace": DB}, "triggers": "drop"}]))
    update(server, "07:10")
    at(server, "09:10")
    assert times(server) == []
    update(server, "09:20")
    assert times(server) == ["09:20 1"]


def test_one_that_fires_too_often_is_stopped_until_somebody_resumes_it(stand: MakeStand) -> None:
    server = stand()
    server.apply(document(one(guard={"max_fires": {"count": 2, "per": "1h"}})))
    for time in ("06:10", "06:20", "06:30", "06:40"):
        update(server, time)
    assert times(server) == ["06:10 1", "06:20 1"]
    assert alerts(server).keys() == {"trigger.breaker"}
    server.restart()
    at(server, "08:00")
    assert len(times(server)) == 2, "time alone does not resume it"
    server.ask("one", "resume")
    assert [each[6:] for each in times(server)] == ["1", "1", "2"]
    assert alerts(server) == {}
    update(server, "08:10")
    assert messages(server) == [("firing", "trigger.breaker"), ("resolved", "trigger.breaker")]
    assert len(times(server)) == 4


def test_what_would_not_fire_yet_anyway_does_not_stop_it(stand: MakeStand) -> None:
    server = stand()
    guard = {"cooldown": "30m", "max_fires": {"count": 2, "per": "50m"}}
    server.apply(document(one(guard=guard)))
    update(server, "06:10")
    update(server, "06:40")
    update(server, "06:50")
    at(server, "07:11")
    assert (times(server), alerts(server)) == (["06:10 1", "06:40 1", "07:10 1"], {})


# --- people ------------------------------------------------------------------------------------------------------


def test_a_pause_holds_all_that_comes(stand: MakeStand) -> None:
    server = stand()
    server.apply(document(one()))
    server.ask("one", "pause")
    update(server, "06:10")
    server.restart()
    update(server, "06:20")
    assert (times(server), standing(server.database)) == ([], {("one", ""): "held"})
    server.ask("one", "resume")
    assert [each[6:] for each in times(server)] == ["2"]
    with server.database.read() as conn:
        row = conn.execute(select(trigger_state)).one()
    assert (row.paused_at, row.paused_by, row.paused_reason) == (None, None, None)


def test_what_has_come_is_given_up_by_a_reset(stand: MakeStand) -> None:
    server = stand()
    server.apply(document(both()))
    update(server, "06:10")
    server.ask("both", "reset")
    assert standing(server.database) == {("both", ""): "idle"}
    update(server, "06:20", "payments")
    assert times(server, "both") == []
    update(server, "06:30")
    assert times(server, "both") == ["06:30 2"]


def test_it_is_fired_by_hand_with_what_is_there(stand: MakeStand) -> None:
    server = stand()
    server.apply(document(both()))
    update(server, "06:10")
    server.ask("both", "pause")
    server.ask("both", "fire", "", nonce="n1")
    server.ask("both", "fire", "", nonce="n1")
    (found,) = fired(server.database)
    assert (found.id, found.cause, found.partial) == (id_of(manual_key("both", "", "n1")), "manual", True)
    assert {id_: len(runs) for id_, runs in found.consumed.items()} == {"orders": 1, "payments": 0}
    server.ask("both", "fire", "", nonce="n2")
    assert len(fired(server.database)) == 2
    deliver(server)
    assert {each.state for each in fired(server.database)} == {"completed"}


@pytest.mark.parametrize("kind", ["fire", "reset", "pause", "resume"])
def test_what_is_asked_of_no_trigger_does_no_harm(stand: MakeStand, kind: str) -> None:
    server = stand()
    server.apply(document(one()))
    server.ask("gone", kind, "" if kind == "fire" else None)
    update(server, "06:10")
    assert len(times(server)) == 1


# --- gates -------------------------------------------------------------------------------------------------------


def gated(**assertions: Any) -> Json:
    return one(when=source(require={"assertions": assertions}))


def test_an_update_counts_when_its_checks_have_passed(stand: MakeStand) -> None:
    server = stand()
    server.apply(document(gated()))
    update(server, "06:10")
    at(server, "06:20")
    assert times(server) == []
    checked(server)
    assert [each[6:] for each in times(server)] == ["1"]
    update(server, "06:30")
    checked(server, name="payments")
    server.now += MINUTE
    assert len(times(server)) == 1, "what was checked is something else"
    checked(server)
    assert len(times(server)) == 2


def test_an_update_whose_checks_failed_is_told_of_once_and_the_next_may_pass(stand: MakeStand) -> None:
    server = stand()
    told = {"notify": "hook", "text": "{{ failed_assertions | join(', ') }} failed on {{ dataset }}"}
    server.apply(document(gated() | {"on_blocked": told}))
    update(server, "06:10")
    server.now += MINUTE
    checked(server, success=False)
    server.restart()
    at(server, "06:30")
    assert (times(server), standing(server.database)) == ([], {("one", ""): "blocked"})
    (body,) = sent(server.database)
    assert body["action"]["text"] == "unique failed on orders"
    update(server, "06:40")
    server.now += MINUTE
    checked(server)
    (found,) = fired(server.database)
    assert [len(runs) for runs in found.consumed.values()] == [2]
    assert len(sent(server.database)) == 2


def test_a_blocked_update_is_an_alert_where_the_rule_tells_nobody(stand: MakeStand) -> None:
    server = stand()
    server.apply(document(gated(wait="30m")))
    update(server, "06:10")
    at(server, "06:39")
    assert (alerts(server), standing(server.database)) == ({}, {("one", ""): "waiting"})
    at(server, "06:41")
    assert standing(server.database) == {("one", ""): "blocked"}
    assert "in time" in alerts(server)["trigger.blocked"]
    checked(server)
    assert (len(times(server)), alerts(server)) == (1, {}), "late, but they came"


def test_two_gates_on_one_update_judge_for_themselves(stand: MakeStand) -> None:
    """Though their inputs have the same id."""
    server = stand()
    volume = {"id": "volume", "dataset": {"namespace": DB, "name": "orders"}}
    volume |= {"metric": {"field": "outputStatistics.rowCount", "min": 1}}
    by_rows = one("rows", when=source(require={"expectation": ["volume"]}))
    server.apply(document(by_rows, gated(), expectations=[volume]))
    update(server, "06:10", outputFacets={"outputStatistics": {"rowCount": 3}})
    assert (len(times(server, "rows")), len(times(server))) == (1, 0)
    checked(server)
    assert (len(times(server, "rows")), len(times(server))) == (1, 1)


def test_an_update_counts_while_its_dataset_is_as_expected(stand: MakeStand) -> None:
    server = stand()
    volume = {"id": "volume", "dataset": {"namespace": DB, "name": "orders"}}
    volume |= {"metric": {"field": "outputStatistics.rowCount", "min": 1}}
    rule = one(when=source(require={"expectation": ["volume"]}))
    server.apply(document(rule, expectations=[volume]))
    update(server, "06:10", outputFacets={"outputStatistics": {"rowCount": 0}})
    assert (times(server), standing(server.database)) == ([], {("one", ""): "blocked"})
    update(server, "06:20", outputFacets={"outputStatistics": {"rowCount": 7}})
    (found,) = fired(server.database)
    assert [len(runs) for runs in found.consumed.values()] == [2]


def test_an_update_that_waits_at_a_gate_finds_its_checks_under_another_name(stand: MakeStand) -> None:
    server = stand()
    server.apply(document(gated()))
    update(server, "06:10")
    same(server, "zzz", "orders", "aaa")
    server.now += MINUTE
    checked(server, name="zzz")
    checked(server, name="aaa", check="not_null")
    assert len(times(server)) == 1


def same(server: Stand, *names: str) -> None:
    """Say that names are one dataset."""
    one = {"to_namespace": DB, "to_name": names[-1]}
    bodies = [{"exact": {"namespace": DB, "name": name, **one}} for name in names[:-1]]
    with server.database.write() as conn:
        aliases.replace(conn, bodies)
    server.projector.drain()
    server.rest()


# --- deadlines ---------------------------------------------------------------------------------------------------


def test_what_is_missing_at_the_deadline_is_told_and_resolved_when_it_comes(stand: MakeStand) -> None:
    server = stand()
    server.apply(document(both(deadline={"after": "1h", "then": "alert"})))
    update(server, "06:10")
    at(server, "07:09")
    assert alerts(server) == {}
    at(server, "07:11")
    server.restart()
    at(server, "07:12")
    assert alerts(server) == {
        "trigger.overdue": "both is not complete by 2026-11-22 07:10. Missing: payments."
    }
    update(server, "07:30", "payments")
    at(server, "07:40")
    assert (times(server, "both"), alerts(server)) == (["07:30 2"], {})
    assert messages(server) == [("firing", "trigger.overdue"), ("resolved", "trigger.overdue")]


@pytest.mark.parametrize(("then", "fires"), [("fire_partial", ["07:10 1"]), ("drop", [])])
def test_or_it_fires_with_what_is_there_or_not_at_all(stand: MakeStand, then: str, fires: list[str]) -> None:
    server = stand()
    server.apply(document(both(deadline={"after": "1h", "then": then})))
    update(server, "06:10")
    at(server, "07:11")
    assert times(server, "both") == fires
    assert [(each.cause, each.partial) for each in fired(server.database)] == [("deadline", True)] * len(
        fires
    )
    update(server, "07:30", "payments")
    assert times(server, "both") == fires
    assert messages(server) == []


def test_an_epoch_for_which_nothing_comes_is_told_of(stand: MakeStand) -> None:
    server = stand("2026-11-22T03:00Z")
    join = {"mode": "epoch", "schedule": "0 4 * * *", "tolerance": "30m"}
    server.apply(document(both(join=join, deadline={"at": "06:00", "then": "alert"})))
    at(server, "05:59")
    assert alerts(server) == {}
    at(server, "06:01")
    assert alerts(server) == {"trigger.overdue": alerts(server)["trigger.overdue"]}
    assert "Missing: orders, payments." in alerts(server)["trigger.overdue"]
    update(server, "06:10")
    assert "Missing: payments." in alerts(server)["trigger.overdue"]
    update(server, "06:20", "payments")
    assert (times(server, "both"), alerts(server)) == (["06:20 2"], {})
    update(server, "06:30")
    update(server, "06:40", "payments")
    assert len(times(server, "both")) == 1, "once a tick"


# --- outages -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "fires"),
    [
        ({}, ["12:00 1"]),
        ({"policy": "all"}, ["10:00 1"]),
        ({"policy": "none"}, ["13:00 1"]),
        ({"policy": "last", "window": "10m"}, ["13:00 1"]),
    ],
    ids=str,
)
def test_ticks_that_nobody_saw_are_made_up_for_as_the_rule_says(
    stand: MakeStand, policy: Json, fires: list[str]
) -> None:
    server = stand("2026-11-22T09:00Z")
    server.apply(document(one(schedule="0 * * * *", catch_up=policy)))
    update(server, "09:50")
    down(server, "12:30")
    at(server, "12:40")
    at(server, "13:01")
    assert times(server) == fires


@pytest.mark.parametrize(
    ("policy", "fires"),
    [
        ("last", ["(10:10 0)", "(11:10 0)", "12:10 0", "13:10 0"]),
        ("all", ["10:10 0", "11:10 0", "12:10 0", "13:10 0"]),
        ("none", ["(10:10 0)", "(11:10 0)", "(12:10 0)", "13:10 0"]),
    ],
)
def test_so_are_epochs(stand: MakeStand, policy: str, fires: list[str]) -> None:
    server = stand("2026-11-22T09:30Z")
    server.apply(
        document(
            both(
                join={"mode": "epoch", "schedule": "0 * * * *"},
                deadline={"after": "10m", "then": "fire_partial"},
                catch_up={"policy": policy},
            )
        )
    )
    down(server, "12:30")
    at(server, "13:11")
    assert times(server, "both") == fires
    assert len(sent(server.database)) == sum(not each.startswith("(") for each in fires)


def test_one_that_was_left_out_holds_no_later_one_back(stand: MakeStand) -> None:
    server = stand("2026-11-22T09:30Z")
    guard = {"max_in_flight": 1, "lost_after": "1h"}
    server.apply(document(one(schedule="0 * * * *", catch_up={"policy": "none"}, guard=guard)))
    update(server, "09:50")
    down(server, "12:30")
    update(server, "12:40")
    at(server, "13:01")
    assert times(server) == ["13:00 2"]


# --- datasets ----------------------------------------------------------------------------------------------------


def test_the_first_update_of_a_dataset_that_a_pattern_names_counts(stand: MakeStand) -> None:
    server = stand()
    server.apply(document(one(when={"id": "marts", "dataset": {"namespace": DB, "name": "mart.*"}})))
    update(server, "06:10", "mart.sales")
    update(server, "06:20", "stock")
    update(server, "06:30", "mart.stock")
    update(server, "06:40", "mart.sales")
    assert times(server) == ["06:10 1", "06:30 1", "06:40 1"]


def test_what_becomes_one_with_an_input_counts_from_then_on(stand: MakeStand) -> None:
    server = stand()
    server.apply(document(both()))
    update(server, "06:10")
    update(server, "06:15", "lake_orders")
    update(server, "06:16", "aaa")
    same(server, "lake_orders", "aaa", "orders")
    assert standing(server.database) == {("both", ""): "waiting"}, "what came before stays"
    update(server, "06:20", "payments")
    assert times(server, "both") == ["06:20 2"]
    update(server, "06:30", "lake_orders")
    update(server, "06:40", "payments")
    assert times(server, "both") == ["06:20 2", "06:40 2"]
    with server.database.write() as conn:
        aliases.replace(conn, [])
    server.projector.drain()
    server.rest()
    update(server, "06:50", "lake_orders")
    update(server, "06:55", "payments")
    assert len(times(server, "both")) == 2


def test_updates_of_no_known_partition_are_counted(stand: MakeStand) -> None:
    server = stand()
    join = {"mode": "partition", "key": {"from": ["nominal_time"], "grain": "day"}}
    server.apply(document(one(join=join)))
    update(server, "06:10")
    update(server, "06:20")
    with server.database.read() as conn:
        row = conn.execute(select(trigger_state)).one()
    assert (row.unkeyed, row.unkeyed_at) == (2, clock("06:20"))
    assert times(server) == []
