"""The lineage explorer: the graph around a node as a drawing and as a list, and where to begin."""

from __future__ import annotations

import html
import json
import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from flask.testing import FlaskClient

from collector.storage import keys
from collector.storage.engine import Database
from collector.web.lineage.graph import key_of
from lineage.model import Direction
from tests.catalog import HOUR, NOON, Catalog
from tests.integration.api.conftest import Writing
from tests.integration.web.conftest import Look
from tests.statements import counted
from tests.watched import Watched, print_of

STORE = "postgres://h:5432"
ORDERS = f"dataset:{STORE}:orders"
SALES = f"dataset:{STORE}:sales"
PATH = [
    f"dataset:{STORE}:raw",
    "job:shop:load",
    ORDERS,
    "job:bi:report",
    SALES,
    "job:bi:sum",
    f"dataset:{STORE}:total",
]
EVIL = '</text><script>alert(1)</script>"onload="x" ]]> {{7*7}}\u202e\u0000&amp;'


def joins(catalog: Catalog, job: int, reads: int, writes: int, at: int = NOON) -> None:
    catalog.edge(job, reads, Direction.INPUT, at)
    catalog.edge(job, writes, Direction.OUTPUT, at)


@pytest.fixture
def stack(writing: Writing) -> None:
    """Write raw -> load (failed) -> orders -> report -> sales -> sum -> total, which is late as load failed."""
    with writing() as catalog:
        raw, orders, sales, total = (
            catalog.dataset(name, STORE) for name in ("raw", "orders", "sales", "total")
        )
        load, report, sum_ = catalog.job("load"), catalog.job("report", "bi"), catalog.job("sum", "bi")
        joins(catalog, load, raw, orders)
        joins(catalog, report, orders, sales)
        joins(catalog, sum_, sales, total, NOON + HOUR)
        run = catalog.run(load, "r1", NOON - 6 * HOUR, state="FAIL", ended_at=NOON - 5 * HOUR)
        catalog.update(orders, run, NOON - 5 * HOUR)
        catalog.facet(load, "jobType", {"integration": "SPARK"})
        catalog.facet(load, "sql", {"query": "select 1 from <raw>"})
        catalog.facet(orders, "schema", {"fields": [{"name": "id", "type": "int"}, {"name": "amount"}]})
        catalog.facet(orders, "ownership", {"owners": [{"name": "team:finance"}]})
        watched = Watched(catalog.conn)
        watched.expect("daily", due={"at": "07:00"})
        watched.stands("daily", "total", "late", late_by=HOUR, namespace=STORE)
        watched.alert("failed_run", "load", type_="job", affects=1)
        watched.alert(
            "daily", "total", cause=print_of("failed_run", "load"), path=json.dumps(PATH[1:]), namespace=STORE
        )


def above_legend(page: str) -> str:
    return page[: page.index('id="legend"')]


def drawn(page: str) -> set[str]:
    """Give the names in the boxes of a drawing."""
    return {html.unescape(name) for name in re.findall(r'<text class="t"[^>]*>([^<]*)</text>', page)}


@pytest.fixture
def follow(client: FlaskClient) -> Look:
    """Give the HTML behind a link."""

    def follow(href: str) -> str:
        response = client.get(href)
        assert response.status_code == 200, response.text
        return response.text

    return follow


def links(page: str) -> list[str]:
    return [html.unescape(href) for href in re.findall(r'href="([^"]*)"', page)]


@pytest.mark.usefixtures("stack")
def test_a_node_is_drawn_with_a_step_each_way_and_what_lies_beyond_is_counted(look: Look) -> None:
    page = look("/lineage", node=ORDERS)
    assert drawn(page) == {"raw", "load", "orders", "report", "sales"}
    assert f'id="{key_of(ORDERS)}" class="node d k-dataset s-dataset focus"' in page
    assert 'class="node j k-job s-failed"' in page
    assert "SPARK" in page
    assert "<b>2</b> upstream" in page
    assert "<b>4</b> downstream" in page
    # One job more reads sales, and is a link away.
    assert "1 more behind" in page
    assert f"/lineage?node={SALES}".replace(":", "%3A").replace("/", "%2F").split("%2F", 2)[0] in page
    assert f"/api/v2/lineage?{'node='}" in page


@pytest.mark.usefixtures("stack")
def test_opening_a_node_draws_its_neighbours_and_closing_it_takes_them_away(look: Look, follow: Look) -> None:
    page = look("/lineage", node=ORDERS, open=key_of(SALES))
    assert "sum" in drawn(page)
    assert "total" not in drawn(page)
    further = look("/lineage", node=ORDERS, open=f"{key_of(SALES)},{key_of('job:bi:sum')}")
    assert "total" in drawn(further)
    closing = next(href for href in links(page) if href.startswith("/lineage") and "open=" not in href)
    assert "sum" not in drawn(follow(closing))
    assert drawn(look("/lineage", node=ORDERS, open="nonsense,g123.x")) == drawn(
        look("/lineage", node=ORDERS)
    )


@pytest.mark.usefixtures("stack")
def test_the_way_from_the_cause_is_drawn_whatever_the_depth(look: Look) -> None:
    page = look("/lineage", node=f"dataset:{STORE}:total", depth=1)
    assert drawn(page) == {"load", "orders", "report", "sales", "sum", "total"}
    assert "s-waiting focus" in page
    assert above_legend(page).count('class="e hot cause"') == 5
    assert "The cause lies upstream" in page
    alone = look("/lineage", node=f"dataset:{STORE}:total", depth=9, only="path")
    assert drawn(alone) == {"load", "orders", "report", "sales", "sum", "total"}


@pytest.mark.usefixtures("stack")
def test_a_way_that_is_asked_for_stands_out(client: FlaskClient) -> None:
    asked = {"node": ORDERS, "path": SALES}
    page = client.get("/lineage", query_string=asked).text
    assert page.count('class="e hot"') == 2
    assert "k-dataset s-dataset dim" in page
    alone = client.get("/lineage", query_string=asked | {"only": "path"}).text
    assert drawn(alone) == {"orders", "report", "sales"}


@pytest.mark.usefixtures("stack")
def test_the_list_has_every_node_with_its_steps_and_its_state(look: Look) -> None:
    page = look("/lineage", node=ORDERS, view="list", depth=9)
    assert '<svg class="graph"' not in page
    rows = [
        re.sub(r"<[^>]+>|\s+", " ", row).split() for row in re.findall(r"<tr><td.*?</tr>", page, re.DOTALL)
    ]
    assert [(row[0], row[1]) for row in rows] == [
        ("1", "load"),
        ("2", "raw"),
        ("1", "report"),
        ("2", "sales"),
        ("3", "sum"),
        ("4", "total"),
    ]
    assert "failed" in rows[0]
    assert "waiting" in rows[5]


@pytest.mark.usefixtures("stack")
def test_the_panel_tells_all_about_a_node_and_closing_it_keeps_the_rest(look: Look) -> None:
    page = look("/lineage", node=ORDERS, depth=4, panel="job:shop:load")
    panel = page[page.index('id="panel"') : page.index("</aside>")]
    assert "select 1 from &lt;raw&gt;" in panel
    assert "Last runs" in panel
    closing = links(panel)[0]
    assert closing.startswith("/lineage?")
    assert "panel" not in closing
    assert "depth=4" in closing
    of_dataset = look("/lineage", node=ORDERS, panel=ORDERS)
    for text in ("team:finance", "amount", "Last updates"):
        assert text in of_dataset
    # One that is not drawn has none, and is no error.
    assert 'id="panel" hidden' in look("/lineage", node=ORDERS, panel="job:shop:other")


@pytest.mark.usefixtures("stack")
def test_the_graph_of_an_earlier_time_and_what_changed_since(look: Look, follow: Look) -> None:
    before = "2026-11-22T12:30:00"
    page = look("/lineage", node=SALES, as_of=before)
    assert drawn(page) == {"orders", "report", "sales"}
    assert "s-failed" not in above_legend(page)
    compared = look("/lineage", node=SALES, vs=before, depth=9)
    assert re.search(r'class="node j k-job s-job added"', compared)
    assert compared.count("added") >= 4
    assert "has come" in compared[compared.index("What changed since") :]
    assert "No data from before" in look("/lineage", node=SALES, as_of="2020-01-01T00:00:00")
    steps = look("/lineage", node=SALES)
    earlier = next(href for href in links(steps) if "as_of=2026-11-22T12" in href)
    assert drawn(follow(earlier)) == {"orders", "report", "sales"}


def test_columns_are_drawn_in_the_boxes_of_their_datasets(look: Look, writing: Writing) -> None:
    with writing() as catalog:
        raw, orders, load = catalog.dataset("raw"), catalog.dataset("orders"), catalog.job("load")
        number = catalog.derivation(
            1, (raw, "id", "id"), (raw, "day", "total", [["INDIRECT", "FILTER", None, False]])
        )
        catalog.edge(load, raw, Direction.INPUT)
        catalog.edge(load, orders, Direction.OUTPUT, derivation_id=number)
        catalog.facet(
            orders, "schema", {"fields": [{"name": name} for name in ("id", "total", *"abcdefghijkl")]}
        )
    page = look("/lineage", node="dataset:shop:orders", columns="dataset:shop:orders")
    assert len(re.findall(r'class="ce( indirect)?"', above_legend(page))) == 2
    assert "3 more columns" in page
    alone = look("/lineage", node="dataset:shop:orders", level="column")
    assert drawn(alone) == {"orders", "raw"}
    assert 'class="ce"' in alone
    assert drawn(look("/lineage", node="column:shop:orders:id")) == {"orders", "raw"}


@pytest.mark.usefixtures("stack")
def test_a_level_that_a_node_has_not_leads_to_the_node_that_is_meant(client: FlaskClient) -> None:
    answer = client.get("/lineage", query_string={"node": "job:shop:load", "level": "run"})
    assert answer.status_code == 303
    run = client.get(answer.location)
    assert run.status_code == 200
    assert "Lineage of the run" in run.text
    back = client.get("/lineage", query_string={"node": "run:r1", "level": "job"})
    assert "node=job%3Ashop%3Aload" in back.location
    assert client.get("/lineage", query_string={"node": "job:bi:sum", "level": "run"}).status_code == 404


def wide(catalog: Catalog, readers: int) -> None:
    hub = catalog.dataset("hub")
    for number in range(readers):
        job = catalog.job(f"team_{number % 4}.read_{number:03d}", f"ns{number % 2}")
        catalog.edge(job, hub, Direction.INPUT)
        if number == 7:
            catalog.run(job, "bad", state="FAIL")


def test_a_large_graph_is_folded_and_says_so_but_never_what_failed(
    look: Look, follow: Look, writing: Writing
) -> None:
    with writing() as catalog:
        wide(catalog, 200)
    page = look("/lineage", node="dataset:shop:hub")
    assert drawn(page) == {"hub", "…_3.read_007"} or drawn(page) == {"hub", "team_3.read_007"}
    assert "+199" in page
    assert "199 are folded away" in page
    opening = next(href for href in links(page) if "open=g" in href)
    opened = follow(opening)
    assert len(drawn(opened)) == 32
    assert "+169" in opened
    again = next(href for href in links(opened) if re.search(r"open=g\w+\.2", href))
    assert len(drawn(follow(again))) == 62
    grouped = look("/lineage", node="dataset:shop:hub", group="namespace")
    assert "ns0 · 100 jobs" in grouped
    assert "ns1 · 99 jobs" in grouped
    assert "team_1 · 50 jobs" in look("/lineage", node="dataset:shop:hub", group="parent")
    rows = re.findall(r"<tr><td", look("/lineage", node="dataset:shop:hub", view="list"))
    assert len(rows) == 200


def test_what_is_too_much_for_boxes_is_drawn_as_marks(
    client: FlaskClient, look: Look, writing: Writing
) -> None:
    with writing() as catalog:
        wide(catalog, 501)
    page = look("/lineage", node="dataset:shop:hub", group="none")
    assert 'class="graph overview"' in page
    assert drawn(page) == set()
    assert "job:ns1:team_3.read_007" in page
    file = client.get("/lineage.svg", query_string={"node": "dataset:shop:hub", "group": "none"})
    assert ET.fromstring(file.text).tag.endswith("svg")  # noqa: S314  # written by us


@pytest.mark.usefixtures("stack")
def test_the_drawing_can_be_taken_away(client: FlaskClient, look: Look) -> None:
    page = look("/lineage", node=ORDERS)
    hrefs = links(page)
    answer = client.get(next(href for href in hrefs if href.startswith("/lineage.svg")))
    assert answer.mimetype == "image/svg+xml"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="lineage.svg"'
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; style-src 'unsafe-inline'"
    drawing = ET.fromstring(answer.text)  # noqa: S314  # written by us
    assert drawing.tag == "{http://www.w3.org/2000/svg}svg"
    assert "var(" not in answer.text
    assert 'href="/' not in answer.text
    for form in ("dot", "mermaid", "csv", "node-link", "openlineage"):
        href = next(href for href in hrefs if f"format={form}" in href)
        assert client.get(href).status_code == 200


def test_hostile_names_are_shown_and_do_nothing(client: FlaskClient, look: Look, writing: Writing) -> None:
    evil = EVIL.replace("\0", "")
    with writing() as catalog:
        table, job = catalog.dataset(evil, evil), catalog.job(evil, evil)
        catalog.edge(job, table, Direction.OUTPUT)
        catalog.facet(job, "sql", {"query": evil})
        catalog.facet(job, "jobType", {"integration": evil})
        catalog.facet(job, "ownership", {"owners": [{"name": evil}, "x"]})
        catalog.facet(table, "schema", {"fields": [{"name": evil, "type": evil}]})
    node = f"dataset:{evil}:{evil}"
    for more in (
        {},
        {"view": "list"},
        {"panel": node},
        {"panel": f"job:{evil}:{evil}"},
        {"columns": node},
        {"path": node},
        {"vs": "2020-01-01T00:00:00"},
        {"level": "column"},
        {"open": evil},
    ):
        answer = client.get("/lineage", query_string={"node": node, **more})
        assert answer.status_code == 200, more
        page = answer.text
        assert "<script>alert" not in page, more
        assert '"onload="' not in page, more
        assert "\u202e" not in re.sub(
            r'(href|value|data-copy|data-href|data-now|data-from)="[^"]*"', "", page
        ), more
    file = client.get("/lineage.svg", query_string={"node": node}).text
    ET.fromstring(file)  # noqa: S314  # written by us
    assert "<script>alert" not in look("/lineage", q=evil)


def test_hidden_namespaces_are_nowhere_on_the_page(client: FlaskClient, writing: Writing) -> None:
    with writing() as catalog:
        mine, secret = catalog.dataset("mine", "my://1"), catalog.dataset("secret", "other://1")
        joins(catalog, catalog.job("make", "my://1"), secret, mine)
        joins(catalog, catalog.job("leak", "other://1"), mine, secret)
        key, _ = keys.create(catalog.conn, "test", ["read"], ["my://*"], NOON)
    header = {"X-API-Key": key}
    for query in (
        {"node": "dataset:my://1:mine"},
        {"node": "dataset:my://1:mine", "view": "list", "depth": "9"},
        {"node": "dataset:my://1:mine", "vs": "2020-01-01T00:00:00"},
        {"node": "dataset:my://1:mine", "panel": "dataset:my://1:mine"},
        {},
    ):
        page = client.get("/lineage", query_string=query, headers=header)
        assert page.status_code == 200
        for word in ("secret", "leak", "other://1"):
            assert word not in page.text, (query, word)
    shown = client.get("/lineage", query_string={"node": "dataset:my://1:mine"}, headers=header).text
    assert "<b>1</b> upstream" in shown
    assert "<b>0</b> downstream" in shown
    assert "more behind" not in shown
    hidden = client.get("/lineage", query_string={"node": "dataset:other://1:secret"}, headers=header)
    assert hidden.status_code == 404


@pytest.mark.usefixtures("stack")
def test_without_a_node_there_is_where_to_begin(look: Look) -> None:
    page = look("/lineage")
    assert "waiting on upstream" in page
    assert "Most read" in page
    found = look("/lineage", q="ord")
    assert any(href.startswith("/lineage?node=dataset") and "orders" in href for href in links(found))
    assert "No dataset or job has" in look("/lineage", q="zebra")


def test_an_empty_stack_says_so(look: Look) -> None:
    page = look("/lineage")
    assert "No job reads anything yet." in page
    assert "Nothing is late." in page


@pytest.mark.usefixtures("stack")
def test_what_cannot_be_asked_is_refused_with_the_reason(client: FlaskClient) -> None:
    for query, status in (
        ({"node": "nonsense"}, 422),
        ({"node": ORDERS, "depth": "x"}, 422),
        ({"node": ORDERS, "group": "colour"}, 400),
        ({"node": ORDERS, "view": "cube"}, 400),
        ({"node": "dataset:no:where"}, 404),
    ):
        answer = client.get("/lineage", query_string=query)
        assert answer.status_code == status, query
        assert "<h1>" in answer.text


@pytest.mark.usefixtures("stack")
def test_the_page_asks_as_often_for_many_nodes_as_for_few(look: Look, database: Database) -> None:
    def statements(**parameters: Any) -> int:
        with counted(database) as asked:
            look("/lineage", node=f"dataset:{STORE}:raw", **parameters)
        return len(asked)

    assert statements(depth=6) <= statements(depth=4) + 8
