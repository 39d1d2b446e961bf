"""Documents in YAML: what is wrong is told with its line."""

from __future__ import annotations

import pytest

from collector.api.alias_shapes import AliasDocument
from collector.api.documents import read_document
from collector.errors import Unprocessable

GOOD = """\
version: 1
rules:
  - prefix: {namespace: a, to_namespace: b}
    reason: the same server
  - host:
      names: &hosts [localhost, '[::1]']
      to: db
  - host: {names: *hosts, to: db2}
"""


def errors(text: str) -> list[str]:
    with pytest.raises(Unprocessable) as caught:
        read_document(text, AliasDocument(), "rules.yaml")
    return [f"{error.path} {error.reason}" for error in caught.value.errors]


def test_a_document_is_read_as_it_stands() -> None:
    assert read_document(GOOD, AliasDocument(), "f") == {
        "version": 1,
        "rules": [
            {"prefix": {"namespace": "a", "to_namespace": "b"}, "reason": "the same server"},
            {"host": {"names": ["localhost", "[::1]"], "to": "db"}},
            {"host": {"names": ["localhost", "[::1]"], "to": "db2"}},
        ],
    }


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "rules.yaml:1: $ Keys and values are needed."),
        ("- 1", "rules.yaml:1: $ Keys and values are needed."),
        ("rules: [", "rules.yaml:1 No YAML: "),
        ("a: 1\na: \x07", "rules.yaml No YAML: "),
        ("version: 1", "rules.yaml:1: $.rules Missing data for required field."),
        ("version: 2\nrules: []", "rules.yaml:1: $.version Must be one of: 1."),
        ("version: 1\nrules: []\nversion: 1", "rules.yaml:3: $.version There is another one above."),
        ("version: 1\nrules:\n- exact: {}\n  host: 3", "rules.yaml:4: $.rules[0].host "),
        ("version: 1\nrules:\n- exact:\n    nmae: a", "rules.yaml:4: $.rules[0].exact.nmae Unknown field."),
        ("version: 1\nrules:\n\n- reason: x", "rules.yaml:4: $.rules[0] One of exact, prefix, regex, host "),
        ("version: 1\nrules:\n- &a [*a]", "rules.yaml:3: $.rules[0] Invalid input type."),
        ("version: 1\nrules: 7", "rules.yaml:2: $.rules Not a valid list."),
    ],
)
def test_mistakes_are_told_with_their_line(text: str, place: str) -> None:
    assert any(error.startswith(place) for error in errors(text)), errors(text)


@pytest.mark.parametrize(
    ("rule", "place"),
    [
        ("{namespace: '(', name: a, to_namespace: b, to_name: c}", "namespace Not a regular expression: "),
        ("{namespace: '(?P<x>a)', name: '(?P<x>a)', to_namespace: b, to_name: c}", "name Together with "),
        (
            "{namespace: '(a)', name: '(b)', to_namespace: '\\3', to_name: c}",
            "to_namespace There is no group 3.",
        ),
        ("{namespace: a, name: b, to_namespace: c, to_name: '\\g<x>'}", "to_name There is no group x."),
        ("{namespace: a, name: b, to_namespace: c, to_name: 'a\\'}", "to_name A backslash stands before "),
    ],
)
def test_expressions_and_templates_are_checked(rule: str, place: str) -> None:
    (found,) = errors(f"version: 1\nrules:\n- regex: {rule}")

    assert found.startswith(f"rules.yaml:3: $.rules[0].regex.{place}")
