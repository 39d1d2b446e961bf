"""When triggers would have fired, and what a change of them would change: by command and by API."""

from __future__ import annotations

import json
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
from collector.settings import Settings
from collector.storage import rules
from collector.storage.engine import Database
from collector.storage.event_log import append
from collector.times import iso, now_us
from collector.wiring import Services
from tests.dump import new_event
from tests.events import HOUR, MINUTE, NAMESPACE, run_event
from tests.made_history import DAY

RULES = f"""\
version: 1
targets:
  prefect: {{kind: prefect, url: "http://127.0.0.1:4200/api"}}
triggers:
- id: build
  when:
    all:
    - {{id: orders, dataset: {{namespace: "{NAMESPACE}", name: orders}}}}
    - {{id: mart, dataset: {{namespace: "{NAMESPACE}", name: mart}}}}
  join: {{mode: latched, expire: 2d}}
  do: [{{start: prefect, deployment: flow/build}}]
"""

CHANGED = RULES.replace("expire: 2d", "expire: 30m")

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


@pytest.fixture(autouse=True)
def history(database: Database) -> None:
    """Record ten days of a table written every eight hours, and of one that is written daily, an hour after it."""
    start = now_us() - 10 * DAY
    rows: list[tuple[int, Any]] = []
    for turn in range(30):
        rows.append((start + turn * 8 * HOUR, "orders"))
        if turn % 3 == 0:
            rows.append((start + turn * 8 * HOUR + HOUR, "mart"))
    with database.write() as conn:
        for at, table in rows:  # one by one: ids rise with time
            event = run_event("COMPLETE", at, f"load_{table}", f"{table} {at}", outputs=[table])
            append(database, conn, [new_event(event, at + MINUTE)])
    Projector(database, holder="test").drain()


def test_a_replay_tells_when_a_trigger_would_have_fired_and_on_what(tidegate: Tidegate, file: Path) -> None:
    found = json.loads(tidegate("replay", file, "--since", "11d", "--format", "json").stdout)
    (build,) = found["triggers"]
    assert (build["trigger"], build["fired"], build["arrived"], build["waiting"]) == ("build", 10, 40, 1)
    assert [len(each["updates"]) for each in build["firings"][0]["inputs"]] == [1, 1]
    assert [len(each["updates"]) for each in build["firings"][1]["inputs"]] == [3, 1]
    taken = build["firings"][1]["inputs"][0]["updates"][0]
    assert taken["dataset"] == {"namespace": NAMESPACE, "name": "orders"}
    assert taken["job"] == {"namespace": "shop", "name": "load_orders"}


def test_a_replay_of_triggers_is_written_for_people(tidegate: Tidegate, file: Path) -> None:
    text = " ".join(tidegate("replay", file, "--since", "11d").stdout.split())
    assert "build 10 40 0 0 1" in text
    assert "orders (3), mart" in text


def test_triggers_begin_with_nothing(tidegate: Tidegate, file: Path) -> None:
    found = json.loads(tidegate("replay", file, "--since", "4h", "--format", "json").stdout)
    (build,) = found["triggers"]
    assert (build["fired"], build["firings"]) == (0, [])


def test_a_plan_tells_how_often_a_changed_trigger_fires(
    database: Database, tidegate: Tidegate, file: Path, tmp_path: Path
) -> None:
    new = json.loads(tidegate("plan", file, "--since", "11d", "--format", "json").stdout)
    assert new["triggers"] == [{"trigger": "build", "before": None, "after": 10, "same": 0}]
    assert "trigger build would have fired 10 times\n" in tidegate("plan", file, "--since", "11d").stdout
    with database.write() as conn:
        rules.replace(conn, read_rules([file]), now_us())
    assert json.loads(tidegate("plan", file, "--format", "json").stdout)["triggers"] == []
    changed = tmp_path / "changed.yaml"
    changed.write_text(CHANGED)
    found = json.loads(tidegate("plan", changed, "--since", "11d", "--format", "json").stdout)
    assert found["triggers"] == [{"trigger": "build", "before": 10, "after": 0, "same": 0}]
    changed.write_text(RULES.replace("expire: 2d", "expire: 2h"))
    words = tidegate("plan", changed, "--since", "11d").stdout
    assert "trigger build would have fired 10 times, 1 of these as now (now: 10)\n" in words
    changed.write_text("version: 1\n")
    assert (
        "trigger build goes: it would have fired 10 times\n"
        in tidegate("plan", changed, "--since", "11d").stdout
    )
    assert json.loads(tidegate("plan", file, "--no-replay", "--format", "json").stdout)["triggers"] is None


def test_the_api_answers_the_same(database: Database) -> None:
    services = Services(Settings(), database, Authenticator(database, cache_seconds=0))
    client = create_app(services).test_client()
    since = now_us() - 11 * DAY
    body = {"document": yaml.safe_load(RULES), "since": iso(since)}
    replayed = client.post("/api/v2/rules/replay", json=body)
    assert replayed.status_code == 200, replayed.json
    assert replayed.json is not None
    assert replayed.json["triggers"][0]["fired"] == 10
    planned = client.post("/api/v2/rules/plan", json=body)
    assert planned.json is not None
    assert planned.json["triggers"] == [{"trigger": "build", "before": None, "after": 10, "same": 0}]
