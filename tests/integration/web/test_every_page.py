"""What must hold of every page, also of those to come: forms, headers, scopes, and hostile parameters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from collector.storage import keys
from collector.storage.engine import Database
from tests.catalog import NOON
from tests.integration.api.conftest import Writing
from tests.integration.web.conftest import TOKEN, Look

PUBLIC = {"web.static", "web.login.show", "web.docs.show"}
"""What is there for everybody."""

HUGE = 10**40


def rules(client: FlaskClient, method: str, prefix: str = "web.") -> Iterator[tuple[Rule, str]]:
    """Give the routes of pages, each with an address."""
    for rule in client.application.url_map.iter_rules():
        if (
            method in (rule.methods or ())
            and rule.endpoint.startswith(prefix)
            and rule.endpoint != "web.static"
        ):
            yield rule, re.sub(r"<[^>]+>", "1", rule.rule)


@pytest.fixture
def make_key(writing: Writing) -> Any:
    def make(*scopes: str) -> dict[str, str]:
        with writing() as catalog:
            return {"X-API-Key": keys.create(catalog.conn, "test", scopes, [], NOON)[0]}

    return make


@pytest.mark.parametrize("keyed", [False, True])
def test_no_form_is_taken_but_our_own(client: FlaskClient, make_key: Any, keyed: bool) -> None:
    headers: dict[str, str] = make_key("admin") if keyed else {}
    found = TOKEN.search(client.get("/events", headers=headers).text)
    assert found
    tried = 0
    for rule, path in rules(client, "POST"):
        for fields, origin in (
            ({}, None),
            ({"csrf": "0" * 64}, None),
            ({"csrf": found[1]}, "https://evil.example"),
            ({"csrf": found[1]}, "http://localhost.evil.example"),
        ):
            sent = headers | ({"Origin": origin} if origin else {})
            answer = client.post(path, data=fields, headers=sent)
            assert answer.status_code == 403, rule
            assert "was not ours" in answer.text, rule
            tried += 1
    assert tried > 60
    # Nor is one taken apart that nobody can mean.
    many = "&".join(f"a{number}=" for number in range(200_000))
    kind = "application/x-www-form-urlencoded"
    assert client.post("/login", data=many, content_type=kind).status_code == 413


def test_what_a_browser_draws_is_kept_on_a_short_line(client: FlaskClient, make_key: Any) -> None:
    everything: dict[str, str] = make_key("admin")
    nothing: dict[str, str] = {}
    kinds = set()
    for method in ("GET", "POST"):
        for rule, path in rules(client, method):
            for headers in (nothing, everything):
                answer = client.open(
                    path, method=method, headers=headers, query_string={"node": "dataset:a:b"}
                )
                assert answer.headers["X-Content-Type-Options"] == "nosniff", rule
                kinds.add(answer.mimetype)
                assert answer.headers["Cache-Control"].split(",")[0] in ("no-cache", "no-store"), rule
                if answer.mimetype in ("application/json", "application/problem+json"):
                    continue
                policy = answer.headers["Content-Security-Policy"]
                assert "default-src 'none'" in policy, rule
                assert "unsafe" not in policy, rule
                assert "frame-ancestors 'none'" in policy, rule
    assert "text/html" in kinds
    assert client.get("/api/v2/jobs", headers=everything).headers["Cache-Control"] == "no-cache, private"
    missing = client.get("/nowhere", headers={"Accept": "text/html"})
    assert "default-src 'none'" in missing.headers["Content-Security-Policy"]
    with client.get("/static/mark.svg") as drawing:
        assert "default-src 'none'" in drawing.headers["Content-Security-Policy"]


def test_pages_are_for_those_who_may_read(client: FlaskClient, make_key: Any) -> None:
    sends = make_key("ingest")
    for prefix in ("web.", ""):
        for rule, path in rules(client, "GET", prefix):
            if (rule.endpoint in PUBLIC) or not (prefix or rule.rule.startswith("/api/v2/")):
                continue
            assert client.get(path, headers=sends).status_code == 403, rule
            assert client.get(path).status_code in (303, 401), rule


BODIES: dict[str, dict[str, Any]] = {
    "/alerts/1/acknowledge": {"note": "mine"},
    "/aliases": {"version": 1, "rules": []},
    "/aliases/plan": {"version": 1, "rules": []},
    "/triggers/1/pause": {"reason": "a"},
    "/keys": {"name": "a", "scopes": ["admin"]},
    "/parked/reprocess": {"all": True},
    "/rejected/reprocess": {"all": True},
    "/rules": {"version": 1},
    "/rules/check": {"document": {"version": 1}},
    "/rules/plan": {"document": {"version": 1}},
    "/rules/replay": {"document": {"version": 1}},
    "/silences": {
        "matchers": [{"label": "name", "value": "a"}],
        "ends_at": "2100-01-01T00:00:00Z",
        "reason": "a",
    },
    "/silences/preview": {"matchers": [{"label": "name", "value": "a", "regex": True}]},
    "/stitch/accept": {"one": {"namespace": "a", "name": "b"}, "other": {"namespace": "a", "name": "c"}},
    "/stitch/dismiss": {"one": {"namespace": "a", "name": "b"}, "other": {"namespace": "a", "name": "c"}},
}
"""By path, for those operations that need something said."""


def test_a_key_that_reads_changes_nothing(client: FlaskClient, make_key: Any) -> None:
    reads = make_key("read")
    token = TOKEN.search(client.get("/events", headers=reads).text)
    assert token
    tried = 0
    for rule in client.application.url_map.iter_rules():
        path = re.sub(r"<[^>]+>", "1", rule.rule)
        for method in (rule.methods or set()) & {"POST", "PUT", "PATCH", "DELETE"}:
            if rule.rule.startswith("/api/v2/"):
                body = BODIES.get(path.removeprefix("/api/v2"), {})
                answer = client.open(path, method=method, json=body, headers=reads)
                assert answer.status_code == 403, (rule, answer.text)
                tried += 1
            elif rule.endpoint.startswith("web.") and not rule.endpoint.startswith("web.login."):
                data = {
                    "csrf": token[1],
                    "all": "yes",
                    "reason": "a",
                    "note": "a",
                    "until": "1h",
                    "document": "version: 1",
                }
                answer = client.post(
                    path, data=data | {"label": "name", "op": "=~", "value": "a"}, headers=reads
                )
                # Some say first what is wrong with what they were sent; none says that it is done.
                assert answer.status_code in (403, 422) or "scope" in answer.text, (rule, answer.text)
                tried += 1
    assert tried > 45
    found = client.get("/api/v2/keys", headers=make_key("admin")).json
    assert found is not None
    assert len(found["items"]) == 2


def test_parameters_of_the_address_lead_nowhere_else(look: Look, client: FlaskClient) -> None:
    for path in (
        "/events",
        "/alerts",
        "/freshness",
        "/triggers",
        "/search",
        "/datasets",
        "/jobs",
        "/runs",
    ):
        strange = {
            "_scheme": "javascript",
            "_external": "1",
            "_anchor": "x",
            "_method": "POST",
            "endpoint": "x",
            "self": "x",
        }
        answer = client.get(path, query_string=strange | {"q": "a", "alert_id": "2", "state": ""})
        assert answer.status_code in (200, 422), path
        assert not re.search(r'(href|action|src)="(javascript|data|https?://localhost)', answer.text), path
    assert "/events?kind=run" in look("/events", kind="run")


@pytest.mark.parametrize(
    "path",
    [
        f"/alerts/{HUGE}", f"/deliveries/{HUGE}", f"/silences/new?alert={HUGE}", f"/event?id={HUGE}",
        f"/rejection?id={HUGE}", f"/events?limit={HUGE}", f"/lineage?node=dataset:a:b&depth={HUGE}",
        "/lineage?node=dataset:a:b&as_of=9999999-01-01", "/lineage?node=dataset:a:b&columns=x&panel=%00&path=%ff",
        "/alerts?cursor=%00", "/triggers?cursor=x&state=x", "/search?q=%00", "/dataset?namespace=%00&name=%ff",
        f"/lineage?node=dataset:a:b&open={'n1.999,' * 2000}", "/triggers/%00", "/firings/%00", "/expectations/%00",
        "/silences/new?id=%00", "/runs?state=x", "/run?run_id=%00", "/why?node=dataset", "/lineage?node=%3A%3A%3A",
    ],
)  # fmt: skip
def test_what_nobody_means_well_is_no_fault_of_the_server(
    client: FlaskClient, writing: Writing, database: Database, path: str
) -> None:
    with writing() as catalog:
        catalog.dataset("b", "a")
    assert client.get(path).status_code < 500


def test_a_page_stays_small_whatever_is_asked_and_sent(client: FlaskClient, writing: Writing) -> None:
    fields = [{"name": f"column_{number}", "type": "int"} for number in range(5000)]
    with writing() as catalog:
        wide = catalog.dataset("wide", "a")
        catalog.facet(wide, "schema", {"fields": fields})
        catalog.facet(wide, "other", {"text": "x" * 300_000})
    for more in (
        "",
        "&panel=dataset:a:wide",
        f"&open={','.join(f'n{number:06x}' for number in range(1500))}",
    ):
        page = client.get(f"/lineage?node=dataset:a:wide{more}")
        assert page.status_code == 200
        assert len(page.data) < 120_000, more
    assert len(client.get("/dataset?namespace=a&name=wide").data) < 300_000
