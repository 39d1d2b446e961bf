"""What rules would have said, what they would change, and what history says of them: by command and by API."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from collector.api.rule_documents import read_rules
from collector.app import create_app
from collector.auth import Authenticator
from collector.cli import main
from collector.ingest.projector import Projector
from collector.questions.history import History, Wanted
from collector.questions.rule_check import check
from collector.settings import Settings
from collector.storage.engine import Database
from collector.storage.event_log import append
from collector.times import iso, now_us
from collector.wiring import Services
from tests.dump import empty, feed, new_event
from tests.events import HOUR, MINUTE, NAMESPACE, dataset, ref, run_event
from tests.made_history import DAY, TABLES, received
from triggers.documents import ruleset_of
from triggers.growing import GrowingFacts

RULES = f"""\
version: 1
timezone: Europe/Berlin
targets:
  pager: {{kind: pagerduty, routing_key: "env:PD_KEY"}}
  chat: {{kind: apprise, url: "env:CHAT_URL"}}
expectations:
- id: orders
  dataset: {{namespace: "{NAMESPACE}", name: orders}}
  max_age: {{warn: 65m, late: 75m}}
  severity: critical
- id: mart
  dataset: {{namespace: "{NAMESPACE}", name: mart}}
  max_age: 26h
alerting:
  group_wait: 0s
  routes:
  - {{match: {{severity: critical}}, to: [pager]}}
  - {{to: [chat]}}
"""

Tidegate = Callable[..., Result]


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.close()


@pytest.fixture
def tidegate(database_url: str) -> Tidegate:
    """Run a command over the database; exceptions that it does not expect come through."""

    def run(*arguments: object) -> Result:
        words = ["rules", *(str(word) for word in arguments), "-d", database_url]
        return CliRunner().invoke(main, words, catch_exceptions=False)

    return run


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rules.yaml"
    path.write_text(RULES)
    return path


@pytest.fixture
def history(database: Database) -> int:
    """Record twenty days of an hourly table, of which three hours are missing, and a daily one that reads it."""
    start = now_us() - 20 * DAY - 10 * MINUTE
    rows = []
    for hour in range(20 * 24 + 1):
        at = start + hour * HOUR
        if hour % 24 == 6:
            rows.append((at, _load("mart", at, inputs=["orders"])))
        if not 240 <= hour < 243:
            rows.append((at, _load("orders", at)))
    with database.write() as conn:
        for at, event in rows:  # one by one: ids rise with time
            append(database, conn, [new_event(event, at + MINUTE)])
    Projector(database, holder="test").drain()
    return start


def _load(table: str, at: int, **parts: Any) -> dict[str, Any]:
    written = dataset(table, outputFacets={"outputStatistics": {"rowCount": 1000 + at // HOUR % 7}})
    return run_event("COMPLETE", at, f"load_{table}", f"{table} {at}", outputs=[written], **parts)


# --- replay ----------------------------------------------------------------------------------------------------


def test_a_replay_tells_what_would_have_been_said(tidegate: Tidegate, file: Path, history: int) -> None:
    found = json.loads(tidegate("replay", file, "--since", "15d", "--format", "json").stdout)
    by_id = {each["expectation"]: each for each in found["items"]}
    orders = by_id["orders"]
    assert (orders["late"], orders["missed"]) == (1, 0)
    (alert,) = orders["alerts"]
    assert alert["text"].startswith("orders is late. Not updated since ")
    assert alert["receivers"] == ["pager"]
    assert by_id["mart"]["alerts"] == []
    assert [each["reason"] for each in found["notifications"]] == ["first", "all_resolved"]
    (pager,) = found["receivers"]
    assert (pager["receiver"], sum(pager["by_hour"])) == ("pager", 2)
    assert [each["state"] for each in orders["decisions"]].count("late") == 1
    assert sum(orders["states"].values()) == pytest.approx(15 * 86_400, abs=2)


def test_a_replay_is_drawn_for_people(tidegate: Tidegate, file: Path, history: int) -> None:
    lines = tidegate("replay", file, "--since", "15d").stdout.splitlines()
    assert lines[0].split() == ["expectation", "dataset", "met", "late", "missed", "states", "over", "time"]
    assert "█" in next(line for line in lines if line.startswith("orders"))
    assert "█" not in next(line for line in lines if line.startswith("mart"))
    sent = next(line for line in lines if line.startswith("would have sent"))
    assert sent.startswith("would have sent 2 notifications: 2 to pager; ")


def test_a_replay_of_rules_on_nothing_says_so(tidegate: Tidegate, tmp_path: Path, history: int) -> None:
    file = tmp_path / "none.yaml"
    file.write_text("version: 1\nexpectations: [{id: a, dataset: {tag: none}, max_age: 1d}]\n")
    found = tidegate("replay", file)
    assert found.stderr.startswith("These rules are on no dataset.")
    assert found.stdout.strip() == "would have sent 0 notifications"


def test_a_stretch_begins_before_it_ends(tidegate: Tidegate, file: Path, history: int) -> None:
    refused = tidegate("replay", file, "--since", "2026-11-22", "--until", "2026-11-01")
    assert refused.exit_code == 2
    assert "Must be before --until." in refused.stderr
    assert tidegate("replay", file, "--since", "last week").exit_code == 2


# --- plan ------------------------------------------------------------------------------------------------------


def test_a_plan_tells_what_would_change(tidegate: Tidegate, file: Path, history: int) -> None:
    tidegate("apply", file)
    unchanged = tidegate("plan", file).stdout
    assert unchanged.splitlines()[0] == (
        "0 added, 0 changed, 0 removed, 5 unchanged; 0 bindings gained, 0 lost"
    )
    rules = yaml.safe_load(RULES)
    rules["expectations"][0]["max_age"]["late"] = "5h"
    rules["expectations"][1] = {**rules["expectations"][1], "id": "all", "dataset": {"namespace": NAMESPACE}}
    file.write_text(yaml.safe_dump(rules))
    lines = tidegate("plan", file, "--since", "15d").stdout.splitlines()
    assert lines[:3] == ["+ expectation all", "~ expectation orders: max_age.late", "- expectation mart"]
    assert f"  + all on {NAMESPACE}: orders" in lines
    assert f"  - mart on {NAMESPACE}: mart" in lines
    assert "1 added, 1 changed, 1 removed, 3 unchanged; 2 bindings gained, 1 lost" in lines
    (orders,) = (line for line in lines if line.startswith("orders"))
    assert "1 → 0" in orders
    assert "notifications to pager: 2 → 0" in lines
    found = json.loads(tidegate("plan", file, "--no-replay", "--format", "json").stdout)
    assert found["changed"] == [{"kind": "expectation", "id": "orders", "keys": ["max_age.late"]}]
    assert found["before"] is found["after"] is None


def test_whom_to_tell_concerns_all_expectations(tidegate: Tidegate, file: Path, history: int) -> None:
    tidegate("apply", file)
    file.write_text(RULES.replace("to: [pager]", "to: [chat]"))
    lines = tidegate("plan", file, "--since", "15d").stdout.splitlines()
    assert lines[0] == "~ alerting: routes"
    assert {"notifications to chat: 0 → 2", "notifications to pager: 2 → 0"} <= set(lines)


# --- check -----------------------------------------------------------------------------------------------------

BAD = f"""\
version: 1
calendars:
  old: {{valid_until: 2020-01-01}}
expectations:
- {{id: unseen, dataset: {{namespace: "{NAMESPACE}", name: order}}, max_age: 1d}}
- {{id: nothing, dataset: {{tag: none}}, max_age: 1d}}
- {{id: ended, dataset: {{namespace: "{NAMESPACE}", name: mart}}, due: {{at: "23:00", calendar: old}}}}
- {{id: short, dataset: {{namespace: "{NAMESPACE}", name: orders}}, max_age: 30m}}
- {{id: early, dataset: {{namespace: "{NAMESPACE}", name: mart}}, due: {{at: "AT", accept_from: 1h}}}}
- id: unkeyed
  dataset: {{namespace: "{NAMESPACE}", name: mart}}
  due: {{at: "23:00"}}
  partition: {{from: [output_subset]}}
- {{id: schema, dataset: {{namespace: "{NAMESPACE}", name: mart}}, schema: {{compatible: true}}}}
- {{id: checks, dataset: {{namespace: "{NAMESPACE}", name: mart}}, assertions: {{wait: 1h}}}}
- {{id: raw, dataset: {{namespace: "{NAMESPACE}", name: raw}}, metric: {{min: 1}}}}
targets:
  chat: {{kind: apprise, url: "env:CHAT_URL"}}
  unused: {{kind: apprise, url: "env:CHAT_URL"}}
alerting:
  routes:
  - {{name: all, to: [chat]}}
  - {{name: never, match: {{severity: info}}, to: [chat]}}
"""


def test_history_says_what_is_wrong(database: Database, tidegate: Tidegate, file: Path, history: int) -> None:
    at = now_us() - 2 * HOUR
    feed(database, [run_event("COMPLETE", at, "reader", "r", inputs=["raw"], outputs=["orders"])], at)
    Projector(database, holder="test").drain()
    early = iso(history + 6 * HOUR - 40 * MINUTE)[11:16]
    file.write_text(BAD.replace('"AT"', f'"{early}"'))
    with database.read() as conn:
        remarks = check(conn, ruleset_of(read_rules([file])), now_us())
    found = {(each.severity, each.rule.removeprefix("expectation ")): each.text for each in remarks}
    assert found["warning", "unseen"].startswith(f"no event has named dataset {NAMESPACE}: order; there is ")
    assert f"{NAMESPACE}: orders" in found["warning", "unseen"]
    assert found["warning", "nothing"] == "there is no dataset with tag 'none'"
    assert found["error", "ended"].startswith("calendar 'old' has ended with 2020-01-01")
    assert found["warning", "short"].startswith("orders: 1 of ")
    assert "deadlines were met; 95 % come by" in found["warning", "early"]
    assert found["error", "unkeyed"] == "mart: 0 of its last 20 updates say which partition they wrote"
    assert found["warning", "schema"] == "mart: nobody tells of its schema"
    assert found["warning", "checks"] == "mart: no result of a check is known"
    assert found["warning", "raw"] == "raw: no run has ever written it"
    assert found["warning", "route never"] == "nothing reaches it: all takes all that it matches"
    assert found["note", "target unused"] == "no route leads to it, and no trigger names it"
    order = ["error", "warning", "note"]
    assert [each.severity for each in remarks] == sorted((each.severity for each in remarks), key=order.index)
    told = tidegate("check", file)
    assert told.exit_code == 1
    assert told.stdout.splitlines()[-1].startswith("9 expectations, 2 targets: 2 errors, ")


def test_rules_that_history_meets_are_left_alone(tidegate: Tidegate, file: Path, history: int) -> None:
    assert tidegate("check", file).stdout == "2 expectations, 2 targets: nothing is wrong\n"


# --- suggestions -----------------------------------------------------------------------------------------------


def test_suggestions_are_a_file_that_history_meets(tidegate: Tidegate, tmp_path: Path, history: int) -> None:
    file = tmp_path / "suggested.yaml"
    told = tidegate("suggest", "--timezone", "Europe/Berlin", "--namespace", NAMESPACE, "-o", file)
    assert told.stderr.splitlines()[-1] == "4 expectations from 2 datasets"
    ids = [each["id"] for each in yaml.safe_load(file.read_text())["expectations"]]
    assert ids == ["mart-due", "mart-rows", "orders-age", "orders-rows"]
    assert "# comes every day: 20 of 20 by " in file.read_text()
    checked = tidegate("check", file)
    assert (checked.exit_code, checked.stdout) == (0, "4 expectations: nothing is wrong\n")
    found = json.loads(tidegate("replay", file, "--since", "15d", "--format", "json").stdout)
    for each in found["items"]:
        assert each["met"] >= 0.95 * (each["met"] + each["late"] + each["missed"]), each["expectation"]


def test_suggestions_of_some_datasets(tidegate: Tidegate, history: int) -> None:
    found = yaml.safe_load(tidegate("suggest", "--name", "ma*").stdout)
    assert [each["id"] for each in found["expectations"]] == ["mart-due", "mart-rows"]
    assert yaml.safe_load(tidegate("suggest", "--name", "none*").stdout)["expectations"] == []
    assert tidegate("suggest", "--timezone", "Nowhere").exit_code == 2


class Client:
    """Asks the API, and gives status and JSON."""

    def __init__(self, database: Database) -> None:
        services = Services(Settings(), database, Authenticator(database, cache_seconds=0))
        self._client = create_app(services).test_client()

    def __call__(self, method: str, path: str, status: int = 200, **parts: Any) -> Any:
        response = self._client.open(f"/api/v2{path}", method=method, **parts)
        assert response.status_code == status, response.text
        return response.json


# --- the API ---------------------------------------------------------------------------------------------------


def test_the_api_answers_the_same(database: Database, history: int) -> None:
    ask = Client(database)
    document = yaml.safe_load(RULES)
    found = ask("POST", "/rules/replay", json={"document": document})
    assert {each["expectation"]: each["late"] for each in found["items"]} == {"orders": 1, "mart": 0}
    planned = ask("POST", "/rules/plan", json={"document": document, "replay": False})
    assert (len(planned["added"]), planned["before"]) == (5, None)
    assert ask("POST", "/rules/check", json={"document": document}) == {"items": []}
    suggested = ask("GET", "/rules/suggestions", query_string={"limit": 1})
    assert [each["id"] for each in suggested["items"]] == ["mart-due"]
    ask("PUT", "/rules", json=suggested["document"])
    turned = {"document": document, "since": "2026-11-22T00:00:00Z", "until": "2026-11-21T00:00:00Z"}
    assert ask("POST", "/rules/replay", 422, json=turned)["errors"][0]["path"] == "$.since"
    ask("GET", "/rules/suggestions", 422, query_string={"timezone": "Nowhere"})


def test_a_request_may_not_replay_for_ever(
    database: Database, history: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask, body = Client(database), {"document": yaml.safe_load(RULES)}
    monkeypatch.setattr("collector.api.rule_questions.MOST_EVENTS", 10)
    assert "too many to replay" in ask("POST", "/rules/replay", 422, json=body)["detail"]
    monkeypatch.undo()
    # Nobody waits a minute here: the clock is ahead the second time that it is asked.
    times = iter([0.0])
    monkeypatch.setattr("collector.api.rule_questions.monotonic", lambda: next(times, 61.0))
    assert "longer than a minute" in ask("POST", "/rules/replay", 422, json=body)["detail"]


# --- order -----------------------------------------------------------------------------------------------------


def test_order_and_duplication_of_events_change_nothing(database: Database) -> None:
    events = [each.event for each in received(6, 7)]
    now, ids = now_us(), {ref(table).id for table in TABLES}
    known = []
    for seed in range(3):
        order = [*events, *events[::3]]
        random.Random(seed).shuffle(order)  # the same orders each time
        empty(database)
        for start in range(0, len(order), 50):
            feed(database, order[start : start + 50], now)
        Projector(database, holder="test").drain()
        with database.read() as conn:
            log = History(conn, Wanted(ids, ids), now - DAY, now + DAY)
            facts = GrowingFacts()
            for change in (*log.before(), *log.changes()):
                facts.take(change)
            known.append({id_: _bare(facts, id_) for id_ in ids})
    assert known[0] == known[1] == known[2]


def _bare(facts: GrowingFacts, dataset_id: int) -> tuple[set[object], set[object]]:
    """Give what is known without the ids of runs, which are numbers in the order of arrival."""
    found = facts.everything(dataset_id)
    return {each._replace(run_id=0) for each in found.updates}, {
        each._replace(run_id=0) for each in found.checks
    }
