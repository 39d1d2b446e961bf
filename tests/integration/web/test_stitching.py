"""Names of one dataset: suggestions with their evidence, decisions, and the rules as a document."""

from __future__ import annotations

import html
from typing import Any

import pytest
from flask.testing import FlaskClient

from collector.ingest.projector import Projector
from collector.storage.engine import Database
from tests.integration.api.conftest import Writing
from tests.integration.api.test_stitch import DBT, DLT, TABLES, two_tools
from tests.integration.web.conftest import Look, Send

RULE = f"""version: 1
rules:
- exact: {{namespace: "{DLT}", name: raw.orders, to_namespace: "{DBT}", to_name: shop.raw.orders}}
"""


@pytest.fixture
def tools(writing: Writing) -> None:
    with writing() as catalog:
        two_tools(catalog)


def pair(table: str) -> dict[str, str]:
    return {
        "one_namespace": DBT,
        "one_name": f"shop.{table}",
        "other_namespace": DLT,
        "other_name": table,
    }


def rules(client: FlaskClient) -> Any:
    return client.get("/api/v2/aliases").get_json()["rules"]


@pytest.mark.usefixtures("tools")
def test_a_pair_stands_side_by_side_with_its_evidence(look: Look) -> None:
    page = html.unescape(look("/stitch"))
    assert 'Suggestions <span class="number">3</span>' in page
    assert "the same 3 columns" in page
    assert "written by 1 job<" in page
    assert "read by 0 jobs<" in page
    assert 'in both: <bdi class="data">amount</bdi>' in page
    assert "- prefix:" in page
    assert "join all 3" in page
    assert 'Rules <span class="number">0</span>' in page


@pytest.mark.usefixtures("tools")
def test_accepting_joins_all_or_these_two(look: Look, send: Send, client: FlaskClient) -> None:
    assert send("/stitch/accept", **pair(TABLES[0]), exact="yes").location == "/stitch"
    assert "1 rule added" in look("/stitch")
    assert [list(rule) for rule in rules(client)] == [["exact"]]
    send("/stitch/accept", **pair(TABLES[1]))
    assert [list(rule) for rule in rules(client)] == [["exact"], ["prefix"]]
    assert send("/stitch/accept", **pair("nothing")).status_code == 404


@pytest.mark.usefixtures("tools")
def test_dismissing_takes_the_pair_away(look: Look, send: Send) -> None:
    send("/stitch/dismiss", **pair(TABLES[0]))
    page = look("/stitch")
    assert "two datasets: the pair is not suggested again" in page
    assert f"shop.{TABLES[0]}<" not in page


@pytest.mark.usefixtures("tools")
def test_a_document_is_looked_at_before_it_is_put_and_can_be_taken_back(
    look: Look, send: Send, client: FlaskClient, database: Database
) -> None:
    planned = html.unescape(send("/aliases/plan", document=RULE).text)
    assert "1 dataset made of several" in planned
    assert "Put it in force" in planned
    assert "name: raw.orders" in planned
    assert rules(client) == []

    assert send("/aliases", document=RULE.replace("\n", "\r\n")).location == "/aliases"
    page = html.unescape(look("/aliases"))
    assert "The rules are in force" in page
    assert "to_name: shop.raw.orders" in page
    Projector(database, holder="test").drain()
    assert "which the catalog follows" in look("/aliases")

    taken = send("/aliases/plan", document="version: 1\nrules: []\n").text
    assert "1 dataset taken apart" in taken
    send("/aliases", document="version: 1\nrules: []\n")
    assert rules(client) == []


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("", "Keys and values are needed"),
        ("version: 1\nrules: [{", "No YAML"),
        ("version: 1\nrules:\n- regex: {namespace: '(', name: x, to_namespace: y, to_name: z}\n", "rules:3"),
        ("version: 2\nrules: []\n", "version"),
        ("version: 1\nrules: []\nmore: <script>\n", "more"),
    ],
)
def test_a_document_that_is_wrong_comes_back_with_what_is_wrong(
    send: Send, client: FlaskClient, document: str, words: str
) -> None:
    for path in ("/aliases/plan", "/aliases"):
        answer = send(path, document=document)
        assert answer.status_code == 422
        text = answer.text
        assert words in html.unescape(text)
        assert html.escape(document, quote=False).strip() in html.unescape(text).replace("<", "&lt;").replace(
            ">", "&gt;"
        )
        assert "<script>\n" not in text
    assert rules(client) == []


def test_nothing_to_suggest(look: Look) -> None:
    assert "No two names look like one dataset." in look("/stitch")
