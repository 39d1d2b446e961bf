"""Runs: the list, one in detail, and its events."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient

from lineage.model import Direction, run_key
from tests.catalog import HOUR, NOON
from tests.integration.api.conftest import Get, Writing


def ids(answer: Any) -> list[str]:
    return [item["run_id"] for item in answer["items"]]


def event(run_id: str, **facets: object) -> dict[str, object]:
    return {"run": {"runId": run_id, "facets": facets}}


def test_runs_of_a_job_come_by_their_first_event_those_without_any_last(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        load = catalog.job("load")
        catalog.run(load, "stub", None)
        catalog.run(load, "late", NOON + HOUR)
        catalog.run(load, "early", NOON)
        catalog.run(load, "stub 2", None)
        catalog.run(load, "declaration", NOON, declared=True)
        catalog.run(catalog.job("other"), "another", NOON + HOUR)

    seen: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(10):
        page = get("/runs", job_namespace="shop", job_name="load", limit=1, **cursor)
        seen += ids(page)
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert seen == ["late", "early", "stub 2", "stub"]
    assert ids(get("/runs")) == ["another", "stub 2", "early", "late", "stub"]


def test_runs_are_filtered(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        load = catalog.job("load")
        catalog.run(load, "a", NOON, state="FAIL")
        catalog.run(load, "b", NOON + HOUR, parent_key=run_key("P"), parent_run_id="P")
        catalog.run(catalog.job("x", "elsewhere"), "c", NOON + 2 * HOUR)

    assert ids(get("/runs", state="FAIL")) == ["a"]
    assert ids(get("/runs", parent_run_id="P")) == ["b"]
    assert ids(get("/runs", job_namespace="elsewhere")) == ["c"]
    assert ids(get("/runs", since="2026-11-22T13:00:00Z")) == ["c", "b"]
    assert ids(get("/runs", until="2026-11-22T14:00:00+01:00")) == ["a"]
    assert ids(get("/runs", job_namespace="shop", job_name="load", since="2026-11-22T13:00:00")) == ["b"]


def test_the_detail_of_a_run_tells_all(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        load, dag = catalog.job("load"), catalog.job("dag")
        raw, orders = catalog.dataset("raw"), catalog.dataset("orders")
        catalog.run(dag, "top", None)
        run = catalog.run(
            load, "r1", NOON, last_event_at=NOON + HOUR, ended_at=NOON + HOUR, nominal_start_at=NOON,
            parent_key=run_key("top"), parent_run_id="top", parent_job_id=dag,
            root_key=run_key("top"), root_run_id="top",
        )  # fmt: skip
        catalog.uses(run, raw, Direction.INPUT, version="7")
        catalog.uses(run, orders, Direction.OUTPUT, rows=10, bytes=20, files=1, partition="day=22")
        catalog.run(load, "child", NOON, parent_key=run_key("r1"), parent_run_id="r1")
        for at, facets in ((NOON, {"a": 1, "b": 1}), (NOON - 1, {"a": 0}), (NOON + 1, {"b": 2})):
            catalog.event(event("r1", **facets), at, load, run_key=run_key("r1"))
        catalog.event(event("r1", b="of another job"), NOON + 2, dag, run_key=run_key("r1"))

    answer = get("/run", run_id="r1")
    assert answer["duration"] == 3600
    assert (answer["started_at"], answer["ended_at"]) == (
        "2026-11-22T12:00:00.000000Z",
        "2026-11-22T13:00:00.000000Z",
    )
    top = {"run_id": "top", "job": {"namespace": "shop", "name": "dag"}}
    # The root facet named no job; only one job has a run of that id.
    assert answer["parent"] == answer["root"] == top
    (read,), (written,) = answer["inputs"], answer["outputs"]
    assert (read["dataset"]["name"], read["version"]) == ("raw", "7")
    assert (written["rows"], written["bytes"], written["files"], written["partition"]) == (
        10,
        20,
        1,
        "day=22",
    )
    assert answer["facets"] == {"a": 1, "b": 2}
    assert answer["facets_complete"] is True
    assert answer["children"] == {"count": 1, "url": "/api/v2/runs?parent_run_id=r1"}


def test_a_run_id_of_several_jobs_needs_the_job(get: Get, client: FlaskClient, writing: Writing) -> None:
    with writing() as catalog:
        for name in ("a", "b"):
            catalog.run(catalog.job(name), "shared", NOON)

    refused = client.get("/api/v2/run?run_id=shared")
    assert refused.status_code == 422
    assert refused.json is not None
    assert [error["reason"] for error in refused.json["errors"]] == [
        "may be job 'a' in namespace 'shop'",
        "may be job 'b' in namespace 'shop'",
    ]
    assert get("/run", run_id="shared", job_namespace="shop", job_name="b")["job"]["name"] == "b"
    assert client.get("/api/v2/run?run_id=shared&job_namespace=shop&job_name=c").status_code == 404
    assert client.get("/api/v2/run?run_id=shared&job_name=b").status_code == 422


def test_facets_of_a_run_with_very_many_events_are_of_the_first_and_the_last(
    get: Get, writing: Writing
) -> None:
    with writing() as catalog:
        load = catalog.job("load")
        catalog.run(load, "r1", NOON)
        for number in range(260):
            name = {0: "first", 55: "middle", 259: "last"}.get(number, "any")
            catalog.event(event("r1", **{name: number}), NOON + number, load, run_key=run_key("r1"))

    answer = get("/run", run_id="r1")
    assert answer["facets"] == {"any": 258, "first": 0, "last": 259}
    assert answer["facets_complete"] is False


def test_facets_of_a_run_with_as_many_events_as_are_read_are_complete(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        load = catalog.job("load")
        catalog.run(load, "r1", NOON)
        for number in range(250):
            catalog.event(event("r1", **{str(number): 0}), NOON, load, run_key=run_key("r1"))

    answer = get("/run", run_id="r1")
    assert len(answer["facets"]) == 250
    assert answer["facets_complete"] is True


def test_facets_come_from_events_of_any_shape(get: Get, writing: Writing) -> None:
    bodies = [[], {"run": None}, {"run": {"facets": [1]}}, b'{"run": {"facets": {"a": NaN}}}', b"\xff"]
    with writing() as catalog:
        load = catalog.job("load")
        catalog.run(load, "r1", NOON)
        for body in bodies:
            catalog.event(body, NOON, load, run_key=run_key("r1"))

    assert get("/run", run_id="r1")["facets"] == {}


def test_events_of_a_run_are_those_of_its_job(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        for name in ("a", "b"):
            job = catalog.job(name)
            catalog.run(job, "shared", NOON)
            for number in range(2):
                catalog.event({"of": name, "number": number}, NOON, job, run_key=run_key("shared"))

    answer = get("/run/events", run_id="shared", job_namespace="shop", job_name="b")
    assert [item["event"] for item in answer["items"]] == [
        {"of": "b", "number": 1},
        {"of": "b", "number": 0},
    ]
    brief = get("/run/events", run_id="shared", job_namespace="shop", job_name="b", body="false")
    assert "event" not in brief["items"][0]
