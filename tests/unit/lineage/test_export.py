"""A part of the graph in the formats of other programs, with names that try to break out of them."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage.export import FORMATS, csv_document, dot, mermaid, node_link
from lineage.traverse import Link, Node, Subgraph

HOSTILE = (
    'a"b]) --> n9', '"; drop \\', "\\", "\\N\\G\\", "`**bold**`", "__x__ _y_", "%%{init: {}}%%", "#quot; &amp; <b>",
    "=cmd|calc", "+1", "@SUM(A1)", "line\nbreak\r\n,x", "https://x.y www.a.b a@b.c", "1. list", "- item",
    "style:x#1;end", "ﬂ°°42¶ß", "$$x$$", " a  b ", "", "\x00", "{}|<>()[];", "%% comment", "end",
)  # fmt: skip


def around(names: tuple[str, ...]) -> Subgraph:
    """Give a chain of jobs and datasets of these names, joined by data and by control flow in turns."""
    nodes = [
        Node("dataset" if at % 2 else "job", f"ns {name}", f"{name}{at}", at, (f"dataset:x:{name}",))
        for at, name in enumerate(names)
    ]
    links = [
        Link(one.id, other.id, "control" if at % 3 == 0 else "data", (f"job:x:{one.name}", "job:y:z"))
        for at, (one, other) in enumerate(itertools.pairwise(nodes))
    ]
    return Subgraph(nodes, links, False)


def test_node_link_is_what_networkx_reads_and_writes() -> None:
    subgraph = around(HOSTILE)
    both = Link(*subgraph.links[1][:2], "control", ())
    data = json.loads(node_link(Subgraph(subgraph.nodes, [*subgraph.links, both], True)))
    graph = nx.node_link_graph(data, edges="edges")
    assert isinstance(graph, nx.MultiDiGraph)
    assert graph.graph == {"truncated": True}
    written = nx.node_link_data(graph, edges="edges")
    assert written.keys() == data.keys()
    assert written["nodes"] == data["nodes"]
    assert sorted(written["edges"], key=repr) == sorted(data["edges"], key=repr)
    assert list(graph) == [node.id for node in subgraph.nodes]
    source, target, kind, via = subgraph.links[0]
    assert graph.edges[source, target, kind] == {"kind": kind, "via": list(via)}
    assert graph.nodes[source]["names"] == ["dataset:x:" + HOSTILE[0]]
    assert graph.number_of_edges(*both[:2]) == 2


def test_an_edge_to_a_node_of_an_earlier_page_keeps_its_end() -> None:
    node = Node("dataset", "ns", "b", 2)
    page = Subgraph([node], [Link("job:ns:a", node.id, "data", ())], False)
    assert set(nx.node_link_graph(json.loads(node_link(page)), edges="edges")) == {"job:ns:a", node.id}
    assert '(["a' not in mermaid(page)
    assert 'n1(["ns#58;a"])' in mermaid(page)
    assert '"job:ns:a" -> "dataset:ns:b"' in dot(page)


QUOTED = r'"(?:[^"\\]|\\.)*"'
DOT_NODE = re.compile(rf"  {QUOTED} \[shape=(box|cylinder), label={QUOTED}\];")
DOT_EDGE = re.compile(rf"  {QUOTED} -> {QUOTED}( \[style=dashed\])?;")


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_leaves_its_quotes_in_dot(name: str) -> None:
    assert_dot(around((name, name, "plain", name)))


@given(st.lists(st.text(max_size=12), max_size=5))
def test_no_text_at_all_leaves_its_quotes_in_dot(names: list[str]) -> None:
    assert_dot(around(tuple(names)))


def assert_dot(subgraph: Subgraph) -> None:
    lines = dot(subgraph).split("\n")
    assert lines[:2] == ["digraph lineage {", "  rankdir=LR;"]
    assert lines[-2:] == ["}", ""]
    nodes, edges = (
        lines[3 : 3 + len(subgraph.nodes)],
        lines[3 + len(subgraph.nodes) : -2],
    )
    shapes = [found[1] for line in nodes if (found := DOT_NODE.fullmatch(line))]
    assert shapes == ["cylinder" if node.type == "dataset" else "box" for node in subgraph.nodes]
    dashed = [bool(found[1]) for line in edges if (found := DOT_EDGE.fullmatch(line))]
    assert dashed == [link.kind == "control" for link in subgraph.links]


def test_dot_labels_escape_what_graphviz_would_replace() -> None:
    text = dot(Subgraph([Node("job", "a&b", 'x\\N"', 0)], [], False))
    # \N is the node's name, &amp; an entity: both would show something else.
    assert '  "job:a&b:x\\\\N\\"" [shape=box, label="x\\\\N\\"\\na&amp;b"];' in text


# An entity code is put back after Mermaid has read the label; a break is the only markup.
LABEL = r'"(?:[^\W_]|[ _./-]|#\d+;|<br/>)*"'
MERMAID_NODE = re.compile(rf"  n\d+(\[\({LABEL}\)\]|\(\[{LABEL}\]\))")
MERMAID_EDGE = re.compile(r"  n\d+ (-->|-\.->) n\d+")


@given(st.lists(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=12)), max_size=6))
def test_no_name_is_read_as_mermaid(names: list[str]) -> None:
    subgraph = around(tuple(names))
    first, *lines = mermaid(subgraph).split("\n")
    assert first == "flowchart LR"
    assert lines.pop() == ""
    nodes, edges = lines[: len(subgraph.nodes)], lines[len(subgraph.nodes) :]
    assert all(MERMAID_NODE.fullmatch(line) for line in nodes)
    arrows = [found[1] for line in edges if (found := MERMAID_EDGE.fullmatch(line))]
    assert arrows == ["-.->" if link.kind == "control" else "-->" for link in subgraph.links]
    text = "".join(nodes)
    # Markdown, addresses that become links, directives, comments, icons.
    assert not re.search(r"__|\*|`|://|www\.|@|%|fa:|^\s*\d+\. |\$", text)


def test_mermaid_labels_read_well_where_nothing_is_in_the_way() -> None:
    text = mermaid(Subgraph([Node("dataset", "postgres://db:5432", "shop.raw.stg_orders", 0)], [], False))
    assert text == ('flowchart LR\n  n0[("shop.raw.stg_orders<br/>postgres#58;#47;#47;db#58;5432")]\n')


@given(st.lists(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=12)), max_size=6))
def test_csv_is_read_back_and_holds_no_formula(names: list[str]) -> None:
    subgraph = around(tuple(names))
    text = csv_document(subgraph)
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert text.endswith("\r\n")
    assert rows[0] == ["source", "target", "kind", "via"]
    assert rows[1:] == [[link.source, link.target, link.kind, "\n".join(link.via)] for link in subgraph.links]
    assert all(not field.startswith(tuple("=+-@\t\r\n")) for row in rows for field in row)


def test_an_empty_part_is_a_valid_document_in_every_format() -> None:
    nothing = Subgraph([], [], False)
    assert {name: write(nothing) for name, write in FORMATS.items() if name != "node-link"} == {
        "dot": 'digraph lineage {\n  rankdir=LR;\n  node [fontname="sans-serif"];\n}\n',
        "mermaid": "flowchart LR\n",
        "csv": "source,target,kind,via\r\n",
    }
