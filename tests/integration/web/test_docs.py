"""The documentation of the API: all of it, in parts that a browser likes to load."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.integration.web.conftest import Look

LARGEST = 300_000
"""Bytes of a page."""


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/api/openapi.json").get_json()
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method.upper(), operation


def test_the_parts_show_every_operation_parameter_and_field(look: Look, document: dict[str, Any]) -> None:
    first = look("/api/docs")
    assert len(first) < LARGEST
    parts = {tag["name"]: html.unescape(look("/api/docs", section=tag["name"])) for tag in document["tags"]}
    for text in parts.values():
        assert len(text) < LARGEST
        anchors = set(re.findall(r'href="#([^"]+)"', text)) - {"main"}
        assert anchors <= set(re.findall(r'id="([^"]+)"', text))
    for path, method, operation in operations(document):
        text = parts[operation["tags"][0]]
        assert f"{method}</span> <code>{path}</code>" in text
        assert re.sub("`.*", "", operation["summary"]) in text
        for parameter in operation.get("parameters", ()):
            assert f"<code>{parameter['name']}</code>" in text
        assert f">{path.removeprefix('/api/v2')}</a>" in html.unescape(first)


def test_links_of_the_first_page_lead_to_the_operation(client: FlaskClient, look: Look) -> None:
    links = {html.unescape(link) for link in re.findall(r'href="(/api/docs\?[^"]+)"', look("/api/docs"))}
    pages: dict[str, str] = {}
    for link in links:
        address, _, anchor = link.partition("#")
        if address not in pages:
            answer = client.get(address)
            assert answer.status_code == 200
            pages[address] = answer.text
        assert not anchor or f'id="{anchor}"' in pages[address]


def test_a_part_that_is_not_there(client: FlaskClient) -> None:
    answer = client.get("/api/docs?section=<b>")
    assert (answer.status_code, answer.mimetype) == (404, "text/html")
    assert "<b>&lt;" not in answer.text
