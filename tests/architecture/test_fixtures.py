"""The fixtures are what their table of provenance says, and the graphs ask about what their events name."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

FIXTURES = Path(__file__).parents[2] / "fixtures"
EVENTS = sorted((FIXTURES / "events").rglob("*.jsonl"))
GRAPHS = sorted((FIXTURES / "graphs").glob("*.json"))
CAPTURED = sorted((FIXTURES / "graphs" / "captured").glob("*.json"))


def test_every_file_has_a_line_of_provenance() -> None:
    named = re.findall(r"`([\w./-]+\.jsonl?)`", (FIXTURES / "README.md").read_text())
    listed = [name for name in named if "*" not in name]
    present = [path.relative_to(FIXTURES / "events").as_posix() for path in EVENTS]
    graphs = [path.name for path in GRAPHS] + [f"captured/{path.name}" for path in CAPTURED]
    assert sorted(listed) == sorted(present + graphs)


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_line_is_one_captured_request(path: Path) -> None:
    for line in path.read_text().splitlines():
        assert json.loads(line).keys() == {"received_at", "path", "headers", "body"}


@pytest.mark.parametrize("path", GRAPHS, ids=lambda path: path.stem)
def test_a_graph_asks_only_about_what_its_events_name(path: Path) -> None:
    graph = json.loads(path.read_text())
    known = set()
    runs = set()
    for event in graph["events"]:
        known.add(f"job:{event['job']['namespace']}:{event['job']['name']}")
        runs.add(f"run:{event['run']['runId']}")
        known |= {
            f"dataset:{used['namespace']}:{used['name']}" for used in event["inputs"] + event["outputs"]
        }
    for query in graph["queries"]:
        assert query["direction"] in {"upstream", "downstream", "both"}
        assert query["level"] in {"job", "dataset"}
        assert query["node"] in query["nodes"]
        assert set(query["nodes"]) <= known
        assert {end for edge in query["edges"] for end in edge} <= set(query["nodes"])
    for query in graph.get("column_queries", ()):
        columns = {id_ for id_ in query["nodes"] if id_.startswith("column:")}
        tables = {f"dataset{id_.removeprefix('column').rpartition(':')[0]}" for id_ in columns}
        assert tables | (set(query["nodes"]) - columns) <= known
    for query in graph.get("run_queries", ()):
        assert set(query["nodes"]) <= runs
    for query in graph.get("column_queries", []) + graph.get("run_queries", []):
        assert {edge[end] for edge in query["edges"] for end in ("from", "to")} <= set(query["nodes"])
