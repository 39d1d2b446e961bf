"""Lineage over HTTP, and reading the text of a node."""

from __future__ import annotations

from collections.abc import Callable

from flask.testing import FlaskClient

from lineage.model import Direction
from tests.catalog import HOUR, NOON, Catalog
from tests.integration.api.conftest import Get, Writing


def chain(catalog: Catalog) -> None:
    """Write raw -> load -> orders -> report -> sales."""
    raw, orders, sales = (catalog.dataset(name, "postgres://h:5432") for name in ("raw", "orders", "sales"))
    load, report = catalog.job("load"), catalog.job("report", "bi")
    catalog.edge(load, raw, Direction.INPUT)
    catalog.edge(load, orders, Direction.OUTPUT)
    catalog.edge(report, orders, Direction.INPUT)
    catalog.edge(report, sales, Direction.OUTPUT)


def test_lineage_leads_the_way_the_data_flows(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        chain(catalog)

    answer = get("/lineage", node="dataset:postgres://h:5432:orders", direction="upstream")
    assert [(node["id"], node["depth"]) for node in answer["nodes"]] == [
        ("dataset:postgres://h:5432:orders", 0),
        ("job:shop:load", 1),
        ("dataset:postgres://h:5432:raw", 2),
    ]
    names = [(node["type"], node["namespace"], node["name"]) for node in answer["nodes"]]
    assert names[:2] == [("dataset", "postgres://h:5432", "orders"), ("job", "shop", "load")]
    assert answer["edges"] == [
        {"from": "dataset:postgres://h:5432:raw", "to": "job:shop:load", "kind": "data", "via": []},
        {"from": "job:shop:load", "to": "dataset:postgres://h:5432:orders", "kind": "data", "via": []},
    ]
    assert answer["truncated"] is False


def test_lineage_takes_depth_level_and_a_bound(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        chain(catalog)

    def names(**parameters: object) -> list[str]:
        answer = get("/lineage", node="dataset:postgres://h:5432:orders", **parameters)
        return [node["name"] for node in answer["nodes"]]

    assert names(depth=0) == ["orders"]
    assert names(depth=1) == ["orders", "report", "load"]
    assert sorted(names()) == ["load", "orders", "raw", "report", "sales"]
    assert names(level="dataset", direction="downstream") == ["orders", "sales"]
    assert get("/lineage", node="job:bi:report", max_nodes=2)["truncated"] is True
    (edge,) = get("/lineage", node="dataset:postgres://h:5432:raw", level="dataset", depth=1)["edges"]
    assert edge["via"] == ["job:shop:load"]


def test_bounds_are_the_settings(limited: Callable[..., FlaskClient], writing: Writing) -> None:
    with writing() as catalog:
        chain(catalog)
    client = limited(max_depth=2, max_nodes=3)
    path = "/api/v2/lineage?node=job:shop:load"
    assert client.get(f"{path}&depth=3").status_code == 422
    assert client.get(f"{path}&max_nodes=4").status_code == 422
    answer = client.get(path).json
    assert answer is not None
    assert len(answer["nodes"]) == 3


def test_a_truncated_answer_goes_on_from_its_cursor(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        chain(catalog)
    question = {"node": "dataset:postgres://h:5432:orders", "max_nodes": 2}
    nodes: list[str] = []
    edges: list[tuple[str, str]] = []
    cursor: str | None = None
    for page in range(3):
        answer = get("/lineage", **question, **({"cursor": cursor} if cursor else {}))
        nodes += [node["name"] for node in answer["nodes"]]
        edges += [(edge["from"], edge["to"]) for edge in answer["edges"]]
        cursor = answer["next_cursor"]
        assert (answer["truncated"], cursor is not None) == (page < 2, page < 2)
    assert sorted(nodes) == ["load", "orders", "raw", "report", "sales"]
    assert len(set(edges)) == len(edges) == 4


def test_the_graph_of_an_earlier_moment_and_of_a_window(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        load, old, new = catalog.job("load"), catalog.dataset("old"), catalog.dataset("new")
        catalog.edge(load, old, Direction.INPUT, NOON - HOUR, valid_to=NOON)
        catalog.edge(load, new, Direction.INPUT, NOON)

    def reads(**parameters: str) -> list[str]:
        answer = get("/lineage", node="job:shop:load", direction="upstream", **parameters)
        return [node["name"] for node in answer["nodes"] if node["depth"]]

    assert reads() == ["new"]
    assert reads(as_of="2026-11-22T11:59:59Z") == ["old"]
    assert reads(as_of="2026-11-22T12:00:00Z") == ["new"]
    assert reads(as_of="2026-11-22T13:00:00Z", window="PT1H1S") == ["new", "old"]
    assert reads(window="P36500D") == ["new", "old"]


def test_several_names_are_one_node_and_any_of_them_finds_it(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        table = catalog.dataset("orders")
        catalog.dataset("/lake/orders", "s3://bucket", canonical_id=table)
        catalog.edge(catalog.job("load"), table, Direction.OUTPUT)

    for name in ("dataset:shop:orders", "dataset:s3://bucket:/lake/orders"):
        answer = get("/lineage", node=name)
        assert [(node["id"], node["names"]) for node in answer["nodes"]] == [
            ("dataset:shop:orders", ["dataset:s3://bucket:/lake/orders"]),
            ("job:shop:load", []),
        ]


def test_what_cannot_be_read_is_refused(client: FlaskClient) -> None:
    for parameter, value in (
        ("as_of", "yesterday"), ("window", "7D"), ("fold", "all"), ("control", "maybe"), ("cursor", "x"),
        ("cursor", "Wy0xXQ"),
    ):  # fmt: skip
        refused = client.get("/api/v2/lineage", query_string={"node": "job:shop:load", parameter: value})
        assert refused.status_code == 422, parameter
        assert refused.json is not None
        assert refused.json["errors"][0]["path"] == f"?{parameter}"


def test_a_node_that_is_not_there_is_not_found(client: FlaskClient, writing: Writing) -> None:
    with writing() as catalog:
        catalog.job("hidden", dataset_id=catalog.dataset("orders"))

    for node in ("dataset:shop:other", "job:shop:orders", "job:shop:hidden", "dataset::"):
        assert client.get("/api/v2/lineage", query_string={"node": node}).status_code == 404, node
    for node in ("", "dataset", "dataset:shop", "table:shop:orders", "x" * 50_000, ":::"):
        assert client.get("/api/v2/lineage", query_string={"node": node}).status_code == 422, node
    assert client.get("/api/v2/lineage", query_string={"node": "dataset" + ":" * 20_000}).status_code == 404


def test_names_with_colons_are_found_and_doubt_is_told(
    client: FlaskClient, get: Get, writing: Writing
) -> None:
    with writing() as catalog:
        catalog.dataset("topic:orders", "pubsub")
        catalog.dataset("b:c", "a")
        catalog.dataset("c", "a:b")
        catalog.dataset("", "")

    (node,) = get("/lineage", node="dataset:pubsub:topic:orders")["nodes"]
    assert (node["namespace"], node["name"]) == ("pubsub", "topic:orders")
    refused = client.get("/api/v2/lineage?node=dataset:a:b:c")
    assert refused.status_code == 422
    assert refused.json is not None
    assert [error["reason"] for error in refused.json["errors"]] == [
        "may be dataset 'b:c' in namespace 'a'",
        "may be dataset 'c' in namespace 'a:b'",
    ]
    assert len(get("/lineage", node="dataset::")["nodes"]) == 1
