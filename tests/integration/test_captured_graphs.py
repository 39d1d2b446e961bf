"""The whole graph of what each tool sent is the one in ``fixtures/graphs/captured``, and that of all of them joined."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from collector.api.alias_shapes import AliasDocument
from collector.api.documents import read_document
from collector.ingest.projector import Projector
from collector.storage import aliases
from collector.storage.declarations import pieces
from collector.storage.engine import Database
from collector.storage.graph import SqlGraph
from lineage.fold import Fold
from lineage.model import Direction
from lineage.outgoing import outgoing
from lineage.traverse import text
from tests.captured import FIXTURES, captured
from tests.dump import feed_rows, new_event

GRAPHS = sorted((FIXTURES / "graphs" / "captured").glob("*.json"))


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.close()


@pytest.mark.parametrize("path", GRAPHS, ids=lambda path: path.stem)
def test_the_graph_is_as_recorded(database: Database, path: Path) -> None:
    expected = json.loads(path.read_text())
    feed_rows(database, [new_event(*logged) for logged in captured(*expected["events"])])
    Projector(database, holder="test").drain()
    if rules := expected.get("aliases"):
        document = read_document((FIXTURES / rules).read_text(), AliasDocument(), rules)
        with database.write() as conn:
            aliases.replace(conn, document["rules"])
        Projector(database, holder="test").drain()
    with database.read() as conn:
        found = graph_of(conn)
    for part in ("names", "job_edges", "dataset_edges"):
        assert found[part] == expected[part], part


def graph_of(conn: Connection) -> dict[str, Any]:
    """Give the whole graph in the shape of the files."""
    graph = SqlGraph(conn, fold=Fold.NONE, control=True)
    keys = [key for piece in pieces(conn) for key in piece]
    job_ids, dataset_ids = ([id_ for type_, id_ in keys if type_ == kind] for kind in ("job", "dataset"))
    jobs = {id_: text("job", named) for id_, named in graph.jobs(job_ids).items()}
    named = graph.datasets(dataset_ids)
    datasets = {id_: text("dataset", each) for id_, each in named.items()}
    between: dict[tuple[str, str], set[str]] = defaultdict(set)
    for step in graph.between_datasets(dataset_ids, Direction.OUTPUT):
        assert step.via is not None
        between[datasets[step.near], datasets[step.far]].add(jobs[step.via])
    return {
        "names": {
            datasets[id_]: sorted(text("dataset", other) for other in each.others)
            for id_, each in named.items()
            if each.others
        },
        "job_edges": sorted(
            [link.source, link.target, *([] if link.kind == "data" else [link.kind])]
            for link in outgoing(graph, keys)
        ),
        "dataset_edges": sorted([*ends, sorted(vias)] for ends, vias in between.items()),
    }
