"""The SVG of a drawing: on a page and as a file, whatever the names are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from xml.dom import minidom

import pytest
from flask import Flask

import collector.web
from collector.web import standalone
from collector.web.drawing.layout import layout
from collector.web.drawing.overview import overview
from collector.web.drawing.shapes import Drawing, Line
from collector.web.drawing.views import EdgeView, Folded, NodeView, RowView, boxes
from tests.unit.collector.web.drawing import shop
from tests.unit.collector.web.drawing.graphs import layered

TEMPLATES = Path(collector.web.__file__).with_name("templates")

HOSTILE = {
    "markup": "</text><script>alert(1)</script>",
    "attribute": '"onload="alert(1)',
    "quote": "' onmouseover='alert(1)",
    "cdata": "]]>",
    "template": "{{7*7}}{% raw %}",
    "entity": "&lt;&#x3c;",
    "long": "x" * 5_000,
    "empty": "",
    "right to left": "مبيعات\u202egro.elpmaxe",
    "emoji": "👨‍👩‍👧 orders",
    "nul": "a\x00b\x0bc\ufffed\ud800e",
    "spaces": " \t\n ",
    "zalgo": "e" + "\u0301" * 900,
}


@pytest.fixture
def app() -> Iterator[Flask]:
    app = Flask("drawings", template_folder=str(TEMPLATES))
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    with app.app_context():
        yield app


def on_page(
    app: Flask,
    drawing: Drawing,
    nodes: Mapping[str, NodeView],
    edges: Mapping[tuple[str, str], EdgeView] | None = None,
) -> str:
    source = (
        '{% from "drawing/graph.html" import graph %}{{ graph(drawing, nodes, edges, "Lineage of orders") }}'
    )
    template = app.jinja_env.from_string("{% autoescape true %}" + source + "{% endautoescape %}")
    return template.render(drawing=drawing, nodes=nodes, edges=edges or {})


class Elements(HTMLParser):
    """What a browser finds in a piece of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def all(self, tag: str, css: str = "") -> list[dict[str, str | None]]:
        wanted = set(css.split())
        return [
            had for name, had in self.found if name == tag and wanted <= set((had.get("class") or "").split())
        ]


def parsed(text: str) -> minidom.Element:
    root = minidom.parseString(text.encode()).documentElement  # noqa: S318  # written by the code under test
    assert root is not None
    return root


def hostile_parts(name: str) -> tuple[list[NodeView], list[Line]]:
    views = [
        NodeView(
            "n1",
            "dataset",
            "/d?n=1",
            f"dataset {name}",
            name,
            name,
            "late",
            rows=(RowView(name, "?column=1"),),
        ),
        NodeView("n2", "job", "/j?n=2", f"job {name}", name, name, "failed", tool=name),
        NodeView("n3", "group", "/g?n=3", f"group {name}", name, counts=(("late", 2), ("fresh", 9))),
    ]
    return views, [Line("n1", "n2"), Line("n2", "n3")]


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_no_name_gets_out_of_its_place(app: Flask, name: str) -> None:
    views, lines = hostile_parts(name)
    nodes = {view.id: view for view in views}
    page = Elements(on_page(app, layout(boxes(views, lines), lines), nodes))
    assert not page.all("script")
    assert {attribute for _, had in page.found for attribute in had if attribute.startswith("on")} == set()
    assert all("style" not in had for _, had in page.found)
    assert "49" not in page.texts
    assert not any(hidden in "".join(page.texts) for hidden in "\x00\x0b\u202e\u200d")


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_a_file_is_well_formed_whatever_the_names_are(app: Flask, name: str) -> None:
    views, lines = hostile_parts(name)
    nodes = {view.id: view for view in views}
    text = standalone.svg(layout(boxes(views, lines), lines), nodes, {}, f"Lineage of {name}")
    root = parsed(text)
    assert root.tagName == "svg"
    assert not root.getElementsByTagName("script")
    assert len(text) < 30_000


def test_a_file_needs_nothing_from_outside(app: Flask) -> None:
    nodes, lines, columns, edges, focus = shop.parts()
    drawing = layout(boxes(nodes.values(), lines, focus=focus), lines, columns, focus=focus)
    text = standalone.svg(drawing, nodes, edges, "Lineage")
    for word in ("var(", "light-dark", "@import", "http://", "https://", "<a "):
        assert word not in text.replace("http://www.w3.org/2000/svg", "").replace("s3://", "")
    root = parsed(text)
    known = {each.getAttribute("id") for each in root.getElementsByTagName("*")}
    assert {each.getAttribute("href")[1:] for each in root.getElementsByTagName("use")} <= known
    assert "#b04a00" in text


def test_every_node_is_a_link_with_a_name_in_the_order_of_the_flow(app: Flask) -> None:
    nodes, lines, columns, edges, focus = shop.parts()
    drawing = layout(boxes(nodes.values(), lines, focus=focus), lines, columns, focus=focus)
    text = on_page(app, drawing, nodes, edges)
    page = Elements(text)
    assert [had["href"] for had in page.all("a", "n")] == [nodes[each.box.id].href for each in drawing.boxes]
    assert f"<title>dataset {shop.FOCUS}, late, due 08:00 · 12 min late</title>" in text
    assert len(page.all("rect", "halo")) == 1
    assert [had["aria-hidden"] for had in page.all("g", "lines")] == ["true"]
    assert len({had["id"] for _, had in page.found if "id" in had}) == sum(
        "id" in had for _, had in page.found
    )


def test_lines_are_painted_in_their_order_and_marked_for_what_they_are(app: Flask) -> None:
    nodes, lines, columns, edges, focus = shop.parts()
    drawing = layout(boxes(nodes.values(), lines, focus=focus), lines, columns, focus=focus)
    page = Elements(on_page(app, drawing, nodes, edges))
    hot = ["hot" in (had["class"] or "").split() for had in page.all("path", "e")]
    assert hot == sorted(hot)
    assert 0 < sum(hot) < len(hot)
    assert len(page.all("path", "e cause")) == len(shop.CAUSE) - 1
    assert len(page.all("path", "ce")) == len(columns)
    assert len(page.all("path", "ce indirect")) == 1
    assert len(page.all("rect", "lane")) == 1


@pytest.mark.parametrize(
    ("change", "css"), [("added", "rect double"), ("removed", "g removed"), ("changed", "path sign")]
)
def test_what_changed_between_two_times_has_a_sign(app: Flask, change: str, css: str) -> None:
    view = NodeView("n1", "job", "/j", "job a", "a", change=change)  # type: ignore[arg-type]  # one of the three
    page = Elements(on_page(app, layout(boxes([view], []), []), {"n1": view}))
    assert page.all(*css.split())
    assert len(page.all("circle", "badge")) == 1


def test_what_is_folded_away_tells_how_much_and_the_worst_of_it(app: Flask) -> None:
    view = NodeView(
        "n1", "dataset", "/d", "dataset a", "a",
        more_in=Folded(3, "?open=in", "fresh"), more_out=Folded(14, "?open=out", "late"),
    )  # fmt: skip
    drawing = layout(boxes([view], []), [])
    text = on_page(app, drawing, {"n1": view})
    page = Elements(text)
    before, behind = page.all("a", "more")
    assert (before["href"], behind["href"]) == ("?open=in", "?open=out")
    assert "14 more behind, one of them late" in text
    assert "3 more before</title>" in text
    assert drawing.boxes[0].x >= view.more_in.width  # type: ignore[union-attr]  # it was given above


def test_a_group_counts_its_members_by_state(app: Flask) -> None:
    view = NodeView(
        "n1", "group", "/g", "group raw", "raw", state="late", counts=(("late", 2), ("fresh", 31))
    )
    page = Elements(on_page(app, layout(boxes([view], []), []), {"n1": view}))
    assert [had["href"] for had in page.all("use")] == ["#i-late", "#i-late", "#i-fresh"]
    assert {"2", "31"} <= set(page.texts)


def test_a_long_line_is_shown_as_links_to_its_ends(app: Flask) -> None:
    views = [NodeView(f"n{at}", "dataset", f"/d?n={at}", f"dataset t{at}", f"shop.t{at}") for at in range(8)]
    lines = [Line(f"n{at}", f"n{at + 1}") for at in range(7)] + [Line("n0", "n7")]
    text = on_page(app, layout(boxes(views, lines), lines), {view.id: view for view in views})
    page = Elements(text)
    assert {had["href"] for had in page.all("a", "stub")} == {"#n0", "#n7"}
    assert "shop.t7 →" in page.texts
    assert "← shop.t0" in page.texts
    assert len(page.all("path", "e far")) == 1


def test_boxes_are_as_wide_as_most_names_of_their_layer_need() -> None:
    short = [NodeView(f"a{at}", "dataset", "", "", "raw.t") for at in range(3)]
    long = [NodeView("b", "dataset", "", "", "analytics.mart.revenue_by")]
    longest = [NodeView("c", "dataset", "", "", "x" * 90)]
    lines = [*(Line(view.id, "b") for view in short), Line("b", "c")]
    widths = {box.id: box.width for box in boxes([*short, *long, *longest], lines)}
    assert widths["a0"] == widths["a1"] == 160
    assert 160 < widths["b"] < 280
    assert widths["c"] == 280
    assert long[0].label(widths["b"]) == "analytics.mart.revenue_by"
    assert longest[0].label(280).startswith("…x")


def test_a_job_is_taller_only_when_it_has_something_to_say() -> None:
    quiet, loud = (NodeView("n", "job", "", "", "a", line) for line in ("", "failed 07:12"))
    assert (quiet.height, loud.height) == (28, 40)


def test_a_box_has_another_version_when_it_shows_something_else(app: Flask) -> None:
    fresh, late = (
        NodeView("n1", "dataset", "/d", "dataset a", "a", state=state) for state in ("fresh", "late")
    )
    pages = [
        Elements(on_page(app, layout(boxes([view], []), []), {"n1": view})) for view in (fresh, late, late)
    ]
    versions = [page.all("g", "node")[0]["data-v"] for page in pages]
    assert versions[0] != versions[1] == versions[2]


def test_the_instants_of_a_line_come_with_it(app: Flask) -> None:
    instants = ("2026-11-23T08:00:00Z", "2026-11-23T08:12:00Z")
    view = NodeView("n1", "dataset", "/d", "dataset a", "a", "due 08:00 · came 08:12", times=instants)
    page = Elements(on_page(app, layout(boxes([view], []), []), {"n1": view}))
    assert [had["data-times"] for had in page.all("text", "m")] == [" ".join(instants)]


def test_an_overview_has_one_path_for_each_state_and_one_for_all_lines(app: Flask) -> None:
    graph, lines = layered(600)
    states = {box.id: "late" if number % 50 == 0 else "fresh" for number, box in enumerate(graph)}
    drawing = overview(states, lines, focus="n3")
    template = '{% from "drawing/overview.html" import marks %}{{ marks(drawing) }}'
    page = Elements(app.jinja_env.from_string(template).render(drawing=drawing))
    assert len(page.all("path", "marks")) == 2
    assert len(page.all("path", "veins")) == 1
    assert len(page.found) <= 6
    assert len({(mark.x, mark.y) for mark in drawing.marks}) == 600
    assert drawing.focus is not None
    assert drawing.focus.id == "n3"


def test_an_overview_holds_all_its_marks_and_is_the_same_for_the_same_graph() -> None:
    graph, lines = layered(700)
    states = {box.id: "fresh" for box in graph}
    drawing = overview(states, lines)
    assert all(0 < mark.x <= drawing.width - 8 and 0 < mark.y <= drawing.height - 4 for mark in drawing.marks)
    assert overview(dict(reversed(states.items())), lines[::-1]) == drawing


def test_an_overview_of_a_huge_graph_says_that_it_leaves_lines_out() -> None:
    states = {f"n{number}": "fresh" for number in range(4_500)}
    lines = [Line(f"n{number // 7}", f"n{number}") for number in range(1, 4_500)]
    drawing = overview(states, lines)
    assert drawing.lines == ""
    assert drawing.left_out == len(lines)
    assert len(drawing.marks) == 4_500
