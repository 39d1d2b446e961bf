"""Where Marquez is wrong about states, versions and names, the right answer in its shape."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from collector.times import iso
from tests.contract.marquez.conftest import Ask, Send
from tests.events import HOUR, NAMESPACE, NOON, run_event

RUN = "01980000-0000-7000-8000-000000000001"


def parent(name: str, run: str = "p", namespace: str = "shop") -> dict[str, Any]:
    return {"parent": {"run": {"runId": run}, "job": {"namespace": namespace, "name": name}}}


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_late_start_leaves_a_run_completed(send: Send, ask: Ask, order: tuple[int, ...]) -> None:
    # marquez#2264: there the event received last wins.
    kinds = ("START", "RUNNING", "COMPLETE")
    events = [run_event(kind, NOON + number * 1000, run=RUN) for number, kind in enumerate(kinds)]
    for number in order:
        send(events[number])

    run = ask("/jobs/runs/{}", RUN)
    assert (run["state"], run["startedAt"], run["endedAt"]) == ("COMPLETED", iso(NOON), iso(NOON + 2000))
    assert ask("/namespaces/{}/jobs/{}", "shop", "load")["latestRun"]["state"] == "COMPLETED"


def test_a_run_without_an_end_has_its_lineage(send: Send, ask: Ask) -> None:
    # marquez#2054: there the job is in no graph before its first run ends.
    send(run_event("START", NOON, run=RUN, inputs=["a"], outputs=["b"]))

    job = ask("/namespaces/{}/jobs/{}", "shop", "load")
    assert (job["latestRun"]["state"], job["latestRun"]["jobVersion"]) == ("RUNNING", None)
    assert [ref["name"] for ref in (*job["inputs"], *job["outputs"])] == ["a", "b"]
    assert job["currentVersion"] is not None


def test_a_failed_run_takes_nothing_away(send: Send, ask: Ask) -> None:
    # In Marquez a failing run with fewer datasets replaces the lineage of its job.
    described = {"documentation": {"description": "loads"}}
    send(run_event("COMPLETE", NOON, run=RUN, inputs=["a"], outputs=["b"], job_facets=described))
    before = ask("/namespaces/{}/jobs/{}", "shop", "load")
    send(run_event("FAIL", NOON + HOUR, run=RUN[:-1] + "2", inputs=["a"]))

    after = ask("/namespaces/{}/jobs/{}", "shop", "load")
    assert after["latestRun"]["state"] == "FAILED"
    same = ("inputs", "outputs", "currentVersion", "description", "facets")
    assert {key: after[key] for key in same} == {key: before[key] for key in same}
    assert after["latestRun"]["jobVersion"]["version"] == before["currentVersion"]
    assert ask("/namespaces/{}/datasets/{}/versions", NAMESPACE, "b")["totalCount"] == 1


def test_a_run_of_which_nothing_has_begun_is_new(send: Send, ask: Ask) -> None:
    send(run_event("OTHER", NOON, run=RUN))
    assert ask("/jobs/runs/{}", RUN)["state"] == "NEW"
    assert ask("/jobs", lastRunStates="NEW")["jobs"][0]["name"] == "load"
    send(run_event("START", NOON + 1, run=RUN))
    assert ask("/jobs/runs/{}", RUN)["state"] == "RUNNING"
    assert ask("/jobs", lastRunStates="NEW")["jobs"] == []


def test_a_run_id_that_is_no_uuid_has_one_here(send: Send, ask: Ask) -> None:
    send(run_event("COMPLETE", NOON, run="scheduled__2026-11-22"))
    run = ask("/jobs/runs/{}", "scheduled__2026-11-22")
    assert len(run["id"]) == 36
    assert ask("/jobs/runs/{}", run["id"]) == run
    assert ask("/jobs/runs/{}/facets", run["id"], type="run")["runId"] == run["id"]


def test_jobs_that_share_a_run_id(send: Send, ask: Ask) -> None:
    # marquez#2519: there the run keeps its first job, and mixes what both read.
    send(
        run_event("COMPLETE", NOON, "one", RUN, ["a"], run_facets={"first": {"n": 1}}),
        run_event("FAIL", NOON + 1, "two", RUN, ["b"], run_facets={"second": {"n": 2}}),
    )
    states = {name: ask("/namespaces/{}/jobs/{}/runs", "shop", name)["runs"][0] for name in ("one", "two")}
    assert {name: run["state"] for name, run in states.items()} == {"one": "COMPLETED", "two": "FAILED"}
    read = {name: run["inputDatasetVersions"][0]["datasetVersionId"]["name"] for name, run in states.items()}
    assert read == {"one": "a", "two": "b"}
    assert ask("/jobs/runs/{}", RUN) == states["one"]
    assert set(ask("/jobs/runs/{}/facets", RUN, type="run")["facets"]) == {"first", "second"}


def test_names_of_children_have_their_parents_before_them(send: Send, ask: Ask) -> None:
    spark: dict[str, Any] = {"job": "etl.exec", "namespace": "spark", "run_facets": parent("dag.task", "t")}
    send(
        run_event("COMPLETE", NOON, "dag", "d"),
        run_event("COMPLETE", NOON, "dag.task", "t", run_facets=parent("dag", "d")),
        run_event("COMPLETE", NOON, run="e", **spark),
    )

    task = ask("/namespaces/{}/jobs/{}", "shop", "dag.task")
    assert (task["name"], task["simpleName"], task["parentJobName"]) == ("dag.task", "task", "dag")
    full = ask("/namespaces/{}/jobs/{}", "spark", "dag.task.etl.exec")
    assert (full["simpleName"], full["parentJobName"]) == ("etl.exec", "dag.task")
    assert full["id"] == {"namespace": "spark", "name": "dag.task.etl.exec"}
    # The name in the events finds it too, and all about it.
    assert ask("/namespaces/{}/jobs/{}", "spark", "etl.exec") == full
    for part in ("runs", "versions"):
        path = f"/namespaces/{{}}/jobs/{{}}/{part}"
        assert ask(path, "spark", "etl.exec") == ask(path, "spark", "dag.task.etl.exec")
    assert full["latestRun"]["jobVersion"]["name"] == "dag.task.etl.exec"
    ask("/namespaces/{}/jobs/{}", "spark", "exec", status=404)
    ask("/namespaces/{}/jobs/{}", "spark", "other.etl.exec", status=404)


def test_jobs_that_name_each_other_as_parents_have_names(send: Send, ask: Ask) -> None:
    send(
        run_event("COMPLETE", NOON, "a", "ra", run_facets=parent("b", "rb")),
        run_event("COMPLETE", NOON, "b", "rb", run_facets=parent("a", "ra")),
        run_event("COMPLETE", NOON, "self", "rs", run_facets=parent("self", "rs")),
    )
    assert len(ask("/jobs")["jobs"]) == 3
    assert ask("/namespaces/{}/jobs/{}", "shop", "self")["name"] == "self"


def test_a_dataset_is_one_whatever_it_is_called(send: Send, ask: Ask) -> None:
    # marquez#2738: there a symlink to a dataset that exists already merges nothing.
    written = {"namespace": NAMESPACE, "name": "shop.orders"}
    read = {"namespace": "s3://lake", "name": "orders"}
    symlinks = {"symlinks": {"identifiers": [{**read, "type": "TABLE"}]}}
    schema = {"schema": {"fields": [{"name": "id", "type": "INT"}]}}
    send(run_event("COMPLETE", NOON, "reader", "r1", inputs=[read]))
    send(run_event("COMPLETE", NOON, "writer", "r2", outputs=[{**written, "facets": symlinks | schema}]))
    send(run_event("COMPLETE", NOON + HOUR, "reader", "r3", inputs=[read]))

    one, other = (ask("/namespaces/{}/datasets/{}", *ref.values()) for ref in (written, read))
    assert (one["name"], other["name"]) == ("shop.orders", "orders")
    assert one["currentVersion"] == other["currentVersion"]
    assert one["fields"] == other["fields"] != []
    jobs = [ask("/namespaces/{}/jobs/{}", "shop", name) for name in ("writer", "reader")]
    assert jobs[0]["outputs"] == jobs[1]["inputs"]
    (used,) = jobs[1]["latestRun"]["inputDatasetVersions"]
    assert used["datasetVersionId"]["version"] == one["currentVersion"]


def test_a_dropped_dataset_is_deleted_until_it_is_written_again(send: Send, ask: Ask) -> None:
    def lifecycle(word: str) -> dict[str, Any]:
        return {
            "namespace": NAMESPACE,
            "name": "d",
            "facets": {"lifecycleStateChange": {"lifecycleStateChange": word}},
        }

    send(run_event("COMPLETE", NOON, run="r1", outputs=["d"]))
    send(run_event("COMPLETE", NOON + 1, run="r2", outputs=[lifecycle("DROP")]))
    dropped = ask("/namespaces/{}/datasets/{}", NAMESPACE, "d")
    assert (dropped["deleted"], dropped["lastLifecycleState"]) == (True, "DROP")
    assert ask("/namespaces/{}/datasets", NAMESPACE)["totalCount"] == 1
    send(run_event("COMPLETE", NOON + HOUR, run="r3", outputs=["d"]))
    assert ask("/namespaces/{}/datasets/{}", NAMESPACE, "d")["deleted"] is False
