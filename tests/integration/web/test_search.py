"""The page of the search: what was found by kind, addresses, pages, and hostile texts."""

from __future__ import annotations

import html
import re

import pytest
from flask.testing import FlaskClient

from collector.web.pages.search import PAGES
from tests.integration.api.conftest import Writing
from tests.integration.web.conftest import Look


@pytest.fixture
def names(writing: Writing) -> None:
    with writing() as catalog:
        for number in range(25):
            catalog.dataset(f"shop.public.orders_{number:02}", "postgres://db:5432")
        catalog.dataset("lake/orders", "s3://bucket")
        catalog.run(catalog.job("load_orders", "orders-prod"), "r1", state="FAIL")


def groups(page: str) -> list[str]:
    return re.findall(r'aria-labelledby="of-(\w+)"', page)


@pytest.mark.usefixtures("names")
def test_what_was_found_stands_by_kind_the_best_kind_first(look: Look) -> None:
    page = look("/search", q="orders")
    assert groups(page) == ["dataset", "namespace", "job"]
    assert page.index("lake/<mark>orders</mark>") < page.index("shop.public.<mark>orders</mark>_00")
    assert "<bdi>s3://bucket</bdi>" in page
    assert 'href="/search?q=orders&amp;type=dataset">more datasets' in page
    assert 'href="/dataset?namespace=s3://bucket&amp;name=lake/orders"' in page
    every = look("/search", q="orders", type="dataset")
    assert groups(every) == ["dataset"]
    assert every.count("<mark>") == 26


@pytest.mark.usefixtures("names")
def test_an_address_and_the_id_of_a_run_hit(look: Look) -> None:
    for q in ("s3://bucket/lake/orders", " dataset:s3://bucket:lake/orders "):
        page = look("/search", q=q)
        assert page.count("<li>") == 1
        assert 'href="/dataset?namespace=s3://bucket&amp;name=lake/orders"' in page
    page = look("/search", q="r1")
    assert 'href="/run?run_id=r1&amp;job_namespace=orders-prod&amp;job_name=load_orders"' in page
    assert "failed" in page


def test_pages_are_found_by_what_they_are_about(look: Look) -> None:
    page = look("/search", q="revoke")
    assert 'href="/keys">API keys</a>' in page
    assert 'href="/aliases"' in look("/search", q="alias")
    assert "of-pages" not in look("/search", q="a")


@pytest.mark.parametrize(("endpoint", "name", "words"), PAGES)
def test_each_page_that_can_be_found_is_there(
    client: FlaskClient, endpoint: str, name: str, words: str
) -> None:
    page = client.get("/search", query_string={"q": words.split(",")[0]}).text
    found = re.search(rf'<li><a href="([^"]+)">{re.escape(name)}</a>', page)
    assert found, endpoint
    assert client.get(html.unescape(found[1])).status_code == 200


@pytest.mark.parametrize(
    "q", ["<script>alert(1)</script>", "{{7*7}}", "\u202eevil", "%", "\0", "x" * 5000, "ß'\"]]>"]
)
def test_any_text_can_be_looked_for(look: Look, q: str) -> None:
    page = look("/search", q=q)
    assert "<script>alert" not in page
    assert "Nothing here has" in page
    assert "49" not in page.partition("Nothing here has")[2][:40]


@pytest.mark.parametrize("q", [None, "", "   "])
def test_before_anything_is_asked(look: Look, q: str | None) -> None:
    page = look("/search", q=q)
    assert "Finds datasets, jobs" in page
    assert "autofocus" in page


@pytest.mark.usefixtures("names")
def test_a_kind_that_is_not_there_is_no_kind(look: Look) -> None:
    assert groups(look("/search", q="orders", type="x")) == ["dataset", "namespace", "job"]
