"""What triggers and alerting say of other rules that are not there, or are not such."""

from __future__ import annotations

from typing import Any

import pytest

from tests.architecture.test_layout import ROOT
from triggers.action_options import COMMON, KINDS
from triggers.documents import Row
from triggers.errors import dotted
from triggers.references import Known

TARGETS = {kind: kind for kind in KINDS} | {"sql": "of-my-own"}
KNOWN = Known(TARGETS, {"fresh"})


def lost(**keys: Any) -> list[tuple[str, str]]:
    body = {"id": "t", "timezone": "UTC", "when": {"dataset": {"name": "x"}}} | keys
    return [(dotted(path), why) for path, why in KNOWN.lost(Row("trigger", "t", body))]


def of_action(**action: Any) -> list[tuple[str, str]]:
    return [(path.removeprefix(".do[0]"), why) for path, why in lost(do=[action])]


@pytest.mark.parametrize(
    "action",
    [
        {"start": "prefect", "deployment": "a/b", "parameters": {"x": 1}, "tags": ["a"], "labels": {}},
        {"start": "prefect", "deployment": "{{ trigger }}", "parameters": "{{ inputs }}"},
        {"start": "airflow", "dag": "d", "conf": {}, "note": "n"},
        {"start": "airflow", "asset": "s3://x", "extra": {}},
        {"start": "dagster", "job": "etl", "tags": {"a": "b"}, "run_config": {}, "location": "l"},
        {"start": "dagster", "job": {"namespace": "n", "name": "etl"}},
        {"start": "dbt_cloud", "job_id": 12, "steps_override": ["dbt build"], "generate_docs_override": True},
        {"start": "databricks", "job_id": "12", "job_parameters": {}},
        {"start": "command", "args": ["{{ key }}"], "job": {"namespace": "n", "name": "etl"}},
        {"start": "webhook", "body": [1]},
        {"notify": "webhook", "body": {}},
        {"notify": "apprise", "text": "t", "title": "t"},
        {"start": "sql", "query": {"whatever": [1]}},
        {"notify": "sql"},
    ],
)
def test_what_may_be_said_to_each_kind(action: dict[str, Any]) -> None:
    assert of_action(**action) == []


@pytest.mark.parametrize(
    ("action", "faults"),
    [
        ({"start": "mars"}, [(".start", "there is no target 'mars'")]),
        ({"start": "apprise"}, [(".start", "the kind apprise starts no runs; write notify")]),
        (
            {"notify": "prefect", "deployment": "a/b"},
            [(".notify", "the kind prefect only starts runs; write start")],
        ),
        (
            {"start": "prefect", "deploymnt": "a/b", "id": "x", "delivery": "at_most_once"},
            [
                (".deploymnt", "the kind prefect takes deployment, parameters, tags, labels, name"),
                ("", "the kind prefect needs deployment"),
            ],
        ),
        (
            {"start": "prefect", "deployment": "b"},
            [(".deployment", "no deployment: 'b'; write FLOW/DEPLOYMENT")],
        ),
        (
            {"start": "prefect", "deployment": "a/b", "tags": {"a": "b"}, "parameters": ["a"]},
            [(".tags", "must be a list"), (".parameters", "must be keys and values")],
        ),
        ({"start": "prefect", "deployment": "a/b", "tags": ["a", 1]}, [(".tags[1]", "must be a text")]),
        ({"start": "airflow"}, [("", "the kind airflow needs dag or asset")]),
        (
            {"start": "airflow", "dag": "a", "asset": "b"},
            [("", "the kind airflow needs dag or asset, and only one")],
        ),
        ({"start": "airflow", "asset": "b", "conf": {}}, [(".conf", "goes with dag, not with asset")]),
        ({"start": "databricks", "job_id": True}, [(".job_id", "must be a whole number or a text")]),
        (
            {"start": "webhook", "job": "etl"},
            [
                (
                    ".job",
                    "as a text it is the name of a job in Dagster; of a job of the graph there are namespace and name",
                )
            ],
        ),
    ],
)
def test_what_may_not(action: dict[str, Any], faults: list[tuple[str, str]]) -> None:
    assert of_action(**action) == faults


def test_other_rules_that_are_not_there() -> None:
    when = {
        "any": [
            {"dataset": {"name": "x"}, "require": {"expectation": ["fresh", "old"]}},
            {"n_of": {"count": 1, "of": [{"dataset": {"name": "y"}, "require": {"expectation": ["new"]}}]}},
        ]
    }
    assert lost(when=when, on_blocked={"notify": "mars"}) == [
        (".on_blocked.notify", "there is no target 'mars'"),
        (".when.any[0].require.expectation[1]", "there is no expectation 'old'"),
        (".when.any[1].n_of.of[0].require.expectation[0]", "there is no expectation 'new'"),
    ]
    assert lost(on_blocked={"notify": "prefect"}) == [
        (".on_blocked.notify", "the kind prefect only starts runs; write start")
    ]


def test_alerts_go_where_messages_are_taken() -> None:
    body = {
        "routes": [{"to": ["apprise", "airflow", "sql", "owner"]}],
        "owner_map": {"a": "env:A", "b": "command"},
    }
    assert [(dotted(path), why) for path, why in KNOWN.lost(Row("alerting", "", body))] == [
        (".routes[0].to[1]", "the kind airflow takes no messages"),
        (".owner_map.b", "the kind command takes no messages"),
    ]


def test_no_option_is_called_as_what_is_said_of_any_action() -> None:
    assert {name for kind in KINDS.values() for name in kind.options} & set(COMMON) == {"job"}


def test_the_examples_show_what_may_be_said_to_each_kind_that_starts_runs() -> None:
    text = (ROOT / "fixtures" / "rules" / "triggers.yaml").read_text()
    assert [kind for kind in KINDS if KINDS[kind].starts and f"kind: {kind}," not in text] == []
