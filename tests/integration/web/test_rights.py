"""What a key of some namespaces learns of the others: nothing, by whatever operation or page."""

from __future__ import annotations

import html
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, unquote

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from collector.storage import keys, tables
from collector.storage.engine import Database
from tests.acceptance.shared import DIALECTS
from tests.catalog import NOON
from tests.integration.api.conftest import Writing
from tests.two_houses import OTHER, OWN, RUN, SECRET, fill

Query = dict[str, str]
Asked = tuple[str, str, Query]
"""Route, path, and parameters."""

EVER = "2020-01-01T00:00:00Z"


@pytest.fixture
def headers(writing: Writing, database: Database) -> dict[str, Query]:
    """Give headers with a key of the own house, and with one of all."""
    fill(database)
    with writing() as catalog:
        return {
            name: {"X-API-Key": keys.create(catalog.conn, name, ["admin"], namespaces, NOON)[0]}
            for name, namespaces in (("own", ["open-*"]), ("all", []))
        }


def pools(database: Database) -> list[Query]:
    """Give values of parameters by their names: of the own house, then of the other."""
    with database.read() as conn:
        alerts = {row.namespace: str(row.id) for row in conn.execute(select(tables.alert))}
        firings = {row.trigger_id: row.id for row in conn.execute(select(tables.firing))}
        delivery = str(conn.execute(select(tables.outbox.c.id)).scalars().first())
    shared = {
        "format": "node-link", "lack": "never_read", "since": EVER, "trigger_id": "both", "delivery_id": delivery,
        "silence_id": "0", "facet": "schema", "from": f"dataset:{OWN}:mart",
    }  # fmt: skip
    mine = {
        "namespace": OWN, "name": "mart", "node": f"dataset:{OWN}:mart", "to": f"job:{OWN}:build", "q": "a",
        "run_id": RUN, "job_namespace": OWN, "job_name": "build", "expectation_id": "fresh", "alert_id": alerts[OWN],
        "id": "1", "firing_id": firings["both"],
    }  # fmt: skip
    theirs = {
        "namespace": OTHER, "name": f"{SECRET}.made", "node": f"dataset:{OTHER}:{SECRET}.made",
        "to": f"job:{OTHER}:{SECRET}-make", "q": SECRET[:3], "run_id": f"{SECRET}-run", "job_namespace": OTHER,
        "job_name": f"{SECRET}-make", "expectation_id": f"{SECRET}-sla", "alert_id": alerts[OTHER], "id": "3",
        "firing_id": firings[f"{SECRET}-trigger"], "trigger_id": f"{SECRET}-trigger",
    }  # fmt: skip
    return [shared | mine, shared | theirs]


def of_api(client: FlaskClient, known: Query) -> Iterator[Asked]:
    """Give what can be asked of the API: with what is needed, and then with each choice of the rest in turn."""
    document: Any = client.get("/api/openapi.json").json
    for route, operations in document["paths"].items():
        if "get" not in operations:
            continue
        listed = operations["get"].get("parameters", []) + operations.get("parameters", [])
        needed = {each["name"]: known[each["name"]] for each in listed if each.get("required")}
        if "/job" in route and "name" in needed:
            needed["name"] = known["job_name"]
        if route.endswith("/diff"):
            needed["from"] = EVER
        path = re.sub(r"{(\w+)}", lambda found: quote(known[found[1]]), route)
        needed = {name: value for name, value in needed.items() if f"{{{name}}}" not in route}
        yield route, path, needed
        for each in listed:
            name, schema = each["name"], each["schema"]
            values = schema.get("enum") or schema.get("items", {}).get("enum")
            values = values or (
                ["true", "false"] if schema.get("type") == "boolean" else [known.get(name, "3")]
            )
            if f"{{{name}}}" not in route:
                yield from ((route, path, needed | {name: value}) for value in values)


def of_pages(client: FlaskClient, known: Query) -> Iterator[Asked]:
    """Give what can be asked of pages."""
    node = {"node": known["node"]}
    named = {name: known[name] for name in ("namespace", "name", "facet")}
    sets: list[Query] = [
        {}, named, named | {"name": known["job_name"], "facet": "sql"}, {"run_id": known["run_id"], "facet": "parent"},
        {"id": known["id"]}, {"q": known["q"]}, {"alert": known["alert_id"]}, {"view": "swimlane"}, node,
    ]  # fmt: skip
    drawn: list[Query] = [
        {"view": "list"}, {"level": "column"}, {"level": "run"}, {"depth": "9"}, {"colour": "run"}, {"vs": EVER},
        {"columns": known["node"]}, {"panel": known["to"]}, {"fold": "none", "group": "none"},
    ]  # fmt: skip
    for rule in client.application.url_map.iter_rules():
        if (
            "GET" in (rule.methods or ())
            and rule.endpoint.startswith("web.")
            and rule.endpoint != "web.static"
        ):
            path = re.sub(r"<(?:\w+:)?(\w+)>", lambda found: quote(known[found[1]]), rule.rule)
            more = [node | each for each in drawn] if "lineage" in rule.rule else []
            yield from ((rule.rule, path, query) for query in sets + more)


def leaks(text: str, asked: Query, path: str) -> list[str]:
    """Give what an answer tells of the other house, but for what was asked for."""
    plain = html.unescape(unquote(unquote(text)))
    for echoed in sorted({*asked.values(), *unquote(path).split("/")}, key=len, reverse=True):
        if SECRET[:3] in echoed:
            plain = plain.replace(echoed, "")
    return [plain[max(0, found.start() - 90) : found.end() + 40] for found in re.finditer(SECRET, plain)]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_no_answer_names_what_the_key_may_not_see(
    client: FlaskClient, database: Database, headers: dict[str, Query]
) -> None:
    check(client, database, headers, of_api)


def test_no_page_names_what_the_key_may_not_see(
    client: FlaskClient, database: Database, headers: dict[str, Query]
) -> None:
    check(client, database, headers, of_pages)


def check(
    client: FlaskClient,
    database: Database,
    headers: dict[str, Query],
    ways: Callable[[FlaskClient, Query], Iterator[Asked]],
) -> None:
    told: list[object] = []
    codes: dict[str, set[int]] = defaultdict(set)
    telling: set[str] = set()
    for known in pools(database):
        for route, path, query in ways(client, known):
            answer = client.get(path, query_string=query, headers=headers["own"])
            codes[route].add(answer.status_code)
            told += [(path, query, each) for each in leaks(answer.text, query, path)[:1]]
            if route not in telling:
                whole = client.get(path, query_string=query, headers=headers["all"])
                telling |= {route} if leaks(whole.text, query, path) else set()
    assert told == []
    # Each has shown something, or refused; or else nothing was tried. So, too, with another key there was much to tell.
    assert {route for route, found in codes.items() if not found & {200, 303, 403}} == set()
    assert not [found for found in codes.items() if max(found[1]) >= 500]
    assert len(telling) > 0.4 * len(codes)


def test_what_may_not_be_seen_is_not_counted(client: FlaskClient, headers: dict[str, Query]) -> None:
    def get(path: str, who: str, **query: str) -> Any:
        answer = client.get(f"/api/v2/{path}", query_string=query, headers=headers[who])
        assert answer.status_code == 200, answer.text
        return answer.json

    def readers(who: str) -> tuple[int, int]:
        (hub,) = [each for each in get("lineage/hubs", who)["items"] if each["name"] == "mart"] or [
            {"readers": 0}
        ]
        (listed,) = get("datasets", who, namespace=OWN, q="mart")["items"]
        return hub["readers"], listed["read_by"]

    assert (readers("own"), readers("all")) == ((0, 0), (1, 1))
    late = {who: {each["name"]: each for each in get("alerts", who)["items"]} for who in ("own", "all")}
    assert late["all"]["mart"]["cause"]["node"].startswith(f"dataset:{OTHER}:")
    assert late["own"]["mart"]["cause"] == {"alert": None, "node": None, "text": None}
    assert [late[who]["linked"]["affects"] for who in ("own", "all")] == [0, 1]
    counts = [get("run", who, run_id=RUN)["children"]["count"] for who in ("own", "all")]
    assert counts == [0, 1]


def test_who_silenced_and_why_is_for_those_who_see_all(
    client: FlaskClient, database: Database, headers: dict[str, Query]
) -> None:
    matcher = {"label": "namespace", "value": ".*", "regex": True}
    body = {"matchers": [matcher], "ends_at": "2100-01-01T00:00:00Z", "reason": f"{SECRET} moves"}
    kept = client.post("/api/v2/silences", json=body, headers=headers["all"]).json
    assert kept is not None
    found = client.get("/api/v2/alerts", headers=headers["own"]).json
    assert found is not None
    alert = found["items"][0]
    with database.write() as conn:
        conn.execute(update(tables.alert).values(muted_by=f"silence:{kept['id']}"))
    for path in (f"/api/v2/alerts/{alert['id']}", f"/alerts/{alert['id']}", f"/why?node={alert['node']}"):
        assert SECRET not in client.get(path, headers=headers["own"]).text, path
        assert f"{SECRET} moves" in client.get(path, headers=headers["all"]).text, path


def test_patterns_are_tried_for_those_only_who_may_operate(client: FlaskClient, writing: Writing) -> None:
    with writing() as catalog:
        key = keys.create(catalog.conn, "looks", ["read"], [], NOON)[0]
    for regex, status in ((False, 200), (True, 403)):
        body = {"matchers": [{"label": "name", "value": "(a+)+$", "regex": regex}]}
        answer = client.post("/api/v2/silences/preview", json=body, headers={"X-API-Key": key})
        assert answer.status_code == status
