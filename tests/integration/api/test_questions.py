"""Questions to the graph over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from collector.storage import keys
from collector.times import iso, now_us
from lineage.model import Direction
from tests.catalog import HOUR, NOON, Catalog
from tests.integration.api.conftest import Get, Writing

NS = "postgres://h:5432"
SALES = f"dataset:{NS}:sales"


def chain(catalog: Catalog, runs: bool = True) -> dict[str, int]:
    """Write raw -> load -> orders -> report -> sales, each run in order an hour before now; give ids by name."""
    ids = {name: catalog.dataset(name, NS) for name in ("raw", "orders", "sales")}
    ids |= {"load": catalog.job("load"), "report": catalog.job("report", "bi")}
    at = now_us() - HOUR
    for number, (job, read, written) in enumerate((("load", "raw", "orders"), ("report", "orders", "sales"))):
        start = at + number * 60_000_000
        run = catalog.run(ids[job], f"run of {job}", start, ended_at=start + 1000, last_event_at=start + 1000)
        catalog.edge(ids[job], ids[read], Direction.INPUT, opened_by=run)
        catalog.edge(ids[job], ids[written], Direction.OUTPUT, opened_by=run)
        if runs:
            catalog.update(ids[written], run, start + 1000)
    return ids


# --- diff


def test_diff_tells_what_came_and_went_and_which_run_did_it(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        job, old, new = catalog.job("load"), catalog.dataset("old"), catalog.dataset("new")
        first, second = catalog.run(job, "r1"), catalog.run(job, "r2", NOON + HOUR)
        catalog.edge(job, old, Direction.OUTPUT, valid_to=NOON + HOUR, opened_by=first, closed_by=second)
        catalog.edge(job, new, Direction.OUTPUT, NOON + HOUR, opened_by=second)

    answer = get("/lineage/diff", **{"from": iso(NOON), "to": iso(NOON + HOUR)})
    assert [(edge["change"], edge["from"], edge["to"], edge["kind"]) for edge in answer["edges"]] == [
        ("came", "job:shop:load", "dataset:shop:new", "data"),
        ("went", "job:shop:load", "dataset:shop:old", "data"),
    ]
    run = {"run_id": "r2", "job": {"namespace": "shop", "name": "load"}, "state": "COMPLETE"}
    assert [(edge["at"], edge["run"]) for edge in answer["edges"]] == [(iso(NOON + HOUR), run)] * 2
    assert [(node["change"], node["id"]) for node in answer["nodes"]] == [
        ("came", "dataset:shop:new"),
        ("went", "dataset:shop:old"),
    ]
    assert (answer["from"], answer["to"]) == (iso(NOON), iso(NOON + HOUR))
    assert (answer["truncated"], answer["next_cursor"]) == (False, None)
    # From before there was anything until now.
    assert [edge["to"] for edge in get("/lineage/diff", **{"from": iso(NOON - 1)})["edges"]] == [
        "dataset:shop:new"
    ]
    assert get("/lineage/diff", **{"from": iso(NOON), "to": iso(NOON)})["edges"] == []


def test_diff_around_a_node_and_by_pages(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        chain(catalog)
        catalog.edge(catalog.job("other"), catalog.dataset("elsewhere"), Direction.OUTPUT)

    def edges(**more: Any) -> list[str]:
        parameters = {"from": iso(NOON - 1), "to": iso(NOON), **more}
        found: list[str] = []
        while True:
            answer = get("/lineage/diff", **parameters)
            found += [edge["from"] for edge in answer["edges"]]
            if answer["next_cursor"] is None:
                return found
            parameters["cursor"] = answer["next_cursor"]

    assert len(edges()) == 5
    assert sorted(edges(limit=1)) == sorted(edges(limit=2)) == sorted(edges())
    upstream = edges(node=f"dataset:{NS}:orders", direction="upstream")
    assert sorted(upstream) == [f"dataset:{NS}:raw", "job:shop:load"]
    assert edges(node=SALES, depth=1, direction="upstream") == ["job:bi:report"]


def test_diff_refuses_what_makes_no_sense(client: FlaskClient) -> None:
    for query in ("", "?from=2026-01-02&to=2026-01-01", "?from=never", "?from=2026-01-01&cursor=x"):
        assert client.get(f"/api/v2/lineage/diff{query}").status_code == 422, query
    assert client.get("/api/v2/lineage/diff?from=2026-01-01&node=job:a:b").status_code == 404


# --- impact


def test_impact_ranks_what_lies_downstream_by_distance(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        ids = chain(catalog)
        catalog.facet(ids["load"], "jobType", {"integration": "DLT"})
        catalog.facet(ids["orders"], "ownership", {"owners": [{"name": "ann", "type": "MAINTAINER"}]})
        catalog.facet(ids["sales"], "ownership", {"owners": "nobody"})
        second = catalog.dataset("orders", "other name")
        catalog.facet(
            second, "ownership", {"owners": [{"name": "ann", "type": "MAINTAINER"}, {"name": "bob"}]}
        )
        catalog.alias(second, ids["orders"], "rule")

    answer = get("/lineage/impact", node=f"dataset:{NS}:raw")
    load, orders, report, sales = answer["items"]
    assert [(item["depth"], item["name"]) for item in answer["items"]] == [
        (1, "load"),
        (2, "orders"),
        (3, "report"),
        (4, "sales"),
    ]
    assert (load["tool"], load["last_run"]["state"], load["last_update"]) == ("DLT", "COMPLETE", None)
    assert orders["owners"] == [{"name": "ann", "type": "MAINTAINER"}, {"name": "bob", "type": None}]
    assert orders["names"] == ["dataset:other name:orders"]
    assert orders["last_update"]["run"]["run_id"] == "run of load"
    assert (sales["owners"], report["affected"], report["why"]) == ([], None, None)
    assert [
        item["name"] for item in get("/lineage/impact", node=f"dataset:{NS}:raw", level="dataset")["items"]
    ] == [
        "orders",
        "sales",
    ]


def test_impact_is_paged(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        raw = catalog.dataset("raw")
        for number in range(5):
            catalog.edge(catalog.job(f"j{number}"), raw, Direction.INPUT)

    names: list[str] = []
    query: dict[str, Any] = {"node": "dataset:shop:raw", "limit": 2}
    while True:
        answer = get("/lineage/impact", **query)
        names += [item["name"] for item in answer["items"]]
        assert answer["truncated"] == (answer["next_cursor"] is not None)
        if answer["next_cursor"] is None:
            break
        query["cursor"] = answer["next_cursor"]
    assert sorted(names) == [f"j{number}" for number in range(5)]


def test_impact_of_a_column_tells_who_reads_only_others(
    get: Get, client: FlaskClient, writing: Writing
) -> None:
    with writing() as catalog:
        raw = catalog.dataset("raw")
        catalog.facet(raw, "schema", {"fields": [{"name": "id"}, {"name": "email"}]})
        for number, (job, field) in enumerate((("keep", "id"), ("mail", "email"), ("blind", None)), 1):
            written = catalog.dataset(f"of_{job}")
            derivation = None if field is None else catalog.derivation(number, (raw, field, field))
            job_id = catalog.job(job)
            catalog.edge(job_id, raw, Direction.INPUT)
            catalog.edge(job_id, written, Direction.OUTPUT, derivation_id=derivation)

    answer = get("/lineage/impact", node="column:shop:raw:email")
    assert answer["node"] == "column:shop:raw:email"
    assert {item["name"]: item["affected"] for item in answer["items"]} == {
        "keep": "no",
        "mail": "yes",
        "blind": "unknown",
        "of_keep": "no",
        "of_mail": "yes",
        "of_blind": "unknown",
    }
    why = {item["name"]: item["why"] for item in answer["items"]}
    assert why["of_mail"] == "Derived: email."
    assert why["keep"] == "It uses only other columns of raw."
    assert client.get("/api/v2/lineage/impact?node=column:shop:raw:phone").status_code == 404
    assert client.get("/api/v2/lineage/impact?node=column:shop").status_code == 422


# --- root cause


def test_root_cause_says_that_nothing_explains_it(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        chain(catalog)
    answer = get("/lineage/root-cause", node=SALES)
    assert answer["causes"] == []
    assert answer["explanation"].startswith("Nothing upstream explains it: of 2 jobs no newest run failed")
    assert (answer["jobs"], answer["datasets"], answer["truncated"]) == (2, 3, False)


def test_root_cause_names_the_newest_run_that_failed_with_the_way(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        ids = chain(catalog)
        now = now_us()
        catalog.run(ids["load"], "bad", now - 1000, state="FAIL", ended_at=now, error="disk full\nmore")
    answer = get("/lineage/root-cause", node=SALES)
    (cause,) = answer["causes"]
    assert (cause["fault"], cause["node"], cause["depth"]) == ("failed", "job:shop:load", 3)
    assert cause["path"] == ["job:shop:load", f"dataset:{NS}:orders", "job:bi:report", SALES]
    assert cause["why"].endswith(": disk full.")
    assert answer["explanation"] == f"First in line: {cause['why']}"


def test_root_cause_knows_what_is_usual(get: Get, writing: Writing) -> None:
    minute, now = 60_000_000, now_us()
    with writing() as catalog:
        ids = chain(catalog)
        for number in range(60):
            start = now - HOUR * (number + 2)
            catalog.run(ids["load"], f"old {number}", start, ended_at=start + 5 * minute)
        catalog.run(ids["load"], "now", now - 30 * minute, state="RUNNING", ended_at=None)
    (cause,) = get("/lineage/root-cause", node=SALES)["causes"]
    assert cause["fault"] == "overdue"
    assert "95 of 100 of its runs take no longer than 5 minutes" in cause["why"]


def test_root_cause_sees_checks_drops_and_what_was_not_written_or_read(get: Get, writing: Writing) -> None:
    now = now_us()
    with writing() as catalog:
        ids = chain(catalog, runs=False)
        run = catalog.run(catalog.job("check"), "c", now)
        catalog.assertion(ids["raw"], run, "unique", success=False, at=now - 2)
        catalog.assertion(ids["raw"], run, "not_null", success=True, at=now)
        second = catalog.dataset("raw", "other name")
        catalog.facet(second, "lifecycleStateChange", {"lifecycleStateChange": "DROP"}, now - 1)
        catalog.alias(second, ids["raw"], "rule")
        catalog.update(ids["orders"], run, now, rows=0)
    faults = [(cause["fault"], cause["node"]) for cause in get("/lineage/root-cause", node=SALES)["causes"]]
    assert faults == [
        ("dropped", f"dataset:{NS}:raw"),
        ("check_failed", f"dataset:{NS}:raw"),
        ("not_written", "job:bi:report"),
        ("not_run", "job:bi:report"),
        ("empty", f"dataset:{NS}:orders"),
    ]
    limited = get("/lineage/root-cause", node=SALES, limit=1)
    assert (len(limited["causes"]), limited["truncated"]) == (1, True)


def test_a_check_that_passed_since_is_no_cause(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        ids = chain(catalog)
        checks = catalog.job("check")
        for number, success in enumerate((False, True)):
            run = catalog.run(checks, f"c{number}", NOON + number)
            catalog.assertion(ids["raw"], run, "unique", success, at=NOON + number)
    assert get("/lineage/root-cause", node=SALES)["causes"] == []


# --- how things hang together


def test_root_cause_of_what_is_not_shown(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        ids = chain(catalog)
        passed = catalog.dataset("passed", NS, artificial=True)
        catalog.edge(ids["report"], passed, Direction.OUTPUT)
        catalog.run(ids["report"], "later", now_us(), state="FAIL")

    (cause,) = get("/lineage/root-cause", node=f"dataset:{NS}:passed")["causes"]

    assert (cause["node"], cause["path"]) == ("job:bi:report", [])


def test_paths_lead_from_one_node_to_the_other(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        ids = chain(catalog)
        short = catalog.job("short")
        catalog.edge(short, ids["raw"], Direction.INPUT)
        catalog.edge(short, ids["sales"], Direction.OUTPUT)

    raw = f"dataset:{NS}:raw"
    answer = get("/lineage/paths", **{"from": raw, "to": SALES})
    assert [path["length"] for path in answer["paths"]] == [2, 4]
    assert answer["paths"][0]["nodes"] == [raw, "job:shop:short", SALES]
    assert answer["paths"][0]["steps"][0] == {"from": raw, "to": "job:shop:short", "kind": "data", "via": []}
    assert (answer["from"], answer["to"], answer["truncated"]) == (raw, SALES, False)
    assert get("/lineage/paths", **{"from": SALES, "to": raw})["paths"] == []
    one = get("/lineage/paths", **{"from": raw, "to": SALES, "max_paths": 1})
    assert (len(one["paths"]), one["truncated"]) == (1, True)
    short_ones = get("/lineage/paths", **{"from": raw, "to": SALES, "depth": 3})
    assert [path["length"] for path in short_ones["paths"]] == [2]
    by_dataset = get("/lineage/paths", **{"from": raw, "to": SALES, "level": "dataset"})
    assert by_dataset["paths"][0]["steps"] == [
        {"from": raw, "to": SALES, "kind": "data", "via": ["job:shop:short"]}
    ]


def test_paths_against_the_flow_join_what_has_a_source_in_common(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        raw, one, other = (catalog.dataset(name) for name in ("raw", "one", "other"))
        for name, written in (("J", one), ("K", other)):
            job = catalog.job(name)
            catalog.edge(job, raw, Direction.INPUT)
            catalog.edge(job, written, Direction.OUTPUT)

    ends = {"from": "dataset:shop:one", "to": "dataset:shop:other"}
    assert get("/lineage/paths", **ends)["paths"] == []
    (path,) = get("/lineage/paths", **ends, undirected="true")["paths"]
    assert [node.rpartition(":")[2] for node in path["nodes"]] == ["one", "J", "raw", "K", "other"]
    assert [(step["from"].rpartition(":")[2], step["to"].rpartition(":")[2]) for step in path["steps"]] == [
        ("J", "one"),
        ("raw", "J"),
        ("raw", "K"),
        ("K", "other"),
    ]


def test_single_points_of_failure_on_either_side(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        ids = chain(catalog)
        catalog.edge(ids["load"], catalog.dataset("rates", NS), Direction.INPUT)

    answer = get("/lineage/spof", node=SALES)
    assert [(item["name"], item["cut_off"], item["everything"]) for item in answer["items"]] == [
        ("report", 4, True),
        ("orders", 3, True),
        ("load", 2, True),
    ]
    assert (answer["node"], answer["reached"], answer["truncated"]) == (SALES, 6, False)
    down = get("/lineage/spof", node=f"dataset:{NS}:rates", direction="downstream", limit=1)
    assert ([item["name"] for item in down["items"]], down["truncated"]) == (["load"], True)


def circle(catalog: Catalog) -> None:
    """Write a -> J -> b -> K -> a, a under another name when it is read; and what hangs on to it."""
    a, again, b, c = (catalog.dataset(name) for name in ("a", "again", "b", "c"))
    catalog.alias(again, a, "rule")
    for name, read, written in (("J", again, b), ("K", b, a), ("L", b, c)):
        job = catalog.job(name)
        catalog.edge(job, read, Direction.INPUT)
        catalog.edge(job, written, Direction.OUTPUT)


@pytest.mark.parametrize("query", [{}, {"node": "dataset:shop:c"}])
def test_cycles_are_found_through_all_names(get: Get, writing: Writing, query: dict[str, str]) -> None:
    with writing() as catalog:
        circle(catalog)

    answer = get("/lineage/cycles", **query)
    (cycle,) = answer["cycles"]
    assert (cycle["size"], cycle["datasets"]) == (2, ["dataset:shop:a", "dataset:shop:b"])
    way = cycle["example"]
    assert (way["nodes"][0], way["length"], len(way["nodes"])) == (way["nodes"][-1], 2, 3)
    assert {step["via"][0] for step in way["steps"]} == {"job:shop:J", "job:shop:K"}
    assert answer["truncated"] is False


def test_cycles_through_what_is_hidden_show_the_rest(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        a, b, passed = catalog.dataset("a"), catalog.dataset("b"), catalog.dataset("tmp", artificial=True)
        for name, read, written in (("J", a, passed), ("K", passed, b), ("L", b, a)):
            job = catalog.job(name)
            catalog.edge(job, read, Direction.INPUT)
            catalog.edge(job, written, Direction.OUTPUT)

    (cycle,) = get("/lineage/cycles")["cycles"]
    assert cycle["datasets"] == ["dataset:shop:a", "dataset:shop:b"]
    vias = {step["to"]: step["via"] for step in cycle["example"]["steps"]}
    assert vias == {"dataset:shop:b": ["job:shop:J", "job:shop:K"], "dataset:shop:a": ["job:shop:L"]}


def test_cycles_of_more_edges_than_may_be_looked_at(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        circle(catalog)
    answer = get("/lineage/cycles", max_edges=2)
    assert (answer["edges"], answer["truncated"]) == (2, True)


def test_orphans_have_one_side_only_under_all_their_names(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        ids = chain(catalog)
        job = catalog.job("old")
        # Written once, no longer: it is no orphan for whoever reads it.
        was = catalog.dataset("was")
        catalog.edge(job, was, Direction.OUTPUT, NOON - HOUR, valid_to=NOON)
        catalog.edge(job, was, Direction.INPUT)
        second = catalog.dataset("sales", "other name")
        catalog.alias(second, ids["sales"], "rule")
        reader = catalog.job("reader")
        catalog.edge(reader, catalog.dataset("between", artificial=True), Direction.INPUT)
        catalog.edge(reader, catalog.dataset("point", job_id=job, point="after"), Direction.INPUT)

    def names(lack: str, **more: Any) -> list[str]:
        return [item["id"] for item in get("/lineage/orphans", lack=lack, **more)["items"]]

    assert names("never_written") == [f"dataset:{NS}:raw"]
    (sales,) = get("/lineage/orphans", lack="never_read")["items"]
    assert (sales["id"], sales["names"]) == (SALES, ["dataset:other name:sales"])
    assert names("never_read", namespace="elsewhere") == []
    with writing() as catalog:
        catalog.edge(reader, second, Direction.INPUT)
    assert names("never_read") == []


def test_orphans_are_paged(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        job = catalog.job("j")
        for number in range(5):
            catalog.edge(job, catalog.dataset(f"d{number}", f"ns{number % 2}"), Direction.INPUT)
    found: list[str] = []
    query: dict[str, Any] = {"lack": "never_written", "limit": 2}
    while True:
        answer = get("/lineage/orphans", **query)
        found += [item["name"] for item in answer["items"]]
        if answer["next_cursor"] is None:
            break
        query["cursor"] = answer["next_cursor"]
    assert sorted(found) == [f"d{number}" for number in range(5)]


# --- changes


def test_changes_upstream_are_told_with_the_newest_first(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        ids = chain(catalog)
        before, since = NOON - HOUR, NOON + 1
        fields = [{"name": "id", "type": "INT"}]
        catalog.facet(ids["orders"], "schema", {"fields": fields}, before, NOON)
        catalog.facet(ids["orders"], "schema", {"fields": [*fields, {"name": "city"}]}, NOON + 2 * HOUR)
        catalog.facet(ids["load"], "sql", {"query": "SELECT 1"}, before, NOON)
        catalog.facet(ids["load"], "sql", {"query": "SELECT 2"}, NOON + 3 * HOUR)
        catalog.facet(ids["load"], "documentation", {"description": "a"}, before, NOON)
        catalog.facet(ids["load"], "documentation", {"description": "b"}, NOON + 3 * HOUR)
        # Changed and changed back: as it was.
        catalog.facet(ids["report"], "sql", {"query": "SELECT 1"}, before, NOON + 5 * HOUR)
        catalog.facet(ids["report"], "sql", {"query": "SELECT 2"}, NOON + 4 * HOUR)
        # New to the catalog, not changed.
        catalog.facet(ids["raw"], "schema", {"fields": fields}, NOON + 2 * HOUR)
        run = catalog.run(ids["load"], "new", NOON + HOUR)
        catalog.edge(ids["load"], catalog.dataset("rates", NS), Direction.INPUT, NOON + HOUR, opened_by=run)
        catalog.run(ids["report"], "x", NOON)
        for number, state in enumerate(("COMPLETE", "FAIL")):
            catalog.run(
                ids["report"], f"x{number}", now_us() + number, state=state, last_event_at=NOON + 6 * HOUR
            )

    answer = get("/lineage/changes", node=SALES, since=iso(since))
    found = [(item["kind"], item["node"], item["what"]) for item in answer["items"]]
    assert found == [
        ("run", "job:bi:report", "1 of 3 runs failed; the newest is FAIL, the last one before was COMPLETE"),
        ("code", "job:shop:load", "sql changed"),
        ("schema", f"dataset:{NS}:orders", "added city"),
        ("edge", "job:shop:load", f"now reads dataset:{NS}:rates"),
    ]
    assert answer["items"][3]["run"]["run_id"] == "new"
    assert answer["items"][0]["run"]["run_id"] == "x1"
    pages: list[str] = []
    query: dict[str, Any] = {"node": SALES, "since": iso(since), "limit": 3}
    while True:
        page = get("/lineage/changes", **query)
        pages += [item["what"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert pages == [what for _, _, what in found]


# --- who asks


def test_a_key_of_some_namespaces_is_told_of_these_only(client: FlaskClient, writing: Writing) -> None:
    with writing() as catalog:
        ids = chain(catalog)
        now = now_us()
        catalog.run(ids["load"], "bad", now, state="FAIL", ended_at=now)
        circle(catalog)
        created, _ = keys.create(catalog.conn, "test", ("read",), ("postgres://*", "bi"), NOON)
    headers = {"Authorization": f"Bearer {created}"}

    def get(path: str, **parameters: Any) -> Any:
        response = client.get(f"/api/v2/lineage/{path}", query_string=parameters, headers=headers)
        assert response.status_code == 200, response.text
        return response.json

    texts = {
        "diff": get("diff", **{"from": iso(NOON - 1), "to": iso(NOON)}),
        "impact": get("impact", node=f"dataset:{NS}:raw"),
        "root-cause": get("root-cause", node=SALES),
        "paths": get("paths", **{"from": f"dataset:{NS}:raw", "to": SALES}),
        "spof": get("spof", node=SALES),
        "cycles": get("cycles"),
        "orphans": get("orphans", lack="never_written"),
        "changes": get("changes", node=SALES, since=iso(NOON - 1)),
    }
    for path, answer in texts.items():
        assert "shop" not in str(answer), path
        assert "load" not in str(answer), path
    assert [item["name"] for item in texts["impact"]["items"]] == ["orders", "report", "sales"]
    assert texts["cycles"]["cycles"] == []
    assert client.get("/api/v2/lineage/spof?node=job:shop:load", headers=headers).status_code == 404
