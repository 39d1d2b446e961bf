"""What pages cost the server: ``python -m tests.benchmarks.web --databases sqlite postgresql``.

One database each: a graph of 100,000 datasets and more (``tests.benchmarks.layers``), 500 expectations, half of them
late, the events of some thousand runs. Of each page the time from request to answer inside the server, p50 and
p95, its statements and its weight; and as baseline the same question put to the page's twin in the native API, in turns
with the page: the ratio says what drawing costs.
"""

from __future__ import annotations

import argparse
import itertools
import json
import logging
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

import structlog
from flask.testing import FlaskClient

from collector.app import create_app
from collector.ingest.projector import Projector
from collector.settings import Settings
from collector.storage.engine import Database
from collector.wiring import services
from tests.benchmarks.freshness import MIDNIGHT, settled
from tests.benchmarks.layers import Stack, find_probes, write
from tests.benchmarks.server import databases
from tests.benchmarks.stack import WAREHOUSE, events
from tests.dump import feed
from tests.statements import counted

EDGES = 260_000
"""With the hub: some 118,000 datasets."""
EXPECTATIONS = 500
EVENTS = 5_000
HOUR = 3_600_000_000
NODES = (50, 500, 2_000)
DEPTH = 20

Query = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Kind:
    """A page, with the parameters it is asked with, in turns; those that the twin knows are given to it."""

    name: str
    path: str
    queries: Sequence[Query]
    twin: str
    twins: Sequence[Query]


def kinds(stack: Stack, questions: int) -> Iterator[Kind]:
    """Give what is asked."""
    nothing: list[Query] = [{}]
    yield Kind("overview", "/", nothing, "/status", nothing)
    yield Kind("board, 100 rows", "/freshness", nothing, "/freshness", nothing)
    yield Kind("alerts", "/alerts", nothing, "/alerts", nothing)
    for (_depth, size), probes in find_probes(stack, (DEPTH,), NODES, questions).items():
        asked = [
            {
                "node": f"dataset:{probe.node.namespace}:{probe.node.name}",
                "direction": probe.way.value,
                "depth": DEPTH,
            }
            for probe in probes
        ]
        if asked:
            yield Kind(f"lineage, {size:,} edges", "/lineage", asked, "/lineage", asked)
    names = [stack.ref(number).name for number in range(0, len(stack.layer), len(stack.layer) // questions)]
    for kind, texts in (
        ("whole name", names),
        ("last part", [name.rpartition(".")[2] for name in names]),
        ("part of a name", [name[-6:-1] for name in names]),
        ("no such name", [f"{name}-not" for name in names]),
    ):
        searched = [{"q": text} for text in texts]
        yield Kind(f"search, {kind}", "/search", searched, "/search", searched)
    shown = [{"namespace": WAREHOUSE, "name": name} for name in names]
    yield Kind("dataset", "/dataset", shown, "/dataset", shown)
    yield Kind("events", "/events", nothing, "/events", nothing)
    yield Kind("runs", "/runs", nothing, "/runs", nothing)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.web")
    parser.add_argument(
        "--databases", nargs="+", choices=("sqlite", "postgresql"), default=["sqlite", "postgresql"]
    )
    parser.add_argument("--edges", type=int, default=EDGES)
    parser.add_argument("--questions", type=int, default=40, help="of each kind")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    stack = Stack(options.edges)
    asked = list(kinds(stack, options.questions))
    for dialect in options.databases:
        with databases(dialect) as places:
            url = places.create("web")
            fill(url, stack)
            print(f"\n{dialect}, {len(stack.layer):,} datasets in the graph")
            print(
                f"{'page':28} {'p50':>7} {'p95, ms':>8} {'statements':>11} {'KB':>6} {'twin p50':>9} {'ratio':>6}"
            )
            parts = services(Settings(database=url))
            client = create_app(parts).test_client()
            for kind in asked:
                print(measure(client, parts.database, kind, options.questions), flush=True)
            parts.close()


def fill(url: str, stack: Stack) -> None:
    """Write the graph, the expectations with what was decided of them, and the runs."""
    database = Database(url)
    write(stack, database)
    late_ones = range(0, EXPECTATIONS, 2)
    settled(database, EXPECTATIONS, MIDNIGHT + 8 * HOUR, late_ones)
    feed(database, map(json.loads, events(EVENTS)), MIDNIGHT)
    projector = Projector(database, holder="bench")
    projector.take()
    while projector.step():
        pass
    projector.release()
    database.close()


def measure(client: FlaskClient, database: Database, kind: Kind, questions: int) -> str:
    """Ask for a page and for its twin in turns, and give the line of the table."""
    page, twin, weights = [], [], []
    with counted(database) as statements:
        _ask(client, kind.path, kind.queries[-1])
    _ask(client, f"/api/v2{kind.twin}", kind.twins[-1])
    pairs = itertools.cycle(zip(kind.queries, kind.twins, strict=True))
    for query, twins in itertools.islice(pairs, questions):
        seconds, weight = _ask(client, kind.path, query)
        page.append(seconds)
        weights.append(weight)
        twin.append(_ask(client, f"/api/v2{kind.twin}", twins)[0])
    middle = statistics.median(page)
    return (
        f"{kind.name:28} {middle * 1000:7.1f} {_p95(page) * 1000:8.1f} {len(statements):11} "
        f"{statistics.median(weights) / 1000:6.0f} {statistics.median(twin) * 1000:9.1f} "
        f"{middle / statistics.median(twin):6.2f}"
    )


def _ask(client: FlaskClient, path: str, query: Query) -> tuple[float, int]:
    begun = time.perf_counter()
    answer = client.get(f"{path}?{urlencode(query)}")
    seconds = time.perf_counter() - begun
    if answer.status_code != 200:
        raise RuntimeError(f"{path}: {answer.status_code}: {answer.text[-500:]}")
    return seconds, len(answer.data)


def _p95(seconds: Sequence[float]) -> float:
    return sorted(seconds)[int(len(seconds) * 0.95)]


if __name__ == "__main__":
    main()
