"""The commands that show where datasets stand, and what is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner, Result

from collector.cli import main
from collector.storage.engine import Database
from lineage.model import Direction
from tests.catalog import HOUR, NOON, Catalog
from tests.watched import SEVEN, Watched, print_of

Tidegate = Callable[..., Result]

SALES = "dataset:shop:sales"


@pytest.fixture
def tidegate(database_url: str) -> Tidegate:
    """Run a command over the database; exceptions that it does not expect come through."""

    def run(*arguments: object) -> Result:
        words = [str(word) for word in arguments]
        return CliRunner().invoke(main, [*words, "-d", database_url], catch_exceptions=False)

    return run


@pytest.fixture
def lines(tidegate: Tidegate) -> Callable[..., list[str]]:
    """Run a command that works; give the lines that it writes."""

    def run(*arguments: object) -> list[str]:
        result = tidegate(*arguments)
        assert result.exit_code == 0, result.stderr
        return [line.rstrip() for line in result.stdout.splitlines()]

    return run


@pytest.fixture
def shop(database_url: str) -> None:
    """Have raw -> load -> sales: the load failed, so raw's consumer sales is late because of it; orders is fresh."""
    database = Database(database_url)
    with database.write() as conn:
        catalog, watched = Catalog(conn), Watched(conn)
        raw, sales, orders = (catalog.dataset(name) for name in ("raw", "sales", "orders"))
        load = catalog.job("load")
        catalog.edge(load, raw, Direction.INPUT)
        catalog.edge(load, sales, Direction.OUTPUT)
        catalog.run(load, "bad", NOON, state="FAIL", ended_at=NOON, error="disk full")
        catalog.update(orders, catalog.run(catalog.job("orders"), "r1", SEVEN - HOUR), SEVEN - HOUR)
        watched.expect("daily", due={"at": "07:00"}, severity="critical")
        zone = {"timezone": "Europe/Berlin", "dataset": {"namespace": "shop", "name": "raw"}}
        watched.rule("expectation", "raw", {"id": "raw", "due": {"at": "08:00"}, **zone})
        watched.stands("raw", "raw", "missed")
        watched.stands("daily", "sales")
        watched.stands("daily", "orders", "fresh", next_look_at=SEVEN)
        watched.decided("daily", "sales", "late", SEVEN)
        names = [f"s{number}" for number in range(6)]
        watched.alert("raw", "raw", affects=7, severity="critical", notified_at=NOON)
        watched.alert(
            "daily", "sales", cause=print_of("raw", "raw"), path=json.dumps(["dataset:shop:raw", SALES])
        )
        for number, name in enumerate(names):
            watched.alert("daily", name, cause=print_of("raw", "raw"), starts=NOON + number)
        watched.notified("n1", print_of("raw", "raw"))
    database.close()


@pytest.mark.usefixtures("shop")
def test_freshness_shows_the_worst_first_by_the_clock_of_each_expectation(
    lines: Callable[..., list[str]], tidegate: Tidegate
) -> None:
    shown = lines("freshness")
    assert shown[0].split("  ")[0] == "state"
    assert [line.split()[0] for line in shown[1::2]] == ["missed", "late", "fresh?"]
    assert "11-22 08:00 CET" in shown[1]
    assert shown[1].endswith("shop:raw")
    assert (
        shown[4].strip().startswith("daily: The data of 2026-11-22 07:00 has not come by 2026-11-22 07:00.")
    )
    assert shown[4].endswith("Because of raw.")
    assert "11-22 06:00 UTC" in shown[5]
    assert tidegate("freshness").stderr == "1 fresh, 1 late, 1 missed\n"
    assert len(lines("freshness", "--violated")) == 5
    assert len(lines("freshness", "--state", "fresh", "--namespace", "shop")) == 3
    assert lines("freshness", "--name", "none") == []
    items = json.loads(tidegate("freshness", "--format", "json").stdout)["items"]
    assert [item["state"] for item in items] == ["missed", "late", "fresh"]


@pytest.mark.usefixtures("shop")
def test_why_says_the_verdict_then_because_then_the_path(
    lines: Callable[..., list[str]], tidegate: Tidegate
) -> None:
    shown = lines("why", SALES)
    assert shown[0] == "late  dataset shop:sales"
    assert shown[1].startswith("sales is late, by ")
    assert shown[1].endswith(" The cause: raw is late.")
    heads = [line[4:] for line in shown if line.startswith(("├── ", "└── "))]
    assert heads == ["because", "cause", "upstream", "lately"]
    assert "│   └── raw → sales" in shown
    assert any("The newest run of load failed at 2026-11-22T12:00:00Z: disk full." in line for line in shown)
    assert json.loads(tidegate("why", SALES, "--format", "json").stdout)["state"] == "late"
    assert lines("why", "dataset:shop:orders")[:2] == ["fresh  dataset shop:orders", "orders is fresh."]
    unkind = tidegate("why", "shop:orders")  # as tables show names
    assert (unkind.exit_code, "did you mean dataset:shop:orders?" in unkind.stderr) == (1, True)
    nowhere = tidegate("why", "dataset:shop:none")
    assert (nowhere.exit_code, nowhere.stderr) == (1, "Error: There is no node 'dataset:shop:none'.\n")


@pytest.mark.usefixtures("shop")
def test_expectations_are_listed_shown_and_have_a_history(lines: Callable[..., list[str]]) -> None:
    listed = lines("expectations", "list")
    assert [line.split()[:4] for line in listed[1:]] == [
        ["daily", "due", "critical", "2"],
        ["raw", "due", "warning", "1"],
    ]
    assert listed[1].endswith("1 late, 1 fresh")
    shown = lines("expectations", "show", "daily")
    assert shown[0] == "id: daily"
    assert shown[-2].startswith("fresh")
    history = lines("expectations", "history", "daily", SALES)
    assert history[1].startswith("2026-11-22 07:00 UTC  late")


@pytest.mark.usefixtures("shop")
def test_alerts_show_causes_with_what_they_affect(
    lines: Callable[..., list[str]], tidegate: Tidegate
) -> None:
    shown = [line.strip() for line in lines("alerts")]
    assert shown[0].split() == ["id", "severity", "since", "alert"]
    assert shown[1].split() == ["1", "critical", "2026-11-22T11:00:00Z", "dataset", "shop:raw"]
    assert shown[2:] == ["raw is late.", "affects 7", "s5", "s4", "s3", "s2", "s1", "… and 2 more"]
    assert len(json.loads(tidegate("alerts", "--format", "json").stdout)["items"]) == 8
    assert [line.strip() for line in lines("alerts", "--node", SALES)][1].endswith("dataset shop:sales")

    assert lines("alerts", "ack", 1, "--by", "anna", "--note", "on it") == ["raw: acknowledged by anna"]
    assert "acknowledged by anna: on it" in [line.strip() for line in lines("alerts", "--acknowledged")]
    detail = lines("alerts", "show", 1)
    assert detail[0] == "critical  dataset shop:raw"
    assert "└── 2026-11-22T12:00:00Z  told pager: [WARNING] n1" in detail
    assert lines("alerts", "unack", 1) == ["raw: not acknowledged any more"]
    assert tidegate("alerts", "show", 99).stderr == "Error: There is no alert 99.\n"


def test_silences_are_added_listed_and_ended(lines: Callable[..., list[str]], tidegate: Tidegate) -> None:
    who = ("--by", "anna", "--reason", "move")
    matches = ("--match", "severity=critical", "--match", "name=~mart.*", "--match", "tag!=test")
    (added,) = lines("silences", "add", *matches, "--for", "2h", *who)
    id_ = added.split()[0]
    (row,) = lines("silences", "list")[1:]
    assert row.startswith(f"{id_}  active  severity=critical, name=~mart.*, tag!=test")
    assert lines("silences", "expire", id_) == ["ended"]
    assert tidegate("silences", "list").stderr == "Nothing is silenced.\n"
    assert "expired" in lines("silences", "list", "--all")[1]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--match", "severity", "--for", "2h"), "no condition"),
        (("--match", "sevrity=critical", "--for", "2h"), "rule, type, namespace"),
        (("--match", "name=~(", "--for", "2h"), "No pattern"),
        (("--match", "name=a", "--for", "2 fortnights"), "no duration"),
        (("--match", "name=a"), "--for"),
        (("--match", "name=a", "--until", "2020-01-01"), "to come"),
    ],
)
def test_mistakes_in_silences_are_told(tidegate: Tidegate, arguments: Any, says: str) -> None:
    result = tidegate("silences", "add", *arguments, "--by", "anna", "--reason", "move")
    assert result.exit_code in (1, 2)
    assert says in result.stderr


def test_where_nothing_is_expected_it_says_so(tidegate: Tidegate) -> None:
    assert "see tidegate rules" in tidegate("freshness").stderr
    assert "see tidegate rules" in tidegate("expectations", "list").stderr
    assert tidegate("alerts").stderr == "Nothing is wrong.\n"
