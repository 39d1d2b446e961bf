"""Lists: their order, their pages, what is hidden from them, and what they cost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from collector.storage import keys, notes
from collector.storage.engine import Database
from collector.times import now_us
from lineage.model import DatasetRef, Direction, JobRef, run_key
from tests.catalog import HOUR, NOON
from tests.contract.marquez.conftest import Ask, Send
from tests.events import NAMESPACE, job_event, run_event
from tests.integration.api.conftest import Writing
from tests.statements import counted


@pytest.fixture
def jobs(writing: Writing) -> None:
    """Write ten jobs, the later ones heard of later, each with three runs and three datasets."""
    states = ("COMPLETE", "FAIL", "RUNNING", "ABORT", "OTHER")
    with writing() as catalog:
        for number in range(10):
            seen = {"first_seen_at": NOON, "last_seen_at": NOON + number}
            job = catalog.job(f"j{number}", ("shop", "other")[number % 2], **seen)
            data = [catalog.dataset(f"d{number}-{side}") for side in range(3)]
            for side, dataset in enumerate(data):
                catalog.edge(job, dataset, Direction.OUTPUT if side == 2 else Direction.INPUT)
                catalog.facet(dataset, "schema", {"fields": [{"name": "a"}]})
            for nth in range(3):
                last = states[number % len(states)] if nth == 2 else "COMPLETE"
                at = NOON + nth * HOUR
                run = catalog.run(job, f"r{number}-{nth}", at, state=last)
                for side, dataset in enumerate(data):
                    catalog.uses(run, dataset, Direction.OUTPUT if side == 2 else Direction.INPUT)
                catalog.update(data[2], run, at)
                catalog.event(
                    {"run": {"runId": "x", "facets": {"a": {}}}}, at, job, run_key=run_key(f"r{number}-{nth}")
                )
        for parent in range(3):
            catalog.job(f"parent{parent}")


def names(answer: Any) -> list[str]:
    return [job["name"] for job in answer["jobs"]]


@pytest.mark.usefixtures("jobs")
def test_jobs_come_newest_first_and_those_without_events_last(ask: Ask) -> None:
    heard = [f"j{number}" for number in reversed(range(10))]
    every = names(ask("/jobs"))
    assert every[:10] == heard
    assert sorted(every[10:]) == ["parent0", "parent1", "parent2"]
    for limit, offset in ((4, 0), (4, 8), (2, 10), (5, 11), (3, 13), (0, 0), (100, 0)):
        page = ask("/jobs", limit=limit, offset=offset)
        assert names(page) == every[offset : offset + limit], (limit, offset)
        assert page["totalCount"] == 13
    assert names(ask("/namespaces/{}/jobs", "other")) == ["j9", "j7", "j5", "j3", "j1"]


@pytest.mark.usefixtures("jobs")
def test_jobs_by_the_state_of_their_last_run(ask: Ask) -> None:
    for states, expected in (
        (["failed"], {"j1", "j6"}),
        (["Aborted", "COMPLETED"], {"j0", "j3", "j5", "j8"}),
        (["running"], {"j2", "j7"}),
        (["NEW"], {"j4", "j9"}),
        (["OTHER"], set()),
    ):
        found = ask("/jobs", lastRunStates=states)
        assert set(names(found)) == expected, states
        # Marquez counts them all, whatever their states.
        assert found["totalCount"] == 13


@pytest.mark.usefixtures("jobs")
def test_limits_may_be_any_and_answers_are_bounded(ask: Ask, limited: Callable[..., FlaskClient]) -> None:
    assert len(ask("/jobs", limit=1_000_000)["jobs"]) == 13
    small: Any = limited(max_page=5).get("/api/v1/jobs?limit=1000000").json
    assert (len(small["jobs"]), small["totalCount"]) == (5, 13)


@pytest.mark.usefixtures("jobs")
def test_a_page_costs_as_many_statements_as_one_entity(
    client: FlaskClient, database: Database, writing: Writing
) -> None:
    for path in (
        "/jobs?x",
        "/namespaces/shop/jobs?x",
        "/namespaces/shop/datasets?x",
        "/namespaces/shop/datasets/d0-2/versions?x",
        "/namespaces/shop/jobs/j0/runs?x",
        "/namespaces/shop/jobs/j0/versions?x",
        "/namespaces?x",
    ):
        costs = set()
        for limit in (1, 2, 3):
            with counted(database) as statements:
                assert client.get(f"/api/v1{path}&limit={limit}").status_code == 200
            costs.add(len(statements))
        assert len(costs) == 1, (path, costs)
        assert max(costs) <= 22, (path, costs)


def test_datasets_and_namespaces_by_name(ask: Ask, writing: Writing) -> None:
    with writing() as catalog:
        for name in ("b", "a", "c"):
            catalog.dataset(name, "z")
            catalog.dataset(name, "y")
        notes.note_namespace(catalog.conn, "made", "me", "by hand", NOON)
    listed = ask("/namespaces", limit=2, offset=1)["namespaces"]
    assert [each["name"] for each in listed] == ["y", "z"]
    made = ask("/namespaces/{}", "made")
    assert (made["ownerName"], made["description"]) == ("me", "by hand")
    page = ask("/namespaces/{}/datasets", "z", limit=2, offset=1)
    assert ([each["name"] for each in page["datasets"]], page["totalCount"]) == (["b", "c"], 3)
    assert ask("/namespaces/{}/datasets", "made") == {"datasets": [], "totalCount": 0}


def test_what_is_hidden_is_away_until_an_event_names_it(send: Send, ask: Ask, database: Database) -> None:
    event: dict[str, Any] = {"job": "load", "inputs": ["a"], "outputs": ["b"]}
    send(run_event("COMPLETE", now_us() - HOUR, run="r1", **event), job_event(now_us() - HOUR, "kept"))
    ids = [JobRef("shop", "load").id, *(DatasetRef(NAMESPACE, name).id for name in "ab")]
    with database.write() as conn:
        notes.hide(conn, ids, now_us())

    def shown() -> tuple[list[str], int, list[str], int]:
        found, data = ask("/jobs"), ask("/namespaces/{}/datasets", NAMESPACE)
        return (
            sorted(names(found)),
            found["totalCount"],
            [each["name"] for each in data["datasets"]],
            data["totalCount"],
        )

    assert shown() == (["kept"], 1, [], 0)
    for path in ("", "/runs", "/versions"):
        ask(f"/namespaces/{{}}/jobs/{{}}{path}", "shop", "load", status=404)
    for path in ("", "/versions"):
        ask(f"/namespaces/{{}}/datasets/{{}}{path}", NAMESPACE, "a", status=404)
    send(run_event("START", now_us() + HOUR, run="r2", **event))
    assert shown() == (["kept", "load"], 2, ["a", "b"], 2)
    assert ask("/namespaces/{}/jobs/{}", "shop", "load")["latestRun"]["state"] == "RUNNING"


def test_a_hidden_namespace_is_shown_as_hidden(send: Send, ask: Ask, database: Database) -> None:
    send(run_event("COMPLETE", now_us() - HOUR, run="r1", inputs=["a"]))
    with database.write() as conn:
        for name in ("shop", NAMESPACE):
            notes.hide_namespace(conn, name, "anonymous", now_us())
    assert [each["isHidden"] for each in ask("/namespaces")["namespaces"]] == [True, True]
    assert ask("/namespaces/{}", "shop")["isHidden"] is True
    assert ask("/jobs") == {"jobs": [], "totalCount": 0}
    assert ask("/namespaces/{}/datasets", NAMESPACE) == {"datasets": [], "totalCount": 0}
    send(run_event("START", now_us() + HOUR, run="r2", inputs=["a"]))
    assert [each["isHidden"] for each in ask("/namespaces")["namespaces"]] == [False, False]
    assert ask("/jobs")["totalCount"] == 1


def test_tags(send: Send, ask: Ask, database: Database) -> None:
    schema = {"schema": {"fields": [{"name": "id", "type": "INT"}]}}
    output = {"namespace": NAMESPACE, "name": "d", "facets": schema}
    send(run_event("COMPLETE", NOON, run="r1", outputs=[output]))
    data, job = DatasetRef(NAMESPACE, "d").id, JobRef("shop", "load").id
    with database.write() as conn:
        for owner, field, tag in (
            (data, "", "gold"),
            (data, "id", "PII"),
            (job, "", "nightly"),
            (job, "", "a"),
        ):
            notes.attach_tag(conn, owner, field, tag, NOON)
    dataset = ask("/namespaces/{}/datasets/{}", NAMESPACE, "d")
    assert (dataset["tags"], dataset["fields"][0]["tags"]) == (["gold"], ["PII"])
    (version,) = ask("/namespaces/{}/datasets/{}/versions", NAMESPACE, "d")["versions"]
    assert (version["tags"], version["fields"][0]["tags"]) == (["gold"], ["PII"])
    assert ask("/namespaces/{}/jobs/{}", "shop", "load")["tags"] == ["a", "nightly"]


def test_keys_see_their_namespaces_only(client: FlaskClient, send: Send, writing: Writing) -> None:
    mine, theirs = {"namespace": "mine", "name": "d"}, {"namespace": "theirs", "name": "d"}
    for namespace in ("mine", "theirs"):
        send(
            run_event(
                "COMPLETE", NOON, run=f"run-{namespace}", namespace=namespace, inputs=[mine], outputs=[theirs]
            )
        )
    with writing() as catalog:
        created, _ = keys.create(catalog.conn, "test", ("read",), ("mine",), NOON)
        ingest, _ = keys.create(catalog.conn, "ingest", ("ingest",), (), NOON)
    key = {"Authorization": f"Bearer {created}"}

    def get(path: str, status: int = 200) -> Any:
        answer = client.get(f"/api/v1{path}", headers=key)
        assert answer.status_code == status, answer.text
        return answer.json

    assert [each["name"] for each in get("/namespaces")["namespaces"]] == ["mine"]
    (job,) = get("/jobs")["jobs"]
    assert (job["namespace"], len(job["inputs"]), job["outputs"]) == ("mine", 1, [])
    assert job["latestRun"]["outputDatasetVersions"] == []
    assert get("/jobs")["totalCount"] == 1
    assert get("/namespaces/theirs/jobs") == {"jobs": [], "totalCount": 0}
    for path in ("", "/datasets", "/datasets/d", "/jobs/load", "/jobs/load/runs"):
        assert get(f"/namespaces/theirs{path}", 404)["message"] == "Namespace 'theirs' not found."
    get("/jobs/runs/run-theirs", 404)
    (version,) = get("/namespaces/mine/datasets/d/versions")["versions"]
    assert version["createdByRun"] is None
    # Without a key, or with one that may not read.
    refused = client.get("/api/v1/jobs")
    assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert refused.json == {
        "code": 401,
        "message": "An API key is needed: send it as Authorization: Bearer KEY, or as X-API-Key: KEY.",
    }
    for path in ("/jobs", "/nothing"):
        assert client.get(f"/api/v1{path}").status_code == 401
    assert client.get("/api/v1/jobs", headers={"X-API-Key": ingest}).status_code == 403
