"""The share of deadlines met: by dataset, owner, expectation and tag, with the error budget."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient

from collector.cli import main
from collector.storage import keys
from collector.storage.outcomes import reexclude
from collector.storage.rules import rules
from collector.times import iso
from tests.accounts import DAY, history, nobody
from tests.catalog import NOON
from tests.integration.api.conftest import Get, Writing
from tests.watched import Watched
from triggers.alerts import Matcher
from triggers.maintenance import Maintenance

SPAN = {"since": iso(NOON - 100 * DAY), "until": iso(NOON)}
LAST = NOON - DAY // 4


@pytest.fixture(autouse=True)
def a_month(writing: Writing, time_machine: Any) -> None:
    """Write the account of some datasets; it is noon."""
    time_machine.move_to(NOON / 1e6, tick=False)
    with writing() as catalog:
        owner = {"owners": [{"name": "team:shop"}, {"name": "anna"}]}
        catalog.facet(catalog.dataset("orders"), "ownership", owner)
        catalog.facet(catalog.dataset("customers"), "ownership", {"owners": [{"name": "anna"}]})
        catalog.facet(catalog.dataset("orders", "private"), "tags", {"tags": [{"key": "pii"}]})
        watched = Watched(catalog.conn)
        watched.expect("daily", due={"at": "07:00"}, slo={"share": 0.9, "period": "P10D"})
        watched.expect("loose")
        history(catalog.conn, "daily", "orders", LAST, "-" * 5 + "+" * 7 + "-+-")
        history(catalog.conn, "daily", "customers", LAST, "+" * 20)
        history(catalog.conn, "loose", "customers", LAST, "-+")
        history(catalog.conn, "daily", "orders", LAST, "--", namespace="private")


def shown(answer: Any) -> list[tuple[Any, ...]]:
    return [(each["who"], each["met"], each["deadlines"]) for each in answer["items"]]


def test_by_dataset_over_the_period_of_the_objective(get: Get) -> None:
    answer = get("/slo", namespace="shop")
    orders, customers = answer["items"]
    assert orders == {
        "who": "dataset:shop:orders",
        "since": iso(NOON - 10 * DAY),
        "deadlines": 10,
        "met": 8,
        "excluded": 0,
        "share": 0.8,
        "objective": 0.9,
        "budget": {
            "allowed": 1.0,
            "missed": 2,
            "left": -1.0,
            "left_share": -1.0,
            "burned": 2.0,
            # Of the one that was allowed nothing is left since the first one that was missed.
            "exhausted_at": iso(LAST - 2 * DAY),
        },
    }
    # Two expectations, one of them without an objective: its deadlines count, but not in the budget.
    assert (customers["met"], customers["deadlines"], customers["objective"]) == (11, 12, None)
    assert customers["budget"]["left"] == customers["budget"]["allowed"] == 1.0
    assert customers["since"] == iso(NOON - 30 * DAY)


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        (
            "dataset",
            [
                ("dataset:private:orders", 0, 2),
                ("dataset:shop:orders", 8, 15),
                ("dataset:shop:customers", 21, 22),
            ],
        ),
        ("owner", [(None, 0, 2), ("team:shop", 8, 15), ("anna", 29, 37)]),
        ("expectation", [("loose", 1, 2), ("daily", 28, 37)]),
        ("tag", [("pii", 0, 2), (None, 29, 37)]),
    ],
)  # fmt: skip
def test_groups_the_worst_first(get: Get, group: str, expected: list[tuple[Any, ...]]) -> None:
    assert shown(get("/slo", group=group, **SPAN)) == expected


def test_a_period_of_the_calendar_and_one_expectation(get: Get) -> None:
    # 2026-11-22 is a Sunday.
    for period, days in (("day", 1), ("week", 7), ("month", 20), ("quarter", 20)):
        answer = get("/slo", period=period, expectation="daily", namespace="shop")
        assert shown(answer)[-1] == ("dataset:shop:customers", days, days), period


def test_pages(get: Get) -> None:
    first = get("/slo", limit=2, **SPAN)
    second = get("/slo", limit=2, cursor=first["next_cursor"], **SPAN)
    assert len(first["items"]) == 2
    assert shown(second) == [("dataset:shop:customers", 21, 22)]
    assert second["next_cursor"] is None


def test_what_a_window_takes_out(get: Get, writing: Writing) -> None:
    once = (LAST, NOON)
    window = Maintenance(id="w", matchers=(Matcher("rule", "daily"),), author="a", reason="r", once=once)
    with writing() as catalog:
        assert reexclude(catalog.conn, replace(rules(catalog.conn), windows=(window,)), nobody, 0) == 3
    line = next(each for each in get("/slo")["items"] if each["who"] == "dataset:shop:orders")
    # The last one, which was missed; and so the first of two is the one that was allowed.
    assert (line["met"], line["deadlines"], line["excluded"]) == (8, 9, 1)
    assert line["budget"]["missed"] == 1


def test_one_dataset_since_its_names_are_one(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        old, new = catalog.dataset("old_orders"), catalog.dataset("new_orders")
        history(catalog.conn, "daily", "old_orders", LAST - 2 * DAY, "--")
        history(catalog.conn, "daily", "new_orders", LAST, "++")
        catalog.alias(old, new, "rename")
    line = next(each for each in get("/slo", namespace="shop")["items"] if "new_orders" in each["who"])
    assert (line["met"], line["deadlines"]) == (2, 4)
    assert line["budget"]["exhausted_at"] == iso(LAST - 3 * DAY)


def test_a_key_of_some_namespaces_sees_their_datasets_only(client: FlaskClient, writing: Writing) -> None:
    with writing() as catalog:
        key, _ = keys.create(catalog.conn, "test", ("read",), ("shop",), NOON)
    for group, wanted in (("dataset", 2), ("owner", 2), ("tag", 1), ("expectation", 2)):
        answer = client.get(f"/api/v2/slo?group={group}", headers={"X-API-Key": key})
        assert len(json.loads(answer.text)["items"]) == wanted
        assert "private" not in answer.text
        assert "pii" not in answer.text


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("from=2026", "?from"),
        ("group=team", "?group"),
        ("period=year", "?period"),
        ("period=day&since=2026-11-01", "?since"),
        ("since=2026-11-02&until=2026-11-01", "?until"),
        ("cursor=x", "?cursor"),
    ],
)
def test_a_wrong_parameter_is_an_error(client: FlaskClient, query: str, path: str) -> None:
    answer = client.get(f"/api/v2/slo?{query}")
    assert answer.status_code == 422
    assert [each["path"] for each in json.loads(answer.text)["errors"]] == [path]


def test_the_command(database_url: str, get: Get) -> None:
    def invoke(*arguments: str) -> Any:
        return CliRunner().invoke(main, ["slo", "-d", database_url, *arguments], catch_exceptions=False)

    first = invoke("--namespace", "shop").stdout.splitlines()[1]
    assert " ".join(first.split()) == (
        "shop:orders 8 10 80.00 % 90.00 % -1.0 of 1.0 (-100%) 200.00 % 2026-11-20T06:00:00Z"
    )
    assert json.loads(invoke("--group", "owner", "--format", "json").stdout) == get("/slo", group="owner")
    assert invoke("--until", "2000-01-01").stdout == "There were no deadlines.\n"
    assert invoke("--period", "day", "--since", "2026-11-01").exit_code == 2
