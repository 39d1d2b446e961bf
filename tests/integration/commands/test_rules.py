"""``tidegate rules`` over real databases."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import dropwhile, takewhile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from collector.api.rule_documents import json_schema
from collector.cli import main
from collector.storage import rules
from collector.storage.engine import Database
from tests.architecture.test_layout import ROOT

EXAMPLES = ROOT / "fixtures" / "rules"
RULES = """\
version: 1
timezone: Europe/Berlin
calendars:
  de:
    holidays:
    - country: DE
targets:
  chat:
    kind: apprise
    url: env:CHAT
expectations:
- id: orders
  dataset:
    name: orders
  due:
    at: 07:00
    calendar: de
alerting:
  routes:
  - to:
    - chat
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
    path = tmp_path / "rules.yaml"
    path.write_text(RULES)
    return path


def test_rules_are_applied_and_exported(tidegate: Tidegate, file: Path) -> None:
    assert tidegate("rules", "export").stderr == "There are no rules.\n"
    assert tidegate("rules", "apply", file).stdout == "1 expectation, 1 target applied\n"
    assert tidegate("rules", "export").stdout == RULES
    assert tidegate("rules", "apply", file).stdout == "1 expectation, 1 target as they were\n"

    file.write_text("version: 1\n")
    assert tidegate("rules", "apply", file).stdout == "no rules applied\n"


def test_what_is_exported_is_what_was_applied(tidegate: Tidegate, file: Path) -> None:
    applied = tidegate("rules", "apply", EXAMPLES / "warehouse", EXAMPLES / "quality.yaml")
    assert applied.stdout == "10 expectations, 4 targets, 2 windows applied\n"
    exported = tidegate("rules", "export").stdout

    file.write_text(exported)
    assert tidegate("rules", "apply", file).stdout == "10 expectations, 4 targets, 2 windows as they were\n"
    assert tidegate("rules", "export").stdout == exported


def test_mistakes_are_told_and_nothing_is_changed(tidegate: Tidegate, file: Path) -> None:
    tidegate("rules", "apply", file)
    file.write_text(RULES.replace("at: 07:00", "at: 7"))
    failed = tidegate("rules", "apply", file)
    assert failed.exit_code == 1
    assert f"{file}:16: $.expectations[0].due.at: Not a valid string.\n" in failed.stderr
    assert tidegate("rules", "apply", "none.yaml").stderr == (
        "Error: none.yaml cannot be read: No such file or directory.\n"
    )
    assert tidegate("rules", "export").stdout == RULES


def test_secrets_that_rules_may_not_name_are_told_with_their_line(
    tidegate: Tidegate, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text("version: 1\ntargets:\n  chat:\n    kind: apprise\n    url: env:CHAT\n")
    assert tidegate("rules", "apply", file).exit_code == 0
    monkeypatch.setenv("TIDEGATE_SECRET_ENV", "ALERT_*")
    for verb in ("check", "apply"):
        refused = tidegate("rules", verb, file)
        assert refused.exit_code == 1
        assert f"{file}:5: $.targets.chat.url: Rules may not refer to env:CHAT; " in refused.stderr
    assert "env:CHAT" in tidegate("rules", "export").stdout


def test_the_example_of_the_help_is_a_rule_file_and_people_hear_of_it(tidegate: Tidegate, file: Path) -> None:
    help_ = CliRunner().invoke(main, ["rules", "--help"]).stdout
    lines = dropwhile(lambda line: line.strip() != "version: 1", help_.splitlines())
    file.write_text("\n".join(takewhile(str.strip, lines)))
    applied = tidegate("rules", "apply", file)
    assert applied.stdout == "1 expectation, 1 target applied\n"
    assert applied.stderr == ""
    exported = tidegate("rules", "export").stdout
    file.write_text(exported.partition("alerting:")[0])
    assert "nobody is told" in tidegate("rules", "apply", file).stderr


def test_rules_of_a_folder_are_changed_there(tidegate: Tidegate, file: Path, database_url: str) -> None:
    database = Database(database_url)
    with database.write() as conn:
        rules.set_origin(conn, "/etc/rules", 1)
    database.close()
    refused = tidegate("rules", "apply", file)
    assert refused.exit_code == 1
    assert "the files in /etc/rules" in refused.stderr


def test_what_needs_no_database(file: Path) -> None:
    def run(*words: str) -> Result:
        return CliRunner().invoke(main, ["rules", *words], catch_exceptions=False)

    assert json.loads(run("schema").stdout) == json_schema()
    assert run("check", str(file)).stdout == "1 expectation, 1 target: nothing is wrong\n"
    file.write_text(RULES + "windws: []\n")
    failed = run("check", str(file))
    assert (failed.exit_code, failed.stderr.splitlines()[1:]) == (
        1,
        [f"  {file}:22: $.windws: Unknown field."],
    )
