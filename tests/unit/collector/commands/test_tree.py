"""Lineage answers drawn as trees."""

from __future__ import annotations

import re
from typing import Any

import pytest
from rich.console import Console

from collector.commands.tree import lineage_tree


def draw(answer: dict[str, Any], root: str, direction: str) -> list[str]:
    console = Console(width=120, highlight=False, color_system=None)
    with console.capture() as capture:
        console.print(lineage_tree(answer, root, direction))
    return [line.rstrip() for line in capture.get().splitlines()]


def node(name: str) -> str:
    """Write a node; lower-case names are datasets, upper-case ones jobs."""
    return f"{'job' if name.isupper() else 'dataset'}:ns:{name}"


def edges(root: str, *pairs: str, **also: list[str]) -> dict[str, Any]:
    """Make an answer from pairs, ``a>b`` for a flow of data, ``A~B`` for control; ``also`` are other names."""

    def edge(pair: str) -> dict[str, str]:
        one, sign, other = re.split("([>~])", pair)
        return {"from": node(one), "to": node(other), "kind": "data" if sign == ">" else "control"}

    names = sorted({root}.union(*(re.split("[>~]", pair) for pair in pairs)))
    return {
        "nodes": [
            {
                "id": node(name),
                "depth": int(name != root),
                "names": [node(each) for each in also.get(name, [])],
            }
            for name in names
        ],
        "edges": [edge(pair) for pair in pairs],
    }


def test_the_other_names_of_a_dataset_stand_behind_it() -> None:
    answer = edges("fct", "raw>J", "J>fct", "L>raw", raw=["path"], fct=["a", "b", "c", "d"])
    assert draw(answer, "dataset:ns:b", "upstream") == [
        "dataset ns:fct = ns:a, ns:b, ns:c and 1 more",
        "└── job ns:J",
        "    └── dataset ns:raw = ns:path",
        "        └── job ns:L",
    ]


def test_what_runs_first_without_passing_data_is_told() -> None:
    assert draw(edges("B", "A~B", "x>B"), "job:ns:B", "upstream") == [
        "job ns:B",
        "├── dataset ns:x",
        "└── job ns:A (runs before, no data)",
    ]


def test_a_job_that_is_no_node_stands_above_its_datasets() -> None:
    answer = edges("a", "a>b") | {
        "nodes": [
            {"id": node(name), "depth": depth, "names": []} for name, depth in (("a", 0), ("c", 0), ("b", 1))
        ]
    }
    assert draw(answer, "job:ns:J", "downstream") == [
        "job ns:J",
        "├── dataset ns:a",
        "│   └── dataset ns:b",
        "└── dataset ns:c",
    ]


def test_a_chain_upstream() -> None:
    assert draw(edges("fct", "raw>J", "J>fct"), "dataset:ns:fct", "upstream") == [
        "dataset ns:fct",
        "└── job ns:J",
        "    └── dataset ns:raw",
    ]


def test_both_directions_have_a_branch_each() -> None:
    assert draw(edges("J", "a>J", "J>b"), "job:ns:J", "both") == [
        "job ns:J",
        "├── upstream",
        "│   └── dataset ns:a",
        "└── downstream",
        "    └── dataset ns:b",
    ]


def test_a_diamond_is_unfolded_once_and_a_cycle_ends() -> None:
    answer = edges("a", "b>a", "c>a", "d>b", "d>c", "e>d", "a>e") | {"truncated": True}
    assert draw(answer, "dataset:ns:a", "upstream") == [
        "dataset ns:a",
        "├── dataset ns:b",
        "│   └── dataset ns:d",
        "│       └── dataset ns:e",
        "│           └── dataset ns:a (unfolded elsewhere)",
        "├── dataset ns:c",
        "│   └── dataset ns:d (unfolded elsewhere)",
        "└── … there is more: ask for a greater depth, or from another node",
    ]


@pytest.mark.parametrize("name", ["[red]x[/red]", "[/]", ":smile:"])
def test_names_are_no_markup(name: str) -> None:
    assert draw({"nodes": [], "edges": []}, f"dataset:ns:{name}", "both")[0] == f"dataset ns:{name}"


def test_names_do_not_control_the_terminal() -> None:
    assert draw({"nodes": [], "edges": []}, "dataset:ns:a\x1b[2Jb\nc", "upstream") == [
        "dataset ns:a\ufffd[2Jb\ufffdc"
    ]


def test_long_chains_do_not_exhaust_the_stack() -> None:
    answer = edges("n0", *(f"n{number}>n{number + 1}" for number in range(3000)))
    tree = lineage_tree(answer, "dataset:ns:n0", "downstream")
    depth = 0
    while tree.children:
        tree, depth = tree.children[0], depth + 1
    assert depth == 3000
