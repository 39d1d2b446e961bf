"""``tidegate stitch`` over real databases."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from collector.cli import main
from collector.storage.engine import Database
from tests.catalog import Catalog
from tests.integration.api.test_stitch import DBT, DLT, RULE, TABLES, two_tools

Stitch = Callable[..., Result]


@pytest.fixture
def stitch(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stitch:
    """Run the command on a catalog in which three tables have two names each."""
    monkeypatch.chdir(tmp_path)
    database = Database(database_url)
    with database.write() as conn:
        two_tools(Catalog(conn))
    database.close()

    def run(*arguments: object, command: str = "stitch") -> Result:
        line = [command, *map(str, arguments), "-d", database_url]
        return CliRunner().invoke(main, line, catch_exceptions=False)

    return run


def test_the_list_shows_names_evidence_and_the_rule(stitch: Stitch) -> None:
    result = stitch()
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[1].split()[:1] == ["1"]
    assert f"{DLT}:raw.customers" in lines[1]
    assert f"= {DBT}:shop.raw.customers" in lines[2]
    assert "only written by the first name, only read by the second" in result.stdout
    rule = f"{{namespace: '{DLT}', to_namespace: '{DBT}', to_name: shop.}}"
    assert lines[-1].split(maxsplit=1) == ["1–3", f"- prefix: {rule}"]


def test_a_rule_of_the_list_is_a_line_of_a_document(stitch: Stitch) -> None:
    line = stitch().stdout.splitlines()[-1].split(maxsplit=1)[1]
    assert yaml.safe_load(line) == [RULE]


def test_more_than_the_limit_are_counted(stitch: Stitch) -> None:
    result = stitch("--limit", 1)
    assert "2 more" in result.stderr
    assert "raw.payments" not in result.stdout


def test_as_json_and_as_a_document_for_aliases(stitch: Stitch, tmp_path: Path) -> None:
    found = json.loads(stitch("--format", "json").stdout)
    assert [item["one"]["name"] for item in found] == sorted(TABLES)
    document = stitch("--format", "yaml").stdout
    assert yaml.safe_load(document) == {"version": 1, "rules": [RULE]}

    (tmp_path / "rules.yaml").write_text(document)
    assert stitch("apply", "rules.yaml", command="aliases").exit_code == 0

    result = stitch()
    assert (result.stdout, result.stderr) == ("", "No two names look like one dataset.\n")
    assert json.loads(stitch("--format", "json").stdout) == []


def test_accepting_joins_what_the_rule_accounts_for(stitch: Stitch) -> None:
    result = stitch("accept", 2)
    assert (result.exit_code, yaml.safe_load(result.stdout)) == (0, [RULE])
    assert stitch().stdout == ""
    assert "prefix" in stitch("list", command="aliases").stdout
    tree = stitch(f"dataset:{DLT}:raw.orders", "--direction", "downstream", command="lineage").stdout
    assert "job shop:model" in tree


def test_accepting_one_pair_leaves_the_others(stitch: Stitch) -> None:
    result = stitch("accept", 1, "--exact")
    assert [*yaml.safe_load(result.stdout)[0]] == ["exact"]
    left = {item["one"]["name"] for item in json.loads(stitch("--format", "json").stdout)}
    assert left == {"raw.orders", "raw.payments"}


def test_what_is_dismissed_is_not_listed_again(stitch: Stitch) -> None:
    result = stitch("dismiss", 1)
    assert result.stdout == f"{DLT}:raw.customers is not {DBT}:shop.raw.customers\n"
    left = {item["one"]["name"] for item in json.loads(stitch("--format", "json").stdout)}
    assert left == {"raw.orders", "raw.payments"}


def test_a_number_that_is_not_listed_is_refused(stitch: Stitch) -> None:
    for what in ("accept", "dismiss"):
        result = stitch(what, 9)
        assert result.exit_code == 1
        assert "There is no suggestion 9; there are 3." in result.stderr
