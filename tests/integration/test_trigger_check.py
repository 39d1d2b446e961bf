"""What history says of triggers: inputs that nobody writes, gates on something else, and triggers without end."""

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
from collector.questions.rule_check import check
from collector.settings import Settings
from collector.storage.engine import Database
from collector.storage.tables import firing, firing_action
from collector.storage.upsert import write_rows
from collector.times import now_us
from collector.wiring import Services
from lineage.model import JobRef, run_key
from tests.dump import feed
from tests.events import HOUR, NAMESPACE, Json, dataset, run_event
from triggers.documents import ruleset_of

DAY = 24 * HOUR
TARGETS = {
    "airflow": {"kind": "airflow", "url": "https://airflow.example.org", "token": "env:AIRFLOW_TOKEN"},
    "prefect": {"kind": "prefect", "url": "https://prefect.example.org/api"},
    "dagster": {"kind": "dagster", "url": "https://dagster.example.org"},
    "dbt": {"kind": "dbt_cloud", "account": 1, "token": "env:DBT_TOKEN"},
    "chat": {"kind": "apprise", "url": "env:CHAT_URL"},
}
GUARD = {"max_fires": {"count": 10, "per": "1h"}}

Check = Callable[..., list[tuple[str, str, str]]]


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.close()


def document(*triggers: Json, **parts: object) -> str:
    """Give a rule file; of targets only those that triggers name."""
    named = {action.get("start") or action["notify"] for each in triggers for action in each["do"]}
    targets = {name: TARGETS[name] for name in sorted(named)}
    return yaml.safe_dump({"version": 1, "targets": targets, **parts, "triggers": list(triggers)})


def trigger(id_: str, inputs: list[Json] | str, *actions: Json, **parts: object) -> Json:
    """Give a trigger with a breaker; an input that is a text is the name of a dataset."""
    listed = [{"id": "it", "dataset": table(inputs)}] if isinstance(inputs, str) else inputs
    return {"id": id_, "when": {"all": listed}, "guard": GUARD, "do": list(actions), **parts}


def table(name: str) -> Json:
    return {"namespace": NAMESPACE, "name": name}


def dag(name: str, **parts: object) -> Json:
    return {"id": "run", "start": "airflow", "dag": name, **parts}


@pytest.fixture
def checked(database: Database, tmp_path: Path) -> Check:
    """Check a rule file; give the remarks on triggers."""

    def run(*triggers: Json, **parts: object) -> list[tuple[str, str, str]]:
        file = tmp_path / "rules.yaml"
        file.write_text(document(*triggers, **parts))
        with database.read() as conn:
            remarks = check(conn, ruleset_of(read_rules([file])), now_us())
        return [
            (each.severity, each.rule.removeprefix("trigger "), each.text)
            for each in remarks
            if each.rule.startswith("trigger")
        ]

    return run


def project(database: Database, *events: Json) -> None:
    feed(database, events, received_at=now_us())
    Projector(database, holder="test").drain()


def ran(job: str, reads: list[str], writes: list[object], at: int = 0, **parts: Any) -> Json:
    """Give a run of job ``job`` in Airflow that ended ``at`` µs ago, two hours if that is left out."""
    ended = now_us() - (at or 2 * HOUR)
    return run_event("COMPLETE", ended, job, f"{job} {at}", reads, writes, namespace="airflow", **parts)


def part_of(dag_name: str) -> Json:
    return {"parent": {"run": {"runId": f"{dag_name} 0"}, "job": {"namespace": "airflow", "name": dag_name}}}


def in_partition(name: str, day: str) -> Json:
    facet = {
        "subset": {"outputCondition": {"type": "partition", "partitions": [{"dimensions": {"day": day}}]}}
    }
    return dataset(name, outputFacets=facet)


# --- inputs ----------------------------------------------------------------------------------------------------


def test_inputs_that_will_not_come_are_told(database: Database, checked: Check) -> None:
    project(
        database,
        ran("extract", ["api"], ["orders"]),
        ran("old", [], ["forgotten"], at=60 * DAY),
        ran("mart", [], ["mart"]),
    )
    inputs: list[Json] = [
        {"id": name, "dataset": table(name)} for name in ("order", "api", "forgotten", "orders")
    ]
    inputs += [
        {"id": "tagged", "dataset": {"tag": "none"}},
        {"id": "more", "dataset": table("prices"), "optional": True},
    ]
    remarks = checked(
        trigger("a", inputs, dag("mart"), join={"mode": "latched", "expire": "1d"}),
    )
    found = {text.split(":")[0].removeprefix("input "): (severity, text) for severity, _, text in remarks}
    assert found["order"][0] == "warning"
    assert found["order"][1].startswith(
        f"input order: no event has named dataset {NAMESPACE}: order; there is "
    )
    assert found["api"] == ("warning", "input api: api: no run has ever written it")
    assert found["forgotten"] == ("warning", "input forgotten: forgotten: it was not written for 60 d")
    assert found["tagged"] == ("warning", "input tagged: there is no dataset with tag 'none'")
    assert found["more"][0] == "note"
    assert "orders" not in found


def test_a_join_by_partition_needs_updates_that_say_which(database: Database, checked: Check) -> None:
    project(
        database,
        *(ran("raw", [], ["raw"], at=hour * HOUR) for hour in range(1, 4)),
        *(ran("daily", [], [in_partition("daily", "2026-11-21")], at=hour * HOUR) for hour in range(1, 4)),
        ran("daily", [], ["daily"], at=5 * HOUR),
        *(ran("named", [], [f"named_2026{month}"], at=HOUR) for month in ("-10-01", "-11-01")),
        ran("mart", [], ["mart"]),
    )
    inputs = [{"id": name, "dataset": table(name)} for name in ("raw", "daily", "named_2026-11-01")]
    join = {"mode": "partition", "key": {"name_pattern": r"\d{4}-\d\d-\d\d"}}
    remarks = checked(trigger("a", inputs, dag("mart"), join=join))
    assert remarks == [
        ("error", "a", "input raw: raw: 0 of its last 3 updates say which partition they wrote"),
        ("warning", "a", "input daily: daily: 3 of its last 4 updates say which partition they wrote"),
    ]


def test_gates_that_hold_nothing_or_everything_back_are_told(database: Database, checked: Check) -> None:
    project(
        database, ran("extract", [], ["orders"]), ran("other", [], ["payments"]), ran("mart", [], ["mart"])
    )
    expectations = [
        {"id": "own", "dataset": table("orders"), "max_age": "1d"},
        {"id": "elsewhere", "dataset": table("payments"), "max_age": "1d"},
        {"id": "nowhere", "dataset": {"tag": "none"}, "max_age": "1d"},
    ]
    gate = {"expectation": ["own", "elsewhere", "nowhere"], "assertions": {"wait": "1h"}}
    inputs = [{"id": "it", "dataset": table("orders"), "require": gate}]
    assert checked(trigger("a", inputs, dag("mart")), expectations=expectations) == [
        (
            "warning",
            "a",
            "input it: expectation nowhere is on no dataset, and holds nothing back",
        ),
        (
            "warning",
            "a",
            "input it: orders: no result of a check is known, and without one the gate lets nothing through",
        ),
        ("note", "a", "input it: expectation elsewhere is on other datasets: payments"),
    ]


# --- loops -----------------------------------------------------------------------------------------------------


def test_a_trigger_whose_dag_writes_its_own_input_is_refused(database: Database, checked: Check) -> None:
    project(
        database,
        ran("daily", [], []),
        ran("daily.load", ["orders"], ["mart"], run_facets=part_of("daily")),
        ran("daily.back", ["mart"], ["orders"], run_facets=part_of("daily")),
    )
    told = "action run starts job airflow:daily, of which job airflow:daily.back writes orders"
    assert checked(trigger("a", "orders", dag("daily"))) == [
        ("error", "a", f"it sets itself off: {told}; input it waits for it")
    ]
    assert (
        checked(trigger("a", [{"id": "all", "dataset": {"namespace": NAMESPACE}}], dag("daily")))[0][0]
        == "error"
    )
    assert checked(trigger("a", "raw", dag("daily")))[0][2].startswith("input it: no event has named")


def test_what_is_only_taken_along_sets_nothing_off(database: Database, checked: Check) -> None:
    project(database, ran("raw", [], ["raw"]), ran("daily", ["raw", "state"], ["state"]))
    inputs: list[Json] = [
        {"id": "raw", "dataset": table("raw")},
        {"id": "state", "dataset": table("state"), "optional": True},
    ]
    join = {"mode": "latched", "expire": "1d"}
    assert checked(trigger("a", inputs, dag("daily"), join=join)) == []


def test_triggers_that_set_each_other_off_are_refused_once(database: Database, checked: Check) -> None:
    project(
        database,
        ran("to_b", ["a"], ["b"]),
        run_event("COMPLETE", now_us() - HOUR, "to_a", "r", ["b"], ["a"], namespace="prefect"),
        ran("report", ["b"], ["board"]),
    )
    flow = {"id": "flow", "start": "prefect", "deployment": "to_a/nightly"}
    (found,) = checked(
        trigger("first", "a", dag("to_b")),
        trigger("second", "b", flow),
        trigger("third", "b", dag("report")),
    )
    assert found == (
        "error",
        "first",
        "it sets itself off: "
        + "; ".join(
            (
                "action run starts job airflow:to_b, which writes b",
                "input it of trigger second waits for it",
                "action flow of trigger second starts job prefect:to_a, which writes a",
                "input it waits for it",
            )
        ),
    )


def test_a_way_through_jobs_that_no_trigger_starts_is_a_warning(database: Database, checked: Check) -> None:
    project(
        database,
        ran("daily", ["orders"], ["mart"]),
        ran("report", ["mart"], ["board"]),
        ran("feedback", ["board"], ["orders"]),
    )
    told = (
        "action run starts job airflow:daily, which writes mart",
        "job airflow:report makes board of it",
        "job airflow:feedback makes orders of it",
        "input it waits for it",
    )
    if_ = "it sets itself off, if the jobs that no trigger starts run whenever their data come"
    assert checked(trigger("a", "orders", dag("daily"))) == [("warning", "a", f"{if_}: {'; '.join(told)}")]


def test_what_firings_told_of_rules_that_are_gone_makes_no_loop(database: Database, checked: Check) -> None:
    """An older trigger waited for what the job of this one writes, and started what writes its input."""
    fed = {"type": "JOB", "namespace": "airflow", "name": "back"}
    entries = [{**fed, "inputs": [{"type": "DATASET", **dataset("mart")}]}]
    project(
        database,
        ran("daily", ["orders"], ["mart"]),
        ran("back", [], ["orders"]),
        run_event(
            "COMPLETE", now_us() - HOUR, "gone", "g", ["mart"], namespace="tidegate",
            job_facets={"lineage": {"entries": entries}},
        ),
    )  # fmt: skip
    assert checked(trigger("a", "orders", dag("daily"))) == []


@pytest.mark.parametrize(
    ("action", "job"),
    [
        ({"id": "run", "start": "airflow", "dag": "load"}, ("airflow", "load")),
        ({"id": "run", "start": "prefect", "deployment": "load/daily"}, ("prefect", "load")),
        ({"id": "run", "start": "dagster", "job": "load"}, ("dagster", "load")),
        (
            {"id": "run", "start": "dbt", "job_id": 7, "job": {"namespace": "dbt", "name": "build"}},
            ("dbt", "build"),
        ),
    ],
)
def test_the_job_that_is_started_is_found(
    database: Database, checked: Check, action: Json, job: tuple[str, str]
) -> None:
    place, name = job
    project(
        database,
        run_event("COMPLETE", now_us() - HOUR, name, "r", ["orders"], ["orders"], namespace=place),
        run_event("COMPLETE", now_us() - HOUR, "another", "s", ["x"], ["y"], namespace="shop"),
    )
    (found,) = checked(trigger("a", "orders", action))
    assert found[2].startswith(
        f"it sets itself off: action run starts job {place}:{name}, which writes orders"
    )


def test_what_was_started_before_tells_more_than_a_name(database: Database, checked: Check) -> None:
    """The runs of a Dagster run's assets have its run id, and no parent."""
    project(
        database,
        ran("extract", [], ["orders"]),
        run_event("COMPLETE", now_us() - HOUR, "first", "shared", ["orders"], ["mid"], namespace="dagster"),
        run_event("COMPLETE", now_us() - HOUR, "second", "shared", ["mid"], ["orders"], namespace="dagster"),
    )
    started = {"action": {"job": "assets"}}
    with database.write() as conn:
        _record(database, conn, "a", started, JobRef("dagster", "first"), "shared")
    action = {"id": "run", "start": "dagster", "job": "assets"}
    (found,) = checked(trigger("a", "orders", action))
    assert found[2] == (
        "it sets itself off: action run starts job dagster:first, of which job dagster:second writes orders; "
        "input it waits for it"
    )
    # Of another job that tells nothing.
    (found,) = checked(trigger("a", "orders", {**action, "job": "others"}))
    assert found == (
        "note",
        "a",
        "it is not known which job action run starts: only guard.max_fires is sure to end a loop",
    )


def test_a_run_that_has_told_nothing_of_itself_tells_nothing_of_its_job(
    database: Database, checked: Check
) -> None:
    project(database, ran("extract", [], ["orders"]))
    with database.write() as conn:
        _record(database, conn, "a", {"action": {"job": "assets"}}, None, "r1")
    (found,) = checked(trigger("a", "orders", {"id": "run", "start": "dagster", "job": "assets"}))
    assert found[2].startswith("it is not known which job action run starts")


def _record(database: Database, conn: Any, trigger_id: str, body: Json, job: JobRef | None, run: str) -> None:
    """Record a firing whose only action started a run."""
    now = now_us()
    fired = {
        "id": "f", "fire_key": "f", "trigger_id": trigger_id, "key": "", "at": now, "decided_at": now,
        "cause": "data", "partial": False, "consumed": "[]", "tree": "{}", "chain": "[]", "state": "completed",
    }  # fmt: skip
    done = {
        "firing_id": "f", "action_id": "run", "position": 0, "target_id": "dagster", "starts": True,
        "state": "completed", "body": json.dumps(body), "outbox_key": "k", "run_key": run_key(run), "run_id": run,
        "job_namespace": job and job.namespace, "job_name": job and job.name,
    }  # fmt: skip
    for target, row in ((firing, fired), (firing_action, done)):
        write_rows(conn, target, tuple(row), [tuple(row.values())])


def test_where_nothing_is_known_a_breaker_is_asked_for(database: Database, checked: Check) -> None:
    project(
        database,
        ran("extract", [], ["orders"]),
        ran("mail", ["orders"], []),
        ran("twice", [], ["x"]),
        run_event("COMPLETE", now_us() - HOUR, "twice", "t", [], ["y"], namespace="elsewhere"),
    )
    template = {"id": "run", "start": "airflow", "dag": "load_{{ key }}"}
    unknown = "it is not known which job action run starts"
    for action in (dag("twice"), dag("none"), template, {"id": "run", "start": "dbt", "job_id": 7}):
        assert checked(trigger("a", "orders", action)) == [
            ("note", "a", f"{unknown}: only guard.max_fires is sure to end a loop")
        ]
    assert checked(trigger("a", "orders", template, guard={})) == [
        ("warning", "a", f"{unknown}: a loop might never end; set guard.max_fires")
    ]
    unseen = "nobody has seen job airflow:mail write anything, which action run starts"
    assert checked(trigger("a", "orders", dag("mail"))) == [
        ("note", "a", f"{unseen}: only guard.max_fires is sure to end a loop")
    ]
    given = dag("load", job={"namespace": "airflow", "name": "lod"})
    assert checked(trigger("a", "orders", given)) == [
        ("warning", "a", "no event has named job airflow:lod, which action run starts")
    ]
    # Who only tells people starts nothing.
    assert checked(trigger("a", "orders", {"id": "tell", "notify": "chat"}, guard={})) == []


# --- by command and by API -------------------------------------------------------------------------------------


def tidegate(database_url: str, *arguments: object) -> Result:
    words = ["rules", *(str(word) for word in arguments), "-d", database_url]
    return CliRunner().invoke(main, words, catch_exceptions=False)


def test_the_command_and_the_api_refuse_a_loop(database: Database, database_url: str, tmp_path: Path) -> None:
    project(database, ran("daily", ["orders"], ["orders"]))
    file = tmp_path / "rules.yaml"
    file.write_text(document(trigger("a", "orders", dag("daily"))))
    told = tidegate(database_url, "check", file)
    assert told.exit_code == 1
    assert told.stdout.splitlines()[-1] == "1 trigger, 1 target: 1 error"
    assert " ".join(told.stdout.split()).startswith(
        "rule error trigger a it sets itself off: action run starts job airflow:"
    )
    # What can never work is for people to judge: rules that can be read are applied.
    assert tidegate(database_url, "apply", file).exit_code == 0
    client = create_app(
        Services(Settings(), database, Authenticator(database, cache_seconds=0))
    ).test_client()
    answer = client.post("/api/v2/rules/check", json={"document": yaml.safe_load(file.read_text())})
    assert answer.status_code == 200, answer.text
    assert [(each["severity"], each["rule"]) for each in answer.get_json()["items"]] == [
        ("error", "trigger a")
    ]
