"""Rule files: mistakes are told with file, line and path, and editors are told what may stand in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from marshmallow import Schema

from collector.api.documents import read_document
from collector.api.rule_documents import json_schema, read_rules, write_rules
from collector.api.rule_shapes import RuleFile, RulesInForce
from collector.errors import Unprocessable
from tests.architecture.test_layout import ROOT
from triggers.documents import ruleset_of

EXAMPLES = sorted((ROOT / "fixtures" / "rules").rglob("*.yaml"))


class Anything(Schema):
    """Takes a document as it stands."""

    class Meta:
        unknown = "include"


def errors(folder: Path, **files: str) -> list[str]:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    with pytest.raises(Unprocessable) as caught:
        read_rules([folder])
    return [f"{error.path} {error.reason}".removeprefix(f"{folder}/") for error in caught.value.errors]


GOOD = """\
version: 1
expectations:
- id: orders
  dataset: {name: orders}
  max_age: 2h
"""


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("trigers: []", ":1: $.trigers Unknown field."),
        ("timezone: Mars", ":1: $.timezone Unknown time zone: 'Mars'."),
        ("calendars:\n  de:\n    weekend: [su]", ":4: $.calendars.de.weekend No days of the week: "),
        ("calendars:\n  'a b': {}", ":3: $.calendars.a b Must be of letters, digits and _ . : - only"),
        ("calendars: {de: 3}", ":2: $.calendars.de Must be keys and values."),
        ("targets:\n  chat: {kind: fax}", ":3: $.targets.chat.kind Must be one of: apprise, webhook, "),
        ("targets:\n  chat: {}", ":3: $.targets.chat.kind Must be one of: apprise, webhook, "),
        ("targets:\n  chat: 3", ":3: $.targets.chat Must be keys and values."),
        (
            "targets:\n  chat:\n    kind: apprise\n    url: slack://x",
            ":5: $.targets.chat.url A secret is never ",
        ),
        ("targets:\n  c: {kind: pagerduty, url: 'https://x'}", ":3: $.targets.c.routing_key Missing data "),
        ("expectations:\n- {}", ":3: $.expectations[0].id Missing data for required field."),
        ("expectations:\n- id: a\n  dataset: {name: b}", ":3: $.expectations[0] One of max_age, due, "),
        (
            "expectations:\n- id: a\n  dataset: {name: b}\n  due:\n    at: 7",
            ":6: $.expectations[0].due.at Not a valid string.",
        ),
        (
            "expectations:\n- id: a\n  dataset: {name: b}\n  due:\n    at: 17:65",
            ":6: $.expectations[0].due.at No time of day: '17:65'",
        ),
        (
            "expectations:\n- id: -a\n  dataset: {name: b}\n  max_age: 1h",
            ":3: $.expectations[0].id Must be of letters, digits",
        ),
        (
            "expectations:\n- id: a\n  dataset: {name: b}\n  max_age: 3",
            ":5: $.expectations[0].max_age Must be a text or",
        ),
        (
            "expectations:\n- id: a\n  dataset: {name: b}\n  max_age: {late: 1h, whitin: {}}",
            ":5: $.expectations[0].max_age.whitin Unknown field.",
        ),
        (
            "expectations:\n- id: a\n  dataset: {name: b}\n  max_age: 1h\n  severity: page",
            ":6: $.expectations[0].severity Must be one of: info, warning, critical.",
        ),
        (
            "expectations:\n- id: a\n  dataset: {name: b}\n  due: {at: '07:00', calendar: de}",
            ":5: $.expectations[0].due.calendar There is no calendar 'de' in this file.",
        ),
        ("windows:\n- id: a\n  weekly: {}\n  by: anna", ":3: $.windows[0].reason Missing data"),
        ("alerting:\n  routes:\n  - to: [chat]", ":4: $.alerting.routes[0].to[0] There is no target 'chat'."),
        (
            "alerting:\n  routes:\n  - match: {sevrity: x}\n    to: []",
            ":4: $.alerting.routes[0].match.sevrity Unknown",
        ),
        ("alerting:\n  owner_map:\n    a: chat", ":4: $.alerting.owner_map.a There is no target 'chat'."),
        ("alerting: {group_by: [team]}", ":2: $.alerting.group_by[0] Must be one of: cause, severity"),
        (
            "windows:\n- {id: a, triggers: pause}",
            ":3: $.windows[0].triggers Must be one of: hold, drop, ignore.",
        ),
        ("targets:\n  run: {kind: command, command: a.sh}", ":3: $.targets.run.command Not a valid list."),
        ("targets:\n  dbt: {kind: dbt_cloud, token: 'env:T'}", ":3: $.targets.dbt.account Missing data"),
    ],
)
def test_mistakes_are_told_with_their_line(tmp_path: Path, text: str, place: str) -> None:
    prefix = "" if text.startswith(("trigers", "timezone")) else "version: 1\n"
    found = errors(tmp_path, a=f"{prefix}{text}\n" if prefix else f"{text}\nversion: 1\n")
    assert any(error.startswith(f"a.yaml{place}") for error in found), found


TRIGGER = """\
version: 1
targets:
  prefect: {kind: prefect, url: "env:PREFECT_API_URL"}
  chat: {kind: apprise, url: "env:CHAT"}
triggers:
- id: a
"""


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("do: []", ":6: $.triggers[0].when Missing data"),
        (
            "when: [a]",
            ":7: $.triggers[0].when Must be keys and values, as {dataset: {name: NAME}} or {all: [",
        ),
        ("when: {al: []}", ":7: $.triggers[0].when.al Unknown field."),
        ("when: {all: []}", ":7: $.triggers[0].when.all Length must be between 1 and 1000."),
        (
            "when: {all: [{dataset: a}]}",
            ":7: $.triggers[0].when.all[0].dataset Must be keys and values, as {name",
        ),
        (
            "when:\n    n_of:\n      of: [{dataset: {name: a}}]",
            ":8: $.triggers[0].when.n_of.count Missing data",
        ),
        ("when: {dataset: {}}", ":7: $.triggers[0].when.dataset A selector that names nothing"),
        (
            "when:\n    all:\n    - dataset: {name: a}\n    - dataset: {name: b}",
            ":6: $.triggers[0].join Mode is needed",
        ),
        (
            "when: {dataset: {name: a}}\n  join: {mode: and}",
            ":8: $.triggers[0].join.mode Must be one of: latched",
        ),
        (
            "when: {dataset: {name: a}}\n  deadline: {at: '07:00'}",
            ":8: $.triggers[0].deadline.then Missing data",
        ),
        (
            "when: {dataset: {name: a}}\n  guard: {cooldown: 1}",
            ":8: $.triggers[0].guard.cooldown Not a valid",
        ),
        (
            "when: {dataset: {name: a}}\n  do: [{start: mars}]",
            ":8: $.triggers[0].do[0].start There is no target",
        ),
        (
            "when: {dataset: {name: a}}\n  do: [{start: chat}]",
            ":8: $.triggers[0].do[0].start The kind apprise",
        ),
        (
            "when: {dataset: {name: a}}\n  do:\n  - start: prefect\n    deploymnt: a/b",
            ":10: $.triggers[0].do[0].deploymnt The kind prefect takes deployment, parameters,",
        ),
        (
            "when: {dataset: {name: a}}\n  do:\n  - notify: chat\n    text: '{{ keyy }}'",
            ":10: $.triggers[0].do[0].text There is no variable keyy",
        ),
        (
            "when: {dataset: {name: a}}\n  do:\n  - start: prefect\n    tags:\n    - '{{ inputs.orders.rows }}'",
            ":11: $.triggers[0].do[0].tags[0] There is no input 'orders', only input-1.",
        ),
        (
            "when: {dataset: {name: a}}\n  do:\n  - {notify: chat, text: \"{{ inputs['b'].rows }}\"}",
            ":9: $.triggers[0].do[0].text There is no input 'b', only input-1.",
        ),
        (
            "when: {dataset: {name: a}, require: {assertions: {}}}\n  on_blocked: {notify: chat, text: '{{ run }}'}",
            ":8: $.triggers[0].on_blocked.text There is no variable run",
        ),
        (
            "when: {dataset: {name: a}, require: {expectation: b}}",
            ":7: $.triggers[0].when.require.expectation[0] There is no expectation 'b'",
        ),
        (
            f"when: {'{any: [' * 11}{{dataset: {{name: a}}}}{']}' * 11}",
            ":7: $.triggers[0].when Must not be more than 10 levels deep.",
        ),
        (
            f"when: {{dataset: {{name: a}}}}\n  do: [{{start: prefect, parameters: {{a: {'[' * 20}{']' * 20}}}}}]",
            ":8: $.triggers[0].do[0].parameters.a",
        ),
    ],
)
def test_mistakes_in_triggers_are_told_with_their_line(tmp_path: Path, text: str, place: str) -> None:
    found = errors(tmp_path, a=f"{TRIGGER}  {text}\n")
    assert any(error.startswith(f"a.yaml{place}") for error in found), found


@pytest.fixture
def own_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a package that has an action of its own."""
    package = tmp_path / "site" / "sql_actions-1.dist-info"
    package.mkdir(parents=True)
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: sql-actions\nVersion: 1\n")
    (package / "entry_points.txt").write_text(
        "[tidegate.actions]\nsql = sql_actions:send\nprefect = sql_actions:send\n"
    )
    monkeypatch.syspath_prepend(package.parent)


OWN = """\
version: 1
targets:
  warehouse: {kind: sql, dsn: "env:DSN", pool: {size: 3}}
triggers:
- id: a
  when: {dataset: {name: a}}
  do: [{start: warehouse, query: "call refresh('{{ key }}')", times: [1]}]
"""


@pytest.mark.usefixtures("own_kind")
def test_kinds_of_targets_may_be_installed_beside(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(OWN)
    rules = ruleset_of(rows := read_rules([file]))
    assert rules.targets["warehouse"].options == {"dsn": "env:DSN", "pool": {"size": 3}}
    (action,) = rules.triggers["a"].actions
    assert list(action.options.items()) == [("query", "call refresh('{{ key }}')"), ("times", [1])]
    again = tmp_path / "b.yaml"
    again.write_text(write_rules(rows))
    assert read_rules([again]) == rows
    schema = jsonschema_rs.Draft202012Validator(json_schema())
    assert schema.is_valid(read_document(OWN, Anything(), "a"))
    assert not schema.is_valid(read_document(OWN.replace("kind: sql", "kind: mars"), Anything(), "a"))
    (tmp_path / "c").mkdir()
    text = "version: 1\ntargets: {a: {kind: mars}, b: {kind: prefect, dsn: x}}"
    kind, missing, unknown = errors(tmp_path / "c", a=text)
    assert kind.startswith("a.yaml:2: $.targets.a.kind Must be one of: apprise, ")
    assert kind.endswith(", command, sql.")
    assert missing == "a.yaml:2: $.targets.b.url Missing data for required field."
    assert unknown == "a.yaml:2: $.targets.b.dsn Unknown field."


def test_kinds_that_nobody_has_installed_are_mistakes(tmp_path: Path) -> None:
    found = errors(tmp_path, a=OWN)
    assert found[0].startswith("a.yaml:3: $.targets.warehouse.kind Must be one of: apprise")


def test_of_several_files_all_mistakes_are_told(tmp_path: Path) -> None:
    assert errors(tmp_path, a="version: 2", b="expectations: []", c=GOOD) == [
        "a.yaml:1: $.version Must be one of: 1.",
        "b.yaml:1: $.version Missing data for required field.",
    ]


def test_two_rules_of_one_name_are_told_of_both(tmp_path: Path) -> None:
    assert errors(tmp_path, a=GOOD, b=f"# Again.\n{GOOD}") == [
        f"b.yaml:4: $.expectations[0] 'orders' is there already, see {tmp_path}/a.yaml:3: $.expectations[0]."
    ]
    assert errors(tmp_path, a="version: 1\nalerting: {}", b="version: 1\nalerting: {}") == [
        f"b.yaml:2: $.alerting There is one already, see {tmp_path}/a.yaml:2: $.alerting."
    ]


def test_scalars_are_what_they_look_like() -> None:
    text = "a: [17:30, 07:00, NO, off, 2026-12-05, 2026-12-05T22:00, 1_000, 0x1F, 1e3, 12, -1, 1.5, true, ~, '5']"
    read = ["17:30", "07:00", "NO", "off", "2026-12-05", "2026-12-05T22:00", "1_000", "0x1F"]
    assert read_document(text, Anything(), "f") == {"a": [*read, 1000.0, 12, -1, 1.5, True, None, "5"]}


def test_what_is_written_is_read_as_the_same(tmp_path: Path) -> None:
    odd = [
        "17:30",
        "NO",
        "2026-12-05",
        "1e3",
        "~",
        "null",
        "true",
        "007",
        ".5",
        "- a",
        "a: b",
        "#",
        "é",
        "0x1F",
    ]
    expectations = "".join(
        f"- id: e{number}\n  dataset: {{name: '{name}'}}\n  max_age: 1h\n" for number, name in enumerate(odd)
    )
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text(f"version: 1\nexpectations:\n{expectations}")
    rows = read_rules([first])
    assert [row.body["dataset"]["name"] for row in rows if row.kind == "expectation"] == odd
    second.write_text(write_rules(rows))
    assert read_rules([second]) == rows


@pytest.fixture(scope="module")
def validator() -> Any:
    return jsonschema_rs.Draft202012Validator(json_schema())


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_editors_take_the_examples_for_right(path: Path, validator: Any) -> None:
    data = read_document(path.read_text(), Anything(), path.name)
    assert [error.message for error in validator.iter_errors(data)] == []


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"trigers": []},
        {"expectations": [{"id": "a b", "dataset": {"name": "x"}}]},
        {"expectations": [{"id": "a", "dataset": {"nmae": "x"}, "max_age": "1h"}]},
        {"expectations": [{"id": "a", "dataset": {"name": "x"}, "max_age": "soon"}]},
        {"expectations": [{"id": "a", "dataset": {"name": "x"}, "due": {"at": "7"}}]},
        {"targets": {"a": {"kind": "fax"}}},
        {"targets": {"a": {"kind": "apprise", "url": "slack://x"}}},
        {"targets": {"a b": {"kind": "apprise", "url": "env:X"}}},
        {"alerting": {"routes": [{"match": {}}]}},
        {"triggers": [{"id": "a"}]},
        {"triggers": [{"id": "a", "when": {"all": [{"dataset": {"nmae": "x"}}]}}]},
        {"triggers": [{"id": "a", "when": {"dataset": {"name": "x"}}, "do": [{"strat": "x"}]}]},
        {"triggers": [{"id": "a", "when": {"dataset": {"name": "x"}}, "join": {"mode": "and"}}]},
        {"targets": {"a": {"kind": "prefect", "url": "https://x", "key": "pnu_1"}}},
        {"windows": [{"id": "a", "by": "b", "reason": "r", "triggers": "pause"}]},
    ],
)
def test_editors_see_what_is_wrong(change: dict[str, Any], validator: Any) -> None:
    assert validator.is_valid({"version": 1})
    assert not validator.is_valid({"version": 1} | change)


def test_editors_are_told_what_each_part_is() -> None:
    schema = json_schema()
    assert schema["properties"]["timezone"]["description"] == "of all times in the file"
    assert schema["$defs"]["ExpectationRule"]["description"].startswith("One condition on some datasets")
    assert all(each["additionalProperties"] is False for each in schema["$defs"].values())


def test_the_api_gives_all_that_a_file_may_hold() -> None:
    assert set(RuleFile().fields) < set(RulesInForce().fields)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_examples_are_written_as_they_were_read(path: Path, tmp_path: Path) -> None:
    rows = read_rules([path])
    (tmp_path / "again.yaml").write_text(write_rules(rows))
    assert read_rules([tmp_path / "again.yaml"]) == rows


def test_the_examples_are_read_as_one() -> None:
    found = ruleset_of(read_rules(EXAMPLES))
    assert min(map(len, (found.expectations, found.triggers, found.targets, found.windows))) > 1
