"""Triggers as people write them: what each key means, and where a mistake is."""

from __future__ import annotations

from datetime import time
from typing import Any

import pytest

from triggers.calendars import Calendar
from triggers.conditions import (
    Action,
    After,
    AtLeast,
    Blocked,
    Deadline,
    Delivery,
    Gate,
    Guard,
    Input,
    Join,
    Keys,
    Mode,
    Stage,
    Then,
    Trigger,
)
from triggers.documents import Row, ruleset_of
from triggers.errors import RuleError
from triggers.model import Assertions, CatchUp, Grain, KeySource, Selector
from triggers.trigger_documents import input_ids, trigger_of

MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR

ONE: dict[str, Any] = {"dataset": {"name": "x"}}
TWO: dict[str, Any] = {"all": [{"dataset": {"name": "x"}}, {"dataset": {"name": "y"}}]}
START = {"start": "prefect", "deployment": "a/b"}


def trigger(**keys: Any) -> Trigger:
    return trigger_of({"id": "t", "timezone": "Europe/Berlin", "when": ONE} | keys)


def named(name: str, id_: str, **other: Any) -> Input:
    return Input(id_, Selector(name=name), **other)


def test_the_least_that_can_be_written() -> None:
    assert trigger() == Trigger(
        id="t",
        when=AtLeast(1, (named("x", "input-1"),)),
        join=Join(Mode.LEVEL),
        actions=(),
        timezone="Europe/Berlin",
    )


def test_a_trigger_of_which_everything_is_said() -> None:
    found = trigger_of(
        {
            "id": "finance",
            "timezone": "Europe/Berlin",
            "description": "for people",
            "when": {
                "all": [
                    {"id": "orders", "dataset": {"namespace": "pg", "name": "orders"}, "grain": "hour"},
                    {"id": "fx", "dataset": {"name": "raw.fx*"}, "optional": True},
                ]
            },
            "join": {
                "mode": "partition",
                "expire": "3d",
                "key": {"from": ["nominal_time"], "name_pattern": [r"_(\d{8})$", r"\d{6}"], "grain": "day"},
            },
            "earliest": "06:00",
            "schedule": "0 5 * * mon-fri",
            "deadline": {"at": "06:30", "calendar": {"id": "de", "weekend": ["sun"]}, "then": "fire_partial"},
            "guard": {
                "debounce": {"quiet": "2m", "max_wait": "20m"},
                "cooldown": "1h",
                "max_in_flight": 1,
                "lost_after": "4h",
                "max_fires": {"count": 5, "per": "1h"},
                "max_chain": 2,
            },
            "catch_up": {"policy": "all", "window": "6h"},
            "do": [
                {
                    "id": "run",
                    "start": "prefect",
                    "deployment": "finance/nightly",
                    "parameters": {"day": "{{ key }}"},
                    "delivery": "at_most_once",
                    "job": {"namespace": "prefect", "name": "nightly"},
                },
                {"notify": "chat", "text": "{{ key }} is there", "after": "run.completed"},
            ],
        }
    )
    assert found == Trigger(
        id="finance",
        when=AtLeast(
            1,
            (
                Input("orders", Selector("pg", "orders"), grain=Grain.HOUR),
                Input("fx", Selector(pattern="raw.fx*"), optional=True),
            ),
        ),
        join=Join(
            Mode.PARTITION,
            expire=3 * DAY,
            keys=Keys((KeySource.NOMINAL,), Grain.DAY, (r"_(\d{8})$", r"\d{6}")),
        ),
        actions=(
            Action(
                "run",
                "prefect",
                starts=True,
                options={
                    "deployment": "finance/nightly",
                    "parameters": {"day": "{{ key }}"},
                    "job": "nightly",
                },
                delivery=Delivery.AT_MOST_ONCE,
                job=("prefect", "nightly"),
            ),
            Action(
                "chat",
                "chat",
                starts=False,
                options={"text": "{{ key }} is there"},
                after=After("run", Stage.COMPLETED),
            ),
        ),
        timezone="Europe/Berlin",
        earliest=time(6),
        schedule="0 5 * * mon-fri",
        deadline=Deadline(Then.FIRE_PARTIAL, at=time(6, 30), calendar=Calendar("de", frozenset({6}))),
        guard=Guard(2 * MINUTE, 20 * MINUTE, HOUR, 1, 4 * HOUR, 5, HOUR, 2),
        catch_up=CatchUp.ALL,
        catch_up_window=6 * HOUR,
    )


@pytest.mark.parametrize(
    ("when", "made"),
    [
        (TWO, AtLeast(2, (named("x", "input-1"), named("y", "input-2")))),
        ({"any": TWO["all"]}, AtLeast(1, (named("x", "input-1"), named("y", "input-2")))),
        (
            {"n_of": {"count": 2, "of": [*TWO["all"], {"id": "z", "dataset": {"name": "z"}}]}},
            AtLeast(2, (named("x", "input-1"), named("y", "input-2"), named("z", "z"))),
        ),
        (
            # Numbered as they are written, those with a name too, however deep.
            {"any": [{"all": [{"id": "a", "dataset": {"name": "a"}}, ONE]}, {"dataset": {"name": "y"}}]},
            AtLeast(1, (AtLeast(2, (named("a", "a"), named("x", "input-2"))), named("y", "input-3"))),
        ),
        (
            {"all": [ONE, {"dataset": {"name": "y"}, "optional": True}]},
            AtLeast(1, (named("x", "input-1"), named("y", "input-2", optional=True))),
        ),
    ],
)
def test_what_is_waited_for(when: dict[str, Any], made: AtLeast) -> None:
    found = trigger(when=when, join={"mode": "latched", "expire": "1d"})
    assert found.when == made
    assert input_ids({"when": when}) == list(found.inputs)


@pytest.mark.parametrize(
    ("join", "made"),
    [
        ({"mode": "latched", "expire": "12h"}, Join(Mode.LATCHED, expire=12 * HOUR)),
        ({"mode": "window", "within": "10m"}, Join(Mode.WINDOW, within=10 * MINUTE)),
        (
            {"mode": "epoch", "schedule": "0 4 * * *", "tolerance": "30m"},
            Join(Mode.EPOCH, schedule="0 4 * * *", tolerance=30 * MINUTE),
        ),
        ({"mode": "partition", "key": {}}, Join(Mode.PARTITION, keys=Keys())),
        ({"mode": "level", "expire": "1d"}, Join(Mode.LEVEL, expire=DAY)),
    ],
)
def test_how_updates_come_together(join: dict[str, Any], made: Join) -> None:
    assert trigger(when=TWO, join=join).join == made


def test_with_one_input_a_join_needs_no_mode() -> None:
    assert trigger(join={"expire": "1d"}).join == Join(Mode.LEVEL, expire=DAY)


@pytest.mark.parametrize(
    ("require", "gate"),
    [
        ({"assertions": {}}, Gate(Assertions())),
        (
            {"assertions": {"names": ["unique"], "severity": "warn", "min_count": 3, "wait": "30m"}},
            Gate(Assertions(frozenset({"unique"}), True, 3, 30 * MINUTE)),
        ),
        ({"assertions": {"severity": "error", "status": "all_passed"}}, Gate(Assertions())),
        ({"expectation": ["a", "b"]}, Gate(None, ("a", "b"))),
    ],
)
def test_gates(require: dict[str, Any], gate: Gate) -> None:
    blocked = {"notify": "chat", "text": "{{ dataset }} is held back"}
    found = trigger(when=ONE | {"require": require}, on_blocked=blocked)
    assert found.inputs["input-1"].gate == gate
    assert found.on_blocked == Blocked("chat", "{{ dataset }} is held back")


def test_actions_are_known_by_their_target() -> None:
    given = [START, {"id": "prefect-2", **START}, START, {"notify": "chat"}, START | {"id": "x"}]
    assert [action.id for action in trigger(do=given).actions] == [
        "prefect",
        "prefect-2",
        "prefect-3",
        "chat",
        "x",
    ]


def test_a_job_of_dagster_is_named_by_the_way() -> None:
    named, of_graph = trigger(
        do=[{"start": "d", "job": "etl"}, {"start": "d", "job": {"namespace": "n", "name": "etl"}}]
    ).actions
    assert (named.options, named.job) == ({"job": "etl"}, None)
    assert (of_graph.options, of_graph.job) == ({"job": "etl"}, ("n", "etl"))


@pytest.mark.parametrize(
    ("keys", "field", "reason"),
    [
        ({"timezone": "Mars"}, "timezone", "unknown time zone"),
        ({"when": {}}, "when", "one of all, any, n_of, dataset is needed, and only one"),
        ({"when": TWO | ONE}, "when", "only one"),
        ({"when": {"all": [ONE, {"any": [ONE, {}]}]}}, "when.all[1].any[1]", "one of all, any"),
        ({"when": {"all": [ONE, {"dataset": {}}]}}, "when.all[1].dataset", "names nothing"),
        ({"when": {"any": [ONE], "optional": True}}, "when.optional", "of a dataset, not of several"),
        ({"when": ONE | {"optional": True}}, "when.optional", "nothing would be waited for"),
        ({"when": {"all": [ONE | {"optional": True}]}}, "when.all", "nothing would be waited for"),
        (
            {"when": {"n_of": {"count": 3, "of": [ONE, ONE]}}},
            "when.n_of.count",
            "of 2 that are not optional there are never 3",
        ),
        (
            {"when": {"n_of": {"count": 2, "of": [ONE, ONE | {"optional": True}]}}},
            "when.n_of.count",
            "of 1 that are not optional there are never 2",
        ),
        (
            {"when": {"all": [ONE | {"id": "a"}, {"any": [ONE | {"id": "a"}]}]}},
            "when.all[1].any[0].id",
            "there is an input 'a' already",
        ),
        ({"when": {"all": [ONE | {"id": "input-2"}, ONE]}}, "when.all[1].id", "'input-2' already"),
        ({"when": ONE | {"require": {}}}, "when.require", "assertions or expectation"),
        (
            {"when": ONE | {"require": {"assertions": {"wait": "soon"}}}},
            "when.require.assertions.wait",
            "no duration",
        ),
        ({"when": ONE | {"grain": "hour"}}, "when", "only in a join by partition"),
        (
            {"when": ONE | {"grain": "week"}, "join": {"mode": "partition", "key": {"grain": "month"}}},
            "when",
            "not made of whole weeks",
        ),
        ({"when": TWO}, "join", "mode is needed, as there are several inputs: .* latched, window, epoch"),
        ({"when": TWO, "join": {"mode": "latched"}}, "join", "needs expire"),
        ({"join": {"mode": "partition"}}, "join", "needs key"),
        ({"join": {"mode": "latched", "expire": "0s"}}, "join.expire", "more than nothing"),
        (
            {"join": {"mode": "window", "within": "1h", "tolerance": "1m"}},
            "join.tolerance",
            "goes with schedule",
        ),
        (
            {"join": {"mode": "window", "within": "1h", "schedule": "0 4 * * *"}},
            "join.schedule",
            "means nothing",
        ),
        ({"join": {"mode": "epoch", "schedule": "0 4 * *"}}, "join.schedule", "five fields"),
        ({"join": {"mode": "level", "key": {}}}, "join.key", "means nothing in mode level"),
        (
            {"join": {"mode": "partition", "key": {"name_pattern": ["a", "("]}}},
            "join.key.name_pattern[1]",
            "no regular expression: missing \\)",
        ),
        ({"schedule": "0 25 * * *"}, "schedule", "cron"),
        ({"schedule": "0 5 30 2 *"}, "schedule", "Bad day-of-month"),
        ({"earliest": "6"}, "earliest", "no time of day"),
        ({"deadline": {"then": "alert"}}, "deadline", "at a time of day or some time after"),
        (
            {"deadline": {"after": "1h", "calendar": {"id": "c"}, "then": "drop"}},
            "deadline.calendar",
            "time of day",
        ),
        ({"guard": {"max_in_flight": 1}}, "guard.lost_after", "lost_after"),
        (
            {"guard": {"debounce": {"quiet": "2m", "max_wait": "1m"}}},
            "guard.debounce.max_wait",
            "bounds a longer",
        ),
        ({"guard": {"max_fires": {"count": 1, "per": "0s"}}}, "guard.max_fires.per", "more than nothing"),
        ({"catch_up": {"policy": "all"}}, "catch_up", "only what goes by a schedule"),
        ({"on_blocked": {"notify": "chat"}}, "on_blocked", "no input has require"),
        (
            {"when": ONE | {"require": {"expectation": ["a"]}}, "on_blocked": {"notify": "owner"}},
            "on_blocked.notify",
            "'owner' means something in routes only",
        ),
        ({"do": [{"deployment": "a/b"}]}, "do[0]", "start or notify is needed"),
        ({"do": [START | {"notify": "chat"}]}, "do[0]", "only one"),
        ({"do": [{"notify": "nobody"}]}, "do[0].notify", "in routes only"),
        ({"do": [START | {"id": "a"}, START | {"id": "a"}]}, "do[1].id", "there is an action 'a' already"),
        ({"do": [START, {"notify": "chat", "after": "prefect"}]}, "do[1].after", "write ACTION.STAGE"),
        ({"do": [START, {"notify": "chat", "after": "prefect.done"}]}, "do[1].after", "completed, failed"),
        ({"do": [START, {"notify": "chat", "after": "run.failed"}]}, "do[1].after", "no action 'run'"),
        (
            {"do": [{"notify": "chat"}, START | {"after": "chat.completed"}]},
            "do[1].after",
            "wait for started",
        ),
        (
            {"do": [START, {"notify": "chat", "after": "prefect.lost"}]},
            "do[1].after",
            "nothing is lost without",
        ),
    ],
)
def test_what_no_trigger_can_mean(keys: dict[str, Any], field: str, reason: str) -> None:
    with pytest.raises(RuleError, match=reason) as caught:
        trigger(**keys)
    assert caught.value.field == field


def test_triggers_are_among_the_rules() -> None:
    body = {"id": "t", "timezone": "UTC", "when": ONE}
    assert ruleset_of([Row("trigger", "t", body)]).triggers == {"t": trigger_of(body)}
