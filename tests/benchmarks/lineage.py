"""How fast the graph is walked: ``python -m tests.benchmarks.lineage --database sqlite --edges 10000 1000000``.

For each stack of ``tests.benchmarks.layers``: the time of a question whose answer has about 50, 500 and 5,000 edges,
at depth 2, 5 and 20, asked through ``lineage.traverse`` and over HTTP; all that lies downstream of the hub; and
beside each the time of the bare SELECT of the same edges by their keys. Each question begins at another node as long
as there are enough of them, so the pages it needs are rarely in the database's own cache in a large stack. At the end
how the p95 of a large stack compares with that of the smallest one that has such an answer, and the most memory that
this process and the server took.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import multiprocessing
import os
import resource
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

from sqlalchemy import Connection

from collector.storage.engine import Database
from collector.storage.graph import SqlGraph
from lineage.traverse import Level, traverse
from tests.benchmarks.layers import Probe, Stack, find_probes, hub_probe, write
from tests.benchmarks.server import databases, running
from tests.statements import counted

DEPTHS = (2, 5, 20)
SIZES = (50, 500, 5000)
ENOUGH = 200_000
"""Nodes that no answer here reaches."""

KEYED = {
    "postgresql": "SELECT e.job_id, e.dataset_id, e.direction, e.derivation_id, e.implied FROM edge e "
    "JOIN unnest(%s::bigint[], %s::bigint[], %s::smallint[]) AS k(job_id, dataset_id, direction) "
    "USING (job_id, dataset_id, direction) WHERE e.valid_to IS NULL",
    "sqlite": "SELECT e.job_id, e.dataset_id, e.direction, e.derivation_id, e.implied FROM json_each(?) k "
    "CROSS JOIN edge e ON e.job_id = k.value ->> 0 AND e.dataset_id = k.value ->> 1 "
    "AND e.direction = k.value ->> 2 WHERE e.valid_to IS NULL",
}
"""The edges of an answer by their keys, in one statement: nothing that has to find them can be faster."""


HEADING = (
    f"{'depth':>5} {'edges':>6} {'nodes':>6} {'traverse p50':>15} {'p95, ms':>10} {'bare p50':>9} {'p95, ms':>9} "
    f"{'ratio':>8} {'HTTP p50':>9} {'p95, ms':>10} {'statements':>6}"
)


class Loaded(NamedTuple):
    """A stack in a database, and what to ask about it."""

    url: str
    probes: dict[tuple[int, int], list[Probe]]
    hub: Probe | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Times:
    """Of one kind of question, in milliseconds."""

    p50: float
    p95: float


@dataclass(frozen=True, slots=True)
class Line:
    """What was measured of one kind of question in one stack."""

    edges: int
    depth: int
    size: int
    probes: int
    direct: Times
    bare: Times
    http: Times | None
    statements: int


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.lineage")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--edges", type=int, nargs="+", default=[10_000, 100_000], help="of each stack")
    parser.add_argument("--questions", type=int, default=60, help="of each kind")
    parser.add_argument("--level", choices=[Level.JOB.value, Level.DATASET.value], default="job")
    parser.add_argument("--no-http", action="store_true", help="through `traverse` only")
    options = parser.parse_args()
    lines: list[Line] = []
    with databases(options.database) as places:
        for edges in sorted(options.edges):
            # In a process of its own: the memory of this one is measured.
            with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as maker:
                url = places.create(f"stack_{edges}")
                loaded = maker.submit(load, url, edges, options.questions).result()
            print(f"\n{options.database}, {edges:,} edges, written in {loaded.seconds:.0f} s", flush=True)
            lines += measure(loaded, edges, Level(options.level), options.questions, not options.no_http)
    compare(lines)
    print(f"\nthis process took at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def load(url: str, edges: int, questions: int) -> Loaded:
    """Make a stack, write it, and find questions."""
    stack = Stack(edges)
    database = Database(url)
    begun = time.perf_counter()
    write(stack, database)
    seconds = time.perf_counter() - begun
    database.close()
    return Loaded(url, find_probes(stack, DEPTHS, SIZES, questions), hub_probe(stack), seconds)


def measure(loaded: Loaded, edges: int, level: Level, questions: int, over_http: bool) -> Iterator[Line]:
    """Ask all questions about one stack, and print the times."""
    database = Database(loaded.url)
    kinds = [(*kind, probes, questions) for kind, probes in loaded.probes.items() if probes]
    if loaded.hub:
        kinds.append((loaded.hub.depth, loaded.hub.size, [loaded.hub], 5))
    print(HEADING)
    with serving(loaded.url) if over_http else _nothing() as ask:
        for depth, size, probes, times in kinds:
            asked = list(itertools.islice(itertools.cycle(probes), max(times, len(probes))))

            def walked(probe: Probe) -> None:
                with database.read() as conn:
                    answer = traverse(SqlGraph(conn), probe.node, probe.way, probe.depth, level, ENOUGH)
                    if level is Level.JOB and len(answer.links) != probe.size:
                        raise RuntimeError(f"{len(answer.links)} edges instead of {probe.size}: {probe.node}")

            def selected(probe: Probe) -> None:
                with database.read() as conn:
                    if len(keyed(conn, probe)) != probe.size:
                        raise RuntimeError(f"not {probe.size} edges: {probe.node}")

            def requested(probe: Probe) -> None:
                if ask:
                    ask(probe, level)

            with counted(database) as statements:
                walked(asked[0])
            line = Line(
                edges, depth, size, len(probes), timed(walked, asked), timed(selected, asked),
                timed(requested, asked) if ask else None, len(statements),
            )  # fmt: skip
            print(_text(line), flush=True)
            yield line
    database.close()


def timed(question: Callable[[Probe], None], asked: Sequence[Probe]) -> Times:
    """Ask one question to warm up, then all, and give the time of the middle and of the slow ones."""
    question(asked[-1])
    milliseconds = []
    for probe in asked:
        begun = time.perf_counter()
        question(probe)
        milliseconds.append((time.perf_counter() - begun) * 1000)
    return Times(statistics.median(milliseconds), sorted(milliseconds)[int(len(milliseconds) * 0.95)])


def keyed(conn: Connection, probe: Probe) -> Sequence[object]:
    """Fetch the edges of an answer by their keys."""
    columns = [list(probe.keys[at::3]) for at in range(3)]
    if conn.dialect.name == "postgresql":
        return conn.exec_driver_sql(KEYED["postgresql"], tuple(columns)).all()
    return conn.exec_driver_sql(KEYED["sqlite"], (json.dumps(list(zip(*columns, strict=True))),)).all()


@contextmanager
def serving(url: str) -> Iterator[Callable[[Probe, Level], None]]:
    """Start a server; give what asks it a question and reads the answer. Print its memory at the end."""
    with running(url, projector=False, max_nodes=ENOUGH) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

        def ask(probe: Probe, level: Level) -> None:
            query = urlencode(
                {
                    "node": f"dataset:{probe.node.namespace}:{probe.node.name}",
                    "direction": probe.way.value,
                    "depth": probe.depth,
                    "level": level.value,
                    "max_nodes": ENOUGH,
                }
            )
            connection.request("GET", f"/api/v2/lineage?{query}")
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != 200:
                raise RuntimeError(f"{answer.status}: {body[:500]!r}")

        before = server_memory()
        yield ask
        connection.close()
        print(
            f"the server took {before:.0f} MB before the first question, at most {server_memory(peak=True):.0f} MB"
        )


@contextmanager
def _nothing() -> Iterator[None]:
    yield None


def server_memory(*, peak: bool = False) -> float:
    """Add up the resident memory of the processes that this one has started, now or at most, in MB."""
    name = "VmHWM" if peak else "VmRSS"
    kilobytes = 0
    for pid in _descendants(os.getpid()):
        facts = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        # A database server is among them too; each of its processes counts again the pages that all share.
        if facts["Name"].strip() != "postgres":
            kilobytes += int(facts[name].split()[0])
    return kilobytes / 1024


def _descendants(pid: int) -> Iterator[int]:
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, listed.read_text().split()):
            yield child
            yield from _descendants(child)


def compare(lines: Sequence[Line]) -> None:
    """Print how many times longer the same question takes in a larger stack, and how many times the bare SELECT."""
    for line in lines:
        first = next(each for each in lines if (each.depth, each.size) == (line.depth, line.size))
        if line is not first:
            print(
                f"depth {line.depth}, {line.size:,} edges, at {line.edges:,} against {first.edges:,}: "
                f"p95 {line.direct.p95 / first.direct.p95:.2f} times, p50 {line.direct.p50 / first.direct.p50:.2f} "
                f"times; the bare SELECT {line.bare.p95 / first.bare.p95:.2f} and "
                f"{line.bare.p50 / first.bare.p50:.2f} times"
            )


def _text(line: Line) -> str:
    over_http = f"{line.http.p50:9.1f} {line.http.p95:10.1f}" if line.http else " " * 20
    return (
        f"{line.depth:5} {line.size:6,} {line.probes:6} {line.direct.p50:15.1f} {line.direct.p95:10.1f} "
        f"{line.bare.p50:9.2f} {line.bare.p95:9.2f} {line.direct.p50 / line.bare.p50:8.1f} {over_http} "
        f"{line.statements:6}"
    )


if __name__ == "__main__":
    main()
