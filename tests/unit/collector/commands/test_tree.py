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


def edges(*pairs: str) -> dict[str, Any]:
    """Make an answer from pairs: ``a>b`` for a flow of data, ``a=b`` for two names of one dataset.

    Lower-case names are datasets, upper-case ones jobs.
    """

    def node(name: str) -> str:
        return f"{'job' if name.isupper() else 'dataset'}:ns:{name}"

    def edge(pair: str) -> dict[str, str]:
        one, sign, other = re.split("([>=])", pair)
        return {"from": node(one), "to": node(other), "kind": "data" if sign == ">" else "symlink"}

    return {"edges": [edge(pair) for pair in pairs]}


def test_another_name_of_a_dataset_is_shown_whichever_of_the_two_was_met() -> None:
    answer = edges("raw>J", "J>fct", "path=raw", "L>path")
    assert draw(answer, "dataset:ns:fct", "upstream") == [
        "dataset ns:fct",
        "└── job ns:J",
        "    └── dataset ns:raw",
        "        └── dataset ns:path (another name)",
        "            └── job ns:L",
    ]
    assert draw(answer, "dataset:ns:path", "downstream") == [
        "dataset ns:path",
        "└── dataset ns:raw (another name)",
        "    └── job ns:J",
        "        └── dataset ns:fct",
    ]


def test_a_chain_upstream() -> None:
    assert draw(edges("raw>J", "J>fct"), "dataset:ns:fct", "upstream") == [
        "dataset ns:fct",
        "└── job ns:J",
        "    └── dataset ns:raw",
    ]


def test_both_directions_have_a_branch_each() -> None:
    assert draw(edges("a>J", "J>b"), "job:ns:J", "both") == [
        "job ns:J",
        "├── upstream",
        "│   └── dataset ns:a",
        "└── downstream",
        "    └── dataset ns:b",
    ]


def test_a_diamond_is_unfolded_once_and_a_cycle_ends() -> None:
    answer = edges("b>a", "c>a", "d>b", "d>c", "e>d", "a>e") | {"truncated": True}
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
    assert draw({"edges": []}, f"dataset:ns:{name}", "both")[0] == f"dataset ns:{name}"


def test_names_do_not_control_the_terminal() -> None:
    assert draw({"edges": []}, "dataset:ns:a\x1b[2Jb\nc", "upstream") == ["dataset ns:a\ufffd[2Jb\ufffdc"]


def test_long_chains_do_not_exhaust_the_stack() -> None:
    answer = edges(*(f"n{number}>n{number + 1}" for number in range(3000)))
    tree = lineage_tree(answer, "dataset:ns:n0", "downstream")
    depth = 0
    while tree.children:
        tree, depth = tree.children[0], depth + 1
    assert depth == 3000
