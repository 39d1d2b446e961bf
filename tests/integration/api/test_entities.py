"""What the details of datasets, jobs and runs tell of each other: owners, addresses, ancestors, triggers, states."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import insert

from collector.storage import keys, tables
from collector.storage.engine import Database
from lineage.model import Direction, run_key
from tests.catalog import HOUR, NOON, Catalog
from tests.integration.api.conftest import Get, Writing
from tests.watched import Watched, print_of


def part_of(run_id: str, job_id: int | None = None) -> dict[str, Any]:
    """Give the columns of a run that say of which run it is part."""
    return {"parent_key": run_key(run_id), "parent_run_id": run_id, "parent_job_id": job_id}


def ancestors(get: Get, run_id: str, **job: str) -> list[str]:
    return [each["job"]["name"] for each in get("/run", run_id=run_id, **job)["ancestors"]]


def test_the_runs_above_come_from_the_outermost_on(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        dag, task, model = map(catalog.job, ("dag", "task", "model"))
        catalog.run(dag, "d", NOON, state="RUNNING")
        catalog.run(task, "t", NOON, **part_of("d", dag))
        catalog.run(model, "m", NOON, **part_of("t"))

    assert ancestors(get, "m") == ["dag", "task"]
    assert ancestors(get, "d") == []
    assert get("/run", run_id="t")["ancestors"][0]["state"] == "RUNNING"


def test_the_line_ends_where_several_runs_may_be_meant(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        a, b = catalog.job("a"), catalog.job("b")
        catalog.run(a, "shared", NOON)
        catalog.run(b, "shared", NOON)
        catalog.run(catalog.job("unclear"), "u", NOON, **part_of("shared"))
        catalog.run(catalog.job("clear"), "c", NOON, **part_of("shared", b))

    assert ancestors(get, "u") == []
    assert ancestors(get, "c") == ["b"]


def test_runs_that_are_part_of_each_other_have_an_end(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        catalog.run(catalog.job("one"), "1", NOON, **part_of("2"))
        catalog.run(catalog.job("two"), "2", NOON, **part_of("1"))
        catalog.run(catalog.job("itself"), "3", NOON, **part_of("3"))
        for number in range(30):
            catalog.run(catalog.job(f"j{number:02}"), f"l{number}", NOON, **part_of(f"l{number + 1}"))

    assert ancestors(get, "1") == ["two"]
    assert ancestors(get, "3") == []
    assert ancestors(get, "l0") == [f"j{number:02}" for number in range(10, 0, -1)]


def test_runs_are_found_by_an_id_that_several_jobs_share(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        for name in ("a", "b"):
            catalog.run(catalog.job(name), "01980000-0000-7000-8000-00000000000a", NOON)
        catalog.run(catalog.job("c"), "another", NOON)

    found = get("/runs", run_id="01980000-0000-7000-8000-00000000000A")
    assert [item["job"]["name"] for item in found["items"]] == ["b", "a"]


def test_jobs_tell_their_parent_and_their_parts(get: Get, client: FlaskClient, writing: Writing) -> None:
    with writing() as catalog:
        dag = catalog.job("dag", "airflow")
        for name in ("b", "a"):
            catalog.job(name, parent_id=dag)
        catalog.facet(dag, "jobType", {"integration": "AIRFLOW"})

    answer = get("/job", namespace="airflow", name="dag")
    assert answer["parent"] is None
    assert answer["tool"] == "AIRFLOW"
    assert answer["children"] == {
        "count": 2,
        "url": "/api/v2/jobs?parent_namespace=airflow&parent_name=dag",
    }
    listed = client.get(answer["children"]["url"]).json
    assert listed is not None
    assert [item["name"] for item in listed["items"]] == ["a", "b"]
    assert get("/job", namespace="shop", name="a")["parent"] == {"namespace": "airflow", "name": "dag"}
    assert client.get("/api/v2/jobs?parent_name=dag").status_code == 422


def test_owners_tags_and_addresses_come_from_facets(get: Get, writing: Writing) -> None:
    owners = {"owners": [{"name": "team:shop", "type": "OWNER"}, {"name": "anna"}, {"type": "x"}]}
    with writing() as catalog:
        load, orders = catalog.job("load"), catalog.dataset("orders")
        for entity in (load, orders):
            catalog.facet(entity, "ownership", owners)
            catalog.facet(entity, "sourceCodeLocation", {"url": "https://git.example.com/load.py"})
        catalog.facet(orders, "tags", {"tags": [{"key": "gold"}, {"key": "tier", "value": "1"}]})

    shown = [{"name": "team:shop", "type": "OWNER"}, {"name": "anna", "type": None}]
    links = [{"text": "Source code", "url": "https://git.example.com/load.py"}]
    dataset, job = (
        get(f"/{kind}", namespace="shop", name=name)
        for kind, name in (("dataset", "orders"), ("job", "load"))
    )
    assert dataset["owners"] == job["owners"] == shown
    assert dataset["links"] == job["links"] == links
    assert dataset["tags"] == ["gold", "tier:1"]


def test_who_makes_and_reads_a_dataset_comes_with_the_last_run(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        load, orders = catalog.job("load"), catalog.dataset("orders")
        catalog.edge(load, orders, Direction.OUTPUT)
        catalog.edge(catalog.job("idle"), orders, Direction.INPUT)
        catalog.run(load, "r1", NOON)
        catalog.run(load, "r2", NOON + HOUR, state="FAIL")

    answer = get("/dataset", namespace="shop", name="orders")
    last = answer["producers"][0]["last_run"]
    assert (last["run_id"], last["state"]) == ("r2", "FAIL")
    assert answer["consumers"][0]["last_run"] is None


def test_each_schema_says_what_is_new_in_it_over_the_ends_of_pages(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        orders = catalog.dataset("orders")
        for position, (name, kind) in enumerate((("a", "int"), ("a", "bigint"), ("b", "bigint"))):
            catalog.facet(
                orders, "schema", {"fields": [{"name": name, "type": kind}]}, NOON + position * HOUR
            )

    changes: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        page = get("/dataset/schemas", namespace="shop", name="orders", limit=1, **cursor)
        changes += [item["change"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert changes == [
        {"added": ["b"], "removed": ["a"], "retyped": []},
        {"added": [], "removed": [], "retyped": [{"name": "a", "before": "int", "after": "bigint"}]},
        None,
    ]


def test_a_list_of_datasets_says_how_each_stands_at_worst_whatever_its_name(
    get: Get, writing: Writing
) -> None:
    with writing() as catalog:
        orders, link = catalog.dataset("orders"), catalog.dataset("link")
        catalog.alias(link, orders, "symlink")
        catalog.dataset("unwatched")
        watched = Watched(catalog.conn)
        watched.expect("one", max_age="1d")
        watched.expect("two", max_age="1d")
        watched.stands("one", "orders", "fresh")
        watched.stands("two", "orders", "late")
        catalog.dataset("sales")
        for id_ in ("one", "two"):
            watched.stands(id_, "sales", "late")
        watched.alert("two", "orders", affects=1)
        watched.alert("one", "sales", cause=print_of("two", "orders"))

    listed = {item["name"]: (item["state"], item["affected"]) for item in get("/datasets")["items"]}
    # Of what is expected of sales only one violation is explained.
    assert listed == {
        "orders": ("late", False),
        "link": ("late", False),
        "sales": ("late", False),
        "unwatched": (None, False),
    }
    with writing() as catalog:
        Watched(catalog.conn).alert("two", "sales", cause=print_of("two", "orders"))
    assert {item["name"]: item["affected"] for item in get("/datasets")["items"]}["sales"] is True


def test_what_is_expected_of_the_outputs_of_a_job(get: Get, client: FlaskClient, writing: Writing) -> None:
    with writing() as catalog:
        load, orders, raw = catalog.job("load"), catalog.dataset("orders"), catalog.dataset("raw")
        catalog.edge(load, orders, Direction.OUTPUT)
        catalog.edge(load, raw, Direction.INPUT)
        watched = Watched(catalog.conn)
        watched.expect("daily", max_age="1d")
        for name in ("orders", "raw"):
            watched.stands("daily", name, "late")

    found = get("/freshness", job_namespace="shop", job_name="load")["items"]
    assert [item["dataset"]["name"] for item in found] == ["orders"]
    assert get("/freshness", job_namespace="shop", job_name="none")["items"] == []
    assert client.get("/api/v2/freshness?job_name=load").status_code == 422


def trigger(database: Database, id_: str, waits_for: int) -> None:
    """Write a trigger that waits for a dataset."""
    rule = {"kind": "trigger", "id": id_, "body": "{}", "position": 0, "changed_at": 0}
    binding = {"trigger_id": id_, "input_id": "one", "dataset_id": waits_for}
    with database.write() as conn:
        conn.execute(insert(tables.rule).values(rule))
        conn.execute(insert(tables.trigger_binding).values(binding))


def fire(database: Database, firing: str, trigger_id: str, run_id: str, job: tuple[str, str]) -> None:
    """Write that a firing has started a run."""
    with database.write() as conn:
        conn.execute(
            insert(tables.firing).values(
                id=firing, fire_key=firing, trigger_id=trigger_id, key="", at=NOON, decided_at=NOON, cause="data",
                partial=False, consumed="[]", tree="null", chain="[]", state="completed",
            )
        )  # fmt: skip
        conn.execute(
            insert(tables.firing_action).values(
                firing_id=firing, action_id="a", position=0, target_id="t", starts=True, state="completed", body="{}",
                outbox_key=firing, run_key=run_key(run_id), run_id=run_id, job_namespace=job[0], job_name=job[1],
            )
        )  # fmt: skip


def flow(catalog: Catalog) -> int:
    """Write a job with a run, and the dataset that it writes; give the dataset."""
    load, orders = catalog.job("load"), catalog.dataset("orders")
    catalog.edge(load, orders, Direction.OUTPUT)
    catalog.run(load, "r1", NOON)
    catalog.run(catalog.job("namesake", "elsewhere"), "r1", NOON)
    return orders


def test_triggers_that_wait_for_a_dataset_and_that_start_a_job(
    get: Get, writing: Writing, database: Database
) -> None:
    with writing() as catalog:
        orders, raw = flow(catalog), catalog.dataset("raw")
    trigger(database, "close-day", orders)
    trigger(database, "morning", raw)
    fire(database, "f1", "morning", "r1", ("shop", "load"))

    job = get("/job", namespace="shop", name="load")
    assert job["awaited_by"] == [{"id": "close-day", "state": "new"}]
    assert job["started_by"] == [{"id": "morning", "state": "new"}]
    assert get("/dataset", namespace="shop", name="orders")["awaited_by"] == job["awaited_by"]
    run = get("/run", run_id="r1", job_namespace="shop", job_name="load")
    assert run["started_by"] == {"firing": "f1", "trigger": "morning"}
    other = get("/run", run_id="r1", job_namespace="elsewhere", job_name="namesake")
    assert other["started_by"] is None
    assert get("/job", namespace="elsewhere", name="namesake")["started_by"] == []


def test_a_key_of_some_namespaces_learns_of_no_others(
    client: FlaskClient, writing: Writing, database: Database
) -> None:
    with writing() as catalog:
        orders = flow(catalog)
        secret = catalog.dataset("plans", "secret")
        dag = catalog.job("dag", "secret")
        catalog.job("part", parent_id=dag)
        catalog.edge(dag, orders, Direction.INPUT)
        catalog.run(dag, "d", NOON)
        catalog.run(catalog.job("step"), "s", NOON, **part_of("d", dag))
        made, _ = keys.create(catalog.conn, "test", ("read",), ("shop",), NOON)
    trigger(database, "hidden", secret)
    fire(database, "f1", "hidden", "r1", ("shop", "load"))

    def get(path: str, **asked: str) -> Any:
        answer = client.get(f"/api/v2{path}", query_string=asked, headers={"X-API-Key": made})
        assert answer.status_code == 200, answer.text
        assert "secret" not in answer.text
        assert "hidden" not in answer.text
        return answer.json

    assert get("/run", run_id="s")["ancestors"] == []
    assert get("/run", run_id="r1")["started_by"] is None
    assert get("/job", namespace="shop", name="part")["parent"] is None
    assert get("/job", namespace="shop", name="load")["started_by"] == []
    assert get("/dataset", namespace="shop", name="orders")["consumers"] == []
