"""``tidegate triggers`` and ``tidegate why TRIGGER`` over real databases."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from click.testing import CliRunner, Result

from collector.cli import main
from collector.storage import joins, outbox
from collector.storage.engine import Database
from collector.storage.firings import Progress
from lineage.model import Direction
from tests.catalog import HOUR, NOON, Catalog
from tests.triggered import RUN_ID, TODAY, Triggered, came, does, waits_for
from tests.unit.triggers.joining import World
from triggers.holds import Hold

Tidegate = Callable[..., Result]
Lines = Callable[..., list[str]]

REFRESH = {"timezone": "UTC", "when": {"id": "orders", "dataset": {"namespace": "shop", "name": "orders"}}}
EITHER = {
    "timezone": "UTC",
    "when": {"any": [{"id": name, "dataset": {"name": name}} for name in ("nyse", "xetra")]},
    "join": {"mode": "latched", "expire": "12h"},
}


@pytest.fixture
def tidegate(database_url: str) -> Tidegate:
    """Run a command over the database; exceptions that it does not expect come through."""

    def run(*arguments: object) -> Result:
        words = [str(word) for word in arguments]
        return CliRunner().invoke(main, [*words, "-d", database_url], catch_exceptions=False)

    return run


@pytest.fixture
def lines(tidegate: Tidegate) -> Lines:
    """Run a command that works; give the lines that it writes."""

    def run(*arguments: object) -> list[str]:
        result = tidegate(*arguments)
        assert result.exit_code == 0, result.stderr
        return [line.rstrip() for line in result.stdout.splitlines()]

    return run


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.close()


@pytest.fixture
def fired(database: Database) -> str:
    """Have three triggers: orders of today are there and payments are not; one is held; one waits for either of two.

    Give the id of a firing of two days ago, of which a message could not be sent.
    """
    finance = waits_for("orders", "payments", "fx", timezone="Europe/Berlin")
    finance["when"]["all"][2]["optional"] = True
    with database.write() as conn:
        catalog, triggered = Catalog(conn), Triggered(conn)
        catalog.dataset("orders")
        payments, load = catalog.dataset("payments"), catalog.job("load_payments")
        catalog.edge(load, payments, Direction.OUTPUT)
        catalog.update(payments, catalog.run(load, "p1", NOON - 24 * HOUR), NOON - 24 * HOUR)
        catalog.run(load, "p2", NOON - HOUR, state="RUNNING")
        triggered.trigger("build-finance", finance)
        triggered.joined("build-finance", finance, [came("orders", NOON - 2 * HOUR), came("orders")])
        triggered.trigger("values", EITHER, paused_at=NOON, paused_by="anna", paused_reason="[red]move")
        held = Triggered(conn, World(held=lambda state, at: [Hold("in_flight")]))
        held.trigger("refresh", REFRESH)
        held.joined("refresh", REFRESH, [came("orders")], "")
        handle = json.dumps({"run_id": "p1", "url": "https://prefect.test/p1"})
        started = does(run_id="p1", job_namespace="shop", job_name="load_payments", handle=handle)
        tell = does("tell", Progress.DEAD, target_id="hook", starts=False, position=1, error="answered 404")
        come = [came("orders"), came("payments")]
        return triggered.fired(
            "build-finance",
            come,
            "2026-11-20",
            NOON - 48 * HOUR,
            Progress.FAILED,
            started,
            tell,
            error="answered 404",
        )


@pytest.mark.usefixtures("fired")
def test_triggers_are_listed_with_what_they_wait_for(lines: Lines, tidegate: Tidegate) -> None:
    heading, *rows = lines("triggers")
    assert heading.split("  ")[0] == "trigger"
    assert [row.split()[:2] for row in rows] == [
        ["build-finance", "waiting"],
        ["refresh", "held"],
        ["values", "paused"],
    ]
    assert "payments (2026-11-22)" in rows[0]
    assert "11-22 11:00 CET" in rows[0]
    assert rows[0].endswith("11-20 13:00 CET  failed")
    assert "what it started before has not ended" in rows[1]
    assert "paused by anna: [red]move" in rows[2]
    assert [row.split()[0] for row in lines("triggers", "--state", "paused")[1:]] == ["values"]
    items = json.loads(tidegate("triggers", "--format", "json").stdout)["items"]
    assert [item["waits_for"] for item in items] == [["payments"], [], ["nyse", "xetra"]]
    assert "ask for a greater --limit" in tidegate("triggers", "--limit", 1).stderr


def test_a_trigger_is_shown_with_a_tree_of_what_came_and_what_is_missing(lines: Lines, fired: str) -> None:
    shown = lines("triggers", "show", "build-finance")
    assert shown[0] == "id: build-finance"
    start = shown.index("waiting  trigger build-finance")
    assert shown[start + 2 :] == [
        "├── 2026-11-22  waiting  since 2026-11-22 11:00 CET",
        "│   └── ✗ all of",
        "│       ├── ✓ orders  2 updates, the last  2026-11-22 12:00 CET  2026-11-22  1,200 rows",
        f"│       │   shop:orders by shop:load, run {RUN_ID}",
        "│       ├── ✗ payments  missing: an update",
        "│       └── · fx (optional)  missing: an update",
        "├── inputs",
        "│   ├── orders: shop:orders",
        "│   ├── payments: shop:payments",
        "│   └── fx: shop:fx",
        "└── fired",
        f"    └── 2026-11-20 13:00 CET  failed  2026-11-20  data  {fired}  answered 404",
    ]


@pytest.mark.usefixtures("fired")
def test_why_says_in_a_sentence_what_a_trigger_waits_for(lines: Lines, tidegate: Tidegate) -> None:
    shown = lines("why", "build-finance")
    assert shown[0] == "waiting  trigger build-finance"
    assert shown[1].startswith(
        f"build-finance (2026-11-22) waits for payments: orders came 2026-11-22 12:00 from run {RUN_ID} of shop:load; "
        "payments has not come. The last update of payments came at 2026-11-21 13:00, by shop:load_payments. Upstream, "
        "shop:load_payments runs since 2026-11-22 12:00."
    )
    assert "│   └── payments: dataset shop:payments" in shown
    assert lines("why", "job:tidegate:build-finance") == shown
    assert lines("why", "trigger:build-finance") == shown
    assert lines("why", "build-finance", "--key", TODAY) == shown
    assert (
        json.loads(tidegate("why", "build-finance", "--format", "json").stdout)["missing"][0]["input"]
        == "payments"
    )
    assert lines("why", "refresh")[1] == (
        "refresh is complete since 2026-11-22 11:00: what it started before has not ended."
    )
    assert lines("why", "values")[1] == (
        "values is paused since 2026-11-22 12:00 by anna: [red]move. values waits for nyse or xetra: nothing has come "
        "yet."
    )
    assert lines("why", "dataset:shop:payments")[1] == "Nothing is expected of payments."

    assert tidegate("why", "valuse").stderr == "Error: There is no trigger 'valuse'; did you mean 'values'?\n"
    assert "did you mean dataset:shop:orders" in tidegate("why", "shop:orders").stderr
    assert "under the key '2020-01-01'" in tidegate("why", "build-finance", "--key", "2020-01-01").stderr
    assert tidegate("why", "dataset:shop:orders", "--key", TODAY).exit_code == 2


def test_firings_are_listed_shown_and_sent_again(
    lines: Lines, tidegate: Tidegate, database: Database, fired: str
) -> None:
    heading, row = lines("triggers", "firings", "build-finance")
    assert heading.split() == ["fired", "trigger", "key", "cause", "state", "firing", "error"]
    assert row.split() == [
        "2026-11-20T12:00:00Z",
        "build-finance",
        "2026-11-20",
        "data",
        "failed",
        fired,
        "answered",
        "404",
    ]
    assert tidegate("triggers", "firings", "--state", "lost").stderr == "There are none.\n"
    assert tidegate("triggers", "firings", "--since", "2026-11-21").stderr == "There are none.\n"
    listed = json.loads(tidegate("triggers", "firings", "--format", "json").stdout)["items"]
    assert [item["id"] for item in listed] == [fired]

    shown = lines("triggers", "firing", fired)
    assert shown[0] == (
        f"failed  firing {fired}  build-finance (2026-11-20) fired at 2026-11-20T12:00:00Z: data  answered 404"
    )
    for line in (
        "│   ├── orders",
        "    ├── completed  run: start prefect",
        "    │   ├── run p1 of shop:load_payments: COMPLETE",
        "    │   └── https://prefect.test/p1",
        "    └── dead  tell: notify hook",
        "        ├── delivery 2: pending after 0 attempts",
        "        └── answered 404",
    ):
        assert line in shown, line
    assert json.loads(tidegate("triggers", "firing", fired, "--format", "json").stdout)["state"] == "failed"

    assert "was given up" in tidegate("triggers", "retry", fired).stderr
    with database.write() as conn:
        outbox.cancel(conn, [2], NOON)
    assert lines("triggers", "retry", fired) == ["1 queued"]
    assert tidegate("triggers", "firing", "none").stderr == "Error: There is no firing 'none'.\n"


@pytest.mark.usefixtures("fired")
def test_what_people_ask_is_kept_for_the_engine(tidegate: Tidegate, database: Database) -> None:
    def asked(*words: object) -> Result:
        result = tidegate("triggers", *words, "--by", "anna", "--wait", 0)
        assert (result.exit_code, result.stderr) == (
            1,
            "Asked for; no server has done it yet. Does one run?\n",
        )
        return result

    firing_id = asked("fire", "build-finance", "--reason", "late").stdout.strip()
    assert len(firing_id) == 36
    assert asked("pause", "build-finance", "--reason", "move").stdout == ""
    asked("resume", "build-finance")
    asked("reset", "build-finance", "--key", "2026-11-22")
    asked("reset", "build-finance")
    with database.read() as conn:
        found = joins.requests(conn)
    assert [(each.kind, each.key, each.by, each.reason) for each in found] == [
        ("fire", TODAY, "anna", "late"),
        ("pause", None, "anna", "move"),
        ("resume", None, "anna", None),
        ("reset", TODAY, "anna", None),
        ("reset", None, "anna", None),
    ]
    wrong = tidegate("triggers", "fire", "build-finance", "--key", "yesterday", "--by", "anna")
    assert wrong.stderr.splitlines() == [
        "Error: No join is meant by that key.",
        "  $.key: 'yesterday' is no partition of a day.",
    ]
    assert "did you mean 'values'" in tidegate("triggers", "fire", "value", "--by", "anna").stderr
    assert tidegate("triggers", "pause", "values").exit_code == 2


def test_where_there_are_no_triggers_it_says_so(tidegate: Tidegate) -> None:
    assert tidegate("triggers").stderr == "The rules have no triggers.\n"
    assert tidegate("triggers", "firings").stderr == "There are none.\n"
    assert tidegate("triggers", "show", "a").stderr == "Error: There is no trigger 'a'.\n"
