"""The whole graph, a few nodes at a time: for each what leads away from it."""

from __future__ import annotations

from collections.abc import Collection

from lineage.fold import LinkKind, without
from lineage.model import Direction
from lineage.traverse import Graph, Key, Link, names_of, text


def outgoing(graph: Graph, keys: Collection[Key]) -> list[Link]:
    """Give the links that begin at any of these jobs and datasets, at level ``job``, in order.

    What is hidden is no end of a link, see ``lineage.fold``; the links of all nodes are the links of the graph, each
    once.
    """
    links: dict[tuple[Key, Key, LinkKind], set[int]] = {}
    named = names_of(graph, keys)
    starts = [key for key, found in named.items() if not found.hidden]
    reached: set[Key] = set()
    frontier: Collection[Key] = starts
    while frontier:
        jobs = [id_ for type_, id_ in frontier if type_ == "job"]
        datasets = [id_ for type_, id_ in frontier if type_ == "dataset"]
        found: list[tuple[Key, Key, LinkKind]] = []
        if jobs:
            steps = graph.from_jobs(jobs, Direction.OUTPUT)
            found += [(("job", step.near), ("dataset", step.far), step.kind) for step in steps]
        if datasets:
            steps = graph.from_datasets(datasets, Direction.OUTPUT)
            found += [(("dataset", step.near), ("job", step.far), step.kind) for step in steps]
        links.update((link, set()) for link in found)
        far = {link[1] for link in found}
        named |= names_of(graph, far - named.keys())
        reached |= set(frontier)
        frontier = [key for key in far - reached if key in named and named[key].hidden]
    hidden = sorted(key for key, found in named.items() if found.hidden)
    given = {key: text(key[0], found) for key, found in named.items() if not found.hidden}
    return sorted(
        Link(given[source], given[target], kind, ())
        for source, target, kind in without(links, hidden)
        if source in given and target in given
    )
