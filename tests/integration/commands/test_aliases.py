"""``tidegate aliases`` over real databases."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from collector.cli import main
from collector.storage import aliases
from collector.storage.alias_plan import plan
from collector.storage.engine import Database
from collector.storage.leases import Lease
from collector.times import now_us

EVENTS = Path(__file__).parents[3] / "fixtures" / "events"
SERVER = "postgres://127.0.0.1:15432"
RULES = f"""\
version: 1
rules:
- prefix:
    namespace: dlt.destinations.postgres://r7FtJZ18aIlaIoeSroVb
    to_namespace: {SERVER}
    to_name: shop.
  reason: the hash is that of 127.0.0.1
- prefix:
    namespace: shop-sqlmesh
    to_namespace: {SERVER}
"""

Tidegate = Callable[..., Result]


@pytest.fixture
def tidegate(database_url: str) -> Tidegate:
    """Run a command over the database; exceptions that it does not expect come through."""

    def run(*arguments: object) -> Result:
        words = [str(word) for word in arguments]
        return CliRunner().invoke(main, [*words, "-d", database_url], catch_exceptions=False)

    return run


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "aliases.yaml"
    path.write_text(RULES)
    return path


def names_of(tidegate: Tidegate, name: str) -> list[str]:
    """Give the names of a dataset, as the graph shows them."""
    shown = tidegate("lineage", f"dataset:{SERVER}:{name}", "--depth", 0, "--format", "json")
    (node,) = json.loads(shown.stdout)["nodes"]
    return [node["id"], *node["names"]]


def test_rules_are_planned_applied_listed_and_taken_back(tidegate: Tidegate, file: Path) -> None:
    tidegate("ingest", EVENTS / "dlt", EVENTS / "dbt", EVENTS / "sqlmesh")
    before = names_of(tidegate, "shop.raw.orders")

    planned = tidegate("aliases", "plan", file)
    assert planned.stderr == "4 merges, 0 splits\n"
    assert f"merge   {SERVER}:shop.raw.orders " in planned.stdout
    assert planned.stdout.splitlines()[1].split()[:2] == ["4", "prefix"]
    assert names_of(tidegate, "shop.raw.orders") == before

    assert tidegate("aliases", "apply", file).stdout == "2 rules applied\n"
    assert names_of(tidegate, "shop.raw.orders") == [
        f"dataset:{SERVER}:shop.raw.orders",
        "dataset:dlt.destinations.postgres://r7FtJZ18aIlaIoeSroVb:raw.orders",
        'dataset:shop-sqlmesh:"shop"."raw"."orders"',
        "dataset:shop-sqlmesh:shop.raw.orders",
    ]
    assert tidegate("aliases", "plan", file).stderr == "0 merges, 0 splits\n"
    assert "the hash is that of 127.0.0.1" in tidegate("aliases", "list").stdout
    assert tidegate("aliases", "export").stdout == RULES

    file.write_text("version: 1\nrules: []\n")
    assert tidegate("aliases", "plan", file).stderr == "0 merges, 4 splits\n"
    assert tidegate("aliases", "apply", file).exit_code == 0
    assert names_of(tidegate, "shop.raw.orders") == before
    assert tidegate("aliases", "list").stderr == "There are no rules.\n"


def test_a_server_that_runs_follows_by_itself(tidegate: Tidegate, file: Path, database_url: str) -> None:
    tidegate("ingest", EVENTS / "dlt")
    database = Database(database_url)
    lease = Lease(database, "projector", "another", 60_000_000)
    lease.acquire(now_us())

    assert tidegate("aliases", "apply", file, "--no-wait").stdout == "2 rules written\n"
    assert "does not follow them yet" in tidegate("aliases", "list").stderr

    lease.release()
    assert tidegate("aliases", "apply", file).stdout == "2 rules applied\n"
    with database.read() as conn:
        assert aliases.state(conn) == (2, 2)
    database.close()


def test_mistakes_are_told_and_nothing_is_changed(tidegate: Tidegate, file: Path) -> None:
    tidegate("aliases", "apply", file)
    file.write_text("version: 1\nrules:\n- prefix: {nmespace: a, to_namespace: b}\n")

    failed = tidegate("aliases", "apply", file)

    assert failed.exit_code == 1
    assert f"{file}:3: $.rules[0].prefix.nmespace: Unknown field.\n" in failed.stderr
    assert (
        tidegate("aliases", "apply", "none.yaml").stderr
        == "Error: none.yaml cannot be read: No such file or directory.\n"
    )
    file.write_bytes(b"\xff")
    assert tidegate("aliases", "plan", file).stderr == f"Error: {file} is not UTF-8.\n"
    assert tidegate("aliases", "export").stdout == RULES


def test_a_plan_shows_a_part_and_counts_all(
    database_url: str, tidegate: Tidegate, monkeypatch: pytest.MonkeyPatch
) -> None:
    tidegate("ingest", EVENTS / "dlt", EVENTS / "dbt", EVENTS / "sqlmesh")
    monkeypatch.setattr("collector.storage.alias_plan.MOST_CHANGES", 1)
    monkeypatch.setattr("collector.storage.alias_plan.MOST_OTHERS", 2)
    rules = [
        {
            "regex": {
                "namespace": ".*",
                "name": r'.*\braw"?\."?(orders|payments)"?',
                "to_namespace": "n",
                "to_name": r"\1",
            }
        }
    ]
    database = Database(database_url)
    with database.read() as conn:
        found = plan(conn, rules)
    database.close()

    assert (found.merge_count, len(found.merges)) == (2, 1)
    assert (len(found.merges[0].others), found.merges[0].count > 2) == (2, True)
