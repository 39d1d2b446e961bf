"""The OpenAPI document says what the routes do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from flask import Flask
from flask.testing import FlaskClient

from collector.app import create_app
from collector.wiring import Services

PREFIX = "/api/v2"
IMPLICIT = {"HEAD", "OPTIONS"}


@pytest.fixture
def app(services: Services) -> Flask:
    return create_app(services)


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    answer = client.get("/api/openapi.json")
    assert answer.content_type == "application/json"
    found: dict[str, Any] = answer.get_json()
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method.upper(), operation


def test_the_document_has_every_route_and_no_other(app: Flask, document: dict[str, Any]) -> None:
    routes = {
        (re.sub(r"<(?:[^:>]+:)?(\w+)>", r"{\1}", rule.rule), method)
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith(f"{PREFIX}/")
        for method in (rule.methods or set()) - IMPLICIT
    }
    assert {(path, method) for path, method, _ in operations(document)} == routes
    assert len(routes) > 15


def test_every_operation_says_what_it_is_and_how_it_can_fail(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        assert operation["summary"].endswith("."), path
        codes = set(operation["responses"])
        assert codes >= {"200", "401", "403", "422", "500", "503"}, (path, codes)
        assert ("400" in codes) == (method in ("POST", "PUT")), path
        for parameter in operation.get("parameters", ()):
            assert parameter["in"] == ("path" if f"{{{parameter['name']}}}" in path else "query")
            assert parameter["description"], (path, parameter["name"])
    for name, response in document["components"]["responses"].items():
        (content,) = response["content"]
        assert content == "application/problem+json", name


def test_bounds_of_the_settings_stand_in_the_document(document: dict[str, Any], services: Services) -> None:
    found = {
        (path, parameter["name"]): parameter["schema"].get("maximum")
        for path, _, operation in operations(document)
        for parameter in operation.get("parameters", ())
        if parameter["name"] in ("limit", "depth", "max_nodes")
    }
    bounds = {
        "limit": services.settings.max_page,
        "depth": services.settings.max_depth,
        "max_nodes": services.settings.max_nodes,
    }
    assert (f"{PREFIX}/lineage", "depth") in found
    assert (f"{PREFIX}/lineage", "max_nodes") in found
    assert {(path, name): bounds[name] for path, name in found} == found


def test_the_schemas_are_valid_json_schema(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    for schema in document["components"]["schemas"].values():
        jsonschema_rs.meta.validate(schema)


def test_the_first_page_says_where_to_send_events(client: FlaskClient) -> None:
    text = client.get("/?for=dbt", base_url="http://127.0.0.1:5005").text
    assert "OPENLINEAGE_URL=http://127.0.0.1:5005" in text
    assert "<script>" not in client.get("/", headers={"Host": "<script>"}).text
