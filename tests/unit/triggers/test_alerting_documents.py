"""Targets, routes and matchers as people write them: what each key means, and where a mistake is."""

from __future__ import annotations

from typing import Any

import pytest

from lineage.instants import parse_instant
from tests.unit.triggers.wrong import MINUTE, late
from triggers.alerting_documents import (
    maintenance_of,
    matchers_of,
    owner_targets,
    receivers,
    target_of,
)
from triggers.alerts import Severity, matches
from triggers.documents import alerting_of
from triggers.errors import RuleError
from triggers.maintenance import ForTriggers
from triggers.model import Window
from triggers.routing import Policy, Timing, route
from triggers.rules import NOBODY, Target

PAGER = {"id": "pager", "kind": "pagerduty", "routing_key": "env:PD_KEY"}


def policy(**keys: Any) -> Policy:
    return alerting_of({"timezone": "Europe/Berlin"} | keys)


def at(text: str) -> int:
    return parse_instant(text)[0]


@pytest.mark.parametrize(
    "options",
    [
        {"kind": "apprise", "url": "env:CHAT"},
        {"kind": "apprise", "url": "file:/run/secrets/chat"},
        {"kind": "webhook", "url": "https://bi.example.com/hook?team=a"},
        {"kind": "webhook", "url": "env:HOOK", "secrets": ["env:NEW", "env:OLD"], "headers": {"X-Team": "a"}},
        {"kind": "webhook", "url": "http://10.0.0.1:8080/x", "headers": {"Authorization": "env:AUTH"}},
        {"kind": "pagerduty", "routing_key": "env:PD", "url": "https://events.eu.pagerduty.com"},
        {
            "kind": "email",
            "to": ["a@example.com"],
            "from": "b@example.com",
            "host": "mail",
            "password": "file:p",
        },
        {
            "kind": "prefect",
            "url": "env:PREFECT_API_URL",
            "key": "env:KEY",
            "ui_url": "https://p.example.com",
        },
        {"kind": "airflow", "url": "https://a", "username": "tidegate", "password": "env:PW"},
        {"kind": "airflow", "url": "https://a", "auth": "env:AUTH"},
        {"kind": "airflow", "url": "https://a", "token": "file:/run/secrets/airflow"},
        {"kind": "dagster", "url": "http://localhost:3000"},
        {"kind": "dbt_cloud", "account": 4711, "token": "env:DBT"},
        {"kind": "databricks", "url": "https://acme.cloud.databricks.com", "token": "env:DB"},
        {"kind": "command", "command": ["/bin/run"], "timeout": "2h", "env": ["HOME"]},
        {"kind": "of-my-own", "whatever": {"key": "env:KEY"}, "url": "db://x"},
    ],
)
def test_targets_keep_their_options(options: dict[str, Any]) -> None:
    rest = {key: value for key, value in options.items() if key != "kind"}
    assert target_of({"id": "x"} | options) == Target("x", options["kind"], rest)


@pytest.mark.parametrize(
    ("options", "field", "reason"),
    [
        ({"kind": "apprise", "url": "slack://token"}, "url", "a secret is never written in a rule"),
        ({"kind": "apprise", "url": "env:"}, "url", "never"),
        ({"kind": "apprise", "url": "env:A B"}, "url", "never"),
        ({"kind": "webhook", "url": "https://x", "secrets": ["env:A", "whsec_1"]}, "secrets[1]", "never"),
        ({"kind": "webhook", "url": "https://anna:pw@x"}, "url", "a URL with credentials"),
        ({"kind": "webhook", "url": "https://x/?api_key=1"}, "url", "a URL with credentials"),
        ({"kind": "webhook", "url": "ftp://x"}, "url", "no URL of http"),
        ({"kind": "webhook", "url": "https:///x"}, "url", "no URL of http"),
        ({"kind": "webhook", "url": "https://[x"}, "url", "no URL"),
        ({"kind": "webhook", "url": "https://x", "headers": {"X-Auth": "1"}}, "headers.X-Auth", "never"),
        ({"kind": "pagerduty", "routing_key": "0123"}, "routing_key", "never"),
        ({"kind": "email", "password": "pw"}, "password", "never"),
        ({"kind": "prefect", "url": "https://p", "key": "pnu_1"}, "key", "never"),
        ({"kind": "prefect", "url": "p.example.com"}, "url", "no URL of http"),
        ({"kind": "prefect", "url": "https://p", "ui_url": "https://anna:pw@p"}, "ui_url", "credentials"),
        ({"kind": "airflow", "url": "https://a", "auth": "anna:pw"}, "auth", "never"),
        ({"kind": "airflow", "url": "https://a", "username": "anna"}, "username", "goes with a password"),
        ({"kind": "airflow", "url": "https://a", "password": "env:A"}, "password", "goes with a password"),
        (
            {"kind": "airflow", "url": "https://a", "auth": "env:A", "token": "env:T"},
            "token",
            "does not go together with auth",
        ),
        ({"kind": "dagster", "url": "https://d", "token": "t"}, "token", "never"),
        ({"kind": "dbt_cloud", "account": 1, "token": "t"}, "token", "never"),
        ({"kind": "databricks", "url": "https://d", "token": "t"}, "token", "never"),
        ({"kind": "command", "command": ["a"], "timeout": "soon"}, "timeout", "no duration"),
        ({"id": "owner", "kind": "apprise", "url": "env:A"}, "", "another name"),
        ({"id": "nobody", "kind": "apprise", "url": "env:A"}, "", "another name"),
        ({"id": "owner:team", "kind": "apprise", "url": "env:A"}, "", "another name"),
    ],
)
def test_secrets_are_named_and_never_written(options: dict[str, Any], field: str, reason: str) -> None:
    with pytest.raises(RuleError, match=reason) as caught:
        target_of({"id": "x"} | options)
    assert caught.value.field == field


ORDERS = late(
    "shop.orders", owner="team:shop", tags=frozenset({"tier:1", "domain:shop"}), severity=Severity.CRITICAL
)


@pytest.mark.parametrize(
    ("match", "picks"),
    [
        ({}, True),
        ({"name": "shop.orders"}, True),
        ({"name": "shop.*"}, True),
        ({"name": "shop.order?"}, True),
        ({"name": "shop"}, False),
        ({"name": "shop?orders"}, True),
        ({"name": "=shop.*"}, False),
        ({"name": "= shop.orders"}, True),
        ({"name": "!=shop.orders"}, False),
        ({"name": "=~shop[.](orders|payments)"}, True),
        ({"name": "!~shop.*"}, False),
        ({"tag": "tier:1"}, True),
        ({"tag": ["tier:9", "domain:*"]}, True),
        ({"tag": ["tier:9", "tier:8"]}, False),
        ({"tag": "tier:1", "owner": "team:bi"}, False),
        ({"severity": "critical", "namespace": "w", "rule": "due", "type": "dataset"}, True),
        ({"severity": "!=info"}, True),
        ({"severity": ["info", "warning"]}, False),
    ],
)
def test_what_a_match_takes(match: dict[str, Any], picks: bool) -> None:
    assert matches(matchers_of(match), ORDERS) is picks


@pytest.mark.parametrize(
    ("match", "field", "reason"),
    [
        ({"severity": "page"}, "severity", "no severity: 'page'; there are info, warning, critical"),
        ({"severity": ["info", "page"]}, "severity", "no severity"),
        ({"severity": "!=page"}, "severity", "no severity"),
        ({"name": "=~("}, "name", "no pattern"),
        ({"name": ["a", "=~b"]}, "name[1]", "plain values"),
    ],
)
def test_what_no_match_can_mean(match: dict[str, Any], field: str, reason: str) -> None:
    with pytest.raises(RuleError, match=reason) as caught:
        matchers_of(match)
    assert caught.value.field == field


def test_a_policy_has_the_defaults_that_are_documented() -> None:
    assert policy() == Policy(routes=(), default=NOBODY)
    assert policy().timing == Timing(MINUTE, 5 * MINUTE, 720 * MINUTE)


def test_a_policy() -> None:
    found = policy(
        group_by=["rule"],
        group_wait="0s",
        repeat_interval="4h",
        inhibit={"lineage": {"max_depth": 3, "resume_after": "20m"}},
        routes=[
            {
                "name": "calls",
                "match": {"severity": "critical"},
                "to": ["pager", "owner"],
                "group_interval": "1m",
            },
            {"match": {"affected": True}, "to": ["owner"], "send_resolved": False},
            {"to": ["chat"], "group_by": []},
        ],
        owner_map={"team:shop": "env:SHOP_URL", "team:bi": "chat", "default": "chat"},
    )
    assert (found.group_by, found.depth, found.resume_after) == (("rule",), 3, 20 * MINUTE)
    assert found.timing == Timing(0, 5 * MINUTE, 240 * MINUTE)
    assert (found.default, found.owners) == ("chat", {"team:shop": "owner:team:shop", "team:bi": "chat"})
    calls, affected, rest = found.routes
    assert (calls.name, calls.to, calls.timing) == (
        "calls",
        ("pager", "owner"),
        Timing(0, MINUTE, 240 * MINUTE),
    )
    assert (affected.affected, affected.send_resolved, affected.timing) == (True, False, None)
    assert (rest.group_by, rest.matchers, rest.send_resolved) == ((), (), True)
    assert route(found, ORDERS, affected=False) is calls


def test_the_name_of_a_route_does_not_change_when_others_come_before_it() -> None:
    routes = [
        {"match": {"severity": "critical", "tag": ["a", "b"], "name": "!=x"}, "to": ["pager"]},
        {"match": {"affected": True}, "to": ["chat"]},
        {"match": {"affected": True, "owner": "team:a"}, "to": ["chat"]},
        {"to": ["chat"]},
    ]
    names = [each.name for each in policy(routes=routes).routes]
    assert names == ["severity=critical,tag=a|b,name!=x", "affected", "affected,owner=team:a", "all"]
    assert [each.name for each in policy(routes=routes[1:]).routes] == names[1:]
    long = [{"match": {"name": f"{letter * 200}"}, "to": ["chat"]} for letter in "ab"]
    first, second = (each.name for each in policy(routes=long).routes)
    assert len(first) == len(second) == 100
    assert first != second


def test_a_digest_comes_on_working_days_by_the_clock_of_the_file() -> None:
    calendar = {"id": "de", "valid_until": "2026-12-31"}
    (taking,) = policy(routes=[{"to": ["chat"], "digest": {"at": "09:00", "calendar": calendar}}]).routes
    assert taking.digest is not None
    assert taking.digest(at("2026-11-20T12:00Z")) == at("2026-11-23T08:00Z")  # Friday noon, Monday morning
    assert taking.digest(at("2027-03-01T12:00Z")) == at("2027-03-02T08:00Z")  # past the end of the calendar


@pytest.mark.parametrize(
    ("keys", "field", "reason"),
    [
        ({"group_wait": "x"}, "group_wait", "no duration"),
        ({"group_interval": "0s"}, "group_interval", "a second or more"),
        ({"repeat_interval": "0s"}, "repeat_interval", "a second or more"),
        ({"inhibit": {"lineage": {"resume_after": "x"}}}, "inhibit.lineage.resume_after", "no duration"),
        ({"routes": [{"to": ["a"], "match": {"name": "=~("}}]}, "routes[0].match.name", "no pattern"),
        ({"routes": [{"to": ["a"], "digest": {"at": "9"}}]}, "routes[0].digest.at", "no time of day"),
        ({"routes": [{"to": ["a"], "group_wait": "x"}]}, "routes[0].group_wait", "no duration"),
        ({"routes": [{"to": ["a"]}, {"to": ["b"]}]}, "routes[1]", r"routes\[0\] takes the same alerts"),
        (
            {"routes": [{"to": ["a"], "name": "x", "match": {"tag": "a"}}, {"to": ["b"], "name": "x"}]},
            "routes[1]",
            r"routes\[0\] has the same name",
        ),
    ],
)
def test_a_mistake_is_told_where_it_is(keys: dict[str, Any], field: str, reason: str) -> None:
    with pytest.raises(RuleError, match=reason) as caught:
        policy(**keys)
    assert caught.value.field == field


def test_an_owner_with_a_url_of_its_own_is_a_target() -> None:
    body = {
        "routes": [{"to": ["pager", "owner"]}, {"name": "rest", "to": ["nobody"]}],
        "owner_map": {"team:a": "env:A", "team:b": "chat", "default": "env:REST"},
    }
    assert owner_targets(body) == [
        Target("owner:team:a", "apprise", {"url": "env:A"}),
        Target("owner:default", "apprise", {"url": "env:REST"}),
    ]
    assert receivers(body) == [(("routes", 0, "to", 0), "pager"), (("owner_map", "team:b"), "chat")]
    assert policy(**body).default == "owner:default"


WORK = {"id": "w", "timezone": "Europe/Berlin", "by": "anna", "reason": "upgrade"}
ONCE = {"from": "2026-12-05T22:00", "to": "2026-12-06T04:00+00:00"}


def test_windows() -> None:
    once = maintenance_of(WORK | ONCE | {"match": {"name": "a"}})
    assert once.once == (at("2026-12-05T21:00Z"), at("2026-12-06T04:00Z"))
    assert (once.mutes, once.excludes, once.author, once.reason) == (True, True, "anna", "upgrade")
    assert once.matchers == matchers_of({"name": "a"})
    weekly = maintenance_of(
        WORK
        | {"weekly": {"weekdays": ["sun"], "times": ["01:00-03:00"]}, "alerts": "tell", "slo": "count"}
        | {"expires": "2027-01-01"}
    )
    assert weekly.weekly == (Window(frozenset({6}), 60, 180),)
    assert (weekly.mutes, weekly.excludes, weekly.expires) == (False, False, at("2026-12-31T23:00Z"))
    assert weekly.triggers is ForTriggers.IGNORE
    for each in ForTriggers:
        assert maintenance_of(WORK | ONCE | {"triggers": each.value}).triggers is each
    assert maintenance_of(WORK | ONCE | {"triggers": "ignore", "match": {"tag": "a"}}).matchers
    assert maintenance_of(WORK | {"weekly": {}}).weekly == (Window(frozenset(range(7))),)


@pytest.mark.parametrize(
    ("keys", "field", "reason"),
    [
        ({}, "", "once .* or every week"),
        (ONCE | {"weekly": {}}, "", "once .* or every week"),
        ({"from": "2026-12-05"}, "to", "both from and to"),
        ({"to": "2026-12-05"}, "from", "both from and to"),
        ({"from": "x", "to": "2026-12-05"}, "from", "no time"),
        ({"from": "2026-12-06", "to": "2026-12-05"}, "", "ends after it starts"),
        ({"weekly": {"times": ["x"]}}, "weekly.times", "no hours"),
        ({"weekly": {"weekdays": ["x"]}}, "weekly.weekdays", "no days"),
        ({"weekly": {}, "expires": "x"}, "expires", "no time"),
        (ONCE | {"match": {"name": "=~("}}, "match.name", "no pattern"),
        (ONCE | {"timezone": "x"}, "timezone", "unknown time zone"),
        (
            ONCE | {"match": {"name": "a", "tag": "b"}, "triggers": "hold"},
            "match.tag",
            "nothing that triggers are held by, only namespace, name, rule, type",
        ),
    ],
)
def test_a_window_that_means_nothing(keys: dict[str, Any], field: str, reason: str) -> None:
    with pytest.raises(RuleError, match=reason) as caught:
        maintenance_of(WORK | keys)
    assert caught.value.field == field
